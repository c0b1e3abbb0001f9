#include "ingest/tokens/char_class.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/check.h"

namespace jangbu::ingest::tokens {
namespace {

// Letters, marks and numbers that Unicode 15.1 and 16.0 added. The libraries that define the
// tokenizers match with Unicode 16.0 (Oniguruma 6.9.10, regex-syntax 0.8), ICU 72 knows 15.0;
// without these a count could differ by one on text in scripts encoded since 2023. Has no effect
// once ICU knows them.
struct Added {
  char32_t first;
  char32_t last;
  uint8_t bits;
};
constexpr Added kAdded[] = {
    {0x897, 0x897, kMark},         {0x1C89, 0x1C89, kUpper},      {0x1C8A, 0x1C8A, kLower},
    {0xA7CB, 0xA7CC, kUpper},      {0xA7CD, 0xA7CD, kLower},      {0xA7DA, 0xA7DA, kUpper},
    {0xA7DB, 0xA7DB, kLower},      {0xA7DC, 0xA7DC, kUpper},      {0x105C0, 0x105F3, kCaseless},
    {0x10D40, 0x10D49, kNumber},   {0x10D4A, 0x10D4F, kCaseless}, {0x10D50, 0x10D65, kUpper},
    {0x10D69, 0x10D6D, kMark},     {0x10D6F, 0x10D6F, kCaseless}, {0x10D70, 0x10D85, kLower},
    {0x10EC2, 0x10EC4, kCaseless}, {0x10EFC, 0x10EFC, kMark},     {0x11380, 0x11389, kCaseless},
    {0x1138B, 0x1138B, kCaseless}, {0x1138E, 0x1138E, kCaseless}, {0x11390, 0x113B5, kCaseless},
    {0x113B7, 0x113B7, kCaseless}, {0x113B8, 0x113C0, kMark},     {0x113C2, 0x113C2, kMark},
    {0x113C5, 0x113C5, kMark},     {0x113C7, 0x113CA, kMark},     {0x113CC, 0x113D0, kMark},
    {0x113D1, 0x113D1, kCaseless}, {0x113D2, 0x113D2, kMark},     {0x113D3, 0x113D3, kCaseless},
    {0x113E1, 0x113E2, kMark},     {0x116D0, 0x116E3, kNumber},   {0x11BC0, 0x11BE0, kCaseless},
    {0x11BF0, 0x11BF9, kNumber},   {0x11F5A, 0x11F5A, kMark},     {0x13460, 0x143FA, kCaseless},
    {0x16100, 0x1611D, kCaseless}, {0x1611E, 0x1612F, kMark},     {0x16130, 0x16139, kNumber},
    {0x16D40, 0x16D6C, kCaseless}, {0x16D70, 0x16D79, kNumber},   {0x18CFF, 0x18CFF, kCaseless},
    {0x1CCF0, 0x1CCF9, kNumber},   {0x1E5D0, 0x1E5ED, kCaseless}, {0x1E5EE, 0x1E5EF, kMark},
    {0x1E5F0, 0x1E5F0, kCaseless}, {0x1E5F1, 0x1E5FA, kNumber},   {0x2EBF0, 0x2EE5D, kCaseless},
};

uint8_t ClassOfAdded(char32_t c) {
  for (const Added& added : kAdded) {
    if (c >= added.first && c <= added.last) return added.bits;
  }
  return 0;
}

uint8_t ClassOf(char32_t c, const icu::Normalizer2& nfc) {
  uint8_t bits = 0;
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_UPPERCASE_LETTER:
    case U_TITLECASE_LETTER:
      bits = kUpper;
      break;
    case U_LOWERCASE_LETTER:
      bits = kLower;
      break;
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
      bits = kCaseless;
      break;
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
      bits = kMark;
      break;
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
    case U_OTHER_NUMBER:
      bits = kNumber;
      break;
    case U_UNASSIGNED:
      bits = ClassOfAdded(c);
      break;
    default:
      break;
  }
  if (u_isUWhiteSpace(static_cast<UChar32>(c))) bits |= kSpace;
  if (c == '\r' || c == '\n') bits |= kNewline;
  // hasBoundaryBefore is false exactly for what can interact with what stands before it;
  // isNormalized is false for what changes by itself. Text free of both is NFC.
  if (c < 0xD800 || c > 0xDFFF) {
    UErrorCode error = U_ZERO_ERROR;
    if (!nfc.hasBoundaryBefore(static_cast<UChar32>(c)) ||
        !nfc.isNormalized(icu::UnicodeString(static_cast<UChar32>(c)), error) || U_FAILURE(error)) {
      bits |= kMaybeNotNfc;
    }
  }
  return bits;
}

}  // namespace

const CharClassTable& CharClassTable::Get() {
  static const auto* const table = new CharClassTable();
  return *table;
}

CharClassTable::CharClassTable() {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  JANGBU_CHECK(U_SUCCESS(error) && nfc != nullptr);
  std::vector<uint8_t> blocks;
  std::unordered_map<std::string, uint16_t> seen;
  std::string block(256, '\0');
  // The large ranges in which every code point is alike need no look at each.
  const auto uniform = [](char32_t first) {
    return (first >= 0xAC00 && first < 0xD700) || (first >= 0x4E00 && first < 0x9F00) ||
           (first >= 0x20000 && first < 0x2A600) || (first >= 0xE000 && first < 0xF900) ||
           (first >= 0x40000 && first < 0xE0000) || (first >= 0xF0000 && first < 0xFFF00) ||
           (first >= 0x100000 && first < 0x10FF00) || (first >= 0x32400 && first < 0x3FF00);
  };
  for (char32_t first = 0; first < 0x110000; first += 256) {
    if (uniform(first)) {
      std::memset(block.data(), ClassOf(first, *nfc), 256);
    } else {
      for (char32_t i = 0; i < 256; ++i) block[i] = static_cast<char>(ClassOf(first + i, *nfc));
    }
    const auto [it, fresh] = seen.emplace(block, static_cast<uint16_t>(seen.size()));
    if (fresh) blocks.insert(blocks.end(), block.begin(), block.end());
    index_[first >> 8] = it->second;
  }
  blocks_ = std::make_unique<uint8_t[]>(blocks.size());
  std::memcpy(blocks_.get(), blocks.data(), blocks.size());
}

bool IsValidUtf8(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const Decoded d = DecodeUtf8(p, end);
    if (d.code_point == kIllFormed) return false;
    p = d.end;
  }
  return true;
}

}  // namespace jangbu::ingest::tokens
