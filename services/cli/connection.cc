#include "services/cli/connection.h"

#include <fstream>
#include <sstream>

namespace jangbu::services::cli {
namespace {

StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return InvalidArgument("certificate_unreadable", "\"" + path + "\" cannot be read");
  return text.str();
}

}  // namespace

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  return Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

bool IsLoopback(std::string_view server) {
  const std::string_view host = server.substr(0, server.rfind(':'));
  return host == "localhost" || host.rfind("127.", 0) == 0 || host == "[::1]" || host == "::1" ||
         server.rfind("unix:", 0) == 0;
}

StatusOr<std::unique_ptr<Connection>> Connection::Open(const Settings& settings,
                                                       std::chrono::milliseconds timeout) {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (settings.tls) {
    grpc::SslCredentialsOptions options;
    if (!settings.ca.empty()) {
      JANGBU_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(settings.ca));
    } else if (auto system = ReadPem("/etc/ssl/certs/ca-certificates.crt"); system.ok()) {
      options.pem_root_certs = *std::move(system);
    }
    if (!settings.cert.empty()) {
      JANGBU_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(settings.cert));
      JANGBU_ASSIGN_OR_RETURN(options.pem_private_key, ReadPem(settings.cert_key));
    }
    credentials = grpc::SslCredentials(options);
  } else {
    credentials = grpc::InsecureChannelCredentials();
  }
  grpc::ChannelArguments arguments;
  // A server that restarts is back in seconds; the library would wait up to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetMaxReceiveMessageSize(576 << 20);  // the receipt of a large upload
  if (IsLoopback(settings.server)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return std::make_unique<Connection>(
      grpc::CreateCustomChannel(settings.server, credentials, arguments), settings.key, timeout);
}

void Connection::Prepare(grpc::ClientContext& context) const {
  if (!key_.empty()) context.AddMetadata("authorization", "Bearer " + key_);
}

void Connection::PrepareCall(grpc::ClientContext& context) const {
  Prepare(context);
  context.set_deadline(std::chrono::system_clock::now() + timeout_);
}

}  // namespace jangbu::services::cli
