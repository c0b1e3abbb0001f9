#pragma once

// Commands that hand out what finance keeps as files, and take in the files of others to compare.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/cli/console.h"

namespace jangbu::services::cli {

// Their own words; the rest is in messages.h.
enum class OutputMsg : int {
#define JANGBU_MESSAGE(name, ko, en) name,
#include "services/cli/output_messages.def"
#undef JANGBU_MESSAGE
};
std::string_view Text(Lang lang, OutputMsg message);

struct LedgerExportParams {
  std::string format;  // hledger (default), beancount
  std::string period;  // "" or a month
  std::string out_file;
};
ExitCode LedgerExport(Session& session, const LedgerExportParams& params);

struct StatementParams {
  std::string period;
  std::string partner;  // "": one's own
  std::string format;   // text (default), json, csv, xlsx, pdf; "": by the ending of out_file
  std::string out_file;
};
ExitCode Statement(Session& session, const StatementParams& params);

struct ReconcileParams {
  std::string file;
  std::string period;   // bank: "" for all closes
  std::string partner;  // meter: "" for all
};
// Exit code 1 when something is unmatched.
ExitCode ReconcileBankFile(Session& session, const ReconcileParams& params);
ExitCode ReconcileMeterFile(Session& session, const ReconcileParams& params);

struct CloseVerifyParams {
  std::vector<std::string> files;  // share proofs, openings
  std::string vkey;                // or
  std::string vkey_file;           // or what is known of the log
};
// Offline: without a server. All files or an error.
ExitCode CloseVerify(Session& session, const CloseVerifyParams& params);

}  // namespace jangbu::services::cli
