#pragma once

// What a command's exit code says. Stable: scripts rely on it (docs/cli.md).

#include "base/status.h"

namespace jangbu::services::cli {

enum class ExitCode : int {
  kOk = 0,
  kRefused = 1,      // refused by the server, or a verification failed
  kUsage = 2,        // the command line, the configuration or a local file is wrong
  kUnreachable = 3,  // no answer within the time allowed
  kNotFound = 4,     // the thing named does not exist, or is not this key's to see
  kPermission = 5,   // no key, a wrong or revoked key, or a role that may not do this
  kPartial = 6,  // done, but local files were left out, or with --strict: documents were rejected
  kInterrupted = 130,
};

inline ExitCode ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kPermission;
    default:
      return ExitCode::kRefused;
  }
}

}  // namespace jangbu::services::cli
