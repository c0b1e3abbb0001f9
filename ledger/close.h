#pragma once

// The close of a period: what is split, what is published of it, and how a partner recomputes its
// own share from what is published. Pure.
//
// Published are commitments in a secret order, the total, and a threshold of remainders: never a
// name, a weight or the remainder of anybody, because pool × weight mod total gives the weight away
// to whoever knows the remainder. The threshold lies at a secret place between the smallest
// remainder that got an extra won and the largest that did not; only when the two are equal (a tie)
// it is their value, and the places of those who won are listed. docs/close-proof.md.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "base/units.h"
#include "ledger/finance_entry.h"
#include "ledger/revenue_split.h"

namespace jangbu::ledger {

// With fewer partners that have weight, no total is published: two could subtract.
inline constexpr size_t kPublishedPartnersMin = 3;

// What a period's pool is and how it divides.
struct CloseFigures {
  Period period = 0;
  uint32_t policy_version = 0;
  int64_t revenue_won = 0;
  int64_t carried_in_won = 0;
  RevenueSplit split;  // of the pool, carried in included; every partner of the period, ascending
};

// The place of each partner's commitment in the published list. REQUIRES: distinct ids.
std::vector<uint32_t> CommitmentPlaces(const Digest& seed, std::span<const PartnerShare> shares);

// Whether a total is published; threshold and ties of a split that has one.
struct PublishedCut {
  bool total = false;
  int64_t threshold = 0;
  std::vector<uint32_t> tied;  // ascending places
};
PublishedCut CutOf(const RevenueSplit& split, Period period, const Digest& seed);

// What a partner at `place` with `weight` gets by the published close.
// FailedPrecondition("no_total") when it publishes none; InvalidArgument("bad_split") when the
// numbers cannot belong to one split.
StatusOr<Won> ShareByPublished(const PublishedClose& published, uint32_t place, int64_t weight);

}  // namespace jangbu::ledger
