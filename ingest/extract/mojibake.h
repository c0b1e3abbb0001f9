#pragma once

// Text that was decoded with the wrong encoding before it was saved, and can not be read any more
// by a model than by a person:
//
//   UTF-8 read as Latin-1 or windows-1252       ìš°ë¦¬ë‚˜ë¼
//   CP949 read as Latin-1                       ¿ì¸®³ª¶ó
//   UTF-8 read as CP949                         �슦由щ굹�씪
//   lost letters                                U+FFFD where letters were

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jangbu::ingest {

// What happened to `utf8`, as "UTF-8 read as Latin-1: 95 of 100 letters"; nothing for text that is
// itself. Judges by the first 16 KiB, lost letters by all of it. A text of fewer than 20 letters
// outside ASCII is never judged. Pure, linear, thread-safe.
//
// REQUIRES: valid UTF-8.
std::optional<std::string> FindMojibake(std::string_view utf8);

// Code points of the private use area U+E000-F8FF: old Hangul of Hanyang's fonts, or symbols of
// others. REQUIRES: valid UTF-8.
uint64_t CountPrivateUse(std::string_view utf8);

}  // namespace jangbu::ingest
