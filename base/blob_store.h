#pragma once

// The blob seam: immutable byte strings under names that are never used twice. Everything put here
// is ciphertext or index data; the store knows neither.

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu {

// What a blob is for. Stored; never renumber.
enum class BlobKind : uint8_t {
  kStaging = 1,  // a chunk of a file as received: token = upload, ordinal = file << 32 | attempt <<
                 // 24 | chunk
  kFile = 2,  // what is known of one staged file: token = upload, ordinal = file × 2 (path), × 2 +
              // 1 (size, digest)
  kText = 3,       // one document: token = batch, ordinal = document
  kAppraisal = 4,  // what a batch's documents are made of, for the confirmation run: token = batch,
                   // ordinal = 0
  kIndex = 5,      // a segment of the run index
  kTokenizer = 6,  // the pinned tokenizer's file, in clear: token = 0, ordinal = 0
  kWithdrawnRuns = 7,  // keyed MACs of a withdrawn document (audit/guard/guard_index.h): token =
                       // batch, ordinal = document << 16 | part
  kAuditReport = 8,    // the report given to a partner, under its key: token = partner, ordinal =
                       // report
  kExposure = 9,       // what keys were shown (audit/guard/exposure_budget.h), no text: token = the
                       // hour, ordinal ascends
};

struct BlobName {
  BlobKind kind = BlobKind::kText;
  uint64_t token = 0;
  uint64_t ordinal = 0;
  auto operator<=>(const BlobName&) const = default;
};

struct BlobPut {
  BlobName name;
  std::string_view bytes;  // at most kMaxBlobBytes
};

inline constexpr size_t kMaxBlobBytes = size_t{80} << 20;

// Thread-safe.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Stores all of `blobs`, durable on return. Create-exclusive: a name that exists with the same
  // bytes is fine (a retry), with other bytes AlreadyExists("blob_exists") and nothing of the call
  // is stored. InvalidArgument
  // ("blob_too_large") beyond kMaxBlobBytes.
  virtual Status Put(std::span<const BlobPut> blobs) = 0;

  // One result for each name, in order; nullopt where there is no such blob.
  // DataLoss("blob_damaged") names a blob that does not read back as written.
  virtual StatusOr<std::vector<std::optional<std::string>>> Get(
      std::span<const BlobName> names) = 0;

  // Removes those that exist, durable on return; idempotent.
  virtual Status Delete(std::span<const BlobName> names) = 0;
  // Removes every blob of (kind, token).
  virtual Status DeleteAll(BlobKind kind, uint64_t token) = 0;

  // Names and sizes under (kind, token) with ordinal >= `from`, ascending, at most `max`.
  struct Listed {
    BlobName name;
    uint64_t size = 0;
  };
  virtual StatusOr<std::vector<Listed>> List(BlobKind kind, uint64_t token, uint64_t from,
                                             size_t max) = 0;

  // Tokens that have at least one blob of `kind`, ascending, strictly after `after`, at most `max`.
  virtual StatusOr<std::vector<uint64_t>> ListTokens(BlobKind kind, std::optional<uint64_t> after,
                                                     size_t max) = 0;
};

}  // namespace jangbu
