#pragma once

// An examination as a document: JSON with every figure, and HTML for people, in Korean or English.
//
// HTML is one file without scripts, fonts or links to elsewhere, under a policy that forbids them;
// every text that came from outside is escaped, so that a model's name cannot become markup.

#include <string>
#include <string_view>

#include "audit/provenance/dossier_reading.h"
#include "audit/provenance/examination.h"
#include "base/status.h"

namespace jangbu::audit {

enum class DossierLang : uint8_t { kKo, kEn };

// One line of JSON and a line feed. Equal examinations give equal bytes. Numbers have six
// significant digits.
std::string DossierJson(const Examination& examination);

// `json_sha256`: of the JSON this belongs to, in hexadecimal; `signed_by`: who signed it, or "".
std::string DossierHtml(const Examination& examination, DossierLang lang,
                        std::string_view json_sha256, std::string_view signed_by);

// The grounds of the verdict in words, one line each.
std::vector<std::string> GroundsInWords(const Verdict& verdict, DossierLang lang);
std::string AnswerInWords(Answer answer, DossierLang lang);
std::string FindingInWords(const Finding& finding, DossierLang lang);

}  // namespace jangbu::audit
