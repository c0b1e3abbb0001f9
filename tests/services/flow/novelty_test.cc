// Novelty by runs, through the whole pipeline: what is near, what earns, what stays when the index
// is lost, and the same judged by brute force.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>
#include <set>

#include "ingest/dedup/coverage.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"
#include "ledger/entry.h"
#include "tests/reference/runs.h"
#include "tests/services/flow/flow_fixture.h"
#include "tests/services/flow/made_texts.h"

namespace jangbu::services {
namespace {

using testing::Json;
using testing::Noisy;

using ledger::Verdict;

// Sentences of made-up words, the same for the same seed.
class Writer {
 public:
  explicit Writer(uint64_t seed) : engine_(seed) {}
  uint64_t Below(uint64_t n) { return engine_() % n; }
  std::string Word() {
    static const std::vector<std::string> ends = {"은", "는", "을", "에서", "하고", "으로"};
    std::string word;
    for (uint64_t i = 0; i < 2 + Below(3); ++i)
      ingest::AppendUtf8(static_cast<char32_t>(0xAC00 + Below(11172)), word);
    return word + ends[Below(ends.size())];
  }
  std::string Sentence(size_t words) {
    std::string s;
    for (size_t i = 0; i < words; ++i) s += (i == 0 ? "" : " ") + Word();
    return s + ".";
  }
  std::string Text(size_t paragraphs) {
    std::string text;
    for (size_t i = 0; i < paragraphs; ++i) text += (i == 0 ? "" : "\n") + Sentence(14);
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

TEST(Novelty, WhatACopyEarns) {
  Writer writer(7);
  const std::string text = writer.Text(6);
  std::string one_line = text;
  std::string wrapped;  // a line break after every fourth word
  size_t words = 0;
  for (char& c : one_line) {
    if (c == '\n') c = ' ';
    wrapped += c == ' ' && ++words % 4 == 0 ? '\n' : c;
  }
  const std::string half = text.substr(0, text.find('\n', text.size() / 2));
  const std::string quoting = text.substr(0, text.find('\n')) + "\n" + writer.Text(5);
  const struct {
    const char* reason;
    std::string text;
    Verdict verdict;
    bool earns_nothing;
  } rows[] = {
      {"one paragraph instead of six", one_line, Verdict::kExactDuplicate, true},
      {"one syllable in forty", Noisy(text, 40), Verdict::kNearDuplicate, true},
      {"wrapped, and one syllable in forty", Noisy(wrapped, 40), Verdict::kNearDuplicate, true},
      {"the first half", half, Verdict::kNearDuplicate, true},
      {"twice in a row", text + "\n" + Noisy(text, 50), Verdict::kNearDuplicate, true},
      {"one paragraph quoted", quoting, Verdict::kAccepted, false},
      {"other text", writer.Text(6), Verdict::kAccepted, false},
  };
  for (const auto& row : rows) {
    TestInstallation t;
    t.Open();
    const uint32_t hani = t.Partner("hani");
    const auto verdicts =
        t.Verdicts(hani, t.Upload(hani, "r", {{"a.jsonl", Json(text) + Json(row.text)}}));
    ASSERT_EQ(verdicts.size(), 2U);
    EXPECT_EQ(verdicts[0].item.novel_korean_words, verdicts[0].item.korean_words);
    EXPECT_EQ(verdicts[1].item.verdict, row.verdict) << row.reason;
    EXPECT_EQ(verdicts[1].item.novel_korean_tokens == 0, row.earns_nothing) << row.reason;
    if (row.verdict == Verdict::kNearDuplicate) {
      EXPECT_EQ(verdicts[1].duplicate_of, "hani/u1#a.jsonl:1") << row.reason;
      EXPECT_GE(verdicts[1].item.similarity_ppm, 800'000U) << row.reason;
    }
  }
}

TEST(Novelty, AQuotedParagraphEarnsNothingAndTheRestEarnsAll) {
  Writer writer(8);
  const std::string text = writer.Text(4);
  const std::string quoted = text.substr(0, text.find('\n'));
  const std::string own = writer.Text(5);
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  const auto verdicts = t.Verdicts(
      hani, t.Upload(hani, "r",
                     {{"a.jsonl", Json(text) + Json(quoted + "\n" + own) + Json(own + " 끝")}}));
  const ledger::Item& second = verdicts[1].item;
  const int64_t quoted_words = 14;
  EXPECT_EQ(second.novel_korean_words, second.korean_words - quoted_words);
  EXPECT_EQ(verdicts[2].item.verdict, Verdict::kNearDuplicate);
  EXPECT_EQ(verdicts[2].duplicate_of, "hani/u1#a.jsonl:2");
}

// An explanation names the earlier document and the runs; a partner's is the same with and without
// others, compliance sees who was first.
TEST(Novelty, AnExplanationShowsTheRunsAndNothingOfOthers) {
  std::string alone;
  for (const bool with_other : {false, true}) {
    Writer writer(8);
    const std::string text = writer.Text(4);
    const std::string quoted = text.substr(0, text.find('\n'));
    const std::string own = writer.Text(5);
    TestInstallation t;
    Jangbu& jangbu = t.Open();
    const uint32_t hani = t.Partner("hani");
    const uint32_t book = t.Partner("book");
    if (with_other) t.Upload(book, "r", {{"b.txt", own + "\n" + text}});
    t.Upload(hani, "r",
             {{"a.jsonl", Json(text) + Json(quoted + "\n" + own) + Json(own + " 끝") + "{}\n"}});
    std::string told;
    for (uint64_t record = 1; record <= 4; ++record) {
      const auto e = jangbu.Explain(hani, 1, "a.jsonl", record, false);
      ASSERT_TRUE(e.ok()) << e.status();
      told += e->earlier + " " + std::to_string(e->covered) + "/" + std::to_string(e->length) +
              " " + std::to_string(e->covered_by_earlier) + "\n";
      uint64_t end = 0;
      for (const auto& run : e->runs) {
        EXPECT_GE(run.length, 24U);
        EXPECT_GE(run.begin + run.length, end);
        end = run.begin + run.length;
        EXPECT_TRUE(run.document.starts_with("hani/u1#a.jsonl:")) << run.document;
        told += "  " + std::to_string(run.begin) + "+" + std::to_string(run.length) + " " +
                run.document + " " + run.excerpt + "\n";
      }
      if (record == 1) {
        EXPECT_TRUE(e->runs.empty());
      }
      if (record == 2) {
        // A quotation: no one document, and the run's place in the first.
        EXPECT_EQ(e->earlier, "");
        ASSERT_EQ(e->runs.size(), 1U);
        EXPECT_EQ(e->runs[0].document, "hani/u1#a.jsonl:1");
        EXPECT_EQ(e->runs[0].begin, 0U);
        EXPECT_EQ(e->runs[0].length, e->covered);
      }
      if (record == 3) {
        EXPECT_EQ(e->earlier, "hani/u1#a.jsonl:2");
        EXPECT_EQ(e->covered, e->covered_by_earlier);
        EXPECT_GT(e->char_jaccard_ppm, 500'000U);
      }
      if (record == 4) {
        EXPECT_EQ(e->length, 0U);  // rejected
      }
    }
    if (!with_other) {
      alone = told;
      continue;
    }
    EXPECT_EQ(told, alone);
    const auto all = jangbu.Explain(hani, 1, "a.jsonl", 1, true);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(all->earlier, "book/u1#b.txt:1");
    ASSERT_FALSE(all->runs.empty());
    EXPECT_EQ(all->runs[0].document, "book/u1#b.txt:1");
    EXPECT_EQ(all->covered, all->length);
    EXPECT_EQ(ReasonOf(jangbu.Explain(hani, 1, "a.jsonl", 9, false).status()), "no_such_document");
  }
}

// Two partners give versions of one text: each sees its own as new; the later one is held, and what
// it earns is what the earlier one left.
TEST(Novelty, VersionsOfTwoPartnersAreCreditedOnceAndNeitherSeesTheOther) {
  Writer writer(9);
  const std::string text = writer.Text(6);
  const std::string more = writer.Text(1);
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  const uint32_t book = t.Partner("book");
  t.Upload(hani, "r", {{"a.jsonl", Json(text) + Json(writer.Text(3)) + Json(writer.Text(3))}});
  const uint32_t upload = t.Upload(book, "r",
                                   {{"b.jsonl", Json(Noisy(text, 50) + "\n" + more) +
                                                    Json(writer.Text(3)) + Json(writer.Text(3))}});
  const auto seen = t.Verdicts(book, upload);
  EXPECT_EQ(seen[0].item.verdict, Verdict::kAccepted);
  EXPECT_EQ(seen[0].item.novel_korean_words, seen[0].item.korean_words);
  ASSERT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
  std::vector<OperatorItem> items;
  ASSERT_TRUE(jangbu
                  .ListItems(book, upload,
                             [&](const OperatorItem& item) {
                               items.push_back(item);
                               return true;
                             })
                  .ok());
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].verdict, "HELD");
  EXPECT_EQ(items[0].covered_by, "hani/u1#a.jsonl:1");
  EXPECT_EQ(items[0].korean_words, 14);  // the paragraph that hani does not have
  EXPECT_EQ(items[1].verdict, "ACCEPTED");
  EXPECT_EQ(items[1].korean_words, seen[1].item.korean_words);
  t.Close();
  const auto report = t.Verify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->not_recomputed, 0U);
}

// Documents that share text in many ways, of two partners, in some uploads.
std::vector<std::vector<std::string>> Uploads(uint64_t seed, size_t uploads, size_t documents) {
  Writer writer(seed);
  std::vector<std::string> pool;
  std::vector<std::vector<std::string>> out(uploads);
  for (size_t u = 0; u < uploads; ++u) {
    for (size_t d = 0; d < documents; ++d) {
      std::string text;
      for (uint64_t p = 0; p < 1 + writer.Below(5); ++p) {
        if (!text.empty()) text += '\n';
        switch (pool.empty() ? 0 : writer.Below(6)) {
          case 1:
            text += pool[writer.Below(pool.size())];
            break;
          case 2:
            text += Noisy(pool[writer.Below(pool.size())], 20 + writer.Below(60));
            break;
          case 3:
            text += writer.Sentence(2 + writer.Below(4));  // short
            break;
          default:
            text += writer.Sentence(6 + writer.Below(20));
        }
      }
      pool.push_back(text);
      out[u].push_back(text);
    }
  }
  return out;
}

// What the journal says, as words that do not depend on how documents came to be in batches.
std::string Told(TestInstallation& t, const std::vector<std::pair<uint32_t, uint32_t>>& uploads) {
  std::string told;
  for (const auto& [partner, upload] : uploads) {
    for (const VerdictView& row : t.Verdicts(partner, upload)) {
      told += row.file + ":" + std::to_string(row.record) + " " +
              std::to_string(static_cast<int>(row.item.verdict)) + " " + row.duplicate_of + " " +
              std::to_string(row.item.similarity_ppm) + " " +
              std::to_string(row.item.novel_korean_tokens) + "/" +
              std::to_string(row.item.novel_korean_words) + "\n";
    }
  }
  return told;
}

// Invariant 6, and what the index is: the same verdicts and the same root with other threads, and
// with the index's files kept, lost or damaged between uploads.
TEST(Novelty, Invariant6_NeitherThreadsNorALostIndexChangeAnything) {
  const auto uploads = Uploads(11, 6, 40);
  std::set<std::string> roots;
  std::set<std::string> tellings;
  for (const char* how : {"1 kept", "2 lost", "8 damaged", "2 kept"}) {
    TestInstallation t;
    t.options().workers = how[0] - '0';
    t.Open();
    const uint32_t partners[] = {t.Partner("hani"), t.Partner("book")};
    std::vector<std::pair<uint32_t, uint32_t>> done;
    for (size_t u = 0; u < uploads.size(); ++u) {
      std::string lines;
      for (const std::string& text : uploads[u]) lines += Json(text);
      const uint32_t partner = partners[u % 2];
      done.emplace_back(partner, t.Upload(partner, "r" + std::to_string(u), {{"a.jsonl", lines}}));
      if (u == 3) {
        ASSERT_TRUE(t.jangbu().RunConfirmation({}, "", "test").ok());
      }
      t.Close();
      size_t files = 0;
      for (const auto& file : std::filesystem::directory_iterator(t.root() / "data" / "index")) {
        ++files;
        if (how[2] == 'l') std::filesystem::remove(file.path());
        if (how[2] == 'd') {
          std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
          bytes.seekp(100);
          bytes.put('\x5a');
        }
      }
      EXPECT_GT(files, 0U);
      t.Open();
    }
    ASSERT_TRUE(t.jangbu().RunConfirmation({}, "", "test").ok());
    tellings.insert(Told(t, done));
    roots.insert(ToHex(*t.jangbu().BooksRoot()));
    t.Close();
    const auto report = t.Verify();
    ASSERT_TRUE(report.ok()) << report.status();
  }
  EXPECT_EQ(roots.size(), 1U);
  EXPECT_EQ(tellings.size(), 1U);
}

// The pipeline against the definitions: windows of 24 code points in sets.
TEST(Novelty, VerdictsAgreeWithBruteForce) {
  const auto uploads = Uploads(12, 4, 50);
  TestInstallation t;
  t.Open();
  const uint32_t hani = t.Partner("hani");
  reference::RunCorpus corpus;
  std::map<std::string, size_t> documents;  // form → first
  std::set<std::string> segments;           // forms of earlier documents
  std::vector<std::string> names;
  size_t near = 0;
  for (size_t u = 0; u < uploads.size(); ++u) {
    std::string lines;
    for (const std::string& text : uploads[u]) lines += Json(text);
    const auto rows =
        t.Verdicts(hani, t.Upload(hani, "r" + std::to_string(u), {{"a.jsonl", lines}}));
    ASSERT_EQ(rows.size(), uploads[u].size());
    for (size_t d = 0; d < rows.size(); ++d) {
      const std::string canonical = ingest::Canonicalize(uploads[u][d]);
      const auto parts = ingest::Segments(canonical);
      const auto forms = ingest::FormsOfSegments(canonical, parts);
      const std::u32string stream = ingest::CodePoints(forms.stream());
      const std::string where = "upload " + std::to_string(u) + ", document " + std::to_string(d);
      names.push_back("hani/u" + std::to_string(u + 1) + "#a.jsonl:" + std::to_string(d + 1));
      const auto [first, fresh] = documents.try_emplace(forms.stream(), names.size() - 1);
      if (!fresh) {
        EXPECT_EQ(rows[d].item.verdict, Verdict::kExactDuplicate) << where;
        EXPECT_EQ(rows[d].duplicate_of, names[first->second]) << where;
        for (size_t i = 0; i < parts.size(); ++i) segments.emplace(forms.Alone(i));
        continue;
      }
      std::unordered_set<std::u32string_view> windows;
      for (const auto& c : corpus) windows.merge(reference::Windows(c.form, 24));
      const std::vector<bool> covered = reference::CoveredBy(stream, windows, 24);
      const size_t least = ingest::NearThreshold(stream.size());
      const auto nearest = reference::Nearest(stream, corpus, {}, std::max<size_t>(1, least));
      ASSERT_EQ(rows[d].item.verdict,
                nearest.has_value() ? Verdict::kNearDuplicate : Verdict::kAccepted)
          << where;
      if (nearest.has_value()) {
        ++near;
        EXPECT_EQ(rows[d].duplicate_of, names[nearest->document.place.ordinal]) << where;
        EXPECT_EQ(rows[d].item.similarity_ppm, nearest->covered * 1'000'000ULL / stream.size());
      }
      int64_t words = 0;
      std::set<std::string> own;
      const auto bounds = ingest::SegmentBounds(forms);
      for (size_t i = 0; i < parts.size(); ++i) {
        const std::string alone(forms.Alone(i));
        if (!own.insert(alone).second) continue;
        // What the document says again of itself: windows that stand whole before this segment.
        const auto said = reference::CoveredBy(
            stream, reference::Windows(std::u32string_view(stream).substr(0, bounds[i]), 24), 24);
        size_t n = 0;
        for (size_t at = bounds[i]; at < bounds[i + 1]; ++at) n += covered[at] || said[at] ? 1 : 0;
        const bool is_short = ingest::CountCodePoints(alone) < 24;
        const uint32_t length = bounds[i + 1] - bounds[i];
        const bool novel = (!is_short || !segments.contains(alone)) && 2 * n < length;
        if (novel) words += parts[i].korean_words;
      }
      EXPECT_EQ(rows[d].item.novel_korean_words, words) << where;
      for (size_t i = 0; i < parts.size(); ++i) segments.emplace(forms.Alone(i));
      corpus.push_back(
          {{.place = {.entry = 0, .ordinal = static_cast<uint32_t>(names.size() - 1)}, .scope = 1},
           stream});
    }
  }
  EXPECT_GT(near, 10U);
}

}  // namespace
}  // namespace jangbu::services
