#pragma once

// Extraction audits and the guard: commands of compliance. Making, running and verifying an audit
// needs no server (commands_audit.cc); what a server keeps of them is in commands_audit_server.cc.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "services/cli/console.h"

namespace jangbu::services::cli {

enum class AuditMsg : int {
#define JANGBU_MESSAGE(name, ko, en) name,
#include "services/cli/audit_messages.def"
#undef JANGBU_MESSAGE
};
std::string_view Text(Lang lang, AuditMsg message);

// Says what is wrong with a file of this machine: exit code 2. What is damaged is not the server's.
ExitCode FailOfFile(const Console& console, const Status& status);

struct AuditPlanParams {
  std::vector<std::string> corpus, control, synthetic, given;
  std::string tokenizer, seed, out, secret, trained_until, canaries;
  uint32_t canary_references = 99;
  uint32_t windows = 3'000, control_windows = 1'000, samples = 0;
  bool attacks = false, no_logprobs = false;
};
ExitCode AuditPlan(Session& session, const AuditPlanParams& params);

struct AuditRunParams {
  std::string plan, secret, record, endpoint, model, api_key_file, ca;
  bool stream = false;
  uint32_t concurrency = 1, attempts = 6;
  uint64_t max_requests = 0, max_tokens = 0, max_won = 0;
  uint64_t prompt_won = 0, answer_won = 0;  // price of a million tokens
  double rate = 0;
};
ExitCode AuditRun(Session& session, const AuditRunParams& params);

struct AuditReportParams {
  std::string plan, secret, record, dir, title, made_at, partner, sign_key, vkey;
  std::string previous, previous_vkey, allow;
  std::vector<std::string> allow_vkeys;
  uint32_t releases = 1;
  uint64_t quota = 10'000;
  double fail_over = -1;  // below 0: no gate
};
ExitCode AuditReport(Session& session, const AuditReportParams& params);
ExitCode AuditVerify(Session& session, const AuditReportParams& params);
ExitCode AuditAttacks(Session& session);
// What AuditReport writes.
struct MadeReports {
  std::string statement, json, html_ko, html_en, model;
  Digest plan{}, record{};
};
StatusOr<MadeReports> MakeAuditReports(const AuditReportParams& params);

// --- canaries and the allow-list: files (commands_audit_lists.cc) ---
struct AuditCanaryParams {
  std::string registry, secret, partner, out, into, seed;
  uint32_t count = 10, copies = 1;
  uint64_t space = 1'000'000;
  std::vector<std::string> ids;
};
ExitCode AuditCanaryIssue(Session& session, const AuditCanaryParams& params);
ExitCode AuditCanaryPlace(Session& session, const AuditCanaryParams& params);
ExitCode AuditCanaryList(Session& session, const AuditCanaryParams& params);
ExitCode AuditCanaryWithdraw(Session& session, const AuditCanaryParams& params);
struct AuditAllowParams {
  std::string list, wording, wording_file, reason, person, sign_key;
  uint64_t entry = 0;
};
ExitCode AuditAllowPropose(Session& session, const AuditAllowParams& params);
ExitCode AuditAllowApprove(Session& session, const AuditAllowParams& params);
ExitCode AuditAllowList(Session& session, const AuditAllowParams& params);

// --- with a server ---
// The texts of uploads, as JSON Lines for AuditPlan.
ExitCode AuditTexts(Session& session, const std::vector<std::string>& uploads,
                    const std::string& out_file);
// Enters a finished audit into the log; `dir` holds its reports.
ExitCode AuditEnter(Session& session, const AuditReportParams& params);
// Gives `params.partner` the report of its own text.
ExitCode AuditGive(Session& session, const AuditReportParams& params, uint32_t audit);
ExitCode AuditList(Session& session);
ExitCode AuditReports(Session& session, const std::string& partner);
ExitCode AuditFetch(Session& session, const std::string& partner, uint32_t report,
                    const std::string& dir);
ExitCode GuardIncidents(Session& session, const std::string& partner);

struct GuardParams {
  std::vector<std::string> corpus;  // of the proxy: empty, to ask the server
  std::string mode = "block", upstream, upstream_ca, listen = "127.0.0.1:8088", message;
  bool no_budget = false;
};
ExitCode GuardCheck(Session& session, const GuardParams& params);
// Runs until SIGINT or SIGTERM.
ExitCode GuardProxyServe(Session& session, const GuardParams& params);

}  // namespace jangbu::services::cli
