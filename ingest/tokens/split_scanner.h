#pragma once

// The split patterns of the tokenizers that matter, as hand-written scanners. Each cuts text into
// pieces exactly as the regular expression of its family does with leftmost-first matching and
// behaviour "Isolated"; the family of patterns is one shape with five knobs:
//
//   leading contraction | prefix? letters trailing-contraction? | digits | punctuation tail* |
//   spaces
//
// tests/reference/tokens holds the slow twin (the published expression run by ICU). One pass, no
// allocation, linear: every character is looked at a bounded number of times.

#include <cstdint>
#include <string_view>

#include "ingest/tokens/char_class.h"

namespace jangbu::ingest::tokens {

enum class Letters : uint8_t {
  kPlain,      // \p{L}+
  kWithMarks,  // [\p{L}\p{M}]+
  kCased,  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ and its twin that needs no
           // lower case
};
enum class Contraction : uint8_t {
  kNone,
  kLeadingAscii,   // 's|'t|'re|'ve|'m|'ll|'d
  kLeadingFolded,  // (?i:'s|'t|'re|'ve|'m|'ll|'d), first alternative
  kTrailingFolded  // the same, optional after letters
};
enum class Tail : uint8_t { kNone, kNewlines, kNewlinesSlash };

struct SplitShape {
  Letters letters = Letters::kPlain;
  Contraction contraction = Contraction::kNone;
  // Letters may take one character before them: any but CR, LF, letters and digits; or a space
  // only.
  bool any_prefix = true;
  // Most digits in a piece; 0: no limit.
  uint8_t digits_max = 3;
  // A space may stand before digits: " ?\p{N}+".
  bool space_before_digits = false;
  // What may follow punctuation in its piece.
  Tail tail = Tail::kNewlines;
  // "\s*[\r\n]+" before the rules of other white space.
  bool newline_rule = true;

  friend constexpr bool operator==(const SplitShape&, const SplitShape&) = default;
};

inline constexpr SplitShape kGpt2Shape = {.letters = Letters::kPlain,
                                          .contraction = Contraction::kLeadingAscii,
                                          .any_prefix = false,
                                          .digits_max = 0,
                                          .space_before_digits = true,
                                          .tail = Tail::kNone,
                                          .newline_rule = false};
inline constexpr SplitShape kCl100kShape = {.contraction = Contraction::kLeadingFolded};
inline constexpr SplitShape kQwenShape = {.contraction = Contraction::kLeadingFolded,
                                          .digits_max = 1};
inline constexpr SplitShape kQwenMarksShape = {
    .letters = Letters::kWithMarks, .contraction = Contraction::kLeadingFolded, .digits_max = 1};
inline constexpr SplitShape kO200kShape = {.letters = Letters::kCased,
                                           .contraction = Contraction::kTrailingFolded,
                                           .tail = Tail::kNewlinesSlash};
inline constexpr SplitShape kTekkenShape = {
    .letters = Letters::kCased, .digits_max = 1, .tail = Tail::kNewlinesSlash};

// The expression the shape stands for, as tokenizer files spell it.
std::string_view PatternOf(const SplitShape& shape);
// Its name for people, e.g. "o200k".
std::string_view NameOf(const SplitShape& shape);
// The shape a pattern text asks for; null when it is not one of those known. Thread-safe.
const SplitShape* FindShape(std::string_view pattern);

namespace split_internal {

// End of 's 't 'm 'd 're 've 'll at `p` (which holds the apostrophe), or null. Folded: any case,
// and U+017F for s.
inline const char* ContractionEnd(const char* p, const char* end, bool folded) {
  const size_t left = static_cast<size_t>(end - p);
  if (left < 2) return nullptr;
  const auto lower = [folded](char c) {
    return folded && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  };
  const char a = lower(p[1]);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return p + 2;
  if (left >= 3) {
    const char b = lower(p[2]);
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return p + 3;
    if (folded && p[1] == '\xC5' && p[2] == '\xBF') return p + 3;
  }
  return nullptr;
}

template <uint8_t kBits>
inline const char* Skip(const CharClassTable& table, const char* p, const char* end) {
  while (p < end) {
    const Classified c = ClassifyAt(table, p, end);
    if ((c.bits & kBits) == 0) break;
    p = c.end;
  }
  return p;
}

inline constexpr uint8_t kCasedHead = kUpper | kCaseless | kMark;
inline constexpr uint8_t kCasedBody = kLower | kCaseless | kMark;

// Head* Body+ from `p` as leftmost-first matching has it: a head run that is not followed by a
// lower-case letter gives back up to its last character that is also a body character. Null when
// there is no match.
inline const char* CasedWithBody(const CharClassTable& table, const char* p, const char* end) {
  const char* last_body = nullptr;
  while (p < end) {
    const Classified c = ClassifyAt(table, p, end);
    if ((c.bits & kCasedHead) == 0) {
      if ((c.bits & kCasedBody) != 0) return Skip<kCasedBody>(table, c.end, end);
      break;
    }
    p = c.end;
    if ((c.bits & kCasedBody) != 0) last_body = p;
  }
  return last_body;
}

}  // namespace split_internal

// End of the piece that starts at `p`. REQUIRES: p < end, and a piece ended at `p` or the text
// starts there.
template <SplitShape kShape>
const char* NextPieceSlow(const CharClassTable& table, const char* p, const char* end) {
  using namespace split_internal;  // NOLINT: four helpers of this function
  const Classified first = ClassifyAt(table, p, end);

  if constexpr (kShape.contraction == Contraction::kLeadingAscii ||
                kShape.contraction == Contraction::kLeadingFolded) {
    if (*p == '\'') {
      const char* e = ContractionEnd(p, end, kShape.contraction == Contraction::kLeadingFolded);
      if (e != nullptr) return e;
    }
  }

  const bool prefix =
      kShape.any_prefix ? (first.bits & (kLetter | kNumber | kNewline)) == 0 : *p == ' ';
  if constexpr (kShape.letters == Letters::kCased) {
    const char* e = nullptr;
    // Letters and marks start here or after one character, or not at all.
    constexpr uint8_t kStarts = kCasedHead | kCasedBody;
    const bool possible =
        (first.bits & kStarts) != 0 ||
        (prefix && first.end < end && (ClassifyAt(table, first.end, end).bits & kStarts) != 0);
    if (possible && prefix) e = CasedWithBody(table, first.end, end);
    if (possible && e == nullptr) e = CasedWithBody(table, p, end);
    if (possible && e == nullptr) {
      // No body character in reach: head characters alone, here upper and title case.
      const char* start = prefix ? first.end : p;
      const char* run = Skip<kCasedHead>(table, start, end);
      if (run > start) e = run;
    }
    if (e != nullptr) {
      if constexpr (kShape.contraction == Contraction::kTrailingFolded) {
        if (e < end && *e == '\'') {
          const char* c = ContractionEnd(e, end, true);
          if (c != nullptr) return c;
        }
      }
      return e;
    }
  } else {
    constexpr uint8_t kRun = kShape.letters == Letters::kPlain ? kLetter : (kLetter | kMark);
    const char* start = prefix ? first.end : p;
    const char* run = Skip<kRun>(table, start, end);
    if (run > start) return run;
    if (kShape.letters == Letters::kWithMarks && prefix && (first.bits & kMark) != 0)
      return first.end;
  }

  if constexpr (kShape.space_before_digits) {
    const char* start = *p == ' ' ? p + 1 : p;
    const char* run = Skip<kNumber>(table, start, end);
    if (run > start) return run;
  } else if ((first.bits & kNumber) != 0) {
    if constexpr (kShape.digits_max == 0) return Skip<kNumber>(table, first.end, end);
    const char* e = first.end;
    for (int i = 1; i < kShape.digits_max && e < end; ++i) {
      const Classified c = ClassifyAt(table, e, end);
      if ((c.bits & kNumber) == 0) break;
      e = c.end;
    }
    return e;
  }

  {
    constexpr uint8_t kNotPunctuation =
        kSpace | kLetter | kNumber | (kShape.letters == Letters::kWithMarks ? kMark : 0);
    const char* start = *p == ' ' ? p + 1 : p;
    const char* e = start;
    while (e < end) {
      const Classified c = ClassifyAt(table, e, end);
      if ((c.bits & kNotPunctuation) != 0) break;
      e = c.end;
    }
    if (e > start) {
      if constexpr (kShape.tail != Tail::kNone) {
        while (e < end &&
               (*e == '\r' || *e == '\n' || (kShape.tail == Tail::kNewlinesSlash && *e == '/'))) {
          ++e;
        }
      }
      return e;
    }
  }

  // White space: all else is taken above.
  const char* e = p;
  const char* before_last = p;
  const char* after_newline = nullptr;
  while (e < end) {
    const Classified c = ClassifyAt(table, e, end);
    if ((c.bits & kSpace) == 0) break;
    before_last = e;
    e = c.end;
    if ((c.bits & kNewline) != 0) after_newline = e;
  }
  if constexpr (kShape.newline_rule) {
    if (after_newline != nullptr) return after_newline;
  }
  if (e == end || before_last == p) return e == p ? first.end : e;
  return before_last;
}

// The same, with a short way for what Korean text is made of: an optional space, Hangul syllables,
// then ASCII that can neither go on a word nor start a contraction.
template <SplitShape kShape>
inline const char* NextPiece(const CharClassTable& table, const char* p, const char* end) {
  const char* h = p + (*p == ' ');
  const char* const start = h;
  while (end - h >= 3 && IsHangulSyllableAt(h)) h += 3;
  if (h > start) {
    if (h == end) return h;
    const auto next = static_cast<unsigned char>(*h);
    if (next < 0x80 && next != '\'' && !((next | 0x20) >= 'a' && (next | 0x20) <= 'z')) return h;
  }
  return NextPieceSlow<kShape>(table, p, end);
}

}  // namespace jangbu::ingest::tokens
