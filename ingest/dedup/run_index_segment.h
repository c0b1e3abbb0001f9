#pragma once

// An immutable piece of the run index: where each sampled tile of its documents stands.
//
// A *tile* is 12 code points of a document's comparison form that begin at a multiple of 13. Any 24
// code points in a row hold exactly one tile whole (13 neighbouring places hold one multiple of 13,
// and 12 + 12 = 24), so a run of 24 or more cannot hide: some 12 code points of the other text are
// one of the document's tiles, and looking up every place of the other text finds it. A key only
// proposes; the documents' own text decides.
//
// A tile that stands at more than kHotTiles places is *hot* (laughter, formulae of statutes,
// footers): following every posting would cost more than the text is long. Beside it the segment
// keeps every distinct 24 code points that hold a hot tile, with the earliest place of each.
//
//   segment   = "JBRUNS03" secret_check:u64 size × 5 documents filter tiles hot around XXH3-64:u64
//   size      = u64                      of documents, filter, tiles, hot, around, in bytes
//   documents = count:u64 tiles:u64 (first_tile:u32 offset:u32) × ⌈count ÷ 8⌉ record × count
//   record    = entry:varint ordinal:varint scope:varint tiles:varint
//               in groups of 8: the first of a group in full; then entry as the difference, the
//               ordinal as the difference − 1 if the entry is the same, scope as a zigzag
//               difference
//   tiles     = table of (key:40, number of the tile in the segment)
//   hot       = table of (key:40 of 24 code points, number of the tile << 4 | its distance from the
//               first of them)
//   around    = u24 × tiles, in the order of the rows of `tiles`: see Surroundings
//   table     = count:u64 bucket_bits:u32 value_bits:u32 first:u32 × (2^bucket_bits + 1)
//               row × count, 8 bytes of zero
//   row       = (key's low 40 − bucket_bits bits << value_bits | value), bit-packed from the low
//   end
//
// Little-endian. Documents ascend by place, tiles are numbered in their order, rows ascend. The
// same documents give the same bytes, whatever segments they were merged from. Read in place: a
// segment may lie in a mapped file, then only its filter and the pages in use take memory.

#include <algorithm>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ingest/dedup/filter.h"
#include "ingest/dedup/rolling_hash.h"

namespace jangbu::ingest {

inline constexpr size_t kTile = 12;
inline constexpr size_t kTileStep = 13;
// The shortest run that counts, and the shortest that the index is sure to see.
inline constexpr size_t kMinRun = kTile + kTileStep - 1;
static_assert(kMinRun == 24);
inline constexpr size_t kHotTiles = 32;

// Where a document stands in the order that references are judged by (a journal sequence number and
// the document's number in its batch). Names the document.
struct JournalPlace {
  uint64_t entry = 0;
  uint32_t ordinal = 0;
  auto operator<=>(const JournalPlace&) const = default;
};
inline constexpr JournalPlace kAfterAll{UINT64_MAX, UINT32_MAX};

struct RunDocument {
  JournalPlace place;
  uint32_t scope = 0;  // whose: a partner's number
  bool operator==(const RunDocument&) const = default;
};

// The seam to the stored text.
//
// Thread-safe. Called often for the same few documents: worth a cache.
class FormSource {
 public:
  virtual ~FormSource() = default;
  // The comparison form of a document as code points, the same as when it was indexed. NotFound: it
  // is gone for good, and the document counts for nothing; any other error ends the question that
  // needed it.
  virtual StatusOr<std::shared_ptr<const std::u32string>> Form(const RunDocument& document) = 0;
};

// The code points of a comparison form. REQUIRES: valid UTF-8.
std::u32string CodePoints(std::string_view form);

namespace internal {

// What stands around 12 code points: a bit for each of the 8 before (the nearest in the lowest bit)
// and, in the next byte, the 8 after; then four bits of the 6 before together, and of the 6 after.
// 24 code points that hold a tile hold 12 more around it, of which 6 or more are on one side; so a
// posting whose surroundings differ from the text's too near to the tile is of no run of 24, and
// its document need not be read. Differing surroundings are sure, equal ones are not.
class Surroundings {
 public:
  static constexpr int kBits = 24;
  // Of the 12 code points at `at` of `text`.
  static Surroundings Of(std::u32string_view text, size_t at) {
    Surroundings s;
    s.before_ = static_cast<uint8_t>(std::min<size_t>(at, 8));
    s.after_ = static_cast<uint8_t>(std::min<size_t>(text.size() - at - kTile, 8));
    for (size_t i = 0; i < s.before_; ++i) s.bits_ |= Bit(text[at - 1 - i]) << i;
    for (size_t i = 0; i < s.after_; ++i) s.bits_ |= Bit(text[at + kTile + i]) << (8 + i);
    if (s.before_ >= kTogether) {
      uint32_t all = 0;
      for (size_t i = 0; i < kTogether; ++i) all = Mix(all, text[at - 1 - i]);
      s.bits_ |= all >> 28 << 16;
    }
    if (s.after_ >= kTogether) {
      uint32_t all = 0;
      for (size_t i = 0; i < kTogether; ++i) all = Mix(all, text[at + kTile + i]);
      s.bits_ |= all >> 28 << 20;
    }
    return s;
  }
  uint32_t bits() const { return bits_; }

  // Windows of 24 code points that hold the tile, one a bit: bit k is the one that begins k before
  // it.
  static constexpr unsigned kAllWindows = (1u << kTileStep) - 1;
  // Those of them that may stand around a tile whose surroundings are `other` too.
  unsigned MayShare(uint32_t other) const {
    constexpr int kRest = kMinRun - kTile;
    const unsigned differ = bits_ ^ other;
    int left = Reach(differ & 0xFF, before_);
    int right = Reach(differ >> 8 & 0xFF, after_);
    // Fewer than these are the same: one of them differs, or a text ends before.
    if ((differ >> 16 & 15) != 0) left = std::min(left, static_cast<int>(kTogether) - 1);
    if ((differ >> 20 & 15) != 0) right = std::min(right, static_cast<int>(kTogether) - 1);
    if (left + right < kRest) return 0;
    return (2u << left) - (1u << (kRest - std::min(right, kRest)));
  }

 private:
  static constexpr size_t kTogether = (kMinRun - kTile) / 2;
  static unsigned Bit(char32_t c) { return static_cast<unsigned>(c) * 0x9E3779B1u >> 31; }
  static uint32_t Mix(uint32_t all, char32_t c) {
    all = (all ^ static_cast<uint32_t>(c)) * 0x9E3779B1u;
    return all ^ all >> 15;
  }
  // At most so many code points are the same on one side.
  static int Reach(unsigned differ, int known) {
    const int same = std::countr_zero(differ | 0x100u);
    if (same < known) return same;
    return known == 8 ? static_cast<int>(kMinRun - kTile) : known;
  }

  uint32_t bits_ = 0;
  uint8_t before_ = 0;  // code points there are, at most 8
  uint8_t after_ = 0;
};

// Ascending rows of (40-bit key, value), found by key in one or two reads. A view of its encoding.
class KeyTable {
 public:
  struct Row {
    uint64_t key = 0;
    uint64_t value = 0;
    auto operator<=>(const Row&) const = default;
  };

  // Lays out rows given one after the other.
  class Writer {
   public:
    // REQUIRES: value_bits <= 40, count < 2^32.
    Writer(uint64_t count, int value_bits);
    // REQUIRES: rows ascend; `count` of them in all.
    void Add(uint64_t key, uint64_t value);
    std::string Finish();

   private:
    uint64_t count_, added_ = 0;
    int bucket_bits_, value_bits_;
    uint64_t bucket_ = 0;
    std::string out_;
    size_t rows_at_;
  };

  // DataLoss("run_table_malformed") unless the shape and the order of rows are as written by
  // Writer.
  static StatusOr<KeyTable> Parse(std::string_view bytes);

  uint64_t size() const { return count_; }
  int value_bits() const { return value_bits_; }
  uint64_t ValueAt(uint64_t i) const { return Packed(i) & value_mask_; }

  struct Range {
    uint64_t first = 0;
    uint64_t last = 0;
    bool empty() const { return first == last; }
    uint64_t size() const { return last - first; }
  };
  // The rows of `key`. Ascending by value.
  Range Find(uint64_t key) const;
  // Hints that `key` will be looked for: the first as soon as that is known, the second some other
  // work later. Always inline, as all that hints: g++ takes a function that does nothing else for
  // one without effect and drops its calls.
  [[gnu::always_inline]] void PrefetchBucket(uint64_t key) const {
    __builtin_prefetch(firsts_ + 4 * (key >> tag_bits_));
  }
  [[gnu::always_inline]] void PrefetchRows(uint64_t key) const {
    const uint64_t bucket = key >> tag_bits_;
    const uint64_t bit = Guess(key, First(bucket), First(bucket + 1)) * uint64_t(row_bits_);
    __builtin_prefetch(rows_ + (bit >> 3));
    __builtin_prefetch(rows_ + (bit >> 3) + 64);
  }
  // Of rows of one key those whose value is below `limit`.
  Range Below(Range rows, uint64_t limit) const;

  // Calls `f(key, value)` for each row in order.
  template <typename F>
  void ForEach(F&& f) const {
    for (uint64_t bucket = 0; bucket + 1 <= uint64_t{1} << bucket_bits_; ++bucket) {
      const uint64_t last = First(bucket + 1);
      for (uint64_t i = First(bucket); i < last; ++i) {
        const uint64_t packed = Packed(i);
        f(bucket << tag_bits_ | packed >> value_bits_, packed & value_mask_);
      }
    }
  }
  // Reads rows one after the other.
  class Cursor {
   public:
    explicit Cursor(const KeyTable* table) : table_(table) { Settle(); }
    bool done() const { return at_ == table_->count_; }
    const Row& row() const { return row_; }
    uint64_t index() const { return at_; }
    void Next() {
      ++at_;
      Settle();
    }

   private:
    void Settle();
    const KeyTable* table_;
    uint64_t at_ = 0;
    uint64_t bucket_ = 0;
    Row row_;
  };

 private:
  uint64_t First(uint64_t bucket) const {
    uint32_t v;
    std::memcpy(&v, firsts_ + 4 * bucket, 4);
    return v;
  }
  // Keys are spread evenly: near which row of its bucket [first, last) a key's rows are, a few
  // early.
  uint64_t Guess(uint64_t key, uint64_t first, uint64_t last) const {
    const uint64_t tag = key & ((uint64_t{1} << tag_bits_) - 1);
    const uint64_t at = (last - first) * tag >> tag_bits_;
    return first + (at > 4 ? at - 4 : 0);
  }
  uint64_t Packed(uint64_t i) const {
    const uint64_t bit = i * static_cast<uint64_t>(row_bits_);
    uint64_t v;
    std::memcpy(&v, rows_ + (bit >> 3), 8);
    return (v >> (bit & 7)) & row_mask_;
  }

  uint64_t count_ = 0;
  int bucket_bits_ = 0, tag_bits_ = kRunKeyBits, value_bits_ = 1, row_bits_ = kRunKeyBits + 1;
  uint64_t value_mask_ = 1, row_mask_ = 0;
  const char* firsts_ = nullptr;
  const char* rows_ = nullptr;
};

// Documents by place and by tile. A view of its encoding.
class DocumentTable {
 public:
  struct Entry {
    RunDocument document;
    uint32_t tiles = 0;
    uint32_t first_tile = 0;
  };
  static std::string Encode(std::span<const Entry> entries);
  // DataLoss("run_documents_malformed").
  static StatusOr<DocumentTable> Parse(std::string_view bytes);

  uint64_t size() const { return count_; }
  uint64_t tiles() const { return tiles_; }
  // The document that holds a tile. REQUIRES: tile < tiles(). About 50 ns.
  Entry OfTile(uint32_t tile) const;
  // How many tiles the documents before `place` have: those numbered below.
  uint64_t TilesBefore(const JournalPlace& place) const;
  std::vector<Entry> All() const;

 private:
  uint32_t GroupTile(uint64_t group) const;
  uint32_t GroupOffset(uint64_t group) const;

  uint64_t count_ = 0;
  uint64_t tiles_ = 0;
  uint64_t groups_ = 0;
  const char* groups_at_ = nullptr;
  std::string_view records_;
};

}  // namespace internal

// A document to be indexed; `form` is borrowed for the call.
struct RunText {
  RunDocument document;
  std::u32string_view form;
};

// Immutable, thread-safe.
class RunSegment {
 public:
  // Indexes `texts`. Documents of fewer than 24 code points hold no run and are left out. A pure
  // function of its arguments. About 100–200 ns a tile.
  //
  // REQUIRES: ascending by place, no place twice.
  // Returns ResourceExhausted("run_segment_full") beyond 2^24 tiles (218 million code points):
  // index those in two and merge.
  static StatusOr<std::shared_ptr<const RunSegment>> Build(const RunHasher& hasher,
                                                           std::span<const RunText> texts);

  // One segment of the documents of all `sources` (at least one), save those for which `keep` (may
  // be null: all) says no. A document of several sources is taken from the first. The bytes are
  // what Build would give for the same documents; the text of documents is asked for only where a
  // tile becomes hot, and for all hot tiles when one is left out; where it is gone the hot table
  // goes without its windows. Returns
  // ResourceExhausted("run_segment_full") at 2^32 tiles, and errors of `forms`.
  static StatusOr<std::shared_ptr<const RunSegment>> Merge(
      const RunHasher& hasher, std::span<const std::shared_ptr<const RunSegment>> sources,
      FormSource& forms, const std::function<bool(const RunDocument&)>& keep);

  // Reads an encoding in place; `owner` keeps `bytes` alive. Everything is checked, in a time
  // linear in the size: what passes is safe to ask and finds all that its rows hold.
  // DataLoss("run_segment_damaged") for a wrong checksum, DataLoss with another reason for a wrong
  // shape, FailedPrecondition("run_segment_foreign") for another secret's.
  static StatusOr<std::shared_ptr<const RunSegment>> Decode(const RunHasher& hasher,
                                                            std::string_view bytes,
                                                            std::shared_ptr<const void> owner);

  std::string_view encoded() const { return bytes_; }

  uint64_t documents() const { return documents_.size(); }
  uint64_t tiles() const { return tiles_.size(); }
  // The first and last document; meaningless when there are none.
  const JournalPlace& first_place() const { return first_place_; }
  const JournalPlace& last_place() const { return last_place_; }
  // Bytes that every look-up of every place reads: the filter.
  uint64_t filter_bytes() const { return filter_bytes_; }
  uint64_t hot_bytes() const { return hot_bytes_; }

  // What stands around the tile of a row of tile_table().
  uint32_t AroundAt(uint64_t row) const {
    uint32_t v;  // a byte more, at most of the checksum
    std::memcpy(&v, around_ + kAroundBytes * row, 4);
    return v & ((1u << internal::Surroundings::kBits) - 1);
  }

  // Hints that these rows' surroundings will be asked for. REQUIRES: not empty.
  [[gnu::always_inline]] void PrefetchAround(internal::KeyTable::Range rows) const {
    __builtin_prefetch(around_ + kAroundBytes * rows.first);
    __builtin_prefetch(around_ + kAroundBytes * std::min(rows.last - 1, rows.first + kHotTiles));
  }

  const KeyFilter& filter() const { return filter_; }
  const internal::KeyTable& tile_table() const { return tiles_; }
  const internal::KeyTable& hot_table() const { return hot_; }
  const internal::DocumentTable& document_table() const { return documents_; }

 private:
  static constexpr size_t kAroundBytes = internal::Surroundings::kBits / 8;

  RunSegment() = default;
  static StatusOr<std::shared_ptr<const RunSegment>> Assemble(const RunHasher& hasher,
                                                              std::string documents,
                                                              std::string filter, std::string tiles,
                                                              std::string hot, std::string around);
  static StatusOr<std::shared_ptr<RunSegment>> Open(const RunHasher& hasher, std::string_view bytes,
                                                    std::shared_ptr<const void> owner);

  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
  KeyFilter filter_;
  internal::DocumentTable documents_;
  internal::KeyTable tiles_;
  internal::KeyTable hot_;
  const char* around_ = nullptr;
  JournalPlace first_place_;
  JournalPlace last_place_;
  uint64_t filter_bytes_ = 0;
  uint64_t hot_bytes_ = 0;
};

// Tiles of a document of `length` code points.
inline size_t TilesOf(size_t length) {
  return length < kMinRun ? 0 : (length - kTile) / kTileStep + 1;
}

}  // namespace jangbu::ingest
