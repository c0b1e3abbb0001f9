#include "ingest/text/segments.h"

#include <algorithm>

#include "base/check.h"
#include "ingest/text/code_points.h"
#include "ingest/text/plain_block.h"
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

// Reads one line of a text.
class LineReader {
 public:
  LineReader(const char* text_begin, const char* text_end)
      : bmp_(internal::BmpTable()), text_begin_(text_begin), end_(text_end) {}

  // Reads from `p`, which moves to the line's end: a line break or the text's end.
  Tally Read(const char*& p) {
    t_ = Tally{};
    in_word_ = lettered_ = false;
    while (p != end_) {
      if (internal::kHasBlocks && p - text_begin_ >= next_block_) {
        if (const size_t size = ReadBlock(p); size > 0) {
          p += size;
          continue;
        }
        next_block_ = p - text_begin_ + internal::kBlockBytes;
        if (*p == '\n') break;
      }
      const auto lead = static_cast<unsigned char>(*p);
      if (lead < 0x80) {
        if (lead == '\n') break;
        ++p;
        ++t_.chars;
        if (lead == ' ') {
          ++t_.spaces;
          in_word_ = lettered_ = false;
          continue;
        }
        const bool letter = static_cast<unsigned char>((lead | 0x20) - 'a') < 26;
        t_.letters[static_cast<int>(Letter::kOther)] += letter;
        Visible(letter);
        continue;
      }
      const char32_t cp = DecodeUtf8(p);
      ++t_.chars;
      if (internal::IsSyllable(cp)) {
        ++t_.syllables;
        Visible(true);
        continue;
      }
      const Letter letter = internal::LetterOf(cp < 0x10000 ? bmp_[cp] : internal::Classify(cp));
      ++t_.letters[static_cast<int>(letter)];
      Visible(letter != Letter::kNone);
    }
    t_.letters[static_cast<int>(Letter::kHangul)] += t_.syllables;
    return t_;
  }

 private:
  void Visible(bool letter) {
    t_.words += !in_word_;
    in_word_ = true;
    t_.lettered_words += letter && !lettered_;
    lettered_ |= letter;
  }

  // Counts the plain block at `p` as far as the line goes, and gives how far that is, or 0 when
  // there is none.
  size_t ReadBlock(const char* p) {
    using internal::ByteMask;
    using internal::CountBits;
    internal::PlainBlock block;
    if (end_ - p < internal::kBlockBytes || !internal::LoadPlainBlock(p, block)) return 0;
    const ByteMask line = internal::BytesEqual(p, '\n');
    const size_t size =
        line != 0 ? std::min<size_t>(block.size, static_cast<size_t>(__builtin_ctzll(line)))
                  : block.size;
    if (size == 0) return 0;
    const ByteMask all = internal::FirstBytes(size);
    const ByteMask space = internal::BytesEqual(p, ' ') & all;
    const ByteMask visible = all & ~space;
    const ByteMask ascii_letter = internal::AsciiLetters(p) & all;
    const ByteMask letter = (ascii_letter | ~block.ascii) & all;  // all bytes of syllables

    const uint32_t syllables = CountBits(block.lead & all);
    t_.chars += CountBits((block.ascii | block.lead) & all);
    t_.spaces += CountBits(space);
    t_.syllables += syllables;
    t_.letters[static_cast<int>(Letter::kOther)] += CountBits(ascii_letter);

    const ByteMask starts = visible & ~(visible << 1 | static_cast<ByteMask>(in_word_));
    t_.words += CountBits(starts);
    // A word whose first bytes are no letters waits for one. Adding the start of such a run of
    // bytes to the run carries to the byte after it: a letter, white space, or the block's end.
    const bool waiting = in_word_ && !lettered_;
    const ByteMask unlettered = visible & ~letter;
    const ByteMask waits = (starts | static_cast<ByteMask>(waiting)) & unlettered;
    ByteMask carried = 0;
    const bool past_64 = __builtin_add_overflow(waits, unlettered, &carried);
    const ByteMask after = carried & ~unlettered;
    t_.lettered_words += CountBits((starts | after) & letter) + (waiting && (letter & 1) != 0);
    in_word_ = (visible >> (size - 1) & 1) != 0;
    const bool still_waiting = size == 64 ? past_64 : (after >> size & 1) != 0;
    lettered_ = in_word_ && !still_waiting;
    return size;
  }

  const internal::Packed* bmp_;
  const char* text_begin_;
  const char* end_;
  // No block is tried before this offset: it looks two bytes back, or one was tried in vain.
  std::ptrdiff_t next_block_ = 2;
  Tally t_;
  bool in_word_ = false;
  bool lettered_ = false;
};

}  // namespace

std::vector<Segment> Segments(std::string_view canonical) {
  JANGBU_CHECK(canonical.size() < UINT32_MAX);
  JANGBU_CHECK(IsValidUtf8(canonical));
  std::vector<Segment> segments;
  const char* p = canonical.data();
  const char* const end = p + canonical.size();
  LineReader reader(p, end);
  while (p != end) {
    if (*p == '\n') {
      ++p;
      continue;
    }
    const char* const begin = p;
    const Tally t = reader.Read(p);
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
