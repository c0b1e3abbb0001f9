#pragma once

// Sends files to be tried: what an upload of them would come to. Nothing is kept, so nothing is
// resumed: a broken stream is an error, and the run is begun anew.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "jangbu/v1/contribute.pb.h"
#include "services/cli/connection.h"
#include "services/cli/file_walk.h"

namespace jangbu::services::cli {

struct TrialOptions {
  bool rejected_only = false;      // verdicts of other documents are not asked for
  size_t chunk_bytes = 512 << 10;  // at most 1 MiB
};

// Called from one thread.
struct TrialListener {
  std::function<void(const jangbu::v1::TrialProgress&)> progress;
  std::function<void(const jangbu::v1::DocumentVerdict&)> verdict;
};

// Errors: the server's own; file_unreadable.
StatusOr<jangbu::v1::TrialOutcome> RunTrial(const Connection& connection,
                                            const std::string& corpus_id,
                                            const std::vector<LocalFile>& files,
                                            const TrialOptions& options,
                                            const TrialListener& listener);

}  // namespace jangbu::services::cli
