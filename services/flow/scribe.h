#pragma once

// The single writer of the journal: turns drafts into entries, makes them durable, and only then
// lets anybody see them.
//
//     proposal ─► entries (position, time, salts) ─► books agree ─► journal ─► mark ─► visible and
//     acknowledged
//
// Proposals that arrive together are appended together (group commit). A failed append or mark
// leaves the outcome unknown: the scribe stops for good, every call answers
// Unavailable("journal_broken"), and whoever opens next finds out by reading. Thread-safe.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/journal.h"
#include "base/status.h"
#include "ledger/books.h"
#include "ledger/entry.h"
#include "ledger/merkle/tree.h"
#include "services/storage/high_water_mark.h"

namespace jangbu::services {

class Scribe {
 public:
  // Reads the whole journal into books and tree. Nothing may be written before Begin. Errors as
  // DecodeEntry and Books::Apply, with DataLoss for whatever the journal says that cannot be.
  static StatusOr<std::unique_ptr<Scribe>> Replay(Journal& journal, MarkWriter& mark, Clock& clock,
                                                  RandomSource& random);
  ~Scribe();

  // Takes the journal over: acquires an epoch and starts writing. `genesis` opens a new journal.
  Status Begin(const std::optional<ledger::Genesis>& genesis, const std::string& software_version);

  // What the drafts of one proposal became: entries first_seq … first_seq + count - 1.
  struct Appended {
    uint64_t first_seq = 0;
    size_t count = 0;
    Timestamp at;
  };
  // `propose` runs on the writer's thread with the books as they will be just before its entries;
  // it must not block. Its drafts are appended all or none; no drafts is fine (count 0). Returns
  // when they are durable.
  using Proposal = std::function<StatusOr<std::vector<ledger::Draft>>(const ledger::Books&)>;
  StatusOr<Appended> Propose(const Proposal& propose);

  // Runs `read` with books and tree held still; what it sees is durable. Must not block.
  template <typename F>
  auto Read(F read) const {
    const std::shared_lock lock(state_mutex_);
    return read(*books_, tree_);
  }

  // The entries of the journal from `from` on, as Journal::Read.
  StatusOr<std::vector<ledger::Entry>> Entries(uint64_t from, size_t max) const;
  StatusOr<ledger::Entry> EntryAt(uint64_t seq) const;
  // The 32 bytes of leaves [from, from + count), as far as there are.
  std::vector<Digest> LeafRange(uint64_t from, size_t count) const;

  // Not OK once the storage failed.
  Status fatal() const;

 private:
  struct Waiter {
    const Proposal* propose = nullptr;
    std::optional<StatusOr<Appended>> answer;
  };

  Scribe(Journal& journal, MarkWriter& mark, Clock& clock, RandomSource& random);
  void Run();
  void AppendGroup(std::vector<Waiter*>& group);
  Timestamp NextTime() const;
  ledger::Entry MakeEntry(ledger::Draft draft, uint64_t seq, Timestamp at);

  Journal& journal_;
  MarkWriter& mark_;
  Clock& clock_;
  RandomSource& random_;
  Epoch epoch_ = 0;

  mutable std::shared_mutex state_mutex_;  // guards books_, tree_, leaves_
  std::unique_ptr<ledger::Books> books_;
  ledger::MerkleTree tree_;
  std::vector<Digest> leaves_;

  mutable std::mutex queue_mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::condition_variable answered_;
  std::deque<Waiter*> queue_;
  bool stopping_ = false;
  Status fatal_;
  std::thread writer_;
};

}  // namespace jangbu::services
