#pragma once

// What this user knows of logs: per log (its origin) the verifier key first seen and the newest
// checkpoint verified. Kept as two small files in STATE/logs/ORIGIN/, so that a receipt can be
// verified offline and a log that forgets or rewrites what it once showed is noticed. The first key
// is taken on trust, as ssh takes a host's; --vkey overrides it.

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace jangbu::services::cli {

class KnownLogs {
 public:
  // An empty `state_dir` remembers nothing.
  explicit KnownLogs(std::string state_dir) : state_dir_(std::move(state_dir)) {}

  std::optional<std::string> VerifierKey(std::string_view origin) const;
  std::optional<std::string> Checkpoint(std::string_view origin) const;

  // Remembers the key of `origin`. FailedPrecondition("log_key_changed") when another one is known:
  // the server is not the one it was, or somebody stands between.
  Status RememberKey(std::string_view origin, std::string_view vkey) const;
  Status RememberCheckpoint(std::string_view origin, std::string_view checkpoint) const;

 private:
  std::string Folder(std::string_view origin) const;

  std::string state_dir_;
};

// The whole file; `reason` names the error when it cannot be read or is longer than `limit` bytes.
StatusOr<std::string> ReadLocalFile(const std::string& path, size_t limit);
// Writes through a temporary file beside it, so that a reader sees all or nothing. Mode 0600 when
// `secret`.
Status WriteLocalFile(const std::string& path, std::string_view bytes, bool secret);

}  // namespace jangbu::services::cli
