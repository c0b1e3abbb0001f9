#pragma once

// Old Hangul of Hanyang's fonts (한양 PUA) as conjoining jamo.
//
// Hangul word processors of the nineties and the corpora made with them hold syllables older than
// 1933 as code points of the private use area: 5,299 syllables at U+E0BC-EFFF and U+F100-F66E, and
// 362 letters at U+F784-F8F7. KS X 1026-1 (2007) wants conjoining jamo for them. The table is that
// of the Korean TeX Users Group's Hanyang PUA Table Project.

#include <cstdint>
#include <string>
#include <string_view>

namespace jangbu::ingest {

// What a code point of Hanyang's stands for, as UTF-8 of conjoining jamo (L V [T] of a syllable,
// one of a letter, nothing for the filler of finals U+F86A); a view with data() == nullptr when it
// is none of them. Stays valid. Thread-safe, O(1).
std::string_view HanyangJamo(char32_t code_point);

// Puts jamo in place of every such code point in `utf8` and says how many there were; everything
// else, other code points of the private use area too, stays. What comes out is at most three times
// as long and not yet normalised. One pass, memory speed where there are none.
//
// REQUIRES: valid UTF-8.
struct HanyangMapped {
  std::string utf8;
  uint64_t mapped = 0;
};
HanyangMapped MapHanyangPua(std::string&& utf8);

}  // namespace jangbu::ingest
