#include "tests/services/rpc/running_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <sstream>

#include "jangbu/v1/contribute.grpc.pb.h"
#include "services/storage/files.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string FromBuffer(grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// The smallest tokenizer of the default's family: a token a byte.
std::string ByteTokenizer() {
  std::string vocabulary;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    char escaped[32];
    std::snprintf(escaped, sizeof escaped, "%s\"\\u%04x\":%d", byte == 0 ? "" : ",",
                  itself ? byte : next, byte);
    if (!itself) ++next;
    vocabulary += escaped;
  }
  return R"({"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel",)"
         R"("add_prefix_space":false,"trim_offsets":true,"use_regex":true},"post_processor":null,)"
         R"("decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,)"
         R"("use_regex":true},"model":{"type":"BPE","dropout":null,"unk_token":null,)"
         R"("continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,)"
         R"("byte_fallback":false,"ignore_merges":false,"vocab":{)" +
         vocabulary + R"(},"merges":[]}})";
}

template <typename T>
T Must(StatusOr<T> value) {
  EXPECT_TRUE(value.ok()) << value.status();
  if (!value.ok()) std::abort();
  return *std::move(value);
}

}  // namespace

RunningServer::RunningServer() {
  std::string pattern = std::filesystem::temp_directory_path() / "jangbu-rpc-XXXXXX";
  dir_ = ::mkdtemp(pattern.data());
  JangbuOptions options;
  options.data_dir = dir_ + "/data";
  options.tokenizer_file = dir_ + "/tokenizer.json";
  EXPECT_TRUE(ReplaceFile(options.tokenizer_file, ByteTokenizer()).ok());
  options.workers = 2;
  options.clock = &clock_;
  options.random = &random_;
  jangbu_ = Must(Jangbu::Open(options));
  log_ = Must(AccessLog::Open(dir_ + "/access.log"));
  server_ = Must(Server::Start(
      *jangbu_, clock_, *log_, metrics_,
      {.listen = "127.0.0.1:0", .tls = {}, .version = "test", .http_address = "127.0.0.1:1"}));
  channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  for (const std::string partner : {"hanbit", "dolsan"}) {
    EXPECT_TRUE(jangbu_->AddPartner(partner, partner + " 신문").ok());
    partner_keys_[partner] =
        Must(jangbu_->IssueKey(partner, ledger::Role::kPartner, "김 " + partner)).secret;
  }
  role_keys_[ledger::Role::kPartner] = partner_keys_["hanbit"];
  for (const ledger::Role role :
       {ledger::Role::kFinance, ledger::Role::kCompliance, ledger::Role::kOperator,
        ledger::Role::kTrainer, ledger::Role::kGateway}) {
    role_keys_[role] = Must(jangbu_->IssueKey("", role, "박")).secret;
  }
}

RunningServer::~RunningServer() {
  channel_.reset();
  server_.reset();
  jangbu_.reset();
  log_.reset();
  std::filesystem::remove_all(dir_);
}

std::string RunningServer::AccessLogText() {
  log_->Flush();
  std::ifstream in(dir_ + "/access.log");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::unique_ptr<grpc::ClientContext> RunningServer::Context(const std::string& key) {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!key.empty()) context->AddMetadata("authorization", "Bearer " + key);
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  return context;
}

Answer RunningServer::Call(const std::string& method, const std::string& key,
                           const std::vector<std::string>& messages) {
  grpc::GenericStub stub(channel_);
  const auto context = Context(key);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(context.get(), "/" + method, &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return ok;
  };
  Answer answer;
  call->StartCall(nullptr);
  bool alive = wait();
  for (const std::string& message : messages) {
    if (!alive) break;
    call->Write(ToBuffer(message), nullptr);
    alive = wait();
  }
  if (alive) {
    call->WritesDone(nullptr);
    wait();
  }
  for (;;) {
    grpc::ByteBuffer response;
    call->Read(&response, nullptr);
    if (!wait()) break;
    answer.responses.push_back(FromBuffer(response));
  }
  call->Finish(&answer.status, nullptr);
  wait();
  const auto& trailers = context->GetServerTrailingMetadata();
  if (const auto reason = trailers.find("jangbu-reason"); reason != trailers.end()) {
    answer.reason = std::string(reason->second.data(), reason->second.size());
  }
  return answer;
}

std::string RunningServer::CreateCorpus(const std::string& key, const std::string& title) {
  v1::CreateCorpusRequest request;
  request.set_title(title);
  request.set_source_type(v1::SOURCE_TYPE_ARTICLE);
  request.set_rights("own");
  v1::CreateCorpusResponse response;
  const auto context = Context(key);
  const grpc::Status status =
      v1::ContributeService::NewStub(channel_)->CreateCorpus(context.get(), request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.corpus().corpus_id();
}

std::string RunningServer::UploadFile(const std::string& key, const std::string& corpus_id,
                                      const std::string& path, const std::string& bytes) {
  const auto stub = v1::ContributeService::NewStub(channel_);
  v1::CreateUploadRequest create;
  create.set_corpus_id(corpus_id);
  create.set_request_id("upload of " + path);
  v1::CreateUploadResponse created;
  grpc::Status status = stub->CreateUpload(Context(key).get(), create, &created);
  EXPECT_TRUE(status.ok()) << status.error_message();
  const std::string upload_id = created.upload().upload_id();

  const auto context = Context(key);
  const auto stream = stub->UploadFiles(context.get());
  v1::UploadFilesRequest piece;
  piece.set_upload_id(upload_id);
  piece.set_path(path);
  piece.set_data(bytes);
  piece.set_last(true);
  EXPECT_TRUE(stream->Write(piece));
  stream->WritesDone();
  v1::UploadFilesResponse ack;
  bool complete = false;
  while (stream->Read(&ack)) complete = complete || ack.complete();
  status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(complete) << ack.error_message();

  v1::SealUploadRequest seal;
  seal.set_upload_id(upload_id);
  seal.set_file_count(1);
  v1::SealUploadResponse sealed;
  status = stub->SealUpload(Context(key).get(), seal, &sealed);
  EXPECT_TRUE(status.ok()) << status.error_message();

  v1::WatchUploadRequest watch;
  watch.set_upload_id(upload_id);
  const auto watching = Context(key);
  const auto progress = stub->WatchUpload(watching.get(), watch);
  v1::WatchUploadResponse told;
  while (progress->Read(&told)) {
  }
  status = progress->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(told.upload().state(), v1::UPLOAD_STATE_DONE);
  return upload_id;
}

std::string SomeJsonLines(int documents, uint64_t seed) {
  static constexpr const char* kWords[] = {"바다", "산길",   "도서관", "아침", "신문",
                                           "기록", "마을",   "학교",   "강물", "겨울",
                                           "노래", "이야기", "사람",   "시간"};
  std::mt19937_64 random(seed);
  std::string lines;
  for (int i = 0; i < documents; ++i) {
    std::string text = "문서 " + std::to_string(seed) + "-" + std::to_string(i) + ".";
    for (int word = 0; word < 40; ++word) {
      text +=
          std::string(" ") + kWords[random() % std::size(kWords)] + std::to_string(random() % 1000);
    }
    lines += "{\"id\":\"d" + std::to_string(i) + "\",\"text\":\"" + text + "\"}\n";
  }
  return lines;
}

}  // namespace jangbu::services::rpc
