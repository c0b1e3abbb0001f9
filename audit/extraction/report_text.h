#pragma once

// What stands in the files of a report, for who must know whose text they hold: the inverse of
// report.h, and more, since it takes any bytes and leaves none unread.
//
// Thread-safe; linear in the input.

#include <string>
#include <string_view>
#include <vector>

namespace jangbu::audit {

// Every string of a JSON file, unescaped, each by itself; then everything between them as one. What
// is no JSON is read as far as it goes: an unfinished string is one, an unknown escape stands for
// its letter.
std::vector<std::string> TextsOfJson(std::string_view json);

// Every text of an HTML page, each as it was before InertHtml: entities (also numeric ones)
// resolved, <br> a line feed, <mark> left out, letters that InertHtml spells out (‹U+202E›) those
// letters again. Then everything within tags, each by itself.
std::vector<std::string> TextsOfHtml(std::string_view html);

}  // namespace jangbu::audit
