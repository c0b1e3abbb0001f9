#include "ledger/policy.h"

#include <charconv>
#include <functional>

#include "ledger/rational.h"
#include "ledger/role.h"

namespace jangbu::ledger {
namespace {

constexpr size_t kStepsMax = 64;

struct Range {
  const char* name;
  int64_t Policy::*field;
  int64_t min;
  int64_t max;
};
// In the order of storing and showing. Limits keep every product below in 127 bits.
constexpr int64_t kLarge = 1'000'000'000'000'000;
constexpr Range kFirst[] = {
    {"membership_threshold_words", &Policy::membership_threshold_words, 0, kLarge},
    {"grain", &Policy::grain, 1, 1'000'000'000},
    {"lot_documents_min", &Policy::lot_documents_min, 1, kLarge},
    {"lot_tokens_min", &Policy::lot_tokens_min, 1, kLarge},
    {"lot_document_share_percent_max", &Policy::lot_document_share_percent_max, 1, 100},
    {"entitlement_numerator", &Policy::entitlement_numerator, 0, 1'000'000'000},
    {"entitlement_denominator", &Policy::entitlement_denominator, 1, 1'000'000'000}};
constexpr Range kRest[] = {{"pool_share_basis_points", &Policy::pool_share_basis_points, 0, 10'000},
                           {"minimum_payout_won", &Policy::minimum_payout_won, 0, kLarge},
                           {"entitlement_days", &Policy::entitlement_days, 0, 36'500},
                           {"price_won", &Policy::price_won, 0, 1'000'000'000},
                           {"price_tokens", &Policy::price_tokens, 1, 1'000'000'000},
                           {"vat_basis_points", &Policy::vat_basis_points, 0, 10'000}};

constexpr const char* kBasisNames[] = {"", "korean_tokens", "korean_words"};

Status Bad(const std::string& what) { return InvalidArgument("bad_policy", what); }
Status BadField(std::string_view name, const std::string& what) {
  return InvalidArgument("bad_policy_field", std::string(name) + ": " + what);
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string StepsText(const std::vector<DiscountStep>& steps) {
  std::string text;
  for (const DiscountStep& step : steps) {
    if (!text.empty()) text += ",";
    text += std::to_string(step.words) + ":" + std::to_string(step.basis_points);
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Status CheckPolicy(const Policy& policy) {
  const auto check = [&policy](const Range& range) -> Status {
    const int64_t value = policy.*range.field;
    if (value >= range.min && value <= range.max) return OkStatus();
    return Bad(std::string(range.name) + " is " + std::to_string(value) + "; it lies between " +
               std::to_string(range.min) + " and " + std::to_string(range.max));
  };
  for (const Range& range : kFirst) JANGBU_RETURN_IF_ERROR(check(range));
  for (const Range& range : kRest) JANGBU_RETURN_IF_ERROR(check(range));
  if (policy.entitlement_numerator > policy.entitlement_denominator * 1'000)
    return Bad("the entitlement rate is above 1000 API tokens a word");
  if (policy.discounts.size() > kStepsMax) return Bad("discounts has more than 64 steps");
  int64_t words = -1;
  int64_t points = -1;
  for (const DiscountStep& step : policy.discounts) {
    if (step.words <= words || step.basis_points <= points || step.basis_points > 10'000) {
      return Bad("discounts must grow in words and in basis points, up to 10000");
    }
    words = step.words;
    points = step.basis_points;
  }
  return OkStatus();
}

int64_t DiscountOf(const Policy& policy, int64_t words) {
  int64_t points = 0;
  for (const DiscountStep& step : policy.discounts) {
    if (words >= step.words) points = step.basis_points;
  }
  return points;
}

std::optional<int64_t> BillOf(const Policy& policy, int64_t discount_basis_points, int64_t tokens) {
  return MulDivFloor(tokens, policy.price_won * (10'000 - discount_basis_points),
                     policy.price_tokens * 10'000);
}

std::vector<PolicyField> FieldsOf(const Policy& policy) {
  std::vector<PolicyField> fields;
  for (const Range& range : kFirst)
    fields.push_back({range.name, std::to_string(policy.*range.field)});
  fields.push_back(
      {"entitlement_basis", kBasisNames[static_cast<size_t>(policy.entitlement_basis)]});
  fields.push_back({"weight_basis", kBasisNames[static_cast<size_t>(policy.weight_basis)]});
  for (const Range& range : kRest)
    fields.push_back({range.name, std::to_string(policy.*range.field)});
  fields.push_back({"discounts", StepsText(policy.discounts)});
  return fields;
}

Status SetField(Policy& policy, std::string_view name, std::string_view value) {
  const auto set = [&](const Range& range) -> Status {
    const std::optional<int64_t> number = Number(value);
    if (!number.has_value() || *number < range.min || *number > range.max) {
      return BadField(name, "a whole number from " + std::to_string(range.min) + " to " +
                                std::to_string(range.max) + " is needed");
    }
    policy.*range.field = *number;
    return OkStatus();
  };
  for (const Range& range : kFirst)
    if (name == range.name) return set(range);
  for (const Range& range : kRest)
    if (name == range.name) return set(range);
  if (name == "entitlement_basis" || name == "weight_basis") {
    Basis& basis = name == "weight_basis" ? policy.weight_basis : policy.entitlement_basis;
    for (const Basis choice : {Basis::kKoreanTokens, Basis::kKoreanWords}) {
      if (value == kBasisNames[static_cast<size_t>(choice)]) {
        basis = choice;
        return OkStatus();
      }
    }
    return BadField(name, "korean_tokens or korean_words is needed");
  }
  if (name == "discounts") {
    std::vector<DiscountStep> steps;
    std::string_view rest = value == "none" ? "" : value;
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      const std::string_view step = rest.substr(0, comma);
      const size_t colon = step.find(':');
      const auto words =
          colon == std::string_view::npos ? std::nullopt : Number(step.substr(0, colon));
      const auto points =
          colon == std::string_view::npos ? std::nullopt : Number(step.substr(colon + 1));
      if (!words.has_value() || !points.has_value() || *words < 0 || *points < 0) {
        return BadField(name, "steps are WORDS:BASIS_POINTS, separated by commas, or none");
      }
      steps.push_back({*words, *points});
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
    policy.discounts = std::move(steps);
    return CheckPolicy(policy);
  }
  return BadField(name, "there is no such field; jangbu policy show lists them");
}

void WritePolicy(ByteWriter& w, const Policy& policy) {
  for (const Range& range : kFirst) w.SignedVarint(policy.*range.field);
  w.U8(static_cast<uint8_t>(policy.entitlement_basis));
  w.U8(static_cast<uint8_t>(policy.weight_basis));
  for (const Range& range : kRest) w.SignedVarint(policy.*range.field);
  w.Varint(policy.discounts.size());
  for (const DiscountStep& step : policy.discounts) {
    w.SignedVarint(step.words);
    w.SignedVarint(step.basis_points);
  }
}

void ReadPolicy(ByteReader& r, Policy& policy) {
  for (const Range& range : kFirst) policy.*range.field = r.SignedVarint();
  for (Basis* basis : {&policy.entitlement_basis, &policy.weight_basis}) {
    const uint8_t v = r.U8();
    if (v < 1 || v > 2) r.MarkBad();
    *basis = v == 2 ? Basis::kKoreanWords : Basis::kKoreanTokens;
  }
  for (const Range& range : kRest) policy.*range.field = r.SignedVarint();
  policy.discounts.resize(r.Count(2));
  for (DiscountStep& step : policy.discounts) {
    step.words = r.SignedVarint();
    step.basis_points = r.SignedVarint();
  }
}

bool SamePerson(std::string_view a, std::string_view b) {
  const auto next = [](std::string_view text, size_t& at) -> int {
    while (at < text.size() && text[at] == ' ') ++at;
    if (at == text.size()) return -1;
    const char c = text[at++];
    return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  };
  size_t i = 0;
  size_t j = 0;
  while (true) {
    const int x = next(a, i);
    if (x != next(b, j)) return false;
    if (x < 0) return true;
  }
}

}  // namespace jangbu::ledger
