#pragma once

// The careful part: what stands at one digit or one @ of a text. Private to this folder.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/screen/context_words.h"
#include "ingest/screen/folded_text.h"
#include "ingest/screen/personal_data.h"

namespace jangbu::ingest::internal {

// Digits in parts: "010-1234-5678" has three.
struct Part {
  size_t begin = 0;  // cells
  size_t end = 0;
  std::string digits;
};
// What stands between two parts. Spaces around a sign do not count.
enum class Gap : uint8_t { kSpace, kDash, kDot, kSlash, kBracket };
struct Number {
  static constexpr size_t kMaxParts = 24;
  std::vector<Part> parts;
  std::vector<Gap> gaps;  // one fewer
};

class Matcher {
 public:
  explicit Matcher(std::string_view text) : text_(text) {}

  // What begins at the digit at `byte` (or just before it: a bracket, +82, a letter, a street), or
  // nothing. REQUIRES: a digit stands there and none directly before.
  std::optional<Finding> AtDigit(size_t byte);
  // An e-mail address around the sign at `byte`: @, or (at), [at], 골뱅이.
  std::optional<Finding> AtSign(size_t byte);
  // A mobile number in words, 공일공 일이삼사 오육칠팔, whose 공 is at `byte`.
  std::optional<Finding> AtSpoken(size_t byte);

 private:
  using Range = std::pair<size_t, size_t>;  // cells
  struct Match {
    PersonalKind kind;
    Range cells;
  };

  Number ReadNumber(size_t at);
  static Number JoinSingles(const Number& n);
  size_t SkipGap(size_t i, Gap& gap);
  bool BeginsHere(size_t at, bool glued);
  bool EndsHere(size_t end, bool glued);

  std::optional<Match> MatchNumber(const Number& n);
  std::optional<Match> Resident(const Number& n);
  std::optional<Match> Card(const Number& n);
  std::optional<Match> Phone(const Number& n);
  std::optional<Match> Licence(const Number& n);
  std::optional<Match> Business(const Number& n);
  std::optional<Match> Passport(const Number& n);
  std::optional<Match> Account(const Number& n);
  std::optional<Match> Address(size_t at);

  // Letters of [from, to) without spaces, lower case.
  std::u32string Window(size_t from, size_t to);
  // One of `words` stands within `reach` cells before `at`, over at most one line break.
  bool Before(size_t at, size_t reach, Words words);
  // The same, and nothing but particles and signs between.
  bool DirectlyBefore(size_t at, Words words);
  bool After(size_t end, size_t reach, Words words);
  Finding ToFinding(const Match& match) const;

  // Address.cc
  struct Token {
    size_t begin = 0, end = 0;
    std::u32string text;
  };
  std::optional<Token> TokenEndingAt(size_t end);
  struct Areas {
    size_t begin = 0;
    bool province = false, district = false, known = false, lone_state = false;
  };
  Areas AreasBefore(size_t begin);
  std::optional<Match> Flat(size_t at);
  size_t DetailEnd(size_t end, bool& detailed);

  FoldedText text_;
};

}  // namespace jangbu::ingest::internal
