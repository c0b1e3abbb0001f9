#include "services/gateway/http_server.h"

#include <httplib.h>

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "services/wire/status.h"
#include "services/wire/text.h"

namespace jangbu::services::gateway {
namespace {

constexpr size_t kMaxBodyBytes = 1024;  // nothing here takes a body
constexpr size_t kMaxPathBytes = 256;
constexpr size_t kMaxConnectionsWaiting = 256;
constexpr time_t kTimeoutSeconds = 5;
constexpr size_t kRequestsPerConnection = 1000;

// A bounded pool: when too many connections wait, none is accepted until one ends, and the rest
// wait in the kernel.
class BoundedPool final : public httplib::TaskQueue {
 public:
  explicit BoundedPool(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }

  void enqueue(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return tasks_.size() < kMaxConnectionsWaiting; });
    tasks_.push_back(std::move(task));
    ready_.notify_one();
  }
  // Serves what waits (each task closes its connection), then ends.
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Work() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
        room_.notify_one();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::vector<std::thread> threads_;  // last: they use the others
};

bool IsThisMachine(const httplib::Request& request) {
  const std::string& address = request.remote_addr;
  const bool loopback =
      address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
  return loopback && !request.has_header("X-Forwarded-For") && !request.has_header("Forwarded") &&
         !request.has_header("Via");
}

std::string_view KindOf(std::string_view path) {
  if (path == "/checkpoint") return "checkpoint";
  if (path.starts_with("/tile/entries/")) return "entries";
  if (path.starts_with("/tile/")) return "tile";
  if (path == "/healthz") return "healthz";
  if (path == "/metrics") return "metrics";
  return "other";
}

void Answer(httplib::Response& response, int status, std::string body, const char* type) {
  response.status = status;
  response.set_content(std::move(body), type);
}

void AnswerNotFound(httplib::Response& response) {
  Answer(response, 404, "not found\n", "text/plain; charset=utf-8");
}

}  // namespace

struct HttpServer::State {
  Jangbu* jangbu = nullptr;
  Clock* clock = nullptr;
  rpc::AccessLog* log = nullptr;
  rpc::Metrics* metrics = nullptr;
  httplib::Server server;
  std::thread listener;
  std::string address;

  void Serve(const httplib::Request& request, httplib::Response& response);
  void ServeLogFile(const std::string& path, httplib::Response& response);
};

void HttpServer::State::ServeLogFile(const std::string& path, httplib::Response& response) {
  const StatusOr<std::string> bytes = jangbu->LogFile(std::string_view(path).substr(1));
  if (absl::IsNotFound(bytes.status())) return AnswerNotFound(response);
  if (!bytes.ok()) {
    return Answer(response, 503, std::string(ReasonOf(bytes.status())) + "\n",
                  "text/plain; charset=utf-8");
  }
  if (path == "/checkpoint") {
    response.set_header("Cache-Control", "no-cache");
    return Answer(response, 200, *bytes, "text/plain; charset=utf-8");
  }
  // A tile never changes; a partial one is superseded by a wider one.
  const bool partial = path.find(".p/") != std::string::npos;
  response.set_header("Cache-Control",
                      partial ? "public, max-age=3600" : "public, max-age=31536000, immutable");
  Answer(response, 200, *bytes, "application/octet-stream");
}

void HttpServer::State::Serve(const httplib::Request& request, httplib::Response& response) {
  const auto began = std::chrono::steady_clock::now();
  const std::string_view kind = KindOf(request.path);
  response.set_header("X-Content-Type-Options", "nosniff");
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    Answer(response, 405, "method not allowed\n", "text/plain; charset=utf-8");
  } else if (request.path.size() > kMaxPathBytes) {
    AnswerNotFound(response);
  } else if (kind == "checkpoint" || kind == "tile" || kind == "entries") {
    ServeLogFile(request.path, response);
  } else if (kind == "healthz") {
    const bool failed = !jangbu->fatal().ok();
    Answer(response, failed ? 503 : 200, failed ? "failed\n" : "ok\n", "text/plain; charset=utf-8");
  } else if (kind == "metrics" && IsThisMachine(request)) {
    rpc::Metrics::Gauges gauges{.journal_entries = 0, .failed = !jangbu->fatal().ok()};
    jangbu->ReadBooks(
        [&gauges](const ledger::Books& books) { gauges.journal_entries = books.size(); });
    Answer(response, 200, metrics->Render(gauges), "text/plain; version=0.0.4; charset=utf-8");
  } else {
    AnswerNotFound(response);
  }
  metrics->HttpServed(kind, response.status);
  if (kind == "healthz" || kind == "metrics") return;  // asked for every few seconds
  const std::string method = "http/" + std::string(kind);
  const std::string code = std::to_string(response.status);
  const std::string peer = request.remote_addr + ":" + std::to_string(request.remote_port);
  log->Write({.at = clock->Now(),
              .method = method,
              .key_id = "",
              .role = "",
              .partner_id = "",
              .code = code,
              .reason = "",
              .allow_list = "",
              .duration_micros = std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::steady_clock::now() - began)
                                     .count(),
              .peer = peer,
              .messages_in = 1,
              .bytes_in = 0});
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Jangbu& jangbu, Clock& clock,
                                                        rpc::AccessLog& log, rpc::Metrics& metrics,
                                                        const HttpOptions& options) {
  const size_t colon = options.listen.rfind(':');
  uint16_t port = 0;
  const std::string_view number =
      colon == std::string::npos ? "" : std::string_view(options.listen).substr(colon + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (colon == 0 || number.empty() || error != std::errc() ||
      end != number.data() + number.size()) {
    return InvalidArgument("bad_listen_address",
                           "expected HOST:PORT, got " + wire::Quoted(options.listen));
  }
  std::string host = options.listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  auto state = std::make_unique<State>();
  state->jangbu = &jangbu;
  state->clock = &clock;
  state->log = &log;
  state->metrics = &metrics;
  httplib::Server& server = state->server;
  server.new_task_queue = [threads = options.threads] { return new BoundedPool(threads); };
  // Without SO_REUSEPORT, which is on by default: two servers on one address would answer in turn.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_payload_max_length(kMaxBodyBytes);
  server.set_read_timeout(kTimeoutSeconds);
  server.set_write_timeout(kTimeoutSeconds);
  server.set_keep_alive_timeout(kTimeoutSeconds);
  server.set_keep_alive_max_count(kRequestsPerConnection);
  server.set_tcp_nodelay(true);
  server.set_pre_routing_handler(
      [raw = state.get()](const httplib::Request& request, httplib::Response& response) {
        raw->Serve(request, response);
        return httplib::Server::HandlerResponse::Handled;
      });
  const int taken =
      port == 0 ? server.bind_to_any_port(host) : (server.bind_to_port(host, port) ? port : -1);
  if (taken <= 0) {
    return Unavailable("address_in_use", "cannot listen on " + options.listen +
                                             ": the address is taken or not of this machine");
  }
  state->address = options.listen.substr(0, colon + 1) + std::to_string(taken);
  state->listener = std::thread([raw = state.get()] { raw->server.listen_after_bind(); });
  // stop() has no effect before the listener runs.
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() {
  state_->server.stop();
  state_->listener.join();
}

const std::string& HttpServer::address() const { return state_->address; }

}  // namespace jangbu::services::gateway
