#pragma once

// What `jangbud serve` is told: by the command line, else by a YAML file, else by default. Pure but
// for reading the file.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "ledger/entry.h"

namespace jangbu::services::jangbud {

struct ServeOptions {
  std::string data;
  std::string listen = "127.0.0.1:50551";
  std::string http = "127.0.0.1:50552";  // "off": none
  std::string tokenizer;
  std::string master_key_file;
  std::string anchor;
  std::string log_origin;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_client_ca;
  std::string access_log = "stderr";
  std::string confirm_at = "03:30";  // HH:MM in Asia/Seoul, or "off"
  int64_t workers = 0;               // 0: one a core
  std::string extract_worker;        // "": jangbu-extract beside this program; "off": none
  int64_t extract_memory = 768;      // MiB of one worker
  int64_t extract_seconds = 120;     // of CPU for one file
  int64_t extract_file = 256;        // MiB of one file after decompression
  int64_t extract_at_once = 2;       // workers at the same time
  int64_t checkpoint_interval = 30;  // seconds
  int64_t stop_patience = 20;        // seconds
  bool insecure = false;
  std::vector<std::string> policy;  // name=value
};

// Names of options, without dashes, and the texts given for them; `policy` may come several times.
using GivenOptions = std::map<std::string, std::vector<std::string>, std::less<>>;

// Reads a YAML file: one map from option names ("tls-cert" or "tls_cert") to scalars; `policy` is a
// map of its own. InvalidArgument("bad_config") names file, line and option;
// NotFound("file_missing").
StatusOr<GivenOptions> ReadConfigFile(const std::string& path);

// The command line beats the file. InvalidArgument("bad_option") names what is wrong.
StatusOr<ServeOptions> ResolveServeOptions(const GivenOptions& command_line,
                                           const GivenOptions& config);

// The default policy with the named fields replaced: membership_threshold_words, grain,
// lot_documents_min, lot_tokens_min, lot_document_share_percent_max, entitlement_numerator,
// entitlement_denominator. InvalidArgument("bad_policy").
StatusOr<ledger::Policy> PolicyOf(const std::vector<std::string>& assignments);

// True for HOST:PORT that only this machine can reach.
bool IsLoopback(std::string_view listen);

// Minutes after midnight of "HH:MM"; nullopt is "off". InvalidArgument("bad_option").
StatusOr<std::optional<int>> ParseTimeOfDay(std::string_view text);
// The first instant after `now` at which clocks in Asia/Seoul (UTC+9, no summer time since 1988)
// show `minute_of_day`.
Timestamp NextTimeOfDay(Timestamp now, int minute_of_day);

}  // namespace jangbu::services::jangbud
