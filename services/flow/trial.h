#pragma once

// What an upload would come to, without an upload.
//
// Files are read, cleaned, counted and judged against the partner's own text exactly as an upload
// of them would be (batch_judging.h), files before them in the same trial included; nothing is
// written to the journal, the key index, the run index or the stores. Texts wait, sealed under keys
// that are in memory alone, in a file without a name, and go with the trial, also when the process
// dies.
//
//   law   as long as nothing else of the partner's is committed meanwhile, an upload of the same
//         files to the same corpus gets the same verdicts and counts
//
// For one thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "ingest/extract/byte_source.h"
#include "ledger/entry.h"
#include "services/flow/jangbu.h"

namespace jangbu::services {

class Trial {
 public:
  // Canonical text of one trial. What comes after it has been reached is not read.
  static constexpr int64_t kMaxTextBytes = int64_t{512} << 20;

  // Documents in (file, record) order. An earlier document of the trial itself is named by
  // FILE:RECORD, one of an upload by UPLOAD#FILE:RECORD. False: no more rows are wanted, and Add
  // answers Cancelled.
  using Row = std::function<bool(const VerdictView&)>;

  struct Outcome {
    ledger::Counts counts;
    int64_t files = 0;
    int64_t bytes = 0;       // of the files, as received
    bool cut_short = false;  // at kMaxTextBytes
    // By the policy in force now, before the confirmation run has looked at anybody else's text.
    int64_t api_tokens = 0;
    bool member = false;  // else they would be pending
  };

  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // Reads the next file to its end. Its verdicts may come with a later call.
  // InvalidArgument("bad_path"); Cancelled; errors of `bytes` and of the storage.
  Status Add(const std::string& path, ingest::ByteSource& bytes);
  // The rest of the verdicts, and the sums. Once.
  StatusOr<Outcome> Finish();

  bool full() const;
  int64_t documents() const;  // with a verdict so far

 private:
  friend class Jangbu;
  class Impl;
  explicit Trial(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace jangbu::services
