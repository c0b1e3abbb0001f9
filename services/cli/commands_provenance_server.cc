// Provenance as a server keeps it: dossiers in the log, and what its books say of training data.

#include <algorithm>
#include <map>
#include <set>

#include "audit/provenance/dossier_reading.h"
#include "audit/provenance/lineage.h"
#include "audit/provenance/manifest.h"
#include "base/bytes.h"
#include "jangbu/v1/audit.grpc.pb.h"
#include "jangbu/v1/contribute.grpc.pb.h"
#include "jangbu/v1/log.grpc.pb.h"
#include "ledger/entry.h"
#include "ledger/merkle/note.h"
#include "ledger/merkle/receipt.h"
#include "services/cli/ask.h"
#include "services/cli/commands.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Align = Table::Align;

std::string_view AnswerName(v1::DossierAnswer answer) {
  static constexpr std::string_view kNames[] = {"", "derived", "independent", "inconclusive"};
  return answer >= 0 && answer <= 3 ? kNames[answer] : kNames[0];
}

std::string_view LineageState(v1::UploadState state) {
  switch (state) {
    case v1::UPLOAD_STATE_OPEN:
      return "open";
    case v1::UPLOAD_STATE_SEALED:
      return "sealed";
    case v1::UPLOAD_STATE_DONE:
      return "done";
    case v1::UPLOAD_STATE_CANCELLED:
      return "cancelled";
    default:
      return "";
  }
}

Status WriteReceipt(Session& session, uint32_t dossier, const std::string& out_file) {
  v1::GetDossierReceiptRequest request;
  request.set_dossier(dossier);
  JANGBU_ASSIGN_OR_RETURN(
      const v1::GetDossierReceiptResponse response,
      Ask<v1::AuditService>(session, &v1::AuditService::Stub::GetDossierReceipt, request));
  return WriteLocalFile(out_file, response.receipt(), false);
}

// The receipt of the entry that closed an upload, out of the bundle of all its entries.
StatusOr<std::string> ClosingReceipt(Session& session, const std::string& upload) {
  v1::GetReceiptRequest request;
  request.set_upload_id(upload);
  JANGBU_ASSIGN_OR_RETURN(
      const v1::GetReceiptResponse response,
      Ask<v1::ContributeService>(session, &v1::ContributeService::Stub::GetReceipt, request));
  JANGBU_ASSIGN_OR_RETURN(const auto receipts, ledger::ParseReceiptBundle(response.receipt()));
  for (auto it = receipts.rbegin(); it != receipts.rend(); ++it) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Receipt receipt, ledger::ParseReceipt(*it));
    const auto entry = ledger::DecodeOwnPart(receipt.opening.own_part);
    if (entry.ok() && std::holds_alternative<ledger::UploadDone>(entry->body))
      return std::string(*it);
  }
  return std::string();
}

StatusOr<audit::Lineage> LineageOf(Session& session, const audit::Manifest& manifest) {
  std::set<std::string, std::less<>> declared;
  for (const audit::DataSource& d : manifest.data) {
    if (d.kind == "upload") declared.insert(d.id);
  }
  audit::Lineage lineage;
  JANGBU_ASSIGN_OR_RETURN(const v1::GetCheckpointResponse head,
                          Ask<v1::LogService>(session, &v1::LogService::Stub::GetCheckpoint,
                                              v1::GetCheckpointRequest()));
  lineage.log = head.checkpoint().substr(0, head.checkpoint().find('\n'));
  std::map<std::string, std::string> licences;
  JANGBU_ASSIGN_OR_RETURN(
      const v1::ListCorporaResponse corpora,
      Ask<v1::ContributeService>(session, &v1::ContributeService::Stub::ListCorpora,
                                 v1::ListCorporaRequest()));
  for (const v1::Corpus& corpus : corpora.corpora())
    licences[corpus.corpus_id()] = corpus.licence();
  v1::ListUploadsRequest page;
  page.set_page_size(1000);
  do {
    JANGBU_ASSIGN_OR_RETURN(
        const v1::ListUploadsResponse uploads,
        Ask<v1::ContributeService>(session, &v1::ContributeService::Stub::ListUploads, page));
    for (const v1::Upload& upload : uploads.uploads()) {
      const v1::Counts& counts = upload.counts();
      const bool wanted = declared.contains(upload.upload_id());
      if (!wanted && counts.accepted() == 0) continue;
      audit::LineageUpload row;
      row.id = upload.upload_id();
      row.licence = licences[upload.corpus_id()];
      row.state = LineageState(upload.state());
      row.documents = static_cast<uint64_t>(std::max<int64_t>(0, counts.documents()));
      row.accepted = static_cast<uint64_t>(std::max<int64_t>(0, counts.accepted()));
      row.words = static_cast<uint64_t>(std::max<int64_t>(0, counts.words()));
      row.tokens = static_cast<uint64_t>(std::max<int64_t>(0, counts.tokens()));
      if (wanted && upload.state() == v1::UPLOAD_STATE_DONE) {
        JANGBU_ASSIGN_OR_RETURN(row.receipt, ClosingReceipt(session, row.id));
      }
      (wanted ? lineage.uploads : lineage.not_declared).push_back(std::move(row));
    }
    page.set_page_token(uploads.next_page_token());
  } while (!page.page_token().empty());
  for (auto* list : {&lineage.uploads, &lineage.not_declared}) {
    std::sort(
        list->begin(), list->end(),
        [](const audit::LineageUpload& a, const audit::LineageUpload& b) { return a.id < b.id; });
  }
  return lineage;
}

}  // namespace

ExitCode ProvenanceEnter(Session& session, const std::string& file, const std::string& out_file) {
  const Console& console = session.console();
  const auto local = [&](const Status& status) {
    console.Fail(status);
    return ExitCode::kUsage;
  };
  const auto json = ReadLocalFile(file, audit::kDossierBytesMax);
  if (!json.ok()) return local(json.status());
  const auto facts = audit::ReadDossier(file, *json);
  if (!facts.ok()) return local(facts.status());
  std::string note_file = file;
  if (note_file.ends_with(".json")) note_file.resize(note_file.size() - 5);
  note_file += ".sig";
  const auto note = ReadLocalFile(note_file, 1 << 16);
  if (!note.ok()) {
    return local(InvalidArgument("dossier_not_signed",
                                 "only a signed dossier is entered, and \"" + note_file +
                                     "\" cannot be read; make it with provenance compare "
                                     "--sign-key"));
  }
  v1::RecordDossierRequest request;
  request.set_json(*json);
  request.set_note(*note);
  const auto response =
      Ask<v1::AuditService>(session, &v1::AuditService::Stub::RecordDossier, request);
  if (!response.ok()) return console.Fail(response.status());
  if (!out_file.empty()) {
    if (const Status status = WriteReceipt(session, response->dossier(), out_file); !status.ok())
      return console.Fail(status);
  }
  if (console.json) {
    console.out << JsonObject()
                       .AddUnsigned("dossier", response->dossier())
                       .Add("sha256", ToHex(Sha256(*json)))
                       .Add("answer", facts->answer)
                       .Add("receipt", out_file)
                       .Take()
                << '\n';
  } else {
    console.out << response->dossier() << '\n';
  }
  return ExitCode::kOk;
}

ExitCode ProvenanceList(Session& session) {
  const Console& console = session.console();
  const auto response = Ask<v1::AuditService>(session, &v1::AuditService::Stub::ListDossiers,
                                              v1::ListDossiersRequest());
  if (!response.ok()) return console.Fail(response.status());
  Table table({{console.Words(Msg::kColDossier), Align::kRight},
               {console.Words(Msg::kColTime)},
               {console.Words(Msg::kColDossierAnswer)},
               {console.Words(Msg::kColDossierSigner)},
               {"SHA-256"}});
  for (const v1::Dossier& dossier : response->dossiers()) {
    if (console.json) {
      console.out << JsonObject()
                         .AddUnsigned("dossier", dossier.dossier())
                         .Add("at", UtcTime(dossier.at_micros()))
                         .AddUnsigned("entry", dossier.entry())
                         .Add("answer", AnswerName(dossier.answer()))
                         .Add("sha256", ToHex(dossier.json_sha256()))
                         .Add("note_sha256", ToHex(dossier.note_sha256()))
                         .Add("subject_sha256", ToHex(dossier.subject_sha256()))
                         .Add("reference_sha256", ToHex(dossier.reference_sha256()))
                         .Add("signer", dossier.signer())
                         .Add("key_id", dossier.key_id())
                         .Take()
                  << '\n';
    }
    table.Row({std::to_string(dossier.dossier()), UtcTime(dossier.at_micros()),
               std::string(AnswerName(dossier.answer())), ForTerminal(dossier.signer()),
               ToHex(dossier.json_sha256())});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode ProvenanceReceipt(Session& session, uint32_t dossier, const std::string& out_file) {
  const Console& console = session.console();
  if (const Status status = WriteReceipt(session, dossier, out_file); !status.ok())
    return console.Fail(status);
  if (console.json) console.out << JsonObject().Add("receipt", out_file).Take() << '\n';
  return ExitCode::kOk;
}

ExitCode ProvenanceLineage(Session& session, const std::string& manifest_file,
                           const std::string& out_file) {
  const Console& console = session.console();
  const auto local = [&](const Status& status) {
    console.Fail(status);
    return ExitCode::kUsage;
  };
  const auto json = ReadLocalFile(manifest_file, audit::kManifestMax);
  if (!json.ok()) return local(json.status());
  const auto manifest = audit::ReadManifest(manifest_file, *json);
  if (!manifest.ok()) return local(manifest.status());
  const auto lineage = LineageOf(session, *manifest);
  if (!lineage.ok()) return console.Fail(lineage.status());
  if (const Status status = WriteLocalFile(out_file, audit::EncodeLineage(*lineage), false);
      !status.ok()) {
    return local(status);
  }
  const auto declared = static_cast<size_t>(
      std::count_if(manifest->data.begin(), manifest->data.end(),
                    [](const audit::DataSource& d) { return d.kind == "upload"; }));
  if (console.json) {
    console.out << JsonObject()
                       .Add("file", out_file)
                       .AddUnsigned("declared", declared)
                       .AddUnsigned("in_books", lineage->uploads.size())
                       .AddUnsigned("not_declared", lineage->not_declared.size())
                       .Take()
                << '\n';
  } else {
    console.out << console.Words(
                       Msg::kProvenanceLineageMade,
                       {out_file, std::to_string(declared), std::to_string(lineage->uploads.size()),
                        std::to_string(lineage->not_declared.size())})
                << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
