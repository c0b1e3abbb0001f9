// What finance hands out as files, made by the command against a server, and read by others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "ledger/statement.h"
#include "services/outputs/foreign_ledger.h"
#include "services/wire/convert.h"
#include "tests/services/outputs/programme.h"

namespace jangbu::services {
namespace {

namespace v1 = ::jangbu::v1;
using ::testing::HasSubstr;
using ::testing::Not;

class Outputs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { programme_ = new Programme(); }
  static void TearDownTestSuite() {
    delete programme_;
    programme_ = nullptr;
  }
  static Programme& p() { return *programme_; }
  static Programme* programme_;
};
Programme* Outputs::programme_ = nullptr;

// What the books hold, as hledger calls it: account and commodity → debits less credits, zeros left
// out.
using Held = std::map<std::pair<std::string, std::string>, int64_t>;

Held HeldByBooks(Jangbu& jangbu, std::optional<Timestamp> at) {
  Held held;
  jangbu.ReadBooks([&](const ledger::Books& books) {
    for (size_t i = 0; i < books.ledger().account_count(); ++i) {
      const ledger::Account& account = books.ledger().account(i);
      const ledger::AccountName name = ledger::NameOfAccount(account.id);
      const ledger::PartnerRecord* partner = books.FindPartner(name.partner);
      std::string called = partner == nullptr ? "programme:" : "partners:" + partner->id + ":";
      called += name.role == ledger::AccountRole::kProgramme ? "source" : wire::NameOf(name.role);
      const int64_t net =
          at.has_value()
              ? books.ledger().BalancesAt(account.id, *at).value_or(ledger::Balances{}).net()
              : account.balances.net();
      const std::string asset(ledger::NameOfAsset(account.asset));
      if (net != 0) held[{called, asset == "won" ? "KRW" : asset}] = -net;
    }
  });
  return held;
}

Held HeldByHledger(const std::string& file) {
  const Told told = Shell("hledger -f " + file + " balance --flat --no-total -O csv");
  EXPECT_EQ(told.code, 0) << told.out;
  Held held;
  std::istringstream lines(told.out);
  std::string line;
  std::getline(lines, line);  // titles
  while (std::getline(lines, line)) {
    // "account","5 KRW, -12 korean_tokens"
    const size_t comma = line.find("\",\"");
    if (comma == std::string::npos) {
      ADD_FAILURE() << line;
      continue;
    }
    const std::string account = line.substr(1, comma - 1);
    std::string amounts = line.substr(comma + 3);
    amounts.pop_back();
    std::istringstream words(amounts);
    std::string number;
    std::string commodity;
    while (words >> number >> commodity) {
      if (commodity.ends_with(',')) commodity.pop_back();
      held[{account, commodity}] = std::stoll(number);
    }
  }
  return held;
}

TEST_F(Outputs, HledgerAddsTheJournalUpToWhatTheBooksHold) {
  const std::string file = p().Path("all.journal");
  p().Must("auditor", {"ledger", "export", "-o", file});
  const Told check = Shell("hledger -f " + file + " check --strict ordereddates");
  ASSERT_EQ(check.code, 0) << check.out;
  const Held by_books = HeldByBooks(p().installation().jangbu(), std::nullopt);
  EXPECT_EQ(HeldByHledger(file), by_books);
  // It is a programme in which something of everything has happened.
  EXPECT_GE(by_books.size(), 20u);
  for (const char* role : {"payable", "paid", "confirmed", "entitlement_spent", "billed"}) {
    EXPECT_TRUE(std::any_of(by_books.begin(), by_books.end(), [&](const auto& row) {
      return row.first.first.ends_with(role);
    })) << role;
  }
  // What people are shown is the same again.
  const std::string balance = p().Must("auditor", {"balance", "--partner", "gaon", "--json"});
  EXPECT_THAT(
      balance,
      HasSubstr("\"confirmed_korean_tokens\":" +
                std::to_string(-by_books.at({"partners:gaon:confirmed", "korean_tokens"}))));
  // Every transfer is there once, under its id.
  const std::string text = BytesOf(file);
  const std::string rows = p().Must("auditor", {"ledger", "export", "--json"});
  const auto count = [](const std::string& in, const std::string& what) {
    int n = 0;
    for (size_t at = 0; (at = in.find(what, at)) != std::string::npos; at += what.size()) ++n;
    return n;
  };
  EXPECT_EQ(count(text, "; entry: "), count(rows, "\n"));
}

TEST_F(Outputs, APeriodOpensWithWhatWasBefore) {
  const std::string may = p().Path("may.journal");
  const std::string june = p().Path("june.journal");
  p().Must("finance", {"ledger", "export", "--period", "2026-05", "-o", may});
  p().Must("finance", {"ledger", "export", "--period", "2026-06", "-o", june});
  for (const auto& [file, period] : {std::pair{may, 202605U}, std::pair{june, 202606U}}) {
    const Told check = Shell("hledger -f " + file + " check --strict ordereddates");
    EXPECT_EQ(check.code, 0) << check.out;
    EXPECT_EQ(HeldByHledger(file),
              HeldByBooks(p().installation().jangbu(), ledger::LastInstantOf(period)));
  }
  EXPECT_THAT(BytesOf(may), Not(HasSubstr("opening balances")));
  EXPECT_THAT(BytesOf(june), HasSubstr("2026-06-01 * opening balances"));
  EXPECT_EQ(p().Run("finance", {"ledger", "export", "--period", "2026-13"}).code, 1);
}

TEST_F(Outputs, TheExportIsTheSameBytesEachTimeAndOneChangedAmountIsFound) {
  const std::string first = p().Must("auditor", {"ledger", "export"});
  EXPECT_EQ(p().Must("operator", {"ledger", "export", "--lang", "en"}), first);
  std::string forged = first;
  const size_t at = forged.find("partners:gaon:payable  -");
  ASSERT_NE(at, std::string::npos);
  char& digit = forged[at + 24];
  digit = digit == '1' ? '2' : '1';
  const std::string file = p().Path("forged.journal");
  std::ofstream(file) << forged;
  EXPECT_NE(Shell("hledger -f " + file + " check").code, 0);
}

TEST_F(Outputs, BeancountTextNamesTheSame) {
  const std::string text = p().Must("auditor", {"ledger", "export", "--format", "beancount"});
  EXPECT_THAT(text, HasSubstr(" open Liabilities:Partners:P-hani-sinmun:Entitlement-Available "
                              "API-TOKENS\n"));
  EXPECT_THAT(text, HasSubstr(" open Equity:Programme:Source "));
  EXPECT_THAT(text, HasSubstr(" balance Liabilities:Partners:P-gaon:Paid  "));
  const char* keep = std::getenv("JANGBU_KEEP_OUTPUTS");
  if (keep != nullptr) std::ofstream(std::string(keep) + "/all.beancount") << text;
}

TEST_F(Outputs, TheJournalOfAllIsNotForPartnersNorForTheGateway) {
  for (const char* who : {"gaon", "gateway", "trainer"})
    EXPECT_EQ(p().Run(who, {"ledger", "export"}).code, 5) << who;
}

// A server that lies does not get its lies into the file.
TEST(ForeignLedgerText, RefusesWhatDoesNotAddUpOrIsNoName) {
  const auto page = [] {
    v1::ListJournalResponse first;
    first.set_log_origin("o\n2026-01-01 lie");
    for (const char* name : {"programme/won", "a1/payable/won"}) {
      v1::JournalAccount& account = *first.add_accounts();
      account.set_account(name);
      account.set_asset("won");
      account.set_closing(name[0] == 'p' ? -5 : 5);
    }
    v1::Transfer& transfer = *first.add_transfers();
    transfer.set_transfer_id("00ff");
    transfer.set_asset("won");
    transfer.set_code("share");
    transfer.set_debit_account("programme/won");
    transfer.set_credit_account("a1/payable/won");
    transfer.set_amount(5);
    transfer.set_at_micros(1'780'000'000'000'000);
    first.set_transfers_in_all(1);
    return first;
  };
  const auto made = [](const v1::ListJournalResponse& first) -> StatusOr<std::string> {
    std::string out;
    outputs::ForeignLedger journal(outputs::ForeignFormat::kHledger, "", first);
    JANGBU_RETURN_IF_ERROR(journal.Head(out));
    JANGBU_RETURN_IF_ERROR(journal.Add(first.transfers(0), out));
    JANGBU_RETURN_IF_ERROR(journal.Foot(out));
    return out;
  };
  const auto good = made(page());
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(*good,
            "; The journal of o?2026-01-01 lie, from its beginning: 1 transfers.\n"
            "; Debits are positive: what a partner holds is negative. Dates are Seoul's.\n"
            "\n"
            "commodity 1000. KRW\n"
            "\n"
            "account programme:source  ; type: E\n"
            "account partners:a1:payable  ; type: L\n"
            "\n"
            "2026-05-29 * (00ff) share  ; entry: 0, at: 2026-05-28T20:26:40.000000Z\n"
            "    programme:source  5 KRW\n"
            "    partners:a1:payable  -5 KRW\n"
            "\n"
            "2026-05-29 * closing balances by the books\n"
            "    programme:source  0 KRW = 5 KRW\n"
            "    partners:a1:payable  0 KRW = -5 KRW\n");
  const auto reason = [&](auto change) {
    v1::ListJournalResponse first = page();
    change(first);
    return std::string(ReasonOf(made(first).status()));
  };
  EXPECT_EQ(reason([](auto& f) { f.mutable_accounts(1)->set_closing(6); }),
            "journal_does_not_add_up");
  EXPECT_EQ(reason([](auto& f) { f.mutable_accounts(1)->set_account("a1\n/payable/won"); }),
            "bad_answer");
  EXPECT_EQ(reason([](auto& f) { f.mutable_accounts(1)->set_asset("api_tokens"); }), "bad_answer");
  EXPECT_EQ(reason([](auto& f) { f.mutable_transfers(0)->set_code("share\n2026"); }), "bad_answer");
  EXPECT_EQ(reason([](auto& f) { f.mutable_transfers(0)->set_amount(-5); }), "bad_answer");
  EXPECT_EQ(reason([](auto& f) { f.mutable_transfers(0)->set_credit_account("b/paid/won"); }),
            "bad_answer");
}

}  // namespace
}  // namespace jangbu::services
