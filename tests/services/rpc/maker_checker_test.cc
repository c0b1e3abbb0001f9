// What takes two persons, through the API: the second step is refused to every role and key but one
// of another person whose role may take it; a posted close cannot be changed by any call; every
// call is in the access log.

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "jangbu/v1/admin.pb.h"
#include "jangbu/v1/finance.pb.h"
#include "ledger/period.h"
#include "services/rpc/access.h"
#include "services/wire/convert.h"
#include "tests/services/rpc/running_server.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

constexpr char kFinance[] = "jangbu.v1.FinanceService/";
constexpr char kAdmin[] = "jangbu.v1.AdminService/";

class MakerChecker : public ::testing::Test {
 protected:
  std::string NewKey(ledger::Role role, const std::string& person) {
    const auto issued =
        running_.jangbu().IssueKey(role == ledger::Role::kPartner ? "hanbit" : "", role, person);
    EXPECT_TRUE(issued.ok()) << issued.status();
    return issued->secret;
  }
  Answer Call(const std::string& method, const std::string& key,
              const google::protobuf::Message& request) {
    calls_.insert(method);
    return running_.Call(method, key, {request.SerializeAsString()});
  }
  // Everybody who must not take the second step after `maker_` took the first: each with the reason
  // that it is given.
  struct Refused {
    std::string who;
    std::string key;
    std::string reason;
  };
  std::vector<Refused> EverybodyElse(ledger::Role checker) {
    std::vector<Refused> all = {
        {"the maker", maker_, "same_person"},
        {"another key of the maker", NewKey(checker, "Kim Maker"), "same_person"},
        {"the maker, spelt otherwise", NewKey(checker, "  kim   MAKER "), "same_person"},
    };
    const std::string revoked = NewKey(checker, "Gone");
    EXPECT_TRUE(running_.jangbu().RevokeKey(running_.jangbu().Authenticate(revoked)->key_id).ok());
    all.push_back({"a revoked key", revoked, "bad_key"});
    for (const ledger::Role role :
         {ledger::Role::kPartner, ledger::Role::kFinance, ledger::Role::kCompliance,
          ledger::Role::kOperator, ledger::Role::kTrainer, ledger::Role::kGateway}) {
      if (role == checker) continue;
      all.push_back({std::string(wire::NameOf(role)),
                     NewKey(role, "Somebody " + std::string(wire::NameOf(role))), ""});
    }
    return all;
  }
  // The second step as everybody else, then as another person. `also`: a role beside `checker` that
  // may take it too.
  void SecondStep(const std::string& method, const google::protobuf::Message& request,
                  ledger::Role checker, std::optional<ledger::Role> also = std::nullopt,
                  const std::string& refused_by_the_books = "role_not_allowed") {
    for (const Refused& refused : EverybodyElse(checker)) {
      if (also.has_value() && refused.who == wire::NameOf(*also)) continue;
      const Answer answer = Call(method, refused.key, request);
      EXPECT_FALSE(answer.status.ok()) << method << " by " << refused.who;
      if (refused.reason.empty()) {
        EXPECT_TRUE(answer.reason == "role_not_allowed" || answer.reason == refused_by_the_books)
            << method << " by " << refused.who << ": " << answer.reason;
      } else {
        EXPECT_EQ(answer.reason, refused.reason) << method << " by " << refused.who;
      }
    }
    const Answer answer = Call(method, NewKey(checker, "Lee Checker"), request);
    EXPECT_TRUE(answer.status.ok()) << method << ": " << answer.status.error_message();
    const Answer again = Call(method, NewKey(checker, "Third Person"), request);
    EXPECT_FALSE(again.status.ok()) << method << " is decided twice";
  }

  // The month in which the programme began, which is over by now.
  static std::string AfterTheFirstMonth(RunningServer& running) {
    const std::string month = ledger::ToString(ledger::PeriodOf(running.clock().Now()));
    running.clock().Advance(int64_t{40} * 86'400 * 1'000'000);
    return month;
  }

  RunningServer running_;
  const std::string month_ = AfterTheFirstMonth(running_);
  std::string maker_ = NewKey(ledger::Role::kFinance, "Kim Maker");
  std::set<std::string> calls_;
};

TEST_F(MakerChecker, APolicy) {
  v1::ProposePolicyRequest propose;
  propose.set_effective_from_micros(running_.clock().Now().micros + int64_t{86'400} * 1'000'000);
  v1::PolicyValue& change = *propose.add_changes();
  change.set_name("pool_share_basis_points");
  change.set_value("1234");
  ASSERT_TRUE(Call(std::string(kFinance) + "ProposePolicy", maker_, propose).status.ok());
  v1::DecidePolicyRequest decide;
  decide.set_version(2);
  decide.set_approve(true);
  SecondStep(std::string(kFinance) + "DecidePolicy", decide, ledger::Role::kFinance,
             ledger::Role::kOperator);
}

TEST_F(MakerChecker, ACorrection) {
  v1::DraftCloseRequest draft;
  draft.set_period(month_);
  draft.set_revenue_won(1'000'000);
  ASSERT_TRUE(Call(std::string(kFinance) + "DraftClose", maker_, draft).status.ok());
  v1::DecideCloseRequest approve;
  approve.set_period(month_);
  approve.set_approve(true);
  const std::string other = NewKey(ledger::Role::kFinance, "Lee");
  ASSERT_TRUE(Call(std::string(kFinance) + "DecideClose", other, approve).status.ok());
  v1::PostCloseRequest post;
  post.set_period(month_);
  ASSERT_TRUE(Call(std::string(kFinance) + "PostClose", maker_, post).status.ok());
  v1::ProposeCorrectionRequest propose;
  propose.set_partner_id("hanbit");
  propose.set_won(1'000);
  propose.set_about(month_);
  propose.set_reason("a figure was wrong");
  const Answer proposed = Call(std::string(kFinance) + "ProposeCorrection", maker_, propose);
  ASSERT_TRUE(proposed.status.ok()) << proposed.status.error_message();
  v1::DecideCorrectionRequest decide;
  decide.set_correction(1);
  decide.set_approve(true);
  SecondStep(std::string(kFinance) + "DecideCorrection", decide, ledger::Role::kFinance);
}

TEST_F(MakerChecker, AClaim) {
  const std::string& hanbit = running_.KeyOf("hanbit");
  const std::string corpus = running_.CreateCorpus(hanbit, "c");
  const std::string upload = running_.UploadFile(hanbit, corpus, "a.jsonl", SomeJsonLines(3, 5));
  v1::OpenClaimRequest open;
  open.set_partner_id("hanbit");
  open.set_document(upload + "#0:1");
  open.set_evidence_sha256(std::string(32, 'e'));
  const Answer opened = Call(std::string(kFinance) + "OpenClaim", hanbit, open);
  ASSERT_TRUE(opened.status.ok()) << opened.status.error_message();
  v1::DecideClaimRequest decide;
  decide.set_partner_id("hanbit");
  decide.set_claim(1);
  decide.set_grant(false);
  ASSERT_TRUE(Call(std::string(kFinance) + "DecideClaim", maker_, decide).status.ok());
  v1::SettleClaimRequest settle;
  settle.set_partner_id("hanbit");
  settle.set_claim(1);
  SecondStep(std::string(kFinance) + "SettleClaim", settle, ledger::Role::kFinance);
}

TEST_F(MakerChecker, ARecount) {
  v1::BeginRecountRequest begin;
  begin.set_min_run(32);
  const Answer begun = Call(std::string(kFinance) + "BeginRecount", maker_, begin);
  ASSERT_TRUE(begun.status.ok()) << begun.status.error_message();
  v1::DecideRecountRequest decide;
  decide.set_recount(1);
  decide.set_approve(true);
  SecondStep(std::string(kFinance) + "DecideRecount", decide, ledger::Role::kFinance, std::nullopt,
             "wrong_role");
}

TEST_F(MakerChecker, AFinanceKey) {
  maker_ = NewKey(ledger::Role::kOperator, "Kim Maker");
  v1::IssueKeyRequest ask;
  ask.set_role(v1::ROLE_FINANCE);
  ask.set_person("New Person");
  const Answer asked = Call(std::string(kAdmin) + "IssueKey", maker_, ask);
  ASSERT_TRUE(asked.status.ok()) << asked.status.error_message();
  v1::IssueKeyResponse key;
  ASSERT_TRUE(key.ParseFromString(asked.responses.at(0)));
  v1::DecideKeyRequest decide;
  decide.set_key_id(key.key().key_id());
  decide.set_approve(true);
  SecondStep(std::string(kAdmin) + "DecideKey", decide, ledger::Role::kOperator);
}

// Draft, approve by another, post; then every finance method as every role: the close stays, byte
// by byte, what it was.
TEST_F(MakerChecker, ACloseAndNothingChangesItAfterPosting) {
  v1::DraftCloseRequest draft;
  draft.set_period(month_);
  draft.set_revenue_won(5'000'000);
  ASSERT_TRUE(Call(std::string(kFinance) + "DraftClose", maker_, draft).status.ok());
  v1::PostCloseRequest post;
  post.set_period(month_);
  EXPECT_EQ(Call(std::string(kFinance) + "PostClose", maker_, post).reason, "close_not_approved");
  v1::DecideCloseRequest decide;
  decide.set_period(month_);
  decide.set_approve(true);
  SecondStep(std::string(kFinance) + "DecideClose", decide, ledger::Role::kFinance);
  for (const Refused& other : EverybodyElse(ledger::Role::kFinance)) {
    if (!other.reason.empty()) continue;  // the maker may post what another approved
    EXPECT_EQ(Call(std::string(kFinance) + "PostClose", other.key, post).reason, "role_not_allowed")
        << other.who;
  }
  ASSERT_TRUE(Call(std::string(kFinance) + "PostClose", maker_, post).status.ok());
  v1::GetCloseRequest get;
  get.set_period(month_);
  const auto close = [&] {
    return Call(std::string(kFinance) + "GetClose", maker_, get).responses.at(0);
  };
  const std::string posted = close();
  const std::vector<std::string> keys = {maker_,
                                         NewKey(ledger::Role::kFinance, "Another"),
                                         NewKey(ledger::Role::kOperator, "Operator"),
                                         NewKey(ledger::Role::kCompliance, "Auditor"),
                                         NewKey(ledger::Role::kPartner, "Partner"),
                                         NewKey(ledger::Role::kGateway, "Gateway"),
                                         NewKey(ledger::Role::kTrainer, "Trainer")};
  for (const std::string& key : keys) {
    draft.set_revenue_won(draft.revenue_won() + 1);
    for (const bool approve : {true, false}) {
      decide.set_approve(approve);
      EXPECT_FALSE(Call(std::string(kFinance) + "DecideClose", key, decide).status.ok());
    }
    EXPECT_FALSE(Call(std::string(kFinance) + "DraftClose", key, draft).status.ok());
    EXPECT_FALSE(Call(std::string(kFinance) + "PostClose", key, post).status.ok());
    v1::RecordPaymentRequest pay;
    pay.set_period(month_);
    pay.set_partner_id("hanbit");
    EXPECT_FALSE(Call(std::string(kFinance) + "RecordPayment", key, pay).status.ok())
        << "nothing is due";
    // And every other method with the period named.
    for (const MethodAccess& access : AccessTable()) {
      const std::string method(access.method);
      if (!method.starts_with(kFinance) || method.ends_with("Recount")) continue;
      v1::GetCloseRequest named;  // period is field 1 of most
      named.set_period(month_);
      (void)Call(method, key, named);
    }
  }
  EXPECT_EQ(close(), posted);
  // Whoever called what, allowed or refused, is in the access log.
  const std::string log = running_.AccessLogText();
  for (const std::string& method : calls_)
    EXPECT_NE(log.find("\"method\":\"" + method + "\""), std::string::npos) << method;
  EXPECT_NE(log.find("role_not_allowed"), std::string::npos);
  EXPECT_NE(log.find("same_person"), std::string::npos);
}

}  // namespace
}  // namespace jangbu::services::rpc
