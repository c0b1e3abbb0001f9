#pragma once

// A model behind an OpenAI-compatible endpoint, over HTTP. Thread-safe.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "audit/extraction/model_client.h"
#include "services/audit/http.h"
#include "services/audit/spending.h"

namespace jangbu::services {

struct OpenAiOptions {
  std::string url;      // "http://HOST:PORT" or with a path before /v1
  std::string model;    // "": the first the endpoint lists
  std::string api_key;  // "": none
  bool stream = false;
  double requests_per_second = 0;  // 0: no limit
  uint64_t max_requests = 0;       // of HTTP, 0: no limit
  // Tokens as the endpoint counts them; where it does not say, a prompt's bytes, which is never too
  // little. What was asked and broke off counts at its most, what was refused not at all.
  SpendingLimits limits;
  HttpOptions http;
};

class OpenAiClient : public audit::ModelEndpoint {
 public:
  explicit OpenAiClient(OpenAiOptions options);

  StatusOr<audit::ModelCapabilities> Probe() override;
  // PermissionDenied("endpoint_refused") for 401 and 403, InvalidArgument("endpoint_bad_request")
  // for other 4xx, Unavailable for 408, 429 and 5xx and for whatever is no answer.
  StatusOr<audit::ModelAnswer> Complete(const audit::ModelRequest& request) override;
  // By `echo`, else by one request a token. REQUIRES: Probe() was called.
  StatusOr<std::optional<audit::SuffixLogprob>> Score(std::string_view prefix,
                                                      std::string_view suffix) override;

  uint64_t requests() const { return requests_; }
  uint64_t tokens() const { return spending_.tokens(); }
  uint64_t won() const { return spending_.won(); }

 private:
  StatusOr<audit::ModelAnswer> Complete(const audit::ModelRequest& request, bool stream);
  StatusOr<std::string> Ask(const std::string& path, const std::string* body,
                            const std::function<bool(std::string_view)>& sink = nullptr);
  StatusOr<std::vector<int64_t>> Tokenize(std::string_view text);
  StatusOr<std::optional<double>> BiasedLogprob(const std::vector<int64_t>& prompt, int64_t next);
  StatusOr<std::optional<audit::SuffixLogprob>> ScoreByEcho(std::string_view prefix,
                                                            std::string_view suffix);

  OpenAiOptions options_;
  audit::ModelCapabilities can_;
  std::atomic<uint64_t> requests_{0};
  Spending spending_;
  std::mutex pace_;
  int64_t next_at_ms_ = 0;
};

}  // namespace jangbu::services
