#pragma once

// Makes files of formats that are read as a whole, so that tests need no samples of anybody.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/extract/whole_reader.h"

namespace jangbu::ingest::testing {

struct ZipMember {
  std::string name;
  std::string bytes;
  uint32_t unix_mode = 0;  // with its type, as 0120777 of a link; 0: none
  bool stored = false;
};
// Names as they are given, byte by byte, with the UTF-8 flag only when they are ASCII or valid
// UTF-8 with `flag`.
std::string MakeZip(const std::vector<ZipMember>& members);

struct TarMember {
  std::string name;
  std::string bytes;
  char type = '0';
};
std::string MakeTar(const std::vector<TarMember>& members);

// A minimal DOCX with this body, and perhaps footnotes and core properties.
std::string MakeDocx(std::string_view body, std::string_view footnotes = {},
                     std::string_view core = {});
std::string MakeHwpx(const std::vector<std::string>& sections, std::string_view spine = {});
std::string MakeEpub(const std::vector<std::pair<std::string, std::string>>& chapters,
                     const std::vector<std::string>& spine);

// One record of HWP 5.
std::string HwpRecord(uint32_t tag, uint32_t level, std::string_view data);
// A paragraph: header and text at a level. `units` is UTF-16 and may hold controls.
std::string HwpParagraph(uint32_t level, std::u16string_view units);
// Eight code units of a control.
std::u16string HwpControl(char16_t code);
std::string HwpCtrlHeader(uint32_t level, std::string_view id);
std::string HwpCell(uint32_t level, uint16_t column, uint16_t row);
// flags: 1 compressed, 2 password, 4 distribution. Sections are compressed when flag 1 is set.
std::string MakeHwp(const std::vector<std::string>& sections, uint32_t flags,
                    uint32_t version = 0x05000300);
// An OLE file with one empty stream of that name.
std::string MakeOle(const std::string& stream);

std::u16string Utf16(std::string_view utf8);

// What came out: "3 text", "3 !reason", with "@place " before it when there is one.
std::vector<std::string> ReadLines(std::string_view bytes, std::string_view name,
                                   const ReadOptions& options = {},
                                   const ExtractLimits& limits = {}, const PdfReader& pdf = {});
// The only document, or JANGBU_CHECK.
Document ReadDocument(std::string_view bytes, std::string_view name,
                      const ReadOptions& options = {});

}  // namespace jangbu::ingest::testing
