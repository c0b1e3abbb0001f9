#include "services/storage/ed25519.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"

namespace jangbu::services {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* ctx) const { EVP_MD_CTX_free(ctx); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, Free>;

const uint8_t* Bytes(std::string_view view) {
  return reinterpret_cast<const uint8_t*>(view.data());
}

KeyPtr PrivateKey(const SecretKey& seed) {
  KeyPtr key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(seed.bytes()), kKeyBytes));
  JANGBU_CHECK(key != nullptr);
  return key;
}

}  // namespace

Ed25519PublicKey PublicKeyOf(const SecretKey& seed) {
  const KeyPtr key = PrivateKey(seed);
  Ed25519PublicKey out;
  size_t size = out.size();
  JANGBU_CHECK(EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1);
  JANGBU_CHECK(size == out.size());
  return out;
}

Ed25519Signature SignEd25519(const SecretKey& seed, std::string_view message) {
  const KeyPtr key = PrivateKey(seed);
  const ContextPtr ctx(EVP_MD_CTX_new());
  Ed25519Signature out;
  size_t size = out.size();
  JANGBU_CHECK(ctx != nullptr);
  JANGBU_CHECK(EVP_DigestSignInit(ctx.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  JANGBU_CHECK(EVP_DigestSign(ctx.get(), out.data(), &size, Bytes(message), message.size()) == 1);
  JANGBU_CHECK(size == out.size());
  return out;
}

bool VerifyEd25519(const Ed25519PublicKey& key, std::string_view message,
                   const Ed25519Signature& signature) {
  const KeyPtr public_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const ContextPtr ctx(EVP_MD_CTX_new());
  JANGBU_CHECK(ctx != nullptr);
  if (public_key == nullptr) return false;
  if (EVP_DigestVerifyInit(ctx.get(), nullptr, nullptr, nullptr, public_key.get()) != 1)
    return false;
  return EVP_DigestVerify(ctx.get(), signature.data(), signature.size(), Bytes(message),
                          message.size()) == 1;
}

}  // namespace jangbu::services
