#include "ingest/extract/mojibake.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_map>

#include "ingest/extract/cp949.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kSampleBytes = 16 << 10;
constexpr uint64_t kLettersMin = 20;

// What windows-1252 has at 0x80-0x9F.
constexpr char16_t kWindows1252[32] = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

// The byte that windows-1252 (Latin-1 included) reads as `cp`, or -1.
int ByteOf1252(char32_t cp) {
  if (cp < 0x100) return static_cast<int>(cp);
  for (int i = 0; i < 32; ++i) {
    if (kWindows1252[i] == cp) return 0x80 + i;
  }
  return -1;
}

// The bytes that CP949 reads as `cp`, made by reading all pairs once.
const std::unordered_map<char32_t, std::array<char, 2>>& Cp949Bytes() {
  static const auto& table = *[] {
    auto* t = new std::unordered_map<char32_t, std::array<char, 2>>;
    for (unsigned lead = 0x81; lead <= 0xFE; ++lead) {
      for (unsigned trail = 0x41; trail <= 0xFE; ++trail) {
        const char pair[] = {static_cast<char>(lead), static_cast<char>(trail)};
        const Cp949Text text = DecodeCp949({pair, 2});
        if (text.bad_at != 2) continue;
        const char* p = text.utf8.data();
        t->emplace(DecodeUtf8(p), std::array<char, 2>{pair[0], pair[1]});
      }
    }
    return t;
  }();
  return table;
}

// How many bytes above ASCII lie in UTF-8 sequences of Hangul syllables.
uint64_t HangulBytes(std::string_view bytes) {
  uint64_t found = 0;
  for (size_t i = 0; i + 2 < bytes.size();) {
    const auto a = static_cast<unsigned char>(bytes[i]),
               b = static_cast<unsigned char>(bytes[i + 1]),
               c = static_cast<unsigned char>(bytes[i + 2]);
    if (a >= 0xEA && a <= 0xED && b >= 0x80 && b <= 0xBF && c >= 0x80 && c <= 0xBF) {
      found += 3;
      i += 3;
    } else {
      ++i;
    }
  }
  return found;
}

uint64_t HighBytes(std::string_view bytes) {
  return static_cast<uint64_t>(std::count_if(
      bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }));
}

std::string Found(std::string_view what, uint64_t some, uint64_t all) {
  return std::string(what) + ": " + std::to_string(some) + " of " + std::to_string(all) +
         " characters";
}

}  // namespace

std::optional<std::string> FindMojibake(std::string_view utf8) {
  std::string_view sample = utf8.substr(0, kSampleBytes);
  // To the end of a code point.
  while (sample.size() < utf8.size() && (utf8[sample.size()] & 0xC0) == 0x80)
    sample.remove_suffix(1);
  uint64_t letters = 0, western = 0, han = 0;
  // By first bytes alone: how many may be western, how many Han. Mostly neither can be enough.
  uint64_t first_bytes[256] = {};
  for (const char c : sample) ++first_bytes[static_cast<unsigned char>(c)];
  const auto sum = [&](size_t from, size_t to) {
    return std::accumulate(first_bytes + from, first_bytes + to + 1, uint64_t{0});
  };
  const uint64_t all = sum(0xC0, 0xFF);
  const bool suspect = all >= kLettersMin && ((sum(0xC2, 0xCB) + sum(0xE2, 0xE2)) * 10 >= all * 7 ||
                                              (sum(0xE4, 0xE9) + sum(0xEF, 0xEF)) * 5 >= all);
  if (!suspect) sample = {};
  for (const char* p = sample.data(); p < sample.data() + sample.size();) {
    const char32_t cp = DecodeUtf8(p);
    if (cp < 0x80) continue;
    ++letters;
    western +=
        cp < 0x180 || (cp >= 0x2013 && cp <= 0x2122) || cp == 0x192 || cp == 0x2C6 || cp == 0x2DC;
    han += (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0xF900 && cp <= 0xFAFF) || cp == 0xFFFD;
  }

  if (letters >= kLettersMin && western * 10 >= letters * 7) {
    std::string bytes;
    for (const char* p = sample.data(); p < sample.data() + sample.size();) {
      const int byte = ByteOf1252(DecodeUtf8(p));
      bytes.push_back(byte < 0 ? '?' : static_cast<char>(byte));
    }
    const uint64_t high = HighBytes(bytes);
    if (HangulBytes(bytes) * 2 > high) return Found("UTF-8 read as Latin-1", western, letters);
    const Cp949Tally tally = TallyCp949(bytes);
    const uint64_t pairs = tally.common_hangul + tally.other_hangul + tally.han + tally.other;
    if (tally.common_hangul * 10 > pairs * 7 && tally.bad * 20 < pairs)
      return Found("CP949 read as Latin-1", western, letters);
  }
  // Korean text seldom holds so much Han, and what does is not UTF-8 when written as CP949.
  if (letters >= kLettersMin && han * 5 >= letters) {
    const auto& table = Cp949Bytes();
    std::string bytes;
    for (const char* p = sample.data(); p < sample.data() + sample.size();) {
      const char32_t cp = DecodeUtf8(p);
      if (cp < 0x80) {
        bytes.push_back(static_cast<char>(cp));
      } else if (const auto found = table.find(cp); found != table.end()) {
        bytes.append(found->second.data(), 2);
      } else {
        bytes.push_back('\xFF');
      }
    }
    const uint64_t high = HighBytes(bytes), hangul = HangulBytes(bytes);
    if (hangul * 10 > high) return Found("UTF-8 read as CP949", hangul / 3, letters);
  }
  // Lost letters, anywhere: three bytes each.
  uint64_t lost = 0;
  for (size_t at = utf8.find("\xEF\xBF\xBD"); at != std::string_view::npos;
       at = utf8.find("\xEF\xBF\xBD", at + 3))
    ++lost;
  if (lost >= kLettersMin) {
    const uint64_t high = HighBytes(utf8) / 3;
    if (lost * 10 > high) return Found("lost letters (U+FFFD)", lost, high);
  }
  return std::nullopt;
}

uint64_t CountPrivateUse(std::string_view utf8) {
  uint64_t count = 0;
  // U+E000-EFFF begin with EE; U+F000-F8FF with EF 80 to EF A3. Both bytes are rare.
  for (size_t i = utf8.find('\xEE'); i != std::string_view::npos; i = utf8.find('\xEE', i + 1))
    ++count;
  for (size_t i = utf8.find('\xEF'); i != std::string_view::npos; i = utf8.find('\xEF', i + 1))
    count += static_cast<unsigned char>(utf8[i + 1]) <= 0xA3;
  return count;
}

}  // namespace jangbu::ingest
