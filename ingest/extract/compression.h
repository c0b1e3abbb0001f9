#pragma once

// Takes the compression off a file: gzip (RFC 1952) and Zstandard (RFC 8878), of any number of
// members or frames.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/byte_source.h"
#include "ingest/extract/limits.h"
#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

enum class Compression : uint8_t { kNone, kGzip, kZstd };

// "none", "gz", "zst".
std::string_view NameOf(Compression compression);

// By the first bytes, never by name; four are enough.
Compression DetectCompression(std::string_view head);

// Reads a file with its compression taken off, all of it bounded by `limits`. Borrows `source`.
//
// What the world can do to the data (damage, a cut, a bomb) is no Status but a fault: Read then
// gives what came out whole before it, 0 afterwards, and fault() says what was wrong. Not
// thread-safe.
class Peeler {
 public:
  Peeler(ByteSource& source, const ExtractLimits& limits);
  ~Peeler();
  Peeler(const Peeler&) = delete;
  Peeler& operator=(const Peeler&) = delete;

  // As ByteSource::Read.
  StatusOr<size_t> Read(char* out, size_t n);

  // Known after the first Read.
  Compression compression() const { return compression_; }
  const std::optional<Rejection>& fault() const { return fault_; }

 private:
  struct Gzip;
  struct Zstd;

  Status Refill();
  StatusOr<size_t> ReadGzip(char* out, size_t n);
  StatusOr<size_t> ReadZstd(char* out, size_t n);
  size_t Fault(Reason reason, std::string_view what);

  ByteSource& source_;
  const ExtractLimits limits_;
  Compression compression_ = Compression::kNone;
  bool begun_ = false;
  bool source_ended_ = false;
  std::string in_;  // compressed bytes, [in_pos_, in_.size()) unread
  size_t in_pos_ = 0;
  uint64_t consumed_ = 0;  // compressed bytes handed on
  uint64_t produced_ = 0;
  std::unique_ptr<Gzip> gzip_;
  std::unique_ptr<Zstd> zstd_;
  std::optional<Rejection> fault_;
};

}  // namespace jangbu::ingest
