#include "services/storage/rocks_common.h"

#include <rocksdb/utilities/checkpoint.h>

#include <utility>

namespace jangbu::services {

std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty()) {
    const auto last = static_cast<uint8_t>(prefix.back());
    if (last != 0xFF) {
      prefix.back() = static_cast<char>(last + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return prefix;
}

rocksdb::DBOptions CommonDbOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.track_and_verify_wals_in_manifest = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.recycle_log_file_num = 0;  // a recycled log would keep old bytes
  options.max_open_files = 1024;
  options.max_background_jobs = 2;
  options.keep_log_file_num = 4;
  options.max_log_file_size = size_t{4} << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.bytes_per_sync = uint64_t{1} << 20;
  return options;
}

rocksdb::ColumnFamilyOptions CommonFamilyOptions() {
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kNoCompression;  // ciphertext and digests do not compress
  options.force_consistency_checks = true;
  options.memtable_protection_bytes_per_key = 8;
  return options;
}

rocksdb::ReadOptions CheckedReads() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

rocksdb::WriteOptions SyncedWrites() {
  rocksdb::WriteOptions options;
  options.sync = true;
  options.protection_bytes_per_key = 8;
  return options;
}

Status FromRocks(const rocksdb::Status& status, std::string_view what, std::string_view damaged,
                 std::string_view unavailable) {
  if (status.ok()) return OkStatus();
  const std::string message = std::string(what) + ": " + status.ToString();
  if (status.IsCorruption()) return DataLoss(damaged, message);
  return Unavailable(unavailable, message);
}

// ---- Fuse ----

Status Fuse::Check() const {
  if (!blown_.load(std::memory_order_acquire)) return OkStatus();
  const std::lock_guard lock(mutex_);
  return Unavailable(reason_,
                     "an earlier write failed (" + why_ + "); open again to find out its outcome");
}

Status Fuse::Blow(std::string_view why) {
  {
    const std::lock_guard lock(mutex_);
    if (!blown_.load(std::memory_order_relaxed)) why_ = why;
    blown_.store(true, std::memory_order_release);
  }
  return Check();
}

// ---- OpenDb ----

OpenDb::~OpenDb() {
  if (db == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* const family : families) db->DestroyColumnFamilyHandle(family);
  db->Close();
}

StatusOr<OpenDb> OpenRocks(const std::string& dir, const rocksdb::DBOptions& options,
                           const std::vector<Family>& families, std::string_view damaged) {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const Family& family : families) descriptors.emplace_back(family.name, family.options);
  rocksdb::DB* db = nullptr;
  OpenDb out;
  const rocksdb::Status opened = rocksdb::DB::Open(options, dir, descriptors, &out.families, &db);
  if (!opened.ok()) {
    const std::string text = opened.ToString();
    if (opened.IsIOError() && text.find("lock") != std::string::npos) {
      return Unavailable("storage_locked", dir + " is open already: " + text);
    }
    // What does not open is not what was closed, whatever RocksDB calls it.
    if (opened.IsIOError() || opened.IsNoSpace())
      return Unavailable("storage_unavailable", dir + ": " + text);
    return DataLoss(damaged, dir + " does not open: " + text);
  }
  out.db.reset(db);
  return out;
}

Status CheckpointRocks(rocksdb::DB* db, const std::string& dir, std::string_view unavailable) {
  rocksdb::Checkpoint* raw = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db, &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  if (status.ok()) status = checkpoint->CreateCheckpoint(dir);
  return FromRocks(status, dir, "checkpoint_damaged", unavailable);
}

}  // namespace jangbu::services
