#pragma once

// Which kind of file it is. By content, with the name as a hint: a name is what somebody typed.
//
// One row a format in format.cc, one file a format for reading it. A format that is not read yet is
// recognised all the same, so that its refusal can name it.

#include <cstdint>
#include <string_view>

#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

enum class Format : uint8_t {
  kUnsupported,
  kJsonLines,  // one JSON object a line
  kPlainText,  // the whole file is one document
  // Read as a whole, by a DocumentReader (document_stream.h).
  kJson,        // an array of objects, or one object over several lines
  kTable,       // CSV and TSV
  kMarkdown,    //
  kHtml,        //
  kXml,         // any other XML, with a text path
  kRtf,         //
  kZip,         // DOCX, HWPX, EPUB, XLSX, PPTX, or an archive
  kTar,         //
  kOle,         // HWP 5, and what is refused by name
  kPdf,         //
  kParquet,     //
  kCompressed,  // gz or zst inside gz or zst
};
inline constexpr Format kLastFormat = Format::kCompressed;

// "unsupported", "jsonl", "text", "json", "table", "markdown", "html", "xml", "rtf", "zip", "tar",
// "ole", "pdf", "parquet", "compressed".
std::string_view NameOf(Format format);

// False for JSON Lines and plain text, which are read here, and for what is not read at all.
bool IsReadWhole(Format format);

struct FormatGuess {
  Format format = Format::kUnsupported;
  // What an unsupported file seems to be: "pdf", "zip", "binary". A fixed word, never part of the
  // input.
  std::string_view kind;
  // The refusal that an unsupported file gets.
  Reason reason = Reason::kUnsupportedFormat;
};

// Judges by the first bytes of a file, decompressed: as many as there are, up to kFormatHeadBytes.
// `name` may be a path, in any encoding; endings of compression (.gz, .zst) are looked through.
inline constexpr size_t kFormatHeadBytes = 1 << 20;
FormatGuess DetectFormat(std::string_view head, std::string_view name);

}  // namespace jangbu::ingest
