#include "services/rpc/access_log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <ctime>
#include <utility>

#include "services/wire/text.h"

namespace jangbu::services::rpc {
namespace {

constexpr size_t kFileBytes = size_t{64} << 20;
constexpr size_t kFiles = 8;

}  // namespace

std::string FormatTime(Timestamp at) {
  int64_t seconds = at.micros / 1'000'000;
  int64_t micros = at.micros % 1'000'000;
  if (micros < 0) {
    micros += 1'000'000;
    --seconds;
  }
  const std::time_t time = seconds;
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<int>(micros));
  return text;
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : wire::ToUtf8(text, 4096)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string ToJsonLine(const CallRecord& record) {
  std::string line = "{\"time\":\"" + FormatTime(record.at) + "\"";
  const auto text = [&line](std::string_view name, std::string_view value) {
    line.append(",\"").append(name).append("\":").append(JsonString(value));
  };
  const auto number = [&line](std::string_view name, const std::string& value) {
    line.append(",\"").append(name).append("\":").append(value);
  };
  text("method", record.method);
  text("key", record.key_id);
  text("role", record.role);
  text("partner", record.partner_id);
  text("code", record.code);
  text("reason", record.reason);
  text("allow_list_sha256", record.allow_list);
  number("duration_us", std::to_string(record.duration_micros));
  text("peer", record.peer);
  number("messages_in", std::to_string(record.messages_in));
  number("bytes_in", std::to_string(record.bytes_in));
  return line += '}';
}

struct AccessLog::State {
  std::shared_ptr<spdlog::logger> logger;  // null: off
};

AccessLog::AccessLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
AccessLog::~AccessLog() { Flush(); }

StatusOr<std::unique_ptr<AccessLog>> AccessLog::Open(const std::string& target) {
  auto state = std::make_unique<State>();
  if (target != "off") {
    spdlog::sink_ptr sink;
    try {  // spdlog's way to say that it cannot open a file
      if (target == "stderr") {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
      } else {
        sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(target, kFileBytes, kFiles);
      }
    } catch (const std::exception& e) {
      return Unavailable("access_log_unwritable", target + ": " + e.what());
    }
    sink->set_pattern("%v");
    state->logger = std::make_shared<spdlog::logger>("access", std::move(sink));
    state->logger->set_level(spdlog::level::info);
    state->logger->flush_on(target == "stderr" ? spdlog::level::info : spdlog::level::warn);
  }
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(state)));
}

void AccessLog::Write(const CallRecord& record) {
  if (state_->logger != nullptr) state_->logger->info("{}", ToJsonLine(record));
}

void AccessLog::Flush() {
  if (state_->logger != nullptr) state_->logger->flush();
}

}  // namespace jangbu::services::rpc
