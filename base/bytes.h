#pragma once

// The one place that lays out stored or hashed bytes. Bytes live in std::string, views of them in
// std::string_view.
//
// Integers are little-endian fixed width, or LEB128 varints in their shortest form; strings are a
// varint length and the bytes. Every reader refuses what its writer cannot have written (a longer
// varint, trailing bytes), so that one value has one encoding: Encode(Decode(b)) == b. Grammars of
// the records built from these are in docs/formats.md.

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/status.h"

namespace jangbu {

__extension__ typedef unsigned __int128
    uint128;  // ISO C++ has no 128-bit integers; both compilers do
__extension__ typedef __int128 int128;

// Appends to a string. Not thread-safe.
class ByteWriter {
 public:
  void U8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void U16(uint16_t v) { Fixed(v); }
  void U32(uint32_t v) { Fixed(v); }
  void U64(uint64_t v) { Fixed(v); }
  void I64(int64_t v) { Fixed(static_cast<uint64_t>(v)); }
  void U128(uint128 v) {
    U64(static_cast<uint64_t>(v));
    U64(static_cast<uint64_t>(v >> 64));
  }
  void Varint(uint64_t v) {
    while (v >= 0x80) {
      U8(static_cast<uint8_t>(v) | 0x80);
      v >>= 7;
    }
    U8(static_cast<uint8_t>(v));
  }
  // Signed numbers near zero stay short (zigzag).
  void SignedVarint(int64_t v) {
    Varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
  }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  template <size_t N>
  void Raw(const std::array<uint8_t, N>& bytes) {
    out_.append(reinterpret_cast<const char*>(bytes.data()), N);
  }
  void String(std::string_view bytes) {
    Varint(bytes.size());
    Raw(bytes);
  }

  size_t size() const { return out_.size(); }
  std::string Take() { return std::move(out_); }
  const std::string& bytes() const { return out_; }

 private:
  template <typename T>
  void Fixed(T v) {
    char buffer[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i) buffer[i] = static_cast<char>(v >> (8 * i));
    out_.append(buffer, sizeof(T));
  }

  std::string out_;
};

// Reads what ByteWriter wrote. The first thing that does not fit makes the reader bad for good:
// every later read gives 0 or "", and Finish() reports DataLoss. So a decoder reads all fields and
// asks once. Borrows `bytes`.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : in_(bytes) {}

  uint8_t U8() { return Fixed<uint8_t>(); }
  uint16_t U16() { return Fixed<uint16_t>(); }
  uint32_t U32() { return Fixed<uint32_t>(); }
  uint64_t U64() { return Fixed<uint64_t>(); }
  int64_t I64() { return static_cast<int64_t>(Fixed<uint64_t>()); }
  uint128 U128() {
    const uint64_t low = U64();
    return (static_cast<uint128>(U64()) << 64) | low;
  }
  uint64_t Varint();
  int64_t SignedVarint() {
    const uint64_t v = Varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  // The next `size` bytes as a view into the input.
  std::string_view Raw(size_t size);
  template <size_t N>
  std::array<uint8_t, N> Array() {
    std::array<uint8_t, N> out{};
    const std::string_view bytes = Raw(N);
    if (bytes.size() == N) std::memcpy(out.data(), bytes.data(), N);
    return out;
  }
  std::string_view String() { return Raw(Count(1)); }

  // A varint count of things of at least `bytes_each` bytes: bad when the input cannot hold so
  // many, so that a forged count cannot make a reader reserve memory.
  size_t Count(size_t bytes_each);

  bool ok() const { return ok_; }
  bool empty() const { return in_.empty(); }
  size_t remaining() const { return in_.size(); }
  void MarkBad() { Bad(); }

  // OK when everything was read and nothing was wrong; `what` names the record in the error.
  Status Finish(std::string_view what) const;

 private:
  template <typename T>
  T Fixed() {
    const std::string_view bytes = Raw(sizeof(T));
    T v = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
      v = static_cast<T>(v | (static_cast<T>(static_cast<uint8_t>(bytes[i])) << (8 * i)));
    }
    return v;
  }
  void Bad() {
    ok_ = false;
    in_ = {};
  }

  std::string_view in_;
  bool ok_ = true;
};

// Lower-case hexadecimal.
std::string ToHex(std::string_view bytes);
template <size_t N>
std::string ToHex(const std::array<uint8_t, N>& bytes) {
  return ToHex(std::string_view(reinterpret_cast<const char*>(bytes.data()), N));
}
// Reads an even number of hexadecimal digits of either case; InvalidArgument otherwise.
StatusOr<std::string> FromHex(std::string_view hex);

// RFC 4648 section 4 base64 with padding. Decoding refuses anything Encode cannot give (stray bits,
// white space).
std::string ToBase64(std::string_view bytes);
StatusOr<std::string> FromBase64(std::string_view text);

// The bytes of an array as a view; valid while the array lives.
template <size_t N>
std::string_view AsView(const std::array<uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

}  // namespace jangbu
