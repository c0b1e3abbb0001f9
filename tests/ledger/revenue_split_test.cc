#include "ledger/revenue_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "ledger/rational.h"
#include "tests/reference/ledger_split_reference.h"

namespace jangbu::ledger {
namespace {

TEST(MulDiv, RoundsAsItSays) {
  struct Row {
    const char* why;
    int64_t a, b, c;
    std::optional<int64_t> floor, ceil;
  };
  const Row rows[] = {
      {"whole", 6, 4, 8, 3, 3},
      {"down and up", 7, 1, 2, 3, 4},
      {"negative: floor is further from zero", -7, 1, 2, -4, -3},
      {"negative by the other factor", 7, -1, 2, -4, -3},
      {"negative twice", -7, -1, 2, 3, 4},
      {"negative whole", -8, 1, 2, -4, -4},
      {"zero", 0, 5, 7, 0, 0},
      {"128-bit product", INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
      {"just fits", INT64_MAX - 1, 3, 3, INT64_MAX - 1, INT64_MAX - 1},
      {"does not fit", INT64_MAX, 2, 1, std::nullopt, std::nullopt},
      {"only the ceiling does not fit", INT64_MAX, 4, 3, std::nullopt, std::nullopt},
      {"smallest", INT64_MIN, 1, 1, INT64_MIN, INT64_MIN},
      {"smallest negated does not fit", INT64_MIN, -1, 1, std::nullopt, std::nullopt},
      {"smallest times smallest", INT64_MIN, INT64_MIN, INT64_MAX, std::nullopt, std::nullopt},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(MulDivFloor(row.a, row.b, row.c), row.floor) << row.why;
    EXPECT_EQ(MulDivCeil(row.a, row.b, row.c), row.ceil) << row.why;
  }
  EXPECT_DEATH(MulDivFloor(1, 1, 0), "c > 0");
}

TEST(Rates, HaveOneForm) {
  EXPECT_EQ(Rational::Make(2, 4)->ToString(), "1/2");
  EXPECT_EQ(Rational::Make(0, 9)->ToString(), "0/1");
  EXPECT_EQ(*Rational::Make(2, 4), *Rational::Make(3, 6));
  EXPECT_LT(*Rational::Make(1, 3), *Rational::Make(1, 2));
  EXPECT_GT(*Rational::Make(INT64_MAX, INT64_MAX - 1), *Rational::Make(1, 1));
  EXPECT_EQ(Rational::FromBasisPoints(250).ToString(), "1/40");
  EXPECT_EQ(Rational::FromBasisPoints(250).FloorOf(999), 24);
  EXPECT_EQ(Rational::FromBasisPoints(250).CeilOf(999), 25);
  for (const auto& [n, d] :
       {std::pair<int64_t, int64_t>{-1, 2}, {1, 0}, {1, -2}, {INT64_MIN, INT64_MIN}}) {
    EXPECT_EQ(ReasonOf(Rational::Make(n, d).status()), "bad_rate");
  }
}

TEST(Rates, DecodeOnlyWhatEncodeWrites) {
  const auto bytes_of = [](uint64_t n, uint64_t d) {
    ByteWriter out;
    out.Varint(n);
    out.Varint(d);
    return out.Take();
  };
  for (const auto& rate : {Rational(), *Rational::Make(3, 7), *Rational::Make(INT64_MAX, 1),
                           *Rational::Make(1, INT64_MAX)}) {
    ByteWriter out;
    rate.Encode(out);
    ByteReader in(out.bytes());
    EXPECT_EQ(Rational::Decode(in), rate);
    EXPECT_TRUE(in.Finish("rate").ok());
  }
  for (const std::string& bad : {bytes_of(2, 4), bytes_of(0, 2), bytes_of(1, 0),
                                 bytes_of(UINT64_MAX, 1), bytes_of(1, UINT64_MAX)}) {
    ByteReader in(bad);
    Rational::Decode(in);
    EXPECT_FALSE(in.Finish("rate").ok()) << ToHex(bad);
  }
}

TEST(Pool, IsFlooredToTheWon) {
  EXPECT_EQ(PoolOf(Won(999'999), Rational::FromBasisPoints(1'000))->value(), 99'999);
  EXPECT_EQ(PoolOf(Won(INT64_MAX), Rational::FromBasisPoints(10'000))->value(), INT64_MAX);
  EXPECT_EQ(PoolOf(Won(0), Rational::FromBasisPoints(10'000))->value(), 0);
  EXPECT_EQ(PoolOf(Won(5), Rational())->value(), 0);
  EXPECT_EQ(ReasonOf(PoolOf(Won(-1), Rational()).status()), "negative_revenue");
  EXPECT_EQ(ReasonOf(PoolOf(Won(1), *Rational::Make(10'001, 10'000)).status()), "bad_share");
}

std::vector<PartnerWeight> Weights(const std::vector<int64_t>& weights) {
  std::vector<PartnerWeight> named;
  for (size_t i = 0; i < weights.size(); ++i)
    named.push_back({std::string(1, static_cast<char>('a' + i)), weights[i]});
  return named;
}

std::vector<int64_t> Shares(const RevenueSplit& split) {
  std::vector<int64_t> shares;
  for (const PartnerShare& share : split.shares) shares.push_back(share.share.value());
  return shares;
}

TEST(RevenueSplitting, KnownAnswers) {
  struct Row {
    const char* why;
    int64_t pool;
    std::vector<int64_t> weights, shares;
  };
  const int64_t third = INT64_MAX / 3;
  const Row rows[] = {
      {"even", 100, {1, 1}, {50, 50}},
      {"the odd won goes to the lower id", 101, {1, 1}, {51, 50}},
      {"two odd won of three", 101, {1, 1, 1}, {34, 34, 33}},
      {"the largest remainder, not the first listed", 100, {1, 1, 1, 400}, {0, 0, 0, 100}},
      {"remainders 0.33, 0.33, 0.34", 10, {33, 33, 34}, {3, 3, 4}},
      {"one partner takes all", 7, {3}, {7}},
      {"no weight, no share", 7, {0, 3, 0}, {0, 7, 0}},
      {"an empty pool", 0, {1, 2}, {0, 0}},
      {"fewer won than partners", 1, {2, 3, 3}, {0, 1, 0}},
      {"as large as it gets", INT64_MAX, {INT64_MAX}, {INT64_MAX}},
      {"128-bit products", INT64_MAX, {third, third, third}, {third + 1, third, third}},
      {"a grain of sand beside a mountain", INT64_MAX, {1, INT64_MAX - 1}, {1, INT64_MAX - 1}},
  };
  for (const Row& row : rows) {
    const auto split = SplitRevenue(Won(row.pool), Weights(row.weights));
    ASSERT_TRUE(split.ok()) << row.why << split.status();
    EXPECT_EQ(Shares(*split), row.shares) << row.why;
    EXPECT_EQ(split->carried_over, Won(0)) << row.why;
  }
}

TEST(RevenueSplitting, AnEmptySumCarriesThePoolOver) {
  for (const auto& weights : {Weights({}), Weights({0}), Weights({0, 0})}) {
    const auto split = SplitRevenue(Won(777), weights);
    ASSERT_TRUE(split.ok());
    EXPECT_EQ(split->carried_over, Won(777));
    EXPECT_EQ(split->cut_off, std::nullopt);
    for (const PartnerShare& share : split->shares) EXPECT_EQ(share.share, Won(0));
  }
}

TEST(RevenueSplitting, RefusesWhatCannotBe) {
  const auto reason = [](int64_t pool, std::vector<PartnerWeight> weights) {
    return std::string(ReasonOf(SplitRevenue(Won(pool), weights).status()));
  };
  EXPECT_EQ(reason(-1, Weights({1})), "negative_pool");
  EXPECT_EQ(reason(1, Weights({1, -1})), "negative_weight");
  EXPECT_EQ(reason(1, {{"a", 1}, {"b", 1}, {"a", 1}}), "duplicate_partner");
  EXPECT_EQ(reason(1, {{"", 1}}), "empty_partner");
  EXPECT_EQ(reason(1, Weights({INT64_MAX, 1})), "weights_overflow");
}

// Weights and pools near zero, near each other, near powers of two and near the largest.
struct Draw {
  int64_t pool;
  std::vector<PartnerWeight> weights;
};

Draw RandomDraw(std::mt19937_64& random) {
  const auto number = [&](int64_t most) {
    int64_t n = 0;
    switch (random() % 5) {
      case 0:
        n = static_cast<int64_t>(random() % 4);
        break;
      case 1:
        n = static_cast<int64_t>(random() % 1'000);
        break;
      case 2:
        n = static_cast<int64_t>((uint64_t{1} << (random() % 63)) - random() % 2);
        break;
      case 3:
        n = most - static_cast<int64_t>(random() % 3);
        break;
      default:
        n = static_cast<int64_t>(random() >> (1 + random() % 62));
    }
    return std::clamp<int64_t>(n, 0, most);
  };
  Draw draw;
  const int64_t partners = 1 + static_cast<int64_t>(random() % 12);
  draw.pool = number(INT64_MAX);
  const bool alike = random() % 4 == 0;
  const int64_t base = number(INT64_MAX / 16);
  for (int64_t i = 0; i < partners; ++i) {
    const int64_t weight =
        alike ? base + static_cast<int64_t>(random() % 2) : number(INT64_MAX / 16);
    draw.weights.push_back({"p" + std::to_string(i * 37 % 100), weight});
  }
  return draw;
}

// The laws of one split; cheap enough for millions.
void CheckLaws(const Draw& draw, const RevenueSplit& split) {
  Won sum = split.carried_over;
  int64_t extras = 0;
  for (const PartnerShare& share : split.shares) {
    sum += share.share;
    extras += share.extra_won ? 1 : 0;
    if (split.total_weight == 0) continue;
    // Within one won of the exact quota, above by less than one and below by less than one.
    const int128 quota = int128{draw.pool} * share.weight;
    const int128 mine = int128{share.share.value()} * split.total_weight;
    ASSERT_TRUE(mine - split.total_weight < quota && quota < mine + split.total_weight);
    const auto own =
        RecomputeShare(split.pool, split.total_weight, split.cut_off, share.partner, share.weight);
    ASSERT_TRUE(own.ok()) << own.status();
    ASSERT_EQ(*own, share.share);
  }
  ASSERT_EQ(sum, Won(draw.pool));
  ASSERT_EQ(extras > 0, split.cut_off.has_value());
}

TEST(RevenueSplitting, AgreesWithExactFractionsAndIgnoresOrder) {
  std::mt19937_64 random(20230811);
  for (int round = 0; round < 20'000; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Draw draw = RandomDraw(random);
    const auto split = SplitRevenue(Won(draw.pool), draw.weights);
    ASSERT_TRUE(split.ok()) << split.status();
    CheckLaws(draw, *split);
    std::map<std::string, int64_t> by_partner;
    for (const PartnerWeight& weight : draw.weights) by_partner[weight.partner] = weight.weight;
    const auto expected = reference::SplitRevenue(draw.pool, by_partner);
    for (const PartnerShare& share : split->shares) {
      ASSERT_EQ(share.share.value(), expected.at(share.partner)) << share.partner;
    }
    std::shuffle(draw.weights.begin(), draw.weights.end(), random);
    ASSERT_EQ(*SplitRevenue(Won(draw.pool), draw.weights), *split);
    if (HasFatalFailure()) return;
  }
}

// More weight never gets less.
TEST(RevenueSplitting, IsMonotoneInWeight) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 5'000; ++round) {
    const Draw draw = RandomDraw(random);
    const auto split = SplitRevenue(Won(draw.pool), draw.weights);
    ASSERT_TRUE(split.ok());
    for (const PartnerShare& a : split->shares) {
      for (const PartnerShare& b : split->shares) {
        if (a.weight <= b.weight) continue;
        ASSERT_GE(a.share, b.share) << "round " << round;
      }
    }
  }
}

// Run with --gtest_also_run_disabled_tests: about 15 seconds.
TEST(RevenueSplitting, DISABLED_SoakTenMillionSplits) {
  std::mt19937_64 random(10'000'000);
  for (int round = 0; round < 10'000'000; ++round) {
    const Draw draw = RandomDraw(random);
    const auto split = SplitRevenue(Won(draw.pool), draw.weights);
    ASSERT_TRUE(split.ok());
    CheckLaws(draw, *split);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

TEST(RecomputeShare, RefusesNumbersThatDoNotBelongTogether) {
  const auto reason = [](int64_t pool, int64_t total, std::optional<CutOff> cut_off,
                         int64_t weight) {
    return std::string(ReasonOf(RecomputeShare(Won(pool), total, cut_off, "a", weight).status()));
  };
  EXPECT_EQ(reason(-1, 2, std::nullopt, 1), "bad_split");
  EXPECT_EQ(reason(1, 2, std::nullopt, 3), "bad_split");
  EXPECT_EQ(reason(1, 2, std::nullopt, -1), "bad_split");
  EXPECT_EQ(reason(1, 2, CutOff{2, "a"}, 1), "bad_split");
  EXPECT_EQ(reason(1, 2, CutOff{0, "a"}, 1), "bad_split");
  EXPECT_EQ(reason(1, 0, CutOff{0, "a"}, 0), "bad_split");
  EXPECT_EQ(RecomputeShare(Won(5), 0, std::nullopt, "a", 0)->value(), 0);
}

TEST(Payouts, WaitForTheMinimum) {
  EXPECT_EQ(PayoutOf(Won(0), Won(999), Won(1'000)), (Payout{Won(0), Won(999)}));
  EXPECT_EQ(PayoutOf(Won(999), Won(1), Won(1'000)), (Payout{Won(1'000), Won(0)}));
  EXPECT_EQ(PayoutOf(Won(999), Won(500), Won(1'000)), (Payout{Won(1'499), Won(0)}));
  EXPECT_EQ(PayoutOf(Won(0), Won(0), Won(0)), (Payout{Won(0), Won(0)}));
}

TEST(HeldParts, RoundUp) {
  EXPECT_EQ(HeldPart(Won(100), 1, 3), Won(34));
  EXPECT_EQ(HeldPart(Won(100), 3, 3), Won(100));
  EXPECT_EQ(HeldPart(Won(100), 0, 3), Won(0));
  EXPECT_EQ(HeldPart(Won(INT64_MAX), INT64_MAX, INT64_MAX), Won(INT64_MAX));
}

}  // namespace
}  // namespace jangbu::ledger
