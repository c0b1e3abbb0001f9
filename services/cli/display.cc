#include "services/cli/display.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "base/bytes.h"

namespace jangbu::services::cli {
namespace {

// Columns of one code point.
int WidthOf(UChar32 code) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return 0;
  if (code < 0x300) return 1;
  switch (u_charType(code)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return 0;
    default:
      break;
  }
  // The vowels and finals of conjoining jamo stand in the block of their initial.
  if ((code >= 0x1160 && code <= 0x11FF) || (code >= 0xD7B0 && code <= 0xD7FB)) return 0;
  const int width = u_getIntPropertyValue(code, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

// Calls `visit(code, bytes)`; code is negative where the bytes are not UTF-8.
template <typename Visit>
void ForEachCodePoint(std::string_view text, Visit visit) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto length = static_cast<int64_t>(text.size());
  int64_t i = 0;
  while (i < length) {
    const int64_t start = i;
    UChar32 code = 0;
    U8_NEXT(bytes, i, length, code);
    visit(code, text.substr(static_cast<size_t>(start), static_cast<size_t>(i - start)));
  }
}

bool TerminalMightObey(UChar32 code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E ||
         code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

// Days from 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, days_from_civil).
int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

struct Civil {
  int64_t year;
  int month, day, hour, minute, second;
  int64_t micros;
};

Civil CivilOf(int64_t micros) {
  constexpr int64_t kDay = 86'400'000'000;
  int64_t days = micros / kDay;
  int64_t rest = micros % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;
  Civil c{};
  c.day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1);
  c.month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  c.year = year_of_era + era * 400 + (c.month <= 2 ? 1 : 0);
  c.hour = static_cast<int>(rest / 3'600'000'000);
  c.minute = static_cast<int>(rest / 60'000'000 % 60);
  c.second = static_cast<int>(rest / 1'000'000 % 60);
  c.micros = rest % 1'000'000;
  return c;
}

constexpr int64_t kSeoulOffsetMicros = 9LL * 3600 * 1'000'000;

// Takes exactly `digits` decimal digits from the front of `text`.
bool TakeNumber(std::string_view& text, size_t digits, int& out) {
  if (text.size() < digits) return false;
  out = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

int DaysInMonth(int year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<size_t>(month - 1)];
}

std::string GroupDigits(std::string digits) {
  const size_t first = !digits.empty() && digits[0] == '-' ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

}  // namespace

int DisplayWidth(std::string_view utf8) {
  int width = 0;
  ForEachCodePoint(utf8,
                   [&](UChar32 code, std::string_view) { width += code < 0 ? 1 : WidthOf(code); });
  return width;
}

std::string ForTerminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEachCodePoint(text, [&](UChar32 code, std::string_view bytes) {
    if (code < 0 || TerminalMightObey(code)) {
      out.append("\xEF\xBF\xBD");
    } else {
      out.append(bytes);
    }
  });
  return out;
}

std::string Shorten(std::string_view utf8, int columns) {
  if (DisplayWidth(utf8) <= columns) return std::string(utf8);
  if (columns <= 1) return columns == 1 ? "…" : "";
  const int head_columns = (columns - 1) / 3;
  const int tail_columns = columns - 1 - head_columns;
  std::string head;
  int used = 0;
  bool full = false;
  std::vector<std::pair<std::string_view, int>> pieces;
  ForEachCodePoint(utf8, [&](UChar32 code, std::string_view bytes) {
    const int width = code < 0 ? 1 : WidthOf(code);
    pieces.emplace_back(bytes, width);
    if (full) return;
    if (used + width > head_columns) {
      full = true;
      return;
    }
    used += width;
    head.append(bytes);
  });
  size_t first = pieces.size();
  int tail_used = 0;
  while (first > 0 && tail_used + pieces[first - 1].second <= tail_columns) {
    --first;
    tail_used += pieces[first].second;
  }
  std::string out = head + "…";
  for (size_t i = first; i < pieces.size(); ++i) out.append(pieces[i].first);
  return out;
}

std::string Grouped(int64_t number) { return GroupDigits(std::to_string(number)); }
std::string GroupedUnsigned(uint64_t number) { return GroupDigits(std::to_string(number)); }

std::string HumanBytes(uint64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  // Tenths of the unit, rounded half up; a carry to 1000.0 takes the next unit.
  uint64_t unit_bytes = 1000;
  size_t unit = 1;
  while (unit + 1 < kUnits.size() && bytes / unit_bytes >= 1000) {
    unit_bytes *= 1000;
    ++unit;
  }
  uint64_t tenths =
      bytes / unit_bytes * 10 + (bytes % unit_bytes + unit_bytes / 20) / (unit_bytes / 10);
  if (tenths >= 10000 && unit + 1 < kUnits.size()) {
    tenths = 10;
    ++unit;
  }
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + kUnits[unit];
}

std::string HumanSeconds(int64_t seconds) {
  seconds = std::max<int64_t>(seconds, 0);
  char buffer[64];
  if (seconds >= 3600) {
    std::snprintf(buffer, sizeof buffer, "%lld:%02d:%02d", static_cast<long long>(seconds / 3600),
                  static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  } else {
    std::snprintf(buffer, sizeof buffer, "%d:%02d", static_cast<int>(seconds / 60),
                  static_cast<int>(seconds % 60));
  }
  return buffer;
}

std::string Percent(uint64_t part, uint64_t whole, int decimals) {
  if (whole == 0) return "-";
  uint128 scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  const auto cut = static_cast<uint64_t>(static_cast<uint128>(part) * 100 * scale / whole);
  std::string out = std::to_string(cut / static_cast<uint64_t>(scale));
  if (decimals > 0) {
    std::string fraction = std::to_string(cut % static_cast<uint64_t>(scale));
    out += "." + std::string(static_cast<size_t>(decimals) - fraction.size(), '0') + fraction;
  }
  return out + " %";
}

std::string KstTime(int64_t micros) {
  if (micros == 0) return "-";
  const Civil c = CivilOf(micros + kSeoulOffsetMicros);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04lld-%02d-%02d %02d:%02d:%02d KST",
                static_cast<long long>(c.year), c.month, c.day, c.hour, c.minute, c.second);
  return buffer;
}

std::string UtcTime(int64_t micros) {
  if (micros == 0) return "";
  const Civil c = CivilOf(micros);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04lld-%02d-%02dT%02d:%02d:%02d.%06lldZ",
                static_cast<long long>(c.year), c.month, c.day, c.hour, c.minute, c.second,
                static_cast<long long>(c.micros));
  return buffer;
}

StatusOr<int64_t> ParseTime(std::string_view text) {
  const Status bad = InvalidArgument(
      "bad_time", "\"" + std::string(text) +
                      "\" is not a time such as 2026-11-22 or 2026-11-22T19:00:00+09:00");
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t micros = 0;
  int64_t offset_minutes = 9 * 60;
  if (!TakeNumber(text, 4, year) || !TakeChar(text, '-') || !TakeNumber(text, 2, month) ||
      !TakeChar(text, '-') || !TakeNumber(text, 2, day)) {
    return bad;
  }
  if (month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month)) return bad;
  if (TakeChar(text, 'T') || TakeChar(text, ' ')) {
    if (!TakeNumber(text, 2, hour) || !TakeChar(text, ':') || !TakeNumber(text, 2, minute))
      return bad;
    if (TakeChar(text, ':')) {
      if (!TakeNumber(text, 2, second)) return bad;
      if (TakeChar(text, '.')) {
        int64_t unit = 1'000'000;
        bool any = false;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
          unit /= 10;
          micros += unit * (text.front() - '0');
          text.remove_prefix(1);
          any = true;
        }
        if (!any) return bad;
      }
    }
    if (hour > 23 || minute > 59 || second > 59) return bad;
    if (TakeChar(text, 'Z')) {
      offset_minutes = 0;
    } else if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
      const int sign = text.front() == '+' ? 1 : -1;
      text.remove_prefix(1);
      int hours = 0;
      int minutes = 0;
      if (!TakeNumber(text, 2, hours)) return bad;
      TakeChar(text, ':');
      if (!TakeNumber(text, 2, minutes) || hours > 18 || minutes > 59) return bad;
      offset_minutes = sign * (hours * 60 + minutes);
    }
  }
  if (!text.empty()) return bad;
  const int64_t seconds = DaysFromCivil(year, month, day) * 86400 + hour * 3600 + minute * 60 +
                          second - offset_minutes * 60;
  return seconds * 1'000'000 + micros;
}

StatusOr<int64_t> ParseDurationMillis(std::string_view text) {
  const Status bad = InvalidArgument(
      "bad_duration", "\"" + std::string(text) + "\" is not a duration such as 90s, 10m or 2h");
  int64_t amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || amount < 0 || amount > 10'000'000) return bad;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (unit.empty() || unit == "s") return amount * 1000;
  if (unit == "ms") return amount;
  if (unit == "m") return amount * 60'000;
  if (unit == "h") return amount * 3'600'000;
  return bad;
}

void Table::Row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Render() const {
  std::vector<int> widths;
  for (const Column& column : columns_) widths.push_back(DisplayWidth(column.title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string out;
  const auto line = [&](auto cell_of) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const auto gap = static_cast<size_t>(widths[i] - DisplayWidth(cell));
      if (i > 0) text.append("  ");
      if (columns_[i].align == Align::kRight) text.append(gap, ' ');
      text.append(cell);
      if (columns_[i].align == Align::kLeft) text.append(gap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out.append(text).push_back('\n');
  };
  int total = 0;
  for (const int width : widths) total += width + 2;
  const std::string rule(static_cast<size_t>(std::max(total - 2, 0)), '-');
  line([&](size_t i) -> const std::string& { return columns_[i].title; });
  out.append(rule).push_back('\n');
  for (size_t r = 0; r < rows_.size(); ++r) {
    if (std::find(rules_.begin(), rules_.end(), r) != rules_.end())
      out.append(rule).push_back('\n');
    line([&](size_t i) -> const std::string& { return rows_[r][i]; });
  }
  return out;
}

}  // namespace jangbu::services::cli
