#include "base/zero_memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace jangbu {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;

}  // namespace

ZeroMemory::ZeroMemory(size_t bytes) {
  // calloc knows what comes fresh from the system and is zero already.
  const size_t alignment = bytes >= kLargePage ? kLargePage : kAlignment;
  size_t space = bytes + alignment;
  owned_.reset(std::calloc(space, 1));
  data_ = owned_.get();
  if (data_ == nullptr || std::align(alignment, bytes, data_, space) == nullptr)
    throw std::bad_alloc();
  if (bytes >= kLargePage) madvise(data_, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
}

void ZeroMemory::Free::operator()(void* memory) const { std::free(memory); }

}  // namespace jangbu
