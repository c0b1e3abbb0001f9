#include "ledger/ledger.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "base/check.h"

// snapshot := "jbledger" version:u8 (1) last_at:i64
//             accounts:varint account*             ; ledger/account.h, in order of creation
//             transfers:varint transfer*           ; ledger/transfer.h, in order of commit
//             expiries:varint (transfer:varint position:varint at:i64)*
//
// An expiry names the pending transfer by its place in the list, and says how many transfers were
// committed before it.

namespace jangbu::ledger {
namespace {

constexpr std::string_view kSnapshotMagic = "jbledger";
constexpr uint8_t kSnapshotVersion = 1;
constexpr size_t kMarkEvery = 64;
constexpr Timestamp kNever{INT64_MAX};
constexpr uint16_t kTwoPhaseFlags =
    TransferFlags::kPending | TransferFlags::kPostPending | TransferFlags::kVoidPending;
constexpr uint16_t kLimitFlags =
    AccountFlags::kDebitsMustNotExceedCredits | AccountFlags::kCreditsMustNotExceedDebits;

bool IsLinked(const Account& account) { return (account.flags & AccountFlags::kLinked) != 0; }
bool IsLinked(const Transfer& transfer) { return (transfer.flags & TransferFlags::kLinked) != 0; }

// All sums here stay below 2^64: balances are at most kAmountMax and so are amounts that were not
// refused.
bool DebitsWithinLimit(const Account& account, uint64_t more) {
  return (account.flags & AccountFlags::kDebitsMustNotExceedCredits) == 0 ||
         account.balances.debits_pending + account.balances.debits_posted + more <=
             account.balances.credits_posted;
}
bool CreditsWithinLimit(const Account& account, uint64_t more) {
  return (account.flags & AccountFlags::kCreditsMustNotExceedDebits) == 0 ||
         account.balances.credits_pending + account.balances.credits_posted + more <=
             account.balances.debits_posted;
}

// When a hold made at `at` ends; false when no timestamp can say it.
bool ExpiryOf(Timestamp at, uint32_t timeout_seconds, Timestamp& expiry) {
  return !__builtin_add_overflow(at.micros, int64_t{timeout_seconds} * 1'000'000, &expiry.micros);
}

// A posting or voiding with what it leaves to the pending transfer filled in.
Transfer Filled(Transfer transfer, const Transfer& pending) {
  if (transfer.debit_account.is_zero()) transfer.debit_account = pending.debit_account;
  if (transfer.credit_account.is_zero()) transfer.credit_account = pending.credit_account;
  if (transfer.asset == 0) transfer.asset = pending.asset;
  if (transfer.code == 0) transfer.code = pending.code;
  if (transfer.user_data_128.is_zero()) transfer.user_data_128 = pending.user_data_128;
  if (transfer.user_data_64 == 0) transfer.user_data_64 = pending.user_data_64;
  if (transfer.user_data_32 == 0) transfer.user_data_32 = pending.user_data_32;
  const uint64_t all = transfer.voids() ? 0 : kAmountAll;
  if (transfer.amount == all) transfer.amount = pending.amount;
  return transfer;
}

Outcome CompareWithStored(const Account& stored, const Account& account) {
  const auto flags = static_cast<uint16_t>(stored.flags & ~AccountFlags::kClosed);
  if (flags != account.flags) return Outcome::kExistsWithDifferentFlags;
  if (stored.user_data_128 != account.user_data_128)
    return Outcome::kExistsWithDifferentUserData128;
  if (stored.user_data_64 != account.user_data_64) return Outcome::kExistsWithDifferentUserData64;
  if (stored.user_data_32 != account.user_data_32) return Outcome::kExistsWithDifferentUserData32;
  if (stored.asset != account.asset) return Outcome::kExistsWithDifferentAsset;
  if (stored.code != account.code) return Outcome::kExistsWithDifferentCode;
  return Outcome::kExists;
}

std::string HexOf(AccountId id) {
  ByteWriter big_endian;
  for (int byte = 15; byte >= 0; --byte)
    big_endian.U8(static_cast<uint8_t>(id.value() >> (8 * byte)));
  return ToHex(big_endian.bytes());
}

Status Damaged(const char* what) { return DataLoss("ledger_snapshot_damaged", what); }

}  // namespace

// Commands.

std::vector<Outcome> Ledger::CreateAccounts(std::span<const Account> batch, Timestamp at) {
  Advance(at);
  return RunBatch(batch, [this, at](const Account& account) { return CreateAccount(account, at); });
}

std::vector<Outcome> Ledger::CreateTransfers(std::span<const Transfer> batch, Timestamp at) {
  Advance(at);
  std::vector<Hashes> hashes(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) hashes[i] = HashesOf(batch[i]);
  // Nearly all of a transfer's time is waiting for memory: the slots of its ids, its accounts, the
  // ends of their histories. What later transfers of the batch will touch is fetched meanwhile,
  // each kind some transfers after the one that leads to it.
  constexpr size_t kSlots = 24;
  constexpr size_t kAccounts = 14;
  constexpr size_t kHistories = 6;
  const auto fetch = [&](size_t i) __attribute__((always_inline)) {
    if (i + kSlots < batch.size()) {
      const Hashes& next = hashes[i + kSlots];
      transfer_index_.Prefetch(next.id);
      account_index_.Prefetch(next.debit_account);
      account_index_.Prefetch(next.credit_account);
    }
    if (i + kAccounts < batch.size()) {
      const Hashes& next = hashes[i + kAccounts];
      for (const auto index :
           {account_index_.Guess(next.debit_account), account_index_.Guess(next.credit_account)}) {
        if (!index.has_value()) continue;
        const AccountState& account = accounts_[*index];
        __builtin_prefetch(&account.record, 1);
        __builtin_prefetch(&account.record.user_data_64, 1);
        __builtin_prefetch(&account.events, 1);
      }
    }
    if (i + kHistories < batch.size()) {
      const Hashes& next = hashes[i + kHistories];
      for (const auto index :
           {account_index_.Guess(next.debit_account), account_index_.Guess(next.credit_account)}) {
        if (!index.has_value()) continue;
        const std::vector<EventRef>& events = accounts_[*index].events;
        __builtin_prefetch(events.data() + events.size(), 1);
      }
    }
  };
  return RunBatch(batch, [&](const Transfer& transfer) {
    const auto i = static_cast<size_t>(&transfer - batch.data());
    fetch(i);
    return CreateTransfer(transfer, hashes[i], at);
  });
}

std::vector<Outcome> Ledger::CloseAccounts(std::span<const AccountId> batch, Timestamp at) {
  return SetClosed(batch, true, at);
}

std::vector<Outcome> Ledger::ReopenAccounts(std::span<const AccountId> batch, Timestamp at) {
  return SetClosed(batch, false, at);
}

std::vector<TransferId> Ledger::ExpirePending(Timestamp now) {
  Advance(now);
  std::vector<TransferId> expired;
  while (!expiry_queue_.empty() && expiry_queue_.begin()->first <= now) {
    const uint64_t index = expiry_queue_.begin()->second;
    Expire(index, now);
    expired.push_back(transfers_[index].id);
  }
  return expired;
}

std::vector<Outcome> Ledger::TryTransfers(std::span<const Transfer> batch, Timestamp at) {
  const Scope scope(*this);
  return CreateTransfers(batch, at);
}

// Scopes.

Ledger::Scope::Scope(Ledger& ledger) : ledger_(&ledger) {
  ledger.frames_.push_back({ledger.undo_.size(), ledger.last_at_});
  depth_ = ledger.frames_.size();
}

Ledger::Scope::~Scope() {
  if (ledger_ != nullptr) Rollback();
}

void Ledger::Scope::Commit() {
  JANGBU_CHECK(ledger_ != nullptr && ledger_->frames_.size() == depth_);
  ledger_->frames_.pop_back();
  if (ledger_->frames_.empty()) ledger_->undo_.clear();
  ledger_ = nullptr;
}

void Ledger::Scope::Rollback() {
  JANGBU_CHECK(ledger_ != nullptr && ledger_->frames_.size() == depth_);
  Ledger& ledger = *ledger_;
  const Frame frame = ledger.frames_.back();
  while (ledger.undo_.size() > frame.undo_size) {
    ledger.TakeBack(ledger.undo_.back());
    ledger.undo_.pop_back();
  }
  ledger.last_at_ = frame.last_at;
  ledger.frames_.pop_back();
  ledger_ = nullptr;
}

// Questions.

const Account* Ledger::FindAccount(AccountId id) const {
  const AccountState* account = Find(id);
  return account == nullptr ? nullptr : &account->record;
}

const Transfer* Ledger::FindTransfer(TransferId id) const {
  const auto index = IndexOf(id);
  return index.has_value() ? &transfers_[*index] : nullptr;
}

std::optional<PendingState> Ledger::FindPending(TransferId id) const {
  const auto index = IndexOf(id);
  if (!index.has_value()) return std::nullopt;
  const auto state = pending_.find(*index);
  if (state == pending_.end()) return std::nullopt;
  return state->second;
}

std::optional<Timestamp> Ledger::NextExpiry() const {
  if (expiry_queue_.empty()) return std::nullopt;
  return expiry_queue_.begin()->first;
}

std::optional<Balances> Ledger::BalancesAt(AccountId id, Timestamp at) const {
  const AccountState* account = Find(id);
  if (account == nullptr || account->record.timestamp > at) return std::nullopt;
  return BalancesAfter(*account, EventCountAt(id, at));
}

uint64_t Ledger::EventCount(AccountId id) const {
  const AccountState* account = Find(id);
  return account == nullptr ? 0 : account->events.size();
}

uint64_t Ledger::EventCountAt(AccountId id, Timestamp at) const {
  const AccountState* account = Find(id);
  if (account == nullptr) return 0;
  const auto end = std::upper_bound(account->events.begin(), account->events.end(), at,
                                    [this](Timestamp t, EventRef e) { return t < TimeOf(e); });
  return static_cast<uint64_t>(end - account->events.begin());
}

std::vector<AccountEvent> Ledger::Events(AccountId id, uint64_t from, size_t limit) const {
  std::vector<AccountEvent> page;
  const AccountState* account = Find(id);
  if (account == nullptr || from >= account->events.size()) return page;
  const uint64_t end = from + std::min<uint64_t>(limit, account->events.size() - from);
  page.reserve(end - from);
  Balances balances = BalancesAfter(*account, from);
  for (uint64_t position = from; position < end; ++position) {
    const EventRef event = account->events[position];
    Replay(id, event, balances);
    page.push_back(
        {.position = position,
         .at = TimeOf(event),
         .kind = (event & 1) != 0 ? AccountEvent::Kind::kExpiry : AccountEvent::Kind::kTransfer,
         .transfer = &TransferOf(event),
         .after = balances});
  }
  return page;
}

Status Ledger::CheckBooks() const {
  std::map<AssetId, AssetTotals> sums;
  uint128 held = 0;
  for (size_t a = 0; a < accounts_.size(); ++a) {
    const AccountState& account = accounts_[a];
    const Balances& balances = account.record.balances;
    const std::string name = "account " + HexOf(account.record.id);
    AssetTotals& sum = sums[account.record.asset];
    ++sum.accounts;
    sum.debits_pending += balances.debits_pending;
    sum.debits_posted += balances.debits_posted;
    sum.credits_pending += balances.credits_pending;
    sum.credits_posted += balances.credits_posted;
    held += balances.debits_pending;
    if (!DebitsWithinLimit(account.record, 0) || !CreditsWithinLimit(account.record, 0)) {
      return DataLoss("account_past_its_limit", name);
    }
    Balances replayed;
    bool marks_agree = account.marks.size() == account.events.size() / kMarkEvery;
    for (size_t i = 0; i < account.events.size() && marks_agree; ++i) {
      Replay(account.record.id, account.events[i], replayed);
      if ((i + 1) % kMarkEvery == 0) marks_agree = account.marks[i / kMarkEvery] == replayed;
    }
    if (!marks_agree || replayed != balances) {
      return DataLoss("account_differs_from_its_transfers", name);
    }
  }
  for (const auto& [asset, sum] : sums) {
    if (sum.debits_posted != sum.credits_posted || sum.debits_pending != sum.credits_pending) {
      return DataLoss("asset_does_not_balance", "asset " + std::to_string(asset));
    }
  }
  if (sums != totals_) return DataLoss("totals_differ_from_accounts", "per-asset totals");
  uint128 open = 0;
  for (const auto& [index, state] : pending_) {
    if (state == PendingState::kPending) open += transfers_[index].amount;
  }
  if (open != held) return DataLoss("holds_differ_from_pending_transfers", "sum of all holds");
  return OkStatus();
}

std::string Ledger::Snapshot() const {
  std::string out;
  out.reserve(64 + kAccountBytes * accounts_.size() + kTransferBytes * transfers_.size());
  WriteSnapshot([&out](std::string_view bytes) { out.append(bytes); });
  return out;
}

Digest Ledger::StateDigest() const {
  Sha256Stream stream;
  WriteSnapshot([&stream](std::string_view bytes) { stream.Update(bytes); });
  return stream.Peek();
}

StatusOr<Ledger> Ledger::Restore(std::string_view snapshot) {
  ByteReader in(snapshot);
  if (in.Raw(kSnapshotMagic.size()) != kSnapshotMagic || in.U8() != kSnapshotVersion) {
    return Damaged("not a ledger snapshot of a known version");
  }
  const Timestamp last_at{in.I64()};
  Ledger ledger;

  std::vector<Account> accounts(in.Count(kAccountBytes));
  Timestamp before;
  for (Account& stored : accounts) {
    stored = DecodeAccount(in);
    Account given = stored;
    given.balances = {};
    given.timestamp = {};
    given.flags &= static_cast<uint16_t>(~AccountFlags::kClosed);
    if (stored.timestamp < before) return Damaged("accounts are not in order of time");
    before = stored.timestamp;
    if (ledger.CreateAccount(given, stored.timestamp) != Outcome::kOk) {
      return Damaged("an account that the ledger refuses");
    }
  }

  std::vector<Transfer> transfers(in.Count(kTransferBytes));
  for (Transfer& transfer : transfers) transfer = DecodeTransfer(in);
  std::vector<Expiry> expiries(in.Count(10));
  for (Expiry& expiry : expiries) {
    expiry.transfer = in.Varint();
    expiry.position = in.Varint();
    expiry.at = Timestamp{in.I64()};
  }
  JANGBU_RETURN_IF_ERROR(in.Finish("ledger snapshot"));

  Timestamp now;
  const auto expire_up_to = [&](size_t& next, uint64_t position) {
    for (; next < expiries.size() && expiries[next].position == position; ++next) {
      const Expiry& expiry = expiries[next];
      if (expiry.at < now || expiry.transfer >= ledger.transfers_.size()) return false;
      // The queue's head, or it did not expire then.
      if (ledger.expiry_queue_.empty() || ledger.expiry_queue_.begin()->second != expiry.transfer ||
          ledger.expiry_queue_.begin()->first > expiry.at) {
        return false;
      }
      now = expiry.at;
      ledger.Expire(expiry.transfer, expiry.at);
      // A tick leaves nothing behind that was due.
      const bool tick_goes_on = next + 1 < expiries.size() &&
                                expiries[next + 1].position == position &&
                                expiries[next + 1].at == expiry.at;
      if (!tick_goes_on && ledger.NextExpiry().value_or(kNever) <= expiry.at) return false;
    }
    return true;
  };
  size_t next_expiry = 0;
  for (size_t i = 0; i < transfers.size(); ++i) {
    if (!expire_up_to(next_expiry, i)) return Damaged("an expiry that cannot have happened");
    const Transfer& stored = transfers[i];
    if (stored.timestamp < now) return Damaged("transfers are not in order of time");
    now = stored.timestamp;
    Transfer given = stored;
    given.timestamp = {};
    if (ledger.CreateTransfer(given, HashesOf(given), stored.timestamp) != Outcome::kOk ||
        ledger.transfers_.back() != stored) {
      return Damaged("a transfer that the ledger refuses");
    }
    if (std::max(ledger.Find(stored.debit_account)->record.timestamp,
                 ledger.Find(stored.credit_account)->record.timestamp) > stored.timestamp) {
      return Damaged("a transfer older than its account");
    }
  }
  if (!expire_up_to(next_expiry, transfers.size()) || next_expiry != expiries.size()) {
    return Damaged("an expiry that cannot have happened");
  }
  if (last_at < before || last_at < now) return Damaged("the ledger's time is behind its entries");
  ledger.last_at_ = last_at;
  for (size_t i = 0; i < accounts.size(); ++i) {
    ledger.accounts_[i].record.flags |= accounts[i].flags & AccountFlags::kClosed;
    if (ledger.accounts_[i].record != accounts[i]) {
      return Damaged("an account that does not follow from its transfers");
    }
  }
  return ledger;
}

// Events, one by one: refusals first, in the order of ledger/outcome.h; then the writes, which
// cannot fail.

void Ledger::Advance(Timestamp at) {
  JANGBU_CHECK(at >= last_at_);  // The one writer orders commands.
  last_at_ = at;
}

template <typename Event, typename Create>
std::vector<Outcome> Ledger::RunBatch(std::span<const Event> batch, Create create) {
  std::vector<Outcome> outcomes(batch.size(), Outcome::kLinkedEventFailed);
  size_t first = 0;
  while (first < batch.size()) {
    if (!IsLinked(batch[first])) {
      outcomes[first] = create(batch[first]);
      ++first;
      continue;
    }
    size_t end = first;  // of the chain: one past the first event that is not linked
    while (end < batch.size() && IsLinked(batch[end])) ++end;
    if (end == batch.size()) {
      outcomes[end - 1] = Outcome::kLinkedEventChainOpen;
      break;
    }
    ++end;

    Scope scope(*this);
    size_t at = first;
    Outcome outcome = Outcome::kOk;
    while (at < end && (outcome = create(batch[at])) == Outcome::kOk) ++at;
    if (at == end) {
      scope.Commit();
      std::fill(outcomes.begin() + static_cast<ptrdiff_t>(first),
                outcomes.begin() + static_cast<ptrdiff_t>(end), Outcome::kOk);
    } else {
      outcomes[at] = outcome;
      if (at == first && outcome == Outcome::kExists) {
        // A retry of a chain that happened is told so.
        size_t rest = first + 1;
        while (rest < end && create(batch[rest]) == Outcome::kExists) ++rest;
        if (rest == end) {
          std::fill(outcomes.begin() + static_cast<ptrdiff_t>(first),
                    outcomes.begin() + static_cast<ptrdiff_t>(end), Outcome::kExists);
        }
      }
      scope.Rollback();
    }
    first = end;
  }
  return outcomes;
}

Outcome Ledger::CreateAccount(const Account& account, Timestamp at) {
  if (account.timestamp != Timestamp{}) return Outcome::kTimestampMustBeZero;
  if (account.reserved != 0 || account.reserved_tail != decltype(account.reserved_tail){}) {
    return Outcome::kReservedFieldMustBeZero;
  }
  if ((account.flags & ~AccountFlags::kAll) != 0) return Outcome::kReservedFlag;
  if (account.id.is_zero()) return Outcome::kIdMustNotBeZero;
  if (const AccountState* stored = Find(account.id)) {
    return ledger::CompareWithStored(stored->record, account);
  }
  if ((account.flags & kLimitFlags) == kLimitFlags) return Outcome::kFlagsAreMutuallyExclusive;
  if (account.closed()) return Outcome::kAccountMustNotStartClosed;
  if (account.balances.debits_pending != 0) return Outcome::kDebitsPendingMustBeZero;
  if (account.balances.debits_posted != 0) return Outcome::kDebitsPostedMustBeZero;
  if (account.balances.credits_pending != 0) return Outcome::kCreditsPendingMustBeZero;
  if (account.balances.credits_posted != 0) return Outcome::kCreditsPostedMustBeZero;
  if (account.asset == 0) return Outcome::kAssetMustNotBeZero;
  if (account.code == 0) return Outcome::kCodeMustNotBeZero;

  // From here on the account exists.
  Log({Undo::Kind::kAccount, accounts_.size()});
  account_index_.Insert(IdIndex::HashOf(account.id), accounts_.size());
  accounts_.Append({account, {}, {}}).record.timestamp = at;
  ++totals_[account.asset].accounts;
  return Outcome::kOk;
}

Outcome Ledger::CreateTransfer(const Transfer& transfer, const Hashes& hashes, Timestamp at) {
  if (transfer.timestamp != Timestamp{}) return Outcome::kTimestampMustBeZero;
  if (transfer.reserved != 0) return Outcome::kReservedFieldMustBeZero;
  if ((transfer.flags & ~TransferFlags::kAll) != 0) return Outcome::kReservedFlag;
  if (transfer.id.is_zero()) return Outcome::kIdMustNotBeZero;
  if (const auto stored = IndexOf(transfer.id, hashes.id)) {
    return CompareWithStored(transfers_[*stored], transfer);
  }
  if (const auto phases = static_cast<uint16_t>(transfer.flags & kTwoPhaseFlags);
      phases != 0 && !std::has_single_bit(phases)) {
    return Outcome::kFlagsAreMutuallyExclusive;
  }
  return transfer.posts() || transfer.voids() ? CreateResolving(transfer, hashes, at)
                                              : CreateFresh(transfer, hashes, at);
}

Outcome Ledger::CreateFresh(const Transfer& transfer, const Hashes& hashes, Timestamp at) {
  if (transfer.debit_account.is_zero()) return Outcome::kDebitAccountMustNotBeZero;
  if (transfer.credit_account.is_zero()) return Outcome::kCreditAccountMustNotBeZero;
  if (transfer.debit_account == transfer.credit_account) return Outcome::kAccountsMustBeDifferent;
  if (!transfer.pending_id.is_zero()) return Outcome::kPendingIdMustBeZero;
  if (transfer.timeout != 0 && !transfer.pending()) {
    return Outcome::kTimeoutReservedForPendingTransfer;
  }
  if (transfer.amount == 0) return Outcome::kAmountMustNotBeZero;
  if (transfer.asset == 0) return Outcome::kAssetMustNotBeZero;
  if (transfer.code == 0) return Outcome::kCodeMustNotBeZero;

  AccountState* debit = Find(transfer.debit_account, hashes.debit_account);
  if (debit == nullptr) return Outcome::kDebitAccountNotFound;
  AccountState* credit = Find(transfer.credit_account, hashes.credit_account);
  if (credit == nullptr) return Outcome::kCreditAccountNotFound;
  if (debit->record.asset != credit->record.asset) return Outcome::kAccountsMustHaveTheSameAsset;
  if (transfer.asset != debit->record.asset) {
    return Outcome::kTransferMustHaveTheAssetOfItsAccounts;
  }

  if (debit->record.closed()) return Outcome::kDebitAccountClosed;
  if (credit->record.closed()) return Outcome::kCreditAccountClosed;
  const Balances& dr = debit->record.balances;
  const Balances& cr = credit->record.balances;
  if (transfer.amount > kAmountMax - (dr.debits_pending + dr.debits_posted)) {
    return Outcome::kOverflowsDebits;
  }
  if (transfer.amount > kAmountMax - (cr.credits_pending + cr.credits_posted)) {
    return Outcome::kOverflowsCredits;
  }
  if (Timestamp expiry; !ExpiryOf(at, transfer.timeout, expiry)) return Outcome::kOverflowsTimeout;
  if (!DebitsWithinLimit(debit->record, transfer.amount)) return Outcome::kExceedsCredits;
  if (!CreditsWithinLimit(credit->record, transfer.amount)) return Outcome::kExceedsDebits;

  CommitTransfer(transfer, hashes.id, at, *debit, *credit);
  return Outcome::kOk;
}

Outcome Ledger::CreateResolving(const Transfer& transfer, const Hashes& hashes, Timestamp at) {
  if (transfer.pending_id.is_zero()) return Outcome::kPendingIdMustNotBeZero;
  if (transfer.pending_id == transfer.id) return Outcome::kPendingIdMustBeDifferent;
  if (transfer.timeout != 0) return Outcome::kTimeoutReservedForPendingTransfer;
  if (transfer.posts() && transfer.amount == 0) return Outcome::kAmountMustNotBeZero;

  const auto pending_index = IndexOf(transfer.pending_id);
  if (!pending_index.has_value()) return Outcome::kPendingTransferNotFound;
  const Transfer& pending = transfers_[*pending_index];
  if (!pending.pending()) return Outcome::kPendingTransferNotPending;
  const Transfer filled = Filled(transfer, pending);
  if (filled.debit_account != pending.debit_account) {
    return Outcome::kPendingTransferHasDifferentDebitAccount;
  }
  if (filled.credit_account != pending.credit_account) {
    return Outcome::kPendingTransferHasDifferentCreditAccount;
  }
  if (filled.asset != pending.asset) return Outcome::kPendingTransferHasDifferentAsset;
  if (filled.code != pending.code) return Outcome::kPendingTransferHasDifferentCode;
  if (filled.amount > pending.amount) return Outcome::kExceedsPendingTransferAmount;
  if (filled.voids() && filled.amount != pending.amount) {
    return Outcome::kPendingTransferHasDifferentAmount;
  }
  switch (pending_.at(*pending_index)) {
    case PendingState::kPosted:
      return Outcome::kPendingTransferAlreadyPosted;
    case PendingState::kVoided:
      return Outcome::kPendingTransferAlreadyVoided;
    case PendingState::kExpired:
      return Outcome::kPendingTransferExpired;
    case PendingState::kPending:
      break;
  }

  AccountState* debit = Find(filled.debit_account);
  AccountState* credit = Find(filled.credit_account);
  JANGBU_CHECK(debit != nullptr && credit != nullptr);  // The pending transfer found them.
  if (filled.posts() && debit->record.closed()) return Outcome::kDebitAccountClosed;
  if (filled.posts() && credit->record.closed()) return Outcome::kCreditAccountClosed;
  // Limits and overflow were settled by the hold: posting takes no more than it.

  CommitTransfer(filled, hashes.id, at, *debit, *credit);
  return Outcome::kOk;
}

Outcome Ledger::CompareWithStored(const Transfer& stored, const Transfer& transfer) const {
  if (stored.flags != transfer.flags) return Outcome::kExistsWithDifferentFlags;
  if (stored.pending_id != transfer.pending_id) return Outcome::kExistsWithDifferentPendingId;
  if (stored.timeout != transfer.timeout) return Outcome::kExistsWithDifferentTimeout;
  // The stored one has its zeros filled in; so must the retry before they can be compared.
  const bool resolving = transfer.posts() || transfer.voids();
  const Transfer given =
      resolving ? Filled(transfer, *FindTransfer(transfer.pending_id)) : transfer;
  if (stored.debit_account != given.debit_account) {
    return Outcome::kExistsWithDifferentDebitAccount;
  }
  if (stored.credit_account != given.credit_account) {
    return Outcome::kExistsWithDifferentCreditAccount;
  }
  if (stored.amount != given.amount) return Outcome::kExistsWithDifferentAmount;
  if (stored.user_data_128 != given.user_data_128) return Outcome::kExistsWithDifferentUserData128;
  if (stored.user_data_64 != given.user_data_64) return Outcome::kExistsWithDifferentUserData64;
  if (stored.user_data_32 != given.user_data_32) return Outcome::kExistsWithDifferentUserData32;
  if (stored.asset != given.asset) return Outcome::kExistsWithDifferentAsset;
  if (stored.code != given.code) return Outcome::kExistsWithDifferentCode;
  return Outcome::kExists;
}

std::vector<Outcome> Ledger::SetClosed(std::span<const AccountId> batch, bool closed,
                                       Timestamp at) {
  Advance(at);
  std::vector<Outcome> outcomes;
  outcomes.reserve(batch.size());
  for (const AccountId id : batch) {
    const auto index = IndexOf(id);
    if (!index.has_value()) {
      outcomes.push_back(Outcome::kAccountNotFound);
    } else if (accounts_[*index].record.closed() == closed) {
      outcomes.push_back(closed ? Outcome::kAccountAlreadyClosed : Outcome::kAccountNotClosed);
    } else {
      Log({Undo::Kind::kClosedFlag, *index});
      accounts_[*index].record.flags ^= AccountFlags::kClosed;
      outcomes.push_back(Outcome::kOk);
    }
  }
  return outcomes;
}

// Writes.

void Ledger::CommitTransfer(const Transfer& transfer, IdIndex::Hash hash, Timestamp at,
                            AccountState& debit, AccountState& credit) {
  const uint64_t index = transfers_.size();
  Log({Undo::Kind::kTransfer, index});
  transfer_index_.Insert(hash, index);
  transfers_.Append(transfer).timestamp = at;

  if (transfer.pending()) {
    pending_.emplace(index, PendingState::kPending);
    ++open_pending_;
    if (transfer.timeout != 0) {
      Timestamp expiry;
      JANGBU_CHECK(ExpiryOf(at, transfer.timeout, expiry));
      expiry_queue_.emplace(expiry, index);
    }
  } else if (transfer.posts() || transfer.voids()) {
    const uint64_t pending_index = IndexOf(transfer.pending_id).value();
    const Transfer& pending = transfers_[pending_index];
    PendingState& state = pending_.at(pending_index);
    JANGBU_CHECK(state == PendingState::kPending);
    state = transfer.posts() ? PendingState::kPosted : PendingState::kVoided;
    --open_pending_;
    if (pending.timeout != 0) {
      Timestamp expiry;
      JANGBU_CHECK(ExpiryOf(pending.timestamp, pending.timeout, expiry));
      JANGBU_CHECK(expiry_queue_.erase({expiry, pending_index}) == 1);
    }
  }

  Move(debit, credit, EffectOf(index * 2));
  Remember(debit, index * 2);
  Remember(credit, index * 2);
}

void Ledger::Expire(uint64_t transfer_index, Timestamp at) {
  const Transfer& pending = transfers_[transfer_index];
  Timestamp expiry;
  JANGBU_CHECK(ExpiryOf(pending.timestamp, pending.timeout, expiry) && expiry <= at);
  JANGBU_CHECK(expiry_queue_.erase({expiry, transfer_index}) == 1);
  PendingState& state = pending_.at(transfer_index);
  JANGBU_CHECK(state == PendingState::kPending);
  state = PendingState::kExpired;
  --open_pending_;

  const uint64_t index = expiries_.size();
  Log({Undo::Kind::kExpiry, index});
  expiries_.push_back({transfer_index, transfers_.size(), at});
  AccountState& debit = *Find(pending.debit_account);
  AccountState& credit = *Find(pending.credit_account);
  Move(debit, credit, EffectOf(index * 2 + 1));
  Remember(debit, index * 2 + 1);
  Remember(credit, index * 2 + 1);
}

void Ledger::Move(AccountState& debit, AccountState& credit, Effect effect) {
  Balances& dr = debit.record.balances;
  Balances& cr = credit.record.balances;
  AssetTotals& totals = totals_.at(debit.record.asset);
  totals.debits_pending -= dr.debits_pending;
  totals.debits_posted -= dr.debits_posted;
  totals.credits_pending -= cr.credits_pending;
  totals.credits_posted -= cr.credits_posted;
  // Unsigned on purpose: a negative effect wraps back, and what it left is checked.
  dr.debits_pending += static_cast<uint64_t>(effect.pending);
  dr.debits_posted += static_cast<uint64_t>(effect.posted);
  cr.credits_pending += static_cast<uint64_t>(effect.pending);
  cr.credits_posted += static_cast<uint64_t>(effect.posted);
  totals.debits_pending += dr.debits_pending;
  totals.debits_posted += dr.debits_posted;
  totals.credits_pending += cr.credits_pending;
  totals.credits_posted += cr.credits_posted;

  JANGBU_CHECK(dr.debits_pending <= kAmountMax && dr.debits_posted <= kAmountMax);
  JANGBU_CHECK(cr.credits_pending <= kAmountMax && cr.credits_posted <= kAmountMax);
  JANGBU_CHECK(dr.debits_pending + dr.debits_posted <= kAmountMax);
  JANGBU_CHECK(cr.credits_pending + cr.credits_posted <= kAmountMax);
  JANGBU_CHECK(DebitsWithinLimit(debit.record, 0) && CreditsWithinLimit(debit.record, 0));
  JANGBU_CHECK(DebitsWithinLimit(credit.record, 0) && CreditsWithinLimit(credit.record, 0));
  JANGBU_CHECK(totals.debits_pending == totals.credits_pending);
  JANGBU_CHECK(totals.debits_posted == totals.credits_posted);
}

void Ledger::Remember(AccountState& account, EventRef event) {
  if (account.events.capacity() == 0) account.events.reserve(8);
  account.events.push_back(event);
  if (account.events.size() % kMarkEvery == 0) account.marks.push_back(account.record.balances);
}

void Ledger::Forget(AccountState& account) {
  if (account.events.size() % kMarkEvery == 0) account.marks.pop_back();
  account.events.pop_back();
}

void Ledger::Log(Undo undo) {
  if (!frames_.empty()) undo_.push_back(undo);
}

void Ledger::TakeBack(const Undo& undo) {
  const auto unmove = [this](const Transfer& transfer, EventRef event) {
    AccountState& debit = *Find(transfer.debit_account);
    AccountState& credit = *Find(transfer.credit_account);
    const Effect effect = EffectOf(event);
    Forget(debit);
    Forget(credit);
    Move(debit, credit, {-effect.pending, -effect.posted});
  };
  const auto reopen = [this](uint64_t pending_index) {
    const Transfer& pending = transfers_[pending_index];
    pending_.at(pending_index) = PendingState::kPending;
    ++open_pending_;
    if (pending.timeout != 0) {
      Timestamp expiry;
      JANGBU_CHECK(ExpiryOf(pending.timestamp, pending.timeout, expiry));
      expiry_queue_.emplace(expiry, pending_index);
    }
  };

  switch (undo.kind) {
    case Undo::Kind::kAccount: {
      JANGBU_CHECK(undo.index + 1 == accounts_.size() && accounts_.back().events.empty());
      const Account& account = accounts_.back().record;
      if (--totals_.at(account.asset).accounts == 0) totals_.erase(account.asset);
      account_index_.Erase(IdIndex::HashOf(account.id), undo.index);
      accounts_.RemoveLast();
      return;
    }
    case Undo::Kind::kTransfer: {
      JANGBU_CHECK(undo.index + 1 == transfers_.size());
      const Transfer& transfer = transfers_.back();
      unmove(transfer, undo.index * 2);
      if (transfer.pending()) {
        pending_.erase(undo.index);
        --open_pending_;
        if (transfer.timeout != 0) {
          Timestamp expiry;
          JANGBU_CHECK(ExpiryOf(transfer.timestamp, transfer.timeout, expiry));
          JANGBU_CHECK(expiry_queue_.erase({expiry, undo.index}) == 1);
        }
      } else if (transfer.posts() || transfer.voids()) {
        reopen(IndexOf(transfer.pending_id).value());
      }
      transfer_index_.Erase(IdIndex::HashOf(transfer.id), undo.index);
      transfers_.RemoveLast();
      return;
    }
    case Undo::Kind::kExpiry: {
      JANGBU_CHECK(undo.index + 1 == expiries_.size());
      const uint64_t pending_index = expiries_.back().transfer;
      unmove(transfers_[pending_index], undo.index * 2 + 1);
      reopen(pending_index);
      expiries_.pop_back();
      return;
    }
    case Undo::Kind::kClosedFlag:
      accounts_[undo.index].record.flags ^= AccountFlags::kClosed;
      return;
  }
}

// Reading.

Ledger::Hashes Ledger::HashesOf(const Transfer& transfer) {
  return {.id = IdIndex::HashOf(transfer.id),
          .debit_account = IdIndex::HashOf(transfer.debit_account),
          .credit_account = IdIndex::HashOf(transfer.credit_account)};
}

std::optional<uint64_t> Ledger::IndexOf(AccountId id, IdIndex::Hash hash) const {
  return account_index_.Find(hash, [&](uint64_t i) { return accounts_[i].record.id == id; });
}

std::optional<uint64_t> Ledger::IndexOf(TransferId id, IdIndex::Hash hash) const {
  return transfer_index_.Find(hash, [&](uint64_t i) { return transfers_[i].id == id; });
}

Ledger::AccountState* Ledger::Find(AccountId id, IdIndex::Hash hash) {
  const auto index = IndexOf(id, hash);
  return index.has_value() ? &accounts_[*index] : nullptr;
}

const Ledger::AccountState* Ledger::Find(AccountId id) const {
  const auto index = IndexOf(id);
  return index.has_value() ? &accounts_[*index] : nullptr;
}

const Transfer& Ledger::TransferOf(EventRef event) const {
  return transfers_[(event & 1) != 0 ? expiries_[event / 2].transfer : event / 2];
}

Timestamp Ledger::TimeOf(EventRef event) const {
  return (event & 1) != 0 ? expiries_[event / 2].at : transfers_[event / 2].timestamp;
}

Ledger::Effect Ledger::EffectOf(EventRef event) const {
  const Transfer& transfer = TransferOf(event);
  const auto amount = static_cast<int64_t>(transfer.amount);
  if ((event & 1) != 0) return {-amount, 0};
  if (transfer.pending()) return {amount, 0};
  if (!transfer.posts() && !transfer.voids()) return {0, amount};
  const auto held = static_cast<int64_t>(FindTransfer(transfer.pending_id)->amount);
  return {-held, transfer.posts() ? amount : 0};
}

void Ledger::Replay(AccountId id, EventRef event, Balances& balances) const {
  const Effect effect = EffectOf(event);
  if (TransferOf(event).debit_account == id) {
    balances.debits_pending += static_cast<uint64_t>(effect.pending);
    balances.debits_posted += static_cast<uint64_t>(effect.posted);
  } else {
    balances.credits_pending += static_cast<uint64_t>(effect.pending);
    balances.credits_posted += static_cast<uint64_t>(effect.posted);
  }
}

Balances Ledger::BalancesAfter(const AccountState& account, uint64_t events) const {
  if (events == account.events.size()) return account.record.balances;
  const uint64_t marks = events / kMarkEvery;
  Balances balances = marks == 0 ? Balances{} : account.marks[marks - 1];
  for (uint64_t i = marks * kMarkEvery; i < events; ++i) {
    Replay(account.record.id, account.events[i], balances);
  }
  return balances;
}

template <typename Sink>
void Ledger::WriteSnapshot(Sink sink) const {
  ByteWriter out;
  const auto flush = [&](size_t at_least) {
    if (out.size() < at_least) return;
    sink(out.bytes());
    out = ByteWriter();
  };
  out.Raw(kSnapshotMagic);
  out.U8(kSnapshotVersion);
  out.I64(last_at_.micros);
  out.Varint(accounts_.size());
  for (size_t i = 0; i < accounts_.size(); ++i) {
    EncodeAccount(accounts_[i].record, out);
    flush(1 << 16);
  }
  out.Varint(transfers_.size());
  for (size_t i = 0; i < transfers_.size(); ++i) {
    EncodeTransfer(transfers_[i], out);
    flush(1 << 16);
  }
  out.Varint(expiries_.size());
  for (const Expiry& expiry : expiries_) {
    out.Varint(expiry.transfer);
    out.Varint(expiry.position);
    out.I64(expiry.at.micros);
    flush(1 << 16);
  }
  flush(0);
}

}  // namespace jangbu::ledger
