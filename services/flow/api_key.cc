#include "services/flow/api_key.h"

#include <zlib.h>

#include <array>

#include "base/bytes.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kPrefix = "jb_live_";
constexpr size_t kIdDigits = 16;
constexpr size_t kSecretDigits = 64;
constexpr size_t kChecksumDigits = 8;

std::string Checksum(std::string_view text) {
  const auto crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  const std::array<uint8_t, 4> bytes{static_cast<uint8_t>(crc >> 24),
                                     static_cast<uint8_t>(crc >> 16),
                                     static_cast<uint8_t>(crc >> 8), static_cast<uint8_t>(crc)};
  return ToHex(bytes);
}

bool IsLowerHex(std::string_view text) {
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

}  // namespace

std::string MakeApiKey(RandomSource& random) {
  std::array<uint8_t, kIdDigits / 2> id;
  std::array<uint8_t, kSecretDigits / 2> secret;
  random.Fill(id.data(), id.size());
  random.Fill(secret.data(), secret.size());
  std::string key(kPrefix);
  key.append(ToHex(id)).append("_").append(ToHex(secret));
  return key + "_" + Checksum(key);
}

std::optional<ApiKeyParts> ParseApiKey(std::string_view text) {
  if (text.size() != kPrefix.size() + kIdDigits + 1 + kSecretDigits + 1 + kChecksumDigits)
    return std::nullopt;
  if (text.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  const std::string_view body = text.substr(0, text.size() - kChecksumDigits - 1);
  const std::string_view id = text.substr(kPrefix.size(), kIdDigits);
  const std::string_view secret = text.substr(kPrefix.size() + kIdDigits + 1, kSecretDigits);
  if (text[kPrefix.size() + kIdDigits] != '_' || text[body.size()] != '_' || !IsLowerHex(id) ||
      !IsLowerHex(secret)) {
    return std::nullopt;
  }
  if (text.substr(body.size() + 1) != Checksum(body)) return std::nullopt;
  return ApiKeyParts{.key_id = std::string(id), .secret = std::string(secret)};
}

}  // namespace jangbu::services
