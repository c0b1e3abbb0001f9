#pragma once

// The double-entry state machine: same commands, same state, on any machine.
//
// Commands are batches of events with the time at which they happen; each event gets an Outcome
// (ledger/outcome.h): it happened, or one named refusal that changed nothing. Pure: no clock, no
// I/O, no randomness, no threads.
//
// Laws, checked after every commit (JANGBU_CHECK) or by tests named for them:
//   - Every transfer debits one account and credits another by one amount, of one asset: per asset,
//   posted debits equal
//     posted credits and pending debits equal pending credits, always.
//   - An account with a limit never passes it, holds counted: it never goes below zero.
//   - A transfer never changes. A pending one ends once: posted, voided or expired. Ids are used
//   once.
//   - Chains happen whole or not at all. What Scope takes back leaves no trace.
//   - Restore(Snapshot()) is the same ledger, and any history of commands ends in the same
//   StateDigest().
//
// Time: each command carries its time, never earlier than the command before (a check: the one
// writer orders them). Every event of a batch gets that time. Equal times are ordered by position
// in the books. A hold with a timeout ends when ExpirePending is given a time at or after its end,
// not before: until that tick it may still be posted.
//
// Thread-compatible: const calls may run together, a command needs the ledger alone. Pointers and
// references returned stay valid until the entry is taken back by a Scope or the ledger dies.
//
// After TigerBeetle's state machine (src/state_machine.zig). What differs: a tick expires holds; a
// whole chain that exists is answered `exists` for each event; accounts are closed by a command;
// every account keeps its history.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/stable_array.h"
#include "base/status.h"
#include "ledger/account.h"
#include "ledger/id_index.h"
#include "ledger/outcome.h"
#include "ledger/transfer.h"

namespace jangbu::ledger {

enum class PendingState : uint8_t { kPending, kPosted, kVoided, kExpired };

// Sums over all accounts of one asset.
struct AssetTotals {
  uint64_t accounts = 0;
  uint128 debits_pending = 0;
  uint128 debits_posted = 0;
  uint128 credits_pending = 0;
  uint128 credits_posted = 0;
  bool operator==(const AssetTotals&) const = default;
};

// One line of an account's history.
struct AccountEvent {
  enum class Kind : uint8_t { kTransfer, kExpiry };

  uint64_t position = 0;  // in this account's history, from 0 without gaps
  Timestamp at;
  Kind kind = Kind::kTransfer;
  const Transfer* transfer = nullptr;  // the transfer, or the pending one that expired
  Balances after;                      // the account's balances after this event
};

class Ledger {
 public:
  Ledger() = default;
  Ledger(Ledger&&) = default;
  Ledger& operator=(Ledger&&) = default;

  // Commands. One outcome for each event, in order. `at` is at or after the time of every command
  // before.

  // Opens accounts. Balances and timestamps are given as zero.
  std::vector<Outcome> CreateAccounts(std::span<const Account> batch, Timestamp at);
  // Moves amounts. Timestamps are given as zero. Later events of a batch see the earlier ones.
  // About 0.3 µs each.
  std::vector<Outcome> CreateTransfers(std::span<const Transfer> batch, Timestamp at);
  // Bars accounts from new transfers (holds may still be voided or expire), or lets them in again.
  std::vector<Outcome> CloseAccounts(std::span<const AccountId> batch, Timestamp at);
  std::vector<Outcome> ReopenAccounts(std::span<const AccountId> batch, Timestamp at);
  // The tick: ends every hold whose end is at or before `now`. Returns their ids in order of end,
  // then of commit.
  std::vector<TransferId> ExpirePending(Timestamp now);

  // Makes the commands between its construction and its end one thing that is kept by Commit() or
  // taken back (the default). Scopes nest; the inner one ends first. A writer that must know
  // outcomes before they are recorded runs the commands in a scope, records them, and commits; or
  // takes them back and runs them again after: the outcomes and the state are the same. Cost: 16
  // bytes for each event while open; taking back costs what doing did. Must not outlive the ledger,
  // which must not move meanwhile.
  class Scope {
   public:
    explicit Scope(Ledger& ledger);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();
    // Each ends the scope; at most one of the two is called, once.
    void Commit();
    void Rollback();

   private:
    Ledger* ledger_;  // nullptr once ended
    size_t depth_;
  };

  // What CreateTransfers would answer, without a trace.
  std::vector<Outcome> TryTransfers(std::span<const Transfer> batch, Timestamp at);

  // Questions. nullptr or nullopt when there is no such thing.

  const Account* FindAccount(AccountId id) const;
  const Transfer* FindTransfer(TransferId id) const;
  // The state of a pending transfer; nullopt too when `id` is of one that never was pending.
  std::optional<PendingState> FindPending(TransferId id) const;

  // Accounts and transfers in order of creation.
  size_t account_count() const { return accounts_.size(); }
  const Account& account(size_t index) const { return accounts_[index].record; }
  size_t transfer_count() const { return transfers_.size(); }
  const Transfer& transfer(size_t index) const { return transfers_[index]; }
  // Holds that are neither posted, voided nor expired.
  size_t open_pending_count() const { return open_pending_; }
  // When the next hold ends, if one has an end.
  std::optional<Timestamp> NextExpiry() const;
  // The time of the last command, zero at first.
  Timestamp last_at() const { return last_at_; }

  // Balances after everything that happened at or before `at`; nullopt when the account was not
  // open then. O(log events of the account).
  std::optional<Balances> BalancesAt(AccountId id, Timestamp at) const;
  // How many events an account has, all or those at or before `at`; 0 for an unknown account.
  uint64_t EventCount(AccountId id) const;
  uint64_t EventCountAt(AccountId id, Timestamp at) const;
  // A page of an account's history: events [from, from + limit), as far as there are. Page
  // backwards by EventCount.
  std::vector<AccountEvent> Events(AccountId id, uint64_t from, size_t limit) const;

  // Per asset that has an account.
  const std::map<AssetId, AssetTotals>& totals() const { return totals_; }

  // Adds everything up again from the records: sums per asset, limits, holds, histories. DataLoss
  // names the first account or asset that does not add up. O(everything); every answer but OK is a
  // bug or damaged memory.
  Status CheckBooks() const;

  // The whole state as bytes (grammar in ledger.cc): accounts, transfers, expiries, time.
  std::string Snapshot() const;
  // Reads a snapshot by doing everything in it again: DataLoss for bytes that Snapshot cannot have
  // written, so balances that do not follow from the transfers are refused too.
  static StatusOr<Ledger> Restore(std::string_view snapshot);
  // SHA-256 of Snapshot(), without holding it in memory. O(everything), some 3 million transfers a
  // second.
  Digest StateDigest() const;

 private:
  // An event of an account: a transfer, or the expiry of one. Packed as index × 2 + (1 for an
  // expiry).
  using EventRef = uint64_t;

  // Three cache lines: id and balances; the rest of the record; history.
  struct alignas(64) AccountState {
    Account record;
    std::vector<EventRef> events;
    std::vector<Balances> marks;  // after every kMarkEvery events
  };
  // Hashes of a transfer's ids, worked out once.
  struct Hashes {
    IdIndex::Hash id;
    IdIndex::Hash debit_account;
    IdIndex::Hash credit_account;
  };
  struct Expiry {
    uint64_t transfer = 0;  // index
    uint64_t position = 0;  // transfers committed before it
    Timestamp at;
  };
  // What a transfer or an expiry does to the debits of one account and the credits of the other.
  struct Effect {
    int64_t pending = 0;
    int64_t posted = 0;
  };
  struct Undo {
    enum class Kind : uint8_t { kAccount, kTransfer, kExpiry, kClosedFlag } kind;
    uint64_t index;
  };
  struct Frame {
    size_t undo_size;
    Timestamp last_at;
  };

  void Advance(Timestamp at);
  template <typename Event, typename Create>
  std::vector<Outcome> RunBatch(std::span<const Event> batch, Create create);

  Outcome CreateAccount(const Account& account, Timestamp at);
  Outcome CreateTransfer(const Transfer& transfer, const Hashes& hashes, Timestamp at);
  Outcome CreateFresh(const Transfer& transfer, const Hashes& hashes, Timestamp at);
  Outcome CreateResolving(const Transfer& transfer, const Hashes& hashes, Timestamp at);
  Outcome CompareWithStored(const Transfer& stored, const Transfer& transfer) const;
  std::vector<Outcome> SetClosed(std::span<const AccountId> batch, bool closed, Timestamp at);

  void CommitTransfer(const Transfer& transfer, IdIndex::Hash hash, Timestamp at,
                      AccountState& debit, AccountState& credit);
  void Expire(uint64_t transfer_index, Timestamp at);
  // Moves both balances and the totals, and checks the laws.
  void Move(AccountState& debit, AccountState& credit, Effect effect);
  void Remember(AccountState& account, EventRef event);
  void Forget(AccountState& account);
  void Log(Undo undo);
  void TakeBack(const Undo& undo);

  static Hashes HashesOf(const Transfer& transfer);
  std::optional<uint64_t> IndexOf(AccountId id, IdIndex::Hash hash) const;
  std::optional<uint64_t> IndexOf(TransferId id, IdIndex::Hash hash) const;
  template <typename Id>
  std::optional<uint64_t> IndexOf(Id id) const {
    return IndexOf(id, IdIndex::HashOf(id));
  }
  AccountState* Find(AccountId id, IdIndex::Hash hash);
  AccountState* Find(AccountId id) { return Find(id, IdIndex::HashOf(id)); }
  const AccountState* Find(AccountId id) const;
  const Transfer& TransferOf(EventRef event) const;
  Timestamp TimeOf(EventRef event) const;
  Effect EffectOf(EventRef event) const;
  void Replay(AccountId id, EventRef event, Balances& balances) const;
  Balances BalancesAfter(const AccountState& account, uint64_t events) const;
  template <typename Sink>
  void WriteSnapshot(Sink sink) const;

  StableArray<AccountState> accounts_;
  StableArray<Transfer> transfers_;
  std::deque<Expiry> expiries_;
  IdIndex account_index_;
  IdIndex transfer_index_;
  absl::flat_hash_map<uint64_t, PendingState> pending_;  // by index of the pending transfer
  absl::btree_set<std::pair<Timestamp, uint64_t>> expiry_queue_;  // open holds with an end
  std::map<AssetId, AssetTotals> totals_;
  size_t open_pending_ = 0;
  Timestamp last_at_;

  std::vector<Undo> undo_;     // what the open scopes did
  std::vector<Frame> frames_;  // one for each open scope
};

}  // namespace jangbu::ledger
