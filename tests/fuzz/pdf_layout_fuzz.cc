// Words anywhere on pages, of any size: put together without losing or inventing a letter, save
// what page frames and hyphens take.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "ingest/extract/pdf_layout.h"
#include "ingest/text/utf8.h"

using namespace jangbu::ingest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<PdfPage> pages(1);
  pages[0].width = 595;
  pages[0].height = 842;
  size_t letters = 0;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    const uint8_t* b = data + i;
    if (b[0] == 0xFF) {
      pages.push_back({595, 842, {}});
      continue;
    }
    PdfWord word;
    word.x0 = (b[0] - 64) * 4.0;
    word.y0 = b[1] * 4.0;
    word.x1 = word.x0 + (b[2] - 16);
    word.y1 = word.y0 + (b[3] - 16);
    word.space_after = (b[4] & 1) != 0;
    for (int n = 0; n <= b[4] % 4; ++n) {
      AppendUtf8(b[5] < 128 ? static_cast<char32_t>('!' + b[5] % 90)
                            : static_cast<char32_t>(0xAC00 + b[5] * 40 + b[6] + n),
                 word.text);
    }
    letters += CountCodePoints(word.text);
    pages.back().words.push_back(std::move(word));
  }
  const std::string text = ComposePdf(pages);
  JANGBU_CHECK(IsValidUtf8(text));
  size_t out = 0;
  const char* p = text.data();
  while (p < text.data() + text.size()) {
    const char32_t cp = DecodeUtf8(p);
    out += cp != ' ' && cp != '\n';
  }
  JANGBU_CHECK(out <= letters);
  return 0;
}
