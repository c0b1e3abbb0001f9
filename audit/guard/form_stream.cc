#include "audit/guard/form_stream.h"

#include <algorithm>

#include "ingest/text/canonical.h"
#include "ingest/text/code_points.h"
#include "ingest/text/comparison.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

namespace text = ingest::internal;

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

// The length a sequence with this first byte has, or 0 when none begins so.
size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// May these bytes begin a valid sequence?
bool MayBegin(const char* bytes, size_t size) {
  const auto byte = [bytes](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (size > 1) {
    const unsigned char second = byte(1);
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (byte(0) == 0xE0) low = 0xA0;
    if (byte(0) == 0xED) high = 0x9F;
    if (byte(0) == 0xF0) low = 0x90;
    if (byte(0) == 0xF4) high = 0x8F;
    if (second < low || second > high) return false;
  }
  for (size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return false;
  }
  return SequenceLength(byte(0)) != 0;
}

}  // namespace

bool JoinsBackwards(char32_t cp) { return text::IsVowelJamo(cp) || text::IsTailJamo(cp); }

void FormStream::Push(std::string_view bytes, std::string& text_out, std::vector<FormUnit>& out) {
  size_t i = 0;
  while (i < bytes.size()) {
    if (carried_ == 0) {
      // Syllables whole in `bytes`, and ASCII, are nearly everything.
      const size_t first = i;
      for (; i + 3 <= bytes.size(); i += 3) {
        const auto byte = [&](size_t k) { return static_cast<unsigned char>(bytes[i + k]); };
        if (byte(0) < 0xEA || byte(0) > 0xED || (byte(1) & 0xC0) != 0x80 ||
            (byte(2) & 0xC0) != 0x80) {
          break;
        }
        const auto cp = static_cast<char32_t>((byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 |
                                              (byte(2) & 0x3F));
        if (!text::IsSyllable(cp)) break;  // a surrogate is none
        // As Take does, without a call.
        if (!unit_.empty()) SettleUnit(out);
        if (has_tip_) out.push_back(tip_);
        tip_ = {cp, at_, at_ + 3};
        has_tip_ = true;
        at_ += 3;
      }
      text_out.append(bytes.substr(first, i - first));
      if (i == bytes.size()) return;
      if (static_cast<unsigned char>(bytes[i]) < 0x80) {
        text_out.push_back(bytes[i]);
        Take(static_cast<unsigned char>(bytes[i++]), 1, out);
        continue;
      }
    }
    carry_[carried_++] = bytes[i++];
    while (carried_ > 0) {
      if (!MayBegin(carry_, carried_)) {
        // The longest beginning that could not go on is one bad thing per byte.
        text_out.append(kReplacementUtf8);
        Take(kReplacement, kReplacementUtf8.size(), out);
        std::copy(carry_ + 1, carry_ + carried_, carry_);
        --carried_;
        continue;
      }
      if (carried_ == SequenceLength(static_cast<unsigned char>(carry_[0]))) {
        const char* p = carry_;
        const char32_t cp = ingest::DecodeUtf8(p);
        text_out.append(carry_, carried_);
        const size_t size = carried_;
        carried_ = 0;
        Take(cp, size, out);
      }
      break;
    }
  }
}

void FormStream::Finish(std::string& text_out, std::vector<FormUnit>& out) {
  for (; carried_ > 0; --carried_) {
    text_out.append(kReplacementUtf8);
    Take(kReplacement, kReplacementUtf8.size(), out);
  }
  SettleUnit(out);
  if (has_tip_) out.push_back(tip_);
  has_tip_ = false;
}

void FormStream::Take(char32_t cp, size_t size, std::vector<FormUnit>& out) {
  const uint64_t begin = at_;
  at_ += size;
  if (text::IsSyllable(cp)) {
    // Joins no mark, and no jamo before it.
    if (!unit_.empty()) SettleUnit(out);
    if (has_tip_) out.push_back(tip_);
    tip_ = {cp, begin, at_};
    has_tip_ = true;
    return;
  }
  const text::Packed packed = text::Classify(cp);
  const text::Canonical canonical = text::CanonicalOf(packed);
  if (canonical == text::Canonical::kRemoved) return;
  text::Form form = text::FormOf(packed);
  if (canonical == text::Canonical::kSpace || canonical == text::Canonical::kBreak) {
    cp = U' ';
    form = text::Form::kDropped;
  }
  // What vanishes keeps marks apart while canonical text is formed.
  if (form == text::Form::kVanishes && unit_.empty()) return;
  // What NFC may move or join, in canonical text or in the form, belongs to what stands before.
  const bool hard = form == text::Form::kHard || form == text::Form::kVanishes ||
                    canonical == text::Canonical::kHard;
  if (hard && !unit_.empty() && unit_.size() < kMaxUnit) {
    unit_.push_back(cp);
    unit_end_ = at_;
    return;
  }
  SettleUnit(out);
  unit_.push_back(cp);
  unit_begin_ = begin;
  unit_end_ = at_;
}

void FormStream::FormOfUnit(const std::u32string& unit, std::u32string& form) {
  form.clear();
  if (unit.size() == 1) {
    const char32_t cp = unit[0];
    if (cp < 0x80) {
      const char32_t small = cp >= U'A' && cp <= U'Z' ? cp + (U'a' - U'A') : cp;
      if ((small >= U'a' && small <= U'z') || (cp >= U'0' && cp <= U'9')) form.push_back(small);
      return;
    }
    const text::Form kind = text::FormOf(text::Classify(cp));
    if (kind == text::Form::kDropped) return;
    if (kind == text::Form::kCopied) {
      form.push_back(cp);
      return;
    }
  }
  std::string utf8;
  for (const char32_t cp : unit) ingest::AppendUtf8(cp, utf8);
  // Canonical text first: folding case before NFC would part an iota subscript from its letter.
  const std::string formed = ingest::ComparisonForm(ingest::Canonicalize(utf8));
  for (const char* p = formed.data(); p != formed.data() + formed.size();) {
    form.push_back(ingest::DecodeUtf8(p));
  }
}

void FormStream::Emit(const FormUnit& unit, Tip& tip, std::vector<FormUnit>& out) {
  if (tip.has) {
    if (JoinsBackwards(unit.cp)) {
      if (const char32_t joined = text::JoinHangul(tip.unit.cp, unit.cp); joined != 0) {
        tip.unit.cp = joined;
        tip.unit.end = unit.end;
        return;
      }
    }
    out.push_back(tip.unit);
  }
  tip.has = true;
  tip.unit = unit;
}

void FormStream::SettleUnit(std::vector<FormUnit>& out) {
  if (unit_.empty()) return;
  std::u32string form;
  FormOfUnit(unit_, form);
  Tip tip{has_tip_, tip_};
  for (const char32_t cp : form) Emit({cp, unit_begin_, unit_end_}, tip, out);
  has_tip_ = tip.has;
  tip_ = tip.unit;
  unit_.clear();
}

std::vector<FormUnit> FormStream::Tail() const {
  std::vector<FormUnit> out;
  Tail(out);
  return out;
}

void FormStream::Tail(std::vector<FormUnit>& out) const {
  out.clear();
  Tip tip{has_tip_, tip_};
  if (!unit_.empty()) {
    std::u32string form;
    FormOfUnit(unit_, form);
    for (const char32_t cp : form) Emit({cp, unit_begin_, unit_end_}, tip, out);
  }
  if (tip.has) out.push_back(tip.unit);
}

}  // namespace jangbu::audit
