#pragma once

// Segments (문단) of a canonical text, and what is counted in them.
//
// A segment is the text between line breaks; empty lines are not segments. Definitions, exact, so
// that two programs agree to the word:
//
//   chars        code points
//   syllables    U+AC00-U+D7A3
//   words        어절: maximal runs of non-white-space
//   letters      general category L*
//   Hangul       letters of script Hangul: syllables, jamo of every block, halfwidth and filler
//   letters Han          letters of script Han (so U+3007, a number, is none) korean       at least
//   one syllable; Hangul at least 30 % of the letters that are not Han, at least 10 % of
//                Hangul + Han, and at least 10 % of the code points that are not white space
//   korean_words of a Korean segment, its 어절 with at least one letter, but at most
//                ⌈(syllables + Han) ÷ 1.5⌉, so that spaces between syllables earn nothing; of
//                another, 0
//
// All arithmetic is on integers. Everything here is pure, thread-safe and linear.

#include <cstdint>
#include <string_view>
#include <vector>

namespace jangbu::ingest {

// 28 bytes, so that a text of nothing but one-letter lines costs 14 times its size, not 30.
struct Segment {
  uint32_t begin = 0;  // byte offset in the canonical text
  uint32_t size = 0;   // bytes, at least 1, without the line break
  uint32_t chars = 0;
  uint32_t syllables = 0;
  uint32_t words = 0;
  uint32_t korean_words = 0;
  bool korean = false;

  // The segment's text: a view into `canonical`.
  std::string_view Text(std::string_view canonical) const { return canonical.substr(begin, size); }

  friend bool operator==(const Segment&, const Segment&) = default;
};

// In order of the text.
//
// REQUIRES: `canonical` came from Canonicalize and is shorter than 4 GiB.
std::vector<Segment> Segments(std::string_view canonical);

// Of a whole canonical text; `chars` includes its line breaks.
struct TextCounts {
  uint64_t chars = 0;
  uint64_t syllables = 0;
  uint64_t words = 0;

  friend bool operator==(const TextCounts&, const TextCounts&) = default;
};

// REQUIRES: `canonical` came from Canonicalize.
TextCounts CountText(std::string_view canonical);
// The same from its segments, without reading the text again.
TextCounts CountText(std::string_view canonical, const std::vector<Segment>& segments);

}  // namespace jangbu::ingest
