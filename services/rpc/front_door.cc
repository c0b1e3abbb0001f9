#include "services/rpc/front_door.h"

#include <utility>

#include "base/check.h"
#include "services/rpc/limits.h"
#include "services/wire/convert.h"
#include "services/wire/ids.h"
#include "services/wire/status.h"

namespace jangbu::services::rpc {
namespace {

constexpr std::string_view kContribute = "jangbu.v1.ContributeService/Contribute";

Status ServerStopping() {
  return Unavailable("server_stopping", "the server is stopping; try again in a moment");
}

// The API key of `authorization: Bearer KEY`.
StatusOr<std::string_view> BearerKey(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto [first, last] = metadata.equal_range("authorization");
  if (first == last) {
    return Unauthenticated("no_key", "this call needs metadata authorization: Bearer jb_live_…");
  }
  const std::string_view value(first->second.data(), first->second.size());
  constexpr std::string_view kScheme = "bearer ";
  bool bearer = std::next(first) == last && value.size() > kScheme.size();
  for (size_t i = 0; bearer && i < kScheme.size(); ++i) {
    bearer = (value[i] >= 'A' && value[i] <= 'Z' ? value[i] - 'A' + 'a' : value[i]) == kScheme[i];
  }
  if (!bearer) {
    return Unauthenticated("bad_key",
                           "authorization is not one value of the form Bearer jb_live_…");
  }
  return value.substr(kScheme.size());
}

Status NoSuchPartner(std::string_view partner_id) {
  return NotFound("no_such_partner", "there is no partner " + std::string(partner_id));
}

}  // namespace

Call::Call(FrontDoor& door, grpc::ServerContextBase& context, std::string_view method)
    : door_(door),
      context_(context),
      method_(method),
      access_(FindAccess(method)),
      began_(std::chrono::steady_clock::now()) {
  JANGBU_CHECK(access_ != nullptr);  // a method of ours without a row
  door_.metrics_.CallBegan();
}

Call::~Call() { JANGBU_CHECK(left_); }

Jangbu& Call::jangbu() const { return door_.jangbu_; }

Status Call::Enter() {
  if (door_.stopping_) return ServerStopping();
  JANGBU_ASSIGN_OR_RETURN(const std::string_view key, BearerKey(context_));
  JANGBU_ASSIGN_OR_RETURN(caller_, door_.jangbu_.Authenticate(key));
  JANGBU_RETURN_IF_ERROR(Authorise(*access_, caller_.role));
  const std::string whose = caller_.role == ledger::Role::kPartner ? "partner " + caller_.partner_id
                                                                   : "key " + caller_.key_id;
  if (!door_.Begin(whose)) {
    return ResourceExhausted("too_many_calls", "at most " + std::to_string(kMaxCallsPerCaller) +
                                                   " calls at a time; wait for one to end");
  }
  tally_ = whose;
  return OkStatus();
}

grpc::Status Call::Leave(Status status) {
  JANGBU_CHECK(!left_);
  left_ = true;
  if (!tally_.empty()) door_.End(tally_);
  // What is another's and what does not exist must not differ in a single byte.
  if (absl::IsNotFound(status) && !absent_.ok()) status = absent_;
  const grpc::Status answer = wire::ToGrpc(status);
  const std::string_view reason = ReasonOf(status);
  if (!status.ok() && !reason.empty()) {
    context_.AddTrailingMetadata(wire::kReasonMetadata, std::string(reason));
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::steady_clock::now() - began_)
                           .count();
  const std::string code = wire::NameOfCode(answer.error_code());
  const std::string peer = context_.peer();
  const bool known = !caller_.key_id.empty();
  door_.metrics_.CallEnded(method_, code, static_cast<double>(elapsed) / 1e6);
  door_.log_.Write({.at = door_.clock_.Now(),
                    .method = method_,
                    .key_id = caller_.key_id,
                    .role = known ? wire::NameOf(caller_.role) : std::string_view(),
                    .partner_id = caller_.partner_id,
                    .code = code,
                    .reason = reason,
                    .allow_list = allow_list_,
                    .duration_micros = elapsed,
                    .peer = peer,
                    .messages_in = messages_in_,
                    .bytes_in = bytes_in_});
  return answer;
}

Status Call::Admit(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  ++messages_in_;
  bytes_in_ += size;
  const size_t max = method_ == kContribute ? kMaxContributeBytes : kMaxMessageBytes;
  if (size <= max) return OkStatus();
  return ResourceExhausted("message_too_large", "the message has " + std::to_string(size) +
                                                    " bytes; at most " + std::to_string(max) +
                                                    " are taken here");
}

StatusOr<PartnerRef> Call::Partner(std::string_view partner_id) {
  if (caller_.role == ledger::Role::kPartner) {
    if (partner_id.empty()) return PartnerRef{.number = caller_.partner, .id = caller_.partner_id};
  } else if (partner_id.empty()) {
    return InvalidArgument("partner_id_missing", "a key of role " +
                                                     std::string(wire::NameOf(caller_.role)) +
                                                     " must say which partner it means");
  }
  JANGBU_RETURN_IF_ERROR(wire::CheckPartnerId(partner_id));
  absent_ = NoSuchPartner(partner_id);
  JANGBU_ASSIGN_OR_RETURN(SubjectRef subject, Subject(partner_id, 0));
  return std::move(subject.partner);
}

StatusOr<std::vector<PartnerRef>> Call::Partners(std::string_view partner_id) {
  std::vector<PartnerRef> partners;
  if (!partner_id.empty() || caller_.role == ledger::Role::kPartner) {
    JANGBU_ASSIGN_OR_RETURN(PartnerRef partner, Partner(partner_id));
    partners.push_back(std::move(partner));
    return partners;
  }
  door_.jangbu_.ReadBooks([&partners](const ledger::Books& books) {
    for (const auto& record : books.partners()) {
      partners.push_back({.number = record->number, .id = record->id});
    }
  });
  return partners;
}

StatusOr<SubjectRef> Call::Corpus(std::string_view corpus_id) {
  JANGBU_ASSIGN_OR_RETURN(const wire::NumberedId id, wire::ParseCorpusId(corpus_id));
  absent_ = NotFound("no_such_corpus", "there is no corpus " + std::string(corpus_id));
  return Subject(id.partner_id, id.number);
}

StatusOr<SubjectRef> Call::Upload(std::string_view upload_id) {
  JANGBU_ASSIGN_OR_RETURN(const wire::NumberedId id, wire::ParseUploadId(upload_id));
  absent_ = NotFound("no_such_upload", "there is no upload " + std::string(upload_id));
  return Subject(id.partner_id, id.number);
}

StatusOr<SubjectRef> Call::Lot(std::string_view lot_id) {
  JANGBU_ASSIGN_OR_RETURN(const wire::NumberedId id, wire::ParseLotId(lot_id));
  absent_ = NotFound("no_such_lot", "there is no lot " + std::string(lot_id));
  return Subject(id.partner_id, id.number);
}

StatusOr<SubjectRef> Call::Subject(std::string_view partner_id, uint32_t number) {
  if (caller_.role == ledger::Role::kPartner) {
    if (partner_id != caller_.partner_id) return absent_;
    return SubjectRef{.partner = {.number = caller_.partner, .id = caller_.partner_id},
                      .number = number};
  }
  const StatusOr<uint32_t> partner = door_.jangbu_.PartnerNumber(partner_id);
  if (absl::IsNotFound(partner.status())) return absent_;
  JANGBU_RETURN_IF_ERROR(partner.status());
  return SubjectRef{.partner = {.number = *partner, .id = std::string(partner_id)},
                    .number = number};
}

bool Call::Over() const { return door_.stopping_ || context_.IsCancelled(); }

Status Call::WhyGone() const {
  if (door_.stopping_) return ServerStopping();
  return Status(absl::StatusCode::kCancelled, "cancelled: nobody waits for the answer");
}

bool FrontDoor::Begin(const std::string& tally) {
  const std::lock_guard lock(mutex_);
  int& count = in_progress_[tally];
  if (count >= kMaxCallsPerCaller) return false;
  ++count;
  return true;
}

void FrontDoor::End(const std::string& tally) {
  const std::lock_guard lock(mutex_);
  const auto entry = in_progress_.find(tally);
  JANGBU_CHECK(entry != in_progress_.end());
  if (--entry->second == 0) in_progress_.erase(entry);
}

}  // namespace jangbu::services::rpc
