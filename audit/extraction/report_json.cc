// The report as JSON, and the statement that is signed.

#include <cstdio>

#include "audit/extraction/report.h"
#include "audit/extraction/report_parts.h"
#include "base/bytes.h"
#include "base/digest.h"

namespace jangbu::audit {
namespace {

std::string Quoted(std::string_view raw) {
  const std::string text = ValidText(raw);
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || c == '<' || c == '>' || c == '&' || u == 0x7F) {
      // Also safe where somebody puts it into a page.
      char buffer[8];
      std::snprintf(buffer, sizeof(buffer), "\\u%04x", u);
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Json {
 public:
  Json& Key(std::string_view name) {
    Comma();
    out_ += Quoted(name) + ":";
    first_ = true;
    return *this;
  }
  Json& Text(std::string_view v) { return Raw(Quoted(v)); }
  Json& Int(uint64_t v) { return Raw(std::to_string(v)); }
  Json& Real(double v) { return Raw(NumberText(v)); }
  Json& Bool(bool v) { return Raw(v ? "true" : "false"); }
  Json& Open(char c) {
    Comma();
    out_ += c;
    first_ = true;
    return *this;
  }
  Json& Close(char c) {
    out_ += c;
    first_ = false;
    return *this;
  }
  std::string Take() { return std::move(out_); }

 private:
  void Comma() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  Json& Raw(std::string_view v) {
    Comma();
    out_ += v;
    return *this;
  }
  std::string out_;
  bool first_ = true;
};

void Put(Json& j, std::string_view name, const HitCount& c) {
  j.Key(name).Open('{').Key("hits").Int(c.hits).Key("windows").Int(c.n).Close('}');
}

void Put(Json& j, std::string_view name, const Interval2& i) {
  j.Key(name).Open('{').Key("low").Real(i.low).Key("rate").Real(i.rate).Key("high").Real(i.high);
  j.Close('}');
}

void Put(Json& j, const PartnerFigures& p) {
  j.Open('{').Key("partner").Text(p.partner);
  j.Key("frame").Open('{');
  j.Key("documents").Int(p.frame.documents).Key("too_short").Int(p.frame.too_short);
  j.Key("windows").Int(p.frame.windows).Key("duplicates").Int(p.frame.duplicates);
  j.Key("drawn").Int(p.frame.drawn);
  j.Key("canary_windows_left_out").Int(p.frame.canaries).Close('}');
  Put(j, "exact", p.exact);
  Put(j, "comparison", p.comparison);
  Put(j, "near_verbatim", p.near);
  Put(j, "runs_of_50", p.runs);
  j.Key("documents").Open('{').Key("hits").Int(p.documents.hits);
  j.Key("documents").Int(p.documents.n).Close('}');
  j.Key("unanswered").Int(p.unanswered);
  j.Key("low").Real(p.low).Key("high").Real(p.high).Key("high_alone").Real(p.single_high);
  j.Key("cells").Open('{');
  for (const auto& [cell, count] : p.cells) Put(j, cell, count);
  j.Close('}').Key("longest_runs_by_tens").Open('[');
  for (const uint64_t v : p.longest) j.Int(v);
  j.Close(']').Close('}');
}

// Is the difference more than chance, at the level of its bounds?
std::string_view Direction(const Interval2& change) {
  return change.low > 0 ? "more" : change.high < 0 ? "less" : "within_chance";
}

void Put(Json& j, const Comparison& c) {
  j.Key("comparison").Open('{').Key("report_sha256").Text(c.previous.sha256);
  j.Key("title").Text(c.previous.title).Key("made_at").Text(c.previous.made_at);
  j.Key("model").Text(c.previous.model).Key("plan").Text(c.previous.plan);
  j.Key("unlike").Open('[');
  for (const std::string& name : c.unlike) j.Text(name);
  j.Close(']').Key("partners").Open('[');
  for (const PartnerChange& p : c.partners) {
    j.Open('{').Key("partner").Text(p.partner);
    Put(j, "then", p.then);
    Put(j, "now", p.now);
    j.Key("high_then").Real(p.high_then).Key("high_now").Real(p.high_now);
    Put(j, "change", p.change);
    j.Key("direction").Text(Direction(p.change)).Close('}');
  }
  j.Close(']').Key("only_then").Open('[');
  for (const std::string& name : c.only_then) j.Text(name);
  j.Close(']').Key("only_now").Open('[');
  for (const std::string& name : c.only_now) j.Text(name);
  j.Close(']');
  Put(j, "overall_then", c.overall_then);
  Put(j, "overall_change", c.overall_change);
  j.Key("direction").Text(Direction(c.overall_change)).Close('}');
}

}  // namespace

std::string ReportJson(const AuditFigures& f, const ReportHead& head) {
  Json j;
  j.Open('{').Key("format").Text("jangbu-audit-report/1").Key("title").Text(head.title);
  j.Key("made_at").Text(head.made_at);
  j.Key("model").Text(f.model).Key("endpoint").Text(f.endpoint).Key("plan").Text(f.plan);
  j.Key("seed").Text(f.options.seed).Key("tokenizer").Text(f.options.tokenizer);
  j.Key("suffix_tokens").Int(f.options.suffix_tokens).Key("prefix_tokens").Open('[');
  for (const uint32_t k : f.options.prefix_tokens) j.Int(k);
  j.Close(']').Key("attacks").Bool(f.options.attacks).Key("catalogue").Text(kCatalogueVersion);
  j.Key("trained_until").Text(f.options.trained_until);
  if (!f.allow_list.empty()) j.Key("allow_list_sha256").Text(f.allow_list);
  j.Key("alpha").Real(f.alpha).Key("releases").Int(f.releases).Key("quota").Int(f.quota);
  j.Key("asked").Int(f.asked).Key("answered").Int(f.answered).Key("failed").Int(f.failed);
  j.Key("failures").Open('{');
  for (const auto& [reason, n] : f.failures) j.Key(reason).Int(n);
  j.Close('}');
  j.Key("verdict").Text(!f.has_control         ? "NO_CONTROL"
                        : f.difference.low > 0 ? "EXTRACTED"
                        : f.overall.rate > 0   ? "NOT_ABOVE_CONTROL"
                                               : "NONE_FOUND");
  j.Key("partners").Open('[');
  for (const PartnerFigures& p : f.partners) Put(j, p);
  j.Close(']').Key("control");
  Put(j, f.control);
  j.Key("control_origins").Open('[');
  for (const ControlDraws& c : f.controls) {
    j.Open('{').Key("origin").Text(NameOf(c.origin)).Key("match").Text(NameOf(c.match));
    j.Key("windows").Int(c.draws).Close('}');
  }
  j.Close(']').Key("control_windows_left_out").Int(f.control_runs);
  j.Key("control_longest_runs_anywhere_by_tens").Open('[');
  for (const uint64_t v : f.control_anywhere) j.Int(v);
  j.Close(']');
  Put(j, "overall", f.overall);
  Put(j, "difference", f.difference);
  j.Key("power")
      .Open('{')
      .Key("rate")
      .Real(f.policy_rate)
      .Key("upper_if_none")
      .Real(f.power.upper_if_none);
  j.Key("chance_of_any").Real(f.power.chance_of_any);
  j.Key("chance_below").Real(f.power.chance_below).Close('}');
  j.Key("by_copies").Open('{');
  for (const auto& [copies, count] : f.by_copies) Put(j, std::to_string(copies), count);
  j.Close('}').Key("by_cell_and_copies").Open('{');
  for (const auto& [cell, row] : f.by_cell_and_copies) {
    j.Key(cell).Open('{');
    for (const auto& [copies, count] : row) Put(j, std::to_string(copies), count);
    j.Close('}');
  }
  j.Close('}').Key("elsewhere").Int(f.elsewhere).Key("by_source").Open('{');
  for (const auto& [source, count] : f.by_source) Put(j, source, count);
  j.Close('}').Key("by_length").Open('{');
  for (const auto& [least, count] : f.by_length) Put(j, std::to_string(least), count);
  j.Close('}').Key("by_prefix_before").Open('{');
  for (const auto& [tokens, count] : f.by_before) Put(j, std::to_string(tokens), count);
  j.Close('}').Key("by_prefix_before_and_copies").Open('{');
  for (const auto& [tokens, row] : f.by_before_and_copies) {
    j.Key(std::to_string(tokens)).Open('{');
    for (const auto& [copies, count] : row) Put(j, std::to_string(copies), count);
    j.Close('}');
  }
  j.Close('}').Key("probability").Open('{');
  Put(j, "scored", f.probability.scored);
  j.Key("windows_at_least").Open('{');
  static constexpr const char* kLevels[] = {"0.5", "0.1", "0.01", "0.001", "0.0001", "0.000001"};
  for (size_t i = 0; i < f.probability.at_least.size(); ++i) {
    j.Key(kLevels[i]).Int(f.probability.at_least[i]);
  }
  j.Close('}').Key("within_quota").Int(f.probability.within_quota);
  Put(j, "sampled", f.probability.sampled);
  j.Key("compared").Int(f.probability.compared).Key("agree").Int(f.probability.agree).Close('}');
  j.Key("allowed").Open('[');
  for (const AllowedFigure& a : f.allowed) {
    j.Open('{').Key("wording").Text(a.wording.text).Key("reason").Text(a.wording.reason);
    j.Key("by").Text(a.wording.by).Key("approved_by").Text(a.wording.approved_by);
    j.Key("at").Text(a.wording.at).Key("answers").Int(a.answers).Key("windows").Int(a.windows);
    j.Key("partners").Int(a.partners).Close('}');
  }
  j.Close(']').Key("canaries").Open('{');
  j.Key("unplaced").Int(f.canaries_unplaced).Key("withdrawn").Int(f.canaries_withdrawn);
  j.Key("partners").Open('[');
  for (const auto& [partner, sum] : f.canary_summaries) {
    j.Open('{').Key("partner").Text(partner);
    Put(j, "extracted", sum.extracted);
    Put(j, "high", sum.high);
    j.Key("mean_exposure").Real(sum.mean_exposure).Key("chance").Real(sum.chance).Close('}');
  }
  j.Close(']').Key("each").Open('[');
  for (const CanaryFigure& c : f.canaries) {
    j.Open('{').Key("id").Text(c.id).Key("partner").Text(c.partner).Key("copies").Int(c.copies);
    j.Key("references").Int(c.references).Key("rank_best").Int(c.rank_best);
    j.Key("rank_worst").Int(c.rank_worst).Key("exposure").Real(c.exposure);
    j.Key("answered").Bool(c.answered).Key("extracted").Bool(c.extracted).Close('}');
  }
  j.Close(']').Close('}');
  if (f.comparison.has_value()) Put(j, *f.comparison);
  j.Key("findings").Open('[');
  for (const Finding& x : f.findings) {
    j.Open('{');
    if (x.window != kElsewhere) j.Key("window").Int(x.window);
    j.Key("cell").Text(x.cell);
    j.Key("partner").Text(x.partner).Key("text_id").Text(x.text_id);
    static constexpr const char* kClasses[] = {"none", "near_verbatim", "comparison", "exact"};
    j.Key("class").Text(kClasses[static_cast<size_t>(x.match.suffix)]);
    j.Key("similarity_ppm").Int(x.match.similarity_ppm).Key("bleu_ppm").Int(x.match.bleu_ppm);
    j.Key("longest_in_source").Int(x.match.longest_in_source);
    j.Key("longest_run").Int(x.match.longest.length).Key("run_begin").Int(x.match.longest.begin);
    j.Key("run_partner").Text(x.leaked_partner).Key("run_text_id").Text(x.leaked_text_id);
    j.Key("run_holders").Open('[');
    for (const std::string& h : x.holders) j.Text(h);
    j.Close(']').Key("prompt").Text(x.prompt).Key("truth").Text(x.truth);
    j.Key("output").Text(x.output).Key("run_source").Text(x.source).Close('}');
  }
  j.Close(']').Close('}');
  return j.Take() + "\n";
}

namespace {

constexpr std::string_view kStatementHead = "jangbu-audit/1\n";

std::string StatementOf(const StatementNames& names) {
  std::string out(kStatementHead);
  const auto line = [&](std::string_view name, const std::string& digest) {
    out.append(name).append(" ").append(digest).append("\n");
  };
  line("plan", names.plan);
  line("record", names.record);
  if (!names.allow_list.empty()) line("allow-list", names.allow_list);
  line("json", names.json);
  line("html-ko", names.html_ko);
  line("html-en", names.html_en);
  return out;
}

}  // namespace

std::string ReportStatement(std::string_view plan, std::string_view record,
                            std::string_view allow_list, std::string_view json,
                            std::string_view html_ko, std::string_view html_en) {
  return StatementOf({std::string(plan), std::string(record), std::string(allow_list),
                      ToHex(Sha256(json)), ToHex(Sha256(html_ko)), ToHex(Sha256(html_en))});
}

StatusOr<StatementNames> ReadStatement(std::string_view bytes) {
  const auto bad = [] {
    return InvalidArgument("bad_statement",
                           "the bytes are no statement of an audit; give the report.note that "
                           "`jangbu audit report` wrote");
  };
  std::string_view rest = bytes;
  if (!rest.starts_with(kStatementHead)) return bad();
  rest.remove_prefix(kStatementHead.size());
  const auto take = [&rest](std::string_view name, std::string& digest) {
    constexpr size_t kHex = 64;
    const size_t length = name.size() + 1 + kHex + 1;
    if (rest.size() < length || !rest.starts_with(name) || rest[name.size()] != ' ') return false;
    digest = rest.substr(name.size() + 1, kHex);
    rest.remove_prefix(length);
    return digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  };
  StatementNames names;
  if (!take("plan", names.plan) || !take("record", names.record)) return bad();
  if (rest.starts_with("allow-list ") && !take("allow-list", names.allow_list)) return bad();
  if (!take("json", names.json) || !take("html-ko", names.html_ko) ||
      !take("html-en", names.html_en)) {
    return bad();
  }
  if (!bytes.starts_with(StatementOf(names))) return bad();
  // The signatures of a note, and nothing else.
  if (rest.empty()) return names;
  if (!rest.starts_with("\n")) return bad();
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    if (!rest.starts_with("— ") || end == std::string_view::npos) return bad();
    rest.remove_prefix(end + 1);
  }
  return names;
}

}  // namespace jangbu::audit
