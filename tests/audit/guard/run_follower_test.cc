#include "audit/guard/run_follower.h"

#include <gtest/gtest.h>

#include "tests/audit/guard/guard_world.h"
#include "tests/reference/guard.h"

namespace jangbu::audit {
namespace {

using testing::GuardWorld;
using testing::Random;
using testing::Syllables;

std::vector<bool> Ends(const std::shared_ptr<const GuardIndex>& index, std::u32string_view output,
                       std::u32string message) {
  RunFollower follower(index, std::move(message), nullptr);
  std::vector<bool> out;
  RunFollower::Mark mark;
  for (size_t i = 0; i < output.size(); ++i) {
    // Every so often: a step, and back.
    if (i % 7 == 3) {
      follower.Save(mark);
      JANGBU_CHECK(follower.Step(output[(i * 31) % output.size()]).ok());
      JANGBU_CHECK(follower.Step(output[i]).ok());
      follower.Restore(mark);
    }
    const auto judgement = follower.Step(output[i]);
    JANGBU_CHECK(judgement.ok());
    out.push_back(*judgement != Judgement::kFree);
  }
  return out;
}

// Pieces of documents, of the message and of nothing, glued.
std::u32string Collage(Random& random, const std::vector<std::u32string>& from, size_t pieces,
                       size_t alphabet) {
  std::u32string out;
  for (size_t i = 0; i < pieces; ++i) {
    if (random() % 3 == 0) {
      out += Syllables(random, random() % 20, alphabet);
      continue;
    }
    const std::u32string& d = from[random() % from.size()];
    if (d.empty()) continue;
    const size_t begin = random() % d.size();
    out += d.substr(begin, 1 + random() % 200);
  }
  return out;
}

TEST(RunFollower, AgreesWithSearchingAtEveryPlace) {
  constexpr uint64_t kSeed = 4201;
  Random random(kSeed);
  size_t found = 0;
  for (int round = 0; round < 120; ++round) {
    // Few syllables and many copies make hot tiles; Latin stretches make longer least runs.
    const size_t alphabet = round % 4 == 0 ? 1 : round % 4 == 1 ? 2 : 400;
    std::vector<std::u32string> documents;
    const std::u32string formula = Syllables(random, 60 + random() % 60, 400);
    std::u32string licence;
    for (int i = 0; i < 220; ++i) licence.push_back(static_cast<char32_t>('a' + random() % 26));
    for (int d = 0; d < 50; ++d) {
      std::u32string form = Syllables(random, random() % 120, alphabet);
      if (d % 2 == 0) form += formula.substr(random() % 20);
      if (d % 3 == 0) form += licence.substr(random() % 60);
      form += Syllables(random, random() % 60, 400);
      documents.push_back(form);
    }
    const GuardWorld world(documents, 1 + random() % 3);
    for (int question = 0; question < 4; ++question) {
      const std::u32string message =
          random() % 2 == 0 ? std::u32string() : Collage(random, documents, 2, 400);
      auto sources = documents;
      if (!message.empty()) sources.insert(sources.end(), 10, message);
      const std::u32string output = Collage(random, sources, 6, 400);
      if (output.empty()) continue;
      const auto want = reference::ForbiddenEnds(output, documents, message);
      auto got = Ends(world.index(), output, message);
      // Runs that begin in the message are the follower's own business here.
      if (!message.empty()) {
        for (size_t i = 0; i < std::min<size_t>(output.size(), 149); ++i) {
          if (!want[i]) got[i] = false;
        }
      }
      ASSERT_EQ(got, want) << "seed " << kSeed << ", round " << round << "." << question;
      found += static_cast<size_t>(std::count(want.begin(), want.end(), true));
    }
  }
  EXPECT_GT(found, 10'000U);
}

TEST(RunFollower, LeastRunIsThePromise) {
  Random random(4202);
  for (int round = 0; round < 300; ++round) {
    std::u32string text;
    const size_t n = 1 + random() % 400;
    const uint64_t korean = random() % 100;
    for (size_t i = 0; i < n; ++i) {
      text.push_back(random() % 100 < korean ? static_cast<char32_t>(0xAC00 + random() % 9000)
                                             : static_cast<char32_t>('0' + random() % 10));
      if (random() % 30 == 0) text.back() = 0x6F22;
    }
    size_t want = 150;
    for (size_t k = 50; k <= n && k < 150; ++k) {
      if (reference::Protected(std::u32string_view(text).substr(n - k))) {
        want = k;
        break;
      }
    }
    if (n < 50) {
      ASSERT_GT(LeastRun(text), n) << round;
    } else {
      ASSERT_EQ(LeastRun(text), want) << round;
    }
    const GuardWorld world({});
    RunFollower follower(world.index(), {}, nullptr);
    for (const char32_t cp : text) ASSERT_TRUE(follower.Step(cp).ok());
    ASSERT_EQ(follower.LeastRunHere(), LeastRun(text));
  }
}

TEST(RunFollower, ARunThatBeginsInTheMessageIsCountedFromThere) {
  Random random(4203);
  const std::u32string document = Syllables(random, 400, 9000);
  const GuardWorld world({document});
  struct Case {
    const char* why;
    size_t pasted;  // the document's first code points, at the end of the message
    size_t free;    // code points of its continuation that pass
  };
  const Case cases[] = {
      {"nothing pasted", 0, 49},
      {"ten pasted and forty shown make the run", 10, 39},
      {"38 and 12", 38, 11},
      {"a short continuation is chance", 45, 11},
      {"however much was pasted", 200, 11},
  };
  for (const Case& c : cases) {
    const std::u32string message = U"이어서써줘" + document.substr(0, c.pasted);
    RunFollower follower(world.index(), message, nullptr);
    size_t passed = 0;
    while (*follower.Step(document[c.pasted + passed]) == Judgement::kFree) ++passed;
    EXPECT_EQ(passed, c.free) << c.why;
  }
}

TEST(RunFollower, WhatTheMessageHoldsMayBeRepeated) {
  Random random(4204);
  const std::u32string document = Syllables(random, 400, 9000);
  const GuardWorld world({document});
  const std::u32string message = document.substr(100, 80) + U"위글을고쳐줘";
  RunFollower follower(world.index(), message, nullptr);
  for (const char32_t cp : std::u32string_view(document).substr(100, 80)) {
    EXPECT_EQ(*follower.Step(cp), Judgement::kFree);
  }
  EXPECT_EQ(*follower.Step(document[180]), Judgement::kRun) << "one more than it holds";
  EXPECT_EQ(follower.found().begin, 0);
}

TEST(RunFollower, ABudgetStopsTheNextRunsOfTwentyFive) {
  Random random(4205);
  const std::u32string document = Syllables(random, 3'000, 9000);
  const std::u32string other = Syllables(random, 3'000, 9000);
  const GuardWorld world({document, other});
  ExposureLedger ledger;
  testing::SetClock clock(0);
  ExposureLedger::Of budget(ledger, "key", clock);
  size_t shown = 0;
  size_t answers = 0;
  // Forty at a time never makes a run of fifty.
  for (size_t at = 0; at + 40 < document.size(); at += 40, ++answers) {
    RunFollower follower(world.index(), {}, &budget);
    size_t n = 0;
    while (n < 40 && *follower.Step(document[at + n]) == Judgement::kFree) ++n;
    ASSERT_TRUE(*follower.SpendExposures());
    if (n < 40) {
      EXPECT_EQ(n, 24U);
      break;
    }
    shown += n;
  }
  EXPECT_EQ(shown, 280U) << "a tenth is 300: seven answers of forty";
  RunFollower follower(world.index(), {}, &budget);
  for (size_t i = 0; i < 49; ++i) {
    EXPECT_EQ(*follower.Step(other[i]), Judgement::kFree) << "another document";
  }
  clock.at.micros += int64_t{25} * 3600 * 1'000'000;
  RunFollower again(world.index(), {}, &budget);
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(*again.Step(document[i]), Judgement::kFree);
}

TEST(RunFollower, AnUnreadableTextIsAnErrorNotAnAnswer) {
  Random random(4206);
  const std::u32string document = Syllables(random, 100, 9000);
  GuardWorld world({document});
  world.fail = true;
  StreamGuard guard(world.index(), {});
  const auto answer = guard.Push(testing::Utf8(document));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(guard.stopped());
  EXPECT_EQ(guard.Push("더")->release, "");
}

}  // namespace
}  // namespace jangbu::audit
