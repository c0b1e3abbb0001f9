#pragma once

// CSV as banks and gateways export it: RFC 4180, with what people's programs do to it. A byte order
// mark, CRLF or LF, quoted cells with doubled quotes and line breaks, blank lines, UTF-8 or CP949
// (decided for the file as a whole: what is no UTF-8 is read as CP949). The first row names the
// columns; they may come in any order.
//
// Outside bytes: never throws, never reads past the end, O(bytes). One bad row does not stop the
// rest.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::services::outputs {

inline constexpr size_t kCsvBytesMax = 256 << 20;
inline constexpr size_t kCsvColumnsMax = 256;

struct CsvRow {
  uint64_t line = 0;  // of its first character, from 1
  std::vector<std::string> cells;
};

struct CsvTable {
  CsvRow titles;
  std::vector<CsvRow> rows;  // blank lines left out
};

// InvalidArgument("csv_empty"), ("csv_too_large"), ("csv_quote_open") with its line: a quote that
// is never closed would swallow the rest of the file; ("csv_encoding"): neither UTF-8 nor CP949;
// ("csv_too_wide").
StatusOr<CsvTable> ReadCsv(std::string_view bytes);

// Where a column is, by one of its names (spaces and letters' case do not count); npos when it is
// not there.
size_t ColumnOf(const CsvTable& table, const std::vector<std::string_view>& names);

// "1,234", "₩1,234", "-1234", "(1,234)", "1234.00" → a whole number. InvalidArgument("bad_amount").
StatusOr<int64_t> ReadAmount(std::string_view text);

}  // namespace jangbu::services::outputs
