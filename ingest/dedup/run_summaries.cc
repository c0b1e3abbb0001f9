#include "ingest/dedup/run_summaries.h"

#include <algorithm>
#include <set>
#include <utility>

namespace jangbu::ingest {

void RunSummaries::AddToFront(const std::vector<std::shared_ptr<const RunSegment>>& segments) {
  std::map<const RunSegment*, std::weak_ptr<const RunSegment>> held;
  bool full = front_ == nullptr;
  uint64_t keys = 0;
  for (const auto& segment : segments) {
    keys += segment->filter().keys();
    held.emplace(segment.get(), segment);
    const auto known = in_front_.find(segment.get());
    if (known != in_front_.end() && !known->second.expired()) continue;
    full = full || !front_->Add(*segment);
  }
  // Twice the room. Views keep the one they have.
  for (uint64_t room = 2 * keys; full; room *= 2) {
    front_ = std::make_shared<RunFront>(room);
    full = !std::all_of(segments.begin(), segments.end(),
                        [this](const auto& segment) { return front_->Add(*segment); });
  }
  in_front_ = std::move(held);
}

RunView RunSummaries::Of(std::vector<std::shared_ptr<const RunSegment>> segments) {
  std::set<const RunSegment*> there;
  uint64_t tiles = 0;
  for (const auto& segment : segments) {
    there.insert(segment.get());
    tiles += segment->tiles();
  }
  const std::lock_guard lock(mutex_);
  AddToFront(segments);
  std::set<const RunSegment*> summarised;
  for (RunView& view : summaries_) {
    view = view.Only([&](const RunSegment& segment) { return there.contains(&segment); });
    for (const auto& group : view.groups()) {
      for (const auto& segment : group.segments) summarised.insert(segment.get());
    }
  }
  std::erase_if(summaries_, [](const RunView& view) { return view.groups().empty(); });
  std::stable_sort(summaries_.begin(), summaries_.end(),
                   [](const RunView& a, const RunView& b) { return a.tiles() > b.tiles(); });
  std::vector<std::shared_ptr<const RunSegment>> loose;
  uint64_t loose_tiles = 0;
  for (auto& segment : segments) {
    if (summarised.contains(segment.get())) continue;
    loose_tiles += segment->tiles();
    loose.push_back(std::move(segment));
  }
  if (loose.size() > kLooseSegments ||
      (loose.size() > kFewSegments && loose_tiles * kLooseShare > tiles)) {
    while (!summaries_.empty() && summaries_.back().tiles() <= 2 * loose_tiles) {
      for (const auto& group : summaries_.back().groups())
        loose.insert(loose.end(), group.segments.begin(), group.segments.end());
      loose_tiles += summaries_.back().tiles();
      summaries_.pop_back();
    }
    summaries_.push_back(RunView(&hasher_, std::move(loose)).Summarised());
    summarised_tiles_ += loose_tiles;
    loose.clear();
  }
  std::vector<RunView> views = summaries_;
  views.emplace_back(&hasher_, std::move(loose));
  return RunView::Of(views).Behind(front_);
}

uint64_t RunSummaries::summarised_tiles() const {
  const std::lock_guard lock(mutex_);
  return summarised_tiles_;
}

}  // namespace jangbu::ingest
