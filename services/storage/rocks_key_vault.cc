#include "services/storage/rocks_key_vault.h"

#include <fcntl.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "services/storage/files.h"
#include "services/storage/rocks_common.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kDamaged = "vault_damaged";
constexpr std::string_view kBroken = "vault_broken";
constexpr size_t kNameBytes = 13;
constexpr size_t kCheckBytes = 8;

using NameKey = std::array<char, kNameBytes>;

NameKey KeyOf(const VaultName& name) {
  NameKey key;
  key[0] = static_cast<char>(name.kind);
  StoreBigEndian<uint64_t>(name.id, key.data() + 1);
  StoreBigEndian<uint32_t>(name.ordinal, key.data() + 9);
  return key;
}

rocksdb::Slice ToSlice(const NameKey& key) { return {key.data(), key.size()}; }

std::array<char, kCheckBytes> CheckOf(const NameKey& key, std::string_view wrapped) {
  std::array<char, kCheckBytes> out;
  const XXH64_hash_t name = XXH3_64bits(key.data(), key.size());
  StoreBigEndian<uint64_t>(XXH3_64bits_withSeed(wrapped.data(), wrapped.size(), name), out.data());
  return out;
}

std::string Describe(const VaultName& name) {
  return "key kind " + std::to_string(static_cast<int>(name.kind)) + " id " +
         std::to_string(name.id) + " ordinal " + std::to_string(name.ordinal);
}

bool HoldsValues(const std::string& path) {
  return path.ends_with(".sst") || path.ends_with(".log");
}

// Overwrites a file that nobody else links to with zeros, as far as it can.
void Overwrite(const std::string& path) {
  struct stat info {};
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  if (::fstat(fd, &info) == 0 && info.st_nlink == 1) {
    const std::string zeros(size_t{1} << 18, '\0');
    auto left = static_cast<uint64_t>(info.st_size);
    while (left > 0) {
      const ssize_t n = ::write(fd, zeros.data(), std::min<uint64_t>(left, zeros.size()));
      if (n <= 0) break;
      left -= static_cast<uint64_t>(n);
    }
    ::fdatasync(fd);
  }
  ::close(fd);
}

// A file system on which the bytes of a deleted file are gone.
class OverwritingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "JangbuOverwritingFileSystem"; }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (HoldsValues(path)) Overwrite(path);
    return FileSystemWrapper::DeleteFile(path, options, debug);
  }
};

rocksdb::Env* OverwritingEnv() {
  static rocksdb::Env* const env = rocksdb::NewCompositeEnv(std::make_shared<OverwritingFileSystem>(
                                                                rocksdb::FileSystem::Default()))
                                       .release();
  return env;
}

rocksdb::DBOptions DbOptions() {
  rocksdb::DBOptions options = CommonDbOptions();
  options.env = OverwritingEnv();
  options.WAL_ttl_seconds = 0;
  options.WAL_size_limit_MB = 0;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions() {
  rocksdb::ColumnFamilyOptions family = CommonFamilyOptions();
  family.write_buffer_size = size_t{16} << 20;
  // Small files, because erasing one key rewrites the file it is in.
  family.target_file_size_base = uint64_t{4} << 20;
  family.max_bytes_for_level_base = uint64_t{64} << 20;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = rocksdb::NewLRUCache(size_t{32} << 20);
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

struct Range {
  NameKey first;
  NameKey last;
};

}  // namespace

struct RocksKeyVault::State {
  State(OpenDb opened, std::string directory)
      : open(std::move(opened)), dir(std::move(directory)) {}

  rocksdb::DB* db() { return open.db.get(); }

  // Makes what was deleted in `ranges` leave every file. REQUIRES: erase_mutex is held; a deletion
  // was written just now, so the memory table is not empty and flushing turns the log over.
  Status Expunge(const std::vector<Range>& ranges);
  // Waits until the directory holds no file with values that is not in use.
  Status AwaitRemoval();

  OpenDb open;
  const std::string dir;
  Fuse fuse{kBroken};
  std::mutex erase_mutex;
};

Status RocksKeyVault::State::Expunge(const std::vector<Range>& ranges) {
  constexpr std::string_view kFailed = "erase_failed";
  JANGBU_RETURN_IF_ERROR(
      FromRocks(db()->Flush(rocksdb::FlushOptions()), "flushing " + dir, kDamaged, kFailed));
  rocksdb::CompactRangeOptions how;
  how.exclusive_manual_compaction = true;
  how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (const Range& range : ranges) {
    const rocksdb::Slice first = ToSlice(range.first);
    const rocksdb::Slice last = ToSlice(range.last);
    JANGBU_RETURN_IF_ERROR(
        FromRocks(db()->CompactRange(how, &first, &last), "rewriting " + dir, kDamaged, kFailed));
  }
  return AwaitRemoval();
}

Status RocksKeyVault::State::AwaitRemoval() {
  constexpr std::string_view kFailed = "erase_failed";
  std::string lingering;
  for (int attempt = 0; attempt < 200; ++attempt) {
    // Removes what fell away in this thread; what another thread is removing is waited for.
    JANGBU_RETURN_IF_ERROR(FromRocks(db()->DisableFileDeletions(), dir, kDamaged, kFailed));
    JANGBU_RETURN_IF_ERROR(FromRocks(db()->EnableFileDeletions(true), dir, kDamaged, kFailed));
    std::set<std::string> live;
    std::vector<rocksdb::LiveFileMetaData> tables;
    db()->GetLiveFilesMetaData(&tables);
    for (const rocksdb::LiveFileMetaData& table : tables) live.insert(table.relative_filename);
    rocksdb::VectorLogPtr logs;
    JANGBU_RETURN_IF_ERROR(FromRocks(db()->GetSortedWalFiles(logs), dir, kDamaged, kFailed));
    for (const auto& log : logs)
      live.insert(log->PathName().substr(log->PathName().rfind('/') + 1));
    JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListTree(dir));
    const auto dead = std::find_if(files.begin(), files.end(), [&](const std::string& file) {
      std::error_code ignored;
      return HoldsValues(file) && !live.contains(file) &&
             std::filesystem::file_size(dir + "/" + file, ignored) > 0;  // the log in use, at first
    });
    if (dead == files.end()) return SyncDirectory(dir);
    lingering = *dead;
    std::this_thread::sleep_for(std::chrono::milliseconds(attempt < 20 ? 1 : 50));
  }
  return Unavailable(kFailed,
                     dir + " still holds " + lingering + ", which should be gone; call again");
}

RocksKeyVault::RocksKeyVault(std::unique_ptr<State> state) : state_(std::move(state)) {}
RocksKeyVault::~RocksKeyVault() = default;

StatusOr<std::unique_ptr<RocksKeyVault>> RocksKeyVault::Open(const std::string& dir) {
  JANGBU_ASSIGN_OR_RETURN(OpenDb open,
                          OpenRocks(dir, DbOptions(), {{"default", FamilyOptions()}}, kDamaged));
  return std::unique_ptr<RocksKeyVault>(
      new RocksKeyVault(std::make_unique<State>(std::move(open), dir)));
}

Status RocksKeyVault::Put(std::span<const VaultPut> keys) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  size_t bytes = 0;
  for (const VaultPut& put : keys) {
    if (put.wrapped.size() > kMaxWrappedKeyBytes) {
      return InvalidArgument("wrapped_key_too_large",
                             Describe(put.name) + ": " + std::to_string(put.wrapped.size()) +
                                 " bytes, at most " + std::to_string(kMaxWrappedKeyBytes));
    }
    bytes += put.wrapped.size() + 48;
  }
  if (keys.empty()) return OkStatus();
  rocksdb::WriteBatch batch(bytes, 0, 8, 0);
  rocksdb::Status written;
  for (const VaultPut& put : keys) {
    const NameKey key = KeyOf(put.name);
    const std::array<char, kCheckBytes> check = CheckOf(key, put.wrapped);
    const rocksdb::Slice key_slice = ToSlice(key);
    const std::array<rocksdb::Slice, 2> value = {services::ToSlice(put.wrapped),
                                                 rocksdb::Slice(check.data(), check.size())};
    written = batch.Put(rocksdb::SliceParts(&key_slice, 1), rocksdb::SliceParts(value.data(), 2));
    if (!written.ok()) break;
  }
  if (written.ok()) written = state_->db()->Write(SyncedWrites(), &batch);
  return written.ok() ? OkStatus() : state_->fuse.Blow(written.ToString());
}

StatusOr<std::vector<std::optional<std::string>>> RocksKeyVault::Get(
    std::span<const VaultName> names) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  std::vector<std::optional<std::string>> out(names.size());
  std::vector<NameKey> keys(names.size());
  std::vector<rocksdb::Slice> slices(names.size());
  std::vector<rocksdb::PinnableSlice> values(names.size());
  std::vector<rocksdb::Status> statuses(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    keys[i] = KeyOf(names[i]);
    slices[i] = ToSlice(keys[i]);
  }
  state_->db()->MultiGet(CheckedReads(), state_->open.families[0], names.size(), slices.data(),
                         values.data(), statuses.data(), false);
  for (size_t i = 0; i < names.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    JANGBU_RETURN_IF_ERROR(FromRocks(statuses[i], Describe(names[i]), "key_damaged", kBroken));
    const std::string_view value = ToView(values[i]);
    if (value.size() >= kCheckBytes) {
      const std::string_view wrapped = value.substr(0, value.size() - kCheckBytes);
      const std::array<char, kCheckBytes> check = CheckOf(keys[i], wrapped);
      if (std::memcmp(check.data(), value.data() + wrapped.size(), kCheckBytes) == 0) {
        out[i].emplace(wrapped);
        continue;
      }
    }
    return DataLoss("key_damaged", Describe(names[i]) + " does not read back as written");
  }
  return out;
}

Status RocksKeyVault::Erase(std::span<const VaultName> names) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  if (names.empty()) return OkStatus();
  const std::lock_guard lock(state_->erase_mutex);
  std::vector<VaultName> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());

  rocksdb::WriteBatch batch(sorted.size() * 32, 0, 8, 0);
  std::vector<Range> ranges;  // one for each (kind, id)
  const VaultName* before = nullptr;
  rocksdb::Status written;
  for (const VaultName& name : sorted) {
    const NameKey key = KeyOf(name);
    written = batch.Delete(ToSlice(key));
    if (!written.ok()) break;
    if (before != nullptr && before->kind == name.kind && before->id == name.id) {
      ranges.back().last = key;
    } else {
      ranges.push_back({key, key});
    }
    before = &name;
  }
  if (written.ok()) written = state_->db()->Write(SyncedWrites(), &batch);
  if (!written.ok()) return state_->fuse.Blow(written.ToString());
  // Many scattered ranges cost more than one that spans them.
  constexpr size_t kMaxRanges = 32;
  if (ranges.size() > kMaxRanges) ranges = {{ranges.front().first, ranges.back().last}};
  return state_->Expunge(ranges);
}

Status RocksKeyVault::EraseAll(VaultKind kind, uint64_t id) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  const std::lock_guard lock(state_->erase_mutex);
  const NameKey first = KeyOf({kind, id, 0});
  const NameKey last = KeyOf({kind, id, std::numeric_limits<uint32_t>::max()});
  rocksdb::WriteBatch batch(0, 0, 8, 0);
  rocksdb::Status written = batch.DeleteRange(ToSlice(first), ToSlice(last));
  if (written.ok()) written = batch.Delete(ToSlice(last));  // which the range leaves out
  if (written.ok()) written = state_->db()->Write(SyncedWrites(), &batch);
  if (!written.ok()) return state_->fuse.Blow(written.ToString());
  return state_->Expunge({{first, last}});
}

uint64_t RocksKeyVault::Position() const { return state_->db()->GetLatestSequenceNumber(); }

Status RocksKeyVault::Checkpoint(const std::string& dir) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  const std::lock_guard lock(state_->erase_mutex);
  return CheckpointRocks(state_->db(), dir, "checkpoint_failed");
}

}  // namespace jangbu::services
