#include "services/storage/envelope.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>

#include "base/check.h"

namespace jangbu::services {
namespace {

const EVP_CIPHER* Aes256Gcm() {
  // Fetched once: a fetch costs more than sealing a kilobyte.
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  JANGBU_CHECK(cipher != nullptr);
  return cipher;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }
};

// One context for each thread and direction, kept with its cipher so that a new key costs a key
// schedule only.
EVP_CIPHER_CTX* ThreadContext(bool encrypt) {
  static thread_local std::unique_ptr<EVP_CIPHER_CTX, FreeContext> contexts[2];
  std::unique_ptr<EVP_CIPHER_CTX, FreeContext>& ctx = contexts[encrypt ? 1 : 0];
  if (ctx == nullptr) {
    ctx.reset(EVP_CIPHER_CTX_new());
    JANGBU_CHECK(ctx != nullptr);
    JANGBU_CHECK(EVP_CipherInit_ex2(ctx.get(), Aes256Gcm(), nullptr, nullptr, encrypt ? 1 : 0,
                                    nullptr) == 1);
  }
  return ctx.get();
}

const uint8_t* Bytes(std::string_view view) {
  return reinterpret_cast<const uint8_t*>(view.data());
}

void SealTo(const SecretKey& key, const uint8_t* nonce, std::string_view aad,
            std::string_view plaintext, uint8_t* out) {
  JANGBU_CHECK(plaintext.size() <= kMaxSealBytes);
  JANGBU_CHECK(aad.size() <= kMaxSealBytes);
  EVP_CIPHER_CTX* const ctx = ThreadContext(true);
  int written = 0;
  JANGBU_CHECK(EVP_EncryptInit_ex2(ctx, nullptr, Bytes(key.bytes()), nonce, nullptr) == 1);
  if (!aad.empty()) {
    JANGBU_CHECK(
        EVP_EncryptUpdate(ctx, nullptr, &written, Bytes(aad), static_cast<int>(aad.size())) == 1);
  }
  if (!plaintext.empty()) {
    JANGBU_CHECK(EVP_EncryptUpdate(ctx, out, &written, Bytes(plaintext),
                                   static_cast<int>(plaintext.size())) == 1);
    JANGBU_CHECK(static_cast<size_t>(written) == plaintext.size());
  }
  JANGBU_CHECK(EVP_EncryptFinal_ex(ctx, out + plaintext.size(), &written) == 1);
  JANGBU_CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kTagBytes, out + plaintext.size()) ==
               1);
}

bool OpenTo(const SecretKey& key, const uint8_t* nonce, std::string_view aad,
            std::string_view sealed, uint8_t* out) {
  if (sealed.size() < kTagBytes || sealed.size() - kTagBytes > kMaxSealBytes) return false;
  JANGBU_CHECK(aad.size() <= kMaxSealBytes);
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - kTagBytes);
  uint8_t tag[kTagBytes];
  std::memcpy(tag, sealed.data() + ciphertext.size(), kTagBytes);
  EVP_CIPHER_CTX* const ctx = ThreadContext(false);
  int written = 0;
  JANGBU_CHECK(EVP_DecryptInit_ex2(ctx, nullptr, Bytes(key.bytes()), nonce, nullptr) == 1);
  JANGBU_CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1);
  if (!aad.empty()) {
    JANGBU_CHECK(
        EVP_DecryptUpdate(ctx, nullptr, &written, Bytes(aad), static_cast<int>(aad.size())) == 1);
  }
  if (!ciphertext.empty()) {
    JANGBU_CHECK(EVP_DecryptUpdate(ctx, out, &written, Bytes(ciphertext),
                                   static_cast<int>(ciphertext.size())) == 1);
  }
  uint8_t nothing[kTagBytes];
  if (EVP_DecryptFinal_ex(ctx, nothing, &written) == 1) return true;
  ERR_clear_error();
  return false;
}

Status Broken() {
  return DataLoss("seal_broken",
                  "the bytes do not open: another key or name, or they were changed");
}

std::string WrapAad(const VaultName& name) {
  std::string aad = "jangbu key 1\n";
  aad.push_back(static_cast<char>(name.kind));
  for (int i = 0; i < 8; ++i) aad.push_back(static_cast<char>(name.id >> (8 * i)));
  for (int i = 0; i < 4; ++i) aad.push_back(static_cast<char>(name.ordinal >> (8 * i)));
  return aad;
}

// Wipes a string that held a secret before its memory is given back.
struct Wiped {
  std::string bytes;
  ~Wiped() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

}  // namespace

SecretKey SecretKey::Random(RandomSource& random) {
  SecretKey key;
  random.Fill(key.bytes_.data(), key.bytes_.size());
  return key;
}

SecretKey SecretKey::FromBytes(std::string_view bytes) {
  JANGBU_CHECK(bytes.size() == kKeyBytes);
  SecretKey key;
  std::memcpy(key.bytes_.data(), bytes.data(), kKeyBytes);
  return key;
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) {
  OPENSSL_cleanse(other.bytes_.data(), other.bytes_.size());
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    OPENSSL_cleanse(other.bytes_.data(), other.bytes_.size());
  }
  return *this;
}

SecretKey::~SecretKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

SecretKey SecretKey::Copy() const { return FromBytes(bytes()); }

std::string Seal(const SecretKey& key, const Nonce& nonce, std::string_view aad,
                 std::string_view plaintext) {
  std::string out(plaintext.size() + kTagBytes, '\0');
  SealTo(key, nonce.data(), aad, plaintext, reinterpret_cast<uint8_t*>(out.data()));
  return out;
}

StatusOr<std::string> Open(const SecretKey& key, const Nonce& nonce, std::string_view aad,
                           std::string_view sealed) {
  if (sealed.size() < kTagBytes) return Broken();
  std::string out(sealed.size() - kTagBytes, '\0');
  if (!OpenTo(key, nonce.data(), aad, sealed, reinterpret_cast<uint8_t*>(out.data()))) {
    OPENSSL_cleanse(out.data(), out.size());  // unauthenticated plaintext goes nowhere
    return Broken();
  }
  return out;
}

std::string SealBox(const SecretKey& key, std::string_view aad, std::string_view plaintext,
                    RandomSource& random) {
  std::string out(kBoxOverhead + plaintext.size(), '\0');
  auto* const bytes = reinterpret_cast<uint8_t*>(out.data());
  random.Fill(bytes, kNonceBytes);
  SealTo(key, bytes, aad, plaintext, bytes + kNonceBytes);
  return out;
}

StatusOr<std::string> OpenBox(const SecretKey& key, std::string_view aad, std::string_view box) {
  if (box.size() < kBoxOverhead) return Broken();
  Nonce nonce;
  std::memcpy(nonce.data(), box.data(), kNonceBytes);
  return Open(key, nonce, aad, box.substr(kNonceBytes));
}

std::string WrapKey(const SecretKey& wrapping, const VaultName& name, const SecretKey& key,
                    RandomSource& random) {
  return SealBox(wrapping, WrapAad(name), key.bytes(), random);
}

StatusOr<SecretKey> UnwrapKey(const SecretKey& wrapping, const VaultName& name,
                              std::string_view wrapped) {
  if (wrapped.size() != kWrappedKeyBytes) return Broken();
  Wiped key;
  JANGBU_ASSIGN_OR_RETURN(key.bytes, OpenBox(wrapping, WrapAad(name), wrapped));
  return SecretKey::FromBytes(key.bytes);
}

}  // namespace jangbu::services
