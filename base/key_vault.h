#pragma once

// The key-vault seam: wrapped keys, mutable and erasable, kept and backed up apart from everything
// else. Destroying a key here is what withdrawal means: once Erase returned, no file of the vault
// holds the bytes any more.

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu {

// What a key opens. Stored; never renumber.
enum class VaultKind : uint8_t {
  kInstallation = 1,  // secrets of the installation: id = which
  kPartner =
      2,        // a partner's key-encryption key, wrapped under the master key: id = partner number
  kUpload = 3,  // an upload's staging and file names: id = upload token
  kDocument = 4,  // a document's data key, wrapped under its partner's: id = batch token, ordinal =
                  // document
};

struct VaultName {
  VaultKind kind = VaultKind::kDocument;
  uint64_t id = 0;
  uint32_t ordinal = 0;
  auto operator<=>(const VaultName&) const = default;
};

struct VaultPut {
  VaultName name;
  std::string_view wrapped;  // at most kMaxWrappedKeyBytes
};

inline constexpr size_t kMaxWrappedKeyBytes = 1024;

// Thread-safe.
class KeyVault {
 public:
  virtual ~KeyVault() = default;

  // Stores all or none, replacing what was there (the last of equal names wins); durable on return.
  // InvalidArgument
  // ("wrapped_key_too_large") beyond kMaxWrappedKeyBytes.
  virtual Status Put(std::span<const VaultPut> keys) = 0;

  // One result for each name, in order; nullopt where there is none (never made, or destroyed).
  virtual StatusOr<std::vector<std::optional<std::string>>> Get(
      std::span<const VaultName> names) = 0;

  // Destroys the keys: gone from every file of the vault on return, not just unreachable. Slow
  // (rewrites files); batch it. Idempotent.
  virtual Status Erase(std::span<const VaultName> names) = 0;
  // Destroys every key of (kind, id).
  virtual Status EraseAll(VaultKind kind, uint64_t id) = 0;
};

}  // namespace jangbu
