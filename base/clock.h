#pragma once

// Time, passed in. No library below services reads the wall clock.

#include <compare>
#include <cstdint>

namespace jangbu {

// Microseconds since 1970-01-01T00:00:00Z, leap seconds ignored (as Unix time does).
struct Timestamp {
  int64_t micros = 0;
  auto operator<=>(const Timestamp&) const = default;
};

class Clock {
 public:
  virtual ~Clock() = default;
  // May repeat or step back; who orders entries makes them monotonic. Thread-safe.
  virtual Timestamp Now() = 0;
};

// A source of unpredictable bytes, passed in for the same reason.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  // Fills all of `out`. Thread-safe. Failure is fatal inside: no caller could go on without it.
  virtual void Fill(uint8_t* out, uint64_t size) = 0;
};

}  // namespace jangbu
