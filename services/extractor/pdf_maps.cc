#include "services/extractor/pdf_maps.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace jangbu::services {
namespace {

// By path. Null until KeepPdfMaps, then never changed.
const std::map<std::string, std::string_view, std::less<>>* kept_files = nullptr;

// Empty when it can not be had.
std::string_view Mapped(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  struct stat about {};
  void* at = MAP_FAILED;
  if (fstat(file, &about) == 0 && about.st_size > 0) {
    at = mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  }
  close(file);
  if (at == MAP_FAILED) return {};
  return {static_cast<const char*>(at), static_cast<size_t>(about.st_size)};
}

}  // namespace

void KeepPdfMaps(const char* directory) {
  auto* files = new std::map<std::string, std::string_view, std::less<>>;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(directory, error);
  for (; !error && at != std::filesystem::end(at); at.increment(error)) {
    std::error_code unknown;
    if (!at->is_regular_file(unknown)) continue;
    const std::string path = at->path().string();
    if (const std::string_view bytes = Mapped(path.c_str()); !bytes.empty()) {
      files->emplace(path, bytes);
    }
  }
  kept_files = files;
}

}  // namespace jangbu::services

// The dynamic linker takes the program's own `fopen` before the C library's, whose name and types
// it has.
// NOLINTNEXTLINE
extern "C" FILE* fopen(const char* path, const char* mode) {
  using jangbu::services::kept_files;
  if (kept_files != nullptr && mode[0] == 'r') {
    const auto file = kept_files->find(std::string_view(path));
    if (file != kept_files->end()) {
      // Opened for reading, so it is never written to.
      return fmemopen(const_cast<char*>(file->second.data()), file->second.size(), "r");
    }
  }
  using Open = FILE* (*)(const char*, const char*);
  static const auto next = reinterpret_cast<Open>(dlsym(RTLD_NEXT, "fopen"));
  if (next == nullptr) {
    errno = ENOSYS;
    return nullptr;
  }
  return next(path, mode);
}
