#pragma once

// Runs something once a day.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace jangbu::services::jangbud {

class DailySchedule {
 public:
  // Calls `work` at each `minute_of_day` in Asia/Seoul from now on, on a thread of its own, never
  // two at a time; a time that passes while it works is left out. Borrows `clock`, which it asks at
  // least every minute, so that a clock that is set is noticed.
  DailySchedule(Clock& clock, int minute_of_day, std::function<void()> work);
  // Waits for `work` to end.
  ~DailySchedule();

 private:
  void Run(int minute_of_day);

  Clock& clock_;
  const std::function<void()> work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;  // guarded by mutex_
  std::thread thread_;   // last: it uses the others
};

}  // namespace jangbu::services::jangbud
