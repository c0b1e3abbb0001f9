#include "services/flow/keyring.h"

#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::services {
namespace {

constexpr uint64_t kSigningSeed = 1;
constexpr uint64_t kIndexSecret = 2;
constexpr uint64_t kPepper = 3;

}  // namespace

Keyring::Keyring(KeyVault& vault, SecretKey master, RandomSource& random)
    : vault_(vault), master_(std::move(master)), random_(random) {}

StatusOr<std::unique_ptr<Keyring>> Keyring::Open(KeyVault& vault, SecretKey master,
                                                 RandomSource& random, bool create) {
  std::unique_ptr<Keyring> keyring(new Keyring(vault, std::move(master), random));
  JANGBU_ASSIGN_OR_RETURN(keyring->signing_seed_, keyring->Secret(kSigningSeed, create));
  JANGBU_ASSIGN_OR_RETURN(keyring->index_secret_, keyring->Secret(kIndexSecret, create));
  JANGBU_ASSIGN_OR_RETURN(const SecretKey pepper, keyring->Secret(kPepper, create));
  keyring->pepper_mac_ = std::make_unique<HmacSha256>(pepper.bytes());
  const HmacSha256 derive(keyring->index_secret_->bytes());
  keyring->name_mac_ = std::make_unique<HmacSha256>(AsView(derive("jangbu name mac 1")));
  return keyring;
}

Digest Keyring::NameMac(std::string_view domain,
                        std::initializer_list<std::string_view> parts) const {
  ByteWriter w;
  w.String(domain);
  for (const std::string_view part : parts) w.String(part);
  return (*name_mac_)(w.bytes());
}

StatusOr<SecretKey> Keyring::Secret(uint64_t id, bool create) {
  const VaultName name{.kind = VaultKind::kInstallation, .id = id};
  JANGBU_ASSIGN_OR_RETURN(const auto wrapped, vault_.Get({&name, 1}));
  if (wrapped[0].has_value()) {
    StatusOr<SecretKey> key = UnwrapKey(master_, name, *wrapped[0]);
    if (!key.ok()) {
      return DataLoss("wrong_master_key",
                      "the installation's secrets do not open: this is not the master key they "
                      "were made under");
    }
    return key;
  }
  if (!create)
    return NotFound("secrets_missing",
                    "the vault holds no installation secrets; restore it from a backup");
  SecretKey key = SecretKey::Random(random_);
  const std::string bytes = WrapKey(master_, name, key, random_);
  const VaultPut put{.name = name, .wrapped = bytes};
  JANGBU_RETURN_IF_ERROR(vault_.Put({&put, 1}));
  return key;
}

StatusOr<std::shared_ptr<const SecretKey>> Keyring::Cached(const VaultName& name,
                                                           const SecretKey& wrapping, bool create) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = cache_.find(name); found != cache_.end()) return found->second;
  }
  const std::unique_lock lock(mutex_);
  if (const auto found = cache_.find(name); found != cache_.end()) return found->second;
  JANGBU_ASSIGN_OR_RETURN(const auto wrapped, vault_.Get({&name, 1}));
  std::shared_ptr<const SecretKey> key;
  if (wrapped[0].has_value()) {
    JANGBU_ASSIGN_OR_RETURN(SecretKey opened, UnwrapKey(wrapping, name, *wrapped[0]));
    key = std::make_shared<const SecretKey>(std::move(opened));
  } else {
    if (!create) return NotFound("key_destroyed", "the key of this text was destroyed");
    SecretKey fresh = SecretKey::Random(random_);
    const std::string bytes = WrapKey(wrapping, name, fresh, random_);
    const VaultPut put{.name = name, .wrapped = bytes};
    JANGBU_RETURN_IF_ERROR(vault_.Put({&put, 1}));
    key = std::make_shared<const SecretKey>(std::move(fresh));
  }
  // Uploads come and go; the cache need not remember them all.
  if (cache_.size() > 10'000) {
    std::erase_if(cache_, [](const auto& entry) { return entry.first.kind == VaultKind::kUpload; });
  }
  cache_.emplace(name, key);
  return key;
}

StatusOr<std::shared_ptr<const SecretKey>> Keyring::PartnerKey(uint32_t partner, bool create) {
  return Cached({.kind = VaultKind::kPartner, .id = partner}, master_, create);
}

StatusOr<std::shared_ptr<const SecretKey>> Keyring::UploadKey(uint32_t partner,
                                                              uint64_t upload_token, bool create) {
  JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const SecretKey> partner_key, PartnerKey(partner));
  return Cached({.kind = VaultKind::kUpload, .id = upload_token}, *partner_key, create);
}

}  // namespace jangbu::services
