#include "ingest/extract/encoding.h"

#include <gtest/gtest.h>

#include <random>

#include "ingest/extract/cp949.h"
#include "ingest/text/utf8.h"
#include "tests/ingest/extract/samples.h"

namespace jangbu::ingest {
namespace {

using testing::Encode;
using namespace std::string_literals;

const std::string kKorean =
    "우리나라의 말이 중국과 달라 한자와 서로 통하지 아니하므로, 어리석은 백성이 말하고자 하는 바 "
    "있어도 "
    "마침내 제 뜻을 능히 펴지 못할 사람이 많다.\r\n내 이를 위하여 가엾이 여겨 새로 스물여덟 글자를 "
    "만드니.\n";

TEST(Cp949, EveryPairAgreesWithTheLibrary) {
  UErrorCode error = U_ZERO_ERROR;
  UConverter* converter = ucnv_open("windows-949", &error);
  ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  ASSERT_TRUE(U_SUCCESS(error));
  size_t good = 0, hangul = 0, common = 0;
  for (int lead = 0x80; lead <= 0xFF; ++lead) {
    for (int trail = 0; trail <= 0xFF; ++trail) {
      const std::string pair{static_cast<char>(lead), static_cast<char>(trail)};
      UChar units[4];
      error = U_ZERO_ERROR;
      ucnv_reset(converter);
      const int32_t size = ucnv_toUChars(converter, units, 4, pair.data(), 2, &error);
      const Cp949Text mine = DecodeCp949(pair);
      if (U_FAILURE(error) || size != 1) {
        EXPECT_LT(mine.bad_at, 2u) << ToHex(pair);
        continue;
      }
      ++good;
      std::string expected;
      AppendUtf8(units[0], expected);
      EXPECT_EQ(mine.bad_at, 2u) << ToHex(pair);
      EXPECT_EQ(mine.utf8, expected) << ToHex(pair);
      const Cp949Tally tally = TallyCp949(pair);
      hangul += tally.common_hangul + tally.other_hangul;
      common += tally.common_hangul;
      EXPECT_EQ(tally.common_hangul + tally.other_hangul + tally.han + tally.other, 1u);
    }
  }
  ucnv_close(converter);
  EXPECT_EQ(good, 17236u);
  EXPECT_EQ(hangul, 11172u) << "CP949 holds every syllable";
  EXPECT_EQ(common, 2350u) << "KS X 1001 holds 2,350";
}

TEST(Cp949, WhatTheStrictEucKrConverterDestroys) {
  EXPECT_EQ(DecodeCp949("\x8C\x63\xC1\xB6").utf8, "똠조");
  EXPECT_EQ(DecodeCp949(Encode("똠방각하 펲시맨 뷁 쓩 햏", "windows-949")).utf8,
            "똠방각하 펲시맨 뷁 쓩 햏");
  EXPECT_EQ(DecodeCp949("a\\b~").utf8, "a\\b~") << "a backslash is no won sign";
}

TEST(Cp949, BadBytesAreNamed) {
  struct {
    std::string bytes;
    size_t bad_at;
  } const cases[] = {
      {"", 0},         {"ab", 2},           {"ab\x80", 2},   {"\xB0\xA1\xFF", 2},
      {"\xB0", 0},     {"\xB0\xA1\xB0", 2}, {"\xB0\x20", 0}, {"\xB0\x5B", 0},
      {"\xB0\x7F", 0}, {"\xC8\x41", 0},     {"\xB0\xFF", 0},
  };
  for (const auto& c : cases) EXPECT_EQ(DecodeCp949(c.bytes).bad_at, c.bad_at) << ToHex(c.bytes);
}

TEST(Cp949, SyllablesSpelledInEightBytesAreComposed) {
  const std::string filler = "\xA4\xD4";
  const auto spell = [&](const std::string& initial, const std::string& vowel,
                         const std::string& final) {
    return filler + Encode(initial, "windows-949") + Encode(vowel, "windows-949") +
           (final.empty() ? filler : Encode(final, "windows-949"));
  };
  struct {
    const char* why;
    std::string bytes;
    std::string text;
  } const cases[] = {
      {"with a final", spell("ㄸ", "ㅗ", "ㅁ"), "똠"},
      {"without one", spell("ㅃ", "ㅔ", ""), "뻬"},
      {"with a cluster", spell("ㅂ", "ㅞ", "ㄺ"), "뷁"},
      {"first of all", spell("ㄱ", "ㅏ", ""), "가"},
      {"last of all", spell("ㅎ", "ㅣ", "ㅎ"), "힣"},
      {"among others", "a" + spell("ㅍ", "ㅔ", "ㅍ") + Encode("시", "windows-949"), "a펲시"},
      {"two in a row", spell("ㄸ", "ㅗ", "ㅁ") + spell("ㅍ", "ㅔ", "ㅍ"), "똠펲"},
      {"a cluster is no initial", spell("ㄳ", "ㅏ", ""), "\u3164ㄳㅏ\u3164"},
      {"ㄸ is no final", spell("ㄱ", "ㅏ", "ㄸ"), "\u3164ㄱㅏㄸ"},
      {"no vowel", filler + Encode("ㄱㄴㄷ", "windows-949"), "\u3164ㄱㄴㄷ"},
      {"cut short", filler + Encode("ㄱㅏ", "windows-949"), "\u3164ㄱㅏ"},
      {"a filler alone", filler, "\u3164"},
  };
  for (const auto& c : cases) EXPECT_EQ(DecodeCp949(c.bytes).utf8, c.text) << c.why;
}

TEST(Encoding, Detection) {
  struct {
    const char* why;
    std::string bytes;
    Encoding encoding;
    int confidence_min;
  } const cases[] = {
      {"UTF-8 with a mark", testing::kUtf8Mark + kKorean, Encoding::kUtf8, 100},
      {"UTF-8", kKorean, Encoding::kUtf8, 100},
      {"two syllables of UTF-8", "가나", Encoding::kUtf8, 90},
      {"ASCII", "plain text\n", Encoding::kUtf8, 90},
      {"UTF-16 with a mark", testing::kUtf16LeMark + Encode(kKorean, "UTF-16LE"),
       Encoding::kUtf16Le, 100},
      {"the other UTF-16 with a mark", testing::kUtf16BeMark + Encode(kKorean, "UTF-16BE"),
       Encoding::kUtf16Be, 100},
      {"UTF-16LE", Encode(kKorean, "UTF-16LE"), Encoding::kUtf16Le, 90},
      {"UTF-16BE", Encode(kKorean, "UTF-16BE"), Encoding::kUtf16Be, 90},
      {"English in UTF-16LE", Encode("Some English text\n", "UTF-16LE"), Encoding::kUtf16Le, 90},
      {"CP949", Encode(kKorean, "windows-949"), Encoding::kCp949, 90},
      {"one word of CP949", Encode("안녕", "windows-949"), Encoding::kCp949, 50},
      {"CP949 with Han", Encode("大韓民國 임시정부의 法統과 不義에 抗拒한 民主理念", "windows-949"),
       Encoding::kCp949, 60},
      {"damaged UTF-8 is still UTF-8", kKorean + "\xEA\xB0" + kKorean, Encoding::kUtf8, 80},
      {"damaged CP949 is still CP949",
       Encode(kKorean + kKorean, "windows-949") + "\xFF" + Encode(kKorean, "windows-949"),
       Encoding::kCp949, 50},
      {"UTF-32", "\xFF\xFE\0\0\x00\xAC\0\0"s, Encoding::kUnknown, 0},
      {"Latin-1",
       "D\xE9j\xE0 vu \xE0 la fa\xE7on \xE9tudi\xE9"
       "e",
       Encoding::kUnknown, 0},
      {"Shift JIS", Encode("これは日本語の文章です。とても長い文章です。", "Shift_JIS"),
       Encoding::kUnknown, 0},
      {"EUC-JP", Encode("これは日本語の文章です。とても長い文章です。", "EUC-JP"),
       Encoding::kUnknown, 0},
      {"nothing", "", Encoding::kUtf8, 0},
  };
  for (const auto& c : cases) {
    const EncodingGuess guess = DetectEncoding(c.bytes);
    EXPECT_EQ(NameOf(guess.encoding), NameOf(c.encoding)) << c.why;
    EXPECT_GE(guess.confidence, c.confidence_min) << c.why;
    EXPECT_LE(guess.confidence, 100) << c.why;
  }
}

TEST(Encoding, LinesDecideByMajority) {
  const std::string utf8 = "{\"text\":\"우리나라의 말이 중국과 달라\"}\n";
  const std::string cp949 = Encode(utf8, "windows-949");
  const std::string ascii = "{\"text\":\"\\uac00\"}\n";
  struct {
    const char* why;
    std::string head;
    Encoding encoding;
  } const cases[] = {
      {"UTF-8", utf8 + utf8, Encoding::kUtf8},
      {"one line in CP949", utf8 + utf8 + cp949, Encoding::kUtf8},
      {"CP949", cp949 + ascii + cp949, Encoding::kCp949},
      {"one line in UTF-8", cp949 + utf8 + cp949 + cp949, Encoding::kCp949},
      {"ASCII", ascii, Encoding::kUtf8},
      {"damaged UTF-8 alone", utf8.substr(0, 40) + "\xEA" + utf8.substr(40), Encoding::kUtf8},
      {"UTF-16", Encode(utf8 + utf8, "UTF-16LE"), Encoding::kUtf16Le},
      {"bytes of nothing", "{\"text\":\"\xFF\xFE\x80\x81\xFF\"}\n", Encoding::kUtf8},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(NameOf(DetectLineEncoding(c.head, true).encoding), NameOf(c.encoding)) << c.why;
    EXPECT_EQ(NameOf(DetectLineEncoding(c.head + "\xEA", false).encoding), NameOf(c.encoding))
        << c.why << ", cut";
  }
}

TEST(Encoding, DecodingIsStrict) {
  struct {
    const char* why;
    Encoding encoding;
    std::string bytes;
    std::string outcome;  // the text, or "!" and the reason and detail
  } const cases[] = {
      {"UTF-8", Encoding::kUtf8, "가나", "가나"},
      {"its mark goes", Encoding::kUtf8, "\xEF\xBB\xBF가\xEF\xBB\xBF", "가\uFEFF"},
      {"UTF-8 cut", Encoding::kUtf8, "가\xEB", "!invalid_utf8 invalid UTF-8 at byte 3"},
      {"UTF-8 surrogate", Encoding::kUtf8, "\xED\xA0\x80", "!invalid_utf8 invalid UTF-8 at byte 0"},
      {"UTF-16LE", Encoding::kUtf16Le, "\x00\xAC\x3D\xD8\x00\xDE"s, "가😀"},
      {"UTF-16BE with a mark", Encoding::kUtf16Be, "\xFE\xFF\xAC\x00"s, "가"},
      {"half a unit", Encoding::kUtf16Le, "\x00\xAC\x00"s,
       "!bad_encoding half a UTF-16 unit at byte 2"},
      {"high surrogate at the end", Encoding::kUtf16Le, "\x3D\xD8",
       "!bad_encoding unpaired UTF-16 surrogate at byte 0"},
      {"high surrogate, then a letter", Encoding::kUtf16Le, "\x3D\xD8\x41\x00"s,
       "!bad_encoding unpaired UTF-16 surrogate at byte 0"},
      {"low surrogate first", Encoding::kUtf16Be, "\xAC\x00\xDE\x00"s,
       "!bad_encoding unpaired UTF-16 surrogate at byte 2"},
      {"CP949", Encoding::kCp949, "\xB0\xA1", "가"},
      {"CP949 cut", Encoding::kCp949, "\xB0\xA1\xB0", "!bad_encoding no CP949 character at byte 2"},
  };
  for (const auto& c : cases) {
    const Decoded decoded = DecodeText(c.encoding, std::string(c.bytes));
    const std::string outcome =
        decoded.rejection
            ? "!" + std::string(CodeOf(decoded.rejection->reason)) + " " + decoded.rejection->detail
            : decoded.utf8;
    EXPECT_EQ(outcome, c.outcome) << c.why;
  }
}

TEST(Encoding, RandomTextSurvivesEachEncoding) {
  std::mt19937_64 random(20240609);
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (uint64_t i = random() % 200; i > 0; --i) {
      AppendUtf8(random() % 4 == 0 ? U' ' : static_cast<char32_t>(0xAC00 + random() % 11172), text);
    }
    EXPECT_EQ(DecodeText(Encoding::kUtf16Le, Encode(text, "UTF-16LE")).utf8, text);
    EXPECT_EQ(DecodeText(Encoding::kUtf16Be, Encode(text, "UTF-16BE")).utf8, text);
    EXPECT_EQ(DecodeText(Encoding::kCp949, Encode(text, "windows-949")).utf8, text);
  }
}

TEST(Encoding, HostileBytesAreLinear) {
  for (const std::string& unit : std::vector<std::string>{"\xFF", "\x81", "\xEA\xB0", "\xA4\xD4",
                                                          "\xB0\xA1\x80", "\0\x01"s}) {
    std::string bytes;
    while (bytes.size() < 8'000'000) bytes += unit;
    DetectEncoding(bytes);
    DetectLineEncoding(bytes, true);
  }
}

}  // namespace
}  // namespace jangbu::ingest
