#include "services/wire/text.h"

#include <algorithm>
#include <cstdint>

namespace jangbu::services::wire {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// Length of the well-formed character at the start of `bytes` (Unicode 15.0, table 3-7), or 0.
size_t CharacterAt(std::string_view bytes) {
  const auto at = [bytes](size_t i) {
    return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : uint8_t{0};
  };
  const auto continues = [&at](size_t i) { return (at(i) & 0xC0) == 0x80; };
  const uint8_t lead = at(0);
  if (bytes.empty()) return 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
    const uint8_t high = lead == 0xED ? 0x9F : 0xBF;
    return at(1) >= low && at(1) <= high && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
    return at(1) >= low && at(1) <= high && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = CharacterAt(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string ToUtf8(std::string_view bytes, size_t max_bytes) {
  std::string out;
  size_t cut = 0;  // where `out` ends if the mark of a cut must follow
  while (!bytes.empty()) {
    const size_t length = CharacterAt(bytes);
    out.append(length == 0 ? kReplacement : bytes.substr(0, length));
    bytes.remove_prefix(std::max<size_t>(length, 1));
    if (out.size() > max_bytes) {
      out.resize(cut);
      return out.append(kEllipsis);
    }
    if (out.size() + kEllipsis.size() <= max_bytes) cut = out.size();
  }
  return out;
}

std::string Quoted(std::string_view bytes) {
  std::string text = ToUtf8(bytes, 80);
  for (char& c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F || c == '"') c = '?';
  }
  return "\"" + text + "\"";
}

size_t CodePoints(std::string_view utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; });
}

}  // namespace jangbu::services::wire
