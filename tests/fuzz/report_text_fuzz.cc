// Texts of a report's files: never crashes on any bytes, leaves none of them unread, and what a
// report writes of a text is read as that text.

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/extraction/report.h"
#include "audit/extraction/report_text.h"
#include "audit/guard/stream_guard.h"
#include "base/check.h"

using namespace jangbu::audit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)TextsOfJson(bytes);
  (void)TextsOfHtml(bytes);

  const auto read = TextsOfHtml("<p>" + InertHtml(bytes) + "</p>");
  AuditFigures figures;
  figures.model = bytes;
  bool found = false;
  for (const std::string& text : TextsOfJson(ReportJson(figures, {}))) {
    found = found || FormOf(text) == FormOf(bytes);
  }
  JANGBU_CHECK(found);
  // Tags' own texts come last, so the first is what stands in the paragraph, if anything does.
  if (!read.empty() && read[0] != "<p>") JANGBU_CHECK(FormOf(read[0]) == FormOf(bytes));
  return 0;
}
