#pragma once

// The places of a text whose 12 code points are the key of some tiles of a view's segments, and the
// postings behind them: what every question of a view begins with. Private to this folder.
//
// For one question on one thread; borrows the view, the text and the reference.

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/dedup/run_index.h"

namespace jangbu::ingest::internal {

constexpr size_t kReach = kMinRun - kTile;  // a window begins at most so far before its tile
// Of the texts of a question those are kept; 4 bytes each.
constexpr size_t kMaxCachedCodePoints = size_t{1} << 24;

struct PlaceHash {
  size_t operator()(const JournalPlace& p) const {
    uint64_t x = (p.entry * 0x9E3779B97F4A7C15u) ^ p.ordinal;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ (x >> 32);
  }
};

// A place of the text whose 12 code points are the key of some tiles of a segment.
struct Hit {
  uint32_t at = 0;
  const RunSegment* segment = nullptr;
  KeyTable::Range rows;  // of documents that stand early enough
  Surroundings around;   // of the place
};

// Some row of the hit may be of a run.
inline bool MayBeOfARun(const Hit& hit) {
  for (uint64_t row = hit.rows.first; row < hit.rows.last; ++row) {
    if (hit.around.MayShare(hit.segment->AroundAt(row)) != 0) return true;
  }
  return false;
}
// Some row of the hit may share every window: a long run goes through here, perhaps.
inline bool AllAround(const Hit& hit) {
  for (uint64_t row = hit.rows.first; row < hit.rows.last; ++row) {
    if (hit.around.MayShare(hit.segment->AroundAt(row)) == Surroundings::kAllWindows) return true;
  }
  return false;
}
// Which of the `wanted` windows some row of the hit may share, as in Surroundings.
inline unsigned MayShare(const Hit& hit, unsigned wanted) {
  unsigned out = 0;
  for (uint64_t row = hit.rows.first; row < hit.rows.last && (wanted & ~out) != 0; ++row) {
    out |= hit.around.MayShare(hit.segment->AroundAt(row));
  }
  return out & wanted;
}

// A segment of a view, and how many of its tiles are of documents early enough: those numbered
// below. Of them [out_begin, out_end) are of the document asked about and what its entry holds
// behind it. Documents and tiles are in the same order.
struct AskedSegment {
  const RunSegment* segment = nullptr;
  uint64_t tiles = 0;
  uint64_t out_begin = 0;
  uint64_t out_end = 0;
};
struct AskedGroup {
  const RunSummary* summary = nullptr;
  const RunFront* front = nullptr;
  std::vector<AskedSegment> segments;
};
struct AskedView {
  const RunFront* front = nullptr;  // of all
  std::vector<AskedGroup> groups;
};
// What of a view is asked about the documents of a reference.
inline AskedView Asked(const RunView& view, const Reference& reference) {
  const JournalPlace& before = reference.before;
  const JournalPlace& self = reference.self;
  AskedView out{view.front(), {}};
  for (const RunView::Group& group : view.groups()) {
    AskedGroup asked{group.summary.get(), group.front.get(), {}};
    for (const auto& segment : group.segments) {
      if (segment->first_place() >= before) continue;
      const uint64_t tiles = segment->last_place() < before
                                 ? segment->tiles()
                                 : segment->document_table().TilesBefore(before);
      uint64_t out_begin = 0;
      uint64_t out_end = 0;
      if (self != kAfterAll && segment->first_place().entry <= self.entry &&
          self <= segment->last_place()) {
        out_begin = segment->document_table().TilesBefore(self);
        out_end = segment->document_table().TilesBefore({self.entry + 1, 0});
      }
      asked.segments.push_back({segment.get(), tiles, out_begin, out_end});
    }
    // What is found in a large one need not be asked of the others.
    std::stable_sort(
        asked.segments.begin(), asked.segments.end(),
        [](const AskedSegment& a, const AskedSegment& b) { return a.tiles > b.tiles; });
    if (!asked.segments.empty()) out.groups.push_back(std::move(asked));
  }
  return out;
}

// The documents of one question.
class Documents {
 public:
  // `text` is asked about.
  Documents(const Reference& reference, std::u32string_view text, FormSource& forms, RunCost& cost)
      : reference_(reference), text_(text), forms_(forms), cost_(cost) {}

  bool Late(const RunDocument& d) const { return d.place >= reference_.before; }
  bool Admits(const RunDocument& d) const {
    if (d.place.entry == reference_.self.entry && d.place.ordinal >= reference_.self.ordinal)
      return false;
    return !reference_.counts || reference_.counts(d);
  }
  bool IsSelf(const RunDocument& d) const { return d.place == reference_.self; }

  // Lives until the next call.
  StatusOr<std::u32string_view> Form(const RunDocument& document) {
    if (IsSelf(document)) return text_;
    const auto found = cache_.find(document.place);
    if (found != cache_.end()) return std::u32string_view(*found->second);
    StatusOr<std::shared_ptr<const std::u32string>> read = forms_.Form(document);
    ++cost_.forms;
    // A text that is gone for good holds no run.
    if (read.status().code() == absl::StatusCode::kNotFound)
      read = std::make_shared<const std::u32string>();
    JANGBU_RETURN_IF_ERROR(read.status());
    std::shared_ptr<const std::u32string> form = *std::move(read);
    if (cached_ + form->size() > kMaxCachedCodePoints) {
      cache_.clear();
      cached_ = 0;
    }
    cached_ += form->size();
    const std::u32string_view view = *form;
    cache_.emplace(document.place, std::move(form));
    return view;
  }

 private:
  const Reference& reference_;
  const std::u32string_view text_;
  FormSource& forms_;
  RunCost& cost_;
  absl::flat_hash_map<JournalPlace, std::shared_ptr<const std::u32string>, PlaceHash> cache_;
  size_t cached_ = 0;
};

// Walks the rows of a hit, document by document; those that can be of no wanted window are left
// out. All windows are wanted at first.
class Postings {
 public:
  explicit Postings(const Hit& hit)
      : segment_(*hit.segment), around_(hit.around), at_(hit.rows.first), last_(hit.rows.last) {
    Settle();
  }
  // Those of tiles [from, to) alone.
  Postings(const Hit& hit, uint32_t from, uint64_t to)
      : segment_(*hit.segment), around_(hit.around), at_(hit.rows.first), last_(hit.rows.last) {
    const KeyTable& table = segment_.tile_table();
    if (to <= UINT32_MAX) last_ = table.Below(hit.rows, to).last;
    if (from > 0) at_ = table.Below({at_, last_}, from).last;
    Settle();
  }
  bool done() const { return at_ == last_; }
  // Holds from the next step on.
  void Want(unsigned windows) { wanted_ = windows; }
  // Those of the wanted ones that it may be of.
  unsigned windows() const { return around_.MayShare(segment_.AroundAt(at_)) & wanted_; }
  const RunDocument& document() const { return entry_.document; }
  const DocumentTable::Entry& entry() const { return entry_; }
  uint32_t tile() const { return tile_; }
  size_t offset() const { return (tile_ - entry_.first_tile) * kTileStep; }
  void Next() {
    ++at_;
    Settle();
  }
  // To the first posting of tile `tile` or later.
  void SkipTo(uint32_t tile) {
    uint64_t low = at_;
    uint64_t high = last_;
    while (low < high) {
      const uint64_t middle = low + (high - low) / 2;
      if (segment_.tile_table().ValueAt(middle) < tile) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    at_ = low;
    Settle();
  }
  // To the first posting of the next document.
  void NextDocument() { SkipTo(entry_.first_tile + entry_.tiles); }

 private:
  void Settle() {
    while (!done() && (around_.MayShare(segment_.AroundAt(at_)) & wanted_) == 0) ++at_;
    if (done()) return;
    tile_ = static_cast<uint32_t>(segment_.tile_table().ValueAt(at_));
    if (entry_.tiles == 0 || tile_ < entry_.first_tile ||
        tile_ - entry_.first_tile >= entry_.tiles) {
      entry_ = segment_.document_table().OfTile(tile_);
    }
  }

  const RunSegment& segment_;
  const Surroundings around_;
  uint64_t at_;
  uint64_t last_;
  unsigned wanted_ = Surroundings::kAllWindows;
  uint32_t tile_ = 0;
  DocumentTable::Entry entry_;
};

// Does `run` stand at `at` of `form`?
inline bool StandsAt(std::u32string_view form, size_t at, std::u32string_view run) {
  return at <= form.size() && form.substr(at, run.size()) == run;
}

inline bool TileEquals(std::u32string_view text, size_t at, std::u32string_view form,
                       size_t offset) {
  return offset + kTile <= form.size() &&
         std::memcmp(text.data() + at, form.data() + offset, kTile * sizeof(char32_t)) == 0;
}

// Looks places of a text up, block by block, in each segment after segment. Nearly all of the time
// is waiting for memory, so each step is done for a whole block before the next, and asks memory
// for what that will need: filters, then buckets, then rows, then surroundings.
class PlaceScan {
 public:
  PlaceScan(const RunHasher& hasher, const AskedView& view, std::u32string_view text, RunCost& cost)
      : view_(view), text_(text), cost_(cost), roller_(hasher, kTile) {
    if (view_.front != nullptr) {
      fronts_.push_back(view_.front);
      return;
    }
    for (const AskedGroup& group : view_.groups) {
      if (group.front != nullptr) fronts_.push_back(group.front);
    }
  }

  // Calls `f(hit)` for the places [from, to) that have rows. Before each block `next(place)` may
  // skip ahead, by returning `to` or more to the end. A place that is not `wanted` any more is
  // looked up in no further segment; `settled` is a count that goes up whenever fewer may be.
  template <typename Next, typename Wanted, typename F>
  Status Run(size_t from, size_t to, const uint64_t& settled, Next&& next, Wanted&& wanted, F&& f) {
    for (size_t at = from; at < to;) {
      at = next(at);
      if (at >= to) break;
      const size_t n = std::min(kBlock, to - at);
      MakeKeys(at, n);
      FindPasses(n);
      if (!passes_.empty()) JANGBU_RETURN_IF_ERROR(Follow(at, settled, wanted, f));
      at += n;
    }
    return OkStatus();
  }

 private:
  static constexpr size_t kBlock = 256;
  static constexpr size_t kProbes = 64;  // as many as a filter takes at once

  // A place of the block that a filter of a segment let pass.
  struct Pass {
    const AskedSegment* asked;
    uint32_t place;
    KeyTable::Range rows;
    KeyTable::Range rest;  // rows behind those that are out
  };

  template <typename What>
  static void ForEach(uint64_t places, What&& what) {
    for (; places != 0; places &= places - 1) what(static_cast<size_t>(std::countr_zero(places)));
  }

  void MakeKeys(size_t at, size_t n) {
    if (rolled_ != at) roller_.Reset(text_.data() + at);
    for (size_t i = 0;; ++i) {
      keys_[i] = roller_.key();
      for (const RunFront* front : fronts_) front->Prefetch(keys_[i]);
      if (i + 1 == n) break;
      roller_.Step(text_[at + i], text_[at + i + kTile]);
    }
    rolled_ = SIZE_MAX;
    if (at + n + kTile <= text_.size()) {
      roller_.Step(text_[at + n - 1], text_[at + n - 1 + kTile]);
      rolled_ = at + n;
    }
    cost_.places += n;
  }

  // Places of the block that something let pass, and their keys.
  struct Places {
    size_t count = 0;
    uint64_t keys[kBlock];
    uint32_t places[kBlock];
  };
  // Those that `filter` lets pass of the first n of `keys`, which stand at `places` (null: each at
  // its number).
  template <typename Filter>
  static void Sift(const Filter& filter, const uint64_t* keys, const uint32_t* places, size_t n,
                   Places& out) {
    out.count = 0;
    for (size_t from = 0; from < n; from += kProbes) {
      ForEach(filter.MayContain(keys + from, std::min(kProbes, n - from)), [&](size_t i) {
        out.keys[out.count] = keys[from + i];
        out.places[out.count++] =
            places != nullptr ? places[from + i] : static_cast<uint32_t>(from + i);
      });
    }
  }

  void FindPasses(size_t n) {
    passes_.clear();
    const uint64_t* keys = keys_;
    const uint32_t* places = nullptr;
    if (view_.front != nullptr) {
      Sift(*view_.front, keys_, nullptr, n, first_);
      keys = first_.keys;
      places = first_.places;
      n = first_.count;
      if (n == 0) return;
    }
    for (const AskedGroup& group : view_.groups) {
      // Segments are asked about what passed alone.
      const uint64_t* asked_keys = keys;
      const uint32_t* asked_places = places;
      size_t count = n;
      if (group.front != nullptr || group.summary != nullptr) {
        if (group.front != nullptr) {
          Sift(*group.front, keys, places, n, second_);
        } else {
          Sift(group.summary->filter(), keys, places, n, second_);
        }
        asked_keys = second_.keys;
        asked_places = second_.places;
        count = second_.count;
      }
      for (const AskedSegment& asked : group.segments) {
        for (size_t from = 0; from < count; from += kProbes) {
          ForEach(asked.segment->filter().MayContain(asked_keys + from,
                                                     std::min(kProbes, count - from)),
                  [&](size_t i) {
                    AddPass(asked, asked_places != nullptr ? asked_places[from + i] : from + i);
                  });
        }
      }
    }
    cost_.passes += passes_.size();
    for (const Pass& pass : passes_)
      pass.asked->segment->tile_table().PrefetchRows(keys_[pass.place]);
  }

  void AddPass(const AskedSegment& asked, size_t place) {
    passes_.push_back({&asked, static_cast<uint32_t>(place), {}, {}});
    asked.segment->tile_table().PrefetchBucket(keys_[place]);
  }

  template <typename Wanted, typename F>
  Status Follow(size_t at, const uint64_t& settled, Wanted&& wanted, F&& f) {
    const uint64_t begun = settled;
    for (auto begin = passes_.begin(); begin != passes_.end();) {
      const AskedSegment& asked = *begin->asked;
      const KeyTable& table = asked.segment->tile_table();
      auto end = begin;
      for (; end != passes_.end() && end->asked == &asked; ++end) {
        if (settled != begun && !wanted(at + end->place)) continue;
        end->rows = table.Below(table.Find(keys_[end->place]), asked.tiles);
        if (asked.out_begin < asked.out_end && !end->rows.empty()) {
          const KeyTable::Range all = end->rows;
          end->rows = table.Below(all, asked.out_begin);
          end->rest = {table.Below(all, asked.out_end).last, all.last};
          if (!end->rest.empty()) asked.segment->PrefetchAround(end->rest);
        }
        if (!end->rows.empty()) asked.segment->PrefetchAround(end->rows);
      }
      const uint64_t seen = settled;
      for (; begin != end; ++begin) {
        const size_t place = at + begin->place;
        for (const KeyTable::Range& rows : {begin->rows, begin->rest}) {
          if (rows.empty() || (settled != seen && !wanted(place))) continue;
          JANGBU_RETURN_IF_ERROR(f(Hit{static_cast<uint32_t>(place), asked.segment, rows,
                                       Surroundings::Of(text_, place)}));
        }
      }
    }
    return OkStatus();
  }

  const AskedView& view_;
  const std::u32string_view text_;
  RunCost& cost_;
  std::vector<const RunFront*> fronts_;
  RunHasher::Roller roller_;
  size_t rolled_ = SIZE_MAX;  // the roller stands there
  uint64_t keys_[kBlock];
  Places first_;
  Places second_;
  std::vector<Pass> passes_;
};

// Every hit at places [from, to) that may be of a run.
inline Status CollectHits(const RunHasher& hasher, const AskedView& view, std::u32string_view text,
                          size_t from, size_t to, RunCost& cost, std::vector<Hit>& out) {
  const uint64_t never = 0;
  PlaceScan scan(hasher, view, text, cost);
  return scan.Run(
      from, to, never, [](size_t at) { return at; }, [](size_t) { return true; },
      [&](const Hit& hit) -> Status {
        if (hit.rows.size() > kHotTiles || MayBeOfARun(hit)) out.push_back(hit);
        return OkStatus();
      });
}

}  // namespace jangbu::ingest::internal
