#include "audit/guard/exposure_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"

namespace jangbu::audit {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kHour = int64_t{3600} * 1'000'000;
const ingest::RunDocument kA{{7, 1}, 0};
const ingest::RunDocument kB{{7, 2}, 0};
constexpr size_t kLong = 5'000;

// Spends `n` of one document; was it granted?
bool Spent(ExposureLedger& ledger, const std::string& key, const ingest::RunDocument& document,
           uint32_t n, Timestamp now) {
  const ExposureUse use{document, kLong, n};
  const auto granted = ledger.Spend(key, {&use, 1}, now);
  EXPECT_TRUE(granted.ok()) << granted.status();
  return granted.ok() && (*granted)[0];
}

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
  EXPECT_TRUE(Spent(ledger, "k1", kA, 300, noon));
  EXPECT_EQ(ledger.Left("k1", kA, kLong, noon), 100U);
  EXPECT_FALSE(Spent(ledger, "k1", kA, 101, noon)) << "all or nothing";
  EXPECT_EQ(ledger.Left("k1", kA, kLong, noon), 100U);
  EXPECT_EQ(ledger.Left("k1", kB, kLong, noon), 400U) << "another document";
  EXPECT_EQ(ledger.Left("k2", kA, kLong, noon), 400U) << "another key";
  const Timestamp evening{18 * kHour};
  EXPECT_TRUE(Spent(ledger, "k1", kA, 100, evening));
  EXPECT_EQ(ledger.Left("k1", kA, kLong, evening), 0U);
  EXPECT_EQ(ledger.Left("k1", kA, kLong, {36 * kHour - 1}), 0U);
  EXPECT_EQ(ledger.Left("k1", kA, kLong, {36 * kHour}), 300U) << "noon's is a day ago";
  EXPECT_EQ(ledger.Left("k1", kA, kLong, {42 * kHour}), 400U);
}

// A clock that was set back must not make anything forgotten.
TEST(ExposureLedger, TimeThatStepsBackForgetsNothing) {
  ExposureLedger ledger;
  EXPECT_TRUE(Spent(ledger, "k", kA, 200, {30 * kHour}));
  EXPECT_TRUE(Spent(ledger, "k", kA, 100, {2 * kHour}));
  EXPECT_TRUE(Spent(ledger, "k", kB, 1, {27 * kHour})) << "an hour's sweep";
  EXPECT_EQ(ledger.Left("k", kA, kLong, {31 * kHour}), 200U);
}

TEST(ExposureLedger, WhatWasKeptIsCountedAgain) {
  std::string kept;
  ExposureLedger before({}, [&](std::span<const ExposureLine> shown) {
    kept += EncodeExposures(shown);
    return OkStatus();
  });
  const ExposureUse uses[] = {{kA, kLong, 300}, {kB, kLong, 401}};
  EXPECT_THAT(*before.Spend("k", uses, {kHour}), ElementsAre(true, false));
  EXPECT_TRUE(Spent(before, "k", kA, 40, {2 * kHour}));
  const auto lines = DecodeExposures(kept);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_THAT(*lines, ElementsAre(ExposureLine{"k", kA.place, 300, kHour},
                                  ExposureLine{"k", kA.place, 40, 2 * kHour}))
      << "what was refused is not kept";
  ExposureLedger after;
  after.Restore(*lines);
  for (const int64_t hour : {2, 24, 25, 26}) {
    for (const ingest::RunDocument& document : {kA, kB}) {
      const Timestamp now{hour * kHour};
      EXPECT_EQ(after.Left("k", document, kLong, now), before.Left("k", document, kLong, now));
    }
  }
}

TEST(ExposureLedger, WhatIsKeptReadsBackOrIsRefused) {
  const ExposureLine lines[] = {{"", {0, 0}, 0, INT64_MIN},
                                {std::string(300, 'k'), {UINT64_MAX, UINT32_MAX}, UINT32_MAX, 5}};
  const std::string bytes = EncodeExposures(lines);
  const auto read = DecodeExposures(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(*read, ElementsAre(lines[0], lines[1]));
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    if (cut == EncodeExposures({lines, 1}).size()) continue;
    EXPECT_EQ(ReasonOf(DecodeExposures(bytes.substr(0, cut)).status()), "exposures_malformed")
        << cut;
  }
}

}  // namespace
}  // namespace jangbu::audit
