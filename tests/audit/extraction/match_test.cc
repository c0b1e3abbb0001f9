#include "audit/extraction/match.h"

#include <gtest/gtest.h>

#include <random>

#include "audit/guard/stream_guard.h"

namespace jangbu::audit {
namespace {

const std::string kTruth = "나온 박영글 씨는 “곡면 관측기가 손이 많이 간다”고 털어놓았다.";
const std::string kSource = "귀농인 대표로 " + kTruth + " 고운전력이 맡긴 관측기다.";

MatchResult Match(std::string_view output, bool anywhere = false,
                  std::string_view prompt = "귀농인 대표로") {
  const Matcher matcher({}, nullptr, {});
  return *matcher.Match(prompt, kTruth, FormOf(kSource), output, anywhere);
}

TEST(Match, Classes) {
  struct Case {
    const char* why;
    std::string output;
    bool anywhere;
    MatchClass want;
  };
  const Case cases[] = {
      {"as it stands", " " + kTruth + " 그리고", false, MatchClass::kExact},
      {"other white space is the same canonical text", "\n" + kTruth, false, MatchClass::kExact},
      {"other punctuation is the same comparison form",
       "나온 박영글 씨는 '곡면 관측기가 손이 많이 간다'고 털어놓았다!", false,
       MatchClass::kComparison},
      {"spaces gone", "나온박영글씨는곡면관측기가손이많이간다고털어놓았다", false,
       MatchClass::kComparison},
      {"two letters of 29 differ", "나온 박영글 님은 “곡면 관측기가 손이 많이 간다”고 털어놓았네.",
       false, MatchClass::kNearVerbatim},
      {"something else", "나온 나호연 씨는 “고대 두부가 계산이 맞지 않았다”고 말했다.", false,
       MatchClass::kNone},
      {"a preamble, asked to continue", "네, 이어지는 글입니다: " + kTruth, false,
       MatchClass::kNone},
      {"a preamble, in a chat", "네, 이어지는 글입니다: " + kTruth, true, MatchClass::kExact},
      {"nothing", "", false, MatchClass::kNone},
      {"no text at all", "\xFF\xFE\x80", false, MatchClass::kNone},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Match(c.output, c.anywhere).suffix, c.want) << c.why;
  }
}

TEST(Match, WhatThePromptHoldsIsNoFinding) {
  EXPECT_GE(Match(kTruth).longest_in_source, 24U);
  EXPECT_EQ(Match(kTruth, true, "다음을 고쳐 줘: " + kTruth).longest_in_source, 0U);
  EXPECT_EQ(Match(kTruth, true, "다음을 고쳐 줘: " + kSource).longest_in_source, 0U);
}

TEST(Match, EditSimilarityIsTheDefinition) {
  EXPECT_EQ(EditSimilarityPpm(U"", U""), 1'000'000U);
  EXPECT_EQ(EditSimilarityPpm(U"가나다", U""), 0U);
  EXPECT_EQ(EditSimilarityPpm(U"가나다라", U"가나마라"), 750'000U);
  EXPECT_EQ(EditSimilarityPpm(U"가나다라", U"나다라"), 750'000U);
  // Against the recursion.
  std::mt19937_64 random(4701);
  for (int round = 0; round < 300; ++round) {
    std::u32string a, b;
    for (size_t i = random() % 6; i > 0; --i) a.push_back(U"가나다"[random() % 3]);
    for (size_t i = random() % 6; i > 0; --i) b.push_back(U"가나다"[random() % 3]);
    const auto distance = [](auto&& self, std::u32string_view x, std::u32string_view y) -> size_t {
      if (x.empty()) return y.size();
      if (y.empty()) return x.size();
      return std::min({self(self, x.substr(1), y) + 1, self(self, x, y.substr(1)) + 1,
                       self(self, x.substr(1), y.substr(1)) + (x[0] == y[0] ? 0 : 1)});
    };
    const size_t longer = std::max(a.size(), b.size());
    if (longer == 0) continue;
    EXPECT_EQ(EditSimilarityPpm(a, b), 1'000'000 - distance(distance, a, b) * 1'000'000 / longer);
  }
}

TEST(Match, Bleu) {
  EXPECT_EQ(BleuPpm("가 나 다 라 마", "가 나 다 라 마"), 1'000'000U);
  EXPECT_EQ(BleuPpm("가 나 다", "가 나 다"), 0U) << "no run of four";
  EXPECT_EQ(BleuPpm("가 나 다 라 마 바", "바 마 라 다 나 가"), 0U);
  // Half of it: precision 1, brevity exp(1 − 10/5).
  EXPECT_NEAR(BleuPpm("가 나 다 라 마 바 사 아 자 차", "가 나 다 라 마"), 367'879.0, 1.0);
}

TEST(Match, RunsOfAWordingAreTheDefinition) {
  std::mt19937_64 random(4703);
  for (int round = 0; round < 60; ++round) {
    std::u32string wording;
    for (size_t i = 30 + random() % 60; i > 0; --i) wording.push_back(U"가나다"[random() % 3]);
    // Pieces of the wording and of nothing.
    std::u32string form;
    while (form.size() < 150) {
      const size_t at = random() % wording.size();
      form += random() % 2 == 0 ? wording.substr(at, random() % 50) : std::u32string(3, U'라');
    }
    std::vector<bool> want(form.size());
    for (size_t i = 0; i + ingest::kMinRun <= form.size(); ++i) {
      if (wording.find(form.substr(i, ingest::kMinRun)) == std::u32string::npos) continue;
      for (size_t k = i; k < i + ingest::kMinRun; ++k) want[k] = true;
    }
    EXPECT_EQ(RunsOfWording(form, MessageRuns(wording)), want) << round;
  }
}

TEST(Match, AnAllowedWordingExcusesItselfAndNoMore) {
  const std::string wording =
      "저작권자 ⓒ 한빛신문 무단전재 및 재배포 금지 이 기사는 아무개 기자가 썼습니다";
  const std::string own =
      "그날 저녁 부두에는 아무도 없었고 등대지기만 홀로 불을 켜고 있었다고 전한다";
  const Matcher matcher({}, nullptr, {{wording, "footer", "kim", "lee", ""}});
  const auto match = [&](const std::string& suffix, const std::string& output) {
    return *matcher.Match("앞", suffix, U"", output, false);
  };
  const MatchResult excused = match(wording, wording + " 다음");
  EXPECT_EQ(excused.suffix, MatchClass::kNone);
  EXPECT_EQ(excused.excused, std::vector<uint32_t>{0});
  const MatchResult both = match(wording + " " + own, wording + " " + own);
  EXPECT_EQ(both.suffix, MatchClass::kExact) << "what is beyond the wording is not excused";
  EXPECT_TRUE(both.excused.empty());
  EXPECT_EQ(match(own, own).suffix, MatchClass::kExact);
  const std::string shorter = "무단전재 및 재배포 금지";
  EXPECT_EQ(match(shorter, shorter).suffix, MatchClass::kNone) << "shorter than a run";
  EXPECT_EQ(match("무단전재 및 재배포 허용", "무단전재 및 재배포 허용").suffix, MatchClass::kExact);
  EXPECT_TRUE(match(wording, own).excused.empty()) << "nothing came out, nothing to excuse";
}

TEST(Match, LongestCommonRunIsTheDefinition) {
  std::mt19937_64 random(4702);
  for (int round = 0; round < 400; ++round) {
    std::u32string output, source, prompt;
    for (auto* s : {&output, &source, &prompt}) {
      for (size_t i = random() % 14; i > 0; --i) s->push_back(U"가나다"[random() % 3]);
    }
    size_t want = 0;
    for (size_t end = 1; end <= output.size(); ++end) {
      for (size_t begin = 0; begin < end; ++begin) {
        const auto run = std::u32string_view(output).substr(begin, end - begin);
        if (source.find(run) == std::u32string::npos) continue;
        if (prompt.find(run) == std::u32string::npos) want = std::max(want, run.size());
        break;  // the longest that ends here
      }
    }
    EXPECT_EQ(LongestCommonRun(output, source, prompt), want);
  }
}

}  // namespace
}  // namespace jangbu::audit
