#include "ingest/extract/date.h"

#include <optional>

namespace jangbu::ingest {
namespace {

// Reads from the front of what is left.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool TakeSpaces() {
    while (Take(" ")) {
    }
    return true;
  }
  // From `least` to `most` digits, as many as there are.
  std::optional<int> Digits(size_t least, size_t most) {
    size_t n = 0;
    int value = 0;
    while (n < most && n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9')
      value = value * 10 + (rest_[n++] - '0');
    if (n < least) return std::nullopt;
    rest_.remove_prefix(n);
    return value;
  }
  size_t LeadingDigits() const {
    size_t n = 0;
    while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
    return n;
  }

 private:
  std::string_view rest_;
};

bool IsDay(int year, int month, int day) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool In(std::optional<int> value, int high) { return value && *value <= high; }

// "", or a time and perhaps a zone.
bool IsTimeOrNothing(Scanner s) {
  if (s.AtEnd()) return true;
  if (!s.Take("T") && !s.Take("t") && !(s.Take(" ") && s.TakeSpaces())) return false;
  if (!In(s.Digits(1, 2), 23) || !s.Take(":") || !In(s.Digits(2, 2), 59)) return false;
  if (s.Take(":")) {
    if (!In(s.Digits(2, 2), 60)) return false;
    if ((s.Take(".") || s.Take(",")) && !s.Digits(1, 9)) return false;
  }
  s.TakeSpaces();
  if (s.Take("Z") || s.Take("z")) return s.AtEnd();
  if (s.Take("+") || s.Take("-")) {
    if (!In(s.Digits(2, 2), 14)) return false;
    s.Take(":");
    if (!s.AtEnd() && !In(s.Digits(2, 2), 59)) return false;
  }
  return s.AtEnd();
}

}  // namespace

bool IsDate(std::string_view text) {
  Scanner s(text);
  if (s.LeadingDigits() == 8) {
    const int year = *s.Digits(4, 4), month = *s.Digits(2, 2), day = *s.Digits(2, 2);
    return IsDay(year, month, day) && IsTimeOrNothing(s);
  }
  if (s.LeadingDigits() != 4) return false;
  const int year = *s.Digits(4, 4);
  if (s.Take("년")) {
    s.TakeSpaces();
    if (s.AtEnd()) return IsDay(year, 1, 1);
    const auto month = s.Digits(1, 2);
    if (!month || !s.Take("월")) return false;
    s.TakeSpaces();
    if (s.AtEnd()) return IsDay(year, *month, 1);
    const auto day = s.Digits(1, 2);
    return day && s.Take("일") && IsDay(year, *month, *day) && IsTimeOrNothing(s);
  }
  if (s.AtEnd()) return IsDay(year, 1, 1);
  for (const std::string_view separator : {"-", ".", "/"}) {
    if (!s.Take(separator)) continue;
    s.TakeSpaces();
    if (s.AtEnd()) return separator == "." && IsDay(year, 1, 1);
    const auto month = s.Digits(1, 2);
    if (!month) return false;
    if (s.AtEnd()) return IsDay(year, *month, 1);
    if (!s.Take(separator)) return false;
    s.TakeSpaces();
    if (s.AtEnd()) return separator == "." && IsDay(year, *month, 1);
    const auto day = s.Digits(1, 2);
    if (!day || !IsDay(year, *month, *day)) return false;
    if (separator == ".") s.Take(".");
    return IsTimeOrNothing(s);
  }
  return false;
}

}  // namespace jangbu::ingest
