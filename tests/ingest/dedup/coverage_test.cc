#include "ingest/dedup/coverage.h"

#include <gtest/gtest.h>

#include "ingest/text/canonical.h"
#include "tests/ingest/dedup/run_corpus.h"

namespace jangbu::ingest {
namespace {

const RunHasher& Hasher() {
  static const RunHasher hasher(kTestSecret);
  return hasher;
}

SegmentForms FormsOf(const std::string& canonical) {
  return FormsOfSegments(canonical, Segments(canonical));
}

// `n` different syllables from the `from`-th on.
std::string Syllables(size_t from, size_t n) {
  std::string out;
  for (size_t i = from; i < from + n; ++i) {
    AppendUtf8(static_cast<char32_t>(0xAC00 + i * 7 % 11172), out);
  }
  return out;
}

TEST(JudgeSegments, RowsWithAReason) {
  const std::string fifty = Syllables(0, 50);
  const struct {
    const char* reason;
    std::string text;
    Intervals covered;
    std::vector<SegmentNovelty> expected;
  } rows[] = {
      {"nothing covered", fifty, {}, {SegmentNovelty::kNovel}},
      {"24 of 50 is less than half", fifty, {{0, 24}}, {SegmentNovelty::kNovel}},
      {"25 of 50 is not", fifty, {{25, 50}}, {SegmentNovelty::kCovered}},
      {"two runs count together", fifty, {{0, 24}, {26, 50}}, {SegmentNovelty::kCovered}},
      {"a run that begins before: 10 of it here, of 24",
       Syllables(0, 30) + "\n" + Syllables(100, 24),
       {{14, 40}},
       {SegmentNovelty::kCovered, SegmentNovelty::kNovel}},
      {"repeated with other spacing",
       fifty + "\n" + Syllables(0, 20) + " ! " + Syllables(20, 30),
       {},
       {SegmentNovelty::kNovel, SegmentNovelty::kRepeated}},
      {"23 is short, covered or not",
       Syllables(0, 23) + "\n" + Syllables(50, 24),
       {{0, 47}},
       {SegmentNovelty::kShort, SegmentNovelty::kCovered}},
      {"no letter, nothing new",
       "…!\n" + fifty + "\n---",
       {{0, 10}},
       {SegmentNovelty::kEmpty, SegmentNovelty::kNovel, SegmentNovelty::kEmpty}},
  };
  for (const auto& row : rows) {
    const std::string canonical = Canonicalize(row.text);
    std::vector<SegmentNovelty> judged;
    for (const JudgedSegment& s : JudgeSegments(FormsOf(canonical), row.covered)) {
      judged.push_back(s.novelty);
    }
    EXPECT_EQ(judged, row.expected) << row.reason;
  }
}

TEST(JudgeSegments, CountsCoveredCodePoints) {
  const SegmentForms forms = FormsOf(Syllables(0, 30) + "\nab\n" + Syllables(50, 40));
  const auto judged = JudgeSegments(forms, {{10, 31}, {33, 60}});
  ASSERT_EQ(judged.size(), 3u);
  EXPECT_EQ(judged[0], (JudgedSegment{SegmentNovelty::kCovered, 30, 20}));
  EXPECT_EQ(judged[1], (JudgedSegment{SegmentNovelty::kShort, 2, 1}));
  EXPECT_EQ(judged[2], (JudgedSegment{SegmentNovelty::kCovered, 40, 27}));
}

TEST(Coverage, NearThresholdIsFourFifthsRoundedUp) {
  for (size_t n = 1; n < 1000; ++n) {
    EXPECT_EQ(NearThreshold(n), (4 * n + 4) / 5) << n;
  }
}

TEST(Coverage, IntervalArithmetic) {
  const Intervals a = {{2, 5}, {10, 20}};
  const Intervals b = {{5, 7}, {19, 22}, {30, 31}};
  EXPECT_EQ(Union(a, b), (Intervals{{2, 7}, {10, 22}, {30, 31}}));
  EXPECT_EQ(CoveredLength(b), 6u);
  EXPECT_EQ(CoveredWithin(b, 6, 30), 4u);
  EXPECT_EQ(CoveredWithin(b, 7, 19), 0u);
  EXPECT_EQ(CoveredWithin({}, 0, 9), 0u);
}

TEST(CoveredBySelf, AgreesWithTheDefinition) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Prng prng(seed);
    const reference::RunCorpus corpus = NastyCorpus(prng, 5);
    std::u32string text;
    std::vector<uint32_t> bounds;
    for (const auto& d : corpus) {
      bounds.push_back(static_cast<uint32_t>(text.size()));
      text += d.form;
    }
    bounds.push_back(static_cast<uint32_t>(text.size()));
    const std::u32string_view view = text;
    std::vector<bool> expected(text.size(), false);
    for (size_t i = 0; i + 1 < bounds.size(); ++i) {
      const auto all = reference::CoveredBy(
          view, reference::Windows(view.substr(0, bounds[i]), kMinRun), kMinRun);
      for (size_t p = bounds[i]; p < bounds[i + 1]; ++p) expected[p] = all[p];
    }
    // A code point is covered by windows that hold code points of its own segment.
    ASSERT_EQ(CoveredBySelf(Hasher(), view, bounds), reference::IntervalsOf(expected))
        << "seed " << seed;
  }
}

// The rules end to end on one document and its noisy copy.
TEST(Coverage, ANoisyCopyIsNearAndEarnsNothing) {
  const std::string original = Canonicalize(Syllables(0, 400) + "\n" + Syllables(1000, 300));
  std::u32string noisy = CodePoints(FormsOf(original).stream());
  for (size_t i = 40; i < noisy.size(); i += 100) noisy[i] = U'一';
  const reference::RunCorpus corpus = {{{{1, 0}, 1}, CodePoints(FormsOf(original).stream())}};
  CorpusForms forms(corpus);
  const RunView view(&Hasher(), {*RunSegment::Build(Hasher(), TextsOf(corpus))});
  const auto near = *view.Nearest(noisy, {}, forms, NearThreshold(noisy.size()));
  ASSERT_TRUE(near.has_value());
  EXPECT_EQ(near->covered, noisy.size() - 7);
  EXPECT_EQ(CoveredLength(*view.Covered(noisy, {}, forms)), noisy.size() - 7);
}

}  // namespace
}  // namespace jangbu::ingest
