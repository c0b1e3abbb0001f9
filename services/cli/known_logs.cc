#include "services/cli/known_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace jangbu::services::cli {
namespace {

constexpr size_t kMaxSmallFile = 1 << 20;

std::optional<std::string> ReadSmall(const std::string& path) {
  auto text = ReadLocalFile(path, kMaxSmallFile);
  if (!text.ok()) return std::nullopt;
  while (!text->empty() && text->back() == '\n' && path.ends_with("vkey")) text->pop_back();
  return *std::move(text);
}

}  // namespace

StatusOr<std::string> ReadLocalFile(const std::string& path, size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return InvalidArgument("path_unreadable", "\"" + path + "\": " + std::strerror(errno));
  std::string text;
  char buffer[65536];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > limit)
      return InvalidArgument("path_unreadable", "\"" + path + "\": too large");
  }
  if (in.bad())
    return InvalidArgument("path_unreadable", "\"" + path + "\": " + std::strerror(errno));
  return text;
}

Status WriteLocalFile(const std::string& path, std::string_view bytes, bool secret) {
  const std::string temporary = path + ".part";
  const auto failed = [&](const char* what) {
    const std::string why = std::strerror(errno);
    ::unlink(temporary.c_str());
    return InvalidArgument("path_unwritable", "\"" + path + "\": " + what + ": " + why);
  };
  ::unlink(temporary.c_str());
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
  if (fd < 0) return failed("open");
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      ::close(fd);
      return failed("write");
    }
    done += static_cast<size_t>(n);
  }
  if (::close(fd) != 0) return failed("close");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("rename");
  return OkStatus();
}

std::string KnownLogs::Folder(std::string_view origin) const {
  std::string leaf;
  for (const char c : origin) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (plain || (c == '.' && !leaf.empty())) {
      leaf.push_back(c);
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
      leaf.append(escaped);
    }
    if (leaf.size() > 200) break;
  }
  return state_dir_ + "/logs/" + leaf;
}

std::optional<std::string> KnownLogs::VerifierKey(std::string_view origin) const {
  if (state_dir_.empty()) return std::nullopt;
  return ReadSmall(Folder(origin) + "/vkey");
}

std::optional<std::string> KnownLogs::Checkpoint(std::string_view origin) const {
  if (state_dir_.empty()) return std::nullopt;
  return ReadSmall(Folder(origin) + "/checkpoint");
}

Status KnownLogs::RememberKey(std::string_view origin, std::string_view vkey) const {
  if (state_dir_.empty()) return OkStatus();
  if (const auto known = VerifierKey(origin)) {
    if (*known == vkey) return OkStatus();
    return FailedPrecondition("log_key_changed",
                              "the log \"" + std::string(origin) + "\" was known by the key " +
                                  *known + " and now shows " + std::string(vkey) +
                                  "; the known one is in " + Folder(origin) + "/vkey");
  }
  std::error_code error;
  std::filesystem::create_directories(Folder(origin), error);
  return WriteLocalFile(Folder(origin) + "/vkey", std::string(vkey) + "\n", false);
}

Status KnownLogs::RememberCheckpoint(std::string_view origin, std::string_view checkpoint) const {
  if (state_dir_.empty()) return OkStatus();
  std::error_code error;
  std::filesystem::create_directories(Folder(origin), error);
  return WriteLocalFile(Folder(origin) + "/checkpoint", checkpoint, false);
}

}  // namespace jangbu::services::cli
