#pragma once

// Accounting periods: calendar months of Asia/Seoul, [1st 00:00:00, next 1st 00:00:00). Seoul has
// kept UTC+9 without summer time since 1988; no period is earlier than 2000.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace jangbu::ledger {

// A month as YYYYMM: 202610. Ordered like time.
using Period = uint32_t;

inline constexpr int64_t kMicrosPerDay = int64_t{86'400} * 1'000'000;

// 2000-01 to 2999-12.
bool IsPeriod(Period period);
Period PeriodOf(Timestamp at);
// The first instant. REQUIRES: IsPeriod.
Timestamp StartOf(Period period);
// REQUIRES: IsPeriod and not the last one.
Period NextPeriod(Period period);
// The last microsecond. REQUIRES as NextPeriod.
Timestamp LastInstantOf(Period period);

// "2026-10"; reads that alone. InvalidArgument("bad_period").
std::string ToString(Period period);
StatusOr<Period> ParsePeriod(std::string_view text);

}  // namespace jangbu::ledger
