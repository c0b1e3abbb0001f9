#pragma once

// Canonical text: what is stored, counted, exported and audited. In this order:
//
//   1. CRLF, CR, VT, FF, U+0085, U+2028 and U+2029 become LF; tab, U+001C-1F and every Zs become a
//   space; other
//      controls (Cc) and U+00AD 180E 200B 200E 200F 202A-202E 2060 2066-2069 FEFF are removed. The
//      joiners U+200C and U+200D stay.
//   2. Unicode normalisation form C (UAX #15).
//   3. Runs of spaces become one; lines are trimmed; runs of empty lines become one, with none at
//   either end.
//
// Laws (tests/ingest/text): canonicalising twice equals once; the result is valid UTF-8; its only
// white space is U+0020 and U+000A; it never begins or ends with either.

#include <string>
#include <string_view>

namespace jangbu::ingest {

// The canonical text of `utf8`, at most three times as long. Pure, thread-safe, linear in its size
// (n log n in runs of combining marks), whatever the text.
//
// REQUIRES: valid UTF-8.
std::string Canonicalize(std::string_view utf8);

// True when the canonical text is empty: nothing but white space and what is removed. Stops at the
// first visible code point.
//
// REQUIRES: valid UTF-8.
bool IsBlank(std::string_view utf8);

}  // namespace jangbu::ingest
