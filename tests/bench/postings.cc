// Transfers a second, from a batch in memory to durable and signed: the state machine, one record
// of the journal (fsync), a Merkle leaf a transfer, a signed checkpoint a batch.
//
//   jangbu-bench-postings DIR BATCHES [SQL]
//
// Prints one line of JSON. With SQL it also writes the same batches as a script for psql, which
// tests/bench/postings.py runs on PostgreSQL on the same disk.

#include <sys/resource.h>
#include <time.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/digest.h"
#include "ledger/ledger.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/tree.h"
#include "services/storage/rocks_journal.h"

namespace jangbu {
namespace {

constexpr uint64_t kAccounts = 10'000;
constexpr size_t kBatch = 8'190;

ledger::AccountId IdOf(uint64_t account) { return ledger::AccountId(account + 1); }

std::vector<ledger::Transfer> BatchOf(std::mt19937_64& rng, uint64_t& next) {
  std::vector<ledger::Transfer> batch(kBatch);
  for (ledger::Transfer& transfer : batch) {
    transfer.id = ledger::TransferId(++next);
    const uint64_t debit = rng() % kAccounts;
    transfer.debit_account = IdOf(debit);
    transfer.credit_account = IdOf((debit + 1 + rng() % (kAccounts - 1)) % kAccounts);
    transfer.amount = 1 + rng() % 1'000;
    transfer.asset = 1;
    transfer.code = 1;
  }
  return batch;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// CPU of this thread by stage; what the storage engine does in the background is in the total
// alone.
class Stages {
 public:
  enum Stage { kBooks, kLeaves, kJournal, kTree, kCount };
  void Begin() { last_ = Now(); }
  void End(Stage stage) {
    const double now = Now();
    seconds_[stage] += now - last_;
    last_ = now;
  }
  double operator[](Stage stage) const { return seconds_[stage]; }

 private:
  static double Now() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  }
  double last_ = 0;
  double seconds_[kCount] = {};
};

void WriteSql(const std::string& path, const std::vector<std::vector<ledger::Transfer>>& batches) {
  std::ofstream sql(path);
  for (const auto& batch : batches) {
    sql << "begin;\ncopy batch from stdin;\n";
    for (const ledger::Transfer& t : batch) {
      sql << t.id.low << '\t' << t.debit_account.low << '\t' << t.credit_account.low << '\t'
          << t.amount << "\t1\n";
    }
    sql << "\\.\nselect post();\ncommit;\n";
  }
  JANGBU_CHECK(sql.good());
}

int Run(const std::string& dir, size_t count, const char* sql) {
  std::mt19937_64 rng(42);
  uint64_t next = 0;
  std::vector<std::vector<ledger::Transfer>> batches;
  for (size_t i = 0; i < count; ++i) batches.push_back(BatchOf(rng, next));
  if (sql != nullptr) WriteSql(sql, batches);

  ledger::Ledger books;
  std::vector<ledger::Account> accounts(kAccounts);
  for (uint64_t i = 0; i < kAccounts; ++i) {
    accounts[i].id = IdOf(i);
    accounts[i].asset = 1;
    accounts[i].code = 1;
  }
  for (const ledger::Outcome outcome : books.CreateAccounts(accounts, Timestamp{1}))
    JANGBU_CHECK(outcome == ledger::Outcome::kOk);
  auto journal = services::RocksJournal::Open(dir + "/journal");
  JANGBU_CHECK(journal.ok());
  const auto epoch = (*journal)->Acquire();
  JANGBU_CHECK(epoch.ok());
  const auto signer = ledger::NoteSigner::Create("bench.example/log", Sha256("bench key"),
                                                 ledger::KeyType::kEd25519);
  JANGBU_CHECK(signer.ok());
  ledger::MerkleTree tree;
  std::string checkpoint;

  const double cpu = CpuSeconds();
  const auto began = std::chrono::steady_clock::now();
  Stages stages;
  stages.Begin();
  for (size_t i = 0; i < batches.size(); ++i) {
    const Timestamp at{static_cast<int64_t>(i + 2)};
    for (const ledger::Outcome outcome : books.CreateTransfers(batches[i], at))
      JANGBU_CHECK(outcome == ledger::Outcome::kOk);
    stages.End(Stages::kBooks);
    ByteWriter record;
    std::vector<Digest> leaves;
    leaves.reserve(kBatch);
    for (const ledger::Transfer& transfer : batches[i]) {
      const size_t from = record.bytes().size();
      ledger::EncodeTransfer(transfer, record);
      leaves.push_back(ledger::LeafHash(std::string_view(record.bytes()).substr(from)));
    }
    stages.End(Stages::kLeaves);
    const std::string_view records[] = {record.bytes()};
    JANGBU_CHECK((*journal)->Append(*epoch, i, records).ok());
    stages.End(Stages::kJournal);
    tree.Append(leaves);
    const auto signed_head =
        ledger::SignCheckpoint({"bench.example/log", tree.size(), tree.Root()}, *signer);
    JANGBU_CHECK(signed_head.ok());
    checkpoint = *signed_head;
    stages.End(Stages::kTree);
  }
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double used = CpuSeconds() - cpu;
  JANGBU_CHECK(books.CheckBooks().ok() && !checkpoint.empty());
  const auto transfers = static_cast<double>(count * kBatch);
  uint64_t debits = 0;
  for (const auto& [asset, totals] : books.totals())
    debits += static_cast<uint64_t>(totals.debits_posted);
  std::printf("{\"transfers\":%" PRIu64
              ",\"wall_s\":%.3f,\"cpu_s\":%.3f,\"per_s\":%.0f,"
              "\"per_cpu_s\":%.0f,\"books_s\":%.3f,\"leaves_s\":%.3f,\"journal_s\":%.3f,"
              "\"tree_s\":%.3f,\"debits\":%" PRIu64 "}\n",
              static_cast<uint64_t>(transfers), wall, used, transfers / wall, transfers / used,
              stages[Stages::kBooks], stages[Stages::kLeaves], stages[Stages::kJournal],
              stages[Stages::kTree], debits);
  return 0;
}

}  // namespace
}  // namespace jangbu

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: %s DIR BATCHES [SQL]\n", argv[0]);
    return 2;
  }
  return jangbu::Run(argv[1], std::strtoull(argv[2], nullptr, 10), argc == 4 ? argv[3] : nullptr);
}
