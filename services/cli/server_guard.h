#pragma once

// Guards of answers by asking a server: its index is of this moment, what a key was shown is
// counted in one place, and what is found stands in its journal.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "services/audit/guard_proxy.h"
#include "services/cli/connection.h"

namespace jangbu::services::cli {

// Borrows the connection. `incident`: thread-safe, gets the place in the journal of what was found
// in an answer; may be null. Unavailable("guard_unavailable") when the server does not answer
// within `patience`; what it refuses, in its own words.
AnswerGuards GuardByServer(const Connection& connection, std::chrono::milliseconds patience,
                           std::function<void(uint64_t entry, const std::string& model)> incident);

}  // namespace jangbu::services::cli
