#pragma once

// What a code point is to a split pattern: one byte of class bits, from the Unicode version of ICU
// (15.0 with ICU 72). Decoding here is for text that is valid UTF-8 by contract; an ill-formed byte
// is a character of its own with no class, so that a broken contract costs a wrong count and never
// a wild read.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace jangbu::ingest::tokens {

enum CharClass : uint8_t {
  kUpper = 1,     // Lu, Lt
  kLower = 2,     // Ll
  kCaseless = 4,  // Lm, Lo
  kMark = 8,      // M
  kNumber = 16,   // N
  kSpace = 32,    // White_Space
  kNewline = 64,  // CR and LF, which are also kSpace
  kMaybeNotNfc =
      128,  // may stand in text that is not NFC: NFC_Quick_Check is not Yes, or combining
  kLetter = kUpper | kLower | kCaseless,
};

// Class bits of every code point in two levels; about 60 kB, built once, immutable.
class CharClassTable {
 public:
  static const CharClassTable& Get();

  uint8_t operator[](char32_t c) const {
    return blocks_[(static_cast<size_t>(index_[c >> 8]) << 8) | (c & 0xFF)];
  }

 private:
  CharClassTable();

  std::array<uint16_t, 0x1100> index_{};
  std::unique_ptr<uint8_t[]> blocks_;
};

struct Decoded {
  char32_t code_point;
  const char* end;
};

inline constexpr char32_t kIllFormed = 0x110000;

// REQUIRES: p < end. Never reads at or past `end`; an ill-formed byte gives kIllFormed and one
// byte.
inline Decoded DecodeUtf8(const char* p, const char* end) {
  const auto* s = reinterpret_cast<const unsigned char*>(p);
  const unsigned char b0 = s[0];
  if (b0 < 0x80) return {b0, p + 1};
  const auto cont = [](unsigned char b) { return (b & 0xC0) == 0x80; };
  const size_t left = static_cast<size_t>(end - p);
  if (b0 >= 0xE0 && b0 < 0xF0) {
    if (left >= 3 && cont(s[1]) && cont(s[2])) {
      const char32_t c = (static_cast<char32_t>(b0 & 0x0F) << 12) |
                         (static_cast<char32_t>(s[1] & 0x3F) << 6) | (s[2] & 0x3Fu);
      if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) return {c, p + 3};
    }
  } else if (b0 >= 0xC2 && b0 < 0xE0) {
    if (left >= 2 && cont(s[1])) {
      return {(static_cast<char32_t>(b0 & 0x1F) << 6) | (s[1] & 0x3Fu), p + 2};
    }
  } else if (b0 >= 0xF0 && b0 < 0xF5) {
    if (left >= 4 && cont(s[1]) && cont(s[2]) && cont(s[3])) {
      const char32_t c = (static_cast<char32_t>(b0 & 0x07) << 18) |
                         (static_cast<char32_t>(s[1] & 0x3F) << 12) |
                         (static_cast<char32_t>(s[2] & 0x3F) << 6) | (s[3] & 0x3Fu);
      if (c >= 0x10000 && c < 0x110000) return {c, p + 4};
    }
  }
  return {kIllFormed, p + 1};
}

struct Classified {
  uint8_t bits;
  const char* end;
};

inline Classified ClassifyAt(const CharClassTable& table, const char* p, const char* end) {
  const Decoded d = DecodeUtf8(p, end);
  if (d.code_point == kIllFormed) return {0, d.end};
  return {table[d.code_point], d.end};
}

// True when the three bytes at `p` are a Hangul syllable U+AC00–U+D7A3. REQUIRES: three readable
// bytes.
inline bool IsHangulSyllableAt(const char* p) {
  const auto* s = reinterpret_cast<const unsigned char*>(p);
  const uint32_t c = ((static_cast<uint32_t>(s[0]) & 0x0F) << 12) |
                     ((static_cast<uint32_t>(s[1]) & 0x3F) << 6) | (s[2] & 0x3Fu);
  return (s[0] & 0xF0) == 0xE0 && c - 0xAC00u < 11172u;
}

// Appends one code point. REQUIRES: a Unicode scalar value.
template <typename String>
void AppendUtf8(char32_t c, String& out) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

// True when `text` is well-formed UTF-8.
bool IsValidUtf8(std::string_view text);

}  // namespace jangbu::ingest::tokens
