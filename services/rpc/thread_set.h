#pragma once

// Threads of streams: bounded in number, all joined at the end.

#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace jangbu::services::rpc {

// Thread-safe.
class ThreadSet {
 public:
  explicit ThreadSet(size_t max) : max_(max) {}
  ThreadSet(const ThreadSet&) = delete;
  ThreadSet& operator=(const ThreadSet&) = delete;
  // Waits for all.
  ~ThreadSet();

  // Runs `work` on a thread of its own; false, and nothing runs, when `max` are at work or the
  // system has no more.
  bool Run(std::function<void()> work);

 private:
  struct Entry {
    std::thread thread;
    bool done = false;
  };
  // Takes out those that are done; to be joined outside of the lock.
  std::list<Entry> TakeDone();

  const size_t max_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // guarded by mutex_
};

}  // namespace jangbu::services::rpc
