#pragma once

// Encryption of everything at rest: AES-256-GCM (NIST SP 800-38D) by OpenSSL, in envelopes.
//
//     master key  (file or environment, never stored)
//       wraps  the installation's secrets and each partner's key      VaultKind::kInstallation,
//       kPartner
//         wraps  each document's or upload's data key                 VaultKind::kDocument, kUpload
//           seals  text, titles, staged bytes                         BlobStore
//
// A sealed text is  ciphertext ‖ tag (16 bytes): its nonce is known to whoever opens it.
// A sealed box  is  nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes): carries its nonce. A wrapped
// key is the box of a key.
//
// Nonces. GCM is broken by one nonce used twice under one key, so:
//   - a key that seals exactly one text in its life (each document has a fresh data key) uses
//   Nonce{} (all zero). Putting a
//     document again makes a new key, not a second text under the old one;
//   - a key that seals many (partner keys, upload keys, the master key) takes a random 96-bit nonce
//   each time, through
//     SealBox. The chance that any two of n agree is n²/2^97: below 2^-32 up to n = 2^32 boxes
//     under one key (SP 800-38D, 8.3), which is the limit for one partner's documents or one
//     upload's chunks before the key must be replaced. A name would be no substitute for the random
//     nonce: a batch that is run again after a crash wraps new keys under old names.
//
// The additional data (aad) names what is sealed, so that a box cannot be moved to another place.
//
// All functions are thread-safe. About 1 µs for 1 KiB (each thread keeps one prepared context).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/key_vault.h"
#include "base/status.h"

namespace jangbu::services {

inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kNonceBytes = 12;
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kBoxOverhead = kNonceBytes + kTagBytes;
inline constexpr size_t kWrappedKeyBytes = kKeyBytes + kBoxOverhead;
inline constexpr size_t kMaxSealBytes = size_t{1} << 30;  // of one text

using Nonce = std::array<uint8_t, kNonceBytes>;

// 32 secret bytes: an AES-256 key or a seed. Overwritten when it dies or is moved from; has no
// printed form and no comparison. Copy() says when a second one is wanted.
class SecretKey {
 public:
  static SecretKey Random(RandomSource& random);
  // REQUIRES: bytes.size() == kKeyBytes.
  static SecretKey FromBytes(std::string_view bytes);

  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey();

  SecretKey Copy() const;
  // The bytes, for a cipher or a MAC; valid while this lives. Never log them.
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  SecretKey() = default;
  std::array<uint8_t, kKeyBytes> bytes_{};
};

// ciphertext ‖ tag. REQUIRES: `nonce` was never used under `key`; plaintext.size() <=
// kMaxSealBytes.
std::string Seal(const SecretKey& key, const Nonce& nonce, std::string_view aad,
                 std::string_view plaintext);
// The plaintext. DataLoss("seal_broken") when the key, nonce or aad is another, or a byte was
// changed.
StatusOr<std::string> Open(const SecretKey& key, const Nonce& nonce, std::string_view aad,
                           std::string_view sealed);

// nonce ‖ ciphertext ‖ tag under a fresh random nonce: at most 2^32 boxes in the life of one key.
std::string SealBox(const SecretKey& key, std::string_view aad, std::string_view plaintext,
                    RandomSource& random);
// DataLoss("seal_broken") as Open.
StatusOr<std::string> OpenBox(const SecretKey& key, std::string_view aad, std::string_view box);

// The box of a key, kWrappedKeyBytes long, bound to the name it is kept under.
std::string WrapKey(const SecretKey& wrapping, const VaultName& name, const SecretKey& key,
                    RandomSource& random);
// DataLoss("seal_broken") when it was wrapped under another key or name, or was changed.
StatusOr<SecretKey> UnwrapKey(const SecretKey& wrapping, const VaultName& name,
                              std::string_view wrapped);

}  // namespace jangbu::services
