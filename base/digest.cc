// The low-level SHA256_* calls are deprecated in OpenSSL 3 in favour of EVP, which fetches a
// provider per context and costs twice as much on short inputs. They are the same code and remain
// part of the library's ABI.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace jangbu {

struct Sha256Stream::State {
  SHA256_CTX context;
};

Digest Sha256(std::initializer_list<std::string_view> parts) {
  SHA256_CTX context;
  SHA256_Init(&context);
  for (const std::string_view part : parts) SHA256_Update(&context, part.data(), part.size());
  Digest out;
  SHA256_Final(out.data(), &context);
  return out;
}

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) { Reset(); }
Sha256Stream::Sha256Stream(const Sha256Stream& other)
    : state_(std::make_unique<State>(*other.state_)) {}
Sha256Stream& Sha256Stream::operator=(const Sha256Stream& other) {
  *state_ = *other.state_;
  return *this;
}
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Update(std::string_view bytes) {
  SHA256_Update(&state_->context, bytes.data(), bytes.size());
}

Digest Sha256Stream::Peek() const {
  SHA256_CTX copy = state_->context;
  Digest out;
  SHA256_Final(out.data(), &copy);
  return out;
}

void Sha256Stream::Reset() { SHA256_Init(&state_->context); }

struct HmacSha256::State {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

HmacSha256::HmacSha256(std::string_view key) : state_(std::make_unique<State>()) {
  std::array<uint8_t, 64> block{};
  if (key.size() > block.size()) {
    const Digest digest = Sha256(key);
    std::copy(digest.begin(), digest.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  std::array<uint8_t, 64> pad;
  for (size_t i = 0; i < 64; ++i) pad[i] = block[i] ^ 0x36;
  SHA256_Init(&state_->inner);
  SHA256_Update(&state_->inner, pad.data(), pad.size());
  for (size_t i = 0; i < 64; ++i) pad[i] = block[i] ^ 0x5C;
  SHA256_Init(&state_->outer);
  SHA256_Update(&state_->outer, pad.data(), pad.size());
  OPENSSL_cleanse(block.data(), block.size());
  OPENSSL_cleanse(pad.data(), pad.size());
}

HmacSha256::~HmacSha256() {
  if (state_ != nullptr) OPENSSL_cleanse(state_.get(), sizeof(State));
}

Digest HmacSha256::operator()(std::initializer_list<std::string_view> parts) const {
  SHA256_CTX context = state_->inner;
  for (const std::string_view part : parts) SHA256_Update(&context, part.data(), part.size());
  Digest out;
  SHA256_Final(out.data(), &context);
  context = state_->outer;
  SHA256_Update(&context, out.data(), out.size());
  SHA256_Final(out.data(), &context);
  return out;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace jangbu
