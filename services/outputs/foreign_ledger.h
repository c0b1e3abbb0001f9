#pragma once

// The journal's transfers as text that another ledger program adds up: hledger's journal format
// (hledger.org/1.25/hledger.html#journal-format) and Beancount's (beancount.github.io, syntax of
// v2).
//
//   opening    one transaction, when a period has something before it
//   a transfer one transaction of two postings, with its id, its journal entry and its instant
//   closing    assertions of what every account holds by Jangbu's books: the other program refuses
//              the file when its own sums differ
//
// Debits are positive, so what a partner holds is negative, as liabilities are in both programs.
// Dates are Seoul's, as periods are. The text depends on the transfers alone: no locale, no clock.
//
//   hanbit/payable/won       partners:hanbit:payable, KRW    Liabilities:Partners:P-hanbit:Payable
//   programme/korean_tokens  programme:source                Equity:Programme:Source
//
// Not thread-safe. Nothing that the server says gets into the text unless it is a name of the known
// grammar: DataLoss("bad_answer").

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "jangbu/v1/ledger.pb.h"

namespace jangbu::services::outputs {

enum class ForeignFormat { kHledger, kBeancount };

class ForeignLedger {
 public:
  // `first` is the first page of the journal; `period` is "" or a month, "2026-10".
  ForeignLedger(ForeignFormat format, std::string_view period,
                const v1::ListJournalResponse& first);

  // What is before the transfers: declarations and openings. Once, before Add.
  Status Head(std::string& out);
  // One transfer; in the order of the journal. About 0.25 kB of text.
  Status Add(const v1::Transfer& transfer, std::string& out);
  // The assertions. DataLoss("journal_does_not_add_up") when openings and transfers do not give the
  // closings: then nothing of what was written is to be trusted.
  Status Foot(std::string& out);

 private:
  struct Account {
    std::string name;       // in the other program
    std::string commodity;  // in the other program
    int64_t opening = 0;    // credits less debits
    int64_t closing = 0;
    int64_t sum = 0;  // opening and what was added
  };

  StatusOr<Account*> Find(const std::string& account);
  void Posting(const Account& account, int64_t debit, std::string& out) const;

  const ForeignFormat format_;
  const std::string period_;
  const std::string origin_;
  const uint64_t transfers_;
  std::string first_date_;
  std::string last_date_;
  int64_t last_micros_ = 0;
  Status bad_;
  std::vector<std::string> order_;  // accounts, as they were opened
  std::map<std::string, Account> accounts_;
};

}  // namespace jangbu::services::outputs
