#include "ingest/dedup/run_summaries.h"

#include <gtest/gtest.h>

#include <set>

#include "ingest/dedup/coverage.h"
#include "tests/ingest/dedup/run_corpus.h"

namespace jangbu::ingest {
namespace {

using Segments = std::vector<std::shared_ptr<const RunSegment>>;

// What a view is made of: each segment once, and how many are asked by themselves or by a summary.
struct Shape {
  std::multiset<const RunSegment*> segments;
  size_t asked = 0;
};
Shape ShapeOf(const RunView& view) {
  Shape shape;
  for (const RunView::Group& group : view.groups()) {
    for (const auto& segment : group.segments) shape.segments.insert(segment.get());
    shape.asked += group.summary != nullptr ? 1 : group.segments.size();
  }
  return shape;
}

// Twenty partners append and merge in turn; after each step everybody is asked.
TEST(RunSummaries, HoldEachSegmentOnceAreFewAndCostNoMoreTheMoreThereIs) {
  constexpr uint64_t kSeed = 20'261'126;
  Prng prng(kSeed);
  const RunHasher hasher(kTestSecret);
  RunSummaries everybody(hasher);
  std::vector<std::unique_ptr<RunIndex>> partners;
  for (int i = 0; i < 20; ++i) partners.push_back(std::make_unique<RunIndex>(hasher));
  reference::RunCorpus corpus;
  CorpusForms forms;
  std::set<const RunSegment*> seen;
  Segments kept;  // so that no address comes back
  uint64_t fresh_tiles = 0;
  size_t most_asked = 0;
  RunDocument next;
  for (int step = 0; step < 2400; ++step) {
    RunIndex& partner = *partners[prng(partners.size())];
    std::vector<RunText> texts;
    const size_t first = corpus.size();
    for (int i = 0; i < 3; ++i) {
      std::u32string form;
      for (int c = 0; c < 80; ++c) form.push_back(static_cast<char32_t>(0xAC00 + prng(3000)));
      next.place.ordinal += 1;
      corpus.push_back({next, form});
      forms.Add(corpus.back());
    }
    for (size_t i = first; i < corpus.size(); ++i)
      texts.push_back({corpus[i].document, corpus[i].form});
    ASSERT_TRUE(partner.Append(texts).ok());
    while (prng(3) != 0) {
      const auto merged = partner.MergeSome(forms);
      ASSERT_TRUE(merged.ok());
      if (!merged->has_value()) break;
    }
    Segments all;
    for (const auto& p : partners) {
      const Segments own = p->Segments();
      all.insert(all.end(), own.begin(), own.end());
    }
    uint64_t tiles = 0;
    std::multiset<const RunSegment*> expected;
    for (const auto& segment : all) {
      tiles += segment->tiles();
      expected.insert(segment.get());
      if (!seen.insert(segment.get()).second) continue;
      kept.push_back(segment);
      fresh_tiles += segment->tiles();
    }
    if (prng(2) == 0) continue;  // nobody asks
    const RunView view = everybody.Of(all);
    const Shape shape = ShapeOf(view);
    ASSERT_EQ(shape.segments, expected) << "seed " << kSeed << ", step " << step;
    // log2 of the tiles, and those without a summary.
    size_t doublings = 0;
    while ((uint64_t{1} << doublings) < tiles) ++doublings;
    ASSERT_LE(shape.asked, RunSummaries::kLooseSegments + doublings) << "step " << step;
    most_asked = std::max(most_asked, shape.asked);
    if (step % 20 != 0) continue;
    const std::u32string text =
        corpus[prng(corpus.size())].form + corpus[prng(corpus.size())].form.substr(20, 40);
    const auto covered = view.Covered(text, {}, forms);
    const auto plain = RunView(&hasher, all).Covered(text, {}, forms);
    ASSERT_TRUE(covered.ok() && plain.ok());
    EXPECT_EQ(*covered, *plain) << "step " << step;
    EXPECT_GE(CoveredLength(*covered), 80U);
  }
  // Every tile when it is new, and again while its summary grows: with a summary of all instead,
  // whenever one is due, it would be 13 times.
  EXPECT_LE(everybody.summarised_tiles(), 4 * fresh_tiles);
  std::printf("%llu tiles new, %llu summarised, at most %zu asked\n",
              static_cast<unsigned long long>(fresh_tiles),
              static_cast<unsigned long long>(everybody.summarised_tiles()), most_asked);
}

TEST(RunSummaries, OfNothingIsNothing) {
  const RunHasher hasher(kTestSecret);
  RunSummaries everybody(hasher);
  EXPECT_EQ(everybody.Of({}).documents(), 0U);
  EXPECT_EQ(everybody.summarised_tiles(), 0U);
}

}  // namespace
}  // namespace jangbu::ingest
