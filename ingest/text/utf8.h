#pragma once

// UTF-8 (RFC 3629) as the rest of the house handles it: checked once at the door, trusted
// afterwards.
//
// All functions are pure and thread-safe.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jangbu::ingest {

// The Unicode version that canonical text, comparison form and counts are pinned to. Another one
// may judge the same text differently, so it is recorded beside what was counted.
inline constexpr std::string_view kUnicodeVersion = "15.0";

// The Unicode version of the library this process runs with, as "15.0". A service refuses to count
// when it is not kUnicodeVersion.
std::string UnicodeVersion();

// True when `bytes` is well-formed: no surrogates, no overlong forms, nothing past U+10FFFF. About
// 3 GB/s.
bool IsValidUtf8(std::string_view bytes);

// The offset of the first byte that is not part of a well-formed sequence, or `bytes.size()`.
size_t ValidUtf8Prefix(std::string_view bytes);

// Writes one code point to `out`, which has room for four bytes, and gives its size.
//
// REQUIRES: `cp` is a Unicode scalar value.
inline size_t EncodeUtf8(char32_t cp, char* out) {
  const auto put = [&out](char32_t byte) { *out++ = static_cast<char>(byte); };
  if (cp < 0x80) {
    put(cp);
    return 1;
  }
  if (cp < 0x800) {
    put(0xC0 | (cp >> 6));
    put(0x80 | (cp & 0x3F));
    return 2;
  }
  if (cp < 0x10000) {
    put(0xE0 | (cp >> 12));
    put(0x80 | ((cp >> 6) & 0x3F));
    put(0x80 | (cp & 0x3F));
    return 3;
  }
  put(0xF0 | (cp >> 18));
  put(0x80 | ((cp >> 12) & 0x3F));
  put(0x80 | ((cp >> 6) & 0x3F));
  put(0x80 | (cp & 0x3F));
  return 4;
}

// Appends one code point. REQUIRES: as EncodeUtf8.
inline void AppendUtf8(char32_t cp, std::string& out) {
  char bytes[4];
  out.append(bytes, EncodeUtf8(cp, bytes));
}

// The code point that starts at `*p`, which moves past it. REQUIRES: p < end, valid UTF-8. Inline:
// it is the inner loop of everything that reads text.
inline char32_t DecodeUtf8(const char*& p) {
  const auto byte = [p](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    p += 1;
    return lead;
  }
  if (lead < 0xE0) {
    const char32_t cp = ((lead & 0x1F) << 6) | (byte(1) & 0x3F);
    p += 2;
    return cp;
  }
  if (lead < 0xF0) {
    const char32_t cp = ((lead & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F);
    p += 3;
    return cp;
  }
  const char32_t cp =
      ((lead & 0x07) << 18) | ((byte(1) & 0x3F) << 12) | ((byte(2) & 0x3F) << 6) | (byte(3) & 0x3F);
  p += 4;
  return cp;
}

// Moves `p` back to the start of the code point that ends at it. REQUIRES: begin < p, valid UTF-8.
inline void StepBackUtf8(const char*& p) {
  do {
    --p;
  } while ((static_cast<unsigned char>(*p) & 0xC0) == 0x80);
}

// The number of code points. REQUIRES: valid UTF-8.
uint64_t CountCodePoints(std::string_view utf8);

}  // namespace jangbu::ingest
