#pragma once

// Two slow twins of ingest/screen.
//
// FindPersonalData here takes no short cut: no scan for interesting bytes, no glance, no shared
// window. It puts the careful question to every code point of the text, each with eyes of its own.
//
// ByDefinition states what the numbers are, when nothing stands around them but spaces, as regular
// expressions (ICU) and check digits worked out by hand.

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "ingest/screen/matcher.h"
#include "ingest/screen/personal_data.h"

namespace jangbu::ingest::reference {

inline std::vector<Finding> FindPersonalData(std::string_view text) {
  std::vector<Finding> found;
  size_t done = 0;            // everything before it belongs to a finding
  bool digit_before = false;  // directly before, so that a run is asked once
  const char* const begin = text.data();
  const char* p = begin;
  while (p < begin + text.size()) {
    const auto at = static_cast<size_t>(p - begin);
    const char32_t c = internal::Fold(DecodeUtf8(p));
    const bool starts_run = internal::IsDigit(c) && !digit_before;
    if (c != 0) digit_before = internal::IsDigit(c);
    if (at < done) continue;
    internal::Matcher matcher(text);
    std::optional<Finding> f;
    if (starts_run) f = matcher.AtDigit(at);
    if (!f.has_value()) f = matcher.AtSign(at);
    if (!f.has_value() && c == U'공') f = matcher.AtSpoken(at);
    if (!f.has_value()) continue;
    if (!found.empty()) f->begin = std::max(f->begin, found.back().end);
    if (f->begin < f->end) found.push_back(*f);
    done = std::max<size_t>(done, f->end);
  }
  return found;
}

// The kind of `number`, which stands alone; nothing when it is none.
inline std::optional<PersonalKind> ByDefinition(const std::string& number) {
  const auto is = [&number](const char* expression) {
    UErrorCode error = U_ZERO_ERROR;
    icu::RegexMatcher matcher(icu::UnicodeString::fromUTF8(expression), 0, error);
    const icu::UnicodeString input = icu::UnicodeString::fromUTF8(number);
    matcher.reset(input);
    const bool yes = matcher.matches(error);
    JANGBU_CHECK(U_SUCCESS(error));
    return yes;
  };
  std::vector<int> d;
  for (const char c : number) {
    if (c >= '0' && c <= '9') d.push_back(c - '0');
  }
  const auto weighted = [&d](std::vector<int> weights) {
    int sum = 0;
    for (size_t i = 0; i < weights.size(); ++i) sum += weights[i] * d[i];
    return sum;
  };
  const char* const kDay =
      "((\\d\\d(0[13578]|1[02])(0[1-9]|[12]\\d|3[01]))|(\\d\\d(0[469]|11)(0[1-9]|[12]\\d|30))|("
      "\\d\\d02(0[1-9]|[12]\\d)))";
  const std::string resident = std::string(kDay) + "-[1-8]\\d{6}";
  if (is(resident.c_str()) && !(is("[4-9]\\d{5}-[3478]\\d{6}"))) {
    return d[6] >= 5 ? PersonalKind::kForeignerNumber : PersonalKind::kResidentNumber;
  }
  if (is((std::string(kDay) + "-[09]\\d{6}").c_str()) &&
      (11 - weighted({2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5}) % 11) % 10 == d[12]) {
    return PersonalKind::kResidentNumber;  // born before 1900
  }
  if (is("[234569]\\d{3}-\\d{4}-\\d{4}-\\d{4}")) {
    int sum = 0;
    for (size_t i = 0; i < 16; ++i) {
      const int v = i % 2 == 0 ? d[i] * 2 : d[i];
      sum += v > 9 ? v - 9 : v;
    }
    const bool same = std::all_of(d.begin(), d.end(), [&d](int v) { return v == d[0]; });
    if (sum % 10 == 0 && !same) return PersonalKind::kCard;
  }
  if (is("01[016789]-\\d{3,4}-\\d{4}")) return PersonalKind::kMobile;
  if (is("(02|03[1-3]|04[1-4]|05[1-5]|06[1-4]|070|050[2-8])-[2-9]\\d{2,3}-\\d{4}"))
    return PersonalKind::kLandline;
  if (is("(1[1-9]|2[0-8])-\\d\\d-\\d{6}-\\d\\d")) return PersonalKind::kDriverLicence;
  if (is("\\d{3}-\\d\\d-\\d{5}")) {
    const int sum = weighted({1, 3, 7, 1, 3, 7, 1, 3, 5}) + d[8] * 5 / 10;
    const bool same = std::all_of(d.begin(), d.end(), [&d](int v) { return v == d[0]; });
    if ((10 - sum % 10) % 10 == d[9] && !same) return PersonalKind::kBusinessNumber;
  }
  return std::nullopt;
}

}  // namespace jangbu::ingest::reference
