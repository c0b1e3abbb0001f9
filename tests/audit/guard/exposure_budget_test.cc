#include "audit/guard/exposure_budget.h"

#include <gtest/gtest.h>

namespace jangbu::audit {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000;
const ingest::RunDocument kA{{7, 1}, 0};
const ingest::RunDocument kB{{7, 2}, 0};

TEST(ExposureLedger, TheSmallerOfFourHundredAndATenth) {
  const ExposureRule rule;
  EXPECT_EQ(rule.Allowed(100'000), 400U);
  EXPECT_EQ(rule.Allowed(4'000), 400U);
  EXPECT_EQ(rule.Allowed(3'999), 399U);
  EXPECT_EQ(rule.Allowed(255), 25U);
  EXPECT_EQ(rule.Allowed(50), 5U);
}

TEST(ExposureLedger, PerKeyAndDocumentAndDay) {
  ExposureLedger ledger;
  const Timestamp noon{12 * kHour};
  EXPECT_TRUE(ledger.Spend("k1", kA, 5'000, 300, noon));
  EXPECT_EQ(ledger.Left("k1", kA, 5'000, noon), 100U);
  EXPECT_FALSE(ledger.Spend("k1", kA, 5'000, 101, noon)) << "all or nothing";
  EXPECT_EQ(ledger.Left("k1", kA, 5'000, noon), 100U);
  EXPECT_EQ(ledger.Left("k1", kB, 5'000, noon), 400U) << "another document";
  EXPECT_EQ(ledger.Left("k2", kA, 5'000, noon), 400U) << "another key";
  const Timestamp evening{18 * kHour};
  EXPECT_TRUE(ledger.Spend("k1", kA, 5'000, 100, evening));
  EXPECT_EQ(ledger.Left("k1", kA, 5'000, evening), 0U);
  EXPECT_EQ(ledger.Left("k1", kA, 5'000, {36 * kHour - 1}), 0U);
  EXPECT_EQ(ledger.Left("k1", kA, 5'000, {36 * kHour}), 300U) << "noon's is a day ago";
  EXPECT_EQ(ledger.Left("k1", kA, 5'000, {42 * kHour}), 400U);
}

}  // namespace
}  // namespace jangbu::audit
