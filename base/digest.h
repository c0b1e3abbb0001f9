#pragma once

// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) over OpenSSL. Thread-compatible; each call of a
// free function stands alone. About 0.5 µs a call and 390 MB/s without SHA-NI.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace jangbu {

using Digest = std::array<uint8_t, 32>;

// SHA-256 of the concatenation of `parts`.
Digest Sha256(std::initializer_list<std::string_view> parts);
inline Digest Sha256(std::string_view bytes) { return Sha256({bytes}); }

// Incremental SHA-256. Copyable: a copy goes on from the same state.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(const Sha256Stream& other);
  Sha256Stream& operator=(const Sha256Stream& other);
  ~Sha256Stream();

  void Update(std::string_view bytes);
  // The digest of all bytes so far; more may follow.
  Digest Peek() const;
  // Back to the empty input.
  void Reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// HMAC-SHA-256 with a key prepared once. Thread-safe: const calls share nothing.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  HmacSha256(const HmacSha256&) = delete;
  HmacSha256& operator=(const HmacSha256&) = delete;
  ~HmacSha256();

  Digest operator()(std::initializer_list<std::string_view> parts) const;
  Digest operator()(std::string_view bytes) const { return (*this)({bytes}); }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// True when equal; takes the same time wherever they differ.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace jangbu
