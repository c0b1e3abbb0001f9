#pragma once

// Starts this test program again as a worker that is going to be killed. A new program, not just a
// fork: RocksDB's threads do not survive one, and a worker without them would do less than the real
// thing.

#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/check.h"

namespace jangbu::services {

// Runs `argv[0] mode dir pipe number`; the worker writes its acknowledgements to the descriptor
// `pipe`.
inline pid_t StartWorker(const char* mode, const std::string& dir, int pipe, uint64_t number) {
  const std::string descriptor = std::to_string(pipe);
  const std::string argument = std::to_string(number);
  const pid_t child = ::fork();
  JANGBU_CHECK(child >= 0);
  if (child == 0) {
    ::execl("/proc/self/exe", "worker", mode, dir.c_str(), descriptor.c_str(), argument.c_str(),
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  return child;
}

}  // namespace jangbu::services
