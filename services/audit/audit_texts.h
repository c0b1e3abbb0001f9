#pragma once

// Texts of an audit from JSON Lines: {"text": …} and, where known, "id", "partner", "source_type",
// "copies" (or "repetitions"), for given probes "prefix" and "suffix". A bad line is an error that
// names file and line.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/extraction/probe_plan.h"
#include "base/status.h"

namespace jangbu::services {

// When an audit's text was committed, as its line tells: "2026-11-26T02:00:00Z"; "": not told.
struct DatedText {
  audit::AuditText text;
  std::string committed_at;
};
// As ReadAuditTexts, with "committed_at".
StatusOr<std::vector<DatedText>> ReadDatedTexts(const std::string& path);

// The documents of `path`, each with its other fields as they are, and canaries placed in their
// texts (audit/extraction/canary.h). Errors as above and those of placing.
StatusOr<std::string> WithCanaries(const std::string& path, std::span<const audit::Canary> canaries,
                                   uint32_t copies, std::string_view seed);

// Canonical texts, in the order of the file. Ids that are missing are "LINE".
StatusOr<std::vector<audit::AuditText>> ReadAuditTexts(const std::string& path,
                                                       audit::TextRole role);
// Texts as they are. A line of "repetitions" 0 or "role" "control" is a control.
StatusOr<std::vector<audit::GivenProbe>> ReadGivenProbes(const std::string& path);

}  // namespace jangbu::services
