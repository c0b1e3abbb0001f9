#include "ingest/text/canonical.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

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

TEST(Canonical, Table) {
  using namespace std::string_literals;
  const Case cases[] = {
      {"nothing", "", ""},
      {"plain text stays", "가나 다라.\n\n마바", "가나 다라.\n\n마바"},
      {"all kinds of line break", "a\r\nb\rc\vd\fe\u0085f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh"},
      {"LF CR are two breaks", "a\n\rb", "a\n\nb"},
      {"a removed character parts CR from LF", "a\r\u200B\nb", "a\n\nb"},
      {"tab, separators and Zs are spaces",
       "a\tb\x1C\x1D\x1E\x1F"
       "c\u00A0d\u3000e\u2003f",
       "a b c d e f"},
      {"runs of spaces, trimmed lines", "  a   b  \n  c ", "a b\nc"},
      {"empty lines", "\n\n a\n \n\t\n\nb\n\n", "a\n\nb"},
      {"white space alone", " \n\t\u3000\r\n", ""},
      {"controls are removed",
       "a\0b\x07"
       "c\x7F"
       "d\u009Fe"s,
       "abcde"},
      {"invisible characters are removed",
       "a\u00ADb\u180Ec\u200Bd\u200Ee\u200Ff\u202Ag\u202Eh\u2060i\u2066j\u2069k\uFEFFl",
       "abcdefghijkl"},
      {"joiners stay", "a\u200Cb\u200Dc", "a\u200Cb\u200Dc"},
      {"a word of soft hyphens is none", "a \u00AD\u00AD b", "a b"},
      {"NFD syllables are joined", "\u1112\u1161\u11AB\u1100\u1173\u11AF", "한글"},
      {"a final joins a syllable", "\uAC00\u11A8", "각"},
      {"a final joins no syllable that has one", "\uAC01\u11A8", "\uAC01\u11A8"},
      {"old jamo stay", "\u1112\u119E\u11AB", "\u1112\u119E\u11AB"},
      {"removal may bring jamo together", "\u1112\u200B\u1161\u00AD\u11AB", "한"},
      {"joiners keep jamo apart", "\u1112\u200D\u1161", "\u1112\u200D\u1161"},
      {"a space keeps jamo apart", "\u1112 \u1161", "\u1112 \u1161"},
      {"a mark keeps jamo apart", "\u1112\u0301\u1161", "\u1112\u0301\u1161"},
      {"compatibility jamo stay", "ㅋㅋ ㅏ", "ㅋㅋ ㅏ"},
      {"marks compose", "cafe\u0301 \u0041\u030A", "caf\u00E9 \u00C5"},
      {"marks are ordered", "a\u0301\u0323", "\u1EA1\u0301"},
      {"removal may bring a mark to its letter", "e\u200B\u0301", "\u00E9"},
      {"compatibility Han becomes unified", "\uF914", "\u6A02"},
      {"a mark after a space stays alone", "a \u0301", "a \u0301"},
      {"a mark at the start stays", "\u0301a", "\u0301a"},
      {"emoji sequences stay", "👨\u200D👩\u200D👧 🇰🇷", "👨\u200D👩\u200D👧 🇰🇷"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Spell(Canonicalize(c.in)), Spell(c.out)) << c.why;
    EXPECT_EQ(Spell(reference::Canonicalize(c.in)), Spell(c.out)) << "the twin: " << c.why;
  }
}

void ExpectAgreement(const std::string& text) {
  const std::string canonical = Canonicalize(text);
  ASSERT_EQ(canonical, reference::Canonicalize(text))
      << Spell(text) << "\ngives " << Spell(canonical) << "\nnot   "
      << Spell(reference::Canonicalize(text));
  ASSERT_EQ(Canonicalize(canonical), canonical) << "twice is not once: " << Spell(text);
  ASSERT_TRUE(IsValidUtf8(canonical));
}

// Every code point alone, and between neighbours that it may join, keep apart or leave.
TEST(Canonical, EveryCodePointAgreesWithTheDefinition) {
  std::string block;
  testing::ForEachCodePoint([&](char32_t cp) {
    if (HasFatalFailure()) return;
    ExpectAgreement(Utf8({cp}));
    const std::string contexts =
        Utf8({cp, '\n',   'a',  cp,     0x301, cp,     '\n',   0x1100, cp,     0x1161,
              cp, 0x11A8, '\n', 0xAC00, cp,    0x11A8, '\n',   ' ',    cp,     ' ',
              cp, '\n',   cp,   0x323,  0x301, '\n',   0x304B, cp,     0x3099, '\n'});
    block += contexts;
    if (block.size() > 4096) {
      ExpectAgreement(block);
      block.clear();
    }
  });
  ExpectAgreement(block);
}

TEST(Canonical, PairsAndTriplesOfNastyCodePointsAgreeWithTheDefinition) {
  for (const char32_t a : NastyCodePoints()) {
    for (const char32_t b : NastyCodePoints()) {
      ASSERT_NO_FATAL_FAILURE(ExpectAgreement(Utf8({a, b})));
    }
  }
  std::mt19937_64 random(7);
  const auto& cps = NastyCodePoints();
  for (int i = 0; i < 60'000; ++i) {
    ASSERT_NO_FATAL_FAILURE(ExpectAgreement(Utf8(
        {cps[random() % cps.size()], cps[random() % cps.size()], cps[random() % cps.size()]})));
  }
}

TEST(Canonical, RandomPlainTextAgreesWithTheDefinition) {
  std::mt19937_64 random(20240612);
  for (int round = 0; round < 10'000; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(ExpectAgreement(testing::RandomPlainText(random, 400)));
  }
}

TEST(Canonical, RandomTextAgreesWithTheDefinition) {
  std::mt19937_64 random(20240602);
  for (int round = 0; round < 40'000; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(
        ExpectAgreement(testing::RandomText(random, round % 100 == 0 ? 2000 : 24)));
  }
}

TEST(Canonical, HasNoWhiteSpaceButSpaceAndLineFeedAndNoneAtItsEnds) {
  std::mt19937_64 random(20240603);
  for (int round = 0; round < 5'000; ++round) {
    const std::string text = testing::RandomText(random, 40);
    const std::string canonical = Canonicalize(text);
    if (canonical.empty()) continue;
    for (const auto& cp : reference::ToCodePoints(reference::FromUtf8(canonical))) {
      ASSERT_TRUE(!u_isUWhiteSpace(cp) || cp == ' ' || cp == '\n') << Spell(text);
    }
    for (const char c : {canonical.front(), canonical.back()})
      ASSERT_TRUE(c != ' ' && c != '\n') << Spell(text);
    for (const char* never : {"  ", " \n", "\n ", "\n\n\n"}) {
      ASSERT_EQ(canonical.find(never), std::string::npos) << Spell(text);
    }
  }
}

// Would take hours by a routine that walks back over all marks at each one out of order. Watched by
// the test's limit.
TEST(Canonical, HostileTextIsLinear) {
  const size_t size = 2'000'000;
  struct Hostile {
    const char* what;
    std::vector<char32_t> unit;
  };
  const Hostile hostile[] = {
      {"marks out of order", {0x301, 0x323}},
      {"marks that compose, out of order", {'a', 0x301, 0x323, 0x300}},
      {"starters that join backwards", {0x0B47, 0x0B3E}},
      {"one starter that joins backwards", {0x0B3E}},
      {"jamo", {0x1100, 0x1161, 0x11A8}},
      {"vowels alone", {0x1161}},
      {"removed between jamo", {0x1100, 0x200B}},
      {"spaces", {' '}},
      {"breaks", {'\r'}},
      {"letters and breaks", {'a', '\n'}},
      {"decompositions", {0x1D160}},
  };
  for (const Hostile& h : hostile) {
    std::string text = "e";
    const std::string unit = Utf8(h.unit);
    while (text.size() < size) text += unit;
    const std::string canonical = Canonicalize(text);
    EXPECT_LE(canonical.size(), 3 * text.size()) << h.what;
    EXPECT_TRUE(Canonicalize(canonical) == canonical) << h.what;
  }
}

}  // namespace
}  // namespace jangbu::ingest
