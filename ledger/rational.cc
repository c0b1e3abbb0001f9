#include "ledger/rational.h"

#include <numeric>

#include "base/check.h"

namespace jangbu::ledger {
namespace {

std::optional<int64_t> Narrow(int128 value) {
  if (value < INT64_MIN || value > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace

// A product of two 64-bit numbers is at most 2^126 either way, so nothing here overflows.
std::optional<int64_t> MulDivFloor(int64_t a, int64_t b, int64_t c) {
  JANGBU_CHECK(c > 0);
  const int128 product = int128{a} * b;
  const int128 quotient = product / c;  // towards zero
  return Narrow(product % c < 0 ? quotient - 1 : quotient);
}

std::optional<int64_t> MulDivCeil(int64_t a, int64_t b, int64_t c) {
  JANGBU_CHECK(c > 0);
  const int128 product = int128{a} * b;
  const int128 quotient = product / c;
  return Narrow(product % c > 0 ? quotient + 1 : quotient);
}

StatusOr<Rational> Rational::Make(int64_t numerator, int64_t denominator) {
  if (numerator < 0 || denominator <= 0) {
    return InvalidArgument("bad_rate",
                           "a rate is a fraction of a non-negative and a positive number, not " +
                               std::to_string(numerator) + "/" + std::to_string(denominator));
  }
  const int64_t common = std::gcd(numerator, denominator);
  return Rational(numerator / common, denominator / common);
}

Rational Rational::FromBasisPoints(int64_t basis_points) {
  JANGBU_CHECK(basis_points >= 0);
  return Make(basis_points, 10'000).value();
}

std::string Rational::ToString() const {
  return std::to_string(numerator_) + "/" + std::to_string(denominator_);
}

void Rational::Encode(ByteWriter& out) const {
  out.Varint(static_cast<uint64_t>(numerator_));
  out.Varint(static_cast<uint64_t>(denominator_));
}

Rational Rational::Decode(ByteReader& in) {
  const auto numerator = static_cast<int64_t>(in.Varint());
  const auto denominator = static_cast<int64_t>(in.Varint());
  if (!in.ok()) return Rational();
  const auto rate = Make(numerator, denominator);
  if (!rate.ok() || rate->numerator_ != numerator || rate->denominator_ != denominator) {
    in.MarkBad();
    return Rational();
  }
  return *rate;
}

}  // namespace jangbu::ledger
