#pragma once

// The slow twin of MeasureQuality: every figure by its definition (ingest/screen/quality.h), on
// strings and maps of strings, each code point asked of ICU. No hash, no table.

#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/screen/quality.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest::reference {

inline std::vector<std::string> SplitAt(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t at = text.find(separator);
    if (at != 0 && !text.empty()) parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

// One of the 2,350 syllables of KS X 1001: two bytes from A1 on in its encoding.
inline bool IsOfKsX1001(char32_t c) {
  UErrorCode error = U_ZERO_ERROR;
  static UConverter* const converter = ucnv_open("windows-949", &error);
  const auto unit = static_cast<UChar>(c);
  char bytes[8];
  error = U_ZERO_ERROR;
  const int32_t n = ucnv_fromUChars(converter, bytes, 8, &unit, 1, &error);
  return n == 2 && static_cast<unsigned char>(bytes[0]) >= 0xA1 &&
         static_cast<unsigned char>(bytes[1]) >= 0xA1;
}

inline QualityFigures MeasureQuality(std::string_view text) {
  const std::u32string_view common =
      U"이다는의에가을를고하지로한기은사도자리대서인으어시해정아부나그원일스있들수과라여것적"
      U"상장제보전주소법구성관세동니면안거게만아오경";
  const auto is_syllable = [](char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; };
  const auto points_of = [](const std::string& s) { return CountCodePoints(s); };
  uint64_t letters = 0, hangul = 0, han = 0, digits = 0, symbols = 0, visible = 0;
  uint64_t syllables = 0, rare = 0, frequent = 0;
  for (const char* p = text.data(); p < text.data() + text.size();) {
    const char32_t c = DecodeUtf8(p);
    if (c == ' ' || c == '\n') continue;
    ++visible;
    UErrorCode error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &error);
    const auto mask = U_GET_GC_MASK(static_cast<UChar32>(c));
    if ((mask & U_GC_L_MASK) != 0) {
      (script == USCRIPT_HAN ? han : letters) += 1;
      hangul += script == USCRIPT_HANGUL ? 1 : 0;
    } else if ((mask & U_GC_N_MASK) != 0) {
      ++digits;
    } else if (c < 0x80 || (mask & (U_GC_M_MASK | U_GC_CF_MASK)) == 0) {
      ++symbols;
    }
    if (!is_syllable(c)) continue;
    ++syllables;
    rare += IsOfKsX1001(c) ? 0 : 1;
    frequent += common.find(c) != std::u32string_view::npos ? 1 : 0;
  }

  std::vector<std::string> words;
  for (const std::string& line : SplitAt(text, "\n")) {
    for (std::string& word : SplitAt(line, " ")) words.push_back(std::move(word));
  }
  uint64_t in_words = 0, in_long = 0, hangul_words = 0, single = 0;
  std::vector<bool> ends;
  for (const std::string& word : words) {
    const uint64_t points = points_of(word);
    in_words += points;
    if (points > 64) in_long += points;
    int own = 0;
    for (const char* p = word.data(); p < word.data() + word.size();)
      own += is_syllable(DecodeUtf8(p)) ? 1 : 0;
    hangul_words += own > 0 ? 1 : 0;
    single += own == 1 ? 1 : 0;
    std::string bare = word;
    while (!bare.empty() && std::string("\"')").find(bare.back()) != std::string::npos)
      bare.pop_back();
    ends.push_back(bare.ends_with("다.") || bare.ends_with("요.") || bare.ends_with("까?") ||
                   bare.ends_with("요?"));
  }

  QualityFigures out;
  const auto set = [&out](QualityRule rule, uint64_t value) {
    out[static_cast<size_t>(rule) - 1] = static_cast<uint32_t>(value);
  };
  const auto share = [](uint64_t part, uint64_t whole) {
    return whole == 0 ? 0 : part * 100 / whole;
  };
  const auto repeated_share = [&](const std::vector<std::string>& pieces) {
    std::set<std::string> seen;
    uint64_t all = 0, repeated = 0;
    for (const std::string& piece : pieces) {
      const uint64_t points =
          points_of(piece) - static_cast<uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
      all += points;
      if (!seen.insert(piece).second) repeated += points;
    }
    return share(repeated, all);
  };
  set(QualityRule::kTooShort, syllables + han);
  if (letters + han >= 20) set(QualityRule::kNotKorean, share(hangul, letters));
  if (hangul_words >= 20) set(QualityRule::kSpacedOut, share(single, hangul_words));
  if (const auto lines = SplitAt(text, "\n"); lines.size() >= 10)
    set(QualityRule::kDuplicateLines, repeated_share(lines));
  if (const auto blocks = SplitAt(text, "\n\n"); blocks.size() >= 5)
    set(QualityRule::kDuplicateParagraphs, repeated_share(blocks));
  if (words.size() >= 50) {
    for (const size_t n : {2, 3, 4, 5, 10}) {
      std::map<std::vector<std::string>, uint64_t> seen;
      std::vector<bool> repeated(words.size(), false);
      uint64_t top = 0, in_repeated = 0;
      for (size_t i = 0; i + n <= words.size(); ++i) {
        const std::vector<std::string> run(words.begin() + static_cast<ptrdiff_t>(i),
                                           words.begin() + static_cast<ptrdiff_t>(i + n));
        const uint64_t count = ++seen[run];
        if (count == 1) continue;
        uint64_t points = 0;
        for (const std::string& word : run) points += points_of(word);
        top = std::max(top, count * points);
        std::fill_n(repeated.begin() + static_cast<ptrdiff_t>(i), n, true);
      }
      for (size_t i = 0; i < words.size(); ++i)
        in_repeated += repeated[i] ? points_of(words[i]) : 0;
      if (n == 5) set(QualityRule::kRepeated5Gram, share(in_repeated, in_words));
      if (n == 10) set(QualityRule::kRepeated10Gram, share(in_repeated, in_words));
      const uint64_t most = std::min<uint64_t>(100, share(top, in_words));
      if (n == 2) set(QualityRule::kTop2Gram, most);
      if (n == 3) set(QualityRule::kTop3Gram, most);
      if (n == 4) set(QualityRule::kTop4Gram, most);
    }
  }
  if (visible >= 20) {
    set(QualityRule::kSymbols, share(symbols, visible));
    set(QualityRule::kNumbers, share(digits, visible));
    set(QualityRule::kLongWords, share(in_long, visible));
  }
  if (syllables >= 50) set(QualityRule::kRareSyllables, share(rare, syllables));
  if (syllables >= 300) set(QualityRule::kCharacterNoise, 1000 * rare / syllables);
  if (syllables >= 200) set(QualityRule::kCommonSyllables, share(frequent, syllables));
  uint64_t all_ends = 0, pairs = 0;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    all_ends += ends[i] ? 1 : 0;
    pairs += ends[i] && ends[i + 1] ? 1 : 0;
  }
  if (!words.empty() && all_ends * all_ends >= 5 * words.size())
    set(QualityRule::kShuffledWords, share(pairs * words.size(), all_ends * all_ends));
  // Each place counts once, whatever stands around it.
  uint64_t says = 0;
  const auto stands = [&](size_t at, std::string_view what) {
    return at <= text.size() && text.substr(at).starts_with(what);
  };
  for (size_t at = 0; at < text.size(); ++at) {
    const std::string_view before = text.substr(0, at);
    if (stands(at, "번역")) {
      const size_t after = at + std::string_view("번역").size();
      says += before.ends_with("기계 ") || before.ends_with("기계") ||
                      before.ends_with("자동으로 ") || before.ends_with("번역기로 ") ||
                      (before.ends_with("자동 ") && stands(after, "되")) ||
                      stands(after, "기를 사용하여")
                  ? 1
                  : 0;
    }
    if (stands(at, "machine translat") || stands(at, "Machine translat") ||
        stands(at, "machine-translat") || stands(at, "Machine-translat") ||
        stands(at, "Machine Translat"))
      ++says;
  }
  set(QualityRule::kMachineTranslation, says);
  return out;
}

}  // namespace jangbu::ingest::reference
