#include "tests/reference/ledger_reference.h"

#include <algorithm>
#include <set>

namespace jangbu::ledger::reference {
namespace {

int128 EndOf(const Transfer& pending) {
  return int128{pending.timestamp.micros} + int128{pending.timeout} * 1'000'000;
}

Outcome First(const std::set<Outcome>& fits) { return fits.empty() ? Outcome::kOk : *fits.begin(); }

}  // namespace

template <typename Event, typename Each>
std::vector<Outcome> Ledger::Run(std::span<const Event> batch, Each one) {
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < batch.size();) {
    std::vector<Event> chain;
    bool open = true;
    while (i < batch.size() && open) {
      chain.push_back(batch[i]);
      open = (batch[i].flags & 1) != 0;
      ++i;
    }
    if (open) {
      outcomes.insert(outcomes.end(), chain.size() - 1, Outcome::kLinkedEventFailed);
      outcomes.push_back(Outcome::kLinkedEventChainOpen);
      continue;
    }
    const Ledger before = *this;
    std::vector<Outcome> each;
    for (const Event& event : chain) each.push_back(one(event));
    const auto count = [&](Outcome o) {
      return static_cast<size_t>(std::count(each.begin(), each.end(), o));
    };
    if (count(Outcome::kOk) != chain.size() && count(Outcome::kExists) != chain.size()) {
      // The first that was refused, as the events before it left the books, names the reason.
      const auto refused =
          std::find_if(each.begin(), each.end(), [](Outcome o) { return o != Outcome::kOk; });
      const Outcome reason = *refused;
      const auto at = refused - each.begin();
      each.assign(chain.size(), Outcome::kLinkedEventFailed);
      each[static_cast<size_t>(at)] = reason;
      *this = before;
    }
    outcomes.insert(outcomes.end(), each.begin(), each.end());
  }
  return outcomes;
}

std::vector<Outcome> Ledger::CreateAccounts(std::span<const Account> batch, Timestamp at) {
  return Run(batch, [&](const Account& account) { return One(account, at); });
}

std::vector<Outcome> Ledger::CreateTransfers(std::span<const Transfer> batch, Timestamp at) {
  return Run(batch, [&](const Transfer& transfer) { return One(transfer, at); });
}

std::vector<Outcome> Ledger::CloseAccounts(std::span<const AccountId> batch, Timestamp) {
  std::vector<Outcome> outcomes;
  for (const AccountId id : batch) {
    auto* account = const_cast<Account*>(FindAccount(id));
    outcomes.push_back(account == nullptr  ? Outcome::kAccountNotFound
                       : account->closed() ? Outcome::kAccountAlreadyClosed
                                           : Outcome::kOk);
    if (outcomes.back() == Outcome::kOk) account->flags |= AccountFlags::kClosed;
  }
  return outcomes;
}

std::vector<Outcome> Ledger::ReopenAccounts(std::span<const AccountId> batch, Timestamp) {
  std::vector<Outcome> outcomes;
  for (const AccountId id : batch) {
    auto* account = const_cast<Account*>(FindAccount(id));
    outcomes.push_back(account == nullptr   ? Outcome::kAccountNotFound
                       : !account->closed() ? Outcome::kAccountNotClosed
                                            : Outcome::kOk);
    if (outcomes.back() == Outcome::kOk)
      account->flags &= static_cast<uint16_t>(~AccountFlags::kClosed);
  }
  return outcomes;
}

std::vector<TransferId> Ledger::ExpirePending(Timestamp now) {
  std::vector<Transfer> due;
  for (const Line& line : lines_) {
    if (!line.expiry && line.transfer.pending() && line.transfer.timeout != 0 &&
        EndOf(line.transfer) <= now.micros &&
        FindPending(line.transfer.id) == PendingState::kPending) {
      due.push_back(line.transfer);
    }
  }
  std::stable_sort(due.begin(), due.end(),
                   [](const Transfer& a, const Transfer& b) { return EndOf(a) < EndOf(b); });
  std::vector<TransferId> ids;
  for (const Transfer& pending : due) {
    lines_.push_back({true, now, pending});
    ids.push_back(pending.id);
  }
  return ids;
}

std::optional<Balances> Ledger::BalancesAt(AccountId id, Timestamp at) const {
  const Account* account = FindAccount(id);
  if (account == nullptr || account->timestamp > at) return std::nullopt;
  size_t lines = 0;
  while (lines < lines_.size() && lines_[lines].at <= at) ++lines;
  return After(id, lines);
}

std::optional<PendingState> Ledger::FindPending(TransferId id) const {
  const Transfer* transfer = FindTransfer(id);
  if (transfer == nullptr || !transfer->pending()) return std::nullopt;
  for (const Line& line : lines_) {
    if (line.expiry && line.transfer.id == id) return PendingState::kExpired;
    if (!line.expiry && line.transfer.pending_id == id) {
      return line.transfer.posts() ? PendingState::kPosted : PendingState::kVoided;
    }
  }
  return PendingState::kPending;
}

uint64_t Ledger::EventCount(AccountId id) const { return History(id).size(); }

std::map<AssetId, AssetTotals> Ledger::totals() const {
  std::map<AssetId, AssetTotals> sums;
  for (const Account& account : accounts_) {
    const Balances balances = After(account.id, lines_.size());
    AssetTotals& sum = sums[account.asset];
    ++sum.accounts;
    sum.debits_pending += balances.debits_pending;
    sum.debits_posted += balances.debits_posted;
    sum.credits_pending += balances.credits_pending;
    sum.credits_posted += balances.credits_posted;
  }
  return sums;
}

std::vector<Balances> Ledger::History(AccountId id) const {
  std::vector<Balances> history;
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (lines_[i].transfer.debit_account == id || lines_[i].transfer.credit_account == id) {
      history.push_back(After(id, i + 1));
    }
  }
  return history;
}

Balances Ledger::After(AccountId id, size_t lines) const {
  int128 debits_pending = 0;
  int128 debits_posted = 0;
  int128 credits_pending = 0;
  int128 credits_posted = 0;
  for (size_t i = 0; i < lines; ++i) {
    const Transfer& transfer = lines_[i].transfer;
    int128 pending = 0;
    int128 posted = 0;
    if (lines_[i].expiry) {
      pending = -int128{transfer.amount};
    } else if (transfer.pending()) {
      pending = transfer.amount;
    } else if (transfer.posts() || transfer.voids()) {
      pending = -int128{FindTransfer(transfer.pending_id)->amount};
      posted = transfer.posts() ? int128{transfer.amount} : 0;
    } else {
      posted = transfer.amount;
    }
    if (transfer.debit_account == id) {
      debits_pending += pending;
      debits_posted += posted;
    }
    if (transfer.credit_account == id) {
      credits_pending += pending;
      credits_posted += posted;
    }
  }
  return {static_cast<uint64_t>(debits_pending), static_cast<uint64_t>(debits_posted),
          static_cast<uint64_t>(credits_pending), static_cast<uint64_t>(credits_posted)};
}

Outcome Ledger::One(const Account& account, Timestamp at) {
  std::set<Outcome> fits;
  const auto when = [&fits](bool condition, Outcome outcome) {
    if (condition) fits.insert(outcome);
  };
  when(account.timestamp.micros != 0, Outcome::kTimestampMustBeZero);
  when(account.reserved != 0, Outcome::kReservedFieldMustBeZero);
  for (const uint64_t word : account.reserved_tail)
    when(word != 0, Outcome::kReservedFieldMustBeZero);
  when((account.flags & ~(1 | 2 | 4 | 32)) != 0, Outcome::kReservedFlag);
  when(account.id.is_zero(), Outcome::kIdMustNotBeZero);
  if (const Account* stored = FindAccount(account.id)) {
    when((stored->flags & ~32) != account.flags, Outcome::kExistsWithDifferentFlags);
    when(stored->user_data_128 != account.user_data_128, Outcome::kExistsWithDifferentUserData128);
    when(stored->user_data_64 != account.user_data_64, Outcome::kExistsWithDifferentUserData64);
    when(stored->user_data_32 != account.user_data_32, Outcome::kExistsWithDifferentUserData32);
    when(stored->asset != account.asset, Outcome::kExistsWithDifferentAsset);
    when(stored->code != account.code, Outcome::kExistsWithDifferentCode);
    when(true, Outcome::kExists);
  }
  when((account.flags & 2) != 0 && (account.flags & 4) != 0, Outcome::kFlagsAreMutuallyExclusive);
  when((account.flags & 32) != 0, Outcome::kAccountMustNotStartClosed);
  when(account.balances.debits_pending != 0, Outcome::kDebitsPendingMustBeZero);
  when(account.balances.debits_posted != 0, Outcome::kDebitsPostedMustBeZero);
  when(account.balances.credits_pending != 0, Outcome::kCreditsPendingMustBeZero);
  when(account.balances.credits_posted != 0, Outcome::kCreditsPostedMustBeZero);
  when(account.asset == 0, Outcome::kAssetMustNotBeZero);
  when(account.code == 0, Outcome::kCodeMustNotBeZero);
  if (fits.empty()) {
    accounts_.push_back(account);
    accounts_.back().timestamp = at;
  }
  return First(fits);
}

Outcome Ledger::One(const Transfer& given, Timestamp at) {
  std::set<Outcome> fits;
  const auto when = [&fits](bool condition, Outcome outcome) {
    if (condition) fits.insert(outcome);
  };
  const bool pending = (given.flags & 2) != 0;
  const bool post = (given.flags & 4) != 0;
  const bool voids = (given.flags & 8) != 0;
  const bool resolves = post || voids;

  // What is left to the pending transfer.
  const Transfer* held = resolves ? FindTransfer(given.pending_id) : nullptr;
  Transfer t = given;
  if (held != nullptr) {
    if (t.debit_account.is_zero()) t.debit_account = held->debit_account;
    if (t.credit_account.is_zero()) t.credit_account = held->credit_account;
    if (t.asset == 0) t.asset = held->asset;
    if (t.code == 0) t.code = held->code;
    if (t.user_data_128.is_zero()) t.user_data_128 = held->user_data_128;
    if (t.user_data_64 == 0) t.user_data_64 = held->user_data_64;
    if (t.user_data_32 == 0) t.user_data_32 = held->user_data_32;
    if (post && !voids && t.amount == UINT64_MAX) t.amount = held->amount;
    if (voids && t.amount == 0) t.amount = held->amount;
  }

  when(given.timestamp.micros != 0, Outcome::kTimestampMustBeZero);
  when(given.reserved != 0, Outcome::kReservedFieldMustBeZero);
  when((given.flags & ~15) != 0, Outcome::kReservedFlag);
  when(given.id.is_zero(), Outcome::kIdMustNotBeZero);
  if (const Transfer* stored = FindTransfer(given.id)) {
    when(stored->flags != t.flags, Outcome::kExistsWithDifferentFlags);
    when(stored->pending_id != t.pending_id, Outcome::kExistsWithDifferentPendingId);
    when(stored->timeout != t.timeout, Outcome::kExistsWithDifferentTimeout);
    when(stored->debit_account != t.debit_account, Outcome::kExistsWithDifferentDebitAccount);
    when(stored->credit_account != t.credit_account, Outcome::kExistsWithDifferentCreditAccount);
    when(stored->amount != t.amount, Outcome::kExistsWithDifferentAmount);
    when(stored->user_data_128 != t.user_data_128, Outcome::kExistsWithDifferentUserData128);
    when(stored->user_data_64 != t.user_data_64, Outcome::kExistsWithDifferentUserData64);
    when(stored->user_data_32 != t.user_data_32, Outcome::kExistsWithDifferentUserData32);
    when(stored->asset != t.asset, Outcome::kExistsWithDifferentAsset);
    when(stored->code != t.code, Outcome::kExistsWithDifferentCode);
    when(true, Outcome::kExists);
  }
  when(int{pending} + int{post} + int{voids} > 1, Outcome::kFlagsAreMutuallyExclusive);
  when(given.timeout != 0 && (!pending || resolves), Outcome::kTimeoutReservedForPendingTransfer);
  when(given.amount == 0 && !voids, Outcome::kAmountMustNotBeZero);
  if (resolves) {
    when(given.pending_id.is_zero(), Outcome::kPendingIdMustNotBeZero);
    when(given.pending_id == given.id, Outcome::kPendingIdMustBeDifferent);
    when(held == nullptr, Outcome::kPendingTransferNotFound);
    if (held != nullptr) {
      when(!held->pending(), Outcome::kPendingTransferNotPending);
      when(t.debit_account != held->debit_account,
           Outcome::kPendingTransferHasDifferentDebitAccount);
      when(t.credit_account != held->credit_account,
           Outcome::kPendingTransferHasDifferentCreditAccount);
      when(t.asset != held->asset, Outcome::kPendingTransferHasDifferentAsset);
      when(t.code != held->code, Outcome::kPendingTransferHasDifferentCode);
      when(t.amount > held->amount, Outcome::kExceedsPendingTransferAmount);
      when(voids && t.amount != held->amount, Outcome::kPendingTransferHasDifferentAmount);
      const std::optional<PendingState> state = FindPending(held->id);
      when(state == PendingState::kPosted, Outcome::kPendingTransferAlreadyPosted);
      when(state == PendingState::kVoided, Outcome::kPendingTransferAlreadyVoided);
      when(state == PendingState::kExpired, Outcome::kPendingTransferExpired);
      when(post && FindAccount(held->debit_account)->closed(), Outcome::kDebitAccountClosed);
      when(post && FindAccount(held->credit_account)->closed(), Outcome::kCreditAccountClosed);
    }
  } else {
    when(!given.pending_id.is_zero(), Outcome::kPendingIdMustBeZero);
    when(t.debit_account.is_zero(), Outcome::kDebitAccountMustNotBeZero);
    when(t.credit_account.is_zero(), Outcome::kCreditAccountMustNotBeZero);
    when(t.debit_account == t.credit_account, Outcome::kAccountsMustBeDifferent);
    when(t.asset == 0, Outcome::kAssetMustNotBeZero);
    when(t.code == 0, Outcome::kCodeMustNotBeZero);
    const Account* debit = FindAccount(t.debit_account);
    const Account* credit = FindAccount(t.credit_account);
    when(debit == nullptr, Outcome::kDebitAccountNotFound);
    when(credit == nullptr, Outcome::kCreditAccountNotFound);
    if (debit != nullptr && credit != nullptr) {
      when(debit->asset != credit->asset, Outcome::kAccountsMustHaveTheSameAsset);
      when(debit->asset != t.asset, Outcome::kTransferMustHaveTheAssetOfItsAccounts);
      when(debit->closed(), Outcome::kDebitAccountClosed);
      when(credit->closed(), Outcome::kCreditAccountClosed);
      const Balances d = After(debit->id, lines_.size());
      const Balances c = After(credit->id, lines_.size());
      const int128 debits = int128{d.debits_pending} + d.debits_posted + t.amount;
      const int128 credits = int128{c.credits_pending} + c.credits_posted + t.amount;
      when(debits > INT64_MAX, Outcome::kOverflowsDebits);
      when(credits > INT64_MAX, Outcome::kOverflowsCredits);
      when(int128{at.micros} + int128{t.timeout} * 1'000'000 > INT64_MAX,
           Outcome::kOverflowsTimeout);
      when((debit->flags & 2) != 0 && debits > d.credits_posted, Outcome::kExceedsCredits);
      when((credit->flags & 4) != 0 && credits > c.debits_posted, Outcome::kExceedsDebits);
    }
  }
  if (fits.empty()) {
    t.timestamp = at;
    lines_.push_back({false, at, t});
  }
  return First(fits);
}

const Account* Ledger::FindAccount(AccountId id) const {
  for (const Account& account : accounts_) {
    if (account.id == id) return &account;
  }
  return nullptr;
}

const Transfer* Ledger::FindTransfer(TransferId id) const {
  for (const Line& line : lines_) {
    if (!line.expiry && line.transfer.id == id) return &line.transfer;
  }
  return nullptr;
}

}  // namespace jangbu::ledger::reference
