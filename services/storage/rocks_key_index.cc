#include "services/storage/rocks_key_index.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "services/storage/rocks_common.h"

// The log.
//
//     record  = version(u8 = 1) group*
//     group   = claims | releases
//     claims  = 1(u8) kind(u32) scope(u32) token(u64) count(varint) (key(16) ordinal(u32))*
//     release = 2(u8) kind(u32) scope(u32) count(varint) key(16)*
//
// holds what was decided (keys that became somebody's, keys that became free), so replaying any
// suffix of it that is complete, in order, over files that hold a prefix gives the same state.

namespace jangbu::services {
namespace {

constexpr std::string_view kDamaged = "index_damaged";
constexpr std::string_view kBroken = "index_broken";
constexpr uint8_t kVersion = 1;
constexpr uint8_t kClaims = 1;
constexpr uint8_t kReleases = 2;
constexpr size_t kFullKeyBytes = 24;
constexpr size_t kOwnerBytes = 12;

using FullKey = std::array<char, kFullKeyBytes>;  // as stored: table and key

FullKey MakeFullKey(TableId table, const Key& key) {
  FullKey out;
  StoreBigEndian<uint32_t>(table.kind, out.data());
  StoreBigEndian<uint32_t>(table.scope, out.data() + 4);
  std::memcpy(out.data() + 8, key.data(), key.size());
  return out;
}

// As memcmp orders them, without the call: sorting is a quarter of the work of filing.
bool Before(const FullKey& a, const FullKey& b) {
  for (size_t i = 0; i < kFullKeyBytes; i += 8) {
    uint64_t x;
    uint64_t y;
    std::memcpy(&x, a.data() + i, 8);
    std::memcpy(&y, b.data() + i, 8);
    if (x != y) return __builtin_bswap64(x) < __builtin_bswap64(y);
  }
  return false;
}
static_assert(std::endian::native == std::endian::little);

rocksdb::Slice ToSlice(const FullKey& key) { return {key.data(), key.size()}; }

std::array<char, kOwnerBytes> EncodeOwner(const Owner& owner) {
  std::array<char, kOwnerBytes> out;
  StoreBigEndian<uint64_t>(owner.token, out.data());
  StoreBigEndian<uint32_t>(owner.ordinal, out.data() + 8);
  return out;
}

std::optional<Owner> DecodeOwner(const rocksdb::Slice& bytes) {
  if (bytes.size() != kOwnerBytes) return std::nullopt;
  return Owner{LoadBigEndian<uint64_t>(bytes.data()), LoadBigEndian<uint32_t>(bytes.data() + 8)};
}

// What memory knows of a key. Released hides what the files say.
enum class Held : uint32_t { kUnknown = 0, kOwned = 1, kReleased = 2 };

struct Entry {
  FullKey key;
  Owner owner() const { return {token, ordinal}; }
  uint64_t token = 0;
  uint32_t ordinal = 0;
  Held held = Held::kUnknown;
};
static_assert(sizeof(Entry) == 40);

// Open addressing, linear probing, at most three quarters full. Not thread-safe.
class Table {
 public:
  Table() : slots_(1024) {}

  size_t size() const { return size_; }
  static uint64_t Hash(const FullKey& key) { return XXH3_64bits(key.data(), key.size()); }
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }

  // The entry of `key`, or the empty slot where it goes. Valid until the next Set.
  const Entry& Find(const FullKey& key, uint64_t hash) const {
    const size_t mask = slots_.size() - 1;
    size_t i = hash & mask;
    while (slots_[i].held != Held::kUnknown && slots_[i].key != key) i = (i + 1) & mask;
    return slots_[i];
  }

  void Set(const FullKey& key, uint64_t hash, const Owner& owner, Held held) {
    Entry& entry = const_cast<Entry&>(Find(key, hash));
    const bool is_new = entry.held == Held::kUnknown;
    entry.key = key;
    entry.token = owner.token;
    entry.ordinal = owner.ordinal;
    entry.held = held;
    if (is_new && ++size_ * 4 > slots_.size() * 3) Grow();
  }

  // Entries in no order.
  template <typename F>
  void ForEach(F&& f) const {
    for (const Entry& entry : slots_) {
      if (entry.held != Held::kUnknown) f(entry);
    }
  }

  uint64_t log_end = 0;  // the first log record that is not in here

 private:
  void Grow() {
    std::vector<Entry> old(slots_.size() * 2);
    old.swap(slots_);
    const size_t mask = slots_.size() - 1;
    for (const Entry& entry : old) {
      if (entry.held == Held::kUnknown) continue;
      size_t i = Hash(entry.key) & mask;
      while (slots_[i].held != Held::kUnknown) i = (i + 1) & mask;
      slots_[i] = entry;
    }
  }

  std::vector<Entry> slots_;
  size_t size_ = 0;
};

std::string LogKey(uint64_t number) {
  std::string key(8, '\0');
  StoreBigEndian<uint64_t>(number, key.data());
  return key;
}

rocksdb::ColumnFamilyOptions KeysFamily(const RocksKeyIndexOptions& options) {
  rocksdb::ColumnFamilyOptions family = CommonFamilyOptions();
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.block_size = size_t{8} << 10;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Every ingested file spans all keys: merge them by size, not by level.
  family.compaction_style = rocksdb::kCompactionStyleUniversal;
  family.compaction_options_universal.min_merge_width = 4;
  family.compaction_options_universal.max_size_amplification_percent = 400;
  family.level0_file_num_compaction_trigger = 6;
  family.level0_slowdown_writes_trigger = 40;
  family.level0_stop_writes_trigger = 60;
  return family;
}

rocksdb::ColumnFamilyOptions LogFamily() {
  rocksdb::ColumnFamilyOptions family = CommonFamilyOptions();
  // Flushed by hand when its part became a file, so that hardly any of it is ever written twice.
  family.write_buffer_size = size_t{256} << 20;
  family.max_write_buffer_number = 3;
  return family;
}

rocksdb::DBOptions DbOptions() {
  rocksdb::DBOptions options = CommonDbOptions();
  options.max_open_files = -1;  // filters stay in memory
  return options;
}

}  // namespace

struct RocksKeyIndex::State {
  State(OpenDb opened, std::string directory, const RocksKeyIndexOptions& opts)
      : open(std::move(opened)), dir(std::move(directory)), options(opts) {}
  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    ingest_wanted.notify_all();
    if (ingester.joinable()) ingester.join();
  }

  rocksdb::DB* db() { return open.db.get(); }
  rocksdb::ColumnFamilyHandle* keys_family() { return open.families[1]; }
  rocksdb::ColumnFamilyHandle* log_family() { return open.families[2]; }

  // One call, waiting to be decided.
  struct Call {
    std::function<Status(Call&)> decide;  // run by the leader; may add to `log`
    uint64_t generation = 0;              // when the files were asked
    std::string log;                      // groups to be logged
    Status status;
    bool done = false;
  };

  // Runs `call.decide` alone among all calls, and returns when what it and everything before it
  // decided is durable.
  Status Submit(Call& call);
  void Lead(std::vector<Call*>& calls);
  // Makes a full table the frozen one, when there is none. Leader only.
  void MaybeFreeze();
  Status Replay();
  void IngestLoop();
  Status Ingest(const Table& table);

  StatusOr<std::vector<std::optional<Owner>>> AskFiles(std::span<const FullKey> keys);
  uint64_t Generation() {
    const std::lock_guard lock(mutex);
    return generation;
  }

  // What is known of `key` now: memory first, then what the files said. Leader only.
  std::optional<Owner> OwnerNow(const FullKey& key, uint64_t hash,
                                const std::optional<Owner>& filed) const {
    const Entry* entry = &active->Find(key, hash);
    if (entry->held == Held::kUnknown && frozen != nullptr) entry = &frozen->Find(key, hash);
    switch (entry->held) {
      case Held::kOwned:
        return entry->owner();
      case Held::kReleased:
        return std::nullopt;
      case Held::kUnknown:
        break;
    }
    return filed;
  }

  // Asks the files again when a table went to them since the call asked. Leader only.
  Status Refresh(const Call& call, std::span<const FullKey> keys,
                 std::vector<std::optional<Owner>>& filed) {
    if (call.generation == leader_generation) return OkStatus();
    JANGBU_ASSIGN_OR_RETURN(filed, AskFiles(keys));
    return OkStatus();
  }

  OpenDb open;
  const std::string dir;
  const RocksKeyIndexOptions options;
  Fuse fuse{kBroken};

  std::mutex mutex;
  std::condition_variable decided;        // a leader finished
  std::condition_variable ingest_wanted;  // a table was frozen, or stopping
  std::condition_variable ingest_done;
  std::deque<Call*> waiting;  // guarded by mutex
  bool leading = false;       // guarded by mutex
  uint64_t generation = 0;    // tables that became files; guarded by mutex
  bool ingested = false;      // the frozen table became a file; guarded by mutex
  bool ingesting = false;     // guarded by mutex
  bool stopping = false;      // guarded by mutex

  // The leader's own (one at a time, handed over under the mutex).
  std::unique_ptr<Table> active = std::make_unique<Table>();
  std::shared_ptr<const Table> frozen;  // set by the leader under the mutex, read by the ingester
  uint64_t next_log = 0;
  std::atomic<uint64_t> durable_log{0};  // next_log, for everybody
  uint64_t leader_generation = 0;

  std::thread ingester;
};

Status RocksKeyIndex::State::Submit(Call& call) {
  std::unique_lock lock(mutex);
  waiting.push_back(&call);
  while (!call.done && leading) decided.wait(lock);
  if (call.done) return call.status;
  leading = true;
  std::vector<Call*> calls(waiting.begin(), waiting.end());
  waiting.clear();
  if (ingested) {
    ingested = false;
    frozen.reset();
    ++generation;
  }
  leader_generation = generation;
  lock.unlock();

  Lead(calls);

  lock.lock();
  for (Call* const each : calls) each->done = true;
  leading = false;
  lock.unlock();
  decided.notify_all();
  return call.status;
}

void RocksKeyIndex::State::Lead(std::vector<Call*>& calls) {
  size_t bytes = 0;
  for (Call* const call : calls) {
    call->status = fuse.Check();
    if (call->status.ok()) call->status = call->decide(*call);
    bytes += call->log.size();
  }
  if (bytes == 0) return;

  const auto version = static_cast<char>(kVersion);
  std::vector<rocksdb::Slice> value = {rocksdb::Slice(&version, 1)};
  for (const Call* const call : calls) {
    if (!call->log.empty()) value.push_back(services::ToSlice(call->log));
  }
  const std::string key = LogKey(next_log);
  const rocksdb::Slice key_slice = services::ToSlice(key);
  rocksdb::WriteBatch batch(bytes + 64, 0, 8, 0);
  rocksdb::Status written =
      batch.Put(log_family(), rocksdb::SliceParts(&key_slice, 1),
                rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
  if (written.ok()) written = db()->Write(SyncedWrites(), &batch);
  if (!written.ok()) {
    const Status broken = fuse.Blow(written.ToString());
    for (Call* const call : calls) call->status = broken;
    return;
  }
  active->log_end = ++next_log;
  durable_log.store(next_log, std::memory_order_release);
  MaybeFreeze();
}

void RocksKeyIndex::State::MaybeFreeze() {
  if (active->size() < options.table_keys) return;
  std::unique_lock lock(mutex);
  if (frozen != nullptr) {
    // Let the table grow to twice its size while the one before is being filed; then wait for it.
    if (!ingested && active->size() < 2 * options.table_keys) return;
    while (!ingested && !stopping) ingest_done.wait(lock);
    if (!ingested) return;
    ingested = false;
    ++generation;
    leader_generation = generation;
  }
  frozen = std::move(active);
  active = std::make_unique<Table>();
  active->log_end = next_log;
  ingesting = true;
  lock.unlock();
  ingest_wanted.notify_all();
}

void RocksKeyIndex::State::IngestLoop() {
  std::unique_lock lock(mutex);
  while (true) {
    while (!ingesting && !stopping) ingest_wanted.wait(lock);
    if (!ingesting) return;
    const std::shared_ptr<const Table> table = frozen;
    lock.unlock();
    const Status filed = Ingest(*table);
    if (!filed.ok()) fuse.Blow(MessageOf(filed)).IgnoreError();
    lock.lock();
    ingesting = false;
    ingested =
        true;  // after a failure too: nobody may wait for ever, and the fuse refuses the rest
    ingest_done.notify_all();
  }
}

Status RocksKeyIndex::State::Ingest(const Table& table) {
  std::vector<Entry> entries;
  entries.reserve(table.size());
  table.ForEach([&](const Entry& entry) { entries.push_back(entry); });
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return Before(a.key, b.key); });

  const std::string path = dir + "/ingest.sst.new";
  const rocksdb::Options file_options(DbOptions(), KeysFamily(options));
  // The file is read again soon, by lookups and by merging: leave it in the page cache.
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), file_options, keys_family(),
                                /*invalidate_page_cache=*/false);
  rocksdb::Status status = writer.Open(path);
  for (const Entry& entry : entries) {
    if (!status.ok()) break;
    if (entry.held == Held::kOwned) {
      const auto owner = EncodeOwner(entry.owner());
      status = writer.Put(ToSlice(entry.key), rocksdb::Slice(owner.data(), owner.size()));
    } else {
      status = writer.Delete(ToSlice(entry.key));
    }
  }
  if (status.ok()) status = writer.Finish();
  if (status.ok()) {
    rocksdb::IngestExternalFileOptions how;
    how.move_files = true;
    how.failed_move_fall_back_to_copy = true;
    how.write_global_seqno = false;
    status = db()->IngestExternalFile(keys_family(), {path}, how);
  }
  // The file is durable: its part of the log may go. If that is lost, replaying it again changes
  // nothing.
  if (status.ok()) {
    status = db()->DeleteRange(SyncedWrites(), log_family(), LogKey(0), LogKey(table.log_end - 1));
  }
  if (status.ok()) status = db()->Flush(rocksdb::FlushOptions(), log_family());
  return FromRocks(status, "filing " + std::to_string(table.size()) + " keys", kDamaged, kBroken);
}

Status RocksKeyIndex::State::Replay() {
  const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(CheckedReads(), log_family()));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const auto damaged = [&] {
      return DataLoss(kDamaged, "log record " + ToHex(ToView(it->key())) + " in " + dir +
                                    " does not read back as written");
    };
    if (it->key().size() != 8) return damaged();
    const auto number = LoadBigEndian<uint64_t>(it->key().data());
    if (next_log != 0 && number != next_log) return damaged();  // one in the middle is missing
    ByteReader in(ToView(it->value()));
    if (in.U8() != kVersion) return damaged();
    while (in.ok() && !in.empty()) {
      const uint8_t what = in.U8();
      const TableId table{in.U32(), in.U32()};
      if (what == kClaims) {
        const uint64_t token = in.U64();
        const size_t count = in.Count(20);
        for (size_t i = 0; i < count && in.ok(); ++i) {
          const FullKey key = MakeFullKey(table, in.Array<16>());
          active->Set(key, Table::Hash(key), {token, in.U32()}, Held::kOwned);
        }
      } else if (what == kReleases) {
        const size_t count = in.Count(16);
        for (size_t i = 0; i < count && in.ok(); ++i) {
          const FullKey key = MakeFullKey(table, in.Array<16>());
          active->Set(key, Table::Hash(key), {}, Held::kReleased);
        }
      } else {
        return damaged();
      }
    }
    if (!in.ok()) return damaged();
    next_log = number + 1;
  }
  active->log_end = next_log;
  durable_log.store(next_log, std::memory_order_release);
  return FromRocks(it->status(), dir, kDamaged, kBroken);
}

StatusOr<std::vector<std::optional<Owner>>> RocksKeyIndex::State::AskFiles(
    std::span<const FullKey> keys) {
  const size_t n = keys.size();
  std::vector<std::optional<Owner>> out(n);
  // In key order, neighbours share filters and blocks.
  std::vector<std::pair<uint64_t, uint32_t>> order(n);
  for (size_t i = 0; i < n; ++i) {
    order[i] = {LoadBigEndian<uint64_t>(keys[i].data() + 8), static_cast<uint32_t>(i)};
  }
  std::sort(order.begin(), order.end());
  constexpr size_t kGroup = 256;
  std::array<rocksdb::Slice, kGroup> slices;
  std::array<rocksdb::PinnableSlice, kGroup> values;
  std::array<rocksdb::Status, kGroup> statuses;
  const rocksdb::ReadOptions read = CheckedReads();
  for (size_t from = 0; from < n; from += kGroup) {
    const size_t count = std::min(kGroup, n - from);
    for (size_t i = 0; i < count; ++i) slices[i] = ToSlice(keys[order[from + i].second]);
    db()->MultiGet(read, keys_family(), count, slices.data(), values.data(), statuses.data(),
                   false);
    for (size_t i = 0; i < count; ++i) {
      if (statuses[i].ok()) {
        const std::optional<Owner> owner = DecodeOwner(values[i]);
        if (!owner.has_value())
          return DataLoss(kDamaged, "an owner in " + dir + " has another size");
        out[order[from + i].second] = owner;
      } else if (!statuses[i].IsNotFound()) {
        return FromRocks(statuses[i], dir, kDamaged, kBroken);
      }
      values[i].Reset();
    }
  }
  return out;
}

// ---- RocksKeyIndex ----

RocksKeyIndex::RocksKeyIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}
RocksKeyIndex::~RocksKeyIndex() = default;

StatusOr<std::unique_ptr<RocksKeyIndex>> RocksKeyIndex::Open(const std::string& dir,
                                                             const RocksKeyIndexOptions& options) {
  JANGBU_ASSIGN_OR_RETURN(OpenDb open, OpenRocks(dir, DbOptions(),
                                                 {{"default", CommonFamilyOptions()},
                                                  {"keys", KeysFamily(options)},
                                                  {"log", LogFamily()}},
                                                 kDamaged));
  std::error_code ignored;
  std::filesystem::remove(dir + "/ingest.sst.new", ignored);  // of a filing that did not end
  auto state = std::make_unique<State>(std::move(open), dir, options);
  JANGBU_RETURN_IF_ERROR(state->Replay());
  State* const raw = state.get();
  state->ingester = std::thread([raw] { raw->IngestLoop(); });
  return std::unique_ptr<RocksKeyIndex>(new RocksKeyIndex(std::move(state)));
}

StatusOr<std::vector<ClaimResult>> RocksKeyIndex::Claim(TableId table, uint64_t token,
                                                        std::span<const KeyClaim> claims) {
  const size_t n = claims.size();
  std::vector<FullKey> keys(n);
  for (size_t i = 0; i < n; ++i) keys[i] = MakeFullKey(table, claims[i].key);

  State::Call call;
  call.generation = state_->Generation();
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  JANGBU_ASSIGN_OR_RETURN(std::vector<std::optional<Owner>> filed, state_->AskFiles(keys));

  std::vector<ClaimResult> out(n);
  call.decide = [&](State::Call& self) -> Status {
    State& s = *state_;
    JANGBU_RETURN_IF_ERROR(s.Refresh(self, keys, filed));
    std::vector<uint32_t> added;
    constexpr size_t kAhead = 16;
    std::array<uint64_t, kAhead> hashes{};
    for (size_t i = 0; i < n + kAhead; ++i) {
      if (i >= kAhead) {
        const size_t j = i - kAhead;
        const uint64_t hash = hashes[j % kAhead];
        const Owner me{token, claims[j].ordinal};
        if (const std::optional<Owner> owner = s.OwnerNow(keys[j], hash, filed[j])) {
          out[j] = {*owner == me ? ClaimState::kMine : ClaimState::kTaken, *owner};
        } else {
          s.active->Set(keys[j], hash, me, Held::kOwned);
          out[j] = {ClaimState::kNew, me};
          added.push_back(static_cast<uint32_t>(j));
        }
      }
      if (i < n) {
        hashes[i % kAhead] = Table::Hash(keys[i]);
        s.active->Prefetch(hashes[i % kAhead]);
        if (s.frozen != nullptr) s.frozen->Prefetch(hashes[i % kAhead]);
      }
    }
    if (added.empty()) return OkStatus();
    ByteWriter log;
    log.U8(kClaims);
    log.U32(table.kind);
    log.U32(table.scope);
    log.U64(token);
    log.Varint(added.size());
    for (const uint32_t j : added) {
      log.Raw(claims[j].key);
      log.U32(claims[j].ordinal);
    }
    self.log = log.Take();
    return OkStatus();
  };
  JANGBU_RETURN_IF_ERROR(state_->Submit(call));
  return out;
}

StatusOr<std::vector<std::optional<Owner>>> RocksKeyIndex::Lookup(TableId table,
                                                                  std::span<const Key> keys) {
  const size_t n = keys.size();
  std::vector<FullKey> full(n);
  for (size_t i = 0; i < n; ++i) full[i] = MakeFullKey(table, keys[i]);

  State::Call call;
  call.generation = state_->Generation();
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  JANGBU_ASSIGN_OR_RETURN(std::vector<std::optional<Owner>> filed, state_->AskFiles(full));
  call.decide = [&](State::Call& self) -> Status {
    JANGBU_RETURN_IF_ERROR(state_->Refresh(self, full, filed));
    for (size_t i = 0; i < n; ++i)
      filed[i] = state_->OwnerNow(full[i], Table::Hash(full[i]), filed[i]);
    return OkStatus();
  };
  JANGBU_RETURN_IF_ERROR(state_->Submit(call));
  return filed;
}

Status RocksKeyIndex::Release(TableId table, uint64_t token, std::span<const Key> keys) {
  const size_t n = keys.size();
  std::vector<FullKey> full(n);
  for (size_t i = 0; i < n; ++i) full[i] = MakeFullKey(table, keys[i]);

  State::Call call;
  call.generation = state_->Generation();
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  JANGBU_ASSIGN_OR_RETURN(std::vector<std::optional<Owner>> filed, state_->AskFiles(full));
  call.decide = [&](State::Call& self) -> Status {
    State& s = *state_;
    JANGBU_RETURN_IF_ERROR(s.Refresh(self, full, filed));
    std::vector<uint32_t> freed;
    for (size_t i = 0; i < n; ++i) {
      const uint64_t hash = Table::Hash(full[i]);
      const std::optional<Owner> owner = s.OwnerNow(full[i], hash, filed[i]);
      if (!owner.has_value() || owner->token != token) continue;
      s.active->Set(full[i], hash, {}, Held::kReleased);
      freed.push_back(static_cast<uint32_t>(i));
    }
    if (freed.empty()) return OkStatus();
    ByteWriter log;
    log.U8(kReleases);
    log.U32(table.kind);
    log.U32(table.scope);
    log.Varint(freed.size());
    for (const uint32_t i : freed) log.Raw(keys[i]);
    self.log = log.Take();
    return OkStatus();
  };
  return state_->Submit(call);
}

StatusOr<std::vector<IndexedKey>> RocksKeyIndex::Scan(TableId table, std::optional<Key> after,
                                                      size_t max) {
  std::vector<IndexedKey> out;
  State::Call call;
  call.decide = [&](State::Call&) -> Status {
    State& s = *state_;
    if (max == 0) return OkStatus();
    FullKey prefix_key = MakeFullKey(table, {});
    const std::string_view prefix(prefix_key.data(), 8);
    const auto in_range = [&](const FullKey& key) {
      if (std::memcmp(key.data(), prefix.data(), 8) != 0) return false;
      return !after.has_value() || std::memcmp(key.data() + 8, after->data(), after->size()) > 0;
    };
    // What memory says of this table, the newer table over the older, in key order.
    std::vector<std::pair<Entry, int>> known;
    const auto collect = [&](const Table& from, int age) {
      from.ForEach([&](const Entry& entry) {
        if (in_range(entry.key)) known.emplace_back(entry, age);
      });
    };
    collect(*s.active, 0);
    if (s.frozen != nullptr) collect(*s.frozen, 1);
    std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) {
      if (a.first.key != b.first.key) {
        return std::memcmp(a.first.key.data(), b.first.key.data(), kFullKeyBytes) < 0;
      }
      return a.second < b.second;
    });
    known.erase(
        std::unique(known.begin(), known.end(),
                    [](const auto& a, const auto& b) { return a.first.key == b.first.key; }),
        known.end());

    rocksdb::ReadOptions read = CheckedReads();
    const std::string end = AfterPrefix(std::string(prefix));
    const rocksdb::Slice upper = services::ToSlice(end);
    if (!end.empty()) read.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(s.db()->NewIterator(read, s.keys_family()));
    it->Seek(ToSlice(after.has_value() ? MakeFullKey(table, *after) : prefix_key));

    const auto key_of = [](const char* full) {
      Key key;
      std::memcpy(key.data(), full + 8, key.size());
      return key;
    };
    size_t i = 0;
    while (out.size() < max) {
      if (it->Valid()) {
        if (it->key().size() != kFullKeyBytes)
          return DataLoss(kDamaged, "a key in " + s.dir + " has another size");
        if (after.has_value() &&
            std::memcmp(it->key().data() + 8, after->data(), after->size()) == 0) {
          it->Next();
          continue;
        }
      } else if (!it->status().ok()) {
        return FromRocks(it->status(), s.dir, kDamaged, kBroken);
      } else if (i == known.size()) {
        break;
      }
      int order = 0;  // of the file's key against memory's
      if (!it->Valid()) {
        order = 1;
      } else if (i == known.size()) {
        order = -1;
      } else {
        order = std::memcmp(it->key().data(), known[i].first.key.data(), kFullKeyBytes);
      }
      if (order < 0) {
        const std::optional<Owner> owner = DecodeOwner(it->value());
        if (!owner.has_value())
          return DataLoss(kDamaged, "an owner in " + s.dir + " has another size");
        out.push_back({key_of(it->key().data()), *owner});
        it->Next();
        continue;
      }
      const Entry& entry = known[i].first;
      if (entry.held == Held::kOwned) out.push_back({key_of(entry.key.data()), entry.owner()});
      ++i;
      if (order == 0) it->Next();
    }
    return OkStatus();
  };
  JANGBU_RETURN_IF_ERROR(state_->Submit(call));
  return out;
}

uint64_t RocksKeyIndex::Position() const {
  return state_->durable_log.load(std::memory_order_acquire);
}

Status RocksKeyIndex::Checkpoint(const std::string& dir) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  return CheckpointRocks(state_->db(), dir, "checkpoint_failed");
}

}  // namespace jangbu::services
