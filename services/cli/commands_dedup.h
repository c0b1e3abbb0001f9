#pragma once

// What all text says about duplicates: the report for training, and another rule tried.

#include <cstdint>
#include <string_view>

#include "services/cli/console.h"

namespace jangbu::services::cli {

// Their own words; the rest is in messages.h.
enum class DedupMsg : int {
#define JANGBU_MESSAGE(name, ko, en) name,
#include "services/cli/dedup_messages.def"
#undef JANGBU_MESSAGE
};
std::string_view Text(Lang lang, DedupMsg message);

ExitCode DedupReport(Session& session);
struct DedupShadowParams {
  uint32_t min_run = 0, near_ppm = 0, novel_ppm = 0;  // 0: as it is
};
ExitCode DedupShadow(Session& session, const DedupShadowParams& params);

}  // namespace jangbu::services::cli
