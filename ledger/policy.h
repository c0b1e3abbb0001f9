#pragma once

// Dated rates and thresholds, and what a call costs under them. A new version is a new entry, never
// an edit. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace jangbu::ledger {

// Stored. Which credit counts.
enum class Basis : uint8_t { kKoreanTokens = 1, kKoreanWords = 2 };

// From so many credited Korean words on, billable use costs so much less.
struct DiscountStep {
  int64_t words = 0;
  int64_t basis_points = 0;
  bool operator==(const DiscountStep&) const = default;
};

// The defaults are those of version 1 on every installation: GENESIS stores the first seven only,
// so no default may ever change.
struct Policy {
  int64_t membership_threshold_words = 100'000'000;
  int64_t grain = 1'000;                // tokens or words in one unit of credit
  int64_t lot_documents_min = 1'000;    // a lot settles from so many documents on …
  int64_t lot_tokens_min = 10'000'000;  // … or from so many provisional Korean tokens on,
  int64_t lot_document_share_percent_max =
      1;  // and no document in it is more than this share of its tokens.
  int64_t entitlement_numerator = 1;  // API tokens per credited word (or token, by the basis)
  int64_t entitlement_denominator = 1;

  Basis entitlement_basis = Basis::kKoreanWords;
  Basis weight_basis = Basis::kKoreanTokens;  // of the revenue share
  int64_t pool_share_basis_points = 1'000;    // of a period's revenue
  std::vector<DiscountStep> discounts = {
      {100'000'000, 500}, {500'000'000, 1'000}, {1'000'000'000, 2'000}};  // ascending
  int64_t minimum_payout_won = 10'000;
  int64_t entitlement_days = 365;  // until a grant expires; 0: never
  int64_t price_won = 1;           // of so many API tokens, before the discount
  int64_t price_tokens = 1'000;
  int64_t vat_basis_points = 1'000;  // shown on statements
  bool operator==(const Policy&) const = default;
};

// InvalidArgument("bad_policy") names the field and its range.
Status CheckPolicy(const Policy& policy);

// The discount of a partner with so many credited words, in basis points.
int64_t DiscountOf(const Policy& policy, int64_t words);

// What `tokens` billable API tokens cost in all at a discount: floor(tokens × price × (1 −
// discount)). A call costs the difference of two such sums, so that cutting one call into many
// changes nothing. nullopt when it does not fit 64 bits.
std::optional<int64_t> BillOf(const Policy& policy, int64_t discount_basis_points, int64_t tokens);

// One line for each value, in a fixed order, for showing and comparing.
struct PolicyField {
  std::string name;
  std::string value;
  bool operator==(const PolicyField&) const = default;
};
std::vector<PolicyField> FieldsOf(const Policy& policy);
// Sets a field from its text. InvalidArgument("bad_policy_field") for a name or value that FieldsOf
// cannot have given.
Status SetField(Policy& policy, std::string_view name, std::string_view value);

// All values: the seven of GENESIS, then the rest (docs/formats.md).
void WritePolicy(ByteWriter& w, const Policy& policy);
void ReadPolicy(ByteReader& r, Policy& policy);

}  // namespace jangbu::ledger
