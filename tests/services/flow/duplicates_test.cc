// What all text says about duplicates: the report against its definitions written out, before and
// after a confirmation run; a shadow run against what it would do.

#include "services/flow/duplicates.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "ingest/dedup/coverage.h"
#include "ingest/dedup/document_form.h"
#include "ingest/dedup/shingles.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"
#include "tests/reference/runs.h"
#include "tests/services/flow/flow_fixture.h"
#include "tests/services/flow/made_texts.h"

namespace jangbu::services {
namespace {

using testing::Json;
using testing::Noisy;

using ledger::SourceType;

class Writer {
 public:
  explicit Writer(uint64_t seed) : engine_(seed) {}
  uint64_t Below(uint64_t n) { return engine_() % n; }
  std::string Sentence(size_t words) {
    std::string s;
    for (size_t w = 0; w < words; ++w) {
      if (w > 0) s += ' ';
      for (uint64_t c = 0; c < 2 + Below(3); ++c)
        ingest::AppendUtf8(static_cast<char32_t>(0xAC00 + Below(11172)), s);
    }
    return s + ".";
  }
  std::string Text(size_t paragraphs) {
    std::string text;
    for (size_t p = 0; p < paragraphs; ++p) text += (p == 0 ? "" : "\n") + Sentence(14);
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

std::string Respaced(const std::string& text) {
  std::string out;
  size_t n = 0;
  for (const char c : text) {
    if (c == ' ' && ++n % 2 == 0) continue;
    out += c;
  }
  return out;
}

uint32_t PartnerWith(Jangbu& jangbu, const std::string& id, SourceType type) {
  EXPECT_TRUE(jangbu.AddPartner(id, "").ok());
  const uint32_t number = *jangbu.PartnerNumber(id);
  EXPECT_TRUE(jangbu.CreateCorpus(number, "글", type, "contract", "", "").ok());
  return number;
}

bool AnyProgress(uint64_t done, uint64_t all) { return done <= all; }

// One document as the test knows it.
struct Known {
  std::string name;
  std::string text;
  SourceType type;
  std::string pair;  // the document that its verdict names
};

// The report by its definitions: sets of windows, labels that spread.
void ExpectReport(const DuplicatesReport& report, const std::vector<Known>& documents) {
  std::map<std::string, size_t> number;
  std::vector<size_t> label;
  std::array<DuplicatesOfType, 6> types;
  reference::RunCorpus corpus;
  for (size_t i = 0; i < documents.size(); ++i) {
    const Known& d = documents[i];
    SCOPED_TRACE(d.name);
    number[d.name] = i;
    label.push_back(i);
    const std::u32string form = ingest::FormOfDocument(ingest::Canonicalize(d.text)).stream;
    const uint64_t covered =
        ingest::CoveredLength(reference::Covered(form, corpus, {}, ingest::kMinRun));
    ingest::RunDocument next;
    next.place.ordinal = static_cast<uint32_t>(i);
    corpus.push_back({next, form});
    for (DuplicatesOfType* type : {&types[0], &types[static_cast<size_t>(d.type)]}) {
      ++type->documents;
      type->code_points += form.size();
      for (size_t step = 0; step <= 10; ++step) {
        if (100 * covered < 10 * step * form.size()) continue;
        ++type->coverage[step].documents;
        type->coverage[step].code_points += form.size();
      }
    }
    if (d.pair.empty()) continue;
    ASSERT_TRUE(number.contains(d.pair)) << d.pair;
    const size_t other = number[d.pair];
    const bool exact = corpus[other].form == form;
    const std::vector<bool> by_other = reference::CoveredBy(
        form, reference::Windows(corpus[other].form, ingest::kMinRun), ingest::kMinRun);
    const auto n = static_cast<size_t>(std::count(by_other.begin(), by_other.end(), true));
    if (!exact && 5 * n < 4 * form.size()) continue;
    const std::string one = ingest::Canonicalize(d.text);
    const std::string two = ingest::Canonicalize(documents[other].text);
    for (DuplicatesOfType* type : {&types[0], &types[static_cast<size_t>(d.type)]}) {
      PairTally& tally = exact ? type->exact : type->near;
      ++tally.pairs;
      tally.by_words += ingest::WordJaccard(one, two) >= 800'000 ? 1 : 0;
      tally.by_characters += ingest::CharJaccard(one, two) >= 800'000 ? 1 : 0;
    }
    const size_t from = label[i];
    const size_t to = label[other];
    for (size_t& l : label) l = l == from ? to : l;
  }
  std::map<size_t, std::vector<size_t>> clusters;  // label → documents, ascending
  for (size_t i = 0; i < label.size(); ++i) clusters[label[i]].push_back(i);
  std::map<uint64_t, uint64_t> sizes;
  std::map<std::string, uint64_t> largest;
  for (const auto& [l, members] : clusters) {
    if (members.size() < 2) continue;
    ++sizes[members.size()];
    largest[documents[members[0]].name] = members.size();
    const SourceType first = documents[members[0]].type;
    for (DuplicatesOfType* type : {&types[0], &types[static_cast<size_t>(first)]}) {
      ++type->clusters;
      type->clustered += members.size();
      type->largest = std::max<uint64_t>(type->largest, members.size());
    }
  }
  for (size_t t = 0; t < types.size(); ++t) {
    SCOPED_TRACE(t);
    EXPECT_EQ(report.types[t].documents, types[t].documents);
    EXPECT_EQ(report.types[t].code_points, types[t].code_points);
    EXPECT_EQ(report.types[t].coverage, types[t].coverage);
    EXPECT_EQ(report.types[t].exact, types[t].exact);
    EXPECT_EQ(report.types[t].near, types[t].near);
    EXPECT_EQ(report.types[t].clusters, types[t].clusters);
    EXPECT_EQ(report.types[t].clustered, types[t].clustered);
    EXPECT_EQ(report.types[t].largest, types[t].largest);
  }
  EXPECT_EQ(report.sizes, sizes);
  ASSERT_EQ(report.largest.size(), std::min(largest.size(), DuplicatesReport::kLargest));
  uint64_t last = UINT64_MAX;
  for (const DuplicatesReport::Cluster& cluster : report.largest) {
    EXPECT_EQ(cluster.documents, largest[cluster.first]) << cluster.first;
    EXPECT_LE(cluster.documents, last);
    last = cluster.documents;
  }
  EXPECT_EQ(report.unreadable, 0u);
}

TEST(Duplicates, TheReportIsWhatItsDefinitionsSay) {
  constexpr uint64_t kSeed = 21;
  Writer writer(kSeed);
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t partners[] = {PartnerWith(jangbu, "hani", SourceType::kArticle),
                               PartnerWith(jangbu, "book", SourceType::kBook)};
  std::vector<std::string> pool;
  std::vector<Known> documents;
  std::vector<std::pair<uint32_t, uint32_t>> uploads;
  for (int u = 0; u < 4; ++u) {
    std::string lines;
    const size_t first = documents.size();
    for (int d = 0; d < 24; ++d) {
      std::string text = writer.Text(1 + writer.Below(4));
      if (!pool.empty()) {
        const std::string& old = pool[writer.Below(pool.size())];
        switch (writer.Below(6)) {
          case 0:
            text = old;
            break;
          case 1:
            text = Respaced(old);
            break;
          case 2:
            text = Noisy(old, 30 + writer.Below(60));
            break;
          case 3:
            text = old.substr(0, old.find('\n')) + "\n" + text;
            break;
          default:
            break;
        }
      }
      pool.push_back(text);
      lines += Json(text);
      documents.push_back({.name = "",
                           .text = text,
                           .type = u % 2 == 0 ? SourceType::kArticle : SourceType::kBook,
                           .pair = ""});
    }
    const uint32_t partner = partners[u % 2];
    uploads.emplace_back(partner, t.Upload(partner, "r" + std::to_string(u), {{"a.jsonl", lines}}));
    const auto rows = t.Verdicts(partner, uploads.back().second);
    ASSERT_EQ(rows.size(), 24u);
    for (size_t d = 0; d < rows.size(); ++d) {
      Known& known = documents[first + d];
      known.name = jangbu.PartnerId(partner) + "/u" + std::to_string(uploads.back().second) +
                   "#a.jsonl:" + std::to_string(d + 1);
      known.pair = rows[d].duplicate_of;
    }
  }
  // Before a confirmation run each partner's verdicts make the pairs …
  const auto before = jangbu.duplicates().Report(AnyProgress);
  ASSERT_TRUE(before.ok()) << before.status();
  ExpectReport(*before, documents);
  EXPECT_GT(before->types[0].exact.pairs, 5u);
  EXPECT_GT(before->types[0].near.pairs, 5u);

  // … and after it whoever is first of all.
  ASSERT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
  size_t at = 0;
  uint64_t held = 0;
  for (const auto& [partner, upload] : uploads) {
    ASSERT_TRUE(jangbu
                    .ListItems(partner, upload,
                               [&](const OperatorItem& item) {
                                 Known& known = documents[at++];
                                 if (item.covered_by.empty() || item.verdict != "HELD") return true;
                                 ++held;
                                 known.pair = item.covered_by;
                                 return true;
                               })
                    .ok());
  }
  ASSERT_EQ(at, documents.size());
  EXPECT_GT(held, 5u);
  const auto after = jangbu.duplicates().Report(AnyProgress);
  ASSERT_TRUE(after.ok()) << after.status();
  ExpectReport(*after, documents);
  EXPECT_GT(after->types[0].largest, before->types[0].largest);
  // Nobody listens: the walk ends.
  EXPECT_EQ(jangbu.duplicates().Report([](uint64_t, uint64_t) { return false; }).status().code(),
            absl::StatusCode::kCancelled);
}

TEST(Duplicates, AShadowRunSaysWhatAnotherRuleWouldDoAndEntersNothing) {
  Writer writer(22);
  const std::string text = writer.Text(6);
  TestInstallation t;
  Jangbu& jangbu = t.Open();
  const uint32_t hani = t.Partner("hani");
  t.Partner("book");
  // One syllable in thirty changed: runs of 29, so near by runs of 24 and new by runs of 30.
  t.Upload(hani, "r", {{"a.jsonl", Json(text) + Json(Noisy(text, 30)) + Json(writer.Text(2))}});
  ASSERT_TRUE(jangbu.RunConfirmation({}, "", "test").ok());
  uint64_t size = 0;
  jangbu.ReadBooks([&](const ledger::Books& books) { size = books.size(); });
  const int64_t now = t.Figures(hani).confirmed_korean_words;
  const struct {
    const char* reason;
    ledger::NoveltyRule rule;
    uint64_t changed;
    uint64_t near_after;
    bool earns_more;
  } rows[] = {
      {"the rule in force", {}, 0, 1, false},
      {"longer runs", {.min_run = 30}, 1, 0, true},
      {"near only when all is covered", {.near_ppm = 1'000'000}, 1, 0, false},
      {"novel only when nothing is covered", {.novel_ppm = 1}, 0, 1, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    const auto lines = jangbu.duplicates().Shadow(row.rule, AnyProgress);
    ASSERT_TRUE(lines.ok()) << lines.status();
    ASSERT_EQ(lines->size(), 1u) << "book has nothing";
    const ShadowLine& line = (*lines)[0];
    EXPECT_EQ(line.partner, "hani");
    EXPECT_EQ(line.documents, 3u);
    EXPECT_EQ(line.changed, row.changed);
    EXPECT_EQ(line.near_before, 1u);
    EXPECT_EQ(line.near_after, row.near_after);
    EXPECT_EQ(line.korean_words_before, 6 * 14 + 2 * 14);
    EXPECT_EQ(line.korean_words_after, line.korean_words_before + (row.earns_more ? 6 * 14 : 0));
    EXPECT_EQ(line.korean_tokens_after > line.korean_tokens_before, row.earns_more);
  }
  EXPECT_EQ(
      ReasonOf(jangbu.duplicates().Shadow(ledger::NoveltyRule{.min_run = 7}, AnyProgress).status()),
      "bad_novelty_rule");
  jangbu.ReadBooks([&](const ledger::Books& books) { EXPECT_EQ(books.size(), size); });
  EXPECT_EQ(t.Figures(hani).confirmed_korean_words, now);
}

}  // namespace
}  // namespace jangbu::services
