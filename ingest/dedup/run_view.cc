// What is asked of a view: covered, decided, matches, holders; and what a view is made of.

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/check.h"
#include "ingest/dedup/run_index.h"
#include "ingest/dedup/run_windows.h"

namespace jangbu::ingest {

using internal::Asked;
using internal::AskedView;
using internal::CollectHits;
using internal::Documents;
using internal::Hit;
using internal::Postings;
using internal::StandsAt;
using internal::WindowSearch;

namespace {

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

}  // namespace jangbu::ingest
