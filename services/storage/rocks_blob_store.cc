#include "services/storage/rocks_blob_store.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/check.h"
#include "services/storage/rocks_common.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kDamaged = "blobs_damaged";
constexpr std::string_view kBroken = "blobs_broken";
constexpr size_t kStoredKeyBytes = 17;
constexpr size_t kCheckBytes = 16;
constexpr size_t kStripes = 64;

using StoredKey = std::array<char, kStoredKeyBytes>;

StoredKey NameKey(const BlobName& name) {
  StoredKey key;
  key[0] = static_cast<char>(name.kind);
  StoreBigEndian<uint64_t>(name.token, key.data() + 1);
  StoreBigEndian<uint64_t>(name.ordinal, key.data() + 9);
  return key;
}

StoredKey DataKey(const BlobName& name) {
  StoredKey key;
  StoreBigEndian<uint64_t>(name.token, key.data());
  key[8] = static_cast<char>(name.kind);
  StoreBigEndian<uint64_t>(name.ordinal, key.data() + 9);
  return key;
}

rocksdb::Slice ToSlice(const StoredKey& key) { return {key.data(), key.size()}; }

std::array<char, kCheckBytes> CheckOf(const BlobName& name, std::string_view bytes) {
  std::array<char, kStoredKeyBytes + kCheckBytes + 8> what;
  const StoredKey key = NameKey(name);
  std::memcpy(what.data(), key.data(), key.size());
  XXH128_canonicalFromHash(reinterpret_cast<XXH128_canonical_t*>(what.data() + kStoredKeyBytes),
                           XXH3_128bits(bytes.data(), bytes.size()));
  StoreBigEndian<uint64_t>(bytes.size(), what.data() + kStoredKeyBytes + kCheckBytes);
  XXH128_canonical_t check;
  XXH128_canonicalFromHash(&check, XXH3_128bits(what.data(), what.size()));
  std::array<char, kCheckBytes> out;
  std::memcpy(out.data(), check.digest, out.size());
  return out;
}

std::string Describe(const BlobName& name) {
  return "blob kind " + std::to_string(static_cast<int>(name.kind)) + " token " +
         std::to_string(name.token) + " ordinal " + std::to_string(name.ordinal);
}

Status Damaged(const BlobName& name, std::string_view why) {
  return DataLoss("blob_damaged", Describe(name) + " " + std::string(why));
}

rocksdb::ColumnFamilyOptions NamesFamily() {
  rocksdb::ColumnFamilyOptions family = CommonFamilyOptions();
  family.write_buffer_size = size_t{8} << 20;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = rocksdb::NewLRUCache(size_t{8} << 20);
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(4096, 2048));
  return family;
}

rocksdb::ColumnFamilyOptions BytesFamily(const RocksBlobStoreOptions& options,
                                         const std::shared_ptr<rocksdb::Cache>& cache,
                                         uint64_t min_blob) {
  rocksdb::ColumnFamilyOptions family = CommonFamilyOptions();
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 3;
  family.enable_blob_files = true;
  family.min_blob_size = min_blob;
  family.blob_file_size = uint64_t{64} << 20;  // the unit in which space comes back
  family.enable_blob_garbage_collection = true;
  family.target_file_size_base = uint64_t{64} << 20;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = cache;
  table.block_size = size_t{16} << 10;
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(4096, 2048));
  return family;
}

}  // namespace

struct RocksBlobStore::State {
  State(OpenDb opened, const RocksBlobStoreOptions& opts)
      : open(std::move(opened)), options(opts) {}
  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    if (reclaimer.joinable()) reclaimer.join();
  }

  rocksdb::DB* db() { return open.db.get(); }
  rocksdb::ColumnFamilyHandle* names() { return open.families[1]; }
  rocksdb::ColumnFamilyHandle* family_of(BlobKind kind) {
    return open.families[kind == BlobKind::kStaging ? 2 : 3];
  }
  std::mutex& stripe(size_t i) { return stripes[i]; }
  static size_t StripeOf(const BlobName& name) {
    const StoredKey key = NameKey({name.kind, name.token, 0});
    return XXH3_64bits(key.data(), key.size()) % kStripes;
  }

  Status Write(rocksdb::WriteBatch& batch) {
    const rocksdb::Status written = db()->Write(SyncedWrites(), &batch);
    return written.ok() ? OkStatus() : fuse.Blow(written.ToString());
  }
  Status Compact(rocksdb::ColumnFamilyHandle* family, bool force_blobs);
  void ReclaimLoop();
  void CountDeleted(uint64_t bytes);

  OpenDb open;
  const RocksBlobStoreOptions options;
  Fuse fuse{kBroken};
  std::array<std::mutex, kStripes> stripes;  // create-exclusive: held from the look to the write

  std::mutex mutex;
  std::condition_variable wake;
  uint64_t staged_deleted = 0;  // since the last reclaim; guarded by mutex
  bool stopping = false;        // guarded by mutex
  std::thread reclaimer;
};

Status RocksBlobStore::State::Compact(rocksdb::ColumnFamilyHandle* family, bool force_blobs) {
  rocksdb::Status status = db()->Flush(rocksdb::FlushOptions(), family);
  if (status.ok()) {
    rocksdb::CompactRangeOptions how;
    how.exclusive_manual_compaction = false;
    how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    if (force_blobs) {
      how.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
      how.blob_garbage_collection_age_cutoff = 1.0;
    }
    status = db()->CompactRange(how, family, nullptr, nullptr);
  }
  return FromRocks(status, "reclaiming space", kDamaged, "reclaim_failed");
}

void RocksBlobStore::State::ReclaimLoop() {
  std::unique_lock lock(mutex);
  while (true) {
    while (staged_deleted < options.reclaim_after_bytes && !stopping) wake.wait(lock);
    if (stopping) return;
    staged_deleted = 0;
    lock.unlock();
    // Rewrites references only; a blob file goes when its last one does. A failure shows again in
    // the next write.
    Compact(family_of(BlobKind::kStaging), false).IgnoreError();
    lock.lock();
  }
}

void RocksBlobStore::State::CountDeleted(uint64_t bytes) {
  const std::lock_guard lock(mutex);
  staged_deleted += bytes;
  if (staged_deleted >= options.reclaim_after_bytes) wake.notify_all();
}

RocksBlobStore::RocksBlobStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
RocksBlobStore::~RocksBlobStore() = default;

StatusOr<std::unique_ptr<RocksBlobStore>> RocksBlobStore::Open(
    const std::string& dir, const RocksBlobStoreOptions& options) {
  rocksdb::DBOptions db_options = CommonDbOptions();
  db_options.max_total_wal_size = uint64_t{512} << 20;
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  JANGBU_ASSIGN_OR_RETURN(OpenDb open,
                          OpenRocks(dir, db_options,
                                    {{"default", CommonFamilyOptions()},
                                     {"names", NamesFamily()},
                                     {"staging", BytesFamily(options, cache, 0)},
                                     {"data", BytesFamily(options, cache, uint64_t{32} << 10)}},
                                    kDamaged));
  auto state = std::make_unique<State>(std::move(open), options);
  State* const raw = state.get();
  state->reclaimer = std::thread([raw] { raw->ReclaimLoop(); });
  return std::unique_ptr<RocksBlobStore>(new RocksBlobStore(std::move(state)));
}

Status RocksBlobStore::Put(std::span<const BlobPut> blobs) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  if (blobs.empty()) return OkStatus();
  size_t bytes = 0;
  std::set<size_t> stripes;
  for (const BlobPut& put : blobs) {
    if (put.bytes.size() > kMaxBlobBytes) {
      return InvalidArgument("blob_too_large",
                             Describe(put.name) + ": " + std::to_string(put.bytes.size()) +
                                 " bytes, at most " + std::to_string(kMaxBlobBytes));
    }
    bytes += put.bytes.size() + 128;
    stripes.insert(State::StripeOf(put.name));
  }
  std::vector<std::unique_lock<std::mutex>>
      locks;  // ascending, so no two callers wait for each other
  locks.reserve(stripes.size());
  for (const size_t stripe : stripes) locks.emplace_back(state_->stripe(stripe));

  // In the order of names, equal names side by side.
  std::vector<uint32_t> order(blobs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return blobs[a].name < blobs[b].name; });
  std::vector<BlobName> names;
  std::vector<uint32_t> first;  // of each name
  for (const uint32_t i : order) {
    if (!names.empty() && names.back() == blobs[i].name) {
      if (blobs[first.back()].bytes == blobs[i].bytes) continue;
      return AlreadyExists("blob_exists",
                           Describe(blobs[i].name) + " is given twice, with other bytes");
    }
    names.push_back(blobs[i].name);
    first.push_back(i);
  }

  std::vector<StoredKey> keys(names.size());
  std::vector<rocksdb::Slice> slices(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    keys[i] = NameKey(names[i]);
    slices[i] = ToSlice(keys[i]);
  }
  std::vector<rocksdb::PinnableSlice> sizes(names.size());
  std::vector<rocksdb::Status> statuses(names.size());
  state_->db()->MultiGet(CheckedReads(), state_->names(), names.size(), slices.data(), sizes.data(),
                         statuses.data(), true);

  rocksdb::WriteBatch batch(bytes, 0, 8, 0);
  for (size_t i = 0; i < names.size(); ++i) {
    const BlobPut& put = blobs[first[i]];
    if (statuses[i].ok()) {
      JANGBU_ASSIGN_OR_RETURN(const auto stored, Get({&put.name, 1}));
      if (stored[0].has_value() && *stored[0] == put.bytes) continue;
      return AlreadyExists("blob_exists", Describe(put.name) + " holds other bytes");
    }
    if (!statuses[i].IsNotFound())
      return FromRocks(statuses[i], Describe(put.name), kDamaged, kBroken);
    char size[8];
    StoreBigEndian<uint64_t>(put.bytes.size(), size);
    const std::array<char, kCheckBytes> check = CheckOf(put.name, put.bytes);
    const StoredKey key = DataKey(put.name);
    const rocksdb::Slice key_slice = ToSlice(key);
    const std::array<rocksdb::Slice, 2> value = {services::ToSlice(put.bytes),
                                                 rocksdb::Slice(check.data(), check.size())};
    rocksdb::Status added =
        batch.Put(state_->names(), slices[i], rocksdb::Slice(size, sizeof(size)));
    if (added.ok()) {
      added = batch.Put(state_->family_of(put.name.kind), rocksdb::SliceParts(&key_slice, 1),
                        rocksdb::SliceParts(value.data(), 2));
    }
    if (!added.ok()) return state_->fuse.Blow(added.ToString());
  }
  if (batch.Count() == 0) return OkStatus();
  return state_->Write(batch);
}

StatusOr<std::vector<std::optional<std::string>>> RocksBlobStore::Get(
    std::span<const BlobName> names) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  std::vector<std::optional<std::string>> out(names.size());
  constexpr size_t kGroup = 64;
  std::array<StoredKey, kGroup> keys;
  std::array<rocksdb::Slice, kGroup> slices;
  std::array<rocksdb::PinnableSlice, kGroup> values;
  std::array<rocksdb::Status, kGroup> statuses;
  size_t from = 0;
  while (from < names.size()) {
    // A run of names of one family.
    rocksdb::ColumnFamilyHandle* const family = state_->family_of(names[from].kind);
    size_t count = 0;
    while (count < kGroup && from + count < names.size() &&
           state_->family_of(names[from + count].kind) == family) {
      keys[count] = DataKey(names[from + count]);
      slices[count] = ToSlice(keys[count]);
      ++count;
    }
    state_->db()->MultiGet(CheckedReads(), family, count, slices.data(), values.data(),
                           statuses.data(), false);
    for (size_t i = 0; i < count; ++i) {
      const BlobName& name = names[from + i];
      if (statuses[i].IsNotFound()) {
        // The name and the bytes are written together: a name without bytes lost them (or is being
        // deleted).
        std::string ignored;
        const StoredKey key = NameKey(name);
        const rocksdb::Status named =
            state_->db()->Get(CheckedReads(), state_->names(), ToSlice(key), &ignored);
        if (named.ok()) {
          const rocksdb::Status again =
              state_->db()->Get(CheckedReads(), family, slices[i], &values[i]);
          if (!again.ok() &&
              state_->db()->Get(CheckedReads(), state_->names(), ToSlice(key), &ignored).ok()) {
            return Damaged(name, "has lost its bytes: " + again.ToString());
          }
          statuses[i] = again;
        } else if (!named.IsNotFound()) {
          return FromRocks(named, Describe(name), "blob_damaged", kBroken);
        }
        if (!statuses[i].ok()) continue;
      }
      JANGBU_RETURN_IF_ERROR(FromRocks(statuses[i], Describe(name), "blob_damaged", kBroken));
      const std::string_view value = ToView(values[i]);
      if (value.size() < kCheckBytes) return Damaged(name, "does not read back as written");
      const std::string_view bytes = value.substr(0, value.size() - kCheckBytes);
      const std::array<char, kCheckBytes> check = CheckOf(name, bytes);
      if (std::memcmp(check.data(), value.data() + bytes.size(), kCheckBytes) != 0) {
        return Damaged(name, "does not read back as written");
      }
      out[from + i].emplace(bytes);
      values[i].Reset();
    }
    from += count;
  }
  return out;
}

Status RocksBlobStore::Delete(std::span<const BlobName> names) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  uint64_t staged = 0;
  rocksdb::WriteBatch batch(0, 0, 8, 0);
  for (const BlobName& name : names) {
    const StoredKey key = NameKey(name);
    std::string size;
    const rocksdb::Status got =
        state_->db()->Get(CheckedReads(), state_->names(), ToSlice(key), &size);
    if (got.IsNotFound()) continue;
    JANGBU_RETURN_IF_ERROR(FromRocks(got, Describe(name), kDamaged, kBroken));
    if (size.size() != 8) return Damaged(name, "has a damaged name");
    if (name.kind == BlobKind::kStaging) staged += LoadBigEndian<uint64_t>(size.data());
    const StoredKey data_key = DataKey(name);
    rocksdb::Status added = batch.Delete(state_->names(), ToSlice(key));
    if (added.ok()) added = batch.Delete(state_->family_of(name.kind), ToSlice(data_key));
    if (!added.ok()) return state_->fuse.Blow(added.ToString());
  }
  if (batch.Count() == 0) return OkStatus();
  JANGBU_RETURN_IF_ERROR(state_->Write(batch));
  if (staged > 0) state_->CountDeleted(staged);
  return OkStatus();
}

Status RocksBlobStore::DeleteAll(BlobKind kind, uint64_t token) {
  constexpr size_t kPage = 4096;
  while (true) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<Listed> page, List(kind, token, 0, kPage));
    std::vector<BlobName> names;
    names.reserve(page.size());
    for (const Listed& listed : page) names.push_back(listed.name);
    JANGBU_RETURN_IF_ERROR(Delete(names));
    if (page.size() < kPage) return OkStatus();
  }
}

StatusOr<std::vector<BlobStore::Listed>> RocksBlobStore::List(BlobKind kind, uint64_t token,
                                                              uint64_t from, size_t max) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  std::vector<Listed> out;
  if (max == 0) return out;
  const StoredKey first = NameKey({kind, token, from});
  const std::string end = AfterPrefix(std::string(first.data(), 9));
  const rocksdb::Slice upper = services::ToSlice(end);
  rocksdb::ReadOptions read = CheckedReads();
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(state_->db()->NewIterator(read, state_->names()));
  for (it->Seek(ToSlice(first)); it->Valid() && out.size() < max; it->Next()) {
    if (it->key().size() != kStoredKeyBytes || it->value().size() != 8) {
      return DataLoss(kDamaged, "a blob name does not read back as written");
    }
    out.push_back({{kind, token, LoadBigEndian<uint64_t>(it->key().data() + 9)},
                   LoadBigEndian<uint64_t>(it->value().data())});
  }
  JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), "blob names", kDamaged, kBroken));
  return out;
}

StatusOr<std::vector<uint64_t>> RocksBlobStore::ListTokens(BlobKind kind,
                                                           std::optional<uint64_t> after,
                                                           size_t max) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  std::vector<uint64_t> out;
  if (max == 0 || after == kLast) return out;
  const std::string end = AfterPrefix(std::string(1, static_cast<char>(kind)));
  const rocksdb::Slice upper = services::ToSlice(end);
  rocksdb::ReadOptions read = CheckedReads();
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(state_->db()->NewIterator(read, state_->names()));
  uint64_t next = after.has_value() ? *after + 1 : 0;
  while (out.size() < max) {
    const StoredKey key = NameKey({kind, next, 0});
    it->Seek(ToSlice(key));
    if (!it->Valid()) break;
    if (it->key().size() != kStoredKeyBytes)
      return DataLoss(kDamaged, "a blob name does not read back as written");
    const auto token = LoadBigEndian<uint64_t>(it->key().data() + 1);
    out.push_back(token);
    if (token == kLast) break;
    next = token + 1;
  }
  JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), "blob names", kDamaged, kBroken));
  return out;
}

Status RocksBlobStore::Reclaim() {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  for (size_t i = 1; i < state_->open.families.size(); ++i) {
    JANGBU_RETURN_IF_ERROR(state_->Compact(state_->open.families[i], true));
  }
  return OkStatus();
}

uint64_t RocksBlobStore::Position() const { return state_->db()->GetLatestSequenceNumber(); }

Status RocksBlobStore::Checkpoint(const std::string& dir) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  return CheckpointRocks(state_->db(), dir, "checkpoint_failed");
}

}  // namespace jangbu::services
