#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "base/bytes.h"
#include "jangbu/v1/log.grpc.pb.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/tlog_proof.h"
#include "services/rpc/services.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

class LogServiceImpl final : public v1::LogService::Service {
 public:
  explicit LogServiceImpl(FrontDoor& door) : door_(door) {}

  grpc::Status GetCheckpoint(grpc::ServerContext* context, const v1::GetCheckpointRequest* request,
                             v1::GetCheckpointResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.LogService/GetCheckpoint", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(std::string checkpoint,
                              door_.jangbu().GetCheckpoint(request->fresh()));
      response->set_checkpoint(std::move(checkpoint));
      response->set_verifier_key(door_.jangbu().LogVerifierKey());
      return OkStatus();
    });
  }

  grpc::Status ProveInclusion(grpc::ServerContext* context,
                              const v1::ProveInclusionRequest* request,
                              v1::ProveInclusionResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.LogService/ProveInclusion", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(Jangbu::Inclusion inclusion,
                              door_.jangbu().ProveInclusion(request->index()));
      JANGBU_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(inclusion.proof));
      JANGBU_RETURN_IF_ERROR(CheckSize("tree_size", request->tree_size(), size));
      response->set_proof(std::move(inclusion.proof));
      response->set_leaf(std::move(inclusion.leaf));
      return OkStatus();
    });
  }

  grpc::Status ProveConsistency(grpc::ServerContext* context,
                                const v1::ProveConsistencyRequest* request,
                                v1::ProveConsistencyResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.LogService/ProveConsistency", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          JANGBU_ASSIGN_OR_RETURN(Jangbu::Consistency consistency,
                                  door_.jangbu().ProveConsistency(request->old_size()));
          JANGBU_RETURN_IF_ERROR(CheckSize("new_size", request->new_size(), consistency.new_size));
          for (const Digest& hash : consistency.path) {
            response->add_hashes(AsView(hash).data(), hash.size());
          }
          response->set_old_size(consistency.old_size);
          response->set_new_size(consistency.new_size);
          response->set_checkpoint(std::move(consistency.checkpoint));
          return OkStatus();
        });
  }

 private:
  // The size of the tree that a proof is for.
  static StatusOr<uint64_t> SizeOf(std::string_view bytes) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::TlogProof proof, ledger::ParseTlogProof(bytes));
    // The signed text ends before the empty line.
    const std::string_view note = proof.checkpoint;
    JANGBU_ASSIGN_OR_RETURN(const ledger::Checkpoint checkpoint,
                            ledger::ParseCheckpoint(note.substr(0, note.find("\n\n") + 1)));
    return checkpoint.size;
  }

  // Only the newest checkpoint is signed, so proofs are given under it alone.
  static Status CheckSize(std::string_view field, uint64_t asked, uint64_t newest) {
    if (asked == 0 || asked == newest) return OkStatus();
    return OutOfRange("not_newest_checkpoint",
                      "proofs are given under the newest checkpoint, of " + std::to_string(newest) +
                          " entries, not " + std::string(field) + " " + std::to_string(asked) +
                          "; leave it out, or compute others from the tiles");
  }

  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLogService(FrontDoor& door) {
  return std::make_unique<LogServiceImpl>(door);
}

}  // namespace jangbu::services::rpc
