#pragma once

// Token counts of words seen, by their bytes. Bounded and exact: an entry holds the whole word, so
// a hit is never a guess; words longer than 28 bytes (a space and nine syllables) are not kept. One
// thread owns a cache.
//
// An entry is 32 bytes: 28 of word, one of length, one of use, two of count. Two entries share a
// cache line; a word lives in its home line or in that line's neighbour, so a look-up touches one
// line and sometimes a second, and the home line can be prefetched as soon as the word is cut.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace jangbu::ingest::tokens {

class CountCache {
 public:
  static constexpr size_t kWordBytesMax = 28;

  // A word as the cache compares it: its bytes, zeros, and its length in byte 28.
  struct Key {
    uint64_t w[4];
  };

  // Rounds `bytes` down to a power of two of at least 4 KiB; memory is taken when touched. 0 makes
  // no cache.
  explicit CountCache(size_t bytes);
  ~CountCache();
  CountCache(const CountCache&) = delete;
  CountCache& operator=(const CountCache&) = delete;

  bool enabled() const { return entries_ != nullptr; }

  // REQUIRES: 1 <= size <= kWordBytesMax; 32 readable bytes at `p`.
  static Key MakeKey(const char* p, size_t size) {
    Key key;
    std::memcpy(key.w, p, 32);
    const Mask& mask = kMasks[size];
    key.w[0] &= mask[0];
    key.w[1] &= mask[1];
    key.w[2] &= mask[2];
    key.w[3] = (key.w[3] & mask[3]) | (static_cast<uint64_t>(size) << 32);
    return key;
  }

  // Index of the home line's first entry.
  size_t Home(const Key& key) const {
    const uint64_t h = Mix(key.w[0] ^ 0x9E3779B97F4A7C15ull, key.w[1] ^ 0xBF58476D1CE4E5B9ull) ^
                       Mix(key.w[2] ^ 0x94D049BB133111EBull, key.w[3] ^ 0xD6E8FEB86659FD93ull);
    return static_cast<size_t>((h * 0x9E3779B97F4A7C15ull) >> shift_) * 2;
  }
  void Prefetch(size_t home) const { __builtin_prefetch(&entries_[home]); }

  // The count kept for `key`, or -1.
  int32_t Find(const Key& key, size_t home) {
    Entry* e = &entries_[home];
    if (Holds(*e, key) || Holds(*++e, key)) return Use(*e);
    if (Empty(*e)) return -1;
    e = &entries_[home ^ 2];
    if (Holds(*e, key) || Holds(*++e, key)) return Use(*e);
    return -1;
  }

  // Keeps `count` for `key`, which Find did not find. REQUIRES: 0 <= count < 2^16.
  void Insert(const Key& key, size_t home, uint32_t count) {
    Entry* const places[4] = {&entries_[home], &entries_[home + 1], &entries_[home ^ 2],
                              &entries_[(home ^ 2) + 1]};
    Entry* victim = nullptr;
    for (Entry* place : places) {
      if (Empty(*place)) {
        victim = place;
        break;
      }
    }
    if (victim == nullptr) {
      // Second chance: the first entry not used since the last round; a round takes all marks away.
      for (Entry* place : places) {
        if ((place->w[3] & kUsed) == 0) {
          victim = place;
          break;
        }
      }
      if (victim == nullptr) {
        for (Entry* place : places) place->w[3] &= ~kUsed;
        victim = places[turn_++ & 3];
      }
    }
    victim->w[0] = key.w[0];
    victim->w[1] = key.w[1];
    victim->w[2] = key.w[2];
    victim->w[3] = key.w[3] | (static_cast<uint64_t>(count) << 48);
  }

  size_t memory_bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t w[4];
  };
  using Mask = std::array<uint64_t, 4>;
  static constexpr uint64_t kUsed = uint64_t{1} << 40;
  static constexpr uint64_t kKeyOfLast = (uint64_t{1} << 40) - 1;
  static constexpr std::array<Mask, kWordBytesMax + 1> kMasks = [] {
    std::array<Mask, kWordBytesMax + 1> masks{};
    for (size_t size = 0; size <= kWordBytesMax; ++size) {
      for (size_t i = 0; i < size; ++i) masks[size][i / 8] |= uint64_t{0xFF} << (8 * (i % 8));
    }
    return masks;
  }();

  static uint64_t Mix(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  static bool Holds(const Entry& e, const Key& key) {
    return ((e.w[0] ^ key.w[0]) | (e.w[1] ^ key.w[1]) | (e.w[2] ^ key.w[2]) |
            ((e.w[3] ^ key.w[3]) & kKeyOfLast)) == 0;
  }
  static bool Empty(const Entry& e) { return (e.w[3] & kKeyOfLast) == 0; }
  static int32_t Use(Entry& e) {
    if ((e.w[3] & kUsed) == 0) e.w[3] |= kUsed;
    return static_cast<int32_t>(e.w[3] >> 48);
  }

  Entry* entries_ = nullptr;
  size_t bytes_ = 0;
  int shift_ = 0;
  uint32_t turn_ = 0;
};

}  // namespace jangbu::ingest::tokens
