// Files made to hurt: each costs one file, with an error of its own, in bounded memory.

#include <gtest/gtest.h>

#include "tests/ingest/extract/made_files.h"
#include "tests/ingest/extract/samples.h"

namespace jangbu::ingest {
namespace {

using testing::Gzip;
using testing::MakeDocx;
using testing::MakeHwpx;
using testing::MakeTar;
using testing::MakeZip;
using testing::ReadLines;
using Lines = std::vector<std::string>;
using namespace std::string_literals;

ExtractLimits Small() {
  ExtractLimits limits;
  limits.ratio_free_bytes = 1 << 20;
  limits.ratio_max = 50;
  limits.document_bytes_max = 4 << 20;
  limits.container_members_max = 100;
  return limits;
}

TEST(Hostile, AZipBombIsStopped) {
  const std::string zeros(3 << 20, '0');
  const std::string bomb = MakeZip({{"a.txt", zeros}, {"b.txt", zeros}, {"c.txt", "나머지"}});
  ASSERT_LT(bomb.size(), 16u << 10);
  // Once what the whole file may give is used up, its other members are refused too.
  EXPECT_EQ(ReadLines(bomb, "a.zip", {}, Small()),
            (Lines{"1 @a.txt !container_limit", "2 @b.txt !container_limit",
                   "3 @c.txt !container_limit"}));
  EXPECT_EQ(ReadLines(MakeZip({{"a.txt", std::string(5 << 20, 'x')}}), "a.zip", {}, Small()),
            Lines{"1 @a.txt !container_limit"});
}

TEST(Hostile, ABombInsideABombIsStopped) {
  std::string bomb = MakeZip({{"a.txt", std::string(3 << 20, '0')}});
  for (int i = 0; i < 2; ++i) {
    std::vector<testing::ZipMember> copies;
    for (int j = 0; j < 4; ++j) copies.push_back({std::to_string(j) + ".zip", bomb});
    bomb = MakeZip(copies);
  }
  const Lines lines = ReadLines(bomb, "a.zip", {}, Small());
  EXPECT_EQ(lines.size(), 16u);  // each of the innermost is refused, none is unpacked
  for (const std::string& line : lines) EXPECT_TRUE(line.ends_with("!container_limit")) << line;
}

TEST(Hostile, ContainersNestToALimit) {
  std::string zip = MakeZip({{"a.txt", "글"}});
  for (int i = 0; i < 3; ++i) zip = MakeZip({{"i.zip", zip}});
  EXPECT_EQ(ReadLines(zip, "a.zip"), Lines{"1 @i.zip/i.zip/i.zip/a.txt 글"});
  EXPECT_EQ(ReadLines(MakeZip({{"i.zip", zip}}), "a.zip"),
            Lines{"1 @i.zip/i.zip/i.zip/i.zip !container_limit"});
  std::string gz = "글";
  for (int i = 0; i < 12; ++i) gz = Gzip(gz);
  EXPECT_EQ(ReadLines(gz, "a.gz"), Lines{"0 !container_limit"});
}

TEST(Hostile, TooManyMembers) {
  std::vector<testing::ZipMember> members;
  for (int i = 0; i < 101; ++i) members.push_back({std::to_string(i), "x"});
  EXPECT_EQ(ReadLines(MakeZip(members), "a.zip", {}, Small()), Lines{"0 !container_limit"});
}

TEST(Hostile, NamesThatLeadOutAndLinks) {
  EXPECT_EQ(ReadLines(MakeZip({{"../../etc/passwd", "글"},
                               {"/etc/passwd", "글"},
                               {"C:\\a.txt", "글"},
                               {"a/..\\b.txt", "글"},
                               {"link", "/etc/passwd", 0120777},
                               {"device", "", 0020666},
                               {"good.txt", "글", 0100644}}),
                      "a.zip"),
            (Lines{"1 @../../etc/passwd !unsafe_name", "2 @/etc/passwd !unsafe_name",
                   "3 @C:\\a.txt !unsafe_name", "4 @a/..\\b.txt !unsafe_name",
                   "5 @link !unsafe_name", "6 @device !unsafe_name", "7 @good.txt 글"}));
  EXPECT_EQ(
      ReadLines(MakeTar({{"../a", "글"}, {"l", "", '2'}, {"d", "", '3'}, {"b.txt", "글"}}),
                "a.tar"),
      (Lines{"1 @../a !unsafe_name", "2 @l !unsafe_name", "3 @d !unsafe_name", "4 @b.txt 글"}));
}

TEST(Hostile, DamagedArchives) {
  const std::string zip = MakeZip({{"a.txt", "우리나라의 말이", 0, true}, {"b.txt", "글"}});
  EXPECT_EQ(ReadLines(zip.substr(0, zip.size() - 10), "a.zip"), Lines{"0 !bad_container"});
  std::string flipped = zip;
  flipped[flipped.find("\xEC\x9A\xB0")] ^= 1;  // in a stored member: the checksum tells
  EXPECT_EQ(ReadLines(flipped, "a.zip"), (Lines{"1 @a.txt !bad_container", "2 @b.txt 글"}));
  const std::string tar = MakeTar({{"a.txt", "가"}, {"b.txt", std::string(2000, 'x')}});
  EXPECT_EQ(ReadLines(tar.substr(0, 2048), "a.tar"), (Lines{"1 @a.txt 가", "0 !bad_container"}));
}

TEST(Hostile, EntitiesAreNeverExpanded) {
  const std::string bomb =
      "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>"
      "<l><p>&b;</p></l>";
  const std::string outside =
      "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><l><p>&a;</p>"
      "</l>";
  const ReadOptions options{.xml_text_path = "l/p"};
  EXPECT_EQ(ReadLines(bomb, "a.xml", options), Lines{"0 !unsafe_markup"});
  EXPECT_EQ(ReadLines(outside, "a.xml", options), Lines{"0 !unsafe_markup"});
  for (const std::string& xml : {bomb, outside}) {
    EXPECT_EQ(ReadLines(MakeZip({{"[Content_Types].xml", "<Types/>"}, {"word/document.xml", xml}}),
                        "a.docx"),
              Lines{"0 !unsafe_markup"});
    EXPECT_EQ(
        ReadLines(MakeZip({{"mimetype", "application/hwp+zip"}, {"Contents/section0.xml", xml}}),
                  "a.hwpx"),
        Lines{"0 !unsafe_markup"});
  }
  // A name that nobody declared is no text and no error of ours.
  EXPECT_EQ(ReadLines("<html><p>&passwd;글</p>", "a.html"), Lines{"1 &passwd;글\n"});
}

TEST(Hostile, MarkupNestsToALimit) {
  std::string html = "<html>";
  for (int i = 0; i < 1'000'000; ++i) html += "<div>";
  EXPECT_EQ(ReadLines(html + "글", "a.html"), Lines{"0 !too_deep"});
  std::string xml;
  for (int i = 0; i < 100'000; ++i) xml += "<a>";
  EXPECT_EQ(ReadLines("<?xml version=\"1.0\"?>" + xml, "a.xml", {.xml_text_path = "a/b"}),
            Lines{"0 !too_deep"});
  EXPECT_EQ(ReadLines(MakeHwpx({xml}), "a.hwpx"), Lines{"0 !too_deep"});
  EXPECT_EQ(ReadLines("{\\rtf1" + std::string(100'000, '{'), "a.rtf"), Lines{"0 !too_deep"});
  EXPECT_EQ(ReadLines("[{\"text\":\"가\",\"x\":" + std::string(100'000, '[') +
                          std::string(100'000, ']') + "}]",
                      "a.json"),
            Lines{"1 !too_deep"});
  std::string quotes(100'000, '>');
  EXPECT_EQ(ReadLines(quotes + " 글", "a.md").size(), 1u);
}

TEST(Hostile, TextsOfGigabytes) {
  ExtractLimits limits;
  limits.text_bytes_max = 1000;
  const std::string much(2000, 'x');
  const std::string p = "<w:p><w:r><w:t>" + much + "</w:t></w:r></w:p>";
  EXPECT_EQ(ReadLines(MakeDocx(p), "a.docx", {}, limits), Lines{"0 !record_too_large"});
  EXPECT_EQ(ReadLines("<html>" + much, "a.html", {}, limits), Lines{"0 !record_too_large"});
  EXPECT_EQ(ReadLines(much, "a.md", {}, limits), Lines{"0 !record_too_large"});
  EXPECT_EQ(ReadLines("text\n" + much + "\n가\n", "a.csv", {}, limits),
            (Lines{"1 !record_too_large", "2 가"}));
  limits = {};
  limits.document_bytes_max = 1000;
  EXPECT_EQ(ReadLines("<html>" + much, "a.html", {}, limits), Lines{"0 !container_limit"});
}

TEST(Hostile, ACutFileIsNoDocument) {
  std::string gz = Gzip("<html><p>" + std::string(100'000, 'x') + "</p>");
  gz.resize(gz.size() - 10);
  EXPECT_EQ(ReadLines(gz, "a.html.gz"), Lines{"0 !bad_compression"});
}

TEST(Hostile, GarbageUnderEveryName) {
  uint64_t state = 88172645463325252;
  for (const char* head : {"PK\x03\x04", "%PDF-1.7\n", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "PAR1",
                           "<html>", "<?xml version=\"1.0\"?><a>", "\x1F\x8B\x08"}) {
    std::string bytes = head;
    for (int i = 0; i < 3000; ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      bytes.push_back(static_cast<char>(state));
    }
    for (const std::string& line : ReadLines(bytes, "a")) {
      EXPECT_NE(line.find('!'), std::string::npos) << head;
    }
  }
}

}  // namespace
}  // namespace jangbu::ingest
