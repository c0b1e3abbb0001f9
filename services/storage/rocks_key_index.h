#pragma once

// The key index on RocksDB, shaped for many random insertions.
//
// A claimed key goes to a log (one record a call or group of calls, synced) and to a hash table in
// memory. A full table is sorted into a file and handed to RocksDB, and its part of the log is
// dropped: a key costs a filter probe, a table insertion, 40 logged bytes, and its share of sorted
// merging, but no skip list. Opening replays the log of at most two tables.
//
// Concurrent calls are answered in groups: one leader decides and syncs for all that wait, so no
// answer, "taken" included, rests on a claim that is not durable.
//
//     family "keys"   kind(u32) scope(u32) key(16), big-endian -> token(u64) ordinal(u32)
//     family "log"    number(u64, big-endian) -> see rocks_key_index.cc

#include <cstdint>
#include <memory>
#include <string>

#include "base/key_index.h"

namespace jangbu::services {

struct RocksKeyIndexOptions {
  // Keys in the memory table before it becomes a file: about 200 bytes of memory each at the peak
  // (the table, its log, and its sorting), so 400 MB. Fewer make more files and more merging.
  size_t table_keys = size_t{1} << 21;
  size_t block_cache_bytes = size_t{64} << 20;
  // Filters (10 bits a key) stay in memory: 1.25 GB for 10^9 keys.
};

// Thread-safe. After a failed write every call says Unavailable("index_broken") until it is opened
// again.
class RocksKeyIndex final : public KeyIndex {
 public:
  // Opens or creates the index in directory `dir`, whose parent exists.
  // Unavailable("storage_locked"), DataLoss("index_damaged").
  static StatusOr<std::unique_ptr<RocksKeyIndex>> Open(const std::string& dir,
                                                       const RocksKeyIndexOptions& options = {});
  ~RocksKeyIndex() override;

  StatusOr<std::vector<ClaimResult>> Claim(TableId table, uint64_t token,
                                           std::span<const KeyClaim> claims) override;
  StatusOr<std::vector<std::optional<Owner>>> Lookup(TableId table,
                                                     std::span<const Key> keys) override;
  Status Release(TableId table, uint64_t token, std::span<const Key> keys) override;
  StatusOr<std::vector<IndexedKey>> Scan(TableId table, std::optional<Key> after,
                                         size_t max) override;

  // A number that grows with every durable change and is found again on opening: a smaller one
  // means that changes were lost.
  uint64_t Position() const;

  // Makes a copy that shares files by hard links where it can in `dir`, which does not exist.
  Status Checkpoint(const std::string& dir);

 private:
  struct State;
  explicit RocksKeyIndex(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services
