#pragma once

// Windows code page 949: KS X 1001 (EUC-KR) and the 8,822 syllables it lacks.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jangbu::ingest {

struct Cp949Text {
  std::string utf8;
  // Offset of the first byte that means nothing in CP949; the input's size when there is none.
  size_t bad_at = 0;
};

// Decodes up to the first bad byte. Bytes below 0x80 are ASCII. 0x80, 0xFF, a lead byte without its
// trail byte and pairs without a meaning are bad; nothing ever becomes a control character or a
// replacement.
//
// KS X 1001's eight-byte spelling of a syllable outside the 2,350 (the filler U+3164, then an
// initial, a vowel, and a final or another filler) becomes that syllable.
//
// Linear; the table is made from ICU's windows-949 on first use. Thread-safe.
Cp949Text DecodeCp949(std::string_view bytes);

// What the double-byte code points of `bytes` are, for judging whether it is CP949 at all. Bad
// bytes are stepped over.
struct Cp949Tally {
  uint64_t common_hangul = 0;  // of the 2,350 syllables of KS X 1001
  uint64_t other_hangul = 0;   // of the 8,822 others
  uint64_t han = 0;
  uint64_t other =
      0;  // symbols, jamo, kana, user-defined; syllables spelled in eight bytes are counted nowhere
  uint64_t bad = 0;
};
Cp949Tally TallyCp949(std::string_view bytes);

}  // namespace jangbu::ingest
