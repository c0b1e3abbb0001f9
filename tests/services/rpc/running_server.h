#pragma once

// A whole server on a free port of this machine, over a new data directory, with two partners and a
// key of every role; and a client that can call any method by name.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/flow/jangbu.h"
#include "services/rpc/access_log.h"
#include "services/rpc/metrics.h"
#include "services/rpc/server.h"
#include "services/storage/system.h"

namespace jangbu::services::rpc {

// What came back of a call.
struct Answer {
  grpc::Status status;
  std::string reason;                  // trailing metadata
  std::vector<std::string> responses;  // encoded

  grpc::StatusCode code() const { return status.error_code(); }
};

// The system's, set forward by Advance.
class ForwardClock final : public Clock {
 public:
  Timestamp Now() override { return {system_.Now().micros + ahead_}; }
  void Advance(int64_t micros) { ahead_ += micros; }

 private:
  SystemClock system_;
  std::atomic<int64_t> ahead_ = 0;
};

class RunningServer {
 public:
  RunningServer();
  ~RunningServer();

  Jangbu& jangbu() { return *jangbu_; }
  Server& server() { return *server_; }
  Metrics& metrics() { return metrics_; }
  ForwardClock& clock() { return clock_; }
  AccessLog& log() { return *log_; }
  const std::string& dir() const { return dir_; }
  std::string AccessLogText();

  // Keys. Of partners: hanbit, dolsan.
  const std::string& KeyOf(const std::string& partner_id) const {
    return partner_keys_.at(partner_id);
  }
  const std::string& KeyOf(ledger::Role role) const { return role_keys_.at(role); }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // A context with the key, "" for none, and a deadline of a minute.
  static std::unique_ptr<grpc::ClientContext> Context(const std::string& key);

  // Calls `method` ("jangbu.v1.LogService/GetCheckpoint") with encoded messages, half-closes, and
  // reads to the end.
  Answer Call(const std::string& method, const std::string& key,
              const std::vector<std::string>& messages);

  // Uploads one file, seals, waits until it is done; the upload's id.
  std::string UploadFile(const std::string& key, const std::string& corpus_id,
                         const std::string& path, const std::string& bytes);
  std::string CreateCorpus(const std::string& key, const std::string& title);

  // Ends the server (not the flow).
  void StopServer() { server_.reset(); }

 private:
  std::string dir_;
  ForwardClock clock_;
  OsRandom random_;
  std::unique_ptr<AccessLog> log_;
  Metrics metrics_;
  std::unique_ptr<Jangbu> jangbu_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::map<std::string, std::string> partner_keys_;
  std::map<ledger::Role, std::string> role_keys_;
};

// Korean sentences, different for each seed: a JSON Lines file of `documents` lines.
std::string SomeJsonLines(int documents, uint64_t seed);

}  // namespace jangbu::services::rpc
