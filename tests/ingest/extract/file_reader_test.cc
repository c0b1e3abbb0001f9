#include "ingest/extract/file_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/ingest/extract/samples.h"

namespace jangbu::ingest {
namespace {

using ::testing::ElementsAre;
using testing::Encode;
using testing::FileOutcome;
using testing::Gzip;
using ::testing::IsEmpty;
using testing::ReadFile;
using testing::Zstd;
using namespace std::string_literals;

std::string Line(std::string_view text) { return "{\"text\":\"" + std::string(text) + "\"}\n"; }

std::string Cut(std::string bytes, size_t from_end) {
  bytes.resize(bytes.size() - from_end);
  return bytes;
}

struct Case {
  const char* why;
  std::string bytes;
  const char* name;
  std::vector<std::string> outcome;
};

std::vector<Case> Cases() {
  const std::string two = Line("가") + Line("나");
  const std::string korean = "우리나라의 말이 중국과 달라\r\n한자와 서로 통하지 아니하므로\r\n";
  return {
      {"two lines", two, "a.jsonl", {"1 가", "2 나"}},
      {"no line break at the end", two.substr(0, two.size() - 1), "a.jsonl", {"1 가", "2 나"}},
      {"blank lines are counted, not given",
       "\n" + Line("가") + " \t\r\n\n" + Line("나") + "\n",
       "a.jsonl",
       {"2 가", "5 나"}},
      {"CRLF", "{\"text\":\"가\"}\r\n\r\n{\"text\":\"나\"}\r\n", "a.jsonl", {"1 가", "3 나"}},
      {"a mark", testing::kUtf8Mark + two, "a.jsonl", {"1 가", "2 나"}},
      {"a mark on every line",
       testing::kUtf8Mark + Line("가") + testing::kUtf8Mark + Line("나"),
       "a.jsonl",
       {"1 가", "2 나"}},
      {"bad lines do not stop the file",
       Line("가") + "{\"text\":\n" + "[1]\n" + "{\"text\":\"\xEA\xB0\"}\n" + "{\"id\":1}\n" +
           "{\"text\":\" \\n\\u3000\"}\n" + Line("나"),
       "a.jsonl",
       {"1 가", "2 !invalid_json", "3 !not_an_object", "4 !invalid_utf8", "5 !no_text",
        "6 !no_text", "7 나"}},
      {"UTF-16 lines",
       testing::kUtf16LeMark + Encode(two + "\r\n" + two, "UTF-16LE"),
       "a.jsonl",
       {"1 가", "2 나", "4 가", "5 나"}},
      {"UTF-16BE lines, unmarked",
       Encode(two + "\n" + two, "UTF-16BE"),
       "a.jsonl",
       {"1 가", "2 나", "4 가", "5 나"}},
      {"U+0A0A and U+0A00 are no line breaks",
       testing::kUtf16LeMark + Encode(Line("\u0A0A\u0A00") + two, "UTF-16LE"),
       "a.jsonl",
       {"1 \u0A0A\u0A00", "2 가", "3 나"}},
      {"the same in the other order",
       testing::kUtf16BeMark + Encode(Line("\u0A0A\u0A00") + two, "UTF-16BE"),
       "a.jsonl",
       {"1 \u0A0A\u0A00", "2 가", "3 나"}},
      {"half a unit at the end",
       testing::kUtf16LeMark + Encode(two, "UTF-16LE") + "x",
       "a.jsonl",
       {"1 가", "2 나", "3 !bad_encoding"}},
      {"an unpaired surrogate in one line",
       testing::kUtf16LeMark + Encode("{\"text\":\"", "UTF-16LE") + "\x00\xD8"s +
           Encode("\"}\n" + two, "UTF-16LE"),
       "a.jsonl",
       {"1 !bad_encoding", "2 가", "3 나"}},
      {"CP949 lines",
       Encode(Line("똠방각하 우리나라") + Line("펲시맨 말이"), "windows-949"),
       "a.jsonl",
       {"1 똠방각하 우리나라", "2 펲시맨 말이"}},
      {"CP949 with a bad line",
       Encode(Line("우리나라의 말이 중국과 달라 한자와 서로 통하지 아니하므로"), "windows-949") +
           "{\"text\":\"\xB0\xFF\"}\n" +
           Encode(Line("어리석은 백성이 말하고자 하는 바 있어도 마침내 제 뜻을 능히 펴지 못할 "
                       "사람이 많다 내 이를 위하여 "
                       "가엾이 여겨 새로 스물여덟 글자를 만드니 사람마다 하여금 쉽게 익혀 날마다 "
                       "쓰는 데 편하게 하고자 "
                       "할 따름이니라"),
                  "windows-949"),
       "a.jsonl",
       {"1 우리나라의 말이 중국과 달라 한자와 서로 통하지 아니하므로", "2 !bad_encoding",
        "3 어리석은 백성이 말하고자 하는 바 있어도 마침내 제 뜻을 능히 펴지 못할 사람이 많다 내 "
        "이를 위하여 가엾이 여겨 새로 "
        "스물여덟 글자를 만드니 사람마다 하여금 쉽게 익혀 날마다 쓰는 데 편하게 하고자 할 "
        "따름이니라"}},
      {"plain text is one document", korean, "a.txt", {"1 " + korean}},
      {"its mark goes", testing::kUtf8Mark + korean, "a.txt", {"1 " + korean}},
      {"plain text in CP949", Encode(korean, "windows-949"), "a.txt", {"1 " + korean}},
      {"plain text in UTF-16",
       testing::kUtf16LeMark + Encode(korean, "UTF-16LE"),
       "a.txt",
       {"1 " + korean}},
      {"plain text in UTF-16 with half a unit",
       testing::kUtf16LeMark + Encode(korean, "UTF-16LE") + "x",
       "a.txt",
       {"1 !bad_encoding"}},
      {"damaged plain text", korean + "\xEA\xB0", "a.txt", {"1 !invalid_utf8"}},
      {"no encoding anybody knows",
       "D\xE9j\xE0 vu \xE0 la fa\xE7on",
       "a.txt",
       {"0 !unknown_encoding"}},
      {"white space alone", " \r\n\u3000\u200B\n", "a.txt", {"1 !no_text"}},
      {"a mark alone", testing::kUtf8Mark, "a.txt", {"1 !no_text"}},
      {"nothing", "", "a.txt", {"0 !no_text"}},
      {"nothing in JSON Lines", "", "a.jsonl", {"0 !no_text"}},
      {"blank JSON Lines hold no record", "\n\n \n", "a.jsonl", {}},
      {"PDF", "%PDF-1.7\n1 0 obj", "a.pdf", {"0 !unsupported_format"}},
      {"zip", "PK\x03\x04 broken", "a.hwpx", {"0 !unsupported_format"}},
      {"gz", Gzip(two), "a.jsonl.gz", {"1 가", "2 나"}},
      {"gz by content", Gzip(two), "a.jsonl", {"1 가", "2 나"}},
      {"gz by name only", two, "a.jsonl.gz", {"1 가", "2 나"}},
      {"gz of plain text", Gzip(korean), "a.txt.gz", {"1 " + korean}},
      {"gz of two members", Gzip(Line("가")) + Gzip(Line("나")), "a.jsonl.gz", {"1 가", "2 나"}},
      {"a record across members",
       Gzip(two.substr(0, 20)) + Gzip(two.substr(20)),
       "a.jsonl.gz",
       {"1 가", "2 나"}},
      {"gz of nothing", Gzip(""), "a.jsonl.gz", {"0 !no_text"}},
      {"gz padded with zeros", Gzip(two) + std::string(100, '\0'), "a.jsonl.gz", {"1 가", "2 나"}},
      {"gz with rubbish after it",
       Gzip(two) + "rubbish",
       "a.jsonl.gz",
       {"1 가", "2 나", "0 !bad_compression"}},
      {"gz without its last byte",
       Cut(Gzip(two), 1),
       "a.jsonl.gz",
       {"1 가", "2 나", "0 !bad_compression"}},
      {"gz cut in the header", Gzip(two).substr(0, 8), "a.jsonl.gz", {"0 !bad_compression"}},
      {"gz with a wrong checksum",
       Cut(Gzip(two), 8) + "\1\2\3\4" + Gzip(two).substr(Gzip(two).size() - 4),
       "a.jsonl.gz",
       {"1 가", "2 나", "0 !bad_compression"}},
      {"cut plain text is no document", Cut(Gzip(korean), 9), "a.txt.gz", {"0 !bad_compression"}},
      {"zst", Zstd(two), "a.jsonl.zst", {"1 가", "2 나"}},
      {"zst of two frames", Zstd(Line("가")) + Zstd(Line("나")), "a.jsonl.zst", {"1 가", "2 나"}},
      {"zst with a skippable frame before it",
       "\x50\x2A\x4D\x18\x03\0\0\0abc"s + Zstd(two),
       "a.jsonl.zst",
       {"1 가", "2 나"}},
      {"zst of nothing", Zstd(""), "a.jsonl.zst", {"0 !no_text"}},
      {"zst without its checksum",
       Cut(Zstd(two), 4),
       "a.jsonl.zst",
       {"1 가", "2 나", "0 !bad_compression"}},
      {"zst cut short", Cut(Zstd(two), 9), "a.jsonl.zst", {"0 !bad_compression"}},
      {"second frame cut",
       Zstd(two) + Cut(Zstd(two), 9),
       "a.jsonl.zst",
       {"1 가", "2 나", "0 !bad_compression"}},
      {"zst with rubbish after it",
       Zstd(two) + "rubbish",
       "a.jsonl.zst",
       {"1 가", "2 나", "0 !bad_compression"}},
      {"the bare magic of zst", "\x28\xB5\x2F\xFD", "a.jsonl.zst", {"0 !bad_compression"}},
      {"a zst window too large", Zstd(two, 30), "a.jsonl.zst", {"0 !compression_limit"}},
      {"gz in gz", Gzip(Gzip(two)), "a.jsonl.gz.gz", {"0 !nested_compression"}},
      {"zst in gz", Gzip(Zstd(two)), "a.jsonl.zst.gz", {"0 !nested_compression"}},
      {"gz of a PDF", Gzip("%PDF-1.7"), "a.pdf.gz", {"0 !unsupported_format"}},
  };
}

TEST(FileReader, Table) {
  for (const Case& c : Cases()) EXPECT_EQ(ReadFile(c.bytes, c.name).Lines(), c.outcome) << c.why;
}

// Details too: offsets must not depend on how the bytes arrive.
TEST(FileReader, TheOutcomeDoesNotDependOnChunks) {
  for (const Case& c : Cases()) {
    const FileOutcome whole = ReadFile(c.bytes, c.name);
    for (const size_t chunk : {1, 2, 3, 7, 64}) {
      EXPECT_EQ(ReadFile(c.bytes, c.name, {}, chunk).records, whole.records)
          << c.why << ", by " << chunk;
    }
  }
}

TEST(FileReader, Facts) {
  const std::string two = Line("가나다라") + Line("마바사아");
  struct {
    std::string bytes;
    const char* name;
    const char* facts;
  } const cases[] = {
      {two, "a.jsonl", "jsonl none utf-8 100"},
      {Gzip(two), "a.jsonl.gz", "jsonl gz utf-8 100"},
      {Zstd(testing::kUtf16LeMark + Encode(two, "UTF-16LE")), "a.jsonl.zst",
       "jsonl zst utf-16le 100"},
      {Encode("우리나라의 말이 중국과 달라", "windows-949"), "a.txt", "text none cp949 99"},
      {"ascii", "a.txt", "text none utf-8 90"},
      {"%PDF-", "a.pdf", "pdf none unknown 0"},
  };
  for (const auto& c : cases) {
    const FileFacts f = ReadFile(c.bytes, c.name).facts;
    EXPECT_EQ(std::string(NameOf(f.format)) + " " + std::string(NameOf(f.compression)) + " " +
                  std::string(NameOf(f.encoding)) + " " + std::to_string(f.confidence),
              c.facts);
  }
}

// Every way to cut a compressed file in two: what comes before is a prefix of the records, then one
// refusal.
TEST(FileReader, ACutFileGivesThePrefixOfItsRecordsAndOneRefusal) {
  std::mt19937_64 random(20240610);
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    std::string text = std::to_string(random());
    for (uint64_t k = random() % 60; k > 0; --k) text += static_cast<char>('a' + random() % 26);
    lines += Line(text);
  }
  for (const std::string& packed :
       {Gzip(lines), Zstd(lines), Zstd(lines.substr(0, 700)) + Zstd(lines.substr(700))}) {
    const std::vector<std::string> all = ReadFile(packed, "a.jsonl").Lines();
    ASSERT_EQ(all.size(), 40u);
    for (size_t size = 4; size < packed.size(); ++size) {
      std::vector<std::string> some = ReadFile(packed.substr(0, size), "a.jsonl").Lines();
      ASSERT_FALSE(some.empty());
      if (some.back() != "0 !bad_compression") {
        // Cut between two frames, nothing is missing that could be missed, save the end of a
        // record.
        ASSERT_NE(packed, Gzip(lines));
        some.pop_back();
      } else {
        some.pop_back();
      }
      ASSERT_LE(some.size(), all.size());
      ASSERT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << size;
    }
  }
}

TEST(FileReader, ALineTooLongIsRefusedAndTheNextIsRead) {
  ExtractLimits limits;
  limits.record_bytes_max = 20;
  const std::string fits = "{\"text\":\"0123456\"} ";
  ASSERT_EQ(fits.size(), 20u - 1);
  const std::string exactly = fits + " ";
  const std::string huge = "{\"text\":\"" + std::string(3'000'000, 'x') + "\"}";
  for (const std::string& ending : {"\n"s, "\r\n"s}) {
    const std::string file = fits + ending + exactly + ending + exactly + " " + ending + huge +
                             ending + fits + ending + huge;
    for (const char* encoding : {"UTF-8", "UTF-16LE", "UTF-16BE"}) {
      ExtractLimits wide = limits;
      if (encoding != "UTF-8"s) wide.record_bytes_max = 40;
      const std::string bytes = Encode(file, encoding);
      const FileOutcome outcome = ReadFile(bytes, "a.jsonl", wide);
      EXPECT_THAT(outcome.Lines(),
                  ElementsAre("1 0123456", "2 0123456", "3 !record_too_large",
                              "4 !record_too_large", "5 0123456", "6 !record_too_large"))
          << encoding;
      EXPECT_EQ(ReadFile(bytes, "a.jsonl", wide, 65'537).records, outcome.records);
    }
  }
}

TEST(FileReader, APlainTextTooLargeIsRefused) {
  ExtractLimits limits;
  limits.record_bytes_max = 30;
  limits.text_bytes_max = 12;
  EXPECT_THAT(ReadFile("가나다라", "a.txt", limits).Lines(), ElementsAre("1 가나다라"));
  EXPECT_THAT(ReadFile("가나다라마", "a.txt", limits).Lines(), ElementsAre("1 !record_too_large"));
  EXPECT_THAT(ReadFile(std::string(31, 'x'), "a.txt", limits).Lines(),
              ElementsAre("1 !record_too_large"));
  EXPECT_THAT(ReadFile(Gzip(std::string(5'000'000, 'x')), "a.txt", limits).Lines(),
              ElementsAre("1 !record_too_large"));
}

TEST(FileReader, BombsAreStopped) {
  ExtractLimits limits;
  limits.ratio_free_bytes = 1 << 20;
  limits.ratio_max = 50;
  std::string lines;
  while (lines.size() < 8'000'000) lines += Line("가나다");
  for (const std::string& bomb : {Gzip(lines), Zstd(lines)}) {
    const std::vector<std::string> some = ReadFile(bomb, "a.jsonl", limits).Lines();
    EXPECT_GT(some.size(), 10'000u) << "what fits is read";
    EXPECT_LT(some.size(), 300'000u);
    EXPECT_EQ(some.back(), "0 !compression_limit");
  }
  limits.ratio_max = 100'000;
  EXPECT_NE(ReadFile(Gzip(lines), "a.jsonl", limits).Lines().back(), "0 !compression_limit");
  limits.file_bytes_max = 2'000'000;
  EXPECT_EQ(ReadFile(Gzip(lines), "a.jsonl", limits).Lines().back(), "0 !compression_limit");
}

TEST(FileReader, BytesAsReceivedAreTheLineWithoutItsEnding) {
  const std::string bytes = testing::kUtf8Mark + "{\"text\":\"가\"} \r\n{\"text\":\"나\"}\n";
  MemorySource source(bytes);
  auto reader = FileReader::Open(source, "a.jsonl", {});
  ASSERT_TRUE(reader.ok());
  for (const std::string& line :
       {testing::kUtf8Mark + "{\"text\":\"가\"} ", "{\"text\":\"나\"}"s}) {
    auto raw = (*reader)->Next();
    ASSERT_TRUE(raw.ok() && *raw);
    EXPECT_EQ((*raw)->bytes, line);
    const ParsedRecord parsed = ParseRecord((*reader)->facts(), *std::move(*raw));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(ToHex(parsed.document().received_sha256), ToHex(Sha256(line)));
  }
  auto end = (*reader)->Next();
  ASSERT_TRUE(end.ok());
  EXPECT_FALSE(end->has_value());
}

TEST(FileReader, PlainTextIsReceivedWhole) {
  const std::string bytes = testing::kUtf16LeMark + Encode("가나 다\r\n", "UTF-16LE");
  MemorySource source(bytes, 3);
  auto reader = FileReader::Open(source, "a.txt", {});
  ASSERT_TRUE(reader.ok());
  auto raw = (*reader)->Next();
  ASSERT_TRUE(raw.ok() && *raw);
  EXPECT_EQ((*raw)->bytes, bytes);
  EXPECT_EQ((*raw)->record, 1u);
}

TEST(FileReader, MetadataIsKeptAsGivenAndBadDatesAreLeftOut) {
  const std::string bytes =
      "{\"id\":7,\"text\":\"가\",\"title\":\"제목\",\"source_type\":\"book\",\"published_at\":"
      "\"2015.11.20.\"}\n"
      "{\"id\":\"x\",\"text\":\"나\",\"published_at\":\"0000-13-45\"}\n";
  MemorySource source(bytes);
  auto reader = FileReader::Open(source, "a.jsonl", {});
  ASSERT_TRUE(reader.ok());
  ParsedRecord first = ParseRecord((*reader)->facts(), **(*reader)->Next());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.document().id, "7");
  EXPECT_EQ(first.document().title, "제목");
  EXPECT_EQ(first.document().source_type, "book");
  EXPECT_EQ(first.document().published_at, "2015.11.20.");
  ParsedRecord second = ParseRecord((*reader)->facts(), **(*reader)->Next());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second.document().id, "x");
  EXPECT_EQ(second.document().published_at, "");
}

class FailingSource final : public ByteSource {
 public:
  explicit FailingSource(std::string bytes) : bytes_(std::move(bytes)) {}
  StatusOr<size_t> Read(char* out, size_t n) override {
    if (bytes_.empty()) return Unavailable("disk_failed", "no more");
    const size_t size = std::min(n, bytes_.size());
    std::copy_n(bytes_.data(), size, out);
    bytes_.erase(0, size);
    return size;
  }

 private:
  std::string bytes_;
};

TEST(FileReader, AFailureOfTheSourceIsAStatusNotARefusal) {
  FailingSource early("{");
  EXPECT_EQ(FileReader::Open(early, "a.jsonl", {}).status().code(), absl::StatusCode::kUnavailable);
  std::string lines;
  while (lines.size() < 3'000'000) lines += Line("가나다");
  FailingSource late(lines);
  auto reader = FileReader::Open(late, "a.jsonl", {});
  ASSERT_TRUE(reader.ok());
  size_t records = 0;
  while (true) {
    auto raw = (*reader)->Next();
    if (!raw.ok()) {
      EXPECT_EQ(raw.status().code(), absl::StatusCode::kUnavailable);
      break;
    }
    ASSERT_TRUE(raw->has_value());
    ++records;
  }
  EXPECT_GT(records, 10'000u);
}

TEST(FileReader, LinesOfEverySizeAroundTheBuffers) {
  std::mt19937_64 random(20240611);
  std::string file;
  std::vector<std::string> expected;
  uint64_t line = 0;
  for (const size_t around :
       {size_t{1} << 10, size_t{128} << 10, size_t{256} << 10, size_t{1} << 20}) {
    for (int i = -3; i <= 3; ++i) {
      const std::string text(around + static_cast<size_t>(i + 20) - 20 - random() % 3,
                             static_cast<char>('a' + line % 26));
      file += Line(text);
      expected.push_back(std::to_string(++line) + " " + text);
    }
  }
  EXPECT_TRUE(ReadFile(file, "a.jsonl").Lines() == expected);
  EXPECT_TRUE(ReadFile(Zstd(file), "a.jsonl", {}, 1000).Lines() == expected);
  EXPECT_TRUE(ReadFile(Encode(file, "UTF-16BE"), "a.jsonl", {}, 999).Lines() == expected);
}

}  // namespace
}  // namespace jangbu::ingest
