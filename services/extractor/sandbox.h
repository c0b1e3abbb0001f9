#pragma once

// Takes away from this process everything but its memory, standard input and standard output, for
// good. Linux, seccomp.

#include <cstdint>

#include "base/status.h"

namespace jangbu::services {

struct SandboxLimits {
  uint64_t memory_bytes = uint64_t{768} << 20;  // address space
  uint64_t cpu_seconds = 120;
};

// Afterwards: no file can be opened (EACCES), no socket made, no process or thread begun; any other
// system call that reading a document does not need ends the process. Descriptors above 2 are
// closed, standard error leads nowhere. Memory and CPU are bounded; the process dies with its
// parent.
//
// Under sanitizers memory is not bounded: they reserve terabytes of addresses.
Status EnterSandbox(const SandboxLimits& limits);

}  // namespace jangbu::services
