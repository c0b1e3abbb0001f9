// tokenizer.json: whatever loads counts the same with and without a cache, between 0 and one token
// a byte plus what a normaliser may add; whatever does not load says why with a reason code.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tests/fuzz/tokenizer_law.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  jangbu::ingest::CheckTokenizerLaw({reinterpret_cast<const char*>(data), size}, {});
  return 0;
}
