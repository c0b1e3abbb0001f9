#pragma once

// ★ WHERE REVENUE IS SPLIT: pool × weight ÷ total weight, to the won.
//
// Method: largest remainder (Hamilton's). Everybody gets the floor of the exact quota; the won that
// are left go one each to the largest remainders, equal remainders to the lower partner id. So the
// shares add up to the pool exactly, nobody is off the exact quota by a whole won, and the answer
// does not depend on the order of the input.
//
// A partner recomputes its own share from four published numbers (pool, total weight and the
// cut-off) and its own weight: RecomputeShare.
//
// Pure: no clock, no I/O, no randomness. Amounts are in won, weights in credited tokens (or
// whatever the policy weighs).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/units.h"
#include "ledger/rational.h"

namespace jangbu::ledger {

struct PartnerWeight {
  std::string partner;
  int64_t weight = 0;
};

struct PartnerShare {
  std::string partner;
  int64_t weight = 0;
  Won share;
  // What the floor left: pool × weight mod total weight. Compared with the cut-off, it says who got
  // an extra won.
  int64_t remainder = 0;
  bool extra_won = false;
  bool operator==(const PartnerShare&) const = default;
};

// The last remainder that got an extra won, and whose it was.
struct CutOff {
  int64_t remainder = 0;
  std::string partner;
  bool operator==(const CutOff&) const = default;
};

struct RevenueSplit {
  Won pool;
  int64_t total_weight = 0;
  std::vector<PartnerShare> shares;  // ascending by partner id
  std::optional<CutOff> cut_off;     // nullopt when the floors already add up
  // The whole pool when nobody has weight: it stays for the next period. Else zero.
  Won carried_over;
  bool operator==(const RevenueSplit&) const = default;
};

// The pool of a period: floor(revenue × share).
// InvalidArgument when the revenue is negative ("negative_revenue") or the share is above one
// ("bad_share").
StatusOr<Won> PoolOf(Won revenue, Rational share);

// Splits `pool` in proportion to the weights, which may come in any order. A weight of zero gets
// nothing.
//
// ENSURES:  shares add up to the pool, or there is no weight at all and the pool is carried over.
// InvalidArgument: "negative_pool", "negative_weight", "empty_partner", "duplicate_partner".
// OutOfRange("weights_overflow") when the weights add up to more than 2^63 − 1.
// O(n log n).
StatusOr<RevenueSplit> SplitRevenue(Won pool, std::span<const PartnerWeight> weights);

// What SplitRevenue gave `partner`, from what is published and its own weight alone.
// InvalidArgument("bad_split") when the numbers cannot belong to one split.
StatusOr<Won> RecomputeShare(Won pool, int64_t total_weight, const std::optional<CutOff>& cut_off,
                             std::string_view partner, int64_t weight);

// What is paid out of what a partner is owed, and what stays owed. All of it as soon as it reaches
// the minimum.
struct Payout {
  Won paid;
  Won kept;  // still payable to the partner
  bool operator==(const Payout&) const = default;
};
// REQUIRES: nothing negative.
Payout PayoutOf(Won kept_before, Won share, Won minimum);

// The part of a payout that waits for a claim: ceil(payout × held weight ÷ weight).
// REQUIRES: payout >= 0, 0 <= held <= weight, weight > 0.
Won HeldPart(Won payout, int64_t held_weight, int64_t weight);

}  // namespace jangbu::ledger
