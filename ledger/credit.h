#pragma once

// ★ WHERE A DOCUMENT BECOMES CREDIT: lots, grains, carry-overs, membership and entitlement.
//
// A confirmation run has decided, for every waiting document, how much of it is new to everybody
// (its *item*). Credit is given by lots of one partner so that what the partner can learn from it
// is a lot's total, to the grain, and nothing finer. Everything here is a pure function of
// integers.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/key_index.h"
#include "ledger/entry.h"

namespace jangbu::ledger {

// A committed document that no lot has settled yet.
struct WaitingDocument {
  Owner document;  // (batch token, ordinal)
  int64_t provisional_korean_tokens = 0;
  int64_t provisional_korean_words = 0;
  int64_t item_korean_tokens = 0;
  int64_t item_korean_words = 0;
  // Set: a document that an earlier lot settled, whose credit changes by the (signed) items. The
  // partner knows of a withdrawn one, so it counts like any other for the choice; the others must
  // not be felt, so they go with the next lot whatever they are.
  std::optional<AdjustmentKind> adjustment;
};

// Which of `waiting` (one partner's, in journal order) settle now: ascending indices, empty when
// none.
//
// A lot has at least lot_documents_min documents or lot_tokens_min provisional Korean tokens, and
// no document in it is more than lot_document_share_percent_max of its provisional Korean tokens;
// documents too large for the lot wait for a larger one. The choice looks at provisional figures
// alone, which the partner knows anyway: that a lot settles tells nothing about others. `released`:
// an operator settles all that waits, whatever the size (recorded as a disclosure). O(n log n).
std::vector<size_t> ChooseLot(std::span<const WaitingDocument> waiting, const Policy& policy,
                              bool released);

// floor((items + carry) / grain) grains, and what is left over. Items may be negative (reversals);
// grains then round down too, so that carry_after is always in [0, grain).
struct Grains {
  int64_t amount = 0;  // whole grains, in tokens or words
  int64_t carry_after = 0;
};
Grains ToGrains(int64_t items, int64_t carry, int64_t grain);

// API tokens for `words` credited Korean words at the policy's rate, rounded down.
int64_t EntitlementFor(int64_t words, const Policy& policy);

}  // namespace jangbu::ledger
