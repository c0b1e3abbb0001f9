#pragma once

// Blobs on a RocksDB instance of their own. Staged chunks live apart from text, because they come
// in megabytes and all go again; both keep large values in blob files, which are deleted when
// nothing in them is live.
//
//     family "names"            kind(u8) token(u64) ordinal(u64) -> size(u64)
//     family "staging", "data"  token(u64) kind(u8) ordinal(u64) -> bytes check(16)
//
//     check = XXH3-128 of (kind token ordinal ‖ XXH3-128 of the bytes ‖ size): finds damage.
//             Forgery is found by whoever opens the seal.
//
// All integers big-endian. Names list without touching bytes; bytes lie in the order of tokens,
// which grow, so that merging moves files instead of rewriting them.

#include <cstdint>
#include <memory>
#include <string>

#include "base/blob_store.h"

namespace jangbu::services {

struct RocksBlobStoreOptions {
  // Of staging and of data; up to three of each are in use.
  size_t write_buffer_bytes = size_t{64} << 20;
  size_t block_cache_bytes = size_t{64} << 20;
  // Staged bytes that may be deleted before their files are given back in the background.
  uint64_t reclaim_after_bytes = uint64_t{256} << 20;
};

// Thread-safe. After a failed write every call says Unavailable("blobs_broken") until it is opened
// again.
class RocksBlobStore final : public BlobStore {
 public:
  // Opens or creates the store in directory `dir`, whose parent exists.
  // Unavailable("storage_locked"), DataLoss("blobs_damaged").
  static StatusOr<std::unique_ptr<RocksBlobStore>> Open(const std::string& dir,
                                                        const RocksBlobStoreOptions& options = {});
  ~RocksBlobStore() override;

  Status Put(std::span<const BlobPut> blobs) override;
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const BlobName> names) override;
  Status Delete(std::span<const BlobName> names) override;
  Status DeleteAll(BlobKind kind, uint64_t token) override;
  StatusOr<std::vector<Listed>> List(BlobKind kind, uint64_t token, uint64_t from,
                                     size_t max) override;
  StatusOr<std::vector<uint64_t>> ListTokens(BlobKind kind, std::optional<uint64_t> after,
                                             size_t max) override;

  // Gives the space of everything deleted back to the file system now. Rewrites what lives beside
  // it: slow.
  Status Reclaim();

  // A number that grows with every durable change and is found again on opening: a smaller one
  // means that changes were lost.
  uint64_t Position() const;

  // Makes a copy that shares files by hard links where it can in `dir`, which does not exist.
  Status Checkpoint(const std::string& dir);

 private:
  struct State;
  explicit RocksBlobStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services
