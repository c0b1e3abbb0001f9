#pragma once

// Puts a document's text together: one paragraph of the format is one line of the text.
//
//   paragraph    ends a line; empty ones vanish
//   soft break   a space; a line break inside a preformatted paragraph
//   table        one line a row, the paragraphs of its cells joined by a space; a table inside a
//                cell is part of that cell
//   note         (footnote, endnote, text box) after the paragraph, or the row, it hangs on
//
// Memory: the text and nothing else. Not thread-safe.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jangbu::ingest {

class TextFlow {
 public:
  // Stops taking text after `bytes_max`; overflowed() then says so.
  explicit TextFlow(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Line breaks inside `utf8` are blanks, unless the paragraph is preformatted.
  void Text(std::string_view utf8);
  void SoftBreak() { Text(preformatted_ > 0 ? "\n" : " "); }
  void EndParagraph();

  void BeginPreformatted() { ++preformatted_; }
  void EndPreformatted() { preformatted_ -= preformatted_ > 0; }

  void BeginRow();
  void EndCell();
  void EndRow();

  // What is said between the two comes after the paragraph or row that is open now.
  void BeginNote();
  void EndNote();

  bool overflowed() const { return overflowed_; }
  // Bytes so far, for telling parts apart.
  size_t size() const { return done_.size() + open_.size(); }

  // The text, with a line break after every line. Ends everything that is open.
  std::string Take();

 private:
  struct Level {
    std::string open;
    size_t rows = 0;
    size_t preformatted = 0;
    std::string notes;
  };

  // Where complete lines go: the notes of the level below, or the text.
  std::string& Out() { return levels_.empty() ? done_ : levels_.back().notes; }
  void FlushLine();

  const size_t bytes_max_;
  size_t taken_ = 0;
  bool overflowed_ = false;
  std::string done_;
  std::string open_;   // the paragraph or row
  std::string notes_;  // that hang on it
  size_t rows_ = 0;    // rows open
  size_t preformatted_ = 0;
  std::vector<Level> levels_;  // what notes interrupted
};

}  // namespace jangbu::ingest
