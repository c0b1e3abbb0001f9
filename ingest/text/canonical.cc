#include "ingest/text/canonical.h"

#include "base/check.h"
#include "ingest/text/code_points.h"
#include "ingest/text/nfc.h"
#include "ingest/text/plain_block.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

using internal::Canonical;
using internal::CanonicalOf;
using internal::Classify;

class Canonicalizer {
 public:
  explicit Canonicalizer(std::string_view in)
      : bmp_(internal::BmpTable()), in_(in.data()), p_(in_), end_(in_ + in.size()) {}

  std::string Run() {
    const char* const verbatim = EndOfVerbatim(p_);
    if (verbatim == end_) return std::string(p_, end_);  // canonical already, as most text is
    out_.reserve(static_cast<size_t>(end_ - p_));
    out_.append(p_, verbatim);
    p_ = verbatim;
    while (p_ != end_) Step();
    return std::move(out_);
  }

 private:
  void Step() {
    const char* next = p_;
    const char32_t cp = DecodeUtf8(next);
    switch (CanonicalOf(Classify(cp))) {
      case Canonical::kKept: {
        Separate();
        const char* const end = EndOfVerbatim(p_);
        out_.append(p_, end);
        p_ = end;
        return;
      }
      case Canonical::kSpace:
        space_ = true;
        break;
      case Canonical::kBreak:
        ++breaks_;
        if (cp == '\r' && next != end_ && *next == '\n') ++next;
        break;
      case Canonical::kRemoved:
        break;
      case Canonical::kJamo:
        Separate();
        internal::AppendJoiningHangul(cp, 0, out_);
        break;
      case Canonical::kHard:
        HardStretch();
        return;
    }
    p_ = next;
  }

  // The end of the longest stretch from `p` that canonical text takes as it stands: kept code
  // points, single spaces between them, and one or two line breaks. It ends after a kept code
  // point, or is empty.
  const char* EndOfVerbatim(const char* p) {
    const char* const begin = p;
    while (p != end_) {
      // A block looks two bytes back, and those must be of this stretch.
      if (internal::kHasBlocks && p - in_ >= next_block_ && p - begin >= 2) {
        if (const size_t size = VerbatimBlock(p); size > 0) {
          p += size;
          continue;
        }
        next_block_ = p - in_ + internal::kBlockBytes;
      }
      const auto lead = static_cast<unsigned char>(*p);
      if (lead > 0x20 && lead < 0x7F) {
        ++p;
        continue;
      }
      if (lead >= 0xE1 && lead < 0xF0) {
        const char32_t cp = (static_cast<char32_t>(lead & 0x0F) << 12) |
                            (static_cast<char32_t>(p[1] & 0x3F) << 6) |
                            static_cast<char32_t>(p[2] & 0x3F);
        if (internal::IsSyllable(cp) || CanonicalOf(bmp_[cp]) == Canonical::kKept) {
          p += 3;
          continue;
        }
        break;
      }
      if (lead == ' ') {
        if (p == begin || p[-1] == ' ' || p[-1] == '\n') break;
        ++p;
        continue;
      }
      if (lead == '\n') {
        if (p == begin || p[-1] == ' ' || (p[-1] == '\n' && p[-2] == '\n')) break;
        ++p;
        continue;
      }
      const char* next = p;
      if (CanonicalOf(Classify(DecodeUtf8(next))) != Canonical::kKept) break;
      p = next;
    }
    while (p != begin && (p[-1] == ' ' || p[-1] == '\n')) --p;
    return p;
  }

  // The size of the block at `p` when the stretch that has come as far as `p` goes on through it,
  // else 0.
  size_t VerbatimBlock(const char* p) const {
    internal::PlainBlock block;
    if (end_ - p < internal::kBlockBytes || !internal::LoadPlainBlock(p, block)) return 0;
    const internal::ByteMask space = internal::BytesEqual(p, ' ');
    const internal::ByteMask line = internal::BytesEqual(p, '\n');
    // The two bytes before the block go before the first one.
    const bool space1 = p[-1] == ' ', line1 = p[-1] == '\n', line2 = p[-2] == '\n';
    const internal::ByteMask after_space = space << 1 | static_cast<internal::ByteMask>(space1);
    const internal::ByteMask after_line = line << 1 | static_cast<internal::ByteMask>(line1);
    const internal::ByteMask after_two_lines =
        (after_line & (after_line << 1)) | static_cast<internal::ByteMask>(line1 && line2);
    const internal::ByteMask untidy = (space & (after_space | after_line)) |
                                      (line & (after_space | (after_line & after_two_lines)));
    const internal::ByteMask control = internal::Controls(p) & ~line;
    return (untidy | control) == 0 ? block.size : 0;
  }

  // A stretch that NFC has to look at, with the code point before it, which it may join.
  void HardStretch() {
    stretch_.clear();
    if (!space_ && breaks_ == 0 && !out_.empty()) {
      const char* last = out_.data() + out_.size();
      StepBackUtf8(last);
      const auto at = static_cast<size_t>(last - out_.data());
      const char32_t before = DecodeUtf8(last);
      if (!internal::IsSyllable(before)) {
        stretch_.push_back(before);
        out_.resize(at);
      }
    } else {
      Separate();
    }
    while (p_ != end_) {
      const char* next = p_;
      const char32_t cp = DecodeUtf8(next);
      const Canonical c = CanonicalOf(Classify(cp));
      if (c == Canonical::kHard) {
        stretch_.push_back(cp);
      } else if (c != Canonical::kRemoved) {
        break;
      }
      p_ = next;
    }
    internal::DecomposeCanonically(stretch_);
    internal::ComposeMarks(stretch_);
    for (const char32_t cp : stretch_) AppendUtf8(cp, out_);
  }

  // Writes the white space seen since the last visible code point, as one space or one or two line
  // breaks.
  void Separate() {
    if (!out_.empty()) {
      if (breaks_ > 0) {
        out_.append(breaks_ > 1 ? 2 : 1, '\n');
      } else if (space_) {
        out_.push_back(' ');
      }
    }
    space_ = false;
    breaks_ = 0;
  }

  const internal::Packed* bmp_;
  const char* in_;
  const char* p_;
  const char* end_;
  std::ptrdiff_t next_block_ = 0;  // no block is tried before this offset: one was tried in vain
  std::string out_;
  std::u32string stretch_;
  bool space_ = false;
  size_t breaks_ = 0;
};

}  // namespace

std::string Canonicalize(std::string_view utf8) {
  JANGBU_CHECK(IsValidUtf8(utf8));
  return Canonicalizer(utf8).Run();
}

bool IsBlank(std::string_view utf8) {
  const char* p = utf8.data();
  const char* const end = p + utf8.size();
  while (p < end) {
    const Canonical c = CanonicalOf(Classify(DecodeUtf8(p)));
    if (c != Canonical::kSpace && c != Canonical::kBreak && c != Canonical::kRemoved) return false;
  }
  return true;
}

}  // namespace jangbu::ingest
