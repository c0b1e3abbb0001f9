#include "ingest/screen/personal_data.h"

#include <gtest/gtest.h>

#include <random>

#include "ingest/screen/number_rules.h"
#include "ingest/text/canonical.h"
#include "ingest/text/segments.h"
#include "ingest/text/utf8.h"
#include "tests/ingest/screen/hard_forms.h"
#include "tests/reference/personal_data_twin.h"

namespace jangbu::ingest {
namespace {

using testing::HardForms;
using testing::Planted;

std::string Shown(std::string_view text, const std::vector<Finding>& findings) {
  std::string out = std::string(text) + " =>";
  for (const Finding& f : findings) {
    out += " " + std::string(NameOf(f.kind)) + " [" +
           std::string(text.substr(f.begin, f.end - f.begin)) + "]";
  }
  return out;
}

// What was found is the value, letter for letter, and nothing of the words around it.
TEST(PersonalData, FindsHardForms) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const Planted& planted : HardForms(seed).All()) {
      const std::string text = Canonicalize(planted.text);
      const std::string value = Canonicalize(planted.value);
      const std::vector<Finding> found = FindPersonalData(text);
      bool whole = false;
      for (const Finding& f : found) {
        whole |= f.kind == planted.kind &&
                 text.substr(f.begin, f.end - f.begin).find(value) != std::string::npos;
      }
      // A joiner at the end of a value belongs to nobody.
      if (!whole && value.ends_with("\u200D")) {
        for (const Finding& f : found)
          whole |= f.kind == planted.kind && f.end + 3 >= text.find(value) + value.size();
      }
      EXPECT_TRUE(whole) << "seed " << seed << ", " << NameOf(planted.kind) << ", " << planted.form
                         << ": " << Shown(text, found);
    }
  }
}

TEST(PersonalData, LeavesOtherNumbersAlone) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const std::string& text : HardForms(seed).Innocent()) {
      const std::vector<Finding> found = FindPersonalData(text);
      EXPECT_TRUE(found.empty()) << "seed " << seed << ", " << Shown(text, found);
    }
  }
}

TEST(PersonalData, FindsManyInOneText) {
  HardForms forms(7);
  std::string text;
  size_t planted = 0;
  for (const Planted& p : forms.All()) {
    text += forms.Prose(12) + "\n" + p.text + "\n";
    ++planted;
  }
  text = Canonicalize(text);
  const std::vector<Finding> found = FindPersonalData(text);
  EXPECT_GE(found.size(), planted);
  for (size_t i = 1; i < found.size(); ++i) EXPECT_LE(found[i - 1].end, found[i].begin);
}

TEST(PersonalData, PlaceholdersKeepClassAndLength) {
  const struct {
    const char* text;
    const char* masked;
  } kRows[] = {
      {"번호는 900101-1234567입니다", "번호는 ******-*******입니다"},
      {"전화 ０１０－２２２２－３３３３", "전화 ***－****－****"},
      {"메일 hong.gildong+1@example.com로", "메일 ****.*******+*@*******.***로"},
      {"여권 M12345678", "여권 *********"},
      {"서울특별시 강남구 테헤란로 152, 3층에서", "○○○○○ ○○○ ○○○○ ***, *○에서"},
      {"공일공 이삼사오 육칠팔구", "○○○ ○○○○ ○○○○"},
      {"아무것도 없다", "아무것도 없다"},
  };
  for (const auto& row : kRows) {
    std::string text = row.text;
    MaskPersonalData(text);
    EXPECT_EQ(text, row.masked);
  }
}

// The laws of the header, on whatever the generator makes of fragments.
std::string Jumble(std::mt19937_64& random) {
  HardForms forms(random());
  const std::vector<Planted> planted = forms.All();
  const std::vector<std::string> innocent = forms.Innocent();
  static constexpr const char* kBits[] = {
      "-",       " ",         ".",   ")",      "(",      "+82",   "0",       "10",     "전화 ",
      "계좌 ",   "\n",        "로 ", "길 ",    "@",      "서울 ", "강남구 ", "번지",   "호",
      "*",       "○",         "x",   "1234",   "\u200D", "―",     "의 ",     "골뱅이", "(at)",
      "뒷자리 ", "주민번호 ", "동 ", "공일공", "ㅡ",     "/"};
  std::string text;
  const size_t parts = 1 + random() % 12;
  for (size_t i = 0; i < parts; ++i) {
    switch (random() % 5) {
      case 0:
        text += planted[random() % planted.size()].text;
        break;
      case 1:
        text += innocent[random() % innocent.size()];
        break;
      case 2:
        text += std::to_string(random() % 100'000'000);
        break;
      default:
        text += kBits[random() % std::size(kBits)];
    }
  }
  return Canonicalize(text);
}

TEST(PersonalData, AgreesWithTheTwinThatTakesNoShortCut) {
  std::mt19937_64 random(20);
  for (int round = 0; round < 1'500; ++round) {
    const std::string text = Jumble(random);
    const std::vector<Finding> fast = FindPersonalData(text);
    const std::vector<Finding> slow = reference::FindPersonalData(text);
    ASSERT_EQ(fast, slow) << "round " << round << "\n"
                          << Shown(text, fast) << "\n"
                          << Shown(text, slow);
  }
}

// `text` with joiners between its letters, and letters, digits and dashes of other widths and
// scripts.
std::string Disguise(std::string_view text, std::mt19937_64& random) {
  static constexpr char32_t kJoiners[] = {0x200D, 0x200C, 0x034F, 0xFE0F, 0x20E3};
  static constexpr char32_t kDashes[] = {0x2013, 0x2212, 0x3161, 0x30FC, 0x1806, 0x2D7, 0xFF0D};
  std::string out;
  const char* p = text.data();
  while (p < text.data() + text.size()) {
    char32_t c = DecodeUtf8(p);
    if (random() % 8 == 0) {
      for (uint64_t n = 1 + (random() % 16 == 0 ? random() % 12 : 0); n > 0; --n)
        AppendUtf8(kJoiners[random() % std::size(kJoiners)], out);
    }
    if (c > U' ' && c < 0x7F && random() % 6 == 0) {
      c += 0xFF01 - 0x21;
    } else if (internal::IsDigit(c) && random() % 6 == 0) {
      const char32_t zeros[] = {0x0660, 0x06F0, 0x1D7CE};
      c = c - U'0' + zeros[random() % std::size(zeros)];
    } else if (c == U'-' && random() % 3 == 0) {
      c = kDashes[random() % std::size(kDashes)];
    }
    AppendUtf8(c, out);
  }
  return Canonicalize(out);
}

TEST(PersonalData, AgreesWithTheTwinHoweverItIsDisguised) {
  // Found by reading the two beside each other.
  static constexpr const char* kTexts[] = {
      "공 일 공 일이삼사 오육칠팔",     "경기도 수원시 영통구 가온빌딩 3층",
      "경기도 수원시 가온빌딩 3-1호",   "여권 M-12345678",
      "메일은 hong(at)example.com으로", "전화 0다시505다시1234다시5678",
      "홍길동 골뱅이 example.com",      "서울 강남구 역삼동 한결아파트 2차빌라 101동 3호",
  };
  std::mt19937_64 random(26);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts(std::begin(kTexts), std::end(kTexts));
    for (const Planted& planted : HardForms(random()).All()) texts.push_back(planted.text);
    for (const std::string& text : texts) {
      const std::string disguised = round == 0 ? Canonicalize(text) : Disguise(text, random);
      const std::vector<Finding> fast = FindPersonalData(disguised);
      const std::vector<Finding> slow = reference::FindPersonalData(disguised);
      ASSERT_EQ(fast, slow) << "round " << round << "\n"
                            << Shown(disguised, fast) << "\n"
                            << Shown(disguised, slow);
    }
  }
}

TEST(PersonalData, NumbersAreWhatTheirDefinitionSays) {
  std::mt19937_64 random(21);
  static constexpr std::initializer_list<size_t> kShapes[] = {{6, 7},    {4, 4, 4, 4}, {3, 4, 4},
                                                              {3, 3, 4}, {2, 3, 4},    {2, 4, 4},
                                                              {4, 4, 4}, {2, 2, 6, 2}, {3, 2, 5}};
  int some = 0;
  for (int round = 0; round < 12'000; ++round) {
    std::string number;
    for (const size_t size : kShapes[random() % std::size(kShapes)]) {
      if (!number.empty()) number += "-";
      for (size_t i = 0; i < size; ++i) number.push_back(static_cast<char>('0' + random() % 10));
    }
    // Half of them begin as they should.
    static constexpr const char* kHeads[] = {"010",  "016", "02-", "031",    "070",
                                             "0504", "11",  "28",  "990131", "000229"};
    if (random() % 2 == 0) {
      const std::string head = kHeads[random() % std::size(kHeads)];
      for (size_t i = 0; i < head.size() && i < number.size(); ++i) {
        if (number[i] != '-' && head[i] != '-') number[i] = head[i];
      }
    }
    const std::vector<Finding> found = FindPersonalData(number);
    const std::optional<PersonalKind> expected = reference::ByDefinition(number);
    const bool is_whole = found.size() == 1 && found[0].begin == 0 && found[0].end == number.size();
    if (expected.has_value()) {
      ++some;
      ASSERT_TRUE(is_whole && found[0].kind == *expected)
          << Shown(number, found) << ", expected " << NameOf(*expected);
    } else {
      ASSERT_TRUE(found.empty()) << Shown(number, found);
    }
  }
  EXPECT_GT(some, 1'000);
}

TEST(PersonalData, MaskingTwiceEqualsOnceAndKeepsTheText) {
  std::mt19937_64 random(22);
  for (int round = 0; round < 4'000; ++round) {
    const std::string text = Jumble(random);
    std::string masked = text;
    const std::vector<PersonalSpan> spans = MaskPersonalData(masked);
    ASSERT_TRUE(FindPersonalData(masked).empty()) << text << "\n" << masked;
    std::string again = masked;
    ASSERT_TRUE(MaskPersonalData(again).empty());
    ASSERT_EQ(again, masked);
    ASSERT_EQ(Canonicalize(masked), masked) << text;
    const TextCounts before = CountText(text);
    const TextCounts after = CountText(masked);
    ASSERT_EQ(before.chars, after.chars);
    ASSERT_EQ(before.words, after.words);
    ASSERT_LE(after.syllables, before.syllables);
    uint64_t end = 0;
    for (const PersonalSpan& s : spans) {
      ASSERT_GE(s.begin, end);
      ASSERT_GT(s.size, 0u);
      end = uint64_t{s.begin} + s.size;
    }
    ASSERT_LE(end, before.chars);
  }
}

TEST(PersonalData, TextMadeToBeReadForEverEnds) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "1 0 1 0-";
  for (int i = 0; i < 2'000; ++i) text += "010-1234-5678-";
  text = Canonicalize(text);
  std::string masked = text;
  MaskPersonalData(masked);
  EXPECT_TRUE(FindPersonalData(masked).empty());
}

TEST(NumberRules, PublishedNumbers) {
  using namespace internal;
  for (const char* number : {"9601211021413", "9710139019902", "0509120000008"})
    EXPECT_TRUE(HasResidentCheck(number));
  for (const char* number : {"1168200276", "1348672683"}) EXPECT_TRUE(HasBusinessCheck(number));
  EXPECT_FALSE(HasResidentCheck("9601211021414"));
  EXPECT_FALSE(HasBusinessCheck("1168200277"));
  EXPECT_TRUE(HasLuhn("4111111111111111"));
  EXPECT_FALSE(HasLuhn("4111111111111112"));
  EXPECT_FALSE(HasLuhn("0000000000000000"));
  EXPECT_EQ(AreaCode("0212345678"), 2u);
  EXPECT_EQ(AreaCode("05041234567"), 4u);
  EXPECT_EQ(AreaCode("0341234567"), 0u);
}

TEST(PersonalData, KindsHaveNames) {
  for (int i = 1; i <= kPersonalKinds; ++i) {
    const auto kind = static_cast<PersonalKind>(i);
    EXPECT_EQ(PersonalKindOf(NameOf(kind)), kind);
  }
  EXPECT_EQ(PersonalKindOf("name"), std::nullopt);
}

}  // namespace
}  // namespace jangbu::ingest
