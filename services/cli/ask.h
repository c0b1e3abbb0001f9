#pragma once

// One unary call of a service over the session's connection.

#include <grpcpp/grpcpp.h>

#include "base/status.h"
#include "services/cli/connection.h"
#include "services/cli/console.h"

namespace jangbu::services::cli {

// Ask<v1::LedgerService>(session, &v1::LedgerService::Stub::GetBalance, request). Errors: of
// Session::Connect, and what the server answers.
template <typename Service, typename Request, typename Response>
StatusOr<Response> Ask(Session& session,
                       grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                       const Request& request) {
  JANGBU_ASSIGN_OR_RETURN(Connection* const connection, session.Connect());
  const auto stub = Service::NewStub(connection->channel());
  return connection->Call(*stub, method, request);
}

}  // namespace jangbu::services::cli
