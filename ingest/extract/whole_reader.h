#pragma once

// Reads files as a whole: recognises what is inside, opens containers, calls the reader of the
// format (readers.h). This is what runs in the worker process, and in tests.
//
// Every member of a container is a record of its own; its `place` names it. A refusal of the whole
// file is record 0 and comes last; a refusal of one member is a record among the others.

#include <functional>

#include "ingest/extract/document_stream.h"
#include "ingest/extract/readers.h"

namespace jangbu::ingest {

// Gets records in order; false stops.
using RecordSink = std::function<bool(RawRecord)>;

// `bytes` is one file, decompressed, of `format`. PDF is refused as unsupported without `pdf`.
void ReadWhole(std::string_view bytes, Format format, std::string_view file_name,
               const ReadOptions& options, const ExtractLimits& limits, const PdfReader& pdf,
               const RecordSink& sink);

// A DocumentReader that reads in this process, holding all records of a file. Not for bytes of
// strangers in a server: see services/extractor.
class WholeReader final : public DocumentReader {
 public:
  explicit WholeReader(ExtractLimits limits = {}, PdfReader pdf = {})
      : limits_(limits), pdf_(std::move(pdf)) {}

  StatusOr<std::unique_ptr<DocumentStream>> Read(ByteSource& bytes, Format format,
                                                 std::string_view file_name,
                                                 const ReadOptions& options) override;

 private:
  const ExtractLimits limits_;
  const PdfReader pdf_;
};

// All of `source`, or nothing when it has more than `bytes_max`.
StatusOr<std::optional<std::string>> ReadAll(ByteSource& source, uint64_t bytes_max);
// The refusal of a file that has more.
Rejection FileTooLarge(uint64_t bytes_max);

}  // namespace jangbu::ingest
