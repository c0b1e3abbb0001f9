#pragma once

// How much of one upload the extractor is willing to hold and to believe.

#include <cstddef>
#include <cstdint>

namespace jangbu::ingest {

struct ExtractLimits {
  // One document's text, as UTF-8.
  uint64_t text_bytes_max = 64ull << 20;
  // One record as received: a line of JSON Lines, or a whole plain-text file.
  uint64_t record_bytes_max = 96ull << 20;
  // One file after decompression.
  uint64_t file_bytes_max = 1ull << 40;
  // Decompressed to compressed size, once more than `ratio_free_bytes` came out. Korean text
  // reaches 3 to 10; a bomb reaches 1,000 and more.
  uint64_t ratio_max = 500;
  uint64_t ratio_free_bytes = 64ull << 20;
  // zstd's window, as a power of two: what one open file may cost in memory.
  int zstd_window_log_max = 27;
  // Nesting of arrays and objects in one JSON record, and members of its outermost object.
  size_t json_depth_max = 64;
  size_t json_members_max = 4096;
  // A longer id is refused; a longer title, source type or date is left out.
  size_t id_bytes_max = 1024;
  size_t metadata_bytes_max = 16 << 10;
  // One file or member that is read as a whole: everything but JSON Lines and plain text.
  uint64_t document_bytes_max = 256ull << 20;
  // Containers inside containers, the outermost counted; members of all of them together, and their
  // bytes after decompression.
  int container_depth_max = 4;
  uint64_t container_members_max = 200'000;
  uint64_t container_bytes_max = 8ull << 30;
  // Elements open at the same time in XML and HTML.
  size_t markup_depth_max = 1024;
  size_t html_depth_max = 8192;
};

}  // namespace jangbu::ingest
