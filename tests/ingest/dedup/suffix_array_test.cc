// The run index against a suffix array (libdivsufsort), which knows every run of any length: none
// of 24 or more is missed and none invented, while segments are appended and merged under the
// questions, at 1, 2 and 8 asking threads.
//
// The default is small. The soak: JANGBU_RUN_CODE_POINTS=10000000 suffix_array_test

#include "tests/reference/suffix_array.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/check.h"
#include "ingest/dedup/coverage.h"
#include "ingest/dedup/run_summaries.h"
#include "tests/ingest/dedup/run_corpus.h"

namespace jangbu::ingest {
namespace {

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
  const reference::WindowsBySuffixArray truth(corpus);
  CorpusForms forms(corpus);
  const RunHasher hasher(kTestSecret);
  for (const int askers : {1, 2, 8}) {
    RunIndex index(hasher);
    RunSummaries everybody(hasher);
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
          const uint64_t kind = own(4);
          const RunView view = kind == 0   ? index.View().Summarised()
                               : kind == 1 ? everybody.Of(index.Segments())
                                           : index.View();
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
