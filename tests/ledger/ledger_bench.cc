// Transfers a second through the state machine alone: 10,000 accounts, random pairs, batches of
// 8,190; in one step, in two steps, in chains of two, in a scope that is taken back, and restoring
// from a snapshot. Compares the answers of a small run with the slow twin before it times anything.

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "base/check.h"
#include "ledger/entitlement.h"
#include "ledger/ledger.h"
#include "tests/reference/ledger_reference.h"

namespace jangbu::ledger {
namespace {

constexpr uint64_t kAccounts = 10'000;
constexpr size_t kBatch = 8'190;

std::vector<Account> Accounts(uint64_t count) {
  std::vector<Account> accounts(count);
  for (uint64_t i = 0; i < count; ++i) {
    accounts[i].id = AccountId(i * 0x9E3779B97F4A7C15, i + 1);
    accounts[i].asset = 1;
    accounts[i].code = 1;
  }
  return accounts;
}

class Generator {
 public:
  explicit Generator(uint64_t accounts) : accounts_(Accounts(accounts)) {}

  const std::vector<Account>& accounts() const { return accounts_; }

  std::vector<Transfer> Batch(size_t size, uint16_t (*flags)(size_t)) {
    std::vector<Transfer> batch(size);
    for (size_t i = 0; i < size; ++i) {
      Transfer& t = batch[i];
      t.id = TransferId(random_(), ++next_);
      t.flags = flags(i);
      if ((t.flags & TransferFlags::kPostPending) != 0) {
        t.pending_id = batch[i - 1].id;
        t.amount = kAmountAll;
        continue;
      }
      const uint64_t debit = random_() % accounts_.size();
      const uint64_t credit = (debit + 1 + random_() % (accounts_.size() - 1)) % accounts_.size();
      t.debit_account = accounts_[debit].id;
      t.credit_account = accounts_[credit].id;
      t.amount = 1 + random_() % 1'000;
      t.asset = 1;
      t.code = 1;
      t.timeout = t.pending() ? 60 : 0;
    }
    return batch;
  }

 private:
  std::mt19937_64 random_{42};
  std::vector<Account> accounts_;
  uint64_t next_ = 0;
};

uint16_t OneStep(size_t) { return 0; }
uint16_t TwoSteps(size_t i) {
  return i % 2 == 0 ? TransferFlags::kPending : TransferFlags::kPostPending;
}
uint16_t Chains(size_t i) { return i % 2 == 0 ? TransferFlags::kLinked : 0; }

void CompareWithTwin() {
  for (const auto flags : {OneStep, TwoSteps, Chains}) {
    Generator generator(20);
    Ledger fast;
    reference::Ledger slow;
    fast.CreateAccounts(generator.accounts(), Timestamp{});
    slow.CreateAccounts(generator.accounts(), Timestamp{});
    const std::vector<Transfer> batch = generator.Batch(200, flags);
    JANGBU_CHECK(fast.CreateTransfers(batch, Timestamp{}) ==
                 slow.CreateTransfers(batch, Timestamp{}));
    JANGBU_CHECK(fast.totals() == slow.totals());
  }
}

// The ledger grows while it is timed, as it does in life; it starts anew at 2 million transfers to
// bound the memory.
void Posting(benchmark::State& state, uint16_t (*flags)(size_t), bool take_back) {
  Generator generator(kAccounts);
  auto ledger = std::make_unique<Ledger>();
  ledger->CreateAccounts(generator.accounts(), Timestamp{});
  int64_t now = 0;
  for (auto _ : state) {
    state.PauseTiming();
    if (ledger->transfer_count() > 2'000'000) {
      ledger = std::make_unique<Ledger>();
      ledger->CreateAccounts(generator.accounts(), Timestamp{});
      now = 0;
    }
    const std::vector<Transfer> batch = generator.Batch(kBatch, flags);
    state.ResumeTiming();
    const auto outcomes = take_back ? ledger->TryTransfers(batch, Timestamp{++now})
                                    : ledger->CreateTransfers(batch, Timestamp{++now});
    JANGBU_CHECK(outcomes.back() == Outcome::kOk);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK_CAPTURE(Posting, one_step, OneStep, false);
BENCHMARK_CAPTURE(Posting, two_steps, TwoSteps, false);
BENCHMARK_CAPTURE(Posting, chains_of_two, Chains, false);
BENCHMARK_CAPTURE(Posting, tried_and_taken_back, OneStep, true);

Ledger Filled(Generator& generator, size_t batches) {
  Ledger ledger;
  ledger.CreateAccounts(generator.accounts(), Timestamp{});
  for (size_t i = 0; i < batches; ++i) {
    ledger.CreateTransfers(generator.Batch(kBatch, OneStep), Timestamp{static_cast<int64_t>(i)});
  }
  return ledger;
}

void Digesting(benchmark::State& state) {
  Generator generator(kAccounts);
  const Ledger ledger = Filled(generator, 40);
  for (auto _ : state) benchmark::DoNotOptimize(ledger.StateDigest());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(ledger.transfer_count()));
}
BENCHMARK(Digesting);

void Restoring(benchmark::State& state) {
  Generator generator(kAccounts);
  const std::string snapshot = Filled(generator, 40).Snapshot();
  for (auto _ : state) JANGBU_CHECK(Ledger::Restore(snapshot).ok());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(40 * kBatch));
}
BENCHMARK(Restoring);

void BalanceInThePast(benchmark::State& state) {
  Generator generator(100);
  const Ledger ledger = Filled(generator, 40);
  std::mt19937_64 random(7);
  for (auto _ : state) {
    const AccountId id = generator.accounts()[random() % 100].id;
    benchmark::DoNotOptimize(ledger.BalancesAt(id, Timestamp{static_cast<int64_t>(random() % 40)}));
  }
}
BENCHMARK(BalanceInThePast);

// Reserve and commit of one call each, with their transfers posted to the ledger: 1,000 partners,
// 12 grants each.
void Usage(benchmark::State& state) {
  constexpr AssetId kAsset = 1;
  std::vector<std::string> partners;
  Entitlements entitlements(kAsset);
  Ledger ledger;
  const std::vector<Account> source = {EntitlementSourceAccount(kAsset)};
  ledger.CreateAccounts(source, Timestamp{});
  uint64_t next = 0;
  for (int i = 0; i < 1'000; ++i) {
    partners.push_back("partner-" + std::to_string(i));
    entitlements.AddPartner(partners.back());
    ledger.CreateAccounts(EntitlementPartnerAccounts(partners.back(), kAsset), Timestamp{});
    for (int month = 1; month <= 12; ++month) {
      const GrantRequest grant{OperationId(++next), 1'000'000'000, 0,
                               Timestamp{int64_t{month} << 50}, true};
      ledger.CreateTransfers(entitlements.Grant(partners.back(), grant, Timestamp{}).transfers,
                             Timestamp{});
    }
  }
  std::mt19937_64 random(7);
  for (auto _ : state) {
    const std::string& partner = partners[random() % partners.size()];
    const uint64_t amount = 1 + random() % 4'000;
    const OperationId reservation(++next);
    const auto held =
        entitlements.Reserve(partner, {reservation, amount, true, 1, 60}, Timestamp{1});
    ledger.CreateTransfers(held.transfers, Timestamp{1});
    const auto spent = entitlements.Commit(
        partner, {OperationId(++next), reservation, amount / 2 + 1}, Timestamp{1});
    const auto outcomes = ledger.CreateTransfers(spent.transfers, Timestamp{1});
    JANGBU_CHECK(outcomes.back() == Outcome::kOk);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Usage);

}  // namespace
}  // namespace jangbu::ledger

int main(int argc, char** argv) {
  jangbu::ledger::CompareWithTwin();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
