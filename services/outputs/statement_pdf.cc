// A statement as a PDF page by cairo and Pango: Korean with embedded fonts.

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "services/outputs/statement_document.h"

namespace jangbu::services::outputs {
namespace {

constexpr double kWidth = 595.276;  // A4 in points
constexpr double kHeight = 841.890;
constexpr double kMargin = 51;
constexpr double kBottom = kHeight - 56;
constexpr double kLine = 14.2;
constexpr double kColumn = 128;  // of amounts

struct Ink {
  double red, green, blue;
};
constexpr Ink kBlack = {0.10, 0.11, 0.13};
constexpr Ink kGrey = {0.42, 0.45, 0.50};
constexpr Ink kBand = {0.91, 0.93, 0.95};

enum class Side { kLeft, kRight };

cairo_status_t Append(void* out, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

// Draws top down; begins a page when one is full. Run once to count the pages, once to draw.
class Page {
 public:
  Page(cairo_t* cairo, int pages, std::string footer)
      : cairo_(cairo),
        layout_(pango_cairo_create_layout(cairo)),
        pages_(pages),
        footer_(std::move(footer)) {
    // Outlines as they are: no grid of a screen, so that every machine places the same.
    cairo_font_options_t* const options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(pango_layout_get_context(layout_), options);
    pango_cairo_context_set_resolution(pango_layout_get_context(layout_), 72);
    cairo_font_options_destroy(options);
  }
  ~Page() { g_object_unref(layout_); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  double y() const { return y_; }
  int number() const { return number_; }
  bool missing() const { return missing_; }
  void Down(double points) { y_ += points; }
  void Room(double points) {
    if (y_ + points <= kBottom) return;
    Finish();
    ++number_;
    y_ = kMargin;
  }
  // One line, cut with … where it has no more room.
  void Cut(double x, double width, const std::string& text, double size, Ink ink) {
    Set(text, size, false);
    pango_layout_set_width(layout_, static_cast<int>(width * PANGO_SCALE));
    pango_layout_set_ellipsize(layout_, PANGO_ELLIPSIZE_MIDDLE);
    Show(x, y_, ink);
    pango_layout_set_ellipsize(layout_, PANGO_ELLIPSIZE_NONE);
  }
  // One line that is never broken.
  void Text(double x, const std::string& text, double size, bool bold, Ink ink, Side side) {
    Set(text, size, bold);
    pango_layout_set_width(layout_, -1);
    int width = 0;
    pango_layout_get_size(layout_, &width, nullptr);
    Show(side == Side::kRight ? x - static_cast<double>(width) / PANGO_SCALE : x, y_, ink);
  }
  // A paragraph; goes down by its height.
  void Paragraph(double x, double width, const std::string& text, double size, bool bold, Ink ink) {
    Set(text, size, bold);
    pango_layout_set_width(layout_, static_cast<int>(width * PANGO_SCALE));
    pango_layout_set_wrap(layout_, PANGO_WRAP_WORD_CHAR);
    int height = 0;
    pango_layout_get_size(layout_, nullptr, &height);
    const double points = static_cast<double>(height) / PANGO_SCALE;
    Room(points);
    Show(x, y_, ink);
    Down(points + 2);
  }
  void Band(double height) {
    cairo_set_source_rgb(cairo_, kBand.red, kBand.green, kBand.blue);
    cairo_rectangle(cairo_, kMargin, y_ - 2, kWidth - 2 * kMargin, height);
    cairo_fill(cairo_);
  }
  void Rule(double y, double width) {
    cairo_set_source_rgb(cairo_, kGrey.red, kGrey.green, kGrey.blue);
    cairo_set_line_width(cairo_, width);
    cairo_move_to(cairo_, kMargin, y);
    cairo_line_to(cairo_, kWidth - kMargin, y);
    cairo_stroke(cairo_);
  }
  void Finish() {
    y_ = kHeight - 40;
    Cut(kMargin, kWidth - 2 * kMargin - 60, footer_, 8, kGrey);
    Text(kWidth - kMargin, std::to_string(number_) + " / " + std::to_string(pages_), 8, false,
         kGrey, Side::kRight);
    cairo_show_page(cairo_);
  }

 private:
  void Set(const std::string& text, double size, bool bold) {
    PangoFontDescription* const font = pango_font_description_from_string("NanumGothic");
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout_, font);
    pango_font_description_free(font);
    // Bytes that are no UTF-8 become U+FFFD here rather than a warning there.
    char* const valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
    pango_layout_set_text(layout_, valid, -1);
    g_free(valid);
    missing_ = missing_ || pango_layout_get_unknown_glyphs_count(layout_) > 0;
  }
  void Show(double x, double y, Ink ink) {
    cairo_set_source_rgb(cairo_, ink.red, ink.green, ink.blue);
    cairo_move_to(cairo_, x, y);
    pango_cairo_show_layout(cairo_, layout_);
  }

  cairo_t* const cairo_;
  PangoLayout* const layout_;
  const int pages_;
  const std::string footer_;
  double y_ = kMargin;
  int number_ = 1;
  bool missing_ = false;
};

void Draw(const StatementDocument& document, Page& page) {
  const double right = kWidth - kMargin;
  page.Paragraph(kMargin, right - kMargin, document.title, 19, true, kBlack);
  page.Down(8);
  page.Rule(page.y(), 1.2);
  page.Down(9);
  for (const auto& [label, text] : document.facts) {
    page.Room(kLine);
    page.Text(kMargin, label, 9.5, false, kGrey, Side::kLeft);
    page.Paragraph(kMargin + 110, right - kMargin - 110, text, 9.5, false, kBlack);
  }
  for (const StatementSection& section : document.sections) {
    page.Down(9);
    // A heading stays with the first rows below it.
    page.Room(kLine * 4);
    page.Band(kLine + 3);
    page.Text(kMargin + 5, section.title, 9.5, true, kBlack, Side::kLeft);
    const size_t columns = section.columns.size();
    const auto edge = [&](size_t i) {
      return right - 5 - kColumn * static_cast<double>(columns - 1 - i);
    };
    for (size_t i = 0; i < columns; ++i)
      page.Text(edge(i), section.columns[i].title, 9, false, kGrey, Side::kRight);
    page.Down(kLine + 4);
    for (const StatementRow& row : section.rows) {
      page.Room(kLine);
      const bool balance = row.kind == RowKind::kBalance;
      const bool part = row.kind == RowKind::kPart;
      if (balance && &row != &section.rows.front()) {
        page.Rule(page.y() + 0.6, 0.4);
        page.Down(2.8);
      }
      page.Text(kMargin + (part ? 20 : 5), row.label, part ? 8.5 : 9.5, balance,
                part ? kGrey : kBlack, Side::kLeft);
      for (size_t i = 0; i < columns; ++i) {
        page.Text(edge(i), AmountText(row.amounts[i], section.columns[i].asset == "won"),
                  part ? 8.5 : 9.5, balance, part ? kGrey : kBlack, Side::kRight);
      }
      page.Down(kLine);
    }
  }
  page.Down(10);
  for (const std::string& note : document.notes)
    page.Paragraph(kMargin, right - kMargin, "· " + note, 8.5, false, kGrey);
  page.Finish();
}

}  // namespace

StatusOr<std::string> PdfOf(const StatementDocument& document) {
  const std::string footer = document.partner_name + " · " + document.title;
  std::string bytes;
  int pages = 1;
  bool missing = false;
  cairo_status_t status = CAIRO_STATUS_SUCCESS;
  for (const bool counting : {true, false}) {
    bytes.clear();
    cairo_surface_t* const surface =
        cairo_pdf_surface_create_for_stream(Append, &bytes, kWidth, kHeight);
    cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_5);
    // Instants of the file are the period's end, not the clock's.
    const std::chrono::sys_time<std::chrono::seconds> end{
        std::chrono::seconds(document.end_micros / 1'000'000)};
    const auto day = std::chrono::floor<std::chrono::days>(end);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(end - day);
    char instant[64];
    std::snprintf(instant, sizeof instant, "%04d-%02u-%02uT%02d:%02d:%02dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, instant);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, instant);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, footer.c_str());
    cairo_t* const cairo = cairo_create(surface);
    {
      Page page(cairo, pages, footer);
      Draw(document, page);
      pages = page.number();
      missing = missing || page.missing();
    }
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (counting && pages == 1) break;  // drawn with the right number already
  }
  if (missing) {
    return FailedPrecondition(
        "font_missing", "no installed font has all signs of this statement; install fonts-nanum");
  }
  if (status != CAIRO_STATUS_SUCCESS)
    return Unavailable("pdf_failed", cairo_status_to_string(status));
  return bytes;
}

}  // namespace jangbu::services::outputs
