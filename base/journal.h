#pragma once

// The journal seam: an ordered, append-only list of records with one fenced writer. The journal is
// the only truth; an append is the commit of whatever its records say.
//
// Implementations: MemoryJournal (base/memory_seams.h), FaultyJournal (tests), RocksJournal
// (services/storage). One contract test runs over all of them:
// tests/services/storage/seam_contract_test.cc.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu {

using Seq = uint64_t;    // position of a record, from 0 without gaps
using Epoch = uint64_t;  // of a writer; a later writer has a larger one

// Thread-safe.
class Journal {
 public:
  virtual ~Journal() = default;

  // Makes the caller the only writer: returns an epoch larger than any before, durable on return.
  // From then on every Append under an earlier epoch is refused.
  virtual StatusOr<Epoch> Acquire() = 0;

  // Appends `records` in order at positions expected, expected + 1, …: all or none, durable on
  // return (survives process and power loss). Aborted("writer_fenced") when `epoch` is not the
  // newest, Aborted("seq_conflict") when `expected` is not the tail. After Unavailable the outcome
  // is unknown: the writer must stop, and whoever acquires next finds out by reading.
  virtual Status Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) = 0;

  // Records from `from` on, in order: at most `max_records`, and no more than `max_bytes` once
  // there is one. Empty at the tail. DataLoss("record_damaged") names the position of a record that
  // does not read back as written.
  virtual StatusOr<std::vector<std::string>> Read(Seq from, size_t max_records,
                                                  size_t max_bytes) = 0;

  // The position after the last record.
  virtual StatusOr<Seq> Tail() = 0;
};

}  // namespace jangbu
