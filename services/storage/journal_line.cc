#include "services/storage/journal_line.h"

#include <string_view>
#include <utility>
#include <vector>

namespace jangbu::services {

JournalLine::JournalLine(Journal& journal, Epoch epoch, Seq tail, JournalLineOptions options)
    : journal_(journal), epoch_(epoch), options_(options), durable_(tail), put_(tail) {
  writer_ = std::thread([this] { Run(); });
}

JournalLine::~JournalLine() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  writer_.join();
}

StatusOr<Seq> JournalLine::Put(std::shared_ptr<const std::string> record) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return !failed_.ok() || line_.empty() ||
           waiting_bytes_ + record->size() <= options_.waiting_bytes_max;
  });
  if (!failed_.ok()) return failed_;
  waiting_bytes_ += record->size();
  line_.push_back(std::move(record));
  const Seq position = put_++;
  lock.unlock();
  changed_.notify_all();
  return position;
}

Status JournalLine::Await(Seq size) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !failed_.ok() || durable_ >= size; });
  return durable_ >= size ? OkStatus() : failed_;
}

Seq JournalLine::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

void JournalLine::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !line_.empty(); });
    if (line_.empty() || !failed_.ok()) return;
    // They stay in the line, and count as waiting, until they are durable.
    std::vector<std::shared_ptr<const std::string>> group;
    size_t bytes = 0;
    for (const auto& record : line_) {
      if (!group.empty() && bytes + record->size() > options_.append_bytes_max) break;
      bytes += record->size();
      group.push_back(record);
    }
    const Seq at = durable_;
    lock.unlock();
    std::vector<std::string_view> records;
    records.reserve(group.size());
    for (const auto& record : group) records.emplace_back(*record);
    const Status appended = journal_.Append(epoch_, at, records);
    lock.lock();
    if (appended.ok()) {
      line_.erase(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(group.size()));
      waiting_bytes_ -= bytes;
      durable_ += group.size();
    } else {
      failed_ = appended;
    }
    changed_.notify_all();
  }
}

}  // namespace jangbu::services
