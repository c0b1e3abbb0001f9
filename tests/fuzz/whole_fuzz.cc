// The readers of whole documents, one target each: which one is told by the program's name, so that
// the same object serves all.

#include <errno.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tests/fuzz/whole_law.h"

using namespace jangbu::ingest;

namespace {

struct Target {
  std::string_view program;
  Format format;
  std::string_view file_name;
};
constexpr Target kTargets[] = {
    {"html_fuzz", Format::kHtml, "a.html"},       {"hwp5_fuzz", Format::kOle, "a.hwp"},
    {"json_array_fuzz", Format::kJson, "a.json"}, {"markdown_fuzz", Format::kMarkdown, "a.md"},
    {"parquet_fuzz", Format::kParquet, "a"},      {"rtf_fuzz", Format::kRtf, "a.rtf"},
    {"table_fuzz", Format::kTable, "a.csv"},      {"tar_fuzz", Format::kTar, "a.tar"},
    {"xml_text_fuzz", Format::kXml, "a.xml"},     {"zip_fuzz", Format::kZip, "a.zip"},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Target& target = []() -> const Target& {
    for (const Target& t : kTargets) {
      if (t.program == program_invocation_short_name) return t;
    }
    JANGBU_CHECK(false);
  }();
  CheckWhole({reinterpret_cast<const char*>(data), size}, target.format, target.file_name,
             {.xml_text_path = "a/b"});
  return 0;
}
