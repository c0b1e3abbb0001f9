#include "services/rpc/transfer_page.h"

#include <algorithm>

#include "ledger/statement.h"

namespace jangbu::services::rpc {
namespace {

// Position of the first event of a transfer with an id above `after`. Ids ascend within a history.
uint64_t FirstAfter(const ledger::Ledger& ledger, ledger::AccountId account,
                    ledger::TransferId after) {
  uint64_t low = 0;
  uint64_t high = ledger.EventCount(account);
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (ledger.Events(account, middle, 1).front().transfer->id > after) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

TransferPage ReadTransfers(const ledger::Ledger& ledger, uint32_t partner, ledger::TransferId after,
                           size_t max) {
  TransferPage page;
  for (const ledger::AccountKind& kind : ledger::PartnerAccounts()) {
    const ledger::AccountId account = ledger::AccountOf(partner, kind.role, kind.asset);
    const uint64_t end = ledger.EventCount(account);
    size_t found = 0;
    for (uint64_t at = FirstAfter(ledger, account, after); at < end && found <= max;) {
      for (const ledger::AccountEvent& event : ledger.Events(account, at, max + 1)) {
        ++at;
        if (event.kind != ledger::AccountEvent::Kind::kTransfer) continue;
        page.transfers.push_back(*event.transfer);
        ++found;
      }
    }
  }
  const auto by_id = [](const ledger::Transfer& a, const ledger::Transfer& b) {
    return a.id < b.id;
  };
  std::sort(page.transfers.begin(), page.transfers.end(), by_id);
  // A transfer between two accounts of the partner is in the history of both.
  page.transfers.erase(std::unique(page.transfers.begin(), page.transfers.end(),
                                   [](const ledger::Transfer& a, const ledger::Transfer& b) {
                                     return a.id == b.id;
                                   }),
                       page.transfers.end());
  page.more = page.transfers.size() > max;
  if (page.more) page.transfers.resize(max);
  return page;
}

}  // namespace jangbu::services::rpc
