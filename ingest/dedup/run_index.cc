#include "ingest/dedup/run_index.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "base/check.h"

namespace jangbu::ingest {

RunIndex::RunIndex(const RunHasher& hasher) : hasher_(hasher) {}

Status RunIndex::Append(std::span<const RunText> texts) {
  // Pieces of half of what one segment can be built of; a document alone is never more.
  constexpr uint64_t kPieceTiles = uint64_t{1} << 23;
  while (!texts.empty()) {
    uint64_t tiles = 0;
    size_t n = 0;
    while (n < texts.size() && (n == 0 || tiles + TilesOf(texts[n].form.size()) <= kPieceTiles)) {
      tiles += TilesOf(texts[n++].form.size());
    }
    JANGBU_ASSIGN_OR_RETURN(std::shared_ptr<const RunSegment> segment,
                            RunSegment::Build(hasher_, texts.first(n)));
    if (segment->tiles() > 0) Add(std::move(segment));
    texts = texts.subspan(n);
  }
  return OkStatus();
}

void RunIndex::Add(std::shared_ptr<const RunSegment> segment) {
  const std::lock_guard lock(mutex_);
  segments_.push_back(std::move(segment));
  if (front_ != nullptr && front_->Add(*segments_.back())) return;
  // Twice the room. What merges left out since is not in the new one.
  uint64_t keys = 0;
  for (const auto& s : segments_) keys += s->filter().keys();
  for (uint64_t room = 2 * keys;; room *= 2) {
    front_ = std::make_shared<RunFront>(room);
    if (std::all_of(segments_.begin(), segments_.end(),
                    [&](const auto& s) { return front_->Add(*s); }))
      return;
  }
}

bool RunIndex::Replace(const std::shared_ptr<const RunSegment>& old,
                       std::shared_ptr<const RunSegment> now) {
  JANGBU_CHECK(old->encoded() == now->encoded());
  const std::lock_guard lock(mutex_);
  const auto found = std::find(segments_.begin(), segments_.end(), old);
  if (found == segments_.end()) return false;
  *found = std::move(now);
  return true;
}

std::vector<std::shared_ptr<const RunSegment>> RunIndex::Segments() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

RunView RunIndex::View() const {
  const std::lock_guard lock(mutex_);
  return RunView(&hasher_, segments_, front_);
}

StatusOr<RunIndex::Merged> RunIndex::Merge(std::vector<std::shared_ptr<const RunSegment>> sources,
                                           FormSource& forms,
                                           const std::function<bool(const RunDocument&)>& keep) {
  Merged merged;
  JANGBU_ASSIGN_OR_RETURN(merged.added, RunSegment::Merge(hasher_, sources, forms, keep));
  merged.removed = std::move(sources);
  const std::lock_guard lock(mutex_);
  std::erase_if(segments_, [&](const auto& s) {
    return std::find(merged.removed.begin(), merged.removed.end(), s) != merged.removed.end();
  });
  segments_.insert(segments_.begin(), merged.added);
  return merged;
}

StatusOr<std::optional<RunIndex::Merged>> RunIndex::MergeSome(
    FormSource& forms, const std::function<bool(const RunDocument&)>& keep, uint64_t max_tiles) {
  constexpr size_t kFan = 4;
  const std::lock_guard merging(merging_);
  std::vector<std::shared_ptr<const RunSegment>> sources;
  {
    const std::lock_guard lock(mutex_);
    std::map<int, std::vector<std::shared_ptr<const RunSegment>>> classes;
    for (const auto& s : segments_) {
      if (s->tiles() <= max_tiles) classes[std::bit_width(s->tiles()) / 2].push_back(s);
    }
    for (auto& [size_class, members] : classes) {
      if (members.size() < kFan) continue;
      sources = std::move(members);
      break;
    }
  }
  if (sources.empty()) return std::optional<Merged>();
  JANGBU_ASSIGN_OR_RETURN(Merged merged, Merge(std::move(sources), forms, keep));
  return std::optional<Merged>(std::move(merged));
}

StatusOr<std::optional<RunIndex::Merged>> RunIndex::MergeAll(
    FormSource& forms, const std::function<bool(const RunDocument&)>& keep) {
  const std::lock_guard merging(merging_);
  std::vector<std::shared_ptr<const RunSegment>> sources;
  {
    const std::lock_guard lock(mutex_);
    sources = segments_;
  }
  if (sources.empty()) return std::optional<Merged>();
  JANGBU_ASSIGN_OR_RETURN(Merged merged, Merge(std::move(sources), forms, keep));
  return std::optional<Merged>(std::move(merged));
}

}  // namespace jangbu::ingest
