#pragma once

// What an installation's guard stands on: the run index of everybody as it is now, MACs of what was
// withdrawn, what each key was shown, and incidents into the journal.
//
//   withdrawing = entry ─► Keep (MACs durable, in the index) ─► keys destroyed
//
// So there is no moment in which a text is neither readable nor known by its MACs. What was shown
// is kept in blobs of an hour, each made before its text is released; hours that no budget looks
// back to are deleted. Thread-safe.

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/guard/exposure_budget.h"
#include "audit/guard/guard_index.h"
#include "base/blob_store.h"
#include "base/status.h"
#include "ledger/audit_entry.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"
#include "services/flow/text_index.h"

namespace jangbu::services {

class Guarding {
 public:
  // Borrows all. Reads the MACs of everything withdrawn. A text that was destroyed before there
  // were MACs is not protected; `log` says how many those are.
  static StatusOr<std::unique_ptr<Guarding>> Open(Scribe& scribe, BlobStore& blobs,
                                                  Keyring& keyring, TextIndex& index,
                                                  std::function<void(std::string_view)> log);

  // The index of now: every document whose verdict was shown before the call is in it. Cheap when
  // nothing is new, else as GuardIndex::Make.
  StatusOr<std::shared_ptr<const audit::GuardIndex>> Index();

  // Keeps the MACs of documents that are about to become unreadable; durable, and in Index(), on
  // return. Idempotent. Documents whose keys are gone are left out.
  Status Keep(const std::vector<Owner>& documents);

  // What each user's key (by its UserMac) was shown in 24 hours; durable before it is shown.
  audit::ExposureLedger& exposures() { return exposures_; }

  std::array<uint8_t, 16> UserMac(std::string_view user_key) const;
  std::array<uint8_t, 16> RunMac(std::u32string_view run) const;
  // Enters an incident; its place in the journal.
  StatusOr<uint64_t> Record(ledger::GuardIncident incident);

 private:
  Guarding(Scribe& scribe, BlobStore& blobs, Keyring& keyring, TextIndex& index,
           std::function<void(std::string_view)> log);
  Status LoadWithdrawn();
  // All blobs of a kind, in the order of their names.
  Status EachBlob(BlobKind kind, const std::function<Status(const BlobName&, std::string)>& blob);
  Status LoadExposures();
  Status KeepExposures(std::span<const audit::ExposureLine> shown);

  Scribe& scribe_;
  BlobStore& blobs_;
  TextIndex& index_;
  const std::function<void(std::string_view)> log_;
  const HmacSha256 window_mac_;
  const HmacSha256 name_mac_;
  audit::ExposureLedger exposures_;
  std::atomic<uint64_t> next_exposure_{0};  // ordinal of the next blob of exposures
  std::atomic<int64_t> newest_exposure_hour_{0};

  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const audit::WithdrawnRuns> withdrawn_;
  std::shared_ptr<const audit::GuardIndex> current_;
};

}  // namespace jangbu::services
