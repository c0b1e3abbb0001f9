#pragma once

// The gRPC server: the four services, reflection and health on one address, with its limits.

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "services/flow/jangbu.h"
#include "services/rpc/access_log.h"
#include "services/rpc/metrics.h"

namespace jangbu::services::rpc {

struct TlsFiles {
  std::string certificate;  // PEM: the server's certificate and its chain
  std::string private_key;  // PEM
  std::string client_ca;  // PEM: who may have signed a client's certificate; "": none is asked for
                          // (no mTLS)
};

struct ServerOptions {
  std::string listen = "127.0.0.1:50551";  // HOST:PORT; port 0 takes a free one
  TlsFiles tls;                            // certificate and key empty: plain text
  std::string version;
  std::string http_address;  // told to clients
};

// Thread-safe.
class Server {
 public:
  // Serves from its return on. Borrows everything until it is destroyed.
  // Unavailable("address_in_use") when the address cannot be bound,
  // InvalidArgument("bad_listen_address"), NotFound("file_missing") and the like for TLS files.
  static StatusOr<std::unique_ptr<Server>> Start(Jangbu& jangbu, Clock& clock, AccessLog& log,
                                                 Metrics& metrics, const ServerOptions& options);
  ~Server();

  // HOST:PORT with the port that was taken.
  const std::string& address() const;

  // Refuses new calls, lets those in progress end for at most `patience`, cancels the rest, returns
  // when none is left. Health says NOT_SERVING from its beginning. Once.
  void Stop(std::chrono::milliseconds patience);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services::rpc
