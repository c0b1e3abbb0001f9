#pragma once

// The transfers of a partner's accounts, in pages.

#include <cstddef>
#include <vector>

#include "ledger/books.h"
#include "ledger/ledger.h"

namespace jangbu::services::rpc {

struct TransferPage {
  std::vector<ledger::Transfer> transfers;  // ascending by id, which is by time
  bool more = false;                        // others follow the last one
};

// The first `max` transfers with an id above `after` that touch an account of `partner`, each once.
// Pure. O(accounts × (log events + max)).
TransferPage ReadTransfers(const ledger::Ledger& ledger, uint32_t partner, ledger::TransferId after,
                           size_t max);

}  // namespace jangbu::services::rpc
