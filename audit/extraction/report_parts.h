#pragma once

// What the forms of a report are made of: its words in both languages, and text and numbers as both
// JSON and HTML write them. Of report.cc and report_json.cc alone.

#include <array>
#include <string>
#include <string_view>

#include "audit/extraction/report.h"

namespace jangbu::audit {

struct Words {
  const char *lang, *title, *made, *verdict, *summary, *partner, *frame, *drawn, *hits, *rate,
      *upper, *upper_alone, *near, *runs, *documents, *control, *overall, *difference, *power,
      *cells, *cell, *copies, *source_type, *length, *before, *probability, *longest, *findings,
      *prompt, *truth, *output, *limits, *limits_text, *no_control, *none_found, *found,
      *unanswered, *asked, *failed, *model, *plan, *seed, *attribution, *holders, *na, *more,
      *at_least, *within_quota, *agree, *upto, *bounds_note, *origins, *origin, *match,
      *synthetic_only, *left_out, *anywhere, *allowed, *wording, *reason, *by, *approved, *answers,
      *holders_n, *allowed_note, *canaries, *canary, *canary_copies, *rank, *exposure, *extracted,
      *canary_note, *chance, *unplaced, *withdrawn, *comparison, *then, *now, *upper_then,
      *upper_now, *change, *judgement, *unlike, *only_then, *only_now, *comparison_note, *not_above,
      *failures, *power_of, *power_is, *source, *elsewhere, *run, *run_unit;
  std::array<const char*, 4> origin_names;
  std::array<const char*, 5> match_names;
  std::array<const char*, 3> directions;   // more, less, within chance
  std::array<const char*, 4> class_names;  // by MatchClass; "" for none
};
const Words& WordsIn(ReportLanguage language);

// `text`, with U+FFFD for bytes that are no UTF-8.
std::string ValidText(std::string_view text);
// A number in at most eight digits.
std::string NumberText(double v);

}  // namespace jangbu::audit
