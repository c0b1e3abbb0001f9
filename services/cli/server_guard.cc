#include "services/cli/server_guard.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"
#include "jangbu/v1/audit.grpc.pb.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;

constexpr size_t kPieceBytes = size_t{1} << 18;    // the server takes 1 MiB
constexpr size_t kMessageBytes = size_t{1} << 20;  // of a user's message
constexpr size_t kModelBytes = 200;
constexpr size_t kKeyBytes = 256;

// The last `most` bytes, from a whole letter on. Of a longer message only that much is exempt.
std::string_view Ending(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  text.remove_prefix(text.size() - most);
  while (!text.empty() && (static_cast<uint8_t>(text[0]) & 0xC0) == 0x80) text.remove_prefix(1);
  return text;
}
std::string_view Beginning(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<uint8_t>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

struct Shared {
  std::unique_ptr<v1::GuardService::Stub> stub;
  const Connection* connection;
  std::chrono::milliseconds patience;
  std::function<void(uint64_t, const std::string&)> incident;
};

// Each step is awaited at most `patience`, so a server that hangs does not hold an answer for ever.
class ServerAnswer final : public AnswerGuard {
 public:
  ServerAnswer(std::shared_ptr<const Shared> shared, const AnswerStart& start)
      : shared_(std::move(shared)), model_(start.model) {
    shared_->connection->Prepare(context_);
  }
  ServerAnswer(const ServerAnswer&) = delete;
  ServerAnswer& operator=(const ServerAnswer&) = delete;
  ~ServerAnswer() override {
    // An answer that was judged to its end ends in order. Of another the server keeps what it
    // found.
    if (over_) {
      stream_->WritesDone(this);
      over_ = Await() == Came::kDone;
      if (over_) {
        stream_->Finish(&said_, this);
        over_ = Await() == Came::kDone;
      }
    }
    if (!over_) context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // Begins, with an empty piece: so it is known that there is a guard before the model is asked.
  Status Begin(const AnswerStart& start) {
    stream_ = shared_->stub->AsyncWatchAnswer(&context_, &queue_, this);
    if (const Came came = Await(); came != Came::kDone) return WhyOver(came);
    v1::WatchAnswerRequest first;
    first.set_mode(static_cast<v1::GuardMode>(start.mode));
    first.set_model(std::string(Beginning(start.model, kModelBytes)));
    // Callers without a key share one budget: the safe side.
    first.set_user_key(start.key.empty()              ? "no key"
                       : start.key.size() > kKeyBytes ? "sha256 " + ToHex(Sha256(start.key))
                                                      : start.key);
    first.set_user_message(std::string(Ending(start.user_message, kMessageBytes)));
    return Ask(first).status();
  }

  StatusOr<GuardedPiece> Push(std::string_view text) override {
    GuardedPiece all;
    while (!text.empty() && !all.stopped) {
      v1::WatchAnswerRequest request;
      request.set_text(std::string(text.substr(0, kPieceBytes)));
      text.remove_prefix(std::min(kPieceBytes, text.size()));
      JANGBU_ASSIGN_OR_RETURN(GuardedPiece piece, Ask(request));
      all.release += piece.release;
      all.stopped = piece.stopped;
      all.found += piece.found;
    }
    return all;
  }
  StatusOr<GuardedPiece> Finish() override {
    v1::WatchAnswerRequest request;
    request.set_end(true);
    return Ask(request);
  }

 private:
  enum class Came { kDone, kFailed, kLate };
  // Waits for the one operation that was begun.
  Came Await() {
    void* tag = nullptr;
    bool ok = false;
    const auto until = std::chrono::system_clock::now() + shared_->patience;
    if (queue_.AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return Came::kLate;
    return ok ? Came::kDone : Came::kFailed;
  }

  StatusOr<GuardedPiece> Ask(const v1::WatchAnswerRequest& request) {
    if (!broken_.ok()) return broken_;
    stream_->Write(request, this);
    if (const Came came = Await(); came != Came::kDone) return WhyOver(came);
    stream_->Read(&response_, this);
    if (const Came came = Await(); came != Came::kDone) return WhyOver(came);
    GuardedPiece piece;
    piece.release = std::move(*response_.mutable_release());
    piece.stopped = response_.stopped();
    piece.found = response_.found() && !found_ ? 1 : 0;
    found_ = response_.found();
    over_ = piece.stopped || request.end();
    if (response_.incident_id() != 0 && shared_->incident) {
      shared_->incident(response_.incident_id(), model_);
    }
    return piece;
  }

  // The stream is over, or hangs: what its end says.
  Status WhyOver(Came came) {
    std::string why = "it is silent";
    if (came == Came::kFailed) {
      stream_->Finish(&said_, this);
      if (Await() == Came::kDone) {
        const Status said = FromGrpc(said_);
        switch (said.code()) {
          case absl::StatusCode::kOk:
          case absl::StatusCode::kCancelled:
          case absl::StatusCode::kUnavailable:
          case absl::StatusCode::kDeadlineExceeded:
          case absl::StatusCode::kInternal:
          case absl::StatusCode::kUnknown:
            why = said.ok() ? "it ended the answer" : std::string(said.message());
            break;
          default:
            return broken_ = said;
        }
      }
    }
    context_.TryCancel();
    return broken_ = Unavailable("guard_unavailable",
                                 "the server that guards does not answer (" + why + ")");
  }

  const std::shared_ptr<const Shared> shared_;
  const std::string model_;
  bool found_ = false;
  bool over_ = false;
  Status broken_ = OkStatus();
  // Outlive the operations that write to them: the queue is drained before they go.
  v1::WatchAnswerResponse response_;
  grpc::Status said_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::WatchAnswerRequest, v1::WatchAnswerResponse>>
      stream_;
};

}  // namespace

AnswerGuards GuardByServer(const Connection& connection, std::chrono::milliseconds patience,
                           std::function<void(uint64_t, const std::string&)> incident) {
  auto shared = std::make_shared<Shared>();
  shared->stub = v1::GuardService::NewStub(connection.channel());
  shared->connection = &connection;
  shared->patience = patience;
  shared->incident = std::move(incident);
  return [shared = std::shared_ptr<const Shared>(std::move(shared))](
             const AnswerStart& start) -> StatusOr<std::unique_ptr<AnswerGuard>> {
    auto answer = std::make_unique<ServerAnswer>(shared, start);
    JANGBU_RETURN_IF_ERROR(answer->Begin(start));
    return std::unique_ptr<AnswerGuard>(std::move(answer));
  };
}

}  // namespace jangbu::services::cli
