#include "ingest/text/code_points.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest::internal {
namespace {

constexpr char32_t kPlane = 0x10000;
constexpr char32_t kTabled =
    4 * kPlane;  // planes 0-3 hold everything assigned but tags and selectors

constexpr Packed Pack(Canonical canonical, Form form, Letter letter) {
  return static_cast<Packed>(static_cast<unsigned>(canonical) | (static_cast<unsigned>(form) << 3) |
                             (static_cast<unsigned>(letter) << 6));
}

struct Normalizers {
  const icu::Normalizer2* nfc;
  const icu::Normalizer2* casefold;
};

const Normalizers& Icu() {
  static const Normalizers normalizers = [] {
    UErrorCode error = U_ZERO_ERROR;
    const Normalizers n{icu::Normalizer2::getNFCInstance(error),
                        icu::Normalizer2::getNFKCCasefoldInstance(error)};
    JANGBU_CHECK(U_SUCCESS(error));
    return n;
  }();
  return normalizers;
}

bool IsLetterOrDigit(UChar32 cp) { return (U_GET_GC_MASK(cp) & (U_GC_L_MASK | U_GC_N_MASK)) != 0; }

// Nothing before it can change it or join it.
bool StandsAlone(UChar32 cp) {
  return u_getCombiningClass(cp) == 0 &&
         u_getIntPropertyValue(cp, UCHAR_NFC_QUICK_CHECK) == UNORM_YES &&
         Icu().nfc->hasBoundaryBefore(cp);
}

Canonical CanonicalClass(UChar32 cp) {
  switch (cp) {
    case 0x0A:
    case 0x0B:
    case 0x0C:
    case 0x0D:
    case 0x85:
    case 0x2028:
    case 0x2029:
      return Canonical::kBreak;
    case 0x09:
    case 0x1C:
    case 0x1D:
    case 0x1E:
    case 0x1F:
      return Canonical::kSpace;
    case 0xAD:
    case 0x180E:
    case 0x200B:
    case 0x200E:
    case 0x200F:
    case 0x2060:
    case 0xFEFF:
      return Canonical::kRemoved;
    default:
      break;
  }
  if ((cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069)) return Canonical::kRemoved;
  const int8_t category = u_charType(cp);
  if (category == U_SPACE_SEPARATOR) return Canonical::kSpace;
  if (category == U_CONTROL_CHAR) return Canonical::kRemoved;
  if (IsVowelJamo(static_cast<char32_t>(cp)) || IsTailJamo(static_cast<char32_t>(cp))) {
    return Canonical::kJamo;
  }
  return StandsAlone(cp) ? Canonical::kKept : Canonical::kHard;
}

struct FormRule {
  Form form = Form::kDropped;
  std::string mapping;
};

FormRule FormClass(UChar32 cp) {
  if (cp == 0x318D) return {Form::kVanishes, {}};
  const bool kept = IsLetterOrDigit(cp);
  if (Icu().casefold->isInert(cp)) return {kept ? Form::kCopied : Form::kDropped, {}};

  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString mapped = Icu().casefold->normalize(icu::UnicodeString(cp), error);
  JANGBU_CHECK(U_SUCCESS(error));
  if (mapped.isEmpty()) return {Form::kVanishes, {}};

  const auto first = static_cast<char32_t>(mapped.char32At(0));
  if (mapped.countChar32() == 1 && (IsVowelJamo(first) || IsTailJamo(first))) {
    std::string utf8;
    return {Form::kJamo, mapped.toUTF8String(utf8)};
  }
  if (!StandsAlone(mapped.char32At(0))) return {Form::kHard, {}};

  icu::UnicodeString filtered;
  for (int32_t i = 0; i < mapped.length(); i = mapped.moveIndex32(i, 1)) {
    if (IsLetterOrDigit(mapped.char32At(i))) filtered.append(mapped.char32At(i));
  }
  const icu::UnicodeString form = Icu().nfc->normalize(filtered, error);
  JANGBU_CHECK(U_SUCCESS(error));
  if (form.isEmpty()) return {Form::kDropped, {}};
  if (!StandsAlone(form.char32At(0))) return {Form::kHard, {}};
  if (form == icu::UnicodeString(cp)) return {Form::kCopied, {}};
  std::string utf8;
  return {Form::kMapped, form.toUTF8String(utf8)};
}

Letter LetterClass(UChar32 cp) {
  if ((U_GET_GC_MASK(cp) & U_GC_L_MASK) == 0) return Letter::kNone;
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(cp, &error);
  JANGBU_CHECK(U_SUCCESS(error));
  if (script == USCRIPT_HANGUL) return Letter::kHangul;
  if (script == USCRIPT_HAN) return Letter::kHan;
  return Letter::kOther;
}

// A stretch of code points and what the mapped ones become.
class Table {
 public:
  Table(char32_t begin, char32_t end) : begin_(begin), packed_(end - begin), mapping_(end - begin) {
    for (char32_t cp = begin; cp < end; ++cp) {
      if (IsSyllable(cp)) {
        packed_[cp - begin] = Pack(Canonical::kKept, Form::kCopied, Letter::kHangul);
        continue;
      }
      const auto c = static_cast<UChar32>(cp);
      const FormRule rule = FormClass(c);
      packed_[cp - begin] = Pack(CanonicalClass(c), rule.form, LetterClass(c));
      if (rule.form != Form::kMapped && rule.form != Form::kJamo) continue;
      JANGBU_CHECK(rule.mapping.size() < 256 && mappings_.size() < (1u << 24));
      mapping_[cp - begin] = static_cast<uint32_t>(mappings_.size() << 8 | rule.mapping.size());
      mappings_ += rule.mapping;
    }
  }

  const Packed* data() const { return packed_.data(); }
  Packed operator[](char32_t cp) const { return packed_[cp - begin_]; }
  // REQUIRES: it has one.
  std::string_view Mapping(char32_t cp) const {
    const uint32_t place = mapping_[cp - begin_];
    return std::string_view(mappings_).substr(place >> 8, place & 0xFF);
  }

 private:
  char32_t begin_;
  std::vector<Packed> packed_;
  std::vector<uint32_t> mapping_;  // place in mappings_ and, in the low byte, size
  std::string mappings_;
};

const Table& Bmp() {
  static const Table& table =
      *new Table(0, kPlane);  // never destroyed: used until the last thread ends
  return table;
}

const Table& Supplementary() {
  static const Table& table = *new Table(kPlane, kTabled);
  return table;
}

}  // namespace

const Packed* BmpTable() { return Bmp().data(); }

Packed Classify(char32_t cp) {
  if (cp < kPlane) return Bmp()[cp];
  if (cp < kTabled) return Supplementary()[cp];
  // Nothing past plane 3 has a mapping; tags and variation selectors vanish.
  const auto c = static_cast<UChar32>(cp);
  const FormRule rule = FormClass(c);
  JANGBU_CHECK(rule.form != Form::kMapped && rule.form != Form::kJamo);
  return Pack(CanonicalClass(c), rule.form, LetterClass(c));
}

std::string_view FormMapping(char32_t cp) {
  return cp < kPlane ? Bmp().Mapping(cp) : Supplementary().Mapping(cp);
}

}  // namespace jangbu::ingest::internal
