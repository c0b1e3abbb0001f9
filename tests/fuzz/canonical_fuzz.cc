// Any valid UTF-8: canonical text, comparison form, segments and counts are what their definitions
// say, and twice equals once. Invalid UTF-8 is no input of theirs; there the two ways of telling it
// agree.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "ingest/text/segments.h"
#include "ingest/text/utf8.h"
#include "tests/reference/text/text_twin.h"

using namespace jangbu::ingest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t valid = ValidUtf8Prefix(text);
  JANGBU_CHECK(IsValidUtf8(text) == (valid == size));
  JANGBU_CHECK(IsValidUtf8(text.substr(0, valid)));
  if (valid != size || size > 1 << 14) return 0;

  const std::string canonical = Canonicalize(text);
  JANGBU_CHECK(canonical == reference::Canonicalize(text));
  JANGBU_CHECK(Canonicalize(canonical) == canonical);
  JANGBU_CHECK(IsValidUtf8(canonical));
  JANGBU_CHECK(IsBlank(text) == canonical.empty());

  const std::string form = ComparisonForm(canonical);
  JANGBU_CHECK(form == reference::ComparisonForm(canonical));
  JANGBU_CHECK(ComparisonForm(form) == form);
  JANGBU_CHECK(ComparisonForm(text) == reference::ComparisonForm(text));

  const std::vector<Segment> segments = Segments(canonical);
  JANGBU_CHECK(segments == reference::Segments(canonical));
  JANGBU_CHECK(CountText(canonical) == reference::CountText(canonical));
  JANGBU_CHECK(CountText(canonical, segments) == CountText(canonical));
  const SegmentForms forms = FormsOfSegments(canonical, segments);
  JANGBU_CHECK(forms.stream() == form && forms.size() == segments.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    JANGBU_CHECK(forms.Alone(i) == ComparisonForm(segments[i].Text(canonical)));
    JANGBU_CHECK(IsValidUtf8(forms.InStream(i)));
  }
  return 0;
}
