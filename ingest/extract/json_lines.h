#pragma once

// One line of JSON Lines: an object with "text", and perhaps "id", "title", "source_type" and
// "published_at".
//
// Strict RFC 8259: what another JSON reader would refuse is refused here. Other members are checked
// and skipped.

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ingest/extract/limits.h"
#include "ingest/extract/reasons.h"

namespace jangbu::ingest {

struct JsonFields {
  std::string text;
  std::string id;  // "" when missing or null; a number as it is written
  // "" when missing or not a string; numbers as they are written.
  std::string title;
  std::string source_type;
  std::string published_at;
};

// Refusals, in this order when several apply: kInvalidJson, kTooDeep, kTooManyMembers (the first
// met while reading); kNotAnObject; kDuplicateKey (in the outermost object); kNoText (missing, null
// or ""); kTextNotString; kRecordTooLarge; kBadId; kLoneSurrogate (in the text or the id; in other
// members they are let be or left out). Details name the kind of error and its byte offset in
// `line`.
//
// REQUIRES: `line` is valid UTF-8. Pure, thread-safe, linear; holds no more than the fields and the
// keys.
std::variant<JsonFields, Rejection> ParseJsonLine(std::string_view line,
                                                  const ExtractLimits& limits);

}  // namespace jangbu::ingest
