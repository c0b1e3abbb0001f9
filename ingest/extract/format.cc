#include "ingest/extract/format.h"

#include <algorithm>
#include <string>

#include "ingest/extract/encoding.h"

namespace jangbu::ingest {
namespace {

// What is known of a file before its format is.
struct Head {
  std::string_view bytes;
  std::string ending;  // of the name, lower case, without the dot and without .gz or .zst; "" when
                       // it has none
  // The first bytes of the text in ASCII, other code points as '?', blanks and a byte order mark
  // before it left out.
  std::string start;
  bool binary = false;
};

constexpr size_t kStartChars = 256;

std::string LastEnding(std::string_view& name) {
  const size_t slash = name.find_last_of("/\\");
  const std::string_view base = slash == std::string_view::npos ? name : name.substr(slash + 1);
  const size_t dot = base.rfind('.');
  if (dot == std::string_view::npos || base.size() - dot > 12) return {};
  std::string ending(base.substr(dot + 1));
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  name.remove_suffix(ending.size() + 1);
  return ending;
}

// The text's first characters, whatever its encoding.
std::string StartOf(std::string_view bytes) {
  const bool le = bytes.starts_with("\xFF\xFE"), be = bytes.starts_with("\xFE\xFF");
  const auto utf16 = le   ? std::optional(Encoding::kUtf16Le)
                     : be ? std::optional(Encoding::kUtf16Be)
                          : LooksLikeUtf16(bytes.substr(0, 1 << 16));
  std::string start;
  const auto add = [&start](char c) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
    if (!start.empty() || !blank) start.push_back(c);
  };
  if (utf16) {
    const size_t low = *utf16 == Encoding::kUtf16Le ? 0 : 1;
    for (size_t i = le || be ? 2 : 0; i + 1 < bytes.size() && start.size() < kStartChars; i += 2) {
      const char c = bytes[i + low];
      add(bytes[i + 1 - low] == 0 && static_cast<unsigned char>(c) < 0x80 ? c : '?');
    }
    return start;
  }
  for (size_t i = bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0;
       i < bytes.size() && start.size() < kStartChars; ++i) {
    add(static_cast<unsigned char>(bytes[i]) < 0x80 ? bytes[i] : '?');
  }
  return start;
}

// NUL bytes that are not UTF-16's, or many other controls: no text in any encoding read here.
bool IsBinary(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return false;
  if (LooksLikeUtf16(bytes.substr(0, 1 << 16))) return false;
  size_t nul = 0, controls = 0;
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    nul += b == 0;
    controls += b < 0x20 && b != 0 && !(b >= 0x09 && b <= 0x0D) && b != 0x1A && b != 0x1B;
  }
  return nul * 1000 > bytes.size() || controls * 50 > bytes.size();
}

bool StartsLike(std::string_view text, std::string_view lower_case) {
  if (text.size() < lower_case.size()) return false;
  return std::equal(lower_case.begin(), lower_case.end(), text.begin(), [](char want, char have) {
    return want == (have >= 'A' && have <= 'Z' ? static_cast<char>(have + 32) : have);
  });
}

// "{" and then a key or the end: an object on the first line.
bool StartsWithObject(std::string_view start) {
  if (!start.starts_with('{')) return false;
  const size_t next = start.find_first_not_of(" \t", 1);
  return next != std::string_view::npos && (start[next] == '"' || start[next] == '}');
}

template <size_t N>
bool IsOneOf(std::string_view ending, const std::string_view (&endings)[N]) {
  return std::find(std::begin(endings), std::end(endings), ending) != std::end(endings);
}

// "py", "mp3"; not "", "1", "원고", which are parts of a title.
bool IsFileType(std::string_view ending) {
  bool letter = false;
  for (const char c : ending) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) return false;
    letter = letter || (c >= 'a' && c <= 'z');
  }
  return letter;
}

struct Magic {
  std::string_view bytes;
  std::string_view kind;
};
using namespace std::string_view_literals;
// Formats told by their first bytes.
constexpr Magic kMagics[] = {
    {"%PDF-"sv, "pdf"},
    {"PK\x03\x04"sv, "zip"},
    {"PK\x05\x06"sv, "zip"},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "ole"},
    {"HWP Document File V3"sv, "hwp3"},
    {"{\\rtf"sv, "rtf"},
    {"\x1F\x8B"sv, "gz"},
    {"\x28\xB5\x2F\xFD"sv, "zst"},
    {"\xFD"
     "7zXZ\0"sv,
     "xz"},
    {"BZh91AY&SY"sv, "bz2"},
    {"\x04\x22\x4D\x18"sv, "lz4"},
    {"7z\xBC\xAF\x27\x1C"sv, "7z"},
    {"Rar!\x1A\x07"sv, "rar"},
    {"PAR1"sv, "parquet"},
    {"ARROW1"sv, "arrow"},
    {"SQLite format 3\0"sv, "sqlite"},
    {"\x89PNG\r\n\x1A\n"sv, "image"},
    {"\xFF\xD8\xFF"sv, "image"},
    {"GIF8"sv, "image"},
    {"II*\0"sv, "image"},
    {"MM\0*"sv, "image"},
    {"\0\0\0\x01"
     "Bud1"sv,
     "folder settings"},
    {"\x7F"
     "ELF"sv,
     "program"},
    {"MZ\x90\0"sv, "program"},
};

// Endings whose content, though text, is markup or a table rather than the text of a document.
constexpr std::string_view kMarkup[] = {"html", "htm",   "xhtml", "xml", "hwpml", "hml",
                                        "mht",  "mhtml", "svg",   "rtf", "tex"};
constexpr std::string_view kTables[] = {"csv", "tsv", "json", "yaml", "yml", "sql",
                                        "ini", "cfg", "conf", "srt",  "smi"};
constexpr std::string_view kJsonLines[] = {"jsonl", "ndjson", "jsonlines"};
constexpr std::string_view kPlain[] = {"txt", "text", "md", "markdown", "asc", "utf8", "euckr"};
// Office and archive endings: not what they say if no magic matched, so damaged.
constexpr std::string_view kContainers[] = {
    "pdf",  "zip",     "hwp", "hwpx", "doc", "docx", "odt", "epub", "xls", "xlsx", "ppt",
    "pptx", "parquet", "db",  "bin",  "exe", "dll",  "jpg", "jpeg", "png", "gif"};

}  // namespace

std::string_view NameOf(Format format) {
  switch (format) {
    case Format::kUnsupported:
      return "unsupported";
    case Format::kJsonLines:
      return "jsonl";
    case Format::kPlainText:
      return "text";
  }
  return "unsupported";
}

FormatGuess DetectFormat(std::string_view bytes, std::string_view name) {
  for (const Magic& magic : kMagics) {
    if (bytes.starts_with(magic.bytes)) return {Format::kUnsupported, magic.kind};
  }
  Head head;
  head.bytes = bytes.substr(0, kFormatHeadBytes);
  head.ending = LastEnding(name);
  if (head.ending == "gz" || head.ending == "zst") head.ending = LastEnding(name);
  head.binary = IsBinary(head.bytes);
  head.start = StartOf(head.bytes);

  // A damaged line or two is for the record to report: the name is believed, unless nothing speaks
  // for it.
  if (IsOneOf(head.ending, kJsonLines) && (!head.binary || head.start.starts_with('{'))) {
    return {Format::kJsonLines, {}};
  }
  if (head.binary) return {Format::kUnsupported, "binary"};
  if (IsOneOf(head.ending, kContainers)) return {Format::kUnsupported, "damaged or mislabelled"};
  if (StartsLike(head.start, "<!doctype html") || StartsLike(head.start, "<html"))
    return {Format::kUnsupported, "html"};
  if (StartsLike(head.start, "<?xml")) return {Format::kUnsupported, "xml"};
  if (IsOneOf(head.ending, kMarkup)) return {Format::kUnsupported, "markup"};
  if (StartsWithObject(head.start)) return {Format::kJsonLines, {}};
  if (IsOneOf(head.ending, kTables)) return {Format::kUnsupported, "table or settings"};
  if (IsOneOf(head.ending, kPlain) || !IsFileType(head.ending)) return {Format::kPlainText, {}};
  return {Format::kUnsupported, "unknown ending"};
}

}  // namespace jangbu::ingest
