#include "audit/extraction/canary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "audit/extraction/audit_run.h"
#include "audit/extraction/figures.h"
#include "audit/extraction/match.h"
#include "audit/extraction/report.h"
#include "audit/guard/stream_guard.h"
#include "ingest/text/canonical.h"
#include "tests/audit/extraction/remembering_model.h"

namespace jangbu::audit {
namespace {

using testing::AskAll;
using testing::PairTokens;
using testing::RememberingModel;
using testing::Texts;

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

std::vector<Canary> Issued(const std::string& partner, uint32_t count) {
  std::vector<Canary> registry;
  EXPECT_TRUE(IssueCanaries(registry, partner, count, 10'000, "2026-11-26", kSecret).ok());
  return registry;
}

TEST(Canary, IssuedOnesAreDistinctAndStandAsTheyAre) {
  std::vector<Canary> registry;
  ASSERT_EQ(*IssueCanaries(registry, "hani", 30, 10'000, "t", kSecret), 0U);
  ASSERT_EQ(*IssueCanaries(registry, "book", 2, 10'000, "t", "another secret"), 30U);
  ASSERT_EQ(*IssueCanaries(registry, "hani", 1, 7, "t", kSecret), 32U);
  std::set<std::string> ids, heads;
  std::set<uint64_t> numbers;
  for (const Canary& c : registry) {
    EXPECT_TRUE(ids.insert(c.id).second && heads.insert(c.head).second) << c.id;
    EXPECT_LT(c.number, c.space);
    const std::string sentence = CanarySentence(c);
    EXPECT_EQ(ingest::Canonicalize(sentence), sentence);
    EXPECT_EQ(sentence, c.head + " " + CanaryEnding(c, c.number));
    numbers.insert(c.number);
  }
  EXPECT_EQ(registry.back().id, "hani-31");
  EXPECT_GT(numbers.size(), 25U) << "drawn, not counted";
  // As many digits whatever the number: its length says nothing.
  EXPECT_EQ(CanarySentence(registry[0], 0).size(), CanarySentence(registry[0], 9'999).size());
  EXPECT_FALSE(IssueCanaries(registry, "hani", 1, 1, "t", kSecret).ok());
  EXPECT_FALSE(IssueCanaries(registry, "", 1, 10, "t", kSecret).ok());
}

TEST(Canary, OneEncodingARegistryAndNoOther) {
  std::vector<Canary> registry = Issued("hani", 3);
  registry[1].withdrawn_at = "2026-11-27";
  const std::string bytes = EncodeCanaries(registry);
  ASSERT_EQ(*DecodeCanaries(bytes), registry);
  EXPECT_FALSE(DecodeCanaries(bytes + "x").ok());
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeCanaries(bytes.substr(0, cut)).ok()) << cut;
  }
  const auto refused = [&](const std::function<void(Canary&)>& change) {
    std::vector<Canary> other = registry;
    change(other[0]);
    return !DecodeCanaries(EncodeCanaries(other)).ok();
  };
  EXPECT_TRUE(refused([](Canary& c) { c.number = c.space; }));
  EXPECT_TRUE(refused([](Canary& c) { c.space = 1; }));
  EXPECT_TRUE(refused([](Canary& c) { c.head += " "; }));
  EXPECT_TRUE(refused([](Canary& c) { c.tail += "\n"; }));
  EXPECT_TRUE(refused([](Canary& c) { c.id = "hani-2"; })) << "two of one name";
}

TEST(Canary, PlacedAsParagraphsInSoManyDocuments) {
  const std::vector<Canary> canaries = Issued("hani", 4);
  std::vector<std::string> before(9, "첫 문단\n둘째 문단\n\n셋째 문단");
  before.push_back("");
  std::vector<std::string> texts = before;
  ASSERT_TRUE(PlaceCanaries(canaries, 3, "seed", texts).ok());
  for (const Canary& c : canaries) {
    size_t in = 0;
    for (const std::string& text : texts) {
      const std::string lines = "\n" + text + "\n";
      in += lines.find("\n" + CanarySentence(c) + "\n") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(in, 3U) << c.id;
  }
  std::vector<std::string> again = before;
  ASSERT_TRUE(PlaceCanaries(canaries, 3, "seed", again).ok());
  EXPECT_EQ(again, texts);
  EXPECT_FALSE(PlaceCanaries(canaries, 11, "seed", again).ok());
}

TEST(Canary, ReferencesAreOtherNumbers) {
  Canary c = Issued("hani", 1)[0];
  const auto some = CanaryReferences(c, 99, "seed");
  EXPECT_EQ(std::set<uint64_t>(some.begin(), some.end()).size(), 99U);
  EXPECT_EQ(std::count(some.begin(), some.end(), c.number), 0);
  EXPECT_EQ(some, CanaryReferences(c, 99, "seed"));
  EXPECT_NE(some, CanaryReferences(c, 99, "other"));
  c.space = 5;
  c.number = 2;
  EXPECT_EQ(CanaryReferences(c, 99, "seed"), (std::vector<uint64_t>{0, 1, 3, 4}));
}

TEST(Canary, ExposureIsTheDefinition) {
  EXPECT_DOUBLE_EQ(Exposure(1, 1024), 10);
  EXPECT_DOUBLE_EQ(Exposure(1024, 1024), 0);
}

// Two partners' texts with canaries in them; one of each is withdrawn, one stands nowhere.
struct Planted {
  std::vector<AuditText> texts;
  std::vector<Canary> canaries;
  ProbePlan plan;
};
Planted PlantedPlan() {
  Planted p;
  p.texts = Texts(31, 8);
  for (const char* partner : {"gaon", "narae"}) {
    EXPECT_TRUE(
        IssueCanaries(p.canaries, partner, 6, 1'000, "t", std::string(kSecret) + partner).ok());
  }
  p.canaries[1].withdrawn_at = "2026-11-20";
  for (const char* partner : {"gaon", "narae"}) {
    std::vector<Canary> own;
    for (const Canary& c : p.canaries) {
      if (c.partner == partner && !c.id.ends_with("-6")) own.push_back(c);
    }
    std::vector<std::string> texts;
    for (const AuditText& t : p.texts) {
      if (t.partner == partner && t.role == TextRole::kContributed) texts.push_back(t.text);
    }
    EXPECT_TRUE(PlaceCanaries(own, 2, "seed", texts).ok());
    size_t next = 0;
    for (AuditText& t : p.texts) {
      if (t.partner == partner && t.role == TextRole::kContributed) t.text = texts[next++];
    }
  }
  for (AuditText& t : p.texts) t.copies = 1;
  PlanOptions options;
  options.seed = "canaries";
  options.windows = 400;
  options.control_windows = 50;
  options.canary_references = 99;
  options.tokenizer = "pairs";
  p.plan = *MakePlan(p.texts, options, PairTokens, p.canaries);
  return p;
}

TEST(Canary, NoWindowOfTheFrameHoldsOneAndWithdrawnOnesAreNotAsked) {
  const Planted p = PlantedPlan();
  EXPECT_EQ(p.plan.canaries_withdrawn, 1U);
  EXPECT_EQ(p.plan.canaries_unplaced, 2U);
  uint64_t left_out = 0;
  for (const FrameSize& f : p.plan.frames) left_out += f.canaries;
  EXPECT_GT(left_out, 0U);
  std::map<std::string, std::pair<int, int>> asked;  // by id: itself, references
  for (const Window& w : p.plan.windows) {
    const AuditText& t = p.plan.texts[w.text];
    const std::string suffix = t.text.substr(w.begin, w.end - w.begin);
    if (t.role == TextRole::kCanary) {
      ++(t.copies > 0 ? asked[t.id].first : asked[t.id].second);
      EXPECT_TRUE(t.copies == 0 || t.copies == 2) << t.copies;
      continue;
    }
    for (const Canary& c : p.canaries) {
      // Also no part of it: the number is what a window must not show.
      EXPECT_EQ(suffix.find(CanaryEnding(c, c.number)), std::string::npos) << c.id;
      EXPECT_EQ(suffix.find(c.head), std::string::npos) << c.id;
    }
  }
  EXPECT_EQ(asked.size(), 9U);
  EXPECT_FALSE(asked.contains("gaon-2")) << "withdrawn";
  for (const auto& [id, n] : asked) EXPECT_EQ(n, (std::pair{1, 99})) << id;
  // Of a reference the score alone is asked.
  uint64_t greedy = 0, scores = 0;
  for (const AuditTask& task : TasksOf(p.plan)) {
    const std::string& cell = p.plan.probes[task.probe].cell;
    if (cell == kReferenceCell) {
      EXPECT_EQ(task.kind, TaskKind::kScore);
      ++scores;
    } else if (cell == kCanaryCell) {
      greedy += task.kind == TaskKind::kGreedy ? 1 : 0;
      scores += task.kind == TaskKind::kScore ? 1 : 0;
    }
  }
  EXPECT_EQ(greedy, 9U);
  EXPECT_EQ(scores, 900U);
}

TEST(Canary, ExposureOfWhatIsRememberedAndOfWhatIsNot) {
  const Planted p = PlantedPlan();
  RememberingModel model(std::vector<std::string>{});
  // gaon's documents with its canaries are remembered, narae's are not.
  for (const AuditText& t : p.texts) {
    if (t.partner == "gaon" && t.role == TextRole::kContributed) model.Remember(t.text);
  }
  const std::vector<AuditAnswer> answers = AskAll(p.plan, model);
  const auto figures = *ComputeFigures(p.plan, "ab", answers, {});
  ASSERT_EQ(figures.canaries.size(), 9U);
  for (const CanaryFigure& c : figures.canaries) {
    const bool remembered = c.partner == "gaon";
    EXPECT_EQ(c.references, 99U);
    EXPECT_EQ(c.extracted, remembered) << c.id;
    EXPECT_EQ(c.rank_best, 1U) << "no other number scores better";
    // Equal scores count against it.
    EXPECT_EQ(c.rank_worst, remembered ? 1U : 100U) << c.id;
    EXPECT_NEAR(c.exposure, remembered ? std::log2(100.0) : 0.0, 1e-12);
  }
  const CanarySummary& gaon = figures.canary_summaries.at("gaon");
  EXPECT_EQ(gaon.extracted, (HitCount{4, 4}));
  EXPECT_NEAR(gaon.chance, std::pow(0.05, 4), 1e-9);
  EXPECT_EQ(figures.canary_summaries.at("narae").high.hits, 0U);
  EXPECT_EQ(figures.canary_summaries.at("narae").chance, 1.0);
  // A partner reads of its own alone.
  FigureOptions options;
  options.only_partner = "narae";
  const std::string own = ReportJson(*ComputeFigures(p.plan, "ab", answers, options), {});
  EXPECT_EQ(own.find("gaon"), std::string::npos);
  EXPECT_NE(own.find("narae-1"), std::string::npos);
  for (const Canary& c : p.canaries) {
    if (c.partner == "gaon") {
      EXPECT_EQ(own.find(CanaryEnding(c, c.number)), std::string::npos) << c.id;
    }
  }
}

// Whoever reads a report could take out what it shows: it shows none that is asked about.
TEST(Canary, NoReportShowsOne) {
  const Planted p = PlantedPlan();
  RememberingModel model(std::vector<std::string>{});
  for (const AuditText& t : p.texts) {
    if (t.role == TextRole::kContributed) model.Remember(t.text);
  }
  const std::vector<AuditAnswer> answers = AskAll(p.plan, model);
  for (const char* only : {"", "gaon", "narae"}) {
    FigureOptions options;
    options.only_partner = only;
    const auto figures = *ComputeFigures(p.plan, "ab", answers, options);
    const std::string json = ReportJson(figures, {});
    std::set<std::string> shown;  // ids that stand in a canary's place
    for (const Canary& c : p.canaries) {
      const bool asked = c.withdrawn_at.empty() && !c.id.ends_with("-6");
      if (!asked || (*only != '\0' && c.partner != only)) continue;
      if (json.find("⟦" + c.id + "⟧") != std::string::npos) shown.insert(c.id);
      const std::u32string form = FormOf(CanarySentence(c));
      for (const Finding& x : figures.findings) {
        for (const std::string& text : {x.prompt, x.truth, x.output, x.source}) {
          EXPECT_EQ(text.find(CanaryEnding(c, c.number)), std::string::npos)
              << c.id << ": " << text;
          EXPECT_LT(LongestCommonRun(form, FormOf(text), {}), 12U) << c.id << ": " << text;
        }
      }
      for (const auto language : {ReportLanguage::kKorean, ReportLanguage::kEnglish}) {
        EXPECT_EQ(ReportHtml(figures, {}, language).find(CanaryEnding(c, c.number)),
                  std::string::npos);
      }
    }
    EXPECT_GE(shown.size(), 4U) << "some stand in prompts or answers";
  }
}

}  // namespace
}  // namespace jangbu::audit
