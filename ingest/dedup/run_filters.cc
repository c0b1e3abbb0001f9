// Filters that stand before several segments: RunSummary and RunFront.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "ingest/dedup/run_index.h"

namespace jangbu::ingest {

// ---- RunSummary

RunSummary::RunSummary(std::span<const std::shared_ptr<const RunSegment>> segments) {
  std::vector<uint64_t> keys;
  uint64_t tiles = 0;
  for (const auto& segment : segments) tiles += segment->filter().keys();
  keys.reserve(tiles);
  for (const auto& segment : segments) {
    const auto middle = static_cast<ptrdiff_t>(keys.size());
    segment->tile_table().ForEach([&](uint64_t key, uint64_t) {
      if (static_cast<ptrdiff_t>(keys.size()) == middle || keys.back() != key) keys.push_back(key);
    });
    std::inplace_merge(keys.begin(), keys.begin() + middle, keys.end());
  }
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  bytes_ = KeyFilter::Encode(keys, kRunKeyBits);
  StatusOr<KeyFilter> filter = KeyFilter::Parse(bytes_, kRunKeyBits);
  JANGBU_CHECK(filter.ok());
  filter_ = *std::move(filter);
}

// ---- RunFront

namespace {
constexpr uint64_t kBitsOfLine = 512;
constexpr uint64_t kFullBits = 6;  // a key

// Four places of a line: each three bits for the word and six for its bit, from here on. Mixed once
// more, since the line is chosen by some of the same bits.
constexpr int kPlacesFrom[] = {28, 37, 46, 55};
uint64_t PlacesOf(uint64_t mixed) { return mixed * 0x94D049BB133111EBu; }
}  // namespace

RunFront::RunFront(uint64_t keys) : lines_(keys * kFullBits / kBitsOfLine + 16) {
  JANGBU_CHECK(lines_.size() <= UINT32_MAX);
}

bool RunFront::Add(const RunSegment& segment) {
  const uint64_t room = lines_.size() * kBitsOfLine / kFullBits;
  // Keys wait until their lines have come.
  constexpr size_t kAhead = 16;
  uint64_t waiting[kAhead];
  size_t taken = 0;
  const auto add = [&](uint64_t mixed) {
    if (keys_ >= room) return;
    Line& line = lines_[(mixed & UINT32_MAX) * lines_.size() >> 32];
    const uint64_t places = PlacesOf(mixed);
    bool is_new = false;
    for (const int from : kPlacesFrom) {
      std::atomic<uint64_t>& word = line.words[places >> from & 7];
      const uint64_t bit = uint64_t{1} << (places >> (from + 3) & 63);
      const uint64_t before = word.load(std::memory_order_relaxed);
      if ((before & bit) != 0) continue;
      word.store(before | bit, std::memory_order_relaxed);
      is_new = true;
    }
    keys_ += is_new ? 1 : 0;
  };
  uint64_t last = UINT64_MAX;
  segment.tile_table().ForEach([&](uint64_t key, uint64_t) {
    if (key == last) return;
    last = key;
    const uint64_t mixed = Mix(key);
    __builtin_prefetch(&LineOf(mixed), 1);
    uint64_t& slot = waiting[taken % kAhead];
    if (taken++ >= kAhead) add(slot);
    slot = mixed;
  });
  for (size_t i = std::min(taken, kAhead); i > 0; --i) add(waiting[(taken - i) % kAhead]);
  return keys_ < room;
}

uint64_t RunFront::MayContain(const uint64_t* keys, size_t n) const {
  uint64_t passed = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint64_t mixed = Mix(keys[i]);
    const Line& line = LineOf(mixed);
    const uint64_t places = PlacesOf(mixed);
    uint64_t all = 1;
    for (const int from : kPlacesFrom) {
      all &= line.words[places >> from & 7].load(std::memory_order_relaxed) >>
             (places >> (from + 3) & 63);
    }
    passed |= all << i;
  }
  return passed;
}

}  // namespace jangbu::ingest
