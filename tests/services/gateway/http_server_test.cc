// The public HTTP port: what it serves, what it refuses, and how it bears with rude clients.

#include "services/gateway/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "ledger/merkle/checkpoint.h"
#include "tests/services/rpc/running_server.h"

namespace jangbu::services::gateway {
namespace {

class Http : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    running_ = new rpc::RunningServer();
    auto started = HttpServer::Start(running_->jangbu(), running_->clock(), running_->log(),
                                     running_->metrics(), {.listen = "127.0.0.1:0", .threads = 4});
    ASSERT_TRUE(started.ok()) << started.status();
    http_ = started->release();
    port_ = std::stoi(http_->address().substr(http_->address().rfind(':') + 1));
  }
  static void TearDownTestSuite() {
    delete http_;
    delete running_;
  }
  static httplib::Result Get(const std::string& path, const httplib::Headers& headers = {}) {
    httplib::Client client("127.0.0.1", port_);
    return client.Get(path, headers);
  }

  static rpc::RunningServer* running_;
  static HttpServer* http_;
  static int port_;
};
rpc::RunningServer* Http::running_ = nullptr;
HttpServer* Http::http_ = nullptr;
int Http::port_ = 0;

TEST_F(Http, ServesTheLog) {
  const auto checkpoint = Get("/checkpoint");
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->status, 200);
  EXPECT_EQ(checkpoint->get_header_value("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(checkpoint->get_header_value("Cache-Control"), "no-cache");
  const std::string& note = checkpoint->body;
  const auto head = ledger::ParseCheckpoint(note.substr(0, note.find("\n\n") + 1));
  ASSERT_TRUE(head.ok()) << head.status();
  ASSERT_GT(head->size, 0u);
  ASSERT_LT(head->size, 256u);
  const std::string width = std::to_string(head->size);

  const auto tile = Get("/tile/0/000.p/" + width);
  ASSERT_TRUE(tile);
  EXPECT_EQ(tile->status, 200);
  EXPECT_EQ(tile->body.size(), head->size * 32);
  EXPECT_EQ(tile->get_header_value("Content-Type"), "application/octet-stream");
  const auto entries = Get("/tile/entries/000.p/" + width);
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->status, 200);
  EXPECT_EQ(entries->body.size(), head->size * (2 + 32));
}

TEST_F(Http, ServesNothingElse) {
  for (const char* path : {"/",
                           "/index.html",
                           "/checkpoint/",
                           "/checkpoint?x",
                           "//checkpoint",
                           "/tile/0/000",
                           "/tile/0/999",
                           "/tile/0/000.p/0",
                           "/tile/0/000.p/256",
                           "/tile/0/000.p/1000",
                           "/tile/9/000",
                           "/tile/-1/000",
                           "/tile/0/../../checkpoint",
                           "/tile/entries/",
                           "/tile/",
                           "/tile/0/x001/000",
                           "/metricsx",
                           "/../etc/passwd",
                           "/%2e%2e/etc/passwd",
                           "/operator.key",
                           "/server.json",
                           "/tile/%00"}) {
    const auto answer = Get(path);
    ASSERT_TRUE(answer) << path;
    if (std::string_view(path) == "/checkpoint?x") {
      EXPECT_EQ(answer->status, 200);
    } else {
      EXPECT_EQ(answer->status, 404) << path;
    }
  }
  EXPECT_EQ(Get("/" + std::string(1000, 'a'))->status, 404);
}

TEST_F(Http, OnlyReads) {
  httplib::Client client("127.0.0.1", port_);
  EXPECT_EQ(client.Post("/checkpoint", "x", "text/plain")->status, 405);
  EXPECT_EQ(client.Put("/checkpoint", "x", "text/plain")->status, 405);
  EXPECT_EQ(client.Delete("/checkpoint")->status, 405);
  const auto head = client.Head("/checkpoint");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
}

TEST_F(Http, HealthAndMetrics) {
  EXPECT_EQ(Get("/healthz")->body, "ok\n");
  const auto metrics = Get("/metrics");
  EXPECT_EQ(metrics->status, 200);
  EXPECT_NE(metrics->body.find("jangbu_journal_entries"), std::string::npos);
  EXPECT_NE(metrics->body.find("jangbu_http_requests_total"), std::string::npos);
  // What a proxy passes on is not this machine.
  for (const char* header : {"X-Forwarded-For", "Forwarded", "Via"}) {
    EXPECT_EQ(Get("/metrics", {{header, "1.2.3.4"}})->status, 404) << header;
  }
  for (const char* secret : {"hanbit", "dolsan", "jb_live_"}) {
    EXPECT_EQ(metrics->body.find(secret), std::string::npos);
  }
}

// Sends raw bytes and reads the answer's beginning; "" when the connection was closed.
std::string Raw(int port, const std::string& bytes) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_GE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
  ::shutdown(fd, SHUT_WR);
  char buffer[256];
  const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
  ::close(fd);
  return size <= 0 ? "" : std::string(buffer, static_cast<size_t>(size));
}

TEST_F(Http, BearsWithGarbage) {
  const std::string requests[] = {
      std::string(1, '\0'),
      "GET\r\n\r\n",
      "\xFF\xFE\r\n\r\n",
      "GET /checkpoint HTTP/9.9\r\n\r\n",
      "GET " + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n",
      "GET /checkpoint HTTP/1.1\r\nX: " + std::string(100'000, 'b') + "\r\n\r\n",
      "POST /checkpoint HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
      "POST /checkpoint HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'c'),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const std::string& request : requests) {
    const std::string answer = Raw(port_, request);
    EXPECT_EQ(answer.find(" 200 "), std::string::npos) << request.substr(0, 60);
  }
  EXPECT_EQ(Get("/healthz")->status, 200);
}

TEST_F(Http, ASecondServerCannotTakeTheAddress) {
  const auto second = HttpServer::Start(running_->jangbu(), running_->clock(), running_->log(),
                                        running_->metrics(), {.listen = http_->address()});
  EXPECT_EQ(ReasonOf(second.status()), "address_in_use");
  for (const char* listen :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1"}) {
    const auto bad = HttpServer::Start(running_->jangbu(), running_->clock(), running_->log(),
                                       running_->metrics(), {.listen = listen});
    EXPECT_EQ(ReasonOf(bad.status()), "bad_listen_address") << listen;
  }
}

}  // namespace
}  // namespace jangbu::services::gateway
