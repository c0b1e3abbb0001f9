#include "services/flow/audits.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "services/storage/envelope.h"

namespace jangbu::services {
namespace {

constexpr size_t kTextsAtOnce = 256;

std::string Encode(const AuditReportFiles& files) {
  ByteWriter w;
  w.String(files.statement);
  w.String(files.json);
  w.String(files.html_ko);
  w.String(files.html_en);
  return w.Take();
}

std::string Aad(uint32_t partner, uint32_t report) {
  ByteWriter w;
  w.Raw("audit report");
  w.U32(partner);
  w.U32(report);
  return w.Take();
}

BlobName NameOf(uint32_t partner, uint32_t report) {
  return {.kind = BlobKind::kAuditReport, .token = partner, .ordinal = report};
}

}  // namespace

StatusOr<uint32_t> Audits::Record(ledger::AuditRecorded audit) {
  JANGBU_RETURN_IF_ERROR(
      scribe_
          .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            audit.audit = static_cast<uint32_t>(books.audits().size() + 1);
            return std::vector<ledger::Draft>{{.partner = "", .body = audit}};
          })
          .status());
  return audit.audit;
}

StatusOr<uint32_t> Audits::Give(uint32_t partner, uint32_t audit, const AuditReportFiles& files,
                                const std::string& key_id) {
  // One at a time: the text is stored before the entry that names it.
  const std::lock_guard lock(giving_);
  std::string partner_id;
  bool known = false;
  uint32_t number = 1;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    if (const ledger::PartnerRecord* p = books.FindPartner(partner)) partner_id = p->id;
    known = audit >= 1 && audit <= books.audits().size();
    for (const auto& record : books.audit_reports()) number += record.partner == partner ? 1 : 0;
  });
  if (partner_id.empty()) return NotFound("no_such_partner", "there is no such partner");
  if (!known) return FailedPrecondition("no_such_audit", "there is no such audit");
  const std::string bytes = Encode(files);
  JANGBU_ASSIGN_OR_RETURN(const auto key, keyring_.PartnerKey(partner, true));
  const std::string box = SealBox(*key, Aad(partner, number), bytes, keyring_.random());
  const BlobName name = NameOf(partner, number);
  // What a crash left between the two.
  JANGBU_RETURN_IF_ERROR(blobs_.Delete({&name, 1}));
  const BlobPut put{.name = name, .bytes = box};
  JANGBU_RETURN_IF_ERROR(blobs_.Put({&put, 1}));
  JANGBU_RETURN_IF_ERROR(
      scribe_
          .Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
            return std::vector<ledger::Draft>{
                {.partner = partner_id,
                 .body = ledger::AuditReportGiven{.report = number,
                                                  .report_sha256 = Sha256(bytes),
                                                  .audit = audit,
                                                  .by = key_id}}};
          })
          .status());
  return number;
}

StatusOr<AuditReportFiles> Audits::Get(uint32_t partner, uint32_t report) {
  std::optional<Digest> want;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& record : books.audit_reports()) {
      if (record.partner == partner && record.report.report == report)
        want = record.report.report_sha256;
    }
  });
  if (!want.has_value()) return FailedPrecondition("no_such_report", "there is no such report");
  const BlobName name = NameOf(partner, report);
  JANGBU_ASSIGN_OR_RETURN(const auto found, blobs_.Get({&name, 1}));
  const auto damaged = [] {
    return DataLoss("report_damaged", "a stored report is not what the journal says; restore it");
  };
  if (!found[0].has_value()) return damaged();
  JANGBU_ASSIGN_OR_RETURN(const auto key, keyring_.PartnerKey(partner));
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, OpenBox(*key, Aad(partner, report), *found[0]));
  if (Sha256(bytes) != *want) return damaged();
  ByteReader r(bytes);
  AuditReportFiles files;
  files.statement = r.String();
  files.json = r.String();
  files.html_ko = r.String();
  files.html_en = r.String();
  if (!r.ok() || !r.empty()) return damaged();
  return files;
}

StatusOr<uint32_t> Audits::RecordDossier(ledger::DossierRecorded dossier) {
  JANGBU_RETURN_IF_ERROR(
      scribe_
          .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            for (const auto& record : books.dossiers()) {
              if (record.dossier.json_sha256 == dossier.json_sha256 &&
                  record.dossier.note_sha256 == dossier.note_sha256) {
                return AlreadyExists("dossier_known", "this dossier is in the log already, as " +
                                                          std::to_string(record.dossier.dossier));
              }
            }
            dossier.dossier = static_cast<uint32_t>(books.dossiers().size() + 1);
            return std::vector<ledger::Draft>{{.partner = "", .body = dossier}};
          })
          .status());
  return dossier.dossier;
}

Status Audits::ReadTexts(uint32_t partner, uint32_t upload,
                         const std::function<bool(const Text&)>& text) {
  struct Batch {
    uint64_t token = 0;
    uint64_t commit = 0;
    std::vector<uint32_t> ordinals;
  };
  std::vector<Batch> batches;
  ledger::SourceType source_type = ledger::SourceType::kText;
  bool known = false;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::PartnerRecord* const owner = books.FindPartner(partner);
    const ledger::UploadRecord* const record =
        owner == nullptr ? nullptr : books.FindUpload(*owner, upload);
    if (record == nullptr) return;
    known = true;
    for (const ledger::CorpusRecord& corpus : owner->corpora) {
      if (corpus.number == record->corpus) source_type = corpus.source_type;
    }
    for (const auto& [token, batch] : books.batches()) {
      if (batch.upload_token != record->token || batch.commit == 0) continue;
      Batch b{token, batch.commit, {}};
      const auto& facts = *books.FactsOf(token);
      for (uint32_t i = 0; i < facts.size(); ++i) {
        if (facts[i].credits && !facts[i].withdrawn) b.ordinals.push_back(i);
      }
      batches.push_back(std::move(b));
    }
  });
  if (!known) return NotFound("no_such_upload", "there is no such upload");
  for (const Batch& batch : batches) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, scribe_.EntryAt(batch.commit));
    const auto& commit = std::get<ledger::BatchCommit>(entry.body);
    for (size_t from = 0; from < batch.ordinals.size(); from += kTextsAtOnce) {
      const auto ordinals =
          std::span(batch.ordinals)
              .subspan(from, std::min(kTextsAtOnce, batch.ordinals.size() - from));
      JANGBU_ASSIGN_OR_RETURN(auto texts, index_.texts().Read(partner, batch.token, ordinals));
      for (size_t i = 0; i < ordinals.size(); ++i) {
        if (!texts[i].has_value()) continue;
        const ledger::Item& item = commit.items[ordinals[i]];
        if (!text({item.file, item.record, source_type, *std::move(texts[i])})) return OkStatus();
      }
    }
  }
  return OkStatus();
}

}  // namespace jangbu::services
