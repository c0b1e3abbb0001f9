// Any valid UTF-8, made canonical: masking twice equals once, a masked text holds no finding, is
// canonical valid UTF-8, and has the same code points and words; findings ascend inside the text
// and are those of the twin that takes no short cut.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "ingest/screen/personal_data.h"
#include "ingest/text/canonical.h"
#include "ingest/text/segments.h"
#include "ingest/text/utf8.h"
#include "tests/reference/personal_data_twin.h"

using namespace jangbu::ingest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > 1 << 13 || !IsValidUtf8(bytes)) return 0;
  const std::string text = Canonicalize(bytes);
  const std::vector<Finding> found = FindPersonalData(text);
  uint32_t end = 0;
  for (const Finding& f : found) {
    JANGBU_CHECK(f.begin >= end && f.begin < f.end && f.end <= text.size());
    JANGBU_CHECK(IsValidUtf8(std::string_view(text).substr(f.begin, f.end - f.begin)));
    end = f.end;
  }
  if (size <= 512) JANGBU_CHECK(found == reference::FindPersonalData(text));

  std::string masked = text;
  const std::vector<PersonalSpan> spans = MaskPersonalData(masked);
  JANGBU_CHECK(spans.empty() == found.empty());
  JANGBU_CHECK(IsValidUtf8(masked) && Canonicalize(masked) == masked);
  JANGBU_CHECK(FindPersonalData(masked).empty());
  const TextCounts before = CountText(text);
  const TextCounts after = CountText(masked);
  JANGBU_CHECK(before.chars == after.chars && before.words == after.words);
  return 0;
}
