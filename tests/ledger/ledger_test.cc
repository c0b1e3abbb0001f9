#include "ledger/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "ledger/transfer_batch.h"

namespace jangbu::ledger {
namespace {

using std::vector;

Timestamp At(int64_t seconds) { return Timestamp{seconds * 1'000'000}; }

Account MakeAccount(uint64_t id, uint16_t flags = 0, AssetId asset = 1) {
  Account account;
  account.id = AccountId(id);
  account.asset = asset;
  account.code = 1;
  account.flags = flags;
  return account;
}

Transfer MakeTransfer(uint64_t id, uint64_t debit, uint64_t credit, uint64_t amount,
                      uint16_t flags = 0) {
  Transfer transfer;
  transfer.id = TransferId(id);
  transfer.debit_account = AccountId(debit);
  transfer.credit_account = AccountId(credit);
  transfer.amount = amount;
  transfer.asset = 1;
  transfer.code = 1;
  transfer.flags = flags;
  return transfer;
}

// A snapshot of two accounts, opened at 5, with `transfers` and `expiries` as they are given, at
// last_at seconds.
std::string ForgedSnapshot(const std::vector<Transfer>& transfers,
                           const std::vector<std::array<int64_t, 3>>& expiries,
                           const std::vector<Account>& accounts, int64_t last_at) {
  ByteWriter out;
  out.Raw("jbledger");
  out.U8(1);
  out.I64(last_at);
  out.Varint(accounts.size());
  for (const Account& account : accounts) EncodeAccount(account, out);
  out.Varint(transfers.size());
  for (const Transfer& transfer : transfers) EncodeTransfer(transfer, out);
  out.Varint(expiries.size());
  for (const auto& [transfer, position, at] : expiries) {
    out.Varint(static_cast<uint64_t>(transfer));
    out.Varint(static_cast<uint64_t>(position));
    out.I64(at);
  }
  return out.Take();
}

Transfer MakePosting(uint64_t id, uint64_t pending, uint64_t amount) {
  Transfer transfer;
  transfer.id = TransferId(id);
  transfer.pending_id = TransferId(pending);
  transfer.amount = amount;
  transfer.flags = TransferFlags::kPostPending;
  return transfer;
}

Outcome One(Ledger& ledger, const Account& account, int64_t seconds = 0) {
  return ledger.CreateAccounts({&account, 1}, At(seconds)).at(0);
}
Outcome One(Ledger& ledger, const Transfer& transfer, int64_t seconds = 0) {
  return ledger.CreateTransfers({&transfer, 1}, At(seconds)).at(0);
}

// Pool 1, limited account 2, account 3, with some of everything in it.
Ledger SmallBooks() {
  Ledger ledger;
  EXPECT_EQ(One(ledger, MakeAccount(1)), Outcome::kOk);
  EXPECT_EQ(One(ledger, MakeAccount(2, AccountFlags::kDebitsMustNotExceedCredits)), Outcome::kOk);
  EXPECT_EQ(One(ledger, MakeAccount(3)), Outcome::kOk);
  EXPECT_EQ(One(ledger, MakeAccount(4)), Outcome::kOk);
  EXPECT_EQ(One(ledger, MakeTransfer(1, 1, 2, 1'000), 1), Outcome::kOk);
  Transfer hold = MakeTransfer(2, 2, 3, 300, TransferFlags::kPending);
  hold.timeout = 60;
  EXPECT_EQ(One(ledger, hold, 2), Outcome::kOk);
  hold.id = TransferId(3);
  EXPECT_EQ(One(ledger, hold, 3), Outcome::kOk);
  EXPECT_EQ(One(ledger, MakePosting(4, 2, 100), 4), Outcome::kOk);
  EXPECT_EQ(ledger.ExpirePending(At(63)).size(), 1u);
  EXPECT_EQ(One(ledger, MakeTransfer(5, 2, 3, 7, TransferFlags::kPending), 64), Outcome::kOk);
  const vector<AccountId> closing = {AccountId(4)};
  EXPECT_EQ(ledger.CloseAccounts(closing, At(65)).at(0), Outcome::kOk);
  return ledger;
}

TEST(Transfer, ABatchIsTheBytesOfItsTransfers) {
  vector<Transfer> batch;
  for (uint64_t i = 1; i <= 20; ++i) {
    Transfer transfer = MakeTransfer(i * 0x0102'0304'0506'0708, i + 1, i + 2, i << 40, 1);
    transfer.pending_id = TransferId(i, ~i);
    transfer.user_data_128 = UserData128(~i, i);
    transfer.user_data_64 = i * 3;
    transfer.user_data_32 = static_cast<uint32_t>(i * 5);
    transfer.timeout = static_cast<uint32_t>(i * 7);
    transfer.timestamp = At(static_cast<int64_t>(i));
    batch.push_back(transfer);
  }
  ByteWriter out;
  for (const Transfer& transfer : batch) EncodeTransfer(transfer, out);
  EXPECT_EQ(EncodeTransfers(batch), out.bytes());
  EXPECT_EQ(EncodeTransfers({}), "");
  std::vector<Transfer> read(7);  // of another size before
  DecodeTransfers(out.bytes(), read);
  EXPECT_EQ(read, batch);
  DecodeTransfers("", read);
  EXPECT_TRUE(read.empty());
}

TEST(Records, KeepTheirBytes) {
  Transfer transfer;
  transfer.id = TransferId(0x0102030405060708, 0x090A0B0C0D0E0F10);
  transfer.debit_account = AccountId(0x11);
  transfer.credit_account = AccountId(0x22);
  transfer.amount = 0x33;
  transfer.reserved = 0x44;
  transfer.pending_id = TransferId(0x55);
  transfer.user_data_128 = UserData128(0x66);
  transfer.user_data_64 = 0x77;
  transfer.user_data_32 = 0x88;
  transfer.timeout = 0x99;
  transfer.asset = 0xAA;
  transfer.code = 0xBB;
  transfer.flags = 0xCC;
  transfer.timestamp = Timestamp{0xDD};
  ByteWriter out;
  EncodeTransfer(transfer, out);
  EXPECT_EQ(ToHex(out.bytes()),
            "100f0e0d0c0b0a090807060504030201"  // id
            "11000000000000000000000000000000"  // debit account
            "22000000000000000000000000000000"  // credit account
            "33000000000000004400000000000000"  // amount, reserved
            "55000000000000000000000000000000"  // pending id
            "66000000000000000000000000000000"  // user data
            "77000000000000008800000099000000"  // user data, user data, timeout
            "aa000000bb00cc00dd00000000000000"  // asset, code, flags, timestamp
  );
  ByteReader in(out.bytes());
  EXPECT_EQ(DecodeTransfer(in), transfer);
  EXPECT_TRUE(in.Finish("transfer").ok());

  Account account;
  account.id = AccountId(0x11);
  account.balances = {0x21, 0x22, 0x23, 0x24};
  account.user_data_128 = UserData128(0x33);
  account.user_data_64 = 0x44;
  account.user_data_32 = 0x55;
  account.asset = 0x66;
  account.code = 0x77;
  account.flags = 0x88;
  account.reserved = 0x99;
  account.timestamp = Timestamp{0xAA};
  account.reserved_tail = {1, 2, 3, 4};
  ByteWriter account_out;
  EncodeAccount(account, account_out);
  EXPECT_EQ(ToHex(account_out.bytes()),
            "11000000000000000000000000000000"
            "21000000000000002200000000000000"
            "23000000000000002400000000000000"
            "33000000000000000000000000000000"
            "44000000000000005500000066000000"
            "7700880099000000"
            "aa00000000000000"
            "0100000000000000020000000000000003000000000000000400000000000000");
  ByteReader account_in(account_out.bytes());
  EXPECT_EQ(DecodeAccount(account_in), account);
  EXPECT_TRUE(account_in.Finish("account").ok());
}

TEST(Outcomes, HaveDistinctNames) {
  std::set<std::string_view> names;
  for (int i = 0; i < kOutcomeCount; ++i) names.insert(NameOf(static_cast<Outcome>(i)));
  EXPECT_EQ(names.size(), static_cast<size_t>(kOutcomeCount));
  EXPECT_EQ(NameOf(Outcome::kOk), "ok");
  EXPECT_EQ(NameOf(Outcome::kExceedsDebits), "exceeds_debits");
}

TEST(LedgerState, PostingStoresWhatItLeftToThePendingTransfer) {
  Ledger ledger = SmallBooks();
  const Transfer* posting = ledger.FindTransfer(TransferId(4));
  ASSERT_NE(posting, nullptr);
  EXPECT_EQ(posting->debit_account, AccountId(2));
  EXPECT_EQ(posting->credit_account, AccountId(3));
  EXPECT_EQ(posting->asset, 1u);
  EXPECT_EQ(posting->code, 1u);
  EXPECT_EQ(posting->timestamp, At(4));
  EXPECT_EQ(ledger.FindPending(TransferId(2)), PendingState::kPosted);
  EXPECT_EQ(ledger.FindPending(TransferId(3)), PendingState::kExpired);
  EXPECT_EQ(ledger.FindPending(TransferId(5)), PendingState::kPending);
  EXPECT_EQ(ledger.FindPending(TransferId(1)), std::nullopt);
  EXPECT_EQ(ledger.FindPending(TransferId(99)), std::nullopt);
  EXPECT_EQ(ledger.open_pending_count(), 1u);
}

TEST(LedgerState, UnknownThingsAreAnswered) {
  const Ledger ledger;
  EXPECT_EQ(ledger.FindAccount(AccountId(1)), nullptr);
  EXPECT_EQ(ledger.FindTransfer(TransferId(1)), nullptr);
  EXPECT_EQ(ledger.BalancesAt(AccountId(1), At(0)), std::nullopt);
  EXPECT_EQ(ledger.EventCount(AccountId(1)), 0u);
  EXPECT_EQ(ledger.EventCountAt(AccountId(1), At(0)), 0u);
  EXPECT_TRUE(ledger.Events(AccountId(1), 0, 10).empty());
  EXPECT_EQ(ledger.NextExpiry(), std::nullopt);
  EXPECT_TRUE(ledger.totals().empty());
}

TEST(LedgerState, TimeNeverGoesBack) {
  Ledger ledger = SmallBooks();
  EXPECT_EQ(ledger.last_at(), At(65));
  EXPECT_DEATH(ledger.ExpirePending(At(64)), "at >= last_at_");
}

TEST(History, PagesFitTogetherAndReachEveryBalance) {
  Ledger ledger;
  ASSERT_EQ(One(ledger, MakeAccount(1)), Outcome::kOk);
  ASSERT_EQ(One(ledger, MakeAccount(2)), Outcome::kOk);
  // Two transfers a second, some of them holds: 500 events, beyond several marks.
  vector<Balances> expected;
  for (uint64_t i = 0; i < 500; ++i) {
    const bool hold = i % 5 == 2;
    ASSERT_EQ(
        One(ledger, MakeTransfer(i + 1, 1, 2, i + 1, hold ? TransferFlags::kPending : uint16_t{0}),
            static_cast<int64_t>(i / 2)),
        Outcome::kOk);
    expected.push_back(ledger.FindAccount(AccountId(2))->balances);
  }
  EXPECT_EQ(ledger.EventCount(AccountId(2)), 500u);
  for (const size_t page_size : {1u, 7u, 64u, 100u, 1'000u}) {
    vector<AccountEvent> all;
    while (true) {
      const auto page = ledger.Events(AccountId(2), all.size(), page_size);
      if (page.empty()) break;
      ASSERT_LE(page.size(), page_size);
      all.insert(all.end(), page.begin(), page.end());
    }
    ASSERT_EQ(all.size(), 500u);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].position, i);
      EXPECT_EQ(all[i].after, expected[i]);
      EXPECT_EQ(all[i].at, At(static_cast<int64_t>(i / 2)));
      EXPECT_EQ(all[i].transfer->id, TransferId(i + 1));
      EXPECT_EQ(all[i].kind, AccountEvent::Kind::kTransfer);
    }
  }
  for (int64_t second = 0; second < 250; ++second) {
    EXPECT_EQ(ledger.BalancesAt(AccountId(2), At(second)),
              expected[static_cast<size_t>(second) * 2 + 1]);
    EXPECT_EQ(ledger.EventCountAt(AccountId(2), At(second)), static_cast<uint64_t>(second) * 2 + 2);
  }
  EXPECT_TRUE(ledger.Events(AccountId(2), 500, 10).empty());
  EXPECT_TRUE(ledger.Events(AccountId(2), UINT64_MAX, SIZE_MAX).empty());
  EXPECT_EQ(ledger.Events(AccountId(2), 499, SIZE_MAX).size(), 1u);
  EXPECT_TRUE(ledger.CheckBooks().ok());
}

TEST(Scopes, RollbackLeavesNoTrace) {
  Ledger ledger = SmallBooks();
  const Digest before = ledger.StateDigest();
  {
    const Ledger::Scope outer(ledger);
    EXPECT_EQ(One(ledger, MakeAccount(9, 0, 7), 70), Outcome::kOk);
    EXPECT_EQ(One(ledger, MakeTransfer(10, 1, 2, 5), 71), Outcome::kOk);
    EXPECT_EQ(One(ledger, MakePosting(11, 5, kAmountAll), 72), Outcome::kOk);
    Transfer hold = MakeTransfer(12, 2, 3, 9, TransferFlags::kPending);
    hold.timeout = 10;
    EXPECT_EQ(One(ledger, hold, 73), Outcome::kOk);
    EXPECT_EQ(ledger.NextExpiry(), At(83));
    {
      Ledger::Scope inner(ledger);
      EXPECT_EQ(ledger.ExpirePending(At(90)), vector<TransferId>{TransferId(12)});
      const vector<AccountId> reopening = {AccountId(4)};
      EXPECT_EQ(ledger.ReopenAccounts(reopening, At(91)).at(0), Outcome::kOk);
      inner.Commit();
    }
    EXPECT_EQ(ledger.FindPending(TransferId(12)), PendingState::kExpired);
    EXPECT_EQ(ledger.last_at(), At(91));
    EXPECT_TRUE(ledger.CheckBooks().ok());
    EXPECT_NE(ledger.StateDigest(), before);
  }
  EXPECT_EQ(ledger.StateDigest(), before);
  EXPECT_EQ(ledger.last_at(), At(65));
  EXPECT_EQ(ledger.FindTransfer(TransferId(10)), nullptr);
  EXPECT_EQ(ledger.FindPending(TransferId(5)), PendingState::kPending);
  EXPECT_EQ(ledger.open_pending_count(), 1u);
  EXPECT_EQ(ledger.NextExpiry(), std::nullopt);
  EXPECT_FALSE(ledger.totals().contains(7));
  EXPECT_TRUE(ledger.CheckBooks().ok());
  EXPECT_TRUE(ledger.FindAccount(AccountId(4))->closed());
}

TEST(Scopes, DoingTakingBackAndDoingAgainIsDoing) {
  Ledger once = SmallBooks();
  Ledger twice = SmallBooks();
  const vector<Transfer> batch = {MakeTransfer(10, 2, 3, 500, TransferFlags::kLinked),
                                  MakeTransfer(11, 2, 3, 393),
                                  MakeTransfer(12, 2, 3, 1),  // refused: the hold of 7 counts
                                  MakePosting(13, 5, 3),
                                  MakeTransfer(14, 2, 3, 4),
                                  MakeTransfer(15, 2, 3, 1)};
  const vector<Outcome> expected = {Outcome::kOk, Outcome::kOk, Outcome::kExceedsCredits,
                                    Outcome::kOk, Outcome::kOk, Outcome::kExceedsCredits};
  EXPECT_EQ(once.CreateTransfers(batch, At(70)), expected);
  EXPECT_EQ(twice.TryTransfers(batch, At(70)), expected);
  EXPECT_EQ(twice.StateDigest(), SmallBooks().StateDigest());
  EXPECT_EQ(twice.CreateTransfers(batch, At(70)), expected);
  EXPECT_EQ(once.StateDigest(), twice.StateDigest());
}

// Long histories keep balances at marks; taking back must take those back, too.
TEST(Scopes, RollbackReachesIntoLongHistories) {
  Ledger ledger;
  ASSERT_EQ(One(ledger, MakeAccount(1)), Outcome::kOk);
  ASSERT_EQ(One(ledger, MakeAccount(2)), Outcome::kOk);
  uint64_t id = 0;
  for (const size_t rounds : {10u, 60u, 64u, 130u, 200u}) {
    for (size_t i = 0; i < rounds / 3; ++i) {
      ASSERT_EQ(One(ledger, MakeTransfer(id + 1, 1, 2, 5)), Outcome::kOk);
      ++id;
    }
    const Digest before = ledger.StateDigest();
    {
      const Ledger::Scope scope(ledger);
      for (size_t i = 0; i < rounds; ++i) {
        ASSERT_EQ(One(ledger, MakeTransfer(1'000 + i, 1, 2, 7)), Outcome::kOk);
      }
      ASSERT_TRUE(ledger.CheckBooks().ok());
    }
    ASSERT_EQ(ledger.StateDigest(), before);
    ASSERT_TRUE(ledger.CheckBooks().ok()) << ledger.CheckBooks();
    ASSERT_EQ(ledger.EventCount(AccountId(2)), id);
  }
}

TEST(Scopes, EndInsideOut) {
  Ledger ledger = SmallBooks();
  Ledger::Scope outer(ledger);
  Ledger::Scope inner(ledger);
  EXPECT_DEATH(outer.Commit(), "frames_");
  EXPECT_DEATH(outer.Rollback(), "frames_");
}

TEST(Snapshots, RestoreTheSameLedger) {
  Ledger ledger = SmallBooks();
  const std::string bytes = ledger.Snapshot();
  auto restored = Ledger::Restore(bytes);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->Snapshot(), bytes);
  EXPECT_EQ(restored->StateDigest(), Sha256(bytes));
  EXPECT_EQ(restored->totals(), ledger.totals());
  EXPECT_EQ(restored->last_at(), ledger.last_at());
  EXPECT_TRUE(restored->CheckBooks().ok());
  // And it goes on the same way.
  for (Ledger* each : {&ledger, &*restored}) {
    EXPECT_EQ(One(*each, MakePosting(20, 5, 7), 100), Outcome::kOk);
    EXPECT_EQ(One(*each, MakeTransfer(21, 2, 3, 894), 101), Outcome::kExceedsCredits);
    EXPECT_EQ(One(*each, MakeTransfer(21, 2, 3, 893), 101), Outcome::kOk);
  }
  EXPECT_EQ(restored->StateDigest(), ledger.StateDigest());

  const auto empty = Ledger::Restore(Ledger().Snapshot());
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->StateDigest(), Ledger().StateDigest());
}

TEST(Snapshots, EveryCutAndEveryTrailingByteIsRefused) {
  const std::string bytes = SmallBooks().Snapshot();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Ledger::Restore(std::string_view(bytes).substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
  EXPECT_EQ(Ledger::Restore(bytes + '\0').status().code(), absl::StatusCode::kDataLoss);
}

// A flipped bit gives another ledger or none, but never one whose bytes are not its own.
TEST(Snapshots, EveryFlippedBitIsRefusedOrIsAnotherLedger) {
  const std::string bytes = SmallBooks().Snapshot();
  size_t refused = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto restored = Ledger::Restore(flipped);
    if (!restored.ok()) {
      EXPECT_EQ(restored.status().code(), absl::StatusCode::kDataLoss);
      ++refused;
      continue;
    }
    ASSERT_EQ(restored->Snapshot(), flipped) << "bit " << bit;
    ASSERT_TRUE(restored->CheckBooks().ok());
  }
  EXPECT_GT(refused, 2'000u);
}

TEST(Snapshots, MoneyFromNowhereIsRefused) {
  const Ledger ledger = SmallBooks();
  std::string bytes = ledger.Snapshot();
  // Credits posted of account 2: 8 magic, 1 version, 8 time, 1 count, one account, then at 40 of
  // the second.
  const size_t at = 18 + 128 + 40;
  bytes[at] = static_cast<char>(bytes[at] + 1);
  EXPECT_EQ(ReasonOf(Ledger::Restore(bytes).status()), "ledger_snapshot_damaged");
}

// What no commands lead to, one row a lie, beside the truth that it bends.
TEST(Snapshots, ImpossibleHistoriesAreRefused) {
  const auto account = [](uint64_t id, int64_t opened, uint64_t debits, uint64_t credits,
                          uint64_t held = 0) {
    Account made = MakeAccount(id);
    made.timestamp = Timestamp{opened};
    made.balances.debits_posted = debits;
    made.balances.credits_posted = credits;
    (id == 1 ? made.balances.debits_pending : made.balances.credits_pending) = held;
    return made;
  };
  const auto at = [](Transfer transfer, int64_t micros) {
    transfer.timestamp = Timestamp{micros};
    return transfer;
  };
  Transfer hold = MakeTransfer(1, 1, 2, 10, TransferFlags::kPending);
  hold.timeout = 1;
  Transfer second_hold = hold;
  second_hold.id = TransferId(2);
  const vector<Account> moved = {account(1, 5, 10, 0), account(2, 6, 0, 10)};
  const vector<Account> still = {account(1, 5, 0, 0), account(2, 6, 0, 0)};
  const vector<Account> held = {account(1, 5, 0, 0, 10), account(2, 6, 0, 0, 10)};
  const Transfer plain = MakeTransfer(1, 1, 2, 10);
  constexpr int64_t kSecond = 1'000'000;

  const auto ok = [](const std::string& bytes) { return Ledger::Restore(bytes).ok(); };
  EXPECT_TRUE(ok(ForgedSnapshot({at(plain, 7)}, {}, moved, 7)));
  EXPECT_FALSE(ok(ForgedSnapshot({at(plain, 7)}, {}, moved, 6)))
      << "the ledger's time is before its transfers'";
  EXPECT_FALSE(ok(ForgedSnapshot({}, {}, still, 5))) << "the ledger's time is before its accounts'";
  EXPECT_FALSE(ok(ForgedSnapshot({at(plain, 5)}, {}, moved, 9))) << "a transfer before its account";
  EXPECT_FALSE(ok(ForgedSnapshot({at(plain, 7)}, {}, {moved[1], moved[0]}, 9)))
      << "accounts not in order of time";
  EXPECT_FALSE(ok(ForgedSnapshot({at(plain, 8), at(MakeTransfer(2, 2, 1, 10), 7)}, {},
                                 {account(1, 5, 10, 10), account(2, 6, 10, 10)}, 9)))
      << "transfers not in order of time";
  Transfer all = at(MakePosting(2, 1, kAmountAll), 8);
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7), all}, {}, moved, 9)))
      << "a posting whose zeros are not filled in";

  EXPECT_TRUE(ok(ForgedSnapshot({at(hold, 7)}, {{0, 1, 7 + kSecond}}, still, 9 + kSecond)));
  EXPECT_TRUE(ok(ForgedSnapshot({at(hold, 7)}, {}, held, 9 + kSecond))) << "no tick yet";
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7)}, {{0, 1, 6 + kSecond}}, still, 9 + kSecond)))
      << "before its end";
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7)}, {{0, 0, 7 + kSecond}}, still, 9 + kSecond)))
      << "before its hold";
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7)}, {{0, 2, 7 + kSecond}}, still, 9 + kSecond)))
      << "after the end";
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7)}, {{1, 1, 7 + kSecond}}, still, 9 + kSecond)))
      << "of no transfer";
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7)}, {{0, 1, 7 + kSecond}, {0, 1, 7 + kSecond}}, still,
                                 9 + kSecond)))
      << "twice";
  EXPECT_FALSE(ok(
      ForgedSnapshot({at(hold, 7), at(second_hold, 7)}, {{0, 2, 7 + kSecond}}, held, 9 + kSecond)))
      << "a tick that left something behind that was due";
  EXPECT_TRUE(ok(
      ForgedSnapshot({at(hold, 7), at(second_hold, 8)}, {{0, 2, 7 + kSecond}}, held, 9 + kSecond)));
  EXPECT_TRUE(ok(ForgedSnapshot({at(hold, 7), at(second_hold, 8)},
                                {{0, 2, 8 + kSecond}, {1, 2, 8 + kSecond}}, still, 9 + kSecond)));
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7), at(second_hold, 8)},
                                 {{0, 2, 9 + kSecond}, {1, 2, 8 + kSecond}}, still, 9 + kSecond)))
      << "ticks not in order of time";
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7), at(second_hold, 9 + kSecond)},
                                 {{0, 1, 10 + kSecond}}, held, 20 + kSecond)))
      << "a transfer before the tick that it follows";
  const Transfer other = at(MakeTransfer(2, 1, 2, 10), 9 + kSecond);
  EXPECT_TRUE(ok(ForgedSnapshot({at(hold, 7), other}, {{0, 2, 9 + kSecond}}, moved, 9 + kSecond)));
  EXPECT_FALSE(ok(ForgedSnapshot({at(hold, 7), other}, {{0, 2, 8 + kSecond}}, moved, 9 + kSecond)))
      << "a tick before the transfer that it follows";
}

TEST(Digest, TellsStatesApart) {
  std::set<Digest> digests;
  Ledger ledger;
  const auto add = [&] { EXPECT_TRUE(digests.insert(ledger.StateDigest()).second); };
  add();
  EXPECT_EQ(One(ledger, MakeAccount(1)), Outcome::kOk);
  add();
  EXPECT_EQ(One(ledger, MakeAccount(2)), Outcome::kOk);
  add();
  Transfer hold = MakeTransfer(1, 1, 2, 10, TransferFlags::kPending);
  hold.timeout = 5;
  EXPECT_EQ(One(ledger, hold), Outcome::kOk);
  add();
  EXPECT_EQ(ledger.ExpirePending(At(5)).size(), 1u);
  add();
  const vector<AccountId> ids = {AccountId(1)};
  EXPECT_EQ(ledger.CloseAccounts(ids, At(5)).at(0), Outcome::kOk);
  add();
}

}  // namespace
}  // namespace jangbu::ledger
