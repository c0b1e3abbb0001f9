#include "ledger/credit.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::ledger {

std::vector<size_t> ChooseLot(std::span<const WaitingDocument> waiting, const Policy& policy,
                              bool released) {
  std::vector<size_t> chosen;
  std::vector<size_t> hidden;
  for (size_t i = 0; i < waiting.size(); ++i) {
    const bool felt = !waiting[i].adjustment.has_value() ||
                      *waiting[i].adjustment == AdjustmentKind::kWithdrawn ||
                      *waiting[i].adjustment == AdjustmentKind::kRecounted;
    (felt || released ? chosen : hidden).push_back(i);
  }
  if (released) return chosen;

  // Largest first: whether a document may stay depends only on the total of those not larger than
  // it, so the largest ones leave one by one until the largest that is left is small enough. Equal
  // ones leave together or not at all.
  std::vector<size_t> by_size = chosen;
  std::stable_sort(by_size.begin(), by_size.end(), [&waiting](size_t a, size_t b) {
    return waiting[a].provisional_korean_tokens > waiting[b].provisional_korean_tokens;
  });
  int128 total = 0;
  for (const size_t i : chosen)
    total += static_cast<uint64_t>(waiting[i].provisional_korean_tokens);
  size_t first = 0;
  while (first < by_size.size()) {
    const int64_t largest = waiting[by_size[first]].provisional_korean_tokens;
    if (static_cast<int128>(largest) * 100 <= total * policy.lot_document_share_percent_max) break;
    total -= static_cast<uint64_t>(largest);
    ++first;
  }
  const size_t documents = by_size.size() - first;
  if (static_cast<int64_t>(documents) < policy.lot_documents_min &&
      total < static_cast<uint64_t>(policy.lot_tokens_min))
    return {};
  chosen.assign(by_size.begin() + static_cast<std::ptrdiff_t>(first), by_size.end());
  chosen.insert(chosen.end(), hidden.begin(), hidden.end());
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

Grains ToGrains(int64_t items, int64_t carry, int64_t grain) {
  JANGBU_CHECK(grain > 0);
  int64_t sum = 0;
  const bool overflow = __builtin_add_overflow(items, carry, &sum);
  JANGBU_CHECK(!overflow);
  int64_t rest = sum % grain;
  if (rest < 0) rest += grain;
  return {.amount = sum - rest, .carry_after = rest};
}

int64_t EntitlementFor(int64_t words, const Policy& policy) {
  JANGBU_CHECK(words >= 0 && policy.entitlement_numerator >= 0 &&
               policy.entitlement_denominator > 0);
  const int128 amount =
      static_cast<int128>(words) * policy.entitlement_numerator / policy.entitlement_denominator;
  JANGBU_CHECK(amount <= static_cast<uint64_t>(INT64_MAX));
  return static_cast<int64_t>(amount);
}

}  // namespace jangbu::ledger
