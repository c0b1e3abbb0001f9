#pragma once

// The comparison form of a text that arrives in pieces of any size, down to single bytes.
//
//   law  whatever the pieces, the code points given are those of
//        ComparisonForm(Canonicalize(text)), and a code point given as settled never changes
//        (tests/audit/guard/form_stream_test.cc)
//
// What may still change is small: the last code point of the form, which a jamo may join, and a
// last letter that marks may still follow. It is given as the *tail*, as if the text ended there.
//
// Bytes that are no UTF-8 become U+FFFD, one for each, in the text that the offsets count.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jangbu::audit {

// A code point of the form and the bytes of the text that made it: [begin, end).
struct FormUnit {
  char32_t cp = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  bool operator==(const FormUnit&) const = default;
};

// May a jamo like this join a syllable before it?
bool JoinsBackwards(char32_t cp);

// Not thread-safe. About 5 ns a Hangul syllable.
class FormStream {
 public:
  // Takes the next bytes; appends settled code points to `out` and the text as it is understood
  // (valid UTF-8; a sequence cut off by the end of `bytes` waits) to `text`.
  void Push(std::string_view bytes, std::string& text, std::vector<FormUnit>& out);
  // The end: a sequence cut off becomes U+FFFD, and everything is settled.
  void Finish(std::string& text, std::vector<FormUnit>& out);

  // What is not settled, as it would be if the text ended here. Usually one code point.
  std::vector<FormUnit> Tail() const;
  void Tail(std::vector<FormUnit>& out) const;
  bool HasTail() const { return has_tip_ || !unit_.empty(); }

 private:
  // More marks than this on one letter are cut into several letters' worth, so that no text makes
  // a step long (UAX #15, section 13, allows 30).
  static constexpr size_t kMaxUnit = 256;

  struct Tip {
    bool has = false;
    FormUnit unit;
  };
  void Take(char32_t cp, size_t size, std::vector<FormUnit>& out);
  void SettleUnit(std::vector<FormUnit>& out);
  static void Emit(const FormUnit& unit, Tip& tip, std::vector<FormUnit>& out);
  static void FormOfUnit(const std::u32string& unit, std::u32string& form);

  char carry_[4] = {};
  size_t carried_ = 0;
  uint64_t at_ = 0;      // offset in the text
  std::u32string unit_;  // a letter and the marks after it
  uint64_t unit_begin_ = 0;
  uint64_t unit_end_ = 0;
  bool has_tip_ = false;
  FormUnit tip_;
};

}  // namespace jangbu::audit
