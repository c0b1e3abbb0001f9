#include "audit/guard/guard_index.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/bytes.h"
#include "base/check.h"
#include "ingest/text/code_points.h"

namespace jangbu::audit {

using ingest::kTile;
using ingest::kTileStep;
using ingest::RunDocument;
using ingest::RunSegment;

namespace {

constexpr std::string_view kMagic = "JBWITHD1";

std::string_view BytesOf(std::u32string_view text) {
  return {reinterpret_cast<const char*>(text.data()), text.size() * sizeof(char32_t)};
}

uint64_t MacOf(const HmacSha256& mac, std::u32string_view window) {
  // Code points as they lie in memory; the house runs on little-endian machines alone.
  const Digest digest = mac({"guard window", BytesOf(window)});
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= uint64_t{digest[i]} << (8 * i);
  return value;
}

}  // namespace

bool IsHangulOrHan(char32_t cp) {
  if (ingest::internal::IsSyllable(cp)) return true;
  const auto letter = ingest::internal::LetterOf(ingest::internal::Classify(cp));
  return letter == ingest::internal::Letter::kHangul || letter == ingest::internal::Letter::kHan;
}

size_t LeastRun(std::u32string_view text) {
  size_t korean = 0;
  for (size_t n = 0; n < text.size() && n < kRunLimitOther; ++n) {
    korean += IsHangulOrHan(text[text.size() - 1 - n]) ? 1 : 0;
    if (korean >= kRunKorean) return std::max(kRunLimit, n + 1);
  }
  return kRunLimitOther;
}

namespace {

// Null when it is withdrawn.
StatusOr<std::shared_ptr<const std::u32string>> FormUnlessWithdrawn(ingest::FormSource& forms,
                                                                    const WithdrawnRuns* withdrawn,
                                                                    const RunDocument& document) {
  auto form = forms.Form(document);
  if (form.status().code() == absl::StatusCode::kNotFound && withdrawn != nullptr &&
      withdrawn->Has(document)) {
    return std::shared_ptr<const std::u32string>();
  }
  return form;
}

}  // namespace

// ---- HotRuns

struct HotRuns::Table {
  absl::flat_hash_map<uint64_t, Place> places;
};

HotRuns::HotRuns() : table_(std::make_unique<Table>()) {}
HotRuns::~HotRuns() = default;

size_t HotRuns::size() const { return table_->places.size(); }

uint64_t HotRuns::HashOf(std::u32string_view window, uint64_t seed) {
  return XXH3_64bits_withSeed(window.data(), window.size() * sizeof(char32_t), seed);
}

const HotRuns::Place* HotRuns::Find(uint64_t hash) const {
  const auto found = table_->places.find(hash);
  return found == table_->places.end() ? nullptr : &found->second;
}

StatusOr<std::shared_ptr<const HotRuns>> HotRuns::Build(const ingest::RunHasher& hasher,
                                                        const RunSegment& segment,
                                                        ingest::FormSource& forms,
                                                        const WithdrawnRuns* withdrawn) {
  std::shared_ptr<HotRuns> runs(new HotRuns);
  runs->seed_ = hasher.check();
  std::vector<bool> hot(segment.tiles());
  uint64_t last_key = UINT64_MAX;
  std::vector<uint64_t> group;
  bool any = false;
  const auto close = [&] {
    if (group.size() > kFollowed) {
      any = true;
      for (const uint64_t tile : group) hot[tile] = true;
    }
    group.clear();
  };
  segment.tile_table().ForEach([&](uint64_t key, uint64_t tile) {
    if (key != last_key) close();
    last_key = key;
    group.push_back(tile);
  });
  close();
  if (!any) return std::shared_ptr<const HotRuns>(std::move(runs));
  for (const auto& entry : segment.document_table().All()) {
    std::shared_ptr<const std::u32string> form;
    for (uint32_t a = 0; a < entry.tiles;) {
      if (!hot[entry.first_tile + a]) {
        ++a;
        continue;
      }
      uint32_t b = a;
      while (b < entry.tiles && hot[entry.first_tile + b]) ++b;  // tiles [a, b) are hot
      if (b - a >= 3) {
        if (form == nullptr) {
          JANGBU_ASSIGN_OR_RETURN(form, FormUnlessWithdrawn(forms, withdrawn, entry.document));
          if (form == nullptr) break;
        }
        const std::u32string_view all = *form;
        // Windows whose last whole tile is one of them, and whose first is.
        const size_t first_end = size_t{a + 2} * kTileStep + kTile;
        const size_t last_end = std::min(all.size(), size_t{b} * kTileStep + kTile - 1);
        for (size_t end = first_end; end <= last_end; ++end) {
          const size_t least = LeastRun(all.substr(0, end));
          if (least > end) continue;
          const size_t begin = end - least;
          if ((begin + kTileStep - 1) / kTileStep < a) continue;
          runs->table_->places.try_emplace(HashOf(all.substr(begin, least), runs->seed_),
                                           Place{entry.document, static_cast<uint32_t>(begin)});
        }
      }
      a = b;
    }
  }
  return std::shared_ptr<const HotRuns>(std::move(runs));
}

// ---- WithdrawnRuns

std::string WithdrawnRuns::RecordOf(const ingest::RunHasher& hasher, const HmacSha256& mac,
                                    const RunDocument& document, std::u32string_view form) {
  std::vector<std::pair<uint64_t, uint64_t>> rows;
  for (size_t end = kRunLimit; end <= form.size(); ++end) {
    const size_t least = LeastRun(form.substr(0, end));
    if (least > end) continue;
    const std::u32string_view window = form.substr(end - least, least);
    rows.emplace_back(hasher.KeyOf(window.data(), window.size()), MacOf(mac, window));
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  ByteWriter out;
  out.Raw(kMagic);
  out.U64(document.place.entry);
  out.U32(document.place.ordinal);
  out.U32(document.scope);
  out.U64(rows.size());
  for (const auto& [key, value] : rows) {
    out.U64(key);
    out.U64(value);
  }
  return out.Take();
}

StatusOr<std::shared_ptr<const WithdrawnRuns>> WithdrawnRuns::Load(
    const ingest::RunHasher& hasher, const HmacSha256& mac, std::span<const std::string> records) {
  const auto malformed = [] {
    return DataLoss("withdrawn_runs_malformed",
                    "a record of withdrawn text has a bad shape; restore it from a backup");
  };
  auto runs = std::make_shared<WithdrawnRuns>();
  runs->hasher_ = &hasher;
  runs->mac_ = &mac;
  for (const std::string& record : records) {
    ByteReader in(record);
    if (in.Raw(kMagic.size()) != kMagic) return malformed();
    RunDocument document;
    document.place.entry = in.U64();
    document.place.ordinal = in.U32();
    document.scope = in.U32();
    const uint64_t count = in.U64();
    if (!in.ok() || count != in.remaining() / 16 || in.remaining() % 16 != 0) {
      return malformed();
    }
    const auto number = static_cast<uint32_t>(runs->documents_.size());
    runs->documents_.push_back(document);
    runs->places_.insert(document.place);
    std::pair<uint64_t, uint64_t> last{0, 0};
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t key = in.U64();
      const uint64_t value = in.U64();
      const std::pair row{key, value};
      if (key >> ingest::kRunKeyBits != 0 || (i > 0 && row <= last)) return malformed();
      last = row;
      runs->rows_.push_back({key, value, number});
    }
  }
  std::sort(runs->rows_.begin(), runs->rows_.end(), [](const Row& a, const Row& b) {
    if (a.key != b.key) return a.key < b.key;
    return a.mac != b.mac ? a.mac < b.mac : a.document < b.document;
  });
  std::vector<uint64_t> keys;
  for (const Row& row : runs->rows_) {
    if (keys.empty() || keys.back() != row.key) keys.push_back(row.key);
  }
  runs->filter_bytes_ = ingest::KeyFilter::Encode(keys, ingest::kRunKeyBits);
  JANGBU_ASSIGN_OR_RETURN(runs->filter_,
                          ingest::KeyFilter::Parse(runs->filter_bytes_, ingest::kRunKeyBits));
  return std::shared_ptr<const WithdrawnRuns>(std::move(runs));
}

const RunDocument* WithdrawnRuns::Find(std::u32string_view window, uint64_t key) const {
  if (!filter_.MayContain(key)) return nullptr;
  auto row = std::lower_bound(rows_.begin(), rows_.end(), key,
                              [](const Row& r, uint64_t k) { return r.key < k; });
  if (row == rows_.end() || row->key != key) return nullptr;
  const uint64_t mac = MacOf(*mac_, window);
  for (; row != rows_.end() && row->key == key; ++row) {
    if (row->mac == mac) return &documents_[row->document];
  }
  return nullptr;
}

// ---- GuardIndex

StatusOr<std::shared_ptr<const std::u32string>> GuardIndex::Form(
    const RunDocument& document) const {
  return FormUnlessWithdrawn(*forms_, withdrawn_.get(), document);
}

StatusOr<std::shared_ptr<const GuardIndex>> GuardIndex::Make(
    ingest::RunView view, ingest::FormSource& forms, std::shared_ptr<const WithdrawnRuns> withdrawn,
    const GuardIndex* before) {
  auto index = std::make_shared<GuardIndex>();
  index->view_ = std::move(view);
  index->forms_ = &forms;
  if (withdrawn != nullptr && !withdrawn->empty()) index->withdrawn_ = std::move(withdrawn);
  absl::flat_hash_map<const RunSegment*, std::shared_ptr<const HotRuns>> known;
  if (before != nullptr) {
    for (const Segment& s : before->segments_) known[s.segment.get()] = s.hot;
  }
  for (const auto& group : index->view_.groups()) {
    for (const auto& segment : group.segments) {
      std::shared_ptr<const HotRuns> hot;
      if (const auto found = known.find(segment.get()); found != known.end()) {
        hot = found->second;
      } else {
        JANGBU_ASSIGN_OR_RETURN(
            hot, HotRuns::Build(*index->view_.hasher(), *segment, forms, index->withdrawn_.get()));
        if (hot->size() == 0) hot = nullptr;
      }
      index->has_hot_ = index->has_hot_ || hot != nullptr;
      index->segments_.push_back({segment, std::move(hot)});
    }
  }
  return std::shared_ptr<const GuardIndex>(std::move(index));
}

}  // namespace jangbu::audit
