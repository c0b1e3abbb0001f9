#include "services/storage/rocks_journal.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "services/storage/rocks_common.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kDamaged = "journal_damaged";
constexpr std::string_view kBroken = "journal_broken";
constexpr uint8_t kVersion = 1;
constexpr char kHeadKey[] = "h";
constexpr size_t kLinkBytes = 16;
constexpr size_t kFrameBytes = 1 + 2 * kLinkBytes;
constexpr size_t kBatchBytesKept = size_t{8} << 20;

using Link = std::array<uint8_t, kLinkBytes>;

std::string RecordKey(Seq seq) {
  std::string key(9, 'r');
  StoreBigEndian<uint64_t>(seq, key.data() + 1);
  return key;
}

std::array<char, 8> LittleEndian(uint64_t v) {
  std::array<char, 8> out;
  for (size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(v >> (8 * i));
  return out;
}

Link Truncate(const Digest& digest) {
  Link out;
  std::memcpy(out.data(), digest.data(), out.size());
  return out;
}

Link LinkOf(Seq seq, const Link& before, std::string_view record) {
  const std::array<char, 8> number = LittleEndian(seq);
  return Truncate(Sha256(
      {"jangbu journal record 1\n", {number.data(), number.size()}, AsView(before), record}));
}

struct Head {
  Seq tail = 0;
  Epoch epoch = 0;
  Link link{};  // of the last record
};

std::string EncodeHead(const Head& head) {
  ByteWriter out;
  out.U8(kVersion);
  out.U64(head.tail);
  out.U64(head.epoch);
  out.Raw(head.link);
  const Link check =
      Truncate(Sha256({"jangbu journal head 1\n", std::string_view(out.bytes()).substr(1)}));
  out.Raw(check);
  return out.Take();
}

StatusOr<Head> DecodeHead(std::string_view bytes) {
  ByteReader in(bytes);
  Head head;
  const uint8_t version = in.U8();
  head.tail = in.U64();
  head.epoch = in.U64();
  head.link = in.Array<kLinkBytes>();
  in.Array<kLinkBytes>();
  if (!in.Finish("journal head").ok() || version != kVersion || EncodeHead(head) != bytes) {
    return DataLoss(kDamaged, "the journal's head does not read back as written");
  }
  return head;
}

struct Frame {
  Link before;
  Link link;
  std::string_view record;
};

Status RecordDamaged(Seq seq, std::string_view why) {
  return DataLoss("record_damaged",
                  "journal record " + std::to_string(seq) + " " + std::string(why));
}

// Checks everything that one stored record can be checked for alone.
StatusOr<Frame> DecodeFrame(Seq seq, std::string_view bytes) {
  Frame frame;
  ByteReader in(bytes);
  const uint8_t version = in.U8();
  frame.before = in.Array<kLinkBytes>();
  frame.link = in.Array<kLinkBytes>();
  frame.record = in.Raw(in.remaining());
  if (!in.ok() || version != kVersion || LinkOf(seq, frame.before, frame.record) != frame.link) {
    return RecordDamaged(seq, "does not read back as written");
  }
  return frame;
}

rocksdb::DBOptions DbOptions() { return CommonDbOptions(); }

rocksdb::ColumnFamilyOptions FamilyOptions(const RocksJournalOptions& options) {
  rocksdb::ColumnFamilyOptions family = CommonFamilyOptions();
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 3;
  // Keys only ever grow, so files hardly overlap and compaction moves them without rewriting.
  family.target_file_size_base = uint64_t{64} << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = size_t{16} << 10;
  table.block_cache = rocksdb::NewLRUCache(size_t{16} << 20);
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

// The position after the last record, from the records themselves.
StatusOr<std::optional<std::pair<Seq, std::string>>> LastRecord(rocksdb::DB* db) {
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(CheckedReads()));
  it->SeekForPrev(ToSlice(RecordKey(std::numeric_limits<uint64_t>::max())));
  if (it->Valid() && it->key().size() == 9 && it->key()[0] == 'r') {
    return std::make_pair(LoadBigEndian<uint64_t>(it->key().data() + 1), it->value().ToString());
  }
  JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), "last record", kDamaged, kBroken));
  return std::nullopt;
}

// The head, checked against the last record: what was written together is there together.
StatusOr<Head> ReadHead(rocksdb::DB* db) {
  std::string bytes;
  const rocksdb::Status got = db->Get(CheckedReads(), kHeadKey, &bytes);
  JANGBU_ASSIGN_OR_RETURN(const auto last, LastRecord(db));
  if (got.IsNotFound()) {
    if (last.has_value()) return DataLoss(kDamaged, "the journal has records but no head");
    return Head{};
  }
  JANGBU_RETURN_IF_ERROR(FromRocks(got, "journal head", kDamaged, kBroken));
  JANGBU_ASSIGN_OR_RETURN(const Head head, DecodeHead(bytes));
  if (!last.has_value()) {
    if (head.tail == 0 && head.link == Link{}) return head;
  } else {
    JANGBU_ASSIGN_OR_RETURN(const Frame frame, DecodeFrame(last->first, last->second));
    if (last->first + 1 == head.tail && frame.link == head.link) return head;
  }
  return DataLoss(kDamaged, "the journal's head says " + std::to_string(head.tail) +
                                " records, but the last one there is " +
                                (last.has_value() ? std::to_string(last->first) : "none"));
}

}  // namespace

struct RocksJournal::State {
  explicit State(OpenDb opened) : open(std::move(opened)) {}

  OpenDb open;
  Fuse fuse{kBroken};
  std::mutex append_mutex;                // held while writing
  rocksdb::WriteBatch batch{0, 0, 8, 0};  // guarded by append_mutex; empty between appends
  std::mutex head_mutex;                  // held briefly, inside append_mutex or alone
  Head head;                              // what is durable; guarded by head_mutex

  Head DurableHead() {
    const std::lock_guard lock(head_mutex);
    return head;
  }
  // REQUIRES: append_mutex is held; `next` was written.
  void Publish(const Head& next) {
    const std::lock_guard lock(head_mutex);
    head = next;
  }
};

RocksJournal::RocksJournal(std::unique_ptr<State> state) : state_(std::move(state)) {}
RocksJournal::~RocksJournal() = default;

StatusOr<std::unique_ptr<RocksJournal>> RocksJournal::Open(const std::string& dir,
                                                           const RocksJournalOptions& options) {
  JANGBU_ASSIGN_OR_RETURN(
      OpenDb open, OpenRocks(dir, DbOptions(), {{"default", FamilyOptions(options)}}, kDamaged));
  auto state = std::make_unique<State>(std::move(open));
  JANGBU_ASSIGN_OR_RETURN(state->head, ReadHead(state->open.db.get()));
  return std::unique_ptr<RocksJournal>(new RocksJournal(std::move(state)));
}

StatusOr<Seq> RocksJournal::PeekTail(const std::string& dir) {
  rocksdb::Options options(DbOptions(), FamilyOptions({}));
  options.create_if_missing = false;
  if (options.env->FileExists(dir + "/CURRENT").IsNotFound()) return Seq{0};
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(options, dir, &raw);
  const std::unique_ptr<rocksdb::DB> db(raw);
  if (opened.IsIOError()) return Unavailable("storage_unavailable", dir + ": " + opened.ToString());
  if (!opened.ok()) return DataLoss(kDamaged, dir + " does not open: " + opened.ToString());
  JANGBU_ASSIGN_OR_RETURN(const Head head, ReadHead(db.get()));
  return head.tail;
}

StatusOr<Epoch> RocksJournal::Acquire() {
  const std::lock_guard lock(state_->append_mutex);
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  Head next = state_->DurableHead();
  ++next.epoch;
  const rocksdb::Status written = state_->open.db->Put(SyncedWrites(), kHeadKey, EncodeHead(next));
  if (!written.ok()) return state_->fuse.Blow(written.ToString());
  state_->Publish(next);
  return next.epoch;
}

Status RocksJournal::Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) {
  const std::lock_guard lock(state_->append_mutex);
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  Head next = state_->DurableHead();
  if (epoch != next.epoch) {
    return Aborted("writer_fenced", "epoch " + std::to_string(epoch) + " is not the newest, " +
                                        std::to_string(next.epoch) + " is");
  }
  if (expected != next.tail) {
    return Aborted("seq_conflict", "the tail is at " + std::to_string(next.tail) + ", not at " +
                                       std::to_string(expected));
  }
  size_t bytes = 0;
  for (const std::string_view record : records) {
    if (record.size() > kMaxJournalRecordBytes) {
      return InvalidArgument("record_too_large", std::to_string(record.size()) +
                                                     " bytes, at most " +
                                                     std::to_string(kMaxJournalRecordBytes));
    }
    bytes += record.size() + kFrameBytes + 16;
  }
  if (records.empty()) return OkStatus();

  // Memory that the last append used is near, and mapped.
  rocksdb::WriteBatch& batch = state_->batch;
  if (bytes > kBatchBytesKept) batch = rocksdb::WriteBatch(bytes + 128, 0, 8, 0);
  const absl::Cleanup empty = [&batch, bytes] {
    batch.Clear();
    if (bytes > kBatchBytesKept) batch = rocksdb::WriteBatch(0, 0, 8, 0);
  };
  const auto version = static_cast<char>(kVersion);
  for (const std::string_view record : records) {
    const Link link = LinkOf(next.tail, next.link, record);
    const std::string key = RecordKey(next.tail);
    const rocksdb::Slice key_slice = ToSlice(key);
    const std::array<rocksdb::Slice, 4> value = {rocksdb::Slice(&version, 1),
                                                 ToSlice(AsView(next.link)), ToSlice(AsView(link)),
                                                 ToSlice(record)};
    const rocksdb::Status put =
        batch.Put(rocksdb::SliceParts(&key_slice, 1),
                  rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
    if (!put.ok()) return state_->fuse.Blow(put.ToString());
    next.link = link;
    ++next.tail;
  }
  rocksdb::Status written = batch.Put(kHeadKey, EncodeHead(next));
  if (written.ok()) written = state_->open.db->Write(SyncedWrites(), &batch);
  if (!written.ok()) return state_->fuse.Blow(written.ToString());
  state_->Publish(next);
  return OkStatus();
}

StatusOr<std::vector<std::string>> RocksJournal::Read(Seq from, size_t max_records,
                                                      size_t max_bytes) {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  const Seq tail = state_->DurableHead().tail;
  std::vector<std::string> out;
  if (from >= tail || max_records == 0) return out;

  rocksdb::ReadOptions options = CheckedReads();
  const std::string end = RecordKey(tail);  // never reads what is being appended
  const rocksdb::Slice upper = ToSlice(end);
  options.iterate_upper_bound = &upper;
  options.readahead_size = max_records > 64 ? size_t{1} << 20 : 0;
  const std::unique_ptr<rocksdb::Iterator> it(state_->open.db->NewIterator(options));

  // The record before is read too: its link is what the first one must follow.
  std::optional<Link> before;
  if (from == 0) before = Link{};
  Seq seq = from == 0 ? 0 : from - 1;
  size_t bytes = 0;
  for (it->Seek(ToSlice(RecordKey(seq))); seq < tail && out.size() < max_records;
       it->Next(), ++seq) {
    if (!it->Valid()) {
      if (!it->status().ok())
        return RecordDamaged(seq, "cannot be read: " + it->status().ToString());
      return RecordDamaged(seq, "is missing");
    }
    if (ToView(it->key()) != RecordKey(seq)) return RecordDamaged(seq, "is missing");
    const StatusOr<Frame> frame = DecodeFrame(seq, ToView(it->value()));
    if (seq < from) {
      // Damage of the record before is for its own reader to find; then there is nothing to follow.
      if (frame.ok()) before = frame->link;
      continue;
    }
    JANGBU_RETURN_IF_ERROR(frame.status());
    if (before.has_value() && frame->before != *before)
      return RecordDamaged(seq, "does not follow the one before it");
    before = frame->link;
    if (!out.empty() && frame->record.size() > max_bytes - std::min(max_bytes, bytes)) break;
    bytes += frame->record.size();
    out.emplace_back(frame->record);
  }
  return out;
}

StatusOr<Seq> RocksJournal::Tail() {
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  return state_->DurableHead().tail;
}

Status RocksJournal::Verify() {
  JANGBU_ASSIGN_OR_RETURN(const Seq tail, Tail());
  for (Seq seq = 0; seq < tail;) {
    JANGBU_ASSIGN_OR_RETURN(const auto records, Read(seq, 1 << 16, size_t{32} << 20));
    if (records.empty()) return RecordDamaged(seq, "is missing");
    seq += records.size();
  }
  return OkStatus();
}

Status RocksJournal::Checkpoint(const std::string& dir, const std::function<Status()>& meanwhile) {
  const std::lock_guard lock(state_->append_mutex);
  JANGBU_RETURN_IF_ERROR(state_->fuse.Check());
  JANGBU_RETURN_IF_ERROR(CheckpointRocks(state_->open.db.get(), dir, "checkpoint_failed"));
  return meanwhile == nullptr ? OkStatus() : meanwhile();
}

}  // namespace jangbu::services
