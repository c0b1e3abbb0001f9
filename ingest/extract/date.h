#pragma once

#include <string_view>

namespace jangbu::ingest {

// True for a date as it is found in metadata: a year, a year and a month, or a day of the Gregorian
// calendar, written as 2015, 2015-11, 2015-11-20, 2015.11.20., 2015/11/20, 20151120 or 2015년 11월
// 20일; after a day perhaps "T" or a space, a time of day (09:30, 09:30:00, 09:30:00.123) and a
// zone (Z, +09:00, +0900, +09). Years are 0001 to 9999. Nothing is repaired: what is no date is
// left out of a document's metadata.
bool IsDate(std::string_view text);

}  // namespace jangbu::ingest
