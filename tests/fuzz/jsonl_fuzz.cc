// Any line: refused or accepted as another JSON parser does, with the same text.
//
// The other one refuses more in two places only: numbers it cannot hold, and lone surrogates in
// members that are skipped here.

#include <simdjson.h>

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "ingest/extract/json_lines.h"
#include "ingest/text/utf8.h"

using namespace jangbu::ingest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string line(reinterpret_cast<const char*>(data), size);
  if (!IsValidUtf8(line)) return 0;
  const ExtractLimits limits;
  const auto parsed = ParseJsonLine(line, limits);
  const auto* rejection = std::get_if<Rejection>(&parsed);

  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto error = parser.parse(line).get(root);
  if (rejection != nullptr) {
    const Reason reason = rejection->reason;
    JANGBU_CHECK(rejection->detail.size() < 100);
    if (reason == Reason::kTooDeep || reason == Reason::kTooManyMembers) return 0;
    if (reason == Reason::kInvalidJson) {
      JANGBU_CHECK(error != simdjson::SUCCESS);
      return 0;
    }
  }
  if (error != simdjson::SUCCESS) {
    JANGBU_CHECK(error == simdjson::NUMBER_ERROR || error == simdjson::STRING_ERROR);
    return 0;
  }
  simdjson::dom::object object;
  const bool is_object = root.get_object().get(object) == simdjson::SUCCESS;
  JANGBU_CHECK(is_object != (rejection != nullptr && rejection->reason == Reason::kNotAnObject));
  if (rejection != nullptr) return 0;

  const JsonFields& fields = std::get<JsonFields>(parsed);
  for (const std::string* field :
       {&fields.text, &fields.id, &fields.title, &fields.source_type, &fields.published_at}) {
    JANGBU_CHECK(IsValidUtf8(*field));
  }
  std::string_view text;
  JANGBU_CHECK(object.at_key("text").get_string().get(text) == simdjson::SUCCESS);
  JANGBU_CHECK(text == fields.text);
  return 0;
}
