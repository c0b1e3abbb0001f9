// Each format by a table of small files: what a person would read is what comes out.

#include "ingest/extract/readers.h"

#include <gtest/gtest.h>

#include "ingest/extract/pdf_layout.h"
#include "ingest/extract/text_flow.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"
#include "tests/ingest/extract/made_files.h"
#include "tests/ingest/extract/samples.h"

namespace jangbu::ingest {
namespace {

using testing::Encode;
using testing::Gzip;
using testing::HwpCell;
using testing::HwpControl;
using testing::HwpCtrlHeader;
using testing::HwpParagraph;
using testing::MakeDocx;
using testing::MakeEpub;
using testing::MakeHwp;
using testing::MakeHwpx;
using testing::MakeOle;
using testing::MakeTar;
using testing::MakeZip;
using testing::ReadDocument;
using testing::ReadLines;
using testing::Utf16;
using Lines = std::vector<std::string>;
using namespace std::string_literals;

struct Case {
  const char* why;
  std::string bytes;
  const char* name;
  Lines outcome;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(ReadLines(c.bytes, c.name), c.outcome) << c.why;
}

// ---- the flow of a text ----

TEST(TextFlow, NotesFollowWhatTheyHangOn) {
  TextFlow flow(1000);
  flow.Text("첫 문단");
  flow.BeginNote();
  flow.Text("각주");
  flow.EndNote();
  flow.Text("의 끝");
  flow.EndParagraph();
  flow.BeginRow();
  flow.Text("가");
  flow.BeginNote();
  flow.Text("칸의 주");
  flow.EndParagraph();
  flow.Text("둘째 줄");
  flow.EndNote();
  flow.EndCell();
  flow.Text("나");
  flow.EndRow();
  EXPECT_EQ(flow.Take(), "첫 문단의 끝\n각주\n가 나\n칸의 주\n둘째 줄\n");
}

TEST(TextFlow, ATableInACellIsPartOfIt) {
  TextFlow flow(1000);
  flow.BeginRow();
  flow.Text("왼쪽");
  flow.EndCell();
  for (const char* inner : {"하나", "둘"}) {
    flow.BeginRow();
    flow.Text(inner);
    flow.EndRow();
  }
  flow.EndCell();
  flow.EndRow();
  EXPECT_EQ(flow.Take(), "왼쪽 하나 둘\n");
}

TEST(TextFlow, StopsAtItsLimit) {
  TextFlow flow(10);
  flow.Text("0123456789");
  EXPECT_FALSE(flow.overflowed());
  flow.Text("x");
  EXPECT_TRUE(flow.overflowed());
}

// ---- DOCX ----

std::string P(std::string_view text) {
  return "<w:p><w:r><w:t xml:space=\"preserve\">" + std::string(text) + "</w:t></w:r></w:p>";
}

TEST(Docx, Table) {
  Check({
      {"paragraphs", MakeDocx(P("첫째") + P("둘째")), "a.docx", {"1 첫째\n둘째\n"}},
      {"by content, not by name", MakeDocx(P("첫째")), "a.bin", {"1 첫째\n"}},
      {"runs are one word",
       MakeDocx("<w:p><w:r><w:t>대한</w:t></w:r><w:r><w:t>민국</w:t></w:r></w:p>"),
       "a.docx",
       {"1 대한민국\n"}},
      {"a soft break is a space",
       MakeDocx("<w:p><w:r><w:t>가</w:t><w:br/><w:t>나</w:t><w:tab/><w:t>다</w:t></w:r></w:p>"),
       "a.docx",
       {"1 가 나 다\n"}},
      {"but a line break in verse",
       MakeDocx("<w:p><w:pPr><w:pStyle w:val=\"Verse\"/></w:pPr><w:r><w:t>가</w:t><w:br/><w:t>나"
                "</w:t></w:r></w:p>"),
       "a.docx",
       {"1 가\n나\n"}},
      {"tab stops are no tabs",
       MakeDocx("<w:p><w:pPr><w:tabs><w:tab w:pos=\"1\"/></w:tabs></w:pPr><w:r><w:t>가</w:t></w:r>"
                "</w:p>"),
       "a.docx",
       {"1 가\n"}},
      {"deleted text and field codes are out",
       MakeDocx("<w:p><w:del><w:r><w:delText>지운</w:delText><w:t>것</w:t></w:r></w:del><w:r>"
                "<w:instrText>PAGE</w:instrText><w:t>남은</w:t></w:r></w:p>"),
       "a.docx",
       {"1 남은\n"}},
      {"a table row is one line",
       MakeDocx("<w:tbl><w:tr><w:tc>" + P("가") + P("나") + "</w:tc><w:tc>" + P("다") +
                "</w:tc></w:tr><w:tr><w:tc>" + P("라") + "</w:tc></w:tr></w:tbl>"),
       "a.docx",
       {"1 가 나 다\n라\n"}},
      {"a text box follows its paragraph, once",
       MakeDocx("<w:p><w:r><w:t>앞</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><wps:txbx>"
                "<w:txbxContent>" +
                P("상자") +
                "</w:txbxContent></wps:txbx></mc:Choice><mc:Fallback><w:pict><w:txbxContent>" +
                P("상자") +
                "</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>뒤"
                "</w:t></w:r></w:p>"),
       "a.docx",
       {"1 앞뒤\n상자\n"}},
      {"a footnote follows its paragraph",
       MakeDocx(
           "<w:p><w:r><w:t>본문</w:t></w:r><w:r><w:footnoteReference w:id=\"2\"/></w:r></w:p>" +
               P("다음"),
           "<w:footnote w:id=\"0\" w:type=\"separator\">" + P("---") +
               "</w:footnote><w:footnote w:id=\"2\">" + P("각주") + "</w:footnote>"),
       "a.docx",
       {"1 본문\n각주\n다음\n"}},
      {"ruby reads its base",
       MakeDocx("<w:p><w:r><w:ruby><w:rt><w:r><w:t>한</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢"
                "</w:t></w:r></w:rubyBase></w:ruby></w:r></w:p>"),
       "a.docx",
       {"1 漢\n"}},
      {"broken XML",
       MakeZip({{"[Content_Types].xml", "<Types/>"}, {"word/document.xml", "<w:p>"}}),
       "a.docx",
       {"0 !damaged_document"}},
      {"no text", MakeDocx(""), "a.docx", {"1 !no_text"}},
  });
  const Document d =
      ReadDocument(MakeDocx(P("가"), "",
                            "<dc:title>제목</dc:title><dc:creator>지은이</dc:creator>"
                            "<dcterms:created>2020-01-02T03:04:05Z</dcterms:created>"),
                   "a.docx");
  EXPECT_EQ(d.title, "제목");
  EXPECT_EQ(d.author, "지은이");
  EXPECT_EQ(d.published_at, "2020-01-02T03:04:05Z");
  EXPECT_EQ(d.read_as, "docx");
}

// ---- HWPX ----

std::string H(std::string_view text) {
  return "<hp:p><hp:run><hp:t>" + std::string(text) + "</hp:t></hp:run></hp:p>";
}

TEST(Hwpx, Table) {
  Check({
      {"sections by number, not by place in the zip",
       MakeHwpx({H("영"), H("일"), H("이")}),
       "a.hwpx",
       {"1 영\n일\n이\n"}},
      {"sections by the spine",
       MakeHwpx({H("영"), H("일")},
                "<opf:package xmlns:opf=\"urn:o\"><opf:manifest><opf:item id=\"a\" "
                "href=\"Contents/section0.xml\"/><opf:item id=\"b\" "
                "href=\"Contents/section1.xml\"/></opf:manifest><opf:spine><opf:itemref "
                "idref=\"b\"/><opf:itemref idref=\"a\"/></opf:spine></opf:package>"),
       "a.hwpx",
       {"1 일\n영\n"}},
      {"breaks and blanks",
       MakeHwpx({"<hp:p><hp:run><hp:t>가<hp:lineBreak/>나<hp:tab/>다<hp:nbSpace/>라</hp:t></hp:run>"
                 "</hp:p>"}),
       "a.hwpx",
       {"1 가 나 다 라\n"}},
      {"table, footnote, page header",
       MakeHwpx({"<hp:p><hp:run><hp:ctrl><hp:header><hp:subList>" + H("머리말") +
                 "</hp:subList></hp:header></hp:ctrl><hp:t>앞</hp:t><hp:ctrl><hp:footNote>"
                 "<hp:subList>" +
                 H("각주") +
                 "</hp:subList></hp:footNote></hp:ctrl></hp:run><hp:run><hp:tbl><hp:tr><hp:tc>"
                 "<hp:subList>" +
                 H("가") + "</hp:subList></hp:tc><hp:tc><hp:subList>" + H("나") +
                 "</hp:subList></hp:tc></hp:tr></hp:tbl><hp:t>뒤</hp:t></hp:run></hp:p>"}),
       "a.hwpx",
       {"1 앞\n각주\n가 나\n뒤\n"}},
      {"a tracked deletion is out",
       MakeHwpx(
           {"<hp:p><hp:run><hp:t>남<hp:deleteBegin/>지움<hp:deleteEnd/>음</hp:t></hp:run></hp:p>"}),
       "a.hwpx",
       {"1 남음\n"}},
      {"a password",
       MakeZip({{"mimetype", "application/hwp+zip"},
                {"Contents/section0.xml", "garbage"},
                {"META-INF/manifest.xml",
                 "<m:manifest xmlns:m=\"urn:m\"><m:file-entry><m:encryption-data/></m:file-entry>"
                 "</m:manifest>"}}),
       "a.hwpx",
       {"0 !password_protected"}},
      {"no section",
       MakeZip({{"mimetype", "application/hwp+zip"}}),
       "a.hwpx",
       {"0 !damaged_document"}},
  });
}

// ---- EPUB ----

TEST(Epub, SpineOrderAndMetadata) {
  const std::string epub = MakeEpub({{"b", "<html><body><p>둘째 장</p></body></html>"},
                                     {"a",
                                      "<html><body><h1>첫째 장</h1><p>본문<a "
                                      "epub:type=\"noteref\">1</a></p><aside "
                                      "epub:type=\"footnote\"><p>미주</p></aside></body></html>"}},
                                    {"a", "b"});
  EXPECT_EQ(ReadLines(epub, "a.epub"), Lines{"1 첫째 장\n본문1\n미주\n둘째 장\n"});
  const Document d = ReadDocument(epub, "a.epub");
  EXPECT_EQ(d.title + "|" + d.author + "|" + d.published_at, "책|김씨|2001-02-03");
  EXPECT_EQ(ReadLines(MakeEpub({}, {"gone"}), "a.epub"), Lines{"0 !damaged_document"});
}

// ---- HTML ----

TEST(Html, Table) {
  const std::string head = "<!DOCTYPE html><html><head><title>제목</title></head><body>";
  Check({
      {"blocks and inline",
       head + "<p>가<b>나</b>\n다</p><div>라<br>마</div>",
       "a.html",
       {"1 가나 다\n라 마\n"}},
      {"what is not text",
       head + "<nav>메뉴</nav><script>var x='글'</script><style>글{}</style><p>본문</p>"
              "<footer>꼬리</footer><p hidden>숨김</p><p style=\"display: none\">숨김</p>"
              "<select><option>고름</option></select>",
       "a.html",
       {"1 본문\n"}},
      {"main holds the text",
       head + "<div>주변</div><main><p>본문은 이것입니다</p></main>",
       "a.html",
       {"1 본문은 이것입니다\n"}},
      {"main holds little",
       head + "<p>본문은 여기에 있습니다</p><main>빈</main>",
       "a.html",
       {"1 본문은 여기에 있습니다\n빈\n"}},
      {"preformatted", head + "<pre>한 줄\n  두 줄</pre>", "a.html", {"1 한 줄\n  두 줄\n"}},
      {"verse", head + "<p class=\"poem\">한 줄<br>두 줄</p>", "a.html", {"1 한 줄\n두 줄\n"}},
      {"table",
       head + "<table><tr><th>가<td><p>나</p><p>다</p><tr><td>라</table>",
       "a.html",
       {"1 가 나 다\n라\n"}},
      {"ruby",
       head + "<p><ruby>漢<rp>(</rp><rt>한</rt><rp>)</rp></ruby>字</p>",
       "a.html",
       {"1 漢字\n"}},
      {"list markers are not there", head + "<ol><li>가<li>나</ol>", "a.html", {"1 가\n나\n"}},
      {"character references",
       head + "<p>&#xAC00;&nbsp;&middot;&#48624;&lt;</p>",
       "a.html",
       {"1 가\u00A0·뷰<\n"}},
      {"euc-kr means windows-949",
       Encode("<meta charset=\"euc-kr\"><p>똠방각하 펲시맨</p>", "windows-949"),
       "a.html",
       {"1 똠방각하 펲시맨\n"}},
      {"a wrong label gives way",
       "<html><meta charset=euc-kr><p>가나다라 마바사아 자차카타 파하</p>",
       "a.html",
       {"1 가나다라 마바사아 자차카타 파하\n"}},
      {"UTF-16",
       testing::kUtf16LeMark + Encode("<html><p>가나</p>", "UTF-16LE"),
       "a.html",
       {"1 가나\n"}},
      {"a NUL is no end",
       head + "<!--" + std::string(2000, 'x') + "--><p>가" + std::string(1, '\0') + "나</p>",
       "a.html",
       {"1 가나\n"}},
      {"nothing", head, "a.html", {"1 !no_text"}},
  });
  EXPECT_EQ(ReadDocument(head + "<p>가", "a").title, "제목");
}

// ---- Markdown ----

TEST(Markdown, Table) {
  Check({
      {"soft wraps are one paragraph",
       "# 제목\n\n한 줄\n두 줄\n\n새 문단\n",
       "a.md",
       {"1 제목\n한 줄 두 줄\n새 문단\n"}},
      {"marks go",
       "- **굵은** [고리](http://x) `코드`\n- ![그림](x.png)둘\n\n1. 하나\n",
       "a.md",
       {"1 굵은 고리 코드\n둘\n하나\n"}},
      {"code keeps its lines", "```\n가\n나\n```\n", "a.md", {"1 가\n나\n"}},
      {"tables", "|가|나|\n|---|---|\n|다|라|\n", "a.md", {"1 가 나\n다 라\n"}},
      {"HTML blocks", "<div>\n<p>안쪽</p>\n</div>\n\n밖\n", "a.md", {"1 안쪽\n밖\n"}},
      {"entities", "가&amp;나 &#xB2E4;\n", "a.md", {"1 가&나 다\n"}},
      {"front matter", "---\ntitle: \"글\"\ndate: 2020-01-02\n---\n본문\n", "a.md", {"1 본문\n"}},
      {"in CP949",
       Encode("# 우리나라의 제목\n\n우리나라의 말이 중국과 달라", "windows-949"),
       "a.md",
       {"1 우리나라의 제목\n우리나라의 말이 중국과 달라\n"}},
  });
  EXPECT_EQ(ReadDocument("---\ntitle: \"글\"\n---\n본문\n", "a.md").title, "글");
}

// ---- tables ----

TEST(Table, Csv) {
  Check({
      {"columns by name",
       "id,text,title\n1,가나,제목\n2,\"다, \"\"라\"\"\n마\",\n",
       "a.csv",
       {"1 가나", "2 다, \"라\"\n마"}},
      {"tabs", "text\tid\n가\t1\n", "a.tsv", {"1 가"}},
      {"CRLF and a mark", testing::kUtf8Mark + "text\r\n가\r\n나", "a.csv", {"1 가", "2 나"}},
      {"CP949 of a spreadsheet",
       Encode("id,text\r\n1,우리나라의 말이 중국과 달라\r\n", "windows-949"),
       "a.csv",
       {"1 우리나라의 말이 중국과 달라"}},
      {"a short row, an empty text",
       "id,text\n1\n2,\n3,가\n",
       "a.csv",
       {"1 !no_text", "2 !no_text", "3 가"}},
      {"no such column", "id,body\n1,가\n", "a.csv", {"0 !no_text_column"}},
      {"a quote never closed", "text\n가\n\"나\n다\n", "a.csv", {"1 가", "0 !damaged_document"}},
  });
  EXPECT_EQ(ReadLines("id,body\n1,가\n", "a.csv",
                      {.encoding = Encoding::kUnknown, .text_column = "body"}),
            Lines{"1 가"});
  EXPECT_EQ(ReadDocument("text,id,published_at,author\n가,7,2020-01-02,김", "a.csv").id, "7");
}

TEST(Table, Json) {
  Check({
      {"an array",
       "[{\"text\":\"가\"}, {\"text\":\"[}\\\"\"},\n{\"id\":1}]",
       "a.json",
       {"1 가", "2 [}\"", "3 !no_text"}},
      {"an array by content", " [ {\"text\":\"가\"}]", "a.txt", {"1 가"}},
      {"an object over lines", "{\n \"text\": \"가\",\n \"id\": 3\n}\n", "a.json", {"1 가"}},
      {"an empty array", "[]", "a.json", {}},
      {"never closed", "[{\"text\":\"가\"},", "a.json", {"1 가", "0 !invalid_json"}},
      {"a bad element does not stop the rest",
       "[{\"text\":1},{\"text\":\"나\"}]",
       "a.json",
       {"1 !text_not_string", "2 나"}},
      {"rubbish after it", "[{\"text\":\"가\"}]x", "a.json", {"1 가", "0 !invalid_json"}},
  });
}

TEST(Encodings, AMarkSaysMoreThanWhatWasGivenForTheCorpus) {
  const ReadOptions cp949{.encoding = Encoding::kCp949};
  const std::string text = "똠방각하와 펲시콜라";
  struct Row {
    std::string_view file, before, after;
  };
  const Row rows[] = {{"a.txt", "", ""},
                      {"a.jsonl", "{\"text\":\"", "\"}"},
                      {"a.csv", "text\n", "\n"},
                      {"a.md", "", "\n"},
                      {"a.html", "<html><p>", "</p></html>"}};
  for (const Row& row : rows) {
    const std::string utf8 = std::string(row.before) + text + std::string(row.after);
    EXPECT_EQ(Canonicalize(ReadDocument(testing::kUtf8Mark + utf8, row.file, cp949).text), text)
        << row.file;
    EXPECT_EQ(Canonicalize(ReadDocument(Encode(utf8, "windows-949"), row.file, cp949).text), text)
        << row.file;
  }
}

TEST(PrivateUse, IsKeptOrReadAsHanyangsOldHangulHoweverItCame) {
  // 나랏말ᄊᆞ미 as Hanyang's fonts have it, a code point that is none of theirs beside it.
  const std::string text = "나랏말\uEBD4미 \uE0AA \uEBD4";
  const std::string jamo = "나랏말ᄊᆞ미 \uE0AA ᄊᆞ";
  const ReadOptions hanyang{.private_use = PrivateUse::kHanyang};
  const std::string zip = MakeZip({{"a.txt", text}, {"b.jsonl", "{\"text\":\"" + text + "\"}"}});
  struct Row {
    std::string_view name;
    std::string bytes, file, read_as;
  };
  const Row rows[] = {
      {"plain text", text, "a.txt", "text utf-8 100"},
      {"a line of JSON", "{\"text\":\"" + text + "\"}", "a.jsonl", "jsonl utf-8 100"},
      {"a table", "text\n" + text + "\n", "a.csv", "table utf-8 100"},
      {"HTML", "<html><p>" + text + "</p></html>", "a.html", "html utf-8 100"},
      {"a reference", "<html><p>나랏말&#xEBD4;미 &#xE0AA; &#xEBD4;</p></html>", "a.html",
       "html utf-8 100"},
      {"in an archive, counted once", zip, "a.zip", "text utf-8 100"},
  };
  for (const Row& row : rows) {
    const Document kept = ReadDocument(row.bytes, row.file);
    EXPECT_EQ(Canonicalize(kept.text), text) << row.name;
    EXPECT_EQ(kept.read_as, row.read_as + " pua 3") << row.name;
    const Document mapped = ReadDocument(row.bytes, row.file, hanyang);
    EXPECT_EQ(Canonicalize(mapped.text), jamo) << row.name;
    EXPECT_EQ(mapped.read_as, row.read_as + " hanyang 2 pua 1") << row.name;
  }
  // Three times as long must still be a text that is allowed.
  EXPECT_EQ(ReadLines(text, "a.txt", hanyang, {.text_bytes_max = text.size()}),
            Lines{"1 !record_too_large"});
  EXPECT_EQ(ReadLines(text, "a.txt", {}, {.text_bytes_max = text.size()}), Lines{"1 " + text});
}

TEST(Table, Xml) {
  const std::string xml =
      "<?xml version=\"1.0\" "
      "encoding=\"euc-kr\"?><articles><article><title>제목</title><body><p>똠방"
      "</p><p>둘째</p></body></article><article><body>셋째</body></article></articles>";
  const std::string bytes = Encode(xml, "windows-949");
  EXPECT_EQ(ReadLines(bytes, "a.xml"), Lines{"0 !no_text_path"});
  EXPECT_EQ(ReadLines(bytes, "a.xml", {.xml_text_path = "articles/article/body"}),
            (Lines{"1 똠방\n둘째\n", "2 셋째\n"}));
  EXPECT_EQ(ReadLines(bytes, "a.xml", {.xml_text_path = "articles/body"}), Lines{"0 !no_text"});
  EXPECT_EQ(ReadLines("<?xml version=\"1.0\"?><a><b>", "a.xml"), Lines{"0 !damaged_document"});
}

// ---- RTF ----

TEST(Rtf, Table) {
  const std::string head = "{\\rtf1\\ansi\\ansicpg949{\\fonttbl{\\f0\\fcharset129 Batang;}}\\f0 ";
  Check({
      {"CP949 bytes", head + "\\'b0\\'a1\\'b3\\'aa\\par \\'b4\\'d9}", "a.rtf", {"1 가나\n다\n"}},
      {"units with their spelling",
       head + "\\uc1\\u44032?\\u-10332?x}",
       "a.rtf",
       {"1 가\uD7A4x\n"}},
      {"tables",
       head + "\\trowd \\'b0\\'a1\\cell \\'b3\\'aa\\cell\\row \\pard \\'b4\\'d9\\par}",
       "a.rtf",
       {"1 가 나\n다\n"}},
      {"notes, headers, pictures",
       head + "{\\header xx}\\'b0\\'a1{\\footnote \\'b3\\'aa}{\\pict 0102}{\\*\\zz "
              "yy}\\'b4\\'d9\\par}",
       "a.rtf",
       {"1 가다\n나\n"}},
      {"cut short", head + "\\'b0\\'a1", "a.rtf", {"0 !damaged_document"}},
  });
}

// ---- HWP 5 ----

TEST(Hwp5, SectionsTablesNotesControls) {
  const std::string plain = HwpParagraph(0, Utf16("첫 문단") + u"\r");
  const std::string controls =
      HwpParagraph(0, Utf16("가") + HwpControl(9) + Utf16("나") + u"\n" + Utf16("다") + u"\u0018" +
                          Utf16("라") + u"\u001E" + Utf16("마") + HwpControl(2) + u"\r");
  const std::string table = HwpParagraph(0, HwpControl(11) + u"\r") + HwpCtrlHeader(1, "tbl ") +
                            testing::HwpRecord(77, 2, std::string(24, '\0')) + HwpCell(2, 0, 0) +
                            HwpParagraph(2, Utf16("칸 하나") + u"\r") + HwpCell(2, 1, 0) +
                            HwpParagraph(2, Utf16("칸 둘") + u"\r") +
                            HwpParagraph(2, Utf16("둘째 줄") + u"\r") + HwpCell(2, 0, 1) +
                            HwpParagraph(2, Utf16("다음 행") + u"\r");
  const std::string note = HwpParagraph(0, Utf16("본문") + HwpControl(17) + Utf16("계속") + u"\r") +
                           HwpCtrlHeader(1, "fn  ") +
                           testing::HwpRecord(72, 2, std::string(16, '\0')) +
                           HwpParagraph(2, HwpControl(18) + Utf16(" 각주") + u"\r");
  const std::string header =
      HwpParagraph(0, HwpControl(16) + Utf16("글") + u"\r") + HwpCtrlHeader(1, "head") +
      testing::HwpRecord(72, 2, std::string(16, '\0')) + HwpParagraph(2, Utf16("머리말") + u"\r");
  const std::string last = HwpParagraph(0, Utf16("\U00020000끝") + u"\r");
  const std::string long_text =
      HwpParagraph(0, Utf16(std::string(9000, 'x')) + u"\r");  // size in its own word
  for (const uint32_t flags : {0u, 1u}) {
    const std::string file =
        MakeHwp({plain + controls + table + note + header, long_text, last}, flags);
    EXPECT_EQ(
        ReadLines(file, "a.hwp"),
        Lines{"1 첫 문단\n가 나 다-라 마\n칸 하나 칸 둘 둘째 줄\n다음 행\n본문계속\n각주\n글\n" +
              std::string(9000, 'x') + "\n\U00020000끝\n"})
        << "flags " << flags;
  }
}

TEST(Hwp5, RefusedByName) {
  const std::string section = HwpParagraph(0, Utf16("글") + u"\r");
  Check({
      {"password", MakeHwp({section}, 2), "a.hwp", {"0 !password_protected"}},
      {"distribution", MakeHwp({section}, 4), "a.hwp", {"0 !distribution_document"}},
      {"DRM", MakeHwp({section}, 16), "a.hwp", {"0 !drm_protected"}},
      {"HWP 3", "HWP Document File V3.00 \x1A", "a.hwp", {"0 !old_hwp"}},
      {"another version", MakeHwp({section}, 0, 0x06000000), "a.hwp", {"0 !unsupported_feature"}},
      {"no section", MakeHwp({}, 0), "a.hwp", {"0 !damaged_document"}},
      {"a record longer than its section",
       MakeHwp({section.substr(0, section.size() - 1)}, 0),
       "a.hwp",
       {"0 !damaged_document"}},
      {"not deflated", MakeHwp({section}, 0).replace(0, 0, ""), "a.hwp", {"1 글\n"}},
      {"DOC", MakeOle("WordDocument"), "a.doc", {"0 !old_office"}},
      {"XLS", MakeOle("Workbook"), "a.xls", {"0 !old_office"}},
      {"PPT", MakeOle("PowerPoint Document"), "a.ppt", {"0 !old_office"}},
      {"DOCX with a password", MakeOle("EncryptedPackage"), "a.docx", {"0 !password_protected"}},
      {"other OLE", MakeOle("Catalog"), "Thumbs.db", {"0 !unsupported_format"}},
  });
}

// ---- XLSX, PPTX ----

TEST(Xlsx, RowsOfSheetsInOrder) {
  const std::string rels =
      "<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" Target=\"worksheets/s1.xml\"/>"
      "<Relationship Id=\"r2\" Type=\"x/worksheet\" Target=\"/xl/worksheets/s2.xml\"/>"
      "<Relationship Id=\"r3\" Type=\"x/sharedStrings\" "
      "Target=\"sharedStrings.xml\"/></Relationships>";
  const std::string xlsx = MakeZip(
      {{"[Content_Types].xml", "<Types/>"},
       {"xl/workbook.xml",
        "<workbook xmlns:r=\"urn:r\"><sheets><sheet name=\"b\" sheetId=\"2\" r:id=\"r2\"/><sheet "
        "name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"},
       {"xl/_rels/workbook.xml.rels", rels},
       {"xl/sharedStrings.xml",
        "<sst><si><t>공유</t></si><si><r><t>나뉜 "
        "</t></r><r><t>글</t></r><rPh><t>읽기</t></rPh></si>"
        "</sst>"},
       {"xl/worksheets/s1.xml",
        "<worksheet><sheetData><row><c t=\"s\"><v>0</v></c><c><v>12</v></c></row></sheetData>"
        "</worksheet>"},
       {"xl/worksheets/s2.xml",
        "<worksheet><sheetData><row><c t=\"s\"><v>1</v></c><c "
        "t=\"inlineStr\"><is><t>안</t></is></c>"
        "<c t=\"str\"><f>A1</f><v>셈</v></c></row></sheetData></worksheet>"}});
  EXPECT_EQ(ReadLines(xlsx, "a.xlsx"), Lines{"1 나뉜 글 안 셈\n공유 12\n"});
}

TEST(Pptx, SlidesInOrderWithNotes) {
  const auto slide = [](std::string_view text) {
    return "<p:sld xmlns:p=\"urn:p\" xmlns:a=\"urn:a\"><p:sp><p:txBody><a:p><a:r><a:t>" +
           std::string(text) +
           "</a:t></a:r><a:br/><a:r><a:t>줄</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:nvSpPr>"
           "<p:nvPr><p:ph type=\"sldNum\"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:fld "
           "type=\"slidenum\"><a:t>1</a:t></a:fld></a:p></p:txBody></p:sp></p:sld>";
  };
  const std::string pptx = MakeZip(
      {{"[Content_Types].xml", "<Types/>"},
       {"ppt/presentation.xml",
        "<p:presentation xmlns:p=\"urn:p\" xmlns:r=\"urn:r\"><p:sldIdLst><p:sldId id=\"256\" "
        "r:id=\"r2\"/><p:sldId id=\"257\" r:id=\"r1\"/></p:sldIdLst></p:presentation>"},
       {"ppt/_rels/presentation.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/slide\" Target=\"slides/slide1.xml\"/>"
        "<Relationship Id=\"r2\" Type=\"x/slide\" Target=\"slides/slide2.xml\"/></Relationships>"},
       {"ppt/slides/slide1.xml", slide("하나")},
       {"ppt/slides/slide2.xml", slide("둘")},
       {"ppt/slides/_rels/slide2.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/notesSlide\" "
        "Target=\"../notesSlides/n.xml\"/></Relationships>"},
       {"ppt/notesSlides/n.xml", slide("발표 노트")}});
  EXPECT_EQ(ReadLines(pptx, "a.pptx"), Lines{"1 둘 줄\n발표 노트 줄\n하나 줄\n"});
}

// ---- containers ----

TEST(Containers, EveryMemberIsARecordWithItsPlace) {
  const std::string inner = MakeZip({{"문서.docx", MakeDocx(P("안쪽"))}, {"b.txt", "일반 글"}});
  const std::string zip = MakeZip({{"folder/", ""},
                                   {"folder/a.jsonl", "{\"text\":\"가\"}\n\n{\"id\":1}\n"},
                                   {"inner.zip", inner},
                                   {"t.csv", "text\n나\n"},
                                   {"c.txt.gz", Gzip("눌린 글")},
                                   {"image.png", "\x89PNG\r\n\x1A\n"},
                                   {"empty.txt", ""}});
  EXPECT_EQ(
      ReadLines(zip, "a.zip"),
      (Lines{"1 @folder/a.jsonl:1 가", "2 @folder/a.jsonl:3 !no_text",
             "3 @inner.zip/문서.docx 안쪽\n", "4 @inner.zip/b.txt 일반 글", "5 @t.csv:1 나",
             "6 @c.txt.gz 눌린 글", "7 @image.png !unsupported_format", "8 @empty.txt !no_text"}));
  EXPECT_EQ(ReadLines(MakeTar({{"./a.txt", "가"}, {"b/c.txt", "나"}}), "a.tar"),
            (Lines{"1 @a.txt 가", "2 @b/c.txt 나"}));
  EXPECT_EQ(ReadLines(Gzip(MakeTar({{"a.txt", "가"}})), "a.tar.gz"), Lines{"1 @a.txt 가"});
  EXPECT_EQ(ReadLines(Gzip(testing::Zstd("두 번 눌린 글")), "a.txt.zst.gz"),
            Lines{"1 두 번 눌린 글"});
}

TEST(Containers, NamesWithoutAFlagAreCp949) {
  const std::string zip = MakeZip({{Encode("한글/똠.txt", "windows-949"), "글"}});
  EXPECT_EQ(ReadLines(zip, "a.zip"), Lines{"1 @한글/똠.txt 글"});
}

TEST(Containers, ForeignArchivesAreRefusedByName) {
  Check({
      {"7z", "7z\xBC\xAF\x27\x1C\0\4"s, "a.7z", {"0 !foreign_archive"}},
      {"alz", "ALZ\1\n\0\0\0"s, "a.alz", {"0 !foreign_archive"}},
      {"egg", "EGGA\0\1"s, "a.egg", {"0 !foreign_archive"}},
      {"rar", "Rar!\x1A\x07\1\0"s, "a.rar", {"0 !foreign_archive"}},
  });
}

// ---- PDF, after the words are known ----

PdfPage Page(const std::vector<std::pair<double, std::string>>& lines) {
  PdfPage page{595, 842, {}};
  for (const auto& [y, text] : lines) {
    double x = 70;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(' ', at), text.size());
      PdfWord word;
      word.text = text.substr(at, end - at);
      word.x0 = x;
      x += 10.0 * static_cast<double>(CountCodePoints(word.text));
      word.x1 = x;
      word.y0 = y;
      word.y1 = y + 10;
      word.space_after = end < text.size();
      page.words.push_back(word);
      x += 3;
      at = end + 1;
    }
  }
  return page;
}

TEST(PdfLayout, LinesThatCouldNotHoldTheNextWordGoOn) {
  // 가나다라 would have fitted after 둘째: a new paragraph.
  EXPECT_EQ(
      ComposePdf({Page({{100, "가나다라마바사아자차 카타파하가나다라마바"},
                        {115, "가나다라마바사아자차 카타파하가나다라마바"},
                        {130, "둘째"},
                        {145, "가나다라 마바사"}})}),
      "가나다라마바사아자차 카타파하가나다라마바 가나다라마바사아자차 카타파하가나다라마바 둘째\n"
      "가나다라 마바사\n");
}

TEST(PdfLayout, HeadersFootersAndNumbersGo) {
  std::vector<PdfPage> pages;
  for (int i = 1; i <= 4; ++i) {
    pages.push_back(Page({{30, "머리말 제" + std::to_string(i) + "호"},
                          {300, std::string("본문 ") + static_cast<char>('a' + i)},
                          {800, "- " + std::to_string(i) + " -"}}));
  }
  // What is left goes on from page to page.
  EXPECT_EQ(ComposePdf(pages), "본문 b 본문 c 본문 d 본문 e\n");
}

TEST(PdfLayout, LatinHyphensGo) {
  EXPECT_EQ(ComposePdf({Page({{100, "abcdefghijklmnopqrstuvwxyz corpo-"}, {115, "ration"}})}),
            "abcdefghijklmnopqrstuvwxyz corporation\n");
}

}  // namespace
}  // namespace jangbu::ingest
