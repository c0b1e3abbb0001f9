#include "services/storage/segment_blob_store.h"

#include <fcntl.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "services/storage/files.h"
#include "services/storage/rocks_common.h"

// A segment is frames, one after the other. Integers are little-endian.
//
//     frame   = header entry{entries} payload
//     header  = magic(u32) entries(u32) number(u64) payload_bytes(u64) entries_check(u64)
//     header_check(u64) entry   = op(u8) kind(u8) token(u64) ordinal(u64) offset(u64) size(u32)
//     check(u64)
//
//     number        = of the frame among all of its stream (staging, data, index), from 0 without
//     gaps entries_check = XXH3-64 of the entries; header_check = XXH3-64 of what stands before it
//     op            = 1 put | 2 delete | 3 delete all of (kind, token) | 4 move (put again, from an
//     older segment) offset, size  = of the bytes in the payload; 0 for deletions check         =
//     XXH3-64 of the bytes, seeded with XXH3-64 of (kind token ordinal size)
//
// A frame is deletions only, or puts only, or moves only. What follows the last whole frame of a
// segment is what a crash left of an unacknowledged write; the next frame is then the first of the
// next segment.
//
// The index. Keys big-endian, values little-endian.
//
//     "b" kind(u8) token(u64) first(u64) -> segment(u64) frame(u64) entry(u32) entries(u32)
//     count(u32) bytes(u64)
//           the blobs (kind, token, first … first + count - 1) are `count` entries of that frame,
//           from `entry` on
//     "s" segment(u64) -> stream(u8) total(u64) dead(u64)     ; payload bytes, and those of them
//     that nobody needs "m" stream(u8)   -> segment(u64) offset(u64) number(u64) ; everything
//     before this is in the index

namespace jangbu::services {
namespace {

constexpr std::string_view kDamaged = "blobs_damaged";
constexpr std::string_view kBroken = "blobs_broken";
constexpr uint32_t kMagic = 0x4653424A;  // "JBSF"
constexpr size_t kHeaderBytes = 40;
constexpr size_t kEntryBytes = 38;
constexpr size_t kMaxRun = 4096;             // blobs that one index entry covers
constexpr size_t kMaxGroupBytes = 64 << 20;  // that are written together
constexpr size_t kMaxReadBytes = 4 << 20;    // that are read together
constexpr size_t kOpenSegments = 128;

enum class Op : uint8_t { kPut = 1, kDelete = 2, kDeleteAll = 3, kMove = 4 };

constexpr std::array<std::string_view, 3> kStreams = {"staging", "data", "index"};

size_t StreamOf(BlobKind kind) {
  switch (kind) {
    case BlobKind::kStaging:
      return 0;
    case BlobKind::kIndex:
      return 2;
    default:
      return 1;
  }
}

std::string Describe(const BlobName& name) {
  return "blob kind " + std::to_string(static_cast<int>(name.kind)) + " token " +
         std::to_string(name.token) + " ordinal " + std::to_string(name.ordinal);
}

struct Entry {
  Op op = Op::kPut;
  BlobName name;
  uint64_t offset = 0;
  uint32_t size = 0;
  uint64_t check = 0;
};

void Store(ByteWriter& out, const Entry& entry) {
  out.U8(static_cast<uint8_t>(entry.op));
  out.U8(static_cast<uint8_t>(entry.name.kind));
  out.U64(entry.name.token);
  out.U64(entry.name.ordinal);
  out.U64(entry.offset);
  out.U32(entry.size);
  out.U64(entry.check);
}

Entry LoadEntry(ByteReader& in) {
  Entry entry;
  entry.op = static_cast<Op>(in.U8());
  entry.name.kind = static_cast<BlobKind>(in.U8());
  entry.name.token = in.U64();
  entry.name.ordinal = in.U64();
  entry.offset = in.U64();
  entry.size = in.U32();
  entry.check = in.U64();
  return entry;
}

uint64_t CheckOf(const BlobName& name, std::string_view bytes) {
  std::array<char, 21> what;
  what[0] = static_cast<char>(name.kind);
  StoreBigEndian<uint64_t>(name.token, what.data() + 1);
  StoreBigEndian<uint64_t>(name.ordinal, what.data() + 9);
  StoreBigEndian<uint32_t>(static_cast<uint32_t>(bytes.size()), what.data() + 17);
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), XXH3_64bits(what.data(), what.size()));
}

struct Header {
  uint32_t entries = 0;
  uint64_t number = 0;
  uint64_t payload_bytes = 0;
  uint64_t entries_check = 0;
  uint64_t frame_bytes() const { return kHeaderBytes + entries * kEntryBytes + payload_bytes; }
};

std::string Encode(const Header& header) {
  ByteWriter out;
  out.U32(kMagic);
  out.U32(header.entries);
  out.U64(header.number);
  out.U64(header.payload_bytes);
  out.U64(header.entries_check);
  out.U64(XXH3_64bits(out.bytes().data(), out.size()));
  return out.Take();
}

std::optional<Header> DecodeHeader(std::string_view bytes) {
  ByteReader in(bytes);
  const uint32_t magic = in.U32();
  Header header;
  header.entries = in.U32();
  header.number = in.U64();
  header.payload_bytes = in.U64();
  header.entries_check = in.U64();
  const uint64_t check = in.U64();
  if (!in.ok() || magic != kMagic || check != XXH3_64bits(bytes.data(), kHeaderBytes - 8))
    return std::nullopt;
  return header;
}

// A run of blobs side by side in one frame.
struct Run {
  BlobKind kind = BlobKind::kText;
  uint64_t token = 0;
  uint64_t first = 0;
  uint64_t segment = 0;
  uint64_t frame = 0;    // offset in the segment
  uint32_t entry = 0;    // of the first blob
  uint32_t entries = 0;  // in the frame
  uint32_t count = 0;
  uint64_t bytes = 0;

  bool Holds(const BlobName& name) const {
    return name.kind == kind && name.token == token && name.ordinal >= first &&
           name.ordinal - first < count;
  }
  uint64_t payload() const { return frame + kHeaderBytes + uint64_t{entries} * kEntryBytes; }
};

std::string RunKey(BlobKind kind, uint64_t token, uint64_t first) {
  std::string key(18, 'b');
  key[1] = static_cast<char>(kind);
  StoreBigEndian<uint64_t>(token, key.data() + 2);
  StoreBigEndian<uint64_t>(first, key.data() + 10);
  return key;
}

std::string EncodeRun(const Run& run) {
  ByteWriter out;
  out.U64(run.segment);
  out.U64(run.frame);
  out.U32(run.entry);
  out.U32(run.entries);
  out.U32(run.count);
  out.U64(run.bytes);
  return out.Take();
}

// Only for iterators that stand on a "b" key.
StatusOr<Run> DecodeRun(const rocksdb::Slice& key, const rocksdb::Slice& value) {
  ByteReader in(ToView(value));
  Run run;
  run.segment = in.U64();
  run.frame = in.U64();
  run.entry = in.U32();
  run.entries = in.U32();
  run.count = in.U32();
  run.bytes = in.U64();
  if (!in.Finish("run").ok() || key.size() != 18 || run.count == 0 || run.entries < run.count ||
      run.entry > run.entries - run.count) {
    return DataLoss(kDamaged, "an entry of the blob index does not read back as written");
  }
  run.kind = static_cast<BlobKind>(key[1]);
  run.token = LoadBigEndian<uint64_t>(key.data() + 2);
  run.first = LoadBigEndian<uint64_t>(key.data() + 10);
  return run;
}

bool IsRun(const rocksdb::Iterator& it) {
  return it.Valid() && it.key().size() == 18 && it.key()[0] == 'b';
}

std::string SegmentKey(uint64_t id) {
  std::string key(9, 's');
  StoreBigEndian<uint64_t>(id, key.data() + 1);
  return key;
}

std::string StreamKey(size_t stream) { return {'m', static_cast<char>(stream)}; }

// One open segment file. Thread-safe reads.
class SegmentFile {
 public:
  SegmentFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;
  ~SegmentFile() { ::close(fd_); }

  const std::string& path() const { return path_; }

  // Exactly `size` bytes at `offset`; DataLoss when the file ends before.
  Status Read(uint64_t offset, size_t size, char* out) const {
    while (size > 0) {
      const ssize_t n = ::pread(fd_, out, size, static_cast<off_t>(offset));
      if (n < 0) {
        if (errno == EINTR) continue;
        return Error("read");
      }
      if (n == 0) return DataLoss(kDamaged, path_ + " ends at " + std::to_string(offset));
      out += n;
      offset += static_cast<uint64_t>(n);
      size -= static_cast<size_t>(n);
    }
    return OkStatus();
  }

  Status Write(uint64_t offset, std::vector<iovec>& pieces) const {
    size_t at = 0;
    while (at < pieces.size()) {
      const int count = static_cast<int>(std::min<size_t>(pieces.size() - at, 1024));
      ssize_t n = ::pwritev(fd_, pieces.data() + at, count, static_cast<off_t>(offset));
      if (n < 0) {
        if (errno == EINTR) continue;
        return Error("write");
      }
      offset += static_cast<uint64_t>(n);
      while (at < pieces.size() && static_cast<size_t>(n) >= pieces[at].iov_len) {
        n -= static_cast<ssize_t>(pieces[at].iov_len);
        ++at;
      }
      if (n > 0) {
        pieces[at].iov_base = static_cast<char*>(pieces[at].iov_base) + n;
        pieces[at].iov_len -= static_cast<size_t>(n);
      }
    }
    return OkStatus();
  }

  Status Sync() const { return ::fdatasync(fd_) == 0 ? OkStatus() : Error("fdatasync"); }

  StatusOr<uint64_t> Size() const {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return Error("stat");
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  Status Error(std::string_view what) const {
    return Unavailable("io_error", std::string(what) + " " + path_ + ": " +
                                       std::generic_category().message(errno));
  }

  const std::string path_;
  const int fd_;
};

rocksdb::ColumnFamilyOptions NamesFamily() {
  rocksdb::ColumnFamilyOptions family = CommonFamilyOptions();
  family.write_buffer_size = size_t{16} << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(size_t{32} << 20);
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

}  // namespace

class SegmentBlobStore::Impl {
 public:
  Impl(std::string dir, OpenDb names, const SegmentBlobStoreOptions& options)
      : dir_(std::move(dir)), names_(std::move(names)), options_(options) {}
  ~Impl();

  Status Start();

  Status Put(std::span<const BlobPut> blobs);
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const BlobName> names);
  Status Delete(std::span<const BlobName> names);
  Status DeleteAll(BlobKind kind, uint64_t token);
  StatusOr<std::vector<Listed>> List(BlobKind kind, uint64_t token, uint64_t from, size_t max);
  StatusOr<std::vector<uint64_t>> ListTokens(BlobKind kind, std::optional<uint64_t> after,
                                             size_t max);
  Status Reclaim();
  Status Checkpoint(const std::string& dir);
  uint64_t Position() const { return position_.load(std::memory_order_acquire); }

 private:
  // One caller, waiting to be written.
  struct Call {
    enum class What : uint8_t { kPut, kDelete, kAlone };
    What what = What::kPut;
    std::span<const BlobPut> puts;  // in the order of names, without repetition
    std::vector<Entry> deletions;   // or these
    std::function<Status()> alone;  // or this, by the leader, with nothing else going on
    Status status;
    bool done = false;
  };

  // What one stream of a group adds.
  struct Frame {
    Op op = Op::kPut;
    std::vector<Entry> entries;
    std::vector<std::string_view> bytes;  // of puts and moves, one for each entry
    uint64_t payload_bytes = 0;
  };

  struct Stream {
    std::shared_ptr<SegmentFile> file;  // being written; none until the first frame after opening
    uint64_t segment = 0;
    uint64_t offset = 0;
    uint64_t number = 0;  // of the next frame
  };

  struct SegmentState {
    uint8_t stream = 0;
    uint64_t total = 0;
    uint64_t dead = 0;
  };

  rocksdb::DB* db() { return names_.db.get(); }
  rocksdb::ReadOptions Reads() const { return CheckedReads(); }
  std::string PathOf(size_t stream, uint64_t id) const {
    char digits[32];
    std::snprintf(digits, sizeof(digits), "%012llu", static_cast<unsigned long long>(id));
    return dir_ + "/" + std::string(kStreams[stream]) + "-" + digits + ".seg";
  }

  // ---- Writing: one leader at a time. ----
  Status Submit(Call& call);
  void Lead(std::span<Call* const> calls);
  // Adds the new blobs of `call` to `frames`; a refusal adds nothing.
  Status Collect(const Call& call, std::array<Frame, 3>& frames,
                 std::map<BlobName, std::string_view>* others);
  // Writes, syncs and applies the frames. An error blows the fuse.
  Status Commit(std::array<Frame, 3>& frames);
  Status WriteFrame(size_t stream, Frame& frame, uint64_t* at);
  // Notes in the index what the frame at (segment, offset) did. Used when writing and when
  // replaying alike.
  Status Apply(size_t stream, uint64_t segment, uint64_t offset, const std::vector<Entry>& entries);
  Status ApplyDeletions(const std::vector<Entry>& entries, rocksdb::WriteBatch& batch,
                        std::map<uint64_t, uint64_t>& dead);

  // ---- Opening. ----
  Status ReadState();
  Status Replay(size_t stream, const std::vector<uint64_t>& segments);
  StatusOr<std::optional<std::vector<Entry>>> ReadFrame(const SegmentFile& file, uint64_t offset,
                                                        uint64_t file_bytes, Header* header);

  // ---- Reading. ----
  // The run that holds `name`, if any. Moves `it`.
  StatusOr<std::optional<Run>> Find(rocksdb::Iterator& it, const BlobName& name);
  StatusOr<std::shared_ptr<SegmentFile>> OpenSegment(uint64_t id);
  StatusOr<std::vector<Entry>> ReadEntries(const Run& run, uint32_t from, uint32_t count);
  // Reads blobs `from` … `from + count - 1` of the run (counted from its first) into `out`.
  Status ReadBlobs(const Run& run, uint32_t from, uint32_t count, std::optional<std::string>* out);

  // ---- Giving space back. ----
  void ReclaimLoop();
  // Moves what lives in segments that are more than `dead_percent` dead, and unlinks those without
  // life.
  Status ReclaimSegments(uint64_t dead_percent);
  Status MoveLiving(uint64_t segment);
  Status UnlinkDead();
  bool WorthReclaiming();

  const std::string dir_;
  OpenDb names_;
  const SegmentBlobStoreOptions options_;
  Fuse fuse_{kBroken};
  std::atomic<uint64_t> position_{0};

  std::mutex mutex_;
  std::condition_variable decided_;
  std::deque<Call*> waiting_;  // guarded by mutex_
  bool leading_ = false;       // guarded by mutex_

  // The leader's own.
  std::array<Stream, 3> streams_;
  uint64_t next_segment_ = 1;
  uint64_t unflushed_bytes_ = 0;

  std::mutex segments_mutex_;
  std::map<uint64_t, SegmentState> segments_;  // all that exist; guarded by segments_mutex_
  std::array<uint64_t, 3> active_{};  // ids being written, 0 when none; guarded by segments_mutex_

  std::mutex files_mutex_;
  std::map<uint64_t, std::shared_ptr<SegmentFile>>
      files_;  // open for reading; guarded by files_mutex_

  std::mutex reclaim_mutex_;  // one reclaimer at a time
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool work_ = false;      // guarded by wake_mutex_
  bool stopping_ = false;  // guarded by wake_mutex_
  std::thread reclaimer_;
};

// ---- Writing ----

Status SegmentBlobStore::Impl::Submit(Call& call) {
  std::unique_lock lock(mutex_);
  waiting_.push_back(&call);
  while (!call.done && leading_) decided_.wait(lock);
  if (call.done) return call.status;
  // Lead until the own call is done: groups of puts, or one of anything else.
  leading_ = true;
  while (!call.done) {
    std::vector<Call*> calls;
    size_t bytes = 0;
    while (!waiting_.empty()) {
      Call* const next = waiting_.front();
      size_t size = 0;
      for (const BlobPut& put : next->puts) size += put.bytes.size();
      if (!calls.empty() &&
          (next->what != Call::What::kPut || calls.front()->what != Call::What::kPut ||
           bytes + size > kMaxGroupBytes)) {
        break;
      }
      bytes += size;
      calls.push_back(next);
      waiting_.pop_front();
    }
    lock.unlock();
    Lead(calls);
    lock.lock();
    for (Call* const each : calls) each->done = true;
    decided_.notify_all();
  }
  leading_ = false;
  lock.unlock();
  decided_.notify_all();
  return call.status;
}

void SegmentBlobStore::Impl::Lead(std::span<Call* const> calls) {
  std::array<Frame, 3> frames;
  std::map<BlobName, std::string_view> others;  // what earlier calls of this group put
  for (Call* const call : calls) {
    call->status = fuse_.Check();
    if (!call->status.ok()) continue;
    switch (call->what) {
      case Call::What::kAlone:
        call->status = call->alone();
        return;
      case Call::What::kDelete:
        for (Entry& entry : call->deletions) {
          Frame& frame = frames[StreamOf(entry.name.kind)];
          frame.op = Op::kDelete;
          frame.entries.push_back(entry);
          frame.bytes.emplace_back();
        }
        break;
      case Call::What::kPut:
        call->status = Collect(*call, frames, calls.size() > 1 ? &others : nullptr);
        break;
    }
  }
  const Status committed = Commit(frames);
  if (committed.ok()) return;
  for (Call* const call : calls) call->status = committed;
}

Status SegmentBlobStore::Impl::Collect(const Call& call, std::array<Frame, 3>& frames,
                                       std::map<BlobName, std::string_view>* others) {
  const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
  std::vector<const BlobPut*> fresh;
  fresh.reserve(call.puts.size());
  // Names in order: as long as the next name is below `free_until`, nothing needs to be asked.
  std::optional<BlobName> free_until;
  for (const BlobPut& put : call.puts) {
    if (others != nullptr) {
      const auto other = others->find(put.name);
      if (other != others->end()) {
        if (other->second == put.bytes) continue;
        return AlreadyExists("blob_exists", Describe(put.name) + " holds other bytes");
      }
    }
    if (!free_until.has_value() || !(put.name < *free_until)) {
      JANGBU_ASSIGN_OR_RETURN(const std::optional<Run> run, Find(*it, put.name));
      if (run.has_value()) {
        std::optional<std::string> stored;
        JANGBU_RETURN_IF_ERROR(
            ReadBlobs(*run, static_cast<uint32_t>(put.name.ordinal - run->first), 1, &stored));
        if (*stored == put.bytes) continue;
        return AlreadyExists("blob_exists", Describe(put.name) + " holds other bytes");
      }
      // What comes next in the index bounds the free names.
      constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
      it->Seek(ToSlice(RunKey(put.name.kind, put.name.token, put.name.ordinal)));
      free_until = BlobName{static_cast<BlobKind>(255), kLast, kLast};
      if (IsRun(*it)) {
        JANGBU_ASSIGN_OR_RETURN(const Run next, DecodeRun(it->key(), it->value()));
        free_until = BlobName{next.kind, next.token, next.first};
      }
      JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), dir_, kDamaged, kBroken));
    }
    fresh.push_back(&put);
  }
  for (const BlobPut* const put : fresh) {
    Frame& frame = frames[StreamOf(put->name.kind)];
    frame.entries.push_back({Op::kPut, put->name, frame.payload_bytes,
                             static_cast<uint32_t>(put->bytes.size()),
                             CheckOf(put->name, put->bytes)});
    frame.bytes.push_back(put->bytes);
    frame.payload_bytes += put->bytes.size();
    if (others != nullptr) others->emplace(put->name, put->bytes);
  }
  return OkStatus();
}

Status SegmentBlobStore::Impl::Commit(std::array<Frame, 3>& frames) {
  std::array<uint64_t, 3> at{};
  for (size_t stream = 0; stream < frames.size(); ++stream) {
    if (frames[stream].entries.empty()) continue;
    const Status written = WriteFrame(stream, frames[stream], &at[stream]);
    if (!written.ok()) return fuse_.Blow(MessageOf(written));
  }
  uint64_t count = 0;
  for (size_t stream = 0; stream < frames.size(); ++stream) {
    if (frames[stream].entries.empty()) continue;
    const Status synced = streams_[stream].file->Sync();
    if (!synced.ok()) return fuse_.Blow(MessageOf(synced));
    ++count;
  }
  position_.fetch_add(count, std::memory_order_acq_rel);
  for (size_t stream = 0; stream < frames.size(); ++stream) {
    if (frames[stream].entries.empty()) continue;
    const Status applied =
        Apply(stream, streams_[stream].segment, at[stream], frames[stream].entries);
    if (!applied.ok()) return fuse_.Blow(MessageOf(applied));
  }
  if (unflushed_bytes_ >= options_.index_flush_bytes) {
    unflushed_bytes_ = 0;
    rocksdb::FlushOptions later;
    later.wait = false;
    later.allow_write_stall = true;
    const rocksdb::Status flushed = db()->Flush(later);
    if (!flushed.ok()) return fuse_.Blow(flushed.ToString());
  }
  return OkStatus();
}

Status SegmentBlobStore::Impl::WriteFrame(size_t stream, Frame& frame, uint64_t* at) {
  Stream& to = streams_[stream];
  Header header;
  header.entries = static_cast<uint32_t>(frame.entries.size());
  header.number = to.number;
  header.payload_bytes = frame.payload_bytes;
  if (to.file != nullptr && to.offset > 0 &&
      to.offset + header.frame_bytes() > options_.segment_bytes) {
    to.file = nullptr;
    const std::lock_guard lock(wake_mutex_);
    work_ = true;  // a closed segment may be given back
    wake_.notify_all();
  }
  if (to.file == nullptr) {
    const uint64_t id = next_segment_++;
    const std::string path = PathOf(stream, id);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
      return Unavailable("io_error",
                         "create " + path + ": " + std::generic_category().message(errno));
    to.file = std::make_shared<SegmentFile>(path, fd);
    to.segment = id;
    to.offset = 0;
    JANGBU_RETURN_IF_ERROR(SyncDirectory(dir_));
    const std::lock_guard lock(segments_mutex_);
    segments_[id] = {static_cast<uint8_t>(stream), 0, 0};
    active_[stream] = id;
  }
  ByteWriter entries;
  for (const Entry& entry : frame.entries) Store(entries, entry);
  header.entries_check = XXH3_64bits(entries.bytes().data(), entries.size());
  std::string head = Encode(header);
  std::vector<iovec> pieces;
  pieces.reserve(frame.bytes.size() + 2);
  pieces.push_back({head.data(), head.size()});
  pieces.push_back({const_cast<char*>(entries.bytes().data()), entries.size()});
  for (const std::string_view bytes : frame.bytes) {
    if (!bytes.empty()) pieces.push_back({const_cast<char*>(bytes.data()), bytes.size()});
  }
  JANGBU_RETURN_IF_ERROR(to.file->Write(to.offset, pieces));
  *at = to.offset;
  to.offset += header.frame_bytes();
  ++to.number;
  unflushed_bytes_ += header.frame_bytes();
  return OkStatus();
}

Status SegmentBlobStore::Impl::Apply(size_t stream, uint64_t segment, uint64_t offset,
                                     const std::vector<Entry>& entries) {
  rocksdb::WriteBatch batch;
  std::map<uint64_t, uint64_t> dead;  // bytes, by segment
  uint64_t added = 0;
  uint64_t payload = 0;
  if (entries.front().op == Op::kDelete || entries.front().op == Op::kDeleteAll) {
    JANGBU_RETURN_IF_ERROR(ApplyDeletions(entries, batch, dead));
  } else {
    const auto total = static_cast<uint32_t>(entries.size());
    for (uint32_t i = 0; i < total;) {
      Run run{entries[i].name.kind,
              entries[i].name.token,
              entries[i].name.ordinal,
              segment,
              offset,
              i,
              total,
              0,
              0};
      const std::string key = RunKey(run.kind, run.token, run.first);
      size_t most = kMaxRun;
      if (entries[i].op == Op::kMove) {
        // A run moves whole, under the same key; what it leaves behind is dead.
        std::string before;
        const rocksdb::Status got = db()->Get(Reads(), key, &before);
        JANGBU_RETURN_IF_ERROR(FromRocks(got, dir_, kDamaged, kBroken));
        JANGBU_ASSIGN_OR_RETURN(const Run left, DecodeRun(key, before));
        dead[left.segment] += left.bytes;
        most = left.count;
      }
      while (i < total && run.count < most && entries[i].name.kind == run.kind &&
             entries[i].name.token == run.token &&
             entries[i].name.ordinal == run.first + run.count) {
        run.bytes += entries[i].size;
        ++run.count;
        ++i;
      }
      payload += run.bytes;
      added += run.bytes;
      batch.Put(key, EncodeRun(run));
    }
  }
  ByteWriter mark;
  mark.U64(segment);
  mark.U64(offset + kHeaderBytes + entries.size() * kEntryBytes + payload);
  mark.U64(streams_[stream].number);
  batch.Put(StreamKey(stream), mark.bytes());

  bool reclaim = false;
  {
    const std::lock_guard lock(segments_mutex_);
    segments_[segment].stream = static_cast<uint8_t>(stream);
    segments_[segment].total += added;
    dead[segment] += 0;
    for (const auto& [id, bytes] : dead) {
      SegmentState& state = segments_[id];
      state.dead += bytes;
      ByteWriter value;
      value.U8(state.stream);
      value.U64(state.total);
      value.U64(state.dead);
      batch.Put(SegmentKey(id), value.bytes());
      reclaim |= id != active_[state.stream] && state.dead * 2 >= state.total;
    }
  }
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  JANGBU_RETURN_IF_ERROR(FromRocks(db()->Write(unlogged, &batch), dir_, kDamaged, kBroken));
  if (reclaim) {
    const std::lock_guard lock(wake_mutex_);
    work_ = true;
    wake_.notify_all();
  }
  return OkStatus();
}

Status SegmentBlobStore::Impl::ApplyDeletions(const std::vector<Entry>& entries,
                                              rocksdb::WriteBatch& batch,
                                              std::map<uint64_t, uint64_t>& dead) {
  const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
  if (entries.front().op == Op::kDeleteAll) {
    for (const Entry& entry : entries) {
      const std::string first = RunKey(entry.name.kind, entry.name.token, 0);
      for (it->Seek(ToSlice(first));
           IsRun(*it) && std::memcmp(it->key().data(), first.data(), 10) == 0; it->Next()) {
        JANGBU_ASSIGN_OR_RETURN(const Run run, DecodeRun(it->key(), it->value()));
        dead[run.segment] += run.bytes;
        batch.Delete(it->key());
      }
      JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), dir_, kDamaged, kBroken));
    }
    return OkStatus();
  }
  // Names in order, so those of one run stand together: what is left of it is smaller runs.
  std::vector<BlobName> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  for (size_t i = 0; i < names.size();) {
    JANGBU_ASSIGN_OR_RETURN(const std::optional<Run> found, Find(*it, names[i]));
    if (!found.has_value()) {
      ++i;
      continue;
    }
    const Run run = *found;
    JANGBU_ASSIGN_OR_RETURN(const std::vector<Entry> all, ReadEntries(run, 0, run.count));
    std::vector<bool> gone(run.count);
    for (; i < names.size() && run.Holds(names[i]); ++i) {
      const size_t at = names[i].ordinal - run.first;
      if (!gone[at]) dead[run.segment] += all[at].size;
      gone[at] = true;
    }
    batch.Delete(RunKey(run.kind, run.token, run.first));
    for (uint32_t at = 0; at < run.count;) {
      if (gone[at]) {
        ++at;
        continue;
      }
      Run rest = run;
      rest.first = run.first + at;
      rest.entry = run.entry + at;
      rest.count = 0;
      rest.bytes = 0;
      for (; at < run.count && !gone[at]; ++at) {
        ++rest.count;
        rest.bytes += all[at].size;
      }
      batch.Put(RunKey(rest.kind, rest.token, rest.first), EncodeRun(rest));
    }
  }
  return OkStatus();
}

Status SegmentBlobStore::Impl::Put(std::span<const BlobPut> blobs) {
  JANGBU_RETURN_IF_ERROR(fuse_.Check());
  std::vector<BlobPut> sorted(blobs.begin(), blobs.end());
  for (const BlobPut& put : sorted) {
    if (put.bytes.size() > kMaxBlobBytes) {
      return InvalidArgument("blob_too_large",
                             Describe(put.name) + ": " + std::to_string(put.bytes.size()) +
                                 " bytes, at most " + std::to_string(kMaxBlobBytes));
    }
  }
  const auto before = [](const BlobPut& a, const BlobPut& b) { return a.name < b.name; };
  if (!std::is_sorted(sorted.begin(), sorted.end(), before))
    std::stable_sort(sorted.begin(), sorted.end(), before);
  size_t kept = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (kept > 0 && sorted[kept - 1].name == sorted[i].name) {
      if (sorted[kept - 1].bytes == sorted[i].bytes) continue;
      return AlreadyExists("blob_exists",
                           Describe(sorted[i].name) + " is given twice, with other bytes");
    }
    sorted[kept++] = sorted[i];
  }
  sorted.resize(kept);
  if (sorted.empty()) return OkStatus();
  Call call;
  call.puts = sorted;
  return Submit(call);
}

Status SegmentBlobStore::Impl::Delete(std::span<const BlobName> names) {
  JANGBU_RETURN_IF_ERROR(fuse_.Check());
  // Only what is there is worth a frame.
  Call call;
  call.what = Call::What::kDelete;
  const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
  for (const BlobName& name : names) {
    JANGBU_ASSIGN_OR_RETURN(const std::optional<Run> run, Find(*it, name));
    if (run.has_value()) call.deletions.push_back({Op::kDelete, name, 0, 0, 0});
  }
  return call.deletions.empty() ? OkStatus() : Submit(call);
}

Status SegmentBlobStore::Impl::DeleteAll(BlobKind kind, uint64_t token) {
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Listed> any, List(kind, token, 0, 1));
  if (any.empty()) return OkStatus();
  Call call;
  call.what = Call::What::kDelete;
  call.deletions.push_back({Op::kDeleteAll, {kind, token, 0}, 0, 0, 0});
  return Submit(call);
}

// ---- Reading ----

StatusOr<std::optional<Run>> SegmentBlobStore::Impl::Find(rocksdb::Iterator& it,
                                                          const BlobName& name) {
  it.SeekForPrev(ToSlice(RunKey(name.kind, name.token, name.ordinal)));
  if (IsRun(it)) {
    JANGBU_ASSIGN_OR_RETURN(const Run run, DecodeRun(it.key(), it.value()));
    if (run.Holds(name)) return run;
  }
  JANGBU_RETURN_IF_ERROR(FromRocks(it.status(), dir_, kDamaged, kBroken));
  return std::nullopt;
}

StatusOr<std::shared_ptr<SegmentFile>> SegmentBlobStore::Impl::OpenSegment(uint64_t id) {
  const std::lock_guard lock(files_mutex_);
  if (const auto it = files_.find(id); it != files_.end()) return it->second;
  uint8_t stream = 0;
  {
    const std::lock_guard segments_lock(segments_mutex_);
    const auto it = segments_.find(id);
    if (it == segments_.end()) return NotFound("segment_gone", std::to_string(id));
    stream = it->second.stream;
  }
  const std::string path = PathOf(stream, id);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return DataLoss(kDamaged, path + " is missing");
    return Unavailable("io_error", "open " + path + ": " + std::generic_category().message(errno));
  }
  if (files_.size() >= kOpenSegments) files_.erase(files_.begin());
  return files_.emplace(id, std::make_shared<SegmentFile>(path, fd)).first->second;
}

StatusOr<std::vector<Entry>> SegmentBlobStore::Impl::ReadEntries(const Run& run, uint32_t from,
                                                                 uint32_t count) {
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<SegmentFile> file, OpenSegment(run.segment));
  std::string bytes(size_t{count} * kEntryBytes, '\0');
  JANGBU_RETURN_IF_ERROR(
      file->Read(run.frame + kHeaderBytes + uint64_t{run.entry + from} * kEntryBytes, bytes.size(),
                 bytes.data()));
  ByteReader in(bytes);
  std::vector<Entry> entries(count);
  for (uint32_t i = 0; i < count; ++i) {
    entries[i] = LoadEntry(in);
    const BlobName expected{run.kind, run.token, run.first + from + i};
    if (entries[i].name != expected || entries[i].size > kMaxBlobBytes) {
      return DataLoss("blob_damaged",
                      Describe(expected) + " is not where it was put in " + file->path());
    }
  }
  return entries;
}

Status SegmentBlobStore::Impl::ReadBlobs(const Run& run, uint32_t from, uint32_t count,
                                         std::optional<std::string>* out) {
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Entry> entries, ReadEntries(run, from, count));
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<SegmentFile> file, OpenSegment(run.segment));
  for (size_t i = 0; i < entries.size();) {
    // Neighbours in one read.
    size_t end = i + 1;
    uint64_t bytes = entries[i].size;
    while (end < entries.size() && entries[end].offset == entries[i].offset + bytes &&
           bytes + entries[end].size <= kMaxReadBytes) {
      bytes += entries[end].size;
      ++end;
    }
    std::string buffer;
    if (end > i + 1) {
      buffer.resize(bytes);
      JANGBU_RETURN_IF_ERROR(file->Read(run.payload() + entries[i].offset, bytes, buffer.data()));
    }
    uint64_t at = 0;
    for (; i < end; ++i) {
      std::string& blob = out[i].emplace();
      if (buffer.empty()) {
        blob.resize(entries[i].size);
        JANGBU_RETURN_IF_ERROR(
            file->Read(run.payload() + entries[i].offset, blob.size(), blob.data()));
      } else {
        blob.assign(buffer, at, entries[i].size);
        at += entries[i].size;
      }
      if (CheckOf(entries[i].name, blob) != entries[i].check) {
        return DataLoss("blob_damaged", Describe(entries[i].name) +
                                            " does not read back as written in " + file->path());
      }
    }
  }
  return OkStatus();
}

StatusOr<std::vector<std::optional<std::string>>> SegmentBlobStore::Impl::Get(
    std::span<const BlobName> names) {
  JANGBU_RETURN_IF_ERROR(fuse_.Check());
  std::vector<std::optional<std::string>> out(names.size());
  size_t i = 0;
  int moved = 0;
  while (i < names.size()) {
    // A new iterator sees what moved meanwhile.
    const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
    while (i < names.size()) {
      JANGBU_ASSIGN_OR_RETURN(const std::optional<Run> run, Find(*it, names[i]));
      if (!run.has_value()) {
        ++i;
        continue;
      }
      const auto from = static_cast<uint32_t>(names[i].ordinal - run->first);
      uint32_t count = 1;
      while (i + count < names.size() && from + count < run->count &&
             names[i + count] == BlobName{run->kind, run->token, run->first + from + count}) {
        ++count;
      }
      const Status read = ReadBlobs(*run, from, count, &out[i]);
      if (read.code() == absl::StatusCode::kNotFound && ++moved < 100) break;
      JANGBU_RETURN_IF_ERROR(read);
      i += count;
    }
  }
  return out;
}

StatusOr<std::vector<BlobStore::Listed>> SegmentBlobStore::Impl::List(BlobKind kind, uint64_t token,
                                                                      uint64_t from, size_t max) {
  JANGBU_RETURN_IF_ERROR(fuse_.Check());
  std::vector<Listed> out;
  int moved = 0;
  bool done = max == 0;
  while (!done) {
    const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
    JANGBU_ASSIGN_OR_RETURN(const std::optional<Run> covering, Find(*it, {kind, token, from}));
    if (!covering.has_value()) it->Seek(ToSlice(RunKey(kind, token, from)));
    done = true;
    for (; IsRun(*it) && out.size() < max; it->Next()) {
      JANGBU_ASSIGN_OR_RETURN(const Run run, DecodeRun(it->key(), it->value()));
      if (run.kind != kind || run.token != token) break;
      const auto skip = static_cast<uint32_t>(from > run.first ? from - run.first : 0);
      const auto count =
          static_cast<uint32_t>(std::min<size_t>(run.count - skip, max - out.size()));
      const StatusOr<std::vector<Entry>> entries = ReadEntries(run, skip, count);
      if (entries.status().code() == absl::StatusCode::kNotFound && ++moved < 100) {
        done = false;
        break;
      }
      JANGBU_RETURN_IF_ERROR(entries.status());
      for (const Entry& entry : *entries) out.push_back({entry.name, entry.size});
      from = run.first + skip + count;
      if (from == 0) break;  // past the last ordinal there is
    }
    JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), dir_, kDamaged, kBroken));
  }
  return out;
}

StatusOr<std::vector<uint64_t>> SegmentBlobStore::Impl::ListTokens(BlobKind kind,
                                                                   std::optional<uint64_t> after,
                                                                   size_t max) {
  JANGBU_RETURN_IF_ERROR(fuse_.Check());
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  std::vector<uint64_t> out;
  if (after == kLast) return out;
  const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
  uint64_t next = after.has_value() ? *after + 1 : 0;
  while (out.size() < max) {
    it->Seek(ToSlice(RunKey(kind, next, 0)));
    if (!IsRun(*it) || it->key()[1] != static_cast<char>(kind)) break;
    const auto token = LoadBigEndian<uint64_t>(it->key().data() + 2);
    out.push_back(token);
    if (token == kLast) break;
    next = token + 1;
  }
  JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), dir_, kDamaged, kBroken));
  return out;
}

// ---- Opening ----

Status SegmentBlobStore::Impl::ReadState() {
  const auto damaged = [&] {
    return DataLoss(kDamaged, "the blob index in " + dir_ + " does not read back as written");
  };
  const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
  for (it->Seek("s"); it->Valid() && it->key()[0] == 's'; it->Next()) {
    ByteReader in(ToView(it->value()));
    SegmentState state;
    state.stream = in.U8();
    state.total = in.U64();
    state.dead = in.U64();
    if (!in.Finish("segment").ok() || it->key().size() != 9 || state.stream >= kStreams.size())
      return damaged();
    segments_[LoadBigEndian<uint64_t>(it->key().data() + 1)] = state;
  }
  JANGBU_RETURN_IF_ERROR(FromRocks(it->status(), dir_, kDamaged, kBroken));
  for (size_t stream = 0; stream < kStreams.size(); ++stream) {
    std::string value;
    const rocksdb::Status got = db()->Get(Reads(), StreamKey(stream), &value);
    if (got.IsNotFound()) continue;
    JANGBU_RETURN_IF_ERROR(FromRocks(got, dir_, kDamaged, kBroken));
    ByteReader in(value);
    streams_[stream].segment = in.U64();
    streams_[stream].offset = in.U64();
    streams_[stream].number = in.U64();
    if (!in.Finish("stream").ok()) return damaged();
  }
  return OkStatus();
}

// The entries of the frame at `offset`, or nothing when there is no whole frame.
StatusOr<std::optional<std::vector<Entry>>> SegmentBlobStore::Impl::ReadFrame(
    const SegmentFile& file, uint64_t offset, uint64_t file_bytes, Header* header) {
  std::string head(kHeaderBytes, '\0');
  if (file_bytes - offset < kHeaderBytes) return std::nullopt;
  JANGBU_RETURN_IF_ERROR(file.Read(offset, head.size(), head.data()));
  const std::optional<Header> decoded = DecodeHeader(head);
  if (!decoded.has_value() || decoded->entries == 0) return std::nullopt;
  const uint64_t left = file_bytes - offset - kHeaderBytes;
  if (decoded->entries > left / kEntryBytes ||
      decoded->payload_bytes > left - decoded->entries * kEntryBytes) {
    return std::nullopt;
  }
  std::string bytes(decoded->entries * kEntryBytes, '\0');
  JANGBU_RETURN_IF_ERROR(file.Read(offset + kHeaderBytes, bytes.size(), bytes.data()));
  if (XXH3_64bits(bytes.data(), bytes.size()) != decoded->entries_check) return std::nullopt;
  ByteReader in(bytes);
  std::vector<Entry> entries(decoded->entries);
  uint64_t payload = 0;
  for (Entry& entry : entries) {
    entry = LoadEntry(in);
    if (entry.op == Op::kDelete || entry.op == Op::kDeleteAll) continue;
    if (entry.offset != payload || entry.size > decoded->payload_bytes - payload)
      return std::nullopt;
    std::string blob(entry.size, '\0');
    JANGBU_RETURN_IF_ERROR(
        file.Read(offset + kHeaderBytes + bytes.size() + payload, blob.size(), blob.data()));
    if (CheckOf(entry.name, blob) != entry.check) return std::nullopt;
    payload += entry.size;
  }
  if (payload != decoded->payload_bytes) return std::nullopt;
  *header = *decoded;
  return entries;
}

Status SegmentBlobStore::Impl::Replay(size_t stream, const std::vector<uint64_t>& segments) {
  Stream& state = streams_[stream];
  for (const uint64_t id : segments) {
    const std::string path = PathOf(stream, id);
    if (id < state.segment) {
      // Everything in it is in the index; if that knows nothing of it, it was to be unlinked.
      if (!segments_.contains(id)) {
        std::error_code error;
        std::filesystem::remove(path, error);
      }
      continue;
    }
    segments_[id].stream = static_cast<uint8_t>(stream);
    JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<SegmentFile> file, OpenSegment(id));
    JANGBU_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    uint64_t offset = id == state.segment ? state.offset : 0;
    if (offset > size)
      return DataLoss(kDamaged, path + " ends at " + std::to_string(size) + ", but was longer");
    while (offset < size) {
      Header header;
      JANGBU_ASSIGN_OR_RETURN(const std::optional<std::vector<Entry>> entries,
                              ReadFrame(*file, offset, size, &header));
      if (!entries.has_value()) break;  // what a crash left; the next segment goes on
      if (header.number != state.number) {
        return DataLoss(kDamaged, path + " has frame " + std::to_string(header.number) +
                                      " where frame " + std::to_string(state.number) +
                                      " should follow: frames before it were lost");
      }
      ++state.number;
      state.segment = id;
      JANGBU_RETURN_IF_ERROR(Apply(stream, id, offset, *entries));
      offset += header.frame_bytes();
      state.offset = offset;
    }
  }
  return OkStatus();
}

Status SegmentBlobStore::Impl::Start() {
  JANGBU_RETURN_IF_ERROR(ReadState());
  std::array<std::vector<uint64_t>, 3> found;
  std::set<uint64_t> all;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir_, error)) {
    const std::string name = entry.path().filename().string();
    for (size_t stream = 0; stream < kStreams.size(); ++stream) {
      if (!name.starts_with(std::string(kStreams[stream]) + "-") || !name.ends_with(".seg"))
        continue;
      const char* const begin = name.data() + kStreams[stream].size() + 1;
      const char* const end = name.data() + name.size() - 4;
      uint64_t id = 0;
      const auto [stop, bad] = std::from_chars(begin, end, id);
      if (bad != std::errc() || stop != end) continue;
      found[stream].push_back(id);
      all.insert(id);
      next_segment_ = std::max(next_segment_, id + 1);
    }
  }
  if (error) return Unavailable("io_error", "list " + dir_ + ": " + error.message());
  for (auto it = segments_.begin(); it != segments_.end();) {
    next_segment_ = std::max(next_segment_, it->first + 1);
    if (all.contains(it->first)) {
      ++it;
      continue;
    }
    if (it->second.dead < it->second.total) {
      return DataLoss(kDamaged, PathOf(it->second.stream, it->first) + " is missing");
    }
    it = segments_.erase(it);  // unlinked, and stopped before that was noted
  }
  uint64_t position = 0;
  for (size_t stream = 0; stream < kStreams.size(); ++stream) {
    std::sort(found[stream].begin(), found[stream].end());
    JANGBU_RETURN_IF_ERROR(Replay(stream, found[stream]));
    position += streams_[stream].number;
    streams_[stream].file = nullptr;  // the next frame begins a new segment
  }
  position_.store(position, std::memory_order_release);
  // Nothing is given back before something was written: whoever opens a damaged store can still
  // look at all of it.
  reclaimer_ = std::thread([this] { ReclaimLoop(); });
  return OkStatus();
}

SegmentBlobStore::Impl::~Impl() {
  {
    const std::lock_guard lock(wake_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (reclaimer_.joinable()) reclaimer_.join();
  // So that the next opening replays little. The segments have everything if this fails.
  if (fuse_.Check().ok()) db()->Flush(rocksdb::FlushOptions()).PermitUncheckedError();
}

// ---- Giving space back ----

bool SegmentBlobStore::Impl::WorthReclaiming() {
  const std::lock_guard lock(segments_mutex_);
  return std::any_of(segments_.begin(), segments_.end(), [&](const auto& each) {
    return each.first != active_[each.second.stream] && each.second.dead * 2 >= each.second.total;
  });
}

void SegmentBlobStore::Impl::ReclaimLoop() {
  std::unique_lock lock(wake_mutex_);
  while (true) {
    while (!work_ && !stopping_) wake_.wait(lock);
    if (stopping_) return;
    work_ = false;
    lock.unlock();
    // A failure here loses nothing, and shows again in whatever is written next.
    if (WorthReclaiming()) ReclaimSegments(50).IgnoreError();
    lock.lock();
  }
}

Status SegmentBlobStore::Impl::ReclaimSegments(uint64_t dead_percent) {
  const std::lock_guard one(reclaim_mutex_);
  std::vector<uint64_t> sparse;
  {
    const std::lock_guard lock(segments_mutex_);
    for (const auto& [id, state] : segments_) {
      if (id == active_[state.stream] || state.dead == 0 || state.dead >= state.total) continue;
      if (state.dead * 100 >= state.total * dead_percent) sparse.push_back(id);
    }
  }
  for (const uint64_t id : sparse) JANGBU_RETURN_IF_ERROR(MoveLiving(id));
  return UnlinkDead();
}

Status SegmentBlobStore::Impl::MoveLiving(uint64_t segment) {
  uint8_t stream = 0;
  {
    const std::lock_guard lock(segments_mutex_);
    stream = segments_[segment].stream;
  }
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<SegmentFile> file, OpenSegment(segment));
  JANGBU_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  // What was put here, frame by frame; the index says what of it is still here.
  uint64_t offset = 0;
  while (size - offset >= kHeaderBytes) {
    {
      const std::lock_guard lock(wake_mutex_);
      if (stopping_) return OkStatus();
    }
    std::string head(kHeaderBytes, '\0');
    JANGBU_RETURN_IF_ERROR(file->Read(offset, head.size(), head.data()));
    const std::optional<Header> header = DecodeHeader(head);
    if (!header.has_value() || header->entries > (size - offset) / kEntryBytes) break;
    std::string bytes(header->entries * kEntryBytes, '\0');
    JANGBU_RETURN_IF_ERROR(file->Read(offset + kHeaderBytes, bytes.size(), bytes.data()));
    ByteReader in(bytes);
    std::vector<BlobName> names;
    for (uint32_t i = 0; i < header->entries; ++i) {
      const Entry entry = LoadEntry(in);
      if (entry.op == Op::kPut || entry.op == Op::kMove) names.push_back(entry.name);
    }
    for (size_t next = 0; next < names.size();) {
      // As the leader: nothing changes between looking and moving.
      Call call;
      call.what = Call::What::kAlone;
      call.alone = [&]() -> Status {
        std::array<Frame, 3> frames;
        Frame& frame = frames[stream];
        frame.op = Op::kMove;
        std::deque<std::string> held;
        const std::unique_ptr<rocksdb::Iterator> it(db()->NewIterator(Reads()));
        while (next < names.size() && frame.payload_bytes < kMaxReadBytes) {
          JANGBU_ASSIGN_OR_RETURN(const std::optional<Run> run, Find(*it, names[next]));
          if (!run.has_value() || run->segment != segment || run->frame != offset) {
            ++next;
            continue;
          }
          std::vector<std::optional<std::string>> blobs(run->count);
          JANGBU_RETURN_IF_ERROR(ReadBlobs(*run, 0, run->count, blobs.data()));
          for (uint32_t i = 0; i < run->count; ++i) {
            const BlobName name{run->kind, run->token, run->first + i};
            const std::string& blob = held.emplace_back(*std::move(blobs[i]));
            frame.entries.push_back({Op::kMove, name, frame.payload_bytes,
                                     static_cast<uint32_t>(blob.size()), CheckOf(name, blob)});
            frame.bytes.push_back(blob);
            frame.payload_bytes += blob.size();
          }
          while (next < names.size() && run->Holds(names[next])) ++next;
        }
        return Commit(frames);
      };
      JANGBU_RETURN_IF_ERROR(Submit(call));
    }
    offset += header->frame_bytes();
    if (offset > size) break;
  }
  return OkStatus();
}

Status SegmentBlobStore::Impl::UnlinkDead() {
  std::vector<std::pair<uint64_t, uint8_t>> dead;
  {
    const std::lock_guard lock(segments_mutex_);
    for (const auto& [id, state] : segments_) {
      if (id != active_[state.stream] && state.dead >= state.total)
        dead.emplace_back(id, state.stream);
    }
  }
  if (dead.empty()) return OkStatus();
  // The index must hold what their frames said before those go.
  JANGBU_RETURN_IF_ERROR(
      FromRocks(db()->Flush(rocksdb::FlushOptions()), dir_, kDamaged, "reclaim_failed"));
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  for (const auto& [id, stream] : dead) {
    std::error_code error;
    {
      const std::lock_guard lock(segments_mutex_);
      segments_.erase(id);
    }
    {
      const std::lock_guard lock(files_mutex_);
      files_.erase(id);
    }
    std::filesystem::remove(PathOf(stream, id), error);
    if (error)
      return Unavailable("reclaim_failed", "unlink " + PathOf(stream, id) + ": " + error.message());
    JANGBU_RETURN_IF_ERROR(
        FromRocks(db()->Delete(unlogged, SegmentKey(id)), dir_, kDamaged, "reclaim_failed"));
  }
  return SyncDirectory(dir_);
}

Status SegmentBlobStore::Impl::Reclaim() {
  JANGBU_RETURN_IF_ERROR(fuse_.Check());
  // What is being written can be given back too, once something else is.
  Call call;
  call.what = Call::What::kAlone;
  call.alone = [this] {
    const std::lock_guard lock(segments_mutex_);
    for (size_t stream = 0; stream < kStreams.size(); ++stream) {
      streams_[stream].file = nullptr;
      active_[stream] = 0;
    }
    return OkStatus();
  };
  JANGBU_RETURN_IF_ERROR(Submit(call));
  return ReclaimSegments(0);
}

Status SegmentBlobStore::Impl::Checkpoint(const std::string& dir) {
  JANGBU_RETURN_IF_ERROR(fuse_.Check());
  const std::lock_guard one(reclaim_mutex_);
  Call call;
  call.what = Call::What::kAlone;
  call.alone = [&]() -> Status {
    JANGBU_RETURN_IF_ERROR(MakeDirectory(dir));
    JANGBU_RETURN_IF_ERROR(
        FromRocks(db()->Flush(rocksdb::FlushOptions()), dir_, kDamaged, "checkpoint_failed"));
    JANGBU_RETURN_IF_ERROR(CheckpointRocks(db(), dir + "/names", "checkpoint_failed"));
    const std::lock_guard lock(segments_mutex_);
    for (size_t stream = 0; stream < kStreams.size(); ++stream) {
      // Files are never written again once they are shared.
      streams_[stream].file = nullptr;
      active_[stream] = 0;
    }
    for (const auto& [id, state] : segments_) {
      const std::string path = PathOf(state.stream, id);
      const std::string link = dir + path.substr(dir_.size());
      if (::link(path.c_str(), link.c_str()) != 0) {
        return Unavailable("checkpoint_failed",
                           "link " + link + ": " + std::generic_category().message(errno));
      }
    }
    return SyncDirectory(dir);
  };
  return Submit(call);
}

// ---- SegmentBlobStore ----

SegmentBlobStore::SegmentBlobStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SegmentBlobStore::~SegmentBlobStore() = default;

StatusOr<std::unique_ptr<SegmentBlobStore>> SegmentBlobStore::Open(
    const std::string& dir, const SegmentBlobStoreOptions& options) {
  JANGBU_RETURN_IF_ERROR(MakeDirectory(dir));
  rocksdb::DBOptions db_options = CommonDbOptions();
  db_options.track_and_verify_wals_in_manifest = false;  // it has no log: the segments are
  JANGBU_ASSIGN_OR_RETURN(
      OpenDb names, OpenRocks(dir + "/names", db_options, {{"default", NamesFamily()}}, kDamaged));
  auto impl = std::make_unique<Impl>(dir, std::move(names), options);
  JANGBU_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<SegmentBlobStore>(new SegmentBlobStore(std::move(impl)));
}

Status SegmentBlobStore::Put(std::span<const BlobPut> blobs) { return impl_->Put(blobs); }
StatusOr<std::vector<std::optional<std::string>>> SegmentBlobStore::Get(
    std::span<const BlobName> names) {
  return impl_->Get(names);
}
Status SegmentBlobStore::Delete(std::span<const BlobName> names) { return impl_->Delete(names); }
Status SegmentBlobStore::DeleteAll(BlobKind kind, uint64_t token) {
  return impl_->DeleteAll(kind, token);
}
StatusOr<std::vector<BlobStore::Listed>> SegmentBlobStore::List(BlobKind kind, uint64_t token,
                                                                uint64_t from, size_t max) {
  return impl_->List(kind, token, from, max);
}
StatusOr<std::vector<uint64_t>> SegmentBlobStore::ListTokens(BlobKind kind,
                                                             std::optional<uint64_t> after,
                                                             size_t max) {
  return impl_->ListTokens(kind, after, max);
}
Status SegmentBlobStore::Reclaim() { return impl_->Reclaim(); }
uint64_t SegmentBlobStore::Position() const { return impl_->Position(); }
Status SegmentBlobStore::Checkpoint(const std::string& dir) { return impl_->Checkpoint(dir); }

}  // namespace jangbu::services
