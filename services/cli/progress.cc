#include "services/cli/progress.h"

#include <algorithm>

#include "base/bytes.h"
#include "services/cli/display.h"

namespace jangbu::services::cli {
namespace {

constexpr int64_t kRateWindowMs = 10'000;

std::string Bar(uint64_t part, uint64_t whole, int cells) {
  const auto filled = whole == 0 ? 0
                                 : static_cast<int>(static_cast<uint128>(std::min(part, whole)) *
                                                    static_cast<unsigned>(cells) / whole);
  std::string out = "[";
  out.append(static_cast<size_t>(filled), '#')
      .append(static_cast<size_t>(cells - filled), '.')
      .push_back(']');
  return out;
}

// What is left of the phase that is going on.
std::string TimeLeft(const ProgressState& state, uint64_t bytes_per_second) {
  const bool sending = state.phase == ProgressState::Phase::kSending;
  const uint64_t done = sending ? state.sent_bytes : state.processed_bytes;
  if (bytes_per_second == 0 || done >= state.total_bytes) return "-";
  return HumanSeconds(static_cast<int64_t>((state.total_bytes - done) / bytes_per_second));
}

}  // namespace

void RateMeter::Observe(int64_t now_ms, uint64_t bytes) {
  if (!samples_.empty() && bytes < samples_.back().bytes) samples_.clear();
  if (!samples_.empty() && now_ms - samples_.back().at_ms < 50) return;
  samples_.push_back({now_ms, bytes});
  while (samples_.size() > 2 && now_ms - samples_[1].at_ms >= kRateWindowMs) samples_.pop_front();
}

uint64_t RateMeter::BytesPerSecond() const {
  if (samples_.size() < 2) return 0;
  const int64_t elapsed = samples_.back().at_ms - samples_.front().at_ms;
  return elapsed <= 0 ? 0
                      : (samples_.back().bytes - samples_.front().bytes) * 1000 /
                            static_cast<uint64_t>(elapsed);
}

std::string ProgressBarLine(const ProgressState& state, uint64_t bytes_per_second, int columns,
                            Lang lang) {
  if (!state.trouble.empty())
    return Shorten(Say(lang, Msg::kProgressTrouble, {state.trouble}), columns - 1);
  const auto compose = [&](int cells) {
    const std::string sent_bar =
        cells > 0 ? Bar(state.sent_bytes, state.total_bytes, cells) + " " : "";
    const std::string processed_bar =
        cells > 0 ? Bar(state.processed_bytes, state.total_bytes, cells) + " " : "";
    return Say(lang, Msg::kProgressBar,
               {sent_bar, Percent(state.sent_bytes, state.total_bytes), processed_bar,
                Percent(state.processed_bytes, state.total_bytes), HumanBytes(bytes_per_second),
                TimeLeft(state, bytes_per_second), Grouped(state.documents)});
  };
  for (const int cells : {30, 20, 12, 6, 0}) {
    std::string line = compose(cells);
    if (DisplayWidth(line) < columns) return line;
  }
  return Shorten(compose(0), columns - 1);
}

std::string ProgressLogLine(const ProgressState& state, uint64_t bytes_per_second, Lang lang) {
  if (!state.trouble.empty()) return Say(lang, Msg::kProgressTrouble, {state.trouble});
  return Say(
      lang, Msg::kProgressLog,
      {Percent(state.sent_bytes, state.total_bytes), HumanBytes(state.sent_bytes),
       HumanBytes(state.total_bytes), GroupedUnsigned(state.sent_files),
       GroupedUnsigned(state.total_files), Percent(state.processed_bytes, state.total_bytes),
       HumanBytes(bytes_per_second), TimeLeft(state, bytes_per_second), Grouped(state.documents)});
}

}  // namespace jangbu::services::cli
