#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jangbu/v1/finance.grpc.pb.h"
#include "ledger/statement.h"
#include "services/flow/finance.h"
#include "services/flow/recounting.h"
#include "services/rpc/limits.h"
#include "services/rpc/services.h"
#include "services/wire/convert.h"
#include "services/wire/ids.h"
#include "services/wire/page_token.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

constexpr size_t kMaxReferenceChars = 100;

std::vector<ledger::PolicyField> ChangesOf(
    const google::protobuf::RepeatedPtrField<v1::PolicyValue>& values) {
  std::vector<ledger::PolicyField> changes;
  for (const v1::PolicyValue& value : values) changes.push_back({value.name(), value.value()});
  return changes;
}

// One unary method: enter, admit, body. `name` is the method of FinanceService.
#define JANGBU_METHOD(name)                                                                     \
  grpc::Status name(grpc::ServerContext* context, const v1::name##Request* request,             \
                    v1::name##Response* response) override {                                    \
    return door_.Serve(*context, "jangbu.v1.FinanceService/" #name, [&](Call& call) -> Status { \
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));                                             \
      return Do(call, *request, *response);                                                     \
    });                                                                                         \
  }

class FinanceServiceImpl final : public v1::FinanceService::Service {
 public:
  explicit FinanceServiceImpl(FrontDoor& door) : door_(door) {}

  JANGBU_METHOD(GetPolicy)
  JANGBU_METHOD(ListPolicies)
  JANGBU_METHOD(ProposePolicy)
  JANGBU_METHOD(DecidePolicy)
  JANGBU_METHOD(SimulateClose)
  JANGBU_METHOD(DraftClose)
  JANGBU_METHOD(DecideClose)
  JANGBU_METHOD(PostClose)
  JANGBU_METHOD(RecordPayment)
  JANGBU_METHOD(GetClose)
  JANGBU_METHOD(ListCloses)
  JANGBU_METHOD(ProveShare)
  JANGBU_METHOD(GetOpenings)
  JANGBU_METHOD(ProposeCorrection)
  JANGBU_METHOD(DecideCorrection)
  JANGBU_METHOD(ListCorrections)
  JANGBU_METHOD(PreviewWithdrawal)
  JANGBU_METHOD(Withdraw)
  JANGBU_METHOD(ListWithdrawals)
  JANGBU_METHOD(OpenClaim)
  JANGBU_METHOD(ListClaims)
  JANGBU_METHOD(DecideClaim)
  JANGBU_METHOD(SettleClaim)
  JANGBU_METHOD(BeginRecount)
  JANGBU_METHOD(DecideRecount)
  JANGBU_METHOD(ListRecounts)
  JANGBU_METHOD(GetStatement)

 private:
  Finance& finance() { return door_.jangbu().finance(); }

  // ---- policy ----

  StatusOr<v1::PolicyVersion> Policy(const Call& call, uint32_t version, int64_t at_micros) {
    const bool persons = call.caller().role != ledger::Role::kPartner;
    StatusOr<v1::PolicyVersion> out = NotFound("no_such_policy", "there is no such policy version");
    const Timestamp now = door_.clock().Now();
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      const ledger::PolicyRecord& in_force = books.PolicyAt(now);
      if (version == 0) {
        const ledger::PolicyRecord& then =
            at_micros == 0 ? in_force : books.PolicyAt(Timestamp{at_micros});
        out = wire::ToWire(then, then.version == in_force.version, persons);
      } else if (version <= books.policies().size()) {
        const ledger::PolicyRecord& record = books.policies()[version - 1];
        // A partner sees what is or was in force, not what is being thought about.
        if (persons || record.state == ledger::DecisionState::kApproved)
          out = wire::ToWire(record, version == in_force.version, persons);
      }
    });
    return out;
  }

  Status Do(Call& call, const v1::GetPolicyRequest& request, v1::GetPolicyResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_policy(),
                            Policy(call, request.version(), request.at_micros()));
    return OkStatus();
  }

  Status Do(Call& call, const v1::ListPoliciesRequest&, v1::ListPoliciesResponse& response) {
    (void)call;
    const Timestamp now = door_.clock().Now();
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      const uint32_t in_force = books.PolicyAt(now).version;
      for (const ledger::PolicyRecord& record : books.policies())
        *response.add_policies() = wire::ToWire(record, record.version == in_force, true);
    });
    return OkStatus();
  }

  Status Do(Call& call, const v1::ProposePolicyRequest& request,
            v1::ProposePolicyResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(
        const uint32_t version,
        finance().ProposePolicy(ChangesOf(request.changes()),
                                Timestamp{request.effective_from_micros()}, call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_policy(), Policy(call, version, 0));
    return OkStatus();
  }

  Status Do(Call& call, const v1::DecidePolicyRequest& request,
            v1::DecidePolicyResponse& response) {
    JANGBU_RETURN_IF_ERROR(
        finance().DecidePolicy(request.version(), request.approve(), call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_policy(), Policy(call, request.version(), 0));
    return OkStatus();
  }

  Status Do(Call& call, const v1::SimulateCloseRequest& request,
            v1::SimulateCloseResponse& response) {
    (void)call;
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_ASSIGN_OR_RETURN(
        const Finance::Simulation simulation,
        finance().Simulate(period, request.revenue_won(), ChangesOf(request.changes())));
    *response.mutable_now() = wire::ToWire(simulation.now);
    *response.mutable_then() = wire::ToWire(simulation.then);
    return OkStatus();
  }

  // ---- re-counting ----

  v1::Recount RecountOf(uint32_t number) {
    v1::Recount out;
    door_.jangbu().ReadBooks(
        [&](const ledger::Books& books) { out = wire::ToWire(books.recounts()[number - 1]); });
    return out;
  }

  Status Do(Call& call, const v1::BeginRecountRequest& request,
            v1::BeginRecountResponse& response) {
    std::optional<ledger::NoveltyRule> rule;
    if (request.min_run() != 0 || request.near_ppm() != 0 || request.novel_ppm() != 0) {
      // What is not named stays as it is.
      door_.jangbu().ReadBooks(
          [&](const ledger::Books& books) { rule = books.novelty_rules().back().second; });
      if (request.min_run() != 0) rule->min_run = request.min_run();
      if (request.near_ppm() != 0) rule->near_ppm = request.near_ppm();
      if (request.novel_ppm() != 0) rule->novel_ppm = request.novel_ppm();
    }
    JANGBU_ASSIGN_OR_RETURN(
        const uint32_t number,
        door_.jangbu().recounting().Begin(rule, request.tokenizer(), call.caller().key_id));
    *response.mutable_recount() = RecountOf(number);
    return OkStatus();
  }

  Status Do(Call& call, const v1::DecideRecountRequest& request,
            v1::DecideRecountResponse& response) {
    JANGBU_RETURN_IF_ERROR(door_.jangbu().recounting().Decide(request.recount(), request.approve(),
                                                              call.caller().key_id));
    *response.mutable_recount() = RecountOf(request.recount());
    return OkStatus();
  }

  Status Do(Call& call, const v1::ListRecountsRequest&, v1::ListRecountsResponse& response) {
    (void)call;
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      for (const ledger::RecountRecord& recount : books.recounts())
        *response.add_recounts() = wire::ToWire(recount);
    });
    return OkStatus();
  }

  // ---- closes ----

  StatusOr<v1::Close> CloseOf(ledger::Period period) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::CloseRecord close, finance().GetClose(period));
    return wire::ToWire(close, true);
  }

  Status Do(Call& call, const v1::DraftCloseRequest& request, v1::DraftCloseResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_RETURN_IF_ERROR(
        finance().DraftClose(period, request.revenue_won(), call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_close(), CloseOf(period));
    return OkStatus();
  }

  Status Do(Call& call, const v1::DecideCloseRequest& request, v1::DecideCloseResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_RETURN_IF_ERROR(finance().DecideClose(period, request.approve(), call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_close(), CloseOf(period));
    return OkStatus();
  }

  Status Do(Call& call, const v1::PostCloseRequest& request, v1::PostCloseResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_RETURN_IF_ERROR(finance().PostClose(period, call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_close(), CloseOf(period));
    return OkStatus();
  }

  Status Do(Call& call, const v1::RecordPaymentRequest& request,
            v1::RecordPaymentResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_RETURN_IF_ERROR(
        wire::CheckText("reference", request.reference(), kMaxReferenceChars, false));
    JANGBU_RETURN_IF_ERROR(finance().RecordPayment(period, partner.id, request.failed(),
                                                   request.reference(), call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(const v1::Close close, CloseOf(period));
    for (const v1::Share& share : close.shares()) {
      if (share.partner_id() == partner.id) *response.mutable_share() = share;
    }
    return OkStatus();
  }

  Status Do(Call& call, const v1::GetCloseRequest& request, v1::GetCloseResponse& response) {
    (void)call;
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_close(), CloseOf(period));
    return OkStatus();
  }

  Status Do(Call& call, const v1::ListClosesRequest&, v1::ListClosesResponse& response) {
    (void)call;
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      for (const auto& [period, close] : books.closes())
        *response.add_closes() = wire::ToWire(close, false);
    });
    return OkStatus();
  }

  Status Do(Call& call, const v1::ProveShareRequest& request, v1::ProveShareResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_proof(), finance().ProveShare(partner.id, period));
    return OkStatus();
  }

  Status Do(Call& call, const v1::GetOpeningsRequest& request, v1::GetOpeningsResponse& response) {
    (void)call;
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_openings(), finance().Openings(period));
    return OkStatus();
  }

  // ---- corrections ----

  v1::Correction CorrectionOf(uint32_t number) {
    v1::Correction out;
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      if (number >= 1 && number <= books.corrections().size())
        out = wire::ToWire(books.corrections()[number - 1]);
    });
    return out;
  }

  Status Do(Call& call, const v1::ProposeCorrectionRequest& request,
            v1::ProposeCorrectionResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period about, ledger::ParsePeriod(request.about()));
    JANGBU_RETURN_IF_ERROR(wire::CheckText("reason", request.reason(), kMaxReasonChars, true));
    JANGBU_ASSIGN_OR_RETURN(const uint32_t number,
                            finance().ProposeCorrection(partner.id, request.won(), about,
                                                        request.reason(), call.caller().key_id));
    *response.mutable_correction() = CorrectionOf(number);
    return OkStatus();
  }

  Status Do(Call& call, const v1::DecideCorrectionRequest& request,
            v1::DecideCorrectionResponse& response) {
    JANGBU_RETURN_IF_ERROR(
        finance().DecideCorrection(request.correction(), request.approve(), call.caller().key_id));
    *response.mutable_correction() = CorrectionOf(request.correction());
    return OkStatus();
  }

  Status Do(Call& call, const v1::ListCorrectionsRequest&, v1::ListCorrectionsResponse& response) {
    (void)call;
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      for (const ledger::CorrectionRecord& record : books.corrections())
        *response.add_corrections() = wire::ToWire(record);
    });
    return OkStatus();
  }

  // ---- withdrawal ----

  static StatusOr<WithdrawalSubject> SubjectOf(const PartnerRef& partner,
                                               const std::string& subject) {
    WithdrawalSubject out;
    std::string_view whose;
    if (subject.find('#') != std::string::npos) {
      JANGBU_ASSIGN_OR_RETURN(const wire::DocumentPlaceId place, wire::ParseDocumentPlace(subject));
      whose = place.upload.partner_id;
      out.upload = place.upload.number;
      out.document = {place.file, place.record};
    } else if (subject.find("/u") != std::string::npos) {
      JANGBU_ASSIGN_OR_RETURN(const wire::NumberedId id, wire::ParseUploadId(subject));
      whose = id.partner_id;
      out.upload = id.number;
    } else {
      JANGBU_ASSIGN_OR_RETURN(const wire::NumberedId id, wire::ParseCorpusId(subject));
      whose = id.partner_id;
      out.corpus = id.number;
    }
    if (whose != partner.id)
      return InvalidArgument("bad_subject",
                             "what is withdrawn is a corpus, upload or document of " + partner.id);
    return out;
  }

  static v1::Withdrawal Encode(const PartnerRef& partner, const WithdrawalView& view) {
    v1::Withdrawal out;
    out.set_partner_id(partner.id);
    out.set_withdrawal(view.entry.withdrawal);
    out.set_at_micros(view.at.micros);
    out.set_documents(view.entry.documents);
    out.set_provisional_korean_tokens(view.entry.provisional_korean_tokens);
    out.set_provisional_korean_words(view.entry.provisional_korean_words);
    out.set_settled_documents(view.settled_documents);
    out.set_settled_korean_tokens(view.settled_korean_tokens);
    out.set_settled_korean_words(view.settled_korean_words);
    return out;
  }

  Status Do(Call& call, const v1::PreviewWithdrawalRequest& request,
            v1::PreviewWithdrawalResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_ASSIGN_OR_RETURN(const WithdrawalSubject subject, SubjectOf(partner, request.subject()));
    JANGBU_ASSIGN_OR_RETURN(const WithdrawalView view,
                            finance().PreviewWithdrawal(partner.number, subject));
    *response.mutable_withdrawal() = Encode(partner, view);
    return OkStatus();
  }

  Status Do(Call& call, const v1::WithdrawRequest& request, v1::WithdrawResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_ASSIGN_OR_RETURN(const WithdrawalSubject subject, SubjectOf(partner, request.subject()));
    JANGBU_ASSIGN_OR_RETURN(const WithdrawalView view,
                            finance().Withdraw(partner.number, subject, call.caller().key_id));
    *response.mutable_withdrawal() = Encode(partner, view);
    return OkStatus();
  }

  Status Do(Call& call, const v1::ListWithdrawalsRequest& request,
            v1::ListWithdrawalsResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<PartnerRef> partners,
                            call.Partners(request.partner_id()));
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      for (const PartnerRef& partner : partners) {
        for (const ledger::WithdrawalRecord& record :
             books.FindPartner(partner.number)->withdrawals) {
          v1::Withdrawal& row = *response.add_withdrawals();
          row.set_partner_id(partner.id);
          row.set_withdrawal(record.number);
          row.set_at_micros(record.at.micros);
          row.set_documents(record.documents);
        }
      }
    });
    return OkStatus();
  }

  // ---- claims ----

  StatusOr<v1::Claim> Encode(const Call& call, const PartnerRef& partner,
                             const ledger::ClaimRecord& claim) {
    v1::Claim out;
    out.set_partner_id(partner.id);
    out.set_claim(claim.number);
    JANGBU_ASSIGN_OR_RETURN(*out.mutable_document(), finance().NameOfDocument(claim.document));
    out.set_opened_at_micros(claim.opened.at.micros);
    if (claim.settled.has_value()) out.set_settled_at_micros(claim.settled->at.micros);
    const bool sees = call.caller().role == ledger::Role::kFinance ||
                      call.caller().role == ledger::Role::kCompliance;
    switch (claim.state) {
      case ledger::ClaimState::kOpen:
        out.set_state("open");
        break;
      case ledger::ClaimState::kDecided:
        out.set_state(sees ? "decided" : "open");
        break;
      case ledger::ClaimState::kGranted:
        out.set_state("granted");
        break;
      case ledger::ClaimState::kRefused:
        out.set_state("refused");
        break;
    }
    if (!sees) return out;
    if (claim.holder.has_value()) {
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        const uint64_t upload = books.FindBatch(claim.holder->token)->upload_token;
        out.set_holder_id(books.FindPartner(books.FindUpload(upload)->partner)->id);
      });
    }
    out.set_held_won(claim.held_won);
    out.set_to_grant(claim.granted);
    if (claim.decided.has_value()) out.set_decided_by(claim.decided->person);
    return out;
  }

  StatusOr<v1::Claim> ClaimOf(const Call& call, const PartnerRef& partner, uint32_t number) {
    std::optional<ledger::ClaimRecord> record;
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      const ledger::ClaimRecord* found =
          books.FindClaim(*books.FindPartner(partner.number), number);
      if (found != nullptr) record = *found;
    });
    if (!record.has_value()) return NotFound("no_such_claim", "there is no such claim");
    return Encode(call, partner, *record);
  }

  Status Do(Call& call, const v1::OpenClaimRequest& request, v1::OpenClaimResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_ASSIGN_OR_RETURN(const wire::DocumentPlaceId place,
                            wire::ParseDocumentPlace(request.document()));
    if (place.upload.partner_id != partner.id)
      return InvalidArgument("bad_document_id", "a claim is about a document of " + partner.id);
    JANGBU_ASSIGN_OR_RETURN(
        const uint32_t number,
        finance().OpenClaim(partner.number, place.upload.number, place.file, place.record,
                            request.evidence_sha256(), call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_claim(), ClaimOf(call, partner, number));
    return OkStatus();
  }

  Status Do(Call& call, const v1::ListClaimsRequest& request, v1::ListClaimsResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<PartnerRef> partners,
                            call.Partners(request.partner_id()));
    for (const PartnerRef& partner : partners) {
      std::vector<ledger::ClaimRecord> claims;
      door_.jangbu().ReadBooks(
          [&](const ledger::Books& books) { claims = books.FindPartner(partner.number)->claims; });
      for (const ledger::ClaimRecord& claim : claims) {
        JANGBU_ASSIGN_OR_RETURN(*response.add_claims(), Encode(call, partner, claim));
      }
    }
    return OkStatus();
  }

  Status Do(Call& call, const v1::DecideClaimRequest& request, v1::DecideClaimResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_RETURN_IF_ERROR(
        finance().DecideClaim(partner.id, request.claim(), request.grant(), call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_claim(), ClaimOf(call, partner, request.claim()));
    return OkStatus();
  }

  Status Do(Call& call, const v1::SettleClaimRequest& request, v1::SettleClaimResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_RETURN_IF_ERROR(
        finance().SettleClaim(partner.id, request.claim(), call.caller().key_id));
    JANGBU_ASSIGN_OR_RETURN(*response.mutable_claim(), ClaimOf(call, partner, request.claim()));
    return OkStatus();
  }

  // ---- statement ----

  Status Do(Call& call, const v1::GetStatementRequest& request,
            v1::GetStatementResponse& response) {
    JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request.partner_id()));
    JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request.period()));
    StatusOr<ledger::Statement> made = Unavailable("server_stopping", "retry");
    door_.jangbu().ReadBooks([&](const ledger::Books& books) {
      const ledger::PartnerRecord& record = *books.FindPartner(partner.number);
      response.set_partner_name(record.name);
      made = ledger::StatementOf(books, record, period);
    });
    JANGBU_RETURN_IF_ERROR(made.status());
    const ledger::Statement& statement = *made;
    response.set_partner_id(partner.id);
    response.set_period(ledger::ToString(period));
    response.set_from_micros(statement.from.micros);
    response.set_to_micros(statement.to.micros);
    response.set_final(statement.final);
    for (const ledger::StatementLine& line : statement.lines) {
      v1::StatementLine& row = *response.add_lines();
      row.set_account(std::string(wire::NameOf(line.role)));
      row.set_asset(std::string(ledger::NameOfAsset(line.asset)));
      row.set_opening(line.opening);
      row.set_closing(line.closing);
      for (const ledger::StatementMovement& movement : line.movements) {
        v1::StatementMovement& moved = *row.add_movements();
        moved.set_code(std::string(ledger::NameOf(movement.code)));
        moved.set_amount(movement.amount);
        moved.set_transfers(movement.transfers);
      }
    }
    response.set_close_posted(statement.close_posted);
    response.set_weight(statement.share.weight);
    response.set_share_won(statement.share.share_won);
    response.set_held_won(statement.share.held_won);
    response.set_payout_won(statement.share.payout_won);
    response.set_vat_basis_points(statement.vat_basis_points);
    response.set_vat_won(statement.vat_won);
    if (statement.payout.has_value())
      response.set_payout_state(std::string(wire::NameOf(*statement.payout)));
    response.set_member(statement.member);
    response.set_policy_version(statement.policy_version);
    return OkStatus();
  }

  FrontDoor& door_;
};

std::string NameBytes(ledger::UserData128 name) {
  ByteWriter out;
  out.U128(name.value());
  return std::string(out.bytes());
}

class UsageServiceImpl final : public v1::UsageService::Service {
 public:
  explicit UsageServiceImpl(FrontDoor& door) : door_(door) {}

  grpc::Status Use(grpc::ServerContext* context, const v1::UseRequest* request,
                   v1::UseResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.UsageService/Use", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      std::vector<UsageCall> calls;
      calls.reserve(static_cast<size_t>(request->operations_size()));
      for (const v1::UseOperation& operation : request->operations()) {
        UsageCall& use = calls.emplace_back();
        JANGBU_RETURN_IF_ERROR(wire::CheckPartnerId(operation.partner_id()));
        JANGBU_ASSIGN_OR_RETURN(use.partner, door_.jangbu().PartnerNumber(operation.partner_id()));
        if (operation.kind() < v1::UseOperation::KIND_RESERVE ||
            operation.kind() > v1::UseOperation::KIND_CONSUME) {
          return InvalidArgument("bad_use", "an operation reserves, commits, releases or consumes");
        }
        use.kind = static_cast<ledger::UsageKind>(operation.kind());
        use.id = operation.id();
        use.reservation = operation.reservation();
        use.amount = operation.amount();
        use.timeout_s = operation.timeout_s();
        use.only_free = operation.only_free();
      }
      JANGBU_ASSIGN_OR_RETURN(const std::vector<ledger::UsageAnswer> answers,
                              door_.jangbu().finance().Use(calls));
      for (const ledger::UsageAnswer& answer : answers)
        *response->add_answers() = wire::ToWire(answer);
      return OkStatus();
    });
  }

  grpc::Status ListUse(grpc::ServerContext* context, const v1::ListUseRequest* request,
                       v1::ListUseResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.UsageService/ListUse", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
      JANGBU_ASSIGN_OR_RETURN(const ledger::Period period, ledger::ParsePeriod(request->period()));
      if (period == 299912) return InvalidArgument("bad_period", "a period is a month: 2026-10");
      JANGBU_ASSIGN_OR_RETURN(const uint32_t size, wire::PageSize(request->page_size()));
      const std::string query = "use " + partner.id + " " + request->period();
      JANGBU_ASSIGN_OR_RETURN(const wire::PagePosition after,
                              wire::ReadPageToken(query, request->page_token()));
      JANGBU_ASSIGN_OR_RETURN(const std::vector<Finance::UseEntry> entries,
                              door_.jangbu().finance().ListUse(
                                  partner.number, ledger::StartOf(period),
                                  ledger::StartOf(ledger::NextPeriod(period)), after.major, size));
      for (const Finance::UseEntry& entry : entries) {
        for (const ledger::UsageRecord& record : entry.usage.records) {
          v1::UseRecord& row = *response->add_records();
          static constexpr const char* kKinds[] = {"", "reserve", "commit", "release", "consume"};
          row.set_kind(kKinds[static_cast<size_t>(record.kind)]);
          row.set_operation(NameBytes(record.id));
          if (!record.reservation.is_zero()) row.set_reservation(NameBytes(record.reservation));
          row.set_free(record.free);
          row.set_billable(record.billable);
          row.set_won(record.won);
          row.set_at_micros(entry.at.micros);
          row.set_journal_index(entry.seq);
        }
      }
      // Nothing may follow: then the next page is empty.
      if (response->records_size() >= static_cast<int>(size)) {
        response->set_next_page_token(
            wire::MakePageToken(query, {.major = entries.back().seq, .minor = 0}));
      }
      return OkStatus();
    });
  }

  grpc::Status NameUse(grpc::ServerContext* context, const v1::NameUseRequest* request,
                       v1::NameUseResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.UsageService/NameUse", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
      if (request->ids_size() > 10'000)
        return InvalidArgument("bad_use", "at most 10000 ids go into one call");
      for (const std::string& id : request->ids()) {
        JANGBU_ASSIGN_OR_RETURN(const ledger::UserData128 name,
                                door_.jangbu().finance().NameUse(partner.id, id));
        response->add_operations(NameBytes(name));
      }
      return OkStatus();
    });
  }

  grpc::Status GetMeter(grpc::ServerContext* context, const v1::GetMeterRequest* request,
                        v1::GetMeterResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.UsageService/GetMeter", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
      JANGBU_RETURN_IF_ERROR(door_.jangbu().finance().Tick());
      const bool all = call.caller().role != ledger::Role::kGateway;
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        const ledger::EntitlementTotals totals = *books.entitlements().TotalsOf(partner.id);
        response->set_partner_id(partner.id);
        response->set_available(totals.available);
        response->set_reserved(totals.reserved);
        if (!all) return;
        response->set_pending(totals.pending);
        response->set_spent(totals.spent);
        response->set_expired(totals.expired);
        response->set_owed(totals.owed);
        response->set_granted(totals.granted);
        for (const ledger::Grant& grant : *books.entitlements().GrantsOf(partner.id)) {
          v1::MeterGrant& row = *response->add_grants();
          row.set_amount(grant.amount);
          row.set_remaining(grant.remaining);
          row.set_reserved(grant.reserved);
          row.set_spent(grant.spent);
          row.set_expired(grant.expired);
          row.set_taken_back(grant.taken_back);
          row.set_priority(grant.priority);
          row.set_granted_at_micros(grant.granted_at.micros);
          if (grant.expires_at != ledger::kNeverExpires)
            row.set_expires_at_micros(grant.expires_at.micros);
          row.set_state(grant.state == ledger::GrantState::kPending     ? "pending"
                        : grant.state == ledger::GrantState::kSpendable ? "spendable"
                                                                        : "ended");
        }
        int64_t won = 0;
        for (const auto& [rate, bill] : books.FindPartner(partner.number)->bills) {
          v1::MeterBill& row = *response->add_bills();
          row.set_policy_version(rate >> ledger::kRateDiscountBits);
          row.set_discount_basis_points(rate & ((1U << ledger::kRateDiscountBits) - 1));
          row.set_tokens(bill.tokens);
          row.set_won(bill.won);
          won += bill.won;
        }
        response->set_billed_won(won);
      });
      return OkStatus();
    });
  }

 private:
  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFinanceService(FrontDoor& door) {
  return std::make_unique<FinanceServiceImpl>(door);
}

std::unique_ptr<grpc::Service> MakeUsageService(FrontDoor& door) {
  return std::make_unique<UsageServiceImpl>(door);
}

}  // namespace jangbu::services::rpc
