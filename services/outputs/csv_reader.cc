#include "services/outputs/csv_reader.h"

#include <unicode/ucnv.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>

namespace jangbu::services::outputs {
namespace {

bool IsUtf8(std::string_view bytes) {
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(nullptr, 0, nullptr, bytes.data(), static_cast<int32_t>(bytes.size()), &error);
  return error == U_ZERO_ERROR || error == U_BUFFER_OVERFLOW_ERROR;
}

StatusOr<std::string> FromCp949(std::string_view bytes) {
  UErrorCode error = U_ZERO_ERROR;
  UConverter* const converter = ucnv_open("windows-949", &error);
  if (U_FAILURE(error)) return Unavailable("no_converter", u_errorName(error));
  ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  std::u16string text(bytes.size() + 1, u'\0');
  const int32_t length = ucnv_toUChars(converter, text.data(), static_cast<int32_t>(text.size()),
                                       bytes.data(), static_cast<int32_t>(bytes.size()), &error);
  ucnv_close(converter);
  // Bytes that CP949 does not have come out as controls and as a corner of private use.
  const bool strange = std::any_of(
      text.begin(), text.begin() + std::max<int32_t>(length, 0),
      [](char16_t c) { return (c >= 0x80 && c <= 0x9F) || (c >= 0xF8F0 && c <= 0xF8FF); });
  if (U_FAILURE(error) || strange)
    return InvalidArgument("csv_encoding", "the file is neither UTF-8 nor CP949");
  std::string utf8;
  icu::UnicodeString(text.data(), length).toUTF8String(utf8);
  return utf8;
}

// Names of columns are compared without spaces and in small letters.
std::string Plain(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return plain;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

StatusOr<CsvTable> ReadCsv(std::string_view bytes) {
  if (bytes.size() > kCsvBytesMax)
    return InvalidArgument("csv_too_large", "a file has at most 256 MiB");
  std::string decoded;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (!IsUtf8(bytes)) {
    JANGBU_ASSIGN_OR_RETURN(decoded, FromCp949(bytes));
    bytes = decoded;
  }
  CsvTable table;
  uint64_t line = 1;
  bool titled = false;
  for (size_t at = 0; at < bytes.size();) {
    CsvRow row;
    row.line = line;
    bool blank = true;
    for (bool more = true; more;) {
      std::string cell;
      if (at < bytes.size() && bytes[at] == '"') {
        blank = false;
        const uint64_t opened = line;
        ++at;
        for (;;) {
          if (at >= bytes.size()) {
            return InvalidArgument("csv_quote_open",
                                   "line " + std::to_string(opened) + ": a quoted cell has no end");
          }
          const char c = bytes[at++];
          if (c == '"') {
            if (at < bytes.size() && bytes[at] == '"') {
              cell += '"';
              ++at;
              continue;
            }
            break;
          }
          if (c == '\n') ++line;
          cell += c;
        }
      }
      // What follows a closing quote belongs to the cell, as spreadsheets read it.
      while (at < bytes.size() && bytes[at] != ',' && bytes[at] != '\n' &&
             !(bytes[at] == '\r' && (at + 1 == bytes.size() || bytes[at + 1] == '\n'))) {
        if (bytes[at] != ' ' && bytes[at] != '\t') blank = false;
        cell += bytes[at++];
      }
      row.cells.push_back(std::move(cell));
      if (row.cells.size() > kCsvColumnsMax) {
        return InvalidArgument(
            "csv_too_wide", "line " + std::to_string(row.line) + ": a row has at most 256 cells");
      }
      more = at < bytes.size() && bytes[at] == ',';
      if (more) {
        ++at;
        blank = false;
      }
    }
    if (at < bytes.size() && bytes[at] == '\r') ++at;
    if (at < bytes.size() && bytes[at] == '\n') {
      ++at;
      ++line;
    }
    if (blank) continue;
    if (titled) {
      table.rows.push_back(std::move(row));
    } else {
      table.titles = std::move(row);
      titled = true;
    }
  }
  if (!titled) return InvalidArgument("csv_empty", "the file has no row");
  return table;
}

size_t ColumnOf(const CsvTable& table, const std::vector<std::string_view>& names) {
  for (size_t i = 0; i < table.titles.cells.size(); ++i) {
    const std::string title = Plain(Trimmed(table.titles.cells[i]));
    for (const std::string_view name : names) {
      if (title == Plain(name)) return i;
    }
  }
  return std::string::npos;
}

StatusOr<int64_t> ReadAmount(std::string_view text) {
  const Status bad =
      InvalidArgument("bad_amount", "not a whole number: \"" + std::string(text) + "\"");
  std::string_view rest = Trimmed(text);
  bool negative = false;
  if (rest.size() > 2 && rest.front() == '(' && rest.back() == ')') {
    negative = true;
    rest = Trimmed(rest.substr(1, rest.size() - 2));
  } else if (rest.starts_with("-") || rest.starts_with("+")) {
    negative = rest.front() == '-';
    rest.remove_prefix(1);
  }
  for (const std::string_view sign : {"₩", "￦", "KRW"}) {
    if (rest.starts_with(sign)) rest = Trimmed(rest.substr(sign.size()));
  }
  if (rest.ends_with("원"))
    rest = Trimmed(rest.substr(0, rest.size() - std::string_view("원").size()));
  // Parts of a won that are none.
  if (const size_t point = rest.find('.'); point != std::string_view::npos) {
    const std::string_view parts = rest.substr(point + 1);
    if (parts.empty() || parts.find_first_not_of('0') != std::string_view::npos) return bad;
    rest = rest.substr(0, point);
  }
  // Groups of three, or no groups at all.
  const bool grouped = rest.find(',') != std::string_view::npos;
  int64_t value = 0;
  size_t digits = 0;
  size_t since_comma = 0;
  bool comma = false;
  for (const char c : rest) {
    if (c == ',') {
      if (digits == 0 || since_comma > 3 || (comma && since_comma != 3)) return bad;
      comma = true;
      since_comma = 0;
      continue;
    }
    if (c < '0' || c > '9') return bad;
    ++digits;
    ++since_comma;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value))
      return bad;
  }
  if (digits == 0 || (grouped && since_comma != 3)) return bad;
  return negative ? -value : value;
}

}  // namespace jangbu::services::outputs
