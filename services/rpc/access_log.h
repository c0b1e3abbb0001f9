#pragma once

// One line of JSON for each call: who asked for what, when, and how it ended. Never what was in it:
// no text, no title, no file or document name, no secret, nothing that a client wrote but the
// address it came from and the digest of the allow-list that an audit used.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace jangbu::services::rpc {

struct CallRecord {
  Timestamp at;             // when it ended
  std::string_view method;  // of the access table, or http/…
  std::string_view key_id;  // of an authenticated caller
  std::string_view role;
  std::string_view partner_id;  // whose key it was
  std::string_view code;        // canonical name, or an HTTP status
  std::string_view reason;      // stable reason code
  std::string_view allow_list;  // hexadecimal SHA-256 of the one that excuses leaks in an audit
  int64_t duration_micros = 0;
  std::string_view peer;  // address as gRPC writes it
  uint64_t messages_in = 0;
  uint64_t bytes_in = 0;
};

// The line, without its end. Keys are always all there and in this order.
std::string ToJsonLine(const CallRecord& record);

// Thread-safe.
class AccessLog {
 public:
  // `target`: "stderr", "off", or a file, appended to and renamed away at 64 MiB (eight are kept).
  // Unavailable("access_log_unwritable").
  static StatusOr<std::unique_ptr<AccessLog>> Open(const std::string& target);
  ~AccessLog();

  void Write(const CallRecord& record);
  void Flush();

 private:
  struct State;
  explicit AccessLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// RFC 3339 in UTC with microseconds: "2025-01-31T23:59:59.000001Z".
std::string FormatTime(Timestamp at);
// A JSON string with its quotation marks; bytes that are not UTF-8 are replaced.
std::string JsonString(std::string_view text);

}  // namespace jangbu::services::rpc
