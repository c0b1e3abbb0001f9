#pragma once

// What a document offers as new.
//
// A document *offers* its segments, each distinct comparison form once, in order, with what it
// would earn. Who settles a document decides which offers are novel (document_form.h, coverage.h):
// those shorter than the shortest run by claiming their keys in the order of the journal, the
// others by the runs that they share with the reference text. Only novel offers are credited.

#include <cstdint>
#include <vector>

#include "base/key_index.h"

namespace jangbu::ingest {

// No digest: an offer whose segment is judged by runs alone.
inline constexpr Key kNoKey{};

struct SegmentOffer {
  Key key = kNoKey;            // of a segment shorter than kMaxMinRun code points
  uint32_t korean_tokens = 0;  // 0 when the segment is not Korean
  uint32_t korean_words = 0;
  bool operator==(const SegmentOffer&) const = default;
};

struct NovelCounts {
  int64_t korean_tokens = 0;
  int64_t korean_words = 0;
  bool operator==(const NovelCounts&) const = default;
};

}  // namespace jangbu::ingest
