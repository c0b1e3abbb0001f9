#pragma once

// Text of the C2SP formats: lines, decimals, UTF-8, key names. Every reader accepts exactly one
// spelling of a value.

#include <cstdint>
#include <optional>
#include <string_view>

namespace jangbu::ledger::text {

// An ASCII decimal that fits 64 bits, without sign, spaces or leading zeroes ("0" is zero).
std::optional<uint64_t> ParseDecimal(std::string_view digits);

// Takes the first line off `rest`, without its newline; nullopt (and nothing taken) when no newline
// is left.
std::optional<std::string_view> TakeLine(std::string_view& rest);

// True for well-formed UTF-8 (RFC 3629) with no control below U+0020 but newline.
bool IsNoteText(std::string_view bytes);

// True for a key name: non-empty well-formed UTF-8 with no Unicode space (White_Space), no control
// below U+0020 and no plus.
bool IsKeyName(std::string_view name);

}  // namespace jangbu::ledger::text
