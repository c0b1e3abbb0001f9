// SentencePiece .model files, charsmap and all; see tokenizer_law.h.

#include <cstdint>
#include <string_view>

#include "tests/fuzz/tokenizer_law.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  jangbu::ingest::CheckTokenizerLaw({reinterpret_cast<const char*>(data), size}, {});
  return 0;
}
