#include "ingest/tokens/split_scanner.h"

#include <gtest/gtest.h>
#include <unicode/uchar.h>

#include <string>
#include <vector>

#include "tests/ingest/tokens/random_text.h"
#include "tests/reference/tokens.h"

namespace jangbu::ingest::tokens {
namespace {

template <SplitShape kShape>
std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> pieces;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const char* const e = NextPiece<kShape>(CharClassTable::Get(), p, end);
    EXPECT_GT(e, p);
    pieces.emplace_back(p, e);
    p = e;
  }
  return pieces;
}

struct Case {
  const char* why;
  const char* text;
  std::vector<std::string> pieces;
};

TEST(SplitScanner, KnownSplitsOfO200k) {
  const Case cases[] = {
      {"a space goes with the word after it", "우리 나라는", {"우리", " 나라는"}},
      {"so does any other character that is no letter, digit or line break", "(가나", {"(가나"}},
      {"but one only", "((가나", {"((", "가나"}},
      {"upper case before lower case is one word", "HTTPServer", {"HTTPServer"}},
      {"lower case before upper case is two", "getName", {"get", "Name"}},
      {"letters without case end before upper case", "가A", {"가", "A"}},
      {"and go on after it", "A가", {"A가"}},
      {"a contraction stays with its word", "it'S 가'll", {"it'S", " 가'll"}},
      {"long s is an s", "it'ſ", {"it'ſ"}},
      {"digits by three", "12345", {"123", "45"}},
      {"a space before digits is alone", "제 12", {"제", " ", "12"}},
      {"the last of several spaces goes with the word", "가   나", {"가", "  ", " 나"}},
      {"spaces at the end stay together", "가   ", {"가", "   "}},
      {"a mark alone is a word",
       "\xCC\x81"
       "A",
       {"\xCC\x81", "A"}},
      {"line breaks after punctuation", "가.\n나", {"가", ".\n", "나"}},
  };
  for (const Case& c : cases) EXPECT_EQ(Split<kO200kShape>(c.text), c.pieces) << c.why;
}

// Code points that ICU does not know are left out: there the scanners follow a later Unicode on
// purpose.
bool KnownToIcu(std::string_view text) {
  for (const char* p = text.data(); p < text.data() + text.size();) {
    const Decoded d = DecodeUtf8(p, text.data() + text.size());
    if (u_charType(static_cast<UChar32>(d.code_point)) == U_UNASSIGNED) return false;
    p = d.end;
  }
  return true;
}

template <SplitShape kShape>
void AgreesWithTheExpression() {
  const std::string_view pattern = PatternOf(kShape);
  ASSERT_FALSE(pattern.empty());
  ASSERT_EQ(*FindShape(pattern), kShape);
  Prng prng(20260101);
  for (int round = 0; round < 6000; ++round) {
    const std::string text = RandomText(prng, 1 + prng.Below(8));
    if (!KnownToIcu(text)) continue;
    ASSERT_EQ(Split<kShape>(text), reference::SplitByPattern(pattern, text))
        << NameOf(kShape) << " round " << round;
  }
  // Every pair of kinds of character, with a third around.
  const char* kinds[] = {"가", "A", "b", "ʰ", "\xCC\x81", "7", " ", "\t",
                         "\n", ".", "'", "/", "s",        "ǅ", "▁"};
  for (const char* a : kinds) {
    for (const char* b : kinds) {
      for (const char* c : kinds) {
        for (const char* d : kinds) {
          const std::string text = std::string(a) + b + c + d;
          ASSERT_EQ(Split<kShape>(text), reference::SplitByPattern(pattern, text))
              << NameOf(kShape) << " " << text;
        }
      }
    }
  }
}

TEST(SplitScanner, AgreesWithTheExpressionGpt2) { AgreesWithTheExpression<kGpt2Shape>(); }
TEST(SplitScanner, AgreesWithTheExpressionCl100k) { AgreesWithTheExpression<kCl100kShape>(); }
TEST(SplitScanner, AgreesWithTheExpressionQwen) { AgreesWithTheExpression<kQwenShape>(); }
TEST(SplitScanner, AgreesWithTheExpressionQwenMarks) { AgreesWithTheExpression<kQwenMarksShape>(); }
TEST(SplitScanner, AgreesWithTheExpressionO200k) { AgreesWithTheExpression<kO200kShape>(); }
TEST(SplitScanner, AgreesWithTheExpressionTekken) { AgreesWithTheExpression<kTekkenShape>(); }

TEST(SplitScanner, AnyBytesAreCutWithoutReadingPastTheEnd) {
  Prng prng(7);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (uint64_t n = prng.Below(24); n > 0; --n) bytes.push_back(static_cast<char>(prng.Next()));
    std::string joined;
    for (const std::string& piece : Split<kO200kShape>(bytes)) joined += piece;
    ASSERT_EQ(joined, bytes);
  }
}

TEST(SplitScanner, UnknownPatternsAreNotGuessed) {
  EXPECT_EQ(FindShape("\\w+|[^\\w\\s]+"), nullptr);
  EXPECT_EQ(FindShape(""), nullptr);
}

}  // namespace
}  // namespace jangbu::ingest::tokens
