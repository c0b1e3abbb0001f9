#pragma once

// What the RocksDB implementations share. Internal to this folder: the only header here that
// includes RocksDB.

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>
#include <rocksdb/table.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::services {

inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Big-endian, so that bytes sort as numbers do.
template <typename T>
void StoreBigEndian(T v, char* out) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<char>(v >> (8 * (sizeof(T) - 1 - i)));
  }
}
template <typename T>
T LoadBigEndian(const char* in) {
  T v = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    v = static_cast<T>((v << 8) | static_cast<uint8_t>(in[i]));
  }
  return v;
}

// The smallest string greater than every string that starts with `prefix`; "" when there is none.
std::string AfterPrefix(std::string prefix);

// Options that every instance has: whole-chain checksums, synced and verified write-ahead logs,
// point-in-time recovery, a quiet info log.
rocksdb::DBOptions CommonDbOptions();
rocksdb::ColumnFamilyOptions CommonFamilyOptions();

// Reads are verified; writes are durable on return.
rocksdb::ReadOptions CheckedReads();
rocksdb::WriteOptions SyncedWrites();

// Corruption is DataLoss(`damaged`), everything else Unavailable(`unavailable`); the message names
// `what`.
Status FromRocks(const rocksdb::Status& status, std::string_view what, std::string_view damaged,
                 std::string_view unavailable);

// Remembers the first failed write of an instance: RocksDB's state after it is unknown, and a
// retried fsync proves nothing, so everything is refused from then on. Thread-safe.
class Fuse {
 public:
  explicit Fuse(std::string_view reason) : reason_(reason) {}
  // OK, or Unavailable(reason).
  Status Check() const;
  // Blows the fuse; returns what Check returns from now on.
  Status Blow(std::string_view why);

 private:
  const std::string reason_;
  mutable std::mutex mutex_;
  std::atomic<bool> blown_{false};
  std::string why_;
};

// An open instance with its families, closed when it dies.
struct OpenDb {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;  // in the order asked for

  OpenDb() = default;
  OpenDb(OpenDb&&) = default;
  OpenDb& operator=(OpenDb&&) = delete;
  ~OpenDb();
};

struct Family {
  std::string name;  // "default" is always the first
  rocksdb::ColumnFamilyOptions options;
};

// Opens or makes the instance in `dir`. Unavailable("storage_locked"), DataLoss(`damaged`).
StatusOr<OpenDb> OpenRocks(const std::string& dir, const rocksdb::DBOptions& options,
                           const std::vector<Family>& families, std::string_view damaged);

// A hard-linked copy of an open instance in `dir`, which does not exist.
Status CheckpointRocks(rocksdb::DB* db, const std::string& dir, std::string_view unavailable);

}  // namespace jangbu::services
