#pragma once

// An array that grows and shrinks at its end and never moves an element: pointers and references
// stay valid until the element itself is taken off.
//
//   blocks_  ─► [block 0][block 1] … each of kBlock elements, cut from slabs
//   slabs       as large as everything before together, at most 2 MiB: a small array is small, a
//               large one has its memory in large pages
//
// Index, Append and RemoveLast are O(1). Memory: that of the elements, and at most as much again
// and 2 MiB. Movable, not copyable; a moved-from one is empty. Thread-compatible.

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/zero_memory.h"

namespace jangbu {

template <typename T>
class StableArray {
 public:
  StableArray() = default;
  StableArray(StableArray&& other) noexcept { swap(other); }
  StableArray& operator=(StableArray&& other) noexcept {
    StableArray taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~StableArray() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      while (size_ != 0) RemoveLast();
    }
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // REQUIRES: i < size().
  T& operator[](size_t i) { return blocks_[i / kBlock][i % kBlock]; }
  const T& operator[](size_t i) const { return blocks_[i / kBlock][i % kBlock]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  T& Append(T element) {
    if (size_ == blocks_.size() * kBlock) Grow();
    T* const place = blocks_[size_ / kBlock] + size_ % kBlock;
    std::construct_at(place, std::move(element));
    ++size_;
    return *place;
  }
  // Its memory stays for the next.
  void RemoveLast() {
    JANGBU_CHECK(size_ != 0);
    std::destroy_at(&back());
    --size_;
  }

 private:
  static constexpr size_t kBlock = 128;
  static constexpr size_t kBlocksOfSlabMax = (size_t{2} << 20) / (kBlock * sizeof(T));
  static_assert(alignof(T) <= ZeroMemory::kAlignment);

  void Grow() {
    size_t more = blocks_.empty() ? 1 : blocks_.size();
    if (more > kBlocksOfSlabMax) more = kBlocksOfSlabMax;
    slabs_.emplace_back(more * kBlock * sizeof(T));
    for (size_t i = 0; i < more; ++i)
      blocks_.push_back(static_cast<T*>(slabs_.back().data()) + i * kBlock);
  }
  void swap(StableArray& other) noexcept {
    std::swap(slabs_, other.slabs_);
    std::swap(blocks_, other.blocks_);
    std::swap(size_, other.size_);
  }

  std::vector<ZeroMemory> slabs_;
  std::vector<T*> blocks_;
  size_t size_ = 0;
};

}  // namespace jangbu
