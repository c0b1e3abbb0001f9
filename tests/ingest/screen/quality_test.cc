#include "ingest/screen/quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ingest/screen/screen.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"
#include "tests/ingest/screen/hard_forms.h"
#include "tests/reference/quality.h"

namespace jangbu::ingest {
namespace {

using enum QualityRule;

std::optional<uint32_t> Of(const std::string& text, QualityRule rule) {
  return MeasureQuality(Canonicalize(text))[static_cast<size_t>(rule) - 1];
}

std::string Times(const std::string& text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

TEST(Quality, EachRuleByHand) {
  const struct {
    const char* why;
    QualityRule rule;
    std::string text;
    std::optional<uint32_t> value;
  } kRows[] = {
      {"syllables and Han alone count", kTooShort, "가나 abc 12 漢", 3},
      {"nothing", kTooShort, "...", 0},
      {"half of the letters", kNotKorean, "가나다라마바사아자차 abcdefghij", 50},
      {"Han is left out of both", kNotKorean, "가나다라마바사아자차 漢漢漢漢漢漢漢漢漢漢", 100},
      {"too small to say", kNotKorean, "abcdefghij", std::nullopt},
      {"English", kNotKorean, "abcdefghijklmnopqrstuvwxyz", 0},
      {"12 of 24 Hangul 어절 have one syllable", kSpacedOut, Times("가 나다 ", 12), 50},
      {"numbers and Latin words are no Hangul 어절", kSpacedOut, Times("가 나다 12 ab ", 12), 50},
      {"19 어절 say nothing", kSpacedOut, Times("가 ", 19), std::nullopt},
      {"every second of ten lines stood before", kDuplicateLines,
       "하나\n가가\n둘둘\n가가\n셋셋\n가가\n넷넷\n가가\n다섯\n가가", 40},
      {"nine lines say nothing", kDuplicateLines, Times("가\n", 9), std::nullopt},
      {"blocks, not lines", kDuplicateParagraphs, Times("가나\n다라\n\n", 5), 80},
      {"one phrase all along", kTop2Gram, Times("가나 다라 ", 50), 100},
      {"five 어절 again and again", kRepeated5Gram, Times("하나 둘 셋 넷 다섯 ", 20), 95},
      {"ten 어절 again and again", kRepeated10Gram,
       Times("하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열 ", 10), 90},
      {"signs", kSymbols, "가나다라마바사아자차!!!!!!!!!!", 50},
      {"digits", kNumbers, "가나다라마바사아자차0123456789", 50},
      {"뷁 and 똠 are outside KS X 1001", kRareSyllables, Times("뷁똠가나", 20), 50},
      {"이 다 는 의 are among the commonest", kCommonSyllables, Times("이다는의", 50), 100},
      {"꽤 뱀 쥐 are not", kCommonSyllables, Times("꽤뱀쥐컵", 50), 0},
      {"nothing but sentence ends", kShuffledWords, Times("간다. ", 40), 102},
      {"sentences in order", kShuffledWords, Times("나는 간다. ", 40), 0},
      {"one 어절 of 65", kLongWords, Times("가", 65), 100},
      {"64 are not long", kLongWords, Times("가", 64), 0},
      {"a long one of 80 among forty of 3", kLongWords, Times("가나", 40) + Times(" 가나다", 40),
       40},
      {"three of 300 syllables", kCharacterNoise, Times("가나", 148) + "다뷁똠쌰", 10},
      {"299 syllables say nothing", kCharacterNoise, Times("뷁", 299), std::nullopt},
      {"it says so", kMachineTranslation, "이 문서는 기계 번역된 것입니다.", 1},
      {"it does not", kMachineTranslation, "번역은 사람이 했다.", 0},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(Of(row.text, row.rule), row.value) << NameOf(row.rule) << ": " << row.why;
}

std::string Random(std::mt19937_64& random, size_t syllables) {
  std::string out;
  for (size_t i = 0; i < syllables; ++i) {
    AppendUtf8(static_cast<char32_t>(0xAC00 + random() % 11172), out);
    if (random() % 3 == 0) out.push_back(' ');
  }
  return out;
}

TEST(Quality, NoiseTripsAndProseDoesNot) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 20; ++round) {
    const auto noise = JudgeQuality(MeasureQuality(Canonicalize(Random(random, 400))), {});
    std::vector<QualityRule> rules;
    for (const QualityFlag& flag : noise) rules.push_back(flag.rule);
    EXPECT_NE(std::find(rules.begin(), rules.end(), kRareSyllables), rules.end());
    EXPECT_NE(std::find(rules.begin(), rules.end(), kCommonSyllables), rules.end());
    EXPECT_NE(std::find(rules.begin(), rules.end(), kCharacterNoise), rules.end());
  }
}

// One syllable in fifty put at random: too little for the other rules.
TEST(Quality, CharacterNoiseOfTwoPerCentTripsItsRule) {
  std::mt19937_64 random(5);
  int tripped = 0;
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (int i = 0; i < 2000; ++i) {
      AppendUtf8(random() % 50 == 0 ? static_cast<char32_t>(0xAC00 + random() % 11172) : U'이',
                 text);
      if (i % 3 == 2) text.push_back(' ');
    }
    const QualityFigures figures = MeasureQuality(Canonicalize(text));
    const std::vector<QualityFlag> flags = JudgeQuality(figures, {});
    tripped +=
        static_cast<int>(std::any_of(flags.begin(), flags.end(), [](const QualityFlag& flag) {
          return flag.rule == kCharacterNoise;
        }));
    EXPECT_LE(*figures[static_cast<size_t>(kRareSyllables) - 1], 4u);
  }
  EXPECT_EQ(tripped, 50);
}

TEST(Quality, ThresholdsTripPastThemAndShowTheNumber) {
  QualityFigures figures;
  figures[static_cast<size_t>(kSpacedOut) - 1] = 50;
  figures[static_cast<size_t>(kNotKorean) - 1] = 30;
  EXPECT_TRUE(JudgeQuality(figures, {}).empty());  // at the threshold, not past it
  figures[static_cast<size_t>(kSpacedOut) - 1] = 51;
  figures[static_cast<size_t>(kNotKorean) - 1] = 29;
  EXPECT_EQ(JudgeQuality(figures, {}),
            (std::vector<QualityFlag>{{kNotKorean, false, 29, 30}, {kSpacedOut, false, 51, 50}}));
  QualityPolicy strict;
  strict.of(kSpacedOut) = {.flag = 40, .reject = 50};
  strict.of(kNotKorean).flag = -1;
  EXPECT_EQ(JudgeQuality(figures, strict), (std::vector<QualityFlag>{{kSpacedOut, true, 51, 50}}));
}

TEST(Quality, PoliciesAreWrittenAndReadTheSame) {
  const struct {
    const char* text;
    const char* written;  // "" after "!": refused
  } kRows[] = {
      {"", ""},
      {"spaced_out=50", ""},
      {"spaced_out=50:80", "spaced_out=50:80"},
      {"numbers=off,too_short=10:3", "too_short=10:3,numbers=off"},
      {"symbols=off:90", "symbols=off:90"},
      {"machine_translation=2", "machine_translation=2"},
      {"machine_translation=0:1", "!"},
      {"spaced_out", "!"},
      {"no_such_rule=1", "!"},
      {"numbers=", "!"},
      {"numbers=-1", "!"},
      {"numbers=1:2:3", "!"},
      {"numbers=1000001", "!"},
  };
  for (const auto& row : kRows) {
    const auto policy = ParseQualityPolicy(row.text);
    ASSERT_EQ(policy.ok(), std::string_view(row.written) != "!") << row.text;
    if (!policy.ok()) continue;
    EXPECT_EQ(WriteQualityPolicy(*policy), row.written);
    EXPECT_EQ(*ParseQualityPolicy(WriteQualityPolicy(*policy)), *policy);
  }
  for (int i = 1; i <= kQualityRules; ++i) {
    EXPECT_EQ(QualityRuleOf(NameOf(static_cast<QualityRule>(i))), static_cast<QualityRule>(i));
  }
}

// Texts made of few words, lines and blocks, so that all of them repeat, with code points of every
// kind in between.
TEST(Quality, AgreesWithItsSlowTwin) {
  std::mt19937_64 random(5);
  const char* const kOdd[] = {"12",         "-",    "漢字",    "ㅋㅋ", "é",    "e\u0301",
                              "\u200B",     "𠀀",   "½",       "똠",   "뷁을", "다.",
                              "했다.\"",    "까?",  "machine", "기계", "번역", "자동",
                              "번역되었다", "기를", "ᄀ",      "x"};
  for (int round = 0; round < 400; ++round) {
    const uint64_t variety = 2 + random() % 60;
    const uint64_t count = random() % 400;
    const uint64_t breaks = 1 + random() % 12;
    std::string text;
    for (uint64_t i = 0; i < count; ++i) {
      if (!text.empty()) text += random() % breaks == 0 ? (random() % 3 == 0 ? "\n\n" : "\n") : " ";
      const uint64_t which = random() % variety;
      if (random() % 8 == 0) text += kOdd[random() % std::size(kOdd)];
      if (random() % 300 == 0) text += Times("가나", 40);
      for (uint64_t j = 0; j <= which % 3; ++j)
        AppendUtf8(static_cast<char32_t>(0xAC00 + which * 28 + j), text);
      if (random() % 8 == 0) text += kOdd[random() % std::size(kOdd)];
    }
    const std::string canonical = Canonicalize(text);
    const QualityFigures figures = MeasureQuality(canonical);
    const QualityFigures slow = reference::MeasureQuality(canonical);
    for (int i = 0; i < kQualityRules; ++i) {
      ASSERT_EQ(figures[static_cast<size_t>(i)], slow[static_cast<size_t>(i)])
          << "round " << round << ", " << NameOf(static_cast<QualityRule>(i + 1));
    }
  }
}

// Every code point on its own: what the table knows is what ICU says.
TEST(Quality, EveryCodePointIsWhatItIs) {
  for (char32_t c = 0x21; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    if (c >= 0x30000 && c % 251 != 0) continue;  // private use and what is not assigned, mostly
    std::string text;
    for (int i = 0; i < 20; ++i) AppendUtf8(c, text);
    if (Canonicalize(text) != text) continue;
    const QualityFigures figures = MeasureQuality(text);
    const QualityFigures slow = reference::MeasureQuality(text);
    for (const QualityRule rule : {kTooShort, kNotKorean, kSymbols, kNumbers}) {
      ASSERT_EQ(figures[static_cast<size_t>(rule) - 1], slow[static_cast<size_t>(rule) - 1])
          << std::hex << static_cast<uint32_t>(c) << " " << NameOf(rule);
    }
  }
}

TEST(Screen, ReasonsAndDetailsHoldNumbersOnly) {
  std::string text = "전화는 010-1234-5678, 메일은 hong@example.com 입니다.";
  std::string copy = text;
  const Screened refused =
      Screen(copy, {.personal_data = PersonalDataPolicy::kReject, .quality = {}});
  EXPECT_EQ(refused.reason, "personal_data");
  EXPECT_EQ(refused.detail, "mobile 1, email 1");
  EXPECT_EQ(copy, text);
  const Screened kept = Screen(copy, {.personal_data = PersonalDataPolicy::kKeep, .quality = {}});
  EXPECT_EQ(kept.reason, "");
  EXPECT_EQ(kept.personal_data, refused.personal_data);
  EXPECT_EQ(copy, text);
  const Screened masked = Screen(copy, {});
  EXPECT_EQ(masked.personal_data, refused.personal_data);
  EXPECT_EQ(copy, "전화는 ***-****-****, 메일은 ****@*******.*** 입니다.");
  ScreenPolicy strict;
  strict.quality.of(kTooShort).reject = 100;
  EXPECT_EQ(Screen(copy, strict).reason, "quality_too_short");
  EXPECT_EQ(Screen(copy, strict).detail, "too_short 9 < 100");
}

}  // namespace
}  // namespace jangbu::ingest
