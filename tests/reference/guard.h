#pragma once

// What the guard must find, written as the promise is: every ending, every document, by searching.

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <string>
#include <string_view>
#include <vector>

namespace jangbu::reference {

inline bool HangulOrHan(char32_t cp) {
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(cp), &error);
  const bool letter = (U_GET_GC_MASK(static_cast<UChar32>(cp)) & U_GC_L_MASK) != 0;
  return letter && (script == USCRIPT_HANGUL || script == USCRIPT_HAN);
}

// Is a run of this wording forbidden, if it is one?
inline bool Protected(std::u32string_view run) {
  size_t korean = 0;
  for (const char32_t cp : run) korean += HangulOrHan(cp) ? 1 : 0;
  return (run.size() >= 50 && korean >= 20) || run.size() >= 150;
}

// For each code point of `output`: does a forbidden run end there? A run is forbidden when one
// document holds it and the message does not.
inline std::vector<bool> ForbiddenEnds(std::u32string_view output,
                                       const std::vector<std::u32string>& documents,
                                       std::u32string_view message) {
  std::vector<bool> out(output.size());
  for (size_t end = 1; end <= output.size(); ++end) {
    // The shortest protected ending decides: a longer one occurs nowhere that it does not.
    for (size_t n = 50; n <= end && n <= 150; ++n) {
      const std::u32string_view run = output.substr(end - n, n);
      if (!Protected(run)) continue;
      bool held = false;
      for (const std::u32string& d : documents) held = held || d.find(run) != std::u32string::npos;
      out[end - 1] = held && message.find(run) == std::u32string_view::npos;
      break;
    }
  }
  return out;
}

}  // namespace jangbu::reference
