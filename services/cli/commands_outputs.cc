#include "services/cli/commands_outputs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "jangbu/v1/finance.grpc.pb.h"
#include "jangbu/v1/ledger.grpc.pb.h"
#include "services/cli/ask.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/cli/message_json.h"
#include "services/cli/views.h"
#include "services/outputs/csv_reader.h"
#include "services/outputs/foreign_ledger.h"
#include "services/outputs/reconciliation.h"
#include "services/outputs/statement_document.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;

#define JANGBU_MESSAGE(name, ko, en) \
  static_assert(sizeof(ko) > 1 && sizeof(en) > 1, "a message lacks a translation");
#include "services/cli/output_messages.def"
#undef JANGBU_MESSAGE

struct OutputEntry {
  std::string_view ko, en;
};
constexpr OutputEntry kOutputCatalogue[] = {
#define JANGBU_MESSAGE(name, ko, en) {ko, en},
#include "services/cli/output_messages.def"
#undef JANGBU_MESSAGE
};

std::string Words(const Console& console, OutputMsg message,
                  std::initializer_list<std::string_view> args = {}) {
  return Fill(Text(console.lang, message), args);
}

ExitCode Usage(const Console& console, const Status& status) {
  console.Fail(status);
  return ExitCode::kUsage;
}

// A file that is there when it is whole, written piece by piece; or the screen.
class Sink {
 public:
  Sink(const Console& console, std::string path) : console_(console), path_(std::move(path)) {}
  ~Sink() {
    std::error_code ignored;
    if (!path_.empty() && !done_) std::filesystem::remove(path_ + ".part", ignored);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  Status Write(std::string_view bytes) {
    if (path_.empty()) {
      console_.out << bytes;
      return OkStatus();
    }
    if (!file_.is_open()) {
      file_.open(path_ + ".part", std::ios::binary | std::ios::trunc);
      if (!file_) return Failed("open");
    }
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file_ ? OkStatus() : Failed("write");
  }
  Status Close() {
    if (path_.empty()) return OkStatus();
    file_.close();
    if (!file_) return Failed("close");
    done_ = true;
    return Rename(path_ + ".part", path_);
  }
  static Status Rename(const std::string& part, const std::string& path) {
    std::error_code error;
    std::filesystem::rename(part, path, error);
    if (!error) return OkStatus();
    std::filesystem::remove(part, error);
    return InvalidArgument("path_unwritable", "\"" + path + "\": rename: " + error.message());
  }

 private:
  Status Failed(const char* what) const {
    return InvalidArgument("path_unwritable",
                           "\"" + path_ + "\": " + what + ": " + std::strerror(errno));
  }

  const Console& console_;
  const std::string path_;
  std::ofstream file_;
  bool done_ = false;
};

}  // namespace

std::string_view Text(Lang lang, OutputMsg message) {
  const OutputEntry& entry = kOutputCatalogue[static_cast<size_t>(message)];
  return lang == Lang::kKo ? entry.ko : entry.en;
}

// ---- reconciliation ----

namespace {

std::string WordsOfReason(const Console& console, const std::string& reason) {
  static const std::map<std::string_view, OutputMsg> kWords = {
      {"bad_row", OutputMsg::kWhy_bad_row},
      {"not_in_file", OutputMsg::kWhy_not_in_file},
      {"returned_by_bank", OutputMsg::kWhy_returned_by_bank},
      {"paid_twice", OutputMsg::kWhy_paid_twice},
      {"amount_differs", OutputMsg::kWhy_amount_differs},
      {"partner_differs", OutputMsg::kWhy_partner_differs},
      {"reference_shared", OutputMsg::kWhy_reference_shared},
      {"failed_in_books", OutputMsg::kWhy_failed_in_books},
      {"not_recorded", OutputMsg::kWhy_not_recorded},
      {"unknown_reference", OutputMsg::kWhy_unknown_reference},
      {"tokens_differ", OutputMsg::kWhy_tokens_differ},
      {"twice_in_file", OutputMsg::kWhy_twice_in_file},
      {"not_committed", OutputMsg::kWhy_not_committed},
      {"released", OutputMsg::kWhy_released},
      {"unknown_id", OutputMsg::kWhy_unknown_id},
  };
  const auto words = kWords.find(reason);
  return words == kWords.end() ? reason : Words(console, words->second);
}

ExitCode ShowReconciliation(const Console& console, const outputs::Reconciliation& result) {
  if (console.json) {
    std::vector<std::string> findings;
    for (const outputs::Finding& finding : result.findings) {
      findings.push_back(JsonObject()
                             .Add("reason", finding.reason)
                             .AddUnsigned("line", finding.line)
                             .Add("partner_id", finding.partner)
                             .Add("period", finding.period)
                             .Add("name", finding.name)
                             .Add("books", finding.books)
                             .Add("file", finding.file)
                             .Add("detail", finding.detail)
                             .Take());
    }
    console.out << JsonObject()
                       .AddUnsigned("rows", result.rows)
                       .AddUnsigned("matched", result.matched)
                       .Add("matched_amount", result.matched_amount)
                       .Add("books_amount", result.books_amount)
                       .Add("file_amount", result.file_amount)
                       .AddRaw("findings", JsonArray(findings))
                       .Take()
                << '\n';
  } else {
    Table table({{Words(console, OutputMsg::kColLine), Table::Align::kRight},
                 {console.Words(Msg::kColPartner)},
                 {console.Words(Msg::kFieldPeriod)},
                 {Words(console, OutputMsg::kColName)},
                 {Words(console, OutputMsg::kColBooks), Table::Align::kRight},
                 {Words(console, OutputMsg::kColFile), Table::Align::kRight},
                 {Words(console, OutputMsg::kColWhy)}});
    for (const outputs::Finding& finding : result.findings) {
      std::string why = WordsOfReason(console, finding.reason);
      if (!finding.detail.empty()) why += ": " + ForTerminal(finding.detail);
      table.Row({finding.line == 0 ? "" : GroupedUnsigned(finding.line),
                 ForTerminal(finding.partner), ForTerminal(finding.period),
                 ForTerminal(finding.name), Grouped(finding.books), Grouped(finding.file), why});
    }
    if (table.rows() > 0) console.out << table.Render() << '\n';
    console.out << Words(console, OutputMsg::kReconciled,
                         {GroupedUnsigned(result.rows), GroupedUnsigned(result.matched),
                          Grouped(result.matched_amount), Grouped(result.books_amount),
                          Grouped(result.file_amount), GroupedUnsigned(result.findings.size())})
                << '\n';
  }
  return result.findings.empty() ? ExitCode::kOk : ExitCode::kRefused;
}

}  // namespace

ExitCode ReconcileBankFile(Session& session, const ReconcileParams& params) {
  const Console& console = session.console();
  using Stub = v1::FinanceService::Stub;
  const auto csv = ReadLocalFile(params.file, outputs::kCsvBytesMax);
  if (!csv.ok()) return Usage(console, csv.status());
  std::vector<std::string> periods;
  if (params.period.empty()) {
    const auto closes =
        Ask<v1::FinanceService>(session, &Stub::ListCloses, v1::ListClosesRequest());
    if (!closes.ok()) return console.Fail(closes.status());
    for (const v1::Close& close : closes->closes()) {
      if (close.state() == "posted") periods.push_back(close.period());
    }
  } else {
    periods.push_back(params.period);
  }
  std::vector<outputs::Payout> payouts;
  for (const std::string& period : periods) {
    v1::GetCloseRequest request;
    request.set_period(period);
    const auto close = Ask<v1::FinanceService>(session, &Stub::GetClose, request);
    if (!close.ok()) return console.Fail(close.status());
    for (const v1::Share& share : close->close().shares()) {
      payouts.push_back({.period = period,
                         .partner = share.partner_id(),
                         .state = share.payout_state(),
                         .reference = share.reference(),
                         .won = share.payout_won()});
    }
  }
  const auto result = outputs::ReconcileBank(*csv, payouts);
  if (!result.ok()) return Usage(console, result.status());
  return ShowReconciliation(console, *result);
}

ExitCode ReconcileMeterFile(Session& session, const ReconcileParams& params) {
  const Console& console = session.console();
  using Use = v1::UsageService::Stub;
  const auto csv = ReadLocalFile(params.file, outputs::kCsvBytesMax);
  if (!csv.ok()) return Usage(console, csv.status());
  auto rows = outputs::ReadMeter(*csv, params.partner);
  if (!rows.ok()) return Usage(console, rows.status());
  // Whose use is compared: all partners', so that one missing in the file is noticed.
  std::vector<std::string> partners = {params.partner};
  if (params.partner.empty()) {
    const auto programme = Ask<v1::LedgerService>(session, &v1::LedgerService::Stub::GetProgramme,
                                                  v1::GetProgrammeRequest());
    if (!programme.ok()) return console.Fail(programme.status());
    partners.clear();
    for (const v1::Balance& balance : programme->balances())
      partners.push_back(balance.partner_id());
  }
  std::map<std::string, std::vector<outputs::MeterRow*>> rows_of;
  for (const std::string& partner : partners) rows_of[partner];
  for (outputs::MeterRow& row : *rows) {
    if (!row.bad.empty()) continue;
    const auto of = rows_of.find(row.partner);
    if (of == rows_of.end()) {
      row.bad = "no such partner";
    } else {
      of->second.push_back(&row);
    }
  }
  std::vector<outputs::Call> calls;
  for (const std::string& partner : partners) {
    std::vector<outputs::MeterRow*>& theirs = rows_of[partner];
    for (size_t at = 0; at < theirs.size();) {
      const size_t end = std::min(theirs.size(), at + 10'000);
      v1::NameUseRequest request;
      request.set_partner_id(partner);
      for (size_t i = at; i < end; ++i) request.add_ids(theirs[i]->id);
      const auto named = Ask<v1::UsageService>(session, &Use::NameUse, request);
      if (!named.ok()) return console.Fail(named.status());
      if (named->operations_size() != request.ids_size())
        return console.Fail(
            DataLoss("bad_answer", "the server names fewer calls than it was given"));
      for (int i = 0; at < end; ++at, ++i) theirs[at]->mac = named->operations(i);
    }
    v1::ListUseRequest request;
    request.set_partner_id(partner);
    request.set_period(params.period);
    request.set_page_size(1000);
    do {
      const auto page = Ask<v1::UsageService>(session, &Use::ListUse, request);
      if (!page.ok()) return console.Fail(page.status());
      for (const v1::UseRecord& record : page->records()) {
        calls.push_back({.partner = partner,
                         .id = record.operation(),
                         .reservation = record.reservation(),
                         .kind = record.kind(),
                         .tokens = static_cast<int64_t>(record.free() + record.billable()),
                         .journal_index = record.journal_index()});
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
  }
  return ShowReconciliation(console, outputs::ReconcileMeter(*rows, calls));
}

// ---- statements ----

namespace {

std::string FormatOf(const StatementParams& params, const Console& console) {
  if (!params.format.empty()) return params.format;
  for (const char* ending : {"json", "csv", "xlsx", "pdf"}) {
    if (params.out_file.ends_with("." + std::string(ending))) return ending;
  }
  return console.json ? "json" : "text";
}

std::string TextOf(const outputs::StatementDocument& document) {
  std::string out = ForTerminal(document.title) + "\n\n";
  Table facts({{""}, {""}});
  for (const auto& [label, text] : document.facts) facts.Row({label, ForTerminal(text)});
  out += facts.Render();
  for (const outputs::StatementSection& section : document.sections) {
    std::vector<Table::Column> columns = {{section.title}};
    for (const auto& column : section.columns)
      columns.push_back({column.title, Table::Align::kRight});
    Table table(std::move(columns));
    for (const outputs::StatementRow& row : section.rows) {
      if (row.kind == outputs::RowKind::kBalance && table.rows() > 0) table.Rule();
      std::vector<std::string> cells = {(row.kind == outputs::RowKind::kPart ? "  " : "") +
                                        ForTerminal(row.label)};
      for (size_t i = 0; i < row.amounts.size(); ++i)
        cells.push_back(outputs::AmountText(row.amounts[i], section.columns[i].asset == "won"));
      table.Row(std::move(cells));
    }
    out += "\n" + table.Render();
  }
  out += "\n";
  for (const std::string& note : document.notes) out += ForTerminal(note) + "\n";
  return out;
}

}  // namespace

ExitCode Statement(Session& session, const StatementParams& params) {
  const Console& console = session.console();
  const std::string format = FormatOf(params, console);
  if (params.out_file.empty() && (format == "xlsx" || format == "pdf")) {
    return Usage(console, InvalidArgument("out_missing",
                                          format + " is written to a file: -o FILE." + format));
  }
  v1::GetStatementRequest request;
  request.set_period(params.period);
  request.set_partner_id(params.partner);
  const auto response =
      Ask<v1::FinanceService>(session, &v1::FinanceService::Stub::GetStatement, request);
  if (!response.ok()) return console.Fail(response.status());
  // Made in any case: what does not add up is not handed out in any form.
  const auto document = outputs::DocumentOf(*response, console.lang == Lang::kKo);
  if (!document.ok()) return console.Fail(document.status());
  Status written = OkStatus();
  Sink sink(console, params.out_file);
  if (format == "xlsx") {
    const std::string part = params.out_file + ".part";
    written = outputs::WriteXlsx(*document, part);
    if (written.ok()) written = Sink::Rename(part, params.out_file);
  } else {
    std::string bytes;
    if (format == "pdf") {
      auto pdf = outputs::PdfOf(*document);
      if (!pdf.ok()) return Usage(console, pdf.status());
      bytes = *std::move(pdf);
    } else if (format == "csv") {
      bytes = outputs::CsvOf(*document);
    } else if (format == "json") {
      bytes = MessageJson(*response) + "\n";
    } else {
      bytes = TextOf(*document);
    }
    written = sink.Write(bytes);
    if (written.ok()) written = sink.Close();
  }
  if (!written.ok()) return Usage(console, written);
  if (!params.out_file.empty()) console.Note(Msg::kWrittenTo, {params.out_file});
  return ExitCode::kOk;
}

// ---- the journal for other ledger programs ----

ExitCode LedgerExport(Session& session, const LedgerExportParams& params) {
  const Console& console = session.console();
  using Stub = v1::LedgerService::Stub;
  // Without a file, --json shows the transfers themselves.
  const bool rows = console.json && params.out_file.empty();
  v1::ListJournalRequest request;
  request.set_period(params.period);
  request.set_page_size(1000);
  Sink sink(console, params.out_file);
  std::optional<outputs::ForeignLedger> journal;
  uint64_t transfers = 0;
  do {
    const auto response = Ask<v1::LedgerService>(session, &Stub::ListJournal, request);
    if (!response.ok()) return console.Fail(response.status());
    std::string text;
    if (!journal.has_value()) {
      journal.emplace(params.format == "beancount" ? outputs::ForeignFormat::kBeancount
                                                   : outputs::ForeignFormat::kHledger,
                      params.period, *response);
      const Status head = journal->Head(text);
      if (!head.ok()) return console.Fail(head);
      if (rows) text.clear();
    }
    for (const v1::Transfer& transfer : response->transfers()) {
      ++transfers;
      std::string one;
      const Status added = journal->Add(transfer, one);
      if (!added.ok()) return console.Fail(added);
      text += rows ? TransferJson(transfer) + "\n" : one;
    }
    request.set_page_token(response->next_page_token());
    if (request.page_token().empty()) {
      std::string foot;
      const Status ended = journal->Foot(foot);
      if (!ended.ok()) return console.Fail(ended);
      if (!rows) text += foot;
    }
    const Status written = sink.Write(text);
    if (!written.ok()) return Usage(console, written);
  } while (!request.page_token().empty());
  const Status closed = sink.Close();
  if (!closed.ok()) return Usage(console, closed);
  if (params.out_file.empty()) return ExitCode::kOk;
  if (console.json) {
    console.out << JsonObject()
                       .Add("file", params.out_file)
                       .Add("format", params.format.empty() ? "hledger" : params.format)
                       .Add("period", params.period)
                       .AddUnsigned("transfers", transfers)
                       .Take()
                << '\n';
  } else if (!console.quiet) {
    console.err << Words(console, OutputMsg::kExported,
                         {GroupedUnsigned(transfers), ForTerminal(params.out_file)})
                << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
