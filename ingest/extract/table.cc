// CSV and TSV (RFC 4180), JSON arrays, and XML with a text path: files of many records.

#include <algorithm>
#include <array>
#include <vector>

#include "ingest/extract/json_lines.h"
#include "ingest/extract/readers.h"
#include "ingest/extract/text_flow.h"
#include "ingest/extract/xml_reader.h"

namespace jangbu::ingest {
namespace {

// One row of fields; false at the end. A quote that is never closed is the end of the file's sense.
class CsvReader {
 public:
  CsvReader(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  bool Next(std::vector<std::string>& fields) {
    fields.clear();
    if (at_ >= text_.size()) return false;
    std::string field;
    while (true) {
      field.clear();
      if (at_ < text_.size() && text_[at_] == '"') {
        ++at_;
        while (true) {
          const size_t quote = text_.find('"', at_);
          if (quote == std::string_view::npos) {
            open_quote_ = true;
            at_ = text_.size();
            return false;
          }
          field.append(text_, at_, quote - at_);
          at_ = quote + 1;
          if (at_ >= text_.size() || text_[at_] != '"') break;
          field.push_back('"');
          ++at_;
        }
      }
      // What follows a closing quote belongs to the field, as spreadsheets have it.
      const size_t end = std::min(text_.find_first_of(stops_, at_), text_.size());
      field.append(text_, at_, end - at_);
      at_ = end;
      fields.push_back(std::move(field));
      if (fields.size() > kFieldsMax) {
        too_many_ = true;
        return false;
      }
      if (at_ >= text_.size()) return true;
      if (text_[at_] == delimiter_) {
        ++at_;
        continue;
      }
      at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
      return true;
    }
  }

  bool open_quote() const { return open_quote_; }
  bool too_many() const { return too_many_; }
  size_t offset() const { return at_; }

 private:
  static constexpr size_t kFieldsMax = 16'384;
  std::string_view text_;
  const char delimiter_;
  const char stops_[4] = {delimiter_, '\r', '\n', '\0'};
  size_t at_ = 0;
  bool open_quote_ = false;
  bool too_many_ = false;
};

// A tab when the first line has more tabs than commas; a semicolon likewise.
char DelimiterOf(std::string_view text) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  char best = ',';
  for (const char c : {'\t', ';', '|'}) {
    if (std::count(line.begin(), line.end(), c) > std::count(line.begin(), line.end(), best))
      best = c;
  }
  return best;
}

}  // namespace

std::optional<Rejection> ReadTable(std::string_view utf8, const ReadOptions& options,
                                   const ExtractLimits& limits, const RowSink& sink) {
  CsvReader csv(utf8, DelimiterOf(utf8));
  std::vector<std::string> fields;
  if (!csv.Next(fields)) return Rejection{Reason::kNoText, "the table is empty"};
  const std::array<std::string_view, 6> names = {options.text_column, "id",           "title",
                                                 "source_type",       "published_at", "author"};
  std::array<size_t, 6> columns;
  for (size_t i = 0; i < names.size(); ++i) {
    columns[i] = static_cast<size_t>(
        std::find_if(fields.begin(), fields.end(),
                     [&](const std::string& f) { return Metadata(f, 256) == names[i]; }) -
        fields.begin());
  }
  const size_t width = fields.size();
  if (columns[0] == width)
    return Rejection{Reason::kNoTextColumn, std::to_string(width) + " columns"};
  for (uint64_t row = 1; csv.Next(fields); ++row) {
    if (fields.size() == 1 && fields[0].empty()) continue;  // an empty line
    const auto field = [&](size_t i) -> std::string {
      return columns[i] < fields.size() ? std::move(fields[columns[i]]) : std::string();
    };
    Extracted result;
    if (columns[0] >= fields.size()) {
      result = Rejection{Reason::kNoText, "the row has " + std::to_string(fields.size()) +
                                              " fields, the text is field " +
                                              std::to_string(columns[0] + 1)};
    } else {
      Document document;
      document.text = field(0);
      document.id = field(1);
      document.title = field(2);
      document.source_type = field(3);
      document.published_at = field(4);
      document.author = field(5);
      if (document.text.size() > limits.text_bytes_max) {
        result = Rejection{Reason::kRecordTooLarge,
                           "text of " + std::to_string(document.text.size()) + " bytes"};
      } else {
        document.received_sha256 = Sha256(document.text);
        result = std::move(document);
      }
    }
    if (!sink(row, std::move(result))) return std::nullopt;
  }
  if (csv.open_quote()) return Rejection{Reason::kDamagedDocument, "a quote is never closed"};
  if (csv.too_many()) return Rejection{Reason::kContainerLimit, "a row of too many fields"};
  return std::nullopt;
}

namespace {

// The end of the JSON value that begins at `at`: brackets are matched, strings skipped. npos when
// the text ends before it does.
size_t EndOfValue(std::string_view text, size_t at) {
  size_t depth = 0;
  bool in_string = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    switch (c) {
      case '"':
        in_string = true;
        break;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;
        if (--depth == 0) return at + 1;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
  }
  return std::string_view::npos;
}

constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

std::optional<Rejection> ReadJson(std::string_view utf8, const ExtractLimits& limits,
                                  const RowSink& sink) {
  const auto read = [&](std::string_view value) -> Extracted {
    if (value.size() > limits.record_bytes_max) {
      return Rejection{Reason::kRecordTooLarge, std::to_string(value.size()) + " bytes"};
    }
    std::variant<JsonFields, Rejection> parsed = ParseJsonLine(value, limits);
    if (Rejection* rejection = std::get_if<Rejection>(&parsed)) return std::move(*rejection);
    JsonFields& fields = std::get<JsonFields>(parsed);
    Document document;
    document.received_sha256 = Sha256(value);
    document.text = std::move(fields.text);
    document.id = std::move(fields.id);
    document.title = std::move(fields.title);
    document.source_type = std::move(fields.source_type);
    document.published_at = std::move(fields.published_at);
    return document;
  };
  size_t at = utf8.find_first_not_of(kBlanks);
  if (at == std::string_view::npos) return Rejection{Reason::kNoText, "the file is empty"};
  if (utf8[at] != '[') {
    sink(1, read(utf8.substr(at)));
    return std::nullopt;
  }
  ++at;
  const auto broken = [](std::string_view what, size_t offset) {
    return Rejection{Reason::kInvalidJson,
                     std::string(what) + " at byte " + std::to_string(offset)};
  };
  for (uint64_t row = 1;; ++row) {
    at = utf8.find_first_not_of(kBlanks, at);
    if (at == std::string_view::npos) return broken("the end", utf8.size());
    if (utf8[at] == ']' && row == 1) break;
    const size_t end = EndOfValue(utf8, at);
    if (end == std::string_view::npos) return broken("the array is never closed", utf8.size());
    if (end == at) return broken("no value", at);
    if (!sink(row, read(utf8.substr(at, end - at)))) return std::nullopt;
    at = utf8.find_first_not_of(kBlanks, end);
    if (at == std::string_view::npos) return broken("the array is never closed", utf8.size());
    if (utf8[at] == ']') break;
    if (utf8[at] != ',') return broken("no comma or bracket after a value", at);
    ++at;
  }
  at = utf8.find_first_not_of(kBlanks, at + 1);
  if (at != std::string_view::npos) return broken("something after the array", at);
  return std::nullopt;
}

std::optional<Rejection> ReadXmlText(std::string_view bytes, const ReadOptions& options,
                                     const ExtractLimits& limits, const RowSink& sink) {
  std::vector<std::string_view> path;
  for (std::string_view rest = options.xml_text_path; !rest.empty();) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    if (slash > 0) path.push_back(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  XmlReader xml(bytes, limits);
  size_t matched = 0;  // elements open that are the path's first ones
  uint64_t row = 0;
  std::string root;
  for (XmlReader::Event event = xml.Next(); event != XmlReader::Event::kDone; event = xml.Next()) {
    if (event == XmlReader::Event::kStart && root.empty()) {
      root = xml.name();
      if (path.empty()) {
        // Read to the end, so that damage is told from a missing path.
        xml.SkipElement();
        break;
      }
    }
    if (event == XmlReader::Event::kEnd) matched = std::min(matched, xml.depth() - 1);
    if (event != XmlReader::Event::kStart || xml.depth() != matched + 1 || matched >= path.size() ||
        xml.name() != path[matched])
      continue;
    if (++matched < path.size()) continue;
    // The text of this element; its children are paragraphs when they are called so.
    const size_t depth = xml.depth();
    TextFlow flow(limits.text_bytes_max);
    flow.BeginPreformatted();  // nothing says that its line breaks are soft
    for (event = xml.Next(); event != XmlReader::Event::kDone; event = xml.Next()) {
      if (event == XmlReader::Event::kEnd && xml.depth() == depth) break;
      if (event == XmlReader::Event::kText) {
        flow.Text(xml.text());
      } else if (xml.name() == "p" || xml.name() == "para" || xml.name() == "P") {
        flow.EndParagraph();
      } else if (event == XmlReader::Event::kStart && xml.name() == "br") {
        flow.SoftBreak();
      }
    }
    if (xml.fault()) break;
    matched = depth - 1;
    Extracted result;
    if (flow.overflowed()) {
      result = Rejection{Reason::kRecordTooLarge,
                         "text of more than " + std::to_string(limits.text_bytes_max) + " bytes"};
    } else {
      Document document;
      document.text = flow.Take();
      document.received_sha256 = Sha256(document.text);
      result = std::move(document);
    }
    if (!sink(++row, std::move(result))) return std::nullopt;
  }
  if (xml.fault()) return xml.fault();
  if (path.empty()) return Rejection{Reason::kNoTextPath, "no text path is set"};
  if (row == 0) return Rejection{Reason::kNoText, "no element at the text path"};
  return std::nullopt;
}

}  // namespace jangbu::ingest
