#include "ingest/dedup/novelty.h"

#include "base/check.h"

namespace jangbu::ingest {

NovelCounts CreditOf(const std::vector<SegmentOffer>& offers, const std::vector<Owner>& owners,
                     const Owner& self) {
  JANGBU_CHECK(offers.size() == owners.size());
  NovelCounts credit;
  for (size_t i = 0; i < offers.size(); ++i) {
    if (owners[i] != self) continue;
    credit.korean_tokens += offers[i].korean_tokens;
    credit.korean_words += offers[i].korean_words;
  }
  return credit;
}

}  // namespace jangbu::ingest
