// Any file under any name: read without a Status; records ascend, save a last 0; what is accepted
// is valid UTF-8 with something visible in it; and the outcome does not depend on the chunks in
// which the bytes arrive.
//
// The first byte chooses the name and the second the chunk; the rest is the file.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "ingest/extract/file_reader.h"
#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"

using namespace jangbu;
using namespace jangbu::ingest;

namespace {

struct Outcome {
  uint64_t record;
  std::string what;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::vector<Outcome> Read(std::string_view bytes, std::string_view name, size_t chunk) {
  ExtractLimits limits;
  limits.text_bytes_max = 1 << 10;
  limits.record_bytes_max = 2 << 10;
  limits.file_bytes_max = 4 << 20;
  limits.ratio_free_bytes = 64 << 10;
  limits.ratio_max = 100;
  limits.zstd_window_log_max = 20;
  limits.json_depth_max = 8;
  limits.json_members_max = 32;
  limits.id_bytes_max = 64;
  MemorySource source(bytes, chunk);
  auto reader = FileReader::Open(source, name, limits);
  JANGBU_CHECK(reader.ok());
  const FileFacts facts = (*reader)->facts();
  std::vector<Outcome> outcomes;
  uint64_t last = 0;
  bool ended = false;
  while (true) {
    auto raw = (*reader)->Next();
    JANGBU_CHECK(raw.ok());
    if (!*raw) break;
    JANGBU_CHECK(!ended);
    const uint64_t record = (*raw)->record;
    if (record == 0) {
      JANGBU_CHECK((*raw)->rejection.has_value());
      ended = true;
    } else {
      JANGBU_CHECK(record > last);
      last = record;
    }
    JANGBU_CHECK((*raw)->bytes.size() <= limits.record_bytes_max);
    const ParsedRecord parsed = ParseRecord(facts, *std::move(*raw), limits);
    JANGBU_CHECK(parsed.record == record);
    if (parsed.ok()) {
      const Document& d = parsed.document();
      JANGBU_CHECK(d.text.size() <= limits.text_bytes_max && d.id.size() <= limits.id_bytes_max);
      for (const std::string* field : {&d.text, &d.id, &d.title, &d.source_type, &d.published_at}) {
        JANGBU_CHECK(IsValidUtf8(*field));
      }
      JANGBU_CHECK(!Canonicalize(d.text).empty());
      outcomes.push_back({record, d.text + "|" + d.id + "|" + d.title});
    } else {
      outcomes.push_back(
          {record, std::string(CodeOf(parsed.rejection().reason)) + parsed.rejection().detail});
    }
  }
  return outcomes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  constexpr std::string_view kNames[] = {"a.jsonl",   "a.txt",  "a",     "a.jsonl.gz",
                                         "a.txt.zst", "a.html", "a.json"};
  const std::string_view name = kNames[data[0] % std::size(kNames)];
  const size_t chunk = size_t{1} + data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  JANGBU_CHECK(Read(bytes, name, chunk) == Read(bytes, name, SIZE_MAX));
  return 0;
}
