#include "ingest/text/hanyang_pua.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

std::string Utf8(char32_t code_point) {
  std::string out;
  AppendUtf8(code_point, out);
  return out;
}

bool Initial(char32_t c) { return (c >= 0x1100 && c <= 0x115F) || (c >= 0xA960 && c <= 0xA97C); }
bool Vowel(char32_t c) { return (c >= 0x1160 && c <= 0x11A7) || (c >= 0xD7B0 && c <= 0xD7C6); }
bool Final(char32_t c) { return (c >= 0x11A8 && c <= 0x11FF) || (c >= 0xD7CB && c <= 0xD7FB); }

std::u32string CodePoints(std::string_view utf8) {
  std::u32string out;
  for (const char* p = utf8.data(); p < utf8.data() + utf8.size();) out.push_back(DecodeUtf8(p));
  return out;
}

TEST(HanyangPua, ThePrefaceOfHunminjeongeum) {
  // As the twenty-first century Sejong corpora write it, and as KS X 1026-1 wants it.
  const HanyangMapped mapped = MapHanyangPua(
      "나랏〮말〯\uEBD4미〮 中\uE35F國귁에〮 달아〮 문\uF258와〮로 서르 \uE97D\uE570디〮 "
      "아니〮\uF53C\uEBE1〮");
  EXPECT_EQ(Canonicalize(mapped.utf8),
            "나랏〮말〯ᄊᆞ미〮 中듀ᇰ國귁에〮 달아〮 문ᄍᆞᆼ와〮로 서르 ᄉᆞᄆᆞᆺ디〮 "
            "아니〮ᄒᆞᆯᄊᆡ〮");
  EXPECT_EQ(mapped.mapped, 7u);
}

TEST(HanyangPua, EachOfTheAreaIsASyllableALetterOrNothing) {
  int syllables = 0, letters = 0, fillers = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string_view jamo = HanyangJamo(c);
    const bool syllable = (c >= 0xE0BC && c <= 0xEFFF) || (c >= 0xF100 && c <= 0xF66E);
    const bool letter = (c >= 0xF784 && c <= 0xF800) || (c >= 0xF806 && c <= 0xF864) ||
                        (c >= 0xF86A && c <= 0xF8F7);
    ASSERT_EQ(jamo.data() != nullptr, syllable || letter) << std::hex << uint32_t{c};
    if (jamo.data() == nullptr) continue;
    const std::u32string is = CodePoints(jamo);
    if (syllable) {
      ASSERT_TRUE(is.size() == 2 || (is.size() == 3 && Final(is[2]))) << std::hex << uint32_t{c};
      ASSERT_TRUE(Initial(is[0]) && Vowel(is[1])) << std::hex << uint32_t{c};
      ++syllables;
    } else if (c == 0xF86A) {
      ASSERT_EQ(is.size(), 0u);
      ++fillers;
    } else {
      ASSERT_EQ(is.size(), 1u) << std::hex << uint32_t{c};
      ASSERT_TRUE(c <= 0xF800   ? Initial(is[0])
                  : c <= 0xF864 ? Vowel(is[0])
                                : Final(is[0]))
          << std::hex << uint32_t{c};
      ++letters;
    }
  }
  EXPECT_EQ(syllables, 5299);
  EXPECT_EQ(letters, 361);
  EXPECT_EQ(fillers, 1);
}

TEST(HanyangPua, LettersMakeSyllablesOnceNormalised) {
  // ㄱ ㅏ ㄴ as Hanyang's letters: 간.
  const HanyangMapped mapped = MapHanyangPua("\uF785\uF807\uF875");
  EXPECT_EQ(Canonicalize(mapped.utf8), "간");
}

TEST(HanyangPua, AgreesWithALookAtEveryCodePoint) {
  std::mt19937 random(20261125);
  for (int round = 0; round < 2000; ++round) {
    std::string text, expected;
    uint64_t count = 0;
    for (int i = random() % 40; i > 0; --i) {
      char32_t c = 0;
      switch (random() % 6) {
        case 0:
          c = random() % 0x80;
          break;
        case 1:
          c = 0xAC00 + random() % 11172;
          break;
        case 2:
          c = 0xE000 + random() % 0x1900;
          break;
        case 3:
          c = 0xF700 + random() % 0x200;
          break;
        case 4:
          c = 0xF900 + random() % 0x6FE;
          break;
        default:
          c = 0xF0000 + random() % 0x1000;
          break;  // private, of another plane
      }
      text += Utf8(c);
      const std::string_view jamo = HanyangJamo(c);
      expected += jamo.data() == nullptr ? Utf8(c) : std::string(jamo);
      count += jamo.data() != nullptr;
    }
    const HanyangMapped mapped = MapHanyangPua(std::string(text));
    ASSERT_EQ(mapped.utf8, expected) << round;
    ASSERT_EQ(mapped.mapped, count) << round;
    ASSERT_LE(mapped.utf8.size(), 3 * text.size());
    ASSERT_TRUE(IsValidUtf8(mapped.utf8));
    ASSERT_EQ(MapHanyangPua(std::string(mapped.utf8)).mapped, 0u) << "twice is once";
  }
}

}  // namespace
}  // namespace jangbu::ingest
