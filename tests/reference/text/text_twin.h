#pragma once

// Canonical text, comparison form and counts straight from their definitions, with the library's
// general routines and no shortcut: slow, and easy to compare with the words of ingest/text/*.h.

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "ingest/text/segments.h"

namespace jangbu::ingest::reference {

using CodePoints = std::vector<UChar32>;

inline CodePoints ToCodePoints(const icu::UnicodeString& text) {
  CodePoints out;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1))
    out.push_back(text.char32At(i));
  return out;
}

inline icu::UnicodeString FromUtf8(std::string_view utf8) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())));
}

inline std::string ToUtf8(const icu::UnicodeString& text) {
  std::string out;
  return text.toUTF8String(out);
}

inline icu::UnicodeString FromCodePoints(const CodePoints& cps) {
  icu::UnicodeString out;
  for (const UChar32 cp : cps) out.append(cp);
  return out;
}

inline icu::UnicodeString Normalized(const icu::Normalizer2* (*form)(UErrorCode&),
                                     const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString out = form(error)->normalize(text, error);
  JANGBU_CHECK(U_SUCCESS(error));
  return out;
}

inline bool IsRemoved(UChar32 cp) {
  return u_charType(cp) == U_CONTROL_CHAR || cp == 0xAD || cp == 0x180E || cp == 0x200B ||
         cp == 0x200E || cp == 0x200F || (cp >= 0x202A && cp <= 0x202E) || cp == 0x2060 ||
         (cp >= 0x2066 && cp <= 0x2069) || cp == 0xFEFF;
}

inline std::string Canonicalize(std::string_view utf8) {
  // 1. Line breaks, spaces, removals.
  CodePoints mapped;
  const CodePoints in = ToCodePoints(FromUtf8(utf8));
  for (size_t i = 0; i < in.size(); ++i) {
    const UChar32 cp = in[i];
    if (cp == '\r' && i + 1 < in.size() && in[i + 1] == '\n')
      continue;  // CRLF: the LF speaks for both
    if (cp == '\n' || cp == '\r' || cp == 0x0B || cp == 0x0C || cp == 0x85 || cp == 0x2028 ||
        cp == 0x2029) {
      mapped.push_back('\n');
    } else if (cp == '\t' || (cp >= 0x1C && cp <= 0x1F) || u_charType(cp) == U_SPACE_SEPARATOR) {
      mapped.push_back(' ');
    } else if (!IsRemoved(cp)) {
      mapped.push_back(cp);
    }
  }
  // 2. NFC.
  const CodePoints nfc =
      ToCodePoints(Normalized(icu::Normalizer2::getNFCInstance, FromCodePoints(mapped)));
  // 3. Lines, each with single spaces and none at its ends; no two empty lines together, none at
  // either end.
  std::vector<CodePoints> lines(1);
  for (const UChar32 cp : nfc) {
    if (cp == '\n') {
      lines.emplace_back();
    } else if (cp != ' ' || (!lines.back().empty() && lines.back().back() != ' ')) {
      lines.back().push_back(cp);
    }
  }
  for (CodePoints& line : lines) {
    if (!line.empty() && line.back() == ' ') line.pop_back();
  }
  std::vector<CodePoints> kept;
  for (const CodePoints& line : lines) {
    if (line.empty() && (kept.empty() || kept.back().empty())) continue;
    kept.push_back(line);
  }
  if (!kept.empty() && kept.back().empty()) kept.pop_back();
  CodePoints out;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (i > 0) out.push_back('\n');
    out.insert(out.end(), kept[i].begin(), kept[i].end());
  }
  return ToUtf8(FromCodePoints(out));
}

inline icu::UnicodeString ComparisonFormOnce(const icu::UnicodeString& text) {
  CodePoints without;
  for (const UChar32 cp : ToCodePoints(text)) {
    if (cp != 0x318D) without.push_back(cp);
  }
  CodePoints kept;
  for (const UChar32 cp : ToCodePoints(
           Normalized(icu::Normalizer2::getNFKCCasefoldInstance, FromCodePoints(without)))) {
    if ((U_GET_GC_MASK(cp) & (U_GC_L_MASK | U_GC_N_MASK)) != 0) kept.push_back(cp);
  }
  return Normalized(icu::Normalizer2::getNFCInstance, FromCodePoints(kept));
}

// Repeats until nothing changes, should one pass ever not be enough.
inline std::string ComparisonForm(std::string_view utf8) {
  icu::UnicodeString form = ComparisonFormOnce(FromUtf8(utf8));
  while (true) {
    icu::UnicodeString again = ComparisonFormOnce(form);
    if (again == form) return ToUtf8(form);
    form = again;
  }
}

inline UScriptCode ScriptOf(UChar32 cp) {
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(cp, &error);
}

inline std::vector<std::string> Lines(std::string_view canonical) {
  std::vector<std::string> lines(1);
  for (const char c : canonical) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back().push_back(c);
    }
  }
  return lines;
}

inline std::vector<Segment> Segments(std::string_view canonical) {
  std::vector<Segment> segments;
  size_t begin = 0;
  for (const std::string& line : Lines(canonical)) {
    if (!line.empty()) {
      uint64_t syllables = 0, letters = 0, hangul = 0, han = 0, visible = 0, words = 0,
               lettered = 0;
      bool in_word = false, word_lettered = false;
      CodePoints cps = ToCodePoints(FromUtf8(line));
      const size_t chars = cps.size();
      cps.push_back(' ');  // ends the last word
      for (const UChar32 cp : cps) {
        if (u_isUWhiteSpace(cp)) {
          words += in_word;
          lettered += word_lettered;
          in_word = word_lettered = false;
          continue;
        }
        in_word = true;
        ++visible;
        syllables += cp >= 0xAC00 && cp <= 0xD7A3;
        if ((U_GET_GC_MASK(cp) & U_GC_L_MASK) == 0) continue;
        word_lettered = true;
        ++letters;
        hangul += ScriptOf(cp) == USCRIPT_HANGUL;
        han += ScriptOf(cp) == USCRIPT_HAN;
      }
      Segment s;
      s.begin = static_cast<uint32_t>(begin);
      s.size = static_cast<uint32_t>(line.size());
      s.chars = static_cast<uint32_t>(chars);
      s.syllables = static_cast<uint32_t>(syllables);
      s.words = static_cast<uint32_t>(words);
      // Shares compared as fractions: h / n >= 30 / 100 is 100 h >= 30 n.
      s.korean = syllables >= 1 && 100 * hangul >= 30 * (letters - han) &&
                 100 * hangul >= 10 * (hangul + han) && 100 * hangul >= 10 * visible;
      if (s.korean) {
        uint64_t cap = 0;  // ⌈(syllables + han) ÷ 1.5⌉, by counting up
        while (3 * cap < 2 * (syllables + han)) ++cap;
        s.korean_words = static_cast<uint32_t>(lettered < cap ? lettered : cap);
      }
      segments.push_back(s);
    }
    begin += line.size() + 1;
  }
  return segments;
}

inline TextCounts CountText(std::string_view canonical) {
  TextCounts counts;
  bool in_word = false;
  for (const UChar32 cp : ToCodePoints(FromUtf8(canonical))) {
    ++counts.chars;
    counts.syllables += cp >= 0xAC00 && cp <= 0xD7A3;
    const bool visible = !u_isUWhiteSpace(cp);
    counts.words += visible && !in_word;
    in_word = visible;
  }
  return counts;
}

}  // namespace jangbu::ingest::reference
