#pragma once

// The few file operations that durability is made of, over POSIX. Errors are
// Unavailable("io_error") with the operation, the path and errno, unless said otherwise.
// Thread-safe.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::services {

// The whole of a regular file of at most `max_bytes`. NotFound("file_missing"),
// ResourceExhausted("file_too_large").
StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes);

// Replaces `path` by a file of these bytes: old or new after a crash, never between; new and
// durable on return. Writes PATH.new, fdatasync, rename, fsync of the directory. Mode 0600.
Status ReplaceFile(const std::string& path, std::string_view bytes);

// Makes names created, renamed or removed in `dir` durable.
Status SyncDirectory(const std::string& dir);

// Makes `dir` (mode 0700; not its parents), durable; fine when it exists.
Status MakeDirectory(const std::string& dir);

// True when nothing is called `path`, or it is a directory without entries.
StatusOr<bool> MissingOrEmpty(const std::string& path);

// Removes `path` and everything below it; fine when missing.
Status RemoveTree(const std::string& path);

// Regular files below `dir`, as paths relative to it, ascending by bytes.
// FailedPrecondition("odd_file") when something there is neither a regular file nor a directory.
StatusOr<std::vector<std::string>> ListTree(const std::string& dir);

// Reads a file in pieces.
Status ForEachPiece(const std::string& path, const std::function<Status(std::string_view)>& piece);

// Holds an exclusive advisory lock (flock) on a file, made when missing, until it dies.
class FileLock {
 public:
  // FailedPrecondition("data_dir_locked") when somebody else holds it.
  static StatusOr<FileLock> Take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// A new file that is written once: Create, Append…, Finish (fdatasync and close). Removed when not
// finished.
class NewFile {
 public:
  // AlreadyExists("file_exists").
  static StatusOr<NewFile> Create(const std::string& path, unsigned mode);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Status Append(std::string_view bytes);
  Status Finish();

 private:
  NewFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_ = -1;
};

}  // namespace jangbu::services
