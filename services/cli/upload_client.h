#pragma once

// Sends the files of one upload, whatever happens on the way, and waits for the verdicts.
//
// Laws: a run that is cut off at any instant and started again with the same files ends as one that
// was not; bytes the server acknowledged are not sent again; a file is read once per attempt, and
// its SHA-256 is computed on the way.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "jangbu/v1/contribute.pb.h"
#include "services/cli/connection.h"
#include "services/cli/file_walk.h"

namespace jangbu::services::cli {

struct UploadOptions {
  bool wait = true;                                // for every verdict, after sealing
  std::chrono::milliseconds retry_for{600'000};    // without any progress
  std::chrono::milliseconds first_backoff{200};    // then 1.6 times as long each time…
  std::chrono::milliseconds last_backoff{10'000};  // … up to this
  std::chrono::milliseconds stall_timeout{
      120'000};  // bytes sent and nothing acknowledged: connect again
  std::chrono::milliseconds poll_interval{1'000};  // while a server cannot be watched
  size_t chunk_bytes = 512 << 10;                  // at most 1 MiB
  size_t window_bytes = 32 << 20;                  // sent and not yet acknowledged
  int restarts_per_file = 5;                       // of a file that changes while it is read
};

// What happens on the way. Called from several threads, one at a time.
class UploadObserver {
 public:
  virtual ~UploadObserver() = default;
  // The upload exists; `resumed_bytes` of it were acknowledged in an earlier run.
  virtual void Opened(const std::string& /*upload_id*/, uint64_t /*resumed_bytes*/) {}
  virtual void Sent(uint64_t /*acknowledged_bytes*/, uint64_t /*complete_files*/) {}
  virtual void Sealed() {}
  virtual void Processed(const jangbu::v1::Upload& /*upload*/) {}
  virtual void Retrying(const Status& /*why*/, std::chrono::milliseconds /*delay*/) {}
  virtual void FileRestarted(const LocalFile& /*file*/, const std::string& /*reason*/) {}
};

// Opens or resumes the upload of `files` into `corpus_id`, sends what is missing, seals, waits. The
// answer is the upload as the server last told it (done, or sealed without `wait`). An upload
// cancelled before is begun anew.
//
// Errors: the server's own; unavailable ones only after `retry_for` without progress;
// file_unreadable, file_changing.
StatusOr<jangbu::v1::Upload> RunUpload(const Connection& connection, const std::string& corpus_id,
                                       const std::vector<LocalFile>& files,
                                       const UploadOptions& options, UploadObserver& observer);

// True for errors that another attempt may cure: the server restarts, the network blinks, it is
// busy.
bool IsTransient(const Status& status);

}  // namespace jangbu::services::cli
