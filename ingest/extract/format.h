#pragma once

// Which kind of file it is. By content, with the name as a hint: a name is what somebody typed.
//
// One row a format in format.cc, one file a format for reading it. A format that is not read yet is
// recognised all the same, so that its refusal can name it.

#include <cstdint>
#include <string_view>

namespace jangbu::ingest {

enum class Format : uint8_t {
  kUnsupported,
  kJsonLines,  // one JSON object a line
  kPlainText,  // the whole file is one document
};

// "unsupported", "jsonl", "text".
std::string_view NameOf(Format format);

struct FormatGuess {
  Format format = Format::kUnsupported;
  // What an unsupported file seems to be: "pdf", "zip", "binary". A fixed word, never part of the
  // input.
  std::string_view kind;
};

// Judges by the first bytes of a file, decompressed: as many as there are, up to kFormatHeadBytes.
// `name` may be a path, in any encoding; endings of compression (.gz, .zst) are looked through.
inline constexpr size_t kFormatHeadBytes = 1 << 20;
FormatGuess DetectFormat(std::string_view head, std::string_view name);

}  // namespace jangbu::ingest
