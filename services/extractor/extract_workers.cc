#include "services/extractor/extract_workers.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "ingest/extract/record_frame.h"
#include "services/extractor/exit_codes.h"

namespace jangbu::services {
namespace {

using ingest::RawRecord;
using ingest::Reason;
using ingest::Rejection;

std::string_view SignalName(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGABRT:
      return "SIGABRT";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGILL:
      return "SIGILL";
    case SIGSYS:
      return "SIGSYS";
    case SIGKILL:
      return "SIGKILL";
    default:
      return "a signal";
  }
}

// Starts the program with these as standard input and output; an errno, 0 when it runs.
int Spawn(const ExtractOptions& options, int in, int out, bool nursery, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // The server's signal mask and handlers are its own.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string program = options.program;
  std::string memory = std::to_string(options.sandbox.memory_bytes >> 20);
  std::string cpu = std::to_string(options.sandbox.cpu_seconds);
  std::string mode = "nursery";
  char* arguments[] = {program.data(), memory.data(), cpu.data(), nursery ? mode.data() : nullptr,
                       nullptr};
  // No environment: nothing of the server's is the worker's to know.
  char* environment[] = {nullptr};
  const int error =
      posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) pid = -1;
  return error;
}

}  // namespace

// The nursery and the thread that keeps it: processes die with the thread that is their parent, so
// it must be one that stays.
class ExtractWorkers::Nursery {
 public:
  explicit Nursery(const ExtractOptions& options) : options_(options) {}
  ~Nursery() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (keeper_.joinable()) keeper_.join();
  }

  // A process that reads from and writes to `file`; nothing when there is no nursery.
  std::optional<pid_t> Begin(int file) {
    if (options_.renew_after <= 0) return std::nullopt;
    std::unique_lock lock(mutex_);
    if (!keeper_.joinable()) keeper_ = std::thread([this] { Keep(); });
    if (pid_ > 0 && begun_ >= options_.renew_after) pid_ = kRenew;
    changed_.notify_all();
    changed_.wait(lock, [this] { return pid_ > 0 || pid_ == kNone; });
    if (pid_ == kNone) {
      if (++begun_ >= options_.renew_after) pid_ = kRenew;  // tried again now and then
      return std::nullopt;
    }
    ++begun_;
    int32_t born = -1;
    if (!SendDescriptor(file) || !ReceiveNumber(born) || born <= 0) {
      pid_ = kRenew;  // it has gone, is silent, or can begin none: the next file has a new one
      changed_.notify_all();
      return std::nullopt;
    }
    return born;
  }

 private:
  static constexpr pid_t kRenew = 0;
  static constexpr pid_t kNone = -1;  // it cannot be started

  void Keep() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (pid_ == kRenew) {
        End();
        Start();
        changed_.notify_all();
      }
      changed_.wait(lock, [this] { return stopping_ || pid_ == kRenew; });
    }
    End();
  }

  void Start() {
    int ends[2];
    pid_ = kNone;
    begun_ = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const timeval patience{options_.nursery_seconds_max, 0};
    if (nowhere >= 0 &&
        setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
        setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
        Spawn(options_, ends[1], nowhere, true, child_) == 0) {
      pid_ = child_;
      control_ = ends[0];
    } else {
      close(ends[0]);
    }
    if (nowhere >= 0) close(nowhere);
    close(ends[1]);
  }

  // It has nothing to tidy; workers that it began go on.
  void End() {
    if (control_ >= 0) close(std::exchange(control_, -1));
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }

  bool SendDescriptor(int file) {
    char byte = 1;
    iovec data{&byte, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof(room);
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &file, sizeof(file));
    ssize_t size = 0;
    do {
      size = sendmsg(control_, &message, MSG_NOSIGNAL);
    } while (size < 0 && errno == EINTR);
    return size == 1;
  }

  bool ReceiveNumber(int32_t& number) {
    ssize_t size = 0;
    do {
      size = recv(control_, &number, sizeof(number), 0);
    } while (size < 0 && errno == EINTR);
    return size == sizeof(number);
  }

  const ExtractOptions& options_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  pid_t pid_ = kRenew;
  pid_t child_ = -1;
  int control_ = -1;
  int begun_ = 0;
  bool stopping_ = false;
  std::thread keeper_;
};

ExtractWorkers::ExtractWorkers(ExtractOptions options)
    : options_(std::move(options)), nursery_(std::make_unique<Nursery>(options_)) {}
ExtractWorkers::~ExtractWorkers() = default;

// One of `at_once` places.
class ExtractWorkers::Turn {
 public:
  explicit Turn(ExtractWorkers& workers) : workers_(workers) {
    std::unique_lock lock(workers_.mutex_);
    workers_.left_.wait(lock, [&] { return workers_.running_ < workers_.options_.at_once; });
    ++workers_.running_;
  }
  ~Turn() {
    {
      const std::lock_guard lock(workers_.mutex_);
      --workers_.running_;
    }
    workers_.left_.notify_one();
  }

 private:
  ExtractWorkers& workers_;
};

// A running worker and its answer.
class ExtractWorkers::Worker final : public ingest::DocumentStream {
 public:
  Worker(ExtractWorkers& workers, const ExtractOptions& options)
      : workers_(workers), options_(options), turn_(workers) {}

  ~Worker() override {
    if (socket_ >= 0) close(socket_);
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Reap();
    }
  }

  Status Start() {
    JANGBU_ASSIGN_OR_RETURN(int end, Connect());
    if (const std::optional<pid_t> born = workers_.nursery_->Begin(end)) {
      pid_ = *born;
      close(end);
      return OkStatus();
    }
    // A nursery that went silent may have begun a process all the same: it must not share a socket.
    close(end);
    close(std::exchange(socket_, -1));
    JANGBU_ASSIGN_OR_RETURN(end, Connect());
    const int error = Spawn(options_, end, end, false, pid_);
    close(end);
    if (error != 0) {
      pid_ = -1;
      return Unavailable("worker_missing", "the extraction worker can not be started: " +
                                               std::string(std::strerror(error)));
    }
    return OkStatus();
  }

  // Hands over the file. The worker reads all of it before it answers; when it has gone, its answer
  // or its end says why.
  Status Send(ingest::ByteSource& bytes, const std::string& request) {
    bool listening = SendAll(request);
    std::string buffer(256 << 10, '\0');
    while (listening) {
      JANGBU_ASSIGN_OR_RETURN(const size_t size, bytes.Read(buffer.data(), buffer.size()));
      if (size == 0) break;
      listening = SendAll(std::string_view(buffer).substr(0, size));
    }
    shutdown(socket_, SHUT_WR);
    return OkStatus();
  }

  StatusOr<std::optional<RawRecord>> Next() override {
    if (ended_) return std::optional<RawRecord>();
    std::string head(4, '\0');
    if (!ReceiveAll(head)) return Ended();
    ByteReader reader(head);
    const uint32_t size = reader.U32();
    received_ += size;
    // Text, its escapes and metadata: what is more is no answer of ours.
    if (size > options_.text_bytes_max + (uint64_t{1} << 20)) {
      return Refuse({Reason::kExtractionFailed, "the worker's answer is too long"});
    }
    if (received_ > options_.output_bytes_max) {
      return Refuse(
          {Reason::kExtractionLimit,
           "more than " + std::to_string(options_.output_bytes_max) + " bytes of records"});
    }
    std::string payload(size, '\0');
    if (!ReceiveAll(payload)) return Ended();
    StatusOr<std::optional<RawRecord>> raw = ingest::DecodeRecord(payload);
    if (!raw.ok()) return Refuse({Reason::kExtractionFailed, "the worker's answer makes no sense"});
    if (!*raw) {
      ended_ = true;
      return std::optional<RawRecord>();
    }
    // Records ascend by one; a refusal of the file is the last.
    if ((*raw)->record == 0) {
      ended_ = true;
    } else if ((*raw)->record != ++records_) {
      return Refuse({Reason::kExtractionFailed, "the worker's answer makes no sense"});
    }
    return raw;
  }

 private:
  // A new socket; the worker's end of it.
  StatusOr<int> Connect() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return Unavailable("worker_missing", "no socket for a worker");
    socket_ = ends[0];
    return ends[1];
  }

  bool Wait(short events) {
    pollfd wanted{socket_, events, 0};
    while (true) {
      const int ready = poll(&wanted, 1, options_.stall_seconds_max * 1000);
      if (ready > 0) return true;
      if (ready < 0 && errno == EINTR) continue;
      stalled_ = true;
      return false;
    }
  }

  bool SendAll(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!Wait(POLLOUT)) return false;
      const ssize_t size = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(size));
    }
    return true;
  }

  bool ReceiveAll(std::string& out) {
    size_t at = 0;
    while (at < out.size()) {
      if (!Wait(POLLIN)) return false;
      const ssize_t size = recv(socket_, out.data() + at, out.size() - at, MSG_DONTWAIT);
      if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (size <= 0) return false;
      at += static_cast<size_t>(size);
    }
    return true;
  }

  int Reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

  std::optional<RawRecord> Refuse(Rejection rejection) {
    ended_ = true;
    if (pid_ > 0) kill(pid_, SIGKILL);
    RawRecord raw;
    raw.rejection = std::move(rejection);
    return raw;
  }

  // The pipe broke: why?
  StatusOr<std::optional<RawRecord>> Ended() {
    if (stalled_) {
      return Refuse({Reason::kExtractionLimit,
                     "no progress for " + std::to_string(options_.stall_seconds_max) + " s"});
    }
    const int status = Reap();
    if (WIFEXITED(status)) {
      switch (WEXITSTATUS(status)) {
        case kWorkerOutOfMemory:
          return Refuse(
              {Reason::kExtractionLimit,
               "memory of " + std::to_string(options_.sandbox.memory_bytes >> 20) + " MiB"});
        case kWorkerNoSandbox:
          return Unavailable("sandbox_failed", "the extraction worker could not shut itself in");
        default:
          return Refuse({Reason::kExtractionFailed,
                         "the worker ended with " + std::to_string(WEXITSTATUS(status))});
      }
    }
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    // The kernel sends SIGKILL where soft and hard limit of CPU time are the same.
    if (signal == SIGXCPU || signal == SIGKILL) {
      return Refuse({Reason::kExtractionLimit,
                     std::to_string(options_.sandbox.cpu_seconds) + " s of CPU time"});
    }
    return Refuse(
        {Reason::kExtractionFailed, "the worker ended by " + std::string(SignalName(signal))});
  }

  ExtractWorkers& workers_;
  const ExtractOptions& options_;
  const Turn turn_;
  pid_t pid_ = -1;
  int socket_ = -1;
  bool stalled_ = false;
  bool ended_ = false;
  uint64_t records_ = 0;
  uint64_t received_ = 0;
};

StatusOr<std::unique_ptr<ingest::DocumentStream>> ExtractWorkers::Read(
    ingest::ByteSource& bytes, ingest::Format format, std::string_view file_name,
    const ingest::ReadOptions& options) {
  ingest::ExtractRequest request;
  request.format = format;
  request.options = options;
  // A name is a hint: the end of a long one is what counts.
  request.file_name = file_name.substr(file_name.size() - std::min<size_t>(file_name.size(), 4096));
  request.document_bytes_max = options_.document_bytes_max;
  request.text_bytes_max = options_.text_bytes_max;
  auto worker = std::make_unique<Worker>(*this, options_);
  JANGBU_RETURN_IF_ERROR(worker->Start());
  JANGBU_RETURN_IF_ERROR(worker->Send(bytes, ingest::EncodeRequest(request)));
  return worker;
}

Status ExtractWorkers::Probe() {
  ingest::MemorySource page("<html>x");
  JANGBU_ASSIGN_OR_RETURN(const std::unique_ptr<ingest::DocumentStream> stream,
                          Read(page, ingest::Format::kHtml, "probe.html", {}));
  JANGBU_ASSIGN_OR_RETURN(const std::optional<RawRecord> raw, stream->Next());
  if (!raw.has_value() || !raw->document.has_value()) {
    return Unavailable("worker_missing", options_.program + " does not read a small page");
  }
  return OkStatus();
}

std::string WorkerBesideThis() {
  std::string path(4096, '\0');
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return {};
  path.resize(static_cast<size_t>(size));
  path.resize(path.rfind('/') + 1);
  path += "jangbu-extract";
  return access(path.c_str(), X_OK) == 0 ? path : std::string();
}

}  // namespace jangbu::services
