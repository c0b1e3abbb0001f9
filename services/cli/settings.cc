#include "services/cli/settings.h"

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace jangbu::services::cli {
namespace {

std::string Trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

bool OthersMayRead(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077) != 0;
}

// "~/x" means a file at home.
std::string ExpandHome(const std::string& path, const Environment& environment) {
  if (path.rfind("~/", 0) != 0) return path;
  const auto home = environment("HOME");
  return home ? *home + path.substr(1) : path;
}

// Splits "https://host:port/", "http://host:port", "host:port" into TLS and address.
Status ParseServer(std::string_view text, Settings& settings) {
  if (text.rfind("https://", 0) == 0) {
    settings.tls = true;
    text.remove_prefix(8);
  } else if (text.rfind("http://", 0) == 0) {
    text.remove_prefix(7);
  }
  while (!text.empty() && text.back() == '/') text.remove_suffix(1);
  const size_t colon = text.rfind(':');
  bool good = colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
              text.size() - colon <= 6;
  for (size_t i = colon + 1; good && i < text.size(); ++i) good = text[i] >= '0' && text[i] <= '9';
  for (const char c : text) good = good && c > ' ' && c != '/' && c != '@';
  if (!good) {
    return InvalidArgument("bad_server",
                           "\"" + std::string(text) + "\" is not HOST:PORT or https://HOST:PORT");
  }
  settings.server = std::string(text);
  return OkStatus();
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
  };
}

std::string ConfigPath(const Environment& environment) {
  if (const auto xdg = environment("XDG_CONFIG_HOME")) return *xdg + "/jangbu/config.yaml";
  if (const auto home = environment("HOME")) return *home + "/.config/jangbu/config.yaml";
  return {};
}

StatusOr<SettingValues> ReadConfigFile(const std::string& path) {
  SettingValues values;
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return values;
  const auto bad = [&](const std::string& what) {
    return InvalidArgument("bad_config", path + ": " + what);
  };
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) return values;
    if (!root.IsMap()) return bad("not a list of \"name: value\" lines");
    for (const auto& entry : root) {
      const auto name = entry.first.as<std::string>();
      if (!entry.second.IsScalar()) return bad("\"" + name + "\" has no single value");
      const auto value = entry.second.as<std::string>();
      if (name == "server") {
        values.server = value;
      } else if (name == "key") {
        values.key = value;
      } else if (name == "key_file") {
        values.key_file = value;
      } else if (name == "ca") {
        values.ca = value;
      } else if (name == "cert") {
        values.cert = value;
      } else if (name == "cert_key") {
        values.cert_key = value;
      } else if (name == "lang") {
        if (value != "ko" && value != "en") return bad("lang is ko or en");
        values.lang = value;
      } else if (name == "vkey") {
        values.vkey = value;
      } else {
        return bad("unknown name \"" + name +
                   "\"; known: server, key, key_file, ca, cert, cert_key, lang, vkey");
      }
    }
  } catch (const YAML::Exception& error) {
    return bad(error.what());
  }
  return values;
}

Lang ChooseLang(const std::optional<std::string>& flag, const SettingValues& file,
                const Environment& environment) {
  if (flag) return LangOfLocale(*flag);
  if (const auto value = environment("JANGBU_LANG")) return LangOfLocale(*value);
  if (file.lang) return LangOfLocale(*file.lang);
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    if (const auto value = environment(name)) return LangOfLocale(*value);
  }
  return Lang::kEn;
}

StatusOr<Settings> ResolveSettings(const SettingValues& flags, const SettingValues& file,
                                   const std::string& file_path, const Environment& environment) {
  Settings settings;
  const auto pick = [&](const std::optional<std::string>& flag, const char* variable,
                        const std::optional<std::string>& from_file) -> std::optional<std::string> {
    if (flag) return flag;
    if (const auto value = environment(variable)) return value;
    return from_file;
  };
  settings.lang = ChooseLang(flags.lang, file, environment);
  if (const auto server = pick(flags.server, "JANGBU_SERVER", file.server)) {
    JANGBU_RETURN_IF_ERROR(ParseServer(*server, settings));
  }
  settings.ca = ExpandHome(pick(flags.ca, "JANGBU_CA", file.ca).value_or(""), environment);
  settings.cert = ExpandHome(pick(flags.cert, "JANGBU_CERT", file.cert).value_or(""), environment);
  settings.cert_key =
      ExpandHome(pick(flags.cert_key, "JANGBU_CERT_KEY", file.cert_key).value_or(""), environment);
  settings.vkey = pick(flags.vkey, "JANGBU_VKEY", file.vkey).value_or("");
  if (settings.cert.empty() != settings.cert_key.empty()) {
    return InvalidArgument("bad_certificate_option",
                           "a client certificate needs both --cert and --cert-key");
  }
  if (!settings.ca.empty() || !settings.cert.empty()) settings.tls = true;

  SettingValues from_environment;
  from_environment.key = environment("JANGBU_KEY");
  from_environment.key_file = environment("JANGBU_KEY_FILE");
  for (const SettingValues* source :
       {&flags, static_cast<const SettingValues*>(&from_environment), &file}) {
    if (source->key) {
      settings.key = Trimmed(*source->key);
      if (source == &file && OthersMayRead(file_path)) {
        settings.key_exposed = true;
        settings.key_source = file_path;
      }
      break;
    }
    if (source->key_file) {
      const std::string path = ExpandHome(*source->key_file, environment);
      std::ifstream in(path, std::ios::binary);
      std::ostringstream text;
      if (in) text << in.rdbuf();
      if (!in || text.str().size() > 4096) {
        return InvalidArgument("key_file_unreadable",
                               "the key file \"" + path + "\" cannot be read");
      }
      settings.key = Trimmed(text.str());
      settings.key_exposed = OthersMayRead(path);
      settings.key_source = path;
      break;
    }
  }
  for (const char c : settings.key) {
    if (c <= ' ' || c > '~')
      return InvalidArgument("malformed_key", "the key holds characters that no key has");
  }

  if (const auto xdg = environment("XDG_STATE_HOME")) {
    settings.state_dir = *xdg + "/jangbu";
  } else if (const auto home = environment("HOME")) {
    settings.state_dir = *home + "/.local/state/jangbu";
  }
  return settings;
}

}  // namespace jangbu::services::cli
