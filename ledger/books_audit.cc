// Entries of audits and the guard. They move nothing: what they say must only be possible.

#include <algorithm>

#include "ledger/books.h"
#include "ledger/books_posting.h"

namespace jangbu::ledger {

std::optional<uint32_t> Books::PartnerOf(const Owner& document) const {
  const std::vector<DocumentFacts>* const facts = FactsOf(document.token);
  if (facts == nullptr || document.ordinal >= facts->size()) return std::nullopt;
  return FindUpload(FindBatch(document.token)->upload_token)->partner;
}

Status Books::ApplyBody(const Entry& e, const GuardIncident& b) {
  if (!e.partner.empty()) return Contradiction(e, "an incident concerns no one partner");
  if (b.model.size() > kMaxModelBytes) return Contradiction(e, "the model's name is too long");
  if (FindKey(b.by) == nullptr) return Contradiction(e, "there is no such key");
  if (b.runs.empty() || b.runs.size() > kMaxGuardRuns) return Contradiction(e, "1 to 64 runs");
  for (const GuardRun& run : b.runs) {
    if (run.begin >= run.end) return Contradiction(e, "a run ends before it begins");
    if (run.holders.empty() || run.holders.size() > kMaxGuardHolders) {
      return Contradiction(e, "a run has 1 to 256 holders");
    }
    if (!std::is_sorted(run.holders.begin(), run.holders.end()) ||
        std::adjacent_find(run.holders.begin(), run.holders.end()) != run.holders.end()) {
      return Contradiction(e, "holders do not ascend");
    }
    for (const Owner& holder : run.holders) {
      if (!PartnerOf(holder).has_value()) return Contradiction(e, "there is no such document");
    }
  }
  incidents_.push_back({e.seq, e.at, b});
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const AuditRecorded& b) {
  if (!e.partner.empty()) return Contradiction(e, "an audit concerns no one partner");
  if (b.audit != audits_.size() + 1) return Contradiction(e, "audits are numbered in order");
  if (b.model.size() > kMaxModelBytes) return Contradiction(e, "the model's name is too long");
  if (FindKey(b.by) == nullptr) return Contradiction(e, "there is no such key");
  audits_.push_back({e.seq, e.at, b});
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const AuditReportGiven& b) {
  const PartnerRecord* const partner = FindPartner(e.partner);
  if (partner == nullptr) return Contradiction(e, "there is no such partner");
  if (b.audit == 0 || b.audit > audits_.size()) return Contradiction(e, "there is no such audit");
  if (FindKey(b.by) == nullptr) return Contradiction(e, "there is no such key");
  const auto given =
      std::count_if(audit_reports_.begin(), audit_reports_.end(),
                    [&](const ReportRecord& record) { return record.partner == partner->number; });
  if (b.report != static_cast<uint64_t>(given) + 1) {
    return Contradiction(e, "reports are numbered in order");
  }
  audit_reports_.push_back({e.seq, e.at, partner->number, b});
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const DossierRecorded& b) {
  if (!e.partner.empty()) return Contradiction(e, "a dossier concerns no one partner");
  if (b.dossier != dossiers_.size() + 1) return Contradiction(e, "dossiers are numbered in order");
  if (b.signer.size() > kMaxModelBytes) return Contradiction(e, "the signer's name is too long");
  if (FindKey(b.by) == nullptr) return Contradiction(e, "there is no such key");
  dossiers_.push_back({e.seq, e.at, b});
  return OkStatus();
}

}  // namespace jangbu::ledger
