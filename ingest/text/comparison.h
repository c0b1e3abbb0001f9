#pragma once

// The comparison form: what duplicates and leaks are judged on, and nothing else. Spacing,
// punctuation, width, case and invisible characters do not make text new.
//
//   1. U+318D (ㆍ) is dropped.
//   2. NFKC_Casefold (The Unicode Standard 15.0, section 3.13; it drops default-ignorables, Hangul
//   fillers included).
//   3. Only letters and digits (L*, N*) are kept.
//   4. NFC.
//
// Law (tests/ingest/text): the form of a form is itself. It was checked for every code point, so
// one pass is enough.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/text/segments.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {

// The comparison form of a whole text as one stream, in UTF-8: line breaks go as all other white
// space does. Empty when the text has no letter and no digit. At most eleven times as long as the
// text (U+FDFA), for ordinary text shorter. Pure, thread-safe, linear.
//
// REQUIRES: valid UTF-8; the house passes canonical text.
std::string ComparisonForm(std::string_view canonical);

// The comparison form of a document with the places of its segments.
//
// A segment's form taken alone and its stretch of the stream are the same, save where jamo stand at
// its edges: the stream is NFC as a whole, so "ㄱ" ending one segment and "ㅏ" beginning the next
// are one syllable of the stream. Such a code point belongs to the segment it begins in.
class SegmentForms {
 public:
  // ComparisonForm of the document.
  const std::string& stream() const { return stream_; }

  size_t size() const { return begin_.size() - 1; }

  // Where segment `i` begins in the stream, in bytes, always at a code point; StreamBegin(size())
  // is the stream's end. Never decreasing. Segments with no letter and no digit are empty.
  size_t StreamBegin(size_t i) const { return begin_[i]; }
  std::string_view InStream(size_t i) const {
    return std::string_view(stream_).substr(begin_[i], begin_[i + 1] - begin_[i]);
  }

  // The comparison form of segment `i` as a segment, that is, of its text alone. Valid while this
  // object lives.
  std::string_view Alone(size_t i) const;

 private:
  friend SegmentForms FormsOfSegments(std::string_view, const std::vector<Segment>&);

  struct Differing {
    size_t segment;
    std::string alone;
  };

  std::string stream_;
  std::vector<size_t> begin_{0};
  std::vector<Differing> differing_;  // ascending by segment; nearly always empty
};

// REQUIRES: `segments` are those of `canonical`.
SegmentForms FormsOfSegments(std::string_view canonical, const std::vector<Segment>& segments);

}  // namespace jangbu::ingest
