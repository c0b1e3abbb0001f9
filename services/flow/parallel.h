#pragma once

// Splits independent work over threads.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "base/status.h"

namespace jangbu::services {

// Calls f(0) … f(n - 1), on at most `workers` threads, the calling one included; returns when all
// have returned. The error of the lowest number that failed; numbers after one that failed may be
// left out.
inline Status ParallelFor(int workers, size_t n, const std::function<Status(size_t)>& f) {
  std::atomic<size_t> next{0};
  std::atomic<size_t> failed{n};
  std::vector<Status> errors(n);
  const auto work = [&] {
    for (size_t i = next++; i < n && i < failed.load(); i = next++) {
      errors[i] = f(i);
      if (errors[i].ok()) continue;
      size_t lowest = failed.load();
      while (i < lowest && !failed.compare_exchange_weak(lowest, i)) {
      }
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(n, static_cast<size_t>(workers)); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return failed.load() < n ? errors[failed.load()] : OkStatus();
}

}  // namespace jangbu::services
