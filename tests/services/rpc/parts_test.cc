// The parts of the server that need no server: access log lines, metrics, stream threads, pages of
// transfers.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <vector>

#include "ledger/books.h"
#include "services/rpc/access_log.h"
#include "services/rpc/metrics.h"
#include "services/rpc/thread_set.h"
#include "services/rpc/transfer_page.h"

namespace jangbu::services::rpc {
namespace {

TEST(AccessLog, ALineIsOneJsonObject) {
  const CallRecord record{.at = Timestamp{1'738'367'999'000'001},
                          .method = "jangbu.v1.LogService/GetCheckpoint",
                          .key_id = "k1",
                          .role = "partner",
                          .partner_id = "hanbit",
                          .code = "NOT_FOUND",
                          .reason = "no_such_upload",
                          .allow_list = "ab12",
                          .duration_micros = 1234,
                          .peer = "ipv4:127.0.0.1:5",
                          .messages_in = 2,
                          .bytes_in = 3};
  EXPECT_EQ(ToJsonLine(record),
            "{\"time\":\"2025-01-31T23:59:59.000001Z\","
            "\"method\":\"jangbu.v1.LogService/GetCheckpoint\",\"key\":\"k1\",\"role\":\"partner\","
            "\"partner\":\"hanbit\",\"code\":\"NOT_FOUND\",\"reason\":\"no_such_upload\","
            "\"allow_list_sha256\":\"ab12\",\"duration_us\":1234,\"peer\":\"ipv4:127.0.0.1:5\","
            "\"messages_in\":2,\"bytes_in\":3}");
}

TEST(AccessLog, NothingBreaksOutOfALine) {
  EXPECT_EQ(JsonString("a\"b\\c\nd\x01\x7F\x1B[31m"), R"("a\"b\\c\u000ad\u0001\u007f\u001b[31m")");
  EXPECT_EQ(JsonString("가\xFF"), "\"가\xEF\xBF\xBD\"");
}

TEST(AccessLog, TimesBeforeTheEpochAndAfter) {
  EXPECT_EQ(FormatTime(Timestamp{0}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatTime(Timestamp{-1}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTime(Timestamp{253'402'300'799'999'999}), "9999-12-31T23:59:59.999999Z");
}

TEST(AccessLog, SaysWhenItCannotWrite) {
  const auto log = AccessLog::Open("/dev/null/x/access.log");
  EXPECT_EQ(ReasonOf(log.status()), "access_log_unwritable");
  EXPECT_TRUE(AccessLog::Open("off").ok());
}

TEST(Metrics, CountsByMethodAndCode) {
  Metrics metrics;
  metrics.CallBegan();
  metrics.CallBegan();
  metrics.CallEnded("jangbu.v1.LogService/GetCheckpoint", "OK", 0.002);
  metrics.Staged(5);
  metrics.FeedDocuments(2);
  metrics.HttpServed("tile", 200);
  const std::string text = metrics.Render({.journal_entries = 7, .failed = false});
  for (const char* line :
       {"jangbu_rpc_calls_total{code=\"OK\",method=\"jangbu.v1.LogService/GetCheckpoint\"} 1",
        "jangbu_rpc_in_flight 1", "jangbu_staged_bytes_total 5", "jangbu_feed_documents_total 2",
        "jangbu_journal_entries 7", "jangbu_failed 0",
        "jangbu_http_requests_total{kind=\"tile\",status=\"200\"} 1",
        "jangbu_rpc_duration_seconds_bucket{method=\"jangbu.v1.LogService/"
        "GetCheckpoint\",le=\"0.0025\"} 1"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
  }
}

TEST(ThreadSet, RunsNoMoreThanItsNumberAndWaitsForAll) {
  std::atomic<int> ran = 0;
  {
    ThreadSet threads(2);
    std::mutex mutex;
    std::condition_variable changed;
    bool go = false;
    const auto work = [&] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return go; });
      ++ran;
    };
    EXPECT_TRUE(threads.Run(work));
    EXPECT_TRUE(threads.Run(work));
    EXPECT_FALSE(threads.Run(work));
    {
      const std::lock_guard lock(mutex);
      go = true;
    }
    changed.notify_all();
    // Room comes back once they are done.
    while (!threads.Run([&ran] { ++ran; })) std::this_thread::yield();
  }
  EXPECT_EQ(ran, 3);
}

// ---- pages of transfers ----

using ledger::AccountRole;

struct Movement {
  uint32_t partner;
  AccountRole debit;
  AccountRole credit;  // kProgramme: the programme's own
  ledger::AssetId asset;
};

ledger::AccountId Account(uint32_t partner, AccountRole role, ledger::AssetId asset) {
  return ledger::AccountOf(role == AccountRole::kProgramme ? 0 : partner, role, asset);
}

// A ledger with the accounts of two partners, and some transfers, the i-th with id (i / 3 + 1, i %
// 3 + 1).
ledger::Ledger SomeLedger(std::vector<ledger::Transfer>& all) {
  ledger::Ledger ledger;
  std::vector<ledger::Account> accounts;
  const auto open = [&accounts](ledger::AccountId id, ledger::AssetId asset) {
    ledger::Account account;
    account.id = id;
    account.asset = asset;
    account.code = 1;
    accounts.push_back(account);
  };
  for (const ledger::AssetId asset :
       {ledger::kAssetKoreanTokens, ledger::kAssetKoreanWords, ledger::kAssetApiTokens}) {
    open(Account(0, AccountRole::kProgramme, asset), asset);
    for (const uint32_t partner : {1u, 2u}) {
      for (const AccountRole role :
           {AccountRole::kProvisional, AccountRole::kConfirmed, AccountRole::kEntitlementPending,
            AccountRole::kEntitlementAvailable}) {
        open(Account(partner, role, asset), asset);
      }
    }
  }
  for (const ledger::Outcome outcome : ledger.CreateAccounts(accounts, Timestamp{1})) {
    EXPECT_EQ(outcome, ledger::Outcome::kOk);
  }
  const Movement movements[] = {
      {1, AccountRole::kProgramme, AccountRole::kProvisional, ledger::kAssetKoreanTokens},
      {1, AccountRole::kProgramme, AccountRole::kProvisional, ledger::kAssetKoreanWords},
      {2, AccountRole::kProgramme, AccountRole::kConfirmed, ledger::kAssetKoreanWords},
      {1, AccountRole::kEntitlementPending, AccountRole::kEntitlementAvailable,
       ledger::kAssetApiTokens},  // both accounts are the partner's
      {2, AccountRole::kProgramme, AccountRole::kProvisional, ledger::kAssetKoreanTokens},
  };
  for (int i = 0; i < 60; ++i) {
    const Movement& movement = movements[i % 5];
    ledger::Transfer transfer;
    transfer.id =
        ledger::TransferId(static_cast<uint64_t>(i / 3 + 1), static_cast<uint64_t>(i % 3 + 1));
    transfer.debit_account = Account(movement.partner, movement.debit, movement.asset);
    transfer.credit_account = Account(movement.partner, movement.credit, movement.asset);
    transfer.amount = static_cast<uint64_t>(i + 1);
    transfer.asset = movement.asset;
    transfer.code = 1;
    const auto outcomes = ledger.CreateTransfers({&transfer, 1}, Timestamp{i + 2});
    EXPECT_EQ(outcomes[0], ledger::Outcome::kOk);
    all.push_back(*ledger.FindTransfer(transfer.id));
  }
  return ledger;
}

TEST(TransferPage, PagesAddUpToTheWhole) {
  std::vector<ledger::Transfer> all;
  const ledger::Ledger ledger = SomeLedger(all);
  for (const uint32_t partner : {1u, 2u}) {
    std::vector<ledger::Transfer> expected;
    for (size_t i = 0; i < all.size(); ++i) {
      const bool mine = (i % 5 == 2 || i % 5 == 4) == (partner == 2);
      if (mine) expected.push_back(all[i]);
    }
    for (const size_t size : {size_t{1}, size_t{2}, size_t{5}, size_t{36}, size_t{100}}) {
      SCOPED_TRACE(size);
      std::vector<ledger::Transfer> got;
      ledger::TransferId after;
      for (bool more = true; more;) {
        const TransferPage page = ReadTransfers(ledger, partner, after, size);
        EXPECT_LE(page.transfers.size(), size);
        got.insert(got.end(), page.transfers.begin(), page.transfers.end());
        more = page.more;
        if (more) after = page.transfers.back().id;
      }
      EXPECT_EQ(got, expected);
    }
  }
  EXPECT_TRUE(ReadTransfers(ledger, 1, ledger::TransferId(~uint64_t{0}, 0), 10).transfers.empty());
  EXPECT_TRUE(ReadTransfers(ledger, 9, ledger::TransferId(), 10).transfers.empty());
}

}  // namespace
}  // namespace jangbu::services::rpc
