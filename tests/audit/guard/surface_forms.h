#pragma once

// Writes a run in other ways that mean the same: what product rules say does not make text new.
//
// Written from the rules for canonical text and comparison form alone; it shares no code with them
// and includes nothing of the house. Input: Hangul syllables, Latin letters and digits.

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace jangbu::surface {

inline void PutUtf8(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 + c / 64);
    out += static_cast<char>(0x80 + c % 64);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 + c / 4096);
    out += static_cast<char>(0x80 + c / 64 % 64);
    out += static_cast<char>(0x80 + c % 64);
  } else {
    out += static_cast<char>(0xF0 + c / 262144);
    out += static_cast<char>(0x80 + c / 4096 % 64);
    out += static_cast<char>(0x80 + c / 64 % 64);
    out += static_cast<char>(0x80 + c % 64);
  }
}

// What may stand between letters without meaning anything.
inline const std::vector<char32_t>& Noise() {
  static const std::vector<char32_t> noise = {
      ' ',    '\n',   '\t',   '.',    ',',    '-',    '*',     '"',     '(',    ')',    '/',
      0x00A0, 0x3000, 0x2003, 0x200B, 0x200C, 0x200D, 0x2060,  0xFEFF,  0x00AD, 0x202E, 0x2066,
      0x180E, 0x318D, 0x00B7, 0x2014, 0x201C, 0x3002, 0xFF0C,  0x2028,  0x0085, 0x000B, 0x0001,
      0x115F, 0x1160, 0x3164, 0xFFA0, 0xFE0F, 0x034F, 0xE0001, 0x1F600, 0x2605, 0x0301};
  return noise;
}

// One letter, in one of the ways it can be written.
inline void Letter(char32_t c, std::mt19937_64& random, std::string& out) {
  static const char32_t kLead[19] = {0x3131, 0x3132, 0x3134, 0x3137, 0x3138, 0x3139, 0x3141,
                                     0x3142, 0x3143, 0x3145, 0x3146, 0x3147, 0x3148, 0x3149,
                                     0x314A, 0x314B, 0x314C, 0x314D, 0x314E};
  const uint64_t way = random() % 8;
  if (c >= 0xAC00 && c <= 0xD7A3) {
    const char32_t s = c - 0xAC00;
    const char32_t lead = s / 588, vowel = s / 28 % 21, tail = s % 28;
    if (way == 0) {  // decomposed
      PutUtf8(0x1100 + lead, out);
      PutUtf8(0x1161 + vowel, out);
      if (tail != 0) PutUtf8(0x11A7 + tail, out);
      return;
    }
    if (way == 1 && tail != 0) {  // half composed
      PutUtf8(c - tail, out);
      PutUtf8(0x11A7 + tail, out);
      return;
    }
    if (way == 2 && tail == 0) {  // compatibility jamo
      PutUtf8(kLead[lead], out);
      PutUtf8(0x314F + vowel, out);
      return;
    }
    if (way == 3 && tail == 0 && vowel == 0) {  // in a circle: plain consonants only
      static const int kPlain[14] = {0, 2, 3, 5, 6, 7, 9, 11, 12, 14, 15, 16, 17, 18};
      for (char32_t i = 0; i < 14; ++i) {
        if (kPlain[i] == static_cast<int>(lead)) {
          PutUtf8(0x326E + i, out);
          return;
        }
      }
    }
    PutUtf8(c, out);
    return;
  }
  if (c >= 'a' && c <= 'z') {
    if (way == 0) return PutUtf8(c - 32, out);
    if (way == 1) return PutUtf8(0xFF41 + (c - 'a'), out);
    if (way == 2) return PutUtf8(0xFF21 + (c - 'a'), out);
    if (way == 3) return PutUtf8(0x24D0 + (c - 'a'), out);
    if (way == 4) return PutUtf8(0x1D400 + (c - 'a'), out);
    return PutUtf8(c, out);
  }
  if (c >= '0' && c <= '9' && way < 3) return PutUtf8(0xFF10 + (c - '0'), out);
  PutUtf8(c, out);
}

// `noise_percent`: how often something stands between two letters. A mark is never put after a
// Latin letter or a digit, which it would change.
inline std::string Write(std::u32string_view run, std::mt19937_64& random, uint64_t noise_percent) {
  std::string out;
  for (size_t i = 0; i < run.size(); ++i) {
    Letter(run[i], random, out);
    while (random() % 100 < noise_percent) {
      const char32_t n = Noise()[random() % Noise().size()];
      if (n == 0x0301 && (run[i] < 0xAC00 || run[i] > 0xD7A3)) continue;
      PutUtf8(n, out);
    }
  }
  return out;
}

}  // namespace jangbu::surface
