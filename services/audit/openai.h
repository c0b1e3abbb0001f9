#pragma once

// The JSON of OpenAI-compatible endpoints, as llama.cpp's server, vLLM and commercial ones write
// it.
//
// Parsers take outside bytes: any give an answer or an error, never more. Thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/extraction/model_client.h"
#include "base/status.h"

namespace jangbu::services {

// `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
std::string JsonQuoted(std::string_view text);

std::string CompletionBody(const audit::ModelRequest& request, std::string_view model, bool stream);

struct OpenAiChoice {
  uint32_t index = 0;
  std::string text;  // of a whole answer, or what a stream's piece adds
  std::string finish_reason;
};
struct OpenAiReply {
  std::string id, model;
  int64_t created = 0;
  std::vector<OpenAiChoice> choices;
  uint32_t prompt_tokens = 0, completion_tokens = 0;
};
// A whole answer, or one piece of a stream, of either kind. Unavailable("endpoint_garbage") for
// what is none, Unavailable("endpoint_error") for {"error": …}.
StatusOr<OpenAiReply> ParseReply(std::string_view json);

// Log-probabilities of the first choice. Two shapes: `tokens`, `token_logprobs`, `text_offset`
// (completions), and `content[]` of {id, token, logprob} (chat, llama.cpp's completions).
struct TokenLogprob {
  int64_t id = -1;      // -1: not told
  int64_t offset = -1;  // in code points of the text; -1: not told
  std::optional<double> logprob;
};
StatusOr<std::vector<TokenLogprob>> ParseLogprobs(std::string_view json);

// {"tokens": [1, 2]} or {"tokens": [{"id": 1}, …]}.
StatusOr<std::vector<int64_t>> ParseTokens(std::string_view json);
StatusOr<std::vector<std::string>> ParseModels(std::string_view json);
// The message of an error's body, for people; at most 300 bytes.
std::string ErrorMessage(std::string_view body);

// What a client asked the proxy.
struct OpenAiAsk {
  bool chat = false;
  bool stream = false;
  std::string model;  // "": not said
  // What the user said last: the last message of role user, or the prompt. "" when there is none.
  std::string user_message;
};
// InvalidArgument("bad_request"). Refused too: prompts of token ids, whose wording the guard cannot
// know, and several prompts in one request.
StatusOr<OpenAiAsk> ParseAsk(std::string_view json, bool chat);

}  // namespace jangbu::services
