#include "tests/services/cli/fake_server.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <thread>

#include "base/digest.h"
#include "jangbu/v1/contribute.grpc.pb.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

class Service : public v1::ContributeService::Service {
 public:
  Service(std::shared_ptr<FakeState> state, FakeFaults faults)
      : state_(std::move(state)), faults_(std::move(faults)) {}

  Status CreateCorpus(ServerContext* context, const v1::CreateCorpusRequest* request,
                      v1::CreateCorpusResponse* response) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    v1::Corpus& corpus = *response->mutable_corpus();
    corpus.set_corpus_id("saebit/1");
    corpus.set_partner_id("saebit");
    corpus.set_title(request->title());
    corpus.set_source_type(request->source_type());
    corpus.set_rights(request->rights());
    return Status::OK;
  }

  Status CreateUpload(ServerContext* context, const v1::CreateUploadRequest* request,
                      v1::CreateUploadResponse* response) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    const std::lock_guard lock(state_->mutex);
    ++state_->create_calls;
    if (faults_.create_failures > 0) {
      --faults_.create_failures;
      return {StatusCode::UNAVAILABLE, "server_stopping: try again"};
    }
    if (request->request_id().empty() || request->request_id().size() > 64)
      Violation("request_id out of bounds");
    for (FakeState::Upload& upload : state_->uploads) {
      if (upload.request_id == request->request_id()) {
        Describe(upload, *response->mutable_upload());
        return Status::OK;
      }
    }
    FakeState::Upload upload;
    upload.id = "saebit/u" + std::to_string(state_->uploads.size() + 1);
    upload.corpus = request->corpus_id();
    upload.request_id = request->request_id();
    upload.polls_until_done = 2;
    state_->uploads.push_back(upload);
    Describe(state_->uploads.back(), *response->mutable_upload());
    return Status::OK;
  }

  Status UploadFiles(
      ServerContext* context,
      grpc::ServerReaderWriter<v1::UploadFilesResponse, v1::UploadFilesRequest>* stream) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    uint64_t number = 0;
    {
      const std::lock_guard lock(state_->mutex);
      number = state_->streams++;
    }
    const int64_t break_after = faults_.break_after(number);
    std::string upload_id;
    std::map<uint32_t, std::string> pending;  // received and not yet durable
    int64_t messages = 0;
    uint32_t last_file = 0;
    v1::UploadFilesRequest request;
    while (stream->Read(&request)) {
      if (upload_id.empty()) upload_id = request.upload_id();
      if (faults_.acknowledge_nothing_once && number == 0) continue;
      if (break_after >= 0 && messages++ >= break_after)
        return {StatusCode::UNAVAILABLE, "connection reset"};
      v1::UploadFilesResponse response;
      bool answer = false;
      {
        const std::lock_guard lock(state_->mutex);
        if (upload_id.empty()) Violation("the first message names no upload");
        if (request.data().size() > (1 << 20)) Violation("more than 1 MiB in a message");
        if (request.file() < last_file) Violation("files out of order");
        last_file = request.file();
        state_->bytes_received += request.data().size();
        answer = Receive(upload_id, request, pending, response);
      }
      if (answer) stream->Write(response);
    }
    return Status::OK;
  }

  Status ListStagedFiles(ServerContext* context, const v1::ListStagedFilesRequest* request,
                         grpc::ServerWriter<v1::ListStagedFilesResponse>* writer) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    const std::lock_guard lock(state_->mutex);
    FakeState::Upload* upload = Find(request->upload_id());
    if (upload == nullptr) return Absent();
    for (const auto& [number, file] : upload->files) {
      v1::ListStagedFilesResponse response;
      response.set_file(number);
      response.set_path(file.path);
      response.set_acknowledged(file.bytes.size());
      response.set_complete(file.complete);
      writer->Write(response);
    }
    return Status::OK;
  }

  Status SealUpload(ServerContext* context, const v1::SealUploadRequest* request,
                    v1::SealUploadResponse* response) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    const std::lock_guard lock(state_->mutex);
    FakeState::Upload* upload = Find(request->upload_id());
    if (upload == nullptr) return Absent();
    for (uint32_t i = 0; i < request->file_count(); ++i) {
      if (!upload->files.contains(i) || !upload->files[i].complete) {
        Violation("sealed before file " + std::to_string(i) + " was complete");
        return {StatusCode::FAILED_PRECONDITION, "files_missing: "};
      }
    }
    upload->sealed = true;
    upload->file_count = request->file_count();
    Describe(*upload, *response->mutable_upload());
    return Status::OK;
  }

  Status CancelUpload(ServerContext* context, const v1::CancelUploadRequest* request,
                      v1::CancelUploadResponse* response) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    const std::lock_guard lock(state_->mutex);
    FakeState::Upload* upload = Find(request->upload_id());
    if (upload == nullptr) return Absent();
    upload->cancelled = true;
    Describe(*upload, *response->mutable_upload());
    return Status::OK;
  }

  Status GetUpload(ServerContext* context, const v1::GetUploadRequest* request,
                   v1::GetUploadResponse* response) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    const std::lock_guard lock(state_->mutex);
    FakeState::Upload* upload = Find(request->upload_id());
    if (upload == nullptr) return Absent();
    if (upload->sealed && upload->polls_until_done > 0) --upload->polls_until_done;
    Describe(*upload, *response->mutable_upload());
    return Status::OK;
  }

  Status ListUploads(ServerContext* context, const v1::ListUploadsRequest* request,
                     v1::ListUploadsResponse* response) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    const std::lock_guard lock(state_->mutex);
    // One a page, so that paging is walked.
    const size_t from = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    if (from < state_->uploads.size()) Describe(state_->uploads[from], *response->add_uploads());
    if (from + 1 < state_->uploads.size()) response->set_next_page_token(std::to_string(from + 1));
    return Status::OK;
  }

  Status WatchUpload(ServerContext* context, const v1::WatchUploadRequest* request,
                     grpc::ServerWriter<v1::WatchUploadResponse>* writer) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    if (faults_.watch_unimplemented) return {StatusCode::UNIMPLEMENTED, ""};
    while (!context->IsCancelled()) {
      v1::WatchUploadResponse response;
      {
        const std::lock_guard lock(state_->mutex);
        FakeState::Upload* upload = Find(request->upload_id());
        if (upload == nullptr) return Absent();
        if (upload->sealed && upload->polls_until_done > 0) --upload->polls_until_done;
        Describe(*upload, *response.mutable_upload());
      }
      writer->Write(response);
      if (response.upload().state() == v1::UPLOAD_STATE_DONE) return Status::OK;
      if (response.upload().state() == v1::UPLOAD_STATE_CANCELLED) return Status::OK;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return Status::CANCELLED;
  }

  Status ListVerdicts(ServerContext* context, const v1::ListVerdictsRequest* request,
                      grpc::ServerWriter<v1::ListVerdictsResponse>* writer) override {
    if (Status denied = Deny(*context); !denied.ok()) return denied;
    const std::lock_guard lock(state_->mutex);
    if (Find(request->upload_id()) == nullptr) return Absent();
    for (const v1::DocumentVerdict& verdict : state_->verdicts) {
      bool wanted = request->verdicts().empty();
      for (const int one : request->verdicts()) wanted = wanted || one == verdict.verdict();
      if (!wanted) continue;
      v1::ListVerdictsResponse response;
      *response.mutable_verdict() = verdict;
      writer->Write(response);
    }
    return Status::OK;
  }

 private:
  Status Deny(const ServerContext& context) const {
    if (faults_.deny) return {StatusCode::PERMISSION_DENIED, "role_may_not: this role may not"};
    if (!faults_.expect_key.empty()) {
      const auto found = context.client_metadata().find("authorization");
      const std::string expected = "Bearer " + faults_.expect_key;
      if (found == context.client_metadata().end() ||
          std::string_view(found->second.data(), found->second.size()) != expected) {
        return {StatusCode::UNAUTHENTICATED, "bad_key: unknown key"};
      }
    }
    return Status::OK;
  }
  static Status Absent() {
    return {StatusCode::NOT_FOUND, "no_such_upload: there is no such upload"};
  }
  void Violation(const std::string& what) { state_->violations.push_back(what); }

  FakeState::Upload* Find(const std::string& id) {
    for (FakeState::Upload& upload : state_->uploads) {
      if (upload.id == id) return &upload;
    }
    return nullptr;
  }

  static void Describe(const FakeState::Upload& upload, v1::Upload& out) {
    out.set_upload_id(upload.id);
    out.set_corpus_id(upload.corpus);
    out.set_partner_id("saebit");
    out.set_state(upload.cancelled              ? v1::UPLOAD_STATE_CANCELLED
                  : !upload.sealed              ? v1::UPLOAD_STATE_OPEN
                  : upload.polls_until_done > 0 ? v1::UPLOAD_STATE_SEALED
                                                : v1::UPLOAD_STATE_DONE);
    int64_t bytes = 0;
    for (const auto& [number, file] : upload.files)
      bytes += static_cast<int64_t>(file.bytes.size());
    out.set_files(static_cast<int64_t>(upload.files.size()));
    out.set_bytes(bytes);
    if (out.state() == v1::UPLOAD_STATE_DONE) {
      out.set_processed_bytes(bytes);
      out.mutable_counts()->set_documents(static_cast<int64_t>(upload.files.size()));
      out.mutable_counts()->set_accepted(static_cast<int64_t>(upload.files.size()));
    }
  }

  // True when there is an answer. REQUIRES: the state is locked.
  bool Receive(const std::string& upload_id, const v1::UploadFilesRequest& request,
               std::map<uint32_t, std::string>& pending, v1::UploadFilesResponse& response) {
    response.set_file(request.file());
    if (faults_.discard) {
      FakeState::Upload& upload = *Find(upload_id);
      FakeState::File& file = upload.files[request.file()];
      if (!request.path().empty()) file.path = request.path();
      file.complete = request.last();
      response.set_acknowledged(request.offset() + request.data().size());
      response.set_complete(request.last());
      return true;
    }
    FakeState::Upload* upload = Find(upload_id);
    if (upload == nullptr) return false;
    FakeState::File& file = upload->files[request.file()];
    std::string& waiting = pending[request.file()];
    const auto refuse = [&](const char* reason) {
      response.set_error_reason(reason);
      response.set_error_message(reason);
      response.set_acknowledged(file.bytes.size());
      return true;
    };
    if (file.complete) return refuse("file_already_complete");
    if (file.path.empty() && request.path().empty()) Violation("a file without a path");
    if (!request.path().empty()) {
      if (!file.path.empty() && file.path != request.path()) return refuse("path_mismatch");
      file.path = request.path();
    }
    if (request.offset() != file.bytes.size() + waiting.size()) return refuse("offset_mismatch");
    waiting.append(request.data());
    if (request.last()) {
      const std::string whole = file.bytes + waiting;
      waiting.clear();
      if (request.sha256() != std::string(AsView(Sha256(whole)))) {
        file.bytes.clear();
        return refuse("file_changed");
      }
      file.bytes = whole;
      file.complete = true;
      response.set_acknowledged(file.bytes.size());
      response.set_complete(true);
      return true;
    }
    if (waiting.size() < faults_.acknowledge_every) return false;
    file.bytes += waiting;
    waiting.clear();
    response.set_acknowledged(file.bytes.size());
    return true;
  }

  static std::string_view AsView(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
  }

  std::shared_ptr<FakeState> state_;
  FakeFaults faults_;
};

}  // namespace

struct FakeServer::Impl {
  Impl(std::shared_ptr<FakeState> state, FakeFaults faults)
      : service(std::move(state), std::move(faults)) {}
  Service service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

FakeServer::FakeServer(std::shared_ptr<FakeState> state, FakeFaults faults, int port)
    : impl_(std::make_unique<Impl>(std::move(state), std::move(faults))) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                           &impl_->port);
  builder.RegisterService(&impl_->service);
  impl_->server = builder.BuildAndStart();
}

FakeServer::~FakeServer() {
  if (impl_->server != nullptr) impl_->server->Shutdown(std::chrono::system_clock::now());
}

int FakeServer::port() const { return impl_->port; }

}  // namespace jangbu::services::cli
