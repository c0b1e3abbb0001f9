#include "ingest/screen/personal_data.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/check.h"
#include "ingest/screen/matcher.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

constexpr std::string_view kNames[] = {
    "resident_number", "foreigner_number", "mobile", "landline",
    "email",           "bank_account",     "card",   "business_number",
    "passport",        "driver_licence",   "address"};
static_assert(std::size(kNames) == kPersonalKinds);

constexpr int kReadings = 8;

uint8_t Byte(std::string_view text, size_t i) {
  return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
}
bool IsDigitByte(uint8_t b) { return b >= '0' && b <= '9'; }

// The last byte of 공 stands at `i`, and 일 after it.
bool IsSpokenStart(std::string_view text, size_t i) {
  return i >= 2 && text.substr(i - 2, 6) == "공일";
}

// The next byte from `from` at which something might be: a digit of ASCII, @, or the first byte of
// a digit or sign of another script; the brackets of (at); 뱅 of 골뱅이; the last byte of 공 before
// 일. The text's size when none.
size_t NextInteresting(std::string_view text, size_t from) {
  size_t i = from;
#ifdef __SSE2__
  const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9), at = _mm_set1_epi8('@'),
                ef = _mm_set1_epi8(static_cast<char>(0xEF)),
                d9 = _mm_set1_epi8(static_cast<char>(0xD9)),
                db = _mm_set1_epi8(static_cast<char>(0xDB)),
                f0 = _mm_set1_epi8(static_cast<char>(0xF0)),
                eb = _mm_set1_epi8(static_cast<char>(0xEB)),
                b1 = _mm_set1_epi8(static_cast<char>(0xB1)),
                x85 = _mm_set1_epi8(static_cast<char>(0x85)), lower = _mm_set1_epi8(0x20),
                a = _mm_set1_epi8('a'), t = _mm_set1_epi8('t'),
                b5 = _mm_set1_epi8(static_cast<char>(0xB5)),
                ec = _mm_set1_epi8(static_cast<char>(0xEC)),
                x9d = _mm_set1_epi8(static_cast<char>(0x9D));
  for (; i + 19 <= text.size(); i += 16) {
    const auto load = [&](size_t offset) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i + offset));
    };
    const __m128i bytes = load(0), next = load(1), third = load(2);
    const __m128i from_zero = _mm_sub_epi8(bytes, zero);
    __m128i hit = _mm_cmpeq_epi8(_mm_min_epu8(from_zero, nine), from_zero);
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, at));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, ef));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, d9));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, db));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, f0));
    hit = _mm_or_si128(
        hit, _mm_and_si128(_mm_cmpeq_epi8(bytes, eb),
                           _mm_and_si128(_mm_cmpeq_epi8(next, b1), _mm_cmpeq_epi8(third, x85))));
    hit = _mm_or_si128(
        hit, _mm_and_si128(_mm_cmpeq_epi8(bytes, b5),
                           _mm_and_si128(_mm_cmpeq_epi8(next, ec), _mm_cmpeq_epi8(third, x9d))));
    hit = _mm_or_si128(hit, _mm_and_si128(_mm_cmpeq_epi8(_mm_or_si128(next, lower), a),
                                          _mm_cmpeq_epi8(_mm_or_si128(third, lower), t)));
    uint32_t mask = static_cast<uint32_t>(_mm_movemask_epi8(hit));
    while (mask != 0) {
      const auto bit = static_cast<size_t>(__builtin_ctz(mask));
      const uint8_t b = Byte(text, i + bit);
      const bool bracket = b == '(' || b == '[' || b == '{';
      if (IsDigitByte(b) || b == '@' || b == 0xEF || b == 0xD9 || b == 0xDB || b == 0xF0 ||
          bracket ||
          (b == 0xEB && Byte(text, i + bit + 1) == 0xB1 && Byte(text, i + bit + 2) == 0x85) ||
          (b == 0xB5 && IsSpokenStart(text, i + bit))) {
        return i + bit;
      }
      mask &= mask - 1;
    }
  }
#endif
  for (; i < text.size(); ++i) {
    const uint8_t b = Byte(text, i);
    if (IsDigitByte(b) || b == '@' || b == 0xEF || b == 0xD9 || b == 0xDB || b == 0xF0 ||
        (b == 0xEB && Byte(text, i + 1) == 0xB1 && Byte(text, i + 2) == 0x85) ||
        (b == 0xB5 && IsSpokenStart(text, i)) ||
        ((b == '(' || b == '[' || b == '{') && (Byte(text, i + 1) | 0x20) == 'a' &&
         (Byte(text, i + 2) | 0x20) == 't')) {
      return i;
    }
  }
  return text.size();
}

// A digit of any script stands directly before `i`.
bool DigitBefore(std::string_view text, size_t i) {
  const char* p = text.data() + i;
  while (p > text.data()) {
    StepBackUtf8(p);
    const char* q = p;
    const char32_t c = internal::Fold(DecodeUtf8(q));
    if (c != 0) return internal::IsDigit(c);
  }
  return false;
}

// A digit of another script than ASCII stands at `i`.
bool IsForeignDigit(std::string_view text, size_t i) {
  const uint8_t b = Byte(text, i);
  if (b != 0xD9 && b != 0xDB && b != 0xEF && b != 0xF0) return false;
  const char* p = text.data() + i;
  return internal::IsDigit(internal::Fold(DecodeUtf8(p)));
}

// What the cheap look at a run of ASCII digits says.
struct Glance {
  size_t run_end = 0;
  bool worth = false;
};

// The size of a space or sign between digits at `i`, or 0.
size_t SignSize(std::string_view text, size_t i) {
  const uint8_t b = Byte(text, i);
  switch (b) {
    case ' ':
    case '-':
    case '.':
    case '/':
    case ')':
    case '(':
    case '_':
    case '~':
      return 1;
    case 0xC2:  // ·
      return Byte(text, i + 1) == 0xB7 || Byte(text, i + 1) == 0xAF ? 2 : 0;
    case 0xCB:
    case 0xD6:
      return 2;
    case 0xE1:  // ᠆
      return Byte(text, i + 1) == 0xA0 ? 3 : 0;
    case 0xE2:
    case 0xEF:
      return 3;
    case 0xE3:  // ー ㅡ ・ ㆍ 〜
      return Byte(text, i + 1) == 0x83 || Byte(text, i + 1) == 0x85 || Byte(text, i + 1) == 0x86 ||
                     Byte(text, i + 1) == 0x80
                 ? 3
                 : 0;
    default:
      return 0;
  }
}

// True when the code point before `begin`, spaces aside, may end a street or a village: 로 길 동 리
// 가 읍 면 산 하.
bool AfterPlace(std::string_view text, size_t begin) {
  size_t i = begin;
  if (i > 0 && text[i - 1] == ' ') --i;
  if (i < 3) return false;
  const std::string_view c = text.substr(i - 3, 3);
  const auto lead = static_cast<uint8_t>(c[0]);
  if (lead < 0xEA || lead > 0xED) return false;
  return c == "로" || c == "길" || c == "동" || c == "리" || c == "가" || c == "읍" || c == "면" ||
         c == "산" || c == "하";
}

// A letter that passports begin with, alone, directly before or one space or dash before.
bool AfterPassportLetter(std::string_view text, size_t begin) {
  size_t i = begin;
  if (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '-')) --i;
  if (i == 0) return false;
  const auto letter = static_cast<char>(Byte(text, i - 1) | 0x20);
  if (std::string_view("msrodpg").find(letter) == std::string_view::npos) return false;
  const uint8_t before = i >= 2 ? static_cast<uint8_t>(Byte(text, i - 2) | 0x20) : 0;
  return before < 'a' || before > 'z';
}

// A space, and then digits and 동 or 호: a flat, perhaps.
bool BeforeFlat(std::string_view text, size_t begin, size_t end) {
  if (begin < 4 || text[begin - 1] != ' ' || static_cast<uint8_t>(text[begin - 2]) < 0x80)
    return false;
  const std::string_view next = text.substr(end, 3);
  return next == "동" || next == "호";
}

Glance Look(std::string_view text, size_t begin) {
  Glance g;
  size_t i = begin;
  while (IsDigitByte(Byte(text, i))) ++i;
  g.run_end = i;
  const size_t first = i - begin;
  size_t total = first, largest = first;
  int parts = 1;
  // Single digits, two of them at the beginning, are read as one part each run
  // (Matcher::JoinSingles), so more parts may follow.
  bool singles = first == 1;
  size_t single_run = singles ? 1 : 0;
  bool other = false;    // something the cheap look does not read
  bool foreign = false;  // a digit of another script goes on
  for (; parts < (singles ? static_cast<int>(internal::Number::kMaxParts) : 8); ++parts) {
    size_t j = i;
    // A space, and three signs with a space after each (Matcher::SkipGap).
    for (int signs = 0; signs < 7; ++signs) {
      const size_t size = SignSize(text, j);
      if (size == 0) break;
      other |= size > 1;
      j += size;
    }
    // 다시, a joiner, a digit of another script: leave it to the careful look.
    if (Byte(text, j) == 0xEB && Byte(text, j + 1) == 0x8B && Byte(text, j + 2) == 0xA4)
      other = true;
    if (j == i || !IsDigitByte(Byte(text, j))) {
      other |= Byte(text, j) == 0xEF || Byte(text, j) == 0xF0 || Byte(text, j) == 0xE2;
      foreign = IsForeignDigit(text, j);
      break;
    }
    size_t k = j;
    while (IsDigitByte(Byte(text, k))) ++k;
    if (parts == 1) singles = singles && k - j == 1;
    single_run = singles && k - j == 1 ? single_run + 1 : 0;
    largest = std::max({largest, k - j, single_run});
    total += k - j;
    i = k;
    if (total > 40) break;
  }
  if (foreign || (other && total >= 2)) {
    g.worth = true;
  } else if (total >= 10 || (largest >= 5 && total >= 6)) {
    g.worth = true;
  } else if (Byte(text, begin) == '0' && total >= 9) {
    g.worth = true;
  } else if (first == 3 && (Byte(text, g.run_end) | 0x20) >= 'a' &&
             (Byte(text, g.run_end) | 0x20) <= 'z' && begin > 0) {
    g.worth = true;  // M123A4567
  } else {
    g.worth = (total >= 8 && AfterPassportLetter(text, begin)) || AfterPlace(text, begin) ||
              BeforeFlat(text, begin, g.run_end);
  }
  return g;
}

}  // namespace

std::string_view NameOf(PersonalKind kind) {
  const auto i = static_cast<size_t>(kind) - 1;
  JANGBU_CHECK(i < std::size(kNames));
  return kNames[i];
}

std::optional<PersonalKind> PersonalKindOf(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<PersonalKind>(i + 1);
  }
  return std::nullopt;
}

std::vector<Finding> FindPersonalData(std::string_view text) {
  JANGBU_CHECK(text.size() < UINT32_MAX);
  std::vector<Finding> found;
  internal::Matcher matcher(text);
  const auto take = [&found](const Finding& f) {
    // An address that begins inside what was found before it is cut to what is new.
    Finding kept = f;
    if (!found.empty() && kept.begin < found.back().end) kept.begin = found.back().end;
    if (kept.begin < kept.end) found.push_back(kept);
  };
  size_t i = 0;
  while ((i = NextInteresting(text, i)) < text.size()) {
    const uint8_t b = Byte(text, i);
    if (IsDigitByte(b)) {
      const Glance g = Look(text, i);
      size_t next = g.run_end;
      const bool goes_on =
          i > 0 && static_cast<uint8_t>(text[i - 1]) >= 0x80 && DigitBefore(text, i);
      if (g.worth && !goes_on) {
        if (const auto f = matcher.AtDigit(i); f.has_value()) {
          take(*f);
          next = f->end;
        }
      }
      i = std::max(next, i + 1);
      continue;
    }
    if (b == 0xB5) {
      const auto f = matcher.AtSpoken(i - 2);
      if (f.has_value()) take(*f);
      i = f.has_value() ? f->end : i + 1;
      continue;
    }
    // A digit or sign of another width, or none.
    size_t sign = i;
    if (b == 0xEB) {  // 뱅 of 골뱅이
      if (i < 3 || text.substr(i - 3, 3) != "골") {
        i += 3;
        continue;
      }
      sign = i - 3;
    }
    const char* p = text.data() + i;
    const char32_t c = internal::Fold(DecodeUtf8(p));
    size_t next = static_cast<size_t>(p - text.data());
    if (internal::IsDigit(c)) {
      if (!DigitBefore(text, i)) {
        if (const auto f = matcher.AtDigit(i); f.has_value()) {
          take(*f);
          next = std::max<size_t>(next, f->end);
        }
      }
    } else if (c == U'@' || c == U'(' || c == U'[' || c == U'{' || b == 0xEB) {
      if (const auto f = matcher.AtSign(sign); f.has_value()) {
        take(*f);
        next = std::max<size_t>(next, f->end);
      }
    }
    i = next;
  }
  return found;
}

std::vector<PersonalSpan> SpansOf(std::string_view text, const std::vector<Finding>& findings) {
  std::vector<PersonalSpan> spans;
  spans.reserve(findings.size());
  size_t at = 0;
  uint64_t points = 0;
  for (const Finding& f : findings) {
    points += CountCodePoints(text.substr(at, f.begin - at));
    const uint64_t size = CountCodePoints(text.substr(f.begin, f.end - f.begin));
    spans.push_back({f.kind, static_cast<uint32_t>(points), static_cast<uint32_t>(size)});
    points += size;
    at = f.end;
  }
  return spans;
}

namespace {

// What stands for a code point of a finding.
char32_t Mask(char32_t c) {
  if (c < 0x80) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return alnum ? U'*' : c;
  }
  if (c >= 0xAC00 && c <= 0xD7A3) return U'○';
  const auto type = static_cast<UCharCategory>(u_charType(static_cast<UChar32>(c)));
  switch (type) {
    case U_UPPERCASE_LETTER:
    case U_LOWERCASE_LETTER:
    case U_TITLECASE_LETTER:
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
    case U_OTHER_NUMBER:
      return U'*';
    default:
      return c;
  }
}

std::string Masked(std::string_view text, const std::vector<Finding>& findings) {
  std::string out;
  out.reserve(text.size());
  size_t at = 0;
  for (const Finding& f : findings) {
    out.append(text, at, f.begin - at);
    const char* p = text.data() + f.begin;
    const char* const end = text.data() + f.end;
    while (p < end) AppendUtf8(Mask(DecodeUtf8(p)), out);
    at = f.end;
  }
  out.append(text, at, text.size() - at);
  return out;
}

// Joins two ascending lists of places; overlapping ones become the earlier reading's and what the
// later adds around it.
void Merge(std::vector<PersonalSpan>& into, const std::vector<PersonalSpan>& more) {
  into.insert(into.end(), more.begin(), more.end());
  std::stable_sort(into.begin(), into.end(),
                   [](const PersonalSpan& a, const PersonalSpan& b) { return a.begin < b.begin; });
  std::vector<PersonalSpan> out;
  uint64_t end = 0;
  for (const PersonalSpan& s : into) {
    const uint64_t s_end = uint64_t{s.begin} + s.size;
    if (!out.empty() && s.begin < end) {
      if (s_end > end) {
        out.back().size += static_cast<uint32_t>(s_end - end);
        end = s_end;
      }
      continue;
    }
    out.push_back(s);
    end = s_end;
  }
  into = std::move(out);
}

}  // namespace

std::vector<PersonalSpan> MaskPersonalData(std::string& canonical) {
  std::vector<PersonalSpan> spans;
  for (int reading = 0; reading < kReadings; ++reading) {
    const std::vector<Finding> found = FindPersonalData(canonical);
    if (found.empty()) return spans;
    std::vector<PersonalSpan> more = SpansOf(canonical, found);
    canonical = Masked(canonical, found);
    if (spans.empty()) {
      spans = std::move(more);
    } else {
      Merge(spans, more);
    }
  }
  // Made to be read for ever. Without digits, @, Latin letters and 공 there is nothing to find.
  std::vector<Finding> rest;
  const char* const begin = canonical.data();
  const char* p = begin;
  const char* const end = begin + canonical.size();
  while (p < end) {
    const auto from = static_cast<uint32_t>(p - begin);
    const char32_t c = internal::Fold(DecodeUtf8(p));
    if (internal::IsDigit(c) || internal::IsLatin(c) || c == U'@' || c == U'공') {
      rest.push_back({PersonalKind::kResidentNumber, from, static_cast<uint32_t>(p - begin)});
    }
  }
  Merge(spans, SpansOf(canonical, rest));
  std::string out;
  size_t at = 0;
  for (const Finding& f : rest) {
    out.append(canonical, at, f.begin - at).push_back('*');
    at = f.end;
  }
  out.append(canonical, at);
  canonical = std::move(out);
  return spans;
}

std::string MaskedLine(std::string_view utf8) {
  std::string line = Canonicalize(utf8);
  MaskPersonalData(line);
  return line;
}

}  // namespace jangbu::ingest
