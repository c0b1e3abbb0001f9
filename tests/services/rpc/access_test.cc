// Who may call what. Fails when a method of the descriptors has no row, so that nobody can add one
// without saying who may call it and whose data it is about; then calls every method as everybody
// through a real server.

#include "services/rpc/access.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "jangbu/v1/admin.pb.h"
#include "jangbu/v1/audit.pb.h"
#include "jangbu/v1/contribute.pb.h"
#include "jangbu/v1/dedup.pb.h"
#include "jangbu/v1/finance.pb.h"
#include "jangbu/v1/ledger.pb.h"
#include "jangbu/v1/log.pb.h"
#include "services/wire/convert.h"
#include "tests/services/rpc/running_server.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

std::vector<const MethodDescriptor*> AllMethods() {
  const google::protobuf::FileDescriptor* files[] = {
      v1::AddPartnerRequest::descriptor()->file(),
      v1::CreateCorpusRequest::descriptor()->file(),
      v1::GetBalanceRequest::descriptor()->file(),
      v1::GetCheckpointRequest::descriptor()->file(),
      v1::GetPolicyRequest::descriptor()->file(),
      v1::ListIncidentsRequest::descriptor()->file(),
      v1::ReportDuplicatesRequest::descriptor()->file()};
  std::vector<const MethodDescriptor*> methods;
  for (const auto* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back(file->service(s)->method(m));
      }
    }
  }
  return methods;
}

std::string NameOf(const MethodDescriptor& method) {
  return method.service()->full_name() + "/" + method.name();
}

constexpr ledger::Role kRoles[] = {ledger::Role::kPartner,    ledger::Role::kFinance,
                                   ledger::Role::kCompliance, ledger::Role::kOperator,
                                   ledger::Role::kTrainer,    ledger::Role::kGateway};

std::unique_ptr<Message> NewRequest(const MethodDescriptor& method) {
  return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()
                                      ->GetPrototype(method.input_type())
                                      ->New());
}

// Sets a string field when the message has it; true then.
bool Set(Message& message, const std::string& field, const std::string& value) {
  const FieldDescriptor* descriptor = message.GetDescriptor()->FindFieldByName(field);
  if (descriptor == nullptr) return false;
  message.GetReflection()->SetString(&message, descriptor, value);
  return true;
}

// What a subject is called in requests, and an id that is somebody's or nobody's.
std::string FieldOf(Subject subject) {
  switch (subject) {
    case Subject::kNone:
      return "";
    case Subject::kPartner:
    case Subject::kPartnerOrAll:
      return "partner_id";
    case Subject::kCorpus:
    case Subject::kCorpusOfStream:
      return "corpus_id";
    case Subject::kUpload:
    case Subject::kUploadOfStream:
      return "upload_id";
    case Subject::kLot:
      return "lot_id";
  }
  return "";
}

TEST(AccessTable, HasARowForEveryMethodAndNoOther) {
  std::set<std::string> methods;
  for (const MethodDescriptor* method : AllMethods()) {
    methods.insert(NameOf(*method));
    EXPECT_NE(FindAccess(NameOf(*method)), nullptr)
        << NameOf(*method) << " has no row in services/rpc/access.cc";
  }
  EXPECT_GT(methods.size(), 25u);
  for (const MethodAccess& access : AccessTable()) {
    EXPECT_TRUE(methods.contains(std::string(access.method)))
        << access.method << " is in no .proto file";
  }
  EXPECT_EQ(FindAccess("jangbu.v1.LedgerService/Get"), nullptr);
  EXPECT_EQ(FindAccess(""), nullptr);
}

TEST(AccessTable, WhatAPartnerMayCallSaysWhoseItIs) {
  for (const MethodDescriptor* method : AllMethods()) {
    const MethodAccess& access = *FindAccess(NameOf(*method));
    if (!access.roles.Has(ledger::Role::kPartner)) continue;
    SCOPED_TRACE(NameOf(*method));
    for (const char* field : {"partner_id", "corpus_id", "upload_id", "lot_id"}) {
      if (method->input_type()->FindFieldByName(field) != nullptr) {
        EXPECT_NE(access.subject, Subject::kNone) << "names a " << field;
      }
    }
    if (access.subject != Subject::kNone) {
      EXPECT_NE(method->input_type()->FindFieldByName(FieldOf(access.subject)), nullptr);
    }
  }
}

TEST(AccessTable, NobodyButTheOperatorChangesTheProgramme) {
  for (const char* method :
       {"AddPartner", "DecideKey", "IssueKey", "RotateKey", "RevokeKey", "RunConfirmation"}) {
    const MethodAccess& access = *FindAccess("jangbu.v1.AdminService/" + std::string(method));
    for (const ledger::Role role : kRoles) {
      EXPECT_EQ(Authorise(access, role).ok(), role == ledger::Role::kOperator) << method;
    }
  }
}

TEST(AccessTable, NobodyButComplianceAuditsAndNobodyButTheGatewayIsGuarded) {
  for (const ledger::Role role : kRoles) {
    for (const char* method : {"ReadTexts", "RecordAudit", "RecordDossier", "GiveReport"}) {
      EXPECT_EQ(Authorise(*FindAccess("jangbu.v1.AuditService/" + std::string(method)), role).ok(),
                role == ledger::Role::kCompliance)
          << method;
    }
    EXPECT_EQ(Authorise(*FindAccess("jangbu.v1.GuardService/WatchAnswer"), role).ok(),
              role == ledger::Role::kGateway);
  }
}

TEST(AccessTable, NobodyButFinanceMovesMoneyAndNobodyButTheGatewayUsesEntitlement) {
  for (const char* method :
       {"DraftClose", "DecideClose", "PostClose", "RecordPayment", "ProposeCorrection",
        "DecideCorrection", "DecideClaim", "SettleClaim"}) {
    const MethodAccess& access = *FindAccess("jangbu.v1.FinanceService/" + std::string(method));
    for (const ledger::Role role : kRoles)
      EXPECT_EQ(Authorise(access, role).ok(), role == ledger::Role::kFinance) << method;
  }
  for (const ledger::Role role : kRoles) {
    EXPECT_EQ(Authorise(*FindAccess("jangbu.v1.UsageService/Use"), role).ok(),
              role == ledger::Role::kGateway);
    EXPECT_EQ(Authorise(*FindAccess("jangbu.v1.FinanceService/GetOpenings"), role).ok(),
              role == ledger::Role::kCompliance);
  }
}

// One server for the tests below: two partners, each with a corpus and an upload.
class Access : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    running_ = new RunningServer();
    for (const std::string partner : {"hanbit", "dolsan"}) {
      const std::string& key = running_->KeyOf(partner);
      const std::string corpus = running_->CreateCorpus(key, partner + "의 말뭉치");
      running_->UploadFile(key, corpus, partner + ".jsonl", SomeJsonLines(3, partner.size()));
    }
    // dolsan has a second of each, so that its numbers exist where hanbit's do not.
    const std::string& key = running_->KeyOf("dolsan");
    const std::string corpus = running_->CreateCorpus(key, "둘째");
    running_->UploadFile(key, corpus, "two.jsonl", SomeJsonLines(3, 77));
  }
  static void TearDownTestSuite() {
    delete running_;
    running_ = nullptr;
  }
  // A request that names hanbit's own things wherever it can.
  static std::string OwnRequest(const MethodDescriptor& method) {
    const std::unique_ptr<Message> request = NewRequest(method);
    Set(*request, "partner_id", "hanbit");
    Set(*request, "corpus_id", "hanbit/1");
    Set(*request, "upload_id", "hanbit/u1");
    Set(*request, "lot_id", "hanbit/l1");
    return request->SerializeAsString();
  }

  static RunningServer* running_;
};
RunningServer* Access::running_ = nullptr;

TEST_F(Access, EveryMethodRefusesStrangers) {
  const std::string good = running_->KeyOf("hanbit");
  std::string typo = good;
  typo[good.size() - 12] = typo[good.size() - 12] == 'a' ? 'b' : 'a';
  auto revoked = running_->jangbu().IssueKey("", ledger::Role::kOperator, "이");
  ASSERT_TRUE(revoked.ok());
  ASSERT_TRUE(running_->jangbu().RevokeKey(revoked->record.key_id).ok());
  for (const MethodDescriptor* method : AllMethods()) {
    SCOPED_TRACE(NameOf(*method));
    for (const std::string& key : {std::string(), std::string("x"), typo, revoked->secret,
                                   good + "0", std::string(4000, 'j')}) {
      const Answer answer = running_->Call(NameOf(*method), key, {OwnRequest(*method)});
      EXPECT_EQ(answer.code(), grpc::StatusCode::UNAUTHENTICATED) << answer.status.error_message();
      EXPECT_EQ(answer.reason, key.empty() ? "no_key" : "bad_key");
      EXPECT_TRUE(answer.responses.empty());
    }
  }
}

TEST_F(Access, EveryMethodAsEveryRole) {
  for (const MethodDescriptor* method : AllMethods()) {
    const MethodAccess& access = *FindAccess(NameOf(*method));
    for (const ledger::Role role : kRoles) {
      SCOPED_TRACE(NameOf(*method) + " as " + std::string(wire::NameOf(role)));
      const Answer answer =
          running_->Call(NameOf(*method), running_->KeyOf(role), {OwnRequest(*method)});
      if (access.roles.Has(role)) {
        EXPECT_NE(answer.code(), grpc::StatusCode::PERMISSION_DENIED);
        EXPECT_NE(answer.code(), grpc::StatusCode::UNAUTHENTICATED);
        EXPECT_NE(answer.code(), grpc::StatusCode::UNIMPLEMENTED);
        EXPECT_NE(answer.code(), grpc::StatusCode::UNKNOWN) << answer.status.error_message();
        EXPECT_NE(answer.code(), grpc::StatusCode::INTERNAL) << answer.status.error_message();
      } else {
        EXPECT_EQ(answer.code(), grpc::StatusCode::PERMISSION_DENIED);
        EXPECT_EQ(answer.reason, "role_not_allowed");
        EXPECT_TRUE(answer.responses.empty());
      }
    }
  }
}

// What is another's answers exactly as what does not exist: code, reason, every byte of the message
// but the id.
TEST_F(Access, EveryMethodOfAnotherPartner) {
  struct Ids {
    const char* why;
    std::string partner;
    std::string corpus;
    std::string upload;
    std::string lot;
  };
  const Ids others[] = {
      {"another partner's", "dolsan", "dolsan/1", "dolsan/u1", "dolsan/l1"},
      {"another partner's second", "dolsan", "dolsan/2", "dolsan/u2", "dolsan/l2"},
      {"not another partner's", "dolsan", "dolsan/9", "dolsan/u9", "dolsan/l9"},
      {"nobody's", "nobody", "nobody/1", "nobody/u1", "nobody/l1"},
  };
  int checked = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    const MethodAccess& access = *FindAccess(NameOf(*method));
    if (!access.roles.Has(ledger::Role::kPartner) || access.subject == Subject::kNone) continue;
    SCOPED_TRACE(NameOf(*method));
    const std::string field = FieldOf(access.subject);
    std::vector<std::string> told;
    for (const Ids& ids : others) {
      SCOPED_TRACE(ids.why);
      const std::unique_ptr<Message> request = NewRequest(*method);
      const std::string id = field == "partner_id"  ? ids.partner
                             : field == "corpus_id" ? ids.corpus
                             : field == "lot_id"    ? ids.lot
                                                    : ids.upload;
      ASSERT_TRUE(Set(*request, field, id));
      // Otherwise as good as can be.
      Set(*request, "title", "제목");
      Set(*request, "request_id", "r");
      Set(*request, "stream_id", "s");
      const Answer answer = running_->Call(NameOf(*method), running_->KeyOf("hanbit"),
                                           {request->SerializeAsString()});
      EXPECT_EQ(answer.code(), grpc::StatusCode::NOT_FOUND) << answer.status.error_message();
      EXPECT_TRUE(answer.responses.empty());
      std::string message = answer.status.error_message();
      const size_t at = message.find(id);
      ASSERT_NE(at, std::string::npos) << message;
      message.replace(at, id.size(), "ID");
      told.push_back(answer.reason + " | " + message);
      ++checked;
    }
    // One's own that does not exist says the same again.
    if (field != "partner_id") {
      const std::string id = field == "corpus_id" ? "hanbit/9"
                             : field == "lot_id"  ? "hanbit/l9"
                                                  : "hanbit/u9";
      const std::unique_ptr<Message> request = NewRequest(*method);
      Set(*request, field, id);
      Set(*request, "request_id", "r");
      Set(*request, "stream_id", "s");
      const Answer answer = running_->Call(NameOf(*method), running_->KeyOf("hanbit"),
                                           {request->SerializeAsString()});
      EXPECT_EQ(answer.code(), grpc::StatusCode::NOT_FOUND) << answer.status.error_message();
      std::string message = answer.status.error_message();
      const size_t at = message.find(id);
      ASSERT_NE(at, std::string::npos) << message;
      message.replace(at, id.size(), "ID");
      told.push_back(answer.reason + " | " + message);
    }
    for (const std::string& words : told) EXPECT_EQ(words, told.front());
  }
  EXPECT_GT(checked, 40);
}

TEST_F(Access, ListsShowNothingOfAnotherPartner) {
  for (const MethodDescriptor* method : AllMethods()) {
    const MethodAccess& access = *FindAccess(NameOf(*method));
    if (!access.roles.Has(ledger::Role::kPartner)) continue;
    SCOPED_TRACE(NameOf(*method));
    // Once with nothing named, once with what is its own.
    for (const std::string& request : {std::string(), OwnRequest(*method)}) {
      const Answer answer = running_->Call(NameOf(*method), running_->KeyOf("hanbit"), {request});
      for (const std::string& response : answer.responses) {
        EXPECT_EQ(response.find("dolsan"), std::string::npos);
      }
      EXPECT_EQ(answer.status.error_message().find("dolsan"), std::string::npos);
    }
  }
}

TEST_F(Access, OthersSeeEveryPartner) {
  v1::ListUploadsResponse uploads;
  const Answer answer = running_->Call("jangbu.v1.ContributeService/ListUploads",
                                       running_->KeyOf(ledger::Role::kCompliance), {""});
  ASSERT_TRUE(answer.status.ok());
  ASSERT_TRUE(uploads.ParseFromString(answer.responses.at(0)));
  EXPECT_GE(uploads.uploads_size(), 3);
  v1::GetBalanceRequest request;
  const Answer missing =
      running_->Call("jangbu.v1.LedgerService/GetBalance", running_->KeyOf(ledger::Role::kFinance),
                     {request.SerializeAsString()});
  EXPECT_EQ(missing.code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(missing.reason, "partner_id_missing");
}

// A page token of one listing, or of another partner's, opens no other.
TEST_F(Access, PageTokensOfOthersAreRefused) {
  v1::ListUploadsRequest request;
  request.set_page_size(1);
  Answer answer = running_->Call("jangbu.v1.ContributeService/ListUploads",
                                 running_->KeyOf("dolsan"), {request.SerializeAsString()});
  v1::ListUploadsResponse page;
  ASSERT_TRUE(page.ParseFromString(answer.responses.at(0)));
  ASSERT_EQ(page.uploads_size(), 1);
  ASSERT_NE(page.next_page_token(), "");
  const std::string token = page.next_page_token();

  request.set_page_token(token);
  answer = running_->Call("jangbu.v1.ContributeService/ListUploads", running_->KeyOf("dolsan"),
                          {request.SerializeAsString()});
  ASSERT_TRUE(page.ParseFromString(answer.responses.at(0)));
  EXPECT_EQ(page.uploads_size(), 1);
  EXPECT_EQ(page.next_page_token(), "");

  // The same token in another's hands shows that one's own uploads or nothing.
  answer = running_->Call("jangbu.v1.ContributeService/ListUploads", running_->KeyOf("hanbit"),
                          {request.SerializeAsString()});
  for (const std::string& response : answer.responses) {
    EXPECT_EQ(response.find("dolsan"), std::string::npos);
  }
  for (const std::string& forged : {std::string("AAAA"), token + "=", std::string(300, 'x')}) {
    request.set_page_token(forged);
    answer = running_->Call("jangbu.v1.ContributeService/ListUploads", running_->KeyOf("hanbit"),
                            {request.SerializeAsString()});
    EXPECT_EQ(answer.code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(answer.reason, "bad_page_token");
  }
  v1::ListTransfersRequest transfers;
  transfers.set_page_token(token);
  answer = running_->Call("jangbu.v1.LedgerService/ListTransfers", running_->KeyOf("dolsan"),
                          {transfers.SerializeAsString()});
  EXPECT_EQ(answer.reason, "bad_page_token");
}

// The log says who called what and how it ended, and nothing of what was in it.
TEST_F(Access, TheLogHoldsNoContent) {
  const std::string text = running_->AccessLogText();
  EXPECT_NE(text.find("\"method\":\"jangbu.v1.ContributeService/UploadFiles\""), std::string::npos);
  EXPECT_NE(text.find("\"partner\":\"hanbit\""), std::string::npos);
  for (const char* planted :
       {"말뭉치", "hanbit.jsonl", "two.jsonl", "도서관", "jb_live_", "신문", "김"}) {
    EXPECT_EQ(text.find(planted), std::string::npos) << planted;
  }
}

}  // namespace
}  // namespace jangbu::services::rpc
