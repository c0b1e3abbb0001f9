#include "base/memory_seams.h"

#include <algorithm>
#include <limits>

namespace jangbu {

// ---- MemoryJournal ----

StatusOr<Epoch> MemoryJournal::Acquire() {
  const std::lock_guard lock(mutex_);
  return ++epoch_;
}

Status MemoryJournal::Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) {
  const std::lock_guard lock(mutex_);
  if (epoch != epoch_) {
    return Aborted("writer_fenced", "epoch " + std::to_string(epoch) + " is not the newest, " +
                                        std::to_string(epoch_) + " is");
  }
  if (expected != records_.size()) {
    return Aborted("seq_conflict", "the tail is at " + std::to_string(records_.size()) +
                                       ", not at " + std::to_string(expected));
  }
  records_.reserve(records_.size() + records.size());
  for (const std::string_view record : records) records_.emplace_back(record);
  return OkStatus();
}

StatusOr<std::vector<std::string>> MemoryJournal::Read(Seq from, size_t max_records,
                                                       size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  size_t bytes = 0;
  for (Seq seq = from; seq < records_.size() && out.size() < max_records; ++seq) {
    const std::string& record = records_[seq];
    if (!out.empty() && record.size() > max_bytes - std::min(max_bytes, bytes)) break;
    bytes += record.size();
    out.push_back(record);
  }
  return out;
}

StatusOr<Seq> MemoryJournal::Tail() {
  const std::lock_guard lock(mutex_);
  return records_.size();
}

// ---- MemoryKeyIndex ----

StatusOr<std::vector<ClaimResult>> MemoryKeyIndex::Claim(TableId table, uint64_t token,
                                                         std::span<const KeyClaim> claims) {
  const std::lock_guard lock(mutex_);
  std::map<Key, Owner>& keys = tables_[table];
  std::vector<ClaimResult> out;
  out.reserve(claims.size());
  for (const KeyClaim& claim : claims) {
    const Owner me{token, claim.ordinal};
    const auto [it, inserted] = keys.try_emplace(claim.key, me);
    const ClaimState state = inserted           ? ClaimState::kNew
                             : it->second == me ? ClaimState::kMine
                                                : ClaimState::kTaken;
    out.push_back({state, it->second});
  }
  return out;
}

StatusOr<std::vector<std::optional<Owner>>> MemoryKeyIndex::Lookup(TableId table,
                                                                   std::span<const Key> keys) {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<Owner>> out(keys.size());
  const auto held = tables_.find(table);
  if (held == tables_.end()) return out;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (const auto it = held->second.find(keys[i]); it != held->second.end()) out[i] = it->second;
  }
  return out;
}

Status MemoryKeyIndex::Release(TableId table, uint64_t token, std::span<const Key> keys) {
  const std::lock_guard lock(mutex_);
  const auto held = tables_.find(table);
  if (held == tables_.end()) return OkStatus();
  for (const Key& key : keys) {
    const auto it = held->second.find(key);
    if (it != held->second.end() && it->second.token == token) held->second.erase(it);
  }
  return OkStatus();
}

StatusOr<std::vector<IndexedKey>> MemoryKeyIndex::Scan(TableId table, std::optional<Key> after,
                                                       size_t max) {
  const std::lock_guard lock(mutex_);
  std::vector<IndexedKey> out;
  const auto held = tables_.find(table);
  if (held == tables_.end()) return out;
  auto it = after.has_value() ? held->second.upper_bound(*after) : held->second.begin();
  for (; it != held->second.end() && out.size() < max; ++it) out.push_back({it->first, it->second});
  return out;
}

// ---- MemoryBlobStore ----

Status MemoryBlobStore::Put(std::span<const BlobPut> blobs) {
  const std::lock_guard lock(mutex_);
  // All checks, against what is stored and within the call, then all writes.
  std::map<BlobName, std::string_view> added;
  for (const BlobPut& put : blobs) {
    if (put.bytes.size() > kMaxBlobBytes) {
      return InvalidArgument(
          "blob_too_large",
          std::to_string(put.bytes.size()) + " bytes, at most " + std::to_string(kMaxBlobBytes));
    }
    const auto stored = blobs_.find(put.name);
    const auto [it, inserted] = added.try_emplace(put.name, put.bytes);
    if ((stored != blobs_.end() && stored->second != put.bytes) ||
        (!inserted && it->second != put.bytes)) {
      return AlreadyExists("blob_exists",
                           "kind " + std::to_string(static_cast<int>(put.name.kind)) + " token " +
                               std::to_string(put.name.token) + " ordinal " +
                               std::to_string(put.name.ordinal) + " holds other bytes");
    }
  }
  for (const auto& [name, bytes] : added) blobs_.try_emplace(name, bytes);
  return OkStatus();
}

StatusOr<std::vector<std::optional<std::string>>> MemoryBlobStore::Get(
    std::span<const BlobName> names) {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<std::string>> out(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto it = blobs_.find(names[i]); it != blobs_.end()) out[i] = it->second;
  }
  return out;
}

Status MemoryBlobStore::Delete(std::span<const BlobName> names) {
  const std::lock_guard lock(mutex_);
  for (const BlobName& name : names) blobs_.erase(name);
  return OkStatus();
}

Status MemoryBlobStore::DeleteAll(BlobKind kind, uint64_t token) {
  const std::lock_guard lock(mutex_);
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  blobs_.erase(blobs_.lower_bound({kind, token, 0}), blobs_.upper_bound({kind, token, kLast}));
  return OkStatus();
}

StatusOr<std::vector<BlobStore::Listed>> MemoryBlobStore::List(BlobKind kind, uint64_t token,
                                                               uint64_t from, size_t max) {
  const std::lock_guard lock(mutex_);
  std::vector<Listed> out;
  for (auto it = blobs_.lower_bound({kind, token, from});
       it != blobs_.end() && it->first.kind == kind && it->first.token == token && out.size() < max;
       ++it) {
    out.push_back({it->first, it->second.size()});
  }
  return out;
}

StatusOr<std::vector<uint64_t>> MemoryBlobStore::ListTokens(BlobKind kind,
                                                            std::optional<uint64_t> after,
                                                            size_t max) {
  const std::lock_guard lock(mutex_);
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  std::vector<uint64_t> out;
  auto it = after.has_value() ? blobs_.upper_bound({kind, *after, kLast})
                              : blobs_.lower_bound({kind, 0, 0});
  while (it != blobs_.end() && it->first.kind == kind && out.size() < max) {
    out.push_back(it->first.token);
    it = blobs_.upper_bound({kind, it->first.token, kLast});
  }
  return out;
}

// ---- MemoryKeyVault ----

Status MemoryKeyVault::Put(std::span<const VaultPut> keys) {
  const std::lock_guard lock(mutex_);
  for (const VaultPut& put : keys) {
    if (put.wrapped.size() > kMaxWrappedKeyBytes) {
      return InvalidArgument("wrapped_key_too_large", std::to_string(put.wrapped.size()) +
                                                          " bytes, at most " +
                                                          std::to_string(kMaxWrappedKeyBytes));
    }
  }
  for (const VaultPut& put : keys) keys_.insert_or_assign(put.name, std::string(put.wrapped));
  return OkStatus();
}

StatusOr<std::vector<std::optional<std::string>>> MemoryKeyVault::Get(
    std::span<const VaultName> names) {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<std::string>> out(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto it = keys_.find(names[i]); it != keys_.end()) out[i] = it->second;
  }
  return out;
}

Status MemoryKeyVault::Erase(std::span<const VaultName> names) {
  const std::lock_guard lock(mutex_);
  for (const VaultName& name : names) keys_.erase(name);
  return OkStatus();
}

Status MemoryKeyVault::EraseAll(VaultKind kind, uint64_t id) {
  const std::lock_guard lock(mutex_);
  constexpr uint32_t kLast = std::numeric_limits<uint32_t>::max();
  keys_.erase(keys_.lower_bound({kind, id, 0}), keys_.upper_bound({kind, id, kLast}));
  return OkStatus();
}

}  // namespace jangbu
