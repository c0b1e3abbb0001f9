#include "services/wire/convert.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "services/wire/ids.h"
#include "services/wire/text.h"

namespace jangbu::services::wire {
namespace {

// Enums of ledger/entry.h were given the numbers of the wire; these say so once.
static_assert(static_cast<int>(ledger::SourceType::kBook) == v1::SOURCE_TYPE_BOOK);
static_assert(static_cast<int>(ledger::SourceType::kArticle) == v1::SOURCE_TYPE_ARTICLE);
static_assert(static_cast<int>(ledger::SourceType::kReport) == v1::SOURCE_TYPE_REPORT);
static_assert(static_cast<int>(ledger::SourceType::kPaper) == v1::SOURCE_TYPE_PAPER);
static_assert(static_cast<int>(ledger::SourceType::kText) == v1::SOURCE_TYPE_TEXT);
static_assert(v1::SourceType_ARRAYSIZE == 6);
static_assert(static_cast<int>(ledger::Role::kPartner) == v1::ROLE_PARTNER);
static_assert(static_cast<int>(ledger::Role::kFinance) == v1::ROLE_FINANCE);
static_assert(static_cast<int>(ledger::Role::kCompliance) == v1::ROLE_COMPLIANCE);
static_assert(static_cast<int>(ledger::Role::kOperator) == v1::ROLE_OPERATOR);
static_assert(static_cast<int>(ledger::Role::kTrainer) == v1::ROLE_TRAINER);
static_assert(static_cast<int>(ledger::Role::kGateway) == v1::ROLE_GATEWAY);
static_assert(v1::Role_ARRAYSIZE == 7);
static_assert(static_cast<int>(ledger::Verdict::kAccepted) == v1::VERDICT_ACCEPTED);
static_assert(static_cast<int>(ledger::Verdict::kExactDuplicate) == v1::VERDICT_EXACT_DUPLICATE);
static_assert(static_cast<int>(ledger::Verdict::kNearDuplicate) == v1::VERDICT_NEAR_DUPLICATE);
static_assert(static_cast<int>(ledger::Verdict::kRejected) == v1::VERDICT_REJECTED);
static_assert(v1::Verdict_ARRAYSIZE == 5);
static_assert(static_cast<int>(ledger::UploadState::kOpen) == v1::UPLOAD_STATE_OPEN);
static_assert(static_cast<int>(ledger::UploadState::kSealed) == v1::UPLOAD_STATE_SEALED);
static_assert(static_cast<int>(ledger::UploadState::kDone) == v1::UPLOAD_STATE_DONE);
static_assert(static_cast<int>(ledger::UploadState::kCancelled) == v1::UPLOAD_STATE_CANCELLED);
static_assert(v1::UploadState_ARRAYSIZE == 5);

constexpr size_t kMaxStringBytes = 64 << 10;

// A string of the domain in a string of the wire: UTF-8, whatever happened on the way.
std::string Utf8(std::string_view text) {
  return IsUtf8(text) ? std::string(text) : ToUtf8(text, kMaxStringBytes);
}

void SetError(const Status& error, std::string* reason, std::string* message) {
  if (error.ok()) return;
  *reason = std::string(ReasonOf(error));
  if (reason->empty()) *reason = "internal";
  *message = ToUtf8(MessageOf(error), kMaxStringBytes);
}

}  // namespace

v1::SourceType ToWire(ledger::SourceType value) { return static_cast<v1::SourceType>(value); }
v1::Role ToWire(ledger::Role value) { return static_cast<v1::Role>(value); }
v1::Verdict ToWire(ledger::Verdict value) { return static_cast<v1::Verdict>(value); }
v1::UploadState ToWire(ledger::UploadState value) { return static_cast<v1::UploadState>(value); }

StatusOr<ledger::SourceType> FromWire(v1::SourceType value) {
  if (value != v1::SOURCE_TYPE_UNSPECIFIED && v1::SourceType_IsValid(value)) {
    return static_cast<ledger::SourceType>(value);
  }
  return InvalidArgument("bad_source_type",
                         "a corpus is one of book, article, report, paper, text; got number " +
                             std::to_string(static_cast<int>(value)));
}

StatusOr<ledger::Role> FromWire(v1::Role value) {
  if (value != v1::ROLE_UNSPECIFIED && v1::Role_IsValid(value)) {
    return static_cast<ledger::Role>(value);
  }
  return InvalidArgument(
      "bad_role",
      "a role is one of partner, finance, compliance, operator, trainer, gateway; got number " +
          std::to_string(static_cast<int>(value)));
}

StatusOr<ledger::Verdict> FromWire(v1::Verdict value) {
  if (value != v1::VERDICT_UNSPECIFIED && v1::Verdict_IsValid(value)) {
    return static_cast<ledger::Verdict>(value);
  }
  return InvalidArgument(
      "bad_verdict", "there is no verdict with number " + std::to_string(static_cast<int>(value)));
}

std::string_view NameOf(ledger::Role role) {
  switch (role) {
    case ledger::Role::kPartner:
      return "partner";
    case ledger::Role::kFinance:
      return "finance";
    case ledger::Role::kCompliance:
      return "compliance";
    case ledger::Role::kOperator:
      return "operator";
    case ledger::Role::kTrainer:
      return "trainer";
    case ledger::Role::kGateway:
      return "gateway";
  }
  return "unknown";
}

v1::Counts ToWire(const ledger::Counts& counts) {
  v1::Counts out;
  out.set_documents(counts.documents);
  out.set_accepted(counts.accepted);
  out.set_exact_duplicate(counts.exact_duplicate);
  out.set_near_duplicate(counts.near_duplicate);
  out.set_rejected(counts.rejected);
  out.set_chars(counts.chars);
  out.set_syllables(counts.syllables);
  out.set_words(counts.words);
  out.set_tokens(counts.tokens);
  out.set_korean_words(counts.korean_words);
  out.set_korean_tokens(counts.korean_tokens);
  out.set_novel_korean_words(counts.novel_korean_words);
  out.set_novel_korean_tokens(counts.novel_korean_tokens);
  return out;
}

ledger::Counts FromWire(const v1::Counts& counts) {
  return {.documents = counts.documents(),
          .accepted = counts.accepted(),
          .exact_duplicate = counts.exact_duplicate(),
          .near_duplicate = counts.near_duplicate(),
          .rejected = counts.rejected(),
          .chars = counts.chars(),
          .syllables = counts.syllables(),
          .words = counts.words(),
          .tokens = counts.tokens(),
          .korean_words = counts.korean_words(),
          .korean_tokens = counts.korean_tokens(),
          .novel_korean_words = counts.novel_korean_words(),
          .novel_korean_tokens = counts.novel_korean_tokens()};
}

static_assert(static_cast<int>(ingest::PersonalDataPolicy::kMask) == v1::PERSONAL_DATA_POLICY_MASK);
static_assert(static_cast<int>(ingest::PersonalDataPolicy::kReject) ==
              v1::PERSONAL_DATA_POLICY_REJECT);
static_assert(static_cast<int>(ingest::PersonalDataPolicy::kKeep) == v1::PERSONAL_DATA_POLICY_KEEP);

StatusOr<ingest::PersonalDataPolicy> FromWire(v1::PersonalDataPolicy policy) {
  if (policy == v1::PERSONAL_DATA_POLICY_UNSPECIFIED) return ingest::PersonalDataPolicy::kMask;
  if (policy < v1::PERSONAL_DATA_POLICY_MASK || policy > v1::PERSONAL_DATA_POLICY_KEEP) {
    return InvalidArgument("bad_personal_data",
                           "personal data is one of mask, reject, keep; got number " +
                               std::to_string(static_cast<int>(policy)));
  }
  return static_cast<ingest::PersonalDataPolicy>(policy);
}

v1::Corpus ToWire(const CorpusView& corpus) {
  v1::Corpus out;
  out.set_corpus_id(CorpusId(corpus.partner_id, corpus.number));
  out.set_partner_id(corpus.partner_id);
  out.set_title(Utf8(corpus.title));
  out.set_source_type(ToWire(corpus.source_type));
  out.set_rights(Utf8(corpus.rights));
  out.set_licence(Utf8(corpus.licence));
  out.set_created_at_micros(corpus.created_at.micros);
  out.set_personal_data(static_cast<v1::PersonalDataPolicy>(corpus.screen.personal_data));
  out.set_legal_basis(Utf8(corpus.legal_basis));
  if (corpus.reading.encoding != ingest::Encoding::kUnknown)
    out.set_encoding(std::string(ingest::NameOf(corpus.reading.encoding)));
  out.set_text_column(Utf8(corpus.reading.text_column));
  out.set_xml_text_path(Utf8(corpus.reading.xml_text_path));
  out.set_pua(std::string(ingest::NameOf(corpus.reading.private_use)));
  out.set_quality(ingest::WriteQualityPolicy(corpus.screen.quality));
  return out;
}

v1::Upload ToWire(const UploadView& upload, std::string_view tokenizer_sha256) {
  v1::Upload out;
  out.set_upload_id(UploadId(upload.partner_id, upload.number));
  out.set_corpus_id(CorpusId(upload.partner_id, upload.corpus));
  out.set_partner_id(upload.partner_id);
  out.set_state(ToWire(upload.state));
  out.set_files(upload.files);
  out.set_bytes(upload.bytes);
  out.set_processed_bytes(upload.processed_bytes);
  *out.mutable_counts() = ToWire(upload.counts);
  out.set_tokenizer_sha256(ToHex(tokenizer_sha256));
  out.set_created_at_micros(upload.created_at.micros);
  out.set_finished_at_micros(upload.finished_at.value_or(Timestamp{}).micros);
  return out;
}

v1::DocumentVerdict ToWire(const VerdictView& verdict) {
  const ledger::Item& item = verdict.item;
  v1::DocumentVerdict out;
  out.set_file(Utf8(verdict.file));
  out.set_record(verdict.record);
  out.set_document_id(Utf8(verdict.document_id));
  out.set_verdict(ToWire(item.verdict));
  out.set_reason(Utf8(item.reason));
  out.set_detail(Utf8(verdict.detail));
  out.set_duplicate_of(verdict.duplicate_of);
  out.set_read_as(Utf8(verdict.read_as));
  out.set_similarity_ppm(item.similarity_ppm);
  out.set_chars(item.chars);
  out.set_syllables(item.syllables);
  out.set_words(item.words);
  out.set_tokens(item.tokens);
  out.set_korean_words(item.korean_words);
  out.set_korean_tokens(item.korean_tokens);
  out.set_novel_korean_words(item.novel_korean_words);
  out.set_novel_korean_tokens(item.novel_korean_tokens);
  out.set_sha256(verdict.sha256);
  out.set_file_number(verdict.file_number);
  for (const ingest::PersonalSpan& span : verdict.personal_data) {
    v1::PersonalDataSpan& row = *out.add_personal_data();
    row.set_kind(std::string(NameOf(span.kind)));
    row.set_begin(span.begin);
    row.set_length(span.size);
  }
  for (const ingest::QualityFlag& flag : verdict.flags) {
    v1::QualityFlag& row = *out.add_flags();
    row.set_rule(std::string(NameOf(flag.rule)));
    row.set_value(flag.value);
    row.set_threshold(flag.threshold);
    row.set_rejects(flag.rejects);
    row.set_below(TripsBelow(flag.rule));
  }
  return out;
}

v1::ExplainVerdictResponse ToWire(const ExplanationView& explanation) {
  v1::ExplainVerdictResponse out;
  *out.mutable_verdict() = ToWire(explanation.verdict);
  out.set_length(explanation.length);
  out.set_covered(explanation.covered);
  out.set_covered_with_self(explanation.covered_with_self);
  out.set_earlier(explanation.earlier);
  out.set_covered_by_earlier(explanation.covered_by_earlier);
  out.set_word_jaccard_ppm(explanation.word_jaccard_ppm);
  out.set_char_jaccard_ppm(explanation.char_jaccard_ppm);
  for (const ExplanationView::Run& run : explanation.runs) {
    v1::SharedRun& shared = *out.add_runs();
    shared.set_begin(run.begin);
    shared.set_length(run.length);
    shared.set_document(run.document);
    shared.set_document_begin(run.document_begin);
    shared.set_excerpt(run.excerpt);
  }
  return out;
}

v1::UploadFilesResponse ToWire(const StageAck& ack) {
  v1::UploadFilesResponse out;
  out.set_file(ack.file);
  out.set_acknowledged(ack.acknowledged);
  out.set_complete(ack.complete);
  SetError(ack.error, out.mutable_error_reason(), out.mutable_error_message());
  return out;
}

v1::ListStagedFilesResponse ToWire(const StagedFile& file) {
  v1::ListStagedFilesResponse out;
  out.set_file(file.file);
  out.set_path(Utf8(file.path));
  out.set_acknowledged(file.acknowledged);
  out.set_complete(file.complete);
  return out;
}

v1::ContributeResponse ToWire(const FeedVerdict& verdict, std::string_view upload_id) {
  v1::ContributeResponse out;
  out.set_upload_id(std::string(upload_id));
  out.set_document_id(Utf8(verdict.document_id));
  out.set_replayed(verdict.replayed);
  if (verdict.error.ok()) *out.mutable_verdict() = ToWire(verdict.verdict);
  SetError(verdict.error, out.mutable_error_reason(), out.mutable_error_message());
  return out;
}

StageChunk TakeChunk(v1::UploadFilesRequest& request) {
  return {.file = request.file(),
          .path = std::move(*request.mutable_path()),
          .offset = request.offset(),
          .data = std::move(*request.mutable_data()),
          .last = request.last(),
          .sha256 = std::move(*request.mutable_sha256())};
}

FeedDocument TakeDocument(v1::ContributeRequest& request) {
  return {.document_id = std::move(*request.mutable_document_id()),
          .text = std::move(*request.mutable_text()),
          .title = std::move(*request.mutable_title()),
          .published_at = std::move(*request.mutable_published_at())};
}

StatusOr<VerdictFilter> FilterOf(const v1::ListVerdictsRequest& request) {
  VerdictFilter filter;
  for (const int value : request.verdicts()) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Verdict verdict,
                            FromWire(static_cast<v1::Verdict>(value)));
    if (std::find(filter.verdicts.begin(), filter.verdicts.end(), verdict) ==
        filter.verdicts.end()) {
      filter.verdicts.push_back(verdict);
    }
  }
  filter.reason = request.reason();
  filter.file = request.file();
  filter.limit = request.limit();
  return filter;
}

v1::Balance ToWire(const ledger::PartnerFigures& figures, std::string_view partner_id,
                   Timestamp as_of, const ledger::Genesis& genesis) {
  v1::Balance out;
  out.set_partner_id(std::string(partner_id));
  out.set_as_of_micros(as_of.micros);
  *out.mutable_counts() = ToWire(figures.counts);
  out.set_provisional_korean_tokens(figures.provisional_korean_tokens);
  out.set_provisional_korean_words(figures.provisional_korean_words);
  out.set_confirmed_korean_tokens(figures.confirmed_korean_tokens);
  out.set_confirmed_korean_words(figures.confirmed_korean_words);
  out.set_entitlement_pending(figures.entitlement_pending);
  out.set_entitlement_available(figures.entitlement_available);
  out.set_entitlement_reserved(figures.entitlement_reserved);
  out.set_entitlement_spent(figures.entitlement_spent);
  out.set_member(figures.member);
  out.set_membership_threshold_words(genesis.policy.membership_threshold_words);
  for (const ledger::SourceType type :
       {ledger::SourceType::kBook, ledger::SourceType::kArticle, ledger::SourceType::kReport,
        ledger::SourceType::kPaper, ledger::SourceType::kText}) {
    const ledger::Counts& counts = figures.by_source_type[static_cast<size_t>(type)];
    if (counts == ledger::Counts{}) continue;
    v1::SourceTypeFigures& row = *out.add_by_source_type();
    row.set_source_type(ToWire(type));
    *row.mutable_counts() = ToWire(counts);
  }
  out.set_tokenizer_sha256(ToHex(genesis.tokenizer_sha256));
  out.set_documents_awaiting_confirmation(figures.documents_waiting);
  return out;
}

std::string_view NameOf(ledger::AccountRole role) {
  switch (role) {
    case ledger::AccountRole::kProgramme:
      return "programme";
    case ledger::AccountRole::kProvisional:
      return "provisional";
    case ledger::AccountRole::kConfirmed:
      return "confirmed";
    case ledger::AccountRole::kEntitlementPending:
      return "entitlement_pending";
    case ledger::AccountRole::kEntitlementAvailable:
      return "entitlement_available";
    case ledger::AccountRole::kEntitlementReserved:
      return "entitlement_reserved";
    case ledger::AccountRole::kEntitlementSpent:
      return "entitlement_spent";
    case ledger::AccountRole::kEntitlementExpired:
      return "entitlement_expired";
    case ledger::AccountRole::kEntitlementOwed:
      return "entitlement_owed";
    case ledger::AccountRole::kBilled:
      return "billed";
    case ledger::AccountRole::kPool:
      return "pool";
    case ledger::AccountRole::kPayable:
      return "payable";
    case ledger::AccountRole::kDue:
      return "due";
    case ledger::AccountRole::kHeld:
      return "held";
    case ledger::AccountRole::kPaid:
      return "paid";
  }
  return "unknown";
}

std::string NameOfAccount(const ledger::AccountName& account, std::string_view partner_id) {
  std::string name(partner_id);
  if (!name.empty()) name += "/";
  return name.append(NameOf(account.role)).append("/").append(ledger::NameOfAsset(account.asset));
}

std::string NameOfAccount(ledger::AccountId id, const ledger::Books& books) {
  const ledger::AccountName account = ledger::NameOfAccount(id);
  const ledger::PartnerRecord* partner = books.FindPartner(account.partner);
  return NameOfAccount(account, partner == nullptr ? std::string_view() : partner->id);
}

namespace {

template <typename Name>
v1::Transfer ToWireNamed(const ledger::Transfer& transfer, Name name) {
  ByteWriter id;
  for (int shift = 56; shift >= 0; shift -= 8)
    id.U8(static_cast<uint8_t>(transfer.id.high >> shift));
  for (int shift = 56; shift >= 0; shift -= 8)
    id.U8(static_cast<uint8_t>(transfer.id.low >> shift));
  v1::Transfer out;
  out.set_transfer_id(ToHex(id.bytes()));
  out.set_asset(std::string(ledger::NameOfAsset(transfer.asset)));
  out.set_debit_account(name(transfer.debit_account));
  out.set_credit_account(name(transfer.credit_account));
  out.set_amount(static_cast<int64_t>(transfer.amount));
  out.set_code(std::string(ledger::NameOf(static_cast<ledger::TransferCode>(transfer.code))));
  out.set_at_micros(transfer.timestamp.micros);
  out.set_journal_index(ledger::Books::SeqOf(transfer.id));
  return out;
}

}  // namespace

v1::Transfer ToWire(const ledger::Transfer& transfer, uint32_t partner,
                    std::string_view partner_id) {
  return ToWireNamed(transfer, [&](ledger::AccountId id) {
    const ledger::AccountName account = ledger::NameOfAccount(id);
    // The programme's own accounts have no partner; one of a third partner cannot be here, and
    // would stay nameless.
    return NameOfAccount(account, account.partner == partner ? partner_id : std::string_view());
  });
}

v1::Transfer ToWire(const ledger::Transfer& transfer, const ledger::Books& books) {
  return ToWireNamed(transfer, [&](ledger::AccountId id) { return NameOfAccount(id, books); });
}

v1::Lot ToWire(const LotView& view) {
  v1::Lot out;
  out.set_lot_id(LotId(view.partner_id, view.lot.lot));
  out.set_at_micros(view.at.micros);
  out.set_documents(view.lot.documents);
  out.set_provisional_korean_tokens(view.lot.provisional_korean_tokens);
  out.set_provisional_korean_words(view.lot.provisional_korean_words);
  out.set_confirmed_korean_tokens(view.lot.confirmed_korean_tokens);
  out.set_confirmed_korean_words(view.lot.confirmed_korean_words);
  out.set_entitlement_granted(view.lot.entitlement_granted);
  out.set_entitlement_made_spendable(view.lot.entitlement_made_spendable);
  out.set_released(view.lot.released);
  out.set_journal_index(view.seq);
  return out;
}

std::string_view NameOf(ledger::DecisionState state) {
  switch (state) {
    case ledger::DecisionState::kProposed:
      return "proposed";
    case ledger::DecisionState::kApproved:
      return "approved";
    case ledger::DecisionState::kRefused:
      return "refused";
  }
  return "unknown";
}

std::string_view NameOf(ledger::CloseState state) {
  switch (state) {
    case ledger::CloseState::kDraft:
      return "draft";
    case ledger::CloseState::kApproved:
      return "approved";
    case ledger::CloseState::kPosted:
      return "posted";
    case ledger::CloseState::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view NameOf(ledger::PayoutState state) {
  switch (state) {
    case ledger::PayoutState::kDue:
      return "due";
    case ledger::PayoutState::kPaid:
      return "paid";
    case ledger::PayoutState::kFailed:
      return "failed";
  }
  return "unknown";
}

v1::PolicyVersion ToWire(const ledger::PolicyRecord& record, bool in_force, bool with_persons) {
  v1::PolicyVersion out;
  out.set_version(record.version);
  out.set_effective_from_micros(record.effective_from.micros);
  out.set_state(std::string(NameOf(record.state)));
  out.set_in_force(in_force);
  out.set_proposed_at_micros(record.proposed.at.micros);
  if (record.decided.has_value()) out.set_decided_at_micros(record.decided->at.micros);
  if (with_persons) {
    out.set_proposed_by(Utf8(record.proposed.person));
    if (record.decided.has_value()) out.set_decided_by(Utf8(record.decided->person));
  }
  for (const ledger::PolicyField& field : ledger::FieldsOf(record.policy)) {
    v1::PolicyValue& value = *out.add_values();
    value.set_name(field.name);
    value.set_value(field.value);
  }
  return out;
}

v1::Recount ToWire(const ledger::RecountRecord& recount) {
  v1::Recount out;
  out.set_recount(recount.spec.recount);
  const bool unfinished = recount.state == ledger::DecisionState::kProposed && !recount.reported;
  out.set_state(unfinished ? "unfinished" : std::string(NameOf(recount.state)));
  if (!recount.spec.tokenizer_algorithm.empty()) {
    out.set_tokenizer_algorithm(Utf8(recount.spec.tokenizer_algorithm));
    out.set_tokenizer_sha256(ToHex(recount.spec.tokenizer_sha256));
  }
  out.set_min_run(recount.spec.min_run);
  out.set_near_ppm(recount.spec.near_ppm);
  out.set_novel_ppm(recount.spec.novel_ppm);
  out.set_begun_by(Utf8(recount.proposed.person));
  out.set_begun_at_micros(recount.proposed.at.micros);
  if (recount.decided.has_value()) {
    out.set_decided_by(Utf8(recount.decided->person));
    out.set_decided_at_micros(recount.decided->at.micros);
  }
  for (const ledger::RecountLine& line : recount.lines) {
    v1::RecountLine& row = *out.add_lines();
    row.set_partner_id(line.partner);
    row.set_documents(line.documents);
    row.set_changed(line.changed);
    row.set_korean_tokens_before(line.korean_tokens_before);
    row.set_korean_tokens_after(line.korean_tokens_after);
    row.set_korean_words_before(line.korean_words_before);
    row.set_korean_words_after(line.korean_words_after);
  }
  return out;
}

v1::Close ToWire(const ledger::CloseFigures& figures) {
  v1::Close out;
  out.set_period(ledger::ToString(figures.period));
  out.set_state("simulated");
  out.set_policy_version(figures.policy_version);
  out.set_revenue_won(figures.revenue_won);
  out.set_carried_in_won(figures.carried_in_won);
  out.set_pool_won(figures.split.pool.value());
  out.set_carried_over_won(figures.split.carried_over.value());
  out.set_total_weight(figures.split.total_weight);
  for (const ledger::PartnerShare& share : figures.split.shares) {
    v1::Share& row = *out.add_shares();
    row.set_partner_id(share.partner);
    row.set_weight(share.weight);
    row.set_share_won(share.share.value());
  }
  return out;
}

v1::Close ToWire(const ledger::CloseRecord& close, bool with_shares) {
  v1::Close out = ToWire(close.figures);
  out.set_state(std::string(NameOf(close.state)));
  out.set_drafted_by(Utf8(close.drafted.person));
  out.set_drafted_at_micros(close.drafted.at.micros);
  if (close.decided.has_value()) {
    out.set_decided_by(Utf8(close.decided->person));
    out.set_decided_at_micros(close.decided->at.micros);
  }
  if (close.posted.has_value()) {
    out.set_posted_by(Utf8(close.posted->person));
    out.set_posted_at_micros(close.posted->at.micros);
    out.set_journal_index(close.posted_seq);
  }
  if (!with_shares) {
    out.clear_shares();
    return out;
  }
  for (size_t i = 0; i < close.shares.size(); ++i) {
    const ledger::ShareLine& line = close.shares[i];
    v1::Share& row = *out.mutable_shares(static_cast<int>(i));
    row.set_held_won(line.held_won);
    row.set_payout_won(line.payout_won);
    const auto payout = close.payouts.find(line.partner);
    if (payout == close.payouts.end()) continue;
    row.set_payout_state(std::string(NameOf(payout->second.state)));
    row.set_attempts(payout->second.attempts);
    row.set_reference(Utf8(payout->second.reference));
  }
  return out;
}

v1::Correction ToWire(const ledger::CorrectionRecord& correction) {
  v1::Correction out;
  out.set_correction(correction.proposal.correction);
  out.set_partner_id(correction.proposal.partner);
  out.set_won(correction.proposal.won);
  out.set_about(ledger::ToString(correction.proposal.about));
  out.set_reason(Utf8(correction.proposal.reason));
  out.set_state(std::string(NameOf(correction.state)));
  out.set_proposed_by(Utf8(correction.proposed.person));
  out.set_proposed_at_micros(correction.proposed.at.micros);
  if (correction.decided.has_value()) {
    out.set_decided_by(Utf8(correction.decided->person));
    out.set_decided_at_micros(correction.decided->at.micros);
  }
  return out;
}

v1::UseAnswer ToWire(const ledger::UsageAnswer& answer) {
  v1::UseAnswer out;
  out.set_outcome(std::string(ledger::NameOf(answer.outcome)));
  const bool happened = answer.outcome == ledger::EntitlementOutcome::kOk ||
                        answer.outcome == ledger::EntitlementOutcome::kExists;
  if (!happened) return out;
  out.set_free(answer.record.free);
  out.set_billable(answer.record.billable);
  out.set_discount_basis_points(answer.record.discount_basis_points);
  out.set_won(answer.record.won);
  out.set_policy_version(answer.record.policy_version);
  return out;
}

v1::ApiKey ToWire(const ledger::KeyRecord& key, std::string_view partner_id) {
  v1::ApiKey out;
  out.set_key_id(key.key_id);
  out.set_role(ToWire(key.role));
  out.set_partner_id(std::string(partner_id));
  out.set_person(Utf8(key.person));
  out.set_created_at_micros(key.issued_at.micros);
  out.set_revoked_at_micros(key.revoked_at.value_or(Timestamp{}).micros);
  return out;
}

v1::Partner ToWire(const ledger::PartnerRecord& partner) {
  v1::Partner out;
  out.set_partner_id(partner.id);
  out.set_name(Utf8(partner.name));
  out.set_created_at_micros(partner.created_at.micros);
  return out;
}

v1::RunConfirmationResponse ToWire(const ConfirmationView& run) {
  v1::RunConfirmationResponse out;
  out.set_documents_decided(run.documents_decided);
  out.set_documents_waiting(run.documents_waiting);
  for (const LotView& view : run.lots) {
    v1::LotSummary& row = *out.add_lots();
    row.set_partner_id(view.partner_id);
    row.set_lot(view.lot.lot);
    row.set_documents(view.lot.documents);
    row.set_provisional_korean_tokens(view.lot.provisional_korean_tokens);
    row.set_provisional_korean_words(view.lot.provisional_korean_words);
    row.set_confirmed_korean_tokens(view.lot.confirmed_korean_tokens);
    row.set_confirmed_korean_words(view.lot.confirmed_korean_words);
    row.set_released(view.lot.released);
  }
  return out;
}

v1::ListItemsResponse ToWire(const OperatorItem& item) {
  v1::ListItemsResponse out;
  out.set_file_number(item.file_number);
  out.set_record(item.record);
  out.set_operator_verdict(item.verdict);
  out.set_item_korean_tokens(item.korean_tokens);
  out.set_item_korean_words(item.korean_words);
  out.set_covered_by(item.covered_by);
  return out;
}

Status CheckText(std::string_view field, std::string_view text, size_t max, bool required) {
  const std::string reason = "bad_" + std::string(field);
  if (required && text.empty()) return InvalidArgument(reason, std::string(field) + " is missing");
  if (CodePoints(text) > max) {
    return InvalidArgument(reason, std::string(field) + " has " + std::to_string(CodePoints(text)) +
                                       " characters; at most " + std::to_string(max) + " fit");
  }
  if (HasControls(text)) {
    return InvalidArgument(reason, std::string(field) + " has control characters in it");
  }
  return OkStatus();
}

Status CheckRequestId(std::string_view field, std::string_view id, size_t max_bytes,
                      bool required) {
  const std::string reason = "bad_" + std::string(field);
  if (required && id.empty()) return InvalidArgument(reason, std::string(field) + " is missing");
  if (id.size() > max_bytes) {
    return InvalidArgument(reason, std::string(field) + " has " + std::to_string(id.size()) +
                                       " bytes; at most " + std::to_string(max_bytes) + " fit");
  }
  return OkStatus();
}

}  // namespace jangbu::services::wire
