#pragma once

// A model behind the interface of an audit that continues what it remembers and babbles otherwise.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "audit/extraction/audit_run.h"
#include "base/check.h"
#include "tests/audit/extraction/audit_world.h"

namespace jangbu::audit::testing {

class RememberingModel : public ModelEndpoint {
 public:
  explicit RememberingModel(std::vector<std::string> memory) : memory_(std::move(memory)) {}
  // Every text of which there are 64 copies.
  explicit RememberingModel(const ProbePlan& plan) {
    for (const AuditText& t : plan.texts) {
      if (t.copies == 64) memory_.push_back(t.text);
    }
  }
  void Remember(std::string text) { memory_.push_back(std::move(text)); }

  StatusOr<ModelCapabilities> Probe() override { return ModelCapabilities(); }
  StatusOr<ModelAnswer> Complete(const ModelRequest& request) override {
    ++asked;
    if (fail_every != 0 && asked % fail_every == 0) {
      return Unavailable("endpoint_busy", "made to fail");
    }
    ModelAnswer answer;
    answer.text = Continue(memory_, request.prompt, request.max_tokens * 2);
    return answer;
  }
  StatusOr<std::optional<SuffixLogprob>> Score(std::string_view prefix,
                                               std::string_view suffix) override {
    ++asked;
    const std::string text = std::string(prefix) + std::string(suffix);
    for (const std::string& m : memory_) {
      if (m.find(text) != std::string::npos) {
        return std::optional<SuffixLogprob>({std::log(0.97), std::log(0.97), 50});
      }
    }
    return std::optional<SuffixLogprob>({-90, -90, 50});
  }

  uint64_t asked = 0;
  uint64_t fail_every = 0;

 private:
  std::vector<std::string> memory_;
};

inline std::vector<AuditAnswer> AskAll(const ProbePlan& plan, ModelEndpoint& model,
                                       const RunOptions& options = {}) {
  std::vector<AuditAnswer> answers;
  const auto asked = RunAudit(plan, {}, model, options, [&](std::string_view bytes) {
    answers.push_back(*DecodeAnswer(bytes));
    return OkStatus();
  });
  JANGBU_CHECK(asked.ok());
  return answers;
}

}  // namespace jangbu::audit::testing
