#pragma once

// Extraction audits in the installation's books: what an audit stands on is an entry; a partner is
// given the report of its own text, sealed under its key, and finds its digest in the log.
// Thread-safe.

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/blob_store.h"
#include "base/status.h"
#include "ledger/audit_entry.h"
#include "services/flow/guarding.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"
#include "services/flow/text_index.h"

namespace jangbu::services {

// As audit/extraction/report.h makes them.
struct AuditReportFiles {
  std::string statement;  // what is signed, or the signed note
  std::string json;
  std::string html_ko;
  std::string html_en;
};

class Audits {
 public:
  // Borrows all.
  Audits(Scribe& scribe, BlobStore& blobs, Keyring& keyring, TextIndex& index, Guarding& guarding)
      : scribe_(scribe), blobs_(blobs), keyring_(keyring), index_(index), guarding_(guarding) {}

  // Enters an audit; its number.
  StatusOr<uint32_t> Record(ledger::AuditRecorded audit);

  // Gives a partner its report; the report's number. Nothing is given that shows another partner
  // through, whoever made it. FailedPrecondition: ("no_such_audit"), ("report_of_another_audit")
  // when the statement does not name the audit's plan and record and these files,
  // ("report_names_another_partner"), ("report_holds_others_text") when some text of it holds 25
  // code points or more of a document of others (50 of a withdrawn one), of which 12 in a row stand
  // in no run of 24 of this partner's documents in force.
  StatusOr<uint32_t> Give(uint32_t partner, uint32_t audit, const AuditReportFiles& files,
                          const std::string& key_id);
  // FailedPrecondition("no_such_report"); DataLoss("report_damaged") when it is not what the
  // journal says.
  StatusOr<AuditReportFiles> Get(uint32_t partner, uint32_t report);

  // Enters a provenance dossier; its number. AlreadyExists("dossier_known") when it is in the
  // books.
  StatusOr<uint32_t> RecordDossier(ledger::DossierRecorded dossier);

  // The texts of an upload that are in force, for an audit: canonical, in (file, record) order.
  // NotFound("no_such_upload").
  struct Text {
    uint32_t file = 0;
    uint64_t record = 0;
    ledger::SourceType source_type = ledger::SourceType::kText;
    int64_t committed_at_micros = 0;
    std::string text;
  };
  Status ReadTexts(uint32_t partner, uint32_t upload, const std::function<bool(const Text&)>& text);

 private:
  Status CheckReport(uint32_t partner, const ledger::AuditRecorded& audit,
                     const AuditReportFiles& files);

  Scribe& scribe_;
  BlobStore& blobs_;
  Keyring& keyring_;
  TextIndex& index_;
  Guarding& guarding_;
  std::mutex giving_;
};

}  // namespace jangbu::services
