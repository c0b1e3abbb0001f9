// The run index against a suffix array (libdivsufsort), which knows every run of any length: none
// of 24 or more is missed and none invented, while segments are appended and merged under the
// questions, at 1, 2 and 8 asking threads.
//
// The default is small. The soak: JANGBU_RUN_CODE_POINTS=10000000 suffix_array_test

#include <divsufsort.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unordered_map>

#include "base/check.h"
#include "ingest/dedup/coverage.h"
#include "tests/ingest/dedup/run_corpus.h"

namespace jangbu::ingest {
namespace {

constexpr uint16_t kSeparator = 0;

// All windows of 24 code points of a corpus, each with the first place where it stands.
//
// Code points are written as two bytes each, so that the order of bytes is an order of code points;
// suffixes that begin inside one are left out.
class WindowsBySuffixArray {
 public:
  explicit WindowsBySuffixArray(const reference::RunCorpus& corpus) {
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
  Intervals Covered(std::u32string_view text, size_t documents) const {
    std::vector<uint16_t> numbers;
    for (const char32_t c : text) {
      const auto found = numbers_.find(c);
      numbers.push_back(found == numbers_.end() ? UINT16_MAX : found->second);
    }
    std::vector<bool> covered(text.size(), false);
    for (size_t w = 0; w + kMinRun <= text.size(); ++w) {
      size_t low = 0;
      size_t high = suffixes_.size();
      while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (Compare(suffixes_[middle], &numbers[w], kMinRun) < 0) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      if (low == suffixes_.size() || Compare(suffixes_[low], &numbers[w], kMinRun) != 0) continue;
      if (first_[low] < begins_[documents])
        std::fill_n(covered.begin() + static_cast<ptrdiff_t>(w), kMinRun, true);
    }
    return reference::IntervalsOf(covered);
  }

 private:
  // The first 24 code points from `at` on against those of `other`.
  int Compare(uint32_t at, const uint16_t* other, size_t n) const {
    for (size_t i = 0; i < kMinRun; ++i) {
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

uint64_t CodePointsWanted() {
  const char* wanted = std::getenv("JANGBU_RUN_CODE_POINTS");
  return wanted == nullptr ? 60'000 : std::strtoull(wanted, nullptr, 10);
}

// Long documents that take pieces of earlier ones, and nasty short ones.
reference::RunCorpus MakeCorpus(Prng& prng, uint64_t code_points) {
  reference::RunCorpus corpus;
  std::vector<std::u32string> pool;
  uint64_t sum = 0;
  RunDocument next;
  while (sum < code_points) {
    std::u32string form;
    const uint64_t parts = prng(8) == 0 ? 40 : 1 + prng(4);
    for (uint64_t p = 0; p < parts; ++p) form += NastyForm(prng, pool);
    sum += form.size();
    next.place.ordinal += 1;
    corpus.push_back({next, form});
    // A pool of bounded size, old and new texts.
    if (pool.size() < 2000) {
      pool.push_back(std::move(form));
    } else {
      pool[prng(pool.size())] = std::move(form);
    }
  }
  return corpus;
}

TEST(RunIndexAgainstASuffixArray, EveryRunIsFoundAndNoneInventedWhileSegmentsComeAndGo) {
  constexpr uint64_t kSeed = 20'240'911;
  Prng prng(kSeed);
  const uint64_t wanted = CodePointsWanted();
  const reference::RunCorpus corpus = MakeCorpus(prng, wanted);
  uint64_t code_points = 0;
  std::vector<std::u32string> pool;
  for (const auto& d : corpus) {
    code_points += d.form.size();
    if (pool.size() < 4000) pool.push_back(d.form);
  }
  const WindowsBySuffixArray truth(corpus);
  CorpusForms forms(corpus);
  const RunHasher hasher(kTestSecret);
  for (const int askers : {1, 2, 8}) {
    RunIndex index(hasher);
    std::atomic<size_t> appended{0};  // documents that every new view holds
    std::atomic<bool> failed{false};
    std::atomic<uint64_t> asked{0};
    std::atomic<uint64_t> in_runs{0};
    std::thread writer([&] {
      Prng own(kSeed + 1);
      const std::vector<RunText> texts = TextsOf(corpus);
      for (size_t from = 0; from < texts.size() && !failed;) {
        const size_t n = std::min<size_t>(texts.size() - from, 1 + own(texts.size() / 20 + 1));
        if (!index.Append(std::span(texts).subspan(from, n)).ok()) failed = true;
        from += n;
        appended = from;
        while (own(3) != 0) {
          const auto merged = index.MergeSome(forms);
          if (!merged.ok()) failed = true;
          if (!merged.ok() || !merged->has_value()) break;
        }
      }
      const auto merged = index.MergeAll(forms, nullptr);
      if (!merged.ok()) failed = true;
      appended = texts.size();
    });
    std::vector<std::thread> threads;
    const uint64_t questions =
        std::max<uint64_t>(60, wanted / 4000) / static_cast<uint64_t>(askers);
    for (int a = 0; a < askers; ++a) {
      threads.emplace_back([&, a] {
        Prng own(kSeed + 100 + static_cast<uint64_t>(a));
        for (uint64_t q = 0; q < questions && !failed; ++q) {
          const size_t there = appended;
          const size_t documents = q % 4 == 0 ? there : own(there + 1);
          std::u32string text;
          for (int p = 0; p < 6; ++p) text += NastyForm(own, pool);
          Reference reference;
          reference.before =
              documents < corpus.size() ? corpus[documents].document.place : kAfterAll;
          const RunView view = own(3) == 0 ? index.View().Summarised() : index.View();
          const auto covered = view.Covered(text, reference, forms);
          const Intervals expected = truth.Covered(text, documents);
          // With kAfterAll the view may hold more than was asked of the truth.
          if (!covered.ok() || *covered != expected) {
            failed = true;
            ADD_FAILURE() << "seed " << kSeed << ", askers " << askers << ", asker " << a
                          << ", question " << q << ", " << documents << " documents";
            return;
          }
          asked += text.size();
          in_runs += CoveredLength(expected);
        }
      });
    }
    for (std::thread& t : threads) t.join();
    writer.join();
    ASSERT_FALSE(failed);
    EXPECT_GT(in_runs, asked / 20);
    std::printf(
        "%llu code points, %zu documents, %d asking: %llu code points asked, %llu in runs, "
        "all as the suffix array says\n",
        static_cast<unsigned long long>(code_points), corpus.size(), askers,
        static_cast<unsigned long long>(asked.load()),
        static_cast<unsigned long long>(in_runs.load()));
  }
}

}  // namespace
}  // namespace jangbu::ingest
