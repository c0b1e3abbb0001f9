#pragma once

// The readers of whole documents, one file a format. Each takes the bytes of one file or member and
// gives its text, or the refusal.
//
// Rules that all keep: one paragraph of the format is one line; soft breaks are a space, in verse
// and preformatted text a line break; a table row is one line, its cells joined by a space; notes
// follow their paragraph; generated list markers, page headers and page numbers are left out;
// nothing outside the bytes is ever opened. Titles, authors and dates are kept where the format has
// them. Plain text is never re-flowed.
//
// All are pure functions, thread-safe, in memory of a small multiple of what they read. They never
// throw; where a library gives up, kDamagedDocument says where.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ingest/extract/document_stream.h"
#include "ingest/extract/limits.h"
#include "ingest/extract/record.h"

namespace jangbu::ingest {

using Extracted = std::variant<Document, Rejection>;

// How text without a mark of its own was decoded.
struct DecodedAs {
  Encoding encoding = Encoding::kUtf8;
  int confidence = 100;
};

// Takes the records of a table in order: the row's number from 1, and what became of it. False
// stops the reader.
using RowSink = std::function<bool(uint64_t row, Extracted result)>;

class ZipArchive;

// Word processing (ECMA-376): the main part; foot- and endnotes after their paragraph; deleted text
// and field codes left out.
Extracted ReadDocx(ZipArchive& zip, const ExtractLimits& limits);
// Spreadsheet: sheets in order, a row a line, values as shown without number formats.
Extracted ReadXlsx(ZipArchive& zip, const ExtractLimits& limits);
// Presentation: slides in order, each followed by its notes; slide numbers, dates and footers left
// out.
Extracted ReadPptx(ZipArchive& zip, const ExtractLimits& limits);
// OWPML (KS X 6101): the sections of the spine in order.
Extracted ReadHwpx(ZipArchive& zip, const ExtractLimits& limits);
// EPUB 2 and 3: the documents of the spine in order, one document.
Extracted ReadEpub(ZipArchive& zip, const ExtractLimits& limits);

// Hangul Word Processor 5 (Hancom's published format), in an OLE compound file; other OLE files are
// refused by what they are.
Extracted ReadOle(std::string_view bytes, const ExtractLimits& limits);

// HTML as browsers read it, decoded by its label when the label fits ("euc-kr" is windows-949).
// Scripts, styles, navigation, footers, forms, hidden parts and ruby readings are left out; when
// <main> or <article> holds most of the text, the rest is too.
Extracted ReadHtml(std::string_view bytes, const ReadOptions& options, const ExtractLimits& limits,
                   DecodedAs* decoded = nullptr);
// The same for text already decoded, added to a flow: a chapter of an EPUB. Gives the <title>.
struct HtmlPart {
  std::string text;
  std::string title;
  std::string published_at;
  std::string author;
  std::optional<Rejection> rejection;
};
HtmlPart ExtractHtml(std::string_view utf8, const ExtractLimits& limits);

// CommonMark with tables; front matter left out, its title and date kept.
Extracted ReadMarkdown(std::string_view utf8, const ExtractLimits& limits);

// Rich Text Format 1.9; text in the code page of its font.
Extracted ReadRtf(std::string_view bytes, const ExtractLimits& limits);

// Other XML: each element at options.xml_text_path is a row.
std::optional<Rejection> ReadXmlText(std::string_view bytes, const ReadOptions& options,
                                     const ExtractLimits& limits, const RowSink& sink);

// CSV and TSV (RFC 4180) with a row of names: text, id, title, source_type, published_at, author.
std::optional<Rejection> ReadTable(std::string_view utf8, const ReadOptions& options,
                                   const ExtractLimits& limits, const RowSink& sink);

// A JSON array of objects, or one object, each read as a line of JSON Lines is.
std::optional<Rejection> ReadJson(std::string_view utf8, const ExtractLimits& limits,
                                  const RowSink& sink);

// Apache Parquet with flat columns; the names as of ReadTable. Compression none, snappy, gzip,
// zstd; pages v1 and v2; PLAIN and dictionaries. Anything else is kUnsupportedFeature.
std::optional<Rejection> ReadParquet(std::string_view bytes, const ReadOptions& options,
                                     const ExtractLimits& limits, const RowSink& sink);

// Text of PDF pages, made by somebody who knows PDF: only the worker links that library.
using PdfReader = std::function<Extracted(std::string_view bytes, const ExtractLimits& limits)>;

// `text` without the bytes past `bytes_max`, for metadata; trimmed.
std::string Metadata(std::string_view text, size_t bytes_max);
// `text`, trimmed, when it is a date (see IsDate); else "".
std::string DateOf(std::string_view text);

}  // namespace jangbu::ingest
