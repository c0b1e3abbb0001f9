// CSV of banks and gateways: never crashes, and what was read, written with every cell quoted,
// reads as the same cells. An amount that was read reads as itself when it is written plainly.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "services/outputs/csv_reader.h"
#include "services/outputs/reconciliation.h"

namespace {

using namespace jangbu::services::outputs;

void WriteQuoted(const CsvRow& row, std::string& out) {
  for (size_t i = 0; i < row.cells.size(); ++i) {
    out += i == 0 ? "\"" : ",\"";
    for (const char c : row.cells[i]) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    out += '"';
  }
  out += "\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto table = ReadCsv(bytes);
  if (!table.ok()) return 0;
  std::string text;
  WriteQuoted(table->titles, text);
  for (const CsvRow& row : table->rows) WriteQuoted(row, text);
  const auto again = ReadCsv(text);
  JANGBU_CHECK(again.ok());
  JANGBU_CHECK(again->titles.cells == table->titles.cells);
  JANGBU_CHECK(again->rows.size() == table->rows.size());
  for (size_t i = 0; i < table->rows.size(); ++i) {
    JANGBU_CHECK(again->rows[i].cells == table->rows[i].cells);
    for (const std::string& cell : table->rows[i].cells) {
      const auto amount = ReadAmount(cell);
      if (amount.ok()) JANGBU_CHECK(*ReadAmount(std::to_string(*amount)) == *amount);
    }
  }
  const auto result = ReconcileBank(
      bytes, {{"2026-05", "gaon", "paid", "B1", 500}, {"2026-05", "hani", "failed", "B2", 300}});
  if (result.ok()) JANGBU_CHECK(result->rows == table->rows.size());
  (void)ReadMeter(bytes, "");
  return 0;
}
