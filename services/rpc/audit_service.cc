#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audit/extraction/report.h"
#include "audit/provenance/dossier_reading.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "jangbu/v1/audit.grpc.pb.h"
#include "ledger/merkle/note.h"
#include "services/flow/audits.h"
#include "services/rpc/limits.h"
#include "services/rpc/services.h"
#include "services/wire/convert.h"
#include "services/wire/text.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

StatusOr<Digest> ReadDigest(std::string_view field, std::string_view bytes) {
  Digest digest{};
  if (bytes.size() != digest.size()) {
    return InvalidArgument("bad_sha256", std::string(field) + " is 32 bytes");
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

class AuditServiceImpl final : public v1::AuditService::Service {
 public:
  explicit AuditServiceImpl(FrontDoor& door) : door_(door) {}

  grpc::Status ReadTexts(grpc::ServerContext* context, const v1::ReadTextsRequest* request,
                         grpc::ServerWriter<v1::ReadTextsResponse>* writer) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/ReadTexts", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
      bool gone = false;
      JANGBU_RETURN_IF_ERROR(door_.jangbu().audits().ReadTexts(
          upload.partner.number, upload.number, [&](const Audits::Text& text) {
            v1::ReadTextsResponse row;
            row.set_file_number(text.file);
            row.set_record(text.record);
            row.set_source_type(static_cast<v1::SourceType>(text.source_type));
            row.set_text(text.text);
            row.set_committed_at_micros(text.committed_at_micros);
            gone = call.Over() || !writer->Write(row);
            return !gone;
          }));
      return gone ? call.WhyGone() : OkStatus();
    });
  }

  grpc::Status RecordAudit(grpc::ServerContext* context, const v1::RecordAuditRequest* request,
                           v1::RecordAuditResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/RecordAudit", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      ledger::AuditRecorded audit;
      JANGBU_RETURN_IF_ERROR(
          wire::CheckRequestId("model", request->model(), ledger::kMaxModelBytes, false));
      audit.model = request->model();
      audit.by = call.caller().key_id;
      JANGBU_ASSIGN_OR_RETURN(audit.plan_sha256, ReadDigest("plan_sha256", request->plan_sha256()));
      JANGBU_ASSIGN_OR_RETURN(audit.record_sha256,
                              ReadDigest("record_sha256", request->record_sha256()));
      JANGBU_ASSIGN_OR_RETURN(audit.statement_sha256,
                              ReadDigest("statement_sha256", request->statement_sha256()));
      JANGBU_ASSIGN_OR_RETURN(const audit::StatementNames names,
                              audit::ReadStatement(request->statement()));
      call.Uses(names.allow_list);
      if (Sha256(request->statement()) != audit.statement_sha256 ||
          names.plan != ToHex(audit.plan_sha256) || names.record != ToHex(audit.record_sha256)) {
        return InvalidArgument("statement_of_another_audit",
                               "the statement is not of this digest, plan and raw record");
      }
      JANGBU_ASSIGN_OR_RETURN(const uint32_t number, door_.jangbu().audits().Record(audit));
      response->set_audit(number);
      return OkStatus();
    });
  }

  grpc::Status ListAudits(grpc::ServerContext* context, const v1::ListAuditsRequest* request,
                          v1::ListAuditsResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/ListAudits", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        for (const auto& record : books.audits()) {
          v1::Audit& row = *response->add_audits();
          row.set_audit(record.audit.audit);
          row.set_at_micros(record.at.micros);
          row.set_entry(record.seq);
          row.set_model(wire::ToUtf8(record.audit.model, ledger::kMaxModelBytes));
          row.set_plan_sha256(std::string(AsView(record.audit.plan_sha256)));
          row.set_record_sha256(std::string(AsView(record.audit.record_sha256)));
          row.set_statement_sha256(std::string(AsView(record.audit.statement_sha256)));
          row.set_key_id(record.audit.by);
        }
      });
      return OkStatus();
    });
  }

  grpc::Status GiveReport(grpc::ServerContext* context, const v1::GiveReportRequest* request,
                          v1::GiveReportResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/GiveReport", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
      const v1::ReportFiles& files = request->files();
      if (const auto names = audit::ReadStatement(files.statement()); names.ok()) {
        call.Uses(names->allow_list);
      }
      if (files.statement().empty() || files.json().empty() || files.html_ko().empty() ||
          files.html_en().empty()) {
        return InvalidArgument("report_incomplete",
                               "a report is its statement, JSON and HTML in both languages");
      }
      JANGBU_ASSIGN_OR_RETURN(const uint32_t number,
                              door_.jangbu().audits().Give(partner.number, request->audit(),
                                                           {files.statement(), files.json(),
                                                            files.html_ko(), files.html_en()},
                                                           call.caller().key_id));
      response->set_report(number);
      return OkStatus();
    });
  }

  grpc::Status ListReports(grpc::ServerContext* context, const v1::ListReportsRequest* request,
                           v1::ListReportsResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/ListReports", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const std::vector<PartnerRef> partners,
                              call.Partners(request->partner_id()));
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        for (const auto& record : books.audit_reports()) {
          const auto partner =
              std::find_if(partners.begin(), partners.end(),
                           [&](const PartnerRef& p) { return p.number == record.partner; });
          if (partner == partners.end()) continue;
          v1::AuditReport& row = *response->add_reports();
          row.set_partner_id(partner->id);
          row.set_report(record.report.report);
          row.set_at_micros(record.at.micros);
          row.set_report_sha256(std::string(AsView(record.report.report_sha256)));
          row.set_entry(record.seq);
        }
      });
      return OkStatus();
    });
  }

  grpc::Status GetReport(grpc::ServerContext* context, const v1::GetReportRequest* request,
                         v1::GetReportResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/GetReport", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
      JANGBU_ASSIGN_OR_RETURN(AuditReportFiles files,
                              door_.jangbu().audits().Get(partner.number, request->report()));
      v1::ReportFiles& out = *response->mutable_files();
      out.set_statement(std::move(files.statement));
      out.set_json(std::move(files.json));
      out.set_html_ko(std::move(files.html_ko));
      out.set_html_en(std::move(files.html_en));
      return OkStatus();
    });
  }

  grpc::Status RecordDossier(grpc::ServerContext* context, const v1::RecordDossierRequest* request,
                             v1::RecordDossierResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/RecordDossier", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const audit::DossierFacts facts,
                              audit::ReadDossier("json", request->json()));
      JANGBU_ASSIGN_OR_RETURN(const ledger::Note note, ledger::ParseNote(request->note()));
      ledger::DossierRecorded dossier;
      dossier.json_sha256 = Sha256(request->json());
      // Who signed is for those who read it; that it was signed, and for this file, is checked
      // here.
      if (note.signatures.empty() ||
          note.text != audit::DossierNoteText(ToHex(dossier.json_sha256))) {
        return InvalidArgument("note_of_other_dossier",
                               "the signed note is not of this dossier; sign it with "
                               "`jangbu provenance compare --sign-key`");
      }
      dossier.note_sha256 = Sha256(request->note());
      dossier.signer = note.signatures.front().name;
      if (dossier.signer.size() > ledger::kMaxModelBytes)
        return InvalidArgument("bad_signer", "the signer's name is longer than 200 bytes");
      dossier.answer = facts.answer == "derived"       ? ledger::DossierAnswer::kDerived
                       : facts.answer == "independent" ? ledger::DossierAnswer::kIndependent
                                                       : ledger::DossierAnswer::kInconclusive;
      dossier.subject_sha256 = facts.subject;
      dossier.reference_sha256 = facts.reference;
      dossier.by = call.caller().key_id;
      JANGBU_ASSIGN_OR_RETURN(const uint32_t number,
                              door_.jangbu().audits().RecordDossier(dossier));
      response->set_dossier(number);
      return OkStatus();
    });
  }

  grpc::Status ListDossiers(grpc::ServerContext* context, const v1::ListDossiersRequest* request,
                            v1::ListDossiersResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AuditService/ListDossiers", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        for (const auto& record : books.dossiers()) {
          v1::Dossier& row = *response->add_dossiers();
          row.set_dossier(record.dossier.dossier);
          row.set_at_micros(record.at.micros);
          row.set_entry(record.seq);
          row.set_json_sha256(std::string(AsView(record.dossier.json_sha256)));
          row.set_note_sha256(std::string(AsView(record.dossier.note_sha256)));
          row.set_answer(static_cast<v1::DossierAnswer>(record.dossier.answer));
          row.set_subject_sha256(std::string(AsView(record.dossier.subject_sha256)));
          row.set_reference_sha256(std::string(AsView(record.dossier.reference_sha256)));
          row.set_signer(wire::ToUtf8(record.dossier.signer, ledger::kMaxModelBytes));
          row.set_key_id(record.dossier.by);
        }
      });
      return OkStatus();
    });
  }

  grpc::Status GetDossierReceipt(grpc::ServerContext* context,
                                 const v1::GetDossierReceiptRequest* request,
                                 v1::GetDossierReceiptResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.AuditService/GetDossierReceipt", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(std::string receipt,
                                  door_.jangbu().GetDossierReceipt(request->dossier()));
          response->set_receipt(std::move(receipt));
          return OkStatus();
        });
  }

 private:
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAuditService(FrontDoor& door) {
  return std::make_unique<AuditServiceImpl>(door);
}

}  // namespace jangbu::services::rpc
