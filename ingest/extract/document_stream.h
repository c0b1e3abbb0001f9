#pragma once

// The seam between the front (file_reader.h) and the readers of whole documents: HWP, PDF, DOCX,
// archives and the like.
//
// Those readers run elsewhere: in the server in a worker process that can do nothing but read its
// pipe and write its answer (services/extractor), in tests and inside that worker directly
// (whole_reader.h). Both give the same records.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/byte_source.h"
#include "ingest/extract/encoding.h"
#include "ingest/extract/format.h"
#include "ingest/extract/read_options.h"
#include "ingest/extract/record.h"

namespace jangbu::ingest {

// The records of one file, in order: documents taken out, or refusals; record 0 last.
class DocumentStream {
 public:
  virtual ~DocumentStream() = default;
  // The next record, or nothing at the end. A Status is a failure of the machine, never of the
  // file.
  virtual StatusOr<std::optional<RawRecord>> Next() = 0;
};

class DocumentReader {
 public:
  virtual ~DocumentReader() = default;
  // Begins to read a file whose (decompressed) bytes `bytes` gives; it must outlive the stream.
  //
  // REQUIRES: IsReadWhole(format).
  virtual StatusOr<std::unique_ptr<DocumentStream>> Read(ByteSource& bytes, Format format,
                                                         std::string_view file_name,
                                                         const ReadOptions& options) = 0;
};

}  // namespace jangbu::ingest
