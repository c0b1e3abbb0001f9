#include "services/flow/audits.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "audit/extraction/report.h"
#include "audit/extraction/report_text.h"
#include "audit/guard/run_follower.h"
#include "audit/guard/stream_guard.h"
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

// Does `text` hold the name of an upload of this partner, "ID/uN"?
bool Names(std::string_view text, const std::string& partner) {
  const std::string name = partner + "/u";
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const auto word = [&](size_t i) {
      return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 ||
                                 text[i] == '-' || text[i] == '_');
    };
    const size_t after = at + name.size();
    if ((at == 0 || !word(at - 1)) && after < text.size() &&
        std::isdigit(static_cast<unsigned char>(text[after])) != 0) {
      return true;
    }
  }
  return false;
}

struct OthersRun {
  size_t length = 0;
  uint32_t partner = 0;
};
// A run of a document of another partner that this one's documents do not hold.
StatusOr<std::optional<OthersRun>> FindOthersRun(const audit::GuardIndex& index, uint32_t partner,
                                                 const std::u32string& form) {
  if (form.size() < audit::kExposedRun) return std::nullopt;
  const auto of = [&](bool own) {
    ingest::Reference reference;
    reference.counts = [partner, own](const ingest::RunDocument& d) {
      return (d.scope == partner) == own;
    };
    return reference;
  };
  const ingest::RunView& view = index.view();
  JANGBU_ASSIGN_OR_RETURN(const std::vector<ingest::RunMatch> others,
                          view.Matches(form, of(false), index.forms(), audit::kExposedRun));
  const bool withdrawn = index.withdrawn() != nullptr;
  if (others.empty() && !withdrawn) return std::nullopt;
  JANGBU_ASSIGN_OR_RETURN(const ingest::Intervals covered,
                          view.Covered(form, of(true), index.forms()));
  std::vector<bool> own(form.size());
  for (const ingest::Interval& i : covered) {
    std::fill(own.begin() + i.begin, own.begin() + i.end, true);
  }
  for (const ingest::RunMatch& run : others) {
    // A letter or two after what is the partner's own is chance; as the guard counts it.
    size_t in_a_row = 0;
    for (size_t i = run.begin; i < size_t{run.begin} + run.length; ++i) {
      in_a_row = own[i] ? 0 : in_a_row + 1;
      if (in_a_row >= audit::kCrossing) return OthersRun{run.length, run.document.scope};
    }
  }
  if (!withdrawn) return std::nullopt;
  audit::RunFollower follower(
      std::shared_ptr<const audit::GuardIndex>(std::shared_ptr<void>(), &index), {}, nullptr);
  for (const char32_t cp : form) {
    JANGBU_ASSIGN_OR_RETURN(const audit::Judgement judgement, follower.Step(cp));
    if (judgement != audit::Judgement::kWithdrawn) continue;
    if (follower.found().document.scope == partner) continue;
    return OthersRun{audit::kRunLimit, follower.found().document.scope};
  }
  return std::nullopt;
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
  std::optional<ledger::AuditRecorded> recorded;
  uint32_t number = 1;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    if (const ledger::PartnerRecord* p = books.FindPartner(partner)) partner_id = p->id;
    if (audit >= 1 && audit <= books.audits().size()) recorded = books.audits()[audit - 1].audit;
    for (const auto& record : books.audit_reports()) number += record.partner == partner ? 1 : 0;
  });
  if (partner_id.empty()) return NotFound("no_such_partner", "there is no such partner");
  if (!recorded.has_value()) {
    return FailedPrecondition("no_such_audit", "there is no such audit");
  }
  JANGBU_RETURN_IF_ERROR(CheckReport(partner, *recorded, files));
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

Status Audits::CheckReport(uint32_t partner, const ledger::AuditRecorded& audit,
                           const AuditReportFiles& files) {
  const auto names = audit::ReadStatement(files.statement);
  if (!names.ok() || names->plan != ToHex(audit.plan_sha256) ||
      names->record != ToHex(audit.record_sha256) || names->json != ToHex(Sha256(files.json)) ||
      names->html_ko != ToHex(Sha256(files.html_ko)) ||
      names->html_en != ToHex(Sha256(files.html_en))) {
    return FailedPrecondition("report_of_another_audit",
                              "the statement does not name the plan and the raw record of audit " +
                                  std::to_string(audit.audit) + " and these files");
  }
  std::vector<std::string> others;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& p : books.partners()) {
      if (p->number == partner) continue;
      others.push_back(p->id);
      if (!p->name.empty()) others.push_back(p->name);
    }
  });
  JANGBU_ASSIGN_OR_RETURN(const auto index, guarding_.Index());
  const std::pair<const char*, std::vector<std::string>> texts[] = {
      {"the statement", {files.statement}},
      {"report.json", audit::TextsOfJson(files.json)},
      {"report.ko.html", audit::TextsOfHtml(files.html_ko)},
      {"report.en.html", audit::TextsOfHtml(files.html_en)}};
  for (const auto& [file, of_file] : texts) {
    for (const std::string& text : of_file) {
      for (const std::string& other : others) {
        if (text == other || Names(text, other)) {
          return FailedPrecondition("report_names_another_partner",
                                    std::string(file) + " names the partner " + other);
        }
      }
      JANGBU_ASSIGN_OR_RETURN(const std::optional<OthersRun> run,
                              FindOthersRun(*index, partner, audit::FormOf(text)));
      if (!run.has_value()) continue;
      std::string holder;
      scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
        if (const auto* p = books.FindPartner(run->partner)) holder = p->id;
      });
      return FailedPrecondition("report_holds_others_text",
                                std::string(file) + " holds " + std::to_string(run->length) +
                                    " code points of a document of " + holder +
                                    " that this partner did not give");
    }
  }
  return OkStatus();
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
        const bool more =
            text({item.file, item.record, source_type, entry.at.micros, *std::move(texts[i])});
        if (!more) return OkStatus();
      }
    }
  }
  return OkStatus();
}

}  // namespace jangbu::services
