#pragma once

// A line of records on their way into a journal: the writer goes on with the next one while those
// before are being made durable.
//
//     Put ─► waits in the line ─► one Append of all that wait (one sync) ─► durable() passes it
//
// A record is acknowledged when durable() has passed it, never before; records become durable in
// the order in which they were put, so whatever a crash leaves is a prefix that holds every
// acknowledged one. A failed append ends the line: its outcome is unknown, nothing after it is
// written, every call answers its error, and whoever opens the journal next finds out by reading.
//
// Thread-safe; Put from one thread keeps its order.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/journal.h"
#include "base/status.h"

namespace jangbu::services {

struct JournalLineOptions {
  // Put waits while so much is in the line: what a crash can lose unacknowledged, and memory.
  size_t waiting_bytes_max = size_t{64} << 20;
  // Appended at once at most; one record is always taken.
  size_t append_bytes_max = size_t{8} << 20;
};

class JournalLine {
 public:
  // Borrows `journal`, whose writer is `epoch` and whose tail is `tail`.
  JournalLine(Journal& journal, Epoch epoch, Seq tail, JournalLineOptions options = {});
  // Waits until what was put is durable or the line has failed.
  ~JournalLine();
  JournalLine(const JournalLine&) = delete;
  JournalLine& operator=(const JournalLine&) = delete;

  // Joins the line; the record's position. Waits while the line is full.
  StatusOr<Seq> Put(std::shared_ptr<const std::string> record);
  // Waits until the records before `size` are durable.
  Status Await(Seq size);
  // All records before it are durable.
  Seq durable() const;

 private:
  void Run();

  Journal& journal_;
  const Epoch epoch_;
  const JournalLineOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const std::string>> line_;  // from durable_ on
  size_t waiting_bytes_ = 0;
  Seq durable_;
  Seq put_;
  Status failed_;
  bool ending_ = false;
  std::thread writer_;
};

}  // namespace jangbu::services
