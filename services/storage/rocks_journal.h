#pragma once

// The journal on a RocksDB instance of its own. Every record is stored with its position and linked
// to the one before by a hash chain, so a changed, moved or missing record is found when it is
// read; records lost at the end are found by the high-water mark (high_water_mark.h), which is why
// a journal is opened through DataDir.
//
//     "r" seq(u64, big-endian) -> version(u8 = 1) before(16) link(16) record
//     "h"                      -> version(u8 = 1) tail(u64) epoch(u64) link(16) check(16)
//
//     link   = first 16 bytes of SHA-256("jangbu journal record 1\n" seq(u64) before record)
//     before = link of the record before, zeros for the first
//     check  = first 16 bytes of SHA-256("jangbu journal head 1\n" tail epoch link)
//
// The head is written in the same atomic batch as the records it counts. The chain finds damage;
// forgery is found by the signed Merkle root of the log, not here.

#include <functional>
#include <memory>
#include <string>

#include "base/journal.h"

namespace jangbu::services {

struct RocksJournalOptions {
  size_t write_buffer_bytes =
      size_t{32} << 20;  // also the most that is replayed from the write-ahead log on opening
};

inline constexpr size_t kMaxJournalRecordBytes = size_t{64} << 20;

// Thread-safe. After a failed write every call says Unavailable("journal_broken") until it is
// opened again.
class RocksJournal final : public Journal {
 public:
  // Opens or creates the journal in directory `dir`, whose parent exists.
  // Unavailable("storage_locked") when another process has it; DataLoss("journal_damaged") when it
  // does not open cleanly.
  static StatusOr<std::unique_ptr<RocksJournal>> Open(const std::string& dir,
                                                      const RocksJournalOptions& options = {});

  // The tail that opening `dir` would find, without changing any file. 0 for a directory without a
  // journal.
  static StatusOr<Seq> PeekTail(const std::string& dir);

  ~RocksJournal() override;

  StatusOr<Epoch> Acquire() override;
  // InvalidArgument("record_too_large") beyond kMaxJournalRecordBytes a record.
  Status Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) override;
  // Checks each record's link and that it follows the one before.
  StatusOr<std::vector<std::string>> Read(Seq from, size_t max_records, size_t max_bytes) override;
  StatusOr<Seq> Tail() override;

  // Reads everything. DataLoss names the first record that is wrong. About 300 MB/s.
  Status Verify();

  // Makes a copy that shares files by hard links where it can in `dir`, which does not exist. While
  // it lasts, appends wait, and `meanwhile` runs: what it copies is consistent with the journal's
  // copy.
  Status Checkpoint(const std::string& dir, const std::function<Status()>& meanwhile);

 private:
  struct State;
  explicit RocksJournal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services
