#pragma once

// Texts of an audit from JSON Lines: {"text": …} and, where known, "id", "partner", "source_type",
// "copies" (or "repetitions"), for given probes "prefix" and "suffix". A bad line is an error that
// names file and line.

#include <string>
#include <vector>

#include "audit/extraction/probe_plan.h"
#include "base/status.h"

namespace jangbu::services {

// Canonical texts, in the order of the file. Ids that are missing are "LINE".
StatusOr<std::vector<audit::AuditText>> ReadAuditTexts(const std::string& path,
                                                       audit::TextRole role);
// Texts as they are. A line of "repetitions" 0 or "role" "control" is a control.
StatusOr<std::vector<audit::GivenProbe>> ReadGivenProbes(const std::string& path);

}  // namespace jangbu::services
