#pragma once

// Text that finds mistakes: random strings over code points that join, vanish, turn into others or
// look like others.

#include <cstdint>
#include <cstdio>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest::testing {

inline std::string Utf8(const std::vector<char32_t>& cps) {
  std::string out;
  for (const char32_t cp : cps) AppendUtf8(cp, out);
  return out;
}

// "U+AC00 U+0020": for messages, where two strings may look alike.
inline std::string Spell(std::string_view utf8) {
  std::string out;
  const char* p = utf8.data();
  const char* const end = p + utf8.size();
  while (p < end) {
    char buffer[16];
    std::snprintf(buffer, sizeof(buffer), "U+%04X ", static_cast<unsigned>(DecodeUtf8(p)));
    out += buffer;
  }
  return out;
}

inline const std::vector<char32_t>& NastyCodePoints() {
  static const std::vector<char32_t> cps = {
      // plain, and what combines with marks
      'a', 'A', 'e', 'z', '0', '9', '<', '.', 0xE9, 0xC5, 0x212B, 0x1E9B, 0xDF, 0x130, 0x131, 0x1F0,
      0x149,
      // syllables with and without a final; jamo that join, old jamo, fillers
      0xAC00, 0xAC01, 0xAC1C, 0xD7A3, 0xD788, 0x1100, 0x1112, 0x1113, 0x1161, 0x1175, 0x1176,
      0x11A7, 0x11A8, 0x11C2, 0x11C3, 0x119E, 0x115F, 0x1160, 0xA960, 0xD7B0, 0xD7CB,
      // compatibility and halfwidth jamo, their fillers, arae-a
      0x3131, 0x3133, 0x314E, 0x314F, 0x3163, 0x3164, 0x318D, 0x318E, 0xFFA0, 0xFFA1, 0xFFC2,
      0x3200, 0x320E, 0x3260, 0x326E, 0x327E, 0x302E, 0x302F,
      // Han, compatibility Han, kana with voicing marks
      0x4E00, 0x6F22, 0xF900, 0xF914, 0x2F800, 0x20000, 0x3005, 0x3007, 0x2E80, 0x2F00, 0x304B,
      0x3099, 0x309A, 0x30AB, 0xFF76, 0xFF9E, 0x309B,
      // marks of several combining classes, some that decompose, some that turn into letters
      0x300, 0x301, 0x308, 0x323, 0x327, 0x338, 0x345, 0x34F, 0x344, 0x340, 0x315, 0x1D165, 0x1D15E,
      0x1D16E, 0x64B, 0x651, 0x5B0, 0x5B9, 0xE38, 0xE48, 0x20D0, 0x0F71, 0x0F72, 0x0F74, 0x0F73,
      0xFB1D, 0x0958, 0x0B47, 0x0B3E, 0x0B56, 0x0DD9, 0x0DCA, 0x0DCF, 0x1025, 0x102E, 0x11131,
      0x11127, 0x1D1BB,
      // Greek and others whose case folding grows
      0x3B1, 0x3B9, 0x1FB3, 0x1F82, 0x3C2, 0x3A3, 0x390, 0xFB03, 0xFB13, 0x1E9E, 0x13A0, 0xAB70,
      0x10400,
      // width, compatibility, numbers, symbols
      0xFF21, 0xFF10, 0xFF0E, 0x3000, 0x2460, 0xBD, 0x2167, 0x33A1, 0x32C0, 0xFDFA, 0x1D400,
      0x1F600, 0x1F1F0, 0x1F3FD, 0xA8, 0x2126, 0x37E, 0x387, 0x1FEF, 0xE000, 0x10FFFD, 0xFFFD,
      0xFDD0, 0x378,
      // white space and breaks
      0x20, 0x20, 0xA0, 0x1680, 0x2000, 0x2001, 0x2007, 0x202F, 0x205F, 0x09, 0x1C, 0x1F, 0x0A,
      0x0A, 0x0D, 0x0B, 0x0C, 0x85, 0x2028, 0x2029,
      // removed or default-ignorable
      0x00, 0x01, 0x08, 0x0E, 0x1B, 0x7F, 0x80, 0x9F, 0xAD, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E,
      0x202E, 0x2060, 0x2064, 0x2065, 0x2066, 0x2069, 0xFEFF, 0xFE0F, 0x180B, 0xE0001, 0xE0100,
      0x61C};
  return cps;
}

// A random text of up to `size_max` code points, mostly from the nasty ones, the rest from
// anywhere.
inline std::string RandomText(std::mt19937_64& random, size_t size_max) {
  const auto& nasty = NastyCodePoints();
  const size_t size = random() % (size_max + 1);
  // Half of the texts use few code points, so that the same ones meet often.
  std::vector<char32_t> alphabet;
  if (random() % 2 == 0) {
    for (int i = 0; i < 6; ++i) alphabet.push_back(nasty[random() % nasty.size()]);
  }
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    char32_t cp =
        alphabet.empty() ? nasty[random() % nasty.size()] : alphabet[random() % alphabet.size()];
    if (random() % 16 == 0) {
      cp = static_cast<char32_t>(random() % (random() % 2 == 0 ? 0x3400 : 0x110000));
      if (cp >= 0xD800 && cp <= 0xDFFF) cp = 0xAC00;
    }
    AppendUtf8(cp, text);
  }
  return text;
}

// A random text of ordinary stretches, long enough for loops that take many bytes at a time, with
// few nasty places: the edges of the syllables, white space where it does not belong, now and then
// anything.
inline std::string RandomPlainText(std::mt19937_64& random, size_t size_max) {
  const char32_t edges[] = {0xAC00, 0xD7A3, 0xD788, 0xABFF, 0xD7A4, 0xD7B0, 0xA9FF,
                            0xAFFF, 0xB000, 0xCFFF, 0xD000, 0xD79F, 0xD7A0, 0x3000,
                            0x4E00, 0xE9,   0x80,   0x7F,   0x1F,   0x7E};
  const size_t size = random() % (size_max + 1);
  const uint64_t rarity = 1 + random() % 100;
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    char32_t cp = static_cast<char32_t>(0xAC00 + random() % 11172);
    if (random() % 4 == 0) cp = ' ';
    if (random() % 8 == 0) cp = static_cast<char32_t>(0x21 + random() % 0x5E);
    if (random() % 40 == 0) cp = '\n';
    if (random() % rarity == 0) {
      const uint64_t kind = random() % 3;
      if (kind == 0) cp = edges[random() % std::size(edges)];
      if (kind == 1) cp = NastyCodePoints()[random() % NastyCodePoints().size()];
      if (kind == 2) cp = random() % 2 == 0 ? U' ' : U'\n';
    }
    AppendUtf8(cp, text);
  }
  return text;
}

// Calls `f(cp)` for every scalar value of planes 0-2 and for a sample of the rest, all of it where
// tags, selectors and private use begin and end.
template <typename F>
void ForEachCodePoint(F f) {
  for (char32_t cp = 0; cp < 0x110000; ++cp) {
    if (cp >= 0xD800 && cp <= 0xDFFF) continue;
    const bool sampled = cp < 0x32000 || (cp >= 0xE0000 && cp < 0xE1000) ||
                         (cp & 0xFFFF) >= 0xFFF0 || (cp & 0xFFFF) < 4 || cp % 211 == 0;
    if (sampled) f(cp);
  }
}

}  // namespace jangbu::ingest::testing
