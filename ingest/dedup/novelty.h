#pragma once

// Novelty: which parts of a document were not there before.
//
// A document *offers* its segments, each distinct comparison form once, in order, with what it
// would earn. Who settles a document claims the offers' keys in the order of the journal; an offer
// whose key was free is novel, and only novel offers are credited. The rule: a segment is novel if
// its whole comparison form, as a segment, is not in the reference text; a segment repeated inside
// one document is novel once.

#include <cstdint>
#include <vector>

#include "base/key_index.h"

namespace jangbu::ingest {

struct SegmentOffer {
  Key key{};
  uint32_t korean_tokens = 0;  // 0 when the segment is not Korean
  uint32_t korean_words = 0;
  bool operator==(const SegmentOffer&) const = default;
};

struct NovelCounts {
  int64_t korean_tokens = 0;
  int64_t korean_words = 0;
  bool operator==(const NovelCounts&) const = default;
};

// The credit of a document whose offers were claimed in its name: the sum over those it holds.
// `owners[i]` holds offer i. REQUIRES: as many owners as offers.
NovelCounts CreditOf(const std::vector<SegmentOffer>& offers, const std::vector<Owner>& owners,
                     const Owner& self);

}  // namespace jangbu::ingest
