// Finance by rows: months, policies, who may decide, what a close publishes. The whole story,
// beside a model, is tests/sim.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ledger/books.h"
#include "ledger/close.h"
#include "ledger/period.h"

namespace jangbu::ledger {
namespace {

TEST(Period, IsAMonthOfSeoul) {
  struct Row {
    const char* why;
    int64_t micros;
    Period period;
  };
  const Row rows[] = {
      {"2026-10-01T00:00:00 in Seoul is 15:00 of the day before in UTC", 1'790'780'400'000'000,
       202610},
      {"a microsecond before", 1'790'780'399'999'999, 202609},
      {"a leap day", 1'709'175'600'000'000, 202402},
      {"the year turns at Seoul's midnight", 1'767'193'200'000'000, 202601},
      {"long ago", 0, 200001},
  };
  for (const Row& row : rows) EXPECT_EQ(PeriodOf({row.micros}), row.period) << row.why;
  for (Period period = 200001; period < 210012; period = NextPeriod(period)) {
    EXPECT_EQ(PeriodOf(StartOf(period)), period);
    EXPECT_EQ(PeriodOf(LastInstantOf(period)), period);
    EXPECT_EQ(LastInstantOf(period).micros + 1, StartOf(NextPeriod(period)).micros);
    EXPECT_EQ(*ParsePeriod(ToString(period)), period);
  }
  for (const char* bad : {"", "2026-13", "2026-00", "2026-1", "26-10", "2026/10", "2026-10 ", "１"})
    EXPECT_EQ(ReasonOf(ParsePeriod(bad).status()), "bad_period") << bad;
}

TEST(Policy, EveryFieldIsSetShownAndStored) {
  Policy policy;
  for (const PolicyField& field : FieldsOf(Policy{}))
    EXPECT_TRUE(SetField(policy, field.name, field.value).ok()) << field.name;
  EXPECT_EQ(policy, Policy{});
  EXPECT_TRUE(SetField(policy, "discounts", "5:100,9:250").ok());
  EXPECT_TRUE(SetField(policy, "weight_basis", "korean_words").ok());
  ByteWriter w;
  WritePolicy(w, policy);
  ByteReader r(w.bytes());
  Policy again;
  ReadPolicy(r, again);
  EXPECT_TRUE(r.Finish("policy").ok());
  EXPECT_EQ(again, policy);
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, const char*>>{{"grain", "0"},
                                                        {"grain", "x"},
                                                        {"pool_share_basis_points", "10001"},
                                                        {"discounts", "9:100,5:200"},
                                                        {"discounts", "5:100,9:100"},
                                                        {"discounts", "5"},
                                                        {"weight_basis", "bytes"},
                                                        {"no_such", "1"},
                                                        {"price_won", "-1"}}) {
    EXPECT_FALSE(SetField(policy, name, value).ok()) << name << "=" << value;
  }
}

// T20: ten million calls of 0.4 won cost what one call of all their tokens costs.
TEST(Policy, CuttingACallIntoManyChangesNothing) {
  Policy policy;
  policy.price_won = 3;
  policy.price_tokens = 7;
  std::mt19937_64 rng(5);
  int64_t tokens = 0;
  int64_t charged = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto call = static_cast<int64_t>(rng() % 5);
    const int64_t before = *BillOf(policy, 500, tokens);
    tokens += call;
    charged += *BillOf(policy, 500, tokens) - before;
  }
  EXPECT_EQ(charged, *BillOf(policy, 500, tokens));
}

TEST(SamePerson, IsNotTwoPersonsByASpaceOrACapital) {
  EXPECT_TRUE(SamePerson("Kim Min-ji", "kim min-ji "));
  EXPECT_TRUE(SamePerson("김 민지", "김민지"));
  EXPECT_FALSE(SamePerson("김민지", "김민수"));
  EXPECT_FALSE(SamePerson("Kim", "Kimm"));
  EXPECT_TRUE(SamePerson("", "  "));
}

class Writer {
 public:
  Writer() {
    Genesis genesis;
    genesis.log_origin = "test";
    genesis.log_public_key = std::string(32, 'k');
    Must("", genesis);
    Key("o1", Role::kOperator, "Kim");
    Key("o2", Role::kOperator, "Lee");
    Key("o3", Role::kOperator, "KIM");
    Key("f1", Role::kFinance, "Park");
    Key("g1", Role::kGateway, "Gate");
  }
  void Key(const char* id, Role role, const char* person) {
    Must("",
         KeyIssued{.key_id = id, .role = role, .person = person, .secret_mac = {}, .replaces = ""});
  }
  Status Try(const std::string& partner, Body body) {
    Entry entry;
    entry.seq = books.size();
    entry.at = {StartOf(202601).micros + static_cast<int64_t>(books.size()) * 1'000'000};
    entry.partner = partner;
    entry.body = std::move(body);
    return books.Apply(entry);
  }
  void Must(const std::string& partner, Body body) {
    const Status status = Try(partner, std::move(body));
    ASSERT_TRUE(status.ok()) << status;
  }
  Books books;
};

TEST(TwoPersons, AFinanceKeyNeedsAnotherOperator) {
  Writer w;
  const auto ask = [](const char* id, const char* by) {
    return KeyRequested{.key_id = id,
                        .role = Role::kFinance,
                        .person = "Choi",
                        .first_half_mac = {},
                        .replaces = "",
                        .by = by};
  };
  const auto decide = [](const char* id, const char* by) {
    return KeyDecided{.key_id = id, .approved = true, .secret_mac = {}, .by = by};
  };
  EXPECT_EQ(ReasonOf(w.Try("", ask("n1", "f1"))), "wrong_role");
  w.Must("", ask("n1", "o1"));
  EXPECT_EQ(w.books.FindKey("n1"), nullptr) << "it works before anybody approved it";
  EXPECT_EQ(ReasonOf(w.Try("", decide("n1", "o1"))), "same_person");
  EXPECT_EQ(ReasonOf(w.Try("", decide("n1", "o3"))), "same_person") << "Kim and KIM are one";
  EXPECT_EQ(ReasonOf(w.Try("", decide("n1", "g1"))), "wrong_role");
  EXPECT_EQ(ReasonOf(w.Try("", decide("n2", "o2"))), "no_such_request");
  w.Must("", decide("n1", "o2"));
  ASSERT_NE(w.books.FindKey("n1"), nullptr);
  EXPECT_EQ(ReasonOf(w.Try("", decide("n1", "o2"))), "request_decided");
  EXPECT_EQ(ReasonOf(w.Try("", ask("n1", "o1"))), "key_exists");
  w.Must("", KeyRevoked{.key_id = "o2"});
  w.Must("", ask("n3", "o1"));
  EXPECT_EQ(ReasonOf(w.Try("", decide("n3", "o2"))), "wrong_role") << "a revoked key decides";
  EXPECT_EQ(w.books.OperatorPersons(), 1u);
}

TEST(PolicyVersions, WhatWasIsNotRewritten) {
  Writer w;
  const Timestamp later = StartOf(202603);
  Policy policy = w.books.policy();
  policy.pool_share_basis_points = 1;
  w.Must("", PolicyProposed{.version = 2, .effective_from = later, .policy = policy, .by = "f1"});
  EXPECT_EQ(w.books.PolicyAt(later).version, 1u) << "in force before anybody approved it";
  EXPECT_EQ(ReasonOf(w.Try("", PolicyDecided{.version = 2, .approved = true, .by = "f1"})),
            "same_person");
  w.Must("", PolicyDecided{.version = 2, .approved = true, .by = "o1"});
  EXPECT_EQ(w.books.PolicyAt(later).version, 2u);
  EXPECT_EQ(w.books.PolicyAt({later.micros - 1}).version, 1u);
  EXPECT_EQ(ReasonOf(w.Try("", PolicyDecided{.version = 2, .approved = false, .by = "o1"})),
            "policy_decided");
  // A later version with an earlier date stands aside from the later date on.
  w.Must("", PolicyProposed{
                 .version = 3, .effective_from = StartOf(202602), .policy = policy, .by = "f1"});
  w.Must("", PolicyDecided{.version = 3, .approved = true, .by = "o1"});
  EXPECT_EQ(w.books.PolicyAt({later.micros - 1}).version, 3u);
  EXPECT_EQ(w.books.PolicyAt(later).version, 2u);
  EXPECT_EQ(w.books.PolicyAt(StartOf(202601)).version, 1u);
  policy.grain = 0;
  EXPECT_EQ(
      ReasonOf(w.Try(
          "", PolicyProposed{.version = 4, .effective_from = later, .policy = policy, .by = "f1"})),
      "bad_policy");
}

// What a partner gets by the published numbers is what the split gave it, whatever the weights are,
// ties included; and fewer than three partners with weight publish nothing.
TEST(PublishedClose, GivesEveryPartnerItsShare) {
  std::mt19937_64 rng(11);
  int ties = 0;
  for (int round = 0; round < 20'000; ++round) {
    const size_t n = 1 + rng() % 8;
    std::vector<PartnerWeight> weights;
    for (size_t i = 0; i < n; ++i) {
      const bool small = rng() % 2 == 0;
      weights.push_back(
          {"p" + std::to_string(i), static_cast<int64_t>(rng() % (small ? 4 : 1'000'000'000'000))});
    }
    const Won pool(static_cast<int64_t>(rng() % (rng() % 2 == 0 ? 50 : 10'000'000'000)));
    const auto split = SplitRevenue(pool, weights);
    ASSERT_TRUE(split.ok());
    std::shuffle(weights.begin(), weights.end(), rng);
    EXPECT_EQ(*SplitRevenue(pool, weights), *split) << "the order of the input matters";
    Digest seed{};
    for (uint8_t& byte : seed) byte = static_cast<uint8_t>(rng());
    const PublishedCut cut = CutOf(*split, 202610, seed);
    const auto weighty = std::count_if(weights.begin(), weights.end(),
                                       [](const PartnerWeight& w) { return w.weight > 0; });
    ASSERT_EQ(cut.total, weighty >= 3);
    PublishedClose published;
    published.partners = static_cast<uint32_t>(n);
    published.total = cut.total;
    published.pool_won = pool.value();
    published.total_weight = split->total_weight;
    published.threshold = cut.threshold;
    published.tied = cut.tied;
    ties += cut.tied.empty() ? 0 : 1;
    const std::vector<uint32_t> places = CommitmentPlaces(seed, split->shares);
    for (size_t i = 0; i < n; ++i) {
      const auto share = ShareByPublished(published, places[i], split->shares[i].weight);
      if (!cut.total) {
        EXPECT_EQ(ReasonOf(share.status()), "no_total");
        continue;
      }
      ASSERT_TRUE(share.ok()) << share.status();
      ASSERT_EQ(*share, split->shares[i].share) << "round " << round;
    }
    // The remainder of nobody is published, save when it is a tie.
    if (cut.total && cut.tied.empty() && split->cut_off.has_value()) {
      EXPECT_LE(cut.threshold, split->cut_off->remainder);
    }
  }
  EXPECT_GT(ties, 100);
}

}  // namespace
}  // namespace jangbu::ledger
