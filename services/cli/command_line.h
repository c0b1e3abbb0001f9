#pragma once

// From a command line to a command. The only file that knows CLI11.

#include <ostream>
#include <string>
#include <vector>

#include "services/cli/settings.h"

namespace jangbu::services::cli {

struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;
  int columns = 80;
};

// Runs `jangbu arguments…` and gives its exit code (exit_code.h). Reads nothing of the process but
// what is passed in, files that are named, and the configuration and state folders that
// `environment` leads to.
int RunCommandLine(const std::vector<std::string>& arguments, const Environment& environment,
                   const Terminal& terminal);

}  // namespace jangbu::services::cli
