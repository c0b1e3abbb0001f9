#pragma once

// What each code point does in canonical text, in the comparison form and in counts: one byte each,
// looked up by the fast loops of this folder. Private to it. Filled from ICU on first use (a few
// milliseconds per plane), immutable afterwards, so thread-safe.

#include <cstdint>
#include <string_view>

namespace jangbu::ingest::internal {

// In canonical text.
enum class Canonical : uint8_t {
  kKept,   // stays itself whatever stands before it: NFC_QC=Yes, combining class 0, boundary before
  kSpace,  // becomes U+0020
  kBreak,  // becomes U+000A
  kRemoved,  // disappears before NFC
  kJamo,     // a vowel or final jamo that joins a Hangul syllable before it
  kHard,     // NFC may change, move or join it
};

// In the comparison form.
enum class Form : uint8_t {
  kCopied,    // a letter or digit that stays itself
  kDropped,   // no letter or digit, but still keeps its neighbours apart while NFC is taken
  kVanishes,  // removed before NFC: U+318D and default-ignorables
  kMapped,    // becomes FormMapping(cp), whatever stands around it
  kJamo,  // becomes FormMapping(cp), a vowel or final jamo that joins a Hangul syllable before it
  kHard,  // depends on its neighbours
};

enum class Letter : uint8_t {
  kNone,    // not L*
  kOther,   // L* of any other script
  kHangul,  // L* of script Hangul
  kHan,     // L* of script Han
};

// Canonical in bits 0-2, Form in bits 3-5, Letter in bits 6-7.
using Packed = uint8_t;
constexpr Canonical CanonicalOf(Packed p) { return static_cast<Canonical>(p & 7); }
constexpr Form FormOf(Packed p) { return static_cast<Form>((p >> 3) & 7); }
constexpr Letter LetterOf(Packed p) { return static_cast<Letter>(p >> 6); }

// The Basic Multilingual Plane, indexed by code point.
const Packed* BmpTable();

// Any code point. Planes 0-3 by table, the rest by rule.
Packed Classify(char32_t cp);

// What a kMapped or kJamo code point becomes, as UTF-8. Lives for ever.
std::string_view FormMapping(char32_t cp);

// Hangul syllable arithmetic (The Unicode Standard 15.0, section 3.12).
constexpr bool IsSyllable(char32_t cp) { return cp - 0xAC00u < 11172u; }
constexpr bool IsLeadJamo(char32_t cp) { return cp - 0x1100u < 19u; }
constexpr bool IsVowelJamo(char32_t cp) { return cp - 0x1161u < 21u; }
constexpr bool IsTailJamo(char32_t cp) { return cp - 0x11A8u < 27u; }
// Joins two adjacent code points, or gives 0 when they do not join.
constexpr char32_t JoinHangul(char32_t a, char32_t b) {
  if (IsLeadJamo(a) && IsVowelJamo(b)) return 0xAC00 + ((a - 0x1100) * 21 + (b - 0x1161)) * 28;
  if (IsSyllable(a) && (a - 0xAC00) % 28 == 0 && IsTailJamo(b)) return a + (b - 0x11A7);
  return 0;
}

}  // namespace jangbu::ingest::internal
