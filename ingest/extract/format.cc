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

// "{" alone on the first line, or with a part of an object: not one a line.
bool StartsWithObjectAlone(std::string_view start) {
  if (!start.starts_with('{')) return false;
  const size_t next = start.find_first_not_of(" \t", 1);
  return next != std::string_view::npos && (start[next] == '\n' || start[next] == '\r') &&
         start.find_first_not_of(" \t\r\n", next) != std::string_view::npos &&
         start[start.find_first_not_of(" \t\r\n", next)] == '"';
}

// "[" and then an object: an array of records.
bool StartsWithArray(std::string_view start) {
  if (!start.starts_with('[')) return false;
  const size_t next = start.find_first_not_of(" \t\r\n", 1);
  return next != std::string_view::npos && start[next] == '{' &&
         start.find('"', next) != std::string_view::npos;
}

// The first line, less blanks, ends with a brace: an object a line.
bool IsLines(std::string_view bytes) {
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  const size_t last = line.find_last_not_of(" \t\r");
  return last != std::string_view::npos && line[last] == '}';
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
  Format format = Format::kUnsupported;
  Reason reason = Reason::kUnsupportedFormat;
};
using namespace std::string_view_literals;
// Formats told by their first bytes.
constexpr Magic kMagics[] = {
    {"%PDF-"sv, {}, Format::kPdf},
    {"PK\x03\x04"sv, {}, Format::kZip},
    {"PK\x05\x06"sv, {}, Format::kZip},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, {}, Format::kOle},
    {"HWP Document File V"sv, "hwp3", Format::kUnsupported, Reason::kOldHwp},
    {"{\\rtf"sv, {}, Format::kRtf},
    {"\x1F\x8B"sv, {}, Format::kCompressed},
    {"\x28\xB5\x2F\xFD"sv, {}, Format::kCompressed},
    {"PAR1"sv, {}, Format::kParquet},
    {"ALZ\x01"sv, "alz", Format::kUnsupported, Reason::kForeignArchive},
    {"EGGA"sv, "egg", Format::kUnsupported, Reason::kForeignArchive},
    {"\xFD"
     "7zXZ\0"sv,
     "xz", Format::kUnsupported, Reason::kForeignArchive},
    {"BZh91AY&SY"sv, "bz2", Format::kUnsupported, Reason::kForeignArchive},
    {"\x04\x22\x4D\x18"sv, "lz4", Format::kUnsupported, Reason::kForeignArchive},
    {"7z\xBC\xAF\x27\x1C"sv, "7z", Format::kUnsupported, Reason::kForeignArchive},
    {"Rar!\x1A\x07"sv, "rar", Format::kUnsupported, Reason::kForeignArchive},
    {"MSCF\0\0\0\0"sv, "cab", Format::kUnsupported, Reason::kForeignArchive},
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

constexpr std::string_view kHtml[] = {"html", "htm", "xhtml", "shtml"};
constexpr std::string_view kXml[] = {"xml"};
constexpr std::string_view kMarkdown[] = {"md", "markdown", "mdx"};
constexpr std::string_view kTable[] = {"csv", "tsv", "tab"};
constexpr std::string_view kJson[] = {"json"};
// Endings whose content, though text, is not the text of a document.
constexpr std::string_view kMarkup[] = {"hwpml", "hml", "mht", "mhtml", "svg", "rtf", "tex"};
constexpr std::string_view kSettings[] = {"yaml", "yml", "sql", "ini", "cfg", "conf", "srt", "smi"};
constexpr std::string_view kJsonLines[] = {"jsonl", "ndjson", "jsonlines"};
constexpr std::string_view kPlain[] = {"txt", "text", "asc", "utf8", "euckr"};
// Office and archive endings: not what they say if no magic matched, so damaged.
constexpr std::string_view kContainers[] = {
    "pdf",  "zip",     "hwp", "hwpx", "doc", "docx", "odt", "epub", "xls", "xlsx", "ppt", "tar",
    "pptx", "parquet", "db",  "bin",  "exe", "dll",  "jpg", "jpeg", "png", "gif",  "alz", "egg"};

// "ustar" of POSIX and GNU archives. Older ones have no mark and are not told from binary data.
bool IsTar(std::string_view bytes) {
  return bytes.size() >= 512 && bytes.substr(257, 5) == "ustar";
}

}  // namespace

std::string_view NameOf(Format format) {
  switch (format) {
    case Format::kUnsupported:
      return "unsupported";
    case Format::kJsonLines:
      return "jsonl";
    case Format::kPlainText:
      return "text";
    case Format::kJson:
      return "json";
    case Format::kTable:
      return "table";
    case Format::kMarkdown:
      return "markdown";
    case Format::kHtml:
      return "html";
    case Format::kXml:
      return "xml";
    case Format::kRtf:
      return "rtf";
    case Format::kZip:
      return "zip";
    case Format::kTar:
      return "tar";
    case Format::kOle:
      return "ole";
    case Format::kPdf:
      return "pdf";
    case Format::kParquet:
      return "parquet";
    case Format::kCompressed:
      return "compressed";
  }
  return "unsupported";
}

bool IsReadWhole(Format format) { return format > Format::kPlainText; }

FormatGuess DetectFormat(std::string_view bytes, std::string_view name) {
  for (const Magic& magic : kMagics) {
    if (bytes.starts_with(magic.bytes)) return {magic.format, magic.kind, magic.reason};
  }
  if (IsTar(bytes)) return {Format::kTar, {}};
  Head head;
  head.bytes = bytes.substr(0, kFormatHeadBytes);
  head.ending = LastEnding(name);
  while (head.ending == "gz" || head.ending == "zst") head.ending = LastEnding(name);
  head.binary = IsBinary(head.bytes);
  head.start = StartOf(head.bytes);

  // A damaged line or two is for the record to report: the name is believed, unless nothing speaks
  // for it.
  if (IsOneOf(head.ending, kJsonLines) && (!head.binary || head.start.starts_with('{'))) {
    return {Format::kJsonLines, {}};
  }
  // Before its header a PDF may have up to 1,024 bytes of something else.
  if (head.bytes.substr(0, 1024).find("%PDF-") != std::string_view::npos && head.binary)
    return {Format::kPdf, {}};
  if (head.binary) return {Format::kUnsupported, "binary"};
  if (IsOneOf(head.ending, kContainers)) return {Format::kUnsupported, "damaged or mislabelled"};
  const bool html_name = IsOneOf(head.ending, kHtml);
  if (StartsLike(head.start, "<!doctype html") || StartsLike(head.start, "<html") ||
      (StartsLike(head.start, "<?xml") && html_name))
    return {Format::kHtml, {}};
  if (StartsLike(head.start, "<?xml")) {
    return head.start.find("<html") != std::string::npos ||
                   head.start.find("<!DOCTYPE html") != std::string::npos
               ? FormatGuess{Format::kHtml, {}}
               : FormatGuess{Format::kXml, {}};
  }
  if (html_name) return {Format::kHtml, {}};
  if (IsOneOf(head.ending, kXml)) return {Format::kXml, {}};
  if (IsOneOf(head.ending, kMarkup)) return {Format::kUnsupported, "markup"};
  if (IsOneOf(head.ending, kTable)) return {Format::kTable, {}};
  const bool json_name = IsOneOf(head.ending, kJson);
  if (StartsWithObjectAlone(head.start)) return {Format::kJson, {}};
  if (StartsWithObject(head.start))
    return {json_name && !IsLines(head.bytes) ? Format::kJson : Format::kJsonLines, {}};
  if (json_name || StartsWithArray(head.start)) return {Format::kJson, {}};
  if (IsOneOf(head.ending, kSettings)) return {Format::kUnsupported, "table or settings"};
  if (IsOneOf(head.ending, kMarkdown)) return {Format::kMarkdown, {}};
  if (IsOneOf(head.ending, kPlain) || !IsFileType(head.ending)) return {Format::kPlainText, {}};
  return {Format::kUnsupported, "unknown ending"};
}

}  // namespace jangbu::ingest
