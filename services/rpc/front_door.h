#pragma once

// The head and the end of every call: who is it, may they, whose data is it; then the answer's
// status, its reason code in the trailer, one line in the access log, one count in the metrics.
//
//   grpc::Status LedgerService::GetBalance(context, request, response) {
//     return door_.Serve(*context, "jangbu.v1.LedgerService/GetBalance", [&](Call& call) -> Status
//     {
//       JANGBU_RETURN_IF_ERROR(call.Admit(*request));
//       JANGBU_ASSIGN_OR_RETURN(const PartnerRef partner, call.Partner(request->partner_id()));
//       … one domain call, encode …
//     });
//   }

#include <grpcpp/server_context.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "google/protobuf/message_lite.h"
#include "services/flow/jangbu.h"
#include "services/rpc/access.h"
#include "services/rpc/access_log.h"
#include "services/rpc/metrics.h"

namespace jangbu::services::rpc {

class FrontDoor;

struct PartnerRef {
  uint32_t number = 0;
  std::string id;
};

// A corpus, an upload or a lot that the caller may name. That it exists is for the flow to say.
struct SubjectRef {
  PartnerRef partner;
  uint32_t number = 0;
};

// One call in progress. For the thread that serves it; Over() for any.
class Call {
 public:
  // Borrows all three until Leave.
  Call(FrontDoor& door, grpc::ServerContextBase& context, std::string_view method);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  // Authenticates and authorises. Unauthenticated("no_key"), ("bad_key"),
  // PermissionDenied("role_not_allowed"), ResourceExhausted("too_many_calls"),
  // Unavailable("server_stopping").
  Status Enter();
  // Ends the call, once: logs and counts it, puts the reason into the trailer.
  grpc::Status Leave(Status status);

  const Caller& caller() const { return caller_; }
  Jangbu& jangbu() const;

  // Counts a message that came in; ResourceExhausted("message_too_large").
  Status Admit(const google::protobuf::MessageLite& message);

  // What an audit's statement says it used, for the line of the access log.
  void Uses(std::string allow_list) { allow_list_ = std::move(allow_list); }

  // The partner that a request names. A key of role partner means its own partner by "", and finds
  // no other: NotFound("no_such_partner"), as for one that does not exist.
  // InvalidArgument("partner_id_missing") when another role names none, ("bad_partner_id").
  StatusOr<PartnerRef> Partner(std::string_view partner_id);
  // The same, "" meaning all that the key may see, in the order of their numbers.
  StatusOr<std::vector<PartnerRef>> Partners(std::string_view partner_id);
  // InvalidArgument("bad_corpus_id"), ("bad_upload_id"), ("bad_lot_id");
  // NotFound("no_such_corpus"),
  // ("no_such_upload"), ("no_such_lot"). Whatever later turns out not to exist leaves with the very
  // same words.
  StatusOr<SubjectRef> Corpus(std::string_view corpus_id);
  StatusOr<SubjectRef> Upload(std::string_view upload_id);
  StatusOr<SubjectRef> Lot(std::string_view lot_id);

  // True when nobody waits for the answer any more: cancelled, past its deadline, or the server
  // stops.
  bool Over() const;
  // What to answer then, or when a message could not be sent: Unavailable("server_stopping"), or
  // Cancelled.
  Status WhyGone() const;

 private:
  StatusOr<SubjectRef> Subject(std::string_view partner_id, uint32_t number);

  FrontDoor& door_;
  grpc::ServerContextBase& context_;
  const std::string_view method_;
  const MethodAccess* const access_;
  const std::chrono::steady_clock::time_point began_;
  Caller caller_;
  std::string tally_;  // whose call it counts as; "" before Enter
  std::string allow_list_;
  Status absent_;  // what NotFound is said as
  std::atomic<uint64_t> messages_in_{0};
  std::atomic<uint64_t> bytes_in_{0};
  bool left_ = false;
};

// Thread-safe.
class FrontDoor {
 public:
  // Borrows all.
  FrontDoor(Jangbu& jangbu, Clock& clock, AccessLog& log, Metrics& metrics)
      : jangbu_(jangbu), clock_(clock), log_(log), metrics_(metrics) {}

  template <typename Body>
  grpc::Status Serve(grpc::ServerContextBase& context, std::string_view method, Body&& body) {
    Call call(*this, context, method);
    Status status = call.Enter();
    if (status.ok()) status = body(call);
    return call.Leave(std::move(status));
  }

  // From now on calls are refused, and streams end at their next safe place, with
  // Unavailable("server_stopping").
  void Stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }

  Jangbu& jangbu() { return jangbu_; }
  Clock& clock() { return clock_; }
  Metrics& metrics() { return metrics_; }

 private:
  friend class Call;
  bool Begin(const std::string& tally);
  void End(const std::string& tally);

  Jangbu& jangbu_;
  Clock& clock_;
  AccessLog& log_;
  Metrics& metrics_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::map<std::string, int> in_progress_;  // guarded by mutex_; calls by whose they are
};

}  // namespace jangbu::services::rpc
