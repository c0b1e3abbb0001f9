#pragma once

// The neighbourhood of a place in a text, as the matchers read it: one cell a code point, widths,
// dashes, dots and digits of other scripts folded to ASCII, letters lower-cased, joiners left out.
// Private to this folder.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ingest/text/utf8.h"

namespace jangbu::ingest::internal {

// What a code point reads as; 0 when it is read through (joiners, variation selectors, keycaps).
char32_t FoldRare(char32_t cp);
inline char32_t Fold(char32_t cp) {
  // ASCII and Hangul syllables stay.
  return cp < 0x80 || cp - 0xAC00u < 11172u ? cp : FoldRare(cp);
}

inline bool IsDigit(char32_t c) { return c >= U'0' && c <= U'9'; }
inline bool IsLatin(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
inline bool IsHangul(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }

struct Cell {
  char32_t c = 0;      // folded; ASCII letters keep their case
  uint32_t begin = 0;  // bytes in the text
  uint32_t end = 0;
};

// Cells around a place, decoded as they are asked for. Reads at most kBack code points before the
// place that Move was given; asking past either end gives U+0000, which is in no canonical text.
class FoldedText {
 public:
  static constexpr int kBack = 128;
  // Decoded at a time, and how far ahead decoding goes on rather than beginning again.
  static constexpr int kAtOnce = 32;
  static constexpr size_t kAhead = 768;  // bytes

  explicit FoldedText(std::string_view text) : text_(text) {}

  // Makes the code point at `byte` cell number At(). Cells already decoded are kept where they can.
  size_t Move(size_t byte);

  char32_t operator[](size_t i) {
    while (i >= cells_.size()) {
      if (!Extend()) return 0;
    }
    return cells_[i].c;
  }
  // REQUIRES: the cell exists.
  const Cell& cell(size_t i) const { return cells_[i]; }
  size_t decoded_to() const { return next_; }

 private:
  bool Extend();

  std::string_view text_;
  std::vector<Cell> cells_;
  size_t next_ = 0;  // first byte not decoded
};

}  // namespace jangbu::ingest::internal
