#pragma once

// The four seams in memory: for tests, for the simulator, and as the shortest statement of each
// contract. They never fail and keep nothing past their own life; to "re-open" one, keep the object
// and make a new user of it.
//
// All classes are thread-safe: one mutex each.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob_store.h"
#include "base/journal.h"
#include "base/key_index.h"
#include "base/key_vault.h"
#include "base/status.h"

namespace jangbu {

class MemoryJournal final : public Journal {
 public:
  StatusOr<Epoch> Acquire() override;
  Status Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) override;
  StatusOr<std::vector<std::string>> Read(Seq from, size_t max_records, size_t max_bytes) override;
  StatusOr<Seq> Tail() override;

 private:
  std::mutex mutex_;
  Epoch epoch_ = 0;
  std::vector<std::string> records_;
};

class MemoryKeyIndex final : public KeyIndex {
 public:
  StatusOr<std::vector<ClaimResult>> Claim(TableId table, uint64_t token,
                                           std::span<const KeyClaim> claims) override;
  StatusOr<std::vector<std::optional<Owner>>> Lookup(TableId table,
                                                     std::span<const Key> keys) override;
  Status Release(TableId table, uint64_t token, std::span<const Key> keys) override;
  StatusOr<std::vector<IndexedKey>> Scan(TableId table, std::optional<Key> after,
                                         size_t max) override;

 private:
  std::mutex mutex_;
  std::map<TableId, std::map<Key, Owner>> tables_;
};

class MemoryBlobStore final : public BlobStore {
 public:
  Status Put(std::span<const BlobPut> blobs) override;
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const BlobName> names) override;
  Status Delete(std::span<const BlobName> names) override;
  Status DeleteAll(BlobKind kind, uint64_t token) override;
  StatusOr<std::vector<Listed>> List(BlobKind kind, uint64_t token, uint64_t from,
                                     size_t max) override;
  StatusOr<std::vector<uint64_t>> ListTokens(BlobKind kind, std::optional<uint64_t> after,
                                             size_t max) override;

 private:
  std::mutex mutex_;
  std::map<BlobName, std::string> blobs_;
};

class MemoryKeyVault final : public KeyVault {
 public:
  Status Put(std::span<const VaultPut> keys) override;
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const VaultName> names) override;
  Status Erase(std::span<const VaultName> names) override;
  Status EraseAll(VaultKind kind, uint64_t id) override;

 private:
  std::mutex mutex_;
  std::map<VaultName, std::string> keys_;
};

}  // namespace jangbu
