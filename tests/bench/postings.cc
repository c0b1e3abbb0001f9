// Transfers a second, from a batch's bytes in memory to durable and signed: the state machine, one
// record of the journal (fsync), a Merkle leaf a transfer, a signed checkpoint a batch. A batch is
// begun while those before it are made durable (services/storage/journal_line.h), and acknowledged
// in order when it is; afterwards all of it is read back and compared.
//
// What it measures is these parts put together, not a server: jangbud's writer makes one group
// durable after the other (docs/decisions/024-the-writer-is-not-on-the-line.md).
//
//   jangbu-bench-postings DIR BATCHES [SQL]
//
// Prints one line of JSON. With SQL it also writes the same batches as a script for psql, which
// tests/bench/postings.py runs on PostgreSQL on the same disk.

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/digest.h"
#include "ledger/ledger.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/tree.h"
#include "ledger/transfer_batch.h"
#include "services/storage/journal_line.h"
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

// CPU of the calling thread: what a stage of the line used. What the storage engine does in the
// background is in the total alone.
double ThreadSeconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// Batches between two stages, at most so many.
template <typename T>
class Belt {
 public:
  void Put(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return items_.size() < kMost; });
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  T Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !items_.empty(); });
    T item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

 private:
  static constexpr size_t kMost = 32;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
};

void WriteSql(std::ofstream& sql, const std::vector<ledger::Transfer>& batch) {
  sql << "begin;\ncopy batch from stdin;\n";
  for (const ledger::Transfer& t : batch) {
    sql << t.id.low << '\t' << t.debit_account.low << '\t' << t.credit_account.low << '\t'
        << t.amount << "\t1\n";
  }
  sql << "\\.\nselect post();\ncommit;\n";
}

int Run(const std::string& dir, size_t count, const char* sql) {
  std::mt19937_64 rng(42);
  uint64_t next = 0;
  // A batch arrives as bytes, and these are what the journal keeps.
  using Record = std::shared_ptr<const std::string>;
  std::vector<Record> batches;
  std::ofstream script;
  if (sql != nullptr) script.open(sql);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<ledger::Transfer> batch = BatchOf(rng, next);
    if (sql != nullptr) WriteSql(script, batch);
    batches.push_back(std::make_shared<const std::string>(ledger::EncodeTransfers(batch)));
  }
  if (sql != nullptr) JANGBU_CHECK(script.flush().good());

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
  // Stages: the state machine; leaves and tree; the journal; signing. A batch is acknowledged, in
  // order, when its record is durable and its checkpoint signed.
  ledger::MerkleTree tree;
  std::string checkpoint;
  double books_s = 0;
  double tree_s = 0;
  size_t acknowledged = 0;
  std::vector<double> waits;

  const double cpu = CpuSeconds();
  const auto began = std::chrono::steady_clock::now();
  const auto since = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  std::vector<double> begun(batches.size());
  {
    services::JournalLine line(**journal, *epoch, 0);
    Belt<Record> to_tree;
    Belt<ledger::Checkpoint> to_answer;
    std::thread hashing([&] {
      const double used = ThreadSeconds();
      std::vector<Digest> leaves(kBatch);
      for (size_t i = 0; i < batches.size(); ++i) {
        const Record record = to_tree.Take();
        for (size_t k = 0; k < kBatch; ++k) {
          leaves[k] = ledger::LeafHash(
              std::string_view(*record).substr(k * ledger::kTransferBytes, ledger::kTransferBytes));
        }
        tree.Append(leaves);
        to_answer.Put({"bench.example/log", tree.size(), tree.Root()});
      }
      tree_s = ThreadSeconds() - used;
    });
    std::thread answering([&] {
      for (size_t i = 0; i < batches.size(); ++i) {
        const ledger::Checkpoint head = to_answer.Take();
        // A log signs what is durable, and nothing else.
        JANGBU_CHECK(line.Await(i + 1).ok());
        const auto signed_head = ledger::SignCheckpoint(head, *signer);
        JANGBU_CHECK(signed_head.ok());
        checkpoint = *signed_head;
        ++acknowledged;
        waits.push_back(since() - begun[i]);
      }
    });
    const double used = ThreadSeconds();
    std::vector<ledger::Transfer> batch;
    for (size_t i = 0; i < batches.size(); ++i) {
      begun[i] = since();
      const Record& record = batches[i];
      ledger::DecodeTransfers(*record, batch);
      const Timestamp at{static_cast<int64_t>(i + 2)};
      for (const ledger::Outcome outcome : books.CreateTransfers(batch, at))
        JANGBU_CHECK(outcome == ledger::Outcome::kOk);
      JANGBU_CHECK(line.Put(record).ok());
      to_tree.Put(record);
    }
    books_s = ThreadSeconds() - used;
    hashing.join();
    answering.join();
  }
  const double wall = since();
  const double used = CpuSeconds() - cpu;
  JANGBU_CHECK(acknowledged == batches.size());
  // What was read back is what was posted, under the last checkpoint's root.
  {
    ledger::MerkleTree again;
    for (size_t i = 0; i < batches.size(); ++i) {
      const auto read = (*journal)->Read(i, 1, size_t{1} << 30);
      JANGBU_CHECK(read.ok() && read->size() == 1 && (*read)[0] == *batches[i]);
      std::vector<Digest> leaves;
      for (size_t k = 0; k < kBatch; ++k) {
        leaves.push_back(
            ledger::LeafHash(std::string_view((*read)[0])
                                 .substr(k * ledger::kTransferBytes, ledger::kTransferBytes)));
      }
      again.Append(leaves);
    }
    JANGBU_CHECK(again.Root() == tree.Root());
    JANGBU_CHECK(ledger::VerifyCheckpoint(checkpoint, signer->verifier())->root == again.Root());
  }
  std::sort(waits.begin(), waits.end());
  JANGBU_CHECK(books.CheckBooks().ok());
  const auto transfers = static_cast<double>(count * kBatch);
  uint64_t debits = 0;
  for (const auto& [asset, totals] : books.totals())
    debits += static_cast<uint64_t>(totals.debits_posted);
  std::printf("{\"transfers\":%" PRIu64
              ",\"wall_s\":%.3f,\"cpu_s\":%.3f,\"per_s\":%.0f,"
              "\"per_cpu_s\":%.0f,\"books_s\":%.3f,\"tree_s\":%.3f,\"wait_p50_s\":%.3f,"
              "\"wait_max_s\":%.3f,\"debits\":%" PRIu64 "}\n",
              static_cast<uint64_t>(transfers), wall, used, transfers / wall, transfers / used,
              books_s, tree_s, waits[waits.size() / 2], waits.back(), debits);
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
