#pragma once

// A server of ContributeService in memory that can be made to misbehave, to test the client
// against. It keeps the rules of the wire strictly: what the client does wrong is counted in
// `violations`.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "jangbu/v1/contribute.pb.h"

namespace jangbu::services::cli {

// What survives a restart of the server.
struct FakeState {
  struct File {
    std::string path;
    std::string bytes;  // acknowledged
    bool complete = false;
  };
  struct Upload {
    std::string id;
    std::string corpus;
    std::string request_id;
    std::map<uint32_t, File> files;
    bool sealed = false;
    bool cancelled = false;
    uint32_t file_count = 0;
    int polls_until_done = 0;
  };

  std::mutex mutex;
  std::vector<Upload> uploads;
  std::vector<std::string> violations;
  uint64_t bytes_received = 0;  // counted again when sent again
  uint64_t streams = 0;         // UploadFiles calls
  uint64_t create_calls = 0;
  std::vector<jangbu::v1::DocumentVerdict> verdicts;  // told of any upload
};

// How it misbehaves.
struct FakeFaults {
  // Breaks the n-th stream (from 0) after so many messages, without acknowledging the last of them.
  std::function<int64_t(uint64_t stream)> break_after = [](uint64_t) { return int64_t{-1}; };
  uint64_t acknowledge_every = 1 << 20;   // bytes of a file between acknowledgements
  bool acknowledge_nothing_once = false;  // the first stream hangs
  bool watch_unimplemented = false;
  int create_failures = 0;  // UNAVAILABLE before the first success
  bool deny = false;        // PERMISSION_DENIED to everything
  bool discard = false;     // keeps no bytes (throughput)
  std::string expect_key;   // UNAUTHENTICATED for any other, when set
};

class FakeServer {
 public:
  FakeServer(std::shared_ptr<FakeState> state, FakeFaults faults, int port = 0);
  ~FakeServer();
  int port() const;
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jangbu::services::cli
