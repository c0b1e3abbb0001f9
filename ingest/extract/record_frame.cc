#include "ingest/extract/record_frame.h"

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::ingest {
namespace {

constexpr std::string_view kMagic = "jxq1";
constexpr uint8_t kEnd = 0, kDocument = 1, kRefusal = 2;

}  // namespace

std::string EncodeRequest(const ExtractRequest& request) {
  ByteWriter body;
  body.U8(static_cast<uint8_t>(request.format));
  body.U8(static_cast<uint8_t>(request.options.encoding));
  body.String(request.options.text_column);
  body.String(request.options.xml_text_path);
  body.String(request.file_name);
  body.Varint(request.document_bytes_max);
  body.Varint(request.text_bytes_max);
  ByteWriter w;
  w.Raw(kMagic);
  w.U32(static_cast<uint32_t>(body.size()));
  w.Raw(body.bytes());
  return w.Take();
}

std::optional<size_t> RequestBodySize(std::string_view head) {
  if (head.size() != kRequestHeadBytes || !head.starts_with(kMagic)) return std::nullopt;
  ByteReader reader(head.substr(kMagic.size()));
  const uint32_t size = reader.U32();
  if (size > kRequestBytesMax) return std::nullopt;
  return size;
}

StatusOr<ExtractRequest> DecodeRequest(std::string_view body) {
  ByteReader reader(body);
  ExtractRequest request;
  const uint8_t format = reader.U8();
  const uint8_t encoding = reader.U8();
  request.options.text_column = reader.String();
  request.options.xml_text_path = reader.String();
  request.file_name = reader.String();
  request.document_bytes_max = reader.Varint();
  request.text_bytes_max = reader.Varint();
  request.format = static_cast<Format>(format);
  request.options.encoding = static_cast<Encoding>(encoding);
  if (!reader.ok() || !reader.empty() || format > static_cast<uint8_t>(kLastFormat) ||
      !IsReadWhole(request.format) || encoding > static_cast<uint8_t>(kLastEncoding))
    return InvalidArgument("malformed_request", "a request for extraction");
  return request;
}

std::string EncodeRecord(const RawRecord& raw) {
  JANGBU_CHECK(raw.document.has_value() != raw.rejection.has_value());
  ByteWriter w;
  w.U8(raw.document ? kDocument : kRefusal);
  w.Varint(raw.record);
  w.String(raw.place);
  if (raw.document) {
    const Document& d = *raw.document;
    for (const std::string* field :
         {&d.id, &d.title, &d.source_type, &d.published_at, &d.author, &d.read_as, &d.text}) {
      w.String(*field);
    }
    w.Raw(d.received_sha256);
  } else {
    w.U8(static_cast<uint8_t>(raw.rejection->reason));
    w.String(raw.rejection->detail);
  }
  return w.Take();
}

std::string EncodeEnd() { return std::string(1, static_cast<char>(kEnd)); }

StatusOr<std::optional<RawRecord>> DecodeRecord(std::string_view payload) {
  ByteReader reader(payload);
  const uint8_t kind = reader.U8();
  if (kind == kEnd && reader.ok() && reader.empty()) return std::optional<RawRecord>();
  RawRecord raw;
  raw.record = reader.Varint();
  raw.place = reader.String();
  if (kind == kDocument) {
    Document& d = raw.document.emplace();
    for (std::string* field :
         {&d.id, &d.title, &d.source_type, &d.published_at, &d.author, &d.read_as, &d.text}) {
      *field = reader.String();
    }
    d.received_sha256 = reader.Array<32>();
    if (raw.record == 0) reader.MarkBad();
  } else if (kind == kRefusal) {
    const uint8_t reason = reader.U8();
    if (reason >= AllReasons().size()) reader.MarkBad();
    raw.rejection = Rejection{static_cast<Reason>(reason), std::string(reader.String())};
  } else {
    reader.MarkBad();
  }
  if (!reader.ok() || !reader.empty()) return DataLoss("malformed_frame", "of the worker's answer");
  return std::optional(std::move(raw));
}

}  // namespace jangbu::ingest
