// Audits and the guard as a server keeps them: texts for a plan, audits in the log, reports for
// partners, incidents.

#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/bytes.h"
#include "jangbu/v1/audit.grpc.pb.h"
#include "services/cli/ask.h"
#include "services/cli/commands_audit.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Align = Table::Align;

std::string_view NameOf(v1::SourceType type) {
  static constexpr std::string_view kNames[] = {"", "book", "article", "report", "paper", "text"};
  return type >= 0 && type <= 5 ? kNames[type] : kNames[0];
}

std::string_view NameOf(v1::GuardMode mode) {
  static constexpr std::string_view kNames[] = {"", "block", "cut", "mask", "report-only"};
  return mode >= 0 && mode <= 4 ? kNames[mode] : kNames[0];
}

std::string_view NameOf(v1::RunKind kind) {
  static constexpr std::string_view kNames[] = {"", "run", "withdrawn", "budget"};
  return kind >= 0 && kind <= 3 ? kNames[kind] : kNames[0];
}

}  // namespace

ExitCode AuditTexts(Session& session, const std::vector<std::string>& uploads,
                    const std::string& out_file) {
  const Console& console = session.console();
  const auto connection = session.Connect();
  if (!connection.ok()) return console.Fail(connection.status());
  std::ofstream out(out_file, std::ios::binary | std::ios::trunc);
  // Contributed text is nobody else's on this machine either.
  if (!out || ::chmod(out_file.c_str(), 0600) != 0) {
    console.Fail(InvalidArgument("path_unwritable", "cannot write " + out_file));
    return ExitCode::kUsage;
  }
  const auto stub = v1::AuditService::NewStub((*connection)->channel());
  uint64_t texts = 0;
  for (const std::string& upload : uploads) {
    grpc::ClientContext context;
    (*connection)->Prepare(context);
    v1::ReadTextsRequest request;
    request.set_upload_id(upload);
    const auto stream = stub->ReadTexts(&context, request);
    v1::ReadTextsResponse row;
    while (stream->Read(&row)) {
      ++texts;
      out << JsonObject()
                 .Add("id", upload + "#" + std::to_string(row.file_number()) + ":" +
                                std::to_string(row.record()))
                 .Add("partner", upload.substr(0, upload.find('/')))
                 .Add("source_type", NameOf(row.source_type()))
                 .Add("committed_at", UtcTime(row.committed_at_micros()))
                 .Add("text", row.text())
                 .Take()
          << '\n';
    }
    const Status ended = FromGrpc(stream->Finish());
    if (!ended.ok()) return console.Fail(ended);
  }
  if (!out.flush()) {
    console.Fail(InvalidArgument("path_unwritable", "cannot write " + out_file));
    return ExitCode::kUsage;
  }
  if (console.json) {
    console.out << JsonObject().AddUnsigned("texts", texts).Add("file", out_file).Take() << '\n';
  } else {
    console.out << GroupedUnsigned(texts) << '\n';
  }
  return ExitCode::kOk;
}

ExitCode AuditEnter(Session& session, const AuditReportParams& params) {
  const Console& console = session.console();
  const auto made = MakeAuditReports(params);
  if (!made.ok()) return FailOfFile(console, made.status());
  const auto note = ReadLocalFile(params.dir + "/report.note", size_t{1} << 20);
  if (!note.ok()) {
    console.Fail(note.status());
    return ExitCode::kUsage;
  }
  if (!note->starts_with(made->statement)) {
    console.Fail(DataLoss("report_differs", params.dir + " is not what the raw record gives"));
    return ExitCode::kRefused;
  }
  v1::RecordAuditRequest request;
  request.set_model(made->model);
  request.set_plan_sha256(std::string(AsView(made->plan)));
  request.set_record_sha256(std::string(AsView(made->record)));
  request.set_statement_sha256(std::string(AsView(Sha256(*note))));
  request.set_statement(*note);
  const auto response =
      Ask<v1::AuditService>(session, &v1::AuditService::Stub::RecordAudit, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << JsonObject().AddUnsigned("audit", response->audit()).Take() << '\n';
  } else {
    console.out << response->audit() << '\n';
  }
  return ExitCode::kOk;
}

ExitCode AuditGive(Session& session, const AuditReportParams& params, uint32_t audit) {
  const Console& console = session.console();
  const auto made = MakeAuditReports(params);
  if (!made.ok()) return FailOfFile(console, made.status());
  v1::GiveReportRequest request;
  request.set_partner_id(params.partner);
  request.set_audit(audit);
  request.mutable_files()->set_statement(made->statement);
  request.mutable_files()->set_json(made->json);
  request.mutable_files()->set_html_ko(made->html_ko);
  request.mutable_files()->set_html_en(made->html_en);
  const auto response =
      Ask<v1::AuditService>(session, &v1::AuditService::Stub::GiveReport, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << JsonObject()
                       .Add("partner", params.partner)
                       .AddUnsigned("report", response->report())
                       .Take()
                << '\n';
  } else {
    console.out << response->report() << '\n';
  }
  return ExitCode::kOk;
}

ExitCode AuditList(Session& session) {
  const Console& console = session.console();
  const auto response =
      Ask<v1::AuditService>(session, &v1::AuditService::Stub::ListAudits, v1::ListAuditsRequest());
  if (!response.ok()) return console.Fail(response.status());
  Table table({{std::string(Text(console.lang, AuditMsg::kColAuditNumber)), Align::kRight},
               {console.Words(Msg::kColTime)},
               {std::string(Text(console.lang, AuditMsg::kColAuditModel))},
               {std::string(Text(console.lang, AuditMsg::kColAuditEntry)), Align::kRight}});
  for (const v1::Audit& audit : response->audits()) {
    if (console.json) {
      console.out << JsonObject()
                         .AddUnsigned("audit", audit.audit())
                         .Add("at", UtcTime(audit.at_micros()))
                         .AddUnsigned("entry", audit.entry())
                         .Add("model", audit.model())
                         .Add("plan_sha256", ToHex(audit.plan_sha256()))
                         .Add("record_sha256", ToHex(audit.record_sha256()))
                         .Add("statement_sha256", ToHex(audit.statement_sha256()))
                         .Add("key_id", audit.key_id())
                         .Take()
                  << '\n';
    }
    table.Row({std::to_string(audit.audit()), UtcTime(audit.at_micros()),
               ForTerminal(audit.model()), std::to_string(audit.entry())});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode AuditReports(Session& session, const std::string& partner) {
  const Console& console = session.console();
  v1::ListReportsRequest request;
  request.set_partner_id(partner);
  const auto response =
      Ask<v1::AuditService>(session, &v1::AuditService::Stub::ListReports, request);
  if (!response.ok()) return console.Fail(response.status());
  Table table({{console.Words(Msg::kColPartner)},
               {std::string(Text(console.lang, AuditMsg::kColAuditReport)), Align::kRight},
               {console.Words(Msg::kColTime)},
               {"SHA-256"}});
  for (const v1::AuditReport& report : response->reports()) {
    if (console.json) {
      console.out << JsonObject()
                         .Add("partner", report.partner_id())
                         .AddUnsigned("report", report.report())
                         .Add("at", UtcTime(report.at_micros()))
                         .AddUnsigned("entry", report.entry())
                         .Add("report_sha256", ToHex(report.report_sha256()))
                         .Take()
                  << '\n';
    }
    table.Row({report.partner_id(), std::to_string(report.report()), UtcTime(report.at_micros()),
               ToHex(report.report_sha256())});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode AuditFetch(Session& session, const std::string& partner, uint32_t report,
                    const std::string& dir) {
  const Console& console = session.console();
  v1::GetReportRequest request;
  request.set_partner_id(partner);
  request.set_report(report);
  const auto response = Ask<v1::AuditService>(session, &v1::AuditService::Stub::GetReport, request);
  if (!response.ok()) return console.Fail(response.status());
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    console.Fail(InvalidArgument("path_unwritable", "cannot make " + dir));
    return ExitCode::kUsage;
  }
  const v1::ReportFiles& files = response->files();
  const std::pair<const char*, const std::string*> all[] = {{"/report.note", &files.statement()},
                                                            {"/report.json", &files.json()},
                                                            {"/report.ko.html", &files.html_ko()},
                                                            {"/report.en.html", &files.html_en()}};
  for (const auto& [name, bytes] : all) {
    const Status written = WriteLocalFile(dir + name, *bytes, true);
    if (!written.ok()) {
      console.Fail(written);
      return ExitCode::kUsage;
    }
  }
  if (console.json) console.out << JsonObject().Add("dir", dir).Take() << '\n';
  return ExitCode::kOk;
}

ExitCode GuardIncidents(Session& session, const std::string& partner) {
  const Console& console = session.console();
  v1::ListIncidentsRequest request;
  request.set_partner_id(partner);
  Table table({{console.Words(Msg::kColTime)},
               {std::string(Text(console.lang, AuditMsg::kColAuditModel))},
               {std::string(Text(console.lang, AuditMsg::kColGuardMode))},
               {std::string(Text(console.lang, AuditMsg::kColGuardKind))},
               {std::string(Text(console.lang, AuditMsg::kColGuardLength)), Align::kRight},
               {console.Words(Msg::kColDocument)}});
  for (;;) {
    const auto response =
        Ask<v1::GuardService>(session, &v1::GuardService::Stub::ListIncidents, request);
    if (!response.ok()) return console.Fail(response.status());
    for (const v1::Incident& incident : response->incidents()) {
      for (const v1::IncidentRun& run : incident.runs()) {
        std::vector<std::string> documents;
        std::string cell;
        for (const std::string& document : run.documents()) {
          documents.push_back(JsonString(document));
          cell += (cell.empty() ? "" : " ") + document;
        }
        if (console.json) {
          JsonObject row;
          row.AddUnsigned("incident", incident.incident_id())
              .Add("at", UtcTime(incident.at_micros()))
              .Add("model", incident.model())
              .Add("mode", NameOf(incident.mode()))
              .Add("kind", NameOf(run.kind()))
              .Add("length", run.length())
              .AddRaw("documents", JsonArray(documents));
          if (!incident.user_mac().empty()) {
            row.Add("user_mac", ToHex(incident.user_mac()))
                .Add("gateway_key_id", incident.gateway_key_id())
                .Add("begin", run.begin())
                .Add("run_mac", ToHex(run.run_mac()));
          }
          console.out << row.Take() << '\n';
        }
        table.Row({UtcTime(incident.at_micros()), ForTerminal(incident.model()),
                   std::string(NameOf(incident.mode())), std::string(NameOf(run.kind())),
                   std::to_string(run.length()), cell});
      }
    }
    if (response->next_page_token().empty()) break;
    request.set_page_token(response->next_page_token());
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
