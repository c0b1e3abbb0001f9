#include "services/rpc/thread_set.h"

#include <system_error>
#include <utility>

namespace jangbu::services::rpc {

ThreadSet::~ThreadSet() {
  std::list<Entry> rest;
  {
    const std::lock_guard lock(mutex_);
    rest.swap(entries_);
  }
  for (Entry& entry : rest) entry.thread.join();
}

std::list<ThreadSet::Entry> ThreadSet::TakeDone() {
  std::list<Entry> done;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->done) done.splice(done.end(), entries_, entry);
    entry = next;
  }
  return done;
}

bool ThreadSet::Run(std::function<void()> work) {
  std::list<Entry> done;
  bool running = true;
  {
    const std::lock_guard lock(mutex_);
    done = TakeDone();
    if (entries_.size() >= max_) {
      running = false;
    } else {
      Entry* const entry = &entries_.emplace_back();
      try {  // std::thread's way to say that there is none
        entry->thread = std::thread([this, entry, work = std::move(work)] {
          work();
          const std::lock_guard ended(mutex_);
          entry->done = true;
        });
      } catch (const std::system_error&) {
        entries_.pop_back();
        running = false;
      }
    }
  }
  for (Entry& entry : done) entry.thread.join();
  return running;
}

}  // namespace jangbu::services::rpc
