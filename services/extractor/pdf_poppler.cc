#include "services/extractor/pdf_poppler.h"

#include <iconv.h>
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>

#include <memory>

#include "ingest/extract/pdf_layout.h"
#include "ingest/text/utf8.h"

namespace jangbu::services {
namespace {

using ingest::Reason;
using ingest::Rejection;

constexpr int kPagesMax = 50'000;

constexpr char kBlank[] =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>"
    "endobj\ntrailer<</Size 3/Root 1 0 R>>\n%%EOF\n";

void Silence(const std::string&, void*) {}

// Not ustring::to_utf8: iconv would load a table from the disk, which is out of reach. Half a pair
// of surrogates is U+FFFD; U+0000 goes.
std::string Utf8(const poppler::ustring& text) {
  std::string utf8;
  for (size_t i = 0; i < text.size(); ++i) {
    char32_t cp = text[i];
    if (cp >= 0xD800 && cp <= 0xDFFF) {
      const char32_t low = i + 1 < text.size() ? text[i + 1] : 0;
      if (cp < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        ++i;
      } else {
        cp = 0xFFFD;
      }
    }
    if (cp != 0) ingest::AppendUtf8(cp, utf8);
  }
  return utf8;
}

// Letters that came out without a meaning: private use and U+FFFD.
void Tally(std::string_view utf8, uint64_t& all, uint64_t& meaningless) {
  const char* p = utf8.data();
  const char* const end = p + utf8.size();
  while (p < end) {
    const char32_t cp = ingest::DecodeUtf8(p);
    ++all;
    meaningless += cp == 0xFFFD || (cp >= 0xE000 && cp <= 0xF8FF) || cp < 0x20;
  }
}

// "D:20240501120000+09'00'" → "2024-05-01".
std::string DateOf(const std::string& pdf) {
  const size_t at = pdf.starts_with("D:") ? 2 : 0;
  if (pdf.size() < at + 8) return {};
  return ingest::DateOf(pdf.substr(at, 8));
}

}  // namespace

void PreparePdf() {
  poppler::set_debug_error_function(Silence, nullptr);
  // Poppler turns words from UTF-8 to UTF-16 by iconv, which loads a table from the disk. As long
  // as these are open it stays loaded, so they are never closed.
  static const iconv_t kept[] = {iconv_open("UTF-16", "UTF-8"), iconv_open("UTF-8", "UTF-16")};
  static_cast<void>(kept);
  // Poppler looks for its character maps when the first document is opened and forgets them with
  // the last; this one is never closed.
  static const std::unique_ptr<poppler::document> blank(
      poppler::document::load_from_raw_data(kBlank, sizeof(kBlank) - 1));
  static_cast<void>(blank);
}

ingest::Extracted ReadPdf(std::string_view bytes, const ingest::ExtractLimits& limits) {
  PreparePdf();
  if (bytes.size() > INT32_MAX)
    return Rejection{Reason::kContainerLimit, std::to_string(bytes.size()) + " bytes of PDF"};
  const std::unique_ptr<poppler::document> document(
      poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
  if (document == nullptr) return Rejection{Reason::kDamagedDocument, "the PDF can not be opened"};
  if (document->is_locked()) return Rejection{Reason::kPasswordProtected, "pdf"};
  const int count = document->pages();
  if (count > kPagesMax)
    return Rejection{Reason::kExtractionLimit, std::to_string(count) + " pages"};
  std::vector<ingest::PdfPage> pages;
  uint64_t text_bytes = 0, letters = 0, meaningless = 0;
  for (int i = 0; i < count; ++i) {
    const std::unique_ptr<poppler::page> page(document->create_page(i));
    ingest::PdfPage& out = pages.emplace_back();
    if (page == nullptr) continue;
    const poppler::rectf box = page->page_rect();
    out.width = box.width();
    out.height = box.height();
    for (const poppler::text_box& word : page->text_list()) {
      const poppler::rectf where = word.bbox();
      ingest::PdfWord& w = out.words.emplace_back();
      w.text = Utf8(word.text());
      w.x0 = where.left();
      w.x1 = where.right();
      w.y0 = where.top();
      w.y1 = where.bottom();
      w.space_after = word.has_space_after();
      text_bytes += w.text.size();
      Tally(w.text, letters, meaningless);
    }
    if (text_bytes > limits.text_bytes_max) {
      return Rejection{Reason::kRecordTooLarge,
                       "text of more than " + std::to_string(limits.text_bytes_max) + " bytes"};
    }
  }
  if (count == 0) return Rejection{Reason::kDamagedDocument, "the PDF has no pages"};
  if (letters == 0)
    return Rejection{Reason::kNoTextLayer, std::to_string(count) + " pages without a letter"};
  if (meaningless * 5 > letters) {
    return Rejection{Reason::kNoTextLayer, std::to_string(meaningless) + " of " +
                                               std::to_string(letters) +
                                               " characters have no meaning attached"};
  }
  ingest::Document result;
  result.text = ingest::ComposePdf(pages);
  result.title = ingest::Metadata(Utf8(document->get_title()), limits.metadata_bytes_max);
  result.author = ingest::Metadata(Utf8(document->get_author()), limits.metadata_bytes_max);
  result.published_at = DateOf(Utf8(document->info_key("CreationDate")));
  return result;
}

}  // namespace jangbu::services
