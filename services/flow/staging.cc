#include "services/flow/staging.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "ingest/text/utf8.h"

namespace jangbu::services {
namespace {

constexpr uint32_t kMaxAttempts = 255;
constexpr uint32_t kMaxChunks = (1U << 24) - 1;
constexpr size_t kListPage = 4096;
constexpr size_t kReadAhead = 8;

std::string Aad(const BlobName& name) {
  ByteWriter w;
  w.U8(static_cast<uint8_t>(name.kind));
  w.U64(name.token);
  w.U64(name.ordinal);
  return w.Take();
}

BlobName ChunkName(uint64_t upload, uint32_t file, uint32_t attempt, uint32_t chunk) {
  return {
      .kind = BlobKind::kStaging,
      .token = upload,
      .ordinal = static_cast<uint64_t>(file) << 32 | static_cast<uint64_t>(attempt) << 24 | chunk};
}
BlobName PathName(uint64_t upload, uint32_t file) {
  return {.kind = BlobKind::kFile, .token = upload, .ordinal = uint64_t{file} * 2};
}
BlobName CompletionName(uint64_t upload, uint32_t file) {
  return {.kind = BlobKind::kFile, .token = upload, .ordinal = uint64_t{file} * 2 + 1};
}

std::string EncodeCompletion(uint64_t bytes, const Digest& sha256, uint32_t attempt,
                             uint32_t chunks) {
  ByteWriter w;
  w.U64(bytes);
  w.Raw(sha256);
  w.U32(attempt);
  w.U32(chunks);
  return w.Take();
}

// Every blob of (kind, token), in order.
StatusOr<std::vector<BlobStore::Listed>> ListAll(BlobStore& blobs, BlobKind kind, uint64_t token) {
  std::vector<BlobStore::Listed> all;
  uint64_t from = 0;
  while (true) {
    JANGBU_ASSIGN_OR_RETURN(const auto page, blobs.List(kind, token, from, kListPage));
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < kListPage) return all;
    from = page.back().name.ordinal + 1;
  }
}

// The bytes of a complete file, chunk by chunk.
class StagedSource final : public ingest::ByteSource {
 public:
  StagedSource(BlobStore& blobs, std::shared_ptr<const SecretKey> key, uint64_t upload,
               uint32_t file, uint32_t attempt, uint32_t chunks)
      : blobs_(blobs),
        key_(std::move(key)),
        upload_(upload),
        file_(file),
        attempt_(attempt),
        chunks_(chunks) {}

  StatusOr<size_t> Read(char* out, size_t n) override {
    while (at_ == current_.size()) {
      if (ahead_.empty()) {
        if (next_ == chunks_) return size_t{0};
        JANGBU_RETURN_IF_ERROR(Fetch());
      }
      current_ = std::move(ahead_.front());
      ahead_.erase(ahead_.begin());
      at_ = 0;
    }
    const size_t size = std::min(n, current_.size() - at_);
    std::copy_n(current_.data() + at_, size, out);
    at_ += size;
    return size;
  }

 private:
  Status Fetch() {
    std::vector<BlobName> names;
    for (; next_ < chunks_ && names.size() < kReadAhead; ++next_) {
      names.push_back(ChunkName(upload_, file_, attempt_, next_));
    }
    JANGBU_ASSIGN_OR_RETURN(const auto boxes, blobs_.Get(names));
    for (size_t i = 0; i < names.size(); ++i) {
      if (!boxes[i].has_value())
        return DataLoss("staging_missing", "a chunk of a staged file is gone");
      JANGBU_ASSIGN_OR_RETURN(std::string bytes, OpenBox(*key_, Aad(names[i]), *boxes[i]));
      ahead_.push_back(std::move(bytes));
    }
    return OkStatus();
  }

  BlobStore& blobs_;
  const std::shared_ptr<const SecretKey> key_;
  const uint64_t upload_;
  const uint32_t file_;
  const uint32_t attempt_;
  const uint32_t chunks_;
  uint32_t next_ = 0;
  std::vector<std::string> ahead_;
  std::string current_;
  size_t at_ = 0;
};

}  // namespace

std::shared_ptr<Staging::Upload> Staging::Find(uint64_t token) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Upload>& upload = uploads_[token];
  if (upload == nullptr) upload = std::make_shared<Upload>();
  return upload;
}

Status Staging::Load(uint32_t partner, uint64_t token, Upload& upload) {
  if (upload.loaded) return OkStatus();
  upload.files.clear();
  upload.bytes = 0;
  upload.complete_prefix = 0;
  JANGBU_ASSIGN_OR_RETURN(const auto known, ListAll(blobs_, BlobKind::kFile, token));
  if (known.empty()) {
    upload.loaded = true;
    return OkStatus();
  }
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const SecretKey> key,
                          keyring_.UploadKey(partner, token));
  for (size_t i = 0; i < known.size(); i += kListPage) {
    std::vector<BlobName> names;
    for (size_t j = i; j < std::min(known.size(), i + kListPage); ++j)
      names.push_back(known[j].name);
    JANGBU_ASSIGN_OR_RETURN(const auto boxes, blobs_.Get(names));
    for (size_t j = 0; j < names.size(); ++j) {
      if (!boxes[j].has_value())
        return DataLoss("staging_missing", "what is known of a staged file is gone");
      JANGBU_ASSIGN_OR_RETURN(const std::string bytes, OpenBox(*key, Aad(names[j]), *boxes[j]));
      File& file = upload.files[static_cast<uint32_t>(names[j].ordinal / 2)];
      if (names[j].ordinal % 2 == 0) {
        file.path = bytes;
        continue;
      }
      ByteReader r(bytes);
      file.bytes = r.U64();
      file.sha256 = r.Array<32>();
      file.attempt = r.U32();
      file.chunks = r.U32();
      JANGBU_RETURN_IF_ERROR(r.Finish("a staged file's completion"));
      file.complete = true;
    }
  }
  // What incomplete files hold so far is known from their chunks.
  JANGBU_ASSIGN_OR_RETURN(const auto chunks, ListAll(blobs_, BlobKind::kStaging, token));
  for (const BlobStore::Listed& chunk : chunks) {
    const auto number = static_cast<uint32_t>(chunk.name.ordinal >> 32);
    const auto attempt = static_cast<uint32_t>(chunk.name.ordinal >> 24 & 255);
    const auto found = upload.files.find(number);
    if (found == upload.files.end() || found->second.complete) continue;
    File& file = found->second;
    if (attempt >
        file.attempt) {  // an earlier attempt was dropped, and the crash came before its removal
      file.attempt = attempt;
      file.chunks = 0;
      file.bytes = 0;
      file.running.reset();
    }
    if (attempt != file.attempt || (chunk.name.ordinal & kMaxChunks) != file.chunks) continue;
    if (file.running == nullptr) file.running = std::make_unique<Sha256Stream>();
    JANGBU_ASSIGN_OR_RETURN(const auto box, blobs_.Get({&chunk.name, 1}));
    if (!box[0].has_value()) return DataLoss("staging_missing", "a chunk of a staged file is gone");
    JANGBU_ASSIGN_OR_RETURN(const std::string bytes, OpenBox(*key, Aad(chunk.name), *box[0]));
    file.running->Update(bytes);
    file.bytes += bytes.size();
    ++file.chunks;
  }
  for (const auto& [number, file] : upload.files) {
    upload.bytes += static_cast<int64_t>(file.bytes);
    if (file.complete && number == upload.complete_prefix) ++upload.complete_prefix;
  }
  upload.loaded = true;
  return OkStatus();
}

StatusOr<std::vector<StageAck>> Staging::Stage(uint32_t partner, uint64_t token,
                                               std::vector<StageChunk> chunks) {
  const std::shared_ptr<Upload> upload = Find(token);
  const std::lock_guard lock(upload->mutex);
  JANGBU_RETURN_IF_ERROR(Load(partner, token, *upload));
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const SecretKey> key,
                          keyring_.UploadKey(partner, token, true));

  // First everything is judged on a copy of the files touched; then it is stored in one durable
  // call; then the copies take effect. So a failed call leaves the state as storage may have it: to
  // be loaded again.
  std::map<uint32_t, File> touched;
  std::vector<std::pair<BlobName, std::string>> puts;
  std::vector<BlobName> deletes;
  std::map<uint32_t, Status> errors;
  std::vector<uint32_t> order;
  const auto note = [&order](uint32_t file) {
    std::erase(order, file);
    order.push_back(file);
  };
  for (StageChunk& chunk : chunks) {
    if (errors.contains(chunk.file)) continue;
    note(chunk.file);
    auto found = touched.find(chunk.file);
    if (found == touched.end()) {
      File file;
      const auto existing = upload->files.find(chunk.file);
      if (existing != upload->files.end()) {
        const File& old = existing->second;
        file.path = old.path;
        file.attempt = old.attempt;
        file.chunks = old.chunks;
        file.bytes = old.bytes;
        file.complete = old.complete;
        file.sha256 = old.sha256;
        if (old.running != nullptr) file.running = std::make_unique<Sha256Stream>(*old.running);
      } else {
        if (chunk.file >= kMaxFiles) {
          errors[chunk.file] =
              InvalidArgument("too_many_files", "an upload has at most 10,000,000 files; split it");
          continue;
        }
        if (chunk.path.empty() || chunk.path.size() > kMaxPathBytes ||
            !ingest::IsValidUtf8(chunk.path)) {
          errors[chunk.file] = InvalidArgument(
              "bad_path", "a file's first message names it in 1 to 4096 bytes of UTF-8");
          continue;
        }
        file.path = chunk.path;
        const BlobName name = PathName(token, chunk.file);
        puts.emplace_back(name, SealBox(*key, Aad(name), file.path, keyring_.random()));
      }
      found = touched.emplace(chunk.file, std::move(file)).first;
    }
    File& file = found->second;
    if (!chunk.path.empty() && chunk.path != file.path) {
      errors[chunk.file] =
          FailedPrecondition("path_mismatch", "this file number was announced under another path");
      continue;
    }
    if (file.complete) {
      // A client that lost the last answer sends the end again.
      if (chunk.last && chunk.offset + chunk.data.size() == file.bytes &&
          (chunk.sha256.empty() || chunk.sha256 == AsView(file.sha256))) {
        continue;
      }
      errors[chunk.file] =
          FailedPrecondition("file_already_complete", "this file is complete; go on with the next");
      continue;
    }
    if (chunk.offset != file.bytes) {
      errors[chunk.file] = FailedPrecondition(
          "offset_mismatch", "the file continues at " + std::to_string(file.bytes) + ", not at " +
                                 std::to_string(chunk.offset) + "; resume from there");
      continue;
    }
    if (chunk.data.size() > kMaxChunkBytes || file.chunks >= kMaxChunks) {
      errors[chunk.file] =
          InvalidArgument("chunk_too_large", "a message carries at most 1 MiB of a file");
      continue;
    }
    if (file.running == nullptr) file.running = std::make_unique<Sha256Stream>();
    if (!chunk.data.empty()) {
      const BlobName name = ChunkName(token, chunk.file, file.attempt, file.chunks);
      file.running->Update(chunk.data);
      puts.emplace_back(name, SealBox(*key, Aad(name), chunk.data, keyring_.random()));
      file.bytes += chunk.data.size();
      ++file.chunks;
    }
    if (!chunk.last) continue;
    file.sha256 = file.running->Peek();
    if (!chunk.sha256.empty() && chunk.sha256 != AsView(file.sha256)) {
      if (file.attempt >= kMaxAttempts) {
        errors[chunk.file] =
            ResourceExhausted("too_many_attempts", "the file changed too often while it was sent");
        continue;
      }
      errors[chunk.file] = Aborted(
          "file_changed", "the file's bytes are not those announced; send it again from the start");
      for (uint32_t i = 0; i < file.chunks; ++i)
        deletes.push_back(ChunkName(token, chunk.file, file.attempt, i));
      ++file.attempt;
      file.chunks = 0;
      file.bytes = 0;
      file.running.reset();
      continue;
    }
    file.complete = true;
    file.running.reset();
    const BlobName name = CompletionName(token, chunk.file);
    puts.emplace_back(name,
                      SealBox(*key, Aad(name),
                              EncodeCompletion(file.bytes, file.sha256, file.attempt, file.chunks),
                              keyring_.random()));
  }

  // Chunks that are dropped again need not be stored first.
  if (!deletes.empty()) {
    const std::set<BlobName> dropped(deletes.begin(), deletes.end());
    std::erase_if(puts, [&dropped](const auto& put) { return dropped.contains(put.first); });
  }
  std::vector<BlobPut> blobs;
  blobs.reserve(puts.size());
  for (const auto& [name, bytes] : puts) blobs.push_back({.name = name, .bytes = bytes});
  upload->loaded = false;  // until the storage has said yes
  if (!blobs.empty()) JANGBU_RETURN_IF_ERROR(blobs_.Put(blobs));
  if (!deletes.empty()) JANGBU_RETURN_IF_ERROR(blobs_.Delete(deletes));
  upload->loaded = true;

  std::vector<StageAck> acks;
  for (auto& [number, file] : touched) {
    File& stored = upload->files[number];
    upload->bytes += static_cast<int64_t>(file.bytes) - static_cast<int64_t>(stored.bytes);
    stored = std::move(file);
  }
  for (auto next = upload->files.find(upload->complete_prefix);
       next != upload->files.end() && next->first == upload->complete_prefix &&
       next->second.complete;
       ++next) {
    ++upload->complete_prefix;
  }
  for (const uint32_t number : order) {
    StageAck ack{.file = number, .acknowledged = 0, .complete = false, .error = OkStatus()};
    if (const auto file = upload->files.find(number); file != upload->files.end()) {
      ack.acknowledged = file->second.bytes;
      ack.complete = file->second.complete;
    }
    if (const auto error = errors.find(number); error != errors.end()) ack.error = error->second;
    acks.push_back(std::move(ack));
  }
  return acks;
}

StatusOr<std::vector<StagedFile>> Staging::List(uint32_t partner, uint64_t token) {
  const std::shared_ptr<Upload> upload = Find(token);
  const std::lock_guard lock(upload->mutex);
  JANGBU_RETURN_IF_ERROR(Load(partner, token, *upload));
  std::vector<StagedFile> files;
  for (const auto& [number, file] : upload->files) {
    files.push_back(
        {.file = number, .path = file.path, .acknowledged = file.bytes, .complete = file.complete});
  }
  return files;
}

StatusOr<std::optional<Staging::FileInfo>> Staging::CompleteFile(uint32_t partner, uint64_t token,
                                                                 uint32_t number) {
  const std::shared_ptr<Upload> upload = Find(token);
  const std::lock_guard lock(upload->mutex);
  JANGBU_RETURN_IF_ERROR(Load(partner, token, *upload));
  const auto file = upload->files.find(number);
  if (file == upload->files.end() || !file->second.complete) return std::optional<FileInfo>();
  return std::optional<FileInfo>(
      {.path = file->second.path, .bytes = file->second.bytes, .sha256 = file->second.sha256});
}

StatusOr<std::map<uint32_t, std::string>> Staging::Paths(uint32_t partner, uint64_t token) {
  const std::shared_ptr<Upload> upload = Find(token);
  const std::lock_guard lock(upload->mutex);
  JANGBU_RETURN_IF_ERROR(Load(partner, token, *upload));
  std::map<uint32_t, std::string> paths;
  for (const auto& [number, file] : upload->files) paths.emplace(number, file.path);
  return paths;
}

StatusOr<std::unique_ptr<ingest::ByteSource>> Staging::OpenFile(uint32_t partner, uint64_t token,
                                                                uint32_t number) {
  JANGBU_ASSIGN_OR_RETURN(std::shared_ptr<const SecretKey> key, keyring_.UploadKey(partner, token));
  const std::shared_ptr<Upload> upload = Find(token);
  const std::lock_guard lock(upload->mutex);
  JANGBU_RETURN_IF_ERROR(Load(partner, token, *upload));
  const auto file = upload->files.find(number);
  if (file == upload->files.end() || !file->second.complete) {
    return FailedPrecondition("file_incomplete", "the file is not complete");
  }
  return std::unique_ptr<ingest::ByteSource>(std::make_unique<StagedSource>(
      blobs_, std::move(key), token, number, file->second.attempt, file->second.chunks));
}

StatusOr<Staging::Totals> Staging::TotalsOf(uint32_t partner, uint64_t token) {
  const std::shared_ptr<Upload> upload = Find(token);
  const std::lock_guard lock(upload->mutex);
  JANGBU_RETURN_IF_ERROR(Load(partner, token, *upload));
  return Totals{.files = static_cast<int64_t>(upload->files.size()),
                .bytes = upload->bytes,
                .complete_prefix = upload->complete_prefix};
}

Status Staging::DropChunks(uint64_t token) { return blobs_.DeleteAll(BlobKind::kStaging, token); }

}  // namespace jangbu::services
