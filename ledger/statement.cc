#include "ledger/statement.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace jangbu::ledger {
namespace {

constexpr size_t kPage = 1'024;

constexpr AccountKind kAccounts[] = {
    {AccountRole::kProvisional, kAssetKoreanTokens},
    {AccountRole::kProvisional, kAssetKoreanWords},
    {AccountRole::kConfirmed, kAssetKoreanTokens},
    {AccountRole::kConfirmed, kAssetKoreanWords},
    {AccountRole::kEntitlementPending, kAssetApiTokens},
    {AccountRole::kEntitlementAvailable, kAssetApiTokens},
    {AccountRole::kEntitlementReserved, kAssetApiTokens},
    {AccountRole::kEntitlementSpent, kAssetApiTokens},
    {AccountRole::kEntitlementExpired, kAssetApiTokens},
    {AccountRole::kEntitlementOwed, kAssetApiTokens},
    {AccountRole::kBilled, kAssetWon},
    {AccountRole::kPayable, kAssetWon},
    {AccountRole::kDue, kAssetWon},
    {AccountRole::kHeld, kAssetWon},
    {AccountRole::kPaid, kAssetWon},
};

}  // namespace

std::span<const AccountKind> PartnerAccounts() { return kAccounts; }

StatusOr<Statement> StatementOf(const Books& books, const PartnerRecord& partner, Period period) {
  if (!IsPeriod(period) || period == 299912)
    return InvalidArgument("bad_period", "a period is a month: 2026-10");
  Statement statement;
  statement.period = period;
  statement.from = StartOf(period);
  statement.to = StartOf(NextPeriod(period));
  statement.final = books.last_time() >= statement.to;
  const Timestamp before{statement.from.micros - 1};
  const Timestamp last{statement.to.micros - 1};
  const Ledger& ledger = books.ledger();
  for (const AccountKind& kind : kAccounts) {
    const AccountId id = AccountOf(partner.number, kind.role, kind.asset);
    StatementLine line;
    line.role = kind.role;
    line.asset = kind.asset;
    line.opening = ledger.BalancesAt(id, before).value_or(Balances{}).net();
    line.closing = ledger.BalancesAt(id, last).value_or(Balances{}).net();
    std::map<TransferCode, StatementMovement> moved;
    const uint64_t end = ledger.EventCountAt(id, last);
    for (uint64_t at = ledger.EventCountAt(id, before); at < end;) {
      for (const AccountEvent& event : ledger.Events(id, at, std::min<uint64_t>(kPage, end - at))) {
        ++at;
        if (event.kind != AccountEvent::Kind::kTransfer) continue;
        const Transfer& transfer = *event.transfer;
        const auto code = static_cast<TransferCode>(transfer.code);
        StatementMovement& movement = moved[code];
        movement.code = code;
        const auto amount = static_cast<int64_t>(transfer.amount);
        movement.amount += transfer.credit_account == id ? amount : -amount;
        ++movement.transfers;
      }
    }
    int64_t sum = line.opening;
    for (const auto& [code, movement] : moved) {
      sum += movement.amount;
      line.movements.push_back(movement);
    }
    JANGBU_CHECK(sum == line.closing);
    statement.lines.push_back(std::move(line));
  }
  statement.member = books.MemberAt(partner, last);
  const PolicyRecord& policy = books.PolicyAt(last);
  statement.policy_version = policy.version;
  statement.vat_basis_points = policy.policy.vat_basis_points;
  const auto close = books.closes().find(period);
  if (close != books.closes().end() && close->second.state == CloseState::kPosted) {
    statement.close_posted = true;
    for (const ShareLine& line : close->second.shares) {
      if (line.partner == partner.id) statement.share = line;
    }
    statement.vat_won =
        *MulDivFloor(statement.share.payout_won, statement.vat_basis_points, 10'000);
    const auto payout = close->second.payouts.find(partner.id);
    if (payout != close->second.payouts.end()) statement.payout = payout->second.state;
  }
  return statement;
}

}  // namespace jangbu::ledger
