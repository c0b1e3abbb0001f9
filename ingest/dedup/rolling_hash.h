#pragma once

// A polynomial hash of a window of code points, moved along a text one code point at a time, under
// a secret of the installation.
//
//   H(c_0 … c_{w-1}) = Σ c_i · B^{w-1-i}  mod 2^61 − 1,   B secret (Karp and Rabin 1987)
//   key              = 40 bits of a secret mixing of H
//
// Two different windows of w code points meet in H with a chance of at most w ÷ 2^61 over the
// choice of B, whoever chose them: unlike arithmetic modulo 2^64, where the Thue–Morse words
// collide for every base. A key still only proposes a candidate; whoever uses one compares the text
// itself. No key leaves the server.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace jangbu::ingest {

inline constexpr int kRunKeyBits = 40;

// Immutable, thread-safe.
class RunHasher {
 public:
  // REQUIRES: at least 32 secret bytes; all of them count.
  explicit RunHasher(std::string_view secret);

  // Tells two secrets apart without giving anything away of them; kept in stored segments.
  uint64_t check() const { return check_; }

  // Moves a window of `width` code points along a text.
  class Roller {
   public:
    Roller(const RunHasher& hasher, size_t width);

    // Starts at the window that begins at `at`.
    void Reset(const char32_t* at) {
      hash_ = 0;
      for (size_t i = 0; i < width_; ++i) {
        hash_ = Reduce(static_cast<uint128>(hash_) * base_ + at[i]);
      }
    }
    // To the next window: `out` was the first code point, `in` follows the last.
    void Step(char32_t out, char32_t in) {
      hash_ = Reduce(static_cast<uint128>(hash_) * base_ +
                     static_cast<uint128>(minus_power_) * out + in);
    }
    // The key of the window, below 2^kRunKeyBits. Equal windows have equal keys.
    uint64_t key() const {
      uint64_t x = (hash_ ^ mix_a_) * mix_b_;
      x ^= x >> 29;
      x *= mix_c_;
      return x >> (64 - kRunKeyBits);
    }

   private:
    size_t width_;
    uint64_t base_, minus_power_, mix_a_, mix_b_, mix_c_;
    uint64_t hash_ = 0;
  };

  // The key of one window.
  uint64_t KeyOf(const char32_t* at, size_t width) const {
    Roller roller(*this, width);
    roller.Reset(at);
    return roller.key();
  }

 private:
  static constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
  // Below 2^61 and equal to `x` modulo the prime; kPrime itself may stand for 0 in between, never
  // in a result. REQUIRES: x < 2^123.
  static uint64_t Reduce(uint128 x) {
    uint64_t r = (static_cast<uint64_t>(x) & kPrime) + static_cast<uint64_t>(x >> 61);
    r = (r & kPrime) + (r >> 61);
    return r >= kPrime ? r - kPrime : r;
  }

  uint64_t check_ = 0;
  uint64_t base_ = 0;
  uint64_t mix_a_ = 0;
  uint64_t mix_b_ = 0;
  uint64_t mix_c_ = 0;
};

}  // namespace jangbu::ingest
