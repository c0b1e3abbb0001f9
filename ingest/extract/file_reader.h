#pragma once

// Reads one uploaded file into records, in order, with bounded memory.
//
//   auto reader = FileReader::Open(source, name, limits);        // sequential
//   while (auto raw = (*reader)->Next(); ...)
//     ParseRecord((*reader)->facts(), std::move(**raw), limits);  // on any thread
//
// Whatever is wrong with the file is a rejection among its records, never a Status: a Status is the
// source's own error. A rejection of the file as a whole is record 0: first and alone when the file
// cannot be read at all (unsupported_format, unknown_encoding, nested_compression, no_text when it
// is empty), last when its compression breaks off (bad_compression, compression_limit) after the
// records before the break. A line cut off by the break is not given.
//
// Laws (tests/ingest/extract): record numbers ascend, save a last 0; the outcome does not depend on
// the chunks in which the source gives its bytes; bytes and numbers of one record do not depend on
// what other records hold.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/byte_source.h"
#include "ingest/extract/compression.h"
#include "ingest/extract/document_stream.h"
#include "ingest/extract/limits.h"
#include "ingest/extract/record.h"

namespace jangbu::ingest {

// Not thread-safe. Holds at most one record and 1 MiB, and a zstd window.
class FileReader {
 public:
  // Reads enough of the file to decide its facts: the first MiB, or all of a plain text. `source`
  // must outlive the reader. `file_name` is a hint, in any encoding, and is not kept. Files that
  // are read as a whole are handed to `documents`, which must outlive the reader too; without it
  // they are refused as unsupported.
  static StatusOr<std::unique_ptr<FileReader>> Open(ByteSource& source, std::string_view file_name,
                                                    const ExtractLimits& limits,
                                                    DocumentReader* documents = nullptr,
                                                    const ReadOptions& options = {});

  ~FileReader();

  const FileFacts& facts() const { return facts_; }

  // The next record, or nothing at the end of the file. After a Status the reader is of no more
  // use.
  StatusOr<std::optional<RawRecord>> Next();

 private:
  class Rest;

  FileReader(ByteSource& source, const ExtractLimits& limits, DocumentReader* documents,
             const ReadOptions& options);

  Status Decide(std::string_view file_name);
  // Appends to buffer_ until it holds `size` bytes or the file ends.
  Status FillTo(size_t size);
  void RefuseFile(Reason reason, std::string detail);
  StatusOr<std::optional<RawRecord>> NextLine();
  // The offset in buffer_ of the next line break at or after `from`, or npos.
  size_t FindBreak(size_t from) const;

  const ExtractLimits limits_;
  Peeler peeler_;
  DocumentReader* const documents_;
  const ReadOptions options_;
  std::unique_ptr<Rest> rest_;  // what stream_ reads
  std::unique_ptr<DocumentStream> stream_;
  FileFacts facts_;
  std::optional<RawRecord> pending_;  // given before anything else
  bool ended_ = false;                // nothing follows pending_

  std::string buffer_;  // decompressed; [begin_, size) is not given yet
  size_t begin_ = 0;
  size_t scanned_ = 0;  // no line break in [begin_, scanned_)
  bool data_ended_ = false;
  uint64_t line_ = 0;      // number of the last line
  bool skipping_ = false;  // inside a line that is too long
  size_t unit_ = 1;        // bytes of a code unit of the encoding
};

}  // namespace jangbu::ingest
