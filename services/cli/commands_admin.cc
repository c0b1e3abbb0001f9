#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "jangbu/v1/admin.grpc.pb.h"
#include "jangbu/v1/ledger.grpc.pb.h"
#include "services/cli/ask.h"
#include "services/cli/commands.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/cli/views.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Stub = v1::AdminService::Stub;
using Align = Table::Align;

bool IsPartnerId(const std::string& text) {
  return text.size() >= 2 && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// "Saebit Daily" → "saebit-daily"; other letters are left out.
std::string PartnerIdFrom(const std::string& name) {
  std::string id;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      id.push_back(static_cast<char>(c + 32));
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      id.push_back(c);
    } else if ((c == ' ' || c == '-' || c == '_' || c == '.') && !id.empty() && id.back() != '-') {
      id.push_back('-');
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      return {};
    }
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  if (id.size() > 40) id.resize(40);
  return id;
}

std::string LoginName() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? std::string() : std::string(entry->pw_name);
}

// Shows a new key, or keeps its secret in a file.
ExitCode ShowNewKey(Session& session, const v1::ApiKey& key, const std::string& secret,
                    bool pending, const std::string& out_file) {
  const Console& console = session.console();
  if (!out_file.empty()) {
    const Status written = WriteLocalFile(out_file, secret + "\n", true);
    if (!written.ok()) {
      // The secret exists nowhere else: better on the screen than lost.
      console.out << secret << '\n';
      console.Fail(written);
      return ExitCode::kUsage;
    }
  }
  if (console.json) {
    console.out << KeyJson(key, out_file.empty() ? secret : "") << '\n';
    return ExitCode::kOk;
  }
  const std::string whose = key.partner_id().empty() ? "" : " " + ForTerminal(key.partner_id());
  console.Note(Msg::kKeyIssued, {ForTerminal(key.key_id()), RoleWords(console.lang, key.role()),
                                 whose, ForTerminal(key.person())});
  if (out_file.empty()) {
    console.out << ForTerminal(secret) << '\n';
    console.Note(Msg::kKeyShownOnce);
  } else {
    console.Note(Msg::kKeyWritten, {out_file});
  }
  if (pending) console.Note(Msg::kKeyPending, {ForTerminal(key.key_id())});
  return ExitCode::kOk;
}

}  // namespace

ExitCode PartnerAdd(Session& session, const std::string& name, const std::string& id) {
  const Console& console = session.console();
  v1::AddPartnerRequest request;
  std::string partner_id = id;
  if (partner_id.empty()) partner_id = IsPartnerId(name) ? name : PartnerIdFrom(name);
  if (!IsPartnerId(partner_id)) {
    console.err << "jangbu: " << console.Words(Msg::kPartnerIdNeeded, {ForTerminal(name)}) << '\n';
    return ExitCode::kUsage;
  }
  request.set_partner_id(partner_id);
  request.set_name(name);
  const auto response = Ask<v1::AdminService>(session, &Stub::AddPartner, request);
  if (!response.ok()) return console.Fail(response.status());
  const v1::Partner& partner = response->partner();
  if (console.json) {
    console.out << PartnerJson(partner) << '\n';
  } else {
    console.out << ForTerminal(partner.partner_id()) << '\n';
    console.Note(Msg::kPartnerAdded,
                 {ForTerminal(partner.name()), ForTerminal(partner.partner_id())});
  }
  return ExitCode::kOk;
}

ExitCode PartnerList(Session& session) {
  const Console& console = session.console();
  const auto response =
      Ask<v1::AdminService>(session, &Stub::ListPartners, v1::ListPartnersRequest());
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    for (const auto& partner : response->partners()) console.out << PartnerJson(partner) << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColPartner)},
               {console.Words(Msg::kColName)},
               {console.Words(Msg::kColSince)}});
  for (const auto& partner : response->partners()) {
    table.Row({ForTerminal(partner.partner_id()), ForTerminal(partner.name()),
               KstTime(partner.created_at_micros())});
  }
  console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode KeyIssue(Session& session, const KeyIssueParams& params) {
  const Console& console = session.console();
  const auto role = ParseRole(params.role);
  if (!role.ok()) {
    console.Fail(role.status());
    return ExitCode::kUsage;
  }
  v1::IssueKeyRequest request;
  request.set_role(*role);
  request.set_partner_id(params.partner);
  request.set_person(params.person.empty() ? LoginName() : params.person);
  const auto response = Ask<v1::AdminService>(session, &Stub::IssueKey, request);
  if (!response.ok()) return console.Fail(response.status());
  return ShowNewKey(session, response->key(), response->secret(), response->pending(),
                    params.out_file);
}

ExitCode KeyList(Session& session, const std::string& partner) {
  const Console& console = session.console();
  v1::ListKeysRequest request;
  request.set_partner_id(partner);
  const auto response = Ask<v1::AdminService>(session, &Stub::ListKeys, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    for (const auto& key : response->keys()) console.out << KeyJson(key, "") << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColKey)},
               {console.Words(Msg::kColRole)},
               {console.Words(Msg::kColPartner)},
               {console.Words(Msg::kColPerson)},
               {console.Words(Msg::kColSince)},
               {console.Words(Msg::kColRevoked)}});
  for (const auto& key : response->keys()) {
    table.Row({ForTerminal(key.key_id()), RoleWords(console.lang, key.role()),
               ForTerminal(key.partner_id()), ForTerminal(key.person()),
               KstTime(key.created_at_micros()), KstTime(key.revoked_at_micros())});
  }
  console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode KeyRotate(Session& session, const std::string& key_id, const std::string& out_file) {
  v1::RotateKeyRequest request;
  request.set_key_id(key_id);
  const auto response = Ask<v1::AdminService>(session, &Stub::RotateKey, request);
  if (!response.ok()) return session.console().Fail(response.status());
  return ShowNewKey(session, response->key(), response->secret(), response->pending(), out_file);
}

ExitCode KeyRevoke(Session& session, const std::string& key_id) {
  const Console& console = session.console();
  v1::RevokeKeyRequest request;
  request.set_key_id(key_id);
  const auto response = Ask<v1::AdminService>(session, &Stub::RevokeKey, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << KeyJson(response->key(), "") << '\n';
  } else {
    console.Note(Msg::kKeyRevoked, {ForTerminal(response->key().key_id())});
  }
  return ExitCode::kOk;
}

ExitCode Confirm(Session& session, const ConfirmParams& params) {
  const Console& console = session.console();
  if (params.show_only) {
    auto connection = session.Connect();
    if (!connection.ok()) return console.Fail(connection.status());
    const auto stub = v1::LedgerService::NewStub((*connection)->channel());
    const auto response =
        (*connection)
            ->Call(*stub, &v1::LedgerService::Stub::GetProgramme, v1::GetProgrammeRequest());
    if (!response.ok()) return console.Fail(response.status());
    Table table({{console.Words(Msg::kColPartner)},
                 {console.Words(Msg::kColWaiting), Align::kRight},
                 {console.Words(Msg::kColProvisionalTokens), Align::kRight},
                 {console.Words(Msg::kColProvisionalWords), Align::kRight}});
    for (const auto& balance : response->balances()) {
      if (console.json) {
        console.out << JsonObject()
                           .Add("partner_id", balance.partner_id())
                           .Add("documents_awaiting_confirmation",
                                balance.documents_awaiting_confirmation())
                           .Add("provisional_korean_tokens", balance.provisional_korean_tokens())
                           .Add("provisional_korean_words", balance.provisional_korean_words())
                           .Take()
                    << '\n';
      }
      table.Row({ForTerminal(balance.partner_id()),
                 Grouped(balance.documents_awaiting_confirmation()),
                 Grouped(balance.provisional_korean_tokens()),
                 Grouped(balance.provisional_korean_words())});
    }
    if (!console.json) console.out << table.Render();
    return ExitCode::kOk;
  }
  if (!params.release.empty() && params.reason.empty()) {
    console.err << "jangbu: " << console.Words(Msg::kReleaseNeedsReason) << '\n';
    return ExitCode::kUsage;
  }
  v1::RunConfirmationRequest request;
  for (const std::string& partner : params.release) request.add_release_partner_ids(partner);
  request.set_reason(params.reason);
  // A run over millions of documents outlasts any ordinary deadline.
  auto connection = session.Connect();
  if (!connection.ok()) return console.Fail(connection.status());
  const auto stub = v1::AdminService::NewStub((*connection)->channel());
  grpc::ClientContext context;
  (*connection)->Prepare(context);
  v1::RunConfirmationResponse response;
  const Status status = FromGrpc(stub->RunConfirmation(&context, request, &response));
  if (!status.ok()) return console.Fail(status);
  if (console.json) {
    std::vector<std::string> lots;
    for (const auto& lot : response.lots()) lots.push_back(LotJson(lot));
    console.out << JsonObject()
                       .Add("documents_decided", response.documents_decided())
                       .Add("documents_waiting", response.documents_waiting())
                       .AddRaw("lots", JsonArray(lots))
                       .Take()
                << '\n';
    return ExitCode::kOk;
  }
  console.out << console.Words(Msg::kConfirmed, {Grouped(response.documents_decided()),
                                                 Grouped(response.lots_size()),
                                                 Grouped(response.documents_waiting())})
              << '\n';
  if (response.lots_size() > 0) {
    Table table({{console.Words(Msg::kColPartner)},
                 {console.Words(Msg::kColLot), Align::kRight},
                 {console.Words(Msg::kColDocuments), Align::kRight},
                 {console.Words(Msg::kColProvisionalTokens), Align::kRight},
                 {console.Words(Msg::kColConfirmedTokens), Align::kRight},
                 {console.Words(Msg::kColProvisionalWords), Align::kRight},
                 {console.Words(Msg::kColConfirmedWords), Align::kRight},
                 {""}});
    for (const auto& lot : response.lots()) {
      table.Row({ForTerminal(lot.partner_id()), GroupedUnsigned(lot.lot()),
                 Grouped(lot.documents()), Grouped(lot.provisional_korean_tokens()),
                 Grouped(lot.confirmed_korean_tokens()), Grouped(lot.provisional_korean_words()),
                 Grouped(lot.confirmed_korean_words()),
                 lot.released() ? console.Words(Msg::kReleased) : ""});
    }
    console.out << table.Render();
  }
  if (response.documents_waiting() > 0) console.Note(Msg::kSomeWait);
  return ExitCode::kOk;
}

ExitCode Items(Session& session, const std::string& upload) {
  const Console& console = session.console();
  auto connection = session.Connect();
  if (!connection.ok()) return console.Fail(connection.status());
  const auto stub = v1::AdminService::NewStub((*connection)->channel());
  grpc::ClientContext context;
  (*connection)->Prepare(context);
  v1::ListItemsRequest request;
  request.set_upload_id(upload);
  auto stream = stub->ListItems(&context, request);
  v1::ListItemsResponse item;
  if (!console.json) console.out << console.Words(Msg::kItemsHeader) << '\n';
  while (stream->Read(&item)) {
    if (console.json) {
      console.out << ItemJson(upload, item) << '\n';
      continue;
    }
    char line[160];
    std::snprintf(line, sizeof line, "%-16s %14s %14s  #%u:%llu", item.operator_verdict().c_str(),
                  Grouped(item.item_korean_tokens()).c_str(),
                  Grouped(item.item_korean_words()).c_str(), item.file_number(),
                  static_cast<unsigned long long>(item.record()));
    console.out << ForTerminal(line);
    if (!item.covered_by().empty()) console.out << "  <- " << ForTerminal(item.covered_by());
    console.out << '\n';
  }
  const Status status = FromGrpc(stream->Finish());
  return status.ok() ? ExitCode::kOk : console.Fail(status);
}

ExitCode BooksRoot(Session& session) {
  const Console& console = session.console();
  auto connection = session.Connect();
  if (!connection.ok()) return console.Fail(connection.status());
  const auto stub = v1::AdminService::NewStub((*connection)->channel());
  grpc::ClientContext context;
  (*connection)->Prepare(context);
  v1::GetBooksRootResponse response;
  const Status status =
      FromGrpc(stub->GetBooksRoot(&context, v1::GetBooksRootRequest(), &response));
  if (!status.ok()) return console.Fail(status);
  if (console.json) {
    console.out << JsonObject().Add("books_root", response.books_root()).Take() << '\n';
  } else {
    console.out << ForTerminal(response.books_root()) << '\n';
  }
  return ExitCode::kOk;
}

Status RememberServerLog(Session& session) {
  JANGBU_ASSIGN_OR_RETURN(
      const v1::GetServerInfoResponse info,
      Ask<v1::AdminService>(session, &Stub::GetServerInfo, v1::GetServerInfoRequest()));
  if (info.log_verifier_key().empty()) return OkStatus();
  return KnownLogs(session.settings().state_dir)
      .RememberKey(info.log_origin(), info.log_verifier_key());
}

ExitCode ServerInfo(Session& session) {
  const Console& console = session.console();
  const auto response =
      Ask<v1::AdminService>(session, &Stub::GetServerInfo, v1::GetServerInfoRequest());
  if (!response.ok()) return console.Fail(response.status());
  const v1::GetServerInfoResponse& info = *response;
  const KnownLogs logs(session.settings().state_dir);
  const Status known = info.log_verifier_key().empty()
                           ? OkStatus()
                           : logs.RememberKey(info.log_origin(), info.log_verifier_key());
  if (console.json) {
    console.out << JsonObject()
                       .Add("version", info.version())
                       .Add("tokenizer_algorithm", info.tokenizer_algorithm())
                       .Add("tokenizer_sha256", info.tokenizer_sha256())
                       .Add("unicode_version", info.unicode_version())
                       .Add("log_origin", info.log_origin())
                       .Add("log_verifier_key", info.log_verifier_key())
                       .AddUnsigned("journal_size", info.journal_size())
                       .Add("http_address", info.http_address())
                       .Take()
                << '\n';
  } else {
    Table table({{console.Words(Msg::kColWhat)}, {console.Words(Msg::kColValue)}});
    table.Row({console.Words(Msg::kInfoServer), session.settings().server});
    table.Row({console.Words(Msg::kInfoVersion), ForTerminal(info.version())});
    table.Row({console.Words(Msg::kInfoTokenizer),
               ForTerminal(info.tokenizer_algorithm() + " " + info.tokenizer_sha256())});
    table.Row({console.Words(Msg::kInfoUnicode), ForTerminal(info.unicode_version())});
    table.Row({console.Words(Msg::kInfoLog), ForTerminal(info.log_verifier_key())});
    if (info.journal_size() > 0) {
      table.Row({console.Words(Msg::kInfoJournal), GroupedUnsigned(info.journal_size())});
    }
    if (!info.http_address().empty())
      table.Row({console.Words(Msg::kInfoHttp), ForTerminal(info.http_address())});
    console.out << table.Render();
  }
  if (known.ok()) return ExitCode::kOk;
  if (absl::IsFailedPrecondition(known)) return console.Fail(known);
  console.Warn(Msg::kNotRemembered, {ForTerminal(MessageOf(known))});
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
