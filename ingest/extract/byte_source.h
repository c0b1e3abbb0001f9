#pragma once

// Where the bytes of an uploaded file come from, one after the other.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/status.h"

namespace jangbu::ingest {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Writes up to `n` bytes to `out` and says how many; 0 is the end, and stays so. Fewer than `n`
  // are no end. An error is the source's own (a disk, a network), never a matter of what the bytes
  // are.
  //
  // REQUIRES: n > 0.
  virtual StatusOr<size_t> Read(char* out, size_t n) = 0;
};

// Bytes in memory, which must outlive it. Gives at most `chunk` at a time.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes, size_t chunk = SIZE_MAX)
      : rest_(bytes), chunk_(chunk) {}

  StatusOr<size_t> Read(char* out, size_t n) override {
    const size_t size = std::min({n, chunk_, rest_.size()});
    std::memcpy(out, rest_.data(), size);
    rest_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view rest_;
  size_t chunk_;
};

}  // namespace jangbu::ingest
