#pragma once

// A guard in front of an OpenAI-compatible model: the same API, with nothing contributed in what
// comes out.
//
// Answers are written anew from the text alone: nothing else of the model's reply passes (no
// log-probabilities, no tool calls, no reasoning, no echo), because all of those can carry text. An
// answer that was stopped ends with finish_reason "content_filter". Every choice of a reply is
// followed by itself; all share one budget of exposure, the key's.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "audit/guard/exposure_budget.h"
#include "audit/guard/stream_guard.h"
#include "base/clock.h"
#include "services/audit/http.h"

namespace jangbu::services {

// What happened to one answer, for the log of incidents. Holds no text.
struct GuardIncident {
  std::string key;  // keyed digest of the caller's API key, 16 hexadecimal digits
  std::string model;
  std::string finding_mac;  // of the run's wording, 32 hexadecimal digits
  std::string kind;         // "run", "withdrawn", "budget"
  int64_t begin = 0, end = 0;
  ingest::RunDocument document;
  std::vector<ingest::RunDocument> holders;
  audit::GuardMode mode = audit::GuardMode::kBlock;
};

struct GuardProxyOptions {
  std::string upstream;
  HttpOptions http;
  std::string listen_host = "127.0.0.1";
  int listen_port = 0;  // 0: any free one
  audit::GuardMode mode = audit::GuardMode::kBlock;
  int threads = 16;
  size_t max_request_bytes = size_t{8} << 20;
  std::string secret;                          // for the keyed digests
  Clock* clock = nullptr;                      // borrowed
  audit::ExposureLedger* exposures = nullptr;  // borrowed; null: no budgets
  // The index of the moment; asked once an answer.
  std::function<std::shared_ptr<const audit::GuardIndex>()> index;
  std::function<void(const GuardIncident&)> incident;  // thread-safe; may be null
};

// Runs until it dies. Start returns once it listens.
class GuardProxy {
 public:
  static StatusOr<std::unique_ptr<GuardProxy>> Start(GuardProxyOptions options);
  ~GuardProxy();
  int port() const;
  struct Counts {
    uint64_t answers = 0, stopped = 0, incidents = 0, errors = 0;
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
