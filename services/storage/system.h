#pragma once

// The world's clock and randomness, for those who are handed a Clock or a RandomSource.

#include "base/clock.h"

namespace jangbu::services {

// CLOCK_REALTIME. Thread-safe.
class SystemClock final : public Clock {
 public:
  Timestamp Now() override;
};

// OpenSSL's generator (seeded by the kernel). Aborts when it fails. Thread-safe.
class OsRandom final : public RandomSource {
 public:
  void Fill(uint8_t* out, uint64_t size) override;
};

}  // namespace jangbu::services
