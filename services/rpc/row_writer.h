#pragma once

// Many small messages of a server stream, several to a packet.

#include <grpcpp/support/sync_stream.h>

namespace jangbu::services::rpc {

// Writes with gRPC's buffer hint, except for the first message: with a hint that one can wait for
// ever, because the headers that it brings along are then not sent before something else makes the
// connection write. Borrows `writer`.
template <typename Response>
class RowWriter {
 public:
  explicit RowWriter(grpc::ServerWriter<Response>& writer) : writer_(writer) {}

  // False when the client is gone.
  bool Write(const Response& response) {
    grpc::WriteOptions options;
    if (begun_) options.set_buffer_hint();
    begun_ = true;
    return writer_.Write(response, options);
  }

 private:
  grpc::ServerWriter<Response>& writer_;
  bool begun_ = false;
};

}  // namespace jangbu::services::rpc
