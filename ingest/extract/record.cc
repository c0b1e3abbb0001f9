#include "ingest/extract/record.h"

#include <utility>

#include "base/check.h"
#include "ingest/extract/date.h"
#include "ingest/extract/json_lines.h"
#include "ingest/text/canonical.h"

namespace jangbu::ingest {
namespace {

std::variant<Document, Rejection> Parse(const FileFacts& facts, std::string&& bytes,
                                        const ExtractLimits& limits) {
  JANGBU_CHECK(facts.format == Format::kJsonLines || facts.format == Format::kPlainText);
  Document document;
  document.received_sha256 = Sha256(bytes);
  Decoded decoded = DecodeText(facts.encoding, std::move(bytes));
  if (decoded.rejection) return *std::move(decoded.rejection);

  if (facts.format == Format::kPlainText) {
    if (decoded.utf8.size() > limits.text_bytes_max) {
      return Rejection{Reason::kRecordTooLarge, "text of " + std::to_string(decoded.utf8.size()) +
                                                    " bytes, at most " +
                                                    std::to_string(limits.text_bytes_max)};
    }
    document.text = std::move(decoded.utf8);
  } else {
    std::variant<JsonFields, Rejection> parsed = ParseJsonLine(decoded.utf8, limits);
    if (Rejection* rejection = std::get_if<Rejection>(&parsed)) return std::move(*rejection);
    JsonFields& fields = std::get<JsonFields>(parsed);
    document.id = std::move(fields.id);
    document.title = std::move(fields.title);
    document.source_type = std::move(fields.source_type);
    if (IsDate(fields.published_at)) document.published_at = std::move(fields.published_at);
    document.text = std::move(fields.text);
  }
  if (IsBlank(document.text)) return Rejection{Reason::kNoText, "nothing visible"};
  return document;
}

}  // namespace

ParsedRecord ParseRecord(const FileFacts& facts, RawRecord&& raw, const ExtractLimits& limits) {
  if (raw.rejection) return {raw.record, *std::move(raw.rejection)};
  return {raw.record, Parse(facts, std::move(raw.bytes), limits)};
}

}  // namespace jangbu::ingest
