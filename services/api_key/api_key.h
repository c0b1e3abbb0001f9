#pragma once

// API keys: jb_live_ID_SECRET_CHECKSUM. A recognisable prefix and a checksum, so that scanners find
// a leaked one and a mistyped one is told apart before anything is looked up; 256 secret bits, so a
// fast keyed hash is all that is stored.
//
//   key = "jb_live_" 16 lower-case hexadecimal digits "_" 64 hexadecimal digits "_" 8 hexadecimal
//   digits (CRC-32 of
//         what precedes the last underscore)

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace jangbu::services {

struct ApiKeyParts {
  std::string key_id;
  std::string secret;  // as written
};

// Makes a new key text. The id is random too.
std::string MakeApiKey(RandomSource& random);
// Nothing for what is not a key.
std::optional<ApiKeyParts> ParseApiKey(std::string_view text);

// Halves of a secret that two persons see one each:
//
//   half = "jb_half" ("1" / "2") "_" key-id "_" 32 hexadecimal digits "_" CRC-32 as above
std::string HalfText(int which, std::string_view key_id, std::string_view half);
// The key of both halves, in either order. InvalidArgument("bad_half") for what are not the two
// halves of one key.
StatusOr<std::string> JoinHalves(std::string_view a, std::string_view b);

}  // namespace jangbu::services
