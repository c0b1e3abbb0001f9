#pragma once

// What a training log says about how a model began, and what in it does not fit together.
//
// A model that starts from random weights starts at a loss of about ln(vocabulary): it knows
// nothing. A first loss well below shows that it began with trained weights. A first loss near it
// proves nothing: a transplanted vocabulary starts there too (measured: 1.003).

#include <cstdint>
#include <string>
#include <vector>

#include "audit/provenance/training_log.h"

namespace jangbu::audit {

enum class FindingKind : uint8_t { kConsistent, kInconsistent, kNote };

struct Finding {
  FindingKind kind = FindingKind::kNote;
  std::string code;             // stable; the words for it are the report's
  std::vector<double> numbers;  // what the words need
  std::vector<std::string> texts = {};
};

struct LogFigures {
  uint64_t rows = 0;
  uint64_t bad_lines = 0;
  int64_t first_step = 0;
  int64_t last_step = 0;
  double first_loss = 0;                // of the first row that has one
  double last_loss = 0;                 // mean over the last 5 % of rows
  double first_over_ln_vocabulary = 0;  // 0: vocabulary unknown
  std::vector<Finding> findings;
};

// `vocabulary` in entries; 0 when it is not known. O(rows log rows).
LogFigures ExamineLog(const TrainingLog& log, uint64_t vocabulary);

// Two logs of one run (say, CSV and an export): steps that both have, and the largest difference of
// their losses. Finding "logs_agree" or "logs_disagree".
Finding CompareLogs(const TrainingLog& a, const TrainingLog& b);

// Correlations of a series of checkpoints in order of training: `next[i]` of i with i + 1,
// `skip[i]` of i with i + 2. Each must explain the next, and better than the one after.
std::vector<Finding> ExamineCheckpoints(const std::vector<double>& next,
                                        const std::vector<double>& skip);

}  // namespace jangbu::audit
