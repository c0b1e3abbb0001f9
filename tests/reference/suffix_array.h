#pragma once

// All windows of a corpus by suffix array (libdivsufsort): ground truth of another kind than sets
// of windows, and fast enough for millions of code points.

#include <divsufsort.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "ingest/dedup/run_index.h"
#include "tests/reference/runs.h"

namespace jangbu::reference {

// All windows of 24 code points of a corpus, each with the first place where it stands.
//
// Code points are written as two bytes each, so that the order of bytes is an order of code points;
// suffixes that begin inside one are left out.
class WindowsBySuffixArray {
 public:
  explicit WindowsBySuffixArray(const RunCorpus& corpus) {
    for (const auto& d : corpus) {
      begins_.push_back(static_cast<uint32_t>(text_.size()));
      for (const char32_t c : d.form)
        text_.push_back(numbers_.try_emplace(c, numbers_.size() + 1).first->second);
      text_.push_back(kSeparator);
    }
    begins_.push_back(static_cast<uint32_t>(text_.size()));
    JANGBU_CHECK(numbers_.size() < UINT16_MAX);
    std::vector<uint8_t> bytes;
    bytes.reserve(2 * text_.size());
    for (const uint16_t n : text_) {
      bytes.push_back(static_cast<uint8_t>(n >> 8));
      bytes.push_back(static_cast<uint8_t>(n));
    }
    std::vector<saidx_t> sa(bytes.size());
    JANGBU_CHECK(divsufsort(bytes.data(), sa.data(), static_cast<saidx_t>(bytes.size())) == 0);
    for (const saidx_t at : sa) {
      if (at % 2 == 0) suffixes_.push_back(static_cast<uint32_t>(at / 2));
    }
    // Suffixes of one window stand together: the first place of the window, at each of them.
    first_.resize(suffixes_.size());
    for (size_t i = 0; i < suffixes_.size();) {
      size_t end = i + 1;
      uint32_t first = suffixes_[i];
      while (end < suffixes_.size() &&
             Compare(suffixes_[end], &text_[suffixes_[i]], text_.size() - suffixes_[i]) == 0) {
        first = std::min(first, suffixes_[end++]);
      }
      std::fill(first_.begin() + static_cast<ptrdiff_t>(i),
                first_.begin() + static_cast<ptrdiff_t>(end), first);
      i = end;
    }
  }

  // What of `text` lies in runs that stand in the first `documents` documents.
  ingest::Intervals Covered(std::u32string_view text, size_t documents) const {
    std::vector<uint16_t> numbers;
    for (const char32_t c : text) {
      const auto found = numbers_.find(c);
      numbers.push_back(found == numbers_.end() ? UINT16_MAX : found->second);
    }
    std::vector<bool> covered(text.size(), false);
    for (size_t w = 0; w + ingest::kMinRun <= text.size(); ++w) {
      size_t low = 0;
      size_t high = suffixes_.size();
      while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (Compare(suffixes_[middle], &numbers[w], ingest::kMinRun) < 0) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      if (low == suffixes_.size() || Compare(suffixes_[low], &numbers[w], ingest::kMinRun) != 0)
        continue;
      if (first_[low] < begins_[documents])
        std::fill_n(covered.begin() + static_cast<ptrdiff_t>(w), ingest::kMinRun, true);
    }
    return IntervalsOf(covered);
  }

 private:
  static constexpr uint16_t kSeparator = 0;

  // The first 24 code points from `at` on against those of `other`.
  int Compare(uint32_t at, const uint16_t* other, size_t n) const {
    for (size_t i = 0; i < ingest::kMinRun; ++i) {
      const int a = at + i < text_.size() ? text_[at + i] : -1;
      const int b = i < n ? other[i] : -1;
      if (a != b) return a < b ? -1 : 1;
    }
    return 0;
  }

  std::unordered_map<char32_t, uint16_t> numbers_;
  std::vector<uint16_t> text_;
  std::vector<uint32_t> begins_;  // of documents, and the end
  std::vector<uint32_t> suffixes_;
  std::vector<uint32_t> first_;
};

}  // namespace jangbu::reference
