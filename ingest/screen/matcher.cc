#include "ingest/screen/matcher.h"

#include <algorithm>

#include "base/check.h"
#include "ingest/screen/number_rules.h"

namespace jangbu::ingest::internal {
namespace {

constexpr size_t kMaxDigits = 24;  // in one part; longer runs are data

char32_t Lower(char32_t c) { return c >= U'A' && c <= U'Z' ? c + 32 : c; }

bool Contains(std::u32string_view window, Words words) {
  return std::any_of(words.begin(), words.end(), [window](std::u32string_view word) {
    return window.find(word) != std::u32string_view::npos;
  });
}

// The digits of parts [from, to] in a row, and where they were apart.
struct Joined {
  std::string digits;
  std::vector<size_t> breaks;
};
Joined Join(const Number& n, size_t from, size_t to) {
  Joined out;
  for (size_t i = from; i <= to; ++i) {
    if (i > from) out.breaks.push_back(out.digits.size());
    out.digits += n.parts[i].digits;
  }
  return out;
}

bool Shape(const Number& n, std::initializer_list<size_t> sizes) {
  if (n.parts.size() < sizes.size()) return false;
  size_t i = 0;
  for (const size_t size : sizes) {
    if (n.parts[i++].digits.size() != size) return false;
  }
  return true;
}

bool AllGaps(const Number& n, size_t parts, Gap gap) {
  return std::all_of(n.gaps.begin(), n.gaps.begin() + static_cast<ptrdiff_t>(parts - 1),
                     [gap](Gap g) { return g == gap; });
}

bool IsGapSign(char32_t c) {
  return c == U'-' || c == U'.' || c == U'/' || c == U')' || c == U'(' || c == U'_' || c == U'~';
}

}  // namespace

// ---- reading ----

// Moves over what may stand between two parts; `i` when no digit follows.
size_t Matcher::SkipGap(size_t i, Gap& gap) {
  size_t j = i;
  if (text_[j] == U' ') ++j;
  gap = Gap::kSpace;
  // "다시" is how a dash is said.
  if (text_[j] == U'다' && text_[j + 1] == U'시') {
    j += 2;
    gap = Gap::kDash;
    if (text_[j] == U' ') ++j;
    return IsDigit(text_[j]) ? j : i;
  }
  bool dash = false, dot = false, slash = false, bracket = false;
  for (int signs = 0; signs < 3 && IsGapSign(text_[j]); ++signs) {
    const char32_t c = text_[j];
    (c == U'.' ? dot : c == U'/' ? slash : c == U')' || c == U'(' ? bracket : dash) = true;
    ++j;
    if (text_[j] == U' ') ++j;
  }
  if (!IsDigit(text_[j]) || j == i) return i;
  if (dash) {
    gap = Gap::kDash;
  } else if (bracket) {
    gap = Gap::kBracket;
  } else if (dot) {
    gap = Gap::kDot;
  } else if (slash) {
    gap = Gap::kSlash;
  }
  return j;
}

Number Matcher::ReadNumber(size_t at) {
  Number n;
  size_t i = at;
  while (n.parts.size() < Number::kMaxParts) {
    Part part;
    part.begin = i;
    while (IsDigit(text_[i])) {
      if (part.digits.size() <= kMaxDigits) part.digits.push_back(static_cast<char>(text_[i]));
      ++i;
    }
    part.end = i;
    const bool long_run = part.digits.size() > kMaxDigits;
    n.parts.push_back(std::move(part));
    if (long_run) break;
    Gap gap = Gap::kSpace;
    const size_t next = SkipGap(i, gap);
    if (next == i) break;
    n.gaps.push_back(gap);
    i = next;
  }
  n.gaps.resize(n.parts.size() - 1);
  return n;
}

// "9 6 0 1 2 1 - 1 0 2 1 4 1 3" as two parts: single digits with spaces between become one.
Number Matcher::JoinSingles(const Number& n) {
  Number out;
  bool single = false;
  for (size_t i = 0; i < n.parts.size(); ++i) {
    const bool is_single = n.parts[i].digits.size() == 1;
    if (i > 0 && n.gaps[i - 1] == Gap::kSpace && is_single && single) {
      out.parts.back().digits += n.parts[i].digits;
      out.parts.back().end = n.parts[i].end;
    } else {
      if (i > 0) out.gaps.push_back(n.gaps[i - 1]);
      out.parts.push_back(n.parts[i]);
    }
    single = is_single;
  }
  return out;
}

bool Matcher::BeginsHere(size_t at, bool glued) {
  if (at == 0) return true;
  const char32_t p = text_[at - 1];
  const char32_t pp = at >= 2 ? text_[at - 2] : U'\0';
  if (p == U'@' || p == U'#' || p == U'$' || p == U'₩' || p == U'\\' || p == U'^') return false;
  if (p == U'*') {
    // Bold type, or digits masked already.
    size_t from = at;
    while (from > 0 && at - from < 5 && text_[from - 1] == U'*') --from;
    if (at - from > 3 || (from > 0 && (text_[from - 1] == U'-' || IsDigit(text_[from - 1]))))
      return false;
  }
  if ((p == U'-' || p == U'.' || p == U'_' || p == U'+' || p == U',') &&
      (IsDigit(pp) || pp == U'*'))
    return false;
  if ((p == U'-' || p == U'_' || p == U'/' || p == U'=' || p == U'&' || p == U'%') && IsLatin(pp))
    return !glued && p != U'_' && p != U'%';
  if (!IsLatin(p)) return true;
  if (glued) return false;
  // TEL010-…: a label, not a code.
  size_t from = at;
  while (from > 0 && at - from < 9 && IsLatin(text_[from - 1])) --from;
  if (from > 0 && (IsDigit(text_[from - 1]) || text_[from - 1] == U'-' || text_[from - 1] == U'_'))
    return false;
  const std::u32string label = Window(from, at);
  static constexpr std::u32string_view kLabels[] = {
      U"tel", U"t", U"hp",   U"h",  U"p",   U"m",  U"mobile", U"phone", U"fax",
      U"f",   U"c", U"cell", U"no", U"rrn", U"id", U"call",   U"card"};
  return std::find(std::begin(kLabels), std::end(kLabels), label) != std::end(kLabels);
}

bool Matcher::EndsHere(size_t end, bool glued) {
  const char32_t c = text_[end];
  const char32_t d = text_[end + 1];
  if (c == U'@' || c == U'%') return false;
  if (c == U'*') {
    size_t to = end;
    while (to - end < 5 && text_[to] == U'*') ++to;
    if (to - end > 3 || text_[to] == U'-' || IsDigit(text_[to])) return false;
  }
  if ((c == U'-' || c == U'.' || c == U'_' || c == U',') && (IsDigit(d) || d == U'*')) return false;
  if (IsLatin(c) || c == U'_') return !glued && c != U'_';
  return true;
}

// ---- words around ----

std::u32string Matcher::Window(size_t from, size_t to) {
  std::u32string out;
  for (size_t i = from; i < to; ++i) {
    const char32_t c = text_[i];
    if (c != U' ') out.push_back(Lower(c));
  }
  return out;
}

bool Matcher::Before(size_t at, size_t reach, Words words) {
  size_t from = at;
  bool broken = false;
  while (from > 0 && at - from < reach) {
    if (text_[from - 1] == U'\n') {
      if (broken) break;
      broken = true;
    }
    --from;
  }
  return Contains(Window(from, at), words);
}

bool Matcher::DirectlyBefore(size_t at, Words words) {
  size_t to = at;
  int skipped = 0;
  while (to > 0 && skipped < 6) {
    const char32_t c = text_[to - 1];
    const bool sign = c == U' ' || c == U':' || c == U'.' || c == U'-' || c == U'(' || c == U')' ||
                      c == U'=' || c == U'|' || c == U'\n' || c == U'은' || c == U'는' ||
                      c == U'이' || c == U'가' || c == U'번' || c == U'호' || c == U'로' ||
                      c == U'*' || c == U'>' || c == U'[' || c == U']' || c == U'“' || c == U'"' ||
                      c == U'도';
    if (!sign) break;
    --to;
    ++skipped;
  }
  const std::u32string window = Window(to > 12 ? to - 12 : 0, to);
  return std::any_of(words.begin(), words.end(), [&window](std::u32string_view word) {
    return std::u32string_view(window).ends_with(word);
  });
}

bool Matcher::After(size_t end, size_t reach, Words words) {
  size_t to = end;
  while (to - end < reach && text_[to] != 0 && text_[to] != U'\n') ++to;
  return Contains(Window(end, to), words);
}

Finding Matcher::ToFinding(const Match& match) const {
  return {.kind = match.kind,
          .begin = text_.cell(match.cells.first).begin,
          .end = text_.cell(match.cells.second - 1).end};
}

// ---- numbers ----

std::optional<Finding> Matcher::AtDigit(size_t byte) {
  const size_t at = text_.Move(byte);
  if (!IsDigit(text_[at]) || text_.cell(at).begin != byte) return std::nullopt;
  const Number n = ReadNumber(at);
  std::optional<Match> match;
  if (n.parts.size() > 3 && n.parts[0].digits.size() == 1 && n.parts[1].digits.size() == 1) {
    match = MatchNumber(JoinSingles(n));
  }
  if (!match.has_value()) match = MatchNumber(n);
  if (!match.has_value()) match = Address(at);
  if (!match.has_value()) return std::nullopt;
  return ToFinding(*match);
}

std::optional<Matcher::Match> Matcher::MatchNumber(const Number& n) {
  if (n.parts[0].digits.size() > kMaxDigits) return std::nullopt;
  for (const auto rule : {&Matcher::Resident, &Matcher::Card, &Matcher::Phone, &Matcher::Licence,
                          &Matcher::Business, &Matcher::Passport, &Matcher::Account}) {
    if (std::optional<Match> match = (this->*rule)(n); match.has_value()) return match;
  }
  return std::nullopt;
}

// 주민등록번호, 외국인등록번호: six digits and seven, glued or apart, or told apart in words.
std::optional<Matcher::Match> Matcher::Resident(const Number& n) {
  const size_t at = n.parts[0].begin;
  const auto kind = [](char sex) {
    return sex >= '5' && sex <= '8' ? PersonalKind::kForeignerNumber
                                    : PersonalKind::kResidentNumber;
  };
  size_t last = 0;
  bool apart = true;
  if (Shape(n, {13})) {
    apart = false;
  } else if (Shape(n, {6, 7})) {
    last = 1;
  } else if (Shape(n, {6, 1, 6})) {
    last = 2;
  } else if (Shape(n, {2, 2, 2, 7})) {
    last = 3;
  } else {
    // The first half, told to be one; the second half elsewhere.
    if (Shape(n, {6}) && IsBirthAndSex(n.parts[0].digits + "1") && BeginsHere(at, true)) {
      static constexpr std::u32string_view kFront[] = {U"앞"};
      static constexpr std::u32string_view kBack[] = {U"뒤", U"뒷"};
      const size_t end = n.parts[0].end;
      if (EndsHere(end, true) && Before(at, 40, ResidentWords()) &&
          (Before(at, 14, kFront) || After(end, 16, kBack))) {
        return Match{PersonalKind::kResidentNumber, {at, end}};
      }
    }
    if (Shape(n, {7}) && BeginsHere(at, true) && EndsHere(n.parts[0].end, true)) {
      static constexpr std::u32string_view kBack[] = {U"뒤", U"뒷", U"끝자리"};
      static constexpr std::u32string_view kFront[] = {U"앞자리", U"앞번호"};
      if (Before(at, 12, kBack) && (Before(at, 60, ResidentWords()) || Before(at, 60, kFront))) {
        return Match{kind(n.parts[0].digits[0]), {at, n.parts[0].end}};
      }
    }
    return std::nullopt;
  }
  const Joined joined = Join(n, 0, last);
  const size_t end = n.parts[last].end;
  if (!IsBirthAndSex(joined.digits)) return std::nullopt;
  if (!BeginsHere(at, !apart) || !EndsHere(end, !apart)) return std::nullopt;
  const char sex = joined.digits[6];
  const bool named = Before(at, 30, ResidentWords());
  if (!named && Before(at, 14, CompanyWords())) return std::nullopt;
  // An account of 13 digits, where the words say so.
  if (!apart && !named && Before(at, 16, AccountWords())) return std::nullopt;
  const bool certain = named || HasResidentCheck(joined.digits);
  // Dashed is enough for a number as issued today; anything else wants a word or the check digit.
  const bool dashed = last == 1 && n.gaps[0] == Gap::kDash && sex != '0' && sex != '9';
  // 홍길동(9601211021413): a name in front of the bracket.
  const bool after_name =
      at >= 3 && text_[at - 1] == U'(' && IsHangul(text_[at - 2]) && IsHangul(text_[at - 3]);
  if (!(certain || dashed || after_name || (!apart && IsPlainBirthNumber(joined.digits))))
    return std::nullopt;
  if (last > 1 && !named) return std::nullopt;
  return Match{kind(sex), {at, end}};
}

// 16 digits in fours or glued, 15 as 4-6-5, 14 as 4-6-4; with a word, in any parts. Always Luhn.
std::optional<Matcher::Match> Matcher::Card(const Number& n) {
  const size_t at = n.parts[0].begin;
  size_t last = SIZE_MAX;
  bool common = true;
  if (Shape(n, {4, 4, 4, 4})) {
    last = 3;
  } else if (Shape(n, {4, 6, 5}) || Shape(n, {4, 6, 4})) {
    last = 2;
  } else if (Shape(n, {16}) || Shape(n, {15})) {
    last = 0;
    const std::string_view d = n.parts[0].digits;
    common = d.size() == 16 || d.substr(0, 2) == "34" || d.substr(0, 2) == "37";
  } else {
    size_t digits = 0;
    for (size_t i = 0; i < std::min<size_t>(n.parts.size(), 8); ++i) {
      digits += n.parts[i].digits.size();
      if (digits >= 14 && digits <= 19) last = i;
    }
    if (last == SIZE_MAX) return std::nullopt;
    common = false;
  }
  const Joined joined = Join(n, 0, last);
  const size_t end = n.parts[last].end;
  const char first = joined.digits[0];
  if (first < '2' || first == '7' || first == '8' || !HasLuhn(joined.digits)) return std::nullopt;
  if (!BeginsHere(at, last == 0) || !EndsHere(end, last == 0)) return std::nullopt;
  if (!common && !Before(at, 16, CardWords())) return std::nullopt;
  return Match{PersonalKind::kCard, {at, end}};
}

// Mobile and landline numbers, at home or after +82.
std::optional<Matcher::Match> Matcher::Phone(const Number& n) {
  const size_t first = n.parts[0].begin;
  size_t begin = first;
  const bool plus = first > 0 && text_[first - 1] == U'+';
  const std::string_view head = n.parts[0].digits;
  const bool abroad = head.substr(0, 2) == "82" &&
                      (plus || (head == "82" && !n.gaps.empty() && n.gaps[0] == Gap::kDash));
  if (!abroad && head[0] != '0') return std::nullopt;
  if (plus && !abroad) return std::nullopt;
  if (plus) begin = first - 1;
  if (begin > 0 && text_[begin - 1] == U'(' && !n.gaps.empty() && n.gaps[0] == Gap::kBracket)
    --begin;
  for (size_t last = 0; last < std::min<size_t>(n.parts.size(), abroad ? 6 : 5); ++last) {
    Joined j = Join(n, 0, last);
    if (j.digits.size() > 16) break;
    size_t gaps_from = 0;
    if (abroad) {
      // +82 (0)10-… and +82-10-… are both 010-….
      std::string rest = j.digits.substr(2);
      if (rest.empty()) continue;
      const bool zero = rest[0] == '0';
      if (!zero) rest.insert(0, 1, '0');
      std::vector<size_t> breaks;
      for (const size_t b : j.breaks) {
        const size_t moved = b - 2 + (zero ? 0 : 1);
        if (b >= 2 && moved > 1) breaks.push_back(moved);
      }
      gaps_from = j.breaks.size() - breaks.size();
      j = {.digits = std::move(rest), .breaks = std::move(breaks)};
    }
    const std::string_view d = j.digits;
    const bool mobile = IsMobilePrefix(d);
    const size_t area = mobile ? 3 : AreaCode(d);
    if (area == 0 || d.size() < area + 7 || d.size() > area + 8) continue;
    if (mobile && d[2] == '0' && d.size() != 11 && j.breaks.size() != 2) continue;
    const auto allowed = [&](size_t b) {
      return b == area || b == d.size() - 4 || (area == 4 && b == 1);
    };
    if (!std::all_of(j.breaks.begin(), j.breaks.end(), allowed)) continue;
    const bool glued = last == 0;
    const size_t end = n.parts[last].end;
    if (!BeginsHere(begin, glued) || !EndsHere(end, glued)) continue;
    const bool in_full = std::count(j.breaks.begin(), j.breaks.end(), area) == 1 &&
                         std::count(j.breaks.begin(), j.breaks.end(), d.size() - 4) == 1;
    if (mobile) {
      // Binary numbers look like this too.
      if (j.breaks.empty() && d.find_first_not_of("01") == std::string_view::npos) continue;
      return Match{PersonalKind::kMobile, {begin, end}};
    }
    const bool by_space = gaps_from < n.gaps.size() &&
                          std::any_of(n.gaps.begin() + static_cast<ptrdiff_t>(gaps_from),
                                      n.gaps.begin() + static_cast<ptrdiff_t>(last),
                                      [](Gap g) { return g == Gap::kSpace || g == Gap::kSlash; }) &&
                          n.gaps[gaps_from] != Gap::kBracket;
    const bool plain = in_full && !by_space && d[area] >= '2';
    if (plain || plus || (d[area] != '0' && Before(begin, 16, PhoneWords()))) {
      return Match{PersonalKind::kLandline, {begin, end}};
    }
  }
  return std::nullopt;
}

// 12 digits as 2-2-6-2, the first two a region (11–28); or a region's name and 2-6-2.
std::optional<Matcher::Match> Matcher::Licence(const Number& n) {
  const size_t at = n.parts[0].begin;
  const auto region_code = [](std::string_view d) {
    const int code = (d[0] - '0') * 10 + (d[1] - '0');
    return code >= 11 && code <= 28;
  };
  const bool named = Before(at, 16, LicenceWords());
  if (Shape(n, {2, 2, 6, 2})) {
    const size_t end = n.parts[3].end;
    if (!region_code(n.parts[0].digits) || !BeginsHere(at, false) || !EndsHere(end, false))
      return std::nullopt;
    if (!AllGaps(n, 4, Gap::kDash) && !named) return std::nullopt;
    return Match{PersonalKind::kDriverLicence, {at, end}};
  }
  if (Shape(n, {2, 6, 2})) {
    const size_t end = n.parts[2].end;
    if (!EndsHere(end, false)) return std::nullopt;
    size_t q = at;
    if (q > 0 && (text_[q - 1] == U' ' || text_[q - 1] == U'-')) --q;
    if (q > 0 && text_[q - 1] == U')') --q;
    for (const std::u32string_view region : LicenceRegions()) {
      if (q < 2 || text_[q - 2] != region[0] || text_[q - 1] != region[1]) continue;
      size_t begin = q - 2;
      if (text_[q] == U')' && begin > 0 && text_[begin - 1] == U'(') --begin;
      if (begin > 0 && IsHangul(text_[begin - 1]) && !named) break;
      return Match{PersonalKind::kDriverLicence, {begin, end}};
    }
    if (named && BeginsHere(at, false)) return Match{PersonalKind::kDriverLicence, {at, end}};
    return std::nullopt;
  }
  if (named && (Shape(n, {12}) || Shape(n, {10}))) {
    const size_t end = n.parts[0].end;
    if (Shape(n, {12}) && !region_code(n.parts[0].digits)) return std::nullopt;
    if (BeginsHere(at, true) && EndsHere(end, true))
      return Match{PersonalKind::kDriverLicence, {at, end}};
  }
  return std::nullopt;
}

// 10 digits as 3-2-5: with a right check digit, or where the words say so.
std::optional<Matcher::Match> Matcher::Business(const Number& n) {
  const size_t at = n.parts[0].begin;
  size_t last = 0;
  if (Shape(n, {3, 2, 5})) {
    last = 2;
  } else if (!Shape(n, {10})) {
    return std::nullopt;
  }
  const size_t end = n.parts[last].end;
  if (!BeginsHere(at, last == 0) || !EndsHere(end, last == 0)) return std::nullopt;
  const bool right = HasBusinessCheck(Join(n, 0, last).digits);
  const bool named = Before(at, 20, BusinessWords());
  const bool account = !named && Before(at, 16, AccountWords());
  const bool dashed = last == 2 && AllGaps(n, 3, Gap::kDash);
  if (named || (dashed && right && !account))
    return Match{PersonalKind::kBusinessNumber, {at, end}};
  return std::nullopt;
}

// A letter and eight digits, or a letter, three digits, a letter and four digits.
std::optional<Matcher::Match> Matcher::Passport(const Number& n) {
  const size_t at = n.parts[0].begin;
  if (at == 0) return std::nullopt;
  size_t letter = at - 1;
  const bool apart = (text_[letter] == U' ' || text_[letter] == U'-') && letter > 0;
  if (apart) --letter;
  const char32_t c = Lower(text_[letter]);
  if (std::u32string_view(U"msrodpg").find(c) == std::u32string_view::npos) return std::nullopt;
  if (letter > 0) {
    const char32_t p = text_[letter - 1];
    if (IsLatin(p) || IsDigit(p) || p == U'-' || p == U'_' || p == U'/' || p == U'.')
      return std::nullopt;
  }
  const size_t size = n.parts[0].digits.size();
  size_t end = n.parts[0].end;
  bool distinct = false;
  if (size == 3 && IsLatin(text_[end])) {
    size_t i = end + 1;
    while (i < end + 6 && IsDigit(text_[i])) ++i;
    if (i != end + 5) return std::nullopt;
    end = i;
    distinct = text_[letter] == c - 32 && !apart;
  } else if (size == 4 && n.parts.size() >= 2 && n.parts[1].digits.size() == 4 &&
             (n.gaps[0] == Gap::kSpace || n.gaps[0] == Gap::kDash)) {
    end = n.parts[1].end;
  } else if (size != 8) {
    return std::nullopt;
  }
  if (!EndsHere(end, true)) return std::nullopt;
  if (!distinct && !Before(letter, 24, PassportWords())) return std::nullopt;
  if (distinct && c != U'm' && c != U's' && !Before(letter, 24, PassportWords()))
    return std::nullopt;
  return Match{PersonalKind::kPassport, {letter, end}};
}

// 10 to 16 digits by a bank's name or the word for account.
std::optional<Matcher::Match> Matcher::Account(const Number& n) {
  const size_t at = n.parts[0].begin;
  size_t last = 0;
  size_t digits = 0;
  const Gap gap = n.gaps.empty() ? Gap::kDash : n.gaps[0];
  if (gap != Gap::kDash && gap != Gap::kSpace && n.parts[0].digits.size() < 10) return std::nullopt;
  size_t total = 0;
  bool fits = false;
  for (size_t i = 0; i < std::min<size_t>(n.parts.size(), 6); ++i) {
    if (i > 0 && n.gaps[i - 1] != gap) break;
    digits += n.parts[i].digits.size();
    if (digits > 16) break;
    if (digits >= 10) {
      fits = true;
      last = i;
      total = digits;
      if (i == 0 && gap == Gap::kSpace) break;  // glued, and something else follows
    }
  }
  if (!fits) return std::nullopt;
  const bool glued = last == 0;
  const size_t end = n.parts[last].end;
  if (!BeginsHere(at, glued) || !EndsHere(end, glued)) return std::nullopt;
  // A date and more.
  const std::string_view d0 = n.parts[0].digits;
  if (d0.size() == 4 && (d0.substr(0, 2) == "19" || d0.substr(0, 2) == "20") && last >= 2 &&
      n.parts[1].digits.size() <= 2 && n.parts[2].digits.size() <= 2) {
    return std::nullopt;
  }
  const bool spaced = !glued && gap == Gap::kSpace;
  if (Before(at, spaced ? 12 : 16, AccountWords()))
    return Match{PersonalKind::kBankAccount, {at, end}};
  if (glued || spaced) {
    if (glued && total >= 11 && After(end, 12, AccountWords())) {
      static constexpr std::u32string_view kHolder[] = {U"예금주"};
      if (After(end, 20, kHolder)) return Match{PersonalKind::kBankAccount, {at, end}};
    }
    return std::nullopt;
  }
  if (last >= 2 && (After(end, 10, AccountWords()) || After(end, 10, TransferWords()))) {
    return Match{PersonalKind::kBankAccount, {at, end}};
  }
  if (last >= 2 && DirectlyBefore(at, ShortBankWords())) {
    return Match{PersonalKind::kBankAccount, {at, end}};
  }
  // Forms that little else has, with money words nearby.
  const bool own_form = Shape(n, {3, 6, 5}) || Shape(n, {6, 2, 6}) || Shape(n, {4, 3, 6}) ||
                        Shape(n, {3, 6, 2, 3}) || Shape(n, {3, 4, 4, 2}) || Shape(n, {4, 2, 7}) ||
                        Shape(n, {3, 3, 6});
  if (own_form && Before(at, 40, TransferWords()))
    return Match{PersonalKind::kBankAccount, {at, end}};
  return std::nullopt;
}

// 공일공(에) 일이삼사(에) 오육칠팔: all of it in words.
std::optional<Finding> Matcher::AtSpoken(size_t byte) {
  const size_t at = text_.Move(byte);
  const auto digit_of = [](char32_t c) -> int {
    static constexpr std::u32string_view kDigits = U"공일이삼사오육칠팔구";
    if (c == U'영') return 0;
    if (c == U'륙') return 6;
    const size_t i = kDigits.find(c);
    return i == std::u32string_view::npos ? -1 : static_cast<int>(i);
  };
  std::string digits;
  size_t i = at;
  size_t end = at;
  while (digits.size() < 12) {
    const int d = digit_of(text_[i]);
    if (d < 0) {
      // Between the parts: spaces, a dash, 에, 국에, 다시.
      size_t j = i;
      if (text_[j] == U' ') ++j;
      if (text_[j] == U'다' && text_[j + 1] == U'시') {
        j += 2;
      } else if (text_[j] == U'국' && text_[j + 1] == U'에') {
        j += 2;
      } else if (text_[j] == U'에' || text_[j] == U'-' || text_[j] == U'.' || text_[j] == U'국') {
        ++j;
      }
      if (text_[j] == U' ') ++j;
      if (j == i || digit_of(text_[j]) < 0) break;
      i = j;
      continue;
    }
    digits.push_back(static_cast<char>('0' + d));
    end = ++i;
  }
  if (!IsMobilePrefix(digits) || digits.size() < 10 || digits.size() > 11) return std::nullopt;
  if (digits[2] == '0' && digits.size() != 11) return std::nullopt;
  return ToFinding({PersonalKind::kMobile, {at, end}});
}

// ---- e-mail ----

std::optional<Finding> Matcher::AtSign(size_t byte) {
  const size_t at = text_.Move(byte);
  size_t left = at;   // end of the local part
  size_t right = at;  // begin of the domain
  bool spelled = false;
  const char32_t sign = text_[at];
  if (sign == U'@') {
    right = at + 1;
  } else if ((sign == U'(' || sign == U'[' || sign == U'{') && Lower(text_[at + 1]) == U'a' &&
             Lower(text_[at + 2]) == U't' &&
             (text_[at + 3] == U')' || text_[at + 3] == U']' || text_[at + 3] == U'}')) {
    right = at + 4;
    spelled = true;
  } else if (sign == U'골' && text_[at + 1] == U'뱅' && text_[at + 2] == U'이') {
    right = at + 3;
    spelled = true;
  } else {
    return std::nullopt;
  }
  const auto local_char = [](char32_t c) {
    return IsLatin(c) || IsDigit(c) || c == U'.' || c == U'_' || c == U'%' || c == U'+' ||
           c == U'-';
  };
  // (골뱅이)
  if (spelled && left > 0 && text_[right - 1] == U'이' &&
      (text_[left - 1] == U'(' || text_[left - 1] == U'[') &&
      (text_[right] == U')' || text_[right] == U']')) {
    --left;
    ++right;
  }
  bool loose = false;  // a space on either side
  if (left > 0 && text_[left - 1] == U' ' && (spelled || text_[right] == U' ')) {
    --left;
    loose = true;
  }
  if (text_[right] == U' ' && (spelled || loose)) ++right;
  size_t begin = left;
  while (begin > 0 && left - begin < 64 && local_char(text_[begin - 1])) --begin;
  while (begin < left && (text_[begin] == U'.' || text_[begin] == U'-' || text_[begin] == U'+' ||
                          text_[begin] == U'%'))
    ++begin;
  if (begin == left || text_[left - 1] == U'.') {
    // 홍길동@…
    if (loose || begin != left) return std::nullopt;
    while (begin > 0 && left - begin < 20 &&
           (IsHangul(text_[begin - 1]) || IsDigit(text_[begin - 1])))
      --begin;
    if (begin == left) return std::nullopt;
  }
  // Labels, with what stands for their dots.
  const auto skip_dot = [&](size_t i) -> size_t {
    if (text_[i] == U'.') return i + 1;
    if (!spelled) return i;
    size_t j = text_[i] == U' ' ? i + 1 : i;
    if (text_[j] == U'.') {
      ++j;
    } else if (text_[j] == U'점') {
      ++j;
    } else if ((text_[j] == U'(' || text_[j] == U'[' || text_[j] == U'{') &&
               Lower(text_[j + 1]) == U'd' && Lower(text_[j + 2]) == U'o' &&
               Lower(text_[j + 3]) == U't' &&
               (text_[j + 4] == U')' || text_[j + 4] == U']' || text_[j + 4] == U'}')) {
      j += 5;
    } else {
      return i;
    }
    return text_[j] == U' ' ? j + 1 : j;
  };
  size_t i = right;
  size_t end = 0;
  std::u32string last;
  for (int labels = 0; labels < 8; ++labels) {
    size_t j = i;
    while (j - i < 63 && (IsLatin(text_[j]) || IsDigit(text_[j]) || (text_[j] == U'-' && j > i)))
      ++j;
    while (j > i && text_[j - 1] == U'-') --j;
    if (j == i) break;
    const std::u32string label = Window(i, j);
    if (labels > 0 && label.size() >= 2 && label.size() <= 24 &&
        std::all_of(label.begin(), label.end(), IsLatin)) {
      end = j;
      last = label;
    }
    const size_t next = skip_dot(j);
    if (next == j) break;
    i = next;
  }
  if (end == 0) return std::nullopt;
  static constexpr std::u32string_view kFiles[] = {
      U"png",  U"jpg", U"jpeg", U"gif", U"svg", U"webp", U"md",  U"js",  U"ts",  U"css", U"json",
      U"html", U"htm", U"tsx",  U"jsx", U"py",  U"zip",  U"tgz", U"exe", U"dll", U"xml"};
  if (std::find(std::begin(kFiles), std::end(kFiles), last) != std::end(kFiles))
    return std::nullopt;
  if (text_[end] == U':' && !spelled && Window(begin, left) == U"git") return std::nullopt;
  return ToFinding({PersonalKind::kEmail, {begin, end}});
}

}  // namespace jangbu::ingest::internal
