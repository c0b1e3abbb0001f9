#pragma once

// The report of an audit, as JSON and as one HTML page that needs nothing else and does nothing: no
// script, no link, a policy that forbids loading, every text escaped, invisible and direction-
// changing characters spelled out.

#include <string>
#include <string_view>

#include "audit/extraction/figures.h"

namespace jangbu::audit {

enum class ReportLanguage { kKorean, kEnglish };

struct ReportHead {
  std::string title;    // chosen by who made it
  std::string made_at;  // "2026-11-25 14:00 KST", as told
};

// The same figures give the same bytes. Ends in a line feed.
std::string ReportJson(const AuditFigures& figures, const ReportHead& head);
std::string ReportHtml(const AuditFigures& figures, const ReportHead& head,
                       ReportLanguage language);

// What is signed: names of everything the report stands on.
//
//   statement = "jangbu-audit/1" LF "plan" SP hex LF "record" SP hex LF ["allow-list" SP hex LF]
//               "json" SP hex LF "html-ko" SP hex LF "html-en" SP hex LF
//
// `allow_list`: hexadecimal SHA-256 of the file of the allow-list, "" without one.
std::string ReportStatement(std::string_view plan, std::string_view record,
                            std::string_view allow_list, std::string_view json,
                            std::string_view html_ko, std::string_view html_en);

// The names in a statement, which may have the signatures of a note after it: hexadecimal.
struct StatementNames {
  std::string plan, record, allow_list, json, html_ko, html_en;
};
// InvalidArgument("bad_statement") for anything that ReportStatement does not write.
StatusOr<StatementNames> ReadStatement(std::string_view bytes);

// `text` for HTML: markup escaped; C0, C1, bidi controls, zero-width characters and line separators
// as visible ‹U+202E›. Line feeds become <br>. Never fails: bytes that are no UTF-8 become U+FFFD.
std::string InertHtml(std::string_view text);

// A rate with its digits, "0.0998 %".
std::string PercentText(double rate);

}  // namespace jangbu::audit
