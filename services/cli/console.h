#pragma once

// Where the command speaks, and what its commands share.

#include <chrono>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "base/status.h"
#include "services/cli/exit_code.h"
#include "services/cli/messages.h"
#include "services/cli/settings.h"

namespace jangbu::services::cli {

class Connection;

// Results go to `out`, everything else to `err`.
struct Console {
  std::ostream& out;
  std::ostream& err;
  Lang lang = Lang::kEn;
  bool json = false;
  bool quiet = false;
  bool err_is_terminal = false;
  bool colour = false;
  int columns = 80;

  std::string Words(Msg message, std::initializer_list<std::string_view> args = {}) const {
    return Say(lang, message, args);
  }
  // A remark for people; nothing when quiet.
  void Note(Msg message, std::initializer_list<std::string_view> args = {}) const;
  // A warning; said even when quiet. With --json: {"warning"} on `err`.
  void Warn(Msg message, std::initializer_list<std::string_view> args = {}) const;
  // Says what went wrong and gives its exit code. With --json:
  // {"error":{"code","reason","message"}} on `err`.
  ExitCode Fail(const Status& status) const;
};

// One run of the command.
class Session {
 public:
  Session(Console& console, Settings settings, std::chrono::milliseconds timeout);
  ~Session();

  // The connection, made on first use. Warns once of a key that others may read or that would
  // travel in clear.
  StatusOr<Connection*> Connect();

  Console& console() const { return console_; }
  const Settings& settings() const { return settings_; }

 private:
  Console& console_;
  const Settings settings_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<Connection> connection_;
};

// `reason` and its status code in words a person can act on; `message` is what the server or the
// library said.
std::string DescribeError(Lang lang, const Status& status);

}  // namespace jangbu::services::cli
