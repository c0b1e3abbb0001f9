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

bool IsBracketByte(uint8_t b) { return b == '(' || b == '[' || b == '{'; }
// The first byte of a joiner (not of a variation selector, which begins with EF).
bool IsJoinerByte(uint8_t b) { return b == 0xCD || b == 0xE2; }

// What the code point before `i` reads as, joiners and the like aside (internal::Fold); 0 at the
// beginning of the text. Moves `i` to it.
char32_t StepBack(std::string_view text, size_t& i) {
  const char* p = text.data() + i;
  char32_t c = 0;
  while (c == 0 && p > text.data()) {
    StepBackUtf8(p);
    const char* q = p;
    c = internal::Fold(DecodeUtf8(q));
  }
  i = static_cast<size_t>(p - text.data());
  return c;
}

// What the code point at `i` or the next that is not read through reads as; 0 at the end. Moves `i`
// behind it.
char32_t StepOn(std::string_view text, size_t& i) {
  const char* p = text.data() + i;
  const char* const end = text.data() + text.size();
  char32_t c = 0;
  while (c == 0 && p < end) c = internal::Fold(DecodeUtf8(p));
  i = static_cast<size_t>(p - text.data());
  return c;
}

// 일 comes, with what may stand between spoken digits before it (Matcher::AtSpoken).
bool BeforeSpokenOne(std::string_view text, size_t i) {
  for (int steps = 0; steps < 5; ++steps) {
    const char32_t c = StepOn(text, i);
    if (c == U'일') return true;
    if (c == 0 || std::u32string_view(U" 다시국에-.").find(c) == std::u32string_view::npos)
      return false;
  }
  return false;
}

// Whether something might be at `i`: a digit of ASCII, @, the first byte of a digit or sign of
// another script or of a variation selector; the bracket of (at), or of what a joiner hides; 뱅 of
// 골뱅이; 공.
bool IsInteresting(std::string_view text, size_t i) {
  const uint8_t b = Byte(text, i);
  if (IsDigitByte(b) || b == '@' || b == 0xEF || b == 0xD9 || b == 0xDB || b == 0xF0) return true;
  if (IsBracketByte(b)) {
    const uint8_t next = Byte(text, i + 1);
    return (next | 0x20) == 'a' || IsJoinerByte(next);
  }
  if (b == 0xEB) return Byte(text, i + 1) == 0xB1 && Byte(text, i + 2) == 0x85;
  return b == 0xEA && Byte(text, i + 1) == 0xB3 && Byte(text, i + 2) == 0xB5;
}

// The next byte from `from` that is interesting. The text's size when none.
size_t NextInteresting(std::string_view text, size_t from) {
  size_t i = from;
#ifdef __SSE2__
  const auto all = [](int byte) { return _mm_set1_epi8(static_cast<char>(byte)); };
  const __m128i zero = all('0'), nine = all(9), at = all('@'), ef = all(0xEF), d9 = all(0xD9),
                db = all(0xDB), f0 = all(0xF0), eb = all(0xEB), b1 = all(0xB1), x85 = all(0x85),
                lower = all(0x20), a = all('a'), round = all('('), curly = all('{'), e2 = all(0xE2),
                cd = all(0xCD), ea = all(0xEA), b3 = all(0xB3), b5 = all(0xB5);
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
        hit, _mm_and_si128(_mm_cmpeq_epi8(bytes, ea),
                           _mm_and_si128(_mm_cmpeq_epi8(next, b3), _mm_cmpeq_epi8(third, b5))));
    const __m128i bracket = _mm_or_si128(_mm_cmpeq_epi8(bytes, round),
                                         _mm_cmpeq_epi8(_mm_or_si128(bytes, lower), curly));
    const __m128i hidden =
        _mm_or_si128(_mm_cmpeq_epi8(_mm_or_si128(next, lower), a),
                     _mm_or_si128(_mm_cmpeq_epi8(next, e2), _mm_cmpeq_epi8(next, cd)));
    hit = _mm_or_si128(hit, _mm_and_si128(bracket, hidden));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(hit));
    if (mask != 0) return i + static_cast<size_t>(__builtin_ctz(mask));
  }
#endif
  while (i < text.size() && !IsInteresting(text, i)) ++i;
  return i;
}

// A digit of any script stands directly before `i`.
bool DigitBefore(std::string_view text, size_t i) { return internal::IsDigit(StepBack(text, i)); }

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
    case 0xCD:  // a joiner
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

// True when the code point before `begin`, a space aside, may end a street or a village (로 길 동
// 리 가 읍 면 산 하), or what stands a space before is named like a building.
bool AfterPlace(std::string_view text, size_t begin) {
  const auto ascii = [text](size_t i) { return static_cast<uint8_t>(text[i]) < 0x80; };
  if (begin == 0 || (text[begin - 1] != ' ' && ascii(begin - 1))) return false;
  if (text[begin - 1] == ' ' && (begin == 1 || ascii(begin - 2))) return false;
  size_t i = begin;
  char32_t c = StepBack(text, i);
  const bool apart = c == U' ';
  if (apart) c = StepBack(text, i);
  if (!internal::IsHangul(c)) return false;
  if (std::u32string_view(U"로길동리가읍면산하").find(c) != std::u32string_view::npos) return true;
  if (!apart || !internal::MayEndBuilding(c)) return false;
  char32_t name[internal::kLongestBuilding];
  size_t n = std::size(name);
  for (name[--n] = c; n > 0; name[--n] = c) {
    c = StepBack(text, i);
    if (!internal::IsHangul(c)) break;
  }
  return internal::EndsLikeBuilding({name + n, std::size(name) - n});
}

// A letter that passports begin with, alone, directly before or one space or dash before.
bool AfterPassportLetter(std::string_view text, size_t begin) {
  size_t i = begin;
  char32_t c = StepBack(text, i);
  if (c == U' ' || c == U'-') c = StepBack(text, i);
  if (!internal::IsLatin(c) ||
      std::u32string_view(U"msrodpg").find(c | 0x20) == std::u32string_view::npos)
    return false;
  return !internal::IsLatin(StepBack(text, i));
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
  bool other = false;   // something the cheap look does not read
  bool unread = false;  // what it does not read goes on
  for (; parts < (singles ? static_cast<int>(internal::Number::kMaxParts) : 8); ++parts) {
    size_t j = i;
    // A space, and three signs with a space after each (Matcher::SkipGap).
    int signs = 0;
    for (; signs < 7; ++signs) {
      const size_t size = SignSize(text, j);
      if (size == 0 || (size > 1 && IsForeignDigit(text, j))) break;
      other |= size > 1;
      j += size;
    }
    // 다시, more signs and joiners, a digit of another script: leave it to the careful look.
    if (j == i || !IsDigitByte(Byte(text, j))) {
      other |= Byte(text, j) == 0xEF || Byte(text, j) == 0xF0 || Byte(text, j) == 0xE2;
      unread = IsForeignDigit(text, j) || signs == 7 || text.substr(j, 3) == "다";
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
  if (unread || (other && total >= 2)) {
    g.worth = true;
  } else if (total >= 10 || (largest >= 5 && total >= 6)) {
    g.worth = true;
  } else if (Byte(text, begin) == '0' && total >= 9) {
    g.worth = true;
  } else if (first == 3 && (Byte(text, g.run_end) | 0x20) >= 'a' &&
             (Byte(text, g.run_end) | 0x20) <= 'z' && begin > 0) {
    g.worth = true;  // M123A4567
  } else {
    g.worth = (total >= 8 && AfterPassportLetter(text, begin)) || AfterPlace(text, begin);
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
    if (b == 0xEA) {  // 공
      std::optional<Finding> f;
      if (BeforeSpokenOne(text, i + 3)) f = matcher.AtSpoken(i);
      if (f.has_value()) take(*f);
      i = f.has_value() ? f->end : i + 3;
      continue;
    }
    // A digit or sign of another width, or none.
    size_t after = i;
    const char* p = text.data() + i;
    const char32_t c = internal::Fold(DecodeUtf8(p));
    size_t next = static_cast<size_t>(p - text.data());
    std::optional<Finding> f;
    if (internal::IsDigit(c)) {
      if (!DigitBefore(text, i)) f = matcher.AtDigit(i);
    } else if (c == U'@' || c == U'(' || c == U'[' || c == U'{') {
      f = matcher.AtSign(i);
    } else if (const char32_t before = StepBack(text, after); b == 0xEB) {  // 뱅
      if (before == U'골') f = matcher.AtSign(after);
    } else if ((c == 0 || c == U'a' || c == U'A') && (found.empty() || after >= found.back().end)) {
      // What stands before did not show what it is.
      if (before == U'(' || before == U'[' || before == U'{') f = matcher.AtSign(after);
      if (before == U'공') f = matcher.AtSpoken(after);
    }
    if (f.has_value()) {
      take(*f);
      next = std::max<size_t>(next, f->end);
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
