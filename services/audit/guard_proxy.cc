#include "services/audit/guard_proxy.h"

#include <httplib.h>

#include <chrono>
#include <map>
#include <thread>

#include "services/audit/openai.h"

namespace jangbu::services {
namespace {

using audit::GuardMode;

constexpr std::string_view kFiltered = "content_filter";
constexpr std::string_view kBlind = "the guard cannot judge the answer; nothing is let through";

std::string ErrorBody(std::string_view code, std::string_view message) {
  return "{\"error\":{\"code\":" + JsonQuoted(code) + ",\"message\":" + JsonQuoted(message) +
         ",\"type\":\"jangbu_guard\"}}";
}

}  // namespace

StatusOr<GuardMode> ParseGuardMode(std::string_view name) {
  if (name == "block") return GuardMode::kBlock;
  if (name == "cut") return GuardMode::kCut;
  if (name == "mask") return GuardMode::kMask;
  if (name == "report-only") return GuardMode::kReport;
  return InvalidArgument("bad_guard_mode",
                         std::string(name) + " is none of block, cut, mask, report-only");
}

std::string_view NameOf(GuardMode mode) {
  static constexpr std::string_view kNames[] = {"", "block", "cut", "mask", "report-only"};
  return kNames[static_cast<size_t>(mode)];
}

struct GuardProxy::State {
  GuardProxyOptions options;
  httplib::Server server;
  std::thread thread;
  int port = 0;
  std::atomic<uint64_t> answers{0}, stopped{0}, found{0}, errors{0};

  // One choice of a reply.
  struct Choice {
    std::unique_ptr<AnswerGuard> guard;
    bool used = false;
    bool stopped = false;
    std::string finish;
  };
  // One request's answers.
  struct Exchange {
    Exchange(State& s, std::string k, OpenAiAsk a)
        : state(s), key(std::move(k)), ask(std::move(a)) {}

    // The guard of a choice, begun when it is first asked for.
    StatusOr<Choice*> Guarded(uint32_t index) {
      Choice& choice = choices[index];
      if (choice.guard == nullptr) {
        JANGBU_ASSIGN_OR_RETURN(choice.guard,
                                state.options.guards({.key = key,
                                                      .model = model.empty() ? ask.model : model,
                                                      .user_message = ask.user_message,
                                                      .mode = state.options.mode}));
      }
      return &choice;
    }
    // A piece of an answer, or its end.
    StatusOr<GuardedPiece> Push(uint32_t index, std::string_view text) {
      JANGBU_ASSIGN_OR_RETURN(Choice* const choice, Guarded(index));
      return Take(*choice, choice->guard->Push(text));
    }
    StatusOr<GuardedPiece> Finish(Choice& choice) { return Take(choice, choice.guard->Finish()); }
    StatusOr<GuardedPiece> Take(Choice& choice, StatusOr<GuardedPiece> piece) {
      JANGBU_RETURN_IF_ERROR(piece.status());
      if (!choice.used) ++state.answers;
      choice.used = true;
      state.found += piece->found;
      if (piece->stopped && !choice.stopped) ++state.stopped;
      choice.stopped = choice.stopped || piece->stopped;
      return piece;
    }

    State& state;
    const std::string key;
    const OpenAiAsk ask;
    std::map<uint32_t, Choice> choices;
    std::string model, id = "guarded";
    int64_t created = 0;
  };

  static std::string KeyOf(const httplib::Request& request) {
    const std::string header = request.get_header_value("Authorization");
    return header.starts_with("Bearer ") ? header.substr(7) : header;
  }

  static std::string Head(const Exchange& x, bool piece) {
    const std::string object =
        x.ask.chat ? (piece ? "chat.completion.chunk" : "chat.completion") : "text_completion";
    return "{\"id\":" + JsonQuoted(x.id) + ",\"object\":\"" + object +
           "\",\"created\":" + std::to_string(x.created) + ",\"model\":" + JsonQuoted(x.model) +
           ",\"choices\":[";
  }
  static std::string ChoiceJson(const Exchange& x, uint32_t index, std::string_view text,
                                std::string_view finish, bool piece) {
    std::string out = "{\"index\":" + std::to_string(index) + ",";
    if (x.ask.chat) {
      out += piece ? "\"delta\":{" : "\"message\":{\"role\":\"assistant\",";
      if (!piece || !text.empty()) out += "\"content\":" + JsonQuoted(text);
      out += "}";
    } else {
      out += "\"text\":" + JsonQuoted(text);
    }
    out += ",\"finish_reason\":" + (finish.empty() ? std::string("null") : JsonQuoted(finish));
    return out + "}";
  }

  // A whole answer.
  void Whole(const httplib::Request& request, httplib::Response& response, Exchange& x,
             const std::string& url) {
    const std::string authorization = request.get_header_value("Authorization");
    const auto reply = Fetch(url, &request.body, authorization, options.http);
    if (!reply.ok()) return Fail(response, 502, reply.status());
    if (reply->status != 200) {
      // An error of the model's server: its words are not passed on, they may quote anything.
      ++errors;
      response.status = reply->status;
      response.set_content(ErrorBody("upstream_error",
                                     "the model's server answers " + std::to_string(reply->status)),
                           "application/json");
      return;
    }
    const auto parsed = ParseReply(reply->body);
    if (!parsed.ok()) return Fail(response, 502, parsed.status());
    x.id = parsed->id;
    x.model = parsed->model;
    x.created = parsed->created;
    std::string choices;
    for (const OpenAiChoice& c : parsed->choices) {
      const auto piece = x.Push(c.index, c.text);
      if (!piece.ok()) return FailGuard(response, piece.status());
      std::string text = piece->release;
      Choice& choice = x.choices[c.index];
      if (!choice.stopped) {
        const auto rest = x.Finish(choice);
        if (!rest.ok()) return FailGuard(response, rest.status());
        text += rest->release;
      }
      if (!choices.empty()) choices += ",";
      choices += ChoiceJson(x, c.index, text, choice.stopped ? kFiltered : c.finish_reason, false);
    }
    response.set_content(
        Head(x, false) + choices +
            "],\"usage\":{\"prompt_tokens\":" + std::to_string(parsed->prompt_tokens) +
            ",\"completion_tokens\":" + std::to_string(parsed->completion_tokens) +
            ",\"total_tokens\":" +
            std::to_string(uint64_t{parsed->prompt_tokens} + parsed->completion_tokens) + "}}",
        "application/json");
  }

  // A stream: pieces go through as they come.
  void Streamed(const httplib::Request& request, httplib::Response& response,
                std::shared_ptr<Exchange> x, const std::string& url) {
    const std::string authorization = request.get_header_value("Authorization");
    const std::string body = request.body;
    response.set_chunked_content_provider(
        "text/event-stream", [this, x, url, authorization, body](size_t, httplib::DataSink& sink) {
          const auto send = [&](std::string_view data) {
            const std::string event = "data: " + std::string(data) + "\n\n";
            return sink.write(event.data(), event.size());
          };
          const auto piece = [&](uint32_t index, std::string_view text, std::string_view finish) {
            return send(Head(*x, true) + ChoiceJson(*x, index, text, finish, true) + "]}");
          };
          SseReader events;
          Status wrong = OkStatus();
          bool blind = false;  // the guard cannot judge
          bool gone = false;
          const auto take = [&](std::string_view data) {
            if (data == "[DONE]") return true;
            const auto reply = ParseReply(data);
            if (!reply.ok()) {
              wrong = reply.status();
              return false;
            }
            if (!reply->id.empty()) x->id = reply->id;
            if (!reply->model.empty()) x->model = reply->model;
            if (reply->created != 0) x->created = reply->created;
            for (const OpenAiChoice& c : reply->choices) {
              Choice& choice = x->choices[c.index];
              if (choice.stopped) continue;
              if (!c.finish_reason.empty()) choice.finish = c.finish_reason;
              if (c.text.empty() && choice.used) continue;
              const auto said = x->Push(c.index, c.text);
              if (!said.ok()) {
                wrong = said.status();
                blind = true;
                return false;
              }
              const std::string_view finish = said->stopped ? kFiltered : std::string_view();
              if (!said->release.empty() || !finish.empty()) {
                if (!piece(c.index, said->release, finish)) {
                  gone = true;
                  return false;
                }
              }
            }
            return true;
          };
          const auto ended =
              Fetch(url, &body, authorization, options.http,
                    [&](std::string_view bytes) { return events.Push(bytes, take); });
          if (wrong.ok() && !ended.ok()) wrong = ended.status();
          if (wrong.ok() && ended.ok() && ended->status != 200) {
            wrong = Unavailable("upstream_error",
                                "the model's server answers " + std::to_string(ended->status));
          }
          // What was held is judged even when the stream broke off.
          for (auto& [index, choice] : x->choices) {
            if (gone || blind || !choice.used || choice.stopped) continue;
            const auto said = x->Finish(choice);
            if (!said.ok()) {
              wrong = said.status();
              blind = true;
              continue;
            }
            std::string finish = choice.stopped ? std::string(kFiltered) : choice.finish;
            if (finish.empty() && wrong.ok()) finish = "stop";
            piece(index, said->release, finish);
          }
          if (!wrong.ok()) {
            ++errors;
            if (blind && options.trouble) options.trouble(wrong);
            send(ErrorBody(ReasonOf(wrong), blind ? kBlind : "the answer broke off"));
          } else if (!gone) {
            send("[DONE]");
          }
          sink.done();
          return true;
        });
  }

  void Fail(httplib::Response& response, int status, const Status& why) {
    ++errors;
    response.status = status;
    response.set_content(ErrorBody(ReasonOf(why), MessageOf(why)), "application/json");
  }
  // Nobody can judge the answer: nothing of it passes. What exactly is wrong is for who runs this.
  void FailGuard(httplib::Response& response, const Status& why) {
    ++errors;
    if (options.trouble) options.trouble(why);
    response.status = 503;
    response.set_content(ErrorBody(ReasonOf(why), kBlind), "application/json");
  }

  void Handle(const httplib::Request& request, httplib::Response& response, bool chat) {
    auto ask = ParseAsk(request.body, chat);
    if (!ask.ok()) return Fail(response, 400, ask.status());
    const bool stream = ask->stream;
    const auto x = std::make_shared<Exchange>(*this, KeyOf(request), *std::move(ask));
    // Before the model is asked: an answer that nobody can judge need not be made.
    if (const auto guarded = x->Guarded(0); !guarded.ok()) {
      return FailGuard(response, guarded.status());
    }
    const std::string url = options.upstream + (chat ? "/v1/chat/completions" : "/v1/completions");
    if (stream) {
      Streamed(request, response, x, url);
    } else {
      Whole(request, response, *x, url);
    }
  }
};

GuardProxy::GuardProxy(std::unique_ptr<State> state) : state_(std::move(state)) {}

StatusOr<std::unique_ptr<GuardProxy>> GuardProxy::Start(GuardProxyOptions options) {
  auto state = std::make_unique<State>();
  while (options.upstream.ends_with('/')) options.upstream.pop_back();
  if (options.upstream.ends_with("/v1")) options.upstream.resize(options.upstream.size() - 3);
  state->options = std::move(options);
  State& s = *state;
  s.server.new_task_queue = [&s] {
    return new httplib::ThreadPool(static_cast<size_t>(s.options.threads));
  };
  s.server.set_payload_max_length(s.options.max_request_bytes);
  s.server.set_read_timeout(30, 0);
  // Pieces go out as they come, and an idle connection does not hold up the end for long.
  s.server.set_tcp_nodelay(true);
  s.server.set_keep_alive_timeout(2);
  s.server.Post("/v1/chat/completions",
                [&s](const httplib::Request& q, httplib::Response& r) { s.Handle(q, r, true); });
  s.server.Post("/v1/completions",
                [&s](const httplib::Request& q, httplib::Response& r) { s.Handle(q, r, false); });
  s.server.Get("/v1/models", [&s](const httplib::Request& q, httplib::Response& r) {
    const auto reply = Fetch(s.options.upstream + "/v1/models", nullptr,
                             q.get_header_value("Authorization"), s.options.http);
    if (!reply.ok()) return s.Fail(r, 502, reply.status());
    r.status = reply->status;
    const auto models = ParseModels(reply->body);
    std::string out = "{\"object\":\"list\",\"data\":[";
    if (models.ok()) {
      for (size_t i = 0; i < models->size(); ++i) {
        out += (i == 0 ? "" : ",");
        out += "{\"object\":\"model\",\"id\":" + JsonQuoted((*models)[i]) + "}";
      }
    }
    r.set_content(out + "]}", "application/json");
  });
  s.server.Get("/healthz", [](const httplib::Request&, httplib::Response& r) {
    r.set_content("ok\n", "text/plain");
  });
  if (s.options.listen_port == 0) {
    s.port = s.server.bind_to_any_port(s.options.listen_host);
  } else {
    s.port = s.server.bind_to_port(s.options.listen_host, s.options.listen_port)
                 ? s.options.listen_port
                 : -1;
  }
  if (s.port <= 0) {
    return Unavailable("cannot_listen", "cannot listen on " + s.options.listen_host + ":" +
                                            std::to_string(s.options.listen_port));
  }
  s.thread = std::thread([&s] { s.server.listen_after_bind(); });
  while (!s.server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return std::unique_ptr<GuardProxy>(new GuardProxy(std::move(state)));
}

GuardProxy::~GuardProxy() {
  state_->server.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

int GuardProxy::port() const { return state_->port; }

GuardProxy::Counts GuardProxy::counts() const {
  return {state_->answers, state_->stopped, state_->found, state_->errors};
}

}  // namespace jangbu::services
