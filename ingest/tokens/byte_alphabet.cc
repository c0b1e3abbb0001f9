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

std::optional<std::string> BytesOfAlphabet(std::string_view spelled) {
  std::string bytes;
  bytes.reserve(spelled.size());
  const char* p = spelled.data();
  const char* const end = p + spelled.size();
  while (p < end) {
    const Decoded d = DecodeUtf8(p, end);
    if (d.code_point >= kAlphabet.byte_of.size() || kAlphabet.byte_of[d.code_point] < 0)
      return std::nullopt;
    bytes.push_back(static_cast<char>(kAlphabet.byte_of[d.code_point]));
    p = d.end;
  }
  return bytes;
}

std::string AlphabetOfBytes(std::string_view bytes) {
  std::string spelled;
  for (const char c : bytes) AppendUtf8(kAlphabet.of_byte[static_cast<unsigned char>(c)], spelled);
  return spelled;
}

}  // namespace jangbu::ingest::tokens
