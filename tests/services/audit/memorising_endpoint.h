#pragma once

// An OpenAI-compatible endpoint that remembers some texts: it continues any prompt that ends in one
// of them from there, whoever asks, and babbles otherwise. It knows nothing of audits. With faults.

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "services/audit/openai.h"
#include "tests/audit/extraction/audit_world.h"

namespace jangbu::services::testing {

class MemorisingEndpoint {
 public:
  explicit MemorisingEndpoint(std::vector<std::string> memory) : memory_(std::move(memory)) {
    server_.Post("/v1/completions",
                 [this](const httplib::Request& q, httplib::Response& r) { Answer(q, r, false); });
    server_.Post("/v1/chat/completions",
                 [this](const httplib::Request& q, httplib::Response& r) { Answer(q, r, true); });
    server_.Get("/v1/models", [](const httplib::Request&, httplib::Response& r) {
      r.set_content("{\"data\":[{\"id\":\"memory\"}]}", "application/json");
    });
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(1);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~MemorisingEndpoint() {
    server_.stop();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::atomic<bool> faults{false};
  std::atomic<uint64_t> asked{0};

 private:
  static constexpr size_t kLength = 200;  // code points of an answer

  void Answer(const httplib::Request& q, httplib::Response& r, bool chat) {
    const uint64_t n = ++asked;
    if (faults) {
      switch (n % 11) {
        case 1:
          r.status = 429;
          r.set_content("{\"error\":{\"message\":\"slow down\"}}", "application/json");
          return;
        case 4:
          r.status = 500;
          r.set_content("oops", "text/plain");
          return;
        case 6:
          r.set_content("{\"choices\":[{\"te", "application/json");
          return;
        case 8:
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          break;
        default:
          break;
      }
    }
    const auto ask = ParseAsk(q.body, chat);
    if (!ask.ok()) {
      r.status = 400;
      return;
    }
    const std::string text = audit::testing::Continue(memory_, ask->user_message, kLength);
    const std::string open = chat ? "\"delta\":{\"content\":" : "\"text\":";
    const std::string close = chat ? "}" : "";
    if (!ask->stream) {
      r.set_content("{\"model\":\"memory\",\"choices\":[{\"index\":0," +
                        std::string(chat ? "\"message\":{\"content\":" : "\"text\":") +
                        JsonQuoted(text) + close + ",\"logprobs\":{\"tokens\":[" +
                        JsonQuoted(text) + "]},\"finish_reason\":\"length\"}]}",
                    "application/json");
      return;
    }
    // Pieces of seven bytes: letters are cut anywhere, as byte tokens do, but JSON is whole text,
    // so at code points.
    std::string events;
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min(text.size(), at + 7);
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
      events += "data: {\"model\":\"memory\",\"choices\":[{\"index\":0," + open +
                JsonQuoted(text.substr(at, end - at)) + close + ",\"finish_reason\":null}]}\n\n";
      at = end;
    }
    if (faults && n % 11 == 3) {
      events.resize(events.size() / 2);  // cut off
    } else {
      events += "data: [DONE]\n\n";
    }
    r.set_content(events, "text/event-stream");
  }

  const std::vector<std::string> memory_;
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace jangbu::services::testing
