// Re-counting: the shadow run, its report, and the decision of another person.

#include <fstream>
#include <iterator>

#include "jangbu/v1/finance.grpc.pb.h"
#include "services/cli/ask.h"
#include "services/cli/commands.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/message_json.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Stub = v1::FinanceService::Stub;
using Align = Table::Align;

void Show(const Console& console, const v1::Recount& recount) {
  if (console.json) {
    console.out << MessageJson(recount) << '\n';
    return;
  }
  const auto right = [&](Msg title) { return Table::Column{console.Words(title), Align::kRight}; };
  Table table({{console.Words(Msg::kColPartner)},
               right(Msg::kColDocuments),
               right(Msg::kFieldChanged),
               right(Msg::kFieldTokensBefore),
               right(Msg::kFieldAfter),
               right(Msg::kFieldDifferenceOf),
               right(Msg::kFieldWordsBefore),
               right(Msg::kFieldAfter),
               right(Msg::kFieldDifferenceOf)});
  const auto row = [&](const std::string& name, const v1::RecountLine& line) {
    table.Row({name, Grouped(line.documents()), Grouped(line.changed()),
               Grouped(line.korean_tokens_before()), Grouped(line.korean_tokens_after()),
               Grouped(line.korean_tokens_after() - line.korean_tokens_before()),
               Grouped(line.korean_words_before()), Grouped(line.korean_words_after()),
               Grouped(line.korean_words_after() - line.korean_words_before())});
  };
  v1::RecountLine sum;
  for (const v1::RecountLine& line : recount.lines()) {
    row(ForTerminal(line.partner_id()), line);
    sum.set_documents(sum.documents() + line.documents());
    sum.set_changed(sum.changed() + line.changed());
    sum.set_korean_tokens_before(sum.korean_tokens_before() + line.korean_tokens_before());
    sum.set_korean_tokens_after(sum.korean_tokens_after() + line.korean_tokens_after());
    sum.set_korean_words_before(sum.korean_words_before() + line.korean_words_before());
    sum.set_korean_words_after(sum.korean_words_after() + line.korean_words_after());
  }
  table.Rule();
  row(ForTerminal(recount.state()), sum);
  console.out << table.Render();
}

}  // namespace

ExitCode RecountBegin(Session& session, const RecountParams& params) {
  const Console& console = session.console();
  v1::BeginRecountRequest request;
  if (!params.tokenizer_file.empty()) {
    std::ifstream in(params.tokenizer_file, std::ios::binary);
    if (!in) return console.Fail(NotFound("path_not_found", params.tokenizer_file));
    request.set_tokenizer(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  request.set_min_run(params.min_run);
  request.set_near_ppm(params.near_ppm);
  request.set_novel_ppm(params.novel_ppm);
  // A shadow run takes as long as it takes.
  const auto connection = session.Connect();
  if (!connection.ok()) return console.Fail(connection.status());
  const auto stub = v1::FinanceService::NewStub((*connection)->channel());
  grpc::ClientContext context;
  (*connection)->Prepare(context);
  v1::BeginRecountResponse response;
  const Status status = FromGrpc(stub->BeginRecount(&context, request, &response));
  if (!status.ok()) return console.Fail(status);
  Show(console, response.recount());
  console.Note(Msg::kRecountWaits, {std::to_string(response.recount().recount())});
  return ExitCode::kOk;
}

ExitCode RecountDecide(Session& session, uint64_t number, bool approve) {
  v1::DecideRecountRequest request;
  request.set_recount(static_cast<uint32_t>(number));
  request.set_approve(approve);
  const auto response = Ask<v1::FinanceService>(session, &Stub::DecideRecount, request);
  if (!response.ok()) return session.console().Fail(response.status());
  Show(session.console(), response->recount());
  if (approve) session.console().Note(Msg::kRecountApproved, {});
  return ExitCode::kOk;
}

ExitCode RecountShow(Session& session, uint64_t number) {
  const auto response =
      Ask<v1::FinanceService>(session, &Stub::ListRecounts, v1::ListRecountsRequest());
  if (!response.ok()) return session.console().Fail(response.status());
  for (const v1::Recount& recount : response->recounts()) {
    if (recount.recount() != number) continue;
    Show(session.console(), recount);
    return ExitCode::kOk;
  }
  return session.console().Fail(NotFound("no_such_recount", "there is no such re-count"));
}

ExitCode RecountList(Session& session) {
  const Console& console = session.console();
  const auto response =
      Ask<v1::FinanceService>(session, &Stub::ListRecounts, v1::ListRecountsRequest());
  if (!response.ok()) return console.Fail(response.status());
  Table table({{console.Words(Msg::kFieldRecount), Align::kRight},
               {console.Words(Msg::kColState)},
               {console.Words(Msg::kFieldProposedBy)},
               {console.Words(Msg::kColTime)},
               {console.Words(Msg::kFieldDecidedBy)}});
  for (const v1::Recount& recount : response->recounts()) {
    if (console.json) {
      console.out << MessageJson(recount) << '\n';
      continue;
    }
    table.Row({std::to_string(recount.recount()), ForTerminal(recount.state()),
               ForTerminal(recount.begun_by()), KstTime(recount.begun_at_micros()),
               ForTerminal(recount.decided_by())});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
