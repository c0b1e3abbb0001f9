#include "audit/guard/guard_index.h"

#include <gtest/gtest.h>

#include "tests/audit/guard/guard_world.h"
#include "tests/reference/guard.h"

namespace jangbu::audit {
namespace {

using testing::GuardWorld;
using testing::Hasher;
using testing::Mac;
using testing::Random;
using testing::Syllables;

TEST(WithdrawnRuns, BlockAsTheTextDidAndHoldNoText) {
  constexpr uint64_t kSeed = 4301;
  Random random(kSeed);
  std::vector<std::u32string> gone;
  std::vector<std::string> records;
  for (size_t d = 0; d < 20; ++d) {
    std::u32string form = Syllables(random, 40 + random() % 300, d % 2 == 0 ? 3 : 9000);
    for (size_t i = 0; d % 3 == 0 && i < 160; ++i) form.push_back(U"abcdefghij"[random() % 10]);
    const std::string record =
        WithdrawnRuns::RecordOf(Hasher(), Mac(), GuardWorld::DocumentOf(d), form);
    if (form.size() >= 150) {
      ASSERT_FALSE(record.empty());
    }
    if (!record.empty()) records.push_back(record);
    gone.push_back(form);
  }
  const auto withdrawn = WithdrawnRuns::Load(Hasher(), Mac(), records);
  ASSERT_TRUE(withdrawn.ok());
  GuardWorld empty({});
  const auto index = GuardIndex::Make(empty.view(), empty, *withdrawn, nullptr);
  ASSERT_TRUE(index.ok());
  for (int round = 0; round < 60; ++round) {
    std::u32string output;
    for (int i = 0; i < 4; ++i) {
      const std::u32string& d = gone[random() % gone.size()];
      output +=
          d.substr(random() % d.size(), random() % 200) + Syllables(random, random() % 9, 9000);
    }
    RunFollower follower(*index, {}, nullptr);
    const auto want = reference::ForbiddenEnds(output, gone, {});
    for (size_t i = 0; i < output.size(); ++i) {
      ASSERT_EQ(*follower.Step(output[i]), want[i] ? Judgement::kWithdrawn : Judgement::kFree)
          << "seed " << kSeed << ", round " << round << ", place " << i;
    }
  }
  EXPECT_EQ(empty.asked, 0U);
}

// A withdrawn document may still have tiles in the index; its text is gone.
TEST(WithdrawnRuns, AnswerForTilesWhoseTextIsGone) {
  Random random(4305);
  std::vector<std::u32string> documents;
  for (int d = 0; d < 4; ++d) documents.push_back(Syllables(random, 120, 9000));
  documents.push_back(Syllables(random, 30, 9000));
  GuardWorld world(documents);
  world.gone = {1, 4};
  RunFollower before(world.index(), {}, nullptr);
  Status error;
  for (const char32_t cp : documents[1]) {
    const auto judgement = before.Step(cp);
    if (!judgement.ok()) error = judgement.status();
  }
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound) << "gone without a record: no answer";
  std::vector<std::string> records;
  for (const size_t d : {1, 4}) {
    records.push_back(
        WithdrawnRuns::RecordOf(Hasher(), Mac(), GuardWorld::DocumentOf(d), documents[d]));
  }
  EXPECT_EQ(records[1].size(), 32U) << "too short to be protected, and withdrawn";
  const auto withdrawn = WithdrawnRuns::Load(Hasher(), Mac(), records);
  ASSERT_TRUE(withdrawn.ok());
  const auto index = GuardIndex::Make(world.view(), world, *withdrawn, world.index().get());
  ASSERT_TRUE(index.ok());
  for (size_t d = 0; d < documents.size(); ++d) {
    RunFollower follower(*index, {}, nullptr);
    for (size_t i = 0; i < documents[d].size(); ++i) {
      const auto judgement = follower.Step(documents[d][i]);
      ASSERT_TRUE(judgement.ok()) << judgement.status();
      EXPECT_EQ(*judgement, i < 49   ? Judgement::kFree
                            : d == 1 ? Judgement::kWithdrawn
                                     : Judgement::kRun);
    }
  }
}

TEST(WithdrawnRuns, RefuseDamagedRecords) {
  Random random(4302);
  const std::string record = WithdrawnRuns::RecordOf(Hasher(), Mac(), GuardWorld::DocumentOf(1),
                                                     Syllables(random, 60, 9000));
  ASSERT_EQ(record.size(), 8U + 16U + 8U + 11U * 16U);
  const auto refused = [](std::string bytes) {
    const std::vector<std::string> records{std::move(bytes)};
    return !WithdrawnRuns::Load(Hasher(), Mac(), records).ok();
  };
  EXPECT_FALSE(refused(record));
  EXPECT_TRUE(refused(record.substr(0, record.size() - 1)));
  EXPECT_TRUE(refused(record + "x"));
  EXPECT_TRUE(refused("X" + record.substr(1)));
  std::string swapped = record;
  std::swap_ranges(swapped.end() - 16, swapped.end(), swapped.end() - 32);
  EXPECT_TRUE(refused(swapped)) << "out of order";
  EXPECT_TRUE(refused(""));
}

TEST(HotRuns, AreFewAndOfDocumentsWithHotTilesAlone) {
  Random random(4303);
  std::vector<std::u32string> documents;
  const std::u32string footer = Syllables(random, 70, 9000);
  for (int d = 0; d < 200; ++d) documents.push_back(Syllables(random, 130, 9000) + footer);
  const GuardWorld world(documents);
  // 130 is a multiple of 13: the footer's five tiles stand at the same place in every document.
  // Its own 21 windows are one each; those that begin in the twelve code points before it are the
  // document's.
  ASSERT_TRUE(world.index()->has_hot());
  const size_t windows = world.index()->segments()[0].hot->size();
  EXPECT_LE(windows, 21U + 200U * 12U);
  EXPECT_GE(windows, 21U + 200U * 12U - 20U) << "a few of them are alike";
  for (int d = 0; d < 20; ++d) documents[static_cast<size_t>(d)] = Syllables(random, 200, 9000);
  documents.resize(20);
  EXPECT_FALSE(GuardWorld(documents).index()->has_hot());
}

TEST(GuardIndex, KeepsTheTablesOfSegmentsItHad) {
  Random random(4304);
  std::vector<std::u32string> documents;
  const std::u32string footer = Syllables(random, 70, 9000);
  for (int d = 0; d < 40; ++d) documents.push_back(footer);
  GuardWorld world(documents);
  const size_t asked = world.asked;
  const auto again = GuardIndex::Make(world.view(), world, nullptr, world.index().get());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(world.asked, asked);
  EXPECT_EQ((*again)->segments()[0].hot, world.index()->segments()[0].hot);
}

}  // namespace
}  // namespace jangbu::audit
