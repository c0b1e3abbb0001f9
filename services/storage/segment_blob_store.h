#pragma once

// Blobs in append-only segment files, each byte written once. What a call puts goes to the end of a
// segment with one write and one fdatasync, together with what others put at the same time; where
// it went is noted in an index (RocksDB, without a log of its own: the segments are its log).
//
//     staging-ID.seg   chunks of uploads: they come in megabytes, and whole segments of them go
//     again data-ID.seg      documents and what is known of files and batches index-ID.seg segments
//     of the run index names/           the index: runs of names -> where their bytes are
//
// A deleted blob's bytes stay in their segment until everything in it is deleted, and it is
// unlinked, or until more than half of it is, and the rest is moved; both in the background.
//
// Damage: every blob carries a checksum over its name, size and bytes, every frame over its header;
// frames are numbered without gaps, so a lost one is noticed when the segments are replayed, and a
// lost end by Position() and the mark. Grammars are at the top of the .cc.

#include <cstdint>
#include <memory>
#include <string>

#include "base/blob_store.h"

namespace jangbu::services {

struct SegmentBlobStoreOptions {
  uint64_t segment_bytes = uint64_t{128} << 20;      // a segment is closed before it grows beyond
  uint64_t index_flush_bytes = uint64_t{256} << 20;  // also the most that is replayed on opening
};

// Thread-safe. After a failed write every call says Unavailable("blobs_broken") until it is opened
// again.
class SegmentBlobStore final : public BlobStore {
 public:
  // Opens or creates the store in directory `dir`, whose parent exists.
  // Unavailable("storage_locked"), DataLoss("blobs_damaged").
  static StatusOr<std::unique_ptr<SegmentBlobStore>> Open(
      const std::string& dir, const SegmentBlobStoreOptions& options = {});
  ~SegmentBlobStore() override;

  Status Put(std::span<const BlobPut> blobs) override;
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const BlobName> names) override;
  Status Delete(std::span<const BlobName> names) override;
  Status DeleteAll(BlobKind kind, uint64_t token) override;
  StatusOr<std::vector<Listed>> List(BlobKind kind, uint64_t token, uint64_t from,
                                     size_t max) override;
  StatusOr<std::vector<uint64_t>> ListTokens(BlobKind kind, std::optional<uint64_t> after,
                                             size_t max) override;

  // Gives the space of everything deleted back to the file system before it returns: moves what
  // lives in segments with anything deleted.
  Status Reclaim();

  // A number that grows with every durable change and is found again on opening: a smaller one
  // means that changes were lost.
  uint64_t Position() const;

  // Makes a copy that shares files by hard links in `dir`, which does not exist. Changes wait
  // meanwhile.
  Status Checkpoint(const std::string& dir);

 private:
  class Impl;
  explicit SegmentBlobStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace jangbu::services
