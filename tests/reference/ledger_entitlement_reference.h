#pragma once

// Entitlement as its definition: for each partner a list of grants with a token count in each
// place, sorted anew for every use; every refusal asked, the first in precedence taken. Slow on
// purpose. Makes no transfers.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ledger/entitlement.h"

namespace jangbu::ledger::reference {

class Entitlements {
 public:
  using Out = EntitlementOutcome;
  struct Answer {
    Out outcome = Out::kOk;
    uint64_t amount = 0;
    uint64_t rest = 0;
    uint32_t policy_version = 0;
  };

  void AddPartner(const std::string& name) { partners_[name]; }

  Answer Grant(const std::string& name, const GrantRequest& q, Timestamp at) {
    const Asked asked{"grant", 0, q.amount, q.priority, q.expires_at.micros, 0, q.spendable, 0};
    return Do(name, q.id, asked, [&](Partner& p, std::set<Out>& no) -> Answer {
      if (q.amount == 0) no.insert(Out::kAmountMustNotBeZero);
      if (q.expires_at <= at) no.insert(Out::kExpiryMustBeLater);
      if (int128{turnover_} + q.amount > INT64_MAX) no.insert(Out::kOverflowsEntitlement);
      if (!no.empty()) return {};
      turnover_ += q.amount;
      Lot lot;
      lot.id = q.id;
      lot.priority = q.priority;
      lot.end = q.expires_at;
      lot.spendable = q.spendable;
      lot.granted = q.amount;
      lot.paid_off = std::min(q.amount, p.owed);
      lot.remaining = q.amount - lot.paid_off;
      p.owed -= lot.paid_off;
      p.lots.push_back(lot);
      return {Out::kOk, lot.remaining, lot.paid_off, 0};
    });
  }

  Answer Activate(const std::string& name, const ActivateRequest& q, Timestamp at) {
    const int64_t end = q.expires_at.has_value() ? q.expires_at->micros : -1;
    return Do(name, q.id, {"activate", 0, 0, 0, end, 0, false, 0},
              [&](Partner& p, std::set<Out>& no) -> Answer {
                if (q.expires_at.has_value() && *q.expires_at <= at)
                  no.insert(Out::kExpiryMustBeLater);
                if (!no.empty()) return {};
                Answer answer;
                for (Lot& lot : p.lots) {
                  if (lot.spendable || lot.remaining == 0) continue;
                  lot.spendable = true;
                  if (q.expires_at.has_value()) lot.end = *q.expires_at;
                  answer.amount += lot.remaining;
                }
                return answer;
              });
  }

  Answer Use(const std::string& name, const UsageRequest& q, Timestamp at, bool reserve) {
    const Asked asked{reserve ? "reserve" : "consume",
                      0,
                      q.amount,
                      0,
                      0,
                      q.timeout,
                      q.allow_billable,
                      0};  // the policy is not the caller's: not compared
    return Do(name, q.id, asked, [&](Partner& p, std::set<Out>& no) -> Answer {
      const uint64_t available = Available(p);
      const uint64_t free = std::min(q.amount, available);
      const int128 end = int128{at.micros} + int128{q.timeout} * 1'000'000;
      if (q.amount == 0) no.insert(Out::kAmountMustNotBeZero);
      if (reserve && q.timeout == 0) no.insert(Out::kTimeoutMustNotBeZero);
      if (!reserve && q.timeout != 0) no.insert(Out::kTimeoutReservedForReservation);
      if (q.amount > INT64_MAX || int128{turnover_} + free > INT64_MAX)
        no.insert(Out::kOverflowsEntitlement);
      if (end > INT64_MAX) no.insert(Out::kOverflowsTimeout);
      if (!q.allow_billable && q.amount > available) no.insert(Out::kExceedsAvailable);
      if (!no.empty()) return {};
      turnover_ += free;
      Hold hold{q.id, q.amount, free, q.policy_version, Timestamp{static_cast<int64_t>(end)},
                {},   "open"};
      uint64_t left = free;
      for (Lot* lot : BurnOrder(p)) {
        const uint64_t some = std::min(left, lot->remaining);
        lot->remaining -= some;
        (reserve ? lot->reserved : lot->spent) += some;
        if (some > 0) hold.pieces.emplace_back(lot->id, some);
        left -= some;
      }
      if (reserve) p.holds.push_back(hold);
      return {Out::kOk, free, q.amount - free, q.policy_version};
    });
  }

  Answer Commit(const std::string& name, const CommitRequest& q, Timestamp) {
    return Do(name, q.id, {"commit", q.reservation.low, q.amount, 0, 0, 0, false, 0},
              [&](Partner& p, std::set<Out>& no) -> Answer {
                Hold* hold = FindHold(p, q.reservation);
                if (q.amount == 0) no.insert(Out::kAmountMustNotBeZero);
                const uint64_t amount =
                    q.amount == kAmountAll && hold != nullptr ? hold->amount : q.amount;
                if (hold != nullptr && amount > hold->amount) no.insert(Out::kExceedsReservation);
                RefuseEnded(hold, no);
                if (!no.empty()) return {};
                const uint64_t spent = std::min(amount, hold->free);
                End(p, *hold, spent, "committed");
                return {Out::kOk, spent, amount - spent, hold->policy_version};
              });
  }

  Answer Release(const std::string& name, const ReleaseRequest& q, Timestamp) {
    return Do(name, q.id, {"release", q.reservation.low, 0, 0, 0, 0, false, 0},
              [&](Partner& p, std::set<Out>& no) -> Answer {
                Hold* hold = FindHold(p, q.reservation);
                RefuseEnded(hold, no);
                if (!no.empty()) return {};
                End(p, *hold, 0, "released");
                return {Out::kOk, hold->free, 0, hold->policy_version};
              });
  }

  Answer TakeBack(const std::string& name, const TakeBackRequest& q, Timestamp) {
    return Do(name, q.id, {"take back", 0, q.amount, 0, 0, 0, false, 0},
              [&](Partner& p, std::set<Out>& no) -> Answer {
                if (q.amount == 0) no.insert(Out::kAmountMustNotBeZero);
                if (int128{turnover_} + q.amount > INT64_MAX) no.insert(Out::kOverflowsEntitlement);
                if (!no.empty()) return {};
                turnover_ += q.amount;
                uint64_t left = q.amount;
                const auto take = [&](Lot& lot) {
                  const uint64_t some = std::min(left, lot.remaining);
                  lot.remaining -= some;
                  lot.taken_back += some;
                  left -= some;
                };
                for (Lot& lot : p.lots) {
                  if (!lot.spendable) take(lot);
                }
                for (Lot* lot : BurnOrder(p)) take(*lot);
                p.owed += left;
                return {Out::kOk, q.amount - left, left, 0};
              });
  }

  void Expire(Timestamp now) {
    for (auto& [name, p] : partners_) {
      for (Hold& hold : p.holds) {
        if (hold.state == "open" && hold.end <= now) End(p, hold, 0, "expired");
      }
    }
    for (auto& [name, p] : partners_) {
      for (Lot& lot : p.lots) {
        if (!lot.spendable || lot.ended || lot.end == kNeverExpires || lot.end > now) continue;
        lot.ended = true;
        lot.expired += lot.remaining;
        lot.remaining = 0;
      }
    }
  }

  EntitlementTotals TotalsOf(const std::string& name) const {
    EntitlementTotals t;
    for (const Lot& lot : partners_.at(name).lots) {
      t.granted += lot.granted;
      t.paid_off += lot.paid_off;
      (lot.spendable ? t.available : t.pending) += lot.remaining;
      t.reserved += lot.reserved;
      t.spent += lot.spent;
      t.expired += lot.expired;
      t.taken_back += lot.taken_back;
    }
    t.owed = partners_.at(name).owed;
    return t;
  }

  // Of one grant: what it was, and what of it expired.
  std::pair<uint64_t, uint64_t> ExpiredOf(const std::string& name, OperationId id) const {
    for (const Lot& lot : partners_.at(name).lots) {
      if (lot.id == id) return {lot.granted, lot.expired};
    }
    return {0, 0};
  }

 private:
  // The fields of a request: operation, reservation, amount, priority, expiry, timeout, terms,
  // policy.
  using Asked =
      std::tuple<std::string, uint64_t, uint64_t, uint32_t, int64_t, uint32_t, bool, uint32_t>;
  struct Lot {
    OperationId id;
    uint32_t priority = 0;
    Timestamp end;
    bool spendable = true;
    bool ended = false;
    uint64_t granted = 0, paid_off = 0, remaining = 0, reserved = 0, spent = 0, expired = 0,
             taken_back = 0;
  };
  struct Hold {
    OperationId id;
    uint64_t amount = 0;
    uint64_t free = 0;
    uint32_t policy_version = 0;
    Timestamp end;
    std::vector<std::pair<OperationId, uint64_t>> pieces;
    std::string state;
  };
  struct Partner {
    std::vector<Lot> lots;
    std::vector<Hold> holds;
    std::map<OperationId, std::pair<Asked, Answer>> done;
    uint64_t owed = 0;
  };

  template <typename Body>
  Answer Do(const std::string& name, OperationId id, const Asked& asked, Body body) {
    const auto refuse = [](Out outcome) {
      Answer answer;
      answer.outcome = outcome;
      return answer;
    };
    if (id.is_zero()) return refuse(Out::kIdMustNotBeZero);
    if (!partners_.contains(name)) return refuse(Out::kPartnerNotFound);
    Partner& p = partners_[name];
    if (p.done.contains(id)) {
      const auto& [before, answer] = p.done[id];
      if (std::get<0>(before) != std::get<0>(asked))
        return refuse(Out::kExistsWithDifferentOperation);
      if (std::get<1>(before) != std::get<1>(asked))
        return refuse(Out::kExistsWithDifferentReservation);
      if (std::get<2>(before) != std::get<2>(asked)) return refuse(Out::kExistsWithDifferentAmount);
      if (std::get<3>(before) != std::get<3>(asked))
        return refuse(Out::kExistsWithDifferentPriority);
      if (std::get<4>(before) != std::get<4>(asked)) return refuse(Out::kExistsWithDifferentExpiry);
      if (std::get<5>(before) != std::get<5>(asked))
        return refuse(Out::kExistsWithDifferentTimeout);
      if (before != asked) return refuse(Out::kExistsWithDifferentTerms);
      Answer again = answer;
      again.outcome = Out::kExists;
      return again;
    }
    std::set<Out> no;
    const Answer answer = body(p, no);
    if (!no.empty()) return refuse(*no.begin());
    p.done[id] = {asked, answer};
    return answer;
  }

  static uint64_t Available(const Partner& p) {
    uint64_t sum = 0;
    for (const Lot& lot : p.lots) sum += lot.spendable ? lot.remaining : 0;
    return sum;
  }
  static std::vector<Lot*> BurnOrder(Partner& p) {
    std::vector<Lot*> order;
    for (Lot& lot : p.lots) {
      if (lot.spendable) order.push_back(&lot);
    }
    std::stable_sort(order.begin(), order.end(), [](const Lot* a, const Lot* b) {
      return std::tuple(a->priority, a->end) < std::tuple(b->priority, b->end);
    });
    return order;
  }
  static Hold* FindHold(Partner& p, OperationId id) {
    for (Hold& hold : p.holds) {
      if (hold.id == id) return &hold;
    }
    return nullptr;
  }
  static void RefuseEnded(const Hold* hold, std::set<Out>& no) {
    if (hold == nullptr) no.insert(Out::kReservationNotFound);
    if (hold == nullptr || hold->state == "open") return;
    no.insert(hold->state == "committed"  ? Out::kReservationAlreadyCommitted
              : hold->state == "released" ? Out::kReservationAlreadyReleased
                                          : Out::kReservationExpired);
  }
  static void End(Partner& p, Hold& hold, uint64_t spend, const std::string& state) {
    for (const auto& [lot_id, amount] : hold.pieces) {
      for (Lot& lot : p.lots) {
        if (lot.id != lot_id) continue;
        const uint64_t use = std::min(spend, amount);
        spend -= use;
        lot.reserved -= amount;
        lot.spent += use;
        (lot.ended ? lot.expired : lot.remaining) += amount - use;
      }
    }
    hold.state = state;
  }

  std::map<std::string, Partner> partners_;
  uint64_t turnover_ = 0;
};

}  // namespace jangbu::ledger::reference
