#pragma once

// Extraction audits and the guard: commands of compliance. They need no server.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/cli/console.h"

namespace jangbu::services::cli {

enum class AuditMsg : int {
#define JANGBU_MESSAGE(name, ko, en) name,
#include "services/cli/audit_messages.def"
#undef JANGBU_MESSAGE
};
std::string_view Text(Lang lang, AuditMsg message);

struct AuditPlanParams {
  std::vector<std::string> corpus, control, given;
  std::string tokenizer, seed, out, secret;
  uint32_t windows = 3'000, control_windows = 1'000, samples = 0;
  bool attacks = false, no_logprobs = false;
};
ExitCode AuditPlan(Session& session, const AuditPlanParams& params);

struct AuditRunParams {
  std::string plan, secret, record, endpoint, model, api_key_file, ca;
  bool stream = false;
  uint32_t concurrency = 1, attempts = 6;
  uint64_t max_requests = 0, max_tokens = 0;
  double rate = 0;
};
ExitCode AuditRun(Session& session, const AuditRunParams& params);

struct AuditReportParams {
  std::string plan, secret, record, dir, title, made_at, partner, sign_key, vkey;
  uint32_t releases = 1;
  uint64_t quota = 10'000;
  double fail_over = -1;  // below 0: no gate
};
ExitCode AuditReport(Session& session, const AuditReportParams& params);
ExitCode AuditVerify(Session& session, const AuditReportParams& params);
ExitCode AuditAttacks(Session& session);

struct GuardParams {
  std::vector<std::string> corpus;
  std::string mode = "block", upstream, listen = "127.0.0.1:8088", message, ca;
  bool no_budget = false;
};
ExitCode GuardCheck(Session& session, const GuardParams& params);
// Runs until SIGINT or SIGTERM.
ExitCode GuardProxyServe(Session& session, const GuardParams& params);

}  // namespace jangbu::services::cli
