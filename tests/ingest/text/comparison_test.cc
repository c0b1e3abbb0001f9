#include "ingest/text/comparison.h"

#include <gtest/gtest.h>

#include <random>

#include "ingest/text/canonical.h"
#include "tests/ingest/text/nasty_text.h"
#include "tests/reference/text/text_twin.h"

namespace jangbu::ingest {
namespace {

using testing::NastyCodePoints;
using testing::Spell;
using testing::Utf8;

struct Case {
  const char* why;
  std::string in;
  std::string out;
};

TEST(Comparison, Table) {
  const Case cases[] = {
      {"nothing", "", ""},
      {"spacing, punctuation and line breaks go", "가나 다라, 마!\n\n바(사)", "가나다라마바사"},
      {"letters and digits stay, case goes", "Hello 123 World", "hello123world"},
      {"width goes", "ＡＢＣ １２３", "abc123"},
      {"compatibility characters", "㎡ ① Ⅷ ½ ﬃ", "m21viii12ffi"},
      {"invisible characters go", "가\u200D나\u200C다\uFE0F라\u3164마", "가나다라마"},
      {"arae-a in its middle-dot use goes", "가ㆍ나", "가나"},
      {"an old vowel stays", "\u1112\u119E\u11AB", "\u1112\u119E\u11AB"},
      {"compatibility jamo become jamo", "ㅋㅋ", "\u110F\u110F"},
      {"and join", "ㄱㅏ", "가"},
      {"a final cluster joins", "가ㄳ", "갃"},
      {"a simple one reads as an initial", "가ㄱ", "가\u1100"},
      {"punctuation does not keep jamo apart", "ㄱ.ㅏ", "가"},
      {"nor do line breaks", "ㄱ\nㅏ", "가"},
      {"nor marks", "\u1100\u0301\u1161", "가"},
      {"halfwidth jamo", "ﾡￂ", "가"},
      {"parenthesised syllables", "㈎", "가"},
      {"a mark joins its letter before marks go", "e\u0301\u0323", "\u1EB9"},
      {"a mark that joins nothing goes", "x\u0301", "x"},
      {"a dropped letter keeps no mark apart", "eㆍ\u0301", "\u00E9"},
      {"nor does a default-ignorable", "e\u034F\u0301", "\u00E9"},
      {"a space does", "e \u0301", "e"},
      {"iota subscript is a letter", "\u1FB3 \u03B1\u0345", "\u03B1\u03B9\u03B1\u03B9"},
      {"sharp s", "Straße ẞ", "strassess"},
      {"final sigma", "ΣΑΣ", "\u03C3\u03B1\u03C3"},
      {"Han stays", "漢字 〇", "漢字〇"},
      {"emoji go", "가😀나", "가나"},
      {"fillers alone are nothing", "\u3164\u115F\u1160\uFFA0 .!?", ""},
      {"mathematical letters", "𝐀𝟏", "a1"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Spell(ComparisonForm(c.in)), Spell(c.out)) << c.why;
    EXPECT_EQ(Spell(reference::ComparisonForm(c.in)), Spell(c.out)) << "the twin: " << c.why;
  }
}

void ExpectAgreement(const std::string& text) {
  const std::string form = ComparisonForm(text);
  ASSERT_EQ(form, reference::ComparisonForm(text))
      << Spell(text) << "\ngives " << Spell(form) << "\nnot   "
      << Spell(reference::ComparisonForm(text));
  ASSERT_EQ(ComparisonForm(form), form) << "twice is not once: " << Spell(text);
}

// The twin repeats until nothing changes, so this also shows that one pass is enough.
TEST(Comparison, EveryCodePointAgreesWithTheDefinition) {
  std::string block;
  testing::ForEachCodePoint([&](char32_t cp) {
    if (HasFatalFailure()) return;
    ExpectAgreement(Utf8({cp}));
    block += Utf8({cp,  '\n',   'a', cp,     0x301, cp,     '.',   0x1100, cp,    0x1161,
                   cp,  0x11A8, '.', 0xAC00, cp,    0x11A8, '.',   cp,     0x323, 0x301,
                   '.', 0x304B, cp,  0x3099, 0x3B1, cp,     0x345, cp,     0x301, '\n'});
    if (block.size() > 4096) {
      ExpectAgreement(block);
      block.clear();
    }
  });
  ExpectAgreement(block);
}

TEST(Comparison, PairsAndTriplesOfNastyCodePointsAgreeWithTheDefinition) {
  for (const char32_t a : NastyCodePoints()) {
    for (const char32_t b : NastyCodePoints()) {
      ASSERT_NO_FATAL_FAILURE(ExpectAgreement(Utf8({a, b})));
    }
  }
  std::mt19937_64 random(8);
  const auto& cps = NastyCodePoints();
  for (int i = 0; i < 60'000; ++i) {
    ASSERT_NO_FATAL_FAILURE(ExpectAgreement(Utf8(
        {cps[random() % cps.size()], cps[random() % cps.size()], cps[random() % cps.size()]})));
  }
}

TEST(Comparison, RandomPlainTextAgreesWithTheDefinition) {
  std::mt19937_64 random(20240613);
  for (int round = 0; round < 10'000; ++round) {
    SCOPED_TRACE(round);
    const std::string canonical = Canonicalize(testing::RandomPlainText(random, 400));
    ASSERT_NO_FATAL_FAILURE(ExpectAgreement(canonical));
    ASSERT_EQ(FormsOfSegments(canonical, Segments(canonical)).stream(), ComparisonForm(canonical));
  }
}

TEST(Comparison, RandomTextAgreesWithTheDefinition) {
  std::mt19937_64 random(20240604);
  for (int round = 0; round < 40'000; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(
        ExpectAgreement(testing::RandomText(random, round % 100 == 0 ? 2000 : 24)));
  }
}

// The form of canonical text is the form of the text: the two pipelines agree on what a text says.
TEST(Comparison, CanonicalTextHasTheFormOfTheText) {
  std::mt19937_64 random(20240605);
  for (int round = 0; round < 20'000; ++round) {
    const std::string form = ComparisonForm(Canonicalize(testing::RandomText(random, 24)));
    ASSERT_EQ(Canonicalize(form), form);
  }
}

TEST(Comparison, SegmentsLieInTheStreamOfTheDocument) {
  std::mt19937_64 random(20240606);
  size_t joined = 0;
  for (int round = 0; round < 30'000; ++round) {
    const std::string canonical = Canonicalize(testing::RandomText(random, 40));
    const std::vector<Segment> segments = Segments(canonical);
    const SegmentForms forms = FormsOfSegments(canonical, segments);
    ASSERT_EQ(forms.stream(), ComparisonForm(canonical)) << Spell(canonical);
    ASSERT_EQ(forms.size(), segments.size());
    ASSERT_EQ(forms.StreamBegin(0), 0u);
    ASSERT_EQ(forms.StreamBegin(forms.size()), forms.stream().size());
    for (size_t i = 0; i < segments.size(); ++i) {
      ASSERT_EQ(forms.Alone(i), ComparisonForm(segments[i].Text(canonical))) << Spell(canonical);
      ASSERT_TRUE(IsValidUtf8(forms.InStream(i))) << Spell(canonical);
      joined += forms.Alone(i) != forms.InStream(i);
    }
  }
  EXPECT_GT(joined, 10u) << "the texts no longer reach the case where segments join";
}

TEST(Comparison, JamoJoinAcrossSegments) {
  const std::string canonical = "나ㄱ\nㅏ\n...\n\u11A8다";
  const SegmentForms forms = FormsOfSegments(canonical, Segments(canonical));
  EXPECT_EQ(forms.stream(), "나각다");
  ASSERT_EQ(forms.size(), 4u);
  EXPECT_EQ(forms.InStream(0), "나각");
  EXPECT_EQ(forms.InStream(1), "");
  EXPECT_EQ(forms.InStream(2), "");
  EXPECT_EQ(forms.InStream(3), "다");
  EXPECT_EQ(Spell(forms.Alone(0)), "U+B098 U+1100 ");
  EXPECT_EQ(Spell(forms.Alone(1)), "U+1161 ");
  EXPECT_EQ(forms.Alone(2), "");
  EXPECT_EQ(Spell(forms.Alone(3)), "U+11A8 U+B2E4 ");
}

TEST(Comparison, HostileTextIsLinear) {
  const size_t size = 2'000'000;
  const std::vector<std::vector<char32_t>> units = {
      {0x301, 0x323}, {'a', 0x301, 0x323}, {0x0B47, 0x0B3E}, {0xFDFA},         {0x314B},
      {0x318D},       {'a', 0x318D},       {0x3131, 0x314F}, {0xAC00, 0x3131}, {'a', 0x200D, 0x301},
      {0x1D400},      {0x100000},          {'x', '\n'},      {0x314F, '\n'}};
  for (const auto& unit : units) {
    std::string text = "e";
    while (text.size() < size) text += Utf8(unit);
    const std::string form = ComparisonForm(text);
    EXPECT_LE(form.size(), 11 * text.size());
    EXPECT_TRUE(ComparisonForm(form) == form) << Spell(Utf8(unit));
    const std::string canonical = Canonicalize(text);
    EXPECT_TRUE(FormsOfSegments(canonical, Segments(canonical)).stream() ==
                ComparisonForm(canonical));
  }
}

}  // namespace
}  // namespace jangbu::ingest
