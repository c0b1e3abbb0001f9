#include "ledger/item_counts.h"

namespace jangbu::ledger {

Counts CountsOf(const Item& item) {
  Counts c;
  c.documents = 1;
  switch (item.verdict) {
    case Verdict::kAccepted:
      c.accepted = 1;
      break;
    case Verdict::kExactDuplicate:
      c.exact_duplicate = 1;
      break;
    case Verdict::kNearDuplicate:
      c.near_duplicate = 1;
      break;
    case Verdict::kRejected:
      c.rejected = 1;
      return c;
  }
  c.chars = item.chars;
  c.syllables = item.syllables;
  c.words = item.words;
  c.tokens = item.tokens;
  c.korean_words = item.korean_words;
  c.korean_tokens = item.korean_tokens;
  c.novel_korean_words = item.novel_korean_words;
  c.novel_korean_tokens = item.novel_korean_tokens;
  return c;
}

}  // namespace jangbu::ledger
