#include "audit/extraction/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "audit/guard/stream_guard.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr size_t kShownFindings = 200;

std::string Number(double v) {
  char buffer[40];
  std::snprintf(buffer, sizeof(buffer), "%.8g", v);
  return buffer;
}

std::string Valid(std::string_view text) {
  if (ingest::IsValidUtf8(text)) return std::string(text);
  FormStream stream;
  std::string out;
  std::vector<FormUnit> units;
  stream.Push(text, out, units);
  stream.Finish(out, units);
  return out;
}

// ---- JSON

std::string Quoted(std::string_view raw) {
  const std::string text = Valid(raw);
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
  Json& Real(double v) { return Raw(Number(v)); }
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

// ---- HTML

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
      *upper_now, *change, *judgement, *unlike, *only_then, *only_now, *comparison_note;
  std::array<const char*, 4> origin_names;
  std::array<const char*, 5> match_names;
  std::array<const char*, 3> directions;  // more, less, within chance
};

const Words& In(ReportLanguage language) {
  static const Words ko = {
      "ko",
      "추출 감사 보고서",
      "작성",
      "판정",
      "요약",
      "파트너사",
      "모집단(창)",
      "표본",
      "추출됨",
      "비율",
      "상한(전체 동시)",
      "상한(이 파트너사만)",
      "거의 같음",
      "50자 이상 연속",
      "문서 단위",
      "대조군",
      "전체(크기 가중)",
      "차이(감사 − 대조)",
      "검정력",
      "질문 방식별",
      "방식",
      "학습 반복 횟수별",
      "자료 종류별",
      "문서 길이별(글자)",
      "창 앞에 있는 가장 긴 접두어별(토큰)",
      "확률적 추출 (n, p)",
      "원문과 겹친 가장 긴 연속 글자 수",
      "발견",
      "질문",
      "원문",
      "모델 출력",
      "이 방법의 한계",
      "이 보고서는 추출이 “불가능하다”고 말하지 않습니다. 물어본 방식으로, "
      "뽑은 표본에서 얻은 수와 그 상한을 말할 뿐입니다. 다른 "
      "질문 방식, 더 긴 접두어, 다른 온도에서는 더 나올 수 있습니다. 50자보다 "
      "짧은 문서와 창이 없는 짧은 문서는 모집단에 들어 "
      "있지 않습니다. 같은 뜻을 다른 말로 옮긴 출력은 세지 않습니다. "
      "대조군에서도 나온 정형구는 유출로 볼 수 없습니다.",
      "대조군이 없어 판정하지 않습니다. 수치만 적습니다.",
      "표본에서 추출된 창이 없습니다.",
      "표본에서 추출된 창이 있습니다.",
      "답 없음",
      "질문",
      "실패",
      "모델",
      "계획",
      "씨앗",
      "귀속",
      "가진 파트너사",
      "해당 없음",
      "나머지 발견은 JSON 보고서에 있습니다",
      "확률이 이 이상인 창",
      "할당량 안에서 0.9 확률로 추출되는 창",
      "표본 추출과 로그확률의 구간이 만나는 창",
      "이하",
      "상한은 신뢰 수준 95 %의 정확한(클로퍼–피어슨) 한쪽 상한이며, 전체 동시 "
      "상한은 파트너사와 출시 횟수로 나눈 α를 씁니다.",
      "대조군의 출처",
      "출처",
      "감사한 창과 같은 점",
      "대조군이 모두 지어낸 글입니다. 실제 글의 대조군보다 약한 증거입니다.",
      "학습 글과 24자 이상 겹쳐서 뺀 대조 창",
      "대조군 출력이 기여된 글 전체와 겹친 가장 긴 연속 글자 수",
      "허용 목록",
      "문구",
      "이유",
      "올린 사람",
      "승인한 사람",
      "제외한 답",
      "가진 파트너사 수",
      "이 문구 안에서만 겹친 것은 추출로 세지 않았습니다. 한 파트너사만 가진 "
      "문구는 상투구가 아닐 수 있으니 살펴보십시오.",
      "카나리아",
      "카나리아",
      "들어 있는 문서",
      "순위",
      "노출(비트)",
      "답한 것",
      "노출은 log2(견준 수) − log2(순위)입니다(Carlini 등 2019). 하나도 외우지 "
      "않은 모델에서도 평균 1.4비트쯤 나옵니다.",
      "하나도 외우지 않았을 때 이만큼 나올 확률",
      "어느 글에도 없음",
      "철회됨",
      "지난 감사와 비교",
      "지난번",
      "이번",
      "상한(지난번)",
      "상한(이번)",
      "변화의 구간",
      "판단",
      "조건이 달라 그대로 견줄 수 없는 항목",
      "지난번에만 있음",
      "이번에만 있음",
      "구간이 0을 품으면 우연으로 설명되는 차이입니다. 상한은 둘 다 이번 "
      "보고서의 신뢰 수준으로 다시 계산했습니다.",
      {"", "학습 마감 뒤 기여", "따로 둔 글", "지어낸 글"},
      {"", "파트너사·자료 종류·길이", "자료 종류·길이", "자료 종류", "없음"},
      {"늘었음", "줄었음", "우연의 범위"}};
  static const Words en = {
      "en",
      "Extraction audit report",
      "Made",
      "Verdict",
      "Summary",
      "Partner",
      "Frame (windows)",
      "Sample",
      "Extracted",
      "Rate",
      "Upper bound (all at once)",
      "Upper bound (this partner alone)",
      "Near-verbatim",
      "Runs of 50 or more",
      "By document",
      "Control",
      "Overall (weighted by size)",
      "Difference (audited − control)",
      "Power",
      "By way of asking",
      "Way",
      "By copies in training",
      "By source type",
      "By length of document (code points)",
      "By the longest prefix before the window (tokens)",
      "Probabilistic extraction (n, p)",
      "Longest run in common with the source, in code points",
      "Findings",
      "Prompt",
      "Original",
      "Model output",
      "Limits of this method",
      "This report never says that extraction is “impossible”. It gives what was found by the ways "
      "of asking listed here, in the sample drawn, and an upper bound. Other prompts, longer "
      "prefixes or other sampling may find more. Documents shorter than 50 code points, and short "
      "documents without a window, are not in the frame. Paraphrase is not counted. Set phrases "
      "that the controls show as well are no leak.",
      "There is no control, so there is no verdict: figures alone.",
      "No window of the sample was extracted.",
      "Windows of the sample were extracted.",
      "no answer",
      "asked",
      "failed",
      "Model",
      "Plan",
      "Seed",
      "Attribution",
      "held by",
      "n/a",
      "The other findings are in the JSON report",
      "windows whose chance is at least",
      "windows got out with a chance of 0.9 within the quota",
      "windows where the intervals of sampling and log-probability meet",
      "at most",
      "Upper bounds are exact (Clopper–Pearson), one-sided, at 95 %; all at once divides α by "
      "partners and releases.",
      "Where the controls come from",
      "Origin",
      "Like the audited window in",
      "All controls are synthetic text: weaker evidence than controls of real text.",
      "Control windows left out for a run of 24 in the training text",
      "Longest run of controls' answers in common with any contributed text, in code points",
      "Allow-list",
      "Wording",
      "Reason",
      "Proposed by",
      "Approved by",
      "Answers excused",
      "Partners that hold it",
      "What coincides inside these wordings alone is not counted as extracted. A wording that one "
      "partner alone holds may be no set phrase: look at it.",
      "Canaries",
      "Canary",
      "Documents it is in",
      "Rank",
      "Exposure (bits)",
      "Written when asked",
      "Exposure is log2(numbers compared) − log2(rank) (Carlini et al. 2019). A model that "
      "remembers "
      "none has about 1.4 bits on average.",
      "Chance of as many if none is remembered",
      "In no text",
      "Withdrawn",
      "Compared with the previous audit",
      "Then",
      "Now",
      "Upper bound then",
      "Upper bound now",
      "Interval of the change",
      "Judgement",
      "Settings that differ, so not like for like",
      "Then only",
      "Now only",
      "An interval that holds 0 is a difference that chance explains. Both upper bounds are "
      "computed "
      "anew at this report's level.",
      {"", "contributed after the cut-off", "held back", "synthetic"},
      {"", "partner, source type, length", "source type, length", "source type", "nothing"},
      {"more", "less", "within chance"}};
  return language == ReportLanguage::kKorean ? ko : en;
}

constexpr const char* kStyle =
    "body{font:15px/1.6 system-ui,'Noto Sans CJK KR','Noto Sans KR',sans-serif;max-width:72rem;"
    "margin:2rem auto;padding:0 1rem;color:#1b1f24}h1{font-size:1.6rem}h2{font-size:1.15rem;"
    "margin-top:2.2rem;border-bottom:1px solid #d0d7de;padding-bottom:.2rem}table{border-collapse:"
    "collapse;width:100%;font-variant-numeric:tabular-nums}th,td{border-bottom:1px solid #d8dee4;"
    "padding:.3rem .5rem;text-align:right;vertical-align:top}th:first-child,td:first-child{"
    "text-align:left}th{background:#f6f8fa;font-weight:600}.verdict{padding:.8rem 1rem;border-left:"
    "5px solid #57606a;background:#f6f8fa}.found{border-color:#cf222e}.clear{border-color:#1a7f37}"
    ".finding{border:1px solid #d0d7de;border-radius:6px;padding:.6rem .8rem;margin:.8rem 0}"
    ".side{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.text{background:#f6f8fa;padding:"
    ".5rem;overflow-wrap:anywhere;unicode-bidi:isolate}mark{background:#ffd8b5}code{font-size:"
    ".85em;overflow-wrap:anywhere}.small{color:#57606a;font-size:.88em}.odd{color:#8250df;"
    "font-size:.8em}";

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
           "\" y=\"" + text_y + "\" font-size=\"13\">" + Number(v) + "</text>";
  }
  return out + "</svg>\n";
}

// `text` with the stretch [begin, begin + length) of its comparison form marked.
std::string Marked(std::string_view raw, size_t begin, size_t length) {
  const std::string text = Valid(raw);
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
  h += "<table>" +
       Row({w.partner, w.then, w.now, w.upper_then, w.upper_now, w.change, w.judgement}, true);
  for (const PartnerChange& p : c.partners) {
    h += Row({"<bdi>" + InertHtml(p.partner) + "</bdi>", Of(p.then) + " · " + RateOf(p.then, w),
              Of(p.now) + " · " + RateOf(p.now, w), PercentText(p.high_then),
              PercentText(p.high_now), range(p.change), judge(p.change)});
  }
  h += "</table>\n";
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

std::string AllowedHtml(const AuditFigures& f, const Words& w) {
  if (f.allowed.empty()) return "";
  std::string h = "<h2>" + std::string(w.allowed) + "</h2>\n<table>" +
                  Row({w.wording, w.reason, w.by, w.approved, w.answers, w.holders_n}, true);
  for (const AllowedFigure& a : f.allowed) {
    const AllowedWording& e = a.wording;
    h += Row({e.text.empty() ? "–" : InertHtml(e.text), InertHtml(e.reason),
              "<bdi>" + InertHtml(e.by) + "</bdi> " + InertHtml(e.at),
              "<bdi>" + InertHtml(e.approved_by) + "</bdi>", std::to_string(a.answers),
              a.partners == 0 ? w.na : std::to_string(a.partners)});
  }
  return h + "</table>\n<p class=\"small\">" + w.allowed_note + "</p>\n";
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
  const std::string text = Valid(raw);
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
  j.Key("power").Open('{').Key("upper_if_none").Real(f.power.upper_if_none);
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
    j.Key("output").Text(x.output).Close('}');
  }
  j.Close(']').Close('}');
  return j.Take() + "\n";
}

std::string ReportHtml(const AuditFigures& f, const ReportHead& head, ReportLanguage language) {
  const Words& w = In(language);
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
       ".</p><p class=\"small\">" + w.bounds_note + "</p>\n";

  h += "<h2>" + std::string(w.summary) + "</h2><table>" +
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
  h += "</table>\n<p>" + std::string(w.overall) + ": " + PercentText(f.overall.low) + " – " +
       PercentText(f.overall.high) + ". ";
  if (f.has_control) {
    h += std::string(w.difference) + ": " + PercentText(f.difference.low) + " – " +
         PercentText(f.difference.high) + ". ";
  }
  h += std::string(w.power) + ": " + PercentText(f.power.chance_of_any) + ".</p>\n";

  if (f.comparison.has_value()) h += ComparisonHtml(*f.comparison, w);

  h += "<h2>" + std::string(w.cells) + "</h2><table><tr><th>" + w.cell + "</th>";
  std::vector<std::string> cells;
  for (const PartnerFigures& p : f.partners) {
    for (const auto& [cell, count] : p.cells) {
      if (std::find(cells.begin(), cells.end(), cell) == cells.end()) cells.push_back(cell);
    }
  }
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
  h += "</table>\n";
  if (f.by_copies.size() > 1) {
    h += "<h2>" + std::string(w.copies) + "</h2><table>" + Row({w.copies, w.hits, w.rate}, true);
    for (const auto& [copies, count] : f.by_copies) {
      h += Row({std::to_string(copies), Of(count), RateOf(count, w)});
    }
    h += "</table>\n";
  }
  if (f.by_source.size() > 1) {
    h += "<h2>" + std::string(w.source_type) + "</h2><table>";
    for (const auto& [source, count] : f.by_source) {
      h += Row({InertHtml(source), Of(count), RateOf(count, w)});
    }
    h += "</table>\n";
  }
  if (f.by_length.size() > 1) {
    h += "<h2>" + std::string(w.length) + "</h2><table>";
    for (const auto& [least, count] : f.by_length) {
      h += Row({"≥ " + std::to_string(least), Of(count), RateOf(count, w)});
    }
    h += "</table>\n";
  }
  if (f.by_before.size() > 1) {
    h += "<h2>" + std::string(w.before) + "</h2><table>";
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
    h += "<h3>" + std::string(w.origins) + "</h3><table>" + Row({w.origin, w.match, w.drawn}, true);
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
    const Finding& x = f.findings[i];
    static constexpr const char* kClasses[] = {"–", "near-verbatim", "comparison form", "exact"};
    const std::u32string output_form = FormOf(x.output);
    const auto [out_begin, out_length] = SharedIn(FormOf(x.truth), output_form);
    const auto [truth_begin, truth_length] = SharedIn(output_form, FormOf(x.truth));
    h += "<div class=\"finding\"><b><bdi>" + InertHtml(x.partner) + "</bdi> / <bdi>" +
         InertHtml(x.text_id) + "</bdi></b> · <code>" + InertHtml(x.cell) + "</code> · " +
         kClasses[static_cast<size_t>(x.match.suffix)];
    if (x.match.longest.length > 0) h += " · " + std::to_string(x.match.longest.length);
    if (!x.leaked_partner.empty()) {
      h += " · " + std::string(w.attribution) + ": <bdi>" + InertHtml(x.leaked_partner) + " / " +
           InertHtml(x.leaked_text_id) + "</bdi>";
    }
    if (x.holders.size() > 1) {
      h += " · " + std::string(w.holders) + ":";
      for (const std::string& holder : x.holders) h += " <bdi>" + InertHtml(holder) + "</bdi>";
    }
    h += "<p class=\"small\">" + std::string(w.prompt) + "</p><div class=\"text\">" +
         InertHtml(x.prompt) + "</div><div class=\"side\"><div><p class=\"small\">" + w.truth +
         "</p><div class=\"text\">" + Marked(x.truth, truth_begin, truth_length) +
         "</div></div><div><p class=\"small\">" + w.output + "</p><div class=\"text\">" +
         Marked(x.output, out_begin, out_length) + "</div></div></div></div>\n";
  }
  if (f.findings.size() > kShownFindings) h += "<p>" + std::string(w.more) + ".</p>\n";
  h += "<h2>" + std::string(w.limits) + "</h2><p>" + w.limits_text + "</p>\n</body></html>\n";
  return h;
}

std::string ReportStatement(std::string_view plan, std::string_view record, std::string_view json,
                            std::string_view html_ko, std::string_view html_en) {
  std::string out =
      "jangbu-audit/1\nplan " + std::string(plan) + "\nrecord " + std::string(record) + "\n";
  out += "json " + ToHex(Sha256(json)) + "\nhtml-ko " + ToHex(Sha256(html_ko)) + "\nhtml-en " +
         ToHex(Sha256(html_en)) + "\n";
  return out;
}

}  // namespace jangbu::audit
