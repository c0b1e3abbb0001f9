#include "audit/extraction/probe_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "audit/extraction/audit_run.h"
#include "audit/guard/stream_guard.h"
#include "tests/audit/extraction/audit_world.h"

namespace jangbu::audit {
namespace {

using testing::PairTokens;
using testing::Texts;

PlanOptions Options() {
  PlanOptions options;
  options.seed = "seed";
  options.windows = 200;
  options.control_windows = 100;
  options.tokenizer = "pairs";
  return options;
}

TEST(ProbePlan, SameInputsSamePlanOtherSeedOther) {
  const auto a = MakePlan(Texts(1, 6), Options(), PairTokens);
  auto shuffled = Texts(1, 6);
  std::mt19937_64 random(3);
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  const auto b = MakePlan(shuffled, Options(), PairTokens);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(EncodePlan(*a), EncodePlan(*b)) << "whatever the order of the texts";
  PlanOptions other = Options();
  other.seed = "other";
  EXPECT_NE(EncodePlan(*a), EncodePlan(*MakePlan(Texts(1, 6), other, PairTokens)));
}

TEST(ProbePlan, WindowsAndPrefixesAreAsTheRulesSay) {
  const auto plan = MakePlan(Texts(2, 6), Options(), PairTokens);
  ASSERT_TRUE(plan.ok());
  std::map<std::string, uint64_t> draws;
  for (const Window& w : plan->windows) {
    const AuditText& t = plan->texts[w.text];
    draws[t.role == TextRole::kControl ? "" : t.partner] += w.draws;
    ASSERT_TRUE(w.begin > 0 && t.text[w.begin - 1] == ' ') << "begins at an 어절";
    const std::string_view suffix = std::string_view(t.text).substr(w.begin, w.end - w.begin);
    ASSERT_EQ(PairTokens(suffix), 50);
  }
  EXPECT_EQ(draws, (std::map<std::string, uint64_t>{
                       {"", 100}, {"gaon", 200}, {"narae", 200}, {"saebit", 200}}));
  std::set<std::string> cells;
  for (const Probe& p : plan->probes) {
    const Window& w = plan->windows[p.window];
    const std::string& text = plan->texts[w.text].text;
    cells.insert(p.cell);
    if (p.cell == kFromStart) {
      ASSERT_EQ(p.prompt, text.substr(0, w.begin - 1)) << "everything before it";
      ASSERT_LE(PairTokens(p.prompt), 200) << "no longer than the longest prefix";
      continue;
    }
    const auto k = std::stoll(p.cell.substr(7));
    ASSERT_EQ(text.substr(w.begin - 1 - p.prompt.size(), p.prompt.size()), p.prompt)
        << "ends at the 어절 before, without the space";
    ASSERT_GE(PairTokens(p.prompt), k);
    ASSERT_LE(PairTokens(p.prompt), k + 2) << "no longer than it takes";
  }
  EXPECT_EQ(cells, (std::set<std::string>{"from-start", "prefix-100", "prefix-25", "prefix-50"}))
      << "texts here have no 200 tokens before a window: no such cell, not a rate of 0";
}

TEST(ProbePlan, AskedFromTheStartOnlyWhereThatIsNotAskedAlready) {
  // Words of one token: the window's place in the text is its number of tokens.
  std::string text = "가나";
  for (int i = 1; i < 400; ++i)
    text += i % 2 == 0 ? " 다라" : " 마" + std::string(i % 4 == 1 ? "바" : "사");
  PlanOptions options = Options();
  options.windows = 2'000;
  options.control_windows = 0;
  const auto plan =
      MakePlan({{"a", "p", "", TextRole::kContributed, 1, text}}, options, PairTokens);
  ASSERT_TRUE(plan.ok());
  std::map<uint32_t, std::set<std::string>> cells;
  for (const Probe& p : plan->probes) cells[p.window].insert(p.cell);
  for (uint32_t i = 0; i < plan->windows.size(); ++i) {
    const int64_t before = PairTokens(std::string_view(text).substr(0, plan->windows[i].begin - 1));
    const bool same = before == 25 || before == 50 || before == 100 || before == 200;
    EXPECT_EQ(cells[i].contains(std::string(kFromStart)), before < 200 && !same) << before;
  }
}

TEST(ProbePlan, RepeatedTextIsOneWindow) {
  auto texts = Texts(3, 3);
  const size_t before = MakePlan(texts, Options(), PairTokens)->frames[0].windows;
  texts.push_back(texts[0]);
  texts.back().id = "copy";
  const auto plan = MakePlan(texts, Options(), PairTokens);
  EXPECT_EQ(plan->frames[0].windows, before);
  EXPECT_GT(plan->frames[0].duplicates, 0U);
}

TEST(ProbePlan, DrawsAreUniform) {
  // Chi-squared over the windows of one partner.
  auto texts = Texts(4, 1);
  PlanOptions options = Options();
  options.windows = 20'000;
  const auto plan = MakePlan(texts, options, PairTokens);
  ASSERT_TRUE(plan.ok());
  double chi = 0;
  const double each = 20'000.0 / static_cast<double>(plan->frames[0].windows);
  for (const Window& w : plan->windows) {
    if (plan->texts[w.text].partner != "gaon" || plan->texts[w.text].role == TextRole::kControl) {
      continue;
    }
    chi += (w.draws - each) * (w.draws - each) / each;
  }
  const double freedom = static_cast<double>(plan->frames[0].windows) - 1;
  EXPECT_LT(chi, freedom + 5 * std::sqrt(2 * freedom));
}

TEST(ProbePlan, EncodingIsOneAndRefusesOthers) {
  PlanOptions options = Options();
  options.attacks = true;
  options.samples = 3;
  const auto plan = MakePlan(Texts(5, 2), options, PairTokens);
  const std::string bytes = EncodePlan(*plan);
  const auto again = DecodePlan(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(EncodePlan(*again), bytes);
  EXPECT_FALSE(DecodePlan(bytes + "x").ok());
  EXPECT_EQ(ReasonOf(DecodePlan("JBPLAN01" + bytes.substr(8)).status()), "plan_of_other_version");
  for (size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 97) {
    EXPECT_FALSE(DecodePlan(bytes.substr(0, cut)).ok()) << cut;
  }
  size_t attacks = 0;
  for (const Probe& p : again->probes) attacks += p.chat ? 1 : 0;
  EXPECT_EQ(attacks, again->windows.size() * AttackCatalogue().size());
  // Greedy of all, three samples and one score a window.
  EXPECT_EQ(TasksOf(*again).size(), again->probes.size() + 4 * again->windows.size());
}

// A list of all questions is made of a plan, also of one that somebody sends.
TEST(ProbePlan, MoreSamplesThanAListHoldsAreRefused) {
  PlanOptions options = Options();
  options.samples = 400'000'000;
  EXPECT_EQ(ReasonOf(MakePlan(Texts(5, 2), options, PairTokens).status()), "bad_plan");
  options.samples = 3;
  ProbePlan plan = *MakePlan(Texts(5, 2), options, PairTokens);
  plan.options.samples = 400'000'000;
  EXPECT_EQ(ReasonOf(DecodePlan(EncodePlan(plan)).status()), "plan_malformed");
}

TEST(ProbePlan, Refusals) {
  EXPECT_FALSE(MakePlan({}, Options(), PairTokens).ok());
  EXPECT_FALSE(
      MakePlan({{"a", "p", "", TextRole::kContributed, 1, "짧은 글"}}, Options(), PairTokens).ok());
  EXPECT_FALSE(
      MakePlan({{"a", "p", "", TextRole::kContributed, 1, "\xFF\xFE"}}, Options(), PairTokens)
          .ok());
  EXPECT_FALSE(
      MakeGivenPlan({{"a", "p", TextRole::kContributed, 1, "글", "앞", "없는 말"}}, Options())
          .ok());
}

// Controls: one of gaon, contributed after the cut-off; two held back, of narae and of nobody.
std::vector<AuditText> WithControls(std::vector<AuditText> texts) {
  std::erase_if(texts, [](const AuditText& t) { return t.role == TextRole::kControl; });
  std::mt19937_64 random(77);
  const auto add = [&](const char* id, const char* partner, const char* source,
                       ControlOrigin origin) {
    texts.push_back(
        {id, partner, source, TextRole::kControl, 0, testing::Sentences(random, 200), origin});
  };
  add("after-gaon-article", "gaon", "article", ControlOrigin::kAfterCutOff);
  add("held-narae-article", "narae", "article", ControlOrigin::kHeldBack);
  add("held-book", "", "book", ControlOrigin::kHeldBack);
  add("made-up", "", "book", ControlOrigin::kSynthetic);
  return texts;
}

TEST(Controls, AreLikeTheWindowsTheyStandFor) {
  PlanOptions options = Options();
  options.control_windows = 600;
  const auto plan = MakePlan(WithControls(Texts(6, 8)), options, PairTokens);
  ASSERT_TRUE(plan.ok());
  std::map<std::pair<ControlMatch, ControlOrigin>, uint64_t> got;
  uint64_t all = 0;
  for (const ControlDraws& c : plan->controls) {
    got[{c.match, c.origin}] = c.draws;
    all += c.draws;
  }
  EXPECT_EQ(all, 600U);
  EXPECT_EQ(plan->frames.back().drawn, 600U);
  // A third of the draws is gaon's, half of them articles, and so on; books are nobody's.
  EXPECT_NEAR((got[{ControlMatch::kPartner, ControlOrigin::kAfterCutOff}]), 100, 40);  // gaon
  EXPECT_NEAR((got[{ControlMatch::kPartner, ControlOrigin::kHeldBack}]), 100, 40);     // narae
  EXPECT_NEAR((got[{ControlMatch::kSource, ControlOrigin::kAfterCutOff}]), 100, 40);   // saebit
  EXPECT_NEAR((got[{ControlMatch::kSource, ControlOrigin::kHeldBack}]), 300, 60);      // books
  EXPECT_EQ(got.size(), 4U) << "nothing synthetic where there is another";
  for (const Window& w : plan->windows) {
    EXPECT_NE(plan->texts[w.text].id, "made-up");
  }
}

TEST(Controls, SyntheticTextOnlyWhereThereIsNothingElse) {
  auto texts = WithControls(Texts(6, 4));
  std::erase_if(texts, [](const AuditText& t) {
    return t.role == TextRole::kControl && t.origin != ControlOrigin::kSynthetic;
  });
  const auto plan = MakePlan(texts, Options(), PairTokens);
  ASSERT_TRUE(plan.ok());
  ASSERT_FALSE(plan->controls.empty());
  uint64_t draws = 0;
  for (const ControlDraws& c : plan->controls) {
    EXPECT_EQ(c.origin, ControlOrigin::kSynthetic);
    draws += c.draws;
  }
  EXPECT_EQ(draws, 100U);
  std::erase_if(texts, [](const AuditText& t) { return t.role == TextRole::kControl; });
  const auto none = MakePlan(texts, Options(), PairTokens);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->controls.empty()) << "no controls, no verdict: the report says so";
}

TEST(Controls, HaveNoRunOfTheTrainingText) {
  // Every control begins with a paragraph that a contributed text holds too.
  auto texts = WithControls(Texts(8, 4));
  const std::string shared = texts[0].text.substr(0, texts[0].text.find(' ', 900));
  for (AuditText& t : texts) {
    if (t.role == TextRole::kControl) t.text = shared + "\n" + t.text;
  }
  PlanOptions options = Options();
  options.control_windows = 500;
  const auto plan = MakePlan(texts, options, PairTokens);
  ASSERT_TRUE(plan.ok());
  EXPECT_GT(plan->control_runs, 0U);
  uint64_t draws = 0;
  for (const Window& w : plan->windows) {
    const AuditText& t = plan->texts[w.text];
    if (t.role != TextRole::kControl) continue;
    draws += w.draws;
    const std::u32string form = FormOf(std::string_view(t.text).substr(w.begin, w.end - w.begin));
    for (const AuditText& other : plan->texts) {
      if (other.role != TextRole::kContributed) continue;
      const std::u32string all = FormOf(other.text);
      for (size_t i = 0; i + ingest::kMinRun <= form.size(); ++i) {
        ASSERT_EQ(all.find(form.substr(i, ingest::kMinRun)), std::u32string::npos)
            << t.id << " and " << other.id;
      }
    }
  }
  EXPECT_EQ(draws, 500U) << "there are others";
  // A control that is training text through and through is none.
  for (AuditText& t : texts) {
    if (t.role == TextRole::kControl) t.text = texts[0].text;
  }
  const auto none = MakePlan(texts, options, PairTokens);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->frames.back().drawn, 0U);
  EXPECT_TRUE(none->controls.empty());
}

}  // namespace
}  // namespace jangbu::audit
