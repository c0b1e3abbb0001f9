#include "services/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>

#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "grpc/health/v1/health.pb.h"
#include "services/rpc/front_door.h"
#include "services/rpc/limits.h"
#include "services/rpc/services.h"
#include "services/rpc/thread_set.h"
#include "services/storage/files.h"
#include "services/wire/text.h"

namespace jangbu::services::rpc {
namespace {

constexpr size_t kMaxPemBytes = 1 << 20;
constexpr int kSecondMs = 1000;
constexpr int kMinuteMs = 60 * kSecondMs;

StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const TlsFiles& files) {
  if (files.certificate.empty() && files.private_key.empty() && files.client_ca.empty()) {
    return grpc::InsecureServerCredentials();
  }
  if (files.certificate.empty() || files.private_key.empty()) {
    return InvalidArgument("bad_tls", "TLS needs both a certificate and its private key");
  }
  grpc::SslServerCredentialsOptions options(
      files.client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                              : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  JANGBU_ASSIGN_OR_RETURN(pair.cert_chain, ReadWholeFile(files.certificate, kMaxPemBytes));
  JANGBU_ASSIGN_OR_RETURN(pair.private_key, ReadWholeFile(files.private_key, kMaxPemBytes));
  options.pem_key_cert_pairs.push_back(std::move(pair));
  if (!files.client_ca.empty()) {
    JANGBU_ASSIGN_OR_RETURN(options.pem_root_certs, ReadWholeFile(files.client_ca, kMaxPemBytes));
  }
  return grpc::SslServerCredentials(options);
}

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMaxContributeBytes));
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 4);
  grpc::ResourceQuota quota("jangbu");
  quota.SetMaxThreads(kMaxThreads);
  quota.Resize(kMaxConnectionMemory);
  builder.SetResourceQuota(quota);

  // Two servers on one address would answer in turn.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  // A peer that is gone is noticed; one that pings more often than every ten seconds is sent away.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * kSecondMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * kSecondMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10 * kSecondMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
  // Connections move to fresh ones now and then; streams have hours to end, and can be resumed.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 10 * kMinuteMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 60 * kMinuteMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 6 * 60 * kMinuteMs);
}

}  // namespace

struct Server::State {
  State(Jangbu& jangbu, Clock& clock, AccessLog& log, Metrics& metrics)
      : door(jangbu, clock, log, metrics) {}

  FrontDoor door;
  ThreadSet threads{kMaxStreams};
  std::vector<std::unique_ptr<grpc::Service>> services;
  std::unique_ptr<grpc::Server> server;
  std::string address;
  std::once_flag stopped;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

StatusOr<std::unique_ptr<Server>> Server::Start(Jangbu& jangbu, Clock& clock, AccessLog& log,
                                                Metrics& metrics, const ServerOptions& options) {
  const size_t colon = options.listen.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == options.listen.size()) {
    return InvalidArgument("bad_listen_address",
                           "expected HOST:PORT, got " + wire::Quoted(options.listen));
  }
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                          Credentials(options.tls));
  auto state = std::make_unique<State>(jangbu, clock, log, metrics);
  const ServerFacts facts{.version = options.version, .http_address = options.http_address};
  state->services.push_back(MakeContributeService(state->door, state->threads));
  state->services.push_back(MakeLedgerService(state->door));
  state->services.push_back(MakeFinanceService(state->door));
  state->services.push_back(MakeUsageService(state->door));
  state->services.push_back(MakeLogService(state->door));
  state->services.push_back(MakeGuardService(state->door, state->threads));
  state->services.push_back(MakeAuditService(state->door));
  state->services.push_back(MakeDedupService(state->door));
  state->services.push_back(MakeAdminService(state->door, facts));

  // Links the description of health, which gRPC serves, for reflection to find.
  JANGBU_CHECK(::grpc::health::v1::HealthCheckRequest::descriptor() != nullptr);
  // Process-wide and idempotent.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetLimits(builder);
  int port = 0;
  builder.AddListeningPort(options.listen, credentials, &port);
  for (const auto& service : state->services) builder.RegisterService(service.get());
  state->server = builder.BuildAndStart();
  if (state->server == nullptr || port == 0) {
    return Unavailable("address_in_use",
                       "cannot listen on " + options.listen +
                           ": the address is taken or not of this machine, or the TLS files are "
                           "not a certificate and its key");
  }
  state->address = options.listen.substr(0, colon + 1) + std::to_string(port);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() { Stop(std::chrono::milliseconds(0)); }

const std::string& Server::address() const { return state_->address; }

void Server::Stop(std::chrono::milliseconds patience) {
  std::call_once(state_->stopped, [&] {
    if (state_->server == nullptr) return;
    if (auto* health = state_->server->GetHealthCheckService(); health != nullptr) {
      health->SetServingStatus(false);
    }
    state_->door.Stop();
    state_->server->Shutdown(std::chrono::system_clock::now() + patience);
    state_->server->Wait();
  });
}

}  // namespace jangbu::services::rpc
