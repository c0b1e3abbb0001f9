#include "ingest/extract/format.h"

#include <gtest/gtest.h>

#include "ingest/extract/read_options.h"
#include "tests/ingest/extract/samples.h"

namespace jangbu::ingest {
namespace {

using namespace std::string_literals;

TEST(Format, Table) {
  const std::string mark = testing::kUtf8Mark;
  struct {
    std::string head;
    const char* name;
    const char* format;
    const char* kind;
  } const cases[] = {
      {"{\"text\":\"가\"}\n", "a.jsonl", "jsonl", ""},
      {"{\"text\":\"가\"}\n", "a.jsonl.gz", "jsonl", ""},
      {"{\"text\":\"가\"}\n", "A.JSONL.ZST", "jsonl", ""},
      {"{\"text\":\"가\"}\n", "a.ndjson", "jsonl", ""},
      {"{\"text\":\"가\"}\n", "a", "jsonl", ""},
      {"{\"text\":\"가\"}\n", "a.json", "jsonl", ""},
      {"\n \n{ \"text\":\"가\"}\n", "a.txt", "jsonl", ""},
      {mark + "{\"text\":\"가\"}\n", "a.txt", "jsonl", ""},
      {testing::Encode("{\"text\":\"가\"}\n", "UTF-16LE"), "a", "jsonl", ""},
      {testing::kUtf16BeMark + testing::Encode("{\"text\":\"가\"}\n", "UTF-16BE"), "a", "jsonl",
       ""},
      {"broken line\n{\"text\":\"가\"}\n", "a.jsonl", "jsonl", ""},
      {"[\"text\"]\n", "a.jsonl", "jsonl", ""},
      {"{\n  \"text\": \"가\"\n}\n", "a.json", "json", ""},
      {"[{\"text\":\"가\"}]\n", "a.json", "json", ""},
      {"{가} 하고 말했다", "a.txt", "text", ""},
      {"가나다", "a.txt", "text", ""},
      {"가나다", "폴더/원고.TXT", "text", ""},
      {"가나다", "a.md", "markdown", ""},
      {"가나다", "README", "text", ""},
      {"가나다", "제1장.최종원고", "text", ""},
      {"가나다", "2023.11", "text", ""},
      {"가나다", "a.txt.gz", "text", ""},
      {testing::Encode("가나다 라", "windows-949"), "a.txt", "text", ""},
      {"<p>가나다", "a.txt", "text", ""},
      {"a single\0NUL in a long text "s + std::string(2000, 'x'), "a.txt", "text", ""},
      {"print(1)", "a.py", "unsupported", "unknown ending"},
      {"a,b\n1,2\n", "a.csv", "table", ""},
      {"<p>가</p>", "a.html", "html", ""},
      {"<!DOCTYPE html><html>", "a.txt", "html", ""},
      {mark + " <HTML lang=ko>", "a", "html", ""},
      {"<?xml version=\"1.0\"?>", "a.txt", "xml", ""},
      {"%PDF-1.4", "a.txt", "pdf", ""},
      {"PK\x03\x04", "a.hwpx", "zip", ""},
      {"PK\x03\x04", "a.jsonl", "zip", ""},
      {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "Thumbs.db", "ole", ""},
      {"\0\0\0\1Bud1"s, ".DS_Store", "unsupported", "folder settings"},
      {"{\\rtf1", "a.txt", "rtf", ""},
      {"\x89PNG\r\n\x1A\n", "a.png", "unsupported", "image"},
      {"no image", "a.png", "unsupported", "damaged or mislabelled"},
      {"\x7F"
       "ELF\2\1",
       "a", "unsupported", "program"},
      {"\x01\x02\x00\x03 some bytes"s, "a.txt", "unsupported", "binary"},
      {"\x01\x02\x00\x03 some bytes"s, "a.jsonl", "unsupported", "binary"},
  };
  for (const auto& c : cases) {
    const FormatGuess guess = DetectFormat(c.head, c.name);
    EXPECT_EQ(NameOf(guess.format), c.format) << c.name << ": " << ToHex(c.head.substr(0, 16));
    EXPECT_EQ(guess.kind, c.kind) << c.name << ": " << ToHex(c.head.substr(0, 16));
  }
}

TEST(ReadOptions, AreReadFromNamesAndRefusedByName) {
  struct Row {
    std::string_view encoding, column, path, reason, pua = {};
  };
  const std::string long_name(201, 'a');
  const Row rows[] = {
      {"", "", "", ""},
      {"auto", "본문", "책/장/본문", ""},
      {"euc-kr", "", "a", ""},
      {"EUC-KR", "", "", "bad_encoding"},
      {"latin1", "", "", "bad_encoding"},
      {"", "a\tb", "", "bad_text_column"},
      {"", long_name, "", "bad_text_column"},
      {"", "\xFF", "", "bad_text_column"},
      {"", "", "/a", "bad_xml_path"},
      {"", "", "a/", "bad_xml_path"},
      {"", "", "a//b", "bad_xml_path"},
      {"", "", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "bad_xml_path"},
      {"", "", "", "", "keep"},
      {"", "", "", "", "hanyang"},
      {"", "", "", "bad_pua", "HANYANG"},
  };
  for (const Row& row : rows) {
    const auto read = ParseReadOptions(row.encoding, row.column, row.path, row.pua);
    EXPECT_EQ(ReasonOf(read.status()), row.reason) << row.encoding << row.column << row.path;
  }
  EXPECT_EQ(*ParseReadOptions("", "", "", ""), ReadOptions{});
  EXPECT_EQ(ParseReadOptions("euc-kr", "", "", "")->encoding, Encoding::kCp949);
  EXPECT_EQ(ParseReadOptions("", "", "", "hanyang")->private_use, PrivateUse::kHanyang);
  for (int e = 0; e <= static_cast<int>(kLastEncoding); ++e) {
    const auto encoding = static_cast<Encoding>(e);
    EXPECT_EQ(ParseReadOptions(NameOf(encoding), "", "", "")->encoding, encoding);
  }
}

}  // namespace
}  // namespace jangbu::ingest
