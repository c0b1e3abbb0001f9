#include "services/cli/reason_words.h"

#include "ingest/extract/reasons.h"
#include "services/cli/display.h"

namespace jangbu::services::cli {

std::string RejectionWords(Lang lang, std::string_view reason) {
  if (reason == "personal_data") {
    return std::string(reason) + ": " + std::string(Text(lang, Msg::kReasonPersonalData));
  }
  if (reason.starts_with("quality_")) {
    return ForTerminal(reason) + ": " + std::string(Text(lang, Msg::kReasonQuality));
  }
  const auto known = ingest::ReasonOfCode(reason);
  if (!known) return ForTerminal(reason);
  const ingest::ReasonInfo& info = ingest::InfoOf(*known);
  std::string out(reason);
  out.append(": ").append(lang == Lang::kKo ? info.korean : info.english);
  const std::string_view advice = lang == Lang::kKo ? info.korean_advice : info.english_advice;
  if (!advice.empty()) out.append(" ").append(advice);
  return out;
}

}  // namespace jangbu::services::cli
