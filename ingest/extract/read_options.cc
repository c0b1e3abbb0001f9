#include "ingest/extract/read_options.h"

#include <algorithm>

#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kNameBytesMax = 200;
constexpr int kPathNamesMax = 16;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && IsValidUtf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

std::string_view NameOf(PrivateUse private_use) {
  return private_use == PrivateUse::kHanyang ? "hanyang" : "keep";
}

StatusOr<ReadOptions> ParseReadOptions(std::string_view encoding, std::string_view text_column,
                                       std::string_view xml_text_path, std::string_view pua) {
  ReadOptions options;
  if (!encoding.empty() && encoding != "auto" && encoding != "unknown") {
    for (int e = 1; e <= static_cast<int>(kLastEncoding); ++e) {
      if (NameOf(static_cast<Encoding>(e)) == encoding) options.encoding = static_cast<Encoding>(e);
    }
    if (encoding == "euc-kr") options.encoding = Encoding::kCp949;
    if (options.encoding == Encoding::kUnknown) {
      return InvalidArgument("bad_encoding",
                             "the encoding is auto, utf-8, utf-16le, utf-16be, cp949 or johab");
    }
  }
  if (!text_column.empty()) {
    if (!IsName(text_column)) {
      return InvalidArgument("bad_text_column",
                             "a column's name has at most 200 bytes and no control characters");
    }
    options.text_column = text_column;
  }
  int names = 0;
  for (std::string_view rest = xml_text_path; !rest.empty();) {
    const size_t end = std::min(rest.find('/'), rest.size());
    if (!IsName(rest.substr(0, end)) || end + 1 == rest.size() || ++names > kPathNamesMax) {
      return InvalidArgument("bad_xml_path",
                             "a path is names from the root, as articles/article/body; at most 16");
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  options.xml_text_path = xml_text_path;
  if (pua == NameOf(PrivateUse::kHanyang)) {
    options.private_use = PrivateUse::kHanyang;
  } else if (!pua.empty() && pua != NameOf(PrivateUse::kKeep)) {
    return InvalidArgument("bad_pua", "code points of the private use area: keep or hanyang");
  }
  return options;
}

}  // namespace jangbu::ingest
