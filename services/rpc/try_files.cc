#include "services/rpc/try_files.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/flow/trial.h"
#include "services/rpc/limits.h"
#include "services/wire/convert.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// How often a silent stream looks whether the server stops, and progress is told.
constexpr milliseconds kPatience{200};
constexpr milliseconds kProgressEvery{250};

// The messages of the stream, one after the other.
class Messages {
 public:
  Messages(Call& call, TryStream& stream) : call_(call), stream_(stream) {}

  // The next message, or nullptr when the client has sent all. `whenever` is called now and then.
  template <typename Whenever>
  StatusOr<v1::TryFilesRequest*> Next(Whenever&& whenever) {
    while (at_ == group_.size()) {
      at_ = 0;
      JANGBU_RETURN_IF_ERROR(whenever());
      switch (stream_.Take(group_, kPatience)) {
        case TryStream::Taken::kCancelled:
          return call_.WhyGone();
        case TryStream::Taken::kWaiting:
          if (call_.Over()) return call_.WhyGone();
          continue;
        case TryStream::Taken::kHalfClosed:
          return nullptr;
        case TryStream::Taken::kGroup:
          break;
      }
    }
    v1::TryFilesRequest& message = group_[at_++];
    JANGBU_RETURN_IF_ERROR(call_.Admit(message));
    if (message.data().size() > kMaxPieceBytes || message.path().size() > kMaxPieceBytes) {
      return ResourceExhausted(
          "message_too_large",
          "a message has at most " + std::to_string(kMaxPieceBytes) + " bytes of a file");
    }
    bytes_ += static_cast<int64_t>(message.data().size());
    return &message;
  }
  int64_t bytes() const { return bytes_; }

 private:
  Call& call_;
  TryStream& stream_;
  std::vector<v1::TryFilesRequest> group_;
  size_t at_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace

Status ServeTrial(Call& call, TryStream& stream) {
  Messages messages(call, stream);
  const auto nothing = [] { return OkStatus(); };
  JANGBU_ASSIGN_OR_RETURN(v1::TryFilesRequest * message, messages.Next(nothing));
  if (message == nullptr || message->corpus_id().empty()) {
    return InvalidArgument("corpus_id_missing",
                           "the first message must say which corpus it is for");
  }
  JANGBU_ASSIGN_OR_RETURN(const SubjectRef corpus, call.Corpus(message->corpus_id()));
  const bool rejected_only = message->rejected_only();
  v1::TryFilesResponse response;
  JANGBU_ASSIGN_OR_RETURN(
      const std::unique_ptr<Trial> trial,
      call.jangbu().StartTrial(corpus.partner.number, corpus.number, [&](const VerdictView& row) {
        if (rejected_only && row.item.verdict != ledger::Verdict::kRejected) return !call.Over();
        *response.mutable_verdict() = wire::ToWire(row);
        const bool sent = !call.Over() && stream.Write(response, true);
        response.clear_verdict();
        return sent;
      }));

  int64_t files = 0;
  auto told = Steady::now();
  const auto tell = [&]() -> Status {
    if (Steady::now() - told < kProgressEvery) return OkStatus();
    told = Steady::now();
    v1::TryFilesResponse progress;
    progress.mutable_progress()->set_files(files);
    progress.mutable_progress()->set_bytes(messages.bytes());
    progress.mutable_progress()->set_documents(trial->documents());
    return stream.Write(progress, false) ? OkStatus() : call.WhyGone();
  };

  // One file: the message at hand, and those after it up to the one that is the last.
  class File final : public ingest::ByteSource {
   public:
    File(Messages& messages, v1::TryFilesRequest* first, const std::function<Status()>& tell)
        : messages_(messages), message_(first), tell_(tell) {}
    StatusOr<size_t> Read(char* out, size_t n) override {
      while (at_ == message_->data().size()) {
        if (message_->last()) return size_t{0};
        JANGBU_ASSIGN_OR_RETURN(v1::TryFilesRequest* const next, messages_.Next(tell_));
        if (next == nullptr)
          return InvalidArgument("file_cut_short", "the stream ended within a file");
        message_ = next;
        at_ = 0;
      }
      const size_t size = std::min(n, message_->data().size() - at_);
      std::memcpy(out, message_->data().data() + at_, size);
      at_ += size;
      return size;
    }

   private:
    Messages& messages_;
    v1::TryFilesRequest* message_;
    const std::function<Status()>& tell_;
    size_t at_ = 0;
  };
  const std::function<Status()> whenever = tell;

  // The first message may open the stream and bring no file yet.
  if (message->path().empty() && message->data().empty() && !message->last()) {
    JANGBU_ASSIGN_OR_RETURN(message, messages.Next(whenever));
  }
  while (message != nullptr && !trial->full()) {
    if (message->path().empty())
      return InvalidArgument("path_missing", "the first message of a file names it");
    const std::string path = message->path();
    File file(messages, message, whenever);
    Status read = trial->Add(path, file);
    // What the reader did not want (of a file that it refused) is passed over.
    std::string rest(read.ok() && !trial->full() ? 1 << 16 : 0, '\0');
    while (!rest.empty()) {
      JANGBU_ASSIGN_OR_RETURN(const size_t size, file.Read(rest.data(), rest.size()));
      if (size == 0) break;
    }
    if (absl::IsCancelled(read)) return call.WhyGone();
    JANGBU_RETURN_IF_ERROR(read);
    ++files;
    if (trial->full()) break;
    JANGBU_ASSIGN_OR_RETURN(message, messages.Next(whenever));
  }
  const StatusOr<Trial::Outcome> outcome = trial->Finish();
  if (absl::IsCancelled(outcome.status())) return call.WhyGone();
  JANGBU_RETURN_IF_ERROR(outcome.status());
  v1::TrialOutcome& sums = *response.mutable_outcome();
  *sums.mutable_counts() = wire::ToWire(outcome->counts);
  sums.set_files(outcome->files);
  sums.set_bytes(outcome->bytes);
  sums.set_cut_short(outcome->cut_short);
  sums.set_api_tokens(outcome->api_tokens);
  sums.set_member(outcome->member);
  sums.set_tokenizer_sha256(ToHex(call.jangbu().tokenizer().file_sha256()));
  return stream.Write(response, false) ? OkStatus() : call.WhyGone();
}

}  // namespace jangbu::services::rpc
