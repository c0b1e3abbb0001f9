#include "services/audit/spending.h"

#include <string>

#include "base/check.h"

namespace jangbu::services {
namespace {

constexpr uint64_t kMillion = 1'000'000;

}  // namespace

StatusOr<Spending::Hold> Spending::Reserve(uint64_t prompt, uint64_t completion) {
  const std::lock_guard lock(mutex_);
  const uint64_t tokens = prompt_ + completion_ + prompt + completion;
  if (limits_.max_tokens != 0 && tokens > limits_.max_tokens) {
    return ResourceExhausted("budget_spent", "the next question may cross the limit of " +
                                                 std::to_string(limits_.max_tokens) +
                                                 " tokens; raise it to go on");
  }
  const uint64_t cost = WonMillionths(prompt_ + prompt, completion_ + completion);
  if (limits_.max_won != 0 && (cost + kMillion - 1) / kMillion > limits_.max_won) {
    return ResourceExhausted("budget_spent", "the next question may cross the limit of " +
                                                 std::to_string(limits_.max_won) +
                                                 " won; raise it to go on");
  }
  prompt_ += prompt;
  completion_ += completion;
  return Hold(this, prompt, completion);
}

void Spending::Hold::Settle(uint64_t prompt, uint64_t completion) {
  if (of_ == nullptr) return;
  const std::lock_guard lock(of_->mutex_);
  JANGBU_CHECK(of_->prompt_ >= prompt_ && of_->completion_ >= completion_);
  of_->prompt_ += prompt - prompt_;
  of_->completion_ += completion - completion_;
  prompt_ = prompt;
  completion_ = completion;
}

uint64_t Spending::tokens() const {
  const std::lock_guard lock(mutex_);
  return prompt_ + completion_;
}

uint64_t Spending::won() const {
  const std::lock_guard lock(mutex_);
  return (WonMillionths(prompt_, completion_) + kMillion - 1) / kMillion;
}

}  // namespace jangbu::services
