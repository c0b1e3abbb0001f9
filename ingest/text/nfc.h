#pragma once

// Unicode normalisation form C (UAX #15) for the stretches the fast loops cannot copy. Private to
// this folder.
//
// Linear, or n log n in runs of combining marks: the library's own routine walks back over all
// marks at every mark out of order, which a hostile text turns into hours.

#include <string>

namespace jangbu::ingest::internal {

// Replaces every code point by its canonical decomposition. Hangul syllables stay whole (see
// ComposeMarks).
void DecomposeCanonically(std::u32string& text);

// The other half of NFC over decomposed text: puts marks into canonical order, then composes.
// Hangul is left as it stands: jamo are joined where text is appended (AppendJoiningHangul), which
// needs no look-ahead.
void ComposeMarks(std::u32string& text);

// Appends `cp` to `out`; a vowel or final jamo joins the syllable that ends `out`, unless that
// starts before `floor`.
void AppendJoiningHangul(char32_t cp, size_t floor, std::string& out);

}  // namespace jangbu::ingest::internal
