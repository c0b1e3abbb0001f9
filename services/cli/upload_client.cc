#include "services/cli/upload_client.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/digest.h"
#include "jangbu/v1/contribute.grpc.pb.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Steady = std::chrono::steady_clock;
using Millis = std::chrono::milliseconds;

// What a message costs the window beside its bytes, so that a million empty files do not pass
// unacknowledged.
constexpr uint64_t kWindowCostOfFile = 256;
constexpr size_t kQueueBytes = 8 << 20;
// Digests of prefixes kept of the file being sent, so that a broken stream need not hash it from
// its start again.
constexpr uint64_t kSnapshotEvery = 64 << 20;

// A bounded queue of messages between the thread that reads files and the one that sends.
class MessageQueue {
 public:
  // False when the queue was closed by the taker.
  bool Put(v1::UploadFilesRequest message) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || bytes_ < kQueueBytes; });
    if (closed_) return false;
    bytes_ += message.data().size() + kWindowCostOfFile;
    messages_.push_back(std::move(message));
    changed_.notify_all();
    return true;
  }
  void EndOfInput() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  // False at the end of input. `more`: another message waits already.
  bool Take(v1::UploadFilesRequest& message, bool& more) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || ended_ || !messages_.empty(); });
    if (messages_.empty()) return false;
    message = std::move(messages_.front());
    messages_.pop_front();
    bytes_ -= message.data().size() + kWindowCostOfFile;
    more = !messages_.empty();
    changed_.notify_all();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::UploadFilesRequest> messages_;
  size_t bytes_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

class FileDescriptor {
 public:
  explicit FileDescriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ >= 0) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  bool ok() const { return fd_ >= 0; }
  uint64_t Size() const {
    struct stat info {};
    return ::fstat(fd_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  }
  // Bytes read, short only at the end of the file; -1 and errno on error.
  ssize_t ReadFully(uint64_t offset, char* out, size_t size) const {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(fd_, out + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -1;
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return static_cast<ssize_t>(done);
  }

 private:
  int fd_;
};

Status Unreadable(const LocalFile& file) {
  return FailedPrecondition("file_unreadable",
                            "\"" + file.open_path + "\": " + std::strerror(errno));
}

class Uploader {
 public:
  Uploader(const Connection& connection, const std::string& corpus_id,
           const std::vector<LocalFile>& files, const UploadOptions& options,
           UploadObserver& observer)
      : connection_(connection),
        corpus_id_(corpus_id),
        files_(files),
        options_(options),
        observer_(observer),
        stub_(v1::ContributeService::NewStub(connection.channel())),
        state_(files.size()) {}

  ~Uploader() { StopWatching(); }

  StatusOr<v1::Upload> Run() {
    JANGBU_ASSIGN_OR_RETURN(v1::Upload upload, Open());
    upload_id_ = upload.upload_id();
    {
      const std::lock_guard lock(observer_mutex_);
      observer_.Opened(upload_id_, static_cast<uint64_t>(upload.bytes()));
      observer_.Processed(upload);
    }
    if (upload.state() == v1::UPLOAD_STATE_DONE) return upload;
    if (options_.wait) watcher_ = std::thread([this] { Watch(); });
    if (upload.state() == v1::UPLOAD_STATE_OPEN) {
      JANGBU_RETURN_IF_ERROR(SendFiles());
      v1::SealUploadRequest seal;
      seal.set_upload_id(upload_id_);
      seal.set_file_count(static_cast<uint32_t>(files_.size()));
      JANGBU_ASSIGN_OR_RETURN(const v1::SealUploadResponse sealed,
                              Retried(&v1::ContributeService::Stub::SealUpload, seal));
      upload = sealed.upload();
    }
    {
      const std::lock_guard lock(observer_mutex_);
      observer_.Sealed();
      observer_.Processed(upload);
    }
    if (!options_.wait) return upload;
    watcher_.join();
    if (!watch_result_.ok()) return watch_result_.status();
    if (watch_result_->state() == v1::UPLOAD_STATE_CANCELLED) {
      return Aborted("upload_cancelled",
                     "upload " + upload_id_ + " was cancelled while it was being processed");
    }
    return watch_result_;
  }

 private:
  struct FileState {
    uint64_t acknowledged = 0;
    uint64_t sent = 0;  // in this pass, or acknowledged before
    int restarts = 0;
    bool complete = false;
    bool opened = false;  // something of it was sent in this pass
    bool failed = false;  // refused in this pass
  };
  struct Snapshot {
    uint64_t offset;
    Sha256Stream hash;
  };

  // --- retries ---

  // Pauses between attempts, and how long they have been in vain.
  class Backoff {
   public:
    explicit Backoff(const UploadOptions& options)
        : options_(options), delay_(options.first_backoff) {}
    // True when nothing has succeeded for as long as the user would wait.
    bool OutOfPatience() {
      const Steady::time_point now = Steady::now();
      if (!failing_since_) failing_since_ = now;
      return now - *failing_since_ >= options_.retry_for;
    }
    // The next pause: 1.6 times the one before, 20 % more or less, so that clients do not return in
    // step.
    Millis Next() {
      std::uniform_int_distribution<int> percent(80, 120);
      const Millis pause = delay_ * percent(random_) / 100;
      delay_ = std::min(delay_ * 8 / 5 + Millis(1), options_.last_backoff);
      return pause;
    }
    // Something succeeded.
    void Reset() {
      delay_ = options_.first_backoff;
      failing_since_.reset();
    }

   private:
    const UploadOptions& options_;
    Millis delay_;
    std::optional<Steady::time_point> failing_since_;
    std::minstd_rand random_{std::random_device{}()};
  };

  // Waits before another attempt; false when it is time to give up.
  bool WaitToRetry(Backoff& backoff, const Status& why, bool tell) {
    if (backoff.OutOfPatience()) return false;
    const Millis pause = backoff.Next();
    if (tell) {
      const std::lock_guard lock(observer_mutex_);
      observer_.Retrying(why, pause);
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause, [&] { return stop_watching_ && !tell; });
    return true;
  }

  template <typename Request, typename Response>
  StatusOr<Response> Retried(grpc::Status (v1::ContributeService::Stub::*method)(
                                 grpc::ClientContext*, const Request&, Response*),
                             const Request& request) {
    Backoff backoff(options_);
    for (;;) {
      StatusOr<Response> response = connection_.Call(*stub_, method, request);
      if (response.ok() || !IsTransient(response.status())) return response;
      if (!WaitToRetry(backoff, response.status(), true)) return response;
    }
  }

  // --- opening ---

  StatusOr<v1::Upload> Open() {
    for (uint32_t attempt = 0;; ++attempt) {
      v1::CreateUploadRequest request;
      request.set_corpus_id(corpus_id_);
      request.set_request_id(UploadRequestId(corpus_id_, files_, attempt));
      JANGBU_ASSIGN_OR_RETURN(v1::CreateUploadResponse response,
                              Retried(&v1::ContributeService::Stub::CreateUpload, request));
      if (response.upload().state() != v1::UPLOAD_STATE_CANCELLED)
        return std::move(*response.mutable_upload());
    }
  }

  // Takes over what the server holds.
  Status LearnStaged() {
    Backoff backoff(options_);
    for (;;) {
      const Status status = ListStagedOnce();
      if (status.ok() || !IsTransient(status)) return status;
      if (!WaitToRetry(backoff, status, true)) return status;
    }
  }

  Status ListStagedOnce() {
    grpc::ClientContext context;
    connection_.PrepareCall(context);
    v1::ListStagedFilesRequest request;
    request.set_upload_id(upload_id_);
    auto stream = stub_->ListStagedFiles(&context, request);
    std::vector<FileState> learned = state_;
    for (FileState& file : learned) {
      file.acknowledged = 0;
      file.complete = false;
    }
    v1::ListStagedFilesResponse staged;
    Status odd;
    while (stream->Read(&staged)) {
      if (staged.file() >= files_.size() || staged.path() != files_[staged.file()].name) {
        odd = FailedPrecondition("path_mismatch", "the server knows file " +
                                                      std::to_string(staged.file()) + " of " +
                                                      upload_id_ + " by another name");
        continue;
      }
      learned[staged.file()].acknowledged = staged.acknowledged();
      learned[staged.file()].complete = staged.complete();
    }
    JANGBU_RETURN_IF_ERROR(FromGrpc(stream->Finish()));
    JANGBU_RETURN_IF_ERROR(odd);
    const std::lock_guard lock(mutex_);
    state_ = std::move(learned);
    return OkStatus();
  }

  // --- sending ---

  Status SendFiles() {
    Backoff backoff(options_);
    for (;;) {
      JANGBU_RETURN_IF_ERROR(LearnStaged());
      TellSent();
      if (AllComplete()) return OkStatus();
      const uint64_t before = Acknowledged();
      const Status status = SendPass();
      TellSent();
      if (AllComplete()) return OkStatus();
      if (Acknowledged() > before) backoff.Reset();
      if (!status.ok() && !IsTransient(status)) return status;
      const Status why =
          status.ok() ? Unavailable("stream_ended", "the server ended the stream early") : status;
      if (status.ok() && restarted_) continue;
      if (!WaitToRetry(backoff, why, true)) return why;
    }
  }

  bool AllComplete() const {
    const std::lock_guard lock(mutex_);
    return std::all_of(state_.begin(), state_.end(),
                       [](const FileState& file) { return file.complete; });
  }
  uint64_t Acknowledged() const {
    const std::lock_guard lock(mutex_);
    uint64_t sum = 0;
    for (const FileState& file : state_) sum += file.acknowledged;
    return sum;
  }
  void TellSent() {
    uint64_t bytes = 0;
    uint64_t complete = 0;
    {
      const std::lock_guard lock(mutex_);
      for (const FileState& file : state_) {
        bytes += file.acknowledged;
        complete += file.complete ? 1 : 0;
      }
      acknowledged_bytes_ = bytes;
      complete_files_ = complete;
    }
    const std::lock_guard lock(observer_mutex_);
    observer_.Sent(bytes, complete);
  }

  // One stream with everything that is not complete yet. Files that are refused alone are left for
  // the next pass.
  Status SendPass() {
    grpc::ClientContext context;
    connection_.Prepare(context);
    {
      const std::lock_guard lock(mutex_);
      for (FileState& file : state_) {
        file.sent = file.acknowledged;
        file.opened = false;
        file.failed = false;
      }
      window_used_ = 0;
      stream_ended_ = false;
      restarted_ = false;
      last_activity_ = Steady::now();
      fatal_ = OkStatus();
    }
    auto stream = stub_->UploadFiles(&context);
    MessageQueue queue;
    bool writes_done = false;

    std::thread reader([&] {
      const Status status = ReadFiles(queue);
      if (!status.ok()) {
        const std::lock_guard lock(mutex_);
        if (fatal_.ok()) fatal_ = status;
      }
      queue.EndOfInput();
    });
    std::thread acknowledgements([&] {
      v1::UploadFilesResponse response;
      while (stream->Read(&response)) HandleAcknowledgement(response);
      {
        const std::lock_guard lock(mutex_);
        stream_ended_ = true;
        changed_.notify_all();
        pass_over_.notify_all();
      }
      queue.Close();
    });
    std::thread watchdog([&] {
      std::unique_lock lock(mutex_);
      while (!stream_ended_) {
        pass_over_.wait_for(lock, Millis(250));
        const bool waiting = window_used_ > 0 || writes_done;
        if (!stream_ended_ && waiting && Steady::now() - last_activity_ > options_.stall_timeout) {
          context.TryCancel();
          stalled_ = true;
          pass_over_.wait(lock, [&] { return stream_ended_; });
        }
      }
    });

    v1::UploadFilesRequest message;
    bool more = false;
    bool first = true;
    while (queue.Take(message, more)) {
      bool small = false;
      {
        std::unique_lock lock(mutex_);
        const uint64_t cost =
            message.data().size() + (state_[message.file()].opened ? 0 : kWindowCostOfFile);
        changed_.wait(lock, [&] {
          return stream_ended_ || window_used_ == 0 || window_used_ + cost <= options_.window_bytes;
        });
        if (stream_ended_) break;
        FileState& file = state_[message.file()];
        if (file.failed) continue;
        if (window_used_ == 0) last_activity_ = Steady::now();
        file.opened = true;
        file.sent = message.offset() + message.data().size();
        window_used_ += cost;
        small = message.data().size() < 16384 && window_used_ < options_.window_bytes / 2;
      }
      if (first) message.set_upload_id(upload_id_);
      first = false;
      grpc::WriteOptions write;
      if (small && more) write.set_buffer_hint();
      if (!stream->Write(message, write)) break;
    }
    {
      const std::lock_guard lock(mutex_);
      writes_done = true;
      last_activity_ = Steady::now();
    }
    queue.Close();
    reader.join();
    // Even after a failure here, what was sent may still be acknowledged: a later run need not send
    // it again.
    stream->WritesDone();
    acknowledgements.join();
    watchdog.join();
    const Status status = FromGrpc(stream->Finish());
    const std::lock_guard lock(mutex_);
    if (!fatal_.ok()) return fatal_;
    if (std::exchange(stalled_, false)) {
      return Unavailable("stalled", "the server acknowledged nothing for a long time");
    }
    return status;
  }

  void HandleAcknowledgement(const v1::UploadFilesResponse& response) {
    bool refused = false;
    uint64_t bytes = 0;
    uint64_t complete = 0;
    {
      const std::lock_guard lock(mutex_);
      last_activity_ = Steady::now();
      if (response.file() >= state_.size()) return;
      FileState& file = state_[response.file()];
      const uint64_t outstanding_before = Outstanding(file);
      if (!response.error_reason().empty() && response.error_reason() != "file_already_complete") {
        refused = !file.failed;
        file.failed = true;
        if (refused) {
          restarted_ = true;
          ++file.restarts;
          if (response.error_reason() == "path_mismatch" ||
              file.restarts > options_.restarts_per_file) {
            fatal_ = FailedPrecondition(
                response.error_reason(),
                "\"" + files_[response.file()].open_path + "\": " + response.error_message());
          }
          snapshots_.erase(response.file());
        }
      } else {
        if (response.complete() || response.error_reason() == "file_already_complete") {
          file.complete = true;
          acknowledged_bytes_ += std::max(file.sent, file.acknowledged) - file.acknowledged;
          file.acknowledged = std::max(file.sent, file.acknowledged);
          ++complete_files_;
          snapshots_.erase(response.file());
        } else if (response.acknowledged() > file.acknowledged) {
          acknowledged_bytes_ += response.acknowledged() - file.acknowledged;
          file.acknowledged = response.acknowledged();
        }
      }
      const uint64_t outstanding_after = Outstanding(file);
      window_used_ -= std::min(
          window_used_, outstanding_before - std::min(outstanding_before, outstanding_after));
      bytes = acknowledged_bytes_;
      complete = complete_files_;
      changed_.notify_all();
    }
    const std::lock_guard lock(observer_mutex_);
    if (refused) observer_.FileRestarted(files_[response.file()], response.error_reason());
    observer_.Sent(bytes, complete);
  }

  // What `file` takes of the window.
  static uint64_t Outstanding(const FileState& file) {
    if (!file.opened || file.complete || file.failed) return 0;
    return file.sent - std::min(file.acknowledged, file.sent) + kWindowCostOfFile;
  }

  bool Failed(uint32_t number) const {
    const std::lock_guard lock(mutex_);
    return state_[number].failed || !fatal_.ok();
  }

  // Reads every incomplete file from its acknowledged offset and queues it, digest last.
  Status ReadFiles(MessageQueue& queue) {
    for (uint32_t number = 0; number < files_.size(); ++number) {
      uint64_t from = 0;
      {
        const std::lock_guard lock(mutex_);
        if (!fatal_.ok()) return OkStatus();
        if (state_[number].complete) continue;
        from = state_[number].acknowledged;
      }
      bool open = true;
      JANGBU_RETURN_IF_ERROR(ReadFile(number, from, queue, open));
      if (!open) return OkStatus();
    }
    return OkStatus();
  }

  Status ReadFile(uint32_t number, uint64_t from, MessageQueue& queue, bool& open) {
    const LocalFile& local = files_[number];
    const FileDescriptor file(local.open_path);
    if (!file.ok()) return Unreadable(local);
    const uint64_t size = file.Size();
    Sha256Stream hash;
    uint64_t offset = TakeSnapshot(number, from, hash);
    std::string buffer;
    while (offset < from) {
      buffer.resize(static_cast<size_t>(std::min<uint64_t>(from - offset, 1 << 20)));
      const ssize_t n = file.ReadFully(offset, buffer.data(), buffer.size());
      if (n < 0) return Unreadable(local);
      if (n == 0) break;  // shorter than it was: the digest will tell the server
      hash.Update({buffer.data(), static_cast<size_t>(n)});
      offset += static_cast<uint64_t>(n);
    }
    offset = from;
    uint64_t next_snapshot = offset + kSnapshotEvery;
    bool path_told = false;
    for (bool last = false; !last;) {
      v1::UploadFilesRequest message;
      message.set_file(number);
      if (!std::exchange(path_told, true)) message.set_path(local.name);
      message.set_offset(offset);
      // One byte more than is expected finds the end of the file in the same read.
      const uint64_t expected = offset < size ? size - offset + 1 : 65536;
      const auto want = static_cast<size_t>(std::min<uint64_t>(expected, options_.chunk_bytes));
      std::string& data = *message.mutable_data();
      data.resize(want);
      const ssize_t n = file.ReadFully(offset, data.data(), want);
      if (n < 0) return Unreadable(local);
      data.resize(static_cast<size_t>(n));
      hash.Update(data);
      offset += static_cast<uint64_t>(n);
      last = static_cast<size_t>(n) < want;
      if (last) {
        message.set_last(true);
        message.set_sha256(std::string(AsView(hash.Peek())));
      } else if (offset >= next_snapshot) {
        const std::lock_guard lock(mutex_);
        snapshots_[number].push_back({offset, hash});
        next_snapshot = offset + kSnapshotEvery;
      }
      if (Failed(number)) return OkStatus();
      if (!queue.Put(std::move(message))) {
        open = false;
        return OkStatus();
      }
    }
    return OkStatus();
  }

  // The longest known prefix digest of the file that is not longer than `limit`.
  uint64_t TakeSnapshot(uint32_t number, uint64_t limit, Sha256Stream& hash) {
    const std::lock_guard lock(mutex_);
    const auto found = snapshots_.find(number);
    if (found == snapshots_.end()) return 0;
    std::vector<Snapshot>& kept = found->second;
    while (!kept.empty() && kept.back().offset > limit) kept.pop_back();
    if (kept.empty()) return 0;
    hash = kept.back().hash;
    return kept.back().offset;
  }

  // --- watching ---

  // Follows the upload until it ends, by the server's stream or, where that fails, by asking.
  void Watch() {
    Backoff backoff(options_);
    bool can_stream = true;
    for (;;) {
      v1::Upload upload;
      Status status;
      if (can_stream) {
        status = WatchStream(upload);
        if (status.code() == absl::StatusCode::kUnimplemented) can_stream = false;
      }
      if (!Ended(upload) && !Stopping()) {
        v1::GetUploadRequest request;
        request.set_upload_id(upload_id_);
        auto got = connection_.Call(*stub_, &v1::ContributeService::Stub::GetUpload, request);
        if (got.ok()) {
          upload = got->upload();
          TellProcessed(upload);
          backoff.Reset();
          status = OkStatus();
        } else {
          status = got.status();
        }
      }
      const bool ended = Ended(upload);
      {
        std::unique_lock lock(mutex_);
        if (ended) watch_result_ = upload;
        if (ended || stop_watching_) return;
        if (!status.ok() && !IsTransient(status)) {
          watch_result_ = status;
          return;
        }
        if (status.ok()) {
          changed_.wait_for(lock, options_.poll_interval, [&] { return stop_watching_; });
          if (stop_watching_) return;
          continue;
        }
      }
      // The sending thread tells the user about the same trouble while it runs.
      bool tell = false;
      {
        const std::lock_guard lock(mutex_);
        tell = std::all_of(state_.begin(), state_.end(),
                           [](const FileState& file) { return file.complete; });
      }
      if (!WaitToRetry(backoff, status, tell)) {
        const std::lock_guard lock(mutex_);
        watch_result_ = status;
        return;
      }
    }
  }

  Status WatchStream(v1::Upload& upload) {
    auto context = std::make_shared<grpc::ClientContext>();
    connection_.Prepare(*context);
    {
      const std::lock_guard lock(mutex_);
      if (stop_watching_) return OkStatus();
      watch_context_ = context;
    }
    v1::WatchUploadRequest request;
    request.set_upload_id(upload_id_);
    auto stream = stub_->WatchUpload(context.get(), request);
    v1::WatchUploadResponse response;
    while (stream->Read(&response)) {
      upload = response.upload();
      TellProcessed(upload);
    }
    const Status status = FromGrpc(stream->Finish());
    const std::lock_guard lock(mutex_);
    watch_context_.reset();
    return status;
  }

  bool Stopping() const {
    const std::lock_guard lock(mutex_);
    return stop_watching_;
  }

  static bool Ended(const v1::Upload& upload) {
    return upload.state() == v1::UPLOAD_STATE_DONE || upload.state() == v1::UPLOAD_STATE_CANCELLED;
  }

  void TellProcessed(const v1::Upload& upload) {
    const std::lock_guard lock(observer_mutex_);
    observer_.Processed(upload);
  }

  void StopWatching() {
    {
      const std::lock_guard lock(mutex_);
      stop_watching_ = true;
      if (watch_context_ != nullptr) watch_context_->TryCancel();
      changed_.notify_all();
    }
    if (watcher_.joinable()) watcher_.join();
  }

  const Connection& connection_;
  const std::string& corpus_id_;
  const std::vector<LocalFile>& files_;
  const UploadOptions& options_;
  UploadObserver& observer_;
  const std::unique_ptr<v1::ContributeService::Stub> stub_;
  std::string upload_id_;

  std::mutex observer_mutex_;  // one event at a time; never taken while mutex_ is held

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::condition_variable pass_over_;
  std::vector<FileState> state_;
  std::map<uint32_t, std::vector<Snapshot>> snapshots_;
  uint64_t acknowledged_bytes_ = 0;
  uint64_t complete_files_ = 0;
  uint64_t window_used_ = 0;
  Steady::time_point last_activity_;
  bool stream_ended_ = false;
  bool stalled_ = false;
  bool restarted_ = false;
  Status fatal_;
  bool stop_watching_ = false;
  std::shared_ptr<grpc::ClientContext> watch_context_;
  StatusOr<v1::Upload> watch_result_ = Unavailable("not_watched", "the upload was not followed");

  std::thread watcher_;
};

}  // namespace

bool IsTransient(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kResourceExhausted:
      return true;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kCancelled:
      // A connection that broke in the middle of a stream; the server's own errors carry a reason
      // code.
      return ReasonOf(status).empty();
    default:
      return false;
  }
}

StatusOr<jangbu::v1::Upload> RunUpload(const Connection& connection, const std::string& corpus_id,
                                       const std::vector<LocalFile>& files,
                                       const UploadOptions& options, UploadObserver& observer) {
  JANGBU_CHECK(options.chunk_bytes > 0 && options.chunk_bytes <= (1 << 20));
  return Uploader(connection, corpus_id, files, options, observer).Run();
}

}  // namespace jangbu::services::cli
