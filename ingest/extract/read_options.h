#pragma once

// What may be chosen about how the files of a corpus are read; defaults decide by content.

#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/encoding.h"

namespace jangbu::ingest {

struct ReadOptions {
  Encoding encoding = Encoding::kUnknown;  // of text without a byte order mark
  std::string text_column = "text";        // of CSV, TSV, Parquet
  // Of other XML: names from the root, as "articles/article/body"; each such element is a document.
  // Empty: other XML is refused.
  std::string xml_text_path = {};

  friend bool operator==(const ReadOptions&, const ReadOptions&) = default;
};

// From names: an encoding as NameOf says it (also euc-kr, which is read as cp949), "" or "auto" for
// by content; a column, "" for "text"; a path of at most 16 names. InvalidArgument
// ("bad_encoding"), ("bad_text_column"), ("bad_xml_path").
StatusOr<ReadOptions> ParseReadOptions(std::string_view encoding, std::string_view text_column,
                                       std::string_view xml_text_path);

}  // namespace jangbu::ingest
