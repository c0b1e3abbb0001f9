#include "ledger/credit.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace jangbu::ledger {
namespace {

std::vector<WaitingDocument> Documents(const std::vector<int64_t>& tokens) {
  std::vector<WaitingDocument> waiting;
  for (size_t i = 0; i < tokens.size(); ++i) {
    waiting.push_back({.document = {.token = 1, .ordinal = static_cast<uint32_t>(i)},
                       .provisional_korean_tokens = tokens[i],
                       .provisional_korean_words = tokens[i] / 2,
                       .item_korean_tokens = 0,
                       .item_korean_words = 0,
                       .adjustment = std::nullopt});
  }
  return waiting;
}

std::vector<int64_t> Same(size_t n, int64_t tokens) { return std::vector<int64_t>(n, tokens); }

TEST(ChooseLot, Table) {
  const Policy policy;
  struct Row {
    const char* why;
    std::vector<int64_t> tokens;
    bool released;
    size_t chosen;
  };
  std::vector<int64_t> with_giant = Same(1000, 100);
  with_giant.push_back(5000);  // 4.8 % of the whole
  std::vector<int64_t> few_large = Same(120, 100'000);
  const std::vector<Row> rows = {
      {"nothing waits", {}, false, 0},
      {"999 documents are too few", Same(999, 100), false, 0},
      {"1,000 are enough", Same(1000, 100), false, 1000},
      {"a document above 1 % waits for a larger lot", with_giant, false, 1000},
      {"120 documents of 100,000 tokens: 12 million tokens, none above 1 %", few_large, false, 120},
      {"99 documents are above 1 % each", Same(99, 200'000), false, 0},
      {"100 are exactly 1 % each", Same(100, 100'000), false, 100},
      {"an operator released it", Same(3, 7), true, 3},
      {"documents without Korean tokens count as documents", Same(1000, 0), false, 1000},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ChooseLot(Documents(row.tokens), policy, row.released).size(), row.chosen) << row.why;
  }
}

// What the partner knows of decides; what it must not feel goes along and decides nothing.
TEST(ChooseLot, Adjustments) {
  const Policy policy;
  std::vector<WaitingDocument> waiting = Documents(Same(1000, 100));
  waiting[3].adjustment = AdjustmentKind::kWithdrawn;
  EXPECT_EQ(ChooseLot(waiting, policy, false).size(), 1000u) << "a withdrawn document counts";
  waiting[4].adjustment = AdjustmentKind::kSucceeded;
  EXPECT_EQ(ChooseLot(waiting, policy, false).size(), 0u) << "one that succeeded does not";
  std::vector<WaitingDocument> more = Documents(Same(1003, 100));
  more[0].adjustment = AdjustmentKind::kClaimLost;
  more[1].adjustment = AdjustmentKind::kClaimWon;
  more[2].adjustment = AdjustmentKind::kSucceeded;
  EXPECT_EQ(ChooseLot(more, policy, false).size(), 1003u) << "all go with the lot that is due";
  EXPECT_EQ(ChooseLot(waiting, policy, true).size(), 1000u) << "released: everything";
}

// The rule as it is written: of all sets that leave out the k largest, the one with the smallest k
// in which nothing is above the share.
TEST(ChooseLot, AgreesWithTheRuleTriedOneByOne) {
  std::mt19937_64 random(20261122);
  Policy policy;
  policy.lot_documents_min = 5;
  policy.lot_tokens_min = 5000;
  policy.lot_document_share_percent_max = 20;
  for (int round = 0; round < 5000; ++round) {
    std::vector<int64_t> tokens(random() % 14);
    for (int64_t& t : tokens)
      t = static_cast<int64_t>(random() % 4 == 0 ? random() % 3000 : random() % 40);
    std::vector<size_t> by_size(tokens.size());
    std::iota(by_size.begin(), by_size.end(), size_t{0});
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](size_t a, size_t b) { return tokens[a] > tokens[b]; });
    std::vector<size_t> expected;
    for (size_t k = 0; k <= tokens.size(); ++k) {
      std::vector<size_t> rest(by_size.begin() + static_cast<std::ptrdiff_t>(k), by_size.end());
      int64_t sum = 0;
      for (const size_t i : rest) sum += tokens[i];
      const bool fits = std::all_of(rest.begin(), rest.end(),
                                    [&](size_t i) { return tokens[i] * 100 <= sum * 20; });
      if (!fits) continue;
      if (static_cast<int64_t>(rest.size()) >= 5 || sum >= 5000) {
        std::sort(rest.begin(), rest.end());
        expected = rest;
      }
      break;
    }
    EXPECT_EQ(ChooseLot(Documents(tokens), policy, false), expected) << "round " << round;
  }
}

TEST(ToGrains, CarriesTheRestAndRoundsReversalsDown) {
  struct Row {
    int64_t items, carry, amount, carry_after;
  };
  for (const Row& row : {Row{0, 0, 0, 0},
                         {999, 0, 0, 999},
                         {1000, 0, 1000, 0},
                         {1, 999, 1000, 0},
                         {2500, 600, 3000, 100},
                         {-1, 0, -1000, 999},
                         {-1000, 0, -1000, 0},
                         {-1, 5, 0, 4},
                         {-2001, 1, -2000, 0}}) {
    const Grains grains = ToGrains(row.items, row.carry, 1000);
    EXPECT_EQ(grains.amount, row.amount) << row.items;
    EXPECT_EQ(grains.carry_after, row.carry_after) << row.items;
  }
}

// Splitting a sum over lots earns nothing and loses nothing but what is carried.
TEST(ToGrains, SplittingEarnsNothing) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    int64_t total = 0;
    int64_t credited = 0;
    int64_t carry = 0;
    for (int lot = 0; lot < 10; ++lot) {
      const auto items = static_cast<int64_t>(random() % 5000) - 1000;
      const Grains grains = ToGrains(items, carry, 1000);
      total += items;
      credited += grains.amount;
      carry = grains.carry_after;
    }
    EXPECT_EQ(credited + carry, total);
    EXPECT_GE(carry, 0);
    EXPECT_LT(carry, 1000);
  }
}

TEST(EntitlementFor, RoundsDownAtTheRate) {
  Policy policy;
  EXPECT_EQ(EntitlementFor(100'000'000, policy), 100'000'000);
  policy.entitlement_numerator = 2;
  policy.entitlement_denominator = 3;
  EXPECT_EQ(EntitlementFor(1000, policy), 666);
  EXPECT_EQ(EntitlementFor(0, policy), 0);
  policy.entitlement_numerator = INT64_MAX;
  policy.entitlement_denominator = INT64_MAX;
  EXPECT_EQ(EntitlementFor(INT64_MAX, policy), INT64_MAX);
}

}  // namespace
}  // namespace jangbu::ledger
