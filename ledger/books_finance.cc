// The part of the books that is finance: each entry is checked whole, then applied whole.

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "ledger/books.h"
#include "ledger/books_posting.h"

namespace jangbu::ledger {
namespace {

constexpr size_t kReasonBytesMax = 4'000;
constexpr size_t kReferenceBytesMax = 200;
constexpr int64_t kRatingMicros = 60'000'000;

Status SamePersonRefused(const Act& maker) {
  return FailedPrecondition("same_person", maker.person +
                                               " proposed it; another person must decide, with a "
                                               "key of their own");
}

AccountId ProgrammeOf(AssetId asset) { return AccountOf(0, AccountRole::kProgramme, asset); }
AccountId PoolAccount() { return AccountOf(0, AccountRole::kPool, kAssetWon); }
AccountId WonOf(uint32_t partner, AccountRole role) { return AccountOf(partner, role, kAssetWon); }

TransferCode CodeOf(uint16_t entitlement_code) {
  switch (entitlement_code) {
    case EntitlementCode::kGrantSpendable:
      return TransferCode::kEntitlementGranted;
    case EntitlementCode::kGrantPending:
      return TransferCode::kEntitlementPending;
    case EntitlementCode::kPayOff:
      return TransferCode::kEntitlementPaidOff;
    case EntitlementCode::kActivate:
      return TransferCode::kEntitlementMadeSpendable;
    case EntitlementCode::kReserve:
      return TransferCode::kEntitlementReserved;
    case EntitlementCode::kCommit:
      return TransferCode::kEntitlementUsed;
    case EntitlementCode::kReturn:
      return TransferCode::kEntitlementReturned;
    case EntitlementCode::kReturnExpired:
      return TransferCode::kEntitlementReturnedExpired;
    case EntitlementCode::kConsume:
      return TransferCode::kEntitlementConsumed;
    case EntitlementCode::kExpire:
      return TransferCode::kEntitlementExpired;
    case EntitlementCode::kOwe:
      return TransferCode::kEntitlementOwed;
    default:
      return TransferCode::kEntitlementTakenBack;
  }
}

}  // namespace

// ---- who ----

StatusOr<Act> Books::ActOf(const Entry& e, const std::string& key_id, bool operator_may) const {
  const KeyRecord* key = FindKey(key_id);
  if (key == nullptr || key->revoked_at.has_value())
    return FailedPrecondition("no_such_key", "the acting key is not in force");
  if (key->role != Role::kFinance && !(operator_may && key->role == Role::kOperator)) {
    return FailedPrecondition("wrong_role", "a key of this role may not do that");
  }
  return Act{.key_id = key_id, .person = key->person, .at = e.at};
}

size_t Books::OperatorPersons() const {
  std::vector<std::string_view> persons;
  for (const auto& [id, key] : keys_) {
    if (key.role != Role::kOperator || key.revoked_at.has_value()) continue;
    if (std::none_of(persons.begin(), persons.end(),
                     [&](std::string_view person) { return SamePerson(person, key.person); })) {
      persons.push_back(key.person);
    }
  }
  return persons.size();
}

// ---- policy ----

const PolicyRecord& Books::PolicyAt(Timestamp at) const {
  const PolicyRecord* best = &policies_.front();
  for (const PolicyRecord& record : policies_) {
    if (record.state == DecisionState::kApproved && record.effective_from <= at &&
        record.effective_from >= best->effective_from) {
      best = &record;
    }
  }
  return *best;
}

Status Books::ApplyBody(const Entry& e, const PolicyProposed& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  JANGBU_ASSIGN_OR_RETURN(const Act act, ActOf(e, b.by, true));
  if (b.version != policies_.size() + 1)
    return Contradiction(e, "versions are numbered without gaps");
  if (b.effective_from < e.at) {
    return FailedPrecondition("policy_retroactive",
                              "a policy applies from a date to come: what was is not rewritten");
  }
  JANGBU_RETURN_IF_ERROR(CheckPolicy(b.policy));
  PolicyRecord record;
  record.version = b.version;
  record.effective_from = b.effective_from;
  record.policy = b.policy;
  record.proposed = act;
  policies_.push_back(std::move(record));
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const PolicyDecided& b) {
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, true));
  if (b.version < 2 || b.version > policies_.size())
    return NotFound("no_such_policy", "there is no such policy version");
  PolicyRecord& record = policies_[b.version - 1];
  if (record.state != DecisionState::kProposed)
    return FailedPrecondition("policy_decided", "the version is decided already");
  if (b.approved) {
    if (SamePerson(act.person, record.proposed.person)) return SamePersonRefused(record.proposed);
    if (record.effective_from < e.at) {
      return FailedPrecondition("policy_retroactive",
                                "its date has passed before it was approved; propose it again");
    }
  }
  record.state = b.approved ? DecisionState::kApproved : DecisionState::kRefused;
  record.decided = std::move(act);
  return OkStatus();
}

// ---- keys that take two persons ----

Status Books::ApplyBody(const Entry& e, const KeyRequested& b) {
  if (!e.partner.empty() || (b.role != Role::kFinance && b.role != Role::kOperator))
    return Contradiction(e, "only finance and operator keys take two persons");
  const KeyRecord* by = FindKey(b.by);
  if (by == nullptr || by->role != Role::kOperator || by->revoked_at.has_value())
    return FailedPrecondition("wrong_role", "an operator's key in force asks for a key");
  if (b.key_id.empty() || b.key_id.size() > 64 || keys_.contains(b.key_id) ||
      key_requests_.contains(b.key_id)) {
    return AlreadyExists("key_exists", "this key id is taken");
  }
  if (b.person.empty() || b.person.size() > 200)
    return InvalidArgument("bad_person", "a key belongs to a named person (1 to 200 bytes)");
  if (!b.replaces.empty()) {
    const KeyRecord* old = FindKey(b.replaces);
    if (old == nullptr) return NotFound("no_such_key", "there is no key " + b.replaces);
    if (old->revoked_at.has_value())
      return FailedPrecondition("key_revoked", b.replaces + " is revoked already");
    if (old->role != b.role || old->person != b.person)
      return Contradiction(e, "a rotated key keeps role and person");
  }
  KeyRequestRecord record;
  record.request = b;
  record.proposed = {.key_id = b.by, .person = by->person, .at = e.at};
  key_requests_.emplace(b.key_id, std::move(record));
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const KeyDecided& b) {
  const auto found = key_requests_.find(b.key_id);
  if (found == key_requests_.end())
    return NotFound("no_such_request", "nobody asked for a key " + b.key_id);
  KeyRequestRecord& record = found->second;
  if (record.state != DecisionState::kProposed)
    return FailedPrecondition("request_decided", "the request is decided already");
  const KeyRecord* by = FindKey(b.by);
  if (by == nullptr || by->role != Role::kOperator || by->revoked_at.has_value())
    return FailedPrecondition("wrong_role", "an operator's key in force decides about a key");
  if (b.approved) {
    if (SamePerson(by->person, record.proposed.person)) return SamePersonRefused(record.proposed);
    if (!record.request.replaces.empty()) {
      KeyRecord& old = keys_.find(record.request.replaces)->second;
      if (old.revoked_at.has_value())
        return FailedPrecondition("key_revoked", old.key_id + " is revoked already");
      old.revoked_at = e.at;
    }
    keys_.emplace(b.key_id, KeyRecord{.key_id = b.key_id,
                                      .role = record.request.role,
                                      .partner = 0,
                                      .person = record.request.person,
                                      .secret_mac = b.secret_mac,
                                      .issued_at = e.at,
                                      .revoked_at = std::nullopt});
  }
  record.state = b.approved ? DecisionState::kApproved : DecisionState::kRefused;
  record.decided = Act{.key_id = b.by, .person = by->person, .at = e.at};
  return OkStatus();
}

// ---- entitlement ----

Timestamp Books::EntitlementTime(Timestamp at) const {
  return std::max(at, entitlements_->last_at());
}

void Books::AddEntitlementPostings(const std::vector<Transfer>& transfers,
                                   std::vector<Posting>& postings) const {
  for (const Transfer& transfer : transfers) {
    postings.push_back({CodeOf(transfer.code), entitlement_accounts_.at(transfer.debit_account),
                        entitlement_accounts_.at(transfer.credit_account), kAssetApiTokens,
                        static_cast<int64_t>(transfer.amount)});
  }
}

std::vector<UsageAnswer> Books::RunUsage(const PartnerRecord& partner,
                                         const std::vector<UsageRecord>& requests, Timestamp at,
                                         bool strict, std::map<uint32_t, Bill>& bills,
                                         std::vector<Posting>& postings) const {
  std::vector<UsageAnswer> answers;
  answers.reserve(requests.size());
  const int64_t words =
      BalanceOf(partner.number, AccountRole::kConfirmed, kAssetKoreanWords, std::nullopt);
  // The policy in force now; of an entry, the one it says, when that was in force a moment ago: the
  // writer answers a moment before it knows the entry's time.
  const auto rate_of = [&](const UsageRecord& record) {
    const PolicyRecord* policy = &PolicyAt(at);
    const PolicyRecord& before = PolicyAt({at.micros - kRatingMicros});
    if (strict && record.policy_version == before.version) policy = &before;
    return RateOf(policy->version, DiscountOf(policy->policy, words));
  };
  absl::flat_hash_map<OperationId, uint64_t> won_now;
  for (const UsageRecord& request : requests) {
    UsageAnswer& answer = answers.emplace_back();
    answer.record = request;
    UsageRecord& record = answer.record;
    const auto id = OperationId::FromValue(request.id.value());
    const auto reservation = OperationId::FromValue(request.reservation.value());
    EntitlementAnswer done;
    if (id.high == UINT64_MAX) {  // the books' own operations
      done.outcome = EntitlementOutcome::kIdMustNotBeZero;
    } else if (request.kind == UsageKind::kReserve || request.kind == UsageKind::kConsume) {
      UsageRequest use;
      use.id = id;
      use.amount = request.amount;
      use.allow_billable = request.allow_billable;
      use.policy_version = rate_of(request);
      use.timeout = request.timeout;
      done = request.kind == UsageKind::kReserve ? entitlements_->Reserve(partner.id, use, at)
                                                 : entitlements_->Consume(partner.id, use, at);
    } else if (request.kind == UsageKind::kCommit) {
      done = entitlements_->Commit(partner.id, {id, reservation, request.amount}, at);
    } else {
      done = entitlements_->Release(partner.id, {id, reservation}, at);
    }
    answer.outcome = done.outcome;
    record.free = done.amount;
    record.billable = done.rest;
    record.policy_version = done.policy_version >> kRateDiscountBits;
    record.discount_basis_points = done.policy_version & ((1U << kRateDiscountBits) - 1);
    record.won = 0;
    const bool charges = request.kind == UsageKind::kCommit || request.kind == UsageKind::kConsume;
    if (answer.outcome == EntitlementOutcome::kExists) {
      if (const auto won = won_now.find(id); won != won_now.end()) record.won = won->second;
      if (const auto won = partner.won_of.find(id); won != partner.won_of.end())
        record.won = won->second;
    } else if (answer.outcome == EntitlementOutcome::kOk) {
      AddEntitlementPostings(done.transfers, postings);
      if (charges && done.rest > 0) {
        Bill& bill = bills[done.policy_version];
        const Policy& rated = policies_[record.policy_version - 1].policy;
        int64_t tokens = 0;
        std::optional<int64_t> won;
        if (!__builtin_add_overflow(bill.tokens, static_cast<int64_t>(done.rest), &tokens))
          won = BillOf(rated, record.discount_basis_points, tokens);
        // 2^63 tokens or won of one partner at one rate: the bill stays where it is.
        if (won.has_value()) {
          record.won = static_cast<uint64_t>(*won - bill.won);
          bill = {.tokens = tokens, .won = *won};
        }
        if (record.won > 0) won_now[id] = record.won;
        postings.push_back({TransferCode::kBilled, ProgrammeOf(kAssetWon),
                            WonOf(partner.number, AccountRole::kBilled), kAssetWon,
                            static_cast<int64_t>(record.won)});
      }
    }
    if (strict && answer.outcome != EntitlementOutcome::kOk) break;
  }
  return answers;
}

std::vector<UsageAnswer> Books::TryUsage(const PartnerRecord& partner,
                                         const std::vector<UsageRecord>& requests,
                                         Timestamp now) const {
  Entitlements::Scope scope(*entitlements_);
  const Timestamp at = EntitlementTime(std::max(now, last_time_));
  entitlements_->Expire(EntitlementTime(now));
  std::map<uint32_t, Bill> bills = partner.bills;
  std::vector<Posting> postings;
  return RunUsage(partner, requests, at, false, bills, postings);
}

Status Books::ApplyBody(const Entry& e, const Usage& b) {
  PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  if (b.records.empty()) return Contradiction(e, "nothing was used");
  Entitlements::Scope scope(*entitlements_);
  std::map<uint32_t, Bill> bills = partner->bills;
  std::vector<Posting> postings;
  const std::vector<UsageAnswer> answers =
      RunUsage(*partner, b.records, EntitlementTime(e.at), true, bills, postings);
  for (size_t i = 0; i < b.records.size(); ++i) {
    if (i >= answers.size() || answers[i].outcome != EntitlementOutcome::kOk ||
        answers[i].record != b.records[i]) {
      return Contradiction(e, "use " + std::to_string(i) + " cannot have been answered so");
    }
  }
  JANGBU_RETURN_IF_ERROR(Post(e, postings));
  scope.Commit();
  partner->bills = std::move(bills);
  for (const UsageRecord& record : b.records) {
    if (record.won > 0)
      partner->won_of.emplace(OperationId::FromValue(record.id.value()), record.won);
  }
  partner->usage.emplace_back(e.at, e.seq);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const Tick& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  Entitlements::Scope scope(*entitlements_);
  std::vector<Posting> postings;
  AddEntitlementPostings(entitlements_->Expire(EntitlementTime(b.upto)).transfers, postings);
  JANGBU_RETURN_IF_ERROR(Post(e, postings));
  scope.Commit();
  return OkStatus();
}

// ---- close ----

bool Books::MemberAt(const PartnerRecord& partner, Timestamp at) const {
  bool member = false;
  for (const auto& [since, now] : partner.member_history) {
    if (since > at) break;
    member = now;
  }
  return member;
}

StatusOr<CloseFigures> Books::FiguresOfClose(Period period, int64_t revenue_won,
                                             const Policy* policy) const {
  if (!IsPeriod(period) || period == 299912)
    return InvalidArgument("bad_period", "a period is a month: 2026-10");
  const Timestamp last = LastInstantOf(period);
  const PolicyRecord& in_force = PolicyAt(last);
  const Policy& rules = policy == nullptr ? in_force.policy : *policy;
  CloseFigures figures;
  figures.period = period;
  figures.policy_version = policy == nullptr ? in_force.version : 0;
  figures.revenue_won = revenue_won;
  figures.carried_in_won = ledger_->FindAccount(PoolAccount())->balances.net();
  std::vector<PartnerWeight> weights;
  const AssetId asset =
      rules.weight_basis == Basis::kKoreanWords ? kAssetKoreanWords : kAssetKoreanTokens;
  for (const auto& partner : partners_) {
    if (partner->created_at > last) continue;
    const int64_t credit = MemberAt(*partner, last)
                               ? BalanceOf(partner->number, AccountRole::kConfirmed, asset, last)
                               : 0;
    weights.push_back({.partner = partner->id, .weight = credit});
  }
  JANGBU_ASSIGN_OR_RETURN(
      const Won share,
      PoolOf(Won(revenue_won), Rational::FromBasisPoints(rules.pool_share_basis_points)));
  const std::optional<Won> pool = share.TryAdd(Won(figures.carried_in_won));
  if (!pool.has_value()) return OutOfRange("pool_overflow", "the pool does not fit 63 bits of won");
  JANGBU_ASSIGN_OR_RETURN(figures.split, SplitRevenue(*pool, weights));
  return figures;
}

std::vector<ShareLine> Books::SharesOfClose(const CloseRecord& close) const {
  const Policy& policy = policies_[close.figures.policy_version - 1].policy;
  // Weight that open claims hold, by holder, claims in the order they were opened.
  std::map<uint32_t, int64_t> held;
  for (const auto& [claim, weight] : HeldWeights(policy)) held[claim.holder] += weight;
  std::vector<ShareLine> lines;
  for (const PartnerShare& share : close.figures.split.shares) {
    ShareLine line;
    line.partner = share.partner;
    line.weight = share.weight;
    line.share_won = share.share.value();
    const uint32_t n = FindPartner(share.partner)->number;
    if (const auto h = held.find(n); h != held.end() && share.weight > 0) {
      line.held_won =
          HeldPart(share.share, std::min(h->second, share.weight), share.weight).value();
    }
    const int64_t kept = BalanceOf(n, AccountRole::kPayable, kAssetWon, std::nullopt);
    line.payout_won =
        PayoutOf(Won(kept), Won(line.share_won - line.held_won), Won(policy.minimum_payout_won))
            .paid.value();
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::pair<Books::HeldClaim, int64_t>> Books::HeldWeights(const Policy& policy) const {
  std::vector<std::pair<HeldClaim, int64_t>> weights;
  for (const auto& partner : partners_) {
    for (const ClaimRecord& claim : partner->claims) {
      if (claim.state != ClaimState::kOpen && claim.state != ClaimState::kDecided) continue;
      if (!claim.holder.has_value()) continue;
      const DocumentFacts& facts = facts_.at(claim.holder->token)[claim.holder->ordinal];
      if (facts.lot == 0 || facts.withdrawn) continue;
      const int64_t weight =
          policy.weight_basis == Basis::kKoreanWords ? facts.item_words : facts.item_tokens;
      if (weight == 0) continue;
      weights.push_back(
          {{.claimant = partner->number,
            .number = claim.number,
            .holder = uploads_.at(batches_.at(claim.holder->token).upload_token).partner},
           weight});
    }
  }
  return weights;
}

Status Books::ApplyBody(const Entry& e, const CloseDrafted& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, false));
  if (!IsPeriod(b.period)) return InvalidArgument("bad_period", "a period is a month: 2026-10");
  if (e.at <= LastInstantOf(b.period)) {
    return FailedPrecondition("period_not_over", ToString(b.period) + " is not over yet in Seoul");
  }
  for (const auto& [period, close] : closes_) {
    if (close.state == CloseState::kCancelled) continue;
    if (period == b.period) {
      return FailedPrecondition(
          close.state == CloseState::kPosted ? "close_posted" : "close_exists",
          close.state == CloseState::kPosted
              ? ToString(period) +
                    " is posted and stays so: late items go to the next open period, corrections "
                    "are transfers in it"
              : "there is a draft of " + ToString(period) + "; cancel it first");
    }
    if (close.state != CloseState::kPosted) {
      return FailedPrecondition("close_open", ToString(period) + " is not posted yet");
    }
    if (period > b.period) {
      return FailedPrecondition("period_passed", ToString(period) +
                                                     " is posted: " + ToString(b.period) +
                                                     " can no longer be closed; its credit counts "
                                                     "in the later period");
    }
  }
  if (b.period < PeriodOf(policies_.front().proposed.at))
    return FailedPrecondition("before_programme", "the programme begins later");
  CloseRecord record;
  JANGBU_ASSIGN_OR_RETURN(record.figures, FiguresOfClose(b.period, b.revenue_won, nullptr));
  const CloseFigures& f = record.figures;
  if (f.policy_version != b.policy_version || f.carried_in_won != b.carried_in_won ||
      f.split.pool.value() != b.pool_won || f.split.total_weight != b.total_weight) {
    return Contradiction(e, "its figures are not those of the period");
  }
  record.period = b.period;
  record.drafted = std::move(act);
  closes_[b.period] = std::move(record);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const CloseDecided& b) {
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, false));
  const auto found = closes_.find(b.period);
  if (found == closes_.end()) return NotFound("no_such_close", "there is no close of that period");
  CloseRecord& close = found->second;
  const bool may =
      close.state == CloseState::kDraft || (!b.approved && close.state == CloseState::kApproved);
  if (!may) {
    return FailedPrecondition("close_not_draft",
                              "only a draft is approved, and nothing is changed "
                              "after posting");
  }
  if (b.approved && SamePerson(act.person, close.drafted.person))
    return SamePersonRefused(close.drafted);
  close.state = b.approved ? CloseState::kApproved : CloseState::kCancelled;
  close.decided = std::move(act);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const ClosePosted& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, false));
  const auto found = closes_.find(b.published.period);
  if (found == closes_.end()) return NotFound("no_such_close", "there is no close of that period");
  CloseRecord& close = found->second;
  if (close.state != CloseState::kApproved) {
    return FailedPrecondition("close_not_approved",
                              close.state == CloseState::kPosted
                                  ? "the close is posted already"
                                  : "a close is posted once another person has approved its draft");
  }
  const RevenueSplit& split = close.figures.split;
  const PublishedClose& p = b.published;
  const PublishedCut cut = CutOf(split, p.period, b.seed);
  const bool numbers =
      cut.total ? p.pool_won == split.pool.value() && p.total_weight == split.total_weight
                : p.pool_won == 0 && p.total_weight == 0 && p.blinding == Digest{};
  if (p.partners != split.shares.size() || p.commitments.size() != split.shares.size() * 32 ||
      p.total != cut.total || p.threshold != cut.threshold || p.tied != cut.tied || !numbers) {
    return Contradiction(e, "what it publishes is not what was approved");
  }
  const std::vector<ShareLine> lines = SharesOfClose(close);
  if (lines != b.shares) return Contradiction(e, "its shares are not those of the approved close");

  const int64_t set_aside = split.pool.value() - close.figures.carried_in_won;
  std::vector<Posting> postings = {
      {TransferCode::kPoolSetAside, ProgrammeOf(kAssetWon), PoolAccount(), kAssetWon, set_aside}};
  for (const ShareLine& line : lines) {
    const uint32_t n = FindPartner(line.partner)->number;
    const AccountId payable = WonOf(n, AccountRole::kPayable);
    postings.push_back(
        {TransferCode::kShare, PoolAccount(), payable, kAssetWon, line.share_won - line.held_won});
    postings.push_back({TransferCode::kShareHeld, PoolAccount(), WonOf(n, AccountRole::kHeld),
                        kAssetWon, line.held_won});
    postings.push_back({TransferCode::kPayoutDue, payable, WonOf(n, AccountRole::kDue), kAssetWon,
                        line.payout_won});
  }
  JANGBU_RETURN_IF_ERROR(Post(e, postings));
  // From here on the close is posted. Held money is divided among a holder's claims in the order
  // they stand: each gets the step of the rounded sum.
  const Policy& policy = policies_[close.figures.policy_version - 1].policy;
  std::map<uint32_t, int64_t> so_far;
  for (const auto& [held, weight] : HeldWeights(policy)) {
    const std::string& id = FindPartner(held.holder)->id;
    const auto line = std::find_if(lines.begin(), lines.end(),
                                   [&id](const ShareLine& l) { return l.partner == id; });
    if (line == lines.end() || line->weight == 0) continue;
    int64_t& before = so_far[held.holder];
    const int64_t after = std::min(before + weight, line->weight);
    ClaimRecord& claim = partners_[held.claimant - 1]->claims[held.number - 1];
    claim.held_won += HeldPart(Won(line->share_won), after, line->weight).value() -
                      HeldPart(Won(line->share_won), before, line->weight).value();
    before = after;
  }
  for (const ShareLine& line : lines) {
    if (line.payout_won > 0) close.payouts[line.partner].amount_won = line.payout_won;
  }
  close.state = CloseState::kPosted;
  close.shares = lines;
  close.published = b.published;
  close.seed = b.seed;
  close.posted = std::move(act);
  close.posted_seq = e.seq;
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const Payment& b) {
  JANGBU_RETURN_IF_ERROR(ActOf(e, b.by, false).status());
  const PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  const auto close = closes_.find(b.period);
  if (close == closes_.end() || close->second.state != CloseState::kPosted)
    return FailedPrecondition("close_not_posted", "only a posted close is paid");
  const auto found = close->second.payouts.find(e.partner);
  if (found == close->second.payouts.end())
    return NotFound("no_payout", "nothing of that close is due to " + e.partner);
  PayoutRecord& payout = found->second;
  if (b.amount_won != payout.amount_won)
    return FailedPrecondition("amount_differs", std::to_string(payout.amount_won) + " won are due");
  if (b.reference.size() > kReferenceBytesMax)
    return InvalidArgument("bad_reference", "a reference has at most 200 bytes");
  const bool paid = payout.state == PayoutState::kPaid;
  if (!b.failed && paid)
    return FailedPrecondition("already_paid", "it is paid: nothing is paid twice");
  if (b.failed && !paid)
    return FailedPrecondition("not_paid", "only a payment that was made can come back");
  if (b.attempt != payout.attempts + (b.failed ? 0 : 1))
    return FailedPrecondition("attempt_differs", "that is not the attempt it would be");
  const AccountId due = WonOf(partner->number, AccountRole::kDue);
  const AccountId out = WonOf(partner->number, AccountRole::kPaid);
  JANGBU_RETURN_IF_ERROR(
      Post(e, {{b.failed ? TransferCode::kPayoutFailed : TransferCode::kPayoutPaid,
                b.failed ? out : due, b.failed ? due : out, kAssetWon, b.amount_won}}));
  payout.attempts = b.attempt;
  payout.state = b.failed ? PayoutState::kFailed : PayoutState::kPaid;
  payout.reference = b.reference;
  return OkStatus();
}

// ---- documents ----

const std::vector<DocumentFacts>* Books::FactsOf(uint64_t token) const {
  const auto facts = facts_.find(token);
  return facts == facts_.end() ? nullptr : &facts->second;
}

DocumentFacts* Books::FindFacts(const Owner& document) {
  const auto facts = facts_.find(document.token);
  if (facts == facts_.end() || document.ordinal >= facts->second.size()) return nullptr;
  return &facts->second[document.ordinal];
}

PartnerRecord* Books::PartnerOfBatch(uint64_t token) {
  const auto batch = batches_.find(token);
  if (batch == batches_.end()) return nullptr;
  return partners_[uploads_.at(batch->second.upload_token).partner - 1].get();
}

WaitingDocument* Books::FindWaiting(PartnerRecord& partner, const Owner& document) {
  const auto found =
      std::find_if(partner.waiting_decided.begin(), partner.waiting_decided.end(),
                   [&](const WaitingDocument& waiting) {
                     return waiting.document == document && !waiting.adjustment.has_value();
                   });
  return found == partner.waiting_decided.end() ? nullptr : &*found;
}

Status Books::ApplyBody(const Entry& e, const Withdrawn& b) {
  PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  if (b.withdrawal != partner->withdrawals.size() + 1 || b.ranges.empty())
    return Contradiction(e, "withdrawals are numbered without gaps and name documents");
  int64_t documents = 0;
  int64_t tokens = 0;
  int64_t words = 0;
  int64_t waiting = 0;
  Owner last;
  for (const DocumentRange& range : b.ranges) {
    const std::vector<DocumentFacts>* facts = FactsOf(range.token);
    if (facts == nullptr || PartnerOfBatch(range.token) != partner || range.count == 0 ||
        range.first >= facts->size() || range.count > facts->size() - range.first) {
      return NotFound("no_such_document", "there is no such document");
    }
    const Owner first{.token = range.token, .ordinal = range.first};
    if (documents > 0 && first <= last) return Contradiction(e, "its documents do not ascend");
    last = {.token = range.token, .ordinal = range.first + range.count - 1};
    for (uint32_t i = range.first; i < range.first + range.count; ++i) {
      const DocumentFacts& document = (*facts)[i];
      if (document.withdrawn)
        return FailedPrecondition("already_withdrawn", "a document of it is withdrawn already");
      ++documents;
      if (!document.credits || document.lot != 0) continue;
      ++waiting;
      tokens += document.provisional_tokens;
      words += document.provisional_words;
    }
  }
  if (documents != b.documents || tokens != b.provisional_korean_tokens ||
      words != b.provisional_korean_words) {
    return Contradiction(e, "its sums are not those of its documents");
  }
  const uint32_t n = partner->number;
  JANGBU_RETURN_IF_ERROR(Post(e, {{TransferCode::kProvisionalWithdrawn,
                                   AccountOf(n, AccountRole::kProvisional, kAssetKoreanTokens),
                                   ProgrammeOf(kAssetKoreanTokens), kAssetKoreanTokens, tokens},
                                  {TransferCode::kProvisionalWithdrawn,
                                   AccountOf(n, AccountRole::kProvisional, kAssetKoreanWords),
                                   ProgrammeOf(kAssetKoreanWords), kAssetKoreanWords, words}}));
  // From here on they are withdrawn. What a lot credited goes out with the next one.
  credit_moved_ = e.seq;
  std::set<Owner> unsettled;
  for (const DocumentRange& range : b.ranges) {
    std::vector<DocumentFacts>& facts = facts_.at(range.token);
    for (uint32_t i = range.first; i < range.first + range.count; ++i) {
      DocumentFacts& document = facts[i];
      document.withdrawn = true;
      if (!document.credits) continue;
      const Owner owner{.token = range.token, .ordinal = i};
      if (document.lot == 0) {
        unsettled.insert(owner);
      } else {
        partner->waiting_decided.push_back(
            {.document = owner,
             .provisional_korean_tokens = document.provisional_tokens,
             .provisional_korean_words = document.provisional_words,
             .item_korean_tokens = -int64_t{document.item_tokens},
             .item_korean_words = -int64_t{document.item_words},
             .adjustment = AdjustmentKind::kWithdrawn});
      }
      document.item_tokens = 0;
      document.item_words = 0;
    }
  }
  std::erase_if(partner->waiting_decided, [&](const WaitingDocument& document) {
    return !document.adjustment.has_value() && unsettled.contains(document.document);
  });
  if (waiting > 0) {
    partner->waiting_history.emplace_back(e.at, partner->waiting_history.back().second - waiting);
  }
  partner->withdrawals.push_back({.number = b.withdrawal,
                                  .seq = e.seq,
                                  .at = e.at,
                                  .documents = documents,
                                  .ranges = b.ranges});
  return OkStatus();
}

void Books::MoveCredit(PartnerRecord& partner, const Owner& document, int64_t tokens, int64_t words,
                       AdjustmentKind kind) {
  DocumentFacts& facts = *FindFacts(document);
  facts.item_tokens = static_cast<uint32_t>(facts.item_tokens + tokens);
  facts.item_words = static_cast<uint32_t>(facts.item_words + words);
  if (facts.lot == 0) {
    WaitingDocument& waiting = *FindWaiting(partner, document);
    waiting.item_korean_tokens += tokens;
    waiting.item_korean_words += words;
    return;
  }
  // One adjustment of a kind for a document: what comes later is added to it.
  for (WaitingDocument& waiting : partner.waiting_decided) {
    if (waiting.document == document && waiting.adjustment == kind) {
      waiting.item_korean_tokens += tokens;
      waiting.item_korean_words += words;
      return;
    }
  }
  // Only what the partner may feel counts for the size of a lot.
  const bool felt = kind == AdjustmentKind::kRecounted;
  partner.waiting_decided.push_back({.document = document,
                                     .provisional_korean_tokens = felt ? facts.korean_tokens : 0,
                                     .provisional_korean_words = felt ? facts.korean_words : 0,
                                     .item_korean_tokens = tokens,
                                     .item_korean_words = words,
                                     .adjustment = kind});
}

Status Books::ApplyBody(const Entry& e, const Succession& b) {
  if (!open_run_.has_value() || b.run != open_run_->run)
    return Contradiction(e, "there is no such run");
  if (b.heirs.empty()) return Contradiction(e, "nobody succeeds");
  Owner last;
  for (const Succession::Heir& heir : b.heirs) {
    const DocumentFacts* facts = FindFacts(heir.document);
    if (facts == nullptr || !facts->credits || !facts->decided || facts->withdrawn)
      return Contradiction(e, "an heir is no document that offers its text");
    if (&heir != b.heirs.data() && heir.document <= last)
      return Contradiction(e, "heirs do not ascend");
    last = heir.document;
    // A second copy of its own offered nothing while the first one stood.
    if (heir.korean_tokens > int64_t{facts->korean_tokens} - facts->item_tokens ||
        heir.korean_words > int64_t{facts->korean_words} - facts->item_words) {
      return Contradiction(e, "an heir is credited for more than it holds");
    }
  }
  credit_moved_ = e.seq;
  for (const Succession::Heir& heir : b.heirs) {
    MoveCredit(*PartnerOfBatch(heir.document.token), heir.document, heir.korean_tokens,
               heir.korean_words, AdjustmentKind::kSucceeded);
  }
  return OkStatus();
}

// ---- claims ----

const ClaimRecord* Books::FindClaim(const PartnerRecord& partner, uint32_t number) const {
  return number < 1 || number > partner.claims.size() ? nullptr : &partner.claims[number - 1];
}

Status Books::ApplyBody(const Entry& e, const ClaimOpened& b) {
  PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  const KeyRecord* by = FindKey(b.by);
  if (by == nullptr || by->revoked_at.has_value())
    return FailedPrecondition("no_such_key", "the acting key is not in force");
  const DocumentFacts* facts = FindFacts(b.document);
  if (facts == nullptr || PartnerOfBatch(b.document.token) != partner)
    return NotFound("no_such_document", "there is no such document");
  if (!facts->credits || facts->withdrawn) {
    return FailedPrecondition("not_claimable",
                              "a claim is about a text of one's own that stands for credit");
  }
  if (b.claim != partner->claims.size() + 1)
    return Contradiction(e, "claims are numbered without gaps");
  for (const ClaimRecord& claim : partner->claims) {
    const bool open = claim.state == ClaimState::kOpen || claim.state == ClaimState::kDecided;
    if (open && claim.document == b.document)
      return AlreadyExists("claim_open", "a claim about this document is open");
  }
  if (b.holder.has_value()) {
    const DocumentFacts* holder = FindFacts(*b.holder);
    if (holder == nullptr || !holder->credits || PartnerOfBatch(b.holder->token) == partner)
      return Contradiction(e, "the holder is no document of another partner");
  }
  ClaimRecord record;
  record.partner = partner->number;
  record.number = b.claim;
  record.document = b.document;
  record.holder = b.holder;
  record.opened = {.key_id = b.by, .person = by->person, .at = e.at};
  partner->claims.push_back(std::move(record));
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const ClaimDecided& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, false));
  const auto number = partner_numbers_.find(b.partner);
  if (number == partner_numbers_.end())
    return NotFound("no_such_partner", "there is no partner " + b.partner);
  PartnerRecord& partner = *partners_[number->second - 1];
  if (FindClaim(partner, b.claim) == nullptr)
    return NotFound("no_such_claim", "there is no such claim");
  ClaimRecord& claim = partner.claims[b.claim - 1];
  if (claim.state != ClaimState::kOpen && claim.state != ClaimState::kDecided)
    return FailedPrecondition("claim_settled", "the claim is settled");
  claim.state = ClaimState::kDecided;
  claim.granted = b.granted;
  claim.decided = std::move(act);
  return OkStatus();
}

StatusOr<ClaimSettled> Books::SettlementOf(const PartnerRecord& partner, uint32_t number) const {
  const ClaimRecord* claim = FindClaim(partner, number);
  if (claim == nullptr) return NotFound("no_such_claim", "there is no such claim");
  if (claim->state != ClaimState::kDecided) {
    return FailedPrecondition("claim_not_decided",
                              "a claim is settled once a person has decided it, by another one");
  }
  ClaimSettled settled;
  settled.claim = number;
  settled.granted = claim->granted;
  settled.held_won = claim->held_won;
  if (!claim->granted || !claim->holder.has_value()) return settled;
  const DocumentFacts& own = facts_.at(claim->document.token)[claim->document.ordinal];
  const DocumentFacts& theirs = facts_.at(claim->holder->token)[claim->holder->ordinal];
  if (!own.decided || own.withdrawn) {
    return FailedPrecondition(
        "claim_undecided", own.withdrawn ? "the claimant has withdrawn the text: refuse the claim"
                                         : "the next confirmation run comes first");
  }
  // A re-count or a succession may have credited it for more than it offered.
  const auto moved = [](uint32_t there, uint32_t offered, uint32_t credited) {
    return offered > credited ? int64_t{std::min(there, offered - credited)} : 0;
  };
  settled.korean_tokens = moved(theirs.item_tokens, own.provisional_tokens, own.item_tokens);
  settled.korean_words = moved(theirs.item_words, own.provisional_words, own.item_words);
  return settled;
}

Status Books::ApplyBody(const Entry& e, const ClaimSettled& b) {
  PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, false));
  JANGBU_ASSIGN_OR_RETURN(ClaimSettled expected, SettlementOf(*partner, b.claim));
  ClaimRecord& claim = partner->claims[b.claim - 1];
  if (SamePerson(act.person, claim.decided->person)) return SamePersonRefused(*claim.decided);
  expected.by = b.by;
  if (expected != b) return Contradiction(e, "it is not what was decided");
  PartnerRecord* holder = claim.holder.has_value() ? PartnerOfBatch(claim.holder->token) : nullptr;
  if (b.held_won > 0) {
    JANGBU_CHECK(holder != nullptr);
    JANGBU_RETURN_IF_ERROR(
        Post(e, {{b.granted ? TransferCode::kHeldAwarded : TransferCode::kHeldReleased,
                  WonOf(holder->number, AccountRole::kHeld),
                  WonOf(b.granted ? partner->number : holder->number, AccountRole::kPayable),
                  kAssetWon, b.held_won}}));
  }
  if (b.korean_tokens > 0 || b.korean_words > 0) {
    credit_moved_ = e.seq;
    MoveCredit(*holder, *claim.holder, -b.korean_tokens, -b.korean_words,
               AdjustmentKind::kClaimLost);
    MoveCredit(*partner, claim.document, b.korean_tokens, b.korean_words,
               AdjustmentKind::kClaimWon);
  }
  claim.state = b.granted ? ClaimState::kGranted : ClaimState::kRefused;
  claim.held_won = 0;
  claim.settled = std::move(act);
  return OkStatus();
}

// ---- corrections ----

Status Books::ApplyBody(const Entry& e, const CorrectionProposed& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, false));
  if (FindPartner(b.partner) == nullptr)
    return NotFound("no_such_partner", "there is no partner " + b.partner);
  if (b.correction != corrections_.size() + 1)
    return Contradiction(e, "corrections are numbered without gaps");
  if (b.won == 0 || b.won == INT64_MIN || b.reason.empty() || b.reason.size() > kReasonBytesMax) {
    return InvalidArgument("bad_correction", "a correction moves won and says why");
  }
  const auto close = closes_.find(b.about);
  if (close == closes_.end() || close->second.state != CloseState::kPosted) {
    return FailedPrecondition(
        "close_not_posted", "a correction is about a posted period; a draft is cancelled instead");
  }
  CorrectionRecord record;
  record.proposal = b;
  record.proposed = std::move(act);
  corrections_.push_back(std::move(record));
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const CorrectionDecided& b) {
  const PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, false));
  if (b.correction < 1 || b.correction > corrections_.size())
    return NotFound("no_such_correction", "there is no such correction");
  CorrectionRecord& record = corrections_[b.correction - 1];
  if (record.state != DecisionState::kProposed)
    return FailedPrecondition("correction_decided", "the correction is decided already");
  if (record.proposal.partner != e.partner || record.proposal.won != b.won ||
      record.proposal.about != b.about) {
    return Contradiction(e, "it is not what was proposed");
  }
  if (b.approved) {
    if (SamePerson(act.person, record.proposed.person)) return SamePersonRefused(record.proposed);
    const AccountId payable = WonOf(partner->number, AccountRole::kPayable);
    if (b.won < 0 &&
        BalanceOf(partner->number, AccountRole::kPayable, kAssetWon, std::nullopt) < -b.won) {
      return FailedPrecondition("exceeds_payable", "less than that is payable to the partner now");
    }
    JANGBU_RETURN_IF_ERROR(Post(
        e,
        {{TransferCode::kCorrection, b.won > 0 ? ProgrammeOf(kAssetWon) : payable,
          b.won > 0 ? payable : ProgrammeOf(kAssetWon), kAssetWon, b.won > 0 ? b.won : -b.won}}));
  }
  record.state = b.approved ? DecisionState::kApproved : DecisionState::kRefused;
  record.decided = std::move(act);
  return OkStatus();
}

// ---- digest ----

Digest Books::StateDigest() const {
  ByteWriter w;
  w.U64(size_);
  w.I64(last_time_.micros);
  w.Raw(ledger_->StateDigest());
  w.Raw(entitlements_->StateDigest());
  for (const PolicyRecord& record : policies_) {
    w.U32(record.version);
    w.I64(record.effective_from.micros);
    w.U8(static_cast<uint8_t>(record.state));
    WritePolicy(w, record.policy);
  }
  for (const auto& [id, key] : keys_) {
    w.String(id);
    w.String(key.person);
    w.Raw(key.secret_mac);
    w.I64(key.revoked_at.value_or(Timestamp{}).micros);
  }
  for (const auto& [period, close] : closes_) {
    w.U32(period);
    w.U8(static_cast<uint8_t>(close.state));
    w.I64(close.figures.revenue_won);
    for (const ShareLine& line : close.shares) {
      w.String(line.partner);
      w.I64(line.weight);
      w.I64(line.share_won);
      w.I64(line.held_won);
      w.I64(line.payout_won);
    }
    for (const auto& [partner, payout] : close.payouts) {
      w.String(partner);
      w.I64(payout.amount_won);
      w.U8(static_cast<uint8_t>(payout.state));
      w.U32(payout.attempts);
    }
  }
  for (const auto& partner : partners_) {
    w.String(partner->id);
    w.U8(partner->member ? 1 : 0);
    w.I64(partner->member_threshold);
    w.I64(partner->carry_tokens);
    w.I64(partner->carry_words);
    for (const auto& [rate, bill] : partner->bills) {
      w.U32(rate);
      w.I64(bill.tokens);
      w.I64(bill.won);
    }
    for (const ClaimRecord& claim : partner->claims) {
      w.U8(static_cast<uint8_t>(claim.state));
      w.I64(claim.held_won);
    }
    for (const WaitingDocument& waiting : partner->waiting_decided) {
      w.U64(waiting.document.token);
      w.U32(waiting.document.ordinal);
      w.I64(waiting.item_korean_tokens);
      w.I64(waiting.item_korean_words);
      w.U8(waiting.adjustment.has_value() ? static_cast<uint8_t>(*waiting.adjustment) : 0);
    }
  }
  for (const auto& [token, facts] : facts_) {
    w.U64(token);
    for (const DocumentFacts& document : facts) {
      w.U32(document.item_tokens);
      w.U32(document.item_words);
      w.U32(document.lot);
      w.U8(static_cast<uint8_t>((document.decided ? 1 : 0) | (document.withdrawn ? 2 : 0)));
    }
  }
  for (const RecountRecord& recount : recounts_) {
    w.U8(static_cast<uint8_t>(recount.state));
    for (const auto& [token, items] : recount.items) {
      w.U64(token);
      w.U64(items.size());
    }
  }
  return Sha256({"jangbu books state v1\n", w.bytes()});
}

}  // namespace jangbu::ledger
