#include "ingest/text/segments.h"

#include <gtest/gtest.h>

#include <random>

#include "ingest/text/canonical.h"
#include "tests/ingest/text/nasty_text.h"
#include "tests/reference/text/text_twin.h"

namespace jangbu::ingest {
namespace {

using testing::Spell;
using testing::Utf8;

struct Case {
  const char* why;
  std::string text;
  bool korean;
  uint32_t chars, syllables, words, korean_words;
};

TEST(Segments, Table) {
  const Case cases[] = {
      {"a sentence", "나는 밥을 먹었다.", true, 10, 7, 3, 3},
      {"English is not Korean", "the quick brown fox", false, 19, 0, 4, 0},
      {"jamo alone are not Korean: no syllable", "ㅋㅋㅋㅋ", false, 4, 0, 1, 0},
      {"30 % of the letters is enough", "가나다abcdefg", true, 10, 3, 1, 1},
      {"less is not", "가나다abcdefgh", false, 11, 3, 1, 0},
      {"Han is left out of both sides", "가나다漢字漢字漢字abcdefg", true, 16, 3, 1, 1},
      {"10 % of Hangul and Han is enough", "가漢字漢字漢字漢字漢", true, 10, 1, 1, 1},
      {"less is not", "가漢字漢字漢字漢字漢字", false, 11, 1, 1, 0},
      {"10 % of what is visible is enough", "가........ .", true, 11, 1, 2, 1},
      {"less is not", "가......... .", false, 12, 1, 2, 0},
      {"jamo count as Hangul", "가ㅋㅋabcdefg", true, 10, 1, 1, 1},
      {"words without a letter are no Korean words", "가나다 123 마바사 --- !", true, 17, 6, 5, 2},
      {"spaces between syllables earn two thirds", "가 나 다 라 마 바", true, 11, 6, 6, 4},
      {"rounded up", "가 나 다 라 마 바 사", true, 13, 7, 7, 5},
      {"Han counts towards the cap", "가 字 字 字", true, 7, 1, 4, 3},
      {"Latin words count up to the cap", "가나다 a b c d e f", true, 15, 3, 7, 2},
      {"U+3007 is a number", "가〇", true, 2, 1, 1, 1},
  };
  for (const Case& c : cases) {
    const std::vector<Segment> segments = Segments(c.text);
    ASSERT_EQ(segments.size(), 1u) << c.why;
    const Segment& s = segments[0];
    EXPECT_EQ(s.korean, c.korean) << c.why << ": " << c.text;
    EXPECT_EQ(s.chars, c.chars) << c.why << ": " << c.text;
    EXPECT_EQ(s.syllables, c.syllables) << c.why << ": " << c.text;
    EXPECT_EQ(s.words, c.words) << c.why << ": " << c.text;
    EXPECT_EQ(s.korean_words, c.korean_words) << c.why << ": " << c.text;
  }
}

TEST(Segments, AreTheLinesThatAreNotEmpty) {
  const std::string text = "하나\n\n둘\n셋 넷";
  const std::vector<Segment> segments = Segments(text);
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].Text(text), "하나");
  EXPECT_EQ(segments[1].Text(text), "둘");
  EXPECT_EQ(segments[2].Text(text), "셋 넷");
  EXPECT_TRUE(Segments("").empty());
}

TEST(Segments, CountsOfATextIncludeItsLineBreaks) {
  EXPECT_EQ(CountText("하나\n\n둘 셋"), (TextCounts{7 - 0, 4, 3}));
  EXPECT_EQ(CountText(""), (TextCounts{0, 0, 0}));
}

void ExpectAgreement(const std::string& canonical) {
  const std::vector<Segment> segments = Segments(canonical);
  ASSERT_EQ(segments, reference::Segments(canonical)) << Spell(canonical);
  ASSERT_EQ(CountText(canonical), reference::CountText(canonical)) << Spell(canonical);
  ASSERT_EQ(CountText(canonical, segments), CountText(canonical)) << Spell(canonical);
}

TEST(Segments, EveryCodePointAgreesWithTheDefinition) {
  std::string block;
  testing::ForEachCodePoint([&](char32_t cp) {
    if (HasFatalFailure()) return;
    // Three shares on both sides of their thresholds, by this one code point.
    block +=
        Utf8({0xAC00, cp,  '\n', 0xAC00, 'a', 'b', cp,   '\n', 0xAC00, '.', '.', '.',    '.', '.',
              '.',    '.', '.',  cp,     ' ', cp,  '\n', 'a',  ' ',    cp,  ' ', 0xAC00, '\n'});
    if (block.size() > 2048) {
      ExpectAgreement(Canonicalize(block));
      block.clear();
    }
  });
  ExpectAgreement(Canonicalize(block));
}

TEST(Segments, RandomPlainTextAgreesWithTheDefinition) {
  std::mt19937_64 random(20240614);
  for (int round = 0; round < 10'000; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(ExpectAgreement(Canonicalize(testing::RandomPlainText(random, 400))));
  }
}

TEST(Segments, RandomTextAgreesWithTheDefinition) {
  std::mt19937_64 random(20240607);
  for (int round = 0; round < 30'000; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(ExpectAgreement(Canonicalize(testing::RandomText(random, 60))));
  }
}

// A text of nothing but the shares' ingredients, so that every threshold is met exactly and missed
// by one.
TEST(Segments, EveryMixOfFewCharactersAgreesWithTheDefinition) {
  for (int hangul = 0; hangul <= 3; ++hangul) {
    for (int jamo = 0; jamo <= 2; ++jamo) {
      for (int han = 0; han <= 28; ++han) {
        for (int latin = 0; latin <= 12; ++latin) {
          for (int dots = 0; dots <= 28; dots += 3) {
            std::string text;
            for (int i = 0; i < hangul; ++i) text += "가";
            for (int i = 0; i < jamo; ++i) text += "ㅋ";
            for (int i = 0; i < han; ++i) text += i % 3 == 0 ? "漢 " : "字";
            for (int i = 0; i < latin; ++i) text += 'x';
            for (int i = 0; i < dots; ++i) text += '.';
            ASSERT_NO_FATAL_FAILURE(ExpectAgreement(Canonicalize(text)));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace jangbu::ingest
