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

namespace jangbu::services {

struct ApiKeyParts {
  std::string key_id;
  std::string secret;  // as written
};

// Makes a new key text. The id is random too.
std::string MakeApiKey(RandomSource& random);
// Nothing for what is not a key.
std::optional<ApiKeyParts> ParseApiKey(std::string_view text);

}  // namespace jangbu::services
