#pragma once

// Where the thing of an id stands in an array: open addressing with linear probing.
//
// A slot is 8 bytes: 32 bits of the id's hash, and the position plus one (0: empty). The ids
// themselves stay with what they name; whoever asks compares them:
//
//   hash ─► home slot = its upper bits ─► next slots, up to the first empty one, whose hash is
//   equal
//
// At most half of the slots are taken, so a look-up is one cache line, mostly. Slots stand in the
// order of their hashes, wrapping round at the end, so doubling reads and writes straight on.
// Hashes are seeded once a process (absl::Hash): nothing here depends on their order, and who
// chooses ids cannot choose where they go. At most 2^31 entries. Thread-compatible.
//
// Source: Knuth, The Art of Computer Programming 3, section 6.4, algorithms L and R.

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/hash/hash.h"
#include "base/check.h"
#include "base/zero_memory.h"

namespace jangbu::ledger {

class IdIndex {
 public:
  using Hash = uint32_t;

  template <typename Id>
  static Hash HashOf(const Id& id) {
    return static_cast<Hash>(uint64_t{absl::HashOf(id)} >> 32);
  }

  IdIndex() = default;
  IdIndex(IdIndex&& other) noexcept { swap(other); }
  IdIndex& operator=(IdIndex&& other) noexcept {
    IdIndex taken(std::move(other));
    swap(taken);
    return *this;
  }

  // The position with this hash for which `is(position)` is true.
  template <typename Is>
  std::optional<uint64_t> Find(Hash hash, Is is) const {
    if (size_ == 0) return std::nullopt;
    for (uint64_t i = Home(hash); Slots()[i] != 0; i = Next(i)) {
      if (HashIn(Slots()[i]) == hash && is(PositionIn(Slots()[i]))) return PositionIn(Slots()[i]);
    }
    return std::nullopt;
  }
  // A position with this hash, of whatever id: nearly always the one that Find gives. A hint.
  std::optional<uint64_t> Guess(Hash hash) const {
    return Find(hash, [](uint64_t) { return true; });
  }
  // Begins to bring the slots of this hash near. A hint. Inline whatever happens: to a compiler a
  // function that only fetches does nothing, and its calls can go.
  [[gnu::always_inline]] void Prefetch(Hash hash) const {
    if (size_ != 0) __builtin_prefetch(&Slots()[Home(hash)]);
  }

  // REQUIRES: no entry of the same id; its position is in no entry.
  void Insert(Hash hash, uint64_t position) {
    JANGBU_CHECK(position < std::numeric_limits<uint32_t>::max() / 2);
    if (2 * (size_ + 1) > capacity_) Double();
    Put(SlotOf(hash, position));
    ++size_;
  }
  // REQUIRES: Insert(hash, position) was called, and not undone.
  void Erase(Hash hash, uint64_t position) {
    uint64_t hole = Home(hash);
    while (Slots()[hole] != SlotOf(hash, position)) {
      JANGBU_CHECK(Slots()[hole] != 0);
      hole = Next(hole);
    }
    // What was pushed past the hole moves into it, unless its home is after it.
    for (uint64_t i = Next(hole); Slots()[i] != 0; i = Next(i)) {
      const uint64_t from_home = (i - Home(HashIn(Slots()[i]))) & (capacity_ - 1);
      const uint64_t from_hole = (i - hole) & (capacity_ - 1);
      if (from_home < from_hole) continue;
      Slots()[hole] = Slots()[i];
      hole = i;
    }
    Slots()[hole] = 0;
    --size_;
  }

  uint64_t size() const { return size_; }

 private:
  static constexpr uint64_t kCapacityMin = 64;

  static uint64_t SlotOf(Hash hash, uint64_t position) {
    return uint64_t{hash} << 32 | (position + 1);
  }
  static Hash HashIn(uint64_t slot) { return static_cast<Hash>(slot >> 32); }
  static uint64_t PositionIn(uint64_t slot) { return static_cast<uint32_t>(slot) - 1; }

  uint64_t* Slots() const { return static_cast<uint64_t*>(memory_.data()); }
  uint64_t Home(Hash hash) const { return hash >> shift_; }
  uint64_t Next(uint64_t i) const { return (i + 1) & (capacity_ - 1); }

  void Put(uint64_t slot) {
    uint64_t i = Home(HashIn(slot));
    while (Slots()[i] != 0) i = Next(i);
    Slots()[i] = slot;
  }
  void Double() {
    const IdIndex before = std::move(*this);
    capacity_ = before.capacity_ == 0 ? kCapacityMin : 2 * before.capacity_;
    shift_ = 32;
    for (uint64_t n = capacity_; n > 1; n /= 2) --shift_;
    memory_ = ZeroMemory(capacity_ * sizeof(uint64_t));
    size_ = before.size_;
    for (uint64_t i = 0; i < before.capacity_; ++i) {
      if (before.Slots()[i] != 0) Put(before.Slots()[i]);
    }
  }
  void swap(IdIndex& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(capacity_, other.capacity_);
    std::swap(size_, other.size_);
    std::swap(shift_, other.shift_);
  }

  ZeroMemory memory_;
  uint64_t capacity_ = 0;  // a power of two, 2^(32 - shift_)
  uint64_t size_ = 0;
  int shift_ = 32;
};

}  // namespace jangbu::ledger
