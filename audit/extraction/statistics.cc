#include "audit/extraction/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace jangbu::audit {
namespace {

// ln Γ(x), x >= 1: Stirling's series after moving x up. Right to 1e-15 relative, on any machine.
double LogGamma(double x) {
  double shift = 0;
  while (x < 15) shift += std::log(x++);
  const double y = 1 / (x * x);
  const double series =
      (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188))))) / x;
  return (x - 0.5) * std::log(x) - x + 0.91893853320467274178 + series - shift;
}

// The regularised incomplete beta function I_x(a, b) by Lentz's continued fraction (Press et al.,
// Numerical Recipes, 6.4).
double Fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  if (std::fabs(d) < kTiny) d = kTiny;
  d = 1 / d;
  double h = d;
  for (int m = 1; m < 100'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    if (std::fabs(d) < kTiny) d = kTiny;
    c = 1 + even / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    d = 1 / d;
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    if (std::fabs(d) < kTiny) d = kTiny;
    c = 1 + odd / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    d = 1 / d;
    const double step = d * c;
    h *= step;
    if (std::fabs(step - 1) < 1e-15) break;
  }
  return h;
}

double IncompleteBeta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * Fraction(a, b, x) / a
                                   : 1 - front * Fraction(b, a, 1 - x) / b;
}

// The p at which `falling(p)` passes alpha.
template <typename F>
double Solve(F&& falling, double alpha) {
  double low = 0;
  double high = 1;
  for (int i = 0; i < 200 && high - low > 1e-16 * high; ++i) {
    const double middle = low + (high - low) / 2;
    if (falling(middle) > alpha) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low + (high - low) / 2;
}

}  // namespace

double BinomialAtLeast(uint64_t hits, uint64_t n, double p) {
  JANGBU_CHECK(hits <= n);
  if (hits == 0) return 1;
  return IncompleteBeta(static_cast<double>(hits), static_cast<double>(n - hits) + 1, p);
}

double BinomialAtMost(uint64_t hits, uint64_t n, double p) {
  JANGBU_CHECK(hits <= n);
  if (hits == n) return 1;
  return IncompleteBeta(static_cast<double>(n - hits), static_cast<double>(hits) + 1, 1 - p);
}

double UpperBound(uint64_t hits, uint64_t n, double alpha) {
  JANGBU_CHECK(hits <= n && alpha > 0 && alpha < 1);
  if (hits == n) return 1;
  if (hits == 0) return -std::expm1(std::log(alpha) / static_cast<double>(n));
  return Solve([&](double p) { return BinomialAtMost(hits, n, p); }, alpha);
}

double LowerBound(uint64_t hits, uint64_t n, double alpha) {
  JANGBU_CHECK(hits <= n && alpha > 0 && alpha < 1);
  if (hits == 0) return 0;
  if (hits == n) return std::exp(std::log(alpha) / static_cast<double>(n));
  return Solve([&](double p) { return 1 - BinomialAtLeast(hits, n, p); }, 1 - alpha);
}

Interval2 Overall(std::span<const Stratum> strata, double alpha) {
  Interval2 all{0, 0, 0};
  const double each = alpha / static_cast<double>(std::max<size_t>(1, strata.size()));
  for (const Stratum& s : strata) {
    all.low += s.weight * LowerBound(s.hits, s.n, each);
    all.high += s.weight * UpperBound(s.hits, s.n, each);
    if (s.n > 0) all.rate += s.weight * static_cast<double>(s.hits) / static_cast<double>(s.n);
  }
  all.high = std::min(1.0, all.high);
  return all;
}

Interval2 Difference(uint64_t hits, uint64_t n, uint64_t control_hits, uint64_t control_n,
                     double alpha) {
  const auto rate = [](uint64_t h, uint64_t of) {
    return of == 0 ? 0.0 : static_cast<double>(h) / static_cast<double>(of);
  };
  return {LowerBound(hits, n, alpha / 2) - UpperBound(control_hits, control_n, alpha / 2),
          rate(hits, n) - rate(control_hits, control_n),
          UpperBound(hits, n, alpha / 2) - LowerBound(control_hits, control_n, alpha / 2)};
}

Power PlannedPower(uint64_t n, double alpha, double assumed, double threshold) {
  Power power;
  if (n == 0) return power;
  power.upper_if_none = UpperBound(0, n, alpha);
  power.chance_of_any = -std::expm1(static_cast<double>(n) * std::log1p(-std::min(assumed, 1.0)));
  // The most hits whose bound stays at or below the threshold.
  if (power.upper_if_none > threshold) return power;
  uint64_t low = 0;
  uint64_t high = n;
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    if (UpperBound(middle, n, alpha) <= threshold) {
      low = middle;
    } else {
      high = middle;
    }
  }
  power.chance_below = BinomialAtMost(low, n, assumed);
  return power;
}

double ChanceWithin(uint64_t queries, double p) {
  if (p >= 1) return queries > 0 ? 1 : 0;
  return -std::expm1(static_cast<double>(queries) * std::log1p(-p));
}

uint64_t QueriesFor(double chance, double p) {
  if (p >= 1) return 1;
  if (p <= 0) return std::numeric_limits<uint64_t>::max();
  const double n = std::ceil(std::log1p(-chance) / std::log1p(-p));
  if (!(n < 1.8e19)) return std::numeric_limits<uint64_t>::max();
  return std::max<uint64_t>(1, static_cast<uint64_t>(n));
}

}  // namespace jangbu::audit
