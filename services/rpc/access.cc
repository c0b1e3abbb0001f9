#include "services/rpc/access.h"

#include <algorithm>

#include "services/wire/convert.h"

namespace jangbu::services::rpc {
namespace {

using enum ledger::Role;

constexpr Roles kAnybody = {kPartner, kFinance, kCompliance, kOperator, kTrainer, kGateway};
constexpr Roles kWritesForPartner = {kPartner, kOperator};
constexpr Roles kReadsOfPartner = {kPartner, kOperator, kFinance, kCompliance};
constexpr Roles kReadsOfAll = {kOperator, kFinance, kCompliance};
constexpr Roles kOperatorOnly = {kOperator};
constexpr Roles kFinanceOnly = {kFinance};
constexpr Roles kSetsPolicy = {kFinance, kOperator};
constexpr Roles kReadsMoney = {kFinance, kCompliance};
constexpr Roles kAuditorOnly = {kCompliance};
constexpr Roles kReadsAudits = {kOperator, kCompliance};
constexpr Roles kReadsOwnAudits = {kPartner, kCompliance};
constexpr Roles kGatewayOnly = {kGateway};
constexpr Roles kReadsDuplicates = {kTrainer, kOperator, kCompliance};
constexpr Roles kReadsMeter = {kPartner, kOperator, kFinance, kCompliance, kGateway};

constexpr MethodAccess kTable[] = {
    {"jangbu.v1.AdminService/AddPartner", kOperatorOnly, Subject::kNone},
    {"jangbu.v1.AdminService/DecideKey", kOperatorOnly, Subject::kNone},
    {"jangbu.v1.AdminService/GetBooksRoot", kReadsOfAll, Subject::kNone},
    {"jangbu.v1.AdminService/GetServerInfo", kAnybody, Subject::kNone},
    {"jangbu.v1.AdminService/IssueKey", kOperatorOnly, Subject::kNone},
    {"jangbu.v1.AdminService/ListItems", kReadsOfAll, Subject::kUpload},
    {"jangbu.v1.AdminService/ListKeyRequests", kOperatorOnly, Subject::kNone},
    {"jangbu.v1.AdminService/ListKeys", kOperatorOnly, Subject::kPartnerOrAll},
    {"jangbu.v1.AdminService/ListPartners", kOperatorOnly, Subject::kNone},
    {"jangbu.v1.AdminService/RevokeKey", kOperatorOnly, Subject::kNone},
    {"jangbu.v1.AdminService/RotateKey", kOperatorOnly, Subject::kNone},
    {"jangbu.v1.AdminService/RunConfirmation", kOperatorOnly, Subject::kNone},

    {"jangbu.v1.AuditService/GetDossierReceipt", kReadsAudits, Subject::kNone},
    {"jangbu.v1.AuditService/GetReport", kReadsOwnAudits, Subject::kPartner},
    {"jangbu.v1.AuditService/GiveReport", kAuditorOnly, Subject::kPartner},
    {"jangbu.v1.AuditService/ListAudits", kReadsAudits, Subject::kNone},
    {"jangbu.v1.AuditService/ListDossiers", kReadsAudits, Subject::kNone},
    {"jangbu.v1.AuditService/ListReports", kReadsOwnAudits, Subject::kPartnerOrAll},
    {"jangbu.v1.AuditService/ReadTexts", kAuditorOnly, Subject::kUpload},
    {"jangbu.v1.AuditService/RecordAudit", kAuditorOnly, Subject::kNone},
    {"jangbu.v1.AuditService/RecordDossier", kAuditorOnly, Subject::kNone},

    {"jangbu.v1.ContributeService/CancelUpload", kWritesForPartner, Subject::kUpload},
    {"jangbu.v1.ContributeService/Contribute", kWritesForPartner, Subject::kCorpusOfStream},
    {"jangbu.v1.ContributeService/CreateCorpus", kWritesForPartner, Subject::kPartner},
    {"jangbu.v1.ContributeService/CreateUpload", kWritesForPartner, Subject::kCorpus},
    {"jangbu.v1.ContributeService/ExplainVerdict", kReadsOfPartner, Subject::kUpload},
    {"jangbu.v1.ContributeService/GetReceipt", kReadsOfPartner, Subject::kUpload},
    {"jangbu.v1.ContributeService/GetUpload", kReadsOfPartner, Subject::kUpload},
    {"jangbu.v1.ContributeService/ListCorpora", kReadsOfPartner, Subject::kPartnerOrAll},
    {"jangbu.v1.ContributeService/ListStagedFiles", kWritesForPartner, Subject::kUpload},
    {"jangbu.v1.ContributeService/ListUploads", kReadsOfPartner, Subject::kPartnerOrAll},
    {"jangbu.v1.ContributeService/ListVerdicts", kReadsOfPartner, Subject::kUpload},
    {"jangbu.v1.ContributeService/SealUpload", kWritesForPartner, Subject::kUpload},
    {"jangbu.v1.ContributeService/TryFiles", kWritesForPartner, Subject::kCorpusOfStream},
    {"jangbu.v1.ContributeService/UploadFiles", kWritesForPartner, Subject::kUploadOfStream},
    {"jangbu.v1.ContributeService/WatchUpload", kReadsOfPartner, Subject::kUpload},

    {"jangbu.v1.DedupService/ReportDuplicates", kReadsDuplicates, Subject::kNone},
    {"jangbu.v1.DedupService/ShadowRule", kReadsOfAll, Subject::kNone},

    {"jangbu.v1.FinanceService/BeginRecount", kSetsPolicy, Subject::kNone},
    {"jangbu.v1.FinanceService/DecideClaim", kFinanceOnly, Subject::kPartner},
    {"jangbu.v1.FinanceService/DecideClose", kFinanceOnly, Subject::kNone},
    {"jangbu.v1.FinanceService/DecideCorrection", kFinanceOnly, Subject::kNone},
    {"jangbu.v1.FinanceService/DecidePolicy", kSetsPolicy, Subject::kNone},
    {"jangbu.v1.FinanceService/DecideRecount", kSetsPolicy, Subject::kNone},
    {"jangbu.v1.FinanceService/DraftClose", kFinanceOnly, Subject::kNone},
    {"jangbu.v1.FinanceService/GetClose", kReadsMoney, Subject::kNone},
    {"jangbu.v1.FinanceService/GetOpenings", kAuditorOnly, Subject::kNone},
    {"jangbu.v1.FinanceService/GetPolicy", kReadsOfPartner, Subject::kNone},
    {"jangbu.v1.FinanceService/GetStatement", kReadsOfPartner, Subject::kPartner},
    {"jangbu.v1.FinanceService/ListClaims", kReadsOfPartner, Subject::kPartnerOrAll},
    {"jangbu.v1.FinanceService/ListCloses", kReadsMoney, Subject::kNone},
    {"jangbu.v1.FinanceService/ListCorrections", kReadsMoney, Subject::kNone},
    {"jangbu.v1.FinanceService/ListPolicies", kReadsOfAll, Subject::kNone},
    {"jangbu.v1.FinanceService/ListRecounts", kReadsOfAll, Subject::kNone},
    {"jangbu.v1.FinanceService/ListWithdrawals", kReadsOfPartner, Subject::kPartnerOrAll},
    {"jangbu.v1.FinanceService/OpenClaim", kWritesForPartner, Subject::kPartner},
    {"jangbu.v1.FinanceService/PostClose", kFinanceOnly, Subject::kNone},
    {"jangbu.v1.FinanceService/PreviewWithdrawal", kWritesForPartner, Subject::kPartner},
    {"jangbu.v1.FinanceService/ProposeCorrection", kFinanceOnly, Subject::kPartner},
    {"jangbu.v1.FinanceService/ProposePolicy", kSetsPolicy, Subject::kNone},
    {"jangbu.v1.FinanceService/ProveShare", kReadsOfPartner, Subject::kPartner},
    {"jangbu.v1.FinanceService/RecordPayment", kFinanceOnly, Subject::kPartner},
    {"jangbu.v1.FinanceService/SettleClaim", kFinanceOnly, Subject::kPartner},
    {"jangbu.v1.FinanceService/SimulateClose", kReadsMoney, Subject::kNone},
    {"jangbu.v1.FinanceService/Withdraw", kWritesForPartner, Subject::kPartner},

    {"jangbu.v1.GuardService/ListIncidents", kReadsOwnAudits, Subject::kPartnerOrAll},
    {"jangbu.v1.GuardService/WatchAnswer", kGatewayOnly, Subject::kNone},

    {"jangbu.v1.LedgerService/GetBalance", kReadsOfPartner, Subject::kPartner},
    {"jangbu.v1.LedgerService/GetLotReceipt", kReadsOfPartner, Subject::kLot},
    {"jangbu.v1.LedgerService/GetProgramme", kReadsOfAll, Subject::kNone},
    {"jangbu.v1.LedgerService/ListJournal", kReadsOfAll, Subject::kNone},
    {"jangbu.v1.LedgerService/ListLots", kReadsOfPartner, Subject::kPartner},
    {"jangbu.v1.LedgerService/ListTransfers", kReadsOfPartner, Subject::kPartner},

    {"jangbu.v1.LogService/GetCheckpoint", kAnybody, Subject::kNone},
    {"jangbu.v1.LogService/ProveConsistency", kAnybody, Subject::kNone},
    {"jangbu.v1.LogService/ProveInclusion", kAnybody, Subject::kNone},

    {"jangbu.v1.UsageService/GetMeter", kReadsMeter, Subject::kPartner},
    {"jangbu.v1.UsageService/ListUse", kReadsMoney, Subject::kPartner},
    {"jangbu.v1.UsageService/NameUse", kReadsMoney, Subject::kPartner},
    {"jangbu.v1.UsageService/Use", kGatewayOnly, Subject::kNone},
};
static_assert(std::is_sorted(std::begin(kTable), std::end(kTable),
                             [](const MethodAccess& a, const MethodAccess& b) {
                               return a.method < b.method;
                             }));

}  // namespace

std::span<const MethodAccess> AccessTable() { return kTable; }

const MethodAccess* FindAccess(std::string_view method) {
  const auto* row = std::lower_bound(
      std::begin(kTable), std::end(kTable), method,
      [](const MethodAccess& access, std::string_view name) { return access.method < name; });
  return row != std::end(kTable) && row->method == method ? row : nullptr;
}

Status Authorise(const MethodAccess& access, ledger::Role role) {
  if (access.roles.Has(role)) return OkStatus();
  return PermissionDenied("role_not_allowed", "a key of role " + std::string(wire::NameOf(role)) +
                                                  " may not call " + std::string(access.method));
}

}  // namespace jangbu::services::rpc
