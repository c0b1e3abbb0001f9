// Training logs: what is read, written as CSV, reads the same; every line is a row or a bad line;
// every finding has a code; whatever is refused says why with a reason code.

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "audit/provenance/evidence.h"
#include "audit/provenance/training_log.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu;         // NOLINT
  using namespace jangbu::audit;  // NOLINT
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto log = ReadTrainingLog("fuzz", bytes);
  if (!log.ok()) {
    JANGBU_CHECK(!ReasonOf(log.status()).empty());
    return 0;
  }
  JANGBU_CHECK(!log->rows.empty() && log->bad.size() <= log->bad_lines);
  const auto again = ReadTrainingLog("again", EncodeTrainingLog(*log));
  JANGBU_CHECK(again.ok());
  JANGBU_CHECK(again->rows.size() == log->rows.size() && again->bad_lines == 0);
  for (size_t i = 0; i < log->rows.size(); ++i) {
    JANGBU_CHECK(again->rows[i].step == log->rows[i].step);
    JANGBU_CHECK(again->rows[i].loss == log->rows[i].loss);
    JANGBU_CHECK(again->rows[i].learning_rate == log->rows[i].learning_rate);
  }
  const LogFigures figures = ExamineLog(*log, 4096);
  JANGBU_CHECK(figures.first_step <= figures.last_step);
  for (const Finding& finding : figures.findings) JANGBU_CHECK(!finding.code.empty());
  JANGBU_CHECK(CompareLogs(*log, *again).code != "logs_disagree" || figures.rows > 1);
  return 0;
}
