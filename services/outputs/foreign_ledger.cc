#include "services/outputs/foreign_ledger.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>

namespace jangbu::services::outputs {
namespace {

using std::chrono::floor;
constexpr auto kSeoul = std::chrono::hours(9);

std::string DateOf(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::chrono::sys_days SeoulDay(int64_t micros) {
  const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds(micros)};
  return floor<std::chrono::days>(at + kSeoul);
}

std::string UtcInstant(int64_t micros) {
  const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds(micros)};
  const auto day = floor<std::chrono::days>(at);
  const auto rest = (at - day).count();
  char text[64];
  std::snprintf(text, sizeof text, "T%02d:%02d:%02d.%06dZ", static_cast<int>(rest / 3'600'000'000),
                static_cast<int>(rest / 60'000'000 % 60), static_cast<int>(rest / 1'000'000 % 60),
                static_cast<int>(rest % 1'000'000));
  return DateOf(day) + text;
}

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// "hanbit/confirmed/korean_tokens" → {"hanbit", "confirmed", "korean_tokens"}.
std::vector<std::string> Parts(std::string_view account) {
  std::vector<std::string> parts(1);
  for (const char c : account) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '_') c = '-';
  }
  return text;
}

// "entitlement_available" → "Entitlement-Available".
std::string Capital(std::string text) {
  bool begins = true;
  for (char& c : text) {
    if (begins && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    begins = c == '_';
    if (c == '_') c = '-';
  }
  return text;
}

std::string Commodity(ForeignFormat format, const std::string& asset) {
  if (asset == "won") return "KRW";
  return format == ForeignFormat::kHledger ? asset : Upper(asset);
}

std::string AccountName(ForeignFormat format, const std::vector<std::string>& parts) {
  const std::string& role = parts[parts.size() - 2];
  if (parts.size() == 2) {
    const std::string of = role == "programme" ? "source" : role;
    return format == ForeignFormat::kHledger ? "programme:" + of
                                             : "Equity:Programme:" + Capital(of);
  }
  return format == ForeignFormat::kHledger
             ? "partners:" + parts[0] + ":" + role
             : "Liabilities:Partners:P-" + parts[0] + ":" + Capital(role);
}

Status BadAnswer(const std::string& what) {
  return DataLoss("bad_answer", "the server's journal has " + what);
}

}  // namespace

ForeignLedger::ForeignLedger(ForeignFormat format, std::string_view period,
                             const v1::ListJournalResponse& first)
    : format_(format),
      period_(period),
      origin_(first.log_origin()),
      transfers_(first.transfers_in_all()),
      bad_(OkStatus()) {
  if (!period_.empty()) {
    first_date_ = period_ + "-01";
  } else if (first.transfers_size() > 0) {
    first_date_ = DateOf(SeoulDay(first.transfers(0).at_micros()));
  }
  last_date_ = first_date_;
  for (const v1::JournalAccount& row : first.accounts()) {
    const std::vector<std::string> parts = Parts(row.account());
    const bool known = (parts.size() == 2 || parts.size() == 3) && parts.back() == row.asset() &&
                       std::all_of(parts.begin(), parts.end(), IsName);
    if (!known || accounts_.contains(row.account())) {
      bad_ = BadAnswer("an account that is not named as accounts are");
      return;
    }
    order_.push_back(row.account());
    accounts_[row.account()] = {.name = AccountName(format, parts),
                                .commodity = Commodity(format, row.asset()),
                                .opening = row.opening(),
                                .closing = row.closing(),
                                .sum = row.opening()};
  }
}

StatusOr<ForeignLedger::Account*> ForeignLedger::Find(const std::string& account) {
  const auto found = accounts_.find(account);
  if (found == accounts_.end()) return BadAnswer("a transfer of an account that it does not list");
  return &found->second;
}

void ForeignLedger::Posting(const Account& account, int64_t debit, std::string& out) const {
  out.append(format_ == ForeignFormat::kHledger ? "    " : "  ")
      .append(account.name)
      .append("  ")
      .append(std::to_string(debit))
      .append(" ")
      .append(account.commodity)
      .append("\n");
}

Status ForeignLedger::Head(std::string& out) {
  JANGBU_RETURN_IF_ERROR(bad_);
  const bool hledger = format_ == ForeignFormat::kHledger;
  std::string origin = origin_;
  for (char& c : origin) {
    if (c < ' ' || c > '~') c = '?';
  }
  out += "; The journal of " + origin + ", " + (period_.empty() ? "from its beginning" : period_) +
         ": " + std::to_string(transfers_) + " transfers.\n";
  out += "; Debits are positive: what a partner holds is negative. Dates are Seoul's.\n\n";
  // What each account may hold, in the order in which they were opened.
  std::map<std::string, std::vector<std::string>> commodities;
  std::vector<std::string> names;
  std::set<std::string> all;
  for (const std::string& account : order_) {
    const Account& it = accounts_.at(account);
    all.insert(it.commodity);
    std::vector<std::string>& theirs = commodities[it.name];
    if (theirs.empty()) names.push_back(it.name);
    theirs.push_back(it.commodity);
  }
  if (hledger) {
    for (const std::string& commodity : all) out += "commodity 1000. " + commodity + "\n";
    out += "\n";
    for (const std::string& name : names) {
      out += "account " + name;
      out += name.starts_with("programme:") ? "  ; type: E\n" : "  ; type: L\n";
    }
  } else {
    out += "option \"title\" \"Jangbu\"\noption \"operating_currency\" \"KRW\"\n\n";
    for (const std::string& commodity : all) out += first_date_ + " commodity " + commodity + "\n";
    out += "\n";
    for (const std::string& name : names) {
      out += first_date_ + " open " + name + " ";
      for (size_t i = 0; i < commodities[name].size(); ++i)
        out += (i == 0 ? "" : ",") + commodities[name][i];
      out += "\n";
    }
  }
  out += "\n";
  const bool opened = std::any_of(accounts_.begin(), accounts_.end(),
                                  [](const auto& entry) { return entry.second.opening != 0; });
  if (opened) {
    out += first_date_ + (hledger ? " * opening balances\n" : " * \"opening balances\"\n");
    for (const std::string& account : order_) {
      const Account& it = accounts_.at(account);
      if (it.opening != 0) Posting(it, -it.opening, out);
    }
    out += "\n";
  }
  return OkStatus();
}

Status ForeignLedger::Add(const v1::Transfer& transfer, std::string& out) {
  JANGBU_RETURN_IF_ERROR(bad_);
  const std::string& id = transfer.transfer_id();
  if (!IsName(id) || !IsName(transfer.code()) || transfer.amount() <= 0)
    return BadAnswer("a transfer that is none");
  if (transfer.at_micros() < last_micros_) return BadAnswer("transfers that are not in order");
  JANGBU_ASSIGN_OR_RETURN(Account* const debit, Find(transfer.debit_account()));
  JANGBU_ASSIGN_OR_RETURN(Account* const credit, Find(transfer.credit_account()));
  if (debit->commodity != credit->commodity) return BadAnswer("a transfer between two assets");
  int64_t debited = 0;
  int64_t credited = 0;
  if (__builtin_sub_overflow(debit->sum, transfer.amount(), &debited) ||
      __builtin_add_overflow(credit->sum, transfer.amount(), &credited)) {
    return BadAnswer("amounts past 63 bits");
  }
  debit->sum = debited;
  credit->sum = credited;
  last_micros_ = transfer.at_micros();
  last_date_ = DateOf(SeoulDay(last_micros_));
  const std::string entry = std::to_string(transfer.journal_index());
  const std::string at = UtcInstant(last_micros_);
  if (format_ == ForeignFormat::kHledger) {
    out += last_date_ + " * (" + id + ") " + transfer.code() + "  ; entry: " + entry +
           ", at: " + at + "\n";
  } else {
    out += last_date_ + " * \"" + transfer.code() + "\"\n  transfer: \"" + id +
           "\"\n  entry: " + entry + "\n  at: \"" + at + "\"\n";
  }
  Posting(*debit, transfer.amount(), out);
  Posting(*credit, -transfer.amount(), out);
  out += "\n";
  return OkStatus();
}

Status ForeignLedger::Foot(std::string& out) {
  JANGBU_RETURN_IF_ERROR(bad_);
  for (const std::string& account : order_) {
    const Account& it = accounts_.at(account);
    if (it.sum == it.closing) continue;
    return DataLoss("journal_does_not_add_up", account + " holds " + std::to_string(it.closing) +
                                                   " by the books and " + std::to_string(it.sum) +
                                                   " by its transfers");
  }
  if (order_.empty()) return OkStatus();
  if (format_ == ForeignFormat::kHledger) {
    out += last_date_ + " * closing balances by the books\n";
    for (const std::string& account : order_) {
      const Account& it = accounts_.at(account);
      out += "    " + it.name + "  0 " + it.commodity + " = " + std::to_string(-it.closing) + " " +
             it.commodity + "\n";
    }
    return OkStatus();
  }
  // Beancount asserts what is held at the beginning of a day.
  const int64_t day = int64_t{86'400} * 1'000'000;
  const std::string after =
      last_micros_ == 0 ? last_date_.substr(0, 8) + "02" : DateOf(SeoulDay(last_micros_ + day));
  for (const std::string& account : order_) {
    const Account& it = accounts_.at(account);
    out += after + " balance " + it.name + "  " + std::to_string(-it.closing) + " " + it.commodity +
           "\n";
  }
  return OkStatus();
}

}  // namespace jangbu::services::outputs
