#pragma once

// What asking a model costs, never more than was allowed.
//
// A request is paid for before it is sent, at the most it can come to, and settled when the answer
// says what it came to; what is not settled stays paid. So however many ask at the same time, and
// whatever breaks off, a limit is not crossed, as long as the endpoint keeps to max_tokens.
// Integers alone.

#include <cstdint>
#include <mutex>
#include <utility>

#include "base/status.h"

namespace jangbu::services {

struct SpendingLimits {
  uint64_t max_tokens = 0;      // of prompts and answers together; 0: no limit
  uint64_t max_won = 0;         // 0: no limit
  uint64_t prompt_won = 0;      // price of a million tokens
  uint64_t completion_won = 0;  // the same, of answers
};

// Thread-safe.
class Spending {
 public:
  explicit Spending(const SpendingLimits& limits) : limits_(limits) {}

  // One request. Counted at its most until it is settled; not thread-safe. Borrows its Spending.
  class Hold {
   public:
    Hold(Hold&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)),
          prompt_(other.prompt_),
          completion_(other.completion_) {}
    Hold& operator=(Hold&&) = delete;
    // What it came to.
    void Settle(uint64_t prompt, uint64_t completion);
    // It was refused: nobody asks money for that.
    void Release() { Settle(0, 0); }

   private:
    friend class Spending;
    Hold(Spending* of, uint64_t prompt, uint64_t completion)
        : of_(of), prompt_(prompt), completion_(completion) {}
    Spending* of_;
    uint64_t prompt_, completion_;
  };
  // ResourceExhausted("budget_spent") when a request of so many tokens would cross a limit.
  StatusOr<Hold> Reserve(uint64_t prompt, uint64_t completion);

  uint64_t tokens() const;
  uint64_t won() const;  // rounded up

 private:
  uint64_t WonMillionths(uint64_t prompt, uint64_t completion) const {
    return prompt * limits_.prompt_won + completion * limits_.completion_won;
  }

  const SpendingLimits limits_;
  mutable std::mutex mutex_;
  uint64_t prompt_ = 0, completion_ = 0;  // guarded by mutex_
};

}  // namespace jangbu::services
