#include "ingest/tokens/count_cache.h"

#include <sys/mman.h>

#include <bit>

namespace jangbu::ingest::tokens {

CountCache::CountCache(size_t bytes) {
  if (bytes == 0) return;
  bytes_ = std::bit_floor(bytes < 4096 ? size_t{4096} : bytes);
  // Anonymous pages are zero, come when touched, and can be large ones: a 32 MiB table of small
  // pages spends a good part of each look-up on address translation. An alignment of the mapping to
  // its huge page costs address space only.
  void* const map =
      mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) {
    bytes_ = 0;
    return;
  }
  madvise(map, bytes_, MADV_HUGEPAGE);
  entries_ = static_cast<Entry*>(map);
  const int lines_log2 = std::countr_zero(bytes_ / 64);
  shift_ = 64 - lines_log2;
}

CountCache::~CountCache() {
  if (entries_ != nullptr) munmap(entries_, bytes_);
}

}  // namespace jangbu::ingest::tokens
