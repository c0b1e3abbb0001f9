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
