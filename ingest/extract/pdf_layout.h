#pragma once

// From words on pages to paragraphs: what a PDF does not say. Knows no PDF library.
//
//   lines        words that stand on one height, in the order they are given
//   page frame   lines at the top or foot of pages that repeat, but for their numbers, and page
//                numbers alone are dropped
//   paragraphs   a line ends its paragraph when what begins the next line would have fitted on it,
//                or when the next is set off by a gap, an indent or another size
//   words        lines are joined by a space; where the page was set by syllables (every full line
//                ends at the margin), only when the document's other words say that one ended; a
//                hyphen between lower-case Latin letters goes

#include <string>
#include <string_view>
#include <vector>

namespace jangbu::ingest {

struct PdfWord {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // y grows downwards; in points
  std::string text;                       // UTF-8, no blanks
  bool space_after = false;
};

struct PdfPage {
  double width = 0, height = 0;
  std::vector<PdfWord> words;  // in reading order
};

// One paragraph a line. Linear, save the sorting of widths. Pure.
std::string ComposePdf(const std::vector<PdfPage>& pages);

}  // namespace jangbu::ingest
