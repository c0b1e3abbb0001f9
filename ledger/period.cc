#include "ledger/period.h"

#include <cstdio>

#include "base/check.h"

namespace jangbu::ledger {
namespace {

constexpr int64_t kSeoulMicros = int64_t{9} * 3'600 * 1'000'000;

// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, and back (Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms").
int64_t DaysFromCivil(int64_t year, uint32_t month, uint32_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = year / 400;
  const auto year_of_era = static_cast<uint32_t>(year - era * 400);
  const uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<int64_t>(day_of_era) - 719'468;
}

Period MonthOfDays(int64_t days) {
  days += 719'468;
  const int64_t era = days / 146'097;
  const auto day_of_era = static_cast<uint32_t>(days - era * 146'097);
  const uint32_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted = (5 * day_of_year + 2) / 153;
  const uint32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const auto year = static_cast<uint32_t>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
  return year * 100 + month;
}

}  // namespace

bool IsPeriod(Period period) {
  const uint32_t year = period / 100;
  const uint32_t month = period % 100;
  return year >= 2000 && year <= 2999 && month >= 1 && month <= 12;
}

Period PeriodOf(Timestamp at) {
  const int64_t local = at.micros + kSeoulMicros;
  if (local < 0) return 200001;
  const Period period = MonthOfDays(local / kMicrosPerDay);
  return period < 200001 ? 200001 : period;
}

Timestamp StartOf(Period period) {
  JANGBU_CHECK(IsPeriod(period));
  return {DaysFromCivil(period / 100, period % 100, 1) * kMicrosPerDay - kSeoulMicros};
}

Period NextPeriod(Period period) {
  JANGBU_CHECK(IsPeriod(period) && period != 299912);
  return period % 100 == 12 ? (period / 100 + 1) * 100 + 1 : period + 1;
}

Timestamp LastInstantOf(Period period) { return {StartOf(NextPeriod(period)).micros - 1}; }

std::string ToString(Period period) {
  char text[16];
  std::snprintf(text, sizeof text, "%04u-%02u", period / 100, period % 100);
  return text;
}

StatusOr<Period> ParsePeriod(std::string_view text) {
  const Status bad = InvalidArgument("bad_period", "a period is a month: 2026-10");
  if (text.size() != 7 || text[4] != '-') return bad;
  Period period = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 4) continue;
    if (text[i] < '0' || text[i] > '9') return bad;
    period = period * 10 + static_cast<Period>(text[i] - '0');
  }
  if (!IsPeriod(period)) return bad;
  return period;
}

}  // namespace jangbu::ledger
