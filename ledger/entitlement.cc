#include "ledger/entitlement.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::ledger {
namespace {

constexpr std::array<std::string_view, kEntitlementOutcomeCount> kNames = {
#define JANGBU_ENTITLEMENT_NAME(enumerator, name) #name,
    JANGBU_ENTITLEMENT_OUTCOMES(JANGBU_ENTITLEMENT_NAME)
#undef JANGBU_ENTITLEMENT_NAME
};

constexpr std::string_view kAccountDomain = "jangbu entitlement account v1";
constexpr std::string_view kTransferDomain = "jangbu entitlement transfer v1";
constexpr std::string_view kDigestDomain = "jangbu entitlement state v1";

AccountId DeriveAccount(std::string_view partner, uint16_t code) {
  ByteWriter name;
  name.String(partner);
  name.U16(code);
  return AccountId::FromDigest(Sha256({kAccountDomain, name.bytes()}));
}

// One operation posts at most one transfer of a code.
TransferId DeriveTransfer(std::string_view partner, OperationId operation, uint16_t code) {
  ByteWriter name;
  name.String(partner);
  name.U128(operation.value());
  name.U16(code);
  return TransferId::FromDigest(Sha256({kTransferDomain, name.bytes()}));
}

}  // namespace

std::string_view NameOf(EntitlementOutcome outcome) { return kNames[static_cast<size_t>(outcome)]; }

EntitlementAccounts EntitlementAccountsOf(std::string_view partner) {
  return {.source = DeriveAccount("", EntitlementCode::kSource),
          .pending = DeriveAccount(partner, EntitlementCode::kPending),
          .available = DeriveAccount(partner, EntitlementCode::kAvailable),
          .reserved = DeriveAccount(partner, EntitlementCode::kReserved),
          .spent = DeriveAccount(partner, EntitlementCode::kSpent),
          .expired = DeriveAccount(partner, EntitlementCode::kExpired),
          .owed = DeriveAccount(partner, EntitlementCode::kOwed)};
}

Account EntitlementSourceAccount(AssetId asset) {
  Account account;
  account.id = DeriveAccount("", EntitlementCode::kSource);
  account.asset = asset;
  account.code = EntitlementCode::kSource;
  return account;
}

std::vector<Account> EntitlementPartnerAccounts(std::string_view partner, AssetId asset) {
  const EntitlementAccounts ids = EntitlementAccountsOf(partner);
  std::vector<Account> accounts;
  const auto add = [&](AccountId id, uint16_t code, uint16_t flags) {
    Account account;
    account.id = id;
    account.asset = asset;
    account.code = code;
    account.flags = flags;
    accounts.push_back(account);
  };
  add(ids.pending, EntitlementCode::kPending, AccountFlags::kDebitsMustNotExceedCredits);
  add(ids.available, EntitlementCode::kAvailable, AccountFlags::kDebitsMustNotExceedCredits);
  add(ids.reserved, EntitlementCode::kReserved, AccountFlags::kDebitsMustNotExceedCredits);
  add(ids.spent, EntitlementCode::kSpent, AccountFlags::kDebitsMustNotExceedCredits);
  add(ids.expired, EntitlementCode::kExpired, AccountFlags::kDebitsMustNotExceedCredits);
  add(ids.owed, EntitlementCode::kOwed, AccountFlags::kCreditsMustNotExceedDebits);
  return accounts;
}

// Operations: refusals first, in precedence; then the writes, which cannot fail.

bool Entitlements::AddPartner(std::string_view partner) {
  const auto index = static_cast<uint32_t>(partners_.size());
  if (!partner_index_.emplace(std::string(partner), index).second) return false;
  Log(Undo(Undo::Kind::kPartner));
  partners_.emplace_back();
  partners_.back().index = index;
  partners_.back().id = std::string(partner);
  partners_.back().accounts = EntitlementAccountsOf(partner);
  return true;
}

EntitlementAnswer Entitlements::Grant(std::string_view partner_id, const GrantRequest& request,
                                      Timestamp at) {
  Advance(at);
  EntitlementAnswer answer;
  Operation operation;
  operation.kind = Kind::kGrant;
  operation.amount = request.amount;
  operation.priority = request.priority;
  operation.expires_at = request.expires_at;
  operation.terms = request.spendable;
  Partner* partner = nullptr;
  answer.outcome = Begin(partner_id, request.id, operation, partner, answer);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;
  if (request.amount == 0) {
    answer.outcome = EntitlementOutcome::kAmountMustNotBeZero;
  } else if (request.expires_at <= at) {
    answer.outcome = EntitlementOutcome::kExpiryMustBeLater;
  } else if (request.amount > kAmountMax - turnover_) {
    answer.outcome = EntitlementOutcome::kOverflowsEntitlement;
  }
  if (answer.outcome != EntitlementOutcome::kOk) return answer;

  turnover_ += request.amount;
  const uint32_t p = partner->index;
  const auto g = static_cast<uint32_t>(partner->grants.size());
  const uint64_t paid_off = std::min(request.amount, partner->totals.owed);
  ledger::Grant grant;
  grant.id = request.id;
  grant.amount = request.amount;
  grant.priority = request.priority;
  grant.expires_at = request.expires_at;
  grant.granted_at = at;
  grant.state = request.spendable ? GrantState::kSpendable : GrantState::kPending;
  grant.remaining = request.amount;
  AddGrant(p, grant);
  if (paid_off > 0) {
    Move(p, g, Bucket::kRemaining, Bucket::kPaidOff, paid_off);
    AddOwed(p, uint64_t{0} - paid_off);
  }
  answer.amount = request.amount - paid_off;
  answer.rest = paid_off;
  const EntitlementAccounts& accounts = partner->accounts;
  Post(*partner, request.id, accounts.source, accounts.owed, paid_off, EntitlementCode::kPayOff,
       answer.transfers);
  if (request.spendable) {
    Post(*partner, request.id, accounts.source, accounts.available, answer.amount,
         EntitlementCode::kGrantSpendable, answer.transfers);
  } else {
    Post(*partner, request.id, accounts.source, accounts.pending, answer.amount,
         EntitlementCode::kGrantPending, answer.transfers);
  }
  Finish(*partner, request.id, operation, answer);
  return answer;
}

EntitlementAnswer Entitlements::Activate(std::string_view partner_id,
                                         const ActivateRequest& request, Timestamp at) {
  Advance(at);
  EntitlementAnswer answer;
  Operation operation;
  operation.kind = Kind::kActivate;
  operation.has_expiry = request.expires_at.has_value();
  operation.expires_at = request.expires_at.value_or(Timestamp{});
  Partner* partner = nullptr;
  answer.outcome = Begin(partner_id, request.id, operation, partner, answer);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;
  if (request.expires_at.has_value() && *request.expires_at <= at) {
    answer.outcome = EntitlementOutcome::kExpiryMustBeLater;
    return answer;
  }

  const uint32_t p = partner->index;
  answer.amount = partner->totals.pending;
  const std::vector<uint32_t> grants(partner->pending.begin(), partner->pending.end());
  for (const uint32_t g : grants) {
    SetGrantTerms(p, g, GrantState::kSpendable,
                  request.expires_at.value_or(partner->grants[g].expires_at));
  }
  Post(*partner, request.id, partner->accounts.pending, partner->accounts.available, answer.amount,
       EntitlementCode::kActivate, answer.transfers);
  Finish(*partner, request.id, operation, answer);
  return answer;
}

EntitlementAnswer Entitlements::Reserve(std::string_view partner, const UsageRequest& request,
                                        Timestamp at) {
  return Use(partner, request, at, true);
}

EntitlementAnswer Entitlements::Consume(std::string_view partner, const UsageRequest& request,
                                        Timestamp at) {
  return Use(partner, request, at, false);
}

EntitlementAnswer Entitlements::Use(std::string_view partner_id, const UsageRequest& request,
                                    Timestamp at, bool reserve) {
  Advance(at);
  EntitlementAnswer answer;
  Operation operation;
  operation.kind = reserve ? Kind::kReserve : Kind::kConsume;
  operation.amount = request.amount;
  operation.timeout = request.timeout;
  operation.terms = request.allow_billable;
  operation.policy_version = request.policy_version;
  Partner* partner = nullptr;
  answer.outcome = Begin(partner_id, request.id, operation, partner, answer);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;
  const uint64_t free = std::min(request.amount, partner->totals.available);
  Timestamp expires_at;
  if (request.amount == 0) {
    answer.outcome = EntitlementOutcome::kAmountMustNotBeZero;
  } else if (reserve && request.timeout == 0) {
    answer.outcome = EntitlementOutcome::kTimeoutMustNotBeZero;
  } else if (!reserve && request.timeout != 0) {
    answer.outcome = EntitlementOutcome::kTimeoutReservedForReservation;
  } else if (request.amount > kAmountMax || free > kAmountMax - turnover_) {
    answer.outcome = EntitlementOutcome::kOverflowsEntitlement;
  } else if (__builtin_add_overflow(at.micros, int64_t{request.timeout} * 1'000'000,
                                    &expires_at.micros)) {
    answer.outcome = EntitlementOutcome::kOverflowsTimeout;
  } else if (!request.allow_billable && request.amount > partner->totals.available) {
    answer.outcome = EntitlementOutcome::kExceedsAvailable;
  }
  if (answer.outcome != EntitlementOutcome::kOk) return answer;

  turnover_ += free;
  const uint32_t p = partner->index;
  answer.amount = free;
  answer.rest = request.amount - free;
  answer.policy_version = request.policy_version;
  const EntitlementAccounts& accounts = partner->accounts;
  if (reserve) {
    operation.index = reservations_.size();
    Reservation reservation;
    reservation.id = request.id;
    reservation.partner = p;
    reservation.amount = request.amount;
    reservation.free = answer.amount;
    reservation.policy_version = request.policy_version;
    reservation.expires_at = expires_at;
    reservation.pieces = Burn(p, answer.amount, Bucket::kReserved);
    AddReservation(std::move(reservation));
    Post(*partner, request.id, accounts.available, accounts.reserved, answer.amount,
         EntitlementCode::kReserve, answer.transfers);
  } else {
    Burn(p, answer.amount, Bucket::kSpent);
    Post(*partner, request.id, accounts.available, accounts.spent, answer.amount,
         EntitlementCode::kConsume, answer.transfers);
  }
  Finish(*partner, request.id, operation, answer);
  return answer;
}

EntitlementAnswer Entitlements::Commit(std::string_view partner_id, const CommitRequest& request,
                                       Timestamp at) {
  Advance(at);
  EntitlementAnswer answer;
  Operation operation;
  operation.kind = Kind::kCommit;
  operation.reservation = request.reservation;
  operation.amount = request.amount;
  Partner* partner = nullptr;
  answer.outcome = Begin(partner_id, request.id, operation, partner, answer);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;
  if (request.amount == 0) {
    answer.outcome = EntitlementOutcome::kAmountMustNotBeZero;
    return answer;
  }
  const auto made = partner->operations.find(request.reservation);
  if (made == partner->operations.end() || made->second.kind != Kind::kReserve) {
    answer.outcome = EntitlementOutcome::kReservationNotFound;
    return answer;
  }
  const Reservation& reservation = reservations_[made->second.index];
  const uint64_t amount = request.amount == kAmountAll ? reservation.amount : request.amount;
  if (amount > reservation.amount) {
    answer.outcome = EntitlementOutcome::kExceedsReservation;
    return answer;
  }
  uint64_t index = 0;
  answer.outcome = FindOpen(*partner, request.reservation, index);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;

  answer.amount = std::min(amount, reservation.free);
  answer.rest = amount - answer.amount;
  answer.policy_version = reservation.policy_version;
  operation.policy_version = reservation.policy_version;
  Settle(index, answer.amount, ReservationState::kCommitted, request.id, answer.transfers);
  Finish(*partner, request.id, operation, answer);
  return answer;
}

EntitlementAnswer Entitlements::Release(std::string_view partner_id, const ReleaseRequest& request,
                                        Timestamp at) {
  Advance(at);
  EntitlementAnswer answer;
  Operation operation;
  operation.kind = Kind::kRelease;
  operation.reservation = request.reservation;
  Partner* partner = nullptr;
  answer.outcome = Begin(partner_id, request.id, operation, partner, answer);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;
  uint64_t index = 0;
  answer.outcome = FindOpen(*partner, request.reservation, index);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;

  answer.amount = reservations_[index].free;
  answer.policy_version = reservations_[index].policy_version;
  operation.policy_version = answer.policy_version;
  Settle(index, 0, ReservationState::kReleased, request.id, answer.transfers);
  Finish(*partner, request.id, operation, answer);
  return answer;
}

EntitlementAnswer Entitlements::TakeBack(std::string_view partner_id,
                                         const TakeBackRequest& request, Timestamp at) {
  Advance(at);
  EntitlementAnswer answer;
  Operation operation;
  operation.kind = Kind::kTakeBack;
  operation.amount = request.amount;
  Partner* partner = nullptr;
  answer.outcome = Begin(partner_id, request.id, operation, partner, answer);
  if (answer.outcome != EntitlementOutcome::kOk) return answer;
  if (request.amount == 0) {
    answer.outcome = EntitlementOutcome::kAmountMustNotBeZero;
  } else if (request.amount > kAmountMax - turnover_) {
    answer.outcome = EntitlementOutcome::kOverflowsEntitlement;
  }
  if (answer.outcome != EntitlementOutcome::kOk) return answer;

  turnover_ += request.amount;
  const uint32_t p = partner->index;
  const uint64_t from_pending = std::min(request.amount, partner->totals.pending);
  const uint64_t from_available =
      std::min(request.amount - from_pending, partner->totals.available);
  const uint64_t owed = request.amount - from_pending - from_available;
  for (uint64_t left = from_pending; left > 0;) {
    const uint32_t g = *partner->pending.begin();
    const uint64_t some = std::min(left, partner->grants[g].remaining);
    Move(p, g, Bucket::kRemaining, Bucket::kTakenBack, some);
    left -= some;
  }
  Burn(p, from_available, Bucket::kTakenBack);
  AddOwed(p, owed);
  answer.amount = from_pending + from_available;
  answer.rest = owed;
  const EntitlementAccounts& accounts = partner->accounts;
  Post(*partner, request.id, accounts.pending, accounts.source, from_pending,
       EntitlementCode::kTakePending, answer.transfers);
  Post(*partner, request.id, accounts.available, accounts.source, from_available,
       EntitlementCode::kTakeAvailable, answer.transfers);
  Post(*partner, request.id, accounts.owed, accounts.source, owed, EntitlementCode::kOwe,
       answer.transfers);
  Finish(*partner, request.id, operation, answer);
  return answer;
}

EntitlementTick Entitlements::Expire(Timestamp now) {
  Advance(now);
  EntitlementTick tick;
  while (!reservation_queue_.empty() && reservation_queue_.begin()->first <= now) {
    const uint64_t index = reservation_queue_.begin()->second;
    const Reservation& reservation = reservations_[index];
    tick.reservations.push_back(
        {partners_[reservation.partner].id, reservation.id, reservation.free});
    Settle(index, 0, ReservationState::kExpired, reservation.id, tick.transfers);
  }
  while (!grant_queue_.empty() && std::get<0>(*grant_queue_.begin()) <= now) {
    const auto [expires_at, p, g] = *grant_queue_.begin();
    const Partner& partner = partners_[p];
    const ledger::Grant& grant = partner.grants[g];
    const uint64_t amount = grant.remaining;
    Move(p, g, Bucket::kRemaining, Bucket::kExpired, amount);
    SetGrantTerms(p, g, GrantState::kEnded, grant.expires_at);
    tick.grants.push_back({partner.id, grant.id, amount});
    Post(partner, grant.id, partner.accounts.available, partner.accounts.expired, amount,
         EntitlementCode::kExpire, tick.transfers);
  }
  return tick;
}

// Questions.

std::optional<EntitlementTotals> Entitlements::TotalsOf(std::string_view partner) const {
  const Partner* found = Find(partner);
  if (found == nullptr) return std::nullopt;
  return found->totals;
}

const std::deque<ledger::Grant>* Entitlements::GrantsOf(std::string_view partner) const {
  const Partner* found = Find(partner);
  return found == nullptr ? nullptr : &found->grants;
}

const Reservation* Entitlements::FindReservation(std::string_view partner, OperationId id) const {
  const Partner* found = Find(partner);
  if (found == nullptr) return nullptr;
  const auto it = found->operations.find(id);
  if (it == found->operations.end() || it->second.kind != Kind::kReserve) return nullptr;
  return &reservations_[it->second.index];
}

std::optional<Timestamp> Entitlements::NextExpiry() const {
  std::optional<Timestamp> next;
  if (!reservation_queue_.empty()) next = reservation_queue_.begin()->first;
  if (!grant_queue_.empty()) {
    const Timestamp grant_end = std::get<0>(*grant_queue_.begin());
    if (!next.has_value() || grant_end < *next) next = grant_end;
  }
  return next;
}

Digest Entitlements::StateDigest() const {
  ByteWriter out;
  out.U32(asset_);
  out.U64(turnover_);
  out.I64(last_at_.micros);
  out.Varint(partners_.size());
  for (const Partner& partner : partners_) {
    out.String(partner.id);
    out.U64(partner.totals.owed);
    out.Varint(partner.grants.size());
    for (const ledger::Grant& grant : partner.grants) {
      out.U128(grant.id.value());
      out.U32(grant.priority);
      out.I64(grant.expires_at.micros);
      out.I64(grant.granted_at.micros);
      out.U8(static_cast<uint8_t>(grant.state));
      for (const uint64_t amount : {grant.amount, grant.paid_off, grant.remaining, grant.reserved,
                                    grant.spent, grant.expired, grant.taken_back}) {
        out.U64(amount);
      }
    }
    std::vector<std::pair<OperationId, const Operation*>> operations;
    operations.reserve(partner.operations.size());
    for (const auto& [id, operation] : partner.operations) operations.emplace_back(id, &operation);
    std::sort(operations.begin(), operations.end());
    out.Varint(operations.size());
    for (const auto& [id, operation] : operations) {
      out.U128(id.value());
      out.U8(static_cast<uint8_t>(operation->kind));
      out.U8(static_cast<uint8_t>(operation->terms));
      out.U8(static_cast<uint8_t>(operation->has_expiry));
      out.U32(operation->priority);
      out.U32(operation->timeout);
      out.U32(operation->policy_version);
      out.U64(operation->amount);
      out.I64(operation->expires_at.micros);
      out.U128(operation->reservation.value());
      out.U64(operation->answered_amount);
      out.U64(operation->answered_rest);
      out.U64(operation->index);
    }
  }
  out.Varint(reservations_.size());
  for (const Reservation& reservation : reservations_) {
    out.U128(reservation.id.value());
    out.U32(reservation.partner);
    out.U64(reservation.amount);
    out.U64(reservation.free);
    out.U32(reservation.policy_version);
    out.I64(reservation.expires_at.micros);
    out.U8(static_cast<uint8_t>(reservation.state));
    out.Varint(reservation.pieces.size());
    for (const Reservation::Piece& piece : reservation.pieces) {
      out.U32(piece.grant);
      out.U64(piece.amount);
    }
  }
  return Sha256({kDigestDomain, out.bytes()});
}

// Scopes.

Entitlements::Scope::Scope(Entitlements& entitlements) : entitlements_(&entitlements) {
  entitlements.frames_.push_back(
      {entitlements.undo_.size(), entitlements.turnover_, entitlements.last_at_});
  depth_ = entitlements.frames_.size();
}

Entitlements::Scope::~Scope() {
  if (entitlements_ != nullptr) Rollback();
}

void Entitlements::Scope::Commit() {
  JANGBU_CHECK(entitlements_ != nullptr && entitlements_->frames_.size() == depth_);
  entitlements_->frames_.pop_back();
  if (entitlements_->frames_.empty()) entitlements_->undo_.clear();
  entitlements_ = nullptr;
}

void Entitlements::Scope::Rollback() {
  JANGBU_CHECK(entitlements_ != nullptr && entitlements_->frames_.size() == depth_);
  Entitlements& state = *entitlements_;
  const Frame frame = state.frames_.back();
  while (state.undo_.size() > frame.undo_size) {
    state.TakeBackOne(state.undo_.back());
    state.undo_.pop_back();
  }
  state.turnover_ = frame.turnover;
  state.last_at_ = frame.last_at;
  state.frames_.pop_back();
  entitlements_ = nullptr;
}

// Parts of operations.

void Entitlements::Advance(Timestamp at) {
  JANGBU_CHECK(at >= last_at_);  // The one writer orders operations.
  last_at_ = at;
}

EntitlementOutcome Entitlements::Begin(std::string_view partner_id, OperationId id,
                                       const Operation& operation, Partner*& partner,
                                       EntitlementAnswer& answer) {
  if (id.is_zero()) return EntitlementOutcome::kIdMustNotBeZero;
  const auto found = partner_index_.find(partner_id);
  if (found == partner_index_.end()) return EntitlementOutcome::kPartnerNotFound;
  partner = &partners_[found->second];
  const auto it = partner->operations.find(id);
  if (it == partner->operations.end()) return EntitlementOutcome::kOk;

  const Operation& stored = it->second;
  if (stored.kind != operation.kind) return EntitlementOutcome::kExistsWithDifferentOperation;
  if (stored.reservation != operation.reservation)
    return EntitlementOutcome::kExistsWithDifferentReservation;
  if (stored.amount != operation.amount) return EntitlementOutcome::kExistsWithDifferentAmount;
  if (stored.priority != operation.priority)
    return EntitlementOutcome::kExistsWithDifferentPriority;
  if (stored.has_expiry != operation.has_expiry || stored.expires_at != operation.expires_at) {
    return EntitlementOutcome::kExistsWithDifferentExpiry;
  }
  if (stored.timeout != operation.timeout) return EntitlementOutcome::kExistsWithDifferentTimeout;
  // The policy version is not the caller's: a retry after a change of policy is a retry.
  if (stored.terms != operation.terms) return EntitlementOutcome::kExistsWithDifferentTerms;
  answer.amount = stored.answered_amount;
  answer.rest = stored.answered_rest;
  answer.policy_version = stored.policy_version;
  return EntitlementOutcome::kExists;
}

EntitlementOutcome Entitlements::FindOpen(const Partner& partner, OperationId id,
                                          uint64_t& index) const {
  const auto it = partner.operations.find(id);
  if (it == partner.operations.end() || it->second.kind != Kind::kReserve) {
    return EntitlementOutcome::kReservationNotFound;
  }
  index = it->second.index;
  switch (reservations_[index].state) {
    case ReservationState::kCommitted:
      return EntitlementOutcome::kReservationAlreadyCommitted;
    case ReservationState::kReleased:
      return EntitlementOutcome::kReservationAlreadyReleased;
    case ReservationState::kExpired:
      return EntitlementOutcome::kReservationExpired;
    case ReservationState::kOpen:
      break;
  }
  return EntitlementOutcome::kOk;
}

std::vector<Reservation::Piece> Entitlements::Burn(uint32_t partner, uint64_t amount, Bucket to) {
  std::vector<Reservation::Piece> pieces;
  Partner& from = partners_[partner];
  while (amount > 0) {
    JANGBU_CHECK(!from.burn.empty());  // The caller asks for no more than is available.
    const uint32_t grant = std::get<2>(*from.burn.begin());
    const uint64_t some = std::min(amount, from.grants[grant].remaining);
    Move(partner, grant, Bucket::kRemaining, to, some);
    pieces.push_back({grant, some});
    amount -= some;
  }
  return pieces;
}

void Entitlements::Settle(uint64_t reservation, uint64_t spent, ReservationState state,
                          OperationId operation, std::vector<Transfer>& transfers) {
  const uint32_t p = reservations_[reservation].partner;
  const Partner& partner = partners_[p];
  uint64_t returned = 0;
  uint64_t expired = 0;
  uint64_t to_spend = spent;
  for (const Reservation::Piece& piece : reservations_[reservation].pieces) {
    const uint64_t use = std::min(to_spend, piece.amount);
    to_spend -= use;
    Move(p, piece.grant, Bucket::kReserved, Bucket::kSpent, use);
    const bool ended = partner.grants[piece.grant].state == GrantState::kEnded;
    Move(p, piece.grant, Bucket::kReserved, ended ? Bucket::kExpired : Bucket::kRemaining,
         piece.amount - use);
    (ended ? expired : returned) += piece.amount - use;
  }
  JANGBU_CHECK(to_spend == 0);
  SetReservationState(reservation, state);
  const EntitlementAccounts& accounts = partner.accounts;
  Post(partner, operation, accounts.reserved, accounts.spent, spent, EntitlementCode::kCommit,
       transfers);
  Post(partner, operation, accounts.reserved, accounts.available, returned,
       EntitlementCode::kReturn, transfers);
  Post(partner, operation, accounts.reserved, accounts.expired, expired,
       EntitlementCode::kReturnExpired, transfers);
}

void Entitlements::Finish(Partner& partner, OperationId id, Operation operation,
                          EntitlementAnswer& answer) {
  operation.answered_amount = answer.amount;
  operation.answered_rest = answer.rest;
  Undo undo(Undo::Kind::kOperation);
  undo.partner = partner.index;
  undo.operation = id;
  Log(undo);
  partner.operations.emplace(id, operation);
  for (size_t i = 0; i + 1 < answer.transfers.size(); ++i)
    answer.transfers[i].flags |= TransferFlags::kLinked;

  const EntitlementTotals& t = partner.totals;
  JANGBU_CHECK(t.granted == t.paid_off + t.pending + t.available + t.reserved + t.spent +
                                t.expired + t.taken_back);
}

void Entitlements::Post(const Partner& partner, OperationId operation, AccountId debit,
                        AccountId credit, uint64_t amount, uint16_t code,
                        std::vector<Transfer>& transfers) const {
  if (amount == 0) return;
  Transfer transfer;
  transfer.id = DeriveTransfer(partner.id, operation, code);
  transfer.debit_account = debit;
  transfer.credit_account = credit;
  transfer.amount = amount;
  transfer.user_data_128 = UserData128::FromValue(operation.value());
  transfer.asset = asset_;
  transfer.code = code;
  transfers.push_back(transfer);
}

// Writes.

void Entitlements::Move(uint32_t partner, uint32_t grant, Bucket from, Bucket to, uint64_t amount) {
  if (amount == 0) return;
  Undo undo(Undo::Kind::kMove);
  undo.from = from;
  undo.to = to;
  undo.partner = partner;
  undo.index = grant;
  undo.amount = amount;
  Log(undo);
  ApplyMove(partner, grant, from, to, amount);
}

void Entitlements::ApplyMove(uint32_t partner, uint32_t grant, Bucket from, Bucket to,
                             uint64_t amount) {
  ledger::Grant& g = partners_[partner].grants[grant];
  EntitlementTotals& totals = partners_[partner].totals;
  const auto in_grant = [&](Bucket bucket) -> uint64_t& {
    switch (bucket) {
      case Bucket::kPaidOff:
        return g.paid_off;
      case Bucket::kRemaining:
        return g.remaining;
      case Bucket::kReserved:
        return g.reserved;
      case Bucket::kSpent:
        return g.spent;
      case Bucket::kExpired:
        return g.expired;
      case Bucket::kTakenBack:
        break;
    }
    return g.taken_back;
  };
  const auto in_totals = [&](Bucket bucket) -> uint64_t& {
    switch (bucket) {
      case Bucket::kPaidOff:
        return totals.paid_off;
      case Bucket::kRemaining:
        return g.state == GrantState::kPending ? totals.pending : totals.available;
      case Bucket::kReserved:
        return totals.reserved;
      case Bucket::kSpent:
        return totals.spent;
      case Bucket::kExpired:
        return totals.expired;
      case Bucket::kTakenBack:
        break;
    }
    return totals.taken_back;
  };
  JANGBU_CHECK(in_grant(from) >= amount && in_totals(from) >= amount);
  Unlist(partner, grant);
  in_grant(from) -= amount;
  in_grant(to) += amount;
  in_totals(from) -= amount;
  in_totals(to) += amount;
  List(partner, grant);
}

void Entitlements::AddGrant(uint32_t partner, const ledger::Grant& grant) {
  Partner& owner = partners_[partner];
  Undo undo(Undo::Kind::kGrant);
  undo.partner = partner;
  Log(undo);
  owner.grants.push_back(grant);
  owner.totals.granted += grant.amount;
  (grant.state == GrantState::kPending ? owner.totals.pending : owner.totals.available) +=
      grant.remaining;
  List(partner, static_cast<uint32_t>(owner.grants.size() - 1));
}

void Entitlements::SetGrantTerms(uint32_t partner, uint32_t grant, GrantState state,
                                 Timestamp expires_at) {
  const ledger::Grant& before = partners_[partner].grants[grant];
  Undo undo(Undo::Kind::kGrantTerms);
  undo.partner = partner;
  undo.index = grant;
  undo.state = static_cast<uint8_t>(before.state);
  undo.expires_at = before.expires_at;
  Log(undo);
  ApplyGrantTerms(partner, grant, state, expires_at);
}

void Entitlements::ApplyGrantTerms(uint32_t partner, uint32_t grant, GrantState state,
                                   Timestamp expires_at) {
  ledger::Grant& g = partners_[partner].grants[grant];
  EntitlementTotals& totals = partners_[partner].totals;
  Unlist(partner, grant);
  (g.state == GrantState::kPending ? totals.pending : totals.available) -= g.remaining;
  g.state = state;
  g.expires_at = expires_at;
  (g.state == GrantState::kPending ? totals.pending : totals.available) += g.remaining;
  List(partner, grant);
}

void Entitlements::AddReservation(Reservation reservation) {
  Log(Undo(Undo::Kind::kReservation));
  reservation_queue_.emplace(reservation.expires_at, reservations_.size());
  reservations_.push_back(std::move(reservation));
}

void Entitlements::SetReservationState(uint64_t reservation, ReservationState state) {
  Reservation& r = reservations_[reservation];
  JANGBU_CHECK(r.state == ReservationState::kOpen);
  Undo undo(Undo::Kind::kReservationState);
  undo.index = reservation;
  Log(undo);
  reservation_queue_.erase(std::pair(r.expires_at, reservation));
  r.state = state;
}

void Entitlements::AddOwed(uint32_t partner, uint64_t amount) {
  if (amount == 0) return;
  Undo undo(Undo::Kind::kOwed);
  undo.partner = partner;
  undo.amount = amount;
  Log(undo);
  partners_[partner].totals.owed += amount;
}

void Entitlements::List(uint32_t partner, uint32_t grant) {
  Partner& owner = partners_[partner];
  const ledger::Grant& g = owner.grants[grant];
  if (g.state == GrantState::kSpendable) {
    if (g.expires_at != kNeverExpires) grant_queue_.emplace(g.expires_at, partner, grant);
    if (g.remaining > 0) owner.burn.emplace(g.priority, g.expires_at, grant);
  } else if (g.state == GrantState::kPending && g.remaining > 0) {
    owner.pending.insert(grant);
  }
}

void Entitlements::Unlist(uint32_t partner, uint32_t grant) {
  Partner& owner = partners_[partner];
  const ledger::Grant& g = owner.grants[grant];
  grant_queue_.erase(std::tuple(g.expires_at, partner, grant));
  owner.burn.erase(BurnKey(g.priority, g.expires_at, grant));
  owner.pending.erase(grant);
}

void Entitlements::Log(const Undo& undo) {
  if (!frames_.empty()) undo_.push_back(undo);
}

void Entitlements::TakeBackOne(const Undo& undo) {
  switch (undo.kind) {
    case Undo::Kind::kPartner:
      partner_index_.erase(partners_.back().id);
      partners_.pop_back();
      return;
    case Undo::Kind::kGrant: {
      Partner& owner = partners_[undo.partner];
      const ledger::Grant& grant = owner.grants.back();
      JANGBU_CHECK(grant.remaining == grant.amount);
      Unlist(undo.partner, static_cast<uint32_t>(owner.grants.size() - 1));
      owner.totals.granted -= grant.amount;
      (grant.state == GrantState::kPending ? owner.totals.pending : owner.totals.available) -=
          grant.amount;
      owner.grants.pop_back();
      return;
    }
    case Undo::Kind::kGrantTerms:
      ApplyGrantTerms(undo.partner, static_cast<uint32_t>(undo.index),
                      static_cast<GrantState>(undo.state), undo.expires_at);
      return;
    case Undo::Kind::kMove:
      ApplyMove(undo.partner, static_cast<uint32_t>(undo.index), undo.to, undo.from, undo.amount);
      return;
    case Undo::Kind::kReservation: {
      const uint64_t index = reservations_.size() - 1;
      reservation_queue_.erase(std::pair(reservations_[index].expires_at, index));
      reservations_.pop_back();
      return;
    }
    case Undo::Kind::kReservationState: {
      Reservation& reservation = reservations_[undo.index];
      reservation.state = ReservationState::kOpen;
      reservation_queue_.emplace(reservation.expires_at, undo.index);
      return;
    }
    case Undo::Kind::kOperation:
      partners_[undo.partner].operations.erase(undo.operation);
      return;
    case Undo::Kind::kOwed:
      partners_[undo.partner].totals.owed -= undo.amount;
      return;
  }
}

const Entitlements::Partner* Entitlements::Find(std::string_view partner) const {
  const auto it = partner_index_.find(partner);
  return it == partner_index_.end() ? nullptr : &partners_[it->second];
}

}  // namespace jangbu::ledger
