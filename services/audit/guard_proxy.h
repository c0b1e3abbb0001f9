#pragma once

// A guard in front of an OpenAI-compatible model: the same API, with nothing contributed in what
// comes out.
//
// Answers are written anew from the text alone: nothing else of the model's reply passes (no
// log-probabilities, no tool calls, no reasoning, no echo), because all of those can carry text. An
// answer that was stopped ends with finish_reason "content_filter". Every choice of a reply is
// followed by itself; all share one budget of exposure, the key's.
//
// Who judges is behind `AnswerGuard`: a server (services/cli/server_guard.h) or texts of files
// (local_guard.h). Where it cannot, nothing passes: 503 before the model is asked, an error event
// in a stream.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "audit/guard/stream_guard.h"
#include "services/audit/http.h"

namespace jangbu::services {

// What is said of an answer when it begins.
struct AnswerStart {
  std::string key;    // the caller's API key; "": it sent none
  std::string model;  // as the request names it
  std::string user_message;
  audit::GuardMode mode = audit::GuardMode::kBlock;
};
struct GuardedPiece {
  std::string release;
  bool stopped = false;  // nothing more will be released
  uint32_t found = 0;    // findings that were told with this piece
};

// The guard of one answer. Not thread-safe. After an error nothing more is released.
class AnswerGuard {
 public:
  virtual ~AnswerGuard() = default;
  virtual StatusOr<GuardedPiece> Push(std::string_view text) = 0;
  // The end of the answer, unless it was stopped.
  virtual StatusOr<GuardedPiece> Finish() = 0;
};
// Begins one. Thread-safe.
using AnswerGuards = std::function<StatusOr<std::unique_ptr<AnswerGuard>>(const AnswerStart&)>;

struct GuardProxyOptions {
  std::string upstream;
  HttpOptions http;
  std::string listen_host = "127.0.0.1";
  int listen_port = 0;  // 0: any free one
  audit::GuardMode mode = audit::GuardMode::kBlock;
  int threads = 16;
  size_t max_request_bytes = size_t{8} << 20;
  AnswerGuards guards;
  // Told why an answer could not be judged; thread-safe; may be null.
  std::function<void(const Status&)> trouble;
};

// Runs until it dies. Start returns once it listens.
class GuardProxy {
 public:
  static StatusOr<std::unique_ptr<GuardProxy>> Start(GuardProxyOptions options);
  ~GuardProxy();
  int port() const;
  struct Counts {
    uint64_t answers = 0, stopped = 0, found = 0, errors = 0;
  };
  Counts counts() const;

 private:
  struct State;
  explicit GuardProxy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "block", "cut", "mask" or "report-only". InvalidArgument("bad_guard_mode").
StatusOr<audit::GuardMode> ParseGuardMode(std::string_view name);
std::string_view NameOf(audit::GuardMode mode);

}  // namespace jangbu::services
