#pragma once

// The revenue split as its definition, with exact fractions and one won at a time. Slow on purpose.

#include <cstdint>
#include <map>
#include <string>

#include "base/bytes.h"

namespace jangbu::ledger::reference {

// pool × weight ÷ total, exactly.
struct Fraction {
  int128 numerator;
  int128 denominator;
};

inline std::map<std::string, int64_t> SplitRevenue(int64_t pool,
                                                   const std::map<std::string, int64_t>& weights) {
  int128 total = 0;
  for (const auto& [partner, weight] : weights) total += weight;
  std::map<std::string, int64_t> shares;
  std::map<std::string, Fraction> rest;  // the quota less the share so far
  int128 given = 0;
  for (const auto& [partner, weight] : weights) {
    shares[partner] = 0;
    if (total == 0) continue;
    // The largest whole number of won that the quota covers, by halving steps.
    const int128 quota = int128{pool} * weight;
    int128 whole = 0;
    for (int128 step = int128{1} << 62; step > 0; step /= 2) {
      if ((whole + step) * total <= quota) whole += step;
    }
    shares[partner] = static_cast<int64_t>(whole);
    rest[partner] = {quota - whole * total, total};
    given += whole;
  }
  while (total > 0 && given < pool) {
    // Of the largest rests the first partner: the map is in order of ids.
    std::string best;
    for (const auto& [partner, fraction] : rest) {
      if (best.empty() || fraction.numerator > rest[best].numerator) best = partner;
    }
    ++shares[best];
    rest[best].numerator -= rest[best].denominator;
    ++given;
  }
  return shares;
}

}  // namespace jangbu::ledger::reference
