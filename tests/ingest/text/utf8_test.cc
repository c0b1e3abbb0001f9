#include "ingest/text/utf8.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/ingest/text/nasty_text.h"

namespace jangbu::ingest {
namespace {

TEST(Utf8, RunsWithThePinnedUnicodeVersion) { EXPECT_EQ(UnicodeVersion(), kUnicodeVersion); }

TEST(Utf8, EveryScalarValueSurvivesEncodingAndDecoding) {
  for (char32_t cp = 0; cp < 0x110000; ++cp) {
    if (cp >= 0xD800 && cp <= 0xDFFF) continue;
    std::string bytes;
    AppendUtf8(cp, bytes);
    ASSERT_TRUE(IsValidUtf8(bytes));
    const char* p = bytes.data();
    ASSERT_EQ(DecodeUtf8(p), cp);
    ASSERT_EQ(p, bytes.data() + bytes.size());
    StepBackUtf8(p);
    ASSERT_EQ(p, bytes.data());
  }
}

struct PrefixCase {
  const char* what;
  std::string bytes;
  size_t valid;
};

TEST(Utf8, NamesTheFirstBadByte) {
  using namespace std::string_literals;
  const PrefixCase cases[] = {
      {"empty", "", 0},
      {"all good", "a가😀\0z"s, 10},
      {"lone continuation", "a\x80"s, 1},
      {"cut in the middle", "\xEA\xB0"s, 0},
      {"cut at the end", "\xEA\xB0\x80\xF0\x9F\x98"s, 3},
      {"overlong two", "\xC0\x80"s, 0},
      {"overlong three", "\xE0\x80\x80"s, 0},
      {"overlong four", "\xF0\x80\x80\x80"s, 0},
      {"surrogate", "\xED\xA0\x80"s, 0},
      {"past U+10FFFF", "\xF4\x90\x80\x80"s, 0},
      {"CP949", "\xB0\xA1"s, 0},
  };
  for (const PrefixCase& c : cases) {
    EXPECT_EQ(ValidUtf8Prefix(c.bytes), c.valid) << c.what;
    EXPECT_EQ(IsValidUtf8(c.bytes), c.valid == c.bytes.size()) << c.what;
  }
}

TEST(Utf8, PrefixAgreesWithValidationOnRandomBytes) {
  std::mt19937_64 random(20240601);
  const unsigned char bytes[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2,
                                 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5};
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (size_t i = random() % 7; i > 0; --i)
      text.push_back(static_cast<char>(bytes[random() % sizeof(bytes)]));
    const size_t valid = ValidUtf8Prefix(text);
    ASSERT_EQ(IsValidUtf8(text), valid == text.size()) << ToHex(text);
    ASSERT_TRUE(IsValidUtf8(text.substr(0, valid))) << ToHex(text);
  }
}

}  // namespace
}  // namespace jangbu::ingest
