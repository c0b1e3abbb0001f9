#include "ingest/dedup/coverage.h"

#include <algorithm>
#include <bit>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "base/check.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {

std::vector<uint32_t> SegmentBounds(const SegmentForms& forms) {
  std::vector<uint32_t> bounds;
  bounds.reserve(forms.size() + 1);
  uint64_t at = 0;
  for (size_t i = 0; i < forms.size(); ++i) {
    JANGBU_CHECK(at <= UINT32_MAX);
    bounds.push_back(static_cast<uint32_t>(at));
    at += CountCodePoints(forms.InStream(i));
  }
  JANGBU_CHECK(at <= UINT32_MAX);
  bounds.push_back(static_cast<uint32_t>(at));
  return bounds;
}

std::vector<JudgedSegment> JudgeSegments(const SegmentForms& forms, const Intervals& covered) {
  const std::vector<uint32_t> bounds = SegmentBounds(forms);
  std::vector<JudgedSegment> out(forms.size());
  absl::flat_hash_set<std::string_view> seen;
  seen.reserve(forms.size());
  size_t interval = 0;
  for (size_t i = 0; i < forms.size(); ++i) {
    JudgedSegment& s = out[i];
    s.length = bounds[i + 1] - bounds[i];
    while (interval < covered.size() && covered[interval].end <= bounds[i]) ++interval;
    for (size_t k = interval; k < covered.size() && covered[k].begin < bounds[i + 1]; ++k) {
      s.covered += std::min(covered[k].end, bounds[i + 1]) - std::max(covered[k].begin, bounds[i]);
    }
    const std::string_view alone = forms.Alone(i);
    if (alone.empty()) continue;
    if (!seen.insert(alone).second) {
      s.novelty = SegmentNovelty::kRepeated;
    } else if (CountCodePoints(alone) < kMinRun) {
      s.novelty = SegmentNovelty::kShort;
    } else {
      s.novelty =
          uint64_t{2} * s.covered < s.length ? SegmentNovelty::kNovel : SegmentNovelty::kCovered;
    }
  }
  return out;
}

uint32_t CoveredWithin(const Intervals& intervals, uint32_t begin, uint32_t end) {
  uint32_t sum = 0;
  auto at = std::lower_bound(intervals.begin(), intervals.end(), begin,
                             [](const Interval& i, uint32_t b) { return i.end <= b; });
  for (; at != intervals.end() && at->begin < end; ++at) {
    sum += std::min(at->end, end) - std::max(at->begin, begin);
  }
  return sum;
}

uint32_t CoveredLength(const Intervals& intervals) {
  uint32_t sum = 0;
  for (const Interval& i : intervals) sum += i.end - i.begin;
  return sum;
}

Intervals Union(const Intervals& a, const Intervals& b) {
  Intervals all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end(),
            [](const Interval& x, const Interval& y) { return x.begin < y.begin; });
  Intervals out;
  for (const Interval& i : all) {
    if (!out.empty() && i.begin <= out.back().end) {
      out.back().end = std::max(out.back().end, i.end);
    } else {
      out.push_back(i);
    }
  }
  return out;
}

namespace {

// False if no run of 24 or more stands at two places of `text`. A run holds a tile, and its other
// place the same 12 code points elsewhere; those are looked up in a small table of tiles and
// compared.
bool MayRepeatARun(const RunHasher& hasher, std::u32string_view text) {
  const size_t places = text.size() - kTile + 1;
  std::vector<uint64_t> keys(places);
  RunHasher::Roller roller(hasher, kTile);
  roller.Reset(text.data());
  for (size_t at = 0;; ++at) {
    keys[at] = roller.key();
    if (at + 1 == places) break;
    roller.Step(text[at], text[at + kTile]);
  }
  // Open addressing; a slot holds a tile's place + 1.
  const size_t mask = std::bit_ceil(2 * (places / kTileStep + 1)) - 1;
  std::vector<uint32_t> slots(mask + 1, 0);
  for (size_t at = 0; at < places; at += kTileStep) {
    size_t slot = keys[at] & mask;
    while (slots[slot] != 0 && keys[slots[slot] - 1] != keys[at]) slot = (slot + 1) & mask;
    if (slots[slot] != 0) return true;  // two tiles of one key: not told apart here
    slots[slot] = static_cast<uint32_t>(at + 1);
  }
  for (size_t at = 0; at < places; ++at) {
    for (size_t slot = keys[at] & mask; slots[slot] != 0; slot = (slot + 1) & mask) {
      const size_t tile = slots[slot] - 1;
      if (keys[tile] != keys[at]) continue;
      if (tile == at) break;
      size_t left = 0;
      while (left < kMinRun && left < tile && left < at &&
             text[tile - left - 1] == text[at - left - 1]) {
        ++left;
      }
      size_t right = 0;
      while (left + right < kMinRun && tile + right < text.size() && at + right < text.size() &&
             text[tile + right] == text[at + right]) {
        ++right;
      }
      if (left + right >= kMinRun) return true;
      break;
    }
  }
  return false;
}

}  // namespace

Intervals CoveredBySelf(const RunHasher& hasher, std::u32string_view text,
                        const std::vector<uint32_t>& bounds, size_t min_run) {
  JANGBU_CHECK(min_run >= kMinRun);
  Intervals out;
  if (text.size() < min_run) return out;
  JANGBU_CHECK(!bounds.empty() && bounds.back() == text.size());
  // Nothing stands before the only segment.
  const auto second = std::upper_bound(bounds.begin(), bounds.end(), uint32_t{0});
  if (second == bounds.end() || *second == text.size() || !MayRepeatARun(hasher, text)) return out;
  const size_t windows = text.size() - min_run + 1;
  // First place of each window, by open addressing; a slot holds a place + 1.
  std::vector<uint64_t> keys(windows);
  RunHasher::Roller roller(hasher, min_run);
  roller.Reset(text.data());
  for (size_t w = 0;; ++w) {
    keys[w] = roller.key();
    if (w + 1 == windows) break;
    roller.Step(text[w], text[w + min_run]);
  }
  const size_t mask = std::bit_ceil(2 * windows) - 1;
  std::vector<uint32_t> slots(mask + 1, 0);
  std::vector<uint32_t> first_of(windows);
  for (size_t w = 0; w < windows; ++w) {
    const std::u32string_view window = text.substr(w, min_run);
    size_t slot = keys[w] & mask;
    while (slots[slot] != 0) {
      const size_t f = slots[slot] - 1;
      if (keys[f] == keys[w] && text.substr(f, min_run) == window) break;
      slot = (slot + 1) & mask;
    }
    if (slots[slot] == 0) slots[slot] = static_cast<uint32_t>(w + 1);
    first_of[w] = slots[slot] - 1;
  }
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    const size_t begin = bounds[i];
    const size_t end = bounds[i + 1];
    if (begin < min_run || begin == end) continue;
    for (size_t w = begin - (min_run - 1); w < end && w < windows; ++w) {
      if (first_of[w] + min_run > begin) continue;
      const auto left = static_cast<uint32_t>(std::max(w, begin));
      const auto right = static_cast<uint32_t>(std::min(w + min_run, end));
      if (!out.empty() && left <= out.back().end) {
        out.back().end = std::max(out.back().end, right);
      } else {
        out.push_back({left, right});
      }
    }
  }
  return out;
}

}  // namespace jangbu::ingest
