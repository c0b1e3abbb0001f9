#pragma once

// What the guard asks: the run index, and beside it what makes the guard's question bounded and
// lasting.
//
//   hot runs   A tile that stands at many places (laughter, formulae of statutes) is not followed.
//              Every window of 50 (up to 150 where it is not Korean, see LeastRun) all of whose
//              tiles are hot stands in a table of its own, so that one look-up answers for it.
//   withdrawn  Of withdrawn documents no text is left: a keyed 64-bit MAC of every such window.
//
//   withdrawn = "JBWITHD1" document count:u64 (key:u64 mac:u64) × count     ascending,
//   little-endian document  = entry:u64 ordinal:u32 scope:u32 key       = RunHasher's of the window
//   (40 bits), mac = first 8 bytes of HMAC-SHA-256
//
// 16 bytes a code point while stored and loaded, and 1.13 bytes of filter.

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ingest/dedup/run_index.h"

namespace jangbu::audit {

inline constexpr size_t kRunLimit = 50;        // code points of comparison form
inline constexpr size_t kRunLimitOther = 150;  // with fewer than kRunKorean Hangul or Han
inline constexpr size_t kRunKorean = 20;
static_assert(kRunLimit >= ingest::kTile + 2 * ingest::kTileStep + ingest::kTileStep - 1,
              "a window of 50 holds three tiles whole");

// A tile that stands at more places of one segment is hot. Such a tile alone charges no document's
// budget (exposure_budget.h): a wording held so often is nobody's in particular.
inline constexpr size_t kFollowed = 16;

// Is it Hangul or Han, as the promise counts them?
bool IsHangulOrHan(char32_t cp);

// The length of the shortest ending of `text` that is forbidden if it occurs in a document: 50 if
// 20 of those are Hangul or Han, else as many as it takes to hold 20, else 150. More than the text
// has when there is none. Depends on the last 150 code points alone, so an ending occurs in a
// document exactly where the document has the same one.
size_t LeastRun(std::u32string_view text);

class WithdrawnRuns;

// Immutable, thread-safe.
class HotRuns {
 public:
  struct Place {
    ingest::RunDocument document;
    uint32_t begin = 0;
  };
  // Of one segment; asks for the text of documents that hold three hot tiles in a row, nobody
  // else's. About 40 bytes a window; beside the wording itself, each place of it has up to 24
  // windows that reach into what stands around it.
  static StatusOr<std::shared_ptr<const HotRuns>> Build(const ingest::RunHasher& hasher,
                                                        const ingest::RunSegment& segment,
                                                        ingest::FormSource& forms,
                                                        const WithdrawnRuns* withdrawn);
  ~HotRuns();
  // The earliest place in the segment that may hold `window`; to be compared with its text.
  const Place* Find(uint64_t hash) const;
  size_t size() const;
  uint64_t seed() const { return seed_; }
  static uint64_t HashOf(std::u32string_view window, uint64_t seed);

 private:
  HotRuns();
  struct Table;
  std::unique_ptr<Table> table_;
  uint64_t seed_ = 0;
};

// Immutable, thread-safe.
class WithdrawnRuns {
 public:
  // The stored record of a document, to be made before its text is destroyed. Of one that is
  // shorter than any run that counts it says that it is withdrawn, and no more.
  static std::string RecordOf(const ingest::RunHasher& hasher, const HmacSha256& mac,
                              const ingest::RunDocument& document, std::u32string_view form);
  // Reads records. Borrows `hasher` and `mac`. DataLoss("withdrawn_runs_malformed").
  static StatusOr<std::shared_ptr<const WithdrawnRuns>> Load(const ingest::RunHasher& hasher,
                                                             const HmacSha256& mac,
                                                             std::span<const std::string> records);

  bool empty() const { return documents_.empty(); }
  // Is there a record of this document?
  bool Has(const ingest::RunDocument& document) const { return places_.contains(document.place); }
  size_t size() const { return rows_.size(); }
  // The withdrawn document that holds `window`, which has this key; null when none does.
  const ingest::RunDocument* Find(std::u32string_view window, uint64_t key) const;
  const ingest::RunHasher& hasher() const { return *hasher_; }

 private:
  struct Row {
    uint64_t key;
    uint64_t mac;
    uint32_t document;
  };
  const ingest::RunHasher* hasher_ = nullptr;
  const HmacSha256* mac_ = nullptr;
  std::vector<ingest::RunDocument> documents_;
  std::set<ingest::JournalPlace> places_;
  std::vector<Row> rows_;
  std::string filter_bytes_;
  ingest::KeyFilter filter_;
};

// One moment of what is guarded. Immutable, thread-safe, shared by streams.
class GuardIndex {
 public:
  // Makes the tables of segments that `before` (may be null) does not have. `forms` outlives it.
  static StatusOr<std::shared_ptr<const GuardIndex>> Make(
      ingest::RunView view, ingest::FormSource& forms,
      std::shared_ptr<const WithdrawnRuns> withdrawn, const GuardIndex* before);

  const ingest::RunView& view() const { return view_; }
  ingest::FormSource& forms() const { return *forms_; }
  // The form of a document; null when it is withdrawn: then withdrawn() answers for it. A text that
  // is gone without a record is an error, never an empty text.
  StatusOr<std::shared_ptr<const std::u32string>> Form(const ingest::RunDocument& document) const;
  const WithdrawnRuns* withdrawn() const { return withdrawn_.get(); }
  struct Segment {
    std::shared_ptr<const ingest::RunSegment> segment;
    std::shared_ptr<const HotRuns> hot;  // null: it has none
  };
  const std::vector<Segment>& segments() const { return segments_; }
  bool has_hot() const { return has_hot_; }

 private:
  ingest::RunView view_;
  ingest::FormSource* forms_ = nullptr;
  std::shared_ptr<const WithdrawnRuns> withdrawn_;
  std::vector<Segment> segments_;
  bool has_hot_ = false;
};

}  // namespace jangbu::audit
