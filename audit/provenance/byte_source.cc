#include "audit/provenance/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace jangbu::audit {
namespace {

std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

class FileSource final : public ByteSource {
 public:
  FileSource(std::string name, int fd, uint64_t size)
      : name_(std::move(name)), fd_(fd), size_(size) {}
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override { ::close(fd_); }

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return size_; }

  Status ReadAt(uint64_t offset, uint64_t size, char* out) const override {
    while (size > 0) {
      const size_t step = static_cast<size_t>(std::min<uint64_t>(size, uint64_t{1} << 24));
      const ssize_t got = ::pread(fd_, out, step, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        return Unavailable("file_unreadable", Quoted(name_) + " cannot be read at byte " +
                                                  std::to_string(offset) + ": " +
                                                  std::strerror(errno));
      }
      if (got == 0) {
        return DataLoss("file_truncated", Quoted(name_) + " ends at byte " +
                                              std::to_string(offset) + ", before " +
                                              std::to_string(offset + size) + "; fetch it again");
      }
      out += got;
      offset += static_cast<uint64_t>(got);
      size -= static_cast<uint64_t>(got);
    }
    return OkStatus();
  }
  void Expect(uint64_t offset, uint64_t size) const override {
    (void)::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size),
                          POSIX_FADV_WILLNEED);
  }

 private:
  const std::string name_;
  const int fd_;
  const uint64_t size_;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::string name, std::string_view bytes) : name_(std::move(name)), bytes_(bytes) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }
  Status ReadAt(uint64_t offset, uint64_t size, char* out) const override {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return DataLoss("file_truncated", Quoted(name_) + " ends at byte " +
                                            std::to_string(bytes_.size()) + ", before " +
                                            std::to_string(offset + size) + "; fetch it again");
    }
    if (size > 0) std::memcpy(out, bytes_.data() + offset, size);
    return OkStatus();
  }
  void Expect(uint64_t /*offset*/, uint64_t /*size*/) const override {}

 private:
  const std::string name_;
  const std::string_view bytes_;
};

}  // namespace

StatusOr<std::unique_ptr<ByteSource>> OpenFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const std::string what = Quoted(path) + ": " + std::strerror(errno);
    if (errno == ENOENT || errno == ENOTDIR) return NotFound("file_missing", what);
    return Unavailable("file_unreadable", what);
  }
  struct stat facts {};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    ::close(fd);
    return InvalidArgument("file_not_regular", Quoted(path) + " is not a regular file");
  }
  const auto size = static_cast<uint64_t>(facts.st_size);
  const uint64_t stored = static_cast<uint64_t>(facts.st_blocks) * 512;
  if (stored < size && size - stored > (uint64_t{1} << 20) && stored < size / 2) {
    ::close(fd);
    return InvalidArgument("file_sparse", Quoted(path) + " says " + std::to_string(size) +
                                              " bytes but only " + std::to_string(stored) +
                                              " are stored; if the zeroes are meant, write them "
                                              "out (cp --sparse=never)");
  }
  return std::unique_ptr<ByteSource>(new FileSource(path, fd, size));
}

std::unique_ptr<ByteSource> BytesAsSource(std::string name, std::string_view bytes) {
  return std::make_unique<MemorySource>(std::move(name), bytes);
}

StatusOr<std::string> ReadWhole(const std::string& path, uint64_t max) {
  JANGBU_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> file, OpenFile(path));
  if (file->size() > max) {
    return ResourceExhausted("file_too_large", Quoted(path) + " has " +
                                                   std::to_string(file->size()) +
                                                   " bytes; at most " + std::to_string(max));
  }
  std::string bytes(file->size(), '\0');
  JANGBU_RETURN_IF_ERROR(file->ReadAt(0, bytes.size(), bytes.data()));
  return bytes;
}

}  // namespace jangbu::audit
