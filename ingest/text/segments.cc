#include "ingest/text/segments.h"

#include <algorithm>

#include "base/check.h"
#include "ingest/text/code_points.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

using internal::Letter;

struct Tally {
  uint32_t chars = 0;
  uint32_t spaces = 0;
  uint32_t syllables = 0;
  uint32_t letters[4] = {};  // by Letter
  uint32_t words = 0;
  uint32_t lettered_words = 0;
};

bool IsKorean(const Tally& t) {
  const uint64_t hangul = t.letters[static_cast<int>(Letter::kHangul)];
  const uint64_t han = t.letters[static_cast<int>(Letter::kHan)];
  const uint64_t other = t.letters[static_cast<int>(Letter::kOther)];
  const uint64_t visible = t.chars - t.spaces;
  return t.syllables > 0 && 10 * hangul >= 3 * (hangul + other) && 10 * hangul >= hangul + han &&
         10 * hangul >= visible;
}

uint32_t KoreanWords(const Tally& t) {
  const uint64_t cap =
      (2 * (uint64_t{t.syllables} + t.letters[static_cast<int>(Letter::kHan)]) + 2) / 3;
  return static_cast<uint32_t>(std::min<uint64_t>(t.lettered_words, cap));
}

// Reads one line from `p`, which moves to its end: a line break or `end`.
Tally ReadLine(const internal::Packed* bmp, const char*& p, const char* end) {
  Tally t;
  bool in_word = false;
  bool lettered = false;
  const auto end_word = [&] {
    t.words += in_word;
    t.lettered_words += lettered;
    in_word = lettered = false;
  };
  while (p != end) {
    const auto lead = static_cast<unsigned char>(*p);
    if (lead < 0x80) {
      if (lead == '\n') break;
      ++p;
      ++t.chars;
      if (lead == ' ') {
        ++t.spaces;
        end_word();
        continue;
      }
      const bool letter = static_cast<unsigned char>((lead | 0x20) - 'a') < 26;
      t.letters[static_cast<int>(Letter::kOther)] += letter;
      lettered |= letter;
      in_word = true;
      continue;
    }
    const char32_t cp = DecodeUtf8(p);
    ++t.chars;
    in_word = true;
    if (internal::IsSyllable(cp)) {
      ++t.syllables;
      lettered = true;
      continue;
    }
    const Letter letter = internal::LetterOf(cp < 0x10000 ? bmp[cp] : internal::Classify(cp));
    ++t.letters[static_cast<int>(letter)];
    lettered |= letter != Letter::kNone;
  }
  end_word();
  t.letters[static_cast<int>(Letter::kHangul)] += t.syllables;
  return t;
}

}  // namespace

std::vector<Segment> Segments(std::string_view canonical) {
  JANGBU_CHECK(canonical.size() < UINT32_MAX);
  JANGBU_CHECK(IsValidUtf8(canonical));
  const internal::Packed* const bmp = internal::BmpTable();
  std::vector<Segment> segments;
  const char* p = canonical.data();
  const char* const end = p + canonical.size();
  while (p != end) {
    if (*p == '\n') {
      ++p;
      continue;
    }
    const char* const begin = p;
    const Tally t = ReadLine(bmp, p, end);
    Segment s;
    s.begin = static_cast<uint32_t>(begin - canonical.data());
    s.size = static_cast<uint32_t>(p - begin);
    s.chars = t.chars;
    s.syllables = t.syllables;
    s.words = t.words;
    s.korean = IsKorean(t);
    s.korean_words = s.korean ? KoreanWords(t) : 0;
    segments.push_back(s);
  }
  return segments;
}

TextCounts CountText(std::string_view canonical) {
  JANGBU_CHECK(IsValidUtf8(canonical));
  TextCounts counts;
  bool in_word = false;
  const char* p = canonical.data();
  const char* const end = p + canonical.size();
  while (p != end) {
    const char32_t cp = DecodeUtf8(p);
    ++counts.chars;
    counts.syllables += internal::IsSyllable(cp);
    const bool visible = cp != ' ' && cp != '\n';
    counts.words += visible && !in_word;
    in_word = visible;
  }
  return counts;
}

TextCounts CountText(std::string_view canonical, const std::vector<Segment>& segments) {
  TextCounts counts;
  uint64_t bytes = 0;
  for (const Segment& s : segments) {
    counts.chars += s.chars;
    counts.syllables += s.syllables;
    counts.words += s.words;
    bytes += s.size;
  }
  counts.chars += canonical.size() - bytes;  // the line breaks
  return counts;
}

}  // namespace jangbu::ingest
