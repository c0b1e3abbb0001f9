#include "services/cli/commands_outputs.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "jangbu/v1/ledger.grpc.pb.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/views.h"
#include "services/outputs/foreign_ledger.h"

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
  std::string text(Text(console.lang, message));
  size_t n = 0;
  for (const std::string_view arg : args) {
    const std::string hole = "{" + std::to_string(n++) + "}";
    if (const size_t at = text.find(hole); at != std::string::npos)
      text.replace(at, hole.size(), arg);
  }
  return text;
}

template <typename Service, typename Request, typename Response>
StatusOr<Response> AskOf(Session& session,
                         grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                               Response*),
                         const Request& request) {
  JANGBU_ASSIGN_OR_RETURN(Connection* const connection, session.Connect());
  const auto stub = Service::NewStub(connection->channel());
  return connection->Call(*stub, method, request);
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
    std::error_code error;
    std::filesystem::rename(path_ + ".part", path_, error);
    if (error) return Failed("rename");
    done_ = true;
    return OkStatus();
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
    const auto response = AskOf<v1::LedgerService>(session, &Stub::ListJournal, request);
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
