#include "ingest/extract/johab.h"

#include <array>
#include <bitset>

#include "ingest/extract/cp949.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

// Five bits → position among the 19 initials, 21 vowels, 27 finals (0 is none); -1 means nothing,
// -2 the filler.
constexpr int kInitials[32] = {-1, -2, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                               14, 15, 16, 17, 18, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
constexpr int kVowels[32] = {-1, -1, -2, 0,  1,  2,  3,  4,  -1, -1, 5,  6,  7,  8,  9,  10,
                             -1, -1, 11, 12, 13, 14, 15, 16, -1, -1, 17, 18, 19, 20, -1, -1};
constexpr int kFinals[32] = {-1, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                             15, 16, -1, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, -1, -1};
constexpr std::u16string_view kInitialJamo = u"ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
constexpr std::u16string_view kFinalJamo =
    u"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";

// The code point of a Hangul code; 0 when it has none.
char32_t Hangul(unsigned code) {
  const int initial = kInitials[(code >> 10) & 31], vowel = kVowels[(code >> 5) & 31],
            final = kFinals[code & 31];
  if (initial == -1 || vowel == -1 || final == -1) return 0;
  if (initial >= 0 && vowel >= 0)
    return static_cast<char32_t>(0xAC00 + (initial * 21 + vowel) * 28 + final);
  if (initial >= 0 && vowel == -2 && final == 0) return kInitialJamo[static_cast<size_t>(initial)];
  if (initial == -2 && vowel >= 0 && final == 0) return static_cast<char32_t>(0x314F + vowel);
  if (initial == -2 && vowel == -2 && final > 0) return kFinalJamo[static_cast<size_t>(final - 1)];
  return 0;
}

// Rows of symbols (0xD9-0xDE) and Han (0xE0-0xF9): two rows of KS X 1001 in each lead byte.
char32_t Other(unsigned lead, unsigned trail) {
  const bool symbols = lead >= 0xD9 && lead <= 0xDE, han = lead >= 0xE0 && lead <= 0xF9;
  if (!symbols && !han) return 0;
  unsigned row = symbols ? (lead - 0xD9) * 2 + 0x21 : (lead - 0xE0) * 2 + 0x4A;
  unsigned cell = 0;
  if (trail >= 0x31 && trail <= 0x7E) {
    cell = trail - 0x31 + 0x21;
  } else if (trail >= 0x91 && trail <= 0xA0) {
    cell = trail - 0x91 + 0x6F;
  } else if (trail >= 0xA1 && trail <= 0xFE) {
    ++row;
    cell = trail - 0xA1 + 0x21;
  } else {
    return 0;
  }
  const char pair[] = {static_cast<char>(row | 0x80), static_cast<char>(cell | 0x80)};
  const Cp949Text text = DecodeCp949({pair, 2});
  if (text.bad_at != 2) return 0;
  const char* p = text.utf8.data();
  return DecodeUtf8(p);
}

using Table = std::array<char16_t, 128 * 256>;  // by lead - 0x80 and trail

const Table& Pairs() {
  static const Table& table = *[] {
    auto* t = new Table{};
    for (unsigned lead = 0x84; lead <= 0xF9; ++lead) {
      for (unsigned trail = 0x31; trail <= 0xFE; ++trail) {
        const char32_t cp =
            lead <= 0xD3 && trail >= 0x41 ? Hangul(lead << 8 | trail) : Other(lead, trail);
        (*t)[(lead - 0x80) * 256 + trail] = static_cast<char16_t>(cp);
      }
    }
    return t;
  }();
  return table;
}

// Which syllables KS X 1001 has.
const std::bitset<11172>& Common() {
  static const std::bitset<11172>& common = *[] {
    auto* bits = new std::bitset<11172>;
    for (unsigned lead = 0xB0; lead <= 0xC8; ++lead) {
      for (unsigned trail = 0xA1; trail <= 0xFE; ++trail) {
        const char pair[] = {static_cast<char>(lead), static_cast<char>(trail)};
        const Cp949Text text = DecodeCp949({pair, 2});
        if (text.bad_at != 2) continue;
        const char* p = text.utf8.data();
        const char32_t cp = DecodeUtf8(p);
        if (cp >= 0xAC00 && cp <= 0xD7A3) bits->set(cp - 0xAC00);
      }
    }
    return bits;
  }();
  return common;
}

char16_t PairAt(const Table& pairs, std::string_view bytes, size_t i) {
  if (bytes.size() - i < 2) return 0;
  return pairs[(static_cast<unsigned char>(bytes[i]) - 0x80u) * 256 +
               static_cast<unsigned char>(bytes[i + 1])];
}

}  // namespace

JohabText DecodeJohab(std::string_view bytes) {
  const Table& pairs = Pairs();
  JohabText text;
  text.utf8.reserve(bytes.size() + bytes.size() / 2);
  size_t i = 0;
  while (i < bytes.size()) {
    if (static_cast<unsigned char>(bytes[i]) < 0x80) {
      text.utf8.push_back(bytes[i++]);
      continue;
    }
    const char16_t cp = PairAt(pairs, bytes, i);
    if (cp == 0) break;
    AppendUtf8(cp, text.utf8);
    i += 2;
  }
  text.bad_at = i;
  return text;
}

JohabTally TallyJohab(std::string_view bytes) {
  const Table& pairs = Pairs();
  const std::bitset<11172>& common = Common();
  JohabTally tally;
  size_t i = 0;
  while (i < bytes.size()) {
    if (static_cast<unsigned char>(bytes[i]) < 0x80) {
      ++i;
      continue;
    }
    const char16_t cp = PairAt(pairs, bytes, i);
    if (cp == 0) {
      ++tally.bad;
      ++i;
      continue;
    }
    if (cp >= 0xAC00 && cp <= 0xD7A3) {
      ++(common[cp - 0xAC00] ? tally.common_hangul : tally.other_hangul);
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
