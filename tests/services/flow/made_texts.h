#pragma once

// What the tests of duplicates make of a text.

#include <string>

#include "ingest/dedup/run_index_segment.h"
#include "ingest/text/utf8.h"

namespace jangbu::services::testing {

// A line of JSON Lines.
inline std::string Json(const std::string& text) {
  std::string line = "{\"text\":\"";
  for (const char c : text) line += c == '\n' ? std::string("\\n") : std::string(1, c);
  return line + "\"}\n";
}

// Every `step`-th syllable becomes another.
inline std::string Noisy(const std::string& text, size_t step) {
  std::string out;
  size_t n = 0;
  for (const char32_t c : ingest::CodePoints(text)) {
    const bool syllable = c >= 0xAC00 && c <= 0xD7A3;
    ingest::AppendUtf8(
        syllable && ++n % step == 0 ? static_cast<char32_t>(c == 0xAC00 ? 0xAC01 : 0xAC00) : c,
        out);
  }
  return out;
}

}  // namespace jangbu::services::testing
