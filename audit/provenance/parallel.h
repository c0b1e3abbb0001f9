#pragma once

// Work of known size on several threads; results do not depend on how many.

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/status.h"

namespace jangbu::audit {

// Calls body(0) … body(count - 1), each once, on up to `threads` threads, and waits. Returns the
// error of the lowest index that failed; after a failure later indices may be left out.
inline Status ParallelFor(size_t count, unsigned threads,
                          const std::function<Status(size_t)>& body) {
  if (threads <= 1 || count <= 1) {
    for (size_t i = 0; i < count; ++i) JANGBU_RETURN_IF_ERROR(body(i));
    return OkStatus();
  }
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  size_t failed_at = count;
  Status failure;
  const auto work = [&] {
    while (!failed) {
      const size_t i = next.fetch_add(1);
      if (i >= count) return;
      Status status = body(i);
      if (status.ok()) continue;
      std::lock_guard lock(mutex);
      failed = true;
      if (i < failed_at) {
        failed_at = i;
        failure = std::move(status);
      }
    }
  };
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < threads && t < count; ++t) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
  return failure;
}

}  // namespace jangbu::audit
