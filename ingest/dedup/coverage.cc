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

// A hash of the 12 code points that begin at a place, moved along a text. Modulo 2^64, without a
// secret: whoever makes two of them meet only has more compared.
class LightRoller {
 public:
  explicit LightRoller(const char32_t* at) {
    for (size_t i = 0; i < kTile; ++i) hash_ = hash_ * kBase + at[i];
  }
  void Step(char32_t out, char32_t in) { hash_ = hash_ * kBase + (in - kPower * out); }
  // The high bits hang on all of the 12.
  uint64_t hash() const { return hash_ * 0x9E3779B97F4A7C15u; }

 private:
  static constexpr uint64_t kBase = 0xD6E8FEB86659FD93u;
  static constexpr uint64_t kPower = [] {
    uint64_t power = 1;
    for (size_t i = 0; i < kTile; ++i) power *= kBase;
    return power;
  }();
  uint64_t hash_ = 0;
};

constexpr uint32_t kNever = UINT32_MAX;

// The first place of each window of `min_run` code points that stands earlier in `text` too, kNever
// of the others; nothing when no window does. A window that stands twice holds a tile where it
// stands first, and its other place the same 12 code points: those are looked up among the tiles so
// far, in front of which stand bits for their hashes, so that most places stop there. Gives up,
// with false, when more is compared than the text is long some times: text that repeats itself
// throughout.
bool RepeatedWindows(std::u32string_view text, size_t min_run, std::vector<uint32_t>& first_of) {
  const size_t places = text.size() - kTile + 1;
  const size_t windows = text.size() - min_run + 1;
  const size_t tiles = (places + kTileStep - 1) / kTileStep;
  const int bits = static_cast<int>(std::bit_width(32 * tiles));
  std::vector<uint64_t> seen((size_t{1} << bits) / 64 + 1, 0);
  // Open addressing by hash; a slot holds the number of its last tile + 1, a tile that of the one
  // before it.
  struct Slot {
    uint64_t hash = 0;
    uint32_t last = 0;
  };
  const size_t mask = std::bit_ceil(2 * tiles) - 1;
  std::vector<Slot> slots(mask + 1);
  std::vector<uint32_t> before(tiles, 0);
  // Runs found last: how far back, and where they end.
  struct Run {
    size_t back = 0;
    size_t end = 0;
  };
  Run runs[8];
  size_t next_run = 0;
  size_t budget = 16 * text.size();
  LightRoller roller(text.data());
  for (size_t at = 0;; ++at) {
    const uint64_t hash = roller.hash();
    uint64_t& word = seen[hash >> (64 - bits) >> 6];
    const uint64_t bit = uint64_t{1} << (hash >> (64 - bits) & 63);
    const bool is_tile = at % kTileStep == 0;
    if ((word & bit) != 0 || is_tile) {
      size_t slot = hash & mask;
      while (slots[slot].last != 0 && slots[slot].hash != hash) slot = (slot + 1) & mask;
      for (uint32_t t = slots[slot].last; t != 0; t = before[t - 1]) {
        const size_t tile = (t - 1) * kTileStep;
        const size_t back = at - tile;
        if (std::any_of(std::begin(runs), std::end(runs),
                        [&](const Run& r) { return r.back == back && at < r.end; }))
          continue;
        size_t left = 0;
        while (left < tile && text[tile - left - 1] == text[at - left - 1]) ++left;
        size_t right = 0;
        while (at + right < text.size() && text[tile + right] == text[at + right]) ++right;
        const size_t spent = left + right + 1;
        if (spent > budget) return false;
        budget -= spent;
        if (right < kTile) continue;  // another of this hash
        runs[next_run++ % std::size(runs)] = {back, at + right};
        if (left + right < min_run) continue;
        if (first_of.empty()) first_of.assign(windows, kNever);
        for (size_t w = at - left; w + min_run <= at + right; ++w)
          first_of[w] = std::min(first_of[w], static_cast<uint32_t>(w - back));
      }
      if (is_tile) {
        word |= bit;
        const auto number = static_cast<uint32_t>(at / kTileStep);
        before[number] = slots[slot].last;
        slots[slot] = {hash, number + 1};
      }
    }
    if (at + 1 == places) return true;
    roller.Step(text[at], text[at + kTile]);
  }
}

// The same of all windows, those that stand once too.
std::vector<uint32_t> FirstPlaces(const RunHasher& hasher, std::u32string_view text,
                                  size_t min_run) {
  const size_t windows = text.size() - min_run + 1;
  // By open addressing; a slot holds a place + 1.
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
  return first_of;
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
  if (second == bounds.end() || *second == text.size()) return out;
  const size_t windows = text.size() - min_run + 1;
  std::vector<uint32_t> first_of;  // by window
  if (!RepeatedWindows(text, min_run, first_of)) first_of = FirstPlaces(hasher, text, min_run);
  if (first_of.empty()) return out;
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    const size_t begin = bounds[i];
    const size_t end = bounds[i + 1];
    if (begin < min_run || begin == end) continue;
    for (size_t w = begin - (min_run - 1); w < end && w < windows; ++w) {
      if (size_t{first_of[w]} + min_run > begin) continue;
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
