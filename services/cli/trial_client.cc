#include "services/cli/trial_client.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "jangbu/v1/contribute.grpc.pb.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Stream = grpc::ClientReaderWriter<v1::TryFilesRequest, v1::TryFilesResponse>;

Status Unreadable(const LocalFile& file) {
  return FailedPrecondition("file_unreadable",
                            "\"" + file.open_path + "\": " + std::strerror(errno));
}

// Sends one file; false when the server takes no more.
StatusOr<bool> SendFile(Stream& stream, const LocalFile& file, size_t chunk_bytes,
                        v1::TryFilesRequest& message) {
  const int fd = ::open(file.open_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Unreadable(file);
  message.set_path(file.name);
  StatusOr<bool> sent = true;
  while (sent.ok() && *sent && !message.last()) {
    std::string& data = *message.mutable_data();
    data.resize(chunk_bytes);
    const ssize_t n = ::read(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      sent = Unreadable(file);
      break;
    }
    data.resize(static_cast<size_t>(n));
    message.set_last(n == 0);
    sent = stream.Write(message);
    const bool last = message.last();
    message.Clear();
    if (last) break;
  }
  ::close(fd);
  return sent;
}

}  // namespace

StatusOr<v1::TrialOutcome> RunTrial(const Connection& connection, const std::string& corpus_id,
                                    const std::vector<LocalFile>& files,
                                    const TrialOptions& options, const TrialListener& listener) {
  const auto stub = v1::ContributeService::NewStub(connection.channel());
  grpc::ClientContext context;
  connection.Prepare(context);
  const auto stream = stub->TryFiles(&context);
  Status local;  // the sender's, until it is joined
  std::thread sender([&] {
    v1::TryFilesRequest message;
    message.set_corpus_id(corpus_id);
    message.set_rejected_only(options.rejected_only);
    bool taken = true;
    for (size_t i = 0; i < files.size() && taken; ++i) {
      const StatusOr<bool> sent = SendFile(*stream, files[i], options.chunk_bytes, message);
      if (!sent.ok()) {
        local = sent.status();
        context.TryCancel();
        return;
      }
      taken = *sent;
    }
    if (taken) stream->WritesDone();
  });
  v1::TryFilesResponse response;
  v1::TrialOutcome outcome;
  bool done = false;
  while (stream->Read(&response)) {
    if (response.has_verdict() && listener.verdict) listener.verdict(response.verdict());
    if (response.has_progress() && listener.progress) listener.progress(response.progress());
    if (response.has_outcome()) {
      outcome = std::move(*response.mutable_outcome());
      done = true;
    }
  }
  sender.join();
  const Status status = FromGrpc(stream->Finish());
  JANGBU_RETURN_IF_ERROR(local);
  JANGBU_RETURN_IF_ERROR(status);
  if (!done) return Unavailable("stream_cut_short", "the server ended without an answer");
  return outcome;
}

}  // namespace jangbu::services::cli
