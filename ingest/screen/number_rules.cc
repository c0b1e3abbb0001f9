#include "ingest/screen/number_rules.h"

#include <algorithm>
#include <cstddef>

namespace jangbu::ingest::internal {
namespace {

int At(std::string_view digits, size_t i) { return digits[i] - '0'; }

}  // namespace

bool IsBirthAndSex(std::string_view digits) {
  const int year = At(digits, 0) * 10 + At(digits, 1);
  const int month = At(digits, 2) * 10 + At(digits, 3);
  const int day = At(digits, 4) * 10 + At(digits, 5);
  static constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1 || day > kDays[month - 1]) return false;
  const int sex = At(digits, 6);
  const bool this_century = sex == 3 || sex == 4 || sex == 7 || sex == 8;
  return !this_century || year <= 39;
}

bool HasResidentCheck(std::string_view digits) {
  static constexpr int kWeights[] = {2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5};
  int sum = 0;
  for (size_t i = 0; i < 12; ++i) sum += kWeights[i] * At(digits, i);
  const int sex = At(digits, 6);
  const int base = sex >= 5 && sex <= 8 ? 13 : 11;
  return (base - sum % 11) % 10 == At(digits, 12);
}

bool IsPlainBirthNumber(std::string_view digits) {
  const char sex = digits[6];
  if (sex < '1' || sex > '4') return false;
  if (digits[0] == '1' && digits[1] >= '2' && digits[1] <= '8') return false;
  if (digits.substr(0, 3) != "880") return true;
  int sum = 0;
  for (size_t i = 0; i < 12; ++i) sum += At(digits, i) * (i % 2 == 0 ? 1 : 3);
  return (10 - sum % 10) % 10 != At(digits, 12);
}

bool HasLuhn(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of(digits[0]) == std::string_view::npos) return false;
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int d = At(digits, digits.size() - 1 - i);
    if (i % 2 == 1) {
      d *= 2;
      if (d > 9) d -= 9;
    }
    sum += d;
  }
  return sum % 10 == 0;
}

bool HasBusinessCheck(std::string_view digits) {
  static constexpr int kWeights[] = {1, 3, 7, 1, 3, 7, 1, 3, 5};
  int sum = At(digits, 8) * 5 / 10;
  for (size_t i = 0; i < 9; ++i) sum += kWeights[i] * At(digits, i);
  return (10 - sum % 10) % 10 == At(digits, 9) &&
         digits.find_first_not_of(digits[0]) != std::string_view::npos;
}

size_t AreaCode(std::string_view d) {
  if (d.size() < 3 || d[0] != '0') return 0;
  if (d[1] == '2') return 2;
  if (d.substr(0, 3) == "070") return 3;
  if (d[1] == '5' && d[2] == '0') return d.size() > 3 && d[3] >= '2' && d[3] <= '8' ? 4 : 0;
  const int last = At(d, 2);
  switch (d[1]) {
    case '3':
      return last >= 1 && last <= 3 ? 3 : 0;
    case '4':
    case '6':
      return last >= 1 && last <= 4 ? 3 : 0;
    case '5':
      return last >= 1 && last <= 5 ? 3 : 0;
    default:
      return 0;
  }
}

bool IsMobilePrefix(std::string_view d) {
  return d.size() >= 3 && d[0] == '0' && d[1] == '1' &&
         (d[2] == '0' || d[2] == '1' || (d[2] >= '6' && d[2] <= '9'));
}

}  // namespace jangbu::ingest::internal
