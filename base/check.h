#pragma once

// JANGBU_CHECK(condition): aborts, in release builds too, when `condition` is false.
//
// A check is for our own mistake: a broken invariant that no input, disk or network can cause. What
// the world can cause is an absl::Status. Ask: who can make this false?

#include <cstdio>
#include <cstdlib>

namespace jangbu::internal {

[[noreturn]] inline void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace jangbu::internal

#define JANGBU_CHECK(condition)                        \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::jangbu::internal::CheckFailed(__FILE__, __LINE__, #condition))
