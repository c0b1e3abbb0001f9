#pragma once

// Training logs: CSV with a header, JSON Lines, or a history export of Weights & Biases (JSON Lines
// with "_step" and names like "train/loss"). Untrusted bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::audit {

inline constexpr uint64_t kLogBytesMax = uint64_t{1} << 30;
inline constexpr size_t kLogRowsMax = 20'000'000;
inline constexpr size_t kLogColumnsMax = 1024;
inline constexpr size_t kLogLineMax = size_t{1} << 20;

struct LogRow {
  int64_t step = 0;
  std::optional<double> loss;
  std::optional<double> learning_rate;
  std::optional<double> tokens;               // seen so far
  std::vector<std::optional<double>> scores;  // by TrainingLog::score_names
};

struct TrainingLog {
  std::string loss_name, rate_name, tokens_name;  // columns that were taken; "" when there is none
  std::vector<std::string> score_names;           // every "eval", "val", "bench", "acc", "mmlu" …
  std::vector<LogRow> rows;                       // in the file's order
  // Lines that could not be read, with their reason; the others are kept.
  struct BadLine {
    uint64_t line = 0;  // from 1
    std::string reason;
  };
  std::vector<BadLine> bad;  // the first 100
  uint64_t bad_lines = 0;
};

// Reads a log. A bad line (no step, a number that is none, NaN or infinite loss, wrong number of
// fields) is noted and left out. InvalidArgument("log_empty") without any row,
// ("log_no_step") and ("log_no_loss") when no column is one, ("log_not_text"),
// ResourceExhausted("log_too_large"). `name` is for errors. O(bytes).
StatusOr<TrainingLog> ReadTrainingLog(std::string_view name, std::string_view bytes);

// The same rows as CSV, numbers in their shortest spelling: reading it again gives the same log
// (column names aside). For exchange and for tests.
std::string EncodeTrainingLog(const TrainingLog& log);

}  // namespace jangbu::audit
