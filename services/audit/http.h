#pragma once

// HTTP to somebody else's server, over libcurl. Thread-safe; connections are kept per thread.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::services {

struct HttpOptions {
  std::string ca_file;  // "": the system's
  int64_t connect_ms = 10'000;
  int64_t idle_ms = 120'000;  // without a byte
  size_t max_bytes = size_t{64} << 20;
};

struct HttpReply {
  int status = 0;
  std::string body;
  std::string content_type;
  int64_t retry_after_s = 0;  // 0: not said
};

// POST (or GET, when `body` is null) of JSON. `authorization`: the header's value, or "". With
// `sink`, the body of a 200 goes there piece by piece and not into the reply; it answers false to
// stop. Unavailable("endpoint_unreachable") when there is no answer, ("stream_cut") when it breaks
// off, ResourceExhausted("reply_too_large"), InvalidArgument("bad_url").
StatusOr<HttpReply> Fetch(const std::string& url, const std::string* body,
                          const std::string& authorization, const HttpOptions& options,
                          const std::function<bool(std::string_view)>& sink = nullptr);

// Server-sent events, as OpenAI-compatible endpoints write them. Not thread-safe.
class SseReader {
 public:
  // Calls `event` with the data of each complete event; false stops.
  bool Push(std::string_view bytes, const std::function<bool(std::string_view)>& event);

 private:
  std::string line_;
  std::string data_;
  bool has_data_ = false;
};

}  // namespace jangbu::services
