// jangbud: the server.
//
// Exit codes, stable for scripts:
//   0  done; of serve: stopped as asked
//   1  verify found a difference; backup or restore was refused
//   2  the command line or the configuration file is wrong
//   3  serve could not begin: an address is taken, the data directory is in use, a file is missing
//   4  the data directory is damaged or older than what was acknowledged: restore a backup
//   5  the storage failed while serving; nothing acknowledged is lost; start again
//   6  stopped by force: work in progress did not end in time; nothing acknowledged is lost

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "services/extractor/extract_workers.h"
#include "services/flow/document_reading.h"
#include "services/flow/jangbu.h"
#include "services/gateway/http_server.h"
#include "services/jangbud/default_tokenizer.h"
#include "services/jangbud/schedule.h"
#include "services/jangbud/serve_options.h"
#include "services/rpc/access_log.h"
#include "services/rpc/metrics.h"
#include "services/rpc/server.h"
#include "services/storage/files.h"
#include "services/storage/system.h"

namespace jangbu::services::jangbud {
namespace {

enum ExitCode : int {
  kDone = 0,
  kRefused = 1,
  kUsage = 2,
  kCannotServe = 3,
  kDamaged = 4,
  kStorageFailed = 5,
  kForced = 6,
};

// Operational messages: one line each on stderr. Thread-safe.
void Say(std::string_view text) {
  static std::mutex mutex;
  static SystemClock clock;
  const std::string line = rpc::FormatTime(clock.Now()) + " jangbud: " + std::string(text) + "\n";
  const std::lock_guard lock(mutex);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

ExitCode Fail(const Status& status, ExitCode code) {
  Say(MessageOf(status));
  return absl::IsDataLoss(status) ? kDamaged : code;
}

// DIR/server.json, for scripts: where the server can be reached while it runs.
std::string ServerFile(const std::string& data) { return data + "/server.json"; }

std::string ServerJson(const rpc::Server& server, const gateway::HttpServer* http, bool tls) {
  return "{\"pid\":" + std::to_string(::getpid()) +
         ",\"listen\":" + rpc::JsonString(server.address()) +
         ",\"http\":" + rpc::JsonString(http == nullptr ? "" : http->address()) +
         ",\"tls\":" + (tls ? "true" : "false") +
         ",\"version\":" + rpc::JsonString(JANGBU_VERSION) + "}\n";
}

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// Waits for a signal to stop or for the storage to fail.
ExitCode WaitForEnd(const Jangbu& jangbu) {
  const sigset_t signals = StopSignals();
  const timespec second{.tv_sec = 1, .tv_nsec = 0};
  for (;;) {
    const int signal = sigtimedwait(&signals, nullptr, &second);
    if (signal > 0) {
      Say(signal == SIGINT ? "stopping (SIGINT)" : "stopping (SIGTERM)");
      return kDone;
    }
    if (const Status fatal = jangbu.fatal(); !fatal.ok()) {
      Say(MessageOf(fatal));
      return kStorageFailed;
    }
  }
}

// From here on a second signal ends the process at once, and so does the end of patience.
void ArmForcedStop(std::chrono::seconds patience, ExitCode code) {
  const sigset_t signals = StopSignals();
  std::thread([patience, code] {
    std::this_thread::sleep_for(patience);
    Say("work in progress did not end in time; leaving it to the next start");
    std::_Exit(code == kDone ? kForced : code);
  }).detach();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

ExitCode Serve(const ServeOptions& options) {
  // Before there are threads: they inherit the mask, so that only WaitForEnd sees these.
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  SystemClock clock;
  OsRandom random;
  const StatusOr<bool> is_new = MissingOrEmpty(options.data);
  if (!is_new.ok()) return Fail(is_new.status(), kCannotServe);
  JangbuOptions flow;
  flow.data_dir = options.data;
  flow.master_key_file = options.master_key_file;
  flow.tokenizer_file = options.tokenizer;
  flow.default_tokenizer_file = DefaultTokenizerFile();
  flow.log_origin = options.log_origin;
  flow.anchor_file = options.anchor;
  flow.workers = static_cast<int>(options.workers);
  flow.checkpoint_interval_s = static_cast<int>(options.checkpoint_interval);
  flow.clock = &clock;
  flow.random = &random;
  flow.log = Say;
  ExtractOptions extract;
  extract.program = options.extract_worker.empty() ? WorkerBesideThis() : options.extract_worker;
  extract.sandbox.memory_bytes = static_cast<uint64_t>(options.extract_memory) << 20;
  extract.sandbox.cpu_seconds = static_cast<uint64_t>(options.extract_seconds);
  extract.document_bytes_max = static_cast<uint64_t>(options.extract_file) << 20;
  extract.at_once = static_cast<int>(options.extract_at_once);
  if (extract.program.empty()) {
    return Fail(NotFound("worker_missing",
                         "jangbu-extract is not beside this program; name it with "
                         "--extract-worker, or do without it: --extract-worker off"),
                kCannotServe);
  }
  ExtractWorkers documents(extract);
  if (extract.program != "off") {
    if (const Status probe = documents.Probe(); !probe.ok()) return Fail(probe, kCannotServe);
    InstallDocumentReader(&documents);
  }
  const StatusOr<ledger::Policy> policy = PolicyOf(options.policy);
  if (!policy.ok()) return Fail(policy.status(), kUsage);
  flow.policy = *policy;
  if (*is_new && flow.tokenizer_file.empty() && flow.default_tokenizer_file.empty()) {
    return Fail(NotFound("tokenizer_missing", "a new installation pins a tokenizer, and " +
                                                  std::string(kDefaultTokenizerName) +
                                                  " was not found; name one with --tokenizer"),
                kCannotServe);
  }

  StatusOr<std::unique_ptr<rpc::AccessLog>> log = rpc::AccessLog::Open(options.access_log);
  if (!log.ok()) return Fail(log.status(), kCannotServe);
  rpc::Metrics metrics;
  // Takes the lock of the data directory before any address is bound.
  StatusOr<std::unique_ptr<Jangbu>> jangbu = Jangbu::Open(flow);
  if (!jangbu.ok()) return Fail(jangbu.status(), kCannotServe);
  if (*is_new) {
    Say("new installation in " + options.data + ": the operator's key is in " + options.data +
        "/operator.key; move it to a safe place");
    if (options.master_key_file.empty() &&
        ::access((options.data + ".master-key").c_str(), F_OK) == 0) {
      Say("the master key is in " + options.data +
          ".master-key; keep a copy apart from the data, without it nothing can be read");
    }
  }

  std::unique_ptr<gateway::HttpServer> http;
  if (options.http != "off") {
    StatusOr<std::unique_ptr<gateway::HttpServer>> started =
        gateway::HttpServer::Start(**jangbu, clock, **log, metrics, {.listen = options.http});
    if (!started.ok()) return Fail(started.status(), kCannotServe);
    http = *std::move(started);
  }
  StatusOr<std::unique_ptr<rpc::Server>> server =
      rpc::Server::Start(**jangbu, clock, **log, metrics,
                         {.listen = options.listen,
                          .tls = {.certificate = options.tls_cert,
                                  .private_key = options.tls_key,
                                  .client_ca = options.tls_client_ca},
                          .version = JANGBU_VERSION,
                          .http_address = http == nullptr ? "" : http->address()});
  if (!server.ok()) return Fail(server.status(), kCannotServe);
  const bool tls = !options.tls_cert.empty();
  if (const Status written =
          ReplaceFile(ServerFile(options.data), ServerJson(**server, http.get(), tls));
      !written.ok()) {
    return Fail(written, kCannotServe);
  }
  std::unique_ptr<DailySchedule> schedule;
  const StatusOr<std::optional<int>> confirm_at = ParseTimeOfDay(options.confirm_at);
  if (!confirm_at.ok()) return Fail(confirm_at.status(), kUsage);
  if (confirm_at->has_value()) {
    schedule = std::make_unique<DailySchedule>(clock, **confirm_at, [&jangbu] {
      const StatusOr<ConfirmationView> run = (*jangbu)->RunConfirmation({}, "", "");
      Say(run.ok() ? "daily confirmation: " + std::to_string(run->documents_decided) +
                         " documents decided, " + std::to_string(run->lots.size()) + " lots settled"
                   : "daily confirmation failed: " + std::string(MessageOf(run.status())));
    });
  }
  Say("ready: grpc" + std::string(tls ? "s" : "") + " on " + (*server)->address() +
      (http == nullptr ? "" : ", http on " + http->address()) + ", data in " + options.data);

  const ExitCode end = WaitForEnd(**jangbu);
  const std::chrono::seconds patience(options.stop_patience);
  ArmForcedStop(patience + std::chrono::seconds(20), end);
  ::unlink(ServerFile(options.data).c_str());
  (*server)->Stop(patience);
  http.reset();
  schedule.reset();
  server->reset();
  jangbu->reset();
  Say("stopped");
  return end;
}

VerifyOptions VerifyOptionsOf(const std::string& data, const std::string& master_key_file,
                              const std::string& anchor, bool deep) {
  static SystemClock clock;
  static OsRandom random;
  return {.data_dir = data,
          .master_key_file = master_key_file,
          .anchor_file = anchor,
          .deep = deep,
          .clock = &clock,
          .random = &random};
}

ExitCode Verify(const VerifyOptions& options, bool json) {
  const StatusOr<VerifyReport> report =
      VerifyDataDir(options, [](std::string_view line) { Say(line); });
  if (!report.ok()) {
    Say(MessageOf(report.status()));
    if (json) {
      std::printf("{\"ok\":false,\"reason\":%s,\"message\":%s}\n",
                  rpc::JsonString(ReasonOf(report.status())).c_str(),
                  rpc::JsonString(MessageOf(report.status())).c_str());
    }
    return kRefused;
  }
  const auto number = [](uint64_t value) { return std::to_string(value); };
  if (json) {
    std::printf(
        "{\"ok\":true,\"entries\":%s,\"root\":%s,\"books_root\":%s,\"documents\":%s,"
        "\"keys_compared\":%s,\"texts_recounted\":%s}\n",
        number(report->entries).c_str(), rpc::JsonString(report->root).c_str(),
        rpc::JsonString(report->books_root).c_str(), number(report->documents).c_str(),
        number(report->keys_compared).c_str(), number(report->texts_recounted).c_str());
  } else {
    std::printf(
        "ok: %s entries, %s documents, %s keys compared, %s texts counted again\nroot       "
        "%s\nbooks root %s\n",
        number(report->entries).c_str(), number(report->documents).c_str(),
        number(report->keys_compared).c_str(), number(report->texts_recounted).c_str(),
        report->root.c_str(), report->books_root.c_str());
  }
  return kDone;
}

ExitCode Report(const Status& status, std::string_view done) {
  if (!status.ok()) {
    Say(MessageOf(status));
    return kRefused;
  }
  Say(done);
  return kDone;
}

// Adds an option whose text is kept as it was given.
void AddGiven(CLI::App& app, GivenOptions& given, const std::string& name, const std::string& help,
              const std::string& type) {
  app.add_option_function<std::string>(
         "--" + name, [&given, name](const std::string& value) { given[name] = {value}; }, help)
      ->type_name(type);
}

int Main(int argc, char** argv) {
  CLI::App app{"Jangbu's server: the system of record for contributed Korean text."};
  app.set_version_flag("--version", "jangbud " JANGBU_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 refused or a difference found, 2 wrong usage, 3 cannot serve,\n"
      "4 data damaged, 5 storage failed while serving, 6 stopped by force.");

  GivenOptions given;
  std::string config;
  CLI::App& serve = *app.add_subcommand("serve", "Serve a data directory (made when missing)");
  AddGiven(serve, given, "data", "data directory (required)", "DIR");
  AddGiven(serve, given, "listen", "gRPC address; port 0 takes a free one [127.0.0.1:50551]",
           "HOST:PORT");
  AddGiven(serve, given, "http",
           "HTTP address of the log's tiles, /healthz and /metrics, or off [127.0.0.1:50552]",
           "HOST:PORT");
  serve.add_option("--config", config, "YAML file of the same options; the command line beats it")
      ->type_name("FILE");
  AddGiven(serve, given, "tokenizer", "pins another tokenizer for a new installation", "FILE");
  AddGiven(serve, given, "master-key-file",
           "file of the master key [variable JANGBU_MASTER_KEY, else DIR.master-key]", "FILE");
  AddGiven(serve, given, "anchor", "newest checkpoint, kept apart from the data [DIR.anchor]",
           "FILE");
  AddGiven(serve, given, "log-origin", "name of a new installation's log", "NAME");
  AddGiven(serve, given, "tls-cert", "PEM certificate chain: serve TLS", "FILE");
  AddGiven(serve, given, "tls-key", "PEM private key", "FILE");
  AddGiven(serve, given, "tls-client-ca", "PEM authorities: demand client certificates (mTLS)",
           "FILE");
  AddGiven(serve, given, "access-log", "stderr, off or a file [stderr]", "TARGET");
  AddGiven(serve, given, "confirm-at", "time of the daily confirmation run, Asia/Seoul [03:30]",
           "HH:MM|off");
  AddGiven(serve, given, "workers", "threads that prepare documents [one a core]", "N");
  AddGiven(serve, given, "extract-worker",
           "program that reads documents, or off [jangbu-extract beside this one]", "FILE");
  AddGiven(serve, given, "extract-memory", "memory of one such worker, in MiB [768]", "N");
  AddGiven(serve, given, "extract-seconds", "CPU time of one such worker for a file [120]", "N");
  AddGiven(serve, given, "extract-file",
           "largest document or archive after decompression, in MiB [256]", "N");
  AddGiven(serve, given, "extract-at-once", "such workers at the same time [2]", "N");
  AddGiven(serve, given, "checkpoint-interval", "seconds between signed checkpoints [30]", "N");
  AddGiven(serve, given, "stop-patience", "seconds that calls get to end when stopping [20]", "N");
  serve.add_flag_callback(
      "--insecure", [&given] { given["insecure"] = {"true"}; },
      "allow an address that others can reach without TLS");
  std::vector<std::string> policy;
  serve
      .add_option("--policy", policy,
                  "policy of a new installation, e.g. membership_threshold_words=1000")
      ->type_name("NAME=VALUE");

  std::string data;
  std::string master_key_file;
  std::string anchor;
  std::string other;
  bool deep = false;
  bool json = false;
  const auto add_common = [&](CLI::App& command) {
    command.add_option("--data", data, "data directory")->required()->type_name("DIR");
    command.add_option("--master-key-file", master_key_file, "file of the master key")
        ->type_name("FILE");
    command.add_option("--anchor", anchor, "newest checkpoint known [DIR.anchor]")
        ->type_name("FILE");
  };
  CLI::App& verify = *app.add_subcommand(
      "verify", "Rebuild everything from the journal of a stopped data directory, and compare");
  add_common(verify);
  verify.add_flag("--deep", deep, "count every text again");
  verify.add_flag("--json", json, "print one JSON object");
  CLI::App& backup = *app.add_subcommand("backup", "Copy a stopped data directory");
  backup.add_option("--data", data, "data directory")->required()->type_name("DIR");
  backup.add_option("--to", other, "new directory")->required()->type_name("DIR");
  CLI::App& restore = *app.add_subcommand(
      "restore", "Make a data directory from a backup; refuses to fall behind the anchor");
  restore.add_option("--from", other, "backup")->required()->type_name("DIR");
  add_common(restore);

  try {  // CLI11's way to say what the command line is
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kUsage;
  }
  if (verify.parsed()) {
    return Verify(VerifyOptionsOf(data, master_key_file, anchor, deep), json);
  }
  if (backup.parsed()) return Report(BackupDataDir(data, other), "backup in " + other);
  if (restore.parsed()) {
    return Report(RestoreDataDir(other, VerifyOptionsOf(data, master_key_file, anchor, false)),
                  "restored to " + data);
  }
  if (!policy.empty()) given["policy"] = policy;
  GivenOptions from_file;
  if (!config.empty()) {
    StatusOr<GivenOptions> read = ReadConfigFile(config);
    if (!read.ok()) return Fail(read.status(), kUsage);
    from_file = *std::move(read);
  }
  const StatusOr<ServeOptions> options = ResolveServeOptions(given, from_file);
  if (!options.ok()) return Fail(options.status(), kUsage);
  return Serve(*options);
}

}  // namespace
}  // namespace jangbu::services::jangbud

int main(int argc, char** argv) { return jangbu::services::jangbud::Main(argc, argv); }
