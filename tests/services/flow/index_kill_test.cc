// The run index across kills, against a suffix array (libdivsufsort).
//
// A child process opens an installation, asks it about documents that are in the journal, compares
// each answer with the suffix array's and goes on contributing, until it is killed at a random
// instant: while it opens, indexes, merges, stores or removes files of the index. The next child
// finds what the kill left. No run of 24 or more may be missing or invented, and no document that
// was acknowledged.
//
// The default is small. The soak:
//   JANGBU_RUN_KILLS=100 JANGBU_RUN_CODE_POINTS=3000000 index_kill_test

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "ingest/dedup/coverage.h"
#include "ingest/dedup/document_form.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"
#include "tests/reference/suffix_array.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

constexpr uint64_t kSeed = 20'261'125;
constexpr int kQuestions = 40;  // after each kill
constexpr int kAnswersDiffer = 3;

uint64_t Wanted(const char* name, uint64_t otherwise) {
  const char* wanted = std::getenv(name);
  return wanted == nullptr ? otherwise : std::strtoull(wanted, nullptr, 10);
}

// Articles of made-up sentences that take stretches of earlier ones, and laughter.
std::vector<std::string> Articles(uint64_t code_points) {
  std::mt19937_64 engine(kSeed);
  const auto below = [&](uint64_t n) { return engine() % n; };
  std::vector<std::string> articles;
  std::vector<std::u32string> earlier;
  for (uint64_t sum = 0; sum < code_points;) {
    std::u32string text;
    const uint64_t parts = 2 + below(5);
    for (uint64_t p = 0; p < parts; ++p) {
      const uint64_t kind = below(6);
      if (kind < 3 && !earlier.empty()) {  // a stretch of an earlier one, wherever it begins
        const std::u32string& from = earlier[below(earlier.size())];
        const size_t begin = below(from.size());
        text += from.substr(begin, 10 + below(200));
      } else if (kind == 3) {
        text.append(5 + below(60), U'ㅋ');
      } else {
        for (uint64_t w = 0; w < 10 + below(30); ++w) {
          for (uint64_t c = 0; c < 2 + below(3); ++c)
            text.push_back(static_cast<char32_t>(0xAC00 + below(2350)));
          text.push_back(w % 8 == 7 ? U'\n' : U' ');
        }
      }
      text += U"다. ";
    }
    sum += text.size();
    std::string utf8;
    for (const char32_t c : text) ingest::AppendUtf8(c, utf8);
    articles.push_back(std::move(utf8));
    if (earlier.size() < 3000) earlier.push_back(std::move(text));
  }
  return articles;
}

reference::RunCorpus CorpusOf(const std::vector<std::string>& articles) {
  reference::RunCorpus corpus;
  ingest::RunDocument next;
  for (const std::string& article : articles) {
    corpus.push_back({next, ingest::FormOfDocument(ingest::Canonicalize(article)).stream});
    ++next.place.ordinal;
  }
  return corpus;
}

void Say(uint64_t number) {
  if (::write(STDOUT_FILENO, &number, sizeof number) != sizeof number) std::_Exit(2);
}

struct Installation {
  Installation(const std::string& dir, uint64_t round) : t(round) { t.options().data_dir = dir; }
  TestInstallation t;
};

// The child: says a number when it is about to open, then the number of documents in the journal,
// after the questions and after each acknowledged batch.
int Child(const std::string& dir, uint64_t round, uint64_t acknowledged, uint64_t code_points) {
  const std::vector<std::string> articles = Articles(code_points);
  const reference::WindowsBySuffixArray truth(CorpusOf(articles));
  std::mt19937_64 engine(kSeed + round);
  Say(acknowledged);
  Installation installation(dir, 1000 + round);
  TestInstallation& t = installation.t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = *jangbu.PartnerNumber("hani");
  const auto feed = jangbu.OpenFeed(hani, 1, "feed");
  if (!feed.ok()) return 2;
  const std::vector<VerdictView> rows = t.Verdicts(hani, feed->number);
  uint64_t committed = rows.size();
  if (committed < acknowledged) {
    std::fprintf(stderr, "%llu documents were acknowledged, %llu are there\n",
                 static_cast<unsigned long long>(acknowledged),
                 static_cast<unsigned long long>(committed));
    return kAnswersDiffer;
  }
  for (int q = 0; q < kQuestions && committed > 0; ++q) {
    const uint64_t d = engine() % committed;
    const auto told = jangbu.Explain(hani, feed->number, rows[d].file, rows[d].record, false);
    if (!told.ok()) {
      std::fprintf(stderr, "document %llu: %s\n", static_cast<unsigned long long>(d),
                   std::string(MessageOf(told.status())).c_str());
      return kAnswersDiffer;
    }
    const std::u32string form = ingest::FormOfDocument(ingest::Canonicalize(articles[d])).stream;
    const uint64_t expected = ingest::CoveredLength(truth.Covered(form, d));
    if (told->covered == expected && told->length == form.size()) continue;
    std::fprintf(
        stderr, "document %llu of %llu: %llu of %llu covered, the suffix array says %llu\n",
        static_cast<unsigned long long>(d), static_cast<unsigned long long>(committed),
        static_cast<unsigned long long>(told->covered),
        static_cast<unsigned long long>(told->length), static_cast<unsigned long long>(expected));
    return kAnswersDiffer;
  }
  Say(committed);
  while (committed < articles.size()) {
    std::vector<FeedDocument> batch;
    const uint64_t n = std::min<uint64_t>(1 + engine() % 40, articles.size() - committed);
    for (uint64_t i = 0; i < n; ++i) {
      FeedDocument document;
      document.document_id = "d" + std::to_string(committed + i);
      document.text = articles[committed + i];
      batch.push_back(std::move(document));
    }
    const auto verdicts = jangbu.Contribute(hani, feed->number, std::move(batch));
    if (!verdicts.ok()) {
      std::fprintf(stderr, "%s\n", std::string(MessageOf(verdicts.status())).c_str());
      return 2;
    }
    for (const FeedVerdict& verdict : *verdicts) {
      if (verdict.verdict.item.verdict == ledger::Verdict::kRejected) return 2;
    }
    committed += n;
    Say(committed);
  }
  return 0;
}

struct Outcome {
  bool killed = false;
  int exit_code = 0;
  uint64_t acknowledged = 0;
  uint64_t answers = 0;  // numbers that the child said after it had opened
};

// Runs a child and kills it `delay` after it is about to open or, if `when_open`, after it has
// answered its questions; no delay: lets it end.
Outcome RunChild(const std::string& dir, uint64_t round, uint64_t acknowledged,
                 uint64_t code_points, std::optional<std::chrono::microseconds> delay,
                 bool when_open) {
  Outcome outcome{.acknowledged = acknowledged};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const std::string words[] = {"index_kill_test",
                               "--child",
                               dir,
                               std::to_string(round),
                               std::to_string(acknowledged),
                               std::to_string(code_points)};
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv("/proc/self/exe", argv.data());
    std::_Exit(2);
  }
  ::close(ends[1]);
  uint64_t number = 0;
  bool ready = ::read(ends[0], &number, sizeof number) == sizeof number;
  if (when_open && ready && ::read(ends[0], &number, sizeof number) == sizeof number) {
    outcome.acknowledged = std::max(outcome.acknowledged, number);
    ++outcome.answers;
  }
  const auto until = std::chrono::steady_clock::now() + delay.value_or(std::chrono::hours(1));
  while (ready) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd wait{.fd = ends[0], .events = POLLIN, .revents = 0};
    const int n = left.count() < 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left.count()));
    if (n > 0) {
      if (::read(ends[0], &number, sizeof number) != sizeof number) break;
      outcome.acknowledged = std::max(outcome.acknowledged, number);
      ++outcome.answers;
    } else if (delay.has_value()) {
      ::kill(pid, SIGKILL);
      outcome.killed = true;
      break;
    }
  }
  // What it said before it died.
  while (::read(ends[0], &number, sizeof number) == sizeof number)
    outcome.acknowledged = std::max(outcome.acknowledged, number);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  return outcome;
}

TEST(IndexKill, AnswersAsTheSuffixArrayAfterEveryKill) {
  const uint64_t kills = Wanted("JANGBU_RUN_KILLS", 6);
  const uint64_t code_points = Wanted("JANGBU_RUN_CODE_POINTS", 60'000);
  std::printf("seed %llu\n", static_cast<unsigned long long>(kSeed));
  TestInstallation t;
  t.Open();
  t.Partner("hani");
  t.Close();
  std::mt19937_64 engine(kSeed);
  // Half of the kills fall on opening and asking, half on contributing; the delays adapt to the
  // machine.
  uint64_t longest_us = 400'000;
  uint64_t acknowledged = 0;
  uint64_t killed = 0;
  uint64_t while_opening = 0;
  for (uint64_t round = 0; killed < kills; ++round) {
    ASSERT_LT(round, 4 * kills + 8);
    const auto delay = std::chrono::microseconds(engine() % longest_us);
    const Outcome outcome =
        RunChild(t.options().data_dir, round, acknowledged, code_points, delay, round % 2 == 1);
    ASSERT_EQ(outcome.exit_code, 0) << "seed " << kSeed << ", round " << round;
    acknowledged = outcome.acknowledged;
    killed += outcome.killed ? 1 : 0;
    while_opening += outcome.killed && outcome.answers == 0 ? 1 : 0;
    if (outcome.killed && outcome.answers == 0) longest_us += longest_us / 4;
    if (!outcome.killed) longest_us = std::max<uint64_t>(longest_us / 2, 1000);
  }
  const Outcome last =
      RunChild(t.options().data_dir, 1'000'000, acknowledged, code_points, std::nullopt, false);
  ASSERT_EQ(last.exit_code, 0) << "seed " << kSeed;
  const auto report = t.Verify(false);
  EXPECT_TRUE(report.ok()) << report.status();
  std::printf("%llu kills, %llu of them before the index was open; %llu documents\n",
              static_cast<unsigned long long>(killed),
              static_cast<unsigned long long>(while_opening),
              static_cast<unsigned long long>(last.acknowledged));
}

}  // namespace
}  // namespace jangbu::services

int main(int argc, char** argv) {
  if (argc == 6 && std::string_view(argv[1]) == "--child") {
    return jangbu::services::Child(argv[2], std::strtoull(argv[3], nullptr, 10),
                                   std::strtoull(argv[4], nullptr, 10),
                                   std::strtoull(argv[5], nullptr, 10));
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
