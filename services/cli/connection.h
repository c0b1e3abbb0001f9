#pragma once

// One channel to the server and what every call on it has in common: the key, a deadline, the
// mapping of errors.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "services/cli/settings.h"

namespace jangbu::services::cli {

// Same code, same message ("reason: …").
Status FromGrpc(const grpc::Status& status);

// Thread-safe.
class Connection {
 public:
  // Does not connect yet. Errors: certificate_unreadable.
  static StatusOr<std::unique_ptr<Connection>> Open(const Settings& settings,
                                                    std::chrono::milliseconds timeout);
  // On a channel made elsewhere (tests).
  Connection(std::shared_ptr<grpc::Channel> channel, std::string key,
             std::chrono::milliseconds timeout)
      : channel_(std::move(channel)), key_(std::move(key)), timeout_(timeout) {}

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Adds the key. A stream that may last takes no deadline.
  void Prepare(grpc::ClientContext& context) const;
  // Adds the key and the deadline of a single call.
  void PrepareCall(grpc::ClientContext& context) const;

  // One unary call: `method` is a member of the stub.
  template <typename Stub, typename Request, typename Response>
  StatusOr<Response> Call(Stub& stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const Request& request) const {
    grpc::ClientContext context;
    PrepareCall(context);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::string key_;
  std::chrono::milliseconds timeout_;
};

// True for host names and addresses that mean this machine.
bool IsLoopback(std::string_view server);

}  // namespace jangbu::services::cli
