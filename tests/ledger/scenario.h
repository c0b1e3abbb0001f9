#pragma once

// Runs the readable ledger scenarios of tests/ledger/cases. The format is described in
// tests/ledger/cases/README.md.
//
// Machine is the ledger or its slow twin: every case runs on both.

#include <cctype>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"

namespace jangbu::ledger {

struct ScenarioResult {
  std::vector<std::string> failures;  // "case.ledger:12: expected ok, got exceeds_credits"
  std::vector<Outcome> outcomes;      // each outcome a line expected, in order
  size_t checks = 0;
};

template <typename Machine>
class Scenario {
 public:
  Scenario(std::string file, Machine& machine) : file_(std::move(file)), machine_(machine) {}

  ScenarioResult Run(std::istream& in) {
    std::string line;
    while (std::getline(in, line)) {
      ++line_;
      const std::string text = line.substr(0, line.find('#'));
      if (text.find_first_not_of(" \t") == std::string::npos) {
        if (line.find('#') == std::string::npos) Flush();  // an empty line ends a batch
        continue;
      }
      OneLine(text);
    }
    Flush();
    return std::move(result_);
  }

 private:
  using Words = std::vector<std::string>;

  struct Expected {
    size_t line;
    std::string outcome;
  };

  void OneLine(const std::string& text) {
    std::string command = text;
    std::string expected = "ok";
    bool says = false;
    if (const size_t arrow = text.find("->"); arrow != std::string::npos) {
      command = text.substr(0, arrow);
      std::istringstream rest(text.substr(arrow + 2));
      expected.clear();
      std::string word;
      while (rest >> word) expected += (expected.empty() ? "" : " ") + word;
      says = true;
    }
    std::istringstream split(command);
    Words words;
    std::string word;
    while (split >> word) words.push_back(word);
    const std::string verb = words.front();
    if (verb != last_verb_kind_ && Kind(verb) != last_verb_kind_) Flush();
    last_verb_kind_ = Kind(verb);

    if (verb == "account") {
      accounts_.push_back(ReadAccount(words));
      expected_.push_back({line_, expected});
      if ((accounts_.back().flags & AccountFlags::kLinked) == 0) Flush();
    } else if (Kind(verb) == "transfers") {
      transfers_.push_back(ReadTransfer(words));
      expected_.push_back({line_, expected});
      if ((transfers_.back().flags & TransferFlags::kLinked) == 0) Flush();
    } else if (verb == "close" || verb == "reopen") {
      const std::vector<AccountId> ids = {AccountNamed(words.at(1))};
      expected_.push_back({line_, expected});
      Compare(verb == "close" ? machine_.CloseAccounts(ids, now_)
                              : machine_.ReopenAccounts(ids, now_));
    } else if (verb == "time") {
      now_ = Seconds(words.at(1));
    } else if (verb == "tick") {
      std::string ids;
      for (const TransferId id : machine_.ExpirePending(now_)) {
        ids += (ids.empty() ? "" : " ") + transfer_names_.at(id);
      }
      Expect(says ? expected : "nothing", ids.empty() ? "nothing" : ids);
    } else if (verb == "hold") {
      static constexpr const char* kNames[] = {"open", "posted", "voided", "expired"};
      const auto state = machine_.FindPending(TransferNamed(words.at(1)));
      Expect(words.at(2), state.has_value() ? kNames[static_cast<size_t>(*state)] : "none");
    } else if (verb == "events") {
      Expect(words.at(2), std::to_string(machine_.EventCount(AccountNamed(words.at(1)))));
    } else if (verb == "balance" || verb == "held" || verb == "available" || verb == "balances") {
      Question(verb, words);
    } else {
      Fail("no such command: " + verb);
    }
  }

  static std::string Kind(const std::string& verb) {
    if (verb == "transfer" || verb == "pending" || verb == "post" || verb == "void")
      return "transfers";
    return verb;
  }

  void Flush() {
    if (!accounts_.empty()) {
      const std::vector<Account> batch = std::move(accounts_);
      accounts_.clear();
      Compare(machine_.CreateAccounts(batch, now_));
    }
    if (!transfers_.empty()) {
      const std::vector<Transfer> batch = std::move(transfers_);
      transfers_.clear();
      Compare(machine_.CreateTransfers(batch, now_));
    }
  }

  void Compare(const std::vector<Outcome>& outcomes) {
    if (outcomes.size() != expected_.size()) Fail("one outcome for each event");
    for (size_t i = 0; i < outcomes.size() && i < expected_.size(); ++i) {
      result_.outcomes.push_back(outcomes[i]);
      Expect(expected_[i].outcome, std::string(NameOf(outcomes[i])), expected_[i].line);
    }
    expected_.clear();
  }

  // balance NAME N [at=T] | held NAME N [at=T] | available NAME N [at=T]
  // balances NAME DEBITS_PENDING DEBITS_POSTED CREDITS_PENDING CREDITS_POSTED [at=T] | balance NAME
  // none
  void Question(const std::string& verb, Words words) {
    Timestamp at{INT64_MAX};
    if (words.back().starts_with("at=")) {
      at = Seconds(words.back().substr(3));
      words.pop_back();
    }
    const std::optional<Balances> balances = machine_.BalancesAt(AccountNamed(words.at(1)), at);
    std::string wanted;
    for (size_t i = 2; i < words.size(); ++i) wanted += (i > 2 ? " " : "") + Plain(words[i]);
    std::string got = "none";
    if (balances.has_value()) {
      if (verb == "balance") got = std::to_string(balances->net());
      if (verb == "held") got = std::to_string(balances->debits_pending);
      if (verb == "available") got = std::to_string(balances->available());
      if (verb == "balances") {
        got = std::to_string(balances->debits_pending) + " " +
              std::to_string(balances->debits_posted) + " " +
              std::to_string(balances->credits_pending) + " " +
              std::to_string(balances->credits_posted);
      }
    }
    Expect(wanted, got);
  }

  Account ReadAccount(const Words& words) {
    Account account;
    account.id = AccountNamed(words.at(1));
    account.asset = AssetNamed("words");
    account.code = 1;
    for (size_t i = 2; i < words.size(); ++i) {
      const auto [key, value] = Option(words[i]);
      if (key == "asset") {
        account.asset = AssetNamed(value);
      } else if (key == "code") {
        account.code = static_cast<uint16_t>(Number(value));
      } else if (key == "limit") {
        if (value == "credits" || value == "both")
          account.flags |= AccountFlags::kDebitsMustNotExceedCredits;
        if (value == "debits" || value == "both")
          account.flags |= AccountFlags::kCreditsMustNotExceedDebits;
      } else if (key == "linked") {
        account.flags |= AccountFlags::kLinked;
      } else if (key == "closed") {
        account.flags |= AccountFlags::kClosed;
      } else if (key == "reserved_flag") {
        account.flags |= 1 << 15;
      } else if (key == "debits_pending") {
        account.balances.debits_pending = Number(value);
      } else if (key == "debits_posted") {
        account.balances.debits_posted = Number(value);
      } else if (key == "credits_pending") {
        account.balances.credits_pending = Number(value);
      } else if (key == "credits_posted") {
        account.balances.credits_posted = Number(value);
      } else if (key == "reserved") {
        account.reserved = static_cast<uint32_t>(Number(value));
      } else {
        Common(account, key, value);
      }
    }
    return account;
  }

  Transfer ReadTransfer(const Words& words) {
    Transfer transfer;
    const std::string& verb = words.at(0);
    transfer.id = TransferNamed(words.at(1));
    size_t next = 2;
    if (verb == "transfer" || verb == "pending") {
      transfer.debit_account = AccountNamed(words.at(2));
      transfer.credit_account = AccountNamed(words.at(3));
      transfer.amount = Number(words.at(4));
      transfer.asset = AssetNamed("words");
      transfer.code = 1;
      if (verb == "pending") transfer.flags |= TransferFlags::kPending;
      next = 5;
    } else {
      transfer.pending_id = TransferNamed(words.at(2));
      transfer.flags |= verb == "post" ? TransferFlags::kPostPending : TransferFlags::kVoidPending;
      next = 3;
      if (verb == "post")
        transfer.amount = words.at(next++) == "all" ? kAmountAll : Number(words.at(3));
    }
    for (size_t i = next; i < words.size(); ++i) {
      const auto [key, value] = Option(words[i]);
      if (key == "debit") {
        transfer.debit_account = AccountNamed(value);
      } else if (key == "credit") {
        transfer.credit_account = AccountNamed(value);
      } else if (key == "amount") {
        transfer.amount = Number(value);
      } else if (key == "pending_id") {
        transfer.pending_id = TransferNamed(value);
      } else if (key == "timeout") {
        transfer.timeout = static_cast<uint32_t>(Number(value));
      } else if (key == "asset") {
        transfer.asset = AssetNamed(value);
      } else if (key == "code") {
        transfer.code = static_cast<uint16_t>(Number(value));
      } else if (key == "linked") {
        transfer.flags |= TransferFlags::kLinked;
      } else if (key == "pending") {
        transfer.flags |= TransferFlags::kPending;
      } else if (key == "post") {
        transfer.flags |= TransferFlags::kPostPending;
      } else if (key == "void") {
        transfer.flags |= TransferFlags::kVoidPending;
      } else if (key == "reserved_flag") {
        transfer.flags |= 1 << 15;
      } else if (key == "reserved") {
        transfer.reserved = Number(value);
      } else {
        Common(transfer, key, value);
      }
    }
    return transfer;
  }

  template <typename Event>
  void Common(Event& event, const std::string& key, const std::string& value) {
    if (key == "timestamp") {
      event.timestamp = Seconds(value);
    } else if (key == "user_data_128") {
      event.user_data_128 = UserData128(Number(value));
    } else if (key == "user_data_64") {
      event.user_data_64 = Number(value);
    } else if (key == "user_data_32") {
      event.user_data_32 = static_cast<uint32_t>(Number(value));
    } else {
      Fail("no such option: " + key);
    }
  }

  static std::pair<std::string, std::string> Option(const std::string& word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) return {word, ""};
    return {word.substr(0, equals), word.substr(equals + 1)};
  }

  // "-" is nobody: the id zero. Other names get ids in order of first use.
  AccountId AccountNamed(const std::string& name) {
    if (name == "-") return {};
    const auto [it, fresh] = account_ids_.try_emplace(name, account_ids_.size() + 1);
    return AccountId(it->second);
  }
  TransferId TransferNamed(const std::string& name) {
    if (name == "-") return {};
    const auto [it, fresh] = transfer_ids_.try_emplace(name, transfer_ids_.size() + 1);
    transfer_names_[TransferId(it->second)] = name;
    return TransferId(it->second);
  }
  AssetId AssetNamed(const std::string& name) {
    if (name == "-") return 0;
    const auto [it, fresh] = assets_.try_emplace(name, static_cast<AssetId>(assets_.size() + 1));
    return it->second;
  }

  static std::string Plain(std::string number) {
    std::erase(number, ',');
    return number;
  }
  uint64_t Number(const std::string& word) {
    if (word == "max") return kAmountMax;
    const std::string plain = Plain(word);
    if (plain.empty() || plain.find_first_not_of("0123456789") != std::string::npos)
      Fail("not a number: " + word);
    return std::strtoull(plain.c_str(), nullptr, 10);
  }
  Timestamp Seconds(const std::string& word) {
    if (word == "max") return Timestamp{INT64_MAX};
    return Timestamp{static_cast<int64_t>(Number(word)) * 1'000'000};
  }

  void Expect(const std::string& wanted, const std::string& got, size_t line = 0) {
    ++result_.checks;
    if (wanted != got) Fail("expected " + wanted + ", got " + got, line);
  }
  void Fail(const std::string& what, size_t line = 0) {
    result_.failures.push_back(file_ + ":" + std::to_string(line == 0 ? line_ : line) + ": " +
                               what);
  }

  const std::string file_;
  Machine& machine_;
  size_t line_ = 0;
  Timestamp now_;
  std::string last_verb_kind_;
  std::vector<Account> accounts_;
  std::vector<Transfer> transfers_;
  std::vector<Expected> expected_;
  std::map<std::string, uint64_t> account_ids_;
  std::map<std::string, uint64_t> transfer_ids_;
  std::map<TransferId, std::string> transfer_names_;
  std::map<std::string, AssetId> assets_;
  ScenarioResult result_;
};

}  // namespace jangbu::ledger
