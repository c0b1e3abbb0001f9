// Statements as people get them: text, CSV, XLSX, PDF, by the command against a server; read back
// with the programs of others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/outputs/statement_document.h"
#include "tests/services/outputs/programme.h"

namespace jangbu::services {
namespace {

namespace v1 = ::jangbu::v1;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The integer of a field in a line of JSON.
int64_t Field(const std::string& json, const std::string& name) {
  const size_t at = json.find("\"" + name + "\":");
  return at == std::string::npos ? -1 : std::atoll(json.c_str() + at + name.size() + 3);
}

class Statements : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { programme_ = new Programme(); }
  static void TearDownTestSuite() {
    delete programme_;
    programme_ = nullptr;
  }
  static Programme& p() { return *programme_; }
  // A statement in a file; its path. Kept for a look when JANGBU_KEEP_OUTPUTS names a folder.
  static std::string Make(const std::string& who, const std::string& name,
                          const std::string& period = "2026-05", const std::string& lang = "ko") {
    const char* keep = std::getenv("JANGBU_KEEP_OUTPUTS");
    const std::string path = keep != nullptr ? std::string(keep) + "/" + name : p().Path(name);
    p().Must(who, {"statement", period, "-o", path, "--lang", lang});
    return path;
  }
  static Programme* programme_;
};
Programme* Statements::programme_ = nullptr;

TEST_F(Statements, SayWhatTheMonthBroughtUsedAndLeft) {
  const std::string json = p().Must("hani-sinmun", {"statement", "2026-05", "--json"});
  const std::string text = p().Must("hani-sinmun", {"statement", "2026-05"});
  EXPECT_THAT(text, StartsWith("2026년 5월 참여 명세서\n"));
  EXPECT_THAT(text, HasSubstr("하니신문"));
  EXPECT_THAT(text, HasSubstr("2026-05-01 ~ 2026-05-31 (서울)"));
  EXPECT_THAT(text, HasSubstr("-1,021")) << "consumed 700, committed 321 of 500";
  EXPECT_THAT(text, HasSubstr(outputs::AmountText(Field(json, "share_won"), true)));
  EXPECT_THAT(text, HasSubstr("부가가치세 10%"));
  EXPECT_THAT(text, HasSubstr(outputs::AmountText(Field(json, "vat_won"), true)));
  EXPECT_GT(Field(json, "vat_won"), 0);
  EXPECT_THAT(text, HasSubstr(outputs::AmountText(
                        Field(json, "payout_won") + Field(json, "vat_won"), true)));
  const std::string english = p().Must("hani-sinmun", {"statement", "2026-05", "--lang", "en"});
  EXPECT_THAT(english, StartsWith("Statement of 2026-05\n"));
  // June: the payment, its return, the payment again.
  const std::string june = p().Must("hani-sinmun", {"statement", "2026-06"});
  EXPECT_THAT(june, HasSubstr("은행에서 반송"));
  EXPECT_THAT(june, HasSubstr("이 달의 매출 배분은 아직 정산되지 않았습니다."));
  // July goes on.
  EXPECT_THAT(p().Must("gaon", {"statement", "2026-07"}), HasSubstr("(진행 중)"));
}

TEST_F(Statements, CsvIsForExcelAndHoldsNoFormula) {
  const std::string csv = BytesOf(Make("narae", "narae.csv"));
  EXPECT_THAT(csv, StartsWith("\xEF\xBB\xBF구분,부호,항목,단위,값\r\n"));
  EXPECT_THAT(csv, HasSubstr("statement,fact,파트너사,,\"'=나래, \"\"글\"\" 모임\"\r\n"));
  EXPECT_THAT(csv, Not(HasSubstr(",=")));
  const std::string json = p().Must("narae", {"statement", "2026-05", "--json"});
  EXPECT_THAT(csv, HasSubstr("close,payout,이 달 매출 배분의 정산 / 지급액 (이월분 포함),won," +
                             std::to_string(Field(json, "payout_won")) + "\r\n"));
  EXPECT_EQ(BytesOf(Make("narae", "narae-again.csv")), csv);
}

TEST(StatementText, CellsAndAmounts) {
  const std::pair<const char*, const char*> cells[] = {
      {"", ""},
      {"글", "글"},
      {"=1+1", "'=1+1"},
      {"+82-2", "'+82-2"},
      {"-5", "'-5"},
      {"@SUM(A1)", "'@SUM(A1)"},
      {"\tx", "'\tx"},
      {"\rx", "\"'\rx\""},
      {"＝1", "'＝1"},
      {"가,나", "\"가,나\""},
      {"가\"나", "\"가\"\"나\""},
      {"두\n줄", "\"두\n줄\""},
      {"=\"a\",b", "\"'=\"\"a\"\",b\""},
  };
  for (const auto& [text, cell] : cells) EXPECT_EQ(outputs::CsvCell(text), cell);
  EXPECT_EQ(outputs::AmountText(0, true), "₩0");
  EXPECT_EQ(outputs::AmountText(999, false), "999");
  EXPECT_EQ(outputs::AmountText(-1'000, true), "-₩1,000");
  EXPECT_EQ(outputs::AmountText(INT64_MAX, false), "9,223,372,036,854,775,807");
  EXPECT_EQ(outputs::AmountText(INT64_MIN, true), "-₩9,223,372,036,854,775,808");
}

TEST_F(Statements, XlsxIsTheSameBytesAndReadsBack) {
  const std::string file = Make("narae", "narae.xlsx");
  EXPECT_EQ(BytesOf(Make("narae", "narae-again.xlsx")), BytesOf(file));
  const std::string json = p().Must("narae", {"statement", "2026-05", "--json"});
  const Told read = Shell(
      "PYTHONIOENCODING=utf-8 /usr/bin/python3 -c '\n"
      "import sys, openpyxl\n"
      "for row in openpyxl.load_workbook(sys.argv[1]).active.iter_rows():\n"
      "    for cell in row:\n"
      "        if cell.value is not None:\n"
      "            print(cell.coordinate[0], cell.data_type, cell.value, cell.number_format, "
      "sep=\"|\")\n' " +
      file);
  ASSERT_EQ(read.code, 0) << read.out;
  EXPECT_THAT(read.out, HasSubstr("A|s|2026년 5월 참여 명세서|"));
  EXPECT_THAT(read.out, HasSubstr("B|s|=나래, \"글\" 모임|")) << "a string, not a formula";
  EXPECT_THAT(read.out, Not(HasSubstr("|f|")));
  EXPECT_THAT(read.out, HasSubstr("B|n|" + std::to_string(Field(json, "payout_won")) +
                                  "|\"₩\"#,##0;-\"₩\"#,##0\n"));
  EXPECT_THAT(read.out, HasSubstr("B|n|" + std::to_string(Field(json, "vat_won")) + "|"));
}

TEST_F(Statements, PdfIsTheSameBytesInEmbeddedFontsAndItsTextIsExact) {
  const std::string file = Make("saebit", "saebit.pdf");
  Make("hani-sinmun", "hani-june.pdf", "2026-06");
  Make("narae", "narae-en.pdf", "2026-05", "en");
  EXPECT_EQ(BytesOf(Make("saebit", "saebit-again.pdf")), BytesOf(file));
  const std::string json = p().Must("saebit", {"statement", "2026-05", "--json"});
  const Told text = Shell("pdftotext -layout -enc UTF-8 " + file + " -");
  ASSERT_EQ(text.code, 0) << text.out;
  EXPECT_THAT(text.out, HasSubstr("2026년 5월 참여 명세서"));
  EXPECT_THAT(text.out, HasSubstr("새빛 도서관"));
  for (const char* field : {"share_won", "payout_won", "vat_won"})
    EXPECT_THAT(text.out, HasSubstr(outputs::AmountText(Field(json, field), true))) << field;
  const Told fonts = Shell("pdffonts " + file);
  EXPECT_THAT(fonts.out, HasSubstr("+NanumGothic"));
  EXPECT_THAT(fonts.out, Not(HasSubstr(" no  "))) << "a font that is not embedded:\n" << fonts.out;
  const Told info = Shell("TZ=UTC pdfinfo " + file);
  EXPECT_THAT(info.out, HasSubstr("Sun May 31 15:00:00 2026")) << "the period's end, no clock";
  EXPECT_THAT(info.out, HasSubstr("A4"));
}

TEST_F(Statements, APartnerGetsItsOwnAlone) {
  for (const char* format : {"text", "json", "csv"}) {
    const Told other =
        p().Run("gaon", {"statement", "2026-05", "--partner", "saebit", "--format", format});
    EXPECT_EQ(other.code, 4) << other.err;
    EXPECT_EQ(other.out, "");
    EXPECT_EQ(
        p().Run("gaon", {"statement", "2026-05", "--partner", "nobody", "--format", format}).code,
        4);
    EXPECT_EQ(
        p().Run("gateway", {"statement", "2026-05", "--partner", "gaon", "--format", format}).code,
        5);
    EXPECT_EQ(
        p().Must("finance", {"statement", "2026-05", "--partner", "gaon", "--format", format}),
        p().Must("gaon", {"statement", "2026-05", "--format", format}));
  }
  EXPECT_EQ(p().Run("gaon", {"statement", "2026-05", "--format", "pdf"}).code, 2) << "no file";
  const Told nowhere =
      p().Run("gaon", {"statement", "2026-05", "-o", p().Path("no/such/folder/a.xlsx")});
  EXPECT_EQ(nowhere.code, 2) << nowhere.err;
}

// More than a page goes on the next, under the right number; a sign that no font has is an error,
// not a box.
TEST(StatementPdf, BreaksPagesAndMissesNoSign) {
  v1::GetStatementResponse statement;
  statement.set_partner_id("gaon");
  statement.set_partner_name("가온 출판사와 여러 벗들이 함께 펴내는 아주 긴 이름의 모임 " +
                             std::string(120, 'x'));
  statement.set_period("2026-05");
  auto document = *outputs::DocumentOf(statement, true);
  const std::vector<outputs::StatementSection> sections = document.sections;
  for (int i = 0; i < 4; ++i)
    document.sections.insert(document.sections.end(), sections.begin(), sections.end());
  const auto pdf = outputs::PdfOf(document);
  ASSERT_TRUE(pdf.ok()) << pdf.status();
  EXPECT_EQ(*outputs::PdfOf(document), *pdf);
  const char* keep = std::getenv("JANGBU_KEEP_OUTPUTS");
  const std::string file =
      (keep != nullptr ? std::string(keep) : ::testing::TempDir()) + "/long-statement.pdf";
  std::ofstream(file, std::ios::binary) << *pdf;
  const Told text = Shell("pdftotext -layout -enc UTF-8 " + file + " -");
  for (const char* page : {"1/4\n", "2/4\n", "4/4\n"}) EXPECT_THAT(text.out, HasSubstr(page));
  if (keep == nullptr) std::remove(file.c_str());
  document.partner_name = "\xF3\xB0\x80\x80";  // U+F0000, of nobody's font
  EXPECT_EQ(ReasonOf(outputs::PdfOf(document).status()), "font_missing");
}

// What a server says that does not add up is not handed out.
TEST(StatementDocument, RefusesWhatDoesNotAddUp) {
  v1::GetStatementResponse statement;
  statement.set_partner_id("gaon");
  statement.set_period("2026-02");
  v1::StatementLine& available = *statement.add_lines();
  available.set_account("entitlement_available");
  available.set_asset("api_tokens");
  available.set_opening(100);
  available.set_closing(70);
  v1::StatementMovement& used = *available.add_movements();
  used.set_code("entitlement_reserved");
  used.set_amount(-40);
  v1::StatementLine& reserved = *statement.add_lines();
  reserved.set_account("entitlement_reserved");
  reserved.set_asset("api_tokens");
  reserved.set_closing(40);
  v1::StatementMovement& held = *reserved.add_movements();
  held.set_code("entitlement_reserved");
  held.set_amount(40);
  EXPECT_EQ(ReasonOf(outputs::DocumentOf(statement, true).status()), "statement_does_not_add_up");
  v1::StatementMovement& later = *available.add_movements();
  later.set_code("something_later");
  later.set_amount(10);
  const auto document = outputs::DocumentOf(statement, false);
  ASSERT_TRUE(document.ok()) << document.status();
  std::vector<std::string> rows;
  for (const outputs::StatementRow& row : document->sections[2].rows)
    rows.push_back(row.code + " " + std::to_string(row.amounts[0]));
  EXPECT_THAT(rows, ::testing::ElementsAre("opening 100", "granted 0", "used 0", "expired 0",
                                           "something_later 10", "closing 110",
                                           "closing.entitlement_available 70",
                                           "closing.entitlement_reserved 40"));
  EXPECT_EQ(document->facts[2].second, "2026-02-01 ~ 2026-02-28 (Seoul)");
  available.set_opening(INT64_MAX);
  reserved.set_opening(1);
  EXPECT_EQ(ReasonOf(outputs::DocumentOf(statement, true).status()), "statement_does_not_add_up");
}

}  // namespace
}  // namespace jangbu::services
