#pragma once

// Durable staging of raw files: what a partner sends is encrypted and stored before it is
// acknowledged, and read back from here when it is processed.
//
//     kStaging (upload, file << 32 | attempt << 24 | chunk)   a box of up to 1 MiB of the file, in
//     order kFile    (upload, file × 2)                             a box of the path, when the
//     file is first heard of kFile    (upload, file × 2 + 1)                         a box of size
//     and SHA-256, when it is complete
//
// All boxes are under the upload's key. A file whose bytes turn out other than announced is dropped
// and may be sent again as the next attempt. Chunks go when the upload is done; names, sizes and
// digests stay as long as the key does. Thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/blob_store.h"
#include "base/digest.h"
#include "base/status.h"
#include "ingest/extract/byte_source.h"
#include "services/flow/jangbu.h"
#include "services/flow/keyring.h"

namespace jangbu::services {

inline constexpr size_t kMaxChunkBytes = size_t{1} << 20;
inline constexpr size_t kMaxPathBytes = 4096;
inline constexpr uint32_t kMaxFiles = 10'000'000;  // of one upload

class Staging {
 public:
  Staging(BlobStore& blobs, Keyring& keyring) : blobs_(blobs), keyring_(keyring) {}

  // See Jangbu::Stage. The caller has checked that the upload is open.
  StatusOr<std::vector<StageAck>> Stage(uint32_t partner, uint64_t upload,
                                        std::vector<StageChunk> chunks);

  StatusOr<std::vector<StagedFile>> List(uint32_t partner, uint64_t upload);

  struct FileInfo {
    std::string path;
    uint64_t bytes = 0;
    Digest sha256{};
  };
  // The file, once it is complete.
  StatusOr<std::optional<FileInfo>> CompleteFile(uint32_t partner, uint64_t upload, uint32_t file);
  // The paths of all files known, by number.
  StatusOr<std::map<uint32_t, std::string>> Paths(uint32_t partner, uint64_t upload);

  // Reads a complete file's bytes from the start. Must not outlive this object.
  StatusOr<std::unique_ptr<ingest::ByteSource>> OpenFile(uint32_t partner, uint64_t upload,
                                                         uint32_t file);

  struct Totals {
    int64_t files = 0;
    int64_t bytes = 0;
    uint32_t complete_prefix = 0;  // files 0 … complete_prefix - 1 are complete
  };
  StatusOr<Totals> TotalsOf(uint32_t partner, uint64_t upload);

  // Removes the chunks of a finished upload.
  Status DropChunks(uint64_t upload);

 private:
  struct File {
    std::string path;
    uint32_t attempt = 0;
    uint32_t chunks = 0;
    uint64_t bytes = 0;
    bool complete = false;
    Digest sha256{};
    std::unique_ptr<Sha256Stream> running;  // of the bytes so far, while incomplete
  };
  struct Upload {
    std::mutex mutex;
    bool loaded = false;
    std::map<uint32_t, File> files;
    uint32_t complete_prefix = 0;
    int64_t bytes = 0;
  };

  std::shared_ptr<Upload> Find(uint64_t token);
  // REQUIRES: upload.mutex is held.
  Status Load(uint32_t partner, uint64_t token, Upload& upload);

  BlobStore& blobs_;
  Keyring& keyring_;
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Upload>> uploads_;
};

}  // namespace jangbu::services
