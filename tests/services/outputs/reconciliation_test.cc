// Files of a bank and of a gateway beside the books: every finding by a row of a table, then a
// thousand months from a seed with one thing wrong in each, then the command against a server.

#include "services/outputs/reconciliation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "services/outputs/csv_reader.h"
#include "services/outputs/statement_document.h"
#include "tests/services/outputs/programme.h"

namespace jangbu::services {
namespace {

using outputs::Call;
using outputs::Finding;
using outputs::MeterRow;
using outputs::Payout;
using outputs::Reconciliation;
using ::testing::HasSubstr;

std::string Text(const Reconciliation& result) {
  std::string out = std::to_string(result.matched) + " matched;";
  for (const Finding& finding : result.findings) {
    out += " " + std::to_string(finding.line) + ":" + finding.reason + " " +
           std::to_string(finding.books) + "/" + std::to_string(finding.file);
  }
  return out;
}

TEST(Csv, IsReadAsSpreadsheetsAndBanksWriteIt) {
  struct Row {
    const char* why;
    std::string bytes;
    std::vector<std::vector<std::string>> cells;
  };
  const Row rows[] = {
      {"plain", "a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"no last line end, CRLF", "a,b\r\n1,2", {{"a", "b"}, {"1", "2"}}},
      {"byte order mark", "\xEF\xBB\xBF가,나\n다,라\n", {{"가", "나"}, {"다", "라"}}},
      {"quotes", "a,b\n\"x,\"\"y\"\"\",\"두\n줄\"\n", {{"a", "b"}, {"x,\"y\"", "두\n줄"}}},
      {"blank lines", "\n a \n\n  \n1\n", {{" a "}, {"1"}}},
      {"empty cells are cells", "a,b,c\n,,\n", {{"a", "b", "c"}, {"", "", ""}}},
      {"after a closing quote", "a\n\"x\"y\n", {{"a"}, {"xy"}}},
      {"a carriage return inside", "a\nx\ry\n", {{"a"}, {"x\ry"}}},
      {"CP949", "\xC2\xFC\xC1\xB6,\xB1\xDD\xBE\xD7\nB1,5\n", {{"참조", "금액"}, {"B1", "5"}}},
  };
  for (const Row& row : rows) {
    const auto table = outputs::ReadCsv(row.bytes);
    ASSERT_TRUE(table.ok()) << row.why << ": " << table.status();
    std::vector<std::vector<std::string>> cells = {table->titles.cells};
    for (const outputs::CsvRow& line : table->rows) cells.push_back(line.cells);
    EXPECT_EQ(cells, row.cells) << row.why;
  }
  const std::pair<std::string, const char*> bad[] = {
      {"", "csv_empty"},
      {"\n\n", "csv_empty"},
      {"a\n1\n\"open", "csv_quote_open"},
      {"a\n\xFF\xFF\n", "csv_encoding"},
      {"a\n\x80\n", "csv_encoding"},
      {"a\n\xC2", "csv_encoding"},
      {std::string(300, ','), "csv_too_wide"},
  };
  for (const auto& [bytes, reason] : bad)
    EXPECT_EQ(ReasonOf(outputs::ReadCsv(bytes).status()), reason);
  EXPECT_THAT(std::string(outputs::ReadCsv("a\n1\n\"open").status().message()),
              HasSubstr("line 3"));
  EXPECT_EQ(outputs::ReadCsv("a\n\"x\ny\"\nz\n")->rows[1].line, 4u);
}

TEST(Csv, AmountsOfPeople) {
  const std::pair<const char*, int64_t> good[] = {{"0", 0},
                                                  {"1234", 1'234},
                                                  {" 1,234 ", 1'234},
                                                  {"-1,234,567", -1'234'567},
                                                  {"(1,234)", -1'234},
                                                  {"₩1,234", 1'234},
                                                  {"-₩5", -5},
                                                  {"￦7", 7},
                                                  {"1,234원", 1'234},
                                                  {"KRW 12", 12},
                                                  {"1234.00", 1'234},
                                                  {"+9", 9},
                                                  {"9223372036854775807", INT64_MAX}};
  for (const auto& [text, value] : good) {
    const auto amount = outputs::ReadAmount(text);
    ASSERT_TRUE(amount.ok()) << text;
    EXPECT_EQ(*amount, value) << text;
  }
  for (const char* text : {"", " ", "-", "1.5", "1.", "12,34", "1,2345", ",123", "1234,567", "0x10",
                           "1e3", "--1", "9223372036854775808", "₩", "원", "()", "１２"})
    EXPECT_FALSE(outputs::ReadAmount(text).ok()) << text;
}

std::vector<Payout> SomeBooks() {
  return {{"2026-05", "gaon", "paid", "B1", 500},
          {"2026-05", "hani", "failed", "B2", 300},
          {"2026-05", "narae", "due", "", 200},
          {"2026-05", "saebit", "", "", 0}};
}

TEST(BankReconciliation, EveryFindingHasARow) {
  struct Row {
    const char* why;
    const char* file;
    const char* told;
  };
  const Row rows[] = {
      {"paid, and returned", "B1,500,\nB2,300,\nB2,-300,\n", "2 matched;"},
      {"the return may be missing with the payment", "B1,500,\n", "2 matched;"},
      {"not in the file", "B2,300,\nB2,-300,\n", "1 matched; 0:not_in_file 500/0"},
      {"another amount", "B1,499,\n", "1 matched; 2:amount_differs 500/499"},
      {"twice", "B1,500,\nB1,500,\n", "1 matched; 2:paid_twice 500/1000"},
      {"came back", "B1,500,\nB1,-500,\n", "1 matched; 2:returned_by_bank 500/0"},
      {"the bank paid what the books took back", "B1,500,\nB2,300,\n",
       "1 matched; 3:failed_in_books 0/300"},
      {"of another", "B1,500,hani\n", "1 matched; 2:partner_differs 500/500"},
      {"of the right one", "B1,500,gaon\n", "2 matched;"},
      {"paid without a record", "B1,500,\nB7,200,narae\n", "2 matched; 3:not_recorded 200/200"},
      {"paid again after a failure, not recorded", "B1,500,\nB8,300,hani\n",
       "2 matched; 3:not_recorded 300/300"},
      {"of nobody", "B1,500,\nB9,77,\n", "2 matched; 3:unknown_reference 0/77"},
      {"returned under an older reference", "B1,500,\nB0,300,\nB0,-300,\n", "3 matched;"},
      {"no number, no reference", "B1,500,\nB3,many,\n,5,\n",
       "2 matched; 3:bad_row 0/0 4:bad_row 0/0"},
      {"grouped, with a sign", "B1,\"₩500\",\n", "2 matched;"},
  };
  for (const Row& row : rows) {
    const auto result =
        outputs::ReconcileBank("reference,amount,partner\n" + std::string(row.file), SomeBooks());
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(Text(*result), row.told) << row.why;
  }
  // Kinds in place of signs, in Korean.
  const auto kinds = outputs::ReconcileBank(
      "구분,적요,금액\n지급,B1,500\n지급,B2,300\n반송,B2,300\n취소,B1,5\n지급,B1,-5\n",
      SomeBooks());
  ASSERT_TRUE(kinds.ok());
  EXPECT_EQ(Text(*kinds), "2 matched; 5:bad_row 0/0 6:bad_row 0/0");
  EXPECT_EQ(kinds->file_amount, 500);
  EXPECT_EQ(kinds->books_amount, 500);
  EXPECT_EQ(ReasonOf(outputs::ReconcileBank("a,b\n", SomeBooks()).status()), "column_missing");
  std::vector<Payout> shared = SomeBooks();
  shared[1].state = "paid";
  shared[1].reference = "B1";
  EXPECT_EQ(Text(*outputs::ReconcileBank("reference,amount\nB1,800\n", shared)),
            "0 matched; 2:reference_shared 500/800 2:reference_shared 300/800");
}

const std::vector<Call> kCalls = {
    {.partner = "gaon", .id = "c1", .reservation = "", .kind = "consume", .tokens = 70},
    {.partner = "gaon", .id = "r2", .reservation = "", .kind = "reserve", .tokens = 50},
    {.partner = "gaon", .id = "c2", .reservation = "r2", .kind = "commit", .tokens = 40},
    {.partner = "gaon", .id = "r3", .reservation = "", .kind = "reserve", .tokens = 9},
    {.partner = "gaon", .id = "x3", .reservation = "r3", .kind = "release"},
    {.partner = "gaon", .id = "r4", .reservation = "", .kind = "reserve", .tokens = 8},
    {.partner = "hani",
     .id = "c1",
     .reservation = "",
     .kind = "consume",
     .tokens = 5,
     .journal_index = 12},
};

std::vector<MeterRow> MeterRows(const std::string& file) {
  auto rows = *outputs::ReadMeter("partner,id,tokens\n" + file, "");
  for (MeterRow& row : rows) row.mac = row.id;  // the server's names are its own in this test
  return rows;
}

TEST(MeterReconciliation, EveryFindingHasARow) {
  struct Row {
    const char* why;
    const char* file;
    const char* told;
  };
  const Row rows[] = {
      {"all, by the commit's id", "gaon,c1,70\ngaon,c2,40\nhani,c1,5\n", "3 matched;"},
      {"all, by the reservation's id", "hani,c1,5\ngaon,r2,40\ngaon,c1,70\n", "3 matched;"},
      {"one by both", "gaon,c1,70\ngaon,c2,40\ngaon,r2,40\nhani,c1,5\n",
       "3 matched; 4:twice_in_file 40/40"},
      {"other tokens", "gaon,c1,71\ngaon,c2,40\nhani,c1,5\n", "2 matched; 2:tokens_differ 70/71"},
      {"not in the file", "gaon,c1,70\ngaon,c2,40\n", "2 matched; 0:not_in_file 5/0"},
      {"released, held, unknown",
       "gaon,c1,70\ngaon,c2,40\nhani,c1,5\ngaon,r3,9\ngaon,r4,8\nhani,c2,40\n",
       "3 matched; 5:released 0/9 6:not_committed 0/8 7:unknown_id 0/40"},
      {"no tokens, no id", "gaon,c1,70\ngaon,c2,40\nhani,c1,5\nhani,z,-1\nhani,,1\n,c1,3\n",
       "3 matched; 5:bad_row 0/0 6:bad_row 0/0 7:bad_row 0/0"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(Text(outputs::ReconcileMeter(MeterRows(row.file), kCalls)), row.told) << row.why;
  const auto other = outputs::ReadMeter("partner,id,tokens\nhani,c1,5\n", "gaon");
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(other->empty()) << "rows of others are left out";
  EXPECT_EQ(ReasonOf(outputs::ReadMeter("id,tokens\na,1\n", "").status()), "column_missing");
}

// A month whose file is true matches whole; with one thing wrong exactly that is found.
TEST(BankReconciliation, OneDefectIsOneFinding) {
  const char* more = std::getenv("JANGBU_RECONCILE_SEEDS");
  const uint64_t seeds = more != nullptr ? std::strtoull(more, nullptr, 10) : 1'000;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 rng(seed);
    std::vector<Payout> books;
    std::vector<std::pair<std::string, int64_t>> file;
    const size_t partners = 2 + rng() % 20;
    int64_t paid = 0;
    for (size_t i = 0; i < partners; ++i) {
      const std::string name = "p" + std::to_string(i);
      const auto won = static_cast<int64_t>(1'000 + rng() % 1'000'000);
      Payout payout{"2026-05", name, "paid", "R" + std::to_string(i), won};
      if (i > 0 && rng() % 4 == 0) {
        payout.state = "failed";
        file.emplace_back(payout.reference, won);
        file.emplace_back(payout.reference, -won);
      } else {
        if (rng() % 4 == 0) {  // an attempt before, that came back
          file.emplace_back("O" + std::to_string(i), won);
          file.emplace_back("O" + std::to_string(i), -won);
        }
        file.emplace_back(payout.reference, won);
        paid += won;
      }
      books.push_back(payout);
    }
    const uint64_t defect = rng() % 5;  // of the first payout, which is paid
    const auto first =
        std::find_if(file.begin(), file.end(), [](const auto& row) { return row.first == "R0"; });
    std::string reason;
    if (defect == 1) {
      file.erase(first);
      reason = "not_in_file";
    } else if (defect == 2) {
      ++first->second;
      reason = "amount_differs";
    } else if (defect == 3) {
      file.emplace_back(*first);
      reason = "paid_twice";
    } else if (defect == 4) {
      file.emplace_back("R0", -first->second);
      reason = "returned_by_bank";
    }
    std::shuffle(file.begin(), file.end(), rng);
    std::string csv = "amount,reference\r\n";
    for (const auto& [reference, won] : file)
      csv += "\"" + outputs::AmountText(won, false) + "\"," + reference + "\r\n";
    const auto result = outputs::ReconcileBank(csv, books);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->books_amount, paid);
    if (defect == 0) {
      EXPECT_THAT(result->findings, ::testing::IsEmpty()) << Text(*result);
      EXPECT_EQ(result->matched_amount, paid);
      EXPECT_EQ(result->file_amount, paid);
    } else {
      ASSERT_EQ(result->findings.size(), 1u) << Text(*result);
      EXPECT_EQ(result->findings[0].reason, reason);
      EXPECT_EQ(result->findings[0].partner, "p0");
    }
  }
}

// By the command, against what the programme really paid and used.
TEST(Reconciliation, ByTheCommand) {
  Programme p;
  const auto payout = [&](const std::string& partner) {
    const std::string json =
        p.Must("finance", {"statement", "2026-05", "--partner", partner, "--json"});
    const size_t at = json.find("\"payout_won\":");
    return std::to_string(std::atoll(json.c_str() + at + 13));
  };
  const std::string bank = p.Path("bank.csv");
  const auto write = [&](const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  };
  const std::string hani = payout("hani-sinmun");
  const std::string whole = "참조,금액,파트너사\nB-0001," + payout("gaon") + ",gaon\nB-0002," +
                            hani + ",hani-sinmun\nB-0002,-" + hani + ",hani-sinmun\nB-0005," +
                            hani + ",hani-sinmun\nB-0003," + payout("saebit") + ",saebit\n";
  write(bank, whole);
  const std::string all = p.Must("finance", {"reconcile", "bank", bank, "--json"});
  EXPECT_THAT(all, HasSubstr("\"rows\":5,\"matched\":4,"));
  EXPECT_THAT(all, HasSubstr("\"findings\":[]"));
  write(bank, whole + "B-0009," + payout("narae") + ",narae\n");
  const Told more = p.Run("auditor", {"reconcile", "bank", bank, "--period", "2026-05"});
  EXPECT_EQ(more.code, 1) << more.err;
  EXPECT_THAT(more.out, HasSubstr("close pay로 기록하십시오"));
  EXPECT_EQ(p.Run("gaon", {"reconcile", "bank", bank}).code, 5);
  EXPECT_EQ(p.Run("finance", {"reconcile", "bank", p.Path("nothing.csv")}).code, 2);

  const std::string meter = p.Path("meter.csv");
  write(meter,
        "id,partner,tokens\nmay-1,hani-sinmun,700\nmay-2,hani-sinmun,321\n"
        "may-3,gaon,2500000\n");
  const std::string matched =
      p.Must("auditor", {"reconcile", "meter", meter, "--period", "2026-05", "--json"});
  EXPECT_THAT(matched, HasSubstr("\"rows\":3,\"matched\":3,\"matched_amount\":2501021,"
                                 "\"books_amount\":2501021,\"file_amount\":2501021"));
  write(meter,
        "id,partner,tokens\nmay-1,hani-sinmun,701\nmay-4,saebit,90\njune-1,gaon,1000\n"
        "may-2c,hani-sinmun,321\nx,nobody,1\n");
  const Told unmatched =
      p.Run("finance", {"reconcile", "meter", meter, "--period", "2026-05", "--json"});
  EXPECT_EQ(unmatched.code, 1);
  for (const char* finding :
       {"{\"reason\":\"tokens_differ\",\"line\":2,\"partner_id\":\"hani-sinmun\"",
        "{\"reason\":\"released\",\"line\":3,\"partner_id\":\"saebit\"",
        "{\"reason\":\"unknown_id\",\"line\":4,\"partner_id\":\"gaon\"",
        "{\"reason\":\"bad_row\",\"line\":6,\"partner_id\":\"nobody\"",
        "{\"reason\":\"not_in_file\",\"line\":0,\"partner_id\":\"gaon\""})
    EXPECT_THAT(unmatched.out, HasSubstr(finding));
  EXPECT_EQ(p.Run("gateway", {"reconcile", "meter", meter, "--period", "2026-05"}).code, 5);
}

}  // namespace
}  // namespace jangbu::services
