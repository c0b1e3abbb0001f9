#pragma once

// Binomial sums as they are defined, and bounds by walking them.

#include <cmath>
#include <cstdint>

namespace jangbu::reference {

inline long double BinomialAtMost(uint64_t hits, uint64_t n, long double p) {
  if (p <= 0) return 1;
  if (p >= 1) return hits == n ? 1 : 0;
  long double sum = 0;
  for (uint64_t k = 0; k <= hits; ++k) {
    long double log_term = 0;
    for (uint64_t i = 1; i <= k; ++i) {
      log_term += std::log(static_cast<long double>(n - k + i) / static_cast<long double>(i));
    }
    log_term += static_cast<long double>(k) * std::log(p) +
                static_cast<long double>(n - k) * std::log1p(-p);
    sum += std::exp(log_term);
  }
  return sum;
}

inline long double UpperBound(uint64_t hits, uint64_t n, long double alpha) {
  if (hits == n) return 1;
  long double low = 0, high = 1;
  for (int i = 0; i < 80; ++i) {
    const long double middle = (low + high) / 2;
    (BinomialAtMost(hits, n, middle) > alpha ? low : high) = middle;
  }
  return low;
}

inline long double LowerBound(uint64_t hits, uint64_t n, long double alpha) {
  if (hits == 0) return 0;
  long double low = 0, high = 1;
  for (int i = 0; i < 80; ++i) {
    const long double middle = (low + high) / 2;
    (1 - BinomialAtMost(hits - 1, n, middle) < alpha ? low : high) = middle;
  }
  return low;
}

}  // namespace jangbu::reference
