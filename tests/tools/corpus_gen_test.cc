#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "ingest/text/canonical.h"
#include "ingest/text/segments.h"
#include "ingest/text/utf8.h"
#include "tools/corpus_gen/corpus_writer.h"
#include "tools/corpus_gen/words.h"

namespace jangbu::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kSeed = 20240817;
constexpr Style kStyles[] = {Style::kNews, Style::kReport, Style::kBook, Style::kPaper,
                             Style::kWide};

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Scratch : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "jangbu-gen-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};
using CorpusGenTest = Scratch;

TEST_F(CorpusGenTest, ParticlesFollowTheFinalConsonant) {
  const NounForms open = WithParticles("정부와회사");
  EXPECT_EQ(open.topic, "정부와회사는");
  EXPECT_EQ(open.direction, "정부와회사로");
  const NounForms closed = WithParticles("정책");
  EXPECT_EQ(closed.topic, "정책은");
  EXPECT_EQ(closed.subject, "정책이");
  EXPECT_EQ(closed.object, "정책을");
  EXPECT_EQ(closed.with, "정책과");
  EXPECT_EQ(closed.direction, "정책으로");
  EXPECT_EQ(WithParticles("서울").direction, "서울로") << "after ㄹ it is 로";
  EXPECT_GT(AllWords().things.size(), 10'000U);
}

TEST_F(CorpusGenTest, ADocumentIsAFunctionOfSeedStyleAndNumber) {
  for (const Style style : kStyles) {
    const TextGenerator a(kSeed, style, "새빛일보");
    const TextGenerator b(kSeed, style, "새빛일보");
    EXPECT_EQ(a.Make(7).text, b.Make(7).text);
    EXPECT_NE(a.Make(7).text, a.Make(8).text);
    EXPECT_NE(a.Make(7).text, TextGenerator(kSeed + 1, style, "새빛일보").Make(7).text);
  }
}

TEST_F(CorpusGenTest, TheTextIsKoreanAndAlreadyNearlyCanonical) {
  for (const Style style : kStyles) {
    const TextGenerator generator(kSeed, style, "새빛일보");
    int64_t words = 0;
    int64_t korean_words = 0;
    std::set<std::string> forms;
    for (uint64_t n = 0; n < 50; ++n) {
      const Document document = generator.Make(n);
      ASSERT_TRUE(ingest::IsValidUtf8(document.text));
      const std::string canonical = ingest::Canonicalize(document.text);
      EXPECT_GT(canonical.size(), 500U);
      for (const ingest::Segment& segment : ingest::Segments(canonical)) {
        words += segment.words;
        korean_words += segment.korean_words;
      }
      forms.insert(canonical);
    }
    EXPECT_EQ(forms.size(), 50U) << "no two documents are alike";
    EXPECT_GT(korean_words * 10, words * 7) << StyleName(style);
  }
}

TEST_F(CorpusGenTest, DuplicatesEditsAndWireStoriesAppearAsPlanned) {
  CorpusPlan plan;
  plan.seed = kSeed;
  plan.exact_share = 200;
  plan.near_share = 100;
  plan.wire_share = 200;
  plan.wire_seed = 5;
  plan.wire_pool = 50;
  CorpusPlan other = plan;
  other.seed = kSeed + 1;
  const CorpusGenerator a(plan);
  const CorpusGenerator b(other);
  std::multiset<std::string> texts;
  std::set<std::string> ids;
  std::set<std::string> of_b;
  Document document;
  int edited = 0;
  for (uint64_t n = 0; n < 1000; ++n) {
    a.Make(n, document);
    texts.insert(document.text);
    ids.insert(document.id);
    edited += document.text.rfind("[고침]", 0) == 0 ? 1 : 0;
    b.Make(n, document);
    of_b.insert(document.text);
  }
  EXPECT_EQ(ids.size(), 1000U) << "every document has an id of its own";
  const std::set<std::string> distinct(texts.begin(), texts.end());
  const auto repeated = static_cast<int>(1000 - distinct.size());
  EXPECT_GT(repeated, 250) << "200 exact, and wire stories that recur";
  EXPECT_GT(edited, 60);
  int shared = 0;
  for (const std::string& text : distinct) shared += of_b.contains(text) ? 1 : 0;
  EXPECT_GT(shared, 30) << "partners hold the same wire stories";
  EXPECT_LT(shared, 80);
}

TEST_F(CorpusGenTest, EncodingsAreTheRealOnes) {
  EXPECT_EQ(*Encode("한글", Encoding::kCp949), "\xC7\xD1\xB1\xDB");
  EXPECT_EQ(*Encode("똠", Encoding::kCp949), "\x8C\x63");
  EXPECT_EQ(*Encode("가", Encoding::kUtf16Le), std::string("\xFF\xFE\x00\xAC", 4));
  EXPECT_EQ(*Encode("가", Encoding::kUtf8Bom), "\xEF\xBB\xBF가");
  EXPECT_FALSE(Encode("😀", Encoding::kCp949).ok());
  // Everything that is generated can be written in CP949.
  for (const Style style : kStyles) {
    const TextGenerator generator(kSeed, style, "새빛일보");
    for (uint64_t n = 0; n < 20; ++n)
      EXPECT_TRUE(Encode(generator.Make(n).text, Encoding::kCp949).ok());
  }
}

TEST_F(CorpusGenTest, FilesAreTheSameBytesEveryTimeInEveryCompression) {
  CorpusPlan plan;
  plan.seed = kSeed;
  const CorpusGenerator corpus(plan);
  const auto plain = WriteJsonl(corpus, 0, 300'000, 40, {folder_ + "/a.jsonl"});
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_GE(plain->text_bytes, 300'000U);
  EXPECT_EQ(plain->bad_records, plain->documents / 40);
  const std::string bytes = Read(folder_ + "/a.jsonl");
  EXPECT_THAT(bytes, StartsWith("{\"id\":\"saebit-0000001\",\"title\":\""));
  EXPECT_EQ(static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n')),
            plain->documents + plain->bad_records);

  ASSERT_TRUE(WriteJsonl(corpus, 0, 300'000, 40, {folder_ + "/a.gz", Compression::kGzip}).ok());
  gzFile file = ::gzopen((folder_ + "/a.gz").c_str(), "rb");
  std::string unpacked(bytes.size() + 1, '\0');
  const int n = ::gzread(file, unpacked.data(), static_cast<unsigned>(unpacked.size()));
  ::gzclose(file);
  ASSERT_EQ(n, static_cast<int>(bytes.size()));
  unpacked.resize(bytes.size());
  EXPECT_TRUE(unpacked == bytes);

  ASSERT_TRUE(WriteJsonl(corpus, 0, 300'000, 40, {folder_ + "/a.zst", Compression::kZstd}).ok());
  EXPECT_THAT(Read(folder_ + "/a.zst"), StartsWith("\x28\xB5\x2F\xFD"));
}

TEST_F(CorpusGenTest, TheDemonstrationHasFourPartners) {
  const auto partners = WriteDemo(folder_, 1, kSeed);
  ASSERT_TRUE(partners.ok()) << partners.status();
  EXPECT_THAT(*partners,
              ::testing::ElementsAre("saebit-ilbo", "daon-books", "hanbyeol-univ", "garam-tech"));
  for (const std::string& partner : *partners)
    EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/" + partner));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/garam-tech/로고.png"));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/daon-books/옛책(완성형)/책_0002.txt"));
}

}  // namespace
}  // namespace jangbu::tools
