#pragma once

// The key vault on a RocksDB instance of its own, in its own directory, so that it can be kept and
// backed up apart.
//
// Erase leaves the bytes in no file of the directory: the key is deleted, the memory table and
// write-ahead log are turned over, every file that may hold the key is rewritten without it, and
// each file that falls away is overwritten with zeros before it is unlinked (unless a hard link
// still shares it). What the drive keeps below the file system is out of reach of any program: put
// the vault on encrypted storage.
//
//     kind(u8) id(u64) ordinal(u32), big-endian -> wrapped check(8)
//     check = XXH3-64 of (key ‖ wrapped)

#include <cstdint>
#include <memory>
#include <string>

#include "base/key_vault.h"

namespace jangbu::services {

// Thread-safe. Erasures exclude each other, not readers and writers. After a failed write every
// call says Unavailable("vault_broken") until it is opened again.
class RocksKeyVault final : public KeyVault {
 public:
  // Opens or creates the vault in directory `dir`, whose parent exists.
  // Unavailable("storage_locked"), DataLoss("vault_damaged").
  static StatusOr<std::unique_ptr<RocksKeyVault>> Open(const std::string& dir);
  ~RocksKeyVault() override;

  Status Put(std::span<const VaultPut> keys) override;
  // DataLoss("key_damaged") names a key that does not read back as written.
  StatusOr<std::vector<std::optional<std::string>>> Get(std::span<const VaultName> names) override;
  // After an error some keys may be gone and some files may still hold bytes: call again.
  Status Erase(std::span<const VaultName> names) override;
  Status EraseAll(VaultKind kind, uint64_t id) override;

  // A number that grows with every durable change and is found again on opening: a smaller one
  // means that changes were lost.
  uint64_t Position() const;

  // Makes a copy that shares files by hard links where it can in `dir`, which does not exist.
  // Erasures wait meanwhile, and files that are shared are not overwritten when they fall away:
  // copy the bytes and remove it soon.
  Status Checkpoint(const std::string& dir);

 private:
  struct State;
  explicit RocksKeyVault(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jangbu::services
