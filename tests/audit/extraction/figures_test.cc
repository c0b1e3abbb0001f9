#include "audit/extraction/figures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "audit/extraction/report.h"
#include "audit/guard/stream_guard.h"
#include "base/bytes.h"
#include "base/check.h"
#include "tests/audit/extraction/remembering_model.h"

namespace jangbu::audit {
namespace {

using testing::AskAll;
using testing::PairTokens;
using testing::RememberingModel;
using testing::Texts;

ProbePlan Plan() {
  PlanOptions options;
  options.seed = "figures";
  options.windows = 60;
  options.control_windows = 40;
  options.samples = 2;
  options.tokenizer = "pairs";
  return *MakePlan(Texts(11, 6), options, PairTokens);
}

TEST(Figures, FindExactlyWhatTheModelRemembers) {
  const ProbePlan plan = Plan();
  RememberingModel model(plan);
  const auto figures = ComputeFigures(plan, "ab", AskAll(plan, model), {});
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
  const auto figures = ComputeFigures(plan, "ab", AskAll(plan, model), {});
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
  const std::string json = ReportJson(*own, {"t", "m"});
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
  const std::string told = ReportJson(*owner, {"t", "m"});
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

// An allow-list: what is excused is named and counted, and does not count as extracted.
TEST(Figures, WhatTheAllowListExcusesIsNamedAndDoesNotCount) {
  const ProbePlan plan = Plan();
  RememberingModel model(plan);
  const std::vector<AuditAnswer> answers = AskAll(plan, model);
  const auto before = *ComputeFigures(plan, "ab", answers, {});
  const auto remembered =
      std::find_if(plan.texts.begin(), plan.texts.end(),
                   [](const AuditText& t) { return t.copies == 64 && t.partner == "gaon"; });
  FigureOptions options;
  options.allowed = {
      {remembered->text, "all of one document", "kim", "lee", "2026-11-26"},
      {"아무도 가지지 않은 글이라서 아무것도 봐주지 않는 문구 하나", "none", "kim", "lee", ""}};
  const auto after = *ComputeFigures(plan, "ab", answers, options);
  uint64_t of_document = 0;
  for (const Window& w : plan.windows) {
    if (&plan.texts[w.text] == &*remembered) of_document += w.draws;
  }
  ASSERT_GT(of_document, 0U);
  EXPECT_EQ(after.partners[0].exact,
            (HitCount{before.partners[0].exact.hits - of_document, before.partners[0].exact.n}));
  EXPECT_EQ(after.partners[1].exact, before.partners[1].exact);
  EXPECT_LT(after.partners[0].runs.hits, before.partners[0].runs.hits);
  ASSERT_EQ(after.allowed.size(), 2U);
  EXPECT_EQ(after.allowed[0].windows, of_document);
  EXPECT_GE(after.allowed[0].answers, after.allowed[0].windows / 60);
  EXPECT_EQ(after.allowed[0].partners, 1U) << "one partner's own text: to be looked at";
  EXPECT_EQ(after.allowed[1].answers, 0U);
  EXPECT_EQ(after.allowed[1].partners, 0U);
  const std::string json = ReportJson(after, {});
  EXPECT_NE(json.find("\"reason\":\"all of one document\",\"by\":\"kim\",\"approved_by\":\"lee\""),
            std::string::npos);
  // A partner reads of what concerns it, without the wording, which may be others'.
  options.only_partner = "gaon";
  const auto gaon = *ComputeFigures(plan, "ab", answers, options);
  ASSERT_EQ(gaon.allowed.size(), 1U);
  EXPECT_EQ(gaon.allowed[0].wording.text, "");
  EXPECT_EQ(gaon.allowed[0].windows, of_document);
  options.only_partner = "narae";
  EXPECT_TRUE(ComputeFigures(plan, "ab", answers, options)->allowed.empty());
}

TEST(Figures, ComparedWithAnotherAudit) {
  const ProbePlan plan = Plan();
  RememberingModel model(plan);
  const std::vector<AuditAnswer> answers = AskAll(plan, model);
  FigureOptions options;
  PreviousAudit previous;
  previous.sha256 = "ab";
  previous.options = plan.options;
  previous.has_control = true;
  const auto now = *ComputeFigures(plan, "ab", answers, {});
  // The same figures, none at all, a partner that is gone.
  previous.partners = {
      {"gaon", now.partners[0].exact, 1'000}, {"narae", {0, 3'000}, 1'000}, {"old", {1, 10}, 500}};
  options.previous = previous;
  const auto figures = *ComputeFigures(plan, "ab", answers, options);
  ASSERT_TRUE(figures.comparison.has_value());
  const Comparison& c = *figures.comparison;
  ASSERT_EQ(c.partners.size(), 2U);
  EXPECT_EQ(c.partners[0].partner, "gaon");
  EXPECT_LT(c.partners[0].change.low, 0);
  EXPECT_GT(c.partners[0].change.high, 0);
  EXPECT_EQ(c.partners[0].high_then, c.partners[0].high_now) << "both at this report's level";
  EXPECT_GT(c.partners[1].change.low, 0) << "more than chance";
  EXPECT_EQ(c.partners[1].change, Difference(now.partners[1].exact.hits, 60, 0, 3'000, 0.05 / 3));
  EXPECT_EQ(c.only_then, std::vector<std::string>{"old"});
  EXPECT_EQ(c.only_now, std::vector<std::string>{"saebit"});
  EXPECT_TRUE(c.unlike.empty());
  EXPECT_EQ(figures.overall, now.overall) << "the gate does not depend on it";
  for (const auto language : {ReportLanguage::kKorean, ReportLanguage::kEnglish}) {
    EXPECT_NE(ReportHtml(figures, {}, language).find("<bdi>saebit</bdi></p>"), std::string::npos);
  }
  // Settings that differ are named.
  options.previous->options.suffix_tokens = 40;
  options.previous->options.tokenizer = "other";
  options.previous->has_control = false;
  EXPECT_EQ(ComputeFigures(plan, "ab", answers, options)->comparison->unlike,
            (std::vector<std::string>{"suffix_tokens", "tokenizer", "control"}));
  // A partner's report compares its own figures alone.
  options.only_partner = "gaon";
  const std::string own = ReportJson(*ComputeFigures(plan, "ab", answers, options), {});
  for (const char* other : {"narae", "saebit", "old"}) {
    EXPECT_EQ(own.find("\"" + std::string(other)), std::string::npos) << other;
  }
}

// Where a difference is chance, it is called more than chance no more often than its level says.
TEST(Figures, AChangeIsCalledMoreThanChanceAsSeldomAsItsLevelSays) {
  std::mt19937_64 random(51);
  int called = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::binomial_distribution<uint64_t> hits(400, 0.02);
    const Interval2 change = Difference(hits(random), 400, hits(random), 400, 0.05);
    called += change.low > 0 || change.high < 0 ? 1 : 0;
  }
  EXPECT_LE(called, 2'000 * 0.05);
}

TEST(AuditRun, StoppedAndResumedWithFaultsIsTheSameReport) {
  const ProbePlan plan = Plan();
  RememberingModel model(plan);
  const std::string want = ReportJson(*ComputeFigures(plan, "ab", AskAll(plan, model), {}), {});
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
  const auto figures = ComputeFigures(plan, "ab", AskAll(plan, model), {});
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
