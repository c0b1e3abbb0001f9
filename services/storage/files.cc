#include "services/storage/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace jangbu::services {
namespace {

Status IoError(std::string_view operation, const std::string& path, int error) {
  return Unavailable("io_error", std::string(operation) + " " + path + ": " +
                                     std::generic_category().message(error));
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Closes a descriptor unless it is taken back.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

int OpenRetrying(const std::string& path, int flags, unsigned mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

Status WriteAll(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), size_t{1} << 24));
    if (n < 0) {
      if (errno == EINTR) continue;
      return IoError("write", path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes) {
  const Descriptor fd(OpenRetrying(path, O_RDONLY));
  if (fd.get() < 0) {
    if (errno == ENOENT) return NotFound("file_missing", path);
    return IoError("open", path, errno);
  }
  std::string out;
  char buffer[1 << 14];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
    if (n < 0) {
      if (errno == EINTR) continue;
      return IoError("read", path, errno);
    }
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > max_bytes) {
      return ResourceExhausted("file_too_large",
                               path + " has more than " + std::to_string(max_bytes) + " bytes");
    }
    out.append(buffer, static_cast<size_t>(n));
  }
}

Status ReplaceFile(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  {
    const Descriptor fd(OpenRetrying(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    if (fd.get() < 0) return IoError("open", temporary, errno);
    JANGBU_RETURN_IF_ERROR(WriteAll(fd.get(), temporary, bytes));
    if (::fdatasync(fd.get()) != 0) return IoError("fdatasync", temporary, errno);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return IoError("rename", path, errno);
  return SyncDirectory(ParentOf(path));
}

Status SyncDirectory(const std::string& dir) {
  const Descriptor fd(OpenRetrying(dir, O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0) return IoError("open", dir, errno);
  if (::fsync(fd.get()) != 0) return IoError("fsync", dir, errno);
  return OkStatus();
}

Status MakeDirectory(const std::string& dir) {
  if (::mkdir(dir.c_str(), 0700) != 0) {
    if (errno != EEXIST) return IoError("mkdir", dir, errno);
    struct stat info {};
    if (::stat(dir.c_str(), &info) != 0) return IoError("stat", dir, errno);
    if (!S_ISDIR(info.st_mode)) return IoError("mkdir", dir, ENOTDIR);
    return OkStatus();
  }
  return SyncDirectory(ParentOf(dir));
}

StatusOr<bool> MissingOrEmpty(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return true;
  if (error) return IoError("stat", path, error.value());
  if (status.type() != std::filesystem::file_type::directory) return false;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error) return IoError("list", path, error.value());
  return empty;
}

Status RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return IoError("remove", path, error.value());
  return OkStatus();
}

StatusOr<std::vector<std::string>> ListTree(const std::string& dir) {
  std::vector<std::string> out;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(dir, error);
  if (error) return IoError("list", dir, error.value());
  const std::filesystem::recursive_directory_iterator end;
  while (it != end) {
    const auto status = it->symlink_status(error);
    if (error) return IoError("stat", it->path().string(), error.value());
    if (status.type() == std::filesystem::file_type::regular) {
      out.push_back(it->path().lexically_relative(dir).string());
    } else if (status.type() != std::filesystem::file_type::directory) {
      return FailedPrecondition("odd_file",
                                it->path().string() + " is neither a file nor a directory");
    }
    it.increment(error);
    if (error) return IoError("list", dir, error.value());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Status ForEachPiece(const std::string& path, const std::function<Status(std::string_view)>& piece) {
  const Descriptor fd(OpenRetrying(path, O_RDONLY));
  if (fd.get() < 0) {
    if (errno == ENOENT) return NotFound("file_missing", path);
    return IoError("open", path, errno);
  }
  std::string buffer(size_t{1} << 18, '\0');
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return IoError("read", path, errno);
    }
    if (n == 0) return OkStatus();
    JANGBU_RETURN_IF_ERROR(piece(std::string_view(buffer).substr(0, static_cast<size_t>(n))));
  }
}

// ---- FileLock ----

StatusOr<FileLock> FileLock::Take(const std::string& path) {
  const int fd = OpenRetrying(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0) return IoError("open", path, errno);
  FileLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return FailedPrecondition(
          "data_dir_locked",
          path + " is held by another process: stop it, or use another directory");
    }
    return IoError("flock", path, errno);
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);  // which gives the lock up
}

// ---- NewFile ----

StatusOr<NewFile> NewFile::Create(const std::string& path, unsigned mode) {
  const int fd = OpenRetrying(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (fd < 0) {
    if (errno == EEXIST) return AlreadyExists("file_exists", path);
    return IoError("create", path, errno);
  }
  return NewFile(path, fd);
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

Status NewFile::Append(std::string_view bytes) { return WriteAll(fd_, path_, bytes); }

Status NewFile::Finish() {
  if (::fdatasync(fd_) != 0) return IoError("fdatasync", path_, errno);
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0) return IoError("close", path_, errno);
  return OkStatus();
}

}  // namespace jangbu::services
