#include "ledger/revenue_split.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace jangbu::ledger {
namespace {

// The exact quota pool × weight ÷ total as a whole part and what is left of it, in 128 bits.
struct Quota {
  int64_t floor;
  int64_t remainder;
};

Quota QuotaOf(Won pool, int64_t weight, int64_t total_weight) {
  const int128 product = int128{pool.value()} * weight;
  // weight <= total, so the floor is at most the pool.
  return {static_cast<int64_t>(product / total_weight),
          static_cast<int64_t>(product % total_weight)};
}

// Who gets an extra won before whom.
bool ComesFirst(int64_t remainder_a, std::string_view a, int64_t remainder_b, std::string_view b) {
  return remainder_a != remainder_b ? remainder_a > remainder_b : a < b;
}

}  // namespace

StatusOr<Won> PoolOf(Won revenue, Rational share) {
  if (revenue < Won(0)) {
    return InvalidArgument("negative_revenue",
                           "revenue is " + std::to_string(revenue.value()) + " won");
  }
  if (share > Rational::FromBasisPoints(10'000)) {
    return InvalidArgument("bad_share", "a pool of more than the revenue: " + share.ToString());
  }
  return Won(share.FloorOf(revenue.value()).value());  // at most the revenue
}

StatusOr<RevenueSplit> SplitRevenue(Won pool, std::span<const PartnerWeight> weights) {
  if (pool < Won(0)) {
    return InvalidArgument("negative_pool", "the pool is " + std::to_string(pool.value()) + " won");
  }
  RevenueSplit split;
  split.pool = pool;
  split.shares.reserve(weights.size());
  for (const PartnerWeight& given : weights) {
    if (given.partner.empty())
      return InvalidArgument("empty_partner", "a weight without a partner");
    if (given.weight < 0) {
      return InvalidArgument("negative_weight",
                             given.partner + " weighs " + std::to_string(given.weight));
    }
    if (__builtin_add_overflow(split.total_weight, given.weight, &split.total_weight)) {
      return OutOfRange("weights_overflow", "the weights add up to more than 64 bits hold");
    }
    PartnerShare share;
    share.partner = given.partner;
    share.weight = given.weight;
    split.shares.push_back(std::move(share));
  }
  std::sort(split.shares.begin(), split.shares.end(),
            [](const PartnerShare& a, const PartnerShare& b) { return a.partner < b.partner; });
  for (size_t i = 1; i < split.shares.size(); ++i) {
    if (split.shares[i - 1].partner == split.shares[i].partner) {
      return InvalidArgument("duplicate_partner", split.shares[i].partner + " is listed twice");
    }
  }
  if (split.total_weight == 0) {
    split.carried_over = pool;
    return split;
  }

  Won left = pool;
  for (PartnerShare& share : split.shares) {
    const Quota quota = QuotaOf(pool, share.weight, split.total_weight);
    share.share = Won(quota.floor);
    share.remainder = quota.remainder;
    left -= share.share;
  }
  // The remainders add up to `left` whole won, each less than one: `left` is below the number of
  // partners.
  const auto extras = static_cast<size_t>(left.value());
  JANGBU_CHECK(extras < split.shares.size());
  if (extras > 0) {
    std::vector<size_t> order(split.shares.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(extras - 1), order.end(),
                     [&](size_t a, size_t b) {
                       return ComesFirst(split.shares[a].remainder, split.shares[a].partner,
                                         split.shares[b].remainder, split.shares[b].partner);
                     });
    for (size_t i = 0; i < extras; ++i) {
      split.shares[order[i]].share += Won(1);
      split.shares[order[i]].extra_won = true;
    }
    const PartnerShare& last = split.shares[order[extras - 1]];
    split.cut_off = CutOff{.remainder = last.remainder, .partner = last.partner};
  }

  Won sum;
  for (const PartnerShare& share : split.shares) sum += share.share;
  JANGBU_CHECK(sum == pool);
  return split;
}

StatusOr<Won> RecomputeShare(Won pool, int64_t total_weight, const std::optional<CutOff>& cut_off,
                             std::string_view partner, int64_t weight) {
  if (pool < Won(0) || total_weight < 0 || weight < 0 || weight > total_weight ||
      (cut_off.has_value() && (cut_off->remainder <= 0 || cut_off->remainder >= total_weight))) {
    return InvalidArgument("bad_split",
                           "pool, total weight, cut-off and weight do not belong to one split");
  }
  if (total_weight == 0) return Won(0);
  const Quota quota = QuotaOf(pool, weight, total_weight);
  const bool extra = cut_off.has_value() &&
                     !ComesFirst(cut_off->remainder, cut_off->partner, quota.remainder, partner);
  return Won(quota.floor + (extra ? 1 : 0));
}

Payout PayoutOf(Won kept_before, Won share, Won minimum) {
  JANGBU_CHECK(kept_before >= Won(0) && share >= Won(0) && minimum >= Won(0));
  const Won owed = kept_before + share;
  if (owed < minimum) return {.paid = Won(0), .kept = owed};
  return {.paid = owed, .kept = Won(0)};
}

Won HeldPart(Won payout, int64_t held_weight, int64_t weight) {
  JANGBU_CHECK(payout >= Won(0) && held_weight >= 0 && held_weight <= weight && weight > 0);
  return Won(MulDivCeil(payout.value(), held_weight, weight).value());  // at most the payout
}

}  // namespace jangbu::ledger
