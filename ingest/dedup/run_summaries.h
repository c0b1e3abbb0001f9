#pragma once

// Everybody's text as one view: segments of many partners, most of them behind summaries.
//
// A look-up asks each summary once and each segment that has none by itself, so there must be few
// of both, and making them must not cost more the more there is. Summaries have falling sizes.
// Segments that are new (added, or merged of others) have none at first; when they are many, or a
// large part of all, they get one together with the summaries that are at most twice as large (the
// geometric rule of O'Neil, Cheng, Gawlick, O'Neil, "The Log-Structured Merge-Tree", 1996): each
// tile is summarised once for each time that it was new and once for each doubling, 60 ns a time,
// and there are at most log2 of them. A summary of what was merged since stays in front of what is
// left of it.
//
// Before all of them stands one RunFront, which most places of new text do not pass: they cost one
// read of memory, not three a summary.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "ingest/dedup/run_index.h"

namespace jangbu::ingest {

class RunSummaries {
 public:
  // More segments than this are not asked one by one …
  static constexpr size_t kLooseSegments = 24;
  // … and of those beyond a few not more than this part of all tiles, inverse.
  static constexpr size_t kFewSegments = 6;
  static constexpr uint64_t kLooseShare = 4;

  // Borrows `hasher`.
  explicit RunSummaries(const RunHasher& hasher) : hasher_(hasher) {}

  // A view of exactly these segments. Those that have a summary are kept alive until a call that
  // does not name them. Thread-safe; calls wait for one that makes a summary, 60 ns a tile, or adds
  // to the front, 20 ns a tile that is new or merged.
  RunView Of(std::vector<std::shared_ptr<const RunSegment>> segments);

  // Tiles that went into a summary, all calls together.
  uint64_t summarised_tiles() const;

 private:
  // Sees to it that the front holds all of `segments`.
  void AddToFront(const std::vector<std::shared_ptr<const RunSegment>>& segments);

  const RunHasher& hasher_;
  mutable std::mutex mutex_;        // guards what follows
  std::vector<RunView> summaries_;  // each one group with a summary
  std::shared_ptr<RunFront> front_;
  // What it holds of the segments named last. Others may come to lie where one of them lay.
  std::map<const RunSegment*, std::weak_ptr<const RunSegment>> in_front_;
  uint64_t summarised_tiles_ = 0;
};

}  // namespace jangbu::ingest
