#pragma once

// Guards of answers by an index in this process.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/guard/exposure_budget.h"
#include "base/clock.h"
#include "services/audit/guard_proxy.h"

namespace jangbu::services {

// What was found in one answer, for the log of incidents. Holds no text.
struct GuardIncident {
  std::string key;  // keyed digest of the caller's API key, 16 hexadecimal digits
  std::string model;
  std::string finding_mac;  // of the run's wording, 32 hexadecimal digits
  std::string kind;         // "run", "withdrawn", "budget"
  int64_t begin = 0, end = 0;
  ingest::RunDocument document;
  std::vector<ingest::RunDocument> holders;
  audit::GuardMode mode = audit::GuardMode::kBlock;
};

struct LocalGuardOptions {
  std::string secret;                          // for the keyed digests
  Clock* clock = nullptr;                      // borrowed
  audit::ExposureLedger* exposures = nullptr;  // borrowed; null: no budgets
  // The index of the moment; asked once an answer.
  std::function<std::shared_ptr<const audit::GuardIndex>()> index;
  std::function<void(const GuardIncident&)> incident;  // thread-safe; may be null
};

AnswerGuards GuardLocally(LocalGuardOptions options);

}  // namespace jangbu::services
