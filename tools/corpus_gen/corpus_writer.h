#pragma once

// Writes generated documents as partners send them: JSON Lines or one text file a document, plain,
// gzip or zstd, in the encodings met in Korea, with broken records where asked for.

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "tools/corpus_gen/generator.h"

namespace jangbu::tools {

enum class Compression { kNone, kGzip, kZstd };
enum class Encoding { kUtf8, kUtf8Bom, kCp949, kUtf16Le };

// "utf-8", "utf-8-bom", "cp949", "utf-16le"; "none", "gz", "zst".
StatusOr<Encoding> ParseEncoding(std::string_view name);
StatusOr<Compression> ParseCompression(std::string_view name);

struct FileSpec {
  std::string path;  // its folder is made; the suffix is not looked at
  Compression compression = Compression::kNone;
  Encoding encoding = Encoding::kUtf8;
};

// Bytes of UTF-8 in `encoding`, with its byte-order mark where it has one.
// InvalidArgument("not_in_encoding").
StatusOr<std::string> Encode(std::string_view utf8, Encoding encoding);

struct Written {
  uint64_t documents = 0;
  uint64_t next = 0;        // number of the first document not written
  uint64_t text_bytes = 0;  // UTF-8
  uint64_t bad_records = 0;
};

// Documents from number `first` on as JSON Lines, until their text reaches `text_bytes`. After
// every `bad_every` documents (0: never) a record that must be rejected follows: broken JSON, no
// text, text that is a number, an array, bytes that are not UTF-8, in turn.
StatusOr<Written> WriteJsonl(const CorpusGenerator& corpus, uint64_t first, uint64_t text_bytes,
                             uint64_t bad_every, const FileSpec& file);

// One document as a text file: its title is left out, as in a file.
StatusOr<Written> WriteText(const CorpusGenerator& corpus, uint64_t number, const FileSpec& file);

// Four partners' folders under `folder` with about `megabytes` of text in all: a newspaper, a
// publisher, a university and a company; wire stories shared between them, duplicates inside,
// several formats and encodings, bad records.
StatusOr<std::vector<std::string>> WriteDemo(const std::string& folder, uint64_t megabytes,
                                             uint64_t seed);

}  // namespace jangbu::tools
