#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "jangbu/v1/admin.grpc.pb.h"
#include "services/rpc/limits.h"
#include "services/rpc/row_writer.h"
#include "services/rpc/services.h"
#include "services/wire/convert.h"
#include "services/wire/ids.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

class AdminServiceImpl final : public v1::AdminService::Service {
 public:
  AdminServiceImpl(FrontDoor& door, const ServerFacts& facts) : door_(door), facts_(facts) {}

  grpc::Status AddPartner(grpc::ServerContext* context, const v1::AddPartnerRequest* request,
                          v1::AddPartnerResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/AddPartner", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_RETURN_IF_ERROR(wire::CheckPartnerId(request->partner_id()));
      JANGBU_RETURN_IF_ERROR(wire::CheckText("name", request->name(), kMaxNameChars, false));
      const std::string& name = request->name().empty() ? request->partner_id() : request->name();
      JANGBU_RETURN_IF_ERROR(door_.jangbu().AddPartner(request->partner_id(), name));
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        const ledger::PartnerRecord* record = books.FindPartner(request->partner_id());
        if (record != nullptr) *response->mutable_partner() = wire::ToWire(*record);
      });
      return OkStatus();
    });
  }

  grpc::Status ListPartners(grpc::ServerContext* context, const v1::ListPartnersRequest* request,
                            v1::ListPartnersResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/ListPartners", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        for (const auto& record : books.partners()) {
          *response->add_partners() = wire::ToWire(*record);
        }
      });
      return OkStatus();
    });
  }

  grpc::Status IssueKey(grpc::ServerContext* context, const v1::IssueKeyRequest* request,
                        v1::IssueKeyResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/IssueKey", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const ledger::Role role, wire::FromWire(request->role()));
      if (role == ledger::Role::kPartner) {
        JANGBU_RETURN_IF_ERROR(call.Partner(request->partner_id()).status());
      } else if (!request->partner_id().empty()) {
        return InvalidArgument("partner_id_not_allowed",
                               "only a key of role partner belongs to a partner");
      }
      JANGBU_RETURN_IF_ERROR(wire::CheckText("person", request->person(), kMaxPersonChars, true));
      JANGBU_ASSIGN_OR_RETURN(
          Jangbu::AskedKey asked,
          door_.jangbu().AskForKey(call.caller(), request->partner_id(), role, request->person()));
      *response->mutable_key() = Encode(asked.record);
      response->set_secret(std::move(asked.secret));
      response->set_pending(asked.pending);
      return OkStatus();
    });
  }

  grpc::Status ListKeys(grpc::ServerContext* context, const v1::ListKeysRequest* request,
                        v1::ListKeysResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/ListKeys", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      uint32_t partner = 0;
      if (!request->partner_id().empty()) {
        JANGBU_ASSIGN_OR_RETURN(const PartnerRef ref, call.Partner(request->partner_id()));
        partner = ref.number;
      }
      for (const ledger::KeyRecord& key : door_.jangbu().ListKeys()) {
        if (partner == 0 || key.partner == partner) *response->add_keys() = Encode(key);
      }
      return OkStatus();
    });
  }

  grpc::Status RotateKey(grpc::ServerContext* context, const v1::RotateKeyRequest* request,
                         v1::RotateKeyResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/RotateKey", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(Jangbu::AskedKey asked,
                              door_.jangbu().AskToRotateKey(call.caller(), request->key_id()));
      *response->mutable_key() = Encode(asked.record);
      response->set_secret(std::move(asked.secret));
      response->set_pending(asked.pending);
      return OkStatus();
    });
  }

  grpc::Status DecideKey(grpc::ServerContext* context, const v1::DecideKeyRequest* request,
                         v1::DecideKeyResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/DecideKey", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(
          std::string half,
          door_.jangbu().DecideKey(call.caller(), request->key_id(), request->approve()));
      response->set_secret(std::move(half));
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        const auto found = books.key_requests().find(request->key_id());
        if (found != books.key_requests().end())
          *response->mutable_request() = EncodeRequest(found->second);
      });
      return OkStatus();
    });
  }

  grpc::Status ListKeyRequests(grpc::ServerContext* context,
                               const v1::ListKeyRequestsRequest* request,
                               v1::ListKeyRequestsResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/ListKeyRequests",
                       [&](Call& call) -> Status {
                         JANGBU_RETURN_IF_ERROR(call.Admit(*request));
                         door_.jangbu().ReadBooks([&](const ledger::Books& books) {
                           for (const auto& [id, record] : books.key_requests())
                             *response->add_requests() = EncodeRequest(record);
                         });
                         return OkStatus();
                       });
  }

  grpc::Status RevokeKey(grpc::ServerContext* context, const v1::RevokeKeyRequest* request,
                         v1::RevokeKeyResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/RevokeKey", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const ledger::KeyRecord key,
                              door_.jangbu().RevokeKey(request->key_id()));
      *response->mutable_key() = Encode(key);
      return OkStatus();
    });
  }

  grpc::Status RunConfirmation(grpc::ServerContext* context,
                               const v1::RunConfirmationRequest* request,
                               v1::RunConfirmationResponse* response) override {
    return door_.Serve(
        *context, "jangbu.v1.AdminService/RunConfirmation", [&](Call& call) -> Status {
          JANGBU_RETURN_IF_ERROR(call.Admit(*request));
          std::vector<std::string> released;
          for (const std::string& partner_id : request->release_partner_ids()) {
            JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(partner_id));
            released.push_back(partner.id);
          }
          JANGBU_RETURN_IF_ERROR(
              wire::CheckText("reason", request->reason(), kMaxReasonChars, !released.empty()));
          JANGBU_ASSIGN_OR_RETURN(
              const ConfirmationView run,
              door_.jangbu().RunConfirmation(released, request->reason(), call.caller().key_id));
          *response = wire::ToWire(run);
          return OkStatus();
        });
  }

  grpc::Status ListItems(grpc::ServerContext* context, const v1::ListItemsRequest* request,
                         grpc::ServerWriter<v1::ListItemsResponse>* writer) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/ListItems", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const SubjectRef upload, call.Upload(request->upload_id()));
      RowWriter rows(*writer);
      bool gone = false;
      JANGBU_RETURN_IF_ERROR(door_.jangbu().ListItems(
          upload.partner.number, upload.number, [&](const OperatorItem& item) {
            gone = call.Over() || !writer->Write(wire::ToWire(item));
            return !gone;
          }));
      return gone ? call.WhyGone() : OkStatus();
    });
  }

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::GetServerInfoResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/GetServerInfo", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      response->set_version(facts_.version);
      response->set_http_address(facts_.http_address);
      response->set_log_origin(door_.jangbu().LogOrigin());
      response->set_log_verifier_key(door_.jangbu().LogVerifierKey());
      door_.jangbu().ReadBooks([&](const ledger::Books& books) {
        // The one that counts now: a re-count may have pinned another than genesis.
        const ingest::Tokenizer& tokenizer = door_.jangbu().tokenizer();
        response->set_tokenizer_algorithm(std::string(tokenizer.algorithm()));
        response->set_tokenizer_sha256(ToHex(tokenizer.file_sha256()));
        response->set_unicode_version(books.genesis()->unicode_version);
        if (call.caller().role != ledger::Role::kPartner) {
          response->set_journal_size(books.size());
        }
      });
      return OkStatus();
    });
  }

  grpc::Status GetBooksRoot(grpc::ServerContext* context, const v1::GetBooksRootRequest* request,
                            v1::GetBooksRootResponse* response) override {
    return door_.Serve(*context, "jangbu.v1.AdminService/GetBooksRoot", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      JANGBU_ASSIGN_OR_RETURN(const Digest root, door_.jangbu().BooksRoot());
      response->set_books_root(ToHex(root));
      return OkStatus();
    });
  }

 private:
  static v1::KeyRequest EncodeRequest(const ledger::KeyRequestRecord& record) {
    v1::KeyRequest out;
    out.set_key_id(record.request.key_id);
    out.set_role(wire::ToWire(record.request.role));
    out.set_person(record.request.person);
    out.set_replaces(record.request.replaces);
    out.set_state(std::string(wire::NameOf(record.state)));
    out.set_asked_by(record.proposed.person);
    out.set_asked_at_micros(record.proposed.at.micros);
    if (record.decided.has_value()) {
      out.set_decided_by(record.decided->person);
      out.set_decided_at_micros(record.decided->at.micros);
    }
    return out;
  }

  v1::ApiKey Encode(const ledger::KeyRecord& key) {
    return wire::ToWire(key,
                        key.partner == 0 ? std::string() : door_.jangbu().PartnerId(key.partner));
  }

  FrontDoor& door_;
  const ServerFacts facts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(FrontDoor& door, const ServerFacts& facts) {
  return std::make_unique<AdminServiceImpl>(door, facts);
}

}  // namespace jangbu::services::rpc
