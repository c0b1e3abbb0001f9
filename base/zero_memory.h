#pragma once

// Memory that is all zeros at first, for tables and large arrays: what is not touched costs
// nothing, and 2 MiB or more is asked for in large pages (a page fault for 2 MiB instead of 512,
// where the system has them; a hint, never needed). Movable, not copyable. Thread-compatible.

#include <cstddef>
#include <memory>

namespace jangbu {

class ZeroMemory {
 public:
  static constexpr size_t kAlignment = 64;

  ZeroMemory() = default;
  // Throws std::bad_alloc, as operator new does. Aligned to kAlignment; to 2 MiB from there on.
  explicit ZeroMemory(size_t bytes);

  void* data() const { return data_; }  // nullptr when made without a size

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> owned_;
  void* data_ = nullptr;
};

}  // namespace jangbu
