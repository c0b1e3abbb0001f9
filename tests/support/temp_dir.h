#pragma once

// A directory of its own for one test, removed with everything in it when it dies. On /dev/shm
// where there is one: tests check what is written, not how fast a disk says so; $JANGBU_TEST_DIR
// names another place.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace jangbu::support {

class TempDir {
 public:
  TempDir() {
    std::error_code error;
    const char* const chosen = std::getenv("JANGBU_TEST_DIR");
    std::filesystem::path base = chosen != nullptr ? chosen : "/dev/shm";
    if (!std::filesystem::is_directory(base, error)) base = std::filesystem::temp_directory_path();
    std::string pattern = (base / "jangbu_test_XXXXXX").string();
    JANGBU_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace jangbu::support
