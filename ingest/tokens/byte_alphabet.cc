#include "ingest/tokens/byte_alphabet.h"

#include <array>

#include "ingest/tokens/char_class.h"

namespace jangbu::ingest::tokens {
namespace {

constexpr bool Printable(int b) {
  return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
}

struct Alphabet {
  std::array<char32_t, 256> of_byte{};
  std::array<int, 0x144> byte_of{};
};

constexpr Alphabet kAlphabet = [] {
  Alphabet a;
  for (int& b : a.byte_of) b = -1;
  char32_t extra = 256;
  for (int b = 0; b < 256; ++b) {
    const char32_t c = Printable(b) ? static_cast<char32_t>(b) : extra++;
    a.of_byte[static_cast<size_t>(b)] = c;
    a.byte_of[c] = b;
  }
  return a;
}();

}  // namespace

bool AlphabetToBytes(std::string& token) {
  // Every letter of the alphabet is one or two bytes long, so what is written stays behind what is
  // read.
  const size_t size = token.size();
  size_t to = 0;
  for (size_t at = 0; at < size; ++to) {
    const auto lead = static_cast<unsigned char>(token[at++]);
    size_t letter = lead;
    if (lead >= 0x80) {
      if (lead < 0xC2 || lead > 0xDF || at == size) return false;
      const auto trail = static_cast<unsigned char>(token[at++]);
      if ((trail & 0xC0) != 0x80) return false;
      letter = static_cast<size_t>((lead & 0x1F) << 6 | (trail & 0x3F));
    }
    if (letter >= kAlphabet.byte_of.size() || kAlphabet.byte_of[letter] < 0) return false;
    token[to] = static_cast<char>(kAlphabet.byte_of[letter]);
  }
  token.resize(to);
  return true;
}

std::string AlphabetOfBytes(std::string_view bytes) {
  std::string spelled;
  for (const char c : bytes) AppendUtf8(kAlphabet.of_byte[static_cast<unsigned char>(c)], spelled);
  return spelled;
}

}  // namespace jangbu::ingest::tokens
