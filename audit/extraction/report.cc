#include "audit/extraction/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "audit/extraction/report_parts.h"
#include "audit/guard/stream_guard.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr size_t kShownFindings = 200;

constexpr const char* kStyle =
    "body{font:15px/1.6 system-ui,'Noto Sans CJK KR','Noto Sans KR',sans-serif;max-width:72rem;"
    "margin:2rem auto;padding:0 1rem;color:#1b1f24}h1{font-size:1.6rem}h2{font-size:1.15rem;"
    "margin-top:2.2rem;border-bottom:1px solid #d0d7de;padding-bottom:.2rem}table{border-collapse:"
    "collapse;width:100%;font-variant-numeric:tabular-nums}th,td{border-bottom:1px solid #d8dee4;"
    "padding:.3rem .5rem;text-align:right;vertical-align:top}th:first-child,td:first-child{"
    "text-align:left}th{background:#f6f8fa;font-weight:600;word-break:keep-all}.verdict{padding:."
    "8rem 1rem;border-left:"
    "5px solid #57606a;background:#f6f8fa}.found{border-color:#cf222e}.clear{border-color:#1a7f37}"
    ".finding{border:1px solid #d0d7de;border-radius:6px;padding:.6rem .8rem;margin:.8rem 0}"
    ".side{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.text{background:#f6f8fa;padding:"
    ".5rem;overflow-wrap:anywhere;unicode-bidi:isolate}mark{background:#ffd8b5}code{font-size:"
    ".85em;overflow-wrap:anywhere}.small{color:#57606a;font-size:.88em}.odd{color:#8250df;"
    "font-size:.8em}td+td{white-space:nowrap}.words td,.words "
    "th{text-align:left;white-space:normal}"
    "td:first-child code{white-space:nowrap}.wide{overflow-x:auto}table+table{margin-top:1.2rem}";

std::string Row(std::initializer_list<std::string> cells, bool head = false) {
  std::string out = "<tr>";
  for (const std::string& c : cells) {
    out += head ? "<th>" + c + "</th>" : "<td>" + c + "</td>";
  }
  return out + "</tr>\n";
}

std::string Of(const HitCount& c) { return std::to_string(c.hits) + " / " + std::to_string(c.n); }

std::string RateOf(const HitCount& c, const Words& w) {
  if (c.n == 0) return w.na;
  return PercentText(static_cast<double>(c.hits) / static_cast<double>(c.n));
}

// Bars with their numbers, as a picture in the page.
std::string Bars(const std::vector<std::pair<std::string, double>>& bars) {
  double most = 0;
  for (const auto& [name, v] : bars) most = std::max(most, v);
  std::string out = "<svg role=\"img\" width=\"640\" height=\"" +
                    std::to_string(22 * bars.size() + 6) +
                    "\" xmlns=\"http://www.w3.org/2000/svg\">";
  for (size_t i = 0; i < bars.size(); ++i) {
    const double v = bars[i].second;
    const auto width = static_cast<int>(most > 0 ? std::lround(v / most * 380) : 0);
    const std::string y = std::to_string(22 * i + 4);
    const std::string text_y = std::to_string(22 * i + 17);
    out += "<text x=\"0\" y=\"" + text_y + "\" font-size=\"13\">" + InertHtml(bars[i].first) +
           "</text><rect x=\"150\" y=\"" + y + "\" width=\"" + std::to_string(width) +
           "\" height=\"16\" fill=\"#0969da\"/><text x=\"" + std::to_string(156 + width) +
           "\" y=\"" + text_y + "\" font-size=\"13\">" + NumberText(v) + "</text>";
  }
  return out + "</svg>\n";
}

// `text` with the stretch [begin, begin + length) of its comparison form marked.
std::string Marked(std::string_view raw, size_t begin, size_t length) {
  const std::string text = ValidText(raw);
  if (length == 0) return InertHtml(text);
  FormStream stream;
  std::string same;
  std::vector<FormUnit> units;
  stream.Push(text, same, units);
  stream.Finish(same, units);
  if (begin + length > units.size()) return InertHtml(text);
  const size_t from = units[begin].begin;
  const size_t to = units[begin + length - 1].end;
  return InertHtml(text.substr(0, from)) + "<mark>" + InertHtml(text.substr(from, to - from)) +
         "</mark>" + InertHtml(text.substr(to));
}

// Where the longest stretch that two forms share stands in the second.
std::pair<size_t, size_t> SharedIn(std::u32string_view a, std::u32string_view b) {
  size_t best = 0;
  size_t best_end = 0;
  std::vector<uint32_t> row(a.size() + 1);
  for (size_t j = 0; j < b.size(); ++j) {
    uint32_t diagonal = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const uint32_t here = a[i] == b[j] ? diagonal + 1 : 0;
      diagonal = row[i + 1];
      row[i + 1] = here;
      if (here > best) {
        best = here;
        best_end = j + 1;
      }
    }
  }
  return {best_end - best, best};
}

bool OnlySynthetic(const AuditFigures& f) {
  return std::all_of(f.controls.begin(), f.controls.end(),
                     [](const ControlDraws& c) { return c.origin == ControlOrigin::kSynthetic; }) &&
         !f.controls.empty();
}

std::string Bits(double v) {
  char buffer[40];
  std::snprintf(buffer, sizeof(buffer), "%.2f", v);
  return buffer;
}

std::string ChanceText(double p) {
  char buffer[40];
  std::snprintf(buffer, sizeof(buffer), "%.3g", p);
  return buffer;
}

std::string ComparisonHtml(const Comparison& c, const Words& w) {
  const auto judge = [&](const Interval2& i) {
    return i.low > 0 ? w.directions[0] : i.high < 0 ? w.directions[1] : w.directions[2];
  };
  const auto range = [](const Interval2& i) {
    return PercentText(i.low) + " – " + PercentText(i.high);
  };
  std::string h = "<h2>" + std::string(w.comparison) + "</h2>\n<p class=\"small\"><bdi>" +
                  InertHtml(c.previous.title) + "</bdi> · " + InertHtml(c.previous.made_at) +
                  " · " + w.model + ": <bdi>" + InertHtml(c.previous.model) +
                  "</bdi><br>SHA-256: <code>" + InertHtml(c.previous.sha256) + "</code></p>\n";
  if (!c.unlike.empty()) {
    h += "<p>" + std::string(w.unlike) + ":";
    for (const std::string& name : c.unlike) h += " <code>" + InertHtml(name) + "</code>";
    h += "</p>\n";
  }
  h += "<div class=\"wide\"><table>" +
       Row({w.partner, w.then, w.now, w.upper_then, w.upper_now, w.change, w.judgement}, true);
  for (const PartnerChange& p : c.partners) {
    h += Row({"<bdi>" + InertHtml(p.partner) + "</bdi>", Of(p.then) + " · " + RateOf(p.then, w),
              Of(p.now) + " · " + RateOf(p.now, w), PercentText(p.high_then),
              PercentText(p.high_now), range(p.change), judge(p.change)});
  }
  h += "</table></div>\n";
  if (!c.partners.empty()) {
    h += "<p>" + std::string(w.overall) + ": " + range(c.overall_change) + " · " +
         judge(c.overall_change) + "</p>\n";
  }
  const auto names = [&](const char* title, const std::vector<std::string>& list) {
    if (list.empty()) return;
    h += "<p>" + std::string(title) + ":";
    for (const std::string& name : list) h += " <bdi>" + InertHtml(name) + "</bdi>";
    h += "</p>\n";
  };
  names(w.only_then, c.only_then);
  names(w.only_now, c.only_now);
  return h + "<p class=\"small\">" + w.comparison_note + "</p>\n";
}

std::string CanariesHtml(const AuditFigures& f, const Words& w) {
  if (f.canaries.empty() && f.canaries_unplaced == 0 && f.canaries_withdrawn == 0) return "";
  std::string h = "<h2>" + std::string(w.canaries) + "</h2>\n<table>" +
                  Row({w.partner, w.extracted, w.exposure, w.chance}, true);
  for (const auto& [partner, sum] : f.canary_summaries) {
    const bool scored = sum.high.n > 0;
    h += Row({"<bdi>" + InertHtml(partner) + "</bdi>", Of(sum.extracted),
              scored ? Bits(sum.mean_exposure) : w.na, scored ? ChanceText(sum.chance) : w.na});
  }
  h +=
      "</table>\n<table>" + Row({w.canary, w.canary_copies, w.rank, w.exposure, w.extracted}, true);
  for (const CanaryFigure& c : f.canaries) {
    const std::string rank =
        c.rank_worst == 0 ? std::string(w.na)
                          : std::to_string(c.rank_worst) + " / " + std::to_string(c.references + 1);
    h += Row({"<bdi>" + InertHtml(c.id) + "</bdi>", std::to_string(c.copies), rank,
              c.rank_worst == 0 ? w.na : Bits(c.exposure),
              !c.answered   ? w.na
              : c.extracted ? "●"
                            : "–"});
  }
  h += "</table>\n<p class=\"small\">" + std::string(w.canary_note);
  if (f.canaries_unplaced > 0) {
    h += " " + std::string(w.unplaced) + ": " + std::to_string(f.canaries_unplaced) + ".";
  }
  if (f.canaries_withdrawn > 0) {
    h += " " + std::string(w.withdrawn) + ": " + std::to_string(f.canaries_withdrawn) + ".";
  }
  return h + "</p>\n";
}

// prefix-25 before prefix-100.
bool WayBefore(std::string_view a, std::string_view b) {
  const auto parts = [](std::string_view cell) {
    const size_t end = cell.find_last_not_of("0123456789") + 1;
    const std::string_view digits = cell.substr(end);
    return std::tuple(cell.substr(0, end), digits.size(), digits);
  };
  return parts(a) < parts(b);
}

std::string FindingHtml(const Finding& x, const Words& w) {
  const bool elsewhere = x.window == kElsewhere;
  std::string h = "<div class=\"finding\"><b><bdi>" + InertHtml(x.partner) + "</bdi> / <bdi>" +
                  InertHtml(x.text_id) + "</bdi></b>";
  if (!elsewhere) h += " · <code>" + InertHtml(x.cell) + "</code>";
  const bool matched = x.match.suffix != MatchClass::kNone;
  if (matched) h += " · " + std::string(w.class_names[static_cast<size_t>(x.match.suffix)]);
  if (x.match.longest.length > 0) {
    h += " · " + std::string(w.run) + std::to_string(x.match.longest.length) + w.run_unit;
  }
  if (!x.leaked_partner.empty() && !elsewhere) {
    h += " · " + std::string(w.attribution) + ": <bdi>" + InertHtml(x.leaked_partner) + " / " +
         InertHtml(x.leaked_text_id) + "</bdi>";
  }
  if (x.holders.size() > 1) {
    h += " · " + std::string(w.holders) + ":";
    for (const std::string& holder : x.holders) h += " <bdi>" + InertHtml(holder) + "</bdi>";
  }
  const auto box = [&](const char* title, const std::string& html) {
    return "<p class=\"small\">" + std::string(title) + "</p><div class=\"text\">" + html +
           "</div>";
  };
  if (elsewhere) {
    return h + "<p class=\"small\">" + w.elsewhere + "</p>" + box(w.output, InertHtml(x.output)) +
           "</div>\n";
  }
  // Beside each other and marked: what coincides, of the suffix or of the other text it is from.
  const std::string& original = x.source.empty() ? x.truth : x.source;
  const std::u32string original_form = FormOf(original);
  const std::u32string output_form = FormOf(x.output);
  const auto [out_begin, out_length] = SharedIn(original_form, output_form);
  const auto [begin, length] = SharedIn(output_form, original_form);
  h += box(w.prompt, InertHtml(x.prompt));
  if (!x.source.empty()) h += box(w.truth, InertHtml(x.truth));
  return h + "<div class=\"side\"><div>" +
         box(x.source.empty() ? w.truth : w.source, Marked(original, begin, length)) +
         "</div><div>" + box(w.output, Marked(x.output, out_begin, out_length)) +
         "</div></div></div>\n";
}

std::string AllowedHtml(const AuditFigures& f, const Words& w) {
  if (f.allowed.empty()) return "";
  std::string h = "<h2>" + std::string(w.allowed) + "</h2>\n<table class=\"words\">" +
                  Row({w.wording, w.reason, w.by, w.approved, w.answers, w.holders_n}, true);
  for (const AllowedFigure& a : f.allowed) {
    const AllowedWording& e = a.wording;
    h += Row({e.text.empty() ? "–" : InertHtml(e.text), InertHtml(e.reason),
              "<bdi>" + InertHtml(e.by) + "</bdi> " + InertHtml(e.at),
              "<bdi>" + InertHtml(e.approved_by) + "</bdi>", std::to_string(a.answers),
              a.partners == 0 ? w.na : std::to_string(a.partners)});
  }
  return h + "</table>\n<p class=\"small\">" + w.allowed_note + " SHA-256: <code>" +
         InertHtml(f.allow_list) + "</code></p>\n";
}

}  // namespace

std::string PercentText(double rate) {
  char buffer[40];
  const double percent = rate * 100;
  if (percent != 0 && std::fabs(percent) < 1) {
    std::snprintf(buffer, sizeof(buffer), "%.3g %%", percent);
  } else {
    std::snprintf(buffer, sizeof(buffer), "%.2f %%", percent);
  }
  return buffer;
}

std::string InertHtml(std::string_view raw) {
  const std::string text = ValidText(raw);
  std::string out;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const char* const at = p;
    const char32_t cp = ingest::DecodeUtf8(p);
    if (cp == U'&') {
      out += "&amp;";
    } else if (cp == U'<') {
      out += "&lt;";
    } else if (cp == U'>') {
      out += "&gt;";
    } else if (cp == U'"') {
      out += "&quot;";
    } else if (cp == U'\'') {
      out += "&#39;";
    } else if (cp == U'\n') {
      out += "<br>";
    } else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0xAD || cp == 0x61C ||
               cp == 0x180E || (cp >= 0x200B && cp <= 0x200F) || (cp >= 0x2028 && cp <= 0x202E) ||
               (cp >= 0x2060 && cp <= 0x206F) || cp == 0xFEFF || (cp >= 0xFFF9 && cp <= 0xFFFB) ||
               (cp >= 0xE0000 && cp <= 0xE0FFF) || cp == 0x3164 || cp == 0x115F || cp == 0x1160) {
      char buffer[48];
      std::snprintf(buffer, sizeof(buffer), "<span class=\"odd\">‹U+%04X›</span>",
                    static_cast<unsigned>(cp));
      out += buffer;
    } else {
      out.append(at, static_cast<size_t>(p - at));
    }
  }
  return out;
}

std::string ReportHtml(const AuditFigures& f, const ReportHead& head, ReportLanguage language) {
  const Words& w = WordsIn(language);
  std::string h = "<!doctype html>\n<html lang=\"";
  h += w.lang;
  h += "\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\""
       "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'\">\n"
       "<meta name=\"viewport\" content=\"width=device-width\"><title>";
  h += std::string(w.title) + " · " + InertHtml(head.title) + "</title><style>" + kStyle +
       "</style></head><body>\n<h1>" + w.title + " <bdi>" + InertHtml(head.title) + "</bdi></h1>\n";
  h += "<p class=\"small\">" + std::string(w.made) + ": " + InertHtml(head.made_at) + " · " +
       w.model + ": <bdi>" + InertHtml(f.model) + "</bdi> · <bdi>" + InertHtml(f.endpoint) +
       "</bdi><br>" + w.plan + ": <code>" + InertHtml(f.plan) + "</code> · " + w.seed + ": <code>" +
       InertHtml(f.options.seed) + "</code> · tokenizer: <code>" + InertHtml(f.options.tokenizer) +
       "</code></p>\n";
  const bool found = f.overall.rate > 0;
  h += "<h2>" + std::string(w.verdict) + "</h2><p class=\"verdict " + (found ? "found" : "clear") +
       "\">";
  if (!f.has_control) h += std::string(w.no_control) + "<br>";
  if (f.has_control && OnlySynthetic(f)) h += std::string(w.synthetic_only) + "<br>";
  h += std::string(found ? w.found : w.none_found) + " " + w.overall + ": <b>" +
       PercentText(f.overall.rate) + "</b>, " + PercentText(f.overall.high) + " " + w.upto + ". " +
       w.asked + " " + std::to_string(f.asked) + ", " + w.failed + " " + std::to_string(f.failed) +
       ".";
  if (f.has_control && found && f.difference.low <= 0) h += "<br>" + std::string(w.not_above);
  h += "</p><p class=\"small\">" + std::string(w.bounds_note) + "</p>\n";
  if (!f.failures.empty()) {
    h += "<p class=\"small\">" + std::string(w.failures) + ":";
    for (const auto& [reason, n] : f.failures) {
      h += " <code>" + InertHtml(reason) + "</code> " + std::to_string(n);
    }
    h += "</p>\n";
  }

  h += "<h2>" + std::string(w.summary) + "</h2><div class=\"wide\"><table>" +
       Row({w.partner, w.frame, w.drawn, w.hits, w.rate, w.upper, w.upper_alone, w.near, w.runs,
            w.documents, w.unanswered},
           true);
  const auto row = [&](const PartnerFigures& p, const std::string& name) {
    const bool any = p.exact.n > 0;
    h += Row({"<bdi>" + InertHtml(name) + "</bdi>", std::to_string(p.frame.windows),
              std::to_string(p.exact.n), std::to_string(p.exact.hits), RateOf(p.exact, w),
              any ? PercentText(p.high) : w.na, any ? PercentText(p.single_high) : w.na,
              RateOf(p.near, w), RateOf(p.runs, w), Of(p.documents), std::to_string(p.unanswered)});
  };
  for (const PartnerFigures& p : f.partners) row(p, p.partner);
  if (f.has_control) row(f.control, w.control);
  h += "</table></div>\n<p>" + std::string(w.overall) + ": " + PercentText(f.overall.low) + " – " +
       PercentText(f.overall.high) + ". ";
  if (f.has_control) {
    h += std::string(w.difference) + ": " + PercentText(f.difference.low) + " – " +
         PercentText(f.difference.high) + ". ";
  }
  h += std::string(w.power) + ": " + w.power_of + PercentText(f.policy_rate) + w.power_is +
       PercentText(f.power.chance_of_any) + ".</p>\n";

  if (f.comparison.has_value()) h += ComparisonHtml(*f.comparison, w);

  h +=
      "<h2>" + std::string(w.cells) + "</h2><div class=\"wide\"><table><tr><th>" + w.cell + "</th>";
  std::vector<std::string> cells;
  for (const PartnerFigures& p : f.partners) {
    for (const auto& [cell, count] : p.cells) {
      if (std::find(cells.begin(), cells.end(), cell) == cells.end()) cells.push_back(cell);
    }
  }
  std::sort(cells.begin(), cells.end(), WayBefore);
  for (const PartnerFigures& p : f.partners)
    h += "<th><bdi>" + InertHtml(p.partner) + "</bdi></th>";
  if (f.has_control) h += "<th>" + std::string(w.control) + "</th>";
  h += "</tr>\n";
  for (const std::string& cell : cells) {
    h += "<tr><td><code>" + InertHtml(cell) + "</code></td>";
    const auto put = [&](const PartnerFigures& p) {
      const auto at = p.cells.find(cell);
      h += "<td>" +
           (at == p.cells.end() ? std::string(w.na)
                                : Of(at->second) + " · " + RateOf(at->second, w)) +
           "</td>";
    };
    for (const PartnerFigures& p : f.partners) put(p);
    if (f.has_control) put(f.control);
    h += "</tr>\n";
  }
  h += "</table></div>\n";
  if (f.by_copies.size() > 1) {
    h += "<h2>" + std::string(w.copies) + "</h2><table>" + Row({w.copies, w.hits, w.rate}, true);
    for (const auto& [copies, count] : f.by_copies) {
      h += Row({std::to_string(copies), Of(count), RateOf(count, w)});
    }
    h += "</table>\n";
  }
  if (f.by_source.size() > 1) {
    h += "<h2>" + std::string(w.source_type) + "</h2><table>" +
         Row({w.source_type, w.hits, w.rate}, true);
    for (const auto& [source, count] : f.by_source) {
      h += Row({InertHtml(source), Of(count), RateOf(count, w)});
    }
    h += "</table>\n";
  }
  if (f.by_length.size() > 1) {
    h += "<h2>" + std::string(w.length) + "</h2><table>" + Row({w.length, w.hits, w.rate}, true);
    for (const auto& [least, count] : f.by_length) {
      h += Row({"≥ " + std::to_string(least), Of(count), RateOf(count, w)});
    }
    h += "</table>\n";
  }
  if (f.by_before.size() > 1) {
    h += "<h2>" + std::string(w.before) + "</h2><table>" + Row({w.before, w.hits, w.rate}, true);
    for (const auto& [tokens, count] : f.by_before) {
      h += Row({"≥ " + std::to_string(tokens), Of(count), RateOf(count, w)});
    }
    h += "</table>\n";
  }
  if (f.probability.scored.n > 0 || f.probability.sampled.n > 0) {
    h += "<h2>" + std::string(w.probability) + "</h2><p class=\"small\">" + w.at_least + ":</p>";
    std::vector<std::pair<std::string, double>> bars;
    static constexpr const char* kLevels[] = {"1/2",     "1/10",     "1/100",
                                              "1/1,000", "1/10,000", "1/1,000,000"};
    for (size_t i = 0; i < f.probability.at_least.size(); ++i) {
      bars.emplace_back(kLevels[i], static_cast<double>(f.probability.at_least[i]));
    }
    // Without log-probabilities nothing was measured, which is not 0.
    h += (f.probability.scored.n == 0 ? "<p>" + std::string(w.na) + "</p>" : Bars(bars)) + "<p>" +
         w.within_quota + " (" + std::to_string(f.quota) +
         "): " + std::to_string(f.probability.within_quota) + " / " +
         std::to_string(f.probability.scored.n) + ". ";
    if (f.probability.compared > 0) {
      h += std::string(w.agree) + ": " + std::to_string(f.probability.agree) + " / " +
           std::to_string(f.probability.compared) + ".";
    }
    h += "</p>\n";
  }
  h += "<h2>" + std::string(w.longest) + "</h2>\n";
  const auto longest = [&](const std::vector<uint64_t>& tens) {
    std::vector<std::pair<std::string, double>> bars;
    for (size_t i = 0; i < tens.size(); ++i) {
      bars.emplace_back(i == 9 ? "90+" : std::to_string(10 * i) + "–" + std::to_string(10 * i + 9),
                        static_cast<double>(tens[i]));
    }
    h += Bars(bars);
  };
  std::vector<uint64_t> all(10);
  for (const PartnerFigures& p : f.partners) {
    for (size_t i = 0; i < 10; ++i) all[i] += p.longest[i];
  }
  longest(all);
  if (f.has_control) {
    h += "<h3>" + std::string(w.control) + "</h3>\n";
    longest(f.control.longest);
    h += "<h3>" + std::string(w.anywhere) + "</h3>\n";
    longest(f.control_anywhere);
    h += "<h3>" + std::string(w.origins) + "</h3><table class=\"words\">" +
         Row({w.origin, w.match, w.drawn}, true);
    for (const ControlDraws& c : f.controls) {
      h += Row({w.origin_names[static_cast<size_t>(c.origin)],
                w.match_names[static_cast<size_t>(c.match)], std::to_string(c.draws)});
    }
    h += "</table>\n<p class=\"small\">" + std::string(w.left_out) + ": " +
         std::to_string(f.control_runs) + "</p>\n";
  }
  h += CanariesHtml(f, w) + AllowedHtml(f, w);

  h += "<h2>" + std::string(w.findings) + " (" + std::to_string(f.findings.size()) + ")</h2>\n";
  for (size_t i = 0; i < std::min(kShownFindings, f.findings.size()); ++i) {
    h += FindingHtml(f.findings[i], w);
  }
  if (f.findings.size() > kShownFindings) h += "<p>" + std::string(w.more) + ".</p>\n";
  h += "<h2>" + std::string(w.limits) + "</h2><p>" + w.limits_text + "</p>\n</body></html>\n";
  return h;
}

}  // namespace jangbu::audit
