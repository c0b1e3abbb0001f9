#pragma once

// The progress of an upload, on one line: what was sent and what was processed.

#include <cstdint>
#include <deque>
#include <string>

#include "services/cli/messages.h"

namespace jangbu::services::cli {

// What there is to show. `now_ms` of any monotonic clock.
struct ProgressState {
  enum class Phase { kConnecting, kSending, kProcessing, kDone };
  Phase phase = Phase::kConnecting;
  uint64_t total_bytes = 0;
  uint64_t total_files = 0;
  uint64_t sent_bytes = 0;       // acknowledged
  uint64_t sent_files = 0;       // complete
  uint64_t processed_bytes = 0;  // have their verdicts
  int64_t documents = 0;         // with a verdict
  std::string trouble;           // why it is being tried again; empty: all is well
};

// Bytes a second over the last ten seconds.
class RateMeter {
 public:
  void Observe(int64_t now_ms, uint64_t bytes);
  uint64_t BytesPerSecond() const;

 private:
  struct Sample {
    int64_t at_ms;
    uint64_t bytes;
  };
  std::deque<Sample> samples_;
};

// The line for a terminal of `columns` columns, without a line break; never wider than `columns`
// - 1.
std::string ProgressBarLine(const ProgressState& state, uint64_t bytes_per_second, int columns,
                            Lang lang);
// The line for a log: words and numbers only.
std::string ProgressLogLine(const ProgressState& state, uint64_t bytes_per_second, Lang lang);

}  // namespace jangbu::services::cli
