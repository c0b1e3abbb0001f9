// What `jangbud serve` is told, and when the daily run is due.

#include "services/jangbud/serve_options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "services/jangbud/default_tokenizer.h"
#include "services/jangbud/schedule.h"

namespace jangbu::services::jangbud {
namespace {

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    std::string pattern = std::filesystem::temp_directory_path() / "jangbud-XXXXXX";
    const int fd = ::mkstemp(pattern.data());
    ::close(fd);
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const GivenOptions kData = {{"data", {"/d"}}};

TEST(ServeOptions, CommandLineBeatsFileBeatsDefault) {
  const ConfigFile file(
      "data: /from/file\nlisten: 127.0.0.1:1\nworkers: 3\n"
      "tls_cert: c.pem\ntls-key: k.pem\npolicy:\n  grain: 10\n  lot_documents_min: 5\n");
  const StatusOr<GivenOptions> config = ReadConfigFile(file.path());
  ASSERT_TRUE(config.ok()) << config.status();
  const StatusOr<ServeOptions> options =
      ResolveServeOptions({{"listen", {"127.0.0.1:2"}}, {"policy", {"grain=20"}}}, *config);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->data, "/from/file");
  EXPECT_EQ(options->listen, "127.0.0.1:2");
  EXPECT_EQ(options->http, "127.0.0.1:50552");
  EXPECT_EQ(options->workers, 3);
  EXPECT_EQ(options->tls_cert, "c.pem");
  const StatusOr<ledger::Policy> policy = PolicyOf(options->policy);
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(policy->grain, 20);
  EXPECT_EQ(policy->lot_documents_min, 5);
  EXPECT_EQ(policy->lot_tokens_min, 10'000'000);
}

TEST(ServeOptions, AnEmptyFileIsFine) {
  const ConfigFile file("# nothing\n");
  const StatusOr<GivenOptions> config = ReadConfigFile(file.path());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->empty());
}

TEST(ServeOptions, FilesThatAreWrongAreNamedWithTheirLine) {
  struct Row {
    const char* why;
    const char* text;
    const char* says;
  };
  const Row rows[] = {
      {"an unknown option", "data: x\nlisen: y\n", "line 2"},
      {"twice, in two spellings", "tls-key: a\ntls_key: b\n", "line 2"},
      {"a list", "- a\n", "line 1"},
      {"a map for a value", "data:\n  x: y\n", "line 2"},
      {"a value for the policy", "policy: 3\n", "line 1"},
      {"not YAML", "data: [\n", "line"},
      {"tabs", "a:\n\tb: c\n", "line 2"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.why);
    const ConfigFile file(row.text);
    const Status status = ReadConfigFile(file.path()).status();
    EXPECT_EQ(ReasonOf(status), "bad_config");
    EXPECT_NE(MessageOf(status).find(row.says), std::string_view::npos) << MessageOf(status);
  }
  EXPECT_EQ(ReasonOf(ReadConfigFile("/nonexistent.yaml").status()), "file_missing");
}

TEST(ServeOptions, RefusesWhatCannotBeMeant) {
  struct Row {
    const char* why;
    GivenOptions given;
  };
  const Row rows[] = {
      {"no data", {}},
      {"keys in clear over the network", {{"data", {"d"}}, {"listen", {"0.0.0.0:50551"}}}},
      {"a name is no loopback", {{"data", {"d"}}, {"listen", {"127.example.com:1"}}}},
      {"half of TLS", {{"data", {"d"}}, {"tls-cert", {"c"}}}},
      {"mTLS without TLS", {{"data", {"d"}}, {"tls-client-ca", {"c"}}}},
      {"not a number", {{"data", {"d"}}, {"workers", {"many"}}}},
      {"a negative number", {{"data", {"d"}}, {"workers", {"-1"}}}},
      {"a checkpoint an hour", {{"data", {"d"}}, {"checkpoint-interval", {"3600"}}}},
      {"not a time", {{"data", {"d"}}, {"confirm-at", {"3:30"}}}},
      {"no such time", {{"data", {"d"}}, {"confirm-at", {"24:00"}}}},
      {"an unknown policy", {{"data", {"d"}}, {"policy", {"grains=1"}}}},
      {"a policy without a value", {{"data", {"d"}}, {"policy", {"grain"}}}},
      {"a grain of nothing", {{"data", {"d"}}, {"policy", {"grain=0"}}}},
      {"maybe", {{"data", {"d"}}, {"insecure", {"maybe"}}}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.why);
    const Status status = ResolveServeOptions(row.given, {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(ReasonOf(status) == "bad_option" || ReasonOf(status) == "bad_policy") << status;
  }
  GivenOptions open = {{"data", {"d"}}, {"listen", {"0.0.0.0:50551"}}};
  open["insecure"] = {"true"};
  EXPECT_TRUE(ResolveServeOptions(open, {}).ok());
  open.erase("insecure");
  open["tls-cert"] = {"c"};
  open["tls-key"] = {"k"};
  EXPECT_TRUE(ResolveServeOptions(open, {}).ok());
  EXPECT_TRUE(ResolveServeOptions(kData, {}).ok());
}

TEST(ServeOptions, LoopbackIsThisMachine) {
  for (const char* listen : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(IsLoopback(listen)) << listen;
  }
  for (const char* listen : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.0.0.1.example.com:1",
                             "localhost.example.com:1", "unix:/x", "", ":1", "*:1"}) {
    EXPECT_FALSE(IsLoopback(listen)) << listen;
  }
}

TEST(Schedule, TheNextTimeOfDayInSeoul) {
  constexpr int64_t kMinute = 60'000'000;
  constexpr int64_t kDay = 24 * 60 * kMinute;
  // 1970-01-01T00:00Z is 09:00 in Seoul.
  struct Row {
    const char* why;
    int64_t now;
    int minute_of_day;
    int64_t due;
  };
  const Row rows[] = {
      {"later today", 0, 10 * 60, 60 * kMinute},
      {"earlier today is tomorrow", 0, 3 * 60 + 30, 18 * 60 * kMinute + 30 * kMinute},
      {"now is tomorrow", 0, 9 * 60, kDay},
      {"just before", -1, 9 * 60, 0},
      {"long before 1970", -10 * kDay - 1, 9 * 60, -10 * kDay},
      {"midnight", 0, 0, 15 * 60 * kMinute},
      {"2026-11-22T03:14Z, 12:14 in Seoul, to 03:30", 1'795'317'240'000'000, 210,
       1'795'372'200'000'000},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.why);
    EXPECT_EQ(NextTimeOfDay(Timestamp{row.now}, row.minute_of_day).micros, row.due);
  }
  EXPECT_EQ(*ParseTimeOfDay("03:30"), std::optional<int>(210));
  EXPECT_EQ(*ParseTimeOfDay("off"), std::nullopt);
}

// A clock that is set by hand.
class HandClock final : public Clock {
 public:
  explicit HandClock(int64_t micros) : micros_(micros) {}
  Timestamp Now() override { return Timestamp{micros_}; }
  std::atomic<int64_t> micros_;
};

TEST(Schedule, RunsWhenItIsDueAndEndsWhenTold) {
  HandClock clock(60'000'000 - 20'000);  // 20 ms before 09:01 in Seoul
  std::atomic<int> runs = 0;
  {
    DailySchedule schedule(clock, 9 * 60 + 1, [&] { ++runs; });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(runs, 0);
    clock.micros_ = 60'000'000;
    for (int i = 0; i < 2000 && runs == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(runs, 1);
  }
  EXPECT_EQ(runs, 1);
}

TEST(DefaultTokenizer, TheVariableBeatsTheSourceTree) {
  ::setenv(kTokenizerVariable, "/some/where.json", 1);
  EXPECT_EQ(DefaultTokenizerFile(), "/some/where.json");
  ::unsetenv(kTokenizerVariable);
  EXPECT_EQ(std::filesystem::path(DefaultTokenizerFile()).filename(), kDefaultTokenizerName);
}

}  // namespace
}  // namespace jangbu::services::jangbud
