#pragma once

// Two months of a small programme behind a server, and the command as its people run it. Times are
// the test's own, so a month passes at once.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "services/cli/command_line.h"
#include "services/flow/finance.h"
#include "services/rpc/access_log.h"
#include "services/rpc/metrics.h"
#include "services/rpc/server.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {

// What a program said.
struct Told {
  int code = -1;
  std::string out;
  std::string err;
};

inline std::string BytesOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

// Runs a program of somebody else by the shell.
inline Told Shell(const std::string& command) {
  Told told;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return told;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) told.out.append(buffer, n);
  const int status = ::pclose(pipe);
  told.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return told;
}

class Programme {
 public:
  Programme() {
    t_.options().policy.grain = 1;
    t_.options().policy.minimum_payout_won = 1'000'000;
    Jangbu& jangbu = t_.Open();
    log_ = *rpc::AccessLog::Open(Path("access.log"));
    auto server = rpc::Server::Start(
        jangbu, t_.clock(), *log_, metrics_,
        {.listen = "127.0.0.1:0", .tls = {}, .version = "test", .http_address = "127.0.0.1:1"});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    for (const auto& [name, role, person] :
         std::vector<std::tuple<std::string, ledger::Role, std::string>>{
             {"operator", ledger::Role::kOperator, "Kim"},
             {"finance", ledger::Role::kFinance, "Park"},
             {"finance2", ledger::Role::kFinance, "Choi"},
             {"auditor", ledger::Role::kCompliance, "Han"},
             {"gateway", ledger::Role::kGateway, "API"},
             {"trainer", ledger::Role::kTrainer, "Yu"}}) {
      keys_[name] = jangbu.IssueKey("", role, person)->secret;
    }
    const std::pair<std::string, std::string> partners[] = {
        {"gaon", "가온 출판사"},
        {"hani-sinmun", "하니신문"},
        {"narae", "=나래, \"글\" 모임"},  // a spreadsheet would take this for a formula
        {"saebit", "새빛 도서관"}};
    for (size_t i = 0; i < std::size(partners); ++i) {
      const auto& [id, name] = partners[i];
      EXPECT_TRUE(jangbu.AddPartner(id, name).ok());
      const uint32_t number = *jangbu.PartnerNumber(id);
      EXPECT_TRUE(
          jangbu.CreateCorpus(number, "모음", ledger::SourceType::kArticle, "contract", "", "")
              .ok());
      keys_[id] = jangbu.IssueKey(id, ledger::Role::kPartner, "Min " + id)->secret;
      partners_.push_back(id);
      t_.Upload(number, "r", Files(10 + i, 4, 10 + 7 * static_cast<int>(i)));
    }
    May();
    June();
  }

  // Runs the command as who holds a key.
  Told Run(const std::string& who, std::vector<std::string> arguments) {
    std::map<std::string, std::string> environment = {{"HOME", t_.root().string()},
                                                      {"JANGBU_SERVER", server_->address()},
                                                      {"JANGBU_KEY", keys_.at(who)},
                                                      {"JANGBU_LANG", "ko"}};
    std::ostringstream out;
    std::ostringstream err;
    Told told;
    told.code = cli::RunCommandLine(
        arguments,
        [&](const std::string& name) -> std::optional<std::string> {
          const auto found = environment.find(name);
          if (found == environment.end()) return std::nullopt;
          return found->second;
        },
        cli::Terminal{out, err});
    told.out = out.str();
    told.err = err.str();
    return told;
  }
  // The same, when nothing may go wrong.
  std::string Must(const std::string& who, std::vector<std::string> arguments) {
    const Told told = Run(who, arguments);
    EXPECT_EQ(told.code, 0) << arguments[0] << ": " << told.err;
    return told.out;
  }

  std::string Path(const std::string& name) { return (t_.root() / name).string(); }
  const std::vector<std::string>& partners() const { return partners_; }
  TestInstallation& installation() { return t_; }

 private:
  static std::vector<std::pair<std::string, std::string>> Files(uint64_t seed, int count,
                                                                int paragraphs) {
    std::vector<std::pair<std::string, std::string>> files;
    for (int i = 0; i < count; ++i) {
      std::mt19937_64 rng(seed * 1'000 + static_cast<uint64_t>(i));
      std::string text;
      for (int word = 0; word < paragraphs * 20; ++word) {
        for (int syllable = 0; syllable < 3; ++syllable) {
          const auto c = static_cast<uint32_t>(0xAC00 + rng() % 11'172);
          text += static_cast<char>(0xE0 | c >> 12);
          text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
          text += static_cast<char>(0x80 | (c & 0x3F));
        }
        text += word % 20 == 19 ? "\n" : " ";
      }
      files.emplace_back(std::to_string(i) + ".txt", text);
    }
    return files;
  }

  void Confirm() { Must("operator", {"confirm"}); }
  void Use(const std::string& kind, const std::string& partner, const std::string& id,
           const std::string& amount, const std::string& reservation = "") {
    std::vector<std::string> arguments = {"use", kind, "--partner", partner, "--id", id};
    if (!amount.empty()) arguments.insert(arguments.end(), {"--amount", amount});
    if (!reservation.empty()) arguments.insert(arguments.end(), {"--reservation", reservation});
    Must("gateway", arguments);
  }

  void May() {
    Confirm();
    Use("consume", "hani-sinmun", "may-1", "700");
    Use("reserve", "hani-sinmun", "may-2", "500");
    Use("commit", "hani-sinmun", "may-2c", "321", "may-2");
    Use("consume", "gaon", "may-3", "2500000");  // mostly billable
    Use("reserve", "saebit", "may-4", "90");
    Use("release", "saebit", "may-4r", "", "may-4");
    t_.clock().Advance(ledger::kMicrosPerDay * 10);
  }
  void June() {
    t_.Upload(*t_.jangbu().PartnerNumber("gaon"), "r2", Files(77, 4, 6));
    Confirm();
    Must("finance", {"close", "draft", "2026-05", "--revenue", "98765432109"});
    Must("finance2", {"close", "approve", "2026-05"});
    Must("finance", {"close", "post", "2026-05"});
    const auto pay = [&](const std::string& what, const std::string& partner,
                         const std::string& reference) {
      Must("finance", {"close", what, "2026-05", "--partner", partner, "--reference", reference});
    };
    pay("pay", "gaon", "B-0001");
    pay("pay", "hani-sinmun", "B-0002");
    pay("payment-failed", "hani-sinmun", "B-0002");
    pay("pay", "hani-sinmun", "B-0005");
    pay("pay", "saebit", "B-0003");
    Must("finance", {"correction", "propose", "--partner", "narae", "--won", "1234", "--about",
                     "2026-05", "--reason", "누락"});
    Must("finance2", {"correction", "approve", "1"});
    Use("consume", "gaon", "june-1", "1000");
    t_.clock().Advance(ledger::kMicrosPerDay * 30);  // July
    Must("finance", {"close", "draft", "2026-06", "--revenue", "0"});
  }

  TestInstallation t_{4};
  std::unique_ptr<rpc::AccessLog> log_;
  rpc::Metrics metrics_;
  std::unique_ptr<rpc::Server> server_;
  std::map<std::string, std::string> keys_;
  std::vector<std::string> partners_;
};

}  // namespace jangbu::services
