// Law: on any commands the ledger and its slow twin answer alike and end in the same balances; what
// a scope takes back leaves no trace.
//
// Input: a byte names a command, the bytes after it its small operands; so libFuzzer can compose
// stories.

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "ledger/ledger.h"
#include "tests/reference/ledger_reference.h"

namespace jangbu::ledger {
namespace {

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  uint8_t Next() { return empty() ? uint8_t{0} : data_[at_++]; }
  // Near zero, near the largest amount, or a power of two.
  uint64_t Amount() {
    const uint8_t b = Next();
    if (b < 192) return b;
    if (b < 208) return kAmountMax - (b - 192u);
    if (b < 216) return kAmountAll - (b - 208u);
    return uint64_t{1} << (b - 216 + 24);
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

Transfer ReadTransfer(Bytes& in) {
  Transfer transfer;
  transfer.id = TransferId(in.Next() % 32u);
  transfer.flags = in.Next() % 18u;
  const uint8_t accounts = in.Next();
  transfer.debit_account = AccountId(accounts % 8u);
  transfer.credit_account = AccountId(accounts / 8u % 8u);
  transfer.amount = in.Amount();
  if (transfer.flags > 1) {
    const uint8_t b = in.Next();
    if (transfer.pending()) transfer.timeout = b % 8u;
    if (!transfer.pending()) transfer.pending_id = TransferId(b % 32u);
  }
  const uint8_t rest = in.Next();
  transfer.asset = rest % 4u == 3 ? 2 : rest % 4u;
  transfer.code = rest / 4u % 3u;
  transfer.user_data_32 = rest / 64u % 2u;
  return transfer;
}

void Check(const Ledger& fast, const reference::Ledger& slow) {
  JANGBU_CHECK(fast.CheckBooks().ok());
  JANGBU_CHECK(fast.totals() == slow.totals());
  for (uint64_t id = 0; id < 8; ++id) {
    JANGBU_CHECK(fast.BalancesAt(AccountId(id), fast.last_at()) ==
                 slow.BalancesAt(AccountId(id), fast.last_at()));
    JANGBU_CHECK(fast.EventCount(AccountId(id)) == slow.EventCount(AccountId(id)));
  }
  for (uint64_t id = 0; id < 32; ++id) {
    JANGBU_CHECK(fast.FindPending(TransferId(id)) == slow.FindPending(TransferId(id)));
  }
}

void Run(Bytes in) {
  Ledger fast;
  reference::Ledger slow;
  Timestamp now;
  int commands = 0;
  while (!in.empty() && ++commands < 64) {
    const uint8_t command = in.Next();
    now.micros += command / 16u * 500'000;
    switch (command % 8) {
      case 0: {
        Account account;
        const uint8_t b = in.Next();
        account.id = AccountId(b % 8u);
        account.flags = static_cast<uint16_t>(b / 8u % 8u);
        account.asset = b / 64u % 3u;
        account.code = 1;
        const std::vector<Account> batch(1u + (b & 1u), account);
        JANGBU_CHECK(fast.CreateAccounts(batch, now) == slow.CreateAccounts(batch, now));
        break;
      }
      case 1:
        JANGBU_CHECK(fast.ExpirePending(now) == slow.ExpirePending(now));
        break;
      case 2: {
        const std::vector<AccountId> ids(1, AccountId(in.Next() % 8u));
        JANGBU_CHECK(fast.CloseAccounts(ids, now) == slow.CloseAccounts(ids, now));
        break;
      }
      case 3: {
        const std::vector<AccountId> ids(1, AccountId(in.Next() % 8u));
        JANGBU_CHECK(fast.ReopenAccounts(ids, now) == slow.ReopenAccounts(ids, now));
        break;
      }
      default: {
        std::vector<Transfer> batch;
        for (int n = command % 4; n >= 0; --n) batch.push_back(ReadTransfer(in));
        const Digest before = fast.StateDigest();
        const std::vector<Outcome> tried = fast.TryTransfers(batch, now);
        JANGBU_CHECK(fast.StateDigest() == before);
        const std::vector<Outcome> outcomes = fast.CreateTransfers(batch, now);
        JANGBU_CHECK(tried == outcomes);
        JANGBU_CHECK(outcomes == slow.CreateTransfers(batch, now));
      }
    }
    Check(fast, slow);
  }
  const auto restored = Ledger::Restore(fast.Snapshot());
  JANGBU_CHECK(restored.ok() && restored->StateDigest() == fast.StateDigest());
}

}  // namespace
}  // namespace jangbu::ledger

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  jangbu::ledger::Run(jangbu::ledger::Bytes(data, size));
  return 0;
}
