#pragma once

// What the server and its extraction worker say to each other over a pipe.
//
//     request  = "jxq1" size:u32 body        then the file's bytes, to the end of the pipe
//     body     = format:u8 encoding:u8 text_column:string xml_text_path:string file_name:string
//                document_bytes_max:varint text_bytes_max:varint
//     answer   = frame*
//     frame    = size:u32 payload
//     payload  = 0:u8                                                the end: all records were
//     given
//              | 1:u8 record:varint place:string id title source_type published_at author
//                read_as text : string* received_sha256:32
//              | 2:u8 record:varint place:string reason:u8 detail:string
//
// The worker has read bytes of strangers, so its answer is bytes of a stranger too: everything is
// checked again where it is taken in (record.h).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/extract/document_stream.h"
#include "ingest/extract/limits.h"

namespace jangbu::ingest {

struct ExtractRequest {
  Format format = Format::kUnsupported;
  ReadOptions options;
  std::string file_name;
  // Those limits that an operator may set; the rest are defaults.
  uint64_t document_bytes_max = ExtractLimits().document_bytes_max;
  uint64_t text_bytes_max = ExtractLimits().text_bytes_max;

  friend bool operator==(const ExtractRequest&, const ExtractRequest&) = default;
};

// With its "jxq1" and size.
std::string EncodeRequest(const ExtractRequest& request);
inline constexpr size_t kRequestHeadBytes = 8;
inline constexpr size_t kRequestBytesMax = 64 << 10;
// The size of the body; nothing when the head is none.
std::optional<size_t> RequestBodySize(std::string_view head);
// InvalidArgument("malformed_request").
StatusOr<ExtractRequest> DecodeRequest(std::string_view body);

// The payload of a frame. A record with `bytes` is not for this pipe.
//
// REQUIRES: raw.document or raw.rejection.
std::string EncodeRecord(const RawRecord& raw);
std::string EncodeEnd();
// Nothing at the end of the answer. DataLoss("malformed_frame").
StatusOr<std::optional<RawRecord>> DecodeRecord(std::string_view payload);

}  // namespace jangbu::ingest
