#pragma once

// Why a document was rejected, in words a clerk can act on. The words are
// ingest/extract/reasons.h's.

#include <string>
#include <string_view>

#include "services/cli/messages.h"

namespace jangbu::services::cli {

// The code, what it means and what to do; the code alone when it is not known.
std::string RejectionWords(Lang lang, std::string_view reason);

}  // namespace jangbu::services::cli
