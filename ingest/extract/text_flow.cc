#include "ingest/extract/text_flow.h"

#include <utility>

namespace jangbu::ingest {
namespace {

bool IsBlankByte(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool HasText(std::string_view line) {
  for (const char c : line) {
    if (!IsBlankByte(c)) return true;
  }
  return false;
}

}  // namespace

void TextFlow::Text(std::string_view utf8) {
  if (taken_ + utf8.size() > bytes_max_) {
    overflowed_ = true;
    return;
  }
  taken_ += utf8.size();
  if (preformatted_ > 0 && rows_ == 0) {
    open_.append(utf8);
    return;
  }
  for (const char c : utf8) {
    // A run of blanks is one; none begins a paragraph.
    if (IsBlankByte(c)) {
      if (!open_.empty() && open_.back() != ' ' && open_.back() != '\n') open_.push_back(' ');
    } else {
      open_.push_back(c);
    }
  }
}

void TextFlow::FlushLine() {
  while (!open_.empty() && IsBlankByte(open_.back())) open_.pop_back();
  if (HasText(open_)) Out().append(open_).push_back('\n');
  open_.clear();
  Out().append(notes_);
  notes_.clear();
}

void TextFlow::EndParagraph() {
  if (rows_ > 0) {
    if (!open_.empty() && open_.back() != ' ') open_.push_back(' ');
  } else {
    FlushLine();
  }
}

void TextFlow::BeginRow() {
  if (rows_ == 0) FlushLine();
  ++rows_;
}

void TextFlow::EndCell() {
  if (!open_.empty() && open_.back() != ' ') open_.push_back(' ');
}

void TextFlow::EndRow() {
  if (rows_ == 0) return;
  --rows_;
  EndParagraph();
}

void TextFlow::BeginNote() {
  levels_.push_back({std::move(open_), rows_, preformatted_, std::move(notes_)});
  open_.clear();
  notes_.clear();
  rows_ = 0;
  preformatted_ = 0;
}

void TextFlow::EndNote() {
  if (levels_.empty()) return;
  rows_ = 0;
  FlushLine();
  Level& level = levels_.back();
  open_ = std::move(level.open);
  rows_ = level.rows;
  preformatted_ = level.preformatted;
  notes_ = std::move(level.notes);
  levels_.pop_back();
}

std::string TextFlow::Take() {
  while (!levels_.empty()) EndNote();
  rows_ = 0;
  FlushLine();
  taken_ = 0;
  return std::exchange(done_, {});
}

}  // namespace jangbu::ingest
