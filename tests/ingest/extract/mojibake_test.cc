#include "ingest/extract/mojibake.h"

#include <gtest/gtest.h>

#include "ingest/extract/johab.h"
#include "ingest/text/utf8.h"
#include "tests/ingest/extract/samples.h"

namespace jangbu::ingest {
namespace {

using testing::Encode;

const std::string kKorean =
    "우리나라의 말이 중국과 달라 한자와 서로 통하지 아니하므로 어리석은 백성이 말하고자 하는 바 "
    "있어도 "
    "마침내 제 뜻을 능히 펴지 못할 사람이 많다";

// Bytes read by an encoding that was not theirs; what it lacks becomes U+FFFD.
std::string ReadAs(const std::string& bytes, const char* encoding) {
  std::string utf8;
  if (encoding == std::string_view("latin1")) {
    for (const char c : bytes) AppendUtf8(static_cast<unsigned char>(c), utf8);
    return utf8;
  }
  icu::UnicodeString text(bytes.data(), static_cast<int32_t>(bytes.size()), encoding);
  text.toUTF8String(utf8);
  return utf8;
}

TEST(Mojibake, Table) {
  const std::string han =
      "國之語音異乎中國與文字不相流通故愚民有所欲言而終不得伸其情者多矣予爲此憫然新制二十八字";
  struct {
    const char* why;
    std::string text;
    const char* found;  // how it begins; "" for none
  } const cases[] = {
      {"Korean", kKorean, ""},
      {"Han", han, ""},
      {"French",
       "Déjà vu à la façon d'été, où l'élève préféré a gagné éloge après éloge, là-bas çà et là.",
       ""},
      {"UTF-8 as Latin-1", ReadAs(kKorean, "latin1"), "UTF-8 read as Latin-1"},
      {"UTF-8 as windows-1252", ReadAs(kKorean, "windows-1252"), "UTF-8 read as Latin-1"},
      {"CP949 as Latin-1", ReadAs(Encode(kKorean, "windows-949"), "latin1"),
       "CP949 read as Latin-1"},
      {"UTF-8 as CP949", ReadAs(kKorean, "windows-949"), "UTF-8 read as CP949"},
      {"CP949 as UTF-8", ReadAs(Encode(kKorean, "windows-949"), "UTF-8"), "lost letters"},
      {"few letters are not judged", ReadAs("우리", "latin1"), ""},
      {"one lost letter", kKorean + "\uFFFD", ""},
  };
  for (const auto& c : cases) {
    const auto found = FindMojibake(c.text);
    if (*c.found == '\0') {
      EXPECT_EQ(found, std::nullopt) << c.why;
    } else {
      ASSERT_TRUE(found.has_value()) << c.why;
      EXPECT_TRUE(found->starts_with(c.found)) << c.why << ": " << *found;
    }
  }
}

TEST(Mojibake, IsARefusalOfItsRecord) {
  const std::string line = "{\"text\":\"" + ReadAs(kKorean, "latin1") + "\"}\n";
  EXPECT_EQ(testing::ReadFile(line + "{\"text\":\"글\"}\n", "a.jsonl").Lines(),
            (std::vector<std::string>{"1 !mojibake", "2 글"}));
}

TEST(PrivateUse, IsCounted) {
  EXPECT_EQ(CountPrivateUse(kKorean), 0u);
  EXPECT_EQ(CountPrivateUse("\uE000가\uEFFF\uF000나\uF8FF\uF900\uFFFD"), 4u);
}

// By the definition: 1, then five bits each.
std::string Johab(std::string_view utf8) {
  static constexpr int kVowels[] = {3,  4,  5,  6,  7,  10, 11, 12, 13, 14, 15,
                                    18, 19, 20, 21, 22, 23, 26, 27, 28, 29};
  std::string out;
  const char* p = utf8.data();
  while (p < utf8.data() + utf8.size()) {
    const char32_t cp = DecodeUtf8(p);
    if (cp < 0x80) {
      out.push_back(static_cast<char>(cp));
      continue;
    }
    const unsigned s = cp - 0xAC00, final = s % 28;
    const unsigned code = 0x8000u | (s / 588 + 2) << 10 |
                          static_cast<unsigned>(kVowels[s / 28 % 21]) << 5 |
                          (final + (final < 17 ? 1 : 2));
    out.push_back(static_cast<char>(code >> 8));
    out.push_back(static_cast<char>(code & 0xFF));
  }
  return out;
}

TEST(Johab, EverySyllable) {
  std::string all;
  for (char32_t cp = 0xAC00; cp <= 0xD7A3; ++cp) AppendUtf8(cp, all);
  const JohabText text = DecodeJohab(Johab(all));
  EXPECT_EQ(text.bad_at, 2u * 11172);
  EXPECT_EQ(text.utf8, all);
}

TEST(Johab, SymbolsHanJamoAndNonsense) {
  // 伽 is the first Han of KS X 1001, which is where E0 31 points to.
  EXPECT_EQ(DecodeJohab("\xE0\x31").utf8, "伽");
  EXPECT_EQ(DecodeJohab("\x88\x41").utf8, "ㄱ");
  EXPECT_EQ(DecodeJohab("\x84\x61").utf8, "ㅏ");
  EXPECT_EQ(DecodeJohab("a\x84\x31").bad_at, 1u);
  EXPECT_EQ(DecodeJohab("a\x88").bad_at, 1u);
  EXPECT_EQ(DecodeJohab("a\x80\x41").bad_at, 1u);
}

TEST(Johab, IsToldFromCp949) {
  const std::string johab =
      Johab("우리나라의 말이 중국과 달라 한자와 서로 통하지 아니하므로 어리석은 백성이");
  const EncodingGuess guess = DetectEncoding(johab);
  EXPECT_EQ(NameOf(guess.encoding), "johab");
  EXPECT_EQ(NameOf(DetectEncoding(Encode(kKorean, "windows-949")).encoding), "cp949");
}

}  // namespace
}  // namespace jangbu::ingest
