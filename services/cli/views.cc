#include "services/cli/views.h"

#include <array>
#include <cstdio>
#include <map>

#include "services/cli/display.h"
#include "services/cli/json_writer.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;

template <typename Enum>
struct Named {
  Enum value;
  std::string_view name;
  Msg words;
};

constexpr Named<v1::UploadState> kStates[] = {
    {v1::UPLOAD_STATE_OPEN, "open", Msg::kStateOpen},
    {v1::UPLOAD_STATE_SEALED, "sealed", Msg::kStateSealed},
    {v1::UPLOAD_STATE_DONE, "done", Msg::kStateDone},
    {v1::UPLOAD_STATE_CANCELLED, "cancelled", Msg::kStateCancelled},
};
constexpr Named<v1::SourceType> kSourceTypes[] = {
    {v1::SOURCE_TYPE_BOOK, "book", Msg::kTypeBook},
    {v1::SOURCE_TYPE_ARTICLE, "article", Msg::kTypeArticle},
    {v1::SOURCE_TYPE_REPORT, "report", Msg::kTypeReport},
    {v1::SOURCE_TYPE_PAPER, "paper", Msg::kTypePaper},
    {v1::SOURCE_TYPE_TEXT, "text", Msg::kTypeText},
};
constexpr Named<v1::Role> kRoles[] = {
    {v1::ROLE_PARTNER, "partner", Msg::kRolePartner},
    {v1::ROLE_FINANCE, "finance", Msg::kRoleFinance},
    {v1::ROLE_COMPLIANCE, "compliance", Msg::kRoleCompliance},
    {v1::ROLE_OPERATOR, "operator", Msg::kRoleOperator},
    {v1::ROLE_TRAINER, "trainer", Msg::kRoleTrainer},
    {v1::ROLE_GATEWAY, "gateway", Msg::kRoleGateway},
};
constexpr Named<v1::PersonalDataPolicy> kPersonalData[] = {
    {v1::PERSONAL_DATA_POLICY_MASK, "mask", Msg::kPersonalDataMask},
    {v1::PERSONAL_DATA_POLICY_REJECT, "reject", Msg::kPersonalDataReject},
    {v1::PERSONAL_DATA_POLICY_KEEP, "keep", Msg::kPersonalDataKeep},
};
constexpr Named<v1::Verdict> kVerdicts[] = {
    {v1::VERDICT_ACCEPTED, "ACCEPTED", Msg::kVerdictAccepted},
    {v1::VERDICT_EXACT_DUPLICATE, "EXACT_DUPLICATE", Msg::kVerdictExact},
    {v1::VERDICT_NEAR_DUPLICATE, "NEAR_DUPLICATE", Msg::kVerdictNear},
    {v1::VERDICT_REJECTED, "REJECTED", Msg::kVerdictRejected},
};

template <typename Enum, size_t N>
std::string NameIn(const Named<Enum> (&table)[N], Enum value) {
  for (const auto& row : table) {
    if (row.value == value) return std::string(row.name);
  }
  return "unspecified";
}
template <typename Enum, size_t N>
std::string WordsIn(const Named<Enum> (&table)[N], Lang lang, Enum value) {
  for (const auto& row : table) {
    if (row.value == value) return std::string(Text(lang, row.words));
  }
  return "?";
}

bool SameLetters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == '-' ? '_' : c;
  };
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}
template <typename Enum, size_t N>
StatusOr<Enum> ParseIn(const Named<Enum> (&table)[N], std::string_view what,
                       std::string_view name) {
  std::string known;
  for (const auto& row : table) {
    if (SameLetters(row.name, name)) return row.value;
    known.append(known.empty() ? "" : ", ").append(row.name);
  }
  return InvalidArgument("bad_" + std::string(what),
                         "\"" + std::string(name) + "\" is none of: " + known);
}

void AddCounts(JsonObject& json, const v1::Counts& counts) {
  json.Add("documents", counts.documents())
      .Add("accepted", counts.accepted())
      .Add("exact_duplicate", counts.exact_duplicate())
      .Add("near_duplicate", counts.near_duplicate())
      .Add("rejected", counts.rejected())
      .Add("chars", counts.chars())
      .Add("syllables", counts.syllables())
      .Add("words", counts.words())
      .Add("tokens", counts.tokens())
      .Add("korean_words", counts.korean_words())
      .Add("korean_tokens", counts.korean_tokens())
      .Add("novel_korean_words", counts.novel_korean_words())
      .Add("novel_korean_tokens", counts.novel_korean_tokens());
}

}  // namespace

std::string Millionths(uint32_t ppm) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%u.%06u", ppm / 1'000'000, ppm % 1'000'000);
  std::string out = buffer;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

std::string StateName(v1::UploadState state) { return NameIn(kStates, state); }
std::string SourceTypeName(v1::SourceType type) { return NameIn(kSourceTypes, type); }
std::string RoleName(v1::Role role) { return NameIn(kRoles, role); }
std::string VerdictName(v1::Verdict verdict) { return NameIn(kVerdicts, verdict); }
std::string StateWords(Lang lang, v1::UploadState state) { return WordsIn(kStates, lang, state); }
std::string SourceTypeWords(Lang lang, v1::SourceType type) {
  return WordsIn(kSourceTypes, lang, type);
}
std::string RoleWords(Lang lang, v1::Role role) { return WordsIn(kRoles, lang, role); }
std::string VerdictWords(Lang lang, v1::Verdict verdict) {
  return WordsIn(kVerdicts, lang, verdict);
}
StatusOr<v1::SourceType> ParseSourceType(std::string_view name) {
  return ParseIn(kSourceTypes, "source_type", name);
}
StatusOr<v1::Role> ParseRole(std::string_view name) { return ParseIn(kRoles, "role", name); }
StatusOr<v1::Verdict> ParseVerdict(std::string_view name) {
  return ParseIn(kVerdicts, "verdict", name);
}

std::string PersonalDataName(v1::PersonalDataPolicy policy) {
  return NameIn(kPersonalData, policy);
}
std::string PersonalDataWords(Lang lang, v1::PersonalDataPolicy policy) {
  return WordsIn(kPersonalData, lang, policy);
}
StatusOr<v1::PersonalDataPolicy> ParsePersonalData(std::string_view name) {
  if (name.empty()) return v1::PERSONAL_DATA_POLICY_MASK;
  return ParseIn(kPersonalData, "personal_data", name);
}

std::string ScreeningWords(Lang lang, const v1::DocumentVerdict& verdict) {
  std::string out;
  std::map<std::string, int64_t> kinds;
  for (const auto& span : verdict.personal_data()) ++kinds[span.kind()];
  for (const auto& [kind, count] : kinds) {
    out.append(out.empty() ? std::string(Text(lang, Msg::kColPersonalData)) + ": " : ", ");
    out.append(ForTerminal(kind)).append(" ").append(Grouped(count));
  }
  for (const auto& flag : verdict.flags()) {
    if (flag.rejects()) continue;
    out.append(out.empty() ? "" : "; ").append(ForTerminal(flag.rule()));
    out.append(" ").append(Grouped(flag.value())).append(flag.below() ? " < " : " > ");
    out.append(Grouped(flag.threshold()));
  }
  return out;
}

std::string PartnerJson(const v1::Partner& partner) {
  return JsonObject()
      .Add("partner_id", partner.partner_id())
      .Add("name", partner.name())
      .Add("created_at", UtcTime(partner.created_at_micros()))
      .Take();
}

std::string KeyJson(const v1::ApiKey& key, std::string_view secret) {
  JsonObject json;
  json.Add("key_id", key.key_id())
      .Add("role", RoleName(key.role()))
      .Add("partner_id", key.partner_id())
      .Add("person", key.person())
      .Add("created_at", UtcTime(key.created_at_micros()))
      .Add("revoked_at", UtcTime(key.revoked_at_micros()));
  if (!secret.empty()) json.Add("secret", secret);
  return json.Take();
}

std::string CorpusJson(const v1::Corpus& corpus) {
  return JsonObject()
      .Add("corpus_id", corpus.corpus_id())
      .Add("partner_id", corpus.partner_id())
      .Add("title", corpus.title())
      .Add("source_type", SourceTypeName(corpus.source_type()))
      .Add("rights", corpus.rights())
      .Add("licence", corpus.licence())
      .Add("personal_data", PersonalDataName(corpus.personal_data()))
      .Add("legal_basis", corpus.legal_basis())
      .Add("encoding", corpus.encoding())
      .Add("text_column", corpus.text_column())
      .Add("xml_text_path", corpus.xml_text_path())
      .Add("pua", corpus.pua())
      .Add("quality", corpus.quality())
      .Add("created_at", UtcTime(corpus.created_at_micros()))
      .Take();
}

std::string UploadJson(const v1::Upload& upload) {
  JsonObject json;
  json.Add("upload_id", upload.upload_id())
      .Add("corpus_id", upload.corpus_id())
      .Add("partner_id", upload.partner_id())
      .Add("state", StateName(upload.state()))
      .Add("files", upload.files())
      .Add("bytes", upload.bytes())
      .Add("processed_bytes", upload.processed_bytes());
  AddCounts(json, upload.counts());
  return json.Add("tokenizer_sha256", upload.tokenizer_sha256())
      .Add("created_at", UtcTime(upload.created_at_micros()))
      .Add("finished_at", UtcTime(upload.finished_at_micros()))
      .Take();
}

std::string TrialJson(const std::string& corpus_id, const v1::TrialOutcome& outcome) {
  JsonObject json;
  json.AddBool("dry_run", true)
      .Add("corpus_id", corpus_id)
      .Add("files", outcome.files())
      .Add("bytes", outcome.bytes());
  AddCounts(json, outcome.counts());
  return json.Add("api_tokens", outcome.api_tokens())
      .AddBool("member", outcome.member())
      .AddBool("cut_short", outcome.cut_short())
      .Add("tokenizer_sha256", outcome.tokenizer_sha256())
      .Take();
}

std::string VerdictJson(const v1::DocumentVerdict& verdict) {
  std::vector<std::string> spans;
  for (const auto& span : verdict.personal_data()) {
    spans.push_back(JsonObject()
                        .Add("kind", span.kind())
                        .AddUnsigned("begin", span.begin())
                        .AddUnsigned("length", span.length())
                        .Take());
  }
  std::vector<std::string> flags;
  for (const auto& flag : verdict.flags()) {
    flags.push_back(JsonObject()
                        .Add("rule", flag.rule())
                        .AddUnsigned("value", flag.value())
                        .Add("trips", flag.below() ? "below" : "above")
                        .AddUnsigned("threshold", flag.threshold())
                        .AddBool("rejects", flag.rejects())
                        .Take());
  }
  return JsonObject()
      .Add("file", verdict.file())
      .AddUnsigned("record", verdict.record())
      .Add("document_id", verdict.document_id())
      .Add("verdict", VerdictName(verdict.verdict()))
      .Add("reason", verdict.reason())
      .Add("detail", verdict.detail())
      .Add("duplicate_of", verdict.duplicate_of())
      .AddRaw("similarity", Millionths(verdict.similarity_ppm()))
      .Add("chars", verdict.chars())
      .Add("syllables", verdict.syllables())
      .Add("words", verdict.words())
      .Add("tokens", verdict.tokens())
      .Add("korean_words", verdict.korean_words())
      .Add("korean_tokens", verdict.korean_tokens())
      .Add("novel_korean_words", verdict.novel_korean_words())
      .Add("novel_korean_tokens", verdict.novel_korean_tokens())
      .Add("sha256", verdict.sha256())
      .Add("read_as", verdict.read_as())
      .AddUnsigned("file_number", verdict.file_number())
      .AddRaw("personal_data", JsonArray(spans))
      .AddRaw("flags", JsonArray(flags))
      .Take();
}

std::string BalanceJson(const v1::Balance& balance) {
  JsonObject json;
  json.Add("partner_id", balance.partner_id()).Add("as_of", UtcTime(balance.as_of_micros()));
  AddCounts(json, balance.counts());
  json.Add("provisional_korean_tokens", balance.provisional_korean_tokens())
      .Add("provisional_korean_words", balance.provisional_korean_words())
      .Add("confirmed_korean_tokens", balance.confirmed_korean_tokens())
      .Add("confirmed_korean_words", balance.confirmed_korean_words())
      .Add("documents_awaiting_confirmation", balance.documents_awaiting_confirmation())
      .Add("entitlement_pending", balance.entitlement_pending())
      .Add("entitlement_available", balance.entitlement_available())
      .Add("entitlement_reserved", balance.entitlement_reserved())
      .Add("entitlement_spent", balance.entitlement_spent())
      .AddBool("member", balance.member())
      .Add("membership_threshold_words", balance.membership_threshold_words());
  std::vector<std::string> by_type;
  for (const auto& figures : balance.by_source_type()) {
    JsonObject row;
    row.Add("source_type", SourceTypeName(figures.source_type()));
    AddCounts(row, figures.counts());
    by_type.push_back(row.Take());
  }
  return json.AddRaw("by_source_type", JsonArray(by_type))
      .Add("tokenizer_sha256", balance.tokenizer_sha256())
      .Take();
}

std::string TransferJson(const v1::Transfer& transfer) {
  return JsonObject()
      .Add("transfer_id", transfer.transfer_id())
      .Add("asset", transfer.asset())
      .Add("debit_account", transfer.debit_account())
      .Add("credit_account", transfer.credit_account())
      .Add("amount", transfer.amount())
      .Add("code", transfer.code())
      .Add("at", UtcTime(transfer.at_micros()))
      .AddUnsigned("journal_index", transfer.journal_index())
      .Take();
}

std::string LotJson(const v1::LotSummary& lot) {
  return JsonObject()
      .Add("partner_id", lot.partner_id())
      .AddUnsigned("lot", lot.lot())
      .Add("documents", lot.documents())
      .Add("provisional_korean_tokens", lot.provisional_korean_tokens())
      .Add("provisional_korean_words", lot.provisional_korean_words())
      .Add("confirmed_korean_tokens", lot.confirmed_korean_tokens())
      .Add("confirmed_korean_words", lot.confirmed_korean_words())
      .AddBool("released", lot.released())
      .Take();
}

std::string LotJson(const v1::Lot& lot) {
  return JsonObject()
      .Add("lot_id", lot.lot_id())
      .Add("at", UtcTime(lot.at_micros()))
      .Add("documents", lot.documents())
      .Add("provisional_korean_tokens", lot.provisional_korean_tokens())
      .Add("provisional_korean_words", lot.provisional_korean_words())
      .Add("confirmed_korean_tokens", lot.confirmed_korean_tokens())
      .Add("confirmed_korean_words", lot.confirmed_korean_words())
      .Add("entitlement_granted", lot.entitlement_granted())
      .Add("entitlement_made_spendable", lot.entitlement_made_spendable())
      .AddBool("released", lot.released())
      .AddUnsigned("journal_index", lot.journal_index())
      .Take();
}

std::string ItemJson(std::string_view upload_id, const v1::ListItemsResponse& item) {
  return JsonObject()
      .Add("upload_id", upload_id)
      .AddUnsigned("file_number", item.file_number())
      .AddUnsigned("record", item.record())
      .Add("operator_verdict", item.operator_verdict())
      .Add("item_korean_tokens", item.item_korean_tokens())
      .Add("item_korean_words", item.item_korean_words())
      .Add("covered_by", item.covered_by())
      .Take();
}

}  // namespace jangbu::services::cli
