#pragma once

// From a record as it lies in the file to a document, or to the reason why it is none.
//
// Reading a file is sequential (file_reader.h); everything here is a pure function of one record,
// so that records are parsed on every core.

#include <cstdint>
#include <string>
#include <variant>

#include "base/digest.h"
#include "ingest/extract/compression.h"
#include "ingest/extract/encoding.h"
#include "ingest/extract/format.h"
#include "ingest/extract/limits.h"
#include "ingest/extract/read_options.h"
#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

// What was decided about a file as a whole, once, before its first record.
struct FileFacts {
  Format format = Format::kUnsupported;
  Compression compression = Compression::kNone;
  Encoding encoding = Encoding::kUnknown;
  int confidence = 0;  // 0-100, of the encoding
  PrivateUse private_use = PrivateUse::kKeep;
};

// A document as its partner gave it.
struct Document {
  // The partner's own id; "" when it gave none. JSON numbers are kept as they were written.
  std::string id;
  // Metadata, "" when missing or of the wrong type. `published_at` is given only when it is a date
  // (see IsDate).
  std::string title;
  std::string source_type;
  std::string published_at;
  std::string author;
  // How it was read: a format and, of text, its encoding and the confidence in it: "docx",
  // "text cp949 97"; "hanyang 7" after it when 7 code points of the private use area were read as
  // old Hangul, and "pua 12" when 12 are still of that area.
  std::string read_as;
  // Valid UTF-8 with at least one visible character, not yet canonical.
  std::string text;
  // SHA-256 of RawRecord::bytes; of a document taken out of a file or member, of that file's or
  // member's bytes; of a row of a table, of its text.
  Digest received_sha256{};
};

// One record as received.
struct RawRecord {
  // JSON Lines: the line's number, from 1, blank lines counted. Plain text: 1. 0: the file as a
  // whole.
  uint64_t record = 0;
  // The bytes as received: after decompression, before decoding. Of JSON Lines the line without its
  // LF or CRLF; of plain text the whole file. A byte order mark, where there is one, is among them.
  std::string bytes;
  // Set when a reader of whole documents (document_stream.h) has taken the text out already: valid
  // UTF-8 is not yet known, no limit is checked yet. `bytes` is then empty.
  std::optional<Document> document;
  // Which member of a container it is, as "folder/a.zip/b.csv:12"; "" when the file is none. It
  // names the record to its partner where there is no id.
  std::string place;
  // Set when the reader itself refuses the record or the file; `bytes` is then empty.
  std::optional<Rejection> rejection;
};

struct ParsedRecord {
  uint64_t record = 0;
  std::string place;  // as RawRecord's
  std::variant<Document, Rejection> result;

  bool ok() const { return std::holds_alternative<Document>(result); }
  // REQUIRES: ok().
  Document& document() { return std::get<Document>(result); }
  const Document& document() const { return std::get<Document>(result); }
  // REQUIRES: !ok().
  const Rejection& rejection() const { return std::get<Rejection>(result); }
};

// Decodes and parses one record of a file. Pure, thread-safe, linear in the record.
//
// REQUIRES: `facts` are those of the record's file, with a supported format and a known encoding,
// unless the record is refused already or comes with its document.
ParsedRecord ParseRecord(const FileFacts& facts, RawRecord&& raw, const ExtractLimits& limits = {});

}  // namespace jangbu::ingest
