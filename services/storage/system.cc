#include "services/storage/system.h"

#include <openssl/rand.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace jangbu::services {

Timestamp SystemClock::Now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

void OsRandom::Fill(uint8_t* out, uint64_t size) {
  while (size > 0) {
    const int part = static_cast<int>(std::min<uint64_t>(size, 1 << 20));
    JANGBU_CHECK(RAND_bytes(out, part) == 1);
    out += part;
    size -= static_cast<uint64_t>(part);
  }
}

}  // namespace jangbu::services
