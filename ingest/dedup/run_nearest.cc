// The document that alone covers most of a text.

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/check.h"
#include "ingest/dedup/run_places.h"

namespace jangbu::ingest {

using internal::Asked;
using internal::AskedGroup;
using internal::AskedSegment;
using internal::AskedView;
using internal::CollectHits;
using internal::Documents;
using internal::DocumentTable;
using internal::Hit;
using internal::KeyTable;
using internal::kReach;
using internal::PlaceHash;
using internal::Postings;
using internal::TileEquals;

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

}  // namespace jangbu::ingest
