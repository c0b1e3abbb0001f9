#pragma once

// What an earlier audit found, from its report.json, to be compared with.

#include <string_view>

#include "audit/extraction/figures.h"
#include "base/status.h"

namespace jangbu::services {

// Counts of each partner and the settings the report tells; bounds are not taken from it, they are
// computed anew. InvalidArgument("bad_previous_report") when it is no report of an audit, or its
// counts contradict themselves.
StatusOr<audit::PreviousAudit> ReadPreviousReport(std::string_view json);

}  // namespace jangbu::services
