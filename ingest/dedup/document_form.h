#pragma once

// A document as novelty is judged: its comparison form as one stream of code points, and where the
// segments stand in it that it offers as new.
//
// Offered are the distinct comparison forms of its segments, each where it stands first, save those
// that cannot be credited (neither Korean nor holding a Hangul syllable). A pure function of the
// canonical text, so whoever needs it again makes it again.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/dedup/novelty.h"
#include "ingest/dedup/run_index.h"
#include "ingest/text/comparison.h"
#include "ingest/text/segments.h"

namespace jangbu::ingest {

struct OfferedStretch {
  uint32_t segment = 0;  // number of the segment in the text
  uint32_t begin = 0;    // its stretch of the stream, in code points
  uint32_t end = 0;
  uint32_t length = 0;  // code points of its comparison form as a segment
  bool operator==(const OfferedStretch&) const = default;
};

struct DocumentForm {
  std::u32string stream;
  std::vector<uint32_t> bounds;  // see SegmentBounds
  std::vector<OfferedStretch> offers;
};

// REQUIRES: `segments` and `forms` are of one canonical text. Linear.
DocumentForm FormOfDocument(const std::vector<Segment>& segments, const SegmentForms& forms);
// REQUIRES: `canonical` came from Canonicalize.
DocumentForm FormOfDocument(std::string_view canonical);

// How novelty is judged; see coverage.h for the words. Shares are millionths.
struct NoveltyRule {
  uint32_t min_run = kMinRun;    // shortest run that counts, and shortest segment judged by runs;
                                 // kMinRun … kMaxMinRun
  uint32_t near_ppm = 800'000;   // of the stream, by one earlier document
  uint32_t novel_ppm = 500'000;  // of a segment: from here on it is not novel
  bool operator==(const NoveltyRule&) const = default;
};
// Segments shorter than this are named in the key index: those that some rule may judge as a whole.
inline constexpr uint32_t kMaxMinRun = 64;

// The least coverage by one earlier document that makes a text of `length` near.
constexpr size_t NearThreshold(size_t length, const NoveltyRule& rule) {
  return (length * rule.near_ppm + 999'999) / 1'000'000;
}
// Covered ÷ length in millionths, rounded down. REQUIRES: covered <= length, length > 0.
constexpr uint32_t ShareOf(size_t covered, size_t length) {
  return static_cast<uint32_t>(covered * 1'000'000 / length);
}

// The credit of a document: the sum over its novel offers. Novel is an offer whose stretch is
// covered by less than rule.novel_ppm and, if its form is shorter than rule.min_run, whose form the
// reference has as no segment. Both: a copy broken into lines shorter than a run lies in runs all
// the same.
//
// `form` is the document's, `offers` belong to form.offers one to one, `covered` are the code
// points of the stream in runs of the reference and of the document's own earlier segments.
// `free[i]` says of an offer shorter than rule.min_run that the reference has no such segment; it
// is not looked at for others.
NovelCounts CreditOf(const DocumentForm& form, const std::vector<SegmentOffer>& offers,
                     const Intervals& covered, const std::vector<bool>& free,
                     const NoveltyRule& rule);
// What CreditOf has to know of `covered`: with intervals that answer these questions as `covered`
// does, it gives the same. Ascending.
std::vector<CoverQuestion> QuestionsOf(const DocumentForm& form,
                                       const std::vector<SegmentOffer>& offers,
                                       const std::vector<bool>& free, const NoveltyRule& rule);

}  // namespace jangbu::ingest
