#include "audit/extraction/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/extraction/report.h"
#include "audit/guard/stream_guard.h"

namespace jangbu::audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

TEST(ReportText, OfJson) {
  struct Case {
    const char* json;
    std::vector<std::string> texts;
  };
  const Case cases[] = {
      {R"({"a":"가나","b":[1,"다"]})", {"a", "가나", "b", "다", "{:,:[1,]}"}},
      {R"("\uac00\ub098 \"x\" \\ \/ \n")", {"가나 \"x\" \\ / \n", ""}},
      {R"("\ud83d\ude00\ud83d")", {"😀\uFFFD", ""}},
      {R"("\q\u12)", {"q12", ""}},
      {"\"unfinished", {"unfinished", ""}},
      {"\"\\", {"\\", ""}},
      {"no json at all", {"no json at all"}},
      {"", {""}},
  };
  for (const Case& c : cases) EXPECT_EQ(TextsOfJson(c.json), c.texts) << c.json;
}

TEST(ReportText, OfHtml) {
  struct Case {
    const char* html;
    std::vector<std::string> texts;
  };
  const Case cases[] = {
      {"<p>가<mark>나</mark>다<br>라</p>마",
       {"가나다\n라", "마", "<p>", "<mark>", "</mark>", "<br>", "</p>"}},
      {"&amp;lt;&#44032;&#xAC01;&#39;&nope;", {"&lt;가각'&nope;"}},
      {"가<span class=\"odd\">‹U+200B›</span>나", {"가\u200B나"}},
      {"가<span class=\"odd\">본문</span>나",
       {"가", "본문", "나", "<span class=\"odd\">", "</span>"}},
      {"가<span class=\"odd\">‹U+글›</span>", {"가", "‹U+글›", "<span class=\"odd\">", "</span>"}},
      {"<i title=\"&#44032;\">", {"<i title=\"가\">"}},
      {"<unfinished", {"<unfinished"}},
      {"&#", {"&#"}},
      {"&#x110000;&#xD800;", {"\uFFFD\uFFFD"}},
  };
  for (const Case& c : cases) EXPECT_EQ(TextsOfHtml(c.html), c.texts) << c.html;
}

// What is written comes back, whatever it is.
TEST(ReportText, ReadsWhatAReportSays) {
  const std::string said[] = {"평범한 글", "\"따옴표\" <b>&amp;</b>",
                              "줄\n바꿈 \u200B\u202E 안 보이는", "\x01 제어", "😀 \\ 역슬래시"};
  AuditFigures f;
  for (const std::string& text : said) {
    Finding x;
    x.partner = "gaon";
    x.prompt = x.output = text;
    x.truth = text;
    f.findings.push_back(x);
  }
  const ReportHead head{"제목", "오늘"};
  const auto json = TextsOfJson(ReportJson(f, head));
  std::vector<std::u32string> forms;
  for (const std::string& text : TextsOfHtml(ReportHtml(f, head, ReportLanguage::kKorean))) {
    forms.push_back(FormOf(text));
  }
  for (const std::string& text : said) {
    EXPECT_THAT(json, Contains(text));
    EXPECT_THAT(forms, Contains(FormOf(text))) << text;
  }
}

}  // namespace
}  // namespace jangbu::audit
