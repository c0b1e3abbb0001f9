#pragma once

// Text that tokenizers find hard, from a seed.

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/tokens/char_class.h"

namespace jangbu::ingest::tokens {

// xorshift64*; good enough and the same everywhere.
class Prng {
 public:
  explicit Prng(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Dull;
  }
  // 0 ≤ answer < n.
  uint64_t Below(uint64_t n) { return (Next() >> 11) % n; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

inline std::string RandomText(Prng& prng, size_t pieces) {
  static constexpr std::string_view kPieces[] = {"대한민국",
                                                 " 대한민국의",
                                                 "있습니다",
                                                 " 그리고",
                                                 "는",
                                                 "에서",
                                                 "don't",
                                                 "I'LL",
                                                 "it'S",
                                                 "'\xC5\xBF",
                                                 "The",
                                                 "HTTPServer",
                                                 "getName",
                                                 "제1조",
                                                 "2024",
                                                 "000",
                                                 "①",
                                                 "Ⅷ",
                                                 "漢字",
                                                 "하ᄂᆞᆯ",
                                                 "👨‍👩‍👧",
                                                 "🇰🇷",
                                                 "❤️",
                                                 "...",
                                                 "----",
                                                 "====",
                                                 "  ",
                                                 "\t",
                                                 "\xC2\xA0",
                                                 "\xE3\x80\x80",
                                                 "\xE2\x80\xA8",
                                                 "\xE2\x80\x8B",
                                                 "\xE2\x80\x8D",
                                                 "e\xCC\x81",
                                                 "\xCC\x81",
                                                 "ᄀ",
                                                 "ᅡ",
                                                 "ᆨ",
                                                 "ㅋㅋㅋ",
                                                 "ㅠㅠ",
                                                 "~!@",
                                                 "://",
                                                 "<s>",
                                                 "▁",
                                                 "ǅ",
                                                 "ʰ",
                                                 "ª",
                                                 "ﬁ",
                                                 "㈜",
                                                 "½",
                                                 "\n",
                                                 "\r\n",
                                                 " \n ",
                                                 "\x0B",
                                                 "\xC2\x85",
                                                 "/",
                                                 "'",
                                                 "\"",
                                                 "'re",
                                                 "'VE",
                                                 "A",
                                                 "aB",
                                                 "É",
                                                 "é"};
  std::string text;
  for (size_t i = 0; i < pieces; ++i) {
    switch (prng.Below(10)) {
      case 0:
      case 1: {
        if (prng.OneIn(2)) text.push_back(' ');
        for (uint64_t n = 1 + prng.Below(5); n > 0; --n) {
          AppendUtf8(static_cast<char32_t>(0xAC00 + prng.Below(11172)), text);
        }
        break;
      }
      case 2: {
        if (prng.OneIn(2)) text.push_back(' ');
        for (uint64_t n = 1 + prng.Below(6); n > 0; --n) {
          text.push_back(
              static_cast<char>((prng.OneIn(3) ? 'A' : 'a') + static_cast<int>(prng.Below(26))));
        }
        break;
      }
      case 3:
        text.append(std::to_string(prng.Below(100000)));
        break;
      case 4:
        text.push_back(static_cast<char>(0x20 + prng.Below(0x5F)));
        break;
      case 5: {
        const std::string_view unit = kPieces[prng.Below(std::size(kPieces))];
        for (uint64_t n = 1 + prng.Below(9); n > 0; --n) text.append(unit);
        break;
      }
      case 6: {
        const char32_t planes[] = {0x800, 0x3000, 0x10000, 0x20000};
        auto c = static_cast<char32_t>(prng.Below(planes[prng.Below(4)]));
        if (c >= 0xD800 && c < 0xE000) c = 0xFFFD;
        AppendUtf8(c, text);
        break;
      }
      default:
        text.append(kPieces[prng.Below(std::size(kPieces))]);
        break;
    }
  }
  return text;
}

}  // namespace jangbu::ingest::tokens
