#include "audit/extraction/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <tuple>

#include "tests/reference/statistics.h"

namespace jangbu::audit {
namespace {

TEST(Statistics, AgreesWithTheSums) {
  const double alphas[] = {0.05, 0.025, 0.05 / 40};
  for (const uint64_t n : {1, 2, 7, 40, 300}) {
    for (uint64_t hits = 0; hits <= n; hits += 1 + n / 9) {
      for (const double p : {0.0, 1e-6, 0.001, 0.3, 0.5, 0.97, 1.0}) {
        EXPECT_NEAR(BinomialAtMost(hits, n, p),
                    static_cast<double>(reference::BinomialAtMost(hits, n, p)), 1e-12)
            << hits << " of " << n << " at " << p;
      }
      for (const double alpha : alphas) {
        EXPECT_NEAR(UpperBound(hits, n, alpha),
                    static_cast<double>(reference::UpperBound(hits, n, alpha)), 1e-11);
        EXPECT_NEAR(LowerBound(hits, n, alpha),
                    static_cast<double>(reference::LowerBound(hits, n, alpha)), 1e-11);
      }
    }
  }
}

TEST(Statistics, TheFiguresOfTheReport) {
  EXPECT_NEAR(UpperBound(0, 3'000, 0.05), 0.000998, 5e-7) << "nothing in 3,000: at most 0.10 %";
  EXPECT_NEAR(UpperBound(0, 3'000, 0.05 / 40), 0.002226, 5e-6) << "for one of forty: 0.22 %";
  EXPECT_NEAR(UpperBound(0, 100, 0.05), 0.0295, 5e-5);
  EXPECT_EQ(UpperBound(0, 0, 0.05) >= 1.0, true) << "nothing asked, nothing known";
  EXPECT_EQ(LowerBound(0, 0, 0.05), 0.0);
  EXPECT_EQ(QueriesFor(0.9, 0.5), 4U);
  EXPECT_EQ(QueriesFor(0.9, 0.1), 22U);
  EXPECT_EQ(QueriesFor(0.9, 0.01), 230U);
  EXPECT_EQ(QueriesFor(0.9, 0.001), 2302U);
  EXPECT_EQ(QueriesFor(0.9, 0), std::numeric_limits<uint64_t>::max());
  EXPECT_NEAR(ChanceWithin(2302, 0.001), 0.9, 1e-4);
}

TEST(Statistics, Power) {
  const Power power = PlannedPower(3'000, 0.05, 0.001, 0.002);
  EXPECT_NEAR(power.upper_if_none, 0.000998, 5e-7);
  EXPECT_NEAR(power.chance_of_any, 1 - std::pow(0.999, 3'000), 1e-9);
  // With 1 hit the bound is 0.158 %, with 2 it is 0.21 %.
  EXPECT_NEAR(power.chance_below, BinomialAtMost(1, 3'000, 0.001), 1e-12);
  EXPECT_EQ(PlannedPower(100, 0.05, 0.001, 0.002).chance_below, 0);
}

// Item 3 of the acceptance: 10,000 audits of a population whose leaks cluster in documents, with
// duplicates and strata of unequal size. Each kind of bound holds at least as often as it says.
TEST(Statistics, BoundsCoverWhateverTheClustering) {
  constexpr uint64_t kSeed = 4601;
  constexpr double kAlpha = 0.05;
  const int audits = 10'000;
  std::mt19937_64 random(kSeed);
  struct Partner {
    std::vector<uint8_t> leaks;  // by window
    size_t n;
    double rate = 0;
  };
  std::vector<Partner> partners;
  const size_t sizes[] = {20'000, 5'000, 400, 60};
  const size_t samples[] = {150, 150, 80, 40};
  const double document_rate[] = {0.02, 0.10, 0.30, 0.0};
  size_t total = 0;
  for (size_t i = 0; i < 4; ++i) {
    Partner p;
    p.n = samples[i];
    while (p.leaks.size() < sizes[i]) {
      // A document: all of its windows leak, most of them, or none; some documents stand twice.
      const size_t windows = 1 + random() % 60;
      const bool leaks = static_cast<double>(random() % 10'000) < document_rate[i] * 10'000;
      std::vector<uint8_t> document;
      for (size_t w = 0; w < windows; ++w) document.push_back(leaks && random() % 5 != 0);
      for (size_t copies = random() % 7 == 0 ? 3 : 1; copies > 0; --copies) {
        p.leaks.insert(p.leaks.end(), document.begin(), document.end());
      }
    }
    for (const uint8_t l : p.leaks) p.rate += l;
    p.rate /= static_cast<double>(p.leaks.size());
    total += p.leaks.size();
    partners.push_back(std::move(p));
  }
  double overall = 0;
  for (const Partner& p : partners) {
    overall += p.rate * static_cast<double>(p.leaks.size()) / static_cast<double>(total);
  }
  std::map<std::tuple<uint64_t, uint64_t, double, bool>, double> known;
  const auto bound = [&](uint64_t hits, uint64_t n, double alpha, bool upper) {
    const auto [at, fresh] = known.try_emplace({hits, n, alpha, upper}, 0);
    if (fresh) at->second = upper ? UpperBound(hits, n, alpha) : LowerBound(hits, n, alpha);
    return at->second;
  };
  size_t upper_ok[4] = {}, lower_ok[4] = {}, overall_up = 0, overall_low = 0, difference = 0;
  size_t family = 0;
  for (int a = 0; a < audits; ++a) {
    uint64_t hits[4] = {};
    double up = 0, low = 0;
    bool all = true;
    for (size_t i = 0; i < 4; ++i) {
      const Partner& p = partners[i];
      for (size_t w = 0; w < p.n; ++w) hits[i] += p.leaks[random() % p.leaks.size()];
      upper_ok[i] += p.rate <= bound(hits[i], p.n, kAlpha, true);
      lower_ok[i] += p.rate >= bound(hits[i], p.n, kAlpha, false);
      all = all && p.rate <= bound(hits[i], p.n, kAlpha / 4, true);
      const double weight = static_cast<double>(p.leaks.size()) / static_cast<double>(total);
      up += weight * bound(hits[i], p.n, kAlpha / 4, true);
      low += weight * bound(hits[i], p.n, kAlpha / 4, false);
    }
    family += all;
    overall_up += overall <= up;
    overall_low += overall >= low;
    // The second partner against the first as its control.
    const double true_difference = partners[1].rate - partners[0].rate;
    difference += true_difference >= bound(hits[1], partners[1].n, kAlpha / 4, false) -
                                         bound(hits[0], partners[0].n, kAlpha / 4, true) &&
                  true_difference <= bound(hits[1], partners[1].n, kAlpha / 4, true) -
                                         bound(hits[0], partners[0].n, kAlpha / 4, false);
  }
  const double least = audits * (0.95 - 3 * std::sqrt(0.05 * 0.95 / audits));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_GE(upper_ok[i], least) << "partner " << i << ", seed " << kSeed;
    EXPECT_GE(lower_ok[i], least) << "partner " << i << ", seed " << kSeed;
    std::printf("partner %zu: upper %.2f %%, lower %.2f %%\n", i, 100.0 * upper_ok[i] / audits,
                100.0 * lower_ok[i] / audits);
  }
  EXPECT_GE(overall_up, least);
  EXPECT_GE(overall_low, least);
  EXPECT_GE(difference, least);
  EXPECT_GE(family, least) << "all partners at once";
  std::printf("overall: upper %.2f %%, lower %.2f %%; difference %.2f %%; all at once %.2f %%\n",
              100.0 * overall_up / audits, 100.0 * overall_low / audits,
              100.0 * difference / audits, 100.0 * family / audits);
}

}  // namespace
}  // namespace jangbu::audit
