#include "services/cli/file_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unicode/ucnv.h>
#include <unicode/utf8.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"

namespace jangbu::services::cli {
namespace {

constexpr size_t kMaxNameBytes = 4096;
constexpr int kMaxDepth = 256;

bool IsUtf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto length = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < length;) {
    UChar32 code = 0;
    U8_NEXT(bytes, i, length, code);
    if (code < 0) return false;
  }
  return true;
}

std::string ReplaceOddBytes(std::string_view text) {
  std::string out;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto length = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < length;) {
    const int64_t start = i;
    UChar32 code = 0;
    U8_NEXT(bytes, i, length, code);
    if (code < 0) {
      out.append("\xEF\xBF\xBD");
    } else {
      out.append(text.substr(static_cast<size_t>(start), static_cast<size_t>(i - start)));
    }
  }
  return out;
}

// `bytes` read as CP949; empty when they are not.
std::string FromCp949(std::string_view bytes) {
  UErrorCode error = U_ZERO_ERROR;
  UConverter* converter = ucnv_open("windows-949", &error);
  if (U_FAILURE(error)) return {};
  ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  std::u16string wide(bytes.size() + 1, u'\0');
  const int32_t length = ucnv_toUChars(converter, wide.data(), static_cast<int32_t>(wide.size()),
                                       bytes.data(), static_cast<int32_t>(bytes.size()), &error);
  ucnv_close(converter);
  if (U_FAILURE(error)) return {};
  std::string out;
  for (int32_t i = 0; i < length;) {
    UChar32 code = 0;
    U16_NEXT(wide.data(), i, length, code);
    uint8_t buffer[4];
    int32_t used = 0;
    U8_APPEND_UNSAFE(buffer, used, code);
    out.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(used));
  }
  return out;
}

std::string Utf8Name(std::string_view raw) {
  if (IsUtf8(raw)) return std::string(raw);
  std::string name = FromCp949(raw);
  return name.empty() ? ReplaceOddBytes(raw) : name;
}

// "./a//b/../c" → "a/c"; "/x" and "../x" → "x"; "." → "".
std::string Tidy(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, slash - at);
    at = slash + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out.push_back('/');
    out.append(part);
  }
  return out;
}

class Walker {
 public:
  explicit Walker(WalkResult& result) : result_(result) {}

  // `name` is the tidied path so far, as bytes of the file system.
  void Folder(const std::string& open_path, const std::string& name, int depth) {
    DIR* dir = depth > kMaxDepth ? nullptr : ::opendir(open_path.c_str());
    if (dir == nullptr) {
      Skip(open_path, SkippedFile::Why::kUnreadable);
      return;
    }
    std::vector<std::string> entries;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view leaf = entry->d_name;
      if (leaf != "." && leaf != "..") entries.emplace_back(leaf);
    }
    ::closedir(dir);
    std::sort(entries.begin(), entries.end());
    for (const std::string& leaf : entries) {
      std::string path = open_path;
      if (path.empty() || path.back() != '/') path.push_back('/');
      path.append(leaf);
      struct stat info {};
      if (::lstat(path.c_str(), &info) != 0) {
        Skip(path, SkippedFile::Why::kUnreadable);
        continue;
      }
      const std::string child = name.empty() ? leaf : name + "/" + leaf;
      if (S_ISDIR(info.st_mode)) {
        Folder(path, child, depth + 1);
      } else if (S_ISLNK(info.st_mode)) {
        Skip(path, SkippedFile::Why::kSymlink);
      } else {
        File(path, child, info);
      }
    }
  }

  void File(const std::string& open_path, const std::string& name, const struct stat& info) {
    if (!S_ISREG(info.st_mode)) return Skip(open_path, SkippedFile::Why::kSpecial);
    if (::access(open_path.c_str(), R_OK) != 0)
      return Skip(open_path, SkippedFile::Why::kUnreadable);
    LocalFile file;
    file.name = Utf8Name(name);
    if (file.name.size() > kMaxNameBytes) return Skip(open_path, SkippedFile::Why::kNameTooLong);
    file.open_path = open_path;
    file.size = static_cast<uint64_t>(info.st_size);
    file.modified_ns = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
    identities_.emplace_back(info.st_dev, info.st_ino);
    result_.files.push_back(std::move(file));
  }

  // Sorts, drops what was named twice, refuses two files under one name.
  Status Finish() {
    std::vector<size_t> order(result_.files.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return result_.files[a].name < result_.files[b].name;
    });
    std::vector<LocalFile> sorted;
    sorted.reserve(order.size());
    size_t previous = 0;
    for (const size_t i : order) {
      LocalFile& file = result_.files[i];
      if (!sorted.empty() && sorted.back().name == file.name) {
        if (identities_[previous] == identities_[i]) continue;
        return InvalidArgument("name_collision", "\"" + sorted.back().open_path + "\" and \"" +
                                                     file.open_path + "\" would both be called \"" +
                                                     file.name + "\"");
      }
      previous = i;
      result_.bytes += file.size;
      sorted.push_back(std::move(file));
    }
    result_.files = std::move(sorted);
    return OkStatus();
  }

 private:
  void Skip(const std::string& path, SkippedFile::Why why) {
    result_.skipped.push_back({path, why});
  }

  WalkResult& result_;
  std::vector<std::pair<dev_t, ino_t>> identities_;
};

}  // namespace

StatusOr<WalkResult> WalkPaths(const std::vector<std::string>& arguments) {
  WalkResult result;
  Walker walker(result);
  for (const std::string& argument : arguments) {
    struct stat info {};
    if (::stat(argument.c_str(), &info) != 0) {
      const bool absent = errno == ENOENT || errno == ENOTDIR;
      return InvalidArgument(absent ? "path_not_found" : "path_unreadable",
                             "\"" + argument + "\": " + std::strerror(errno));
    }
    std::string name = Tidy(argument);
    if (S_ISDIR(info.st_mode)) {
      if (::access(argument.c_str(), R_OK | X_OK) != 0) {
        return InvalidArgument("path_unreadable", "\"" + argument + "\": " + std::strerror(errno));
      }
      walker.Folder(argument, name, 0);
    } else {
      if (S_ISREG(info.st_mode) && ::access(argument.c_str(), R_OK) != 0) {
        return InvalidArgument("path_unreadable", "\"" + argument + "\": " + std::strerror(errno));
      }
      walker.File(argument, name, info);
    }
  }
  JANGBU_RETURN_IF_ERROR(walker.Finish());
  return result;
}

std::string UploadRequestId(std::string_view corpus_id, const std::vector<LocalFile>& files,
                            uint32_t attempt) {
  Sha256Stream hash;
  ByteWriter head;
  head.String("jangbu upload request v1");
  head.String(corpus_id);
  head.U32(attempt);
  head.U64(files.size());
  hash.Update(head.bytes());
  for (const LocalFile& file : files) {
    ByteWriter entry;
    entry.String(file.name);
    entry.U64(file.size);
    entry.I64(file.modified_ns);
    hash.Update(entry.bytes());
  }
  const Digest digest = hash.Peek();
  return "up-" + ToHex(AsView(digest)).substr(0, 40);
}

}  // namespace jangbu::services::cli
