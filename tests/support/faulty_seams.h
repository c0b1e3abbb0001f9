#pragma once

// The four seams with faults put in on purpose, over any implementation. What fails, and how, comes
// from a FaultPlan: from a seed, or call by call.
//
// Only what the contracts allow happens: a call that fails returns Unavailable and did nothing,
// all, or (where the contract is not all-or-none: claims, releases, deletions, erasures, blobs) a
// part. Beyond the contracts goes only LoseUnsynced: a drive that acknowledges what it does not
// keep, for tests that must notice.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/blob_store.h"
#include "base/journal.h"
#include "base/key_index.h"
#include "base/key_vault.h"
#include "base/status.h"

namespace jangbu::support {

enum class Fault : uint8_t {
  kNone,
  kBefore,  // nothing happened
  kAfter,   // everything happened, but nobody was told
  kPartly,  // some of it happened; kBefore or kAfter where the contract is all or none
};

// Decides for every call of every wrapper that shares it. Thread-safe.
class FaultPlan {
 public:
  explicit FaultPlan(uint64_t seed = 0) : random_(seed) {}

  // The n-th call from now on (1 is the next) fails so. Calls are counted over all wrappers, reads
  // included.
  void FailCall(uint64_t n, Fault how);
  // From now on, each call fails with this probability in a thousand, with a fault drawn from the
  // seed.
  void FailOften(uint32_t per_mille);
  // After its next fault everything is frozen: what a crash looks like.
  void FreezeAfterFault();

  // While frozen every call fails and nothing happens.
  void Freeze();
  void Thaw();
  bool frozen() const;

  uint64_t calls() const;
  uint64_t faults() const;

  // For the wrappers: the fate of a call, and a draw from the seed in [0, n).
  Fault Next();
  uint64_t Draw(uint64_t n);

 private:
  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  std::map<uint64_t, Fault> chosen_;  // by number of the call
  uint32_t per_mille_ = 0;
  bool freeze_after_fault_ = false;
  bool frozen_ = false;
  uint64_t calls_ = 0;
  uint64_t faults_ = 0;
};

// What the lying drive has to take back. Thread-safe.
class UndoLog {
 public:
  // From now on changes can be taken back until Sync.
  void Start();
  // What was changed stays.
  void Sync();
  // Takes everything since Start or the last Sync back, newest first.
  void Undo();

  bool started() const;
  void Add(std::function<void()> inverse);

 private:
  mutable std::mutex mutex_;
  bool started_ = false;
  std::vector<std::function<void()>> inverses_;
};

// All wrappers borrow `inner` and `plan`, which must outlive them, and are thread-safe if `inner`
// is.

class FaultyJournal final : public Journal {
 public:
  FaultyJournal(Journal& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  StatusOr<Epoch> Acquire() override;
  Status Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) override;
  StatusOr<std::vector<std::string>> Read(Seq from, size_t max_records, size_t max_bytes) override;
  StatusOr<Seq> Tail() override;

  // From now on appends are acknowledged but kept back, until Sync writes them or LoseUnsynced
  // forgets them.
  void StartLying();
  Status Sync();
  void LoseUnsynced();

 private:
  Status AppendUnsynced(Epoch epoch, Seq expected, std::span<const std::string_view> records);

  Journal& inner_;
  FaultPlan& plan_;
  std::mutex mutex_;
  bool lying_ = false;
  Epoch epoch_ = 0;  // newest, as far as seen while lying
  std::vector<std::string> unsynced_;
};

class FaultyKeyIndex final : public KeyIndex {
 public:
  FaultyKeyIndex(KeyIndex& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  StatusOr<std::vector<ClaimResult>> Claim(TableId table, uint64_t token,
                                           std::span<const KeyClaim> claims) override;
  StatusOr<std::vector<std::optional<Owner>>> Lookup(TableId table,
                                                     std::span<const Key> keys) override;
  Status Release(TableId table, uint64_t token, std::span<const Key> keys) override;
  StatusOr<std::vector<IndexedKey>> Scan(TableId table, std::optional<Key> after,
                                         size_t max) override;

  void StartLying() { undo_.Start(); }
  void Sync() { undo_.Sync(); }
  void LoseUnsynced() { undo_.Undo(); }

 private:
  StatusOr<std::vector<ClaimResult>> DoClaim(TableId table, uint64_t token,
                                             std::span<const KeyClaim> claims);
  Status DoRelease(TableId table, uint64_t token, std::span<const Key> keys);

  KeyIndex& inner_;
  FaultPlan& plan_;
  UndoLog undo_;
};

class FaultyBlobStore final : public BlobStore {
 public:
  FaultyBlobStore(BlobStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Status Put(std::span<const BlobPut> blobs) override;
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const BlobName> names) override;
  Status Delete(std::span<const BlobName> names) override;
  Status DeleteAll(BlobKind kind, uint64_t token) override;
  StatusOr<std::vector<Listed>> List(BlobKind kind, uint64_t token, uint64_t from,
                                     size_t max) override;
  StatusOr<std::vector<uint64_t>> ListTokens(BlobKind kind, std::optional<uint64_t> after,
                                             size_t max) override;

  void StartLying() { undo_.Start(); }
  void Sync() { undo_.Sync(); }
  void LoseUnsynced() { undo_.Undo(); }

 private:
  Status DoPut(std::span<const BlobPut> blobs);
  Status DoDelete(std::span<const BlobName> names);

  BlobStore& inner_;
  FaultPlan& plan_;
  UndoLog undo_;
};

class FaultyKeyVault final : public KeyVault {
 public:
  FaultyKeyVault(KeyVault& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Status Put(std::span<const VaultPut> keys) override;
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const VaultName> names) override;
  // An erasure that was acknowledged is never taken back, not even by a lying drive: nothing could
  // tell.
  Status Erase(std::span<const VaultName> names) override;
  Status EraseAll(VaultKind kind, uint64_t id) override;

  void StartLying() { undo_.Start(); }
  void Sync() { undo_.Sync(); }
  void LoseUnsynced() { undo_.Undo(); }

 private:
  Status DoPut(std::span<const VaultPut> keys);

  KeyVault& inner_;
  FaultPlan& plan_;
  UndoLog undo_;
};

}  // namespace jangbu::support
