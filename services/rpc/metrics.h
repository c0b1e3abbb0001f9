#pragma once

// Counters for operators, in the Prometheus text format. Labels are methods, codes and kinds; none
// names a partner. Totals still show that somebody is active, so the HTTP gateway hands them to
// this machine only.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jangbu::services::rpc {

// Thread-safe; a few hundred nanoseconds a count.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void CallBegan();
  // `method` is of the access table (labels are bounded), `code` a canonical name.
  void CallEnded(std::string_view method, std::string_view code, double seconds);
  void Staged(uint64_t bytes);
  void FeedDocuments(uint64_t documents);
  // `kind`: checkpoint, tile, entries, healthz, metrics, other.
  void HttpServed(std::string_view kind, int status);

  // Set when they are asked for.
  struct Gauges {
    uint64_t journal_entries = 0;
    bool failed = false;  // the storage failed; the process must be restarted
  };
  std::string Render(const Gauges& gauges);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services::rpc
