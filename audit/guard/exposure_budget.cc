#include "audit/guard/exposure_budget.h"

#include <algorithm>

namespace jangbu::audit {
namespace {

constexpr uint64_t kSweepEvery = 4096;  // at how many entries what is a day old is swept out

}  // namespace

uint32_t ExposureRule::Allowed(size_t form_length) const {
  return static_cast<uint32_t>(std::min<uint64_t>(most, uint64_t{form_length} * percent / 100));
}

uint32_t ExposureLedger::LeftLocked(std::vector<Spent>& spent, size_t form_length,
                                    Timestamp now) const {
  std::erase_if(spent,
                [&](const Spent& s) { return s.at_micros + rule_.window_micros <= now.micros; });
  uint64_t sum = 0;
  for (const Spent& s : spent) sum += s.n;
  const uint32_t allowed = rule_.Allowed(form_length);
  return sum >= allowed ? 0 : allowed - static_cast<uint32_t>(sum);
}

uint32_t ExposureLedger::Left(const std::string& key, const ingest::RunDocument& document,
                              size_t form_length, Timestamp now) {
  const std::lock_guard lock(mutex_);
  const auto found = spent_.find({key, document.place});
  if (found == spent_.end()) return rule_.Allowed(form_length);
  return LeftLocked(found->second, form_length, now);
}

bool ExposureLedger::Spend(const std::string& key, const ingest::RunDocument& document,
                           size_t form_length, uint32_t n, Timestamp now) {
  const std::lock_guard lock(mutex_);
  if (spent_.size() % kSweepEvery == kSweepEvery - 1) {
    std::erase_if(spent_, [&](const auto& entry) {
      return entry.second.empty() ||
             entry.second.back().at_micros + rule_.window_micros <= now.micros;
    });
  }
  std::vector<Spent>& spent = spent_[{key, document.place}];
  if (LeftLocked(spent, form_length, now) < n) return false;
  if (!spent.empty() && now.micros - spent.back().at_micros < 60'000'000 &&
      now.micros >= spent.back().at_micros) {
    // Of one minute: one record, dated by its latest.
    spent.back().n += n;
    spent.back().at_micros = now.micros;
  } else {
    spent.push_back({now.micros, n});
  }
  return true;
}

}  // namespace jangbu::audit
