#include "ingest/text/canonical.h"

#include "base/check.h"
#include "ingest/text/code_points.h"
#include "ingest/text/nfc.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

using internal::Canonical;
using internal::CanonicalOf;
using internal::Classify;

class Canonicalizer {
 public:
  explicit Canonicalizer(std::string_view in)
      : bmp_(internal::BmpTable()), p_(in.data()), end_(in.data() + in.size()) {}

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
  const char* EndOfVerbatim(const char* p) const {
    const char* const begin = p;
    while (p != end_) {
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
  const char* p_;
  const char* end_;
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
