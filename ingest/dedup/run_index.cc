#include "ingest/dedup/run_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/check.h"

namespace jangbu::ingest {
namespace {

using internal::DocumentTable;
using internal::KeyTable;

constexpr uint64_t kFewRows = 4;  // postings followed as soon as they are met
constexpr size_t kMaxCachedCodePoints = size_t{1} << 24;
constexpr uint64_t kDistanceMask = 15;
constexpr size_t kPostingsAtOnce = 32;  // looked at together
constexpr size_t kRuledOut = 16;        // windows ruled out before a question is asked again
constexpr size_t kStep = 32;  // places looked up at least before a question is asked again
constexpr size_t kReach = kMinRun - kTile;  // a window begins at most so far before its tile

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
  KeyTable::Range rows;           // of documents that stand early enough
  internal::Surroundings around;  // of the place
};

// Some row of the hit may be of a run.
bool MayBeOfARun(const Hit& hit) {
  for (uint64_t row = hit.rows.first; row < hit.rows.last; ++row) {
    if (hit.around.MayShare(hit.segment->AroundAt(row)) != 0) return true;
  }
  return false;
}
// Some row of the hit may share every window: a long run goes through here, perhaps.
bool AllAround(const Hit& hit) {
  for (uint64_t row = hit.rows.first; row < hit.rows.last; ++row) {
    if (hit.around.MayShare(hit.segment->AroundAt(row)) == internal::Surroundings::kAllWindows)
      return true;
  }
  return false;
}
// Which of the `wanted` windows some row of the hit may share, as in Surroundings.
unsigned MayShare(const Hit& hit, unsigned wanted) {
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
AskedView Asked(const RunView& view, const Reference& reference) {
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
  const internal::Surroundings around_;
  uint64_t at_;
  uint64_t last_;
  unsigned wanted_ = internal::Surroundings::kAllWindows;
  uint32_t tile_ = 0;
  DocumentTable::Entry entry_;
};

// Does `run` stand at `at` of `form`?
bool StandsAt(std::u32string_view form, size_t at, std::u32string_view run) {
  return at <= form.size() && form.substr(at, run.size()) == run;
}

bool TileEquals(std::u32string_view text, size_t at, std::u32string_view form, size_t offset) {
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
                                       internal::Surroundings::Of(text_, place)}));
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

// Are the n bytes all 1? They are 0 or 1.
bool AllSet(const uint8_t* bytes, size_t n) {
  if (n == kTileStep) {
    constexpr uint64_t kOnes = 0x0101'0101'0101'0101u;
    uint64_t head;
    uint64_t tail;
    std::memcpy(&head, bytes, 8);
    std::memcpy(&tail, bytes + kTileStep - 8, 8);
    return (head & tail) == kOnes;
  }
  return std::memchr(bytes, 0, n) == nullptr;
}

// Which windows of min_run code points of a text occur in the reference.
class WindowSearch {
 public:
  WindowSearch(const RunHasher& hasher, const AskedView& view, std::u32string_view text,
               size_t min_run, Documents& documents, RunCost& cost)
      : hasher_(hasher),
        text_(text),
        min_run_(min_run),
        windows_(text.size() - min_run + 1),
        documents_(documents),
        cost_(cost),
        scan_(hasher, view, text, cost),
        occurs_(windows_ + 8, 0) {}

  Status Run() {
    // A window that occurs holds, at one of its first 13 places, a tile of the document it occurs
    // in.
    const size_t to = windows_ + kReach;
    JANGBU_RETURN_IF_ERROR(scan_.Run(
        0, to, compared_, [&](size_t at) { return NextUnset(occurs_, at, to); },
        [&](size_t at) { return !Known(at); },
        [&](const Hit& hit) -> Status {
          if (hit.rows.size() <= kHotTiles && !MayBeOfARun(hit)) return OkStatus();
          if (hit.rows.size() <= kFewRows) return Follow(hit);
          later_.push_back(hit);
          return OkStatus();
        }));
    // Rare tiles before common ones: what they decide need not be asked again. Hot ones last.
    std::sort(later_.begin(), later_.end(), [](const Hit& a, const Hit& b) {
      return a.rows.size() != b.rows.size() ? a.rows.size() < b.rows.size() : a.at < b.at;
    });
    const auto hot = std::find_if(later_.begin(), later_.end(),
                                  [](const Hit& hit) { return hit.rows.size() > kHotTiles; });
    for (auto hit = later_.begin(); hit != hot; ++hit) {
      if (!Known(hit->at)) JANGBU_RETURN_IF_ERROR(Follow(*hit));
    }
    later_.erase(later_.begin(), hot);
    return AskHot(
        later_, /*follow=*/true, [] { return false; }, [](size_t) {});
  }

  // The same for as long as a question is open. What surroundings leave possible is a bound from
  // above, what was compared one from below; only where the two disagree about a question are all
  // postings looked up, and followed until they agree.
  Status Decide(std::span<const CoverQuestion> questions, const Intervals& already, size_t near) {
    may_.assign(windows_ + 8, 0);
    std::vector<uint8_t> base(text_.size(), 0);
    for (const Interval& i : already) std::memset(base.data() + i.begin, 1, i.end - i.begin);
    size_t last = 0;
    for (const CoverQuestion& q : questions) {
      JANGBU_CHECK(last <= q.begin && q.begin < q.end && q.end <= text_.size());
      last = q.end;
      JANGBU_RETURN_IF_ERROR(Decide(q, base));
    }
    return Bound(near);
  }

  bool Occurs(size_t window) const { return occurs_[window] != 0; }
  size_t windows() const { return windows_; }

  Intervals Covered() const { return IntervalsOf(occurs_); }
  // After Decide: nothing outside is covered.
  Intervals MayBeCovered() const { return IntervalsOf(may_); }

 private:
  // Looks places up until a question is decided: from the left, until half of it is known to be
  // covered or half of it known not to be.
  Status Decide(const CoverQuestion& q, const std::vector<uint8_t>& base) {
    const size_t from = FirstWindow(q);
    const size_t last_window = std::min<size_t>(q.end, windows_);
    if (from >= last_window) return OkStatus();  // nothing reaches into the stretch
    const size_t to = last_window + kReach;
    if (looked_.empty() || from > looked_.back().end) looked_.push_back({from, from});
    // Of the code points before `counted`, how many may be covered.
    size_t possible = 0;
    size_t counted = q.begin;
    size_t covered_to = 0;
    size_t next_window = from;
    size_t sure = 0;
    uint64_t checked = UINT64_MAX;
    size_t lacks = 0;
    while (true) {
      // Windows before it are looked up whole.
      const size_t known = std::min(looked_.back().Windows(), windows_);
      const size_t all_known = looked_.back().end >= to ? q.end : std::max<size_t>(known, q.begin);
      for (; next_window < std::min(known, last_window) && next_window < q.begin; ++next_window) {
        if (may_[next_window] != 0) covered_to = next_window + min_run_;
      }
      for (; counted < std::min<size_t>(all_known, q.end); ++counted) {
        if (counted < windows_ && may_[counted] != 0) covered_to = counted + min_run_;
        possible += (counted < covered_to || base[counted] != 0) ? 1 : 0;
      }
      if (possible + (q.end - counted) < q.need) return OkStatus();
      if (checked == UINT64_MAX || compared_ - checked >= lacks) {
        sure = CountCovered(q, base, occurs_);
        if (sure >= q.need) return OkStatus();
        checked = compared_;
        lacks = q.need - sure;
      }
      if (looked_.back().end >= to) break;
      // As far as it takes to know that it is not covered, if nothing more is found.
      const size_t enough = counted + possible + (q.end - counted) - q.need + 1 + kReach;
      JANGBU_RETURN_IF_ERROR(Look(std::min(to, std::max(enough, looked_.back().end + kStep))));
    }
    return Answer(q, base);
  }

  // Looks the places from the end of the last stretch up to `to` up.
  Status Look(size_t to) {
    const size_t from = looked_.back().end;
    looked_.back().end = to;
    return scan_.Run(
        from, to, settled_, [&](size_t at) { return NextUnset(may_, at, to); },
        [&](size_t at) { return !Settled(may_, at); },
        [&](const Hit& hit) -> Status {
          // Where all around is the same a long run is likely: its end may be far.
          if (hit.rows.size() <= kFewRows && !Known(hit.at) && AllAround(hit)) return Follow(hit);
          const unsigned open = Unset(may_, hit.at);
          const unsigned may = hit.rows.size() > kHotTiles ? open : MayShare(hit, open);
          if (may == 0) return OkStatus();
          ForEachWindow(hit.at, may, [&](size_t w) { may_[w] = 1; });
          ++settled_;
          return OkStatus();
        });
  }

  // Marks every window as possible that was not looked up whole. If `near` code points or more may
  // be covered then, looks further, until it is fewer or everything was.
  Status Bound(size_t near) {
    std::vector<Looked> gaps;
    size_t at = 0;
    const auto gap_to = [&](size_t to) {
      if (at < to) gaps.push_back({at, to});
    };
    for (const Looked& looked : looked_) {
      if (looked.Windows() <= looked.begin) continue;
      gap_to(looked.begin);
      at = std::min(looked.Windows(), windows_);
    }
    gap_to(windows_);
    // Windows of gaps that places nearby marked are marked again when those are looked up.
    const std::vector<uint8_t> found(may_);
    for (const Looked& gap : gaps) std::memset(may_.data() + gap.begin, 1, gap.end - gap.begin);
    if (near > text_.size() || CountOf(may_) < near) return OkStatus();
    size_t since = 0;
    for (const Looked& gap : gaps) {
      for (size_t begin = gap.begin; begin < gap.end;) {
        const size_t end = std::min(gap.end, begin + std::max<size_t>(1024, windows_ / 16));
        for (size_t w = begin; w < end; ++w) may_[w] = found[w] | occurs_[w];
        looked_.push_back({begin, begin});
        JANGBU_RETURN_IF_ERROR(Look(end + kReach));
        since += end - begin;
        begin = end;
        if (since * 16 < windows_) continue;
        since = 0;
        if (CountOf(may_) < near) return OkStatus();
      }
    }
    return OkStatus();
  }

  // How many code points the marked windows cover.
  size_t CountOf(const std::vector<uint8_t>& windows) const {
    size_t count = 0;
    for (const Interval& i : IntervalsOf(windows)) count += i.end - i.begin;
    return count;
  }

  // What the marked windows cover.
  Intervals IntervalsOf(const std::vector<uint8_t>& windows) const {
    Intervals out;
    const uint8_t* const data = windows.data();
    for (size_t w = 0; w < windows_;) {
      const void* next = std::memchr(data + w, 1, windows_ - w);
      if (next == nullptr) break;
      const auto first = static_cast<size_t>(static_cast<const uint8_t*>(next) - data);
      const void* rest = std::memchr(data + first, 0, windows_ - first);
      w = rest == nullptr ? windows_
                          : static_cast<size_t>(static_cast<const uint8_t*>(rest) - data);
      const auto begin = static_cast<uint32_t>(first);
      const auto end = static_cast<uint32_t>(w - 1 + min_run_);
      if (!out.empty() && out.back().end >= begin) {
        out.back().end = end;
      } else {
        out.push_back({begin, end});
      }
    }
    return out;
  }

  // The first place from `at` on that can still mark a window; `to` when there is none.
  size_t NextUnset(const std::vector<uint8_t>& marks, size_t at, size_t to) const {
    const size_t low = at >= kReach ? at - kReach : 0;
    if (low >= windows_) return to;
    const void* unset = std::memchr(marks.data() + low, 0, windows_ - low);
    if (unset == nullptr) return to;
    const auto window = static_cast<size_t>(static_cast<const uint8_t*>(unset) - marks.data());
    return std::max(at, window);
  }

  // The first window that reaches into the stretch of a question.
  size_t FirstWindow(const CoverQuestion& q) const {
    return q.begin + 1 > min_run_ ? q.begin + 1 - min_run_ : 0;
  }

  // How many code points of a question lie in the marked windows or in `base`.
  size_t CountCovered(const CoverQuestion& q, const std::vector<uint8_t>& base,
                      const std::vector<uint8_t>& marks) const {
    size_t count = 0;
    size_t covered_to = 0;
    for (size_t w = FirstWindow(q); w < std::min<size_t>(q.begin, windows_); ++w) {
      if (marks[w] != 0) covered_to = w + min_run_;
    }
    for (size_t at = q.begin; at < q.end; ++at) {
      if (at < windows_ && marks[at] != 0) covered_to = at + min_run_;
      count += (at < covered_to || base[at] != 0) ? 1 : 0;
    }
    return count;
  }

  // Follows what may cover a question until it is decided: until half of it is known to be covered,
  // or so many windows are known not to occur that half of it cannot be.
  // REQUIRES: everything that reaches into its stretch was looked up.
  Status Answer(const CoverQuestion& q, const std::vector<uint8_t>& base) {
    const size_t from = FirstWindow(q);
    const size_t last_window = std::min<size_t>(q.end, windows_);
    const size_t to = last_window + kReach;
    // Windows that may occur, and of each how many hits say so.
    std::vector<uint8_t> open(last_window - from);
    for (size_t w = from; w < last_window; ++w) {
      open[w - from] = static_cast<uint8_t>(may_[w] != 0 && occurs_[w] == 0);
    }
    const auto next_open = [&](size_t at) {
      const size_t low = std::max(at >= kReach ? at - kReach : 0, from);
      if (low >= last_window) return to;
      const void* next = std::memchr(open.data() + (low - from), 1, last_window - low);
      if (next == nullptr) return to;
      return std::max(at,
                      from + static_cast<size_t>(static_cast<const uint8_t*>(next) - open.data()));
    };
    const auto open_at = [&](size_t at) {
      unsigned out = 0;
      for (size_t k = at < last_window ? 0 : at - last_window + 1;
           k <= std::min(at, kReach) && at - k >= from; ++k) {
        out |= static_cast<unsigned>(open[at - k - from]) << k;
      }
      return out;
    };
    std::vector<Open> cold;
    std::vector<Hit> hot;
    std::vector<uint32_t> named(last_window - from);
    JANGBU_RETURN_IF_ERROR(scan_.Run(
        from, to, compared_, next_open, [](size_t) { return true; },
        [&](const Hit& hit) -> Status {
          unsigned windows = open_at(hit.at);
          if (hit.rows.size() > kHotTiles) {
            hot.push_back(hit);
          } else {
            windows = MayShare(hit, windows);
            if (windows != 0) cold.push_back({hit, windows});
          }
          ForEachWindow(hit.at, windows, [&](size_t w) { ++named[w - from]; });
          return OkStatus();
        }));
    size_t lacks = 0;  // code points that must be compared at least before enough is covered
    size_t spare = 0;  // that may be lost before too few can be
    size_t lost = 0;   // windows ruled out since; each may have covered min_run
    uint64_t compared = compared_;
    const auto count = [&] {
      const size_t covered = CountCovered(q, base, occurs_);
      const size_t possible = CountCovered(q, base, may_);
      if (covered >= q.need || possible < q.need) return true;
      lacks = q.need - covered;
      spare = possible - q.need;
      lost = 0;
      compared = compared_;
      return false;
    };
    const auto decided = [&] {
      return (compared_ - compared >= lacks || (lost >= kRuledOut && lost * min_run_ > spare)) &&
             count();
    };
    const auto decided_now = [&] { return (compared_ != compared || lost > 0) && count(); };
    // One of those that named it does not hold it.
    const auto rule_out = [&](size_t w) {
      if (w < from || w >= last_window || --named[w - from] != 0 || occurs_[w] != 0) return;
      may_[w] = 0;
      ++lost;
    };
    if (count()) return OkStatus();
    // Hot tiles first: one look and one text tell of each window whether it stands in a segment.
    JANGBU_RETURN_IF_ERROR(AskHot(hot, /*follow=*/false, decided, rule_out));
    if (decided_now()) return OkStatus();

    bool done = false;
    JANGBU_ASSIGN_OR_RETURN(done,
                            FollowTogether(
                                cold, [&](size_t w) { ++named[w - from]; }, rule_out, decided_now));
    if (done) return OkStatus();
    // What is ruled out now was ruled out before.
    return AskHot(hot, /*follow=*/true, decided, [](size_t) {});
  }

  // A hit and the windows around it that it may be of.
  struct Open {
    Hit hit;
    unsigned windows = 0;
  };

  // Follows the postings of hits: rare tiles before common ones, some at a time; of these document
  // by document, those first that seem to hold most. One long run settles what many short ones
  // leave open, and each text is asked for once. Calls `name(window)` for each window of a posting
  // before its hit's, and `rule_out(window)` for each of a hit or a posting that is done. True when
  // `decided()`, which is asked after each document, ended it.
  template <typename Name, typename RuleOut, typename Decided>
  StatusOr<bool> FollowTogether(std::vector<Open>& hits, Name&& name, RuleOut&& rule_out,
                                Decided&& decided) {
    std::sort(hits.begin(), hits.end(), [](const Open& a, const Open& b) {
      return a.hit.rows.size() != b.hit.rows.size() ? a.hit.rows.size() < b.hit.rows.size()
                                                    : a.hit.at < b.hit.at;
    });
    struct Posting {
      RunDocument document;
      uint32_t at = 0;
      size_t offset = 0;
      unsigned windows = 0;
    };
    struct Holder {
      size_t begin = 0;  // of its postings
      size_t end = 0;
      size_t windows = 0;
    };
    std::vector<Posting> postings;
    std::vector<Holder> holders;
    for (size_t next = 0; next < hits.size();) {
      postings.clear();
      for (; next < hits.size() && postings.size() < kPostingsAtOnce; ++next) {
        const auto& [hit, windows] = hits[next];
        Postings p(hit);
        for (p.Want(windows & Unset(occurs_, hit.at)); !p.done(); p.Next()) {
          if (p.windows() == 0 || !documents_.Admits(p.document())) continue;
          postings.push_back({p.document(), hit.at, p.offset(), p.windows()});
          ForEachWindow(hit.at, p.windows(), name);
        }
        ForEachWindow(hit.at, windows, rule_out);
      }
      std::sort(postings.begin(), postings.end(), [](const Posting& a, const Posting& b) {
        return a.document.place != b.document.place ? a.document.place < b.document.place
                                                    : a.at < b.at;
      });
      holders.clear();
      for (size_t i = 0; i < postings.size(); ++i) {
        if (i == 0 || postings[i].document.place != postings[i - 1].document.place)
          holders.push_back({i, i, 0});
        holders.back().end = i + 1;
        holders.back().windows += static_cast<size_t>(std::popcount(postings[i].windows));
      }
      std::stable_sort(holders.begin(), holders.end(),
                       [](const Holder& a, const Holder& b) { return a.windows > b.windows; });
      for (const Holder& holder : holders) {
        for (size_t i = holder.begin; i < holder.end; ++i) {
          const Posting& posting = postings[i];
          if ((posting.windows & Unset(occurs_, posting.at)) != 0) {
            JANGBU_ASSIGN_OR_RETURN(const std::u32string_view form,
                                    documents_.Form(posting.document));
            Extend(posting.at, form, posting.offset);
          }
          ForEachWindow(posting.at, posting.windows, rule_out);
        }
        if (decided()) return true;
      }
    }
    return false;
  }

  // Calls `f(window)` for each of `windows` around the tile at `at`, as in Surroundings.
  template <typename F>
  static void ForEachWindow(size_t at, unsigned windows, F&& f) {
    for (; windows != 0; windows &= windows - 1)
      f(at - static_cast<unsigned>(std::countr_zero(windows)));
  }

  // Is every window that holds the tile at `at` among its first 13 places marked?
  bool Settled(const std::vector<uint8_t>& marks, size_t at) const {
    const size_t low = at >= kReach ? at - kReach : 0;
    const size_t high = std::min(at + 1, windows_);
    return low >= high || AllSet(marks.data() + low, high - low);
  }
  bool Known(size_t at) const { return Settled(occurs_, at); }
  // Those that are not; bit k is the window that begins k before `at`.
  unsigned Unset(const std::vector<uint8_t>& marks, size_t at) const {
    unsigned out = 0;
    for (size_t k = at < windows_ ? 0 : at - windows_ + 1; k <= std::min(at, kReach); ++k) {
      out |= static_cast<unsigned>(marks[at - k] == 0) << k;
    }
    return out;
  }

  // Compares the text around `at` with a form around `offset` and marks the windows of their run;
  // says whether there is one.
  bool Extend(size_t at, std::u32string_view form, size_t offset) {
    ++cost_.candidates;
    if (!TileEquals(text_, at, form, offset)) return false;
    size_t begin = at;
    size_t other = offset;
    // Beyond what holds this tile, a window that is known already ends the search: others beyond it
    // hold tiles of their own.
    while (begin > 0 && other > 0 && text_[begin - 1] == form[other - 1]) {
      --begin;
      --other;
      if (at + kTile - begin >= min_run_ && begin < windows_ && occurs_[begin] != 0) break;
    }
    size_t end = at + kTile;
    other = offset + kTile;
    while (end < text_.size() && other < form.size() && text_[end] == form[other]) {
      ++end;
      ++other;
      if (end >= begin + min_run_ && end - min_run_ > at && occurs_[end - min_run_] != 0) break;
    }
    if (end - begin < min_run_) return false;
    std::memset(occurs_.data() + begin, 1, end - min_run_ - begin + 1);
    if (!may_.empty()) std::memset(may_.data() + begin, 1, end - min_run_ - begin + 1);
    compared_ += end - begin;
    ++settled_;
    return true;
  }

  // Follows the postings of a hit until nothing is left to decide: those of tiles [from, to) of its
  // segment.
  Status Follow(const Hit& hit, uint32_t from = 0, uint64_t to = UINT64_MAX) {
    Postings p(hit, from, to);
    p.Want(Unset(occurs_, hit.at));
    for (; !p.done(); p.Next()) {
      if (!documents_.Admits(p.document())) continue;
      JANGBU_ASSIGN_OR_RETURN(const std::u32string_view form, documents_.Form(p.document()));
      if (!Extend(hit.at, form, p.offset())) continue;
      const unsigned unknown = Unset(occurs_, hit.at);
      if (unknown == 0) break;
      p.Want(unknown);
    }
    return OkStatus();
  }

  // Decides the windows of hits of hot tiles. A window whose tile is hot occurs in the segment only
  // if the segment's hot table has its first 24 code points. Where the table does not tell,
  // postings are followed, if `follow` says so. Ends when `decided()`; calls `rule_out(window)` for
  // each hit around a window that its segment does not hold.
  template <typename Decided, typename RuleOut>
  Status AskHot(std::vector<Hit>& hits, bool follow, Decided&& decided, RuleOut&& rule_out) {
    std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
      return a.segment != b.segment ? a.segment < b.segment : a.at < b.at;
    });
    for (size_t i = 0; i < hits.size();) {
      const RunSegment& segment = *hits[i].segment;
      size_t end = i;
      while (end < hits.size() && hits[end].segment == &segment) ++end;
      size_t asked = 0;                                     // windows below are asked
      std::vector<uint64_t> followed(end - i, UINT64_MAX);  // from which tile on
      RunHasher::Roller roller(hasher_, kMinRun);
      size_t rolled = SIZE_MAX;
      for (size_t h = i; h < end; ++h) {
        const size_t at = hits[h].at;
        size_t w = std::max(asked, at >= kReach ? at - kReach : 0);
        for (; w <= at && w < windows_; ++w) {
          if (occurs_[w] != 0 || (!may_.empty() && may_[w] == 0)) continue;
          if (rolled != SIZE_MAX && rolled + 1 == w) {
            roller.Step(text_[rolled], text_[rolled + kMinRun]);
          } else {
            roller.Reset(text_.data() + w);
          }
          rolled = w;
          JANGBU_ASSIGN_OR_RETURN(const std::optional<uint32_t> from,
                                  AskHot(segment, w, roller.key()));
          if (!from.has_value()) {
            if (occurs_[w] == 0) {
              for (size_t other = h; other < end && hits[other].at <= w + kReach; ++other)
                rule_out(w);
            }
            if (decided()) return OkStatus();
            continue;
          }
          if (!follow) continue;
          // The one kept place does not decide: follow those behind it.
          for (size_t other = h; other < end && hits[other].at <= w + kReach; ++other) {
            uint64_t& to = followed[other - i];
            if (*from >= to || occurs_[w] != 0) continue;
            if (!Known(hits[other].at)) {
              JANGBU_RETURN_IF_ERROR(Follow(hits[other], *from, to));
            }
            to = *from;
          }
        }
        asked = w;
      }
      i = end;
    }
    return OkStatus();
  }

  // Asks the hot table for a window. When it cannot tell: the tile of the segment from which on
  // postings may be of the window.
  StatusOr<std::optional<uint32_t>> AskHot(const RunSegment& segment, size_t window, uint64_t key) {
    const std::optional<uint32_t> decided;
    const KeyTable::Range rows = segment.hot_table().Find(key);
    if (rows.empty()) return decided;
    for (uint64_t r = rows.first; r < rows.last; ++r) {
      const uint64_t value = segment.hot_table().ValueAt(r);
      const auto tile = static_cast<uint32_t>(value >> 4);
      const size_t distance = value & kDistanceMask;
      const DocumentTable::Entry entry = segment.document_table().OfTile(tile);
      const size_t offset = (tile - entry.first_tile) * kTileStep;
      const bool admitted = documents_.Admits(entry.document);
      // A document that does not count is not asked for: it may have no text any more.
      if (!admitted && !documents_.IsSelf(entry.document)) continue;
      JANGBU_ASSIGN_OR_RETURN(const std::u32string_view form, documents_.Form(entry.document));
      // Of another window with the same key, or its text is gone and does not tell.
      if (offset < distance || !StandsAt(form, offset - distance, text_.substr(window, kMinRun)))
        continue;
      // The earliest place of this window.
      if (documents_.Late(entry.document)) return decided;
      if (admitted) Extend(window + distance, form, offset);
      if (occurs_[window] != 0) return decided;
      return std::optional<uint32_t>(tile + 1);
    }
    return std::optional<uint32_t>(0);
  }

  // Places that Decide looked up.
  struct Looked {
    size_t begin = 0;
    size_t end = 0;
    // Windows from begin to before it have all their tiles' places in it.
    size_t Windows() const { return end > kReach ? end - kReach : 0; }
  };

  const RunHasher& hasher_;
  const std::u32string_view text_;
  const size_t min_run_;
  const size_t windows_;
  Documents& documents_;
  RunCost& cost_;
  PlaceScan scan_;
  std::vector<Looked> looked_;   // ascending, but for Bound's
  std::vector<uint8_t> occurs_;  // by window
  std::vector<uint8_t> may_;     // by window, those that occur too; empty but for Decide
  uint64_t compared_ = 0;        // code points of all runs found, again ones too
  uint64_t settled_ = 0;         // times that windows were marked
  std::vector<Hit> later_;
};

// Every hit at places [from, to) that may be of a run.
Status CollectHits(const RunHasher& hasher, const AskedView& view, std::u32string_view text,
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

size_t CommonLength(std::u32string_view a, std::u32string_view b) {
  const size_t n = std::min(a.size(), b.size());
  size_t i = 0;
  while (i < n && a[i] == b[i]) ++i;
  return i;
}

// Walks the postings of hits in one segment from the first that can hold `run`. A run in a document
// has its tile at one of 13 places; if that tile is hot, the hot table knows the run's first window
// and the earliest place of it.
// Calls `f(document, offset of the run)` for each place where `run` occurs, in no order across
// hits; `f` says whether later documents of this hit matter.
template <typename Wanted, typename F>
Status ForEachPlace(const RunHasher& hasher, std::u32string_view run, std::span<const Hit> hits,
                    Documents& documents, Wanted&& wanted, F&& f) {
  const uint64_t window_key = hasher.KeyOf(run.data(), kMinRun);
  for (const Hit& hit : hits) {
    if (hit.rows.size() > kHotTiles && hit.segment->hot_table().Find(window_key).empty()) continue;
    for (Postings p(hit); !p.done();) {
      if (!wanted(p.document())) break;
      if (!documents.Admits(p.document())) {
        p.NextDocument();
        continue;
      }
      if (p.offset() >= hit.at) {
        JANGBU_ASSIGN_OR_RETURN(const std::u32string_view form, documents.Form(p.document()));
        const size_t begin = p.offset() - hit.at;
        if (StandsAt(form, begin, run)) f(p.document(), begin, form);
      }
      p.Next();
    }
  }
  return OkStatus();
}

}  // namespace

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

// ---- RunView

RunView::RunView(const RunHasher* hasher, std::vector<std::shared_ptr<const RunSegment>> segments,
                 std::shared_ptr<const RunFront> front)
    : hasher_(hasher) {
  std::erase_if(segments, [](const auto& s) { return s->tiles() == 0; });
  // One segment answers for itself.
  if (segments.size() < 2) front = nullptr;
  if (!segments.empty()) groups_.push_back({nullptr, std::move(front), std::move(segments)});
}

RunView RunView::Of(std::span<const RunView> views) {
  RunView all;
  for (const RunView& view : views) {
    if (view.hasher_ != nullptr) all.hasher_ = view.hasher_;
    all.groups_.insert(all.groups_.end(), view.groups_.begin(), view.groups_.end());
  }
  return all;
}

RunView RunView::Summarised() const {
  RunView out;
  out.hasher_ = hasher_;
  Group all;
  for (const Group& group : groups_) {
    all.segments.insert(all.segments.end(), group.segments.begin(), group.segments.end());
  }
  if (all.segments.empty()) return out;
  all.summary = std::make_shared<RunSummary>(all.segments);
  out.groups_.push_back(std::move(all));
  return out;
}

RunView RunView::Behind(std::shared_ptr<const RunFront> front) const {
  RunView out = *this;
  out.front_ = std::move(front);
  return out;
}

RunView RunView::Only(const std::function<bool(const RunSegment&)>& keep) const {
  RunView out;
  out.hasher_ = hasher_;
  out.front_ = front_;
  for (Group group : groups_) {
    std::erase_if(group.segments, [&](const auto& segment) { return !keep(*segment); });
    if (!group.segments.empty()) out.groups_.push_back(std::move(group));
  }
  return out;
}

StatusOr<Intervals> RunView::Covered(std::u32string_view text, const Reference& reference,
                                     FormSource& forms, size_t min_run, RunCost* cost) const {
  JANGBU_CHECK(min_run >= kMinRun && text.size() < (size_t{1} << 31));
  RunCost own;
  if (groups_.empty() || text.size() < min_run) return Intervals{};
  Documents documents(reference, text, forms, cost != nullptr ? *cost : own);
  const AskedView asked = Asked(*this, reference);
  WindowSearch search(*hasher_, asked, text, min_run, documents, cost != nullptr ? *cost : own);
  JANGBU_RETURN_IF_ERROR(search.Run());
  return search.Covered();
}

StatusOr<CoverBounds> RunView::Decide(std::u32string_view text, const Reference& reference,
                                      FormSource& forms, std::span<const CoverQuestion> questions,
                                      const Intervals& already, size_t near, size_t min_run,
                                      RunCost* cost) const {
  JANGBU_CHECK(min_run >= kMinRun && text.size() < (size_t{1} << 31));
  RunCost own;
  if (groups_.empty() || text.size() < min_run) return CoverBounds{};
  Documents documents(reference, text, forms, cost != nullptr ? *cost : own);
  const AskedView asked = Asked(*this, reference);
  WindowSearch search(*hasher_, asked, text, min_run, documents, cost != nullptr ? *cost : own);
  JANGBU_RETURN_IF_ERROR(search.Decide(questions, already, near));
  return CoverBounds{search.Covered(), search.MayBeCovered()};
}

StatusOr<std::vector<RunMatch>> RunView::Matches(std::u32string_view text,
                                                 const Reference& reference, FormSource& forms,
                                                 size_t min_run, size_t max) const {
  JANGBU_CHECK(min_run >= kMinRun && text.size() < (size_t{1} << 31));
  std::vector<RunMatch> out;
  if (groups_.empty() || text.size() < min_run) return out;
  RunCost cost;
  Documents documents(reference, text, forms, cost);
  const AskedView asked = Asked(*this, reference);
  WindowSearch search(*hasher_, asked, text, min_run, documents, cost);
  JANGBU_RETURN_IF_ERROR(search.Run());
  std::vector<Hit> hits;
  for (size_t w = 0; w < search.windows() && out.size() < max; ++w) {
    if (!search.Occurs(w)) continue;
    const std::u32string_view rest = text.substr(w);
    hits.clear();
    JANGBU_RETURN_IF_ERROR(
        CollectHits(*hasher_, asked, rest.substr(0, kMinRun), 0, kTileStep, cost, hits));
    RunMatch best;
    JANGBU_RETURN_IF_ERROR(ForEachPlace(
        *hasher_, rest.substr(0, min_run), hits, documents,
        [&](const RunDocument& d) { return best.length == 0 || d.place <= best.document.place; },
        [&](const RunDocument& d, size_t begin, std::u32string_view form) {
          const auto length = static_cast<uint32_t>(CommonLength(rest, form.substr(begin)));
          const auto at = static_cast<uint32_t>(begin);
          if (best.length == 0 || d.place < best.document.place ||
              (d.place == best.document.place &&
               (length > best.length || (length == best.length && at < best.document_begin)))) {
            best = {static_cast<uint32_t>(w), length, d, at};
          }
        }));
    JANGBU_CHECK(best.length >= min_run);
    out.push_back(best);
    w += best.length - min_run;
  }
  return out;
}

StatusOr<std::vector<RunDocument>> RunView::Holders(std::u32string_view run,
                                                    const Reference& reference, FormSource& forms,
                                                    size_t max) const {
  JANGBU_CHECK(run.size() >= kMinRun);
  std::vector<RunDocument> out;
  if (groups_.empty() || max == 0) return out;
  RunCost cost;
  Documents documents(reference, {}, forms, cost);
  std::vector<Hit> hits;
  const AskedView asked = Asked(*this, reference);
  JANGBU_RETURN_IF_ERROR(
      CollectHits(*hasher_, asked, run.substr(0, kMinRun), 0, kTileStep, cost, hits));
  std::map<JournalPlace, RunDocument> found;
  JANGBU_RETURN_IF_ERROR(ForEachPlace(
      *hasher_, run, hits, documents,
      [&](const RunDocument& d) { return found.size() < max || d.place < found.rbegin()->first; },
      [&](const RunDocument& d, size_t, std::u32string_view) {
        found.emplace(d.place, d);
        if (found.size() > max) found.erase(std::prev(found.end()));
      }));
  for (const auto& [place, document] : found) out.push_back(document);
  return out;
}

namespace {

// Coverage of a text by one document, from the hits it has.
struct Candidate {
  RunDocument document;
  uint32_t reachable = 0;  // at most so many code points can be covered
  uint32_t reach_end = 0;
  std::vector<std::pair<uint32_t, uint32_t>> places;  // (place of the text, offset in the document)
};

// Where the tiles of candidates are in a segment; ascending.
struct CandidateTiles {
  struct Stretch {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t candidate = 0;
  };
  const RunSegment* segment = nullptr;
  std::vector<Stretch> stretches;
};
std::vector<CandidateTiles> TilesOfCandidates(std::span<const AskedGroup> groups,
                                              std::span<const Candidate> candidates) {
  std::vector<CandidateTiles> out;
  for (const AskedGroup& group : groups) {
    for (const AskedSegment& asked : group.segments) {
      const RunSegment& segment = *asked.segment;
      CandidateTiles tiles{&segment, {}};
      for (uint32_t c = 0; c < candidates.size(); ++c) {
        const JournalPlace& place = candidates[c].document.place;
        if (place < segment.first_place() || segment.last_place() < place) continue;
        const auto first = static_cast<uint32_t>(segment.document_table().TilesBefore(place));
        const DocumentTable::Entry entry = segment.document_table().OfTile(first);
        if (entry.document.place == place)
          tiles.stretches.push_back({first, first + entry.tiles, c});
      }
      if (tiles.stretches.empty()) continue;
      std::sort(tiles.stretches.begin(), tiles.stretches.end(),
                [](const auto& a, const auto& b) { return a.begin < b.begin; });
      out.push_back(std::move(tiles));
    }
  }
  return out;
}

uint32_t CoverageOf(std::u32string_view text, std::u32string_view form,
                    const std::vector<std::pair<uint32_t, uint32_t>>& places,
                    std::vector<uint32_t>& stamps, uint32_t stamp, size_t min_run) {
  // stamps[w] == stamp: window w is found for this document.
  const size_t windows = text.size() - min_run + 1;
  for (const auto& [at, offset] : places) {
    const size_t low = at >= kReach ? at - kReach : 0;
    const size_t high = std::min<size_t>(at + 1, windows);
    bool known = true;
    for (size_t w = low; w < high && known; ++w) known = stamps[w] == stamp;
    if (known || !TileEquals(text, at, form, offset)) continue;
    size_t begin = at;
    size_t other = offset;
    while (begin > 0 && other > 0 && text[begin - 1] == form[other - 1]) {
      --begin;
      --other;
      if (at + kTile - begin >= min_run && begin < windows && stamps[begin] == stamp) break;
    }
    size_t end = at + kTile;
    other = offset + kTile;
    while (end < text.size() && other < form.size() && text[end] == form[other]) {
      ++end;
      ++other;
      if (end >= begin + min_run && end - min_run > at && stamps[end - min_run] == stamp) break;
    }
    for (size_t w = begin; w + min_run <= end; ++w) stamps[w] = stamp;
  }
  uint32_t covered = 0;
  size_t covered_to = 0;
  for (size_t w = 0; w < windows; ++w) {
    if (stamps[w] != stamp) continue;
    covered += static_cast<uint32_t>(w + min_run - std::max(covered_to, w));
    covered_to = w + min_run;
  }
  return covered;
}

}  // namespace

StatusOr<std::optional<NearDocument>> RunView::Nearest(std::u32string_view text,
                                                       const Reference& reference,
                                                       FormSource& forms, size_t least,
                                                       RunCost* cost, size_t min_run) const {
  JANGBU_ASSIGN_OR_RETURN(const Intervals covered, Covered(text, reference, forms, min_run, cost));
  return NearestWithin(text, covered, reference, forms, least, cost, min_run);
}

StatusOr<std::optional<NearDocument>> RunView::NearestWithin(std::u32string_view text,
                                                             const Intervals& within,
                                                             const Reference& reference,
                                                             FormSource& forms, size_t least,
                                                             RunCost* cost, size_t min_run) const {
  JANGBU_CHECK(least > 0 && min_run >= kMinRun && text.size() < (size_t{1} << 31));
  RunCost own;
  RunCost& paid = cost != nullptr ? *cost : own;
  const std::optional<NearDocument> none;
  if (groups_.empty() || text.size() < min_run || text.size() < least) return none;
  Documents documents(reference, text, forms, paid);
  const AskedView asked = Asked(*this, reference);
  std::vector<uint8_t> covered(text.size(), 0);
  size_t total = 0;
  for (const Interval& i : within) {
    JANGBU_CHECK(i.begin < i.end && i.end <= text.size());
    total += i.end - i.begin;
    std::memset(covered.data() + i.begin, 1, i.end - i.begin);
  }
  // All documents together cover at least as much as any one.
  if (total < least) return none;

  // A run lies in what is covered, and so do its tiles.
  std::vector<Hit> hits;
  for (const Interval& i : within) {
    if (i.end - i.begin < kTile) continue;
    JANGBU_RETURN_IF_ERROR(
        CollectHits(*hasher_, asked, text, i.begin, i.end - kTile + 1, paid, hits));
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.at < b.at; });

  // A document that covers `least` leaves out at most total − least of what is covered; so it holds
  // some tile near any set of more covered places than that. The set with the fewest postings
  // around names the candidates.
  constexpr size_t kPiece = 64;
  const size_t pieces = (text.size() + kPiece - 1) / kPiece;
  std::vector<uint64_t> weight(pieces, 0);
  std::vector<uint32_t> size(pieces, 0);
  for (size_t i = 0; i < text.size(); ++i) size[i / kPiece] += covered[i];
  // A run that covers a place holds a tile that begins at most 23 before it and 12 after.
  const auto first_piece = [&](uint32_t at) { return (at >= kReach ? at - kReach : 0) / kPiece; };
  const auto last_piece = [&](uint32_t at) {
    return std::min<size_t>(at + kMinRun - 1, text.size() - 1) / kPiece;
  };
  for (const Hit& hit : hits) {
    for (size_t p = first_piece(hit.at); p <= last_piece(hit.at); ++p) {
      weight[p] += hit.rows.size();
    }
  }
  std::vector<uint32_t> order;
  for (uint32_t p = 0; p < pieces; ++p) {
    if (size[p] > 0) order.push_back(p);
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    // By postings a covered place, without division.
    const uint64_t left = weight[a] * size[b];
    const uint64_t right = weight[b] * size[a];
    return left != right ? left < right : a < b;
  });
  std::vector<bool> chosen(pieces, false);
  for (size_t i = 0, sum = 0; i < order.size() && sum <= total - least; ++i) {
    chosen[order[i]] = true;
    sum += size[order[i]];
  }

  absl::flat_hash_set<JournalPlace, PlaceHash> named;
  std::vector<Candidate> candidates;
  for (const Hit& hit : hits) {
    bool names = false;
    for (size_t p = first_piece(hit.at); p <= last_piece(hit.at); ++p) names = names || chosen[p];
    if (!names) continue;
    for (Postings p(hit); !p.done(); p.NextDocument()) {
      if (named.contains(p.document().place) || !documents.Admits(p.document())) continue;
      named.insert(p.document().place);
      candidates.push_back({p.document(), 0, 0, {}});
    }
  }
  if (candidates.empty()) return none;
  const std::vector<CandidateTiles> tiles_of = TilesOfCandidates(asked.groups, candidates);
  for (const Hit& hit : hits) {
    const auto begin = hit.at >= kReach ? hit.at - static_cast<uint32_t>(kReach) : 0;
    const auto end = static_cast<uint32_t>(std::min<size_t>(hit.at + kMinRun, text.size()));
    const auto found = std::find_if(tiles_of.begin(), tiles_of.end(),
                                    [&](const auto& t) { return t.segment == hit.segment; });
    if (found == tiles_of.end()) continue;
    // Rows and stretches of tiles both ascend.
    const KeyTable& table = hit.segment->tile_table();
    auto stretch = found->stretches.begin();
    for (uint64_t row = hit.rows.first; row < hit.rows.last; ++row) {
      const auto tile = static_cast<uint32_t>(table.ValueAt(row));
      while (stretch != found->stretches.end() && stretch->end <= tile) ++stretch;
      if (stretch == found->stretches.end()) break;
      if (tile < stretch->begin || hit.around.MayShare(hit.segment->AroundAt(row)) == 0) continue;
      Candidate& c = candidates[stretch->candidate];
      c.places.emplace_back(hit.at, static_cast<uint32_t>((tile - stretch->begin) * kTileStep));
      if (end > c.reach_end) {
        c.reachable += end - std::max(begin, c.reach_end);
        c.reach_end = end;
      }
    }
  }
  std::erase_if(candidates, [&](const Candidate& c) { return c.reachable < least; });
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.reachable != b.reachable ? a.reachable > b.reachable
                                      : a.document.place < b.document.place;
  });
  std::optional<NearDocument> best;
  std::vector<uint32_t> stamps(text.size(), 0);
  uint32_t stamp = 0;
  for (const Candidate& c : candidates) {
    if (best.has_value() &&
        (c.reachable < best->covered ||
         (c.reachable == best->covered && best->document.place < c.document.place))) {
      if (c.reachable < best->covered) break;
      continue;
    }
    ++paid.candidates;
    JANGBU_ASSIGN_OR_RETURN(const std::u32string_view form, documents.Form(c.document));
    const uint32_t own_coverage = CoverageOf(text, form, c.places, stamps, ++stamp, min_run);
    if (own_coverage < least) continue;
    if (!best.has_value() || own_coverage > best->covered ||
        (own_coverage == best->covered && c.document.place < best->document.place)) {
      best = NearDocument{c.document, own_coverage};
    }
  }
  return best;
}

uint64_t RunView::documents() const {
  uint64_t n = 0;
  for (const Group& g : groups_) {
    for (const auto& s : g.segments) n += s->documents();
  }
  return n;
}

uint64_t RunView::tiles() const {
  uint64_t n = 0;
  for (const Group& g : groups_) {
    for (const auto& s : g.segments) n += s->tiles();
  }
  return n;
}

uint64_t RunView::bytes() const {
  uint64_t n = front_ != nullptr ? front_->bytes() : 0;
  for (const Group& g : groups_) {
    for (const auto& s : g.segments) n += s->encoded().size();
    if (g.summary != nullptr) n += g.summary->bytes();
    if (g.front != nullptr) n += g.front->bytes();
  }
  return n;
}

uint64_t RunView::filter_bytes() const {
  uint64_t n = front_ != nullptr ? front_->bytes() : 0;
  for (const Group& g : groups_) {
    for (const auto& s : g.segments) n += s->filter_bytes();
    if (g.summary != nullptr) n += g.summary->bytes();
    if (g.front != nullptr) n += g.front->bytes();
  }
  return n;
}

// ---- AlignedRuns

std::vector<AlignedRun> AlignedRuns(const RunHasher& hasher, std::u32string_view a,
                                    std::u32string_view b, size_t min_run) {
  JANGBU_CHECK(min_run >= kMinRun);
  std::vector<AlignedRun> out;
  if (a.size() < min_run || b.size() < min_run) return out;
  constexpr size_t kPlaces = 64;
  absl::flat_hash_map<uint64_t, std::vector<uint32_t>> tiles;
  RunHasher::Roller roller(hasher, kTile);
  for (size_t at = 0; at + kTile <= b.size(); at += kTileStep) {
    roller.Reset(b.data() + at);
    tiles[roller.key()].push_back(static_cast<uint32_t>(at));
  }
  // Keys of the places of `a`, as the window that needs them moves.
  std::vector<uint64_t> keys(a.size() - kTile + 1);
  roller.Reset(a.data());
  for (size_t i = 0;; ++i) {
    keys[i] = roller.key();
    if (i + 1 == keys.size()) break;
    roller.Step(a[i], a[i + kTile]);
  }
  for (size_t w = 0; w + min_run <= a.size();) {
    const std::u32string_view window = a.substr(w, min_run);
    std::vector<uint32_t> begins;
    for (size_t at = w; at < w + kTileStep; ++at) {
      const auto found = tiles.find(keys[at]);
      if (found == tiles.end()) continue;
      for (const uint32_t offset : found->second) {
        if (offset >= at - w && b.substr(offset - (at - w), min_run) == window) {
          begins.push_back(offset - static_cast<uint32_t>(at - w));
          if (begins.size() >= kPlaces * kTileStep) break;
        }
      }
    }
    if (begins.empty()) {
      ++w;
      continue;
    }
    std::sort(begins.begin(), begins.end());
    if (begins.size() > kPlaces) begins.resize(kPlaces);
    AlignedRun best;
    for (const uint32_t begin : begins) {
      const auto length = static_cast<uint32_t>(CommonLength(a.substr(w), b.substr(begin)));
      if (length > best.length) best = {static_cast<uint32_t>(w), begin, length};
    }
    out.push_back(best);
    w += best.length - min_run + 1;
  }
  return out;
}

// ---- RunIndex

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
