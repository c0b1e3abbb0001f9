#pragma once

// Where a document stands in its partner's uploads, and what that is called.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/key_index.h"
#include "base/status.h"
#include "ledger/books.h"
#include "ledger/entry.h"
#include "services/flow/prepare_pool.h"
#include "services/flow/scribe.h"
#include "services/flow/staging.h"

namespace jangbu::services {

// The record as it is shown: 0 for a file as a whole.
inline uint64_t ShownRecord(uint64_t record) { return record == kWholeFile ? 0 : record; }

// Finds where a document stands, by (token, ordinal); keeps the last commits and the file names of
// uploads. For one thread.
class DocumentFinder {
 public:
  DocumentFinder(Scribe& scribe, Staging& staging) : scribe_(scribe), staging_(staging) {}

  // The COMMIT entry of a batch.
  StatusOr<std::shared_ptr<const ledger::Entry>> Commit(uint64_t token) {
    if (const auto found = commits_.find(token); found != commits_.end()) return found->second;
    uint64_t seq = 0;
    scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      if (const ledger::BatchRecord* batch = books.FindBatch(token); batch != nullptr)
        seq = batch->commit;
    });
    if (seq == 0)
      return DataLoss("no_such_batch", "a document points to a batch that is not committed");
    JANGBU_ASSIGN_OR_RETURN(ledger::Entry entry, scribe_.EntryAt(seq));
    auto shared = std::make_shared<const ledger::Entry>(std::move(entry));
    commits_.emplace(token, shared);
    order_.push_back(token);
    if (order_.size() > kCachedCommits) {
      commits_.erase(order_.front());
      order_.pop_front();
    }
    return shared;
  }

  // "hanbit/u3#folder/file.jsonl:12"
  StatusOr<std::string> Name(const Owner& owner) {
    JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const ledger::Entry> entry, Commit(owner.token));
    const auto& commit = std::get<ledger::BatchCommit>(entry->body);
    if (owner.ordinal >= commit.items.size())
      return DataLoss("no_such_document", "a document points past its batch");
    const ledger::Item& item = commit.items[owner.ordinal];
    uint64_t upload = 0;
    uint32_t partner = 0;
    scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      const ledger::PartnerRecord& record = *books.FindPartner(entry->partner);
      partner = record.number;
      upload = record.uploads[commit.upload - 1];
    });
    JANGBU_ASSIGN_OR_RETURN(const std::string path, Path(partner, upload, item.file));
    return entry->partner + "/u" + std::to_string(commit.upload) + "#" + path + ":" +
           std::to_string(ShownRecord(item.record));
  }

  // "" when the upload's names are gone.
  StatusOr<std::string> Path(uint32_t partner, uint64_t upload, uint32_t file) {
    auto found = paths_.find(upload);
    if (found == paths_.end()) {
      StatusOr<std::map<uint32_t, std::string>> paths = staging_.Paths(partner, upload);
      if (!paths.ok()) return paths.status();
      found = paths_.emplace(upload, *std::move(paths)).first;
    }
    const auto path = found->second.find(file);
    return path == found->second.end() ? std::string() : path->second;
  }

 private:
  static constexpr size_t kCachedCommits = 64;

  Scribe& scribe_;
  Staging& staging_;
  std::map<uint64_t, std::shared_ptr<const ledger::Entry>> commits_;
  std::deque<uint64_t> order_;
  std::map<uint64_t, std::map<uint32_t, std::string>> paths_;
};

}  // namespace jangbu::services
