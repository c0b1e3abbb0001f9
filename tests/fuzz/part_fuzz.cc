// What stands inside of documents that are containers: the input is the part with the text, and the
// container around it is made whole, so that the readers of the parts are reached and not only the
// checks of the container. One target each, told apart by the program's name.

#include <errno.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "tests/fuzz/whole_law.h"
#include "tests/ingest/extract/made_files.h"

using namespace jangbu::ingest;

namespace {

constexpr std::string_view kTypes = "<Types/>";

// Up to the first U+0000 one part, after it the other.
std::pair<std::string, std::string> Halves(const std::string& bytes) {
  const size_t at = std::min(bytes.find('\0'), bytes.size());
  return {bytes.substr(0, at), bytes.substr(std::min(at + 1, bytes.size()))};
}

std::string Docx(const std::string& bytes) {
  const auto [body, notes] = Halves(bytes);
  return testing::MakeDocx(body, notes);
}
std::string Hwpx(const std::string& bytes) { return testing::MakeHwpx({bytes}); }
std::string Hwp(const std::string& bytes) { return testing::MakeHwp({bytes}, 0); }
std::string Epub(const std::string& bytes) { return testing::MakeEpub({{"a", bytes}}, {"a"}); }
std::string Xlsx(const std::string& bytes) {
  const auto [strings, sheet] = Halves(bytes);
  return testing::MakeZip(
      {{"[Content_Types].xml", std::string(kTypes)},
       {"xl/workbook.xml",
        "<workbook xmlns:r=\"urn:r\"><sheets><sheet r:id=\"r1\"/></sheets></workbook>"},
       {"xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" "
        "Target=\"s.xml\"/><Relationship "
        "Id=\"r2\" Type=\"x/sharedStrings\" Target=\"t.xml\"/></Relationships>"},
       {"xl/t.xml", strings},
       {"xl/s.xml", sheet}});
}
std::string Pptx(const std::string& bytes) {
  const auto [slide, notes] = Halves(bytes);
  return testing::MakeZip(
      {{"[Content_Types].xml", std::string(kTypes)},
       {"ppt/presentation.xml",
        "<p:presentation xmlns:p=\"urn:p\" xmlns:r=\"urn:r\"><p:sldIdLst><p:sldId r:id=\"r1\"/>"
        "</p:sldIdLst></p:presentation>"},
       {"ppt/_rels/presentation.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/slide\" "
        "Target=\"s.xml\"/></Relationships>"},
       {"ppt/s.xml", slide},
       {"ppt/_rels/s.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/notesSlide\" Target=\"n.xml\"/>"
        "</Relationships>"},
       {"ppt/n.xml", notes}});
}

struct Target {
  std::string_view program;
  Format format;
  std::string_view file_name;
  std::string (*wrap)(const std::string& bytes);
};
constexpr Target kTargets[] = {
    {"docx_part_fuzz", Format::kZip, "a.docx", Docx},
    {"hwpx_part_fuzz", Format::kZip, "a.hwpx", Hwpx},
    {"hwp5_part_fuzz", Format::kOle, "a.hwp", Hwp},
    {"epub_part_fuzz", Format::kZip, "a.epub", Epub},
    {"xlsx_part_fuzz", Format::kZip, "a.xlsx", Xlsx},
    {"pptx_part_fuzz", Format::kZip, "a.pptx", Pptx},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Target& target = []() -> const Target& {
    for (const Target& t : kTargets) {
      if (std::string_view(program_invocation_short_name).starts_with(t.program)) return t;
    }
    JANGBU_CHECK(false);
  }();
  CheckWhole(target.wrap(std::string(reinterpret_cast<const char*>(data), size)), target.format,
             target.file_name);
  return 0;
}
