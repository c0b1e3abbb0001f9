#pragma once

// Reads whole documents in worker processes: one process a file, in the sandbox of sandbox.h.
// Starting the program costs 20 ms, most of it for loading libraries; so a nursery, started once
// and renewed after `renew_after` files (a new one has other addresses), has them loaded and begins
// a process for each file, in about a millisecond. Where there is none, the program is started.
//
// What happens to a worker (a crash, a bomb, endless work) costs its file and nothing else:
//
//   crash or a forbidden call       extraction_failed, with the signal
//   memory, CPU, time, output       extraction_limit, which of them
//   an answer that makes no sense   extraction_failed
//
// The refusal is record 0 after the records that came before it. Thread-safe; at most `at_once`
// workers run at the same time, others wait their turn.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "ingest/extract/document_stream.h"
#include "ingest/extract/limits.h"
#include "services/extractor/sandbox.h"

namespace jangbu::services {

struct ExtractOptions {
  std::string program;  // path of jangbu-extract
  SandboxLimits sandbox;
  uint64_t document_bytes_max = ingest::ExtractLimits().document_bytes_max;
  uint64_t text_bytes_max = ingest::ExtractLimits().text_bytes_max;
  uint64_t output_bytes_max = uint64_t{8} << 30;  // of one file's records
  int stall_seconds_max = 180;                    // without a byte read or written
  int at_once = 2;
  int renew_after = 256;         // files of one nursery; 0: no nursery
  int nursery_seconds_max = 10;  // until a nursery has begun a process; then it is given up
};

class ExtractWorkers final : public ingest::DocumentReader {
 public:
  explicit ExtractWorkers(ExtractOptions options);
  ~ExtractWorkers() override;

  // Reads a small page: OK when workers can be started and can shut themselves in. For the start of
  // a server, so that an installation's fault shows then and not at the first document.
  Status Probe();

  // Starts a worker and hands it the file. Unavailable("worker_missing") when it can not be
  // started: that is the installation's fault, not the file's.
  StatusOr<std::unique_ptr<ingest::DocumentStream>> Read(
      ingest::ByteSource& bytes, ingest::Format format, std::string_view file_name,
      const ingest::ReadOptions& options) override;

 private:
  class Worker;
  class Turn;
  class Nursery;

  const ExtractOptions options_;
  std::mutex mutex_;
  std::condition_variable left_;
  int running_ = 0;  // guarded by mutex_
  const std::unique_ptr<Nursery> nursery_;
};

// The program beside this one (/proc/self/exe), when it is there; else "".
std::string WorkerBesideThis();

}  // namespace jangbu::services
