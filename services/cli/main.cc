// jangbu, the command.

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "services/cli/command_line.h"

int main(int argc, char** argv) {
  // gRPC's own log lines are for its authors; what went wrong is said by the command.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  jangbu::services::cli::Terminal terminal{std::cout, std::cerr};
  terminal.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    terminal.columns = size.ws_col;
  const int code = jangbu::services::cli::RunCommandLine(
      {argv + 1, argv + argc}, jangbu::services::cli::ProcessEnvironment(), terminal);
  std::cout.flush();
  return code;
}
