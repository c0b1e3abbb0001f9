// Runs every scenario of tests/ledger/cases on the ledger and on its slow twin, and asks that
// together they show every refusal there is, and the precedence tables in their order.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "ledger/ledger.h"
#include "tests/ledger/scenario.h"
#include "tests/reference/ledger_reference.h"

namespace jangbu::ledger {
namespace {

const std::filesystem::path kCases =
    std::filesystem::path(JANGBU_SOURCE_DIR) / "tests/ledger/cases";

std::vector<std::filesystem::path> CaseFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    if (entry.path().extension() == ".ledger") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

template <typename Machine>
ScenarioResult RunFile(const std::filesystem::path& file, Machine& machine) {
  std::ifstream in(file);
  return Scenario<Machine>(file.filename().string(), machine).Run(in);
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(LedgerCases, HoldOnTheLedger) {
  ASSERT_GE(CaseFiles().size(), 8u);
  for (const auto& file : CaseFiles()) {
    Ledger ledger;
    const ScenarioResult result = RunFile(file, ledger);
    EXPECT_GT(result.checks, 0u) << file;
    EXPECT_TRUE(result.failures.empty()) << Joined(result.failures);
    EXPECT_TRUE(ledger.CheckBooks().ok()) << ledger.CheckBooks();
    const auto restored = Ledger::Restore(ledger.Snapshot());
    ASSERT_TRUE(restored.ok()) << file << restored.status();
    EXPECT_EQ(restored->StateDigest(), ledger.StateDigest()) << file;
  }
}

TEST(LedgerCases, HoldOnTheSlowTwin) {
  for (const auto& file : CaseFiles()) {
    reference::Ledger ledger;
    const ScenarioResult result = RunFile(file, ledger);
    EXPECT_TRUE(result.failures.empty()) << Joined(result.failures);
  }
}

TEST(LedgerCases, ShowEveryRefusal) {
  std::set<Outcome> shown;
  for (const auto& file : CaseFiles()) {
    Ledger ledger;
    const std::vector<Outcome> outcomes = RunFile(file, ledger).outcomes;
    shown.insert(outcomes.begin(), outcomes.end());
  }
  for (int i = 0; i < kOutcomeCount; ++i) {
    EXPECT_TRUE(shown.contains(static_cast<Outcome>(i)))
        << "no scenario shows " << NameOf(static_cast<Outcome>(i));
  }
}

TEST(LedgerCases, RefusalTablesAreInPrecedence) {
  for (const char* name : {"refusals_accounts.ledger", "refusals_transfers.ledger"}) {
    Ledger ledger;
    std::vector<Outcome> refusals;
    for (const Outcome outcome : RunFile(kCases / name, ledger).outcomes) {
      if (outcome != Outcome::kOk) refusals.push_back(outcome);
    }
    EXPECT_TRUE(std::is_sorted(refusals.begin(), refusals.end())) << name;
    EXPECT_GT(refusals.size(), 15u);
  }
}

TEST(LedgerCases, TheRunnerNoticesWhatIsWrong) {
  const auto failures = [](const std::string& text) {
    Ledger ledger;
    std::istringstream in(text);
    return Scenario<Ledger>("inline", ledger).Run(in).failures;
  };
  EXPECT_TRUE(failures("account a\naccount b\ntransfer t a b 5\nbalance b 5\n").empty());
  EXPECT_EQ(failures("account a\naccount b\ntransfer t a b 5\nbalance b 6\n"),
            std::vector<std::string>{"inline:4: expected 6, got 5"});
  EXPECT_EQ(failures("account a\naccount b\ntransfer t a b 5 -> exists\n"),
            std::vector<std::string>{"inline:3: expected exists, got ok"});
  EXPECT_EQ(failures("acount a\n"), std::vector<std::string>{"inline:1: no such command: acount"});
}

}  // namespace
}  // namespace jangbu::ledger
