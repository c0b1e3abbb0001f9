#pragma once

// Which windows of a text occur in a reference: all of them, or as far as it decides questions.
// Private to this folder. For one question on one thread.

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ingest/dedup/run_places.h"

namespace jangbu::ingest::internal {

constexpr uint64_t kFewRows = 4;        // postings followed as soon as they are met
constexpr uint64_t kDistanceMask = 15;  // of a row of a hot table
constexpr size_t kPostingsAtOnce = 32;  // looked at together
constexpr size_t kRuledOut = 16;        // windows ruled out before a question is asked again
constexpr size_t kStep = 32;            // places looked up at least before it is asked again

// Are the n bytes all 1? They are 0 or 1.
inline bool AllSet(const uint8_t* bytes, size_t n) {
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

}  // namespace jangbu::ingest::internal
