#include "ingest/text/nfc.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "ingest/text/code_points.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest::internal {
namespace {

const icu::Normalizer2& Nfd() {
  static const icu::Normalizer2* const nfd = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* n = icu::Normalizer2::getNFDInstance(error);
    JANGBU_CHECK(U_SUCCESS(error));
    return n;
  }();
  return *nfd;
}

const icu::Normalizer2& Nfc() {
  static const icu::Normalizer2* const nfc = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* n = icu::Normalizer2::getNFCInstance(error);
    JANGBU_CHECK(U_SUCCESS(error));
    return n;
  }();
  return *nfc;
}

uint8_t CombiningClass(char32_t cp) { return u_getCombiningClass(static_cast<UChar32>(cp)); }

// Stable order by combining class within each run of marks. The class rides in the top byte while
// sorting.
void OrderMarks(std::u32string& text) {
  constexpr int kShift = 24;
  size_t i = 0;
  while (i < text.size()) {
    if (CombiningClass(text[i]) == 0) {
      ++i;
      continue;
    }
    const size_t begin = i;
    bool ordered = true;
    uint8_t last = 0;
    for (uint8_t cc; i < text.size() && (cc = CombiningClass(text[i])) != 0; ++i) {
      ordered = ordered && last <= cc;
      last = cc;
      text[i] |= static_cast<char32_t>(cc) << kShift;
    }
    const auto first = text.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(i);
    if (!ordered) {
      std::stable_sort(first, end,
                       [](char32_t a, char32_t b) { return (a >> kShift) < (b >> kShift); });
    }
    std::for_each(first, end, [](char32_t& cp) { cp &= (char32_t{1} << kShift) - 1; });
  }
}

}  // namespace

void DecomposeCanonically(std::u32string& text) {
  std::u32string out;
  out.reserve(text.size() + 8);
  icu::UnicodeString decomposition;
  for (const char32_t cp : text) {
    if (IsSyllable(cp) || !Nfd().getDecomposition(static_cast<UChar32>(cp), decomposition)) {
      out.push_back(cp);
      continue;
    }
    for (int32_t i = 0; i < decomposition.length(); i = decomposition.moveIndex32(i, 1)) {
      out.push_back(static_cast<char32_t>(decomposition.char32At(i)));
    }
  }
  text.swap(out);
}

void ComposeMarks(std::u32string& text) {
  OrderMarks(text);
  constexpr size_t kNone = SIZE_MAX;
  size_t kept = 0;         // text[0, kept) is done
  size_t starter = kNone;  // the last starter among them
  uint8_t last_class = 0;  // of text[kept - 1]
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t cp = text[i];
    const uint8_t cc = CombiningClass(cp);
    const bool blocked = starter == kNone || (starter + 1 != kept && last_class >= cc);
    if (!blocked && !IsVowelJamo(cp) && !IsTailJamo(cp)) {
      const UChar32 joined =
          Nfc().composePair(static_cast<UChar32>(text[starter]), static_cast<UChar32>(cp));
      if (joined >= 0) {
        text[starter] = static_cast<char32_t>(joined);
        continue;
      }
    }
    if (cc == 0) starter = kept;
    last_class = cc;
    text[kept++] = cp;
  }
  text.resize(kept);
}

void AppendJoiningHangul(char32_t cp, size_t floor, std::string& out) {
  if ((IsVowelJamo(cp) || IsTailJamo(cp)) && out.size() >= floor + 3) {
    const char* last = out.data() + out.size() - 3;
    const auto lead = static_cast<unsigned char>(*last);
    if (lead >= 0xE1 && lead <= 0xED) {  // three-byte sequences; jamo and syllables are among them
      const char32_t joined = JoinHangul(DecodeUtf8(last), cp);
      if (joined != 0) {
        out.resize(out.size() - 3);
        AppendUtf8(joined, out);
        return;
      }
    }
  }
  AppendUtf8(cp, out);
}

}  // namespace jangbu::ingest::internal
