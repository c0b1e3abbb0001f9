#pragma once

// What covered runs mean: which segments of a document are novel, and when it is a near duplicate.
// Rules on integers, over answers of the run index (run_index.h); no text is looked up here.
//
//   novel      a segment of which less than half of the comparison form lies in runs of 24 or more
//              code points that occur in the reference text. Segments are judged inside the
//              document's stream: a run may begin in one and end in another. A segment repeated
//              inside one document is novel once. One whose form is shorter than 24 is novel if its
//              whole form, as a segment, is not in the reference text: that the key index knows.
//   near       at least 80 % of the document's stream lies in runs of 24 or more found in one
//   earlier
//              document.
//
// Everything here is pure and thread-safe; lengths and places count code points.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ingest/dedup/run_index.h"
#include "ingest/text/comparison.h"

namespace jangbu::ingest {

enum class SegmentNovelty : uint8_t {
  kEmpty,     // no letter and no digit: nothing to be new
  kNovel,     // 24 or more, less than half of it covered
  kCovered,   // 24 or more, half of it or more covered
  kRepeated,  // the same form as an earlier segment of the document
  kShort,     // fewer than 24: novel if the reference text has no such segment
};

struct JudgedSegment {
  SegmentNovelty novelty = SegmentNovelty::kEmpty;
  uint32_t length = 0;   // of its stretch of the stream
  uint32_t covered = 0;  // of it, in runs
  bool operator==(const JudgedSegment&) const = default;
};

// Where each segment's stretch of the stream begins; one more entry, the stream's length, at the
// end. Ascending.
std::vector<uint32_t> SegmentBounds(const SegmentForms& forms);

// One for each segment of the document, in order. `covered` is RunView::Covered of the stream.
std::vector<JudgedSegment> JudgeSegments(const SegmentForms& forms, const Intervals& covered);

// Code points of [begin, end) that lie in `intervals`.
uint32_t CoveredWithin(const Intervals& intervals, uint32_t begin, uint32_t end);
// Of all.
uint32_t CoveredLength(const Intervals& intervals);

// Both together.
Intervals Union(const Intervals& a, const Intervals& b);

// The least coverage by one earlier document that makes a text of `length` a near duplicate:
// ⌈4 · length ÷ 5⌉. What to ask RunView::Nearest for; a text shorter than 24 is never one.
constexpr size_t NearThreshold(size_t length) { return length - length / 5; }

// Which code points lie in runs of `min_run` or more that stand, whole, in the text before the
// segment they belong to: what the document says again of itself. `bounds` are SegmentBounds of
// `text`. With these added to `covered`, light noise does not make the second copy inside one
// document new either. About 6 ns a code point where nothing repeats, 100 where something does.
//
// REQUIRES: min_run >= 24.
Intervals CoveredBySelf(const RunHasher& hasher, std::u32string_view text,
                        const std::vector<uint32_t>& bounds, size_t min_run = kMinRun);

}  // namespace jangbu::ingest
