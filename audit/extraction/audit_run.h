#pragma once

// Asks a model everything a plan says, and keeps every answer: the raw record, from which all
// figures are computed and can be computed again.
//
//   record = answer*                       one append each, in any order
//   answer = task:u32 status:u8 reason:string text:string finish:string low:f64 high:f64 tokens:u32
//
// A task that the record answers is not asked again; so a run that was killed goes on where it was.
// A question whose answer had not reached the record when the process died is asked once more.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/extraction/model_client.h"
#include "audit/extraction/probe_plan.h"
#include "base/status.h"

namespace jangbu::audit {

enum class TaskKind : uint8_t {
  kGreedy = 0,  // temperature 0
  kSample = 1,  // temperature 1, with a seed
  kScore = 2,   // log-probability of the suffix
};

struct AuditTask {
  uint32_t probe = 0;
  TaskKind kind = TaskKind::kGreedy;
  uint32_t sample = 0;
};

// Everything a plan asks, in order: each probe once; of the main cell of each window (given,
// prefix-50, else its longest prefix) the samples and the score; of a canary the answer and the
// score, of a reference of it the score.
std::vector<AuditTask> TasksOf(const ProbePlan& plan);

struct AuditAnswer {
  uint32_t task = 0;
  bool failed = false;
  std::string reason;  // of a failure
  std::string text;
  std::string finish;
  double low = 0;  // of a score
  double high = 0;
  uint32_t tokens = 0;  // of a score: 0: the endpoint gives none
};

std::string EncodeAnswer(const AuditAnswer& answer);
// DataLoss("answer_malformed").
StatusOr<AuditAnswer> DecodeAnswer(std::string_view bytes);

struct RunOptions {
  int concurrency = 1;
  uint64_t max_requests = 0;  // 0: no limit. Counts answers asked for in this process
  int attempts = 5;           // of a question, for errors that may pass
  std::function<void(int attempt)> back_off;                  // waits; null: not at all
  std::function<void(uint64_t done, uint64_t all)> progress;  // from any thread, one at a time
  const std::atomic<bool>* stop = nullptr;                    // set: no new question
};

// Asks what `answered` does not answer. `append` makes a record durable; called from one thread at
// a time. Returns the number asked. ResourceExhausted("budget_spent") when the limit ends the run,
// Aborted("stopped") after `stop`: what was recorded stays.
StatusOr<uint64_t> RunAudit(const ProbePlan& plan, const std::vector<AuditAnswer>& answered,
                            ModelEndpoint& endpoint, const RunOptions& options,
                            const std::function<Status(std::string_view)>& append);

}  // namespace jangbu::audit
