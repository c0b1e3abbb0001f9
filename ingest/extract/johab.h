#pragma once

// Johab (조합형, KS X 1001 annex 3, CP1361): a syllable is 1, then five bits each of initial, vowel
// and final; symbols and Han are those of KS X 1001 by arithmetic.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jangbu::ingest {

struct JohabText {
  std::string utf8;
  // Offset of the first byte that means nothing in Johab; the input's size when there is none.
  size_t bad_at = 0;
};

// Decodes up to the first bad byte. Bytes below 0x80 are ASCII; a code with an initial, a vowel or
// a final alone is that compatibility jamo. Linear. Thread-safe.
JohabText DecodeJohab(std::string_view bytes);

// As Cp949Tally: `common_hangul` are the 2,350 of KS X 1001.
struct JohabTally {
  uint64_t common_hangul = 0, other_hangul = 0, han = 0, other = 0, bad = 0;
};
JohabTally TallyJohab(std::string_view bytes);

}  // namespace jangbu::ingest
