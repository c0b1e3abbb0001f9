#pragma once

// The ledger as its definition: a list of what happened, and every answer worked out from the whole
// list. No index, no running balance, no undo: a chain that fails gets its old list back. Refusals
// are found by asking every question and taking the answer that stands first in ledger/outcome.h.
// Slow on purpose; compared with ledger/ledger.h by tests.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "ledger/ledger.h"

namespace jangbu::ledger::reference {

class Ledger {
 public:
  std::vector<Outcome> CreateAccounts(std::span<const Account> batch, Timestamp at);
  std::vector<Outcome> CreateTransfers(std::span<const Transfer> batch, Timestamp at);
  std::vector<Outcome> CloseAccounts(std::span<const AccountId> batch, Timestamp at);
  std::vector<Outcome> ReopenAccounts(std::span<const AccountId> batch, Timestamp at);
  std::vector<TransferId> ExpirePending(Timestamp now);

  // Also the present balances, with `at` the end of time.
  std::optional<Balances> BalancesAt(AccountId id, Timestamp at) const;
  std::optional<PendingState> FindPending(TransferId id) const;
  uint64_t EventCount(AccountId id) const;
  // As stored: with what a posting or voiding left to its pending transfer.
  const Transfer* FindTransfer(TransferId id) const;
  std::map<AssetId, AssetTotals> totals() const;

  // Balances after each event of an account, in order.
  std::vector<Balances> History(AccountId id) const;

 private:
  struct Line {
    bool expiry = false;  // of the pending transfer `transfer`
    Timestamp at;
    Transfer transfer;
  };

  template <typename Event, typename Each>
  std::vector<Outcome> Run(std::span<const Event> batch, Each one);
  Outcome One(const Account& account, Timestamp at);
  Outcome One(const Transfer& transfer, Timestamp at);
  const Account* FindAccount(AccountId id) const;
  // The balances of `id` after the first `lines` lines.
  Balances After(AccountId id, size_t lines) const;

  std::vector<Account> accounts_;  // without balances
  std::vector<Line> lines_;
};

}  // namespace jangbu::ledger::reference
