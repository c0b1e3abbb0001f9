#pragma once

// How text looks on a terminal: widths (Hangul takes two columns), tables, grouped numbers, sizes,
// times.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::services::cli {

// Columns that `utf8` takes: East Asian wide and full-width code points 2, combining and control
// ones 0, others 1.
int DisplayWidth(std::string_view utf8);

// `text` with everything a terminal might obey (C0, C1, DEL, bidi controls, line separators) and
// bytes that are not UTF-8 replaced by U+FFFD. Everything that comes from files or from the server
// is shown through this.
std::string ForTerminal(std::string_view text);

// At most `columns` wide; the middle is left out (…) when it is longer, so that a path keeps its
// end.
std::string Shorten(std::string_view utf8, int columns);

// 1234567 → "1,234,567".
std::string Grouped(int64_t number);
std::string GroupedUnsigned(uint64_t number);
// Decimal units: "999 B", "12.3 kB", "1.5 GB".
std::string HumanBytes(uint64_t bytes);
// "0:07", "12:34", "1:02:03".
std::string HumanSeconds(int64_t seconds);
// A share in per cent with `decimals` digits, cut, not rounded: nothing unfinished shows 100 %. "-"
// when whole is 0.
std::string Percent(uint64_t part, uint64_t whole, int decimals = 0);

// Korea Standard Time: "2026-11-22 19:00:05 KST"; "-" for 0.
std::string KstTime(int64_t micros);
// "2026-11-22T10:00:05.000000Z"; "" for 0.
std::string UtcTime(int64_t micros);
// Reads "2026-11-22", "2026-11-22T19:00", "…:05", "….123456", with "Z", "+09:00" or nothing
// (Seoul). A date alone is its first instant. InvalidArgument when it is none of these or not a day
// that exists.
StatusOr<int64_t> ParseTime(std::string_view text);

// "90", "90s", "10m", "2h" in milliseconds. InvalidArgument otherwise.
StatusOr<int64_t> ParseDurationMillis(std::string_view text);

// A table of aligned columns, without lines. Cells are shown as given (see ForTerminal).
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // REQUIRES: as many cells as columns.
  void Row(std::vector<std::string> cells);
  // A rule before the next row.
  void Rule() { rules_.push_back(rows_.size()); }
  size_t rows() const { return rows_.size(); }
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> rules_;
};

}  // namespace jangbu::services::cli
