#pragma once

// proto ↔ domain, field by field. Everything the domain can say has a form on the wire (ToWire is
// total); what the wire can say and the domain cannot is InvalidArgument (FromWire). Pure;
// thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "jangbu/v1/admin.pb.h"
#include "jangbu/v1/common.pb.h"
#include "jangbu/v1/contribute.pb.h"
#include "jangbu/v1/finance.pb.h"
#include "jangbu/v1/ledger.pb.h"
#include "ledger/books.h"
#include "ledger/entry.h"
#include "ledger/transfer.h"
#include "services/flow/jangbu.h"

namespace jangbu::services::wire {

namespace v1 = ::jangbu::v1;

// ---- enums ----
v1::SourceType ToWire(ledger::SourceType value);
v1::Role ToWire(ledger::Role value);
v1::Verdict ToWire(ledger::Verdict value);
v1::UploadState ToWire(ledger::UploadState value);
// InvalidArgument("bad_source_type"), ("bad_role"), ("bad_verdict") for UNSPECIFIED and numbers
// this version does not know.
StatusOr<ledger::SourceType> FromWire(v1::SourceType value);
StatusOr<ledger::Role> FromWire(v1::Role value);
StatusOr<ledger::Verdict> FromWire(v1::Verdict value);
// "partner", "operator", …
std::string_view NameOf(ledger::Role role);

// ---- counts ----
v1::Counts ToWire(const ledger::Counts& counts);
ledger::Counts FromWire(const v1::Counts& counts);

// ---- contribute ----
v1::Corpus ToWire(const CorpusView& corpus);
// UNSPECIFIED is kMask. InvalidArgument("bad_personal_data").
StatusOr<ingest::PersonalDataPolicy> FromWire(v1::PersonalDataPolicy policy);
v1::Upload ToWire(const UploadView& upload, std::string_view tokenizer_sha256);
v1::DocumentVerdict ToWire(const VerdictView& verdict);
v1::ExplainVerdictResponse ToWire(const ExplanationView& explanation);
v1::UploadFilesResponse ToWire(const StageAck& ack);
v1::ListStagedFilesResponse ToWire(const StagedFile& file);
v1::ContributeResponse ToWire(const FeedVerdict& verdict, std::string_view upload_id);
// Takes the bytes out of the message.
StageChunk TakeChunk(v1::UploadFilesRequest& request);
FeedDocument TakeDocument(v1::ContributeRequest& request);
StatusOr<VerdictFilter> FilterOf(const v1::ListVerdictsRequest& request);

// ---- ledger ----
v1::Balance ToWire(const ledger::PartnerFigures& figures, std::string_view partner_id,
                   Timestamp as_of, const ledger::Genesis& genesis);
// "hanbit/confirmed/korean_tokens", "programme/korean_words"; `partner_id` is the account's
// partner's, "" of the programme's own.
std::string NameOfAccount(const ledger::AccountName& account, std::string_view partner_id);
std::string_view NameOf(ledger::AccountRole role);
std::string NameOfAccount(ledger::AccountId id, const ledger::Books& books);
v1::Lot ToWire(const LotView& lot);
// `transfer` is between accounts of one partner and the programme's.
v1::Transfer ToWire(const ledger::Transfer& transfer, uint32_t partner,
                    std::string_view partner_id);
// Of any accounts, for those who may see every partner.
v1::Transfer ToWire(const ledger::Transfer& transfer, const ledger::Books& books);

// ---- finance ----
// "proposed", "approved", "refused"; "draft", …; "due", …; "open", … as in finance.proto.
std::string_view NameOf(ledger::DecisionState state);
std::string_view NameOf(ledger::CloseState state);
std::string_view NameOf(ledger::PayoutState state);
v1::PolicyVersion ToWire(const ledger::PolicyRecord& record, bool in_force, bool with_persons);
v1::Close ToWire(const ledger::CloseRecord& close, bool with_shares);
// Of a simulation: figures alone.
v1::Close ToWire(const ledger::CloseFigures& figures);
v1::Correction ToWire(const ledger::CorrectionRecord& correction);
v1::UseAnswer ToWire(const ledger::UsageAnswer& answer);
// "unfinished" until it has its report; then as NameOf its state.
v1::Recount ToWire(const ledger::RecountRecord& recount);

// ---- admin ----
// `partner_id` of a key of role partner, else "".
v1::ApiKey ToWire(const ledger::KeyRecord& key, std::string_view partner_id);
v1::Partner ToWire(const ledger::PartnerRecord& partner);
v1::RunConfirmationResponse ToWire(const ConfirmationView& run);
v1::ListItemsResponse ToWire(const OperatorItem& item);

// ---- shapes of request fields ----
// InvalidArgument("bad_" + field) when `text` has more than `max` code points, controls, or is
// empty though required.
Status CheckText(std::string_view field, std::string_view text, size_t max, bool required);
// The same for keys of idempotency, in bytes.
Status CheckRequestId(std::string_view field, std::string_view id, size_t max_bytes, bool required);

}  // namespace jangbu::services::wire
