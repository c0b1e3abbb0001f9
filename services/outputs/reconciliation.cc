#include "services/outputs/reconciliation.h"

#include <algorithm>
#include <map>
#include <set>

#include "services/outputs/csv_reader.h"

namespace jangbu::services::outputs {
namespace {

// No payment and no month of a gateway is larger; sums of a file's rows stay within 63 bits.
constexpr int64_t kAmountMax = 1'000'000'000'000;

Status ColumnMissing(std::string_view names) {
  return InvalidArgument("column_missing", "the first row names no column " + std::string(names));
}

std::string CellOf(const CsvRow& row, size_t column) {
  if (column >= row.cells.size()) return "";
  std::string cell = row.cells[column];
  while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.pop_back();
  size_t begin = 0;
  while (begin < cell.size() && (cell[begin] == ' ' || cell[begin] == '\t')) ++begin;
  // An apostrophe that keeps a spreadsheet from reading a formula is not part of the text.
  if (begin < cell.size() && cell[begin] == '\'') ++begin;
  return cell.substr(begin);
}

StatusOr<int64_t> AmountOf(const std::string& cell) {
  JANGBU_ASSIGN_OR_RETURN(const int64_t amount, ReadAmount(cell));
  if (amount > kAmountMax || amount < -kAmountMax)
    return InvalidArgument("bad_amount", "an amount past 1000000000000");
  return amount;
}

// What the file says of one reference.
struct Seen {
  std::vector<uint64_t> lines;
  std::string partner;
  int64_t net = 0;
};

}  // namespace

StatusOr<Reconciliation> ReconcileBank(std::string_view csv, const std::vector<Payout>& payouts) {
  JANGBU_ASSIGN_OR_RETURN(const CsvTable table, ReadCsv(csv));
  const size_t reference = ColumnOf(table, {"reference", "참조", "적요", "지급번호"});
  const size_t amount = ColumnOf(table, {"amount", "won", "금액"});
  const size_t kind = ColumnOf(table, {"kind", "type", "구분"});
  const size_t partner = ColumnOf(table, {"partner", "partner_id", "파트너사"});
  if (reference == std::string::npos) return ColumnMissing("reference (참조, 적요)");
  if (amount == std::string::npos) return ColumnMissing("amount (금액)");
  Reconciliation result;
  result.rows = table.rows.size();
  std::map<std::string, Seen> seen;
  for (const CsvRow& row : table.rows) {
    Finding bad{.reason = "bad_row", .line = row.line, .name = CellOf(row, reference)};
    if (bad.name.empty()) {
      bad.detail = "no reference";
      result.findings.push_back(bad);
      continue;
    }
    auto won = AmountOf(CellOf(row, amount));
    if (!won.ok()) {
      bad.detail = std::string(won.status().message());
      result.findings.push_back(bad);
      continue;
    }
    if (kind != std::string::npos) {
      const std::string word = CellOf(row, kind);
      const bool paid = word == "payment" || word == "지급" || word == "출금";
      const bool back = word == "return" || word == "반송" || word == "입금";
      if ((!paid && !back) || *won < 0) {
        bad.detail =
            paid || back ? "an amount with a sign and a kind" : "not a kind of row: " + word;
        result.findings.push_back(bad);
        continue;
      }
      if (back) *won = -*won;
    }
    Seen& of = seen[bad.name];
    of.lines.push_back(row.line);
    of.net += *won;
    if (partner != std::string::npos) of.partner = CellOf(row, partner);
    result.file_amount += *won;
  }

  std::vector<Finding> lacking;
  std::set<std::string> known;
  std::map<std::string, int> holders;  // payouts under one reference
  for (const Payout& payout : payouts) {
    if (payout.state == "paid" || payout.state == "failed") ++holders[payout.reference];
  }
  for (const Payout& payout : payouts) {
    if (payout.state != "paid" && payout.state != "failed") continue;
    known.insert(payout.reference);
    const auto found = seen.find(payout.reference);
    Finding finding{.partner = payout.partner,
                    .period = payout.period,
                    .name = payout.reference,
                    .books = payout.state == "paid" ? payout.won : 0};
    result.books_amount += finding.books;
    if (found != seen.end() && !payout.reference.empty()) {
      finding.line = found->second.lines.front();
      finding.file = found->second.net;
    }
    const bool in_file = finding.line != 0;
    if (holders[payout.reference] > 1) {
      finding.reason = "reference_shared";
    } else if (in_file && !found->second.partner.empty() &&
               found->second.partner != payout.partner) {
      finding.reason = "partner_differs";
      finding.detail = found->second.partner;
    } else if (finding.file == finding.books && (in_file || finding.books == 0)) {
      ++result.matched;
      result.matched_amount += finding.books;
      continue;
    } else if (payout.state == "failed") {
      finding.reason = "failed_in_books";
    } else if (!in_file) {
      finding.reason = "not_in_file";
    } else if (finding.file == 0) {
      finding.reason = "returned_by_bank";
    } else if (finding.file > finding.books && finding.file % finding.books == 0) {
      finding.reason = "paid_twice";
    } else {
      finding.reason = "amount_differs";
    }
    (in_file ? result.findings : lacking).push_back(finding);
  }
  for (const auto& [name, of] : seen) {
    if (known.contains(name)) continue;
    if (of.net == 0 && of.lines.size() > 1) {
      ++result.matched;  // paid and returned; what was paid again has another reference
      continue;
    }
    Finding finding{.reason = "unknown_reference",
                    .line = of.lines.front(),
                    .partner = of.partner,
                    .name = name,
                    .file = of.net};
    for (const Payout& payout : payouts) {
      if (payout.partner == of.partner && payout.won == of.net && payout.state != "paid") {
        finding.reason = "not_recorded";
        finding.period = payout.period;
        finding.books = payout.won;
        break;
      }
    }
    result.findings.push_back(finding);
  }
  std::stable_sort(result.findings.begin(), result.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.line < b.line; });
  result.findings.insert(result.findings.end(), lacking.begin(), lacking.end());
  return result;
}

StatusOr<std::vector<MeterRow>> ReadMeter(std::string_view csv, const std::string& partner) {
  JANGBU_ASSIGN_OR_RETURN(const CsvTable table, ReadCsv(csv));
  const size_t id = ColumnOf(table, {"id", "call", "호출"});
  const size_t tokens = ColumnOf(table, {"tokens", "amount", "토큰"});
  const size_t whose = ColumnOf(table, {"partner", "partner_id", "파트너사"});
  if (id == std::string::npos) return ColumnMissing("id (호출)");
  if (tokens == std::string::npos) return ColumnMissing("tokens (토큰)");
  if (partner.empty() && whose == std::string::npos) return ColumnMissing("partner (파트너사)");
  std::vector<MeterRow> rows;
  for (const CsvRow& row : table.rows) {
    MeterRow one{.line = row.line, .partner = partner, .id = CellOf(row, id)};
    if (whose != std::string::npos) one.partner = CellOf(row, whose);
    if (!partner.empty() && one.partner != partner) continue;  // another's
    const auto amount = AmountOf(CellOf(row, tokens));
    if (one.id.empty() || one.id.size() > 64) {
      one.bad = "an id has 1 to 64 bytes";
    } else if (one.partner.empty()) {
      one.bad = "no partner";
    } else if (!amount.ok()) {
      one.bad = std::string(amount.status().message());
    } else if (*amount < 0) {
      one.bad = "tokens below zero";
    } else {
      one.tokens = *amount;
    }
    rows.push_back(std::move(one));
  }
  return rows;
}

Reconciliation ReconcileMeter(const std::vector<MeterRow>& rows, const std::vector<Call>& calls) {
  // By partner and the books' name: what spent, what only held, what was given back.
  using Key = std::pair<std::string, std::string>;
  std::map<Key, size_t> spent;  // of the operation, and of the reservation that it committed
  std::set<Key> held;
  std::set<Key> released;
  Reconciliation result;
  result.rows = rows.size();
  for (size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    if (call.kind == "reserve") held.emplace(call.partner, call.id);
    if (call.kind == "release") released.emplace(call.partner, call.reservation);
    if (call.kind != "commit" && call.kind != "consume") continue;
    result.books_amount += call.tokens;
    spent.emplace(Key(call.partner, call.id), i);
    if (call.kind == "commit") spent.emplace(Key(call.partner, call.reservation), i);
  }
  std::set<size_t> named;
  for (const MeterRow& row : rows) {
    Finding finding{.line = row.line, .partner = row.partner, .name = row.id, .file = row.tokens};
    if (!row.bad.empty()) {
      finding.reason = "bad_row";
      finding.detail = row.bad;
      result.findings.push_back(finding);
      continue;
    }
    result.file_amount += row.tokens;
    const Key key(row.partner, row.mac);
    const auto call = spent.find(key);
    if (call == spent.end()) {
      finding.reason = released.contains(key) ? "released"
                       : held.contains(key)   ? "not_committed"
                                              : "unknown_id";
    } else {
      finding.books = calls[call->second].tokens;
      if (!named.insert(call->second).second) {
        finding.reason = "twice_in_file";
      } else if (finding.books != row.tokens) {
        finding.reason = "tokens_differ";
      } else {
        ++result.matched;
        result.matched_amount += row.tokens;
        continue;
      }
    }
    result.findings.push_back(finding);
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    if ((call.kind != "commit" && call.kind != "consume") || call.tokens == 0 || named.contains(i))
      continue;
    result.findings.push_back({.reason = "not_in_file",
                               .partner = call.partner,
                               .name = "journal " + std::to_string(call.journal_index),
                               .books = call.tokens});
  }
  return result;
}

}  // namespace jangbu::services::outputs
