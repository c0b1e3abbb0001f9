#pragma once

// What the run index must answer, written as the definitions are: all windows of the reference's
// documents in a set. Quadratic where that is shorter.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ingest/dedup/run_index.h"

namespace jangbu::reference {

struct RunCorpusDocument {
  ingest::RunDocument document;
  std::u32string form;
};
// Ascending by place.
using RunCorpus = std::vector<RunCorpusDocument>;

inline bool Counts(const ingest::Reference& reference, const ingest::RunDocument& d) {
  if (d.place.entry == reference.self.entry && d.place.ordinal >= reference.self.ordinal)
    return false;
  return d.place < reference.before && (!reference.counts || reference.counts(d));
}

inline std::unordered_set<std::u32string_view> Windows(std::u32string_view form, size_t length) {
  std::unordered_set<std::u32string_view> windows;
  for (size_t i = 0; i + length <= form.size(); ++i) windows.insert(form.substr(i, length));
  return windows;
}

inline ingest::Intervals IntervalsOf(const std::vector<bool>& covered) {
  ingest::Intervals out;
  for (uint32_t i = 0; i < covered.size(); ++i) {
    if (!covered[i]) continue;
    if (out.empty() || out.back().end != i) out.push_back({i, i});
    out.back().end = i + 1;
  }
  return out;
}

// A code point is covered if some window of `min_run` that holds it is in the set.
inline std::vector<bool> CoveredBy(std::u32string_view text,
                                   const std::unordered_set<std::u32string_view>& windows,
                                   size_t min_run) {
  std::vector<bool> covered(text.size(), false);
  for (size_t w = 0; w + min_run <= text.size(); ++w) {
    if (!windows.contains(text.substr(w, min_run))) continue;
    std::fill_n(covered.begin() + static_cast<ptrdiff_t>(w), min_run, true);
  }
  return covered;
}

inline ingest::Intervals Covered(std::u32string_view text, const RunCorpus& corpus,
                                 const ingest::Reference& reference, size_t min_run) {
  std::unordered_set<std::u32string_view> windows;
  for (const RunCorpusDocument& d : corpus) {
    if (Counts(reference, d.document)) windows.merge(Windows(d.form, min_run));
  }
  return IntervalsOf(CoveredBy(text, windows, min_run));
}

inline std::vector<ingest::RunDocument> Holders(std::u32string_view run, const RunCorpus& corpus,
                                                const ingest::Reference& reference, size_t max) {
  std::vector<ingest::RunDocument> out;
  for (const RunCorpusDocument& d : corpus) {
    if (out.size() == max) break;
    if (Counts(reference, d.document) && d.form.find(run) != std::u32string::npos) {
      out.push_back(d.document);
    }
  }
  return out;
}

inline std::optional<ingest::NearDocument> Nearest(std::u32string_view text,
                                                   const RunCorpus& corpus,
                                                   const ingest::Reference& reference,
                                                   size_t least) {
  std::optional<ingest::NearDocument> best;
  for (const RunCorpusDocument& d : corpus) {
    if (!Counts(reference, d.document)) continue;
    const std::vector<bool> covered =
        CoveredBy(text, Windows(d.form, ingest::kMinRun), ingest::kMinRun);
    const auto n = static_cast<uint32_t>(std::count(covered.begin(), covered.end(), true));
    if (n >= least && (!best.has_value() || n > best->covered)) {
      best = ingest::NearDocument{d.document, n};
    }
  }
  return best;
}

inline std::vector<ingest::RunMatch> Matches(std::u32string_view text, const RunCorpus& corpus,
                                             const ingest::Reference& reference, size_t min_run) {
  std::vector<ingest::RunMatch> out;
  for (size_t w = 0; w + min_run <= text.size(); ++w) {
    const std::u32string_view window = text.substr(w, min_run);
    ingest::RunMatch best;
    for (const RunCorpusDocument& d : corpus) {
      if (!Counts(reference, d.document)) continue;
      for (size_t at = d.form.find(window); at != std::u32string::npos;
           at = d.form.find(window, at + 1)) {
        uint32_t length = 0;
        while (w + length < text.size() && at + length < d.form.size() &&
               text[w + length] == d.form[at + length]) {
          ++length;
        }
        if (length > best.length) {
          best = {static_cast<uint32_t>(w), length, d.document, static_cast<uint32_t>(at)};
        }
      }
      if (best.length > 0) break;  // the earliest document
    }
    if (best.length == 0) continue;
    out.push_back(best);
    w += best.length - min_run;
  }
  return out;
}

}  // namespace jangbu::reference
