#pragma once

// Strings on their way out: protobuf strings and status messages must be UTF-8, and headers have a
// size. Pure.

#include <cstddef>
#include <string>
#include <string_view>

namespace jangbu::services::wire {

// True for well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF).
bool IsUtf8(std::string_view bytes);

// `bytes` with every byte that is not part of well-formed UTF-8 replaced by U+FFFD, cut at a
// character to at most `max_bytes` (then ending in "…"). Well-formed short text comes back as it
// is. REQUIRES: max_bytes >= 3.
std::string ToUtf8(std::string_view bytes, size_t max_bytes);

// For messages: what a stranger sent, between quotation marks, control characters replaced, at most
// about 80 bytes.
std::string Quoted(std::string_view bytes);

// Code points of well-formed UTF-8.
size_t CodePoints(std::string_view utf8);

// True when there is a C0 control or DEL in it: such things have no place in names, titles and
// paths.
bool HasControls(std::string_view text);

}  // namespace jangbu::services::wire
