#include "ledger/entitlement.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "ledger/ledger.h"
#include "tests/reference/ledger_entitlement_reference.h"

namespace jangbu::ledger {
namespace {

using Out = EntitlementOutcome;
constexpr AssetId kApiTokens = 3;

Timestamp At(int64_t seconds) { return Timestamp{seconds * 1'000'000}; }

// Entitlements with a ledger behind them: every transfer must be accepted, and the accounts must
// hold what the totals say.
class Desk {
 public:
  Desk() {
    Open({EntitlementSourceAccount(kApiTokens)});
    for (const char* partner : {"mina", "juno"}) AddPartner(partner);
  }

  void AddPartner(const std::string& partner) {
    EXPECT_TRUE(state.AddPartner(partner));
    Open(EntitlementPartnerAccounts(partner, kApiTokens));
    partners_.push_back(partner);
  }

  EntitlementAnswer Post(EntitlementAnswer answer, Timestamp at) {
    EXPECT_TRUE(answer.outcome == Out::kOk || answer.transfers.empty());
    for (size_t i = 0; i < answer.transfers.size(); ++i) {
      const bool last = i + 1 == answer.transfers.size();
      EXPECT_EQ(answer.transfers[i].flags, last ? 0 : TransferFlags::kLinked);
    }
    PostTransfers(answer.transfers, at);
    return answer;
  }
  void PostTransfers(const std::vector<Transfer>& transfers, Timestamp at) {
    for (const Outcome outcome : ledger.CreateTransfers(transfers, at)) {
      EXPECT_EQ(NameOf(outcome), NameOf(Outcome::kOk));
    }
  }

  EntitlementAnswer Grant(uint64_t id, uint64_t amount, uint32_t priority = 0,
                          Timestamp end = kNeverExpires, bool spendable = true) {
    return Post(state.Grant("mina", {OperationId(id), amount, priority, end, spendable}, now), now);
  }
  EntitlementAnswer Reserve(uint64_t id, uint64_t amount, bool billable = true,
                            uint32_t timeout = 60) {
    return Post(state.Reserve("mina", {OperationId(id), amount, billable, 7, timeout}, now), now);
  }
  EntitlementAnswer Consume(uint64_t id, uint64_t amount, bool billable = true) {
    return Post(state.Consume("mina", {OperationId(id), amount, billable, 7, 0}, now), now);
  }
  EntitlementAnswer Commit(uint64_t id, uint64_t reservation, uint64_t amount = kAmountAll) {
    return Post(state.Commit("mina", {OperationId(id), OperationId(reservation), amount}, now),
                now);
  }
  EntitlementAnswer Release(uint64_t id, uint64_t reservation) {
    return Post(state.Release("mina", {OperationId(id), OperationId(reservation)}, now), now);
  }
  EntitlementAnswer Activate(uint64_t id, std::optional<Timestamp> end = std::nullopt) {
    return Post(state.Activate("mina", {OperationId(id), end}, now), now);
  }
  EntitlementAnswer TakeBack(uint64_t id, uint64_t amount) {
    return Post(state.TakeBack("mina", {OperationId(id), amount}, now), now);
  }
  EntitlementTick Tick() {
    EntitlementTick tick = state.Expire(now);
    PostTransfers(tick.transfers, now);
    return tick;
  }

  EntitlementTotals totals(const std::string& partner = "mina") const {
    return *state.TotalsOf(partner);
  }

  void CheckAgainstLedger() const {
    for (const std::string& partner : partners_) {
      const EntitlementAccounts accounts = EntitlementAccountsOf(partner);
      const EntitlementTotals t = totals(partner);
      const auto net = [&](AccountId id) { return ledger.FindAccount(id)->balances.net(); };
      ASSERT_EQ(net(accounts.pending), static_cast<int64_t>(t.pending));
      ASSERT_EQ(net(accounts.available), static_cast<int64_t>(t.available));
      ASSERT_EQ(net(accounts.reserved), static_cast<int64_t>(t.reserved));
      ASSERT_EQ(net(accounts.spent), static_cast<int64_t>(t.spent));
      ASSERT_EQ(net(accounts.expired), static_cast<int64_t>(t.expired));
      ASSERT_EQ(net(accounts.owed), -static_cast<int64_t>(t.owed));
      ASSERT_EQ(t.granted, t.paid_off + t.pending + t.available + t.reserved + t.spent + t.expired +
                               t.taken_back);
    }
    ASSERT_TRUE(ledger.CheckBooks().ok());
  }

  Entitlements state{kApiTokens};
  Ledger ledger;
  Timestamp now;

 private:
  void Open(const std::vector<Account>& accounts) {
    for (const Outcome outcome : ledger.CreateAccounts(accounts, now))
      EXPECT_EQ(outcome, Outcome::kOk);
  }

  std::vector<std::string> partners_;
};

void ExpectAnswer(const EntitlementAnswer& answer, Out outcome, uint64_t amount, uint64_t rest) {
  EXPECT_EQ(NameOf(answer.outcome), NameOf(outcome));
  EXPECT_EQ(answer.amount, amount);
  EXPECT_EQ(answer.rest, rest);
}

TEST(Entitlement, BurnsByPriorityThenExpiryThenAge) {
  Desk desk;
  desk.Grant(1, 10, 1);           // never ends: last of its priority
  desk.Grant(2, 10, 1, At(500));  //
  desk.Grant(3, 10, 1, At(400));  // ends first of its priority
  desk.Grant(4, 10, 0, At(900));  // before all others
  desk.Grant(5, 10, 1, At(400));  // as 3, but younger
  const auto remaining = [&] {
    std::vector<uint64_t> left;
    for (const Grant& grant : *desk.state.GrantsOf("mina")) left.push_back(grant.remaining);
    return left;
  };
  desk.Consume(10, 5);
  EXPECT_EQ(remaining(), (std::vector<uint64_t>{10, 10, 10, 5, 10}));
  desk.Consume(11, 10);
  EXPECT_EQ(remaining(), (std::vector<uint64_t>{10, 10, 5, 0, 10}));
  desk.Consume(12, 10);
  EXPECT_EQ(remaining(), (std::vector<uint64_t>{10, 10, 0, 0, 5}));
  desk.Consume(13, 10);
  EXPECT_EQ(remaining(), (std::vector<uint64_t>{10, 5, 0, 0, 0}));
  desk.Consume(14, 10);
  EXPECT_EQ(remaining(), (std::vector<uint64_t>{5, 0, 0, 0, 0}));
  desk.CheckAgainstLedger();
}

TEST(Entitlement, ReserveCommitReleaseAndTheRestComesBack) {
  Desk desk;
  desk.Grant(1, 100);
  ExpectAnswer(desk.Reserve(10, 60), Out::kOk, 60, 0);
  EXPECT_EQ(desk.totals().available, 40u);
  EXPECT_EQ(desk.totals().reserved, 60u);
  ExpectAnswer(desk.Reserve(11, 60), Out::kOk, 40, 20);  // 20 of it billable
  ExpectAnswer(desk.Reserve(12, 5), Out::kOk, 0, 5);     // all of it
  ExpectAnswer(desk.Reserve(13, 5, false), Out::kExceedsAvailable, 0, 0);

  ExpectAnswer(desk.Commit(20, 10, 25), Out::kOk, 25, 0);
  EXPECT_EQ(desk.totals().available, 35u);
  ExpectAnswer(desk.Commit(21, 11, 50), Out::kOk, 40, 10);  // free first
  ExpectAnswer(desk.Commit(22, 12), Out::kOk, 0, 5);
  EXPECT_EQ(desk.totals().spent, 65u);
  EXPECT_EQ(desk.totals().available, 35u);
  EXPECT_EQ(desk.totals().reserved, 0u);

  ExpectAnswer(desk.Reserve(14, 35), Out::kOk, 35, 0);
  ExpectAnswer(desk.Release(23, 14), Out::kOk, 35, 0);
  EXPECT_EQ(desk.totals().available, 35u);
  EXPECT_EQ(desk.state.FindReservation("mina", OperationId(14))->state,
            ReservationState::kReleased);
  EXPECT_EQ(desk.state.FindReservation("juno", OperationId(14)), nullptr);
  desk.CheckAgainstLedger();
}

TEST(Entitlement, ReservationsTimeOutAtTheTick) {
  Desk desk;
  desk.Grant(1, 100);
  desk.Reserve(10, 60, true, 30);
  desk.Reserve(11, 30, true, 20);
  EXPECT_EQ(desk.state.NextExpiry(), At(20));
  desk.now = At(30);
  // Past its end but not ticked: still committed.
  ExpectAnswer(desk.Commit(20, 11), Out::kOk, 30, 0);
  const EntitlementTick tick = desk.Tick();
  ASSERT_EQ(tick.reservations.size(), 1u);
  EXPECT_EQ(tick.reservations[0], (EntitlementTick::Ended{"mina", OperationId(10), 60}));
  EXPECT_EQ(desk.totals().available, 70u);
  ExpectAnswer(desk.Commit(21, 10), Out::kReservationExpired, 0, 0);
  EXPECT_TRUE(desk.Tick().transfers.empty());
  desk.CheckAgainstLedger();
}

TEST(Entitlement, GrantsEndAtTheTickButWhatIsReservedStays) {
  Desk desk;
  desk.Grant(1, 100, 0, At(100));
  desk.Grant(2, 50);
  desk.now = At(90);
  desk.Reserve(10, 30, true, 100);
  desk.Reserve(11, 20, true, 100);
  desk.now = At(100);
  const EntitlementTick tick = desk.Tick();
  ASSERT_EQ(tick.grants.size(), 1u);
  EXPECT_EQ(tick.grants[0], (EntitlementTick::Ended{"mina", OperationId(1), 50}));
  EXPECT_EQ(desk.totals().expired, 50u);
  EXPECT_EQ(desk.totals().available, 50u);
  EXPECT_EQ(desk.totals().reserved, 50u);
  // Reserved in time: may still be spent; what is not, expires on the way back.
  ExpectAnswer(desk.Commit(20, 10, 10), Out::kOk, 10, 0);
  EXPECT_EQ(desk.totals().expired, 70u);
  ExpectAnswer(desk.Release(21, 11), Out::kOk, 20, 0);
  EXPECT_EQ(desk.totals().expired, 90u);
  EXPECT_EQ(desk.totals().available, 50u);
  EXPECT_EQ(desk.totals().spent, 10u);
  desk.CheckAgainstLedger();
}

TEST(Entitlement, ATickEndsReservationsBeforeGrants) {
  Desk desk;
  desk.Grant(1, 100, 0, At(50));
  desk.Reserve(10, 40, true, 50);
  desk.now = At(50);
  const EntitlementTick tick = desk.Tick();
  ASSERT_EQ(tick.grants.size(), 1u);
  EXPECT_EQ(tick.grants[0].amount, 100u);
  EXPECT_EQ(desk.totals().expired, 100u);
  desk.CheckAgainstLedger();
}

TEST(Entitlement, PendingBecomesSpendableWithMembership) {
  Desk desk;
  desk.Grant(1, 100, 0, At(10), false);
  desk.Grant(2, 50, 0, kNeverExpires, false);
  EXPECT_EQ(desk.totals().pending, 150u);
  ExpectAnswer(desk.Consume(10, 5), Out::kOk, 0, 5);
  desk.now = At(20);
  EXPECT_TRUE(desk.Tick().grants.empty());  // nothing pending ends
  ExpectAnswer(desk.Activate(11, At(1'000)), Out::kOk, 150, 0);
  EXPECT_EQ(desk.totals().available, 150u);
  EXPECT_EQ(desk.totals().pending, 0u);
  EXPECT_EQ(desk.state.NextExpiry(), At(1'000));
  // Below the threshold again: new grants are pending again.
  desk.Grant(3, 7, 0, kNeverExpires, false);
  EXPECT_EQ(desk.totals().pending, 7u);
  ExpectAnswer(desk.Activate(12), Out::kOk, 7, 0);
  ExpectAnswer(desk.Activate(13), Out::kOk, 0, 0);
  desk.CheckAgainstLedger();
}

TEST(Entitlement, TakingBackLeavesReservationsAndTheRestIsOwed) {
  Desk desk;
  desk.Grant(1, 100);
  desk.Grant(2, 30, 0, kNeverExpires, false);
  desk.Reserve(10, 60);
  ExpectAnswer(desk.TakeBack(20, 100), Out::kOk, 70, 30);  // 30 pending, 40 available, 30 owed
  EXPECT_EQ(desk.totals().reserved, 60u);
  EXPECT_EQ(desk.totals().owed, 30u);
  // Later grants pay it off first.
  ExpectAnswer(desk.Grant(3, 20), Out::kOk, 0, 20);
  EXPECT_EQ(desk.totals().owed, 10u);
  ExpectAnswer(desk.Grant(4, 25), Out::kOk, 15, 10);
  EXPECT_EQ(desk.totals().owed, 0u);
  EXPECT_EQ(desk.totals().available, 15u);
  ExpectAnswer(desk.Commit(21, 10), Out::kOk, 60, 0);
  desk.CheckAgainstLedger();
}

TEST(Entitlement, EveryOperationIsDoneOnce) {
  Desk desk;
  desk.Grant(1, 100, 2, At(900));
  desk.Reserve(10, 60);
  desk.Commit(20, 10, 25);
  desk.Consume(30, 10);
  desk.Reserve(11, 5);
  desk.Release(21, 11);
  desk.Activate(40);
  desk.TakeBack(50, 15);
  const Digest before = desk.state.StateDigest();
  const EntitlementTotals totals = desk.totals();

  // The same again: the same answers, nothing moved.
  ExpectAnswer(desk.Grant(1, 100, 2, At(900)), Out::kExists, 100, 0);
  ExpectAnswer(desk.Reserve(10, 60), Out::kExists, 60, 0);
  EXPECT_EQ(desk.Reserve(10, 60).policy_version, 7u);
  ExpectAnswer(desk.Commit(20, 10, 25), Out::kExists, 25, 0);
  EXPECT_EQ(desk.Commit(20, 10, 25).policy_version, 7u);
  ExpectAnswer(desk.Consume(30, 10), Out::kExists, 10, 0);
  ExpectAnswer(desk.Release(21, 11), Out::kExists, 5, 0);
  ExpectAnswer(desk.Activate(40), Out::kExists, 0, 0);
  ExpectAnswer(desk.TakeBack(50, 15), Out::kExists, 15, 0);

  // Another thing under the same id.
  EXPECT_EQ(desk.Grant(10, 60).outcome, Out::kExistsWithDifferentOperation);
  EXPECT_EQ(desk.Consume(10, 60).outcome, Out::kExistsWithDifferentOperation);
  EXPECT_EQ(desk.Commit(20, 11, 25).outcome, Out::kExistsWithDifferentReservation);
  EXPECT_EQ(desk.Grant(1, 101, 3, At(901)).outcome, Out::kExistsWithDifferentAmount);
  EXPECT_EQ(desk.Grant(1, 100, 3, At(901)).outcome, Out::kExistsWithDifferentPriority);
  EXPECT_EQ(desk.Grant(1, 100, 2, At(901), false).outcome, Out::kExistsWithDifferentExpiry);
  EXPECT_EQ(desk.Activate(40, At(1)).outcome, Out::kExistsWithDifferentExpiry);
  EXPECT_EQ(desk.Reserve(10, 60, false, 61).outcome, Out::kExistsWithDifferentTimeout);
  EXPECT_EQ(desk.Reserve(10, 60, false).outcome, Out::kExistsWithDifferentTerms);
  EXPECT_EQ(desk.Grant(1, 100, 2, At(900), false).outcome, Out::kExistsWithDifferentTerms);
  // A policy that came in between is no difference: the caller did not name it.
  EXPECT_EQ(desk.state.Reserve("mina", {OperationId(10), 60, true, 8, 60}, desk.now).outcome,
            Out::kExists);

  EXPECT_EQ(desk.totals(), totals);
  EXPECT_EQ(desk.state.StateDigest(), before);
  // Ids belong to a partner: juno's 10 is another.
  EXPECT_EQ(desk.state.Consume("juno", {OperationId(10), 60, true, 7, 0}, desk.now).outcome,
            Out::kOk);
  desk.CheckAgainstLedger();
}

// One row a refusal, in precedence: each request has the fault it is refused for and faults that
// stand lower.
TEST(Entitlement, RefusalsInPrecedence) {
  Desk desk;
  desk.Grant(1, 100);
  desk.Reserve(10, 20);
  desk.Reserve(11, 20);
  desk.Reserve(12, 20, true, 5);
  desk.Commit(20, 10);
  desk.Release(21, 11);
  desk.now = At(5);
  desk.Tick();
  const auto use = [&](const char* partner, UsageRequest q, bool reserve, int64_t at = 5) {
    const Entitlements::Scope scope(desk.state);
    return reserve ? desk.state.Reserve(partner, q, At(at)).outcome
                   : desk.state.Consume(partner, q, At(at)).outcome;
  };
  constexpr int64_t kLate = INT64_MAX / 1'000'000;
  const std::vector<std::pair<Out, Out>> rows = {
      {Out::kIdMustNotBeZero, use("nobody", {OperationId(), 0, false, 0, 0}, true)},
      {Out::kPartnerNotFound, use("nobody", {OperationId(9), 0, false, 0, 0}, true)},
      {Out::kExistsWithDifferentOperation, use("mina", {OperationId(1), 0, false, 0, 0}, true)},
      {Out::kExistsWithDifferentAmount, use("mina", {OperationId(10), 0, false, 0, 0}, true)},
      {Out::kExistsWithDifferentTimeout, use("mina", {OperationId(10), 20, false, 0, 0}, true)},
      {Out::kExistsWithDifferentTerms, use("mina", {OperationId(10), 20, false, 0, 60}, true)},
      {Out::kExists, use("mina", {OperationId(10), 20, true, 7, 60}, true)},
      {Out::kAmountMustNotBeZero, use("mina", {OperationId(9), 0, false, 0, 0}, true)},
      {Out::kTimeoutMustNotBeZero, use("mina", {OperationId(9), UINT64_MAX, false, 0, 0}, true)},
      {Out::kTimeoutReservedForReservation,
       use("mina", {OperationId(9), UINT64_MAX, false, 0, 1}, false)},
      {Out::kExpiryMustBeLater, desk.Grant(9, UINT64_MAX, 0, desk.now).outcome},
      {Out::kExpiryMustBeLater, desk.Activate(9, desk.now).outcome},
      {Out::kReservationNotFound, desk.Commit(9, 1, 999).outcome},
      {Out::kReservationNotFound, desk.Release(9, 99).outcome},
      {Out::kReservationNotFound,
       desk.state.Commit("juno", {OperationId(9), OperationId(10), 5}, desk.now).outcome},
      {Out::kExceedsReservation, desk.Commit(9, 10, 21).outcome},
      {Out::kReservationAlreadyCommitted, desk.Commit(9, 10, 20).outcome},
      {Out::kReservationAlreadyCommitted, desk.Release(9, 10).outcome},
      {Out::kReservationAlreadyReleased, desk.Commit(9, 11).outcome},
      {Out::kReservationExpired, desk.Release(9, 12).outcome},
      {Out::kOverflowsEntitlement, desk.Grant(9, kAmountMax).outcome},
      {Out::kOverflowsEntitlement, desk.TakeBack(9, kAmountMax).outcome},
      {Out::kOverflowsEntitlement,
       use("mina", {OperationId(9), kAmountMax + 1, false, 0, 1}, true, kLate)},
      {Out::kOverflowsTimeout, use("mina", {OperationId(9), 999, false, 0, 1}, true, kLate)},
      {Out::kExceedsAvailable, use("mina", {OperationId(9), 81, false, 0, 1}, true)},
      {Out::kOk, use("mina", {OperationId(9), 80, false, 0, 1}, true)},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(NameOf(rows[i].second), NameOf(rows[i].first)) << "row " << i;
    if (i == 0 || rows[i].first == Out::kOk) continue;
    EXPECT_GE(rows[i].first, rows[i - 1].first) << "row " << i;
  }
  EXPECT_EQ(desk.Commit(9, 10, 0).outcome, Out::kAmountMustNotBeZero);
  EXPECT_EQ(desk.Grant(9, 0).outcome, Out::kAmountMustNotBeZero);
  EXPECT_EQ(desk.TakeBack(9, 0).outcome, Out::kAmountMustNotBeZero);
  EXPECT_FALSE(desk.state.AddPartner("mina"));
  EXPECT_EQ(desk.state.TotalsOf("nobody"), std::nullopt);
  EXPECT_EQ(desk.state.GrantsOf("nobody"), nullptr);
  desk.CheckAgainstLedger();
}

// All that is ever granted, used and taken back stays within what a ledger account can turn over.
TEST(Entitlement, TurnoverIsBoundedSoThatTheLedgerNeverOverflows) {
  Desk desk;
  desk.Grant(1, kAmountMax / 2);
  ExpectAnswer(desk.Reserve(10, kAmountMax / 2), Out::kOk, kAmountMax / 2, 0);
  desk.Release(11, 10);
  ExpectAnswer(desk.Reserve(12, kAmountMax / 2), Out::kOverflowsEntitlement, 0, 0);
  ExpectAnswer(desk.Reserve(12, 1), Out::kOk, 1, 0);
  ExpectAnswer(desk.Reserve(13, 1), Out::kOverflowsEntitlement, 0, 0);
  ExpectAnswer(desk.Commit(14, 12), Out::kOk, 1, 0);  // what is under way can always end
  desk.CheckAgainstLedger();
}

TEST(Entitlement, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (int i = 0; i < kEntitlementOutcomeCount; ++i) names.insert(NameOf(static_cast<Out>(i)));
  EXPECT_EQ(names.size(), static_cast<size_t>(kEntitlementOutcomeCount));
}

TEST(Entitlement, AccountsOfPartnersDoNotMeet) {
  std::set<AccountId> ids;
  for (const char* partner : {"mina", "juno", "mina2", ""}) {
    for (const Account& account : EntitlementPartnerAccounts(partner, kApiTokens)) {
      EXPECT_TRUE(ids.insert(account.id).second);
    }
  }
  EXPECT_FALSE(ids.contains(EntitlementSourceAccount(kApiTokens).id));
}

// One call of any operation; each operation reads the fields it has.
struct Call {
  int kind = 0;
  std::string partner;
  OperationId id;
  uint64_t amount = 0;
  uint32_t priority = 0;
  Timestamp end;
  uint32_t timeout = 0;
  bool terms = true;
  uint32_t policy = 0;
  OperationId reservation;

  GrantRequest grant() const { return {id, amount, priority, end, terms}; }
  ActivateRequest activate() const {
    return {id, terms ? std::nullopt : std::optional<Timestamp>(end)};
  }
  UsageRequest usage() const { return {id, amount, terms, policy, timeout}; }
  CommitRequest commit() const { return {id, reservation, amount}; }
  ReleaseRequest release() const { return {id, reservation}; }
  TakeBackRequest take_back() const { return {id, amount}; }
};

EntitlementAnswer RunFast(Entitlements& state, const Call& call, Timestamp at) {
  switch (call.kind) {
    case 0:
    case 1:
      return state.Grant(call.partner, call.grant(), at);
    case 2:
      return state.Activate(call.partner, call.activate(), at);
    case 3:
      return state.Reserve(call.partner, call.usage(), at);
    case 4:
      return state.Consume(call.partner, call.usage(), at);
    case 5:
      return state.Commit(call.partner, call.commit(), at);
    case 6:
      return state.Release(call.partner, call.release(), at);
    default:
      return state.TakeBack(call.partner, call.take_back(), at);
  }
}

reference::Entitlements::Answer RunSlow(reference::Entitlements& state, const Call& call,
                                        Timestamp at) {
  switch (call.kind) {
    case 0:
    case 1:
      return state.Grant(call.partner, call.grant(), at);
    case 2:
      return state.Activate(call.partner, call.activate(), at);
    case 3:
      return state.Use(call.partner, call.usage(), at, true);
    case 4:
      return state.Use(call.partner, call.usage(), at, false);
    case 5:
      return state.Commit(call.partner, call.commit(), at);
    case 6:
      return state.Release(call.partner, call.release(), at);
    default:
      return state.TakeBack(call.partner, call.take_back(), at);
  }
}

// Random histories of two partners against the slow twin, with a ledger behind, and scopes taken
// back.
TEST(EntitlementDifferential, AgreesWithListsSortedAnew) {
  std::map<Out, size_t> seen;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    Desk desk;
    reference::Entitlements slow;
    slow.AddPartner("mina");
    slow.AddPartner("juno");
    uint64_t next_id = 1;
    std::vector<std::pair<std::string, uint64_t>> reservations = {{"mina", 1}};
    std::vector<Call> calls;

    for (int step = 0; step < 120; ++step) {
      if (below(3) == 0) desk.now.micros += static_cast<int64_t>(below(8)) * 1'000'000;
      const Timestamp at = desk.now;
      const std::string partner = below(40) == 0 ? "nobody" : below(2) == 0 ? "mina" : "juno";
      const OperationId id(below(6) == 0 ? below(next_id + 1) : ++next_id);
      const uint64_t amount = below(40) == 0   ? (below(2) == 0 ? 0 : kAmountMax - below(50))
                              : below(10) == 0 ? kAmountAll
                                               : 1 + below(60);
      const Timestamp end =
          below(3) == 0 ? kNeverExpires
                        : Timestamp{at.micros + static_cast<int64_t>(below(25)) * 1'000'000};
      const auto& [reserver, reserved_id] = reservations[below(reservations.size())];
      const OperationId reservation(reserved_id);
      // Mostly a new call; else an earlier one again, as it was or with one field changed.
      Call call;
      if (!calls.empty() && below(5) == 0) {
        call = calls[below(calls.size())];
        switch (below(12)) {
          case 0:
            call.amount = amount;
            break;
          case 1:
            call.priority += 1;
            break;
          case 2:
            call.end = end;
            break;
          case 3:
            call.timeout += 1;
            break;
          case 4:
            call.terms = !call.terms;
            break;
          case 5:
            call.policy += 1;
            break;
          case 6:
            call.reservation = reservation;
            break;
          default:
            break;
        }
      } else {
        const auto kind = below(10);
        call.kind = kind == 9 ? 0 : kind == 8 ? 3 : static_cast<int>(kind);
        call.partner = partner;
        call.id = id;
        call.amount = amount;
        call.priority = static_cast<uint32_t>(below(3));
        call.end = end;
        call.timeout = call.kind == 3 ? static_cast<uint32_t>(below(15)) : below(10) == 0 ? 1 : 0;
        call.terms = below(4) != 0;
        call.policy = static_cast<uint32_t>(below(2));
        call.reservation = reservation;
        if ((call.kind == 5 || call.kind == 6) && below(10) != 0) call.partner = reserver;
        if (call.kind == 3) reservations.emplace_back(partner, id.low);
        calls.push_back(call);
      }
      const auto run = [&] {
        return std::pair(RunFast(desk.state, call, at), RunSlow(slow, call, at));
      };

      if (below(10) == 0) {
        // A mixture that is taken back leaves no trace; the twin works on a copy.
        const reference::Entitlements before = slow;
        const Digest digest = desk.state.StateDigest();
        {
          const Entitlements::Scope scope(desk.state);
          run();
          desk.state.Expire(Timestamp{at.micros + 5'000'000});
          desk.state.AddPartner("extra");
          const Entitlements::Scope inner(desk.state);
          desk.state.Consume(partner, {OperationId(1'000'000), 5, true, 0, 0},
                             Timestamp{at.micros + 5'000'000});
        }
        slow = before;
        ASSERT_EQ(desk.state.StateDigest(), digest);
      }

      if (below(8) == 0) {
        slow.Expire(at);
        desk.Tick();
      } else {
        auto [fast_answer, slow_answer] = run();
        ASSERT_EQ(NameOf(fast_answer.outcome), NameOf(slow_answer.outcome)) << "step " << step;
        ASSERT_EQ(fast_answer.amount, slow_answer.amount) << "step " << step;
        ASSERT_EQ(fast_answer.rest, slow_answer.rest) << "step " << step;
        ASSERT_EQ(fast_answer.policy_version, slow_answer.policy_version) << "step " << step;
        ++seen[fast_answer.outcome];
        desk.Post(std::move(fast_answer), at);
      }
      for (const char* name : {"mina", "juno"})
        ASSERT_EQ(desk.totals(name), slow.TotalsOf(name)) << "step " << step;
      desk.CheckAgainstLedger();
      if (HasFailure()) return;
    }
  }
  for (int i = 0; i < kEntitlementOutcomeCount; ++i) {
    const auto outcome = static_cast<Out>(i);
    RecordProperty(std::string(NameOf(outcome)), std::to_string(seen[outcome]));
    if (outcome == Out::kOverflowsTimeout) continue;
    EXPECT_GT(seen[outcome], 0u) << NameOf(outcome);
  }
}

}  // namespace
}  // namespace jangbu::ledger
