#pragma once

// What a period held for a partner, account by account: opening, movements by what they were,
// closing. A fold over the account's history, so it adds up or it is not written. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "ledger/books.h"

namespace jangbu::ledger {

struct StatementMovement {
  TransferCode code = TransferCode::kProvisional;
  int64_t amount = 0;  // signed, as the balance moved
  uint64_t transfers = 0;
};

struct StatementLine {
  AccountRole role = AccountRole::kProvisional;
  AssetId asset = 0;
  int64_t opening = 0;
  int64_t closing = 0;
  std::vector<StatementMovement> movements;  // ascending by code
};

struct Statement {
  Period period = 0;
  Timestamp from;
  Timestamp to;        // the next period's first instant
  bool final = false;  // nothing can be added: the journal is past it
  std::vector<StatementLine> lines;
  bool member = false;  // at its end
  uint32_t policy_version = 0;
  int64_t vat_basis_points = 0;
  // Of the close, once it is posted.
  bool close_posted = false;
  ShareLine share;
  int64_t vat_won = 0;  // floor(payout × VAT)
  std::optional<PayoutState> payout;
};

// All accounts of a partner, in the order of statements and listings.
struct AccountKind {
  AccountRole role;
  AssetId asset;
};
std::span<const AccountKind> PartnerAccounts();

// InvalidArgument("bad_period"). O(transfers of the period × log).
StatusOr<Statement> StatementOf(const Books& books, const PartnerRecord& partner, Period period);

}  // namespace jangbu::ledger
