#pragma once

// A bidirectional stream whose messages are taken in groups: whatever has arrived, up to a bound.
//
// gRPC's callback interface reads ahead on its own threads; one thread of ours serves the stream
// and may block. So a stream can be ended with a status at any moment, while the client is silent
// too, which the synchronous interface cannot do while a read is pending.

#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "services/rpc/thread_set.h"

namespace jangbu::services::rpc {

struct GatherLimits {
  size_t group_bytes = 0;     // a group ends when it has so many…
  size_t group_messages = 0;  // … or so many messages; it always has one
  size_t ahead_bytes = 0;     // no further message is read while so much waits
};

// Deletes itself when gRPC is done with it.
template <typename Request, typename Response>
class GatheredStream final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  // Begins a stream: runs `serve` on a thread of `threads`, then finishes the call with what it
  // answered. When there is no thread, finishes with `refusal`.
  static GatheredStream* Begin(ThreadSet& threads, const GatherLimits& limits,
                               std::function<grpc::Status(GatheredStream&)> serve,
                               std::function<grpc::Status()> refusal) {
    auto* stream = new GatheredStream(limits);
    const bool running = threads.Run([stream, serve = std::move(serve)] {
      const grpc::Status status = serve(*stream);
      stream->End(status);
      // The stream may be gone from here on.
    });
    if (!running) stream->End(refusal());
    return stream;
  }

  // ---- for the serving thread ----

  enum class Taken { kGroup, kHalfClosed, kWaiting, kCancelled };
  // Moves what has arrived to `group` (emptied first). kWaiting: nothing came for `patience`; ask
  // again. kHalfClosed: the client has sent all it will send.
  Taken Take(std::vector<Request>& group, std::chrono::milliseconds patience) {
    group.clear();
    std::unique_lock lock(mutex_);
    if (!reading_begun_) {
      reading_begun_ = true;
      this->StartRead(&incoming_);
    }
    arrived_.wait_for(lock, patience, [&] { return !waiting_.empty() || ended_ || cancelled_; });
    if (cancelled_) return Taken::kCancelled;
    if (waiting_.empty()) return ended_ ? Taken::kHalfClosed : Taken::kWaiting;
    size_t bytes = 0;
    while (!waiting_.empty() && group.size() < limits_.group_messages &&
           (group.empty() || bytes + waiting_.front().first <= limits_.group_bytes)) {
      bytes += waiting_.front().first;
      group.push_back(std::move(waiting_.front().second));
      waiting_.pop_front();
    }
    waiting_bytes_ -= bytes;
    if (paused_ && !ended_ && waiting_bytes_ < limits_.ahead_bytes) {
      paused_ = false;
      this->StartRead(&incoming_);
    }
    return Taken::kGroup;
  }

  // Sends a message; false when the client is gone. With `more`, it may wait for the next one to
  // share a packet.
  bool Write(const Response& response, bool more) {
    std::unique_lock lock(mutex_);
    if (cancelled_) return false;
    written_ = false;
    grpc::WriteOptions options;
    if (more && headers_sent_) options.set_buffer_hint();
    headers_sent_ = true;
    this->StartWrite(&response, options);
    wrote_.wait(lock, [&] { return written_; });
    return write_ok_;
  }

 private:
  explicit GatheredStream(const GatherLimits& limits) : limits_(limits) {}
  ~GatheredStream() override = default;

  void End(const grpc::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;  // no read is begun from here on
    }
    this->Finish(status);
  }

  void OnReadDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    if (!ok) {
      ended_ = true;
    } else if (!finished_) {
      // What a message costs beside its bytes is counted, so that a million empty ones are a burden
      // too.
      const size_t bytes = incoming_.ByteSizeLong() + 256;
      waiting_bytes_ += bytes;
      waiting_.emplace_back(bytes, std::move(incoming_));
      incoming_ = Request();
      if (waiting_bytes_ < limits_.ahead_bytes) {
        this->StartRead(&incoming_);
      } else {
        paused_ = true;
      }
    }
    arrived_.notify_all();
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    written_ = true;
    write_ok_ = ok;
    wrote_.notify_all();
  }
  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    arrived_.notify_all();
  }
  void OnDone() override { delete this; }

  const GatherLimits limits_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable wrote_;
  std::deque<std::pair<size_t, Request>> waiting_;  // what it costs, and the message
  size_t waiting_bytes_ = 0;
  Request incoming_;  // of the read in progress
  bool reading_begun_ = false;
  bool paused_ = false;
  bool ended_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  bool headers_sent_ = false;
  bool written_ = false;
  bool write_ok_ = false;
};

}  // namespace jangbu::services::rpc
