#pragma once

// A partner's statement of a month as a reader sees it: sections that open, move and close, in
// Korean or English. Made from the server's answer (jangbu.v1.GetStatementResponse); text, CSV,
// XLSX and PDF are drawn from this and from nothing else, so they say the same.
//
// A section is the sum of some accounts. What moves between two of them cancels out; what is left
// is grouped by what it was. Every section adds up or the document is not made:
// DataLoss("statement_does_not_add_up").

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "jangbu/v1/finance.pb.h"

namespace jangbu::services::outputs {

enum class RowKind : uint8_t {
  kMovement,
  kBalance,  // opening, closing, a total
  kPart,     // of the balance above
};

struct StatementRow {
  std::string code;  // stable: "opening", "used", "closing.reserved"
  std::string label;
  RowKind kind = RowKind::kMovement;
  std::vector<int64_t> amounts;  // one a column of the section
};

struct StatementColumn {
  std::string asset;  // korean_tokens, korean_words, api_tokens, won; "" of a section of text
  std::string title;
};

struct StatementSection {
  std::string code;  // stable: "entitlement"
  std::string title;
  std::vector<StatementColumn> columns;
  std::vector<StatementRow> rows;
};

struct StatementDocument {
  bool korean = true;
  std::string title;
  std::string partner_id;
  std::string partner_name;
  std::string period;
  int64_t end_micros = 0;  // the period's end: the only instant in it
  std::vector<std::pair<std::string, std::string>> facts;  // label, text
  std::vector<StatementSection> sections;
  std::vector<std::string> notes;
};

StatusOr<StatementDocument> DocumentOf(const v1::GetStatementResponse& statement, bool korean);

// "1,234,567", "-₩1,234": grouped, the sign before the won sign, no place to break a line.
std::string AmountText(int64_t amount, bool won);

// RFC 4180 with a byte order mark, so that Excel reads it as UTF-8; rows of section, code, item,
// unit, amount. A text that a spreadsheet would take for a formula (= + - @, their wide twins, tab,
// carriage return) gets an apostrophe before it; amounts are plain integers.
std::string CsvOf(const StatementDocument& document);
// One cell, quoted when it must be.
std::string CsvCell(std::string_view text);

// The bytes depend on the document alone. InvalidArgument("path_unwritable").
Status WriteXlsx(const StatementDocument& document, const std::string& path);
// The bytes depend on the document and on the installed font alone. A4, text with embedded fonts.
// FailedPrecondition("font_missing") when no font has the signs needed (Debian: fonts-nanum).
StatusOr<std::string> PdfOf(const StatementDocument& document);

}  // namespace jangbu::services::outputs
