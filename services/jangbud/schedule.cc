#include "services/jangbud/schedule.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/jangbud/serve_options.h"

namespace jangbu::services::jangbud {

DailySchedule::DailySchedule(Clock& clock, int minute_of_day, std::function<void()> work)
    : clock_(clock),
      work_(std::move(work)),
      thread_([this, minute_of_day] { Run(minute_of_day); }) {}

DailySchedule::~DailySchedule() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void DailySchedule::Run(int minute_of_day) {
  std::unique_lock lock(mutex_);
  Timestamp due = NextTimeOfDay(clock_.Now(), minute_of_day);
  while (!ending_) {
    const Timestamp now = clock_.Now();
    if (now < due) {
      const int64_t wait = std::min<int64_t>(due.micros - now.micros, 60'000'000);
      changed_.wait_for(lock, std::chrono::microseconds(wait), [this] { return ending_; });
      continue;
    }
    lock.unlock();
    work_();
    lock.lock();
    due = NextTimeOfDay(clock_.Now(), minute_of_day);
  }
}

}  // namespace jangbu::services::jangbud
