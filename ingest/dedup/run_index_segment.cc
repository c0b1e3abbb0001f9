#include "ingest/dedup/run_index_segment.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {

static_assert(std::endian::native == std::endian::little, "segments are read in place");

namespace {

constexpr std::string_view kMagic = "JBRUNS03";
constexpr size_t kHeaderBytes = 8 + 8 + 5 * 8;
constexpr int kDistanceBits = 4;
constexpr int kMaxRowBits = 57;  // a row and seven bits of misalignment fit one 8-byte read
constexpr uint64_t kGroup = 8;   // looking a tile up reads half a group
constexpr uint64_t kMaxBuildTiles = uint64_t{1} << 24;

int ValueBitsFor(uint64_t tiles) {
  return std::max(1, static_cast<int>(std::bit_width(tiles > 0 ? tiles - 1 : 0)));
}

int BucketBitsFor(uint64_t count, int value_bits) {
  return std::max(
      {0, static_cast<int>(std::bit_width(count)) - 5, kRunKeyBits + value_bits - kMaxRowBits});
}

uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
int64_t UnZigZag(uint64_t v) { return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1); }

}  // namespace

std::u32string CodePoints(std::string_view form) {
  std::u32string out;
  out.reserve(form.size() / 3 + form.size() / 16 + 8);
  const char* p = form.data();
  const char* const end = p + form.size();
  while (p != end) out.push_back(DecodeUtf8(p));
  return out;
}

namespace internal {

// ---- KeyTable

KeyTable::Writer::Writer(uint64_t count, int value_bits) : count_(count), value_bits_(value_bits) {
  JANGBU_CHECK(value_bits >= 1 && value_bits <= 40 && count <= UINT32_MAX);
  bucket_bits_ = BucketBitsFor(count, value_bits);
  const int row_bits = kRunKeyBits - bucket_bits_ + value_bits;
  const uint64_t firsts = (uint64_t{1} << bucket_bits_) + 1;
  ByteWriter head;
  head.U64(count);
  head.U32(static_cast<uint32_t>(bucket_bits_));
  head.U32(static_cast<uint32_t>(value_bits));
  out_ = head.Take();
  rows_at_ = out_.size() + 4 * firsts;
  out_.resize(rows_at_ + (count * static_cast<uint64_t>(row_bits) + 7) / 8 + 8, '\0');
}

void KeyTable::Writer::Add(uint64_t key, uint64_t value) {
  JANGBU_CHECK(added_ < count_);
  const int tag_bits = kRunKeyBits - bucket_bits_;
  const uint64_t bucket = key >> tag_bits;
  JANGBU_CHECK(bucket >= bucket_ && bucket < uint64_t{1} << bucket_bits_);
  // firsts[0] is zero already; firsts[b] is how many rows stand in buckets below b.
  for (; bucket_ < bucket; ++bucket_) {
    const auto first = static_cast<uint32_t>(added_);
    std::memcpy(out_.data() + 16 + 4 * (bucket_ + 1), &first, 4);
  }
  const uint64_t tag = key & ((uint64_t{1} << tag_bits) - 1);
  const uint64_t packed = tag << value_bits_ | value;
  const uint64_t bit = added_ * static_cast<uint64_t>(tag_bits + value_bits_);
  char* const at = out_.data() + rows_at_ + (bit >> 3);
  uint64_t word;
  std::memcpy(&word, at, 8);
  word |= packed << (bit & 7);
  std::memcpy(at, &word, 8);
  ++added_;
}

std::string KeyTable::Writer::Finish() {
  JANGBU_CHECK(added_ == count_);
  const auto last = static_cast<uint32_t>(added_);
  for (; bucket_ < uint64_t{1} << bucket_bits_; ++bucket_) {
    std::memcpy(out_.data() + 16 + 4 * (bucket_ + 1), &last, 4);
  }
  return std::move(out_);
}

StatusOr<KeyTable> KeyTable::Parse(std::string_view bytes) {
  const auto malformed = [] {
    return DataLoss("run_table_malformed", "a table of the run index has a bad shape");
  };
  ByteReader in(bytes);
  KeyTable t;
  t.count_ = in.U64();
  const uint32_t bucket_bits = in.U32();
  const uint32_t value_bits = in.U32();
  if (!in.ok() || t.count_ > UINT32_MAX || value_bits < 1 || value_bits > 40) return malformed();
  t.value_bits_ = static_cast<int>(value_bits);
  t.bucket_bits_ = BucketBitsFor(t.count_, t.value_bits_);
  if (bucket_bits != static_cast<uint32_t>(t.bucket_bits_)) return malformed();
  t.tag_bits_ = kRunKeyBits - t.bucket_bits_;
  t.row_bits_ = t.tag_bits_ + t.value_bits_;
  t.value_mask_ = (uint64_t{1} << t.value_bits_) - 1;
  t.row_mask_ = (uint64_t{1} << t.row_bits_) - 1;
  const uint64_t buckets = uint64_t{1} << t.bucket_bits_;
  const uint64_t row_bytes = (t.count_ * static_cast<uint64_t>(t.row_bits_) + 7) / 8;
  if (in.remaining() != 4 * (buckets + 1) + row_bytes + 8) return malformed();
  t.firsts_ = bytes.data() + 16;
  t.rows_ = t.firsts_ + 4 * (buckets + 1);
  if (t.First(0) != 0 || t.First(buckets) != t.count_) return malformed();
  for (uint64_t b = 0; b < buckets; ++b) {
    if (t.First(b) > t.First(b + 1)) return malformed();
  }
  for (uint64_t b = 0; b < buckets; ++b) {
    for (uint64_t i = t.First(b) + 1; i < t.First(b + 1); ++i) {
      if (t.Packed(i - 1) >= t.Packed(i)) return malformed();
    }
  }
  // What follows the last row is zero.
  const uint64_t bits = t.count_ * static_cast<uint64_t>(t.row_bits_);
  uint64_t tail;
  std::memcpy(&tail, t.rows_ + (bits >> 3), 8);
  if (tail >> (bits & 7) != 0) return malformed();
  for (const char c : bytes.substr(bytes.size() - 8)) {
    if (c != 0) return malformed();
  }
  return t;
}

KeyTable::Range KeyTable::Find(uint64_t key) const {
  const uint64_t bucket = key >> tag_bits_;
  const uint64_t tag = key & ((uint64_t{1} << tag_bits_) - 1);
  uint64_t low = First(bucket);
  uint64_t high = First(bucket + 1);
  const auto lower = [&](uint64_t bound, uint64_t from, uint64_t to) {
    while (from < to) {
      const uint64_t middle = from + (to - from) / 2;
      if (Packed(middle) < bound) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  };
  // The first row of the tag: between two rows around the guess, most of the time.
  const uint64_t bound = tag << value_bits_;
  const uint64_t guess = Guess(key, low, high);
  if (guess < high) {
    uint64_t step = 8;
    if (Packed(guess) < bound) {
      low = guess + 1;
      while (low + step < high && Packed(low + step) < bound) {
        low += step + 1;
        step *= 2;
      }
      low = lower(bound, low, std::min(high, low + step));
    } else {
      uint64_t above = guess;  // that row is not below the bound
      while (above - low > step && Packed(above - step) >= bound) {
        above -= step;
        step *= 2;
      }
      low = lower(bound, above - low > step ? above - step + 1 : low, above);
    }
  }
  if (low == high || Packed(low) >> value_bits_ != tag) return {low, low};
  // Nearly every key stands in a few rows: look near first.
  uint64_t reach = 1;
  while (low + reach < high && Packed(low + reach) >> value_bits_ == tag) reach *= 2;
  return {low, lower((tag + 1) << value_bits_, low + reach / 2, std::min(high, low + reach))};
}

KeyTable::Range KeyTable::Below(Range rows, uint64_t limit) const {
  if (rows.empty() || ValueAt(rows.last - 1) < limit) return rows;
  uint64_t low = rows.first;
  uint64_t high = rows.last - 1;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (ValueAt(middle) < limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {rows.first, low};
}

void KeyTable::Cursor::Settle() {
  if (done()) return;
  while (table_->First(bucket_ + 1) <= at_) ++bucket_;
  const uint64_t packed = table_->Packed(at_);
  row_ = {bucket_ << table_->tag_bits_ | packed >> table_->value_bits_,
          packed & table_->value_mask_};
}

// ---- DocumentTable

std::string DocumentTable::Encode(std::span<const Entry> entries) {
  ByteWriter head;
  ByteWriter records;
  uint64_t tiles = 0;
  ByteWriter groups;
  RunDocument last;
  for (uint64_t i = 0; i < entries.size(); ++i) {
    const Entry& e = entries[i];
    if (i % kGroup == 0) {
      JANGBU_CHECK(tiles <= UINT32_MAX && records.size() <= UINT32_MAX);
      groups.U32(static_cast<uint32_t>(tiles));
      groups.U32(static_cast<uint32_t>(records.size()));
      records.Varint(e.document.place.entry);
      records.Varint(e.document.place.ordinal);
      records.Varint(e.document.scope);
    } else {
      JANGBU_CHECK(last.place < e.document.place);
      const uint64_t step = e.document.place.entry - last.place.entry;
      records.Varint(step);
      records.Varint(step == 0 ? e.document.place.ordinal - last.place.ordinal - 1
                               : e.document.place.ordinal);
      records.Varint(ZigZag(int64_t{e.document.scope} - int64_t{last.scope}));
    }
    records.Varint(e.tiles);
    tiles += e.tiles;
    last = e.document;
  }
  head.U64(entries.size());
  head.U64(tiles);
  return head.Take() + groups.Take() + records.Take();
}

namespace {

// Reads the record of a group's member; `last` is the one before, nothing for the first.
bool ReadRecord(ByteReader& in, bool first, RunDocument& document, uint32_t& tiles) {
  if (first) {
    document.place.entry = in.Varint();
    const uint64_t ordinal = in.Varint();
    const uint64_t scope = in.Varint();
    if (ordinal > UINT32_MAX || scope > UINT32_MAX) return false;
    document.place.ordinal = static_cast<uint32_t>(ordinal);
    document.scope = static_cast<uint32_t>(scope);
  } else {
    const uint64_t step = in.Varint();
    if (step > UINT64_MAX - document.place.entry) return false;
    const uint64_t ordinal = in.Varint();
    if (ordinal > UINT32_MAX) return false;
    const uint64_t base = step == 0 ? uint64_t{document.place.ordinal} + 1 : 0;
    if (base + ordinal > UINT32_MAX) return false;
    document.place.entry += step;
    document.place.ordinal = static_cast<uint32_t>(base + ordinal);
    const int64_t change = UnZigZag(in.Varint());
    if (change < -int64_t{UINT32_MAX} || change > int64_t{UINT32_MAX}) return false;
    const int64_t scope = int64_t{document.scope} + change;
    if (scope < 0 || scope > int64_t{UINT32_MAX}) return false;
    document.scope = static_cast<uint32_t>(scope);
  }
  const uint64_t count = in.Varint();
  if (count > UINT32_MAX) return false;
  tiles = static_cast<uint32_t>(count);
  return in.ok();
}

}  // namespace

StatusOr<DocumentTable> DocumentTable::Parse(std::string_view bytes) {
  const auto malformed = [] {
    return DataLoss("run_documents_malformed", "the document table of a run segment is malformed");
  };
  ByteReader in(bytes);
  DocumentTable t;
  t.count_ = in.U64();
  t.tiles_ = in.U64();
  if (!in.ok() || t.count_ > in.remaining() || t.tiles_ > UINT32_MAX) return malformed();
  t.groups_ = (t.count_ + kGroup - 1) / kGroup;
  if (in.remaining() < 8 * t.groups_) return malformed();
  t.groups_at_ = bytes.data() + 16;
  t.records_ = bytes.substr(16 + 8 * t.groups_);
  ByteReader records(t.records_);
  uint64_t tiles = 0;
  RunDocument document;
  JournalPlace last;
  for (uint64_t i = 0; i < t.count_; ++i) {
    if (i % kGroup == 0 && (t.GroupTile(i / kGroup) != tiles ||
                            t.GroupOffset(i / kGroup) != t.records_.size() - records.remaining())) {
      return malformed();
    }
    uint32_t own = 0;
    if (!ReadRecord(records, i % kGroup == 0, document, own) || own == 0) return malformed();
    if (i > 0 && document.place <= last) return malformed();
    last = document.place;
    tiles += own;
    if (tiles > t.tiles_) return malformed();
  }
  if (!records.empty() || tiles != t.tiles_) return malformed();
  return t;
}

uint32_t DocumentTable::GroupTile(uint64_t group) const {
  uint32_t v;
  std::memcpy(&v, groups_at_ + 8 * group, 4);
  return v;
}

uint32_t DocumentTable::GroupOffset(uint64_t group) const {
  uint32_t v;
  std::memcpy(&v, groups_at_ + 8 * group + 4, 4);
  return v;
}

namespace {

// Reads records that Parse has read before.
class KnownRecords {
 public:
  explicit KnownRecords(const char* at) : at_(at) {}
  void Next(bool first, DocumentTable::Entry& entry) {
    JournalPlace& place = entry.document.place;
    if (first) {
      place.entry = Varint();
      place.ordinal = static_cast<uint32_t>(Varint());
      entry.document.scope = static_cast<uint32_t>(Varint());
    } else {
      const uint64_t step = Varint();
      const auto ordinal = static_cast<uint32_t>(Varint());
      place.ordinal = step == 0 ? place.ordinal + 1 + ordinal : ordinal;
      place.entry += step;
      entry.document.scope += static_cast<uint32_t>(UnZigZag(Varint()));
    }
    entry.tiles = static_cast<uint32_t>(Varint());
  }

 private:
  uint64_t Varint() {
    auto byte = static_cast<uint8_t>(*at_++);
    uint64_t v = byte & 0x7F;
    for (int shift = 7; byte >= 0x80; shift += 7) {
      byte = static_cast<uint8_t>(*at_++);
      v |= uint64_t{byte & 0x7Fu} << shift;
    }
    return v;
  }
  const char* at_;
};

}  // namespace

uint64_t DocumentTable::TilesBefore(const JournalPlace& place) const {
  // The last group whose first document stands before `place`.
  uint64_t low = 0;
  uint64_t high = groups_;
  Entry e;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    KnownRecords(records_.data() + GroupOffset(middle)).Next(true, e);
    if (e.document.place < place) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return 0;
  const uint64_t group = low - 1;
  const uint64_t members = std::min(kGroup, count_ - group * kGroup);
  KnownRecords records(records_.data() + GroupOffset(group));
  uint64_t tiles = GroupTile(group);
  for (uint64_t i = 0; i < members; ++i) {
    records.Next(i == 0, e);
    if (e.document.place >= place) break;
    tiles += e.tiles;
  }
  return tiles;
}

DocumentTable::Entry DocumentTable::OfTile(uint32_t tile) const {
  JANGBU_CHECK(tile < tiles_);
  uint64_t low = 0;
  uint64_t high = groups_;
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    if (GroupTile(middle) <= tile) {
      low = middle;
    } else {
      high = middle;
    }
  }
  KnownRecords records(records_.data() + GroupOffset(low));
  Entry e;
  e.first_tile = GroupTile(low);
  for (bool first = true;; first = false) {
    records.Next(first, e);
    if (tile - e.first_tile < e.tiles) return e;
    e.first_tile += e.tiles;
  }
}

std::vector<DocumentTable::Entry> DocumentTable::All() const {
  std::vector<Entry> all;
  all.reserve(count_);
  ByteReader in(records_);
  Entry e;
  for (uint64_t i = 0; i < count_; ++i) {
    JANGBU_CHECK(ReadRecord(in, i % kGroup == 0, e.document, e.tiles));
    all.push_back(e);
    e.first_tile += e.tiles;
  }
  return all;
}

}  // namespace internal

// ---- RunSegment

namespace {

using internal::DocumentTable;
using internal::KeyTable;

// Adds a row for every 24 code points of `form` that hold tile `number`, which begins at `at`.
void AddWindows(const RunHasher& hasher, std::u32string_view form, size_t at, uint64_t number,
                std::vector<KeyTable::Row>& out) {
  if (form.size() < kMinRun) return;
  const size_t reach = kMinRun - kTile;
  const size_t from = at >= reach ? at - reach : 0;
  const size_t to = std::min(at, form.size() - kMinRun);
  RunHasher::Roller roller(hasher, kMinRun);
  roller.Reset(form.data() + from);
  for (size_t begin = from;; ++begin) {
    out.push_back({roller.key(), number << kDistanceBits | (at - begin)});
    if (begin == to) return;
    roller.Step(form[begin], form[begin + kMinRun]);
  }
}

// Its lowest bits.
void AppendAround(uint64_t around, std::string& out) {
  out.append(reinterpret_cast<const char*>(&around), internal::Surroundings::kBits / 8);
}

// The hot table of `rows`: of rows of one key the least.
std::string HotTable(std::vector<KeyTable::Row> rows, uint64_t tiles) {
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end(),
                         [](const auto& a, const auto& b) { return a.key == b.key; }),
             rows.end());
  KeyTable::Writer writer(rows.size(), ValueBitsFor(tiles) + kDistanceBits);
  for (const KeyTable::Row& row : rows) writer.Add(row.key, row.value);
  return writer.Finish();
}

}  // namespace

StatusOr<std::shared_ptr<const RunSegment>> RunSegment::Build(const RunHasher& hasher,
                                                              std::span<const RunText> texts) {
  std::vector<DocumentTable::Entry> documents;
  std::vector<const RunText*> kept;
  uint64_t tiles = 0;
  const RunText* last = nullptr;
  for (const RunText& text : texts) {
    JANGBU_CHECK(last == nullptr || last->document.place < text.document.place);
    last = &text;
    const uint64_t own = TilesOf(text.form.size());
    if (own == 0) continue;
    if (tiles + own > kMaxBuildTiles) {
      return ResourceExhausted("run_segment_full", "too much text for one call; split the batch");
    }
    documents.push_back({text.document, static_cast<uint32_t>(own), static_cast<uint32_t>(tiles)});
    kept.push_back(&text);
    tiles += own;
  }
  // Keys of 40 bits and numbers of 24 make one word; numbers ascend already, so a stable sort by
  // key is all.
  std::vector<uint64_t> words;
  words.reserve(tiles);
  std::vector<uint32_t> around;  // by number
  around.reserve(tiles);
  RunHasher::Roller roller(hasher, kTile);
  for (const RunText* text : kept) {
    const size_t own = TilesOf(text->form.size());
    for (size_t i = 0; i < own; ++i) {
      roller.Reset(text->form.data() + i * kTileStep);
      words.push_back(roller.key() << 24 | words.size());
      around.push_back(internal::Surroundings::Of(text->form, i * kTileStep).bits());
    }
  }
  if (words.size() < 2048) {
    std::sort(words.begin(), words.end());
  } else {
    std::vector<uint64_t> other(words.size());
    for (int shift = 24; shift < 64; shift += 10) {
      uint32_t starts[1025] = {};
      for (const uint64_t w : words) ++starts[((w >> shift) & 1023) + 1];
      for (size_t i = 1; i <= 1024; ++i) starts[i] += starts[i - 1];
      for (const uint64_t w : words) other[starts[(w >> shift) & 1023]++] = w;
      words.swap(other);
    }
  }
  constexpr uint64_t kNumber = kMaxBuildTiles - 1;
  KeyTable::Writer writer(tiles, ValueBitsFor(tiles));
  std::string around_rows;
  around_rows.reserve(kAroundBytes * tiles);
  std::vector<uint64_t> keys;
  keys.reserve(words.size());
  std::vector<KeyTable::Row> hot;
  for (size_t i = 0; i < words.size();) {
    const uint64_t key = words[i] >> 24;
    size_t end = i;
    for (; end < words.size() && words[end] >> 24 == key; ++end) {
      writer.Add(key, words[end] & kNumber);
      AppendAround(around[words[end] & kNumber], around_rows);
    }
    keys.push_back(key);
    if (end - i > kHotTiles) {
      size_t d = 0;
      for (; i < end; ++i) {
        const uint64_t number = words[i] & kNumber;
        d = static_cast<size_t>(
                std::upper_bound(documents.begin() + static_cast<ptrdiff_t>(d), documents.end(),
                                 number,
                                 [](uint64_t n, const auto& e) { return n < e.first_tile; }) -
                documents.begin()) -
            1;
        AddWindows(hasher, kept[d]->form, (number - documents[d].first_tile) * kTileStep, number,
                   hot);
      }
    }
    i = end;
  }
  return Assemble(hasher, DocumentTable::Encode(documents), KeyFilter::Encode(keys, kRunKeyBits),
                  writer.Finish(), HotTable(std::move(hot), tiles), std::move(around_rows));
}

StatusOr<std::shared_ptr<const RunSegment>> RunSegment::Merge(
    const RunHasher& hasher, std::span<const std::shared_ptr<const RunSegment>> sources,
    FormSource& forms, const std::function<bool(const RunDocument&)>& keep) {
  JANGBU_CHECK(!sources.empty());
  constexpr uint32_t kDropped = UINT32_MAX;
  struct From {
    DocumentTable::Entry entry;
    size_t source;
  };
  std::vector<From> all;
  for (size_t s = 0; s < sources.size(); ++s) {
    for (const DocumentTable::Entry& e : sources[s]->documents_.All()) all.push_back({e, s});
  }
  std::stable_sort(all.begin(), all.end(), [](const From& a, const From& b) {
    return a.entry.document.place < b.entry.document.place;
  });
  // New numbers of the tiles of each source: most sources stand in one piece in the result, and
  // then one number is enough (a look-up a tile waits for memory).
  std::vector<std::vector<uint32_t>> number(sources.size());
  std::vector<uint32_t> moved_by(sources.size());
  std::vector<bool> in_pieces(sources.size(), keep != nullptr);
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0 && all[i - 1].entry.document.place == all[i].entry.document.place) {
      in_pieces[all[i].source] = true;
      in_pieces[all[i - 1].source] = true;
    }
    if (i > 0 && all[i - 1].source != all[i].source && all[i].entry.first_tile != 0)
      in_pieces[all[i].source] = true;
  }
  for (size_t s = 0; s < sources.size(); ++s) {
    if (in_pieces[s]) number[s].assign(sources[s]->tiles(), kDropped);
  }
  std::vector<DocumentTable::Entry> documents;
  uint64_t tiles = 0;
  bool left_out = false;
  for (const From& f : all) {
    if ((!documents.empty() && documents.back().document.place == f.entry.document.place) ||
        (keep && !keep(f.entry.document))) {
      left_out = true;
      continue;
    }
    if (tiles + f.entry.tiles >= UINT32_MAX) {
      return ResourceExhausted("run_segment_full", "too many tiles for one segment");
    }
    documents.push_back({f.entry.document, f.entry.tiles, static_cast<uint32_t>(tiles)});
    if (f.entry.first_tile == 0) moved_by[f.source] = static_cast<uint32_t>(tiles);
    if (in_pieces[f.source]) {
      for (uint32_t i = 0; i < f.entry.tiles; ++i) {
        number[f.source][f.entry.first_tile + i] = static_cast<uint32_t>(tiles + i);
      }
    }
    tiles += f.entry.tiles;
  }
  const auto number_of = [&](size_t s, uint64_t tile) {
    return in_pieces[s] ? number[s][tile] : static_cast<uint32_t>(moved_by[s] + tile);
  };

  // Rows of all sources, key by key.
  constexpr int kBits = internal::Surroundings::kBits;
  std::vector<KeyTable::Cursor> cursors;
  for (const auto& source : sources) cursors.emplace_back(&source->tiles_);
  KeyTable::Writer writer(tiles, ValueBitsFor(tiles));
  std::string around_rows;
  around_rows.reserve(kAroundBytes * tiles);
  std::vector<uint64_t> keys;
  std::vector<uint64_t> group;                   // number << kBits | surroundings
  std::vector<uint32_t> wanted;                  // tiles of hot keys whose windows no source knows
  std::vector<std::pair<size_t, size_t>> parts;  // of `group`: source, end
  while (true) {
    uint64_t key = UINT64_MAX;
    for (const KeyTable::Cursor& c : cursors) {
      if (!c.done()) key = std::min(key, c.row().key);
    }
    if (key == UINT64_MAX) break;
    group.clear();
    parts.clear();
    for (size_t s = 0; s < cursors.size(); ++s) {
      KeyTable::Cursor& c = cursors[s];
      for (; !c.done() && c.row().key == key; c.Next()) {
        const uint32_t n = number_of(s, c.row().value);
        if (n != kDropped) group.push_back(uint64_t{n} << kBits | sources[s]->AroundAt(c.index()));
      }
      parts.emplace_back(s, group.size());
    }
    if (group.empty()) continue;
    if (group.size() > kHotTiles) {
      size_t begin = 0;
      for (const auto& [s, end] : parts) {
        if (left_out || end - begin <= kHotTiles) {
          for (size_t i = begin; i < end; ++i)
            wanted.push_back(static_cast<uint32_t>(group[i] >> kBits));
        }
        begin = end;
      }
    }
    std::sort(group.begin(), group.end());
    for (const uint64_t g : group) {
      writer.Add(key, g >> kBits);
      AppendAround(g, around_rows);
    }
    keys.push_back(key);
  }

  std::vector<KeyTable::Row> hot;
  if (!left_out) {
    for (size_t s = 0; s < sources.size(); ++s) {
      sources[s]->hot_.ForEach([&](uint64_t key, uint64_t value) {
        const uint64_t n = number_of(s, value >> kDistanceBits);
        hot.push_back({key, n << kDistanceBits | (value & ((1 << kDistanceBits) - 1))});
      });
    }
  }
  std::sort(wanted.begin(), wanted.end());
  size_t d = 0;
  std::shared_ptr<const std::u32string> form;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto after =
        std::upper_bound(documents.begin() + static_cast<ptrdiff_t>(d), documents.end(), wanted[i],
                         [](uint64_t n, const auto& e) { return n < e.first_tile; });
    const size_t next = static_cast<size_t>(after - documents.begin()) - 1;
    if (form == nullptr || next != d) {
      d = next;
      StatusOr<std::shared_ptr<const std::u32string>> read = forms.Form(documents[d].document);
      if (read.status().code() == absl::StatusCode::kNotFound) {
        // Gone for good: nobody will ask for its windows.
        form = std::make_shared<const std::u32string>();
        continue;
      }
      JANGBU_RETURN_IF_ERROR(read.status());
      form = *std::move(read);
      if (TilesOf(form->size()) != documents[d].tiles) {
        return DataLoss("run_text_changed", "a document's text is not as it was indexed");
      }
    }
    if (form->empty()) continue;
    AddWindows(hasher, *form, (wanted[i] - documents[d].first_tile) * kTileStep, wanted[i], hot);
  }
  return Assemble(hasher, DocumentTable::Encode(documents), KeyFilter::Encode(keys, kRunKeyBits),
                  writer.Finish(), HotTable(std::move(hot), tiles), std::move(around_rows));
}

StatusOr<std::shared_ptr<const RunSegment>> RunSegment::Assemble(const RunHasher& hasher,
                                                                 std::string documents,
                                                                 std::string filter,
                                                                 std::string tiles, std::string hot,
                                                                 std::string around) {
  ByteWriter head;
  head.Raw(kMagic);
  head.U64(hasher.check());
  for (const std::string* part : {&documents, &filter, &tiles, &hot, &around})
    head.U64(part->size());
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(kHeaderBytes + documents.size() + filter.size() + tiles.size() + hot.size() +
                 around.size() + 8);
  bytes->append(head.bytes());
  for (std::string* part : {&documents, &filter, &tiles, &hot, &around}) {
    bytes->append(*part);
    std::string().swap(*part);
  }
  const uint64_t checksum = XXH3_64bits(bytes->data(), bytes->size());
  bytes->append(reinterpret_cast<const char*>(&checksum), 8);
  const std::string_view view = *bytes;
  // The same checks as on reading back: a segment that could not be read is not handed out.
  return Open(hasher, view, std::move(bytes));
}

StatusOr<std::shared_ptr<RunSegment>> RunSegment::Open(const RunHasher& hasher,
                                                       std::string_view bytes,
                                                       std::shared_ptr<const void> owner) {
  const auto malformed = [] {
    return DataLoss("run_segment_malformed", "a run segment has a bad shape");
  };
  ByteReader in(bytes);
  if (in.Raw(kMagic.size()) != kMagic) return malformed();
  if (in.U64() != hasher.check()) {
    return FailedPrecondition("run_segment_foreign", "a run segment was made under another secret");
  }
  uint64_t sizes[5] = {};
  for (uint64_t& size : sizes) size = in.U64();
  std::string_view parts[5];
  for (size_t i = 0; i < 5; ++i) {
    if (sizes[i] > in.remaining()) return malformed();
    parts[i] = in.Raw(sizes[i]);
  }
  in.U64();  // the checksum
  if (!in.ok() || !in.empty()) return malformed();
  std::shared_ptr<RunSegment> segment(new RunSegment);
  segment->owner_ = std::move(owner);
  segment->bytes_ = bytes;
  JANGBU_ASSIGN_OR_RETURN(segment->documents_, DocumentTable::Parse(parts[0]));
  JANGBU_ASSIGN_OR_RETURN(segment->filter_, KeyFilter::Parse(parts[1], kRunKeyBits));
  JANGBU_ASSIGN_OR_RETURN(segment->tiles_, KeyTable::Parse(parts[2]));
  JANGBU_ASSIGN_OR_RETURN(segment->hot_, KeyTable::Parse(parts[3]));
  segment->filter_bytes_ = sizes[1];
  segment->hot_bytes_ = sizes[3];
  const uint64_t tiles = segment->documents_.tiles();
  segment->around_ = parts[4].data();
  if (parts[4].size() != kAroundBytes * tiles || segment->tiles_.size() != tiles ||
      segment->tiles_.value_bits() != ValueBitsFor(tiles) ||
      segment->hot_.value_bits() != ValueBitsFor(tiles) + kDistanceBits) {
    return malformed();
  }
  if (const auto all = segment->documents_.size(); all > 0) {
    segment->first_place_ = segment->documents_.OfTile(0).document.place;
    segment->last_place_ =
        segment->documents_.OfTile(static_cast<uint32_t>(tiles - 1)).document.place;
  }
  return segment;
}

StatusOr<std::shared_ptr<const RunSegment>> RunSegment::Decode(const RunHasher& hasher,
                                                               std::string_view bytes,
                                                               std::shared_ptr<const void> owner) {
  if (bytes.size() < kHeaderBytes + 8) {
    return DataLoss("run_segment_malformed", "a run segment is too short");
  }
  uint64_t checksum;
  std::memcpy(&checksum, bytes.data() + bytes.size() - 8, 8);
  if (XXH3_64bits(bytes.data(), bytes.size() - 8) != checksum) {
    return DataLoss("run_segment_damaged", "the checksum of a run segment is wrong");
  }
  JANGBU_ASSIGN_OR_RETURN(std::shared_ptr<RunSegment> segment,
                          Open(hasher, bytes, std::move(owner)));
  // Every row is one of a tile, every tile has one row, and the filter lets every key pass.
  const uint64_t tiles = segment->tiles();
  std::vector<bool> seen(tiles);
  uint64_t distinct = 0;
  uint64_t last_key = UINT64_MAX;
  bool sound = true;
  segment->tiles_.ForEach([&](uint64_t key, uint64_t value) {
    if (value >= tiles || seen[value]) {
      sound = false;
      return;
    }
    seen[value] = true;
    if (key != last_key) {
      ++distinct;
      last_key = key;
      sound = sound && segment->filter_.MayContain(key);
    }
  });
  segment->hot_.ForEach([&](uint64_t, uint64_t value) {
    sound = sound && (value >> kDistanceBits) < tiles &&
            (value & ((1 << kDistanceBits) - 1)) <= kMinRun - kTile;
  });
  if (!sound || distinct != segment->filter_.keys()) {
    return DataLoss("run_segment_malformed", "rows of a run segment contradict each other");
  }
  return std::shared_ptr<const RunSegment>(std::move(segment));
}

}  // namespace jangbu::ingest
