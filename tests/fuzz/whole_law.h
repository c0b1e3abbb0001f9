#pragma once

// The law of every reader of whole documents: it ends; records ascend by one, save a last 0; a
// document is valid UTF-8 within its limits, and its canonical text, read as plain text, is itself
// (or mojibake: of letters near that line a canonical text, without controls, has the larger
// share).

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ingest/extract/whole_reader.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {

inline void CheckWhole(std::string_view bytes, Format format, std::string_view name,
                       const ReadOptions& options = {}) {
  ExtractLimits limits;
  limits.text_bytes_max = 64 << 10;
  limits.record_bytes_max = 64 << 10;
  limits.document_bytes_max = 256 << 10;
  limits.container_bytes_max = 1 << 20;
  limits.container_members_max = 64;
  limits.ratio_free_bytes = 1 << 20;
  limits.markup_depth_max = 64;
  limits.html_depth_max = 256;
  uint64_t records = 0;
  bool ended = false;
  ReadWhole(bytes, format, name, options, limits, {}, [&](RawRecord raw) {
    JANGBU_CHECK(!ended);
    if (raw.record == 0) {
      JANGBU_CHECK(raw.rejection.has_value());
      ended = true;
    } else {
      JANGBU_CHECK(raw.record == ++records);
    }
    const ParsedRecord parsed = ParseRecord({}, std::move(raw), limits);
    if (!parsed.ok()) return true;
    const Document& d = parsed.document();
    JANGBU_CHECK(IsValidUtf8(d.text) && d.text.size() <= limits.text_bytes_max);
    for (const std::string* field : {&d.id, &d.title, &d.source_type, &d.author, &d.read_as}) {
      JANGBU_CHECK(IsValidUtf8(*field));
    }
    const std::string canonical = Canonicalize(d.text);
    JANGBU_CHECK(!canonical.empty() && Canonicalize(canonical) == canonical);
    RawRecord again;
    again.record = 1;
    again.bytes = canonical;
    const ParsedRecord plain =
        ParseRecord({.format = Format::kPlainText, .encoding = Encoding::kUtf8}, std::move(again));
    if (!plain.ok()) {
      JANGBU_CHECK(plain.rejection().reason == Reason::kMojibake);
      return true;
    }
    JANGBU_CHECK(Canonicalize(plain.document().text) == canonical);
    return true;
  });
}

}  // namespace jangbu::ingest
