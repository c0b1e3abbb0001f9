#include "ingest/text/comparison.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "ingest/text/code_points.h"
#include "ingest/text/nfc.h"
#include "ingest/text/plain_block.h"

namespace jangbu::ingest {
namespace {

using internal::Classify;
using internal::Form;
using internal::FormMapping;
using internal::FormOf;

// What an ASCII byte becomes; 0 when it is dropped.
constexpr std::array<char, 128> kAsciiForm = [] {
  std::array<char, 128> form{};
  for (char c = '0'; c <= '9'; ++c) form[static_cast<size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) form[static_cast<size_t>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) form[static_cast<size_t>(c)] = static_cast<char>(c + 32);
  return form;
}();

const icu::Normalizer2& Casefold() {
  static const icu::Normalizer2* const casefold = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* n = icu::Normalizer2::getNFKCCasefoldInstance(error);
    JANGBU_CHECK(U_SUCCESS(error));
    return n;
  }();
  return *casefold;
}

bool IsLetterOrDigit(char32_t cp) {
  return (U_GET_GC_MASK(static_cast<UChar32>(cp)) & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
}

// Writes the forms of parts of a text, one after the other, into one string.
class Former {
 public:
  // Forms parts of `text`, which must outlive it.
  explicit Former(std::string_view text)
      : bmp_(internal::BmpTable()),
        text_begin_(text.data()),
        text_end_(text.data() + text.size()) {}

  size_t size() const { return used_; }
  std::string_view From(size_t begin) const { return {out_.data() + begin, used_ - begin}; }

  void Reserve(size_t bytes) { Room(bytes); }

  std::string Take() {
    out_.resize(used_);
    return std::move(out_);
  }

  // Appends the form of `part` taken alone: it joins nothing written before.
  void Append(std::string_view part) {
    floor_ = used_;
    begin_ = p_ = part.data();
    end_ = part.data() + part.size();
    while (p_ != end_) {
      CopyPlain();
      if (p_ != end_) Step();
    }
  }

  // Forgets the part last appended, whose form was `alone`, and writes it again so that its leading
  // jamo join what stands before. True when one did.
  bool JoinLast(std::string_view alone) {
    used_ = floor_;
    floor_ = 0;
    const size_t begin = used_;
    const char* p = alone.data();
    const char* const end = p + alone.size();
    while (p != end) {
      const char* next = p;
      const char32_t cp = DecodeUtf8(next);
      if (!internal::IsVowelJamo(cp) && !internal::IsTailJamo(cp)) break;
      PutJoiningHangul(cp);
      p = next;
    }
    Put({p, static_cast<size_t>(end - p)});
    return used_ != begin + alone.size();
  }

 private:
  // Makes room for `more` bytes. The string is longer than what is written, so that the loops need
  // not grow it.
  void Room(size_t more) {
    if (out_.size() - used_ < more)
      out_.resize(std::max(out_.size() + out_.size() / 2, used_ + more));
  }

  void Put(std::string_view bytes) {
    Room(bytes.size());
    std::memcpy(out_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }

  // A vowel or final jamo joins what ends the form of the part.
  void PutJoiningHangul(char32_t cp) {
    if ((internal::IsVowelJamo(cp) || internal::IsTailJamo(cp)) && used_ - floor_ >= 3) {
      const char* last = out_.data() + used_ - 3;
      const auto lead = static_cast<unsigned char>(*last);
      if (lead >= 0xE1 &&
          lead <= 0xED) {  // three-byte sequences; jamo and syllables are among them
        if (const char32_t joined = internal::JoinHangul(DecodeUtf8(last), cp); joined != 0) {
          used_ -= 3;
          cp = joined;
        }
      }
    }
    Room(4);
    used_ += EncodeUtf8(cp, out_.data() + used_);
  }

  // All that stands for itself and does not grow, which is nearly everything.
  void CopyPlain() {
    Room(static_cast<size_t>(end_ - p_ + internal::kBlockSlack));
    char* const base = out_.data() + used_;
    char* o = base;
    const char* p = p_;
    while (p != end_) {
      if (internal::kHasBlocks && p - text_begin_ >= next_block_) {
        if (const size_t size = CopyBlock(p, o); size > 0) {
          p += size;
          continue;
        }
        next_block_ = p - text_begin_ + internal::kBlockBytes;
      }
      const auto lead = static_cast<unsigned char>(*p);
      if (lead < 0x80) {
        const char c = kAsciiForm[lead];
        *o = c;
        o += c != 0;
        ++p;
        continue;
      }
      const char* next = p;
      const char32_t cp = DecodeUtf8(next);
      const auto size = static_cast<size_t>(next - p);
      if (!internal::IsSyllable(cp)) {
        const Form form = FormOf(cp < 0x10000 ? bmp_[cp] : Classify(cp));
        if (form == Form::kDropped || form == Form::kVanishes) {
          p = next;
          continue;
        }
        if (form == Form::kMapped) {
          const std::string_view mapping = FormMapping(cp);
          if (mapping.size() > size) break;
          std::memcpy(o, mapping.data(), mapping.size());
          o += mapping.size();
          p = next;
          continue;
        }
        if (form != Form::kCopied) break;
      }
      std::memcpy(o, p, size);
      o += size;
      p = next;
    }
    p_ = p;
    used_ += static_cast<size_t>(o - base);
  }

  // Copies the plain block at `p` and gives its size, or 0 when there is none. Writes up to
  // kBlockSlack past `o`.
  size_t CopyBlock(const char* p, char*& o) const {
    internal::PlainBlock block;
    // Runs are copied in whole steps, which may read past the block, so past it there must be text.
    if (text_end_ - p < internal::kBlockBytes + internal::kBlockSlack ||
        end_ - p < internal::kBlockBytes || !internal::LoadPlainBlock(p, block)) {
      return 0;
    }
    size_t begin = 0;  // of the run of syllables
    const auto copy_run = [&](size_t end) {
      std::memcpy(o, p + begin, 16);
      if (end - begin > 16) std::memcpy(o + 16, p + begin + 16, 48);
      o += end - begin;
    };
    for (internal::ByteMask ascii = block.ascii & internal::FirstBytes(block.size); ascii != 0;
         ascii &= ascii - 1) {
      const auto at = static_cast<size_t>(__builtin_ctzll(ascii));
      copy_run(at);
      const char c = kAsciiForm[static_cast<unsigned char>(p[at])];
      *o = c;
      o += c != 0;
      begin = at + 1;
    }
    copy_run(block.size);
    return block.size;
  }

  void Step() {
    const char* const at = p_;
    const char* next = p_;
    const char32_t cp = DecodeUtf8(next);
    switch (FormOf(Classify(cp))) {
      case Form::kCopied:
        Put({at, static_cast<size_t>(next - at)});
        break;
      case Form::kDropped:
      case Form::kVanishes:
        break;
      case Form::kMapped:
        Put(FormMapping(cp));
        break;
      case Form::kJamo: {
        const std::string_view jamo = FormMapping(cp);
        const char* j = jamo.data();
        PutJoiningHangul(DecodeUtf8(j));
        break;
      }
      case Form::kHard:
        HardStretch();
        return;
    }
    p_ = next;
  }

  // A stretch that depends on its neighbours, with the code point before it, which it may join.
  void HardStretch() {
    stretch_.clear();
    TakeBackOneBefore();
    while (p_ != end_) {
      const char* next = p_;
      const char32_t cp = DecodeUtf8(next);
      const Form form = FormOf(Classify(cp));
      if (form == Form::kHard) {
        Map(cp);
      } else if (form != Form::kVanishes) {
        break;
      }
      p_ = next;
    }
    internal::ComposeMarks(stretch_);
    for (const char32_t cp : stretch_) {
      if (IsLetterOrDigit(cp)) PutJoiningHangul(cp);
    }
  }

  // Undoes the code point before the stretch, so that it is formed together with it. Hangul joins
  // no mark and stays.
  void TakeBackOneBefore() {
    const char* p = p_;
    while (p != begin_) {
      StepBackUtf8(p);
      const char* next = p;
      const char32_t cp = DecodeUtf8(next);
      const Form form = FormOf(Classify(cp));
      if (form == Form::kVanishes) continue;
      if (internal::IsSyllable(cp) || form == Form::kJamo) return;
      JANGBU_CHECK(form != Form::kHard);
      size_t written = 0;
      if (cp < 0x80) {
        written = kAsciiForm[cp] != 0;
      } else if (form == Form::kCopied) {
        written = static_cast<size_t>(next - p);
      } else if (form == Form::kMapped) {
        written = FormMapping(cp).size();
      }
      used_ -= written;
      Map(cp);
      return;
    }
  }

  // NFKC_Casefold of one code point, decomposed.
  void Map(char32_t cp) {
    if (!Casefold().getDecomposition(static_cast<UChar32>(cp), decomposition_)) {
      stretch_.push_back(cp);
      return;
    }
    for (int32_t i = 0; i < decomposition_.length(); i = decomposition_.moveIndex32(i, 1)) {
      stretch_.push_back(static_cast<char32_t>(decomposition_.char32At(i)));
    }
  }

  const internal::Packed* bmp_;
  const char* text_begin_;
  const char* text_end_;
  // No block is tried before this offset: it looks two bytes back, or one was tried in vain.
  std::ptrdiff_t next_block_ = 2;
  std::string out_;  // [0, used_) is written
  size_t used_ = 0;
  size_t floor_ = 0;  // where the form of the part at hand begins
  const char* begin_ = nullptr;
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  std::u32string stretch_;
  icu::UnicodeString decomposition_;
};

bool BeginsWithJoiningJamo(std::string_view form) {
  if (form.empty()) return false;
  const char* p = form.data();
  const char32_t first = DecodeUtf8(p);
  return internal::IsVowelJamo(first) || internal::IsTailJamo(first);
}

}  // namespace

std::string ComparisonForm(std::string_view canonical) {
  JANGBU_CHECK(IsValidUtf8(canonical));
  Former former(canonical);
  former.Append(canonical);
  return former.Take();
}

std::string_view SegmentForms::Alone(size_t i) const {
  const auto found = std::lower_bound(differing_.begin(), differing_.end(), i,
                                      [](const Differing& d, size_t s) { return d.segment < s; });
  return found != differing_.end() && found->segment == i ? std::string_view(found->alone)
                                                          : InStream(i);
}

SegmentForms FormsOfSegments(std::string_view canonical, const std::vector<Segment>& segments) {
  JANGBU_CHECK(IsValidUtf8(canonical));
  SegmentForms forms;
  forms.begin_.reserve(segments.size() + 1);
  Former former(canonical);
  former.Reserve(canonical.size());
  size_t last_visible = 0;  // the segment that holds the end of the stream
  for (size_t i = 0; i < segments.size(); ++i) {
    const size_t begin = former.size();
    former.Append(segments[i].Text(canonical));
    const std::string_view added = former.From(begin);
    if (begin > 0 && BeginsWithJoiningJamo(added)) {
      std::string alone(added);
      std::string before(
          former.From(forms.begin_[last_visible]).substr(0, begin - forms.begin_[last_visible]));
      if (former.JoinLast(alone)) {
        // The joined code point is the earlier segment's, so neither is in the stream as it is
        // alone.
        const bool known =
            !forms.differing_.empty() && forms.differing_.back().segment >= last_visible;
        if (!known) forms.differing_.push_back({last_visible, std::move(before)});
        forms.differing_.push_back({i, std::move(alone)});
      }
    }
    if (former.size() > begin) last_visible = i;
    forms.begin_.push_back(former.size());
  }
  forms.stream_ = former.Take();
  return forms;
}

}  // namespace jangbu::ingest
