#include "ingest/screen/folded_text.h"

#include <algorithm>

namespace jangbu::ingest::internal {

char32_t FoldRare(char32_t cp) {
  if (cp >= 0xFF01 && cp <= 0xFF5E) return cp - 0xFF01 + 0x21;  // full width
  switch (cp) {
    case 0x034F:
    case 0x200C:
    case 0x200D:
    case 0x20E3:
      return 0;
    case 0x00AF:
    case 0x02D7:
    case 0x058A:
    case 0x1806:
    case 0x2043:
    case 0x207B:
    case 0x2212:
    case 0x2500:
    case 0x2501:
    case 0x30FC:  // the kana length mark, typed for a dash
    case 0x3161:  // ㅡ
    case 0xFE58:
    case 0xFE63:
    case 0xFF70:
      return U'-';
    case 0x00B7:
    case 0x2022:
    case 0x2024:
    case 0x2219:
    case 0x22C5:
    case 0x30FB:
    case 0x318D:  // ㆍ
    case 0xFF65:
    case 0xFE52:
      return U'.';
    case 0x2044:
    case 0x2215:
      return U'/';
    case 0x223C:
    case 0x301C:
      return U'~';
    case 0xFE6B:
      return U'@';
    default:
      break;
  }
  if (cp >= 0x2010 && cp <= 0x2015) return U'-';
  if (cp >= 0xFE00 && cp <= 0xFE0F) return 0;
  if (cp >= 0x0660 && cp <= 0x0669) return cp - 0x0660 + U'0';
  if (cp >= 0x06F0 && cp <= 0x06F9) return cp - 0x06F0 + U'0';
  if (cp >= 0x1D7CE && cp <= 0x1D7FF) return (cp - 0x1D7CE) % 10 + U'0';
  return cp;
}

size_t FoldedText::Move(size_t byte) {
  if (!cells_.empty() && byte >= cells_.front().begin && byte <= next_ + kAhead) {
    while (next_ <= byte && Extend()) {
    }
    // Keep what was decoded, so that neighbouring candidates share it, but not a whole long line.
    const auto found = std::lower_bound(cells_.begin(), cells_.end(), byte,
                                        [](const Cell& c, size_t b) { return c.begin < b; });
    const auto at = static_cast<size_t>(found - cells_.begin());
    if (found != cells_.end() && found->begin == byte && at <= 8192 &&
        (at >= kBack || cells_.front().begin == 0)) {
      return at;
    }
  }
  cells_.clear();
  const char* const begin = text_.data();
  const char* p = begin + byte;
  // Far enough for every look back; what is read through counts for little, but not for nothing.
  for (int cells = 0, steps = 0; cells < kBack * 2 && steps < 4096 && p > begin; ++steps) {
    StepBackUtf8(p);
    const char* q = p;
    if (Fold(DecodeUtf8(q)) != 0) ++cells;
  }
  next_ = static_cast<size_t>(p - begin);
  while (next_ <= byte && Extend()) {
  }
  const auto found = std::lower_bound(cells_.begin(), cells_.end(), byte,
                                      [](const Cell& c, size_t b) { return c.begin < b; });
  return static_cast<size_t>(found - cells_.begin());
}

bool FoldedText::Extend() {
  const char* const begin = text_.data();
  const char* const end = begin + text_.size();
  const char* p = begin + next_;
  const size_t before = cells_.size();
  while (p < end && cells_.size() < before + kAtOnce) {
    const auto from = static_cast<uint32_t>(p - begin);
    const char32_t c = Fold(DecodeUtf8(p));
    if (c != 0) cells_.push_back({c, from, static_cast<uint32_t>(p - begin)});
  }
  next_ = static_cast<size_t>(p - begin);
  return cells_.size() > before;
}

}  // namespace jangbu::ingest::internal
