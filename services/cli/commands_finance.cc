// Policy, closes, corrections, withdrawal, claims, use of entitlements.
//
// What comes back is shown by the names of its fields: one object a line with --json, else tables
// whose titles are in the reader's language.

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "base/bytes.h"
#include "base/digest.h"
#include "jangbu/v1/admin.grpc.pb.h"
#include "jangbu/v1/finance.grpc.pb.h"
#include "services/api_key/api_key.h"
#include "services/cli/ask.h"
#include "services/cli/commands.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/known_logs.h"
#include "services/cli/message_json.h"
#include "services/cli/views.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
namespace pb = google::protobuf;
using Stub = v1::FinanceService::Stub;
using Align = Table::Align;

// ---- messages as tables ----

// What a field is called in a table.
std::string Title(const Console& console, std::string_view name) {
  static const std::map<std::string_view, Msg> kTitles = {
      {"partner_id", Msg::kColPartner},
      {"period", Msg::kFieldPeriod},
      {"state", Msg::kColState},
      {"version", Msg::kFieldVersion},
      {"policy_version", Msg::kFieldPolicy},
      {"effective_from_micros", Msg::kFieldEffective},
      {"proposed_by", Msg::kFieldProposedBy},
      {"asked_by", Msg::kFieldProposedBy},
      {"drafted_by", Msg::kFieldProposedBy},
      {"decided_by", Msg::kFieldDecidedBy},
      {"posted_by", Msg::kFieldPostedBy},
      {"revenue_won", Msg::kFieldRevenue},
      {"pool_won", Msg::kFieldPool},
      {"carried_in_won", Msg::kFieldCarriedIn},
      {"carried_over_won", Msg::kFieldCarriedOver},
      {"total_weight", Msg::kFieldTotalWeight},
      {"weight", Msg::kFieldWeight},
      {"share_won", Msg::kFieldShare},
      {"held_won", Msg::kFieldHeld},
      {"payout_won", Msg::kFieldPayout},
      {"payout_state", Msg::kFieldPayment},
      {"attempts", Msg::kFieldAttempts},
      {"reference", Msg::kFieldReference},
      {"correction", Msg::kFieldCorrection},
      {"won", Msg::kFieldWon},
      {"about", Msg::kFieldAbout},
      {"reason", Msg::kFieldReason},
      {"withdrawal", Msg::kFieldWithdrawal},
      {"at_micros", Msg::kColTime},
      {"documents", Msg::kColDocuments},
      {"provisional_korean_tokens", Msg::kColProvisionalTokens},
      {"provisional_korean_words", Msg::kColProvisionalWords},
      {"settled_documents", Msg::kFieldSettledDocuments},
      {"settled_korean_tokens", Msg::kFieldSettledTokens},
      {"settled_korean_words", Msg::kFieldSettledWords},
      {"claim", Msg::kFieldClaim},
      {"document", Msg::kColDocument},
      {"opened_at_micros", Msg::kFieldOpened},
      {"settled_at_micros", Msg::kFieldSettled},
      {"holder_id", Msg::kFieldHolder},
      {"account", Msg::kFieldAccount},
      {"asset", Msg::kColAsset},
      {"opening", Msg::kFieldOpening},
      {"closing", Msg::kFieldClosing},
      {"code", Msg::kColCode},
      {"amount", Msg::kColAmount},
      {"remaining", Msg::kFieldRemaining},
      {"reserved", Msg::kEntitlementReserved},
      {"spent", Msg::kEntitlementSpent},
      {"expired", Msg::kFieldExpired},
      {"available", Msg::kEntitlementAvailable},
      {"pending", Msg::kEntitlementPending},
      {"owed", Msg::kFieldOwed},
      {"granted", Msg::kFieldGranted},
      {"billed_won", Msg::kFieldBilled},
      {"priority", Msg::kFieldPriority},
      {"granted_at_micros", Msg::kFieldGrantedAt},
      {"expires_at_micros", Msg::kFieldExpiresAt},
      {"discount_basis_points", Msg::kFieldDiscount},
      {"tokens", Msg::kColTokens},
      {"outcome", Msg::kFieldOutcome},
      {"free", Msg::kFieldFree},
      {"billable", Msg::kFieldBillable},
      {"key_id", Msg::kColKey},
      {"person", Msg::kColPerson},
      {"replaces", Msg::kFieldReplaces},
  };
  const auto title = kTitles.find(name);
  return title == kTitles.end() ? std::string(name) : console.Words(title->second);
}

std::string Cell(const pb::Message& message, const pb::FieldDescriptor& field) {
  const pb::Reflection& r = *message.GetReflection();
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT64: {
      const int64_t v = r.GetInt64(message, &field);
      if (IsTimeField(field)) return v == 0 || v == INT64_MIN ? "" : KstTime(v);
      return Grouped(v);
    }
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return GroupedUnsigned(r.GetUInt64(message, &field));
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return GroupedUnsigned(r.GetUInt32(message, &field));
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return ForTerminal(r.GetString(message, &field));
    default:
      return "";
  }
}

using Columns = std::vector<const char*>;

template <typename Rows>
void ShowRows(const Console& console, const Rows& rows, const Columns& columns) {
  if (console.json) {
    for (const auto& row : rows) console.out << MessageJson(row) << '\n';
    return;
  }
  using Row = std::decay_t<decltype(*rows.begin())>;
  std::vector<Table::Column> titles;
  std::vector<const pb::FieldDescriptor*> fields;
  for (const char* name : columns) {
    const pb::FieldDescriptor* field = Row::descriptor()->FindFieldByName(name);
    const bool text =
        field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING || IsTimeField(*field);
    titles.push_back({Title(console, name), text ? Align::kLeft : Align::kRight});
    fields.push_back(field);
  }
  Table table(std::move(titles));
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const pb::FieldDescriptor* field : fields) cells.push_back(Cell(row, *field));
    table.Row(std::move(cells));
  }
  console.out << table.Render();
}

// One thing: a line for each field that says something.
void ShowOne(const Console& console, const pb::Message& message, const Columns& columns) {
  Table table({{console.Words(Msg::kColWhat)}, {console.Words(Msg::kColValue), Align::kRight}});
  for (const char* name : columns) {
    const pb::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    const std::string cell = Cell(message, *field);
    if (!cell.empty()) table.Row({Title(console, name), cell});
  }
  console.out << table.Render();
}

StatusOr<std::vector<v1::PolicyValue>> ChangesOf(const std::vector<std::string>& settings) {
  std::vector<v1::PolicyValue> changes;
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return InvalidArgument("bad_policy_field", "expected NAME=VALUE, got " + setting);
    v1::PolicyValue& change = changes.emplace_back();
    change.set_name(setting.substr(0, equals));
    change.set_value(setting.substr(equals + 1));
  }
  return changes;
}

ExitCode Usage(const Console& console, const Status& status) {
  console.Fail(status);
  return ExitCode::kUsage;
}

void ShowPolicy(const Console& console, const v1::PolicyVersion& policy) {
  if (console.json) {
    console.out << MessageJson(policy) << '\n';
    return;
  }
  ShowOne(console, policy,
          {"version", "state", "effective_from_micros", "proposed_by", "decided_by"});
  Table table({{console.Words(Msg::kColWhat)}, {console.Words(Msg::kColValue), Align::kRight}});
  for (const auto& value : policy.values())
    table.Row({ForTerminal(value.name()), ForTerminal(value.value())});
  console.out << '\n' << table.Render();
}

void ShowClose(const Console& console, const v1::Close& close) {
  if (console.json) {
    console.out << MessageJson(close) << '\n';
    return;
  }
  ShowOne(console, close,
          {"period", "state", "policy_version", "revenue_won", "carried_in_won", "pool_won",
           "carried_over_won", "total_weight", "drafted_by", "decided_by", "posted_by"});
  console.out << '\n';
  ShowRows(console, close.shares(),
           {"partner_id", "weight", "share_won", "held_won", "payout_won", "payout_state",
            "attempts", "reference"});
}

ExitCode WriteText(const Console& console, const std::string& out_file, const std::string& text) {
  if (out_file.empty()) {
    console.out << text;
    return ExitCode::kOk;
  }
  const Status written = WriteLocalFile(out_file, text, false);
  if (!written.ok()) return Usage(console, written);
  console.Note(Msg::kWrittenTo, {out_file});
  return ExitCode::kOk;
}

StatusOr<std::string> FileSha256(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound("path_not_found", path);
  Sha256Stream digest;
  std::string buffer(size_t{1} << 20, '\0');
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.Update(std::string_view(buffer.data(), static_cast<size_t>(in.gcount())));
  }
  return std::string(AsView(digest.Peek()));
}

// The partner of "hanbit/u3#0:1", or "".
std::string PartnerOfId(const std::string& id) { return id.substr(0, id.find('/')); }

}  // namespace

// ---- keys that take two persons ----

ExitCode KeyDecide(Session& session, const std::string& key_id, bool approve,
                   const std::string& out_file) {
  const Console& console = session.console();
  v1::DecideKeyRequest request;
  request.set_key_id(key_id);
  request.set_approve(approve);
  const auto response = Ask<v1::AdminService>(session, &v1::AdminService::Stub::DecideKey, request);
  if (!response.ok()) return console.Fail(response.status());
  if (!out_file.empty() && approve) {
    const Status written = WriteLocalFile(out_file, response->secret() + "\n", true);
    if (!written.ok()) return Usage(console, written);
    console.Note(Msg::kKeyWritten, {out_file});
    return ExitCode::kOk;
  }
  if (console.json) {
    console.out << MessageJson(*response) << '\n';
    return ExitCode::kOk;
  }
  if (approve) {
    console.out << ForTerminal(response->secret()) << '\n';
    console.Note(Msg::kKeySecondHalf);
  }
  return ExitCode::kOk;
}

ExitCode KeyRequests(Session& session) {
  const auto response = Ask<v1::AdminService>(session, &v1::AdminService::Stub::ListKeyRequests,
                                              v1::ListKeyRequestsRequest());
  if (!response.ok()) return session.console().Fail(response.status());
  ShowRows(session.console(), response->requests(),
           {"key_id", "person", "replaces", "state", "asked_by", "decided_by"});
  return ExitCode::kOk;
}

ExitCode KeyJoin(Session& session, const std::string& first, const std::string& second,
                 const std::string& out_file) {
  const Console& console = session.console();
  const auto key = JoinHalves(first, second);
  if (!key.ok()) return Usage(console, key.status());
  if (out_file.empty()) {
    console.out << *key << '\n';
    return ExitCode::kOk;
  }
  const Status written = WriteLocalFile(out_file, *key + "\n", true);
  if (!written.ok()) return Usage(console, written);
  console.Note(Msg::kKeyWritten, {out_file});
  return ExitCode::kOk;
}

// ---- policy ----

ExitCode PolicyShow(Session& session, uint64_t version, const std::string& at) {
  const Console& console = session.console();
  v1::GetPolicyRequest request;
  request.set_version(static_cast<uint32_t>(version));
  if (!at.empty()) {
    const auto micros = ParseTime(at);
    if (!micros.ok()) return Usage(console, micros.status());
    request.set_at_micros(*micros);
  }
  const auto response = Ask<v1::FinanceService>(session, &Stub::GetPolicy, request);
  if (!response.ok()) return console.Fail(response.status());
  ShowPolicy(console, response->policy());
  return ExitCode::kOk;
}

ExitCode PolicyList(Session& session) {
  const auto response =
      Ask<v1::FinanceService>(session, &Stub::ListPolicies, v1::ListPoliciesRequest());
  if (!response.ok()) return session.console().Fail(response.status());
  ShowRows(session.console(), response->policies(),
           {"version", "state", "effective_from_micros", "proposed_by", "decided_by"});
  return ExitCode::kOk;
}

ExitCode PolicyDiff(Session& session, uint64_t from, uint64_t to) {
  const Console& console = session.console();
  v1::PolicyVersion versions[2];
  for (int i = 0; i < 2; ++i) {
    v1::GetPolicyRequest request;
    request.set_version(static_cast<uint32_t>(i == 0 ? from : to));
    const auto response = Ask<v1::FinanceService>(session, &Stub::GetPolicy, request);
    if (!response.ok()) return console.Fail(response.status());
    versions[i] = response->policy();
  }
  Table table({{console.Words(Msg::kColWhat)},
               {std::to_string(versions[0].version()), Align::kRight},
               {std::to_string(versions[1].version()), Align::kRight}});
  for (int i = 0; i < versions[0].values_size() && i < versions[1].values_size(); ++i) {
    const v1::PolicyValue& a = versions[0].values(i);
    const v1::PolicyValue& b = versions[1].values(i);
    if (a.value() == b.value()) continue;
    if (console.json) {
      console.out
          << JsonObject().Add("name", a.name()).Add("from", a.value()).Add("to", b.value()).Take()
          << '\n';
    }
    table.Row({ForTerminal(a.name()), ForTerminal(a.value()), ForTerminal(b.value())});
  }
  if (!console.json) console.out << table.Render();
  return ExitCode::kOk;
}

ExitCode PolicySet(Session& session, const std::vector<std::string>& settings,
                   const std::string& from) {
  const Console& console = session.console();
  const auto changes = ChangesOf(settings);
  if (!changes.ok()) return Usage(console, changes.status());
  const auto micros = ParseTime(from);
  if (!micros.ok()) return Usage(console, micros.status());
  v1::ProposePolicyRequest request;
  request.set_effective_from_micros(*micros);
  for (const v1::PolicyValue& change : *changes) *request.add_changes() = change;
  const auto response = Ask<v1::FinanceService>(session, &Stub::ProposePolicy, request);
  if (!response.ok()) return console.Fail(response.status());
  ShowPolicy(console, response->policy());
  console.Note(Msg::kPolicyWaits, {std::to_string(response->policy().version())});
  return ExitCode::kOk;
}

ExitCode PolicyDecide(Session& session, uint64_t version, bool approve) {
  v1::DecidePolicyRequest request;
  request.set_version(static_cast<uint32_t>(version));
  request.set_approve(approve);
  const auto response = Ask<v1::FinanceService>(session, &Stub::DecidePolicy, request);
  if (!response.ok()) return session.console().Fail(response.status());
  ShowPolicy(session.console(), response->policy());
  return ExitCode::kOk;
}

ExitCode PolicySimulate(Session& session, const std::string& period, int64_t revenue,
                        const std::vector<std::string>& settings) {
  const Console& console = session.console();
  const auto changes = ChangesOf(settings);
  if (!changes.ok()) return Usage(console, changes.status());
  v1::SimulateCloseRequest request;
  request.set_period(period);
  request.set_revenue_won(revenue);
  for (const v1::PolicyValue& change : *changes) *request.add_changes() = change;
  const auto response = Ask<v1::FinanceService>(session, &Stub::SimulateClose, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << MessageJson(*response) << '\n';
    return ExitCode::kOk;
  }
  Table table({{console.Words(Msg::kColPartner)},
               {console.Words(Msg::kFieldShare), Align::kRight},
               {console.Words(Msg::kFieldSimulated), Align::kRight},
               {console.Words(Msg::kFieldDifference), Align::kRight}});
  const auto& now = response->now();
  const auto& then = response->then();
  for (int i = 0; i < now.shares_size() && i < then.shares_size(); ++i) {
    table.Row({ForTerminal(now.shares(i).partner_id()), Grouped(now.shares(i).share_won()),
               Grouped(then.shares(i).share_won()),
               Grouped(then.shares(i).share_won() - now.shares(i).share_won())});
  }
  table.Rule();
  table.Row({console.Words(Msg::kFieldPool), Grouped(now.pool_won()), Grouped(then.pool_won()),
             Grouped(then.pool_won() - now.pool_won())});
  console.out << table.Render();
  return ExitCode::kOk;
}

// ---- closes ----

ExitCode CloseDraft(Session& session, const std::string& period, int64_t revenue) {
  v1::DraftCloseRequest request;
  request.set_period(period);
  request.set_revenue_won(revenue);
  const auto response = Ask<v1::FinanceService>(session, &Stub::DraftClose, request);
  if (!response.ok()) return session.console().Fail(response.status());
  ShowClose(session.console(), response->close());
  session.console().Note(Msg::kCloseWaits, {period});
  return ExitCode::kOk;
}

ExitCode CloseDecide(Session& session, const std::string& period, bool approve) {
  v1::DecideCloseRequest request;
  request.set_period(period);
  request.set_approve(approve);
  const auto response = Ask<v1::FinanceService>(session, &Stub::DecideClose, request);
  if (!response.ok()) return session.console().Fail(response.status());
  ShowClose(session.console(), response->close());
  return ExitCode::kOk;
}

ExitCode ClosePost(Session& session, const std::string& period) {
  v1::PostCloseRequest request;
  request.set_period(period);
  const auto response = Ask<v1::FinanceService>(session, &Stub::PostClose, request);
  if (!response.ok()) return session.console().Fail(response.status());
  ShowClose(session.console(), response->close());
  return ExitCode::kOk;
}

ExitCode CloseShow(Session& session, const std::string& period) {
  v1::GetCloseRequest request;
  request.set_period(period);
  const auto response = Ask<v1::FinanceService>(session, &Stub::GetClose, request);
  if (!response.ok()) return session.console().Fail(response.status());
  ShowClose(session.console(), response->close());
  return ExitCode::kOk;
}

ExitCode CloseList(Session& session) {
  const auto response =
      Ask<v1::FinanceService>(session, &Stub::ListCloses, v1::ListClosesRequest());
  if (!response.ok()) return session.console().Fail(response.status());
  ShowRows(session.console(), response->closes(),
           {"period", "state", "policy_version", "revenue_won", "pool_won", "carried_over_won",
            "total_weight", "drafted_by", "decided_by"});
  return ExitCode::kOk;
}

ExitCode ClosePay(Session& session, const PaymentParams& params) {
  v1::RecordPaymentRequest request;
  request.set_period(params.period);
  request.set_partner_id(params.partner);
  request.set_reference(params.reference);
  request.set_failed(params.failed);
  const auto response = Ask<v1::FinanceService>(session, &Stub::RecordPayment, request);
  if (!response.ok()) return session.console().Fail(response.status());
  const std::vector<v1::Share> rows = {response->share()};
  ShowRows(session.console(), rows,
           {"partner_id", "payout_won", "payout_state", "attempts", "reference"});
  return ExitCode::kOk;
}

ExitCode CloseProof(Session& session, const std::string& period, const std::string& partner,
                    const std::string& out_file) {
  v1::ProveShareRequest request;
  request.set_period(period);
  request.set_partner_id(partner);
  const auto response = Ask<v1::FinanceService>(session, &Stub::ProveShare, request);
  if (!response.ok()) return session.console().Fail(response.status());
  return WriteText(session.console(), out_file, response->proof());
}

ExitCode CloseOpenings(Session& session, const std::string& period, const std::string& out_file) {
  v1::GetOpeningsRequest request;
  request.set_period(period);
  const auto response = Ask<v1::FinanceService>(session, &Stub::GetOpenings, request);
  if (!response.ok()) return session.console().Fail(response.status());
  return WriteText(session.console(), out_file, response->openings());
}

// ---- corrections ----

ExitCode CorrectionPropose(Session& session, const CorrectionParams& params) {
  v1::ProposeCorrectionRequest request;
  request.set_partner_id(params.partner);
  request.set_won(params.won);
  request.set_about(params.about);
  request.set_reason(params.reason);
  const auto response = Ask<v1::FinanceService>(session, &Stub::ProposeCorrection, request);
  if (!response.ok()) return session.console().Fail(response.status());
  const std::vector<v1::Correction> rows = {response->correction()};
  ShowRows(session.console(), rows,
           {"correction", "partner_id", "won", "about", "state", "reason"});
  return ExitCode::kOk;
}

ExitCode CorrectionDecide(Session& session, uint64_t number, bool approve) {
  v1::DecideCorrectionRequest request;
  request.set_correction(static_cast<uint32_t>(number));
  request.set_approve(approve);
  const auto response = Ask<v1::FinanceService>(session, &Stub::DecideCorrection, request);
  if (!response.ok()) return session.console().Fail(response.status());
  const std::vector<v1::Correction> rows = {response->correction()};
  ShowRows(session.console(), rows,
           {"correction", "partner_id", "won", "about", "state", "reason"});
  return ExitCode::kOk;
}

ExitCode CorrectionList(Session& session) {
  const auto response =
      Ask<v1::FinanceService>(session, &Stub::ListCorrections, v1::ListCorrectionsRequest());
  if (!response.ok()) return session.console().Fail(response.status());
  ShowRows(
      session.console(), response->corrections(),
      {"correction", "partner_id", "won", "about", "state", "proposed_by", "decided_by", "reason"});
  return ExitCode::kOk;
}

// ---- withdrawal and claims ----

ExitCode Withdraw(Session& session, const std::string& subject, bool yes) {
  const Console& console = session.console();
  const Columns columns = {"partner_id",
                           "documents",
                           "provisional_korean_tokens",
                           "provisional_korean_words",
                           "settled_documents",
                           "settled_korean_tokens",
                           "settled_korean_words"};
  if (!yes) {
    v1::PreviewWithdrawalRequest request;
    request.set_partner_id(PartnerOfId(subject));
    request.set_subject(subject);
    const auto response = Ask<v1::FinanceService>(session, &Stub::PreviewWithdrawal, request);
    if (!response.ok()) return console.Fail(response.status());
    if (console.json) {
      console.out << MessageJson(response->withdrawal()) << '\n';
    } else {
      ShowOne(console, response->withdrawal(), columns);
      console.Note(Msg::kWithdrawPreview);
    }
    return ExitCode::kOk;
  }
  v1::WithdrawRequest request;
  request.set_partner_id(PartnerOfId(subject));
  request.set_subject(subject);
  const auto response = Ask<v1::FinanceService>(session, &Stub::Withdraw, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << MessageJson(response->withdrawal()) << '\n';
  } else {
    ShowOne(console, response->withdrawal(), columns);
    console.Note(Msg::kWithdrawn, {std::to_string(response->withdrawal().withdrawal())});
  }
  return ExitCode::kOk;
}

ExitCode WithdrawalList(Session& session, const std::string& partner) {
  v1::ListWithdrawalsRequest request;
  request.set_partner_id(partner);
  const auto response = Ask<v1::FinanceService>(session, &Stub::ListWithdrawals, request);
  if (!response.ok()) return session.console().Fail(response.status());
  ShowRows(session.console(), response->withdrawals(),
           {"partner_id", "withdrawal", "at_micros", "documents"});
  return ExitCode::kOk;
}

namespace {
const Columns kClaimColumns = {"partner_id",       "claim",     "document", "state",
                               "opened_at_micros", "holder_id", "held_won", "decided_by"};
}  // namespace

ExitCode ClaimOpen(Session& session, const std::string& document, const std::string& evidence) {
  const Console& console = session.console();
  const auto digest = FileSha256(evidence);
  if (!digest.ok()) return Usage(console, digest.status());
  v1::OpenClaimRequest request;
  request.set_partner_id(PartnerOfId(document));
  request.set_document(document);
  request.set_evidence_sha256(*digest);
  const auto response = Ask<v1::FinanceService>(session, &Stub::OpenClaim, request);
  if (!response.ok()) return console.Fail(response.status());
  const std::vector<v1::Claim> rows = {response->claim()};
  ShowRows(console, rows, {"partner_id", "claim", "document", "state", "opened_at_micros"});
  return ExitCode::kOk;
}

ExitCode ClaimList(Session& session, const std::string& partner) {
  v1::ListClaimsRequest request;
  request.set_partner_id(partner);
  const auto response = Ask<v1::FinanceService>(session, &Stub::ListClaims, request);
  if (!response.ok()) return session.console().Fail(response.status());
  ShowRows(session.console(), response->claims(), kClaimColumns);
  return ExitCode::kOk;
}

ExitCode ClaimDecide(Session& session, const std::string& partner, uint64_t number, bool grant) {
  v1::DecideClaimRequest request;
  request.set_partner_id(partner);
  request.set_claim(static_cast<uint32_t>(number));
  request.set_grant(grant);
  const auto response = Ask<v1::FinanceService>(session, &Stub::DecideClaim, request);
  if (!response.ok()) return session.console().Fail(response.status());
  const std::vector<v1::Claim> rows = {response->claim()};
  ShowRows(session.console(), rows, kClaimColumns);
  session.console().Note(Msg::kClaimWaits, {partner, std::to_string(number)});
  return ExitCode::kOk;
}

ExitCode ClaimSettle(Session& session, const std::string& partner, uint64_t number) {
  v1::SettleClaimRequest request;
  request.set_partner_id(partner);
  request.set_claim(static_cast<uint32_t>(number));
  const auto response = Ask<v1::FinanceService>(session, &Stub::SettleClaim, request);
  if (!response.ok()) return session.console().Fail(response.status());
  const std::vector<v1::Claim> rows = {response->claim()};
  ShowRows(session.console(), rows, kClaimColumns);
  return ExitCode::kOk;
}

// ---- entitlement ----

ExitCode Meter(Session& session, const std::string& partner) {
  const Console& console = session.console();
  v1::GetMeterRequest request;
  request.set_partner_id(partner);
  const auto response = Ask<v1::UsageService>(session, &v1::UsageService::Stub::GetMeter, request);
  if (!response.ok()) return console.Fail(response.status());
  if (console.json) {
    console.out << MessageJson(*response) << '\n';
    return ExitCode::kOk;
  }
  ShowOne(console, *response,
          {"partner_id", "available", "reserved", "pending", "spent", "expired", "owed", "granted",
           "billed_won"});
  if (response->grants_size() > 0) {
    console.out << '\n';
    ShowRows(console, response->grants(),
             {"granted_at_micros", "expires_at_micros", "priority", "state", "amount", "remaining",
              "reserved", "spent", "expired"});
  }
  if (response->bills_size() > 0) {
    console.out << '\n';
    ShowRows(console, response->bills(),
             {"policy_version", "discount_basis_points", "tokens", "won"});
  }
  return ExitCode::kOk;
}

ExitCode UseEntitlement(Session& session, const UseParams& params) {
  const Console& console = session.console();
  static const std::map<std::string, v1::UseOperation::Kind> kKinds = {
      {"reserve", v1::UseOperation::KIND_RESERVE},
      {"commit", v1::UseOperation::KIND_COMMIT},
      {"release", v1::UseOperation::KIND_RELEASE},
      {"consume", v1::UseOperation::KIND_CONSUME}};
  v1::UseRequest request;
  v1::UseOperation& operation = *request.add_operations();
  operation.set_kind(kKinds.at(params.kind));
  operation.set_partner_id(params.partner);
  operation.set_id(params.id);
  operation.set_reservation(params.reservation);
  operation.set_amount(params.amount);
  if (params.kind == "reserve") operation.set_timeout_s(static_cast<uint32_t>(params.timeout_s));
  operation.set_only_free(params.only_free);
  const auto response = Ask<v1::UsageService>(session, &v1::UsageService::Stub::Use, request);
  if (!response.ok()) return console.Fail(response.status());
  ShowRows(console, response->answers(),
           {"outcome", "free", "billable", "discount_basis_points", "won"});
  const std::string& outcome = response->answers(0).outcome();
  return outcome == "ok" || outcome == "exists" ? ExitCode::kOk : ExitCode::kRefused;
}

}  // namespace jangbu::services::cli
