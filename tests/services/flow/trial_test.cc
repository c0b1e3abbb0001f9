// A trial says what an upload would come to, and leaves nothing behind.

#include "services/flow/trial.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

struct Tried {
  std::vector<VerdictView> rows;
  Trial::Outcome outcome;
};

Tried Try(Jangbu& jangbu, uint32_t partner, const Files& files) {
  Tried tried;
  const auto trial = jangbu.StartTrial(partner, 1, [&](const VerdictView& row) {
    tried.rows.push_back(row);
    return true;
  });
  EXPECT_TRUE(trial.ok()) << trial.status();
  for (const auto& [path, bytes] : files) {
    ingest::MemorySource source(bytes, 1000);
    const Status added = (*trial)->Add(path, source);
    EXPECT_TRUE(added.ok()) << added;
  }
  const auto outcome = (*trial)->Finish();
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  tried.outcome = *outcome;
  return tried;
}

std::string Syllables(std::mt19937_64& random, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i > 0 && random() % 3 == 0) text += ' ';
    const auto c = static_cast<uint32_t>(0xAC00 + random() % 11172);
    text += static_cast<char>(0xE0 | (c >> 12));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
  return text;
}

std::string Record(const std::string& text) { return "{\"text\":\"" + text + "\"}\n"; }

// Paragraphs met before and new ones, short lines, whole documents again, and what is refused.
Files RandomFiles(std::mt19937_64& random, std::vector<std::string>& paragraphs,
                  std::vector<std::string>& documents, int files, int records) {
  Files out;
  for (int f = 0; f < files; ++f) {
    std::string lines;
    for (int r = 0; r < records; ++r) {
      switch (random() % 12) {
        case 0:
          lines += "{broken\n";
          continue;
        case 1:
          lines += Record("...");
          continue;
        case 2:
          if (!documents.empty()) {
            lines += Record(documents[random() % documents.size()]);
            continue;
          }
          break;
        default:
          break;
      }
      std::string text;
      for (uint64_t p = 1 + random() % 4; p > 0; --p) {
        if (!text.empty()) text += "\\n";
        if (!paragraphs.empty() && random() % 3 == 0) {
          text += paragraphs[random() % paragraphs.size()];
        } else {
          paragraphs.push_back(Syllables(random, static_cast<int>(3 + random() % 120)));
          text += paragraphs.back();
        }
      }
      documents.push_back(text);
      lines += Record(text);
    }
    out.emplace_back("기사/" + std::to_string(f) + ".jsonl", lines);
  }
  out.emplace_back("무늬.png", "\x89PNG\r\n\x1a\n....");
  out.emplace_back("글.txt", "마지막 글입니다.\n" + paragraphs.front());
  return out;
}

// The law of trial.h, over uploads that build on one another.
TEST(Trial, SaysWhatTheUploadThenSays) {
  for (const uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TestInstallation t(seed);
    Jangbu& jangbu = t.Open();
    const uint32_t hani = t.Partner("hani");
    std::vector<std::string> paragraphs;
    std::vector<std::string> documents;
    std::map<ledger::Verdict, int> seen;
    for (int round = 1; round <= 3; ++round) {
      // The last round is more than one batch.
      const Files files = RandomFiles(random, paragraphs, documents, 2, round == 3 ? 2500 : 60);
      const Tried tried = Try(jangbu, hani, files);
      const uint32_t upload = t.Upload(hani, "r" + std::to_string(round), files);
      const std::vector<VerdictView> rows = t.Verdicts(hani, upload);
      const std::string own = "hani/u" + std::to_string(upload) + "#";
      ASSERT_EQ(tried.rows.size(), rows.size());
      for (size_t i = 0; i < rows.size(); ++i) {
        const VerdictView& a = tried.rows[i];
        const VerdictView& b = rows[i];
        ASSERT_EQ(a.file, b.file) << i;
        ASSERT_EQ(a.record, b.record) << i;
        ASSERT_EQ(a.item.verdict, b.item.verdict) << i;
        ASSERT_EQ(a.item.reason, b.item.reason) << i;
        ASSERT_EQ(a.detail, b.detail) << i;
        ASSERT_EQ(a.sha256, b.sha256) << i;
        ASSERT_EQ(a.item.words, b.item.words) << i;
        ASSERT_EQ(a.item.tokens, b.item.tokens) << i;
        ASSERT_EQ(a.item.similarity_ppm, b.item.similarity_ppm) << i;
        ASSERT_EQ(a.item.novel_korean_words, b.item.novel_korean_words) << i;
        ASSERT_EQ(a.item.novel_korean_tokens, b.item.novel_korean_tokens) << i;
        // The trial has no upload to name.
        const std::string named =
            b.duplicate_of.starts_with(own) ? b.duplicate_of.substr(own.size()) : b.duplicate_of;
        ASSERT_EQ(a.duplicate_of, named) << i;
        ++seen[b.item.verdict];
      }
      EXPECT_EQ(tried.outcome.counts, jangbu.GetUpload(hani, upload)->counts);
      EXPECT_EQ(tried.outcome.files, static_cast<int64_t>(files.size()));
      EXPECT_EQ(tried.outcome.bytes, jangbu.GetUpload(hani, upload)->bytes);
      EXPECT_EQ(tried.outcome.api_tokens, tried.outcome.counts.novel_korean_words);
    }
    EXPECT_EQ(seen.size(), 4U) << "every kind of verdict is met";
  }
}

TEST(Trial, LeavesNothing) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  std::mt19937_64 random(4);
  std::vector<std::string> paragraphs;
  std::vector<std::string> documents;
  const Files files = RandomFiles(random, paragraphs, documents, 2, 50);
  t.Upload(hani, "r1", files);
  const auto state = [&] {
    uint64_t size = 0;
    jangbu.ReadBooks([&](const ledger::Books& books) { size = books.size(); });
    return std::pair(size, *jangbu.BooksRoot());
  };
  const auto names = [&] {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(t.options().data_dir))
      found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  };
  const auto before = state();
  const auto names_before = names();
  const Files more = RandomFiles(random, paragraphs, documents, 2, 50);
  const Tried first = Try(jangbu, hani, more);
  // Nothing was learnt from the first: the second says the same.
  const Tried second = Try(jangbu, hani, more);
  EXPECT_EQ(first.outcome.counts, second.outcome.counts);
  EXPECT_GT(first.outcome.counts.novel_korean_words, 0);
  EXPECT_EQ(state(), before);
  EXPECT_EQ(names(), names_before);
  EXPECT_EQ(jangbu.ListUploads(hani, 0, 0, 10)->size(), 1U);
  t.Close();
  const auto report = t.Verify();
  EXPECT_TRUE(report.ok()) << report.status();
}

// Invariant 4: a trial depends on the partner's own text alone.
TEST(Trial, Invariant4_OthersTextIsNotSeen) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t book = t.Partner("book");
  std::mt19937_64 random(5);
  std::vector<std::string> paragraphs;
  std::vector<std::string> documents;
  const Files files = RandomFiles(random, paragraphs, documents, 1, 80);
  const Tried alone = Try(jangbu, hani, files);
  t.Upload(book, "r1", files);
  const Tried after = Try(jangbu, hani, files);
  ASSERT_EQ(alone.rows.size(), after.rows.size());
  for (size_t i = 0; i < alone.rows.size(); ++i) {
    EXPECT_EQ(alone.rows[i].item, after.rows[i].item) << i;
    EXPECT_EQ(alone.rows[i].duplicate_of, after.rows[i].duplicate_of) << i;
  }
  EXPECT_EQ(alone.outcome.counts, after.outcome.counts);
  // Its own it does see.
  EXPECT_EQ(Try(jangbu, book, files).outcome.counts.novel_korean_words, 0);
}

TEST(Trial, OneAtATimeAndOnlyOfACorpusThatIsThere) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t book = t.Partner("book");
  const auto nobody = [](const VerdictView&) { return true; };
  EXPECT_EQ(ReasonOf(jangbu.StartTrial(hani, 2, nobody).status()), "no_such_corpus");
  {
    const auto running = jangbu.StartTrial(hani, 1, nobody);
    ASSERT_TRUE(running.ok()) << running.status();
    EXPECT_EQ(ReasonOf(jangbu.StartTrial(hani, 1, nobody).status()), "trial_running");
    EXPECT_TRUE(jangbu.StartTrial(book, 1, nobody).ok());
    ingest::MemorySource bytes("글");
    EXPECT_EQ(ReasonOf((*running)->Add(std::string("\xFF"), bytes)), "bad_path");
  }
  EXPECT_TRUE(jangbu.StartTrial(hani, 1, nobody).ok());
}

TEST(Trial, StopsWhenNobodyListens) {
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  int rows = 0;
  const auto trial = jangbu.StartTrial(hani, 1, [&](const VerdictView&) { return ++rows < 3; });
  ASSERT_TRUE(trial.ok());
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += Record(std::to_string(i) + "번째 글입니다.");
  ingest::MemorySource bytes(lines);
  Status status = (*trial)->Add("a.jsonl", bytes);
  if (status.ok()) status = (*trial)->Finish().status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(rows, 3);
}

}  // namespace
}  // namespace jangbu::services
