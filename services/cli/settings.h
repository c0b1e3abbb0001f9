#pragma once

// Where the server is, which key to show it, how to speak: from the command line, else the
// environment, else the configuration file, else the default.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "services/cli/messages.h"

namespace jangbu::services::cli {

inline constexpr std::string_view kDefaultServer = "127.0.0.1:50551";

// Each is unset when nobody said anything.
struct SettingValues {
  std::optional<std::string> server;    // HOST:PORT, or https://HOST:PORT for TLS
  std::optional<std::string> key;       // jb_live_…
  std::optional<std::string> key_file;  // a file holding only the key
  std::optional<std::string>
      ca;  // PEM file of the authorities that may have signed the server's certificate
  std::optional<std::string> cert;      // PEM file of the client's certificate (mTLS)
  std::optional<std::string> cert_key;  // PEM file of its private key
  std::optional<std::string> lang;      // ko, en
  std::optional<std::string> vkey;      // verifier key of the log, for receipts
};

struct Settings {
  std::string server{kDefaultServer};
  bool tls = false;
  std::string key;  // empty: none found
  std::string ca, cert, cert_key;
  std::string vkey;
  Lang lang = Lang::kEn;
  std::string state_dir;     // what this command remembers between runs; empty: nowhere
  bool key_exposed = false;  // the file the key came from may be read by others
  std::string key_source;    // that file
};

// The variable's value, or nothing when it is unset or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment ProcessEnvironment();

// Path of the configuration file: $XDG_CONFIG_HOME/jangbu/config.yaml, else
// ~/.config/jangbu/config.yaml; empty when there is no home.
std::string ConfigPath(const Environment& environment);

// Reads a configuration file. An absent one is empty. Errors name the file and what is wrong in it:
// bad_config.
StatusOr<SettingValues> ReadConfigFile(const std::string& path);

// The language before anything else is known: --lang, JANGBU_LANG, the file, LC_ALL, LC_MESSAGES,
// LANG.
Lang ChooseLang(const std::optional<std::string>& flag, const SettingValues& file,
                const Environment& environment);

// Flag, then environment (JANGBU_SERVER, JANGBU_KEY, JANGBU_KEY_FILE, JANGBU_CA, JANGBU_CERT,
// JANGBU_CERT_KEY, JANGBU_VKEY), then file. A key beats a key file of the same source, never one of
// an earlier source. Reads key files. Errors: bad_server, key_file_unreadable,
// bad_certificate_option.
StatusOr<Settings> ResolveSettings(const SettingValues& flags, const SettingValues& file,
                                   const std::string& file_path, const Environment& environment);

}  // namespace jangbu::services::cli
