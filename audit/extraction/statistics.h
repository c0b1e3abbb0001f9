#pragma once

// Exact bounds on rates, and what may be concluded from counts of hits.
//
// All functions are pure and thread-safe. Probabilities are doubles in [0, 1]; bounds are right to
// 1e-12 (tests/reference/statistics.h sums the definitions).

#include <cstdint>
#include <span>
#include <vector>

namespace jangbu::audit {

// P(X <= hits) and P(X >= hits), X binomial(n, p). REQUIRES: hits <= n.
double BinomialAtMost(uint64_t hits, uint64_t n, double p);
double BinomialAtLeast(uint64_t hits, uint64_t n, double p);

// Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
// binomial" (1934), one-sided: whatever the rate, it lies above the upper (below the lower) bound
// with a chance of at most `alpha`. n = 0: 1 and 0.
double UpperBound(uint64_t hits, uint64_t n, double alpha);
double LowerBound(uint64_t hits, uint64_t n, double alpha);

struct Stratum {
  uint64_t hits = 0;
  uint64_t n = 0;
  double weight = 0;  // its share of the whole; shares sum to 1
};
struct Interval2 {
  double low = 0;
  double rate = 0;
  double high = 1;
  bool operator==(const Interval2&) const = default;
};
// The weighted rate over strata with one-sided bounds: Σ weight · bound at alpha ÷ strata.
Interval2 Overall(std::span<const Stratum> strata, double alpha);

// rate − control rate. Each side at `alpha` ÷ 2 for each of the two.
Interval2 Difference(uint64_t hits, uint64_t n, uint64_t control_hits, uint64_t control_n,
                     double alpha);

struct Power {
  double upper_if_none = 1;  // the upper bound if nothing is found
  double chance_of_any = 0;  // of at least one hit at the true rate `assumed`
  double chance_below = 0;   // that the upper bound ends at or below `threshold`, at `assumed`
};
Power PlannedPower(uint64_t n, double alpha, double assumed, double threshold);

// (n, p)-discoverable extraction (Hayes et al., "Measuring memorization through probabilistic
// discoverable extraction", 2024): the chance that at least one of `queries` samples is the true
// suffix, when one is with chance p; and the fewest queries for a chance of at least `chance`
// (UINT64_MAX when p is 0).
double ChanceWithin(uint64_t queries, double p);
uint64_t QueriesFor(double chance, double p);

}  // namespace jangbu::audit
