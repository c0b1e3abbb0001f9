#include "services/extractor/sandbox.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

namespace jangbu::services {
namespace {

Status Failed(std::string_view what) {
  return Unavailable("sandbox_failed", std::string(what) + ": error " + std::to_string(errno));
}

bool Limit(__rlimit_resource resource, uint64_t value) {
  const rlimit limit{value, value};
  return setrlimit(resource, &limit) == 0;
}

}  // namespace

Status EnterSandbox(const SandboxLimits& limits) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0) return Failed("/dev/null");
  if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0) {
    for (int fd = 3; fd < 4096; ++fd) close(fd);
  }
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return Failed("prctl");
  bool limited = Limit(RLIMIT_CPU, limits.cpu_seconds) && Limit(RLIMIT_CORE, 0) &&
                 Limit(RLIMIT_FSIZE, 0) && Limit(RLIMIT_NPROC, 0);
#ifndef JANGBU_SANITIZED
  limited = limited && Limit(RLIMIT_AS, limits.memory_bytes);
#endif
  if (!limited) return Failed("setrlimit");

  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return Failed("seccomp_init");
  bool made = true;
  for (const int call : {SCMP_SYS(read),
                         SCMP_SYS(write),
                         SCMP_SYS(close),
                         SCMP_SYS(brk),
                         SCMP_SYS(munmap),
                         SCMP_SYS(mremap),
                         SCMP_SYS(madvise),
                         SCMP_SYS(futex),
                         SCMP_SYS(exit),
                         SCMP_SYS(exit_group),
                         SCMP_SYS(rt_sigreturn),
                         SCMP_SYS(rt_sigprocmask),
                         SCMP_SYS(rt_sigaction),
                         SCMP_SYS(sigaltstack),
                         SCMP_SYS(getrandom),
                         SCMP_SYS(clock_gettime),
                         SCMP_SYS(gettimeofday),
                         SCMP_SYS(time),
                         SCMP_SYS(lseek),
                         SCMP_SYS(getpid),
                         SCMP_SYS(gettid),
                         SCMP_SYS(tgkill),
                         SCMP_SYS(sched_yield),
                         SCMP_SYS(getrusage),
                         SCMP_SYS(getrlimit),
                         SCMP_SYS(uname),
                         SCMP_SYS(sysinfo),
                         SCMP_SYS(fstat),
                         SCMP_SYS(sched_getaffinity),
                         SCMP_SYS(restart_syscall)}) {
    made = made && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  }
#ifdef JANGBU_SANITIZED
  // The sanitizers' run time reads doubtful addresses through a pipe.
  made = made && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(pipe2), 0) == 0;
#endif
  // Memory that is written is never run.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    made = made && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                                    SCMP_A2(SCMP_CMP_MASKED_EQ, 0x4 /* PROT_EXEC */, 0)) == 0;
  }
  // Libraries try these and go on without.
  for (const int call :
       {SCMP_SYS(open),      SCMP_SYS(openat),     SCMP_SYS(access),     SCMP_SYS(faccessat),
        SCMP_SYS(stat),      SCMP_SYS(lstat),      SCMP_SYS(newfstatat), SCMP_SYS(statx),
        SCMP_SYS(readlink),  SCMP_SYS(readlinkat), SCMP_SYS(getcwd),     SCMP_SYS(ioctl),
        SCMP_SYS(prlimit64), SCMP_SYS(fcntl),      SCMP_SYS(socket),     SCMP_SYS(getpeername),
        SCMP_SYS(sendmsg),   SCMP_SYS(getuid),     SCMP_SYS(geteuid),    SCMP_SYS(getgid),
        SCMP_SYS(getegid)}) {
    made = made && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0) == 0;
  }
  const bool loaded = made && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return loaded ? OkStatus() : Failed("seccomp");
}

}  // namespace jangbu::services
