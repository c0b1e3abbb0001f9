#pragma once

// What the books say beside what a bank or a gateway says: matched, or unmatched with a reason.
// Pure; the files are read by csv_reader.h.
//
// Bank. A payment is known by its reference, the one given to `close pay --reference`. Rows of one
// reference are summed with their sign (a return takes a payment back), so
//
//   books       file, net      finding
//   paid        the payout     matched
//   paid        nothing        not_in_file
//   paid        0 of two rows  returned_by_bank: record `close payment-failed`
//   paid        a multiple     paid_twice
//   paid        something else amount_differs
//   failed      0, or no row   matched (it came back)
//   failed      not 0          failed_in_books
//   no such     0 of two rows  matched: paid, returned and paid again under another reference
//   no such     not 0          not_recorded when a payout of that partner and amount is due, else
//                              unknown_reference
//
// Meter. A call is known by the id of its operation, or of the reservation that it committed.
//
//   books       file                 finding
//   spent n     n                    matched
//   spent n     m                    tokens_differ
//   spent n     twice                twice_in_file (the second row)
//   spent n     nothing              not_in_file
//   held only   n                    not_committed: reserved, and neither committed nor released
//   released    n                    released
//   no such     n                    unknown_id: not in the books in that month
//
// Rows that cannot be read are findings too (bad_row) and stop nothing.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::services::outputs {

struct Finding {
  std::string reason = {};   // stable, as above
  uint64_t line = 0;         // of the file; 0: not in the file
  std::string partner = {};  // "" when unknown
  std::string period = {};   // of the payout, "" of a call
  std::string name = {};     // reference or id; of a call that the file lacks: journal N
  std::string detail = {};   // of a bad row
  int64_t books = 0;         // won or API tokens
  int64_t file = 0;
};

struct Reconciliation {
  uint64_t rows = 0;     // of the file
  uint64_t matched = 0;  // payments or calls
  int64_t matched_amount = 0;
  int64_t books_amount = 0;       // of all that the books expect
  int64_t file_amount = 0;        // net of all rows that can be read
  std::vector<Finding> findings;  // by line, then what the file lacks in the order of the books
};

// ---- bank ----

struct Payout {
  std::string period;
  std::string partner;
  std::string state;  // due, paid, failed
  std::string reference;
  int64_t won = 0;
};

// Columns: reference (참조, 적요), amount (금액); with a sign, or kind (구분) of payment/return
// (지급/반송); partner (파트너사) may be there. InvalidArgument of csv_reader.h, or
// ("column_missing").
StatusOr<Reconciliation> ReconcileBank(std::string_view csv, const std::vector<Payout>& payouts);

// ---- meter ----

struct Call {
  std::string partner;
  std::string id;           // 16 bytes: the books' name of the operation
  std::string reservation;  // 16 bytes, of a commit or release
  std::string kind;         // reserve, commit, release, consume
  int64_t tokens = 0;       // free and billable
  uint64_t journal_index = 0;
};

struct MeterRow {
  uint64_t line = 0;
  std::string partner = {};
  std::string id = {};   // the caller's
  std::string mac = {};  // 16 bytes, by the server; filled in before ReconcileMeter
  int64_t tokens = 0;
  std::string bad = {};  // why the row cannot be read
};

// Columns: id (호출), tokens (토큰), and partner (파트너사) unless `partner` is given. Errors as
// ReconcileBank.
StatusOr<std::vector<MeterRow>> ReadMeter(std::string_view csv, const std::string& partner);
Reconciliation ReconcileMeter(const std::vector<MeterRow>& rows, const std::vector<Call>& calls);

}  // namespace jangbu::services::outputs
