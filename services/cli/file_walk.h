#pragma once

// From what was typed to the list of files of an upload.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::services::cli {

struct LocalFile {
  std::string name;       // what the server calls it: see WalkPaths
  std::string open_path;  // what open(2) calls it
  uint64_t size = 0;
  int64_t modified_ns = 0;
};

// Something that was found and is not sent.
struct SkippedFile {
  enum class Why { kSymlink, kSpecial, kUnreadable, kNameTooLong };
  std::string open_path;
  Why why;
};

struct WalkResult {
  std::vector<LocalFile> files;  // ascending by the bytes of `name`; the file's number is its place
  std::vector<SkippedFile> skipped;
  uint64_t bytes = 0;
};

// Lists the files named by `arguments`, folders with all that is below them. Symbolic links inside
// folders are not followed (an argument itself may be one), devices, pipes and sockets are left
// out; both are reported in `skipped`.
//
// A file's name is its path as typed, tidied: without "./", doubled slashes, a leading "/" or "../"
// (as tar does), so that the same command gives the same names. Names are kept byte for byte
// otherwise (NFD stays NFD); one that is not UTF-8 is read as CP949, and if it is not that either,
// its odd bytes become U+FFFD. The same file named twice counts once.
//
// Errors: path_not_found; path_unreadable (an argument); name_collision (two files with one name).
StatusOr<WalkResult> WalkPaths(const std::vector<std::string>& arguments);

// The idempotency key of sending `files` to `corpus_id` for the `attempt`-th time: equal for the
// same names, sizes and modification times, so that the same command goes on with the same upload.
// 43 characters.
std::string UploadRequestId(std::string_view corpus_id, const std::vector<LocalFile>& files,
                            uint32_t attempt);

}  // namespace jangbu::services::cli
