#include "services/audit/openai_client.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "ingest/text/utf8.h"
#include "services/audit/openai.h"

namespace jangbu::services {
namespace {

std::string Ids(const std::vector<int64_t>& ids) {
  std::string out = "[";
  for (size_t i = 0; i < ids.size(); ++i) out += (i == 0 ? "" : ",") + std::to_string(ids[i]);
  return out + "]";
}

// Asks again while the failure is one that may pass: what an endpoint can do must not depend on
// its having been busy.
template <typename Question>
auto Tried(const Question& question) {
  auto answer = question();
  for (int attempt = 1; attempt < 7 && answer.status().code() == absl::StatusCode::kUnavailable;
       ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25 << attempt));
    answer = question();
  }
  return answer;
}

// Of a chat's template and the beginning of a text, at most.
constexpr uint64_t kTemplateTokens = 64;

// What the endpoint refused, or never got, costs nothing.
StatusOr<std::string> Paid(StatusOr<std::string> reply, Spending::Hold& cost) {
  if (reply.ok()) return reply;
  const std::string_view reason = ReasonOf(reply.status());
  for (const std::string_view refused :
       {"endpoint_busy", "endpoint_error", "endpoint_refused", "endpoint_bad_request",
        "endpoint_unreachable", "budget_spent"}) {
    if (reason == refused) cost.Release();
  }
  return reply;
}

// By what the reply says, if it does.
void SettleAsTold(std::string_view json, Spending::Hold& cost) {
  const auto reply = ParseReply(json);
  if (!reply.ok() || reply->prompt_tokens + reply->completion_tokens == 0) return;
  cost.Settle(reply->prompt_tokens, reply->completion_tokens);
}

}  // namespace

OpenAiClient::OpenAiClient(OpenAiOptions options)
    : options_(std::move(options)), spending_(options_.limits) {
  while (options_.url.ends_with('/')) options_.url.pop_back();
  if (options_.url.ends_with("/v1")) options_.url.resize(options_.url.size() - 3);
}

StatusOr<std::string> OpenAiClient::Ask(const std::string& path, const std::string* body,
                                        const std::function<bool(std::string_view)>& sink) {
  if (options_.max_requests != 0 && requests_ >= options_.max_requests) {
    return ResourceExhausted("budget_spent", "the limit of requests is reached; raise it to go on");
  }
  ++requests_;
  if (options_.requests_per_second > 0) {
    const auto now_ms = [] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::steady_clock::now().time_since_epoch())
          .count();
    };
    int64_t wait = 0;
    {
      const std::lock_guard lock(pace_);
      const int64_t now = now_ms();
      next_at_ms_ = std::max(next_at_ms_, now);
      wait = next_at_ms_ - now;
      next_at_ms_ += static_cast<int64_t>(1000 / options_.requests_per_second);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
  }
  const std::string authorization =
      options_.api_key.empty() ? std::string() : "Bearer " + options_.api_key;
  JANGBU_ASSIGN_OR_RETURN(HttpReply reply,
                          Fetch(options_.url + path, body, authorization, options_.http, sink));
  const std::string said = ": " + ErrorMessage(reply.body);
  const std::string code = std::to_string(reply.status);
  if (reply.status == 200) return std::move(reply.body);
  if (reply.status == 429 || reply.status == 408 || reply.status >= 500) {
    if (reply.retry_after_s > 0) {
      std::this_thread::sleep_for(std::chrono::seconds(std::min<int64_t>(60, reply.retry_after_s)));
    }
    return Unavailable(reply.status == 429 ? "endpoint_busy" : "endpoint_error",
                       "the endpoint answers " + code + said);
  }
  if (reply.status == 401 || reply.status == 403) {
    return PermissionDenied("endpoint_refused",
                            "the endpoint answers " + code + said + "; check the API key");
  }
  return InvalidArgument("endpoint_bad_request", "the endpoint answers " + code + said);
}

StatusOr<audit::ModelAnswer> OpenAiClient::Complete(const audit::ModelRequest& request) {
  return Complete(request, options_.stream);
}

StatusOr<audit::ModelAnswer> OpenAiClient::Complete(const audit::ModelRequest& request,
                                                    bool stream) {
  const std::string path = request.chat ? "/v1/chat/completions" : "/v1/completions";
  const std::string body = CompletionBody(request, options_.model, stream);
  const uint64_t prompt_most = request.system.size() + request.prompt.size() + kTemplateTokens;
  JANGBU_ASSIGN_OR_RETURN(Spending::Hold cost, spending_.Reserve(prompt_most, request.max_tokens));
  audit::ModelAnswer answer;
  const auto take = [&](const OpenAiReply& reply) {
    if (!reply.model.empty()) answer.model = reply.model;
    if (reply.completion_tokens != 0) answer.completion_tokens = reply.completion_tokens;
    if (reply.prompt_tokens != 0) answer.prompt_tokens = reply.prompt_tokens;
    for (const OpenAiChoice& c : reply.choices) {
      if (c.index != 0) continue;
      answer.text += c.text;
      if (!c.finish_reason.empty()) answer.finish_reason = c.finish_reason;
    }
  };
  if (!stream) {
    JANGBU_ASSIGN_OR_RETURN(const std::string json, Paid(Ask(path, &body), cost));
    JANGBU_ASSIGN_OR_RETURN(const OpenAiReply reply, ParseReply(json));
    if (reply.choices.empty()) {
      return Unavailable("endpoint_garbage", "the endpoint's reply has no choice");
    }
    take(reply);
  } else {
    SseReader events;
    Status wrong = OkStatus();
    bool done = false;
    const auto ended = Ask(path, &body, [&](std::string_view bytes) {
      return events.Push(bytes, [&](std::string_view data) {
        if (data == "[DONE]") {
          done = true;
          return true;
        }
        const auto reply = ParseReply(data);
        if (!reply.ok()) {
          wrong = reply.status();
          return false;
        }
        take(*reply);
        return true;
      });
    });
    JANGBU_RETURN_IF_ERROR(wrong);
    JANGBU_RETURN_IF_ERROR(Paid(ended, cost).status());
    if (!done) return Unavailable("stream_cut", "the endpoint's stream ended without [DONE]");
  }
  const bool told = answer.completion_tokens + answer.prompt_tokens > 0;
  cost.Settle(
      told ? answer.prompt_tokens : prompt_most,
      told ? answer.completion_tokens : std::min<uint64_t>(request.max_tokens, answer.text.size()));
  return answer;
}

StatusOr<std::vector<int64_t>> OpenAiClient::Tokenize(std::string_view text) {
  const std::string body = "{\"content\":" + JsonQuoted(text) + ",\"add_special\":true}";
  JANGBU_ASSIGN_OR_RETURN(const std::string json, Ask("/tokenize", &body));
  return ParseTokens(json);
}

StatusOr<std::optional<double>> OpenAiClient::BiasedLogprob(const std::vector<int64_t>& prompt,
                                                            int64_t next) {
  const std::string body = "{\"model\":" + JsonQuoted(options_.model) +
                           ",\"prompt\":" + Ids(prompt) +
                           ",\"max_tokens\":1,\"temperature\":0,\"logprobs\":1," +
                           "\"logit_bias\":[[" + std::to_string(next) + ",100]]}";
  JANGBU_ASSIGN_OR_RETURN(Spending::Hold cost,
                          spending_.Reserve(prompt.size() + kTemplateTokens, 1));
  JANGBU_ASSIGN_OR_RETURN(const std::string json, Paid(Ask("/v1/completions", &body), cost));
  SettleAsTold(json, cost);
  JANGBU_ASSIGN_OR_RETURN(const auto logprobs, ParseLogprobs(json));
  if (logprobs.empty() || logprobs[0].id != next) return std::optional<double>();
  return logprobs[0].logprob;
}

StatusOr<std::optional<audit::SuffixLogprob>> OpenAiClient::ScoreByEcho(std::string_view prefix,
                                                                        std::string_view suffix) {
  const std::string text = std::string(prefix) + std::string(suffix);
  const std::string body = "{\"model\":" + JsonQuoted(options_.model) +
                           ",\"prompt\":" + JsonQuoted(text) +
                           ",\"max_tokens\":1,\"temperature\":0,\"logprobs\":1,\"echo\":true}";
  JANGBU_ASSIGN_OR_RETURN(Spending::Hold cost, spending_.Reserve(text.size() + kTemplateTokens, 1));
  JANGBU_ASSIGN_OR_RETURN(const std::string json, Paid(Ask("/v1/completions", &body), cost));
  SettleAsTold(json, cost);
  JANGBU_ASSIGN_OR_RETURN(const auto logprobs, ParseLogprobs(json));
  const auto begin = static_cast<int64_t>(ingest::CountCodePoints(prefix));
  const auto end = static_cast<int64_t>(ingest::CountCodePoints(text));
  audit::SuffixLogprob score;
  for (const TokenLogprob& t : logprobs) {
    if (t.offset < begin || t.offset >= end) continue;
    if (!t.logprob.has_value()) return std::optional<audit::SuffixLogprob>();
    score.low += *t.logprob;
    ++score.tokens;
  }
  if (score.tokens == 0) return std::optional<audit::SuffixLogprob>();
  score.low = std::min(0.0, score.low);
  score.high = score.low;
  return std::optional(score);
}

StatusOr<audit::ModelCapabilities> OpenAiClient::Probe() {
  audit::ModelCapabilities can;
  const auto models = Tried([&] { return Ask("/v1/models", nullptr); });
  if (models.ok()) {
    const auto names = ParseModels(*models);
    if (names.ok() && !names->empty() && options_.model.empty()) options_.model = names->front();
  } else if (models.status().code() == absl::StatusCode::kUnavailable ||
             models.status().code() == absl::StatusCode::kPermissionDenied) {
    return models.status();
  }
  can.model = options_.model;
  audit::ModelRequest hello;
  hello.prompt = "안녕하세요";
  hello.max_tokens = 1;
  const auto plain = Tried([&] { return Complete(hello, false); });
  can.completions = plain.ok();
  hello.chat = true;
  const auto chat = Tried([&] { return Complete(hello, false); });
  can.chat = chat.ok();
  if (!can.completions && !can.chat) {
    // Neither answers: the first error says why.
    return plain.status();
  }
  hello.chat = !can.completions;
  can.streaming = Tried([&] { return Complete(hello, true); }).ok();
  options_.stream = options_.stream && can.streaming;
  if (can.completions) {
    // Endpoints that ignore `echo` answer 200 with the log-probabilities of what they wrote.
    const auto echoed = Tried([&] { return ScoreByEcho("하늘이", " 푸르다"); });
    can.echo_logprobs = echoed.ok() && echoed->has_value();
    if (!can.echo_logprobs) {
      const auto ids = Tried([&] { return Tokenize("하늘이 푸르다"); });
      if (ids.ok() && ids->size() >= 2) {
        const std::vector<int64_t> prompt(ids->begin(), ids->end() - 1);
        const auto p = Tried([&] { return BiasedLogprob(prompt, ids->back()); });
        can.bias_logprobs = p.ok() && p->has_value();
      }
    }
  }
  can_ = can;
  return can;
}

StatusOr<std::optional<audit::SuffixLogprob>> OpenAiClient::Score(std::string_view prefix,
                                                                  std::string_view suffix) {
  if (can_.echo_logprobs) return ScoreByEcho(prefix, suffix);
  if (!can_.bias_logprobs) return std::optional<audit::SuffixLogprob>();
  JANGBU_ASSIGN_OR_RETURN(const auto before, Tokenize(prefix));
  JANGBU_ASSIGN_OR_RETURN(const auto all, Tokenize(std::string(prefix) + std::string(suffix)));
  // Where the tokenisation with the suffix leaves that of the prefix alone.
  size_t from = 0;
  while (from < before.size() && from < all.size() && before[from] == all[from]) ++from;
  audit::SuffixLogprob score;
  for (size_t i = from; i < all.size(); ++i) {
    JANGBU_ASSIGN_OR_RETURN(
        const auto p,
        BiasedLogprob({all.begin(), all.begin() + static_cast<ptrdiff_t>(i)}, all[i]));
    if (!p.has_value()) return std::optional<audit::SuffixLogprob>();
    score.low += *p;
    ++score.tokens;
  }
  score.low = std::min(0.0, score.low);
  score.high = score.low;
  return std::optional(score);
}

}  // namespace jangbu::services
