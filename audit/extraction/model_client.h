#pragma once

// A language model behind an interface, as an audit sees it. services/audit speaks HTTP to real
// ones.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::audit {

struct ModelRequest {
  bool chat = false;
  std::string system;
  std::string prompt;
  uint32_t max_tokens = 64;
  double temperature = 0;
  uint64_t seed = 0;
};

struct ModelAnswer {
  std::string text;
  std::string finish_reason;   // "stop", "length", "content_filter", or as the endpoint says
  std::string model;           // as the endpoint names itself
  uint32_t prompt_tokens = 0;  // 0: not told
  uint32_t completion_tokens = 0;
};

// ln of the chance that the model writes exactly this continuation, unmodified sampling at
// temperature 1. Where log-probabilities are truncated the truth lies in [low, high].
struct SuffixLogprob {
  double low = 0;
  double high = 0;
  uint32_t tokens = 0;
};

struct ModelCapabilities {
  bool completions = false;
  bool chat = false;
  bool streaming = false;
  bool echo_logprobs = false;  // `echo` with `logprobs` really scores the prompt
  bool bias_logprobs = false;  // token ids, `logit_bias` and the chosen token's log-probability
  std::string model;
  std::string describe() const;
};

// Thread-safe where the implementation says so.
class ModelEndpoint {
 public:
  virtual ~ModelEndpoint() = default;
  // What it can do, asked of itself once, not assumed.
  virtual StatusOr<ModelCapabilities> Probe() = 0;
  // Errors: Unavailable (try again later), ResourceExhausted("budget_spent") (stop the audit),
  // anything else: this probe failed, which is not "no leak".
  virtual StatusOr<ModelAnswer> Complete(const ModelRequest& request) = 0;
  // Nothing when the endpoint gives no log-probabilities.
  virtual StatusOr<std::optional<SuffixLogprob>> Score(std::string_view prefix,
                                                       std::string_view suffix) = 0;
};

}  // namespace jangbu::audit
