#pragma once

// Check digits and fixed forms of Korean numbers. Private to this folder. All take ASCII digits.

#include <string_view>

namespace jangbu::ingest::internal {

// YYMMDD that is a day, and the seventh digit's century and sex: 1-4 and 9, 0 a resident, 5-8 a
// foreigner. Those of this century are not later than 2039.
// REQUIRES: at least 7 digits.
bool IsBirthAndSex(std::string_view digits);

// Check digit of 13 digits: weights 2…9, 2…5; (11 − sum mod 11) mod 10 for residents, (13 − sum mod
// 11) mod 10 for foreigners. Numbers issued since October 2020 have none, so it confirms and never
// refutes. REQUIRES: 13 digits.
bool HasResidentCheck(std::string_view digits);

// 13 digits in a row with nothing around that says what they are: a resident's, and neither a
// barcode (EAN-13, prefix 880) nor a time in milliseconds. REQUIRES: 13 digits, IsBirthAndSex.
bool IsPlainBirthNumber(std::string_view digits);

// Luhn (ISO/IEC 7812-1), and not the same digit all along.
bool HasLuhn(std::string_view digits);

// Business registration: weights 1 3 7 1 3 7 1 3 5, plus ⌊5 × ninth ÷ 10⌋. REQUIRES: 10 digits.
bool HasBusinessCheck(std::string_view digits);

// Length of the area code that `digits` begins with (02, 031–064, 070, 050x), or 0.
size_t AreaCode(std::string_view digits);

// 010, 011, 016–019.
bool IsMobilePrefix(std::string_view digits);

}  // namespace jangbu::ingest::internal
