#include "audit/extraction/figures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "audit/extraction/report.h"
#include "audit/guard/stream_guard.h"
#include "base/bytes.h"
#include "base/check.h"
#include "tests/audit/extraction/audit_world.h"

namespace jangbu::audit {
namespace {

using testing::Continue;
using testing::PairTokens;
using testing::Texts;

// Remembers every text of which there are 64 copies.
class RememberingModel : public ModelEndpoint {
 public:
  explicit RememberingModel(const ProbePlan& plan) {
    for (const AuditText& t : plan.texts) {
      if (t.copies == 64) memory_.push_back(t.text);
    }
  }
  StatusOr<ModelCapabilities> Probe() override { return ModelCapabilities(); }
  StatusOr<ModelAnswer> Complete(const ModelRequest& request) override {
    ++asked;
    if (fail_every != 0 && asked % fail_every == 0) {
      return Unavailable("endpoint_busy", "made to fail");
    }
    ModelAnswer answer;
    answer.text = Continue(memory_, request.prompt, request.max_tokens * 2);
    return answer;
  }
  StatusOr<std::optional<SuffixLogprob>> Score(std::string_view prefix,
                                               std::string_view suffix) override {
    ++asked;
    const std::string text = std::string(prefix) + std::string(suffix);
    for (const std::string& m : memory_) {
      if (m.find(text) != std::string::npos) {
        return std::optional<SuffixLogprob>({std::log(0.97), std::log(0.97), 50});
      }
    }
    return std::optional<SuffixLogprob>({-90, -90, 50});
  }

  uint64_t asked = 0;
  uint64_t fail_every = 0;

 private:
  std::vector<std::string> memory_;
};

ProbePlan Plan() {
  PlanOptions options;
  options.seed = "figures";
  options.windows = 60;
  options.control_windows = 40;
  options.samples = 2;
  options.tokenizer = "pairs";
  return *MakePlan(Texts(11, 6), options, PairTokens);
}

std::vector<AuditAnswer> Ask(const ProbePlan& plan, RememberingModel& model,
                             const RunOptions& options = {}) {
  std::vector<AuditAnswer> answers;
  const auto asked = RunAudit(plan, {}, model, options, [&](std::string_view bytes) {
    answers.push_back(*DecodeAnswer(bytes));
    return OkStatus();
  });
  JANGBU_CHECK(asked.ok());
  return answers;
}

TEST(Figures, FindExactlyWhatTheModelRemembers) {
  const ProbePlan plan = Plan();
  RememberingModel model(plan);
  const auto figures = ComputeFigures(plan, "ab", Ask(plan, model), {});
  ASSERT_TRUE(figures.ok());
  ASSERT_EQ(figures->partners.size(), 3U);
  for (const PartnerFigures& p : figures->partners) {
    // The truth, counted over the sample.
    uint64_t want = 0;
    for (const Window& w : plan.windows) {
      const AuditText& t = plan.texts[w.text];
      if (t.role == TextRole::kContributed && t.partner == p.partner && t.copies == 64) {
        want += w.draws;
      }
    }
    EXPECT_EQ(p.exact, (HitCount{want, 60})) << p.partner;
    EXPECT_LE(p.low, static_cast<double>(want) / 60);
    EXPECT_GE(p.high, static_cast<double>(want) / 60);
    EXPECT_GT(p.high, p.single_high) << "divided by three partners";
  }
  EXPECT_EQ(figures->control.exact.hits, 0U);
  EXPECT_EQ(figures->by_copies.at(64).hits, figures->by_copies.at(64).n);
  EXPECT_EQ(figures->by_copies.at(1).hits, 0U);
  EXPECT_GT(figures->difference.low, 0);
  EXPECT_EQ(figures->probability.compared, figures->probability.scored.n);
  EXPECT_EQ(figures->probability.agree, figures->probability.compared);
  for (const Finding& f : figures->findings) {
    EXPECT_EQ(f.copies, 64U);
    EXPECT_EQ(f.leaked_partner, f.partner);
    EXPECT_EQ(f.leaked_text_id, f.text_id);
  }
}

TEST(Figures, ByLengthOfTheDocument) {
  std::mt19937_64 random(12);
  std::vector<AuditText> texts;
  // Words of two and a half syllables: of 500, 1,500 and 10,500 letters. Those of 1,500 are
  // remembered.
  for (const size_t words : {200U, 200U, 200U, 200U, 600U, 600U, 4'200U}) {
    texts.push_back({std::to_string(texts.size()), "gaon", "book", TextRole::kContributed,
                     words == 600U ? 64U : 1U, testing::Sentences(random, words)});
  }
  texts.push_back({"held", "gaon", "book", TextRole::kControl, 0, testing::Sentences(random, 200)});
  PlanOptions options;
  options.seed = "length";
  options.windows = 60;
  options.control_windows = 20;
  options.tokenizer = "pairs";
  const ProbePlan plan = *MakePlan(std::move(texts), options, PairTokens);
  RememberingModel model(plan);
  const auto figures = ComputeFigures(plan, "ab", Ask(plan, model), {});
  ASSERT_TRUE(figures.ok());
  uint64_t n = 0;
  for (const auto& [least, count] : figures->by_length) {
    EXPECT_EQ(count.hits, least == 1'000 ? count.n : 0U) << least;
    EXPECT_GT(count.n, 0U);
    n += count.n;
  }
  EXPECT_EQ(figures->by_length.size(), 3U);
  EXPECT_TRUE(figures->by_length.contains(0) && figures->by_length.contains(10'000));
  EXPECT_EQ(n, 60U) << "controls apart";
  // By what stands before the window, and the same by copies.
  HitCount before;
  for (const auto& [tokens, count] : figures->by_before) {
    EXPECT_TRUE(tokens == 25 || tokens == 50 || tokens == 100 || tokens == 200) << tokens;
    HitCount row;
    for (const auto& [copies, c] : figures->by_before_and_copies.at(tokens)) {
      EXPECT_EQ(c.hits, copies == 64 ? c.n : 0U) << tokens;
      row = {row.hits + c.hits, row.n + c.n};
    }
    EXPECT_EQ(row, count) << tokens;
    before = {before.hits + count.hits, before.n + count.n};
  }
  EXPECT_EQ(before, figures->partners[0].exact);
  for (const auto language : {ReportLanguage::kKorean, ReportLanguage::kEnglish}) {
    EXPECT_NE(ReportHtml(*figures, {}, language).find("≥ 10000"), std::string::npos);
  }
}

TEST(Figures, AnotherPartnersTextIsFoundAndToldToNobodyElse) {
  // A model that answers everything with one text of narae.
  const ProbePlan plan = Plan();
  std::vector<AuditAnswer> answers;
  const auto tasks = TasksOf(plan);
  const auto leaked = std::find_if(plan.texts.begin(), plan.texts.end(),
                                   [](const AuditText& t) { return t.partner == "narae"; });
  for (uint32_t i = 0; i < tasks.size(); ++i) {
    AuditAnswer a;
    a.task = i;
    a.text = leaked->text.substr(0, 600);
    answers.push_back(a);
  }
  const auto all = ComputeFigures(plan, "ab", answers, {});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->partners[0].runs.hits, all->partners[0].runs.n);
  EXPECT_EQ(all->findings[0].leaked_partner, "narae");
  FigureOptions options;
  options.only_partner = "gaon";
  const auto own = ComputeFigures(plan, "ab", answers, options);
  ASSERT_TRUE(own.ok());
  EXPECT_EQ(own->partners.size(), 1U);
  const std::string json = ReportJson(*own, {"t", "m", ""});
  for (const char* other : {"narae", "saebit"}) {
    EXPECT_EQ(json.find(other), std::string::npos) << other;
  }
  EXPECT_NE(json.find("gaon"), std::string::npos);
  // Nothing of gaon's came out: no count of anybody's runs, and no text of others in any finding.
  EXPECT_EQ(own->partners[0].runs.hits, 0U);
  EXPECT_TRUE(own->findings.empty());
  EXPECT_EQ(own->partners[0].high, own->partners[0].single_high) << "not even how many there are";
  // The owner is told what came out when others' text was asked about, and not what was asked.
  options.only_partner = "narae";
  const auto owner = ComputeFigures(plan, "ab", answers, options);
  ASSERT_TRUE(owner.ok());
  EXPECT_GT(owner->elsewhere, 0U);
  const std::string told = ReportJson(*owner, {"t", "m", ""});
  for (const char* other : {"gaon", "saebit", "held-"}) {
    EXPECT_EQ(told.find(other), std::string::npos) << other;
  }
  size_t elsewhere = 0;
  for (const Finding& x : owner->findings) {
    if (x.window != kElsewhere) continue;
    ++elsewhere;
    EXPECT_EQ(x.prompt + x.truth, "");
    EXPECT_EQ(x.leaked_text_id, leaked->id);
    EXPECT_NE(FormOf(leaked->text).find(FormOf(x.output)), std::u32string::npos);
  }
  EXPECT_EQ(elsewhere, 1U) << "the same run once";
}

// What a model says after (or before) the partner's text may be somebody's whom the plan does not
// know: a partner's report shows of an answer only what is its own.
TEST(Figures, APartnersReportShowsOfAnswersOnlyWhatIsItsOwn) {
  const ProbePlan plan = Plan();
  const std::string stranger = "남의 글이라서 이 보고서에 있어서는 안 되는 문장입니다.";
  const auto tasks = TasksOf(plan);
  std::vector<AuditAnswer> answers;
  for (uint32_t i = 0; i < tasks.size(); ++i) {
    const Window& window = plan.windows[plan.probes[tasks[i].probe].window];
    const std::string truth =
        plan.texts[window.text].text.substr(window.begin, window.end - window.begin);
    AuditAnswer a;
    a.task = i;
    // Asked for a continuation it gives it, with something before and after it.
    a.text = (plan.probes[tasks[i].probe].chat ? stranger : "") + truth + " " + stranger;
    answers.push_back(a);
  }
  FigureOptions options;
  const auto all = ComputeFigures(plan, "ab", answers, options);
  ASSERT_TRUE(all.ok());
  EXPECT_NE(ReportJson(*all, {}).find(stranger), std::string::npos) << "compliance sees all";
  options.only_partner = "gaon";
  const auto own = ComputeFigures(plan, "ab", answers, options);
  ASSERT_TRUE(own.ok());
  ASSERT_FALSE(own->findings.empty());
  for (const Finding& x : own->findings) {
    EXPECT_EQ(x.output.find("남의"), std::string::npos) << x.output;
    EXPECT_NE(FormOf(x.output).find(FormOf(x.truth)), std::u32string::npos) << x.output;
    EXPECT_TRUE(x.output.ends_with(" ⋯ ")) << x.output;
  }
  EXPECT_EQ(own->partners[0].exact, all->partners[0].exact) << "the figures are the same";
}

TEST(AuditRun, StoppedAndResumedWithFaultsIsTheSameReport) {
  const ProbePlan plan = Plan();
  RememberingModel model(plan);
  const std::string want = ReportJson(*ComputeFigures(plan, "ab", Ask(plan, model), {}), {});
  const uint64_t questions = TasksOf(plan).size();
  RememberingModel faulty(plan);
  faulty.fail_every = 7;
  std::vector<AuditAnswer> answers;
  RunOptions options;
  options.concurrency = 3;
  options.max_requests = 50;
  std::set<uint32_t> seen;
  uint64_t asked = 0;
  for (int part = 0;; ++part) {
    ASSERT_LT(part, 1000);
    const auto n = RunAudit(plan, answers, faulty, options, [&](std::string_view bytes) {
      const auto answer = *DecodeAnswer(bytes);
      EXPECT_TRUE(seen.insert(answer.task).second) << "asked twice";
      answers.push_back(answer);
      ++asked;
      return OkStatus();
    });
    if (n.ok()) break;
    ASSERT_EQ(ReasonOf(n.status()), "budget_spent");
  }
  EXPECT_EQ(asked, questions);
  EXPECT_EQ(ReportJson(*ComputeFigures(plan, "ab", answers, {}), {}), want);
}

TEST(AuditRun, AFailedProbeIsNotNoLeak) {
  const ProbePlan plan = Plan();
  RememberingModel model(plan);
  model.fail_every = 1;
  const auto figures = ComputeFigures(plan, "ab", Ask(plan, model), {});
  ASSERT_TRUE(figures.ok());
  EXPECT_EQ(figures->partners[0].exact.n, 0U);
  EXPECT_EQ(figures->partners[0].unanswered, 60U);
  EXPECT_EQ(figures->partners[0].high, 1.0) << "nothing asked, nothing known";
  EXPECT_GT(figures->failures.at("endpoint_busy"), 0U);
}

TEST(AuditAnswer, EncodingRefusesOthers) {
  AuditAnswer a;
  a.task = 7;
  a.text = "글";
  a.low = -3;
  a.high = -2;
  const std::string bytes = EncodeAnswer(a);
  EXPECT_EQ(EncodeAnswer(*DecodeAnswer(bytes)), bytes);
  EXPECT_FALSE(DecodeAnswer(bytes + "x").ok());
  EXPECT_FALSE(DecodeAnswer(bytes.substr(1)).ok());
  a.low = std::nan("");
  EXPECT_FALSE(DecodeAnswer(EncodeAnswer(a)).ok());
}

}  // namespace
}  // namespace jangbu::audit
