#include "services/flow/scribe.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace jangbu::services {
namespace {

constexpr size_t kGroupMax = 256;  // proposals appended together
constexpr size_t kReplayRecords = 4096;
constexpr size_t kReplayBytes = size_t{8} << 20;

}  // namespace

Scribe::Scribe(Journal& journal, MarkWriter& mark, Clock& clock, RandomSource& random)
    : journal_(journal),
      mark_(mark),
      clock_(clock),
      random_(random),
      books_(std::make_unique<ledger::Books>()) {}

StatusOr<std::unique_ptr<Scribe>> Scribe::Replay(Journal& journal, MarkWriter& mark, Clock& clock,
                                                 RandomSource& random) {
  std::unique_ptr<Scribe> scribe(new Scribe(journal, mark, clock, random));
  uint64_t seq = 0;
  while (true) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> records,
                            journal.Read(seq, kReplayRecords, kReplayBytes));
    if (records.empty()) break;
    for (const std::string& record : records) {
      JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, ledger::DecodeEntry(seq, record));
      if (Status applied = scribe->books_->Apply(entry); !applied.ok()) {
        return DataLoss("journal_contradicts_itself", MessageOf(applied));
      }
      const Digest leaf = ledger::LeafData(entry);
      scribe->leaves_.push_back(leaf);
      scribe->tree_.Append(ledger::LeafHash(AsView(leaf)));
      ++seq;
    }
  }
  return scribe;
}

Scribe::~Scribe() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  if (writer_.joinable()) writer_.join();
}

Status Scribe::Begin(const std::optional<ledger::Genesis>& genesis,
                     const std::string& software_version) {
  JANGBU_CHECK(!writer_.joinable());
  JANGBU_ASSIGN_OR_RETURN(epoch_, journal_.Acquire());
  writer_ = std::thread([this] { Run(); });
  const auto appended =
      Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        std::vector<ledger::Draft> drafts;
        if (books.size() == 0) {
          if (!genesis.has_value())
            return DataLoss("journal_empty", "the journal of this installation is gone");
          drafts.push_back({.partner = "", .body = *genesis});
        }
        drafts.push_back(
            {.partner = "",
             .body = ledger::EpochBegun{.epoch = epoch_, .software_version = software_version}});
        return drafts;
      });
  return appended.status();
}

StatusOr<Scribe::Appended> Scribe::Propose(const Proposal& propose) {
  Waiter waiter{.propose = &propose, .answer = std::nullopt};
  std::unique_lock lock(queue_mutex_);
  if (!fatal_.ok()) return fatal_;
  if (stopping_) return Unavailable("server_stopping", "the server is stopping; retry");
  queue_.push_back(&waiter);
  arrived_.notify_one();
  answered_.wait(lock, [&] { return waiter.answer.has_value(); });
  return *std::move(waiter.answer);
}

Status Scribe::fatal() const {
  const std::lock_guard lock(queue_mutex_);
  return fatal_;
}

void Scribe::Run() {
  while (true) {
    std::vector<Waiter*> group;
    {
      std::unique_lock lock(queue_mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && group.size() < kGroupMax) {
        group.push_back(queue_.front());
        queue_.pop_front();
      }
    }
    AppendGroup(group);
    {
      const std::lock_guard lock(queue_mutex_);
      if (!fatal_.ok()) {
        for (Waiter* waiter : queue_) waiter->answer = fatal_;
        queue_.clear();
        stopping_ = true;
      }
    }
    answered_.notify_all();
  }
}

Timestamp Scribe::NextTime() const { return std::max(clock_.Now(), books_->last_time()); }

ledger::Entry Scribe::MakeEntry(ledger::Draft draft, uint64_t seq, Timestamp at) {
  ledger::Entry entry;
  entry.seq = seq;
  entry.at = at;
  entry.partner = std::move(draft.partner);
  entry.body = std::move(draft.body);
  random_.Fill(entry.own_salt.data(), entry.own_salt.size());
  random_.Fill(entry.sealed_salt.data(), entry.sealed_salt.size());
  return entry;
}

// Everything happens under the exclusive lock: whoever reads sees either nothing of an entry or a
// durable one.
void Scribe::AppendGroup(std::vector<Waiter*>& group) {
  std::vector<std::optional<StatusOr<Appended>>> answers(group.size());
  std::vector<std::string> records;
  Status failed;
  {
    const std::unique_lock lock(state_mutex_);
    const uint64_t tail = books_->size();
    for (size_t i = 0; i < group.size(); ++i) {
      StatusOr<std::vector<ledger::Draft>> drafts = (*group[i]->propose)(*books_);
      if (!drafts.ok()) {
        answers[i] = drafts.status();
        continue;
      }
      Appended appended{.first_seq = books_->size(), .count = 0, .at = NextTime()};
      Status refused;
      for (ledger::Draft& draft : *drafts) {
        const ledger::Entry entry = MakeEntry(std::move(draft), books_->size(), appended.at);
        refused = books_->Apply(entry);
        if (!refused.ok()) break;
        const Digest leaf = ledger::LeafData(entry);
        leaves_.push_back(leaf);
        tree_.Append(ledger::LeafHash(AsView(leaf)));
        records.push_back(ledger::EncodeEntry(entry));
        ++appended.count;
      }
      if (refused.ok()) {
        answers[i] = appended;
      } else {
        // A refused first draft changed nothing. One that is refused after others of its proposal
        // were applied is our mistake: those others stand, so the proposer must not make such
        // proposals.
        JANGBU_CHECK(appended.count == 0);
        answers[i] = refused;
      }
    }
    if (!records.empty()) {
      const std::vector<std::string_view> views(records.begin(), records.end());
      failed = journal_.Append(epoch_, tail, views);
      if (failed.ok()) {
        failed = mark_.Write({.size = books_->size(), .epoch = epoch_, .root = tree_.Root()});
      }
    }
    if (!failed.ok()) {
      const Status broken =
          Unavailable("journal_broken", "the journal could not be written; restart the server: " +
                                            std::string(MessageOf(failed)));
      for (auto& answer : answers) answer = broken;
      const std::lock_guard queue_lock(queue_mutex_);
      fatal_ = broken;
    }
  }
  const std::lock_guard lock(queue_mutex_);
  for (size_t i = 0; i < group.size(); ++i) group[i]->answer = std::move(answers[i]);
}

StatusOr<std::vector<ledger::Entry>> Scribe::Entries(uint64_t from, size_t max) const {
  const uint64_t size =
      Read([](const ledger::Books& books, const ledger::MerkleTree&) { return books.size(); });
  if (from >= size) return std::vector<ledger::Entry>{};
  JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> records,
                          journal_.Read(from, std::min<uint64_t>(max, size - from), kReplayBytes));
  std::vector<ledger::Entry> entries;
  entries.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    JANGBU_ASSIGN_OR_RETURN(ledger::Entry entry, ledger::DecodeEntry(from + i, records[i]));
    entries.push_back(std::move(entry));
  }
  return entries;
}

StatusOr<ledger::Entry> Scribe::EntryAt(uint64_t seq) const {
  JANGBU_ASSIGN_OR_RETURN(std::vector<ledger::Entry> entries, Entries(seq, 1));
  if (entries.empty())
    return NotFound("no_such_entry", "the journal has no entry " + std::to_string(seq));
  return std::move(entries.front());
}

std::vector<Digest> Scribe::LeafRange(uint64_t from, size_t count) const {
  const std::shared_lock lock(state_mutex_);
  if (from >= leaves_.size()) return {};
  const size_t end = std::min<size_t>(leaves_.size(), from + count);
  return {leaves_.begin() + static_cast<std::ptrdiff_t>(from),
          leaves_.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace jangbu::services
