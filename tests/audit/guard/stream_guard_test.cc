#include "audit/guard/stream_guard.h"

#include <divsufsort.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "tests/audit/guard/guard_world.h"
#include "tests/audit/guard/surface_forms.h"
#include "tests/reference/guard.h"

namespace jangbu::audit {
namespace {

using testing::Answered;
using testing::GuardWorld;
using testing::Outcome;
using testing::Random;
using testing::Syllables;
using testing::Utf8;

size_t FromEnvironment(const char* name, size_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

std::u32string Form(std::string_view utf8) {
  return ingest::CodePoints(ingest::ComparisonForm(ingest::Canonicalize(utf8)));
}

bool HoldsForbidden(std::string_view released, const std::vector<std::u32string>& documents,
                    std::u32string_view message = {}) {
  const auto ends = reference::ForbiddenEnds(Form(released), documents, message);
  return std::find(ends.begin(), ends.end(), true) != ends.end();
}

GuardOptions In(GuardMode mode) {
  GuardOptions options;
  options.mode = mode;
  return options;
}

// Invariant 5, over everything that makes the same text look different, cut anywhere.
// JANGBU_GUARD_RUNS=1000000 for the soak.
TEST(StreamGuard, Invariant5_NoPlantedRunPasses) {
  const uint64_t kSeed = FromEnvironment("JANGBU_GUARD_SEED", 4401);
  const size_t runs = FromEnvironment("JANGBU_GUARD_RUNS", 4'000);
  Random random(kSeed);
  std::vector<std::u32string> documents;
  for (int d = 0; d < 300; ++d) {
    std::u32string form = Syllables(random, 60 + random() % 300, 11'000);
    for (char32_t& c : form) {
      if (random() % 12 == 0) c = U"abcdefghijklmnopqrstuvwxyz0123456789"[random() % 36];
    }
    documents.push_back(form);
  }
  const GuardWorld world(documents, 3);
  for (size_t i = 0; i < runs; ++i) {
    const std::u32string& d = documents[random() % documents.size()];
    const size_t at = random() % (d.size() - 49);
    const std::u32string run = d.substr(at, 50);
    const std::string before = Utf8(Syllables(random, random() % 30, 9'000)) + ". ";
    const std::string written = surface::Write(run, random, random() % 3 * 25);
    // What follows must neither be what the run ends with (after a ■ that is the same run again)
    // nor what the document goes on with: both are rightly masked.
    char32_t last = U'끝';
    while (last == run.back() || (at + 50 < d.size() && last == d[at + 50])) ++last;
    const std::string text = before + written + " " + Utf8(std::u32string(1, last));
    const auto mode = static_cast<GuardMode>(1 + random() % 3);
    const Outcome outcome =
        Answered(world.index(), In(mode), text, random, random() % 2 == 0 ? 4 : 40);
    ASSERT_EQ(outcome.findings.size(), 1U) << "seed " << kSeed << ", run " << i << ": " << text;
    // What stands before may go on into the run by chance, never the other way.
    ASSERT_LE(outcome.findings[0].begin, static_cast<int64_t>(Form(outcome.released).size()));
    ASSERT_EQ(outcome.stopped, mode != GuardMode::kMask);
    const std::u32string released = Form(outcome.released);
    ASSERT_EQ(released.find(run), std::u32string::npos) << "seed " << kSeed << ", run " << i;
    // No more and no less than 49 of the run, which what stands before may lengthen by chance; save
    // that the beginning of a letter that came in pieces is another letter as long as its end is
    // held.
    if (mode == GuardMode::kBlock) continue;
    const std::u32string all = Form(before) + run;
    const auto free = static_cast<size_t>(outcome.findings[0].begin) + 49;
    ASSERT_EQ(released.substr(0, free), all.substr(0, free))
        << "seed " << kSeed << ", run " << i << ", mode " << static_cast<int>(mode);
    std::u32string rest = released.substr(free);
    if (mode == GuardMode::kMask) {
      ASSERT_TRUE(rest.ends_with(last)) << "seed " << kSeed << ", run " << i;
      rest.pop_back();
    }
    // Two letters where what stands before lengthens the run: then its last two are masked.
    ASSERT_LE(rest.size(), all.size() - free) << "seed " << kSeed << ", run " << i << "\n" << text;
    for (const char32_t cp : rest) {
      ASSERT_EQ(all.find(cp, free), std::u32string::npos) << "seed " << kSeed << ", run " << i;
    }
  }
}

// Every mode, on text made of pieces of documents: what is released holds nothing forbidden, and
// what holds nothing forbidden is released whole.
TEST(StreamGuard, Invariant5_NothingForbiddenInWhatIsReleased) {
  const uint64_t kSeed = FromEnvironment("JANGBU_GUARD_SEED", 4402);
  const size_t rounds = FromEnvironment("JANGBU_GUARD_ROUNDS", 60);
  Random random(kSeed);
  size_t stopped = 0;
  size_t whole = 0;
  for (size_t round = 0; round < rounds; ++round) {
    const size_t alphabet = round % 3 == 0 ? 2 : 9'000;
    std::vector<std::u32string> documents;
    for (int d = 0; d < 25; ++d)
      documents.push_back(Syllables(random, 40 + random() % 150, alphabet));
    const GuardWorld world(documents, 2);
    for (int question = 0; question < 6; ++question) {
      std::u32string output;
      for (int i = 0; i < 4; ++i) {
        const std::u32string& d = documents[random() % documents.size()];
        output +=
            d.substr(random() % d.size(), random() % 90) + Syllables(random, random() % 9, 9'000);
      }
      const std::u32string message =
          random() % 2 == 0 ? std::u32string() : output.substr(output.size() / 2, 80) + U"요청";
      const std::string text = surface::Write(output, random, 10);
      const bool forbidden = HoldsForbidden(text, documents, message);
      for (const GuardMode mode :
           {GuardMode::kBlock, GuardMode::kCut, GuardMode::kMask, GuardMode::kReport}) {
        GuardOptions options = In(mode);
        options.user_message = Utf8(message);
        const Outcome outcome = Answered(world.index(), options, text, random, 30);
        if (mode == GuardMode::kReport) {
          ASSERT_EQ(outcome.released, text);
          if (forbidden) {
            ASSERT_FALSE(outcome.findings.empty());
          }
        } else {
          ASSERT_FALSE(HoldsForbidden(outcome.released, documents, message))
              << "seed " << kSeed << ", round " << round << "." << question << ", mode "
              << static_cast<int>(mode) << "\n"
              << text << "\n"
              << outcome.released;
        }
        if (message.empty()) {
          ASSERT_EQ(!outcome.findings.empty(), forbidden) << "nothing is flagged that is not there";
        }
        if (outcome.findings.empty()) {
          ASSERT_EQ(outcome.released, text);
          ASSERT_FALSE(forbidden);
          ++whole;
        } else {
          ++stopped;
        }
      }
    }
  }
  EXPECT_GT(stopped, 200U);
  EXPECT_GT(whole, 200U);
}

// Letters that are the beginning of other letters, written in pieces that are cut anywhere: what
// was released must hold nothing forbidden whatever came after it, and nothing is stopped for a
// letter that became another one.
TEST(StreamGuard, Invariant5_LettersThatBecomeOthers) {
  const uint64_t kSeed = FromEnvironment("JANGBU_GUARD_SEED", 4410);
  const size_t rounds = FromEnvironment("JANGBU_GUARD_ROUNDS", 60);
  Random random(kSeed);
  constexpr std::u32string_view kLetters = U"가각갂간고과곽ㄱㅋㅏㅗㅎa한하1";
  constexpr std::u32string_view kPieces = U"\u1161\u1169\u11A8\u11AB\u1100\u314F\u3131\uFFA1\u0301";
  const auto letters = [&](size_t n) {
    std::string out;
    for (; n > 0; --n) out += Utf8(std::u32string(1, kLetters[random() % kLetters.size()]));
    return out;
  };
  size_t stopped = 0;
  size_t whole = 0;
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<std::u32string> documents;
    for (int d = 0; d < 12; ++d) documents.push_back(Form(letters(50 + random() % 80)));
    // Twins: the same but for one letter.
    for (int d = 0; d < 12; ++d) {
      std::string twin;
      const size_t at = random() % documents[static_cast<size_t>(d)].size();
      for (size_t i = 0; i < documents[static_cast<size_t>(d)].size(); ++i) {
        twin += i == at ? letters(1) : Utf8(documents[static_cast<size_t>(d)].substr(i, 1));
      }
      documents.push_back(Form(twin));
    }
    const GuardWorld world(documents, 2);
    for (int question = 0; question < 8; ++question) {
      std::string text;
      for (int i = 0; i < 3; ++i) {
        const std::u32string& d = documents[random() % documents.size()];
        const std::u32string part = d.substr(random() % std::max<size_t>(1, d.size() - 45), 52);
        for (const char32_t cp : part) {
          text += surface::Write(std::u32string(1, cp), random, 4);
          if (random() % 60 == 0)
            text += Utf8(std::u32string(1, kPieces[random() % kPieces.size()]));
        }
        text += letters(random() % 3);
      }
      const bool forbidden = HoldsForbidden(text, documents);
      for (const GuardMode mode : {GuardMode::kBlock, GuardMode::kCut, GuardMode::kMask}) {
        const Outcome outcome =
            Answered(world.index(), In(mode), text, random, random() % 2 == 0 ? 2 : 20);
        ASSERT_FALSE(HoldsForbidden(outcome.released, documents))
            << "seed " << kSeed << ", round " << round << "." << question << ", mode "
            << static_cast<int>(mode) << "\n"
            << text << "\n"
            << outcome.released;
        ASSERT_EQ(!outcome.findings.empty(), forbidden)
            << "seed " << kSeed << ", round " << round << "." << question << "\n"
            << text;
        if (!forbidden) {
          ASSERT_EQ(outcome.released, text);
        }
        ++(forbidden ? stopped : whole);
      }
    }
  }
  EXPECT_GT(stopped, rounds);
  EXPECT_GT(whole, rounds);
}

// A suffix array says what occurs; the guard must agree at every place. JANGBU_GUARD_SAMPLE=1000000
// for the soak.
TEST(StreamGuard, AgreesWithASuffixArrayAtEveryPlace) {
  constexpr uint64_t kSeed = 4403;
  Random random(kSeed);
  const size_t size = FromEnvironment("JANGBU_GUARD_SAMPLE", 60'000);
  // Sentences of few frames with numbers and names, as boilerplate is.
  std::vector<std::u32string> frames;
  for (int f = 0; f < 40; ++f) frames.push_back(Syllables(random, 10 + random() % 40, 2'000));
  const auto sentence = [&] {
    std::u32string s = frames[random() % frames.size()];
    s += Syllables(random, 1 + random() % 4, random() % 3 == 0 ? 2 : 2'000);
    return s;
  };
  std::vector<std::u32string> documents;
  size_t total = 0;
  while (total < size) {
    std::u32string d;
    for (size_t i = 0, n = 1 + random() % 12; i < n; ++i) d += sentence();
    total += d.size();
    documents.push_back(d);
  }
  // Two bytes a code point, documents apart by a code point that occurs nowhere.
  std::string bytes;
  const auto put = [](std::string& to, char32_t cp) {
    to.push_back(static_cast<char>(cp >> 8));
    to.push_back(static_cast<char>(cp & 0xFF));
  };
  for (const auto& d : documents) {
    for (const char32_t cp : d) put(bytes, cp);
    put(bytes, 1);
  }
  std::vector<saidx_t> array(bytes.size());
  ASSERT_EQ(divsufsort(reinterpret_cast<const sauchar_t*>(bytes.data()), array.data(),
                       static_cast<saidx_t>(bytes.size())),
            0);
  const auto occurs = [&](const std::string& pattern) {
    saidx_t first = 0;
    const saidx_t n = sa_search(
        reinterpret_cast<const sauchar_t*>(bytes.data()), static_cast<saidx_t>(bytes.size()),
        reinterpret_cast<const sauchar_t*>(pattern.data()), static_cast<saidx_t>(pattern.size()),
        array.data(), static_cast<saidx_t>(array.size()), &first);
    for (saidx_t i = 0; i < n; ++i) {
      if (array[static_cast<size_t>(first + i)] % 2 == 0) return true;  // at a code point
    }
    return false;
  };
  const GuardWorld world(documents, 2);
  RunFollower follower(world.index(), {}, nullptr);
  std::u32string output;
  while (output.size() < size) {
    const std::u32string& d = documents[random() % documents.size()];
    output += random() % 2 == 0 ? sentence() : d.substr(random() % d.size(), random() % 120);
  }
  size_t present = 0;
  for (size_t i = 0; i < output.size(); ++i) {
    const bool flagged = *follower.Step(output[i]) != Judgement::kFree;
    bool want = false;
    if (i >= 49) {
      std::string pattern;
      for (size_t j = i - 49; j <= i; ++j) put(pattern, output[j]);
      want = occurs(pattern);
    }
    ASSERT_EQ(flagged, want) << "seed " << kSeed << ", place " << i;
    present += want ? 1 : 0;
  }
  EXPECT_GT(present, size / 10);
  std::printf("suffix array and guard agree at %zu places, %zu of them present\n", output.size(),
              present);
}

TEST(StreamGuard, TextThatIsNotThereIsReleasedAtOnce) {
  Random random(4404);
  std::vector<std::u32string> documents;
  for (int d = 0; d < 100; ++d) documents.push_back(Syllables(random, 300, 500));
  const GuardWorld world(documents);
  for (int round = 0; round < 50; ++round) {
    StreamGuard guard(world.index(), {});
    for (int piece = 0; piece < 50; ++piece) {
      const std::string text = Utf8(Syllables(random, 1 + random() % 3, 500)) + " ";
      EXPECT_EQ(guard.Push(text)->release, text);
    }
    EXPECT_EQ(guard.Finish()->release, "");
  }
}

TEST(StreamGuard, HoldsALetterThatAJamoWouldComplete) {
  Random random(4405);
  std::u32string document = Syllables(random, 80, 9'000);
  document[49] = U'각';
  const GuardWorld world({document});
  const std::string start = Utf8(std::u32string_view(document).substr(0, 49));
  {
    StreamGuard guard(world.index(), In(GuardMode::kCut));
    EXPECT_EQ(guard.Push(start + "가")->release, start + "가") << "가 is not 각";
    const auto answer = guard.Push("\u11A8");
    EXPECT_TRUE(!answer->stopped || answer->release.empty());
    EXPECT_EQ(guard.Finish()->release, "") << "the final consonant completes the run";
  }
  {
    StreamGuard guard(world.index(), In(GuardMode::kCut));
    EXPECT_EQ(guard.Push(start + "각")->release, start) << "may still change";
    const auto answer = guard.Push(" 다음");
    EXPECT_TRUE(answer->stopped);
    EXPECT_EQ(answer->release, "");
  }
  document[49] = U'가';
  const GuardWorld other({document});
  {
    StreamGuard guard(other.index(), In(GuardMode::kBlock));
    EXPECT_EQ(guard.Push(start + "가")->release, start) << "may become another letter";
    EXPECT_EQ(guard.Push("\u11A8 다음")->release, "가\u11A8 다음") << "and it did";
  }
}

TEST(StreamGuard, NamesEveryHolder) {
  Random random(4406);
  const std::u32string shared = Syllables(random, 90, 9'000);
  std::vector<std::u32string> documents;
  for (int d = 0; d < 60; ++d) {
    documents.push_back(Syllables(random, 13 + static_cast<size_t>(d) % 9, 9'000) +
                        (d % 2 == 0 ? shared : Syllables(random, 70, 9'000)));
  }
  const GuardWorld world(documents, 2);
  const Outcome outcome = Answered(world.index(), In(GuardMode::kBlock), Utf8(shared), random, 9);
  ASSERT_EQ(outcome.findings.size(), 1U);
  EXPECT_EQ(outcome.findings[0].holders.size(), 30U);
  EXPECT_EQ(outcome.findings[0].begin, 0);
  EXPECT_EQ(outcome.findings[0].end, 50);
  EXPECT_EQ(outcome.findings[0].run, shared.substr(0, 50));
}

TEST(StreamGuard, MaskedTextHoldsNoOtherRun) {
  // Masking joins what stands before and after: the joint is followed too.
  Random random(4407);
  const std::u32string a = Syllables(random, 80, 9'000);
  const std::u32string tail = Syllables(random, 60, 9'000);
  // Another document holds the first 49 of `a` and then `tail`.
  const GuardWorld world({a, a.substr(0, 49) + tail});
  const std::u32string output = a + tail;
  const Outcome outcome = Answered(world.index(), In(GuardMode::kMask), Utf8(output), random, 9);
  EXPECT_FALSE(HoldsForbidden(outcome.released, world.documents()));
  EXPECT_EQ(outcome.released.substr(0, 147), Utf8(a.substr(0, 49)));
}

TEST(StreamGuard, TwoAnswersShareOneBudget) {
  Random random(4408);
  const std::u32string document = Syllables(random, 600, 9'000);  // a tenth: 60
  const GuardWorld world({document});
  ExposureLedger ledger;
  testing::SetClock clock(5);
  ExposureLedger::Of budget(ledger, "key", clock);
  GuardOptions options = In(GuardMode::kBlock);
  options.budget = &budget;
  StreamGuard first(world.index(), options);
  StreamGuard second(world.index(), options);
  const auto text = [&](size_t from, size_t n) { return Utf8(document.substr(from, n)); };
  // Both have asked and seen sixty left; forty each is too much for both.
  EXPECT_EQ(first.Push(text(0, 26))->stopped, false);
  EXPECT_EQ(second.Push(text(100, 26))->stopped, false);
  EXPECT_EQ(first.Push(text(26, 6))->stopped, false);
  const auto answer = second.Push(text(126, 6));
  EXPECT_TRUE(answer->stopped);
  ASSERT_EQ(answer->findings.size(), 1U);
  EXPECT_EQ(answer->findings[0].kind, Judgement::kBudget);
  EXPECT_EQ(answer->release, "");
}

// What is shown is counted first; what cannot be counted is not shown, in any mode.
TEST(StreamGuard, CountsBeforeItShows) {
  Random random(4410);
  const std::u32string document = Syllables(random, 3'000, 9'000);
  const GuardWorld world({document});
  const std::string text = Utf8(document.substr(0, 30));
  for (const GuardMode mode :
       {GuardMode::kBlock, GuardMode::kCut, GuardMode::kMask, GuardMode::kReport}) {
    bool broken = false;
    uint32_t counted = 0;
    ExposureLedger ledger({}, [&](std::span<const ExposureLine> shown) -> Status {
      if (broken) return Unavailable("blobs_broken", "the disk is gone");
      for (const ExposureLine& e : shown) counted += e.n;
      return OkStatus();
    });
    testing::SetClock clock(5);
    ExposureLedger::Of budget(ledger, "key", clock);
    GuardOptions options = In(mode);
    options.budget = &budget;
    StreamGuard guard(world.index(), options);
    const auto answer = guard.Push(text);
    ASSERT_TRUE(answer.ok()) << answer.status();
    // The last letter may still become another one: where nothing is stopped, it counts when it is
    // settled.
    EXPECT_EQ(answer->release, text);
    EXPECT_EQ(counted, mode == GuardMode::kReport ? 29U : 30U) << "by the time it is released";
    EXPECT_EQ(guard.Push("")->release, "");
    EXPECT_EQ(counted, mode == GuardMode::kReport ? 29U : 30U) << "once";
    broken = true;
    EXPECT_EQ(ReasonOf(guard.Push(Utf8(document.substr(30, 5))).status()), "blobs_broken");
    EXPECT_EQ(guard.Push("더")->release, "") << "nothing of this answer any more";
    EXPECT_EQ(ledger.Left("key", GuardWorld::DocumentOf(0), document.size(), clock.at), 300U - 34U)
        << "taken, all that was settled, though it was not shown";
  }
}

// What gets through, as a figure and not as a promise (docs/audit.md).
TEST(StreamGuard, TellsWhatItDoesNotStop) {
  Random random(4409);
  const std::u32string document = Syllables(random, 1'000, 9'000);
  const GuardWorld world({document});
  const auto edited = [&](size_t every) {
    std::u32string text = document.substr(0, 400);
    for (size_t i = every - 1; i < text.size(); i += every) text[i] = U'힣';
    return Utf8(text);
  };
  std::string letter_each;
  std::string digit_each;
  std::string romanised;
  std::string hanja;
  std::string reversed;
  std::string initials;
  for (const char32_t cp : std::u32string_view(document).substr(0, 200)) {
    letter_each += Utf8(std::u32string(1, cp)) + "x";
    digit_each += Utf8(std::u32string(1, cp)) + "7";
    // Revised Romanisation by letter, and one made-up Han character for each syllable.
    static const char* const kLead[19] = {"g",  "kk", "n", "d",  "tt", "r", "m", "b", "pp", "s",
                                          "ss", "",   "j", "jj", "ch", "k", "t", "p", "h"};
    static const char* const kVowel[21] = {"a",  "ae", "ya", "yae", "eo", "e",  "yeo",
                                           "ye", "o",  "wa", "wae", "oe", "yo", "u",
                                           "wo", "we", "wi", "yu",  "eu", "ui", "i"};
    romanised += std::string(kLead[(cp - 0xAC00) / 588]) + kVowel[(cp - 0xAC00) / 28 % 21] + " ";
    hanja += Utf8(std::u32string(1, static_cast<char32_t>(0x4E00 + (cp - 0xAC00))));
    reversed = Utf8(std::u32string(1, cp)) + reversed;
    initials +=
        Utf8(std::u32string(1, U"ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"[(cp - 0xAC00) / 588]));
  }
  const std::pair<const char*, std::string> rows[] = {
      {"verbatim", Utf8(document.substr(0, 200))},
      {"one substitution in 60", edited(60)},
      {"one substitution in 40", edited(40)},
      {"one substitution in 24", edited(24)},
      {"one substitution in 10", edited(10)},
      {"a Latin letter after each syllable", letter_each},
      {"a digit after each syllable", digit_each},
      {"romanised", romanised},
      {"a Han character for each syllable", hanja},
      {"reversed", reversed},
      {"initial consonants only", initials},
      {"base64", ToBase64(Utf8(document.substr(0, 200)))},
  };
  for (const auto& [name, text] : rows) {
    const Outcome outcome = Answered(world.index(), In(GuardMode::kReport), text, random, 12);
    std::printf("  %-36s %s\n", name, outcome.findings.empty() ? "passes" : "stopped");
    if (std::string_view(name) == "verbatim") {
      EXPECT_FALSE(outcome.findings.empty());
    }
  }
}

}  // namespace
}  // namespace jangbu::audit
