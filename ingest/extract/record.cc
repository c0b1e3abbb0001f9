#include "ingest/extract/record.h"

#include <optional>
#include <utility>

#include "base/check.h"
#include "ingest/extract/date.h"
#include "ingest/extract/json_lines.h"
#include "ingest/extract/mojibake.h"
#include "ingest/text/canonical.h"
#include "ingest/text/hanyang_pua.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

Rejection TooLarge(std::string_view text, const ExtractLimits& limits) {
  return {Reason::kRecordTooLarge, "text of " + std::to_string(text.size()) + " bytes, at most " +
                                       std::to_string(limits.text_bytes_max)};
}

// Of a reader in a process of its own, which counted what it found in a record of its own: the
// count here is of all.
void DropCount(std::string& read_as) {
  if (const size_t at = read_as.find(" pua "); at != std::string::npos) read_as.resize(at);
}

// What is said of every text, however it came.
std::variant<Document, Rejection> Judge(const FileFacts& facts, Document&& document,
                                        const ExtractLimits& limits) {
  DropCount(document.read_as);
  if (facts.private_use == PrivateUse::kHanyang) {
    HanyangMapped mapped = MapHanyangPua(std::move(document.text));
    document.text = std::move(mapped.utf8);
    if (mapped.mapped > 0) document.read_as += " hanyang " + std::to_string(mapped.mapped);
    if (document.text.size() > limits.text_bytes_max) return TooLarge(document.text, limits);
  }
  if (IsBlank(document.text)) return Rejection{Reason::kNoText, "nothing visible"};
  if (std::optional<std::string> mojibake = FindMojibake(document.text))
    return Rejection{Reason::kMojibake, *std::move(mojibake)};
  if (const uint64_t count = CountPrivateUse(document.text); count > 0)
    document.read_as += " pua " + std::to_string(count);
  return std::move(document);
}

std::variant<Document, Rejection> Parse(const FileFacts& facts, std::string&& bytes,
                                        const ExtractLimits& limits) {
  JANGBU_CHECK(facts.format == Format::kJsonLines || facts.format == Format::kPlainText);
  Document document;
  document.received_sha256 = Sha256(bytes);
  document.read_as = std::string(NameOf(facts.format)) + " " + std::string(NameOf(facts.encoding)) +
                     " " + std::to_string(facts.confidence);
  Decoded decoded = DecodeText(facts.encoding, std::move(bytes));
  if (decoded.rejection) return *std::move(decoded.rejection);

  if (facts.format == Format::kPlainText) {
    if (decoded.utf8.size() > limits.text_bytes_max) {
      return TooLarge(decoded.utf8, limits);
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
  return Judge(facts, std::move(document), limits);
}

// What a reader of whole documents gives is believed no more than what partners give.
std::variant<Document, Rejection> Check(const FileFacts& facts, Document&& document,
                                        const ExtractLimits& limits) {
  if (!IsValidUtf8(document.text)) {
    return Rejection{Reason::kInvalidUtf8,
                     "invalid UTF-8 at byte " + std::to_string(ValidUtf8Prefix(document.text))};
  }
  if (document.text.size() > limits.text_bytes_max) {
    return TooLarge(document.text, limits);
  }
  if (document.id.size() > limits.id_bytes_max || !IsValidUtf8(document.id)) {
    return Rejection{Reason::kBadId, "id of " + std::to_string(document.id.size()) + " bytes"};
  }
  for (std::string* field :
       {&document.title, &document.source_type, &document.author, &document.read_as}) {
    if (field->size() > limits.metadata_bytes_max || !IsValidUtf8(*field)) field->clear();
  }
  if (!IsDate(document.published_at)) document.published_at.clear();
  return Judge(facts, std::move(document), limits);
}

}  // namespace

ParsedRecord ParseRecord(const FileFacts& facts, RawRecord&& raw, const ExtractLimits& limits) {
  ParsedRecord parsed{raw.record, std::move(raw.place), Rejection{}};
  if (!IsValidUtf8(parsed.place)) parsed.place.clear();
  if (raw.rejection) {
    parsed.result = *std::move(raw.rejection);
  } else if (raw.document) {
    parsed.result = Check(facts, *std::move(raw.document), limits);
  } else {
    parsed.result = Parse(facts, std::move(raw.bytes), limits);
  }
  return parsed;
}

}  // namespace jangbu::ingest
