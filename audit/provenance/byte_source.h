#pragma once

// Where the bytes of a model come from: a file, or memory in tests. Positional reads only, so that
// a file of any size is read piece by piece, a file that shrinks meanwhile is an error and not a
// crash (as it would be with a memory map), and pages need not be given back.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace jangbu::audit {

// Thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // What to call it in errors.
  virtual const std::string& name() const = 0;
  virtual uint64_t size() const = 0;
  // Reads exactly `size` bytes from `offset` on into `out`. DataLoss("file_truncated") when the
  // source ends before, Unavailable("file_unreadable") when the system cannot read it.
  virtual Status ReadAt(uint64_t offset, uint64_t size, char* out) const = 0;
  // Says that these bytes will be read soon, so that they are fetched meanwhile. Never fails.
  virtual void Expect(uint64_t offset, uint64_t size) const = 0;
};

// Opens a file for reading. NotFound("file_missing"), Unavailable("file_unreadable"),
// InvalidArgument("file_not_regular"); InvalidArgument("file_sparse") when more than 1 MiB of the
// file has no storage behind it and that is over half of it: a few kilobytes on disk must not cost
// an hour of reading.
StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path);

// Borrows `bytes`.
std::unique_ptr<ByteSource> BytesAsSource(std::string name, std::string_view bytes);

// The whole of a small file. ResourceExhausted("file_too_large") beyond `max`.
StatusOr<std::string> ReadWhole(const std::string& path, uint64_t max);

}  // namespace jangbu::audit
