#pragma once

// Exact rates, and division that says how it rounds. No floating point, no overflow that goes
// unseen.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace jangbu::ledger {

// floor(a × b ÷ c) and ceil(a × b ÷ c) with a 128-bit product: towards −∞ and towards +∞, negative
// results too. REQUIRES: c > 0. nullopt when the result does not fit 64 bits.
std::optional<int64_t> MulDivFloor(int64_t a, int64_t b, int64_t c);
std::optional<int64_t> MulDivCeil(int64_t a, int64_t b, int64_t c);

// A rate: numerator over denominator in lowest terms, never negative. One rate has one form: 2/4 is
// 1/2.
class Rational {
 public:
  constexpr Rational() = default;  // zero
  // InvalidArgument("bad_rate") when the numerator is negative or the denominator is not positive.
  static StatusOr<Rational> Make(int64_t numerator, int64_t denominator);
  // Hundredths of a percent: 250 is 2.5 %. REQUIRES: not negative.
  static Rational FromBasisPoints(int64_t basis_points);

  constexpr int64_t numerator() const { return numerator_; }
  constexpr int64_t denominator() const { return denominator_; }

  // The rate of `amount`, rounded to a whole number; nullopt when it does not fit 64 bits.
  std::optional<int64_t> FloorOf(int64_t amount) const {
    return MulDivFloor(amount, numerator_, denominator_);
  }
  std::optional<int64_t> CeilOf(int64_t amount) const {
    return MulDivCeil(amount, numerator_, denominator_);
  }

  friend constexpr bool operator==(const Rational&, const Rational&) = default;
  friend constexpr std::strong_ordering operator<=>(const Rational& a, const Rational& b) {
    return int128{a.numerator_} * b.denominator_ <=> int128{b.numerator_} * a.denominator_;
  }

  // "3/7".
  std::string ToString() const;

  // numerator:varint denominator:varint. Decoding marks the reader bad when the two are not in
  // lowest terms.
  void Encode(ByteWriter& out) const;
  static Rational Decode(ByteReader& in);

 private:
  constexpr Rational(int64_t numerator, int64_t denominator)
      : numerator_(numerator), denominator_(denominator) {}

  int64_t numerator_ = 0;
  int64_t denominator_ = 1;
};

}  // namespace jangbu::ledger
