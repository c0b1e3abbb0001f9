#include <algorithm>

#include "jangbu/v1/ledger.grpc.pb.h"
#include "services/cli/ask.h"
#include "services/cli/commands.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/views.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Stub = v1::LedgerService::Stub;
using Align = Table::Align;

StatusOr<int64_t> AsOf(const std::string& text) {
  if (text.empty()) return 0;
  return ParseTime(text);
}

void ShowBalance(const Console& console, const v1::Balance& balance) {
  const v1::Counts& counts = balance.counts();
  console.out << console.Words(Msg::kBalanceTitle,
                               {ForTerminal(balance.partner_id()), KstTime(balance.as_of_micros())})
              << "\n\n";
  Table credit({{""},
                {console.Words(Msg::kColKoreanTokens), Align::kRight},
                {console.Words(Msg::kColKoreanWords), Align::kRight}});
  credit.Row({console.Words(Msg::kProvisional), Grouped(balance.provisional_korean_tokens()),
              Grouped(balance.provisional_korean_words())});
  credit.Row({console.Words(Msg::kConfirmedCredit), Grouped(balance.confirmed_korean_tokens()),
              Grouped(balance.confirmed_korean_words())});
  console.out << credit.Render() << '\n';

  Table entitlement(
      {{console.Words(Msg::kEntitlement)}, {console.Words(Msg::kColApiTokens), Align::kRight}});
  entitlement.Row(
      {console.Words(Msg::kEntitlementPending), Grouped(balance.entitlement_pending())});
  entitlement.Row(
      {console.Words(Msg::kEntitlementAvailable), Grouped(balance.entitlement_available())});
  entitlement.Row(
      {console.Words(Msg::kEntitlementReserved), Grouped(balance.entitlement_reserved())});
  entitlement.Row({console.Words(Msg::kEntitlementSpent), Grouped(balance.entitlement_spent())});
  console.out << entitlement.Render();
  const auto confirmed =
      static_cast<uint64_t>(std::max<int64_t>(balance.confirmed_korean_words(), 0));
  const auto threshold =
      static_cast<uint64_t>(std::max<int64_t>(balance.membership_threshold_words(), 0));
  console.out << console.Words(balance.member() ? Msg::kMember : Msg::kNotMember,
                               {Grouped(balance.membership_threshold_words()),
                                Percent(confirmed, threshold, 4)})
              << "\n\n";

  Table documents({{console.Words(Msg::kColType)},
                   {console.Words(Msg::kColDocuments), Align::kRight},
                   {console.Words(Msg::kVerdictAccepted), Align::kRight},
                   {console.Words(Msg::kVerdictExact), Align::kRight},
                   {console.Words(Msg::kVerdictNear), Align::kRight},
                   {console.Words(Msg::kVerdictRejected), Align::kRight},
                   {console.Words(Msg::kColWords), Align::kRight},
                   {console.Words(Msg::kColTokens), Align::kRight},
                   {console.Words(Msg::kColNovelTokens), Align::kRight},
                   {console.Words(Msg::kColNovelWords), Align::kRight}});
  const auto row = [&](const std::string& name, const v1::Counts& c) {
    documents.Row({name, Grouped(c.documents()), Grouped(c.accepted()),
                   Grouped(c.exact_duplicate()), Grouped(c.near_duplicate()), Grouped(c.rejected()),
                   Grouped(c.words()), Grouped(c.tokens()), Grouped(c.novel_korean_tokens()),
                   Grouped(c.novel_korean_words())});
  };
  for (const auto& figures : balance.by_source_type()) {
    row(SourceTypeWords(console.lang, figures.source_type()), figures.counts());
  }
  if (balance.by_source_type_size() > 0) documents.Rule();
  row(console.Words(Msg::kTotal), counts);
  console.out << documents.Render();
  if (balance.documents_awaiting_confirmation() > 0) {
    console.out << console.Words(Msg::kAwaiting,
                                 {Grouped(balance.documents_awaiting_confirmation())})
                << '\n';
  }
}

}  // namespace

ExitCode BalanceOf(Session& session, const std::string& partner, const std::string& as_of) {
  const Console& console = session.console();
  const auto at = AsOf(as_of);
  if (!at.ok()) {
    console.Fail(at.status());
    return ExitCode::kUsage;
  }
  v1::GetBalanceRequest request;
  request.set_partner_id(partner);
  request.set_as_of_micros(*at);
  const auto response = Ask<v1::LedgerService>(session, &Stub::GetBalance, request);
  if (!response.ok()) {
    // Who is no partner and names none means everybody.
    if (partner.empty() && absl::IsInvalidArgument(response.status()))
      return Programme(session, as_of);
    return console.Fail(response.status());
  }
  if (console.json) {
    console.out << BalanceJson(response->balance()) << '\n';
  } else {
    ShowBalance(console, response->balance());
  }
  return ExitCode::kOk;
}

ExitCode Programme(Session& session, const std::string& as_of) {
  const Console& console = session.console();
  const auto at = AsOf(as_of);
  if (!at.ok()) {
    console.Fail(at.status());
    return ExitCode::kUsage;
  }
  v1::GetProgrammeRequest request;
  request.set_as_of_micros(*at);
  const auto response = Ask<v1::LedgerService>(session, &Stub::GetProgramme, request);
  if (!response.ok()) return console.Fail(response.status());
  const v1::GetProgrammeResponse& programme = *response;
  if (console.json) {
    std::vector<std::string> balances;
    for (const auto& balance : programme.balances()) balances.push_back(BalanceJson(balance));
    console.out << JsonObject()
                       .AddRaw("balances", JsonArray(balances))
                       .Add("total_confirmed_korean_tokens",
                            programme.total_confirmed_korean_tokens())
                       .Add("total_provisional_korean_tokens",
                            programme.total_provisional_korean_tokens())
                       .Add("total_tokens", programme.total_tokens())
                       .Add("target_tokens", programme.target_tokens())
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColPartner)},
               {console.Words(Msg::kColDocuments), Align::kRight},
               {console.Words(Msg::kVerdictAccepted), Align::kRight},
               {console.Words(Msg::kVerdictExact), Align::kRight},
               {console.Words(Msg::kVerdictNear), Align::kRight},
               {console.Words(Msg::kVerdictRejected), Align::kRight},
               {console.Words(Msg::kColWords), Align::kRight},
               {console.Words(Msg::kColTokens), Align::kRight},
               {console.Words(Msg::kColProvisionalTokens), Align::kRight},
               {console.Words(Msg::kColConfirmedTokens), Align::kRight},
               {console.Words(Msg::kColConfirmedWords), Align::kRight},
               {console.Words(Msg::kEntitlement), Align::kRight},
               {""}});
  v1::Counts sum;
  int64_t provisional = 0;
  int64_t confirmed = 0;
  int64_t words = 0;
  int64_t entitlement = 0;
  for (const auto& b : programme.balances()) {
    const v1::Counts& c = b.counts();
    const int64_t owned = b.entitlement_pending() + b.entitlement_available();
    table.Row({ForTerminal(b.partner_id()), Grouped(c.documents()), Grouped(c.accepted()),
               Grouped(c.exact_duplicate()), Grouped(c.near_duplicate()), Grouped(c.rejected()),
               Grouped(c.words()), Grouped(c.tokens()), Grouped(b.provisional_korean_tokens()),
               Grouped(b.confirmed_korean_tokens()), Grouped(b.confirmed_korean_words()),
               Grouped(owned), console.Words(b.member() ? Msg::kMemberShort : Msg::kPendingShort)});
    sum.set_documents(sum.documents() + c.documents());
    sum.set_accepted(sum.accepted() + c.accepted());
    sum.set_exact_duplicate(sum.exact_duplicate() + c.exact_duplicate());
    sum.set_near_duplicate(sum.near_duplicate() + c.near_duplicate());
    sum.set_rejected(sum.rejected() + c.rejected());
    sum.set_words(sum.words() + c.words());
    sum.set_tokens(sum.tokens() + c.tokens());
    provisional += b.provisional_korean_tokens();
    confirmed += b.confirmed_korean_tokens();
    words += b.confirmed_korean_words();
    entitlement += owned;
  }
  if (programme.balances_size() > 1) {
    table.Rule();
    table.Row({console.Words(Msg::kTotal), Grouped(sum.documents()), Grouped(sum.accepted()),
               Grouped(sum.exact_duplicate()), Grouped(sum.near_duplicate()),
               Grouped(sum.rejected()), Grouped(sum.words()), Grouped(sum.tokens()),
               Grouped(provisional), Grouped(confirmed), Grouped(words), Grouped(entitlement), ""});
  }
  console.out
      << table.Render() << '\n'
      << console.Words(
             Msg::kProgrammeTotal,
             {Grouped(programme.total_confirmed_korean_tokens()),
              Grouped(programme.total_provisional_korean_tokens()),
              Grouped(programme.target_tokens()),
              Percent(static_cast<uint64_t>(
                          std::max<int64_t>(programme.total_confirmed_korean_tokens(), 0)),
                      static_cast<uint64_t>(std::max<int64_t>(programme.target_tokens(), 0)), 6),
              Grouped(programme.total_tokens())})
      << '\n';
  return ExitCode::kOk;
}

ExitCode Transfers(Session& session, const std::string& partner, uint64_t limit) {
  const Console& console = session.console();
  Table table({{console.Words(Msg::kColTime)},
               {console.Words(Msg::kColAsset)},
               {console.Words(Msg::kColAmount), Align::kRight},
               {console.Words(Msg::kColDebit)},
               {console.Words(Msg::kColCredit)},
               {console.Words(Msg::kColCode)},
               {console.Words(Msg::kColJournal), Align::kRight}});
  v1::ListTransfersRequest request;
  request.set_partner_id(partner);
  request.set_page_size(1000);
  uint64_t shown = 0;
  do {
    const auto response = Ask<v1::LedgerService>(session, &Stub::ListTransfers, request);
    if (!response.ok()) return console.Fail(response.status());
    for (const auto& t : response->transfers()) {
      if (limit > 0 && shown >= limit) break;
      ++shown;
      if (console.json) {
        console.out << TransferJson(t) << '\n';
      } else {
        table.Row({KstTime(t.at_micros()), ForTerminal(t.asset()), Grouped(t.amount()),
                   ForTerminal(t.debit_account()), ForTerminal(t.credit_account()),
                   ForTerminal(t.code()), GroupedUnsigned(t.journal_index())});
      }
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty() && (limit == 0 || shown < limit));
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode Lots(Session& session, const std::string& partner) {
  const Console& console = session.console();
  Table table({{console.Words(Msg::kColLot)},
               {console.Words(Msg::kColTime)},
               {console.Words(Msg::kColDocuments), Align::kRight},
               {console.Words(Msg::kColProvisionalTokens), Align::kRight},
               {console.Words(Msg::kColConfirmedTokens), Align::kRight},
               {console.Words(Msg::kColConfirmedWords), Align::kRight},
               {console.Words(Msg::kEntitlement), Align::kRight},
               {console.Words(Msg::kColJournal), Align::kRight},
               {""}});
  v1::ListLotsRequest request;
  request.set_partner_id(partner);
  request.set_page_size(1000);
  do {
    const auto response = Ask<v1::LedgerService>(session, &Stub::ListLots, request);
    if (!response.ok()) return console.Fail(response.status());
    for (const auto& lot : response->lots()) {
      if (console.json) {
        console.out << LotJson(lot) << '\n';
      } else {
        table.Row({ForTerminal(lot.lot_id()), KstTime(lot.at_micros()), Grouped(lot.documents()),
                   Grouped(lot.provisional_korean_tokens()), Grouped(lot.confirmed_korean_tokens()),
                   Grouped(lot.confirmed_korean_words()), Grouped(lot.entitlement_granted()),
                   GroupedUnsigned(lot.journal_index()),
                   lot.released() ? console.Words(Msg::kReleased) : ""});
      }
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
