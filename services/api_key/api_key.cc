#include "services/api_key/api_key.h"

#include <zlib.h>

#include <array>
#include <utility>

#include "base/bytes.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kPrefix = "jb_live_";
constexpr size_t kIdDigits = 16;
constexpr size_t kSecretDigits = 64;
constexpr size_t kChecksumDigits = 8;
constexpr std::string_view kHalfPrefix = "jb_half";
constexpr size_t kHalfDigits = kSecretDigits / 2;

struct Half {
  char which = '1';
  std::string_view key_id;
  std::string_view digits;
};

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

std::optional<Half> ParseHalf(std::string_view text) {
  // jb_half1_ID_DIGITS_CHECKSUM
  const size_t id_at = kHalfPrefix.size() + 2;
  const size_t digits_at = id_at + kIdDigits + 1;
  const size_t body = digits_at + kHalfDigits;
  if (text.size() != body + 1 + kChecksumDigits ||
      text.substr(0, kHalfPrefix.size()) != kHalfPrefix)
    return std::nullopt;
  const Half half{.which = text[kHalfPrefix.size()],
                  .key_id = text.substr(id_at, kIdDigits),
                  .digits = text.substr(digits_at, kHalfDigits)};
  if ((half.which != '1' && half.which != '2') || text[id_at - 1] != '_' ||
      text[digits_at - 1] != '_' || text[body] != '_' || !IsLowerHex(half.key_id) ||
      !IsLowerHex(half.digits) || text.substr(body + 1) != Checksum(text.substr(0, body))) {
    return std::nullopt;
  }
  return half;
}

}  // namespace

std::string HalfText(int which, std::string_view key_id, std::string_view half) {
  std::string text(kHalfPrefix);
  text.append(which == 1 ? "1_" : "2_").append(key_id).append("_").append(half);
  return text + "_" + Checksum(text);
}

StatusOr<std::string> JoinHalves(std::string_view a, std::string_view b) {
  std::optional<Half> first = ParseHalf(a);
  std::optional<Half> second = ParseHalf(b);
  if (first.has_value() && first->which == '2') std::swap(first, second);
  if (!first.has_value() || !second.has_value() || first->which != '1' || second->which != '2' ||
      first->key_id != second->key_id) {
    return InvalidArgument("bad_half",
                           "the two halves of one key are needed: jb_half1_… and jb_half2_…");
  }
  std::string key(kPrefix);
  key.append(first->key_id).append("_").append(first->digits).append(second->digits);
  return key + "_" + Checksum(key);
}

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
