#pragma once

// Plain HTTP for what is public: the transparency log as C2SP tlog-tiles, so that software nobody
// here wrote can check it, and /healthz. /metrics is for this machine only. Nothing else, and
// nothing of any partner.
//
//   GET /checkpoint                         signed note; changes every minute, so never cached
//   GET /tile/<L>/<N>[.p/<W>]               hashes
//   GET /tile/entries/<N>[.p/<W>]           leaves
//   GET /healthz                            "ok", or 503 when the storage failed
//   GET /metrics                            Prometheus text; 404 for other machines and for
//   anything that a proxy
//                                           passed on
//
// A few threads serve short requests, with a limit on each one's size and time. It is no shield
// against floods: put a proxy in front where the world can reach it.

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "services/flow/jangbu.h"
#include "services/rpc/access_log.h"
#include "services/rpc/metrics.h"

namespace jangbu::services::gateway {

struct HttpOptions {
  std::string listen = "127.0.0.1:50552";  // HOST:PORT; port 0 takes a free one
  int threads = 8;
};

// Thread-safe.
class HttpServer {
 public:
  // Serves from its return on. Borrows everything until it is destroyed.
  // Unavailable("address_in_use"), InvalidArgument("bad_listen_address").
  static StatusOr<std::unique_ptr<HttpServer>> Start(Jangbu& jangbu, Clock& clock,
                                                     rpc::AccessLog& log, rpc::Metrics& metrics,
                                                     const HttpOptions& options);
  // Ends requests in progress, within the limits of their time.
  ~HttpServer();

  // HOST:PORT with the port that was taken.
  const std::string& address() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services::gateway
