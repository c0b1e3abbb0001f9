#pragma once

// The services of proto/jangbu/v1. Thin: each method enters by the front door, decodes, makes
// one call of the flow and encodes its answer. What a method means is written in its .proto file;
// who may call it in access.cc.
//
// gRPC's headers stay out of here: include services/rpc/server.h to run them.

#include <memory>
#include <string>

#include "services/rpc/front_door.h"
#include "services/rpc/thread_set.h"

namespace grpc {
class Service;
}

namespace jangbu::services::rpc {

struct ServerFacts {
  std::string version;
  std::string http_address;  // where the log's tiles are served; "" when nowhere
};

// Each borrows its arguments and must die before them.
std::unique_ptr<grpc::Service> MakeContributeService(FrontDoor& door, ThreadSet& threads);
std::unique_ptr<grpc::Service> MakeLedgerService(FrontDoor& door);
std::unique_ptr<grpc::Service> MakeFinanceService(FrontDoor& door);
std::unique_ptr<grpc::Service> MakeUsageService(FrontDoor& door);
std::unique_ptr<grpc::Service> MakeLogService(FrontDoor& door);
std::unique_ptr<grpc::Service> MakeGuardService(FrontDoor& door, ThreadSet& threads);
std::unique_ptr<grpc::Service> MakeAuditService(FrontDoor& door);
std::unique_ptr<grpc::Service> MakeDedupService(FrontDoor& door);
std::unique_ptr<grpc::Service> MakeAdminService(FrontDoor& door, const ServerFacts& facts);

}  // namespace jangbu::services::rpc
