#pragma once

// The run index: which runs of 24 or more code points of a text occur in other documents, where and
// whose. One index answers "have we paid for this?" and "is this leaving?".
//
// A *run* is a stretch of the text's comparison form that occurs in one document's comparison form.
// A question is asked of a view (some segments) about a reference (which of their documents count);
// its answer is exact and depends on the text, the reference and the documents' text alone: not on
// how documents are spread over segments, nor on documents that the reference leaves out. So a
// batch may be appended first and its documents judged after, in any order and on any thread, each
// against what stands before it.
//
//   law 1  every run of min_run or more is found, none is invented (tests/reference/runs.h)
//   law 2  the same answer for any segmentation, any order of questions, any number of threads
//
// Comparison forms go in and out as code points; places and lengths count code points.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ingest/dedup/run_index_segment.h"

namespace jangbu::ingest {

// [begin, end) of a text.
struct Interval {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const Interval&) const = default;
};
// Ascending, neither overlapping nor touching.
using Intervals = std::vector<Interval>;

// Which documents count.
struct Reference {
  JournalPlace before = kAfterAll;  // only those that stand before
  // and of them only those for which it returns true; null: all. Called from the asking thread,
  // often: it should be a look-up.
  std::function<bool(const RunDocument&)> counts;
  // The document that is asked about, if the view may hold it. Neither it nor what stands behind it
  // in its entry counts; its text is not asked for.
  JournalPlace self = kAfterAll;
};

// A run and one place where it occurs.
struct RunMatch {
  uint32_t begin = 0;  // in the text asked about
  uint32_t length = 0;
  RunDocument document;
  uint32_t document_begin = 0;
  bool operator==(const RunMatch&) const = default;
};

struct NearDocument {
  RunDocument document;
  uint32_t covered = 0;  // code points of the text in runs found in this document
  bool operator==(const NearDocument&) const = default;
};

// Whether at least `need` code points of [begin, end) of a text are covered.
struct CoverQuestion {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t need = 0;
};
struct CoverBounds {
  Intervals sure;  // every code point of it is covered
  Intervals may;   // none outside is
};

// What a question cost.
struct RunCost {
  uint64_t places = 0;      // places looked up in filters
  uint64_t passes = 0;      // that a filter let pass
  uint64_t candidates = 0;  // postings compared with text
  uint64_t forms = 0;       // texts asked for
};

// A summary of several segments: one filter that answers for all of them at once, for views of many
// segments (everybody's). Immutable.
class RunSummary {
 public:
  explicit RunSummary(std::span<const std::shared_ptr<const RunSegment>> segments);
  const KeyFilter& filter() const { return filter_; }
  uint64_t bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;
  KeyFilter filter_;
};

// One filter that answers for a whole index at once, and grows with it: look-ups of places that no
// segment knows, most of them, read one cache line instead of three a segment. A blocked Bloom
// filter (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007): four
// bits a key in one line of 512. With 6 bits a key, the fullest, one stranger in 12 passes;
// segments are asked about what does. In memory alone, 0.75 to 1.5 bytes a key.
//
// One thread adds at a time, any number ask meanwhile: of a key that was added before a view was
// made every question of that view says yes.
class RunFront {
 public:
  // Room for `keys`.
  explicit RunFront(uint64_t keys);
  // False when there is no room left: the segment is then partly in it.
  bool Add(const RunSegment& segment);
  // Bit i of the result is whether keys[i] may have been added. REQUIRES: n <= 64.
  uint64_t MayContain(const uint64_t* keys, size_t n) const;
  // Hints that a key will be asked for.
  [[gnu::always_inline]] void Prefetch(uint64_t key) const {
    __builtin_prefetch(&LineOf(Mix(key)));
  }
  uint64_t bytes() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    std::array<std::atomic<uint64_t>, 8> words{};
  };
  static uint64_t Mix(uint64_t key) {
    key *= 0x9E3779B97F4A7C15u;
    return (key ^ (key >> 29)) * 0xBF58476D1CE4E5B9u;
  }
  const Line& LineOf(uint64_t mixed) const {
    return lines_[(mixed & UINT32_MAX) * lines_.size() >> 32];
  }

  std::vector<Line> lines_;
  uint64_t keys_ = 0;  // added that it did not seem to hold
};

// Segments as they were at one moment. Immutable, cheap to copy, thread-safe; keeps its segments
// alive. A document may stand in several of them.
class RunView {
 public:
  RunView() = default;
  // Borrows `hasher` for as long as the view lives; it must be the segments'. `front` may be null;
  // it must hold all of them.
  RunView(const RunHasher* hasher, std::vector<std::shared_ptr<const RunSegment>> segments,
          std::shared_ptr<const RunFront> front = nullptr);

  // Everything of several views: everybody's, from each partner's. Without what they stood behind.
  static RunView Of(std::span<const RunView> views);
  // The same view with its segments behind one summary; about 60 ns a tile.
  RunView Summarised() const;
  // The same view behind one filter, which is asked first. REQUIRES: it holds all segments.
  RunView Behind(std::shared_ptr<const RunFront> front) const;
  // The same view without the segments that `keep` refuses; what stands before the others stays.
  RunView Only(const std::function<bool(const RunSegment&)>& keep) const;

  // Which code points of `text` lie in runs of `min_run` or more. A text shorter than that has
  // none. Time: linear in the text, plus a few look-ups of text at each end of a run.
  //
  // REQUIRES: min_run >= 24; text shorter than 2^31. Returns errors of `forms`.
  StatusOr<Intervals> Covered(std::u32string_view text, const Reference& reference,
                              FormSource& forms, size_t min_run = kMinRun,
                              RunCost* cost = nullptr) const;

  // Covered as far as it decides something: each question has the same answer of `sure` together
  // with `already` as of Covered's answer together with `already`, and fewer than `near` code
  // points are in `may` if surroundings alone show that fewer are covered. What decides nothing is
  // not looked up: half of a stretch that has nothing in common with others is enough to know. What
  // is decided by what stands around the tiles is not compared with other texts: several times
  // faster than Covered where many documents share short runs.
  //
  // REQUIRES: as Covered; questions and `already` lie in the text, begin < end; questions ascend
  // and do not overlap.
  StatusOr<CoverBounds> Decide(std::u32string_view text, const Reference& reference,
                               FormSource& forms, std::span<const CoverQuestion> questions,
                               const Intervals& already, size_t near = SIZE_MAX,
                               size_t min_run = kMinRun, RunCost* cost = nullptr) const;

  // Runs that together cover what Covered says, each with the earliest document that holds its
  // first `min_run` code points, and there the place that goes on longest (then the first of
  // those). Ascending by begin; neighbours may overlap. At most `max`; more are cut off.
  StatusOr<std::vector<RunMatch>> Matches(std::u32string_view text, const Reference& reference,
                                          FormSource& forms, size_t min_run = kMinRun,
                                          size_t max = SIZE_MAX) const;

  // The documents that hold all of `run`, ascending by place; at most `max`.
  // REQUIRES: at least 24 code points.
  StatusOr<std::vector<RunDocument>> Holders(std::u32string_view run, const Reference& reference,
                                             FormSource& forms, size_t max) const;

  // The document that alone covers the most of `text` by runs of `min_run` or more (of equals the
  // earliest), if that is at least `least` code points.
  // REQUIRES: least > 0, min_run >= 24.
  StatusOr<std::optional<NearDocument>> Nearest(std::u32string_view text,
                                                const Reference& reference, FormSource& forms,
                                                size_t least, RunCost* cost = nullptr,
                                                size_t min_run = kMinRun) const;

  // The same, when it is known already where runs can be: no code point outside `within` lies in a
  // run of this reference (Covered's answer, `may` of Decide's, or those of a reference that counts
  // more).
  StatusOr<std::optional<NearDocument>> NearestWithin(std::u32string_view text,
                                                      const Intervals& within,
                                                      const Reference& reference, FormSource& forms,
                                                      size_t least, RunCost* cost = nullptr,
                                                      size_t min_run = kMinRun) const;

  uint64_t documents() const;
  uint64_t tiles() const;
  // Bytes of the segments, and of the filters that look-ups read.
  uint64_t bytes() const;
  uint64_t filter_bytes() const;

  struct Group {
    // Of all its segments, at most one of the two; without any each is asked.
    std::shared_ptr<const RunSummary> summary;
    std::shared_ptr<const RunFront> front;
    std::vector<std::shared_ptr<const RunSegment>> segments;
  };
  const std::vector<Group>& groups() const { return groups_; }
  const RunFront* front() const { return front_.get(); }
  const RunHasher* hasher() const { return hasher_; }

 private:
  const RunHasher* hasher_ = nullptr;
  std::shared_ptr<const RunFront> front_;  // of all groups; may be null
  std::vector<Group> groups_;
};

// The runs that two texts share, longest first from the left: at the first window of `a` that
// occurs in `b` and lies in no run yet, the run that goes on longest from there (of the first 64
// places in `b`; of equals the first). A pure function, for explaining a verdict. About 10 ns a
// code point.
struct AlignedRun {
  uint32_t a_begin = 0;
  uint32_t b_begin = 0;
  uint32_t length = 0;
  bool operator==(const AlignedRun&) const = default;
};
std::vector<AlignedRun> AlignedRuns(const RunHasher& hasher, std::u32string_view a,
                                    std::u32string_view b, size_t min_run = kMinRun);

// A growing set of segments: one partner's index.
//
// Append makes a small segment at once; MergeSome makes large ones of small ones. Both may run
// while any number of threads ask views. Nothing is stored here: whoever wires it keeps the
// encodings of large segments and appends again, after a crash, the documents that no stored
// segment holds. Thread-safe.
class RunIndex {
 public:
  // Borrows `hasher`.
  explicit RunIndex(const RunHasher& hasher);
  RunIndex(const RunIndex&) = delete;
  RunIndex& operator=(const RunIndex&) = delete;

  // Indexes documents; on return every new view holds them. Documents held already do no harm.
  // REQUIRES: ascending by place within the call.
  Status Append(std::span<const RunText> texts);
  // Adds a segment read back from storage.
  void Add(std::shared_ptr<const RunSegment> segment);

  RunView View() const;

  struct Merged {
    std::vector<std::shared_ptr<const RunSegment>> removed;
    std::shared_ptr<const RunSegment> added;
  };
  // Merges segments of like size once there are four (sizes in powers of four), or says that
  // nothing is to be done. So an index of n tiles has at most 3·log4(n) segments and writes each
  // tile log4(n) times. One merge at a time; a second caller waits.
  // Leaves out the documents for which `keep` (null: none) says no, and alone segments of more than
  // `max_tiles` tiles: a merge holds its result in memory.
  StatusOr<std::optional<Merged>> MergeSome(
      FormSource& forms, const std::function<bool(const RunDocument&)>& keep = nullptr,
      uint64_t max_tiles = UINT64_MAX);
  // Puts `now`, another reading of the same bytes, in the place of `old`; false when `old` is not
  // here (any more).
  bool Replace(const std::shared_ptr<const RunSegment>& old, std::shared_ptr<const RunSegment> now);
  std::vector<std::shared_ptr<const RunSegment>> Segments() const;
  // Makes one segment of all, leaving out the documents for which `keep` (null: none) says no.
  StatusOr<std::optional<Merged>> MergeAll(FormSource& forms,
                                           const std::function<bool(const RunDocument&)>& keep);

 private:
  StatusOr<Merged> Merge(std::vector<std::shared_ptr<const RunSegment>> sources, FormSource& forms,
                         const std::function<bool(const RunDocument&)>& keep);

  const RunHasher& hasher_;
  std::mutex merging_;        // held for a whole merge
  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<const RunSegment>> segments_;
  std::shared_ptr<RunFront> front_;  // holds all of them; null: there are none
};

}  // namespace jangbu::ingest
