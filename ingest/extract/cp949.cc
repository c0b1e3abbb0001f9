#include "ingest/extract/cp949.h"

#include <unicode/ucnv.h>

#include <array>
#include <optional>

#include "base/check.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

constexpr unsigned kFirstLead = 0x81, kLastLead = 0xFE;
constexpr unsigned kFirstTrail = 0x41, kLastTrail = 0xFE;
constexpr size_t kTrails = kLastTrail - kFirstTrail + 1;

// By lead and trail byte; 0 for pairs without a meaning. CP949 stays inside the Basic Multilingual
// Plane.
using Table = std::array<char16_t, (kLastLead - kFirstLead + 1) * kTrails>;

const Table& Pairs() {
  static const Table& table = *[] {
    auto* t = new Table{};
    UErrorCode error = U_ZERO_ERROR;
    // Not "EUC-KR" nor "ibm-949": those turn pairs they lack into control characters.
    UConverter* converter = ucnv_open("windows-949", &error);
    JANGBU_CHECK(U_SUCCESS(error));
    ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
    JANGBU_CHECK(U_SUCCESS(error));
    for (unsigned lead = kFirstLead; lead <= kLastLead; ++lead) {
      for (unsigned trail = kFirstTrail; trail <= kLastTrail; ++trail) {
        const char pair[] = {static_cast<char>(lead), static_cast<char>(trail)};
        UChar units[4];
        error = U_ZERO_ERROR;
        ucnv_reset(converter);
        const int32_t size = ucnv_toUChars(converter, units, 4, pair, 2, &error);
        const bool one = U_SUCCESS(error) && size == 1;
        if (one && units[0] >= 0xA0)
          (*t)[(lead - kFirstLead) * kTrails + (trail - kFirstTrail)] = units[0];
      }
    }
    ucnv_close(converter);
    return t;
  }();
  return table;
}

char16_t PairAt(const Table& pairs, std::string_view bytes, size_t i) {
  if (bytes.size() - i < 2) return 0;
  const auto lead = static_cast<unsigned char>(bytes[i]);
  const auto trail = static_cast<unsigned char>(bytes[i + 1]);
  if (lead < kFirstLead || lead > kLastLead || trail < kFirstTrail || trail > kLastTrail) return 0;
  return pairs[(lead - kFirstLead) * kTrails + (trail - kFirstTrail)];
}

// Position of a compatibility jamo among the initials, or -1.
int InitialOf(char16_t jamo) {
  static constexpr std::u16string_view kInitials = u"ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
  const size_t at = kInitials.find(jamo);
  return at == std::u16string_view::npos ? -1 : static_cast<int>(at);
}

// Position among the finals, 0 for the filler, or -1.
int FinalOf(char16_t jamo) {
  static constexpr std::u16string_view kFinals =
      u"\u3164ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
  const size_t at = kFinals.find(jamo);
  return at == std::u16string_view::npos ? -1 : static_cast<int>(at);
}

// The syllable spelled by the eight bytes at `i`, which begin with a filler; 0 when they spell
// none.
char32_t SpelledSyllable(const Table& pairs, std::string_view bytes, size_t i) {
  if (bytes.size() - i < 8) return 0;
  const int initial = InitialOf(PairAt(pairs, bytes, i + 2));
  const int vowel = static_cast<int>(PairAt(pairs, bytes, i + 4)) - 0x314F;
  const int final = FinalOf(PairAt(pairs, bytes, i + 6));
  if (initial < 0 || vowel < 0 || vowel > 20 || final < 0) return 0;
  return static_cast<char32_t>(0xAC00 + (initial * 21 + vowel) * 28 + final);
}

}  // namespace

Cp949Text DecodeCp949(std::string_view bytes) {
  const Table& pairs = Pairs();
  Cp949Text text;
  text.utf8.resize(bytes.size() + bytes.size() / 2 + 4);  // two bytes become three at most
  char* out = text.utf8.data();
  size_t i = 0;
  while (i < bytes.size()) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) {
      *out++ = static_cast<char>(lead);
      ++i;
      continue;
    }
    const char16_t cp = PairAt(pairs, bytes, i);
    if (cp == 0) break;
    if (cp == 0x3164) {
      if (const char32_t syllable = SpelledSyllable(pairs, bytes, i); syllable != 0) {
        out += EncodeUtf8(syllable, out);
        i += 8;
        continue;
      }
    }
    out += EncodeUtf8(cp, out);
    i += 2;
  }
  text.utf8.resize(static_cast<size_t>(out - text.utf8.data()));
  text.bad_at = i;
  return text;
}

Cp949Tally TallyCp949(std::string_view bytes) {
  const Table& pairs = Pairs();
  Cp949Tally tally;
  size_t i = 0;
  while (i < bytes.size()) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const char16_t cp = PairAt(pairs, bytes, i);
    if (cp == 0) {
      ++tally.bad;
      ++i;
      continue;
    }
    if (cp == 0x3164 && SpelledSyllable(pairs, bytes, i) != 0) {
      i += 8;
      continue;
    }
    const auto trail = static_cast<unsigned char>(bytes[i + 1]);
    if (cp >= 0xAC00 && cp <= 0xD7A3) {
      ++(lead >= 0xA1 && trail >= 0xA1 ? tally.common_hangul : tally.other_hangul);
    } else if ((cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0xF900 && cp <= 0xFAFF)) {
      ++tally.han;
    } else {
      ++tally.other;
    }
    i += 2;
  }
  return tally;
}

}  // namespace jangbu::ingest
