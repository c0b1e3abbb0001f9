#include "services/cli/display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/extract/reasons.h"
#include "services/cli/json_writer.h"
#include "services/cli/messages.h"
#include "services/cli/progress.h"
#include "services/cli/reason_words.h"

namespace jangbu::services::cli {
namespace {

TEST(DisplayTest, HangulTakesTwoColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("장부"), 4);
  EXPECT_EQ(DisplayWidth("\u110C\u1161\u11BC"), 2) << "장 in conjoining jamo";
  EXPECT_EQ(DisplayWidth("漢字"), 4);
  EXPECT_EQ(DisplayWidth("Ａ"), 2) << "full width";
  EXPECT_EQ(DisplayWidth("e\u0301"), 1) << "combining accent";
  EXPECT_EQ(DisplayWidth("\u200B"), 0);
  EXPECT_EQ(DisplayWidth(""), 0);
}

TEST(DisplayTest, NothingReachesTheTerminalThatItMightObey) {
  EXPECT_EQ(ForTerminal("가\x1B[31mred"), "가\uFFFD[31mred");
  EXPECT_EQ(ForTerminal("a\nb\tc\x7F"), "a\uFFFDb\uFFFDc\uFFFD");
  EXPECT_EQ(ForTerminal("\u202Eabc\u0085"), "\uFFFDabc\uFFFD");
  EXPECT_EQ(ForTerminal("\xFF\xC7"), "\uFFFD\uFFFD");
  EXPECT_EQ(ForTerminal("보통 글 ok"), "보통 글 ok");
}

TEST(DisplayTest, ShortensInTheMiddle) {
  EXPECT_EQ(Shorten("짧다", 10), "짧다");
  const std::string shortened = Shorten("아주/긴/경로/이름/파일.txt", 16);
  EXPECT_LE(DisplayWidth(shortened), 16);
  EXPECT_NE(shortened.find("…"), std::string::npos);
  EXPECT_TRUE(shortened.ends_with(".txt"));
  for (int columns = 0; columns < 30; ++columns) {
    EXPECT_LE(DisplayWidth(Shorten("가나다라마바사아자차카타파하", columns)), columns);
  }
}

TEST(DisplayTest, Numbers) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(-1234567), "-1,234,567");
  EXPECT_EQ(Grouped(INT64_MIN), "-9,223,372,036,854,775,808");
  EXPECT_EQ(GroupedUnsigned(UINT64_MAX), "18,446,744,073,709,551,615");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1000), "1.0 kB");
  EXPECT_EQ(HumanBytes(1'234'567), "1.2 MB");
  EXPECT_EQ(HumanBytes(999'960), "1.0 MB");
  EXPECT_EQ(HumanBytes(123'400'000'000), "123.4 GB");
  EXPECT_EQ(HumanSeconds(7), "0:07");
  EXPECT_EQ(HumanSeconds(754), "12:34");
  EXPECT_EQ(HumanSeconds(3723), "1:02:03");
  EXPECT_EQ(Percent(999, 1000), "99 %") << "never 100 before the end";
  EXPECT_EQ(Percent(1, 3, 2), "33.33 %");
  EXPECT_EQ(Percent(5, 100'000'000, 6), "0.000005 %");
  EXPECT_EQ(Percent(1, 0), "-");
}

TEST(DisplayTest, Times) {
  EXPECT_EQ(UtcTime(0), "");
  EXPECT_EQ(KstTime(0), "-");
  EXPECT_EQ(UtcTime(1'700'000'000'123'456), "2023-11-14T22:13:20.123456Z");
  EXPECT_EQ(KstTime(1'700'000'000'123'456), "2023-11-15 07:13:20 KST");
  const auto micros = [](std::string_view text) {
    const auto parsed = ParseTime(text);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return parsed.value_or(0);
  };
  EXPECT_EQ(micros("2023-11-14T22:13:20.123456Z"), 1'700'000'000'123'456);
  EXPECT_EQ(micros("2023-11-15T07:13:20.123456"), 1'700'000'000'123'456) << "Seoul without a zone";
  EXPECT_EQ(micros("2023-11-15T07:13:20.5+09:00"), 1'700'000'000'500'000);
  EXPECT_EQ(micros("2023-11-14T17:13:20-0500"), 1'700'000'000'000'000);
  EXPECT_EQ(micros("2024-02-29"), micros("2024-02-28T15:00:00Z"));
  for (const char* bad :
       {"", "2023", "2023-13-01", "2023-02-29", "2023-11-15T25:00", "2023-11-15T07:13:20Zx",
        "2023-11-15 07", "15-11-2023", "2023-11-15T07:13:20.", "2023-11-15T07:13+99:00"}) {
    EXPECT_FALSE(ParseTime(bad).ok()) << bad;
  }
  EXPECT_EQ(*ParseDurationMillis("90"), 90'000);
  EXPECT_EQ(*ParseDurationMillis("10m"), 600'000);
  EXPECT_EQ(*ParseDurationMillis("2h"), 7'200'000);
  EXPECT_EQ(*ParseDurationMillis("250ms"), 250);
  for (const char* bad : {"", "m", "-1s", "1d", "99999999999999999999"}) {
    EXPECT_FALSE(ParseDurationMillis(bad).ok()) << bad;
  }
}

TEST(DisplayTest, TablesAlignBySeenWidth) {
  Table table({{"이름"}, {"n", Table::Align::kRight}});
  table.Row({"가나다", "1"});
  table.Row({"ab", "1,234"});
  table.Rule();
  table.Row({"합계", "1,235"});
  EXPECT_EQ(table.Render(),
            "이름        n\n"
            "-------------\n"
            "가나다      1\n"
            "ab      1,234\n"
            "-------------\n"
            "합계    1,235\n");
}

TEST(JsonTest, StringsAreValidWhateverTheyHold) {
  EXPECT_EQ(JsonString("가\"\\\n\t\x01"), R"("가\"\\\n\t\u0001")");
  EXPECT_EQ(JsonString("\xFF가\xE0\xA0"), "\"\uFFFD가\uFFFD\"");
  EXPECT_EQ(JsonString("\u2028"), "\"\\u2028\"");
  EXPECT_EQ(
      JsonObject().Add("a", int64_t{1}).Add("b", "x").AddBool("c", true).AddRaw("d", "[1]").Take(),
      R"({"a":1,"b":"x","c":true,"d":[1]})");
  EXPECT_EQ(JsonObject().Take(), "{}");
}

TEST(MessagesTest, LanguagesAndPlaceholders) {
  EXPECT_EQ(LangOfLocale("ko_KR.UTF-8"), Lang::kKo);
  EXPECT_EQ(LangOfLocale("ko"), Lang::kKo);
  EXPECT_EQ(LangOfLocale("kok_IN"), Lang::kEn);
  EXPECT_EQ(LangOfLocale("C.UTF-8"), Lang::kEn);
  EXPECT_EQ(Say(Lang::kEn, Msg::kMoreSkipped, {"7"}), "7 more left out");
  EXPECT_EQ(Say(Lang::kKo, Msg::kMoreSkipped, {"7"}), "그 밖에 7개를 올리지 않습니다.");
  // What a name holds is not a placeholder.
  EXPECT_EQ(Fill("{0}, {1}", {"{1}", "이름"}), "{1}, 이름");
}

TEST(MessagesTest, EveryRejectionHasWordsInBothLanguages) {
  for (const ingest::ReasonInfo& info : ingest::AllReasons()) {
    for (const Lang lang : {Lang::kKo, Lang::kEn}) {
      const std::string words = RejectionWords(lang, info.code);
      EXPECT_TRUE(words.starts_with(std::string(info.code) + ": ")) << words;
      EXPECT_GT(words.size(), info.code.size() + 10) << words;
    }
  }
  EXPECT_EQ(RejectionWords(Lang::kKo, "from_a_newer_server"), "from_a_newer_server");
}

TEST(ProgressTest, TheBarFitsAnyTerminal) {
  ProgressState state;
  state.phase = ProgressState::Phase::kSending;
  state.total_bytes = 2'000'000'000;
  state.total_files = 12;
  state.sent_bytes = 999'999'999;
  state.processed_bytes = 1;
  state.documents = 123'456;
  for (const Lang lang : {Lang::kKo, Lang::kEn}) {
    for (int columns = 10; columns < 200; ++columns) {
      EXPECT_LT(DisplayWidth(ProgressBarLine(state, 85'000'000, columns, lang)), columns);
    }
  }
  const std::string line = ProgressBarLine(state, 100'000'000, 200, Lang::kEn);
  EXPECT_THAT(line, ::testing::HasSubstr("sent [##############................] 49 %"));
  EXPECT_THAT(line, ::testing::HasSubstr("100.0 MB/s  left 0:10"));
}

TEST(ProgressTest, TheRateIsOfTheLastSeconds) {
  RateMeter rate;
  EXPECT_EQ(rate.BytesPerSecond(), 0U);
  for (int64_t second = 0; second <= 100; ++second) {
    rate.Observe(second * 1000,
                 static_cast<uint64_t>(second < 50 ? second * 10 : 500 + (second - 50) * 1000));
  }
  EXPECT_EQ(rate.BytesPerSecond(), 1000U);
}

}  // namespace
}  // namespace jangbu::services::cli
