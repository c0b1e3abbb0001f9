#include "services/jangbud/serve_options.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "services/storage/files.h"
#include "services/wire/text.h"

namespace jangbu::services::jangbud {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;
constexpr int64_t kMicrosPerMinute = 60'000'000;
constexpr int64_t kMinutesPerDay = 24 * 60;
constexpr int64_t kSeoulMinutesEast = 9 * 60;

StatusOr<int64_t> ParseNumber(std::string_view name, std::string_view text, int64_t min,
                              int64_t max) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    return InvalidArgument("bad_option", std::string(name) + " is a whole number from " +
                                             std::to_string(min) + " to " + std::to_string(max) +
                                             ", not " + wire::Quoted(text));
  }
  return value;
}

struct PolicyField {
  std::string_view name;
  int64_t ledger::Policy::*field;
  int64_t min;
};
constexpr PolicyField kPolicyFields[] = {
    {"membership_threshold_words", &ledger::Policy::membership_threshold_words, 0},
    {"grain", &ledger::Policy::grain, 1},
    {"lot_documents_min", &ledger::Policy::lot_documents_min, 1},
    {"lot_tokens_min", &ledger::Policy::lot_tokens_min, 1},
    {"lot_document_share_percent_max", &ledger::Policy::lot_document_share_percent_max, 1},
    {"entitlement_numerator", &ledger::Policy::entitlement_numerator, 0},
    {"entitlement_denominator", &ledger::Policy::entitlement_denominator, 1},
};
// Rates multiply counts in 128 bits; this keeps products and sums far inside.
constexpr int64_t kMaxPolicyValue = 1'000'000'000'000'000;

struct TextOption {
  std::string_view name;
  std::string ServeOptions::*field;
};
constexpr TextOption kTexts[] = {
    {"data", &ServeOptions::data},
    {"listen", &ServeOptions::listen},
    {"http", &ServeOptions::http},
    {"tokenizer", &ServeOptions::tokenizer},
    {"master-key-file", &ServeOptions::master_key_file},
    {"anchor", &ServeOptions::anchor},
    {"log-origin", &ServeOptions::log_origin},
    {"tls-cert", &ServeOptions::tls_cert},
    {"tls-key", &ServeOptions::tls_key},
    {"tls-client-ca", &ServeOptions::tls_client_ca},
    {"access-log", &ServeOptions::access_log},
    {"confirm-at", &ServeOptions::confirm_at},
    {"extract-worker", &ServeOptions::extract_worker},
};
struct NumberOption {
  std::string_view name;
  int64_t ServeOptions::*field;
  int64_t min;
  int64_t max;
};
constexpr NumberOption kNumbers[] = {
    {"workers", &ServeOptions::workers, 0, 1024},
    {"extract-memory", &ServeOptions::extract_memory, 128, 1 << 20},
    {"extract-seconds", &ServeOptions::extract_seconds, 1, 86'400},
    {"extract-file", &ServeOptions::extract_file, 1, 1 << 20},
    {"extract-at-once", &ServeOptions::extract_at_once, 1, 1024},
    {"checkpoint-interval", &ServeOptions::checkpoint_interval, 1, 60},
    {"stop-patience", &ServeOptions::stop_patience, 0, 3600},
};
constexpr std::string_view kFlag = "insecure";
constexpr std::string_view kPolicy = "policy";

bool IsOption(std::string_view name) {
  return name == kFlag || name == kPolicy ||
         std::any_of(std::begin(kTexts), std::end(kTexts),
                     [name](const TextOption& o) { return o.name == name; }) ||
         std::any_of(std::begin(kNumbers), std::end(kNumbers),
                     [name](const NumberOption& o) { return o.name == name; });
}

}  // namespace

StatusOr<GivenOptions> ReadConfigFile(const std::string& path) {
  JANGBU_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path, kMaxConfigBytes));
  const auto bad = [&path](const YAML::Mark& mark, const std::string& what) {
    return InvalidArgument("bad_config",
                           path + ", line " + std::to_string(mark.line + 1) + ": " + what);
  };
  GivenOptions given;
  try {  // yaml-cpp's way to say that something is wrong
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return given;
    if (!root.IsMap()) return bad(root.Mark(), "expected a map from options to values");
    for (const auto& entry : root) {
      std::string name = entry.first.as<std::string>();
      std::replace(name.begin(), name.end(), '_', '-');
      if (!IsOption(name))
        return bad(entry.first.Mark(), "there is no option " + wire::Quoted(name));
      if (given.contains(name)) return bad(entry.first.Mark(), name + " is given twice");
      std::vector<std::string>& values = given[name];
      if (name == kPolicy) {
        if (!entry.second.IsMap()) return bad(entry.second.Mark(), "policy is a map of its own");
        for (const auto& field : entry.second) {
          values.push_back(field.first.as<std::string>() + "=" + field.second.as<std::string>());
        }
      } else if (!entry.second.IsScalar()) {
        return bad(entry.second.Mark(), name + " is one value");
      } else {
        values.push_back(entry.second.as<std::string>());
      }
    }
  } catch (const YAML::Exception& e) {
    return bad(e.mark, e.msg);
  }
  return given;
}

StatusOr<ServeOptions> ResolveServeOptions(const GivenOptions& command_line,
                                           const GivenOptions& config) {
  const auto find = [&](std::string_view name) -> const std::vector<std::string>* {
    if (const auto it = command_line.find(name); it != command_line.end()) return &it->second;
    if (const auto it = config.find(name); it != config.end()) return &it->second;
    return nullptr;
  };
  ServeOptions options;
  for (const TextOption& option : kTexts) {
    if (const auto* values = find(option.name)) options.*option.field = values->back();
  }
  for (const NumberOption& option : kNumbers) {
    if (const auto* values = find(option.name)) {
      JANGBU_ASSIGN_OR_RETURN(options.*option.field,
                              ParseNumber(option.name, values->back(), option.min, option.max));
    }
  }
  if (const auto* values = find(kFlag)) {
    if (values->back() != "true" && values->back() != "false") {
      return InvalidArgument("bad_option",
                             "insecure is true or false, not " + wire::Quoted(values->back()));
    }
    options.insecure = values->back() == "true";
  }
  // Of the policy, each field is beaten alone.
  for (const GivenOptions* source : {&config, &command_line}) {
    if (const auto it = source->find(kPolicy); it != source->end()) {
      options.policy.insert(options.policy.end(), it->second.begin(), it->second.end());
    }
  }
  JANGBU_RETURN_IF_ERROR(PolicyOf(options.policy).status());
  JANGBU_RETURN_IF_ERROR(ParseTimeOfDay(options.confirm_at).status());
  if (options.data.empty()) return InvalidArgument("bad_option", "data is missing: --data DIR");
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return InvalidArgument("bad_option", "tls-cert and tls-key come together");
  }
  if (!options.tls_client_ca.empty() && options.tls_cert.empty()) {
    return InvalidArgument("bad_option", "tls-client-ca needs tls-cert and tls-key");
  }
  if (options.tls_cert.empty() && !options.insecure && !IsLoopback(options.listen)) {
    return InvalidArgument("bad_option",
                           "keys and texts would pass the network in clear: give tls-cert and "
                           "tls-key, or listen on 127.0.0.1, or say --insecure");
  }
  return options;
}

StatusOr<ledger::Policy> PolicyOf(const std::vector<std::string>& assignments) {
  ledger::Policy policy;
  for (const std::string& assignment : assignments) {
    const size_t equals = assignment.find('=');
    const std::string_view name = std::string_view(assignment).substr(0, equals);
    const auto* field =
        std::find_if(std::begin(kPolicyFields), std::end(kPolicyFields),
                     [name](const PolicyField& candidate) { return candidate.name == name; });
    if (equals == std::string::npos || field == std::end(kPolicyFields)) {
      std::string names;
      for (const PolicyField& known : kPolicyFields) {
        names.append(names.empty() ? "" : ", ").append(known.name);
      }
      return InvalidArgument("bad_policy",
                             wire::Quoted(assignment) + " is not NAME=VALUE of " + names);
    }
    StatusOr<int64_t> value = ParseNumber(name, std::string_view(assignment).substr(equals + 1),
                                          field->min, kMaxPolicyValue);
    if (!value.ok()) {
      return InvalidArgument("bad_policy", MessageOf(value.status()).substr(12));
    }
    policy.*field->field = *value;
  }
  return policy;
}

bool IsLoopback(std::string_view listen) {
  const std::string_view host = listen.substr(0, listen.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  // 127.0.0.0/8 in its usual form.
  return host.starts_with("127.") && std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= '0' && c <= '9') || c == '.';
         });
}

StatusOr<std::optional<int>> ParseTimeOfDay(std::string_view text) {
  if (text == "off") return std::optional<int>();
  const auto digit = [text](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() == 5 && text[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4)) {
    const int hour = (text[0] - '0') * 10 + (text[1] - '0');
    const int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (hour < 24 && minute < 60) return std::optional<int>(hour * 60 + minute);
  }
  return InvalidArgument("bad_option", "confirm-at is HH:MM or off, not " + wire::Quoted(text));
}

Timestamp NextTimeOfDay(Timestamp now, int minute_of_day) {
  const int64_t micros_per_day = kMinutesPerDay * kMicrosPerMinute;
  const int64_t offset = (minute_of_day - kSeoulMinutesEast) * kMicrosPerMinute;
  int64_t day = (now.micros - offset) / micros_per_day;
  if ((now.micros - offset) % micros_per_day < 0) --day;
  return Timestamp{(day + 1) * micros_per_day + offset};
}

}  // namespace jangbu::services::jangbud
