// A statement as an Excel workbook, by libxlsxwriter.

#include <xlsxwriter.h>

#include <cstring>
#include <ctime>
#include <fstream>

#include "services/outputs/statement_document.h"

namespace jangbu::services::outputs {

Status WriteXlsx(const StatementDocument& document, const std::string& path) {
  // The library would say so on standard error, and only at the end.
  if (!std::ofstream(path)) return InvalidArgument("path_unwritable", "\"" + path + "\"");
  lxw_workbook* const book = workbook_new(path.c_str());
  if (book == nullptr) return InvalidArgument("path_unwritable", "\"" + path + "\"");
  const auto format = [&](bool bold, uint8_t border_above) {
    lxw_format* const it = workbook_add_format(book);
    format_set_font_name(it, "Malgun Gothic");
    format_set_font_size(it, 10);
    if (bold) format_set_bold(it);
    if (border_above != LXW_BORDER_NONE) format_set_top(it, border_above);
    return it;
  };
  // A cell's look by what it is of.
  const auto number = [&](bool bold, uint8_t border, bool won) {
    lxw_format* const it = format(bold, border);
    format_set_num_format(it, won ? "\"₩\"#,##0;-\"₩\"#,##0" : "#,##0;-#,##0");
    format_set_align(it, LXW_ALIGN_RIGHT);
    return it;
  };
  lxw_format* const title = format(true, LXW_BORDER_NONE);
  format_set_font_size(title, 16);
  lxw_format* const plain = format(false, LXW_BORDER_NONE);
  lxw_format* const head = format(true, LXW_BORDER_NONE);
  format_set_bg_color(head, 0xE8EDF3);
  lxw_format* const head_right = format(true, LXW_BORDER_NONE);
  format_set_bg_color(head_right, 0xE8EDF3);
  format_set_align(head_right, LXW_ALIGN_RIGHT);
  lxw_format* const bold = format(true, LXW_BORDER_THIN);
  lxw_format* const part = format(false, LXW_BORDER_NONE);
  format_set_indent(part, 2);
  lxw_format* const wrapped = format(false, LXW_BORDER_NONE);
  format_set_text_wrap(wrapped);
  lxw_format* const numbers[2][2] = {
      {number(false, LXW_BORDER_NONE, false), number(false, LXW_BORDER_NONE, true)},
      {number(true, LXW_BORDER_THIN, false), number(true, LXW_BORDER_THIN, true)}};

  // Instants of the file are the period's end, not the clock's.
  lxw_doc_properties properties;
  std::memset(&properties, 0, sizeof properties);
  std::string name = document.title + ", " + document.partner_name;
  properties.title = name.data();
  properties.created = static_cast<time_t>(document.end_micros / 1'000'000);
  workbook_set_properties(book, &properties);

  lxw_worksheet* const sheet =
      workbook_add_worksheet(book, document.korean ? "명세서" : "Statement");
  worksheet_set_column(sheet, 0, 0, 38, nullptr);
  worksheet_set_column(sheet, 1, 2, 24, nullptr);
  worksheet_set_paper(sheet, 9);  // A4
  worksheet_fit_to_pages(sheet, 1, 0);
  worksheet_set_landscape(sheet);
  worksheet_set_portrait(sheet);
  lxw_row_t row = 0;
  // Always as strings: nothing that a partner is called becomes a formula.
  const auto text = [&](lxw_col_t column, const std::string& words, lxw_format* look) {
    worksheet_write_string(sheet, row, column, words.c_str(), look);
  };
  text(0, document.title, title);
  row += 2;
  for (const auto& [label, words] : document.facts) {
    text(0, label, plain);
    text(1, words, plain);
    ++row;
  }
  for (const StatementSection& section : document.sections) {
    ++row;
    text(0, section.title, head);
    for (size_t i = 0; i < section.columns.size(); ++i)
      text(static_cast<lxw_col_t>(i + 1), section.columns[i].title, head_right);
    ++row;
    for (const StatementRow& line : section.rows) {
      const bool balance = line.kind == RowKind::kBalance;
      text(0, line.label, balance ? bold : line.kind == RowKind::kPart ? part : plain);
      for (size_t i = 0; i < section.columns.size(); ++i) {
        const bool won = section.columns[i].asset == "won";
        lxw_format* const look = numbers[balance ? 1 : 0][won ? 1 : 0];
        const auto column = static_cast<lxw_col_t>(i + 1);
        // A spreadsheet's numbers are doubles: what they cannot hold exactly is written as text.
        const int64_t exact = int64_t{1} << 53;
        if (line.amounts[i] > exact || line.amounts[i] < -exact) {
          text(column, AmountText(line.amounts[i], won), look);
        } else {
          worksheet_write_number(sheet, row, column, static_cast<double>(line.amounts[i]), look);
        }
      }
      ++row;
    }
  }
  ++row;
  for (const std::string& note : document.notes) {
    worksheet_merge_range(sheet, row, 0, row, 2, note.c_str(), wrapped);
    ++row;
  }
  const lxw_error error = workbook_close(book);
  if (error != LXW_NO_ERROR)
    return InvalidArgument("path_unwritable", "\"" + path + "\": " + lxw_strerror(error));
  return OkStatus();
}

}  // namespace jangbu::services::outputs
