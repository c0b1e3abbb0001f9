// The running server: uploads, feeds, limits, TLS, stopping.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "jangbu/v1/admin.grpc.pb.h"
#include "jangbu/v1/contribute.grpc.pb.h"
#include "jangbu/v1/ledger.grpc.pb.h"
#include "jangbu/v1/log.grpc.pb.h"
#include "services/rpc/limits.h"
#include "tests/services/rpc/running_server.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;
using grpc::StatusCode;

using jangbu::ReasonOf;
std::string ReasonOf(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto reason = trailers.find("jangbu-reason");
  return reason == trailers.end() ? "" : std::string(reason->second.data(), reason->second.size());
}

class ServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    running_ = new RunningServer();
    corpus_ = running_->CreateCorpus(Key(), "말뭉치");
  }
  static void TearDownTestSuite() {
    delete running_;
    running_ = nullptr;
  }
  static const std::string& Key() { return running_->KeyOf("hanbit"); }
  static std::string OpenUpload(const std::string& request_id) {
    v1::CreateUploadRequest request;
    request.set_corpus_id(corpus_);
    request.set_request_id(request_id);
    v1::CreateUploadResponse response;
    const auto context = RunningServer::Context(Key());
    const grpc::Status status = Contribute()->CreateUpload(context.get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.upload().upload_id();
  }
  static std::unique_ptr<v1::ContributeService::Stub> Contribute() {
    return v1::ContributeService::NewStub(running_->channel());
  }
  static v1::Upload GetUpload(const std::string& upload_id) {
    v1::GetUploadRequest request;
    request.set_upload_id(upload_id);
    v1::GetUploadResponse response;
    EXPECT_TRUE(
        Contribute()->GetUpload(RunningServer::Context(Key()).get(), request, &response).ok());
    return response.upload();
  }
  static std::vector<v1::DocumentVerdict> Verdicts(const v1::ListVerdictsRequest& request) {
    std::vector<v1::DocumentVerdict> rows;
    const auto context = RunningServer::Context(Key());
    const auto stream = Contribute()->ListVerdicts(context.get(), request);
    v1::ListVerdictsResponse response;
    while (stream->Read(&response)) rows.push_back(response.verdict());
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return rows;
  }

  static RunningServer* running_;
  static std::string corpus_;
};
RunningServer* ServerTest::running_ = nullptr;
std::string ServerTest::corpus_;

// ---- uploads ----

TEST_F(ServerTest, AFileBecomesVerdictsABalanceAndAReceipt) {
  const std::string bytes = SomeJsonLines(20, 1) + "{\"id\":\"x\"}\n";
  const std::string upload_id = running_->UploadFile(Key(), corpus_, "폴더/글.jsonl", bytes);
  const v1::Upload upload = GetUpload(upload_id);
  EXPECT_EQ(upload.files(), 1);
  EXPECT_EQ(upload.bytes(), static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(upload.counts().documents(), 21);
  EXPECT_EQ(upload.counts().accepted(), 20);
  EXPECT_EQ(upload.counts().rejected(), 1);
  EXPECT_EQ(upload.tokenizer_sha256().size(), 64u);

  v1::ListVerdictsRequest request;
  request.set_upload_id(upload_id);
  const std::vector<v1::DocumentVerdict> rows = Verdicts(request);
  ASSERT_EQ(rows.size(), 21u);
  EXPECT_EQ(rows[0].file(), "폴더/글.jsonl");
  EXPECT_EQ(rows[0].record(), 1u);
  EXPECT_EQ(rows[0].document_id(), "d0");
  EXPECT_EQ(rows[20].verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(rows[20].reason(), "");
  request.add_verdicts(v1::VERDICT_REJECTED);
  EXPECT_EQ(Verdicts(request).size(), 1u);
  request.clear_verdicts();
  request.set_limit(3);
  EXPECT_EQ(Verdicts(request).size(), 3u);

  v1::GetBalanceResponse balance;
  const auto ledger = v1::LedgerService::NewStub(running_->channel());
  ASSERT_TRUE(
      ledger->GetBalance(RunningServer::Context(Key()).get(), v1::GetBalanceRequest(), &balance)
          .ok());
  EXPECT_EQ(balance.balance().partner_id(), "hanbit");
  EXPECT_GE(balance.balance().counts().documents(), 21);
  EXPECT_GT(balance.balance().provisional_korean_tokens(), 0);

  v1::ListTransfersResponse transfers;
  ASSERT_TRUE(ledger
                  ->ListTransfers(RunningServer::Context(Key()).get(), v1::ListTransfersRequest(),
                                  &transfers)
                  .ok());
  ASSERT_GE(transfers.transfers_size(), 2);
  EXPECT_EQ(transfers.transfers(0).code(), "provisional");
  EXPECT_EQ(transfers.transfers(0).debit_account(), "programme/korean_tokens");
  EXPECT_EQ(transfers.transfers(0).credit_account(), "hanbit/provisional/korean_tokens");
  EXPECT_EQ(transfers.transfers(0).transfer_id().size(), 32u);

  v1::GetReceiptRequest ask;
  ask.set_upload_id(upload_id);
  v1::GetReceiptResponse receipt;
  ASSERT_TRUE(Contribute()->GetReceipt(RunningServer::Context(Key()).get(), ask, &receipt).ok());
  EXPECT_FALSE(receipt.receipt().empty());
}

TEST_F(ServerTest, AnUploadResumesAtItsOffset) {
  const std::string upload_id = OpenUpload("resumed");
  const std::string bytes = SomeJsonLines(300, 2);
  const auto send = [&](uint64_t from, uint64_t to, bool last) {
    const auto context = RunningServer::Context(Key());
    const auto stream = Contribute()->UploadFiles(context.get());
    v1::UploadFilesRequest piece;
    piece.set_upload_id(upload_id);
    piece.set_path("a.jsonl");
    uint64_t acknowledged = 0;
    for (uint64_t at = from; at < to; at += 10'000) {
      const uint64_t size = std::min<uint64_t>(10'000, to - at);
      piece.set_offset(at);
      piece.set_data(bytes.substr(at, size));
      piece.set_last(last && at + size == to);
      if (piece.last()) {
        const Digest digest = Sha256(bytes);
        piece.set_sha256(digest.data(), digest.size());
      }
      EXPECT_TRUE(stream->Write(piece));
      piece.clear_upload_id();
      piece.clear_path();
    }
    stream->WritesDone();
    v1::UploadFilesResponse ack;
    while (stream->Read(&ack)) {
      EXPECT_EQ(ack.error_reason(), "") << ack.error_message();
      EXPECT_GE(ack.acknowledged(), acknowledged);
      acknowledged = ack.acknowledged();
    }
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return acknowledged;
  };
  const uint64_t half = bytes.size() / 2;
  EXPECT_EQ(send(0, half, false), half);

  v1::ListStagedFilesRequest request;
  request.set_upload_id(upload_id);
  const auto context = RunningServer::Context(Key());
  const auto stream = Contribute()->ListStagedFiles(context.get(), request);
  v1::ListStagedFilesResponse file;
  ASSERT_TRUE(stream->Read(&file));
  EXPECT_EQ(file.path(), "a.jsonl");
  EXPECT_EQ(file.acknowledged(), half);
  EXPECT_FALSE(file.complete());
  EXPECT_FALSE(stream->Read(&file));
  EXPECT_TRUE(stream->Finish().ok());

  EXPECT_EQ(send(half, bytes.size(), true), bytes.size());
}

// A stream ends with a status though its client neither speaks nor half-closes.
TEST_F(ServerTest, AStreamIsRefusedWhileItsClientIsSilent) {
  struct Row {
    const char* why;
    std::vector<v1::UploadFilesRequest> messages;
    StatusCode code;
    const char* reason;
  };
  const std::string upload_id = OpenUpload("refusals");
  v1::UploadFilesRequest first;
  first.set_upload_id(upload_id);
  first.set_path("b.txt");
  v1::UploadFilesRequest no_upload = first;
  no_upload.clear_upload_id();
  v1::UploadFilesRequest absent = first;
  absent.set_upload_id("hanbit/u999");
  v1::UploadFilesRequest large = first;
  large.set_data(std::string(kMaxPieceBytes + 1, 'x'));
  v1::UploadFilesRequest largest = first;
  largest.set_data(std::string(kMaxMessageBytes + 1, 'x'));
  v1::UploadFilesRequest other = first;
  other.set_upload_id("hanbit/u1");
  v1::UploadFilesRequest long_path = first;
  long_path.set_path(std::string(kMaxPieceBytes + 1, 'p'));
  v1::UploadFilesRequest bad_digest = first;
  bad_digest.set_last(true);
  bad_digest.set_sha256("short");
  v1::UploadFilesRequest early_digest = first;
  early_digest.set_sha256(std::string(32, 'd'));
  const Row rows[] = {
      {"no upload", {no_upload}, StatusCode::INVALID_ARGUMENT, "bad_upload_id"},
      {"none such", {absent}, StatusCode::NOT_FOUND, "no_such_upload"},
      {"a piece over a MiB", {large}, StatusCode::RESOURCE_EXHAUSTED, "message_too_large"},
      {"a message over 16 MiB", {largest}, StatusCode::RESOURCE_EXHAUSTED, "message_too_large"},
      {"another upload in mid-stream",
       {first, other},
       StatusCode::INVALID_ARGUMENT,
       "upload_id_changed"},
      {"a path over a MiB", {long_path}, StatusCode::RESOURCE_EXHAUSTED, "message_too_large"},
      {"a digest of another length", {bad_digest}, StatusCode::INVALID_ARGUMENT, "bad_sha256"},
      {"a digest before the end", {early_digest}, StatusCode::INVALID_ARGUMENT, "bad_sha256"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.why);
    const auto context = RunningServer::Context(Key());
    const auto stream = Contribute()->UploadFiles(context.get());
    for (const v1::UploadFilesRequest& message : row.messages) stream->Write(message);
    v1::UploadFilesResponse ack;
    while (stream->Read(&ack)) {
    }
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), row.code) << status.error_message();
    EXPECT_EQ(ReasonOf(*context), row.reason);
  }
}

TEST_F(ServerTest, ManySmallFilesInOneStream) {
  constexpr int kFiles = 3000;
  const std::string upload_id = OpenUpload("many");
  const auto context = RunningServer::Context(Key());
  const auto stream = Contribute()->UploadFiles(context.get());
  std::thread writer([&] {
    for (int i = 0; i < kFiles; ++i) {
      v1::UploadFilesRequest piece;
      if (i == 0) piece.set_upload_id(upload_id);
      piece.set_file(static_cast<uint32_t>(i));
      piece.set_path("f" + std::to_string(i) + ".txt");
      piece.set_data("글 " + std::to_string(i));
      piece.set_last(true);
      if (!stream->Write(piece)) break;
    }
    stream->WritesDone();
  });
  int complete = 0;
  v1::UploadFilesResponse ack;
  while (stream->Read(&ack)) complete += ack.complete() ? 1 : 0;
  writer.join();
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(complete, kFiles);
}

TEST_F(ServerTest, AFileRefusedAloneDoesNotEndTheStream) {
  const std::string upload_id = OpenUpload("alone");
  const auto context = RunningServer::Context(Key());
  const auto stream = Contribute()->UploadFiles(context.get());
  v1::UploadFilesRequest piece;
  piece.set_upload_id(upload_id);
  piece.set_path("a.txt");
  piece.set_data("가나다");
  piece.set_last(true);
  piece.set_sha256(std::string(32, 'x'));  // of other bytes
  stream->Write(piece);
  v1::UploadFilesResponse ack;
  ASSERT_TRUE(stream->Read(&ack));
  EXPECT_EQ(ack.error_reason(), "file_changed");
  EXPECT_FALSE(ack.complete());
  const Digest digest = Sha256(std::string_view("가나다"));
  piece.set_sha256(digest.data(), digest.size());
  stream->Write(piece);
  ASSERT_TRUE(stream->Read(&ack));
  EXPECT_EQ(ack.error_reason(), "");
  EXPECT_TRUE(ack.complete());
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&ack));
  EXPECT_TRUE(stream->Finish().ok());
}

// ---- feeds ----

TEST_F(ServerTest, AFeedAnswersEachDocumentInOrder) {
  const auto context = RunningServer::Context(Key());
  const auto stream = Contribute()->Contribute(context.get());
  constexpr int kDocuments = 600;
  std::thread writer([&] {
    for (int i = 0; i < kDocuments; ++i) {
      v1::ContributeRequest document;
      if (i == 0) {
        document.set_corpus_id(corpus_);
        document.set_stream_id("feed-1");
      }
      document.set_document_id("doc-" + std::to_string(i));
      document.set_text("이 글은 " + std::to_string(i) +
                        "번째 소식이며 새로운 이야기를 담고 있다.");
      if (!stream->Write(document)) break;
    }
    stream->WritesDone();
  });
  v1::ContributeResponse response;
  int answered = 0;
  while (stream->Read(&response)) {
    EXPECT_EQ(response.document_id(), "doc-" + std::to_string(answered));
    EXPECT_EQ(response.error_reason(), "") << response.error_message();
    EXPECT_NE(response.verdict().verdict(), v1::VERDICT_UNSPECIFIED);
    ++answered;
  }
  writer.join();
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answered, kDocuments);
  EXPECT_EQ(GetUpload(response.upload_id()).counts().documents(), kDocuments);
}

TEST_F(ServerTest, AFeedThatIsRepeatedAnswersTheEarlierVerdict) {
  const auto send = [&](const std::string& text) {
    const auto context = RunningServer::Context(Key());
    const auto stream = Contribute()->Contribute(context.get());
    v1::ContributeRequest document;
    document.set_corpus_id(corpus_);
    document.set_stream_id("feed-2");
    document.set_document_id("same");
    document.set_text(text);
    stream->Write(document);
    v1::ContributeResponse response;
    EXPECT_TRUE(stream->Read(&response));  // the stream is still open
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return response;
  };
  const std::string text = "같은 글을 두 번 보내도 한 번만 센다는 것을 여기서 확인한다.";
  const v1::ContributeResponse first = send(text);
  EXPECT_FALSE(first.replayed());
  EXPECT_EQ(first.verdict().verdict(), v1::VERDICT_ACCEPTED);
  const v1::ContributeResponse second = send(text);
  EXPECT_TRUE(second.replayed());
  EXPECT_EQ(second.verdict().SerializeAsString(), first.verdict().SerializeAsString());
  EXPECT_EQ(second.upload_id(), first.upload_id());
  const v1::ContributeResponse other = send(text + " 그리고 더.");
  EXPECT_EQ(other.error_reason(), "document_id_reused");
}

TEST_F(ServerTest, AFeedNeedsItsCorpusAndStream) {
  const auto send = [&](const v1::ContributeRequest& message, std::string& reason) {
    const auto context = RunningServer::Context(Key());
    const auto stream = Contribute()->Contribute(context.get());
    stream->Write(message);
    v1::ContributeResponse response;
    while (stream->Read(&response)) {
    }
    const StatusCode code = stream->Finish().error_code();
    reason = ReasonOf(*context);
    return code;
  };
  std::string reason;
  v1::ContributeRequest message;
  EXPECT_EQ(send(message, reason), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(reason, "bad_corpus_id");
  message.set_corpus_id(corpus_);
  EXPECT_EQ(send(message, reason), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(reason, "bad_stream_id");
  message.set_stream_id("feed-3");
  message.set_title(std::string(kMaxTitleBytes + 1, 't'));
  EXPECT_EQ(send(message, reason), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(reason, "bad_title");
}

// ---- limits ----

TEST_F(ServerTest, MessagesHaveALimit) {
  v1::CreateCorpusRequest request;
  request.set_title("t");
  request.set_rights(std::string(kMaxMessageBytes + 1, 'r'));
  v1::CreateCorpusResponse response;
  auto context = RunningServer::Context(Key());
  EXPECT_EQ(Contribute()->CreateCorpus(context.get(), request, &response).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(*context), "message_too_large");
  // What is over the server's own limit does not reach us.
  request.set_rights(std::string(kMaxContributeBytes + 1, 'r'));
  context = RunningServer::Context(Key());
  EXPECT_EQ(Contribute()->CreateCorpus(context.get(), request, &response).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ServerTest, ShapesAreChecked) {
  const auto create = [&](const std::string& title, v1::SourceType type) {
    v1::CreateCorpusRequest request;
    request.set_title(title);
    request.set_source_type(type);
    v1::CreateCorpusResponse response;
    const auto context = RunningServer::Context(Key());
    EXPECT_EQ(Contribute()->CreateCorpus(context.get(), request, &response).error_code(),
              StatusCode::INVALID_ARGUMENT);
    return ReasonOf(*context);
  };
  EXPECT_EQ(create("", v1::SOURCE_TYPE_BOOK), "bad_title");
  EXPECT_EQ(create(std::string(201, 'x'), v1::SOURCE_TYPE_BOOK), "bad_title");
  EXPECT_EQ(create("a\tb", v1::SOURCE_TYPE_BOOK), "bad_title");
  EXPECT_EQ(create("제목", v1::SOURCE_TYPE_UNSPECIFIED), "bad_source_type");
  EXPECT_EQ(create("제목", static_cast<v1::SourceType>(77)), "bad_source_type");
}

TEST_F(ServerTest, OnePartnerCannotTakeAllThreads) {
  const std::string upload_id = OpenUpload("watched");
  v1::WatchUploadRequest request;
  request.set_upload_id(upload_id);
  const auto stub = Contribute();
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchUploadResponse>>> watches;
  v1::WatchUploadResponse response;
  for (int i = 0; i < kMaxCallsPerCaller; ++i) {
    contexts.push_back(RunningServer::Context(Key()));
    watches.push_back(stub->WatchUpload(contexts.back().get(), request));
    ASSERT_TRUE(watches.back()->Read(&response)) << i;
  }
  const auto one_more = RunningServer::Context(Key());
  auto refused = stub->WatchUpload(one_more.get(), request);
  EXPECT_FALSE(refused->Read(&response));
  EXPECT_EQ(refused->Finish().error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(*one_more), "too_many_calls");
  // Others are not touched.
  v1::ListCorporaResponse corpora;
  EXPECT_TRUE(stub->ListCorpora(RunningServer::Context(running_->KeyOf("dolsan")).get(),
                                v1::ListCorporaRequest(), &corpora)
                  .ok());
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& watch : watches) {
    while (watch->Read(&response)) {
    }
    EXPECT_EQ(watch->Finish().error_code(), StatusCode::CANCELLED);
  }
  // The server notices that nobody watches any more, and there is room again.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!stub->ListCorpora(RunningServer::Context(Key()).get(), v1::ListCorporaRequest(), &corpora)
              .ok()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TEST_F(ServerTest, DeadlinesEndAWatch) {
  v1::WatchUploadRequest request;
  request.set_upload_id(OpenUpload("deadline"));
  const auto context = RunningServer::Context(Key());
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  const auto watch = Contribute()->WatchUpload(context.get(), request);
  v1::WatchUploadResponse response;
  while (watch->Read(&response)) {
  }
  EXPECT_EQ(watch->Finish().error_code(), StatusCode::DEADLINE_EXCEEDED);
}

// ---- administration, log ----

TEST_F(ServerTest, KeysAreIssuedRotatedAndRevoked) {
  const auto admin = v1::AdminService::NewStub(running_->channel());
  const std::string& key = running_->KeyOf(ledger::Role::kOperator);
  v1::IssueKeyRequest issue;
  issue.set_partner_id("hanbit");
  issue.set_role(v1::ROLE_PARTNER);
  issue.set_person("최");
  v1::IssueKeyResponse issued;
  ASSERT_TRUE(admin->IssueKey(RunningServer::Context(key).get(), issue, &issued).ok());
  EXPECT_TRUE(issued.secret().starts_with("jb_live_"));
  EXPECT_EQ(issued.key().partner_id(), "hanbit");

  v1::RotateKeyRequest rotate;
  rotate.set_key_id(issued.key().key_id());
  v1::RotateKeyResponse rotated;
  ASSERT_TRUE(admin->RotateKey(RunningServer::Context(key).get(), rotate, &rotated).ok());
  EXPECT_NE(rotated.key().key_id(), issued.key().key_id());
  EXPECT_EQ(rotated.key().person(), "최");
  v1::GetBalanceResponse balance;
  const auto ledger = v1::LedgerService::NewStub(running_->channel());
  EXPECT_EQ(ledger
                ->GetBalance(RunningServer::Context(issued.secret()).get(), v1::GetBalanceRequest(),
                             &balance)
                .error_code(),
            StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(ledger
                  ->GetBalance(RunningServer::Context(rotated.secret()).get(),
                               v1::GetBalanceRequest(), &balance)
                  .ok());

  v1::RevokeKeyRequest revoke;
  revoke.set_key_id(rotated.key().key_id());
  v1::RevokeKeyResponse revoked;
  ASSERT_TRUE(admin->RevokeKey(RunningServer::Context(key).get(), revoke, &revoked).ok());
  EXPECT_GT(revoked.key().revoked_at_micros(), 0);
  revoke.set_key_id("nosuchkey");
  EXPECT_EQ(admin->RevokeKey(RunningServer::Context(key).get(), revoke, &revoked).error_code(),
            StatusCode::NOT_FOUND);
  rotate.set_key_id("nosuchkey");
  EXPECT_EQ(admin->RotateKey(RunningServer::Context(key).get(), rotate, &rotated).error_code(),
            StatusCode::NOT_FOUND);

  issue.set_role(v1::ROLE_OPERATOR);  // belongs to no partner
  EXPECT_EQ(admin->IssueKey(RunningServer::Context(key).get(), issue, &issued).error_code(),
            StatusCode::INVALID_ARGUMENT);
  issue.set_role(v1::ROLE_PARTNER);
  issue.set_partner_id("nobody");
  EXPECT_EQ(admin->IssueKey(RunningServer::Context(key).get(), issue, &issued).error_code(),
            StatusCode::NOT_FOUND);
  issue.clear_partner_id();
  EXPECT_EQ(admin->IssueKey(RunningServer::Context(key).get(), issue, &issued).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, PartnersAreAddedOnce) {
  const auto admin = v1::AdminService::NewStub(running_->channel());
  const std::string& key = running_->KeyOf(ledger::Role::kOperator);
  v1::AddPartnerRequest request;
  request.set_partner_id("saebyeok");
  request.set_name("새벽 출판");
  v1::AddPartnerResponse response;
  ASSERT_TRUE(admin->AddPartner(RunningServer::Context(key).get(), request, &response).ok());
  EXPECT_EQ(response.partner().name(), "새벽 출판");
  EXPECT_GT(response.partner().created_at_micros(), 0);
  EXPECT_EQ(admin->AddPartner(RunningServer::Context(key).get(), request, &response).error_code(),
            StatusCode::ALREADY_EXISTS);
  request.set_partner_id("Saebyeok");
  EXPECT_EQ(admin->AddPartner(RunningServer::Context(key).get(), request, &response).error_code(),
            StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, ProofsAreGivenUnderTheNewestCheckpoint) {
  const auto log = v1::LogService::NewStub(running_->channel());
  v1::GetCheckpointRequest request;
  request.set_fresh(true);
  v1::GetCheckpointResponse checkpoint;
  ASSERT_TRUE(log->GetCheckpoint(RunningServer::Context(Key()).get(), request, &checkpoint).ok());
  EXPECT_FALSE(checkpoint.checkpoint().empty());
  EXPECT_FALSE(checkpoint.verifier_key().empty());
  v1::ProveConsistencyRequest consistency;
  consistency.set_old_size(1);
  v1::ProveConsistencyResponse path;
  ASSERT_TRUE(log->ProveConsistency(RunningServer::Context(Key()).get(), consistency, &path).ok());
  EXPECT_EQ(path.old_size(), 1u);
  EXPECT_GT(path.hashes_size(), 0);
  for (const std::string& hash : path.hashes()) EXPECT_EQ(hash.size(), 32u);
  v1::ProveInclusionRequest inclusion;
  inclusion.set_index(0);
  inclusion.set_tree_size(path.new_size());
  v1::ProveInclusionResponse proof;
  grpc::Status status = log->ProveInclusion(RunningServer::Context(Key()).get(), inclusion, &proof);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(proof.leaf().size(), 32u);
  inclusion.set_tree_size(1);
  auto context = RunningServer::Context(Key());
  EXPECT_EQ(log->ProveInclusion(context.get(), inclusion, &proof).error_code(),
            StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(ReasonOf(*context), "not_newest_checkpoint");
  inclusion.set_tree_size(0);
  inclusion.set_index(1'000'000'000);
  context = RunningServer::Context(Key());
  EXPECT_EQ(log->ProveInclusion(context.get(), inclusion, &proof).error_code(),
            StatusCode::OUT_OF_RANGE);
  consistency.set_old_size(1'000'000'000);
  EXPECT_EQ(
      log->ProveConsistency(RunningServer::Context(Key()).get(), consistency, &path).error_code(),
      StatusCode::OUT_OF_RANGE);
}

TEST_F(ServerTest, FiguresOfTheFutureAreNotGiven) {
  v1::GetBalanceRequest request;
  v1::GetBalanceResponse response;
  const auto ledger = v1::LedgerService::NewStub(running_->channel());
  for (const int64_t as_of : {int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    request.set_as_of_micros(as_of);
    const auto context = RunningServer::Context(Key());
    EXPECT_EQ(ledger->GetBalance(context.get(), request, &response).error_code(),
              StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(*context), "bad_as_of");
  }
  request.set_as_of_micros(1);
  ASSERT_TRUE(ledger->GetBalance(RunningServer::Context(Key()).get(), request, &response).ok());
  EXPECT_EQ(response.balance().counts().documents(), 0);
  EXPECT_EQ(response.balance().provisional_korean_tokens(), 0);
}

TEST_F(ServerTest, PartnersSeeNoSizes) {
  const auto admin = v1::AdminService::NewStub(running_->channel());
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(
      admin->GetServerInfo(RunningServer::Context(Key()).get(), v1::GetServerInfoRequest(), &info)
          .ok());
  EXPECT_EQ(info.journal_size(), 0u);
  EXPECT_EQ(info.version(), "test");
  EXPECT_EQ(info.tokenizer_sha256().size(), 64u);
  ASSERT_TRUE(
      admin
          ->GetServerInfo(RunningServer::Context(running_->KeyOf(ledger::Role::kFinance)).get(),
                          v1::GetServerInfoRequest(), &info)
          .ok());
  EXPECT_GT(info.journal_size(), 0u);
}

// ---- health, addresses, stopping, TLS ----

TEST_F(ServerTest, HealthAndReflectionAnswerWithoutAKey) {
  // grpc.health.v1.HealthCheckResponse{status: SERVING}
  const Answer health = running_->Call("grpc.health.v1.Health/Check", "", {""});
  ASSERT_TRUE(health.status.ok()) << health.status.error_message();
  EXPECT_EQ(health.responses.at(0), std::string("\x08\x01", 2));
  // ServerReflectionRequest{list_services: ""}
  const Answer services =
      running_->Call("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "",
                     {std::string("\x3A\x00", 2)});
  ASSERT_TRUE(services.status.ok()) << services.status.error_message();
  EXPECT_NE(services.responses.at(0).find("jangbu.v1.ContributeService"), std::string::npos);
}

TEST_F(ServerTest, ASecondServerCannotTakeTheAddress) {
  const auto second = Server::Start(
      running_->jangbu(), running_->clock(), running_->log(), running_->metrics(),
      {.listen = running_->server().address(), .tls = {}, .version = "", .http_address = ""});
  EXPECT_EQ(ReasonOf(second.status()), "address_in_use");
  for (const char* listen : {"", "127.0.0.1", ":1", "127.0.0.1:"}) {
    const auto bad =
        Server::Start(running_->jangbu(), running_->clock(), running_->log(), running_->metrics(),
                      {.listen = listen, .tls = {}, .version = "", .http_address = ""});
    EXPECT_EQ(ReasonOf(bad.status()), "bad_listen_address") << listen;
  }
}

TEST(ServerStop, StreamsEndWithAReasonAndTheWordsOfARestart) {
  RunningServer running;
  const std::string key = running.KeyOf("hanbit");
  const std::string corpus = running.CreateCorpus(key, "말뭉치");
  const auto stub = v1::ContributeService::NewStub(running.channel());
  v1::CreateUploadRequest create;
  create.set_corpus_id(corpus);
  create.set_request_id("r");
  v1::CreateUploadResponse created;
  ASSERT_TRUE(stub->CreateUpload(RunningServer::Context(key).get(), create, &created).ok());
  const auto context = RunningServer::Context(key);
  const auto stream = stub->UploadFiles(context.get());
  v1::UploadFilesRequest piece;
  piece.set_upload_id(created.upload().upload_id());
  piece.set_path("a.txt");
  piece.set_data("가");
  stream->Write(piece);
  v1::UploadFilesResponse ack;
  ASSERT_TRUE(stream->Read(&ack));
  EXPECT_EQ(ack.acknowledged(), 3u);
  std::thread stopper([&] { running.server().Stop(std::chrono::seconds(20)); });
  EXPECT_FALSE(stream->Read(&ack));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(*context), "server_stopping");
  stopper.join();
}

// A certificate authority, a server and a client certificate, made for the test.
class Pki {
 public:
  explicit Pki(const std::string& dir) : dir_(dir) {
    EVP_PKEY* ca_key = NewKey();
    X509* ca = NewCertificate("test authority", ca_key, nullptr, ca_key, true, "");
    Write("ca.pem", ca, nullptr);
    Make("server", "IP:127.0.0.1", ca, ca_key);
    Make("client", "DNS:hanbit.example", ca, ca_key);
    EVP_PKEY* other_key = NewKey();
    X509* other = NewCertificate("another authority", other_key, nullptr, other_key, true, "");
    Make("stranger", "DNS:stranger.example", other, other_key);
    X509_free(ca);
    X509_free(other);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
  }
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ifstream in(Path(name));
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

 private:
  static EVP_PKEY* NewKey() { return EVP_EC_gen("P-256"); }
  static X509* NewCertificate(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                              bool authority, const std::string& alternative) {
    static long serial = 1;
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer));
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer == nullptr ? certificate : issuer, certificate, nullptr,
                   nullptr, 0);
    const auto extend = [&](int nid, const std::string& value) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
      X509_add_ext(certificate, extension, -1);
      X509_EXTENSION_free(extension);
    };
    extend(NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!alternative.empty()) extend(NID_subject_alt_name, alternative);
    X509_sign(certificate, issuer_key, EVP_sha256());
    return certificate;
  }
  void Write(const std::string& name, X509* certificate, EVP_PKEY* key) {
    BIO* file = BIO_new_file(Path(name).c_str(), "w");
    if (certificate != nullptr) PEM_write_bio_X509(file, certificate);
    if (key != nullptr) PEM_write_bio_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    BIO_free(file);
  }
  void Make(const std::string& name, const std::string& alternative, X509* issuer,
            EVP_PKEY* issuer_key) {
    EVP_PKEY* key = NewKey();
    X509* certificate = NewCertificate(name.c_str(), key, issuer, issuer_key, false, alternative);
    Write(name + ".pem", certificate, nullptr);
    Write(name + ".key", nullptr, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  const std::string dir_;
};

TEST_F(ServerTest, TlsAndClientCertificates) {
  const Pki pki(running_->dir());
  const auto start = [&](const TlsFiles& tls) {
    return Server::Start(running_->jangbu(), running_->clock(), running_->log(),
                         running_->metrics(),
                         {.listen = "127.0.0.1:0", .tls = tls, .version = "", .http_address = ""});
  };
  const auto ask = [&](const Server& server,
                       const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    const auto log = v1::LogService::NewStub(grpc::CreateChannel(server.address(), credentials));
    v1::GetCheckpointResponse response;
    const auto context = RunningServer::Context(Key());
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return log->GetCheckpoint(context.get(), v1::GetCheckpointRequest(), &response).error_code();
  };
  const auto trusting = [&](const std::string& name) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = pki.Read("ca.pem");
    if (!name.empty()) {
      options.pem_cert_chain = pki.Read(name + ".pem");
      options.pem_private_key = pki.Read(name + ".key");
    }
    return grpc::SslCredentials(options);
  };
  {
    const auto server = start({.certificate = pki.Path("server.pem"),
                               .private_key = pki.Path("server.key"),
                               .client_ca = ""});
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ(ask(**server, trusting("")), StatusCode::OK);
    EXPECT_EQ(ask(**server, grpc::InsecureChannelCredentials()), StatusCode::UNAVAILABLE);
    EXPECT_EQ(ask(**server, grpc::SslCredentials({})), StatusCode::UNAVAILABLE);
  }
  {
    const auto server = start({.certificate = pki.Path("server.pem"),
                               .private_key = pki.Path("server.key"),
                               .client_ca = pki.Path("ca.pem")});
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ(ask(**server, trusting("client")), StatusCode::OK);
    EXPECT_EQ(ask(**server, trusting("")), StatusCode::UNAVAILABLE);
    EXPECT_EQ(ask(**server, trusting("stranger")), StatusCode::UNAVAILABLE);
  }
  EXPECT_EQ(ReasonOf(start({.certificate = pki.Path("none.pem"),
                            .private_key = pki.Path("server.key"),
                            .client_ca = ""})
                         .status()),
            "file_missing");
  EXPECT_EQ(
      ReasonOf(start({.certificate = pki.Path("server.pem"), .private_key = "", .client_ca = ""})
                   .status()),
      "bad_tls");
  EXPECT_FALSE(start({.certificate = pki.Path("server.key"),
                      .private_key = pki.Path("server.pem"),
                      .client_ca = ""})
                   .ok());
}

}  // namespace
}  // namespace jangbu::services::rpc
