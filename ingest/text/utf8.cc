#include "ingest/text/utf8.h"

#include <simdjson.h>
#include <unicode/uchar.h>

#include <cstring>

namespace jangbu::ingest {

std::string UnicodeVersion() {
  UVersionInfo version;
  u_getUnicodeVersion(version);
  return std::to_string(version[0]) + "." + std::to_string(version[1]);
}

bool IsValidUtf8(std::string_view bytes) {
  return bytes.empty() || simdjson::validate_utf8(bytes.data(), bytes.size());
}

size_t ValidUtf8Prefix(std::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    const auto at = [&](size_t k) -> unsigned {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u;
    };
    const auto continues = [&](size_t k) { return (at(k) & 0xC0) == 0x80; };
    const unsigned lead = at(0);
    size_t size = 0;
    if (lead < 0x80) {
      size = 1;
    } else if (lead >= 0xC2 && lead < 0xE0) {
      if (continues(1)) size = 2;
    } else if (lead >= 0xE0 && lead < 0xF0) {
      const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
      const unsigned high = lead == 0xED ? 0x9F : 0xBF;
      if (at(1) >= low && at(1) <= high && continues(2)) size = 3;
    } else if (lead >= 0xF0 && lead < 0xF5) {
      const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
      const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
      if (at(1) >= low && at(1) <= high && continues(2) && continues(3)) size = 4;
    }
    if (size == 0) return i;
    i += size;
  }
  return i;
}

uint64_t CountCodePoints(std::string_view utf8) {
  // All bytes but those that continue, 10xxxxxx; eight at a time.
  uint64_t continuing = 0;
  size_t i = 0;
  for (; i + 8 <= utf8.size(); i += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, utf8.data() + i, 8);
    const uint64_t ones = bytes >> 7 & ~(bytes >> 6) & 0x0101'0101'0101'0101u;
    continuing += ones * 0x0101'0101'0101'0101u >> 56;
  }
  for (; i < utf8.size(); ++i)
    continuing += (static_cast<unsigned char>(utf8[i]) & 0xC0) == 0x80 ? 1 : 0;
  return utf8.size() - continuing;
}

}  // namespace jangbu::ingest
