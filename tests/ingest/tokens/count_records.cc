// Counts records of any bytes, for the differential soak (soak.mjs): reads a stream of {u32
// little-endian length, bytes} and prints one count a line; a length of 2^32 - 1 stands alone and
// asks for the answers so far.
//
//   count_records TOKENIZER_FILE [CACHE_BYTES] < records > counts

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "ingest/tokens/token_counter.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: count_records TOKENIZER_FILE [CACHE_BYTES]\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto tokenizer = jangbu::ingest::Tokenizer::Load(file);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().ToString().c_str());
    return 1;
  }
  jangbu::ingest::TokenCounterOptions options;
  if (argc > 2) options.cache_bytes = static_cast<size_t>(std::strtoull(argv[2], nullptr, 10));
  jangbu::ingest::TokenCounter counter(*tokenizer, options);
  std::string record;
  unsigned char head[4];
  std::setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  while (std::fread(head, 1, 4, stdin) == 4) {
    const uint32_t size = static_cast<uint32_t>(head[0]) | (static_cast<uint32_t>(head[1]) << 8) |
                          (static_cast<uint32_t>(head[2]) << 16) |
                          (static_cast<uint32_t>(head[3]) << 24);
    if (size == 0xFFFFFFFF) {
      // The other side waits for these before it sends more.
      std::fflush(stdout);
      continue;
    }
    record.resize(size);
    if (std::fread(record.data(), 1, size, stdin) != size) return 1;
    std::printf("%lld\n", static_cast<long long>(counter.Count(record)));
  }
  return 0;
}
