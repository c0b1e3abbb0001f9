#pragma once

// How long the tests that draw at random go on: by default a little, always from the same seed;
// with
//     JANGBU_SOAK=N JANGBU_SEED=S  crash_test
// N rounds from seed S.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace jangbu::services {

inline uint64_t SoakRounds(uint64_t by_default) {
  const char* const rounds = std::getenv("JANGBU_SOAK");
  return rounds == nullptr ? by_default : std::strtoull(rounds, nullptr, 10);
}

// Printed, so that a failure can be repeated.
inline uint64_t SoakSeed(uint64_t by_default) {
  const char* const chosen = std::getenv("JANGBU_SEED");
  const uint64_t seed = chosen == nullptr ? by_default : std::strtoull(chosen, nullptr, 10);
  std::printf("JANGBU_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace jangbu::services
