#pragma once

// Which keys are surely not in a set: a binary fuse filter with 8-bit fingerprints (Graf and
// Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor Filters", 2022), split by the key's high
// bits into parts of about a million keys, so that building and probing stay near the cache and no
// set is too large.
//
// About 1.13 bytes a key from a few hundred thousand keys on, three memory reads a probe, one
// stranger in 256 passes; a member always does.
//
//   filter = keys:u64 part_bits:u32 part × 2^part_bits table × 2^part_bits
//   part   = seed:u64 segment_length:u32 segments:u32
//   table  = fingerprint:u8 × (segments + 2) · segment_length   (none for a part without segments)
//
// Little-endian; read in place.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace jangbu::ingest {

// A view of encoded bytes, which must outlive it. Immutable, thread-safe, cheap to copy save its
// part table.
class KeyFilter {
 public:
  KeyFilter() = default;  // the empty set

  // Encodes the filter of `keys`: ascending, distinct, below 2^`key_bits`. The same keys give the
  // same bytes anywhere. About 40 ns a key; scratch of 20 MB.
  static std::string Encode(std::span<const uint64_t> keys, int key_bits);

  // DataLoss("filter_malformed") for bytes of the wrong shape; a probe of whatever passes stays
  // inside them.
  static StatusOr<KeyFilter> Parse(std::string_view bytes, int key_bits);

  uint64_t keys() const { return keys_; }

  bool MayContain(uint64_t key) const {
    const Probe p = Locate(key);
    return (p.table[p.at[0]] ^ p.table[p.at[1]] ^ p.table[p.at[2]] ^ p.fingerprint) == 0;
  }

  // Bit i of the result is MayContain(keys[i]). The reads of all keys are under way before the
  // first is needed. REQUIRES: n <= 64.
  uint64_t MayContain(const uint64_t* keys, size_t n) const;

 private:
  struct Part {
    uint64_t seed = 0;
    const uint8_t* table = nullptr;
    uint32_t segment_length = 1;
    uint32_t segment_count_length = 0;
  };
  struct Probe {
    const uint8_t* table;
    uint32_t at[3];
    uint8_t fingerprint;
  };

  static uint64_t Mix(uint64_t key, uint64_t seed) {
    uint64_t x = key ^ seed;
    x *= 0x9E3779B97F4A7C15u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ (x >> 32);
  }
  static void Slots(uint64_t hash, uint32_t segment_length, uint32_t segment_count_length,
                    uint32_t* at) {
    const uint32_t mask = segment_length - 1;
    at[0] = static_cast<uint32_t>((static_cast<uint128>(hash) * segment_count_length) >> 64);
    at[1] = (at[0] + segment_length) ^ (static_cast<uint32_t>(hash >> 18) & mask);
    at[2] = (at[0] + 2 * segment_length) ^ (static_cast<uint32_t>(hash) & mask);
  }
  static uint8_t FingerprintOf(uint64_t hash) { return static_cast<uint8_t>(hash ^ (hash >> 32)); }
  // Fills `part` (its table pointer aside) and the table of `keys`.
  static void BuildPart(std::span<const uint64_t> keys, Part& part, std::vector<uint8_t>& table);

  Probe Locate(uint64_t key) const {
    const Part& part = parts_[part_shift_ < 64 ? key >> part_shift_ : 0];
    const uint64_t hash = Mix(key, part.seed);
    Probe p{part.table, {}, FingerprintOf(hash)};
    Slots(hash, part.segment_length, part.segment_count_length, p.at);
    return p;
  }

  uint64_t keys_ = 0;
  int part_shift_ = 64;
  std::vector<Part> parts_ = std::vector<Part>(1, Part{0, kEmptyTable, 1, 0});

  // What an empty part is read from.
  static const uint8_t kEmptyTable[3];
};

}  // namespace jangbu::ingest
