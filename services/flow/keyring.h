#pragma once

// The keys of an installation: one master key outside, everything else wrapped in the vault.
//
//     master key ─ wraps ─► signing seed, index secret, pepper     (installation secrets 1, 2, 3)
//                └ wraps ─► each partner's key ─ wraps ─► uploads' keys, documents' data keys
//
// Thread-safe.

#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/key_vault.h"
#include "base/status.h"
#include "services/storage/envelope.h"

namespace jangbu::services {

class Keyring {
 public:
  // Reads the installation's secrets, or makes them when `create`. DataLoss("seal_broken") when the
  // master key is not the one they were wrapped under; NotFound("secrets_missing").
  static StatusOr<std::unique_ptr<Keyring>> Open(KeyVault& vault, SecretKey master,
                                                 RandomSource& random, bool create);

  const SecretKey& signing_seed() const { return *signing_seed_; }
  // Keys everything that proposes or names a text: index keys, digests in the journal.
  const SecretKey& index_secret() const { return *index_secret_; }
  // Keyed digest of an API key's secret.
  Digest SecretMac(std::string_view secret) const { return (*pepper_mac_)(secret); }
  // Keyed digest for names that must not stand in clear in the journal (request ids, lists of
  // digests). `domain` keeps the uses apart.
  Digest NameMac(std::string_view domain, std::initializer_list<std::string_view> parts) const;

  // The key-encryption key of a partner; made and stored when `create` and missing.
  // NotFound("key_destroyed").
  StatusOr<std::shared_ptr<const SecretKey>> PartnerKey(uint32_t partner, bool create = false);
  // The key of an upload's staging and file names, made when missing and `create`.
  StatusOr<std::shared_ptr<const SecretKey>> UploadKey(uint32_t partner, uint64_t upload_token,
                                                       bool create = false);

  RandomSource& random() { return random_; }
  KeyVault& vault() { return vault_; }

 private:
  Keyring(KeyVault& vault, SecretKey master, RandomSource& random);
  StatusOr<SecretKey> Secret(uint64_t id, bool create);
  StatusOr<std::shared_ptr<const SecretKey>> Cached(const VaultName& name,
                                                    const SecretKey& wrapping, bool create);

  KeyVault& vault_;
  const SecretKey master_;
  RandomSource& random_;
  std::optional<SecretKey> signing_seed_;
  std::optional<SecretKey> index_secret_;
  std::unique_ptr<HmacSha256> pepper_mac_;
  std::unique_ptr<HmacSha256> name_mac_;

  std::shared_mutex mutex_;
  std::map<VaultName, std::shared_ptr<const SecretKey>> cache_;
};

}  // namespace jangbu::services
