#pragma once

// What may be chosen about how the files of a corpus are read; defaults decide by content.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/encoding.h"

namespace jangbu::ingest {

// What becomes of code points of the private use area.
enum class PrivateUse : uint8_t {
  kKeep,     // kept as they are, their number recorded
  kHanyang,  // old Hangul of Hanyang's fonts becomes conjoining jamo (ingest/text/hanyang_pua.h)
};
std::string_view NameOf(PrivateUse private_use);  // "keep", "hanyang"

struct ReadOptions {
  Encoding encoding = Encoding::kUnknown;  // of text without a byte order mark
  std::string text_column = "text";        // of CSV, TSV, Parquet
  // Of other XML: names from the root, as "articles/article/body"; each such element is a document.
  // Empty: other XML is refused.
  std::string xml_text_path = {};
  PrivateUse private_use = PrivateUse::kKeep;

  friend bool operator==(const ReadOptions&, const ReadOptions&) = default;
};

// From names: an encoding as NameOf says it (also euc-kr, which is read as cp949), "" or "auto" for
// by content; a column, "" for "text"; a path of at most 16 names; "keep", "hanyang" or "" for
// keep. InvalidArgument ("bad_encoding"), ("bad_text_column"), ("bad_xml_path"), ("bad_pua").
StatusOr<ReadOptions> ParseReadOptions(std::string_view encoding, std::string_view text_column,
                                       std::string_view xml_text_path, std::string_view pua);

}  // namespace jangbu::ingest
