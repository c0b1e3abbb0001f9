#include "audit/guard/exposure_budget.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"

namespace jangbu::audit {
namespace {

constexpr int64_t kMinute = int64_t{60} * 1'000'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr size_t kLeastBytes = 1 + 8 + 4 + 4 + 8;  // of a line

}  // namespace

uint32_t ExposureRule::Allowed(size_t form_length) const {
  return static_cast<uint32_t>(std::min<uint64_t>(most, uint64_t{form_length} * percent / 100));
}

std::string EncodeExposures(std::span<const ExposureLine> exposures) {
  ByteWriter w;
  for (const ExposureLine& e : exposures) {
    w.String(e.key);
    w.U64(e.place.entry);
    w.U32(e.place.ordinal);
    w.U32(e.n);
    w.I64(e.at_micros);
  }
  return w.Take();
}

StatusOr<std::vector<ExposureLine>> DecodeExposures(std::string_view bytes) {
  ByteReader r(bytes);
  std::vector<ExposureLine> out;
  out.reserve(bytes.size() / kLeastBytes);
  while (r.ok() && !r.empty()) {
    ExposureLine e;
    e.key = r.String();
    e.place.entry = r.U64();
    e.place.ordinal = r.U32();
    e.n = r.U32();
    e.at_micros = r.I64();
    out.push_back(std::move(e));
  }
  if (!r.ok() || out.empty()) {
    return DataLoss("exposures_malformed", "what keys were shown does not read back as written");
  }
  return out;
}

void ExposureLedger::DropOld(Lines& lines, Timestamp now) const {
  std::erase_if(lines,
                [&](const Spent& s) { return s.at_micros + rule_.window_micros <= now.micros; });
}

uint32_t ExposureLedger::LeftLocked(Lines& lines, size_t form_length, Timestamp now) const {
  DropOld(lines, now);
  uint64_t sum = 0;
  for (const Spent& s : lines) sum += s.n;
  const uint32_t allowed = rule_.Allowed(form_length);
  return sum >= allowed ? 0 : allowed - static_cast<uint32_t>(sum);
}

void ExposureLedger::SweepLocked(Timestamp now) {
  if (now.micros / kHour == swept_hour_) return;
  swept_hour_ = now.micros / kHour;
  for (auto entry = spent_.begin(); entry != spent_.end();) {
    DropOld(entry->second, now);
    entry = entry->second.empty() ? spent_.erase(entry) : std::next(entry);
  }
}

void ExposureLedger::Restore(std::span<const ExposureLine> kept) {
  const std::lock_guard lock(mutex_);
  for (const ExposureLine& e : kept) spent_[{e.key, e.place}].push_back({e.at_micros, e.n});
}

uint32_t ExposureLedger::Left(const std::string& key, const ingest::RunDocument& document,
                              size_t form_length, Timestamp now) {
  const std::lock_guard lock(mutex_);
  const auto found = spent_.find({key, document.place});
  if (found == spent_.end()) return rule_.Allowed(form_length);
  return LeftLocked(found->second, form_length, now);
}

StatusOr<std::vector<bool>> ExposureLedger::Spend(const std::string& key,
                                                  std::span<const ExposureUse> uses,
                                                  Timestamp now) {
  std::vector<bool> granted;
  std::vector<ExposureLine> taken;
  {
    const std::lock_guard lock(mutex_);
    SweepLocked(now);
    for (const ExposureUse& use : uses) {
      Lines& lines = spent_[{key, use.document.place}];
      granted.push_back(LeftLocked(lines, use.form_length, now) >= use.n);
      if (!granted.back()) continue;
      taken.push_back({key, use.document.place, use.n, now.micros});
      if (!lines.empty() && now.micros - lines.back().at_micros < kMinute &&
          now.micros >= lines.back().at_micros) {
        // Of one minute: one line, dated by its latest.
        lines.back().n += use.n;
        lines.back().at_micros = now.micros;
      } else {
        lines.push_back({now.micros, use.n});
      }
    }
  }
  if (keep_ != nullptr && !taken.empty()) JANGBU_RETURN_IF_ERROR(keep_(taken));
  return granted;
}

}  // namespace jangbu::audit
