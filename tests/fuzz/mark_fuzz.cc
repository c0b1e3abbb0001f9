// Law: the bytes of a mark that is accepted are exactly those its writer gives for it; so every
// other input, however close, is refused.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "services/storage/high_water_mark.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu::services;  // NOLINT(google-build-using-namespace)
  static const SecretKey seed = SecretKey::FromBytes(std::string(32, 's'));
  static const Ed25519PublicKey key = PublicKeyOf(seed);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto mark = DecodeMark(input, key);
  if (mark.ok()) {
    JANGBU_CHECK(EncodeMark(*mark, seed) == input);
  } else {
    JANGBU_CHECK(jangbu::ReasonOf(mark.status()) == "mark_damaged");
  }
  return 0;
}
