#include "ingest/extract/label.h"

#include <string>

namespace jangbu::ingest {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

// The value after `key`, blanks and "=", with or without quotes.
std::string_view ValueAfter(std::string_view text, size_t at) {
  at = text.find_first_not_of(" \t\r\n", at);
  if (at == std::string_view::npos || text[at] != '=') return {};
  at = text.find_first_not_of(" \t\r\n\"'", at + 1);
  if (at == std::string_view::npos) return {};
  const size_t end = text.find_first_of(" \t\r\n\"'>;/?", at);
  return text.substr(at, end == std::string_view::npos ? end : end - at);
}

Encoding FromMark(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return Encoding::kUtf8;
  if (bytes.starts_with("\xFF\xFE")) return Encoding::kUtf16Le;
  if (bytes.starts_with("\xFE\xFF")) return Encoding::kUtf16Be;
  return Encoding::kUnknown;
}

}  // namespace

Encoding EncodingNamed(std::string_view label) {
  const std::string name = Lower(label);
  for (const std::string_view korean :
       {"euc-kr", "euckr", "cp949", "ms949", "uhc", "windows-949", "x-windows-949",
        "ks_c_5601-1987", "ks_c_5601-1989", "ks_c_5601", "ksc5601", "ksc_5601", "ks-c-5601-1987",
        "korean", "iso-ir-149", "csksc56011987", "cseuckr", "949"}) {
    if (name == korean) return Encoding::kCp949;
  }
  if (name == "johab" || name == "cp1361" || name == "x-johab") return Encoding::kJohab;
  if (name == "utf-8" || name == "utf8" || name == "us-ascii" || name == "ascii")
    return Encoding::kUtf8;
  if (name == "utf-16" || name == "utf-16le" || name == "unicode") return Encoding::kUtf16Le;
  if (name == "utf-16be") return Encoding::kUtf16Be;
  return Encoding::kUnknown;
}

Encoding XmlEncoding(std::string_view bytes) {
  if (const Encoding mark = FromMark(bytes); mark != Encoding::kUnknown) return mark;
  if (bytes.starts_with(std::string_view("<\0", 2))) return Encoding::kUtf16Le;
  if (bytes.starts_with(std::string_view("\0<", 2))) return Encoding::kUtf16Be;
  if (!bytes.starts_with("<?xml")) return Encoding::kUtf8;
  const std::string_view declaration = bytes.substr(0, std::min(bytes.find("?>"), size_t{512}));
  const size_t at = declaration.find("encoding");
  if (at == std::string_view::npos) return Encoding::kUtf8;
  const Encoding named = EncodingNamed(ValueAfter(declaration, at + 8));
  // The declaration itself was just read byte by byte.
  return named == Encoding::kUtf16Le || named == Encoding::kUtf16Be ? Encoding::kUtf8 : named;
}

Encoding HtmlEncoding(std::string_view bytes) {
  if (const Encoding mark = FromMark(bytes); mark != Encoding::kUnknown) return mark;
  const std::string head = Lower(bytes.substr(0, 4096));
  if (head.starts_with("<?xml")) {
    const Encoding declared = XmlEncoding(bytes);
    if (declared != Encoding::kUnknown && head.find("encoding") < head.find("?>")) return declared;
  }
  for (size_t at = head.find("<meta"); at != std::string::npos; at = head.find("<meta", at + 5)) {
    const std::string_view tag =
        std::string_view(head).substr(at, std::min(head.find('>', at), head.size()) - at);
    const size_t charset = tag.find("charset");
    if (charset == std::string_view::npos) continue;
    const Encoding named = EncodingNamed(ValueAfter(tag, charset + 7));
    if (named == Encoding::kUtf16Le || named == Encoding::kUtf16Be) return Encoding::kUtf8;
    if (named != Encoding::kUnknown) return named;
  }
  return Encoding::kUnknown;
}

}  // namespace jangbu::ingest
