#include "audit/extraction/figures.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "audit/guard/form_stream.h"
#include "audit/guard/guard_index.h"
#include "audit/guard/stream_guard.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr double kChance = 0.9;
const double kAtLeast[] = {0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-6};

// The contributed texts of a plan as an index; with `only` those of this partner alone.
class PlanIndex : public ingest::FormSource {
 public:
  static StatusOr<std::unique_ptr<PlanIndex>> Make(const ProbePlan& plan, const std::string& only) {
    auto index = std::unique_ptr<PlanIndex>(new PlanIndex);
    std::vector<ingest::RunText> texts;
    std::vector<std::shared_ptr<const ingest::RunSegment>> segments;
    size_t size = 0;
    const auto flush = [&]() -> Status {
      if (texts.empty()) return OkStatus();
      JANGBU_ASSIGN_OR_RETURN(auto segment, ingest::RunSegment::Build(index->hasher_, texts));
      segments.push_back(std::move(segment));
      texts.clear();
      size = 0;
      return OkStatus();
    };
    for (uint32_t t = 0; t < plan.texts.size(); ++t) {
      index->forms_.push_back(std::make_shared<const std::u32string>(FormOf(plan.texts[t].text)));
      if (plan.texts[t].role == TextRole::kControl) continue;
      if (!only.empty() && plan.texts[t].partner != only) continue;
      texts.push_back({{{1, t}, 0}, *index->forms_.back()});
      size += index->forms_.back()->size();
      if (size > 100'000'000) JANGBU_RETURN_IF_ERROR(flush());
    }
    JANGBU_RETURN_IF_ERROR(flush());
    index->view_ = ingest::RunView(&index->hasher_, std::move(segments));
    return index;
  }

  StatusOr<std::shared_ptr<const std::u32string>> Form(const ingest::RunDocument& d) override {
    return forms_[d.place.ordinal];
  }
  const ingest::RunView& view() const { return view_; }
  const std::u32string& form(uint32_t text) const { return *forms_[text]; }

 private:
  PlanIndex() = default;
  // The index lives for one computation and meets no partner: its secret may be known.
  const ingest::RunHasher hasher_{std::string_view("an index of one audit, made and thrown away")};
  std::vector<std::shared_ptr<const std::u32string>> forms_;
  ingest::RunView view_;
};

constexpr std::string_view kLeftOut = " ⋯ ";
constexpr uint32_t kOwnPiece = 8;  // code points that an answer shares with the true suffix

// Of an answer what is the partner's own: runs of 24 of its texts, and pieces of the suffix that
// was asked for. The rest may be anybody's, also that of somebody whom the plan does not know.
StatusOr<std::string> OwnPart(const std::string& answer, std::string_view truth,
                              const PlanIndex& index, ingest::FormSource& forms) {
  FormStream stream;
  std::string text;
  std::vector<FormUnit> units;
  stream.Push(answer, text, units);
  stream.Finish(text, units);
  std::u32string form;
  for (const FormUnit& unit : units) form.push_back(unit.cp);
  std::vector<bool> own(form.size());
  JANGBU_ASSIGN_OR_RETURN(const ingest::Intervals covered, index.view().Covered(form, {}, forms));
  for (const ingest::Interval& i : covered)
    std::fill_n(own.begin() + i.begin, i.end - i.begin, true);
  const std::u32string suffix = FormOf(truth);
  std::vector<uint32_t> before(suffix.size() + 1);
  std::vector<uint32_t> here(suffix.size() + 1);
  for (size_t i = 0; i < form.size(); ++i) {
    for (size_t k = 0; k < suffix.size(); ++k) {
      here[k + 1] = form[i] == suffix[k] ? before[k] + 1 : 0;
      if (here[k + 1] < kOwnPiece) continue;
      std::fill_n(own.begin() + static_cast<ptrdiff_t>(i + 1 - kOwnPiece), kOwnPiece, true);
    }
    std::swap(before, here);
  }
  std::string out;
  uint64_t at = 0;  // bytes of the text that are dealt with
  for (size_t i = 0; i < units.size(); ++i) {
    if (!own[i]) continue;
    const bool joined = i > 0 && own[i - 1];
    if (!joined && (i > 0 || units[i].begin > 0)) out += kLeftOut;
    const uint64_t from = joined ? at : std::max(at, units[i].begin);
    if (units[i].end > from) out.append(text, from, units[i].end - from);
    at = std::max(at, units[i].end);
  }
  if (units.empty() || !own.back()) out += kLeftOut;
  return out;
}

// Of each window the longest prefix it was asked with, in tokens; 0: with none of a length.
std::vector<uint32_t> LongestPrefixes(const ProbePlan& plan) {
  std::vector<uint32_t> longest(plan.windows.size());
  for (const Probe& probe : plan.probes) {
    for (const uint32_t k : plan.options.prefix_tokens) {
      if (probe.cell == "prefix-" + std::to_string(k)) {
        longest[probe.window] = std::max(longest[probe.window], k);
      }
    }
  }
  return longest;
}

}  // namespace

StatusOr<AuditFigures> ComputeFigures(const ProbePlan& plan, std::string_view plan_digest,
                                      const std::vector<AuditAnswer>& answers,
                                      const FigureOptions& options) {
  AuditFigures f;
  f.plan = plan_digest;
  f.model = options.model;
  f.endpoint = options.endpoint;
  f.options = plan.options;
  f.alpha = options.alpha;
  f.releases = options.releases;
  f.quota = options.quota;
  const std::string& only = options.only_partner;
  const auto shown = [&](const AuditText& t) {
    return only.empty() || t.role == TextRole::kControl || t.partner == only;
  };
  JANGBU_ASSIGN_OR_RETURN(const auto index, PlanIndex::Make(plan, only));
  const Matcher matcher(index->view(), index.get(), options.allowed);
  const std::vector<AuditTask> tasks = TasksOf(plan);
  // By task; of two answers to one task the first counts.
  std::vector<const AuditAnswer*> by_task(tasks.size());
  for (const AuditAnswer& a : answers) {
    if (a.task >= tasks.size()) {
      return FailedPrecondition("other_plan", "the record was made with another plan");
    }
    if (by_task[a.task] == nullptr) by_task[a.task] = &a;
  }

  struct OfWindow {
    bool answered = false, exact = false, comparison = false, near = false, run = false;
    uint32_t longest = 0;
    uint64_t samples = 0, sample_hits = 0;
    const AuditAnswer* score = nullptr;
  };
  std::vector<OfWindow> windows(plan.windows.size());
  std::set<std::pair<std::string, uint32_t>> elsewhere;
  std::map<std::string, PartnerFigures> partners;
  for (const FrameSize& frame : plan.frames) {
    if (frame.role == TextRole::kControl) {
      f.control.frame = frame;
      f.has_control = f.has_control || frame.drawn > 0;
    } else if (frame.role == TextRole::kContributed && (only.empty() || frame.partner == only)) {
      partners[frame.partner].partner = frame.partner;
      partners[frame.partner].frame = frame;
    }
  }

  for (size_t i = 0; i < tasks.size(); ++i) {
    const Probe& probe = plan.probes[tasks[i].probe];
    const Window& window = plan.windows[probe.window];
    const AuditText& text = plan.texts[window.text];
    const AuditAnswer* const answer = by_task[i];
    const bool own = only.empty() || text.partner == only;
    if (!own && answer != nullptr && !answer->failed && tasks[i].kind == TaskKind::kGreedy) {
      // Asked about another's text; did this partner's come? Told without what was asked.
      JANGBU_ASSIGN_OR_RETURN(
          const MatchResult match,
          matcher.Match(probe.prompt, "", index->form(window.text), answer->text, true));
      if (match.longest.length >= kRunLimit) {
        ++f.elsewhere;
        const AuditText& leaked = plan.texts[match.longest.document.place.ordinal];
        if (elsewhere.emplace(leaked.id, match.longest.document_begin).second) {
          Finding finding;
          finding.window = kElsewhere;
          finding.cell = "elsewhere";
          finding.partner = finding.leaked_partner = only;
          finding.text_id = finding.leaked_text_id = leaked.id;
          finding.match.longest = match.longest;
          finding.match.longest.begin = 0;
          const std::u32string form = FormOf(answer->text);
          for (const char32_t cp :
               std::u32string_view(form).substr(match.longest.begin, match.longest.length)) {
            ingest::AppendUtf8(cp, finding.output);
          }
          f.findings.push_back(std::move(finding));
        }
      }
    }
    if (!shown(text)) continue;
    ++f.asked;
    if (answer == nullptr) continue;
    if (answer->failed) {
      ++f.failed;
      ++f.failures[answer->reason];
      continue;
    }
    ++f.answered;
    OfWindow& w = windows[probe.window];
    if (tasks[i].kind == TaskKind::kScore) {
      if (answer->tokens > 0) w.score = answer;
      continue;
    }
    const std::string_view truth =
        std::string_view(text.text).substr(window.begin, window.end - window.begin);
    JANGBU_ASSIGN_OR_RETURN(
        const MatchResult match,
        matcher.Match(probe.prompt, truth, index->form(window.text), answer->text, probe.chat));
    if (tasks[i].kind == TaskKind::kSample) {
      ++w.samples;
      w.sample_hits += match.suffix == MatchClass::kExact ? 1 : 0;
      continue;
    }
    w.answered = true;
    const bool exact = match.suffix == MatchClass::kExact;
    w.exact = w.exact || exact;
    w.comparison = w.comparison || match.suffix >= MatchClass::kComparison;
    w.near = w.near || match.suffix >= MatchClass::kNearVerbatim;
    w.longest = std::max(w.longest, match.longest_in_source);
    const bool run = match.longest.length >= kRunLimit;
    w.run = w.run || run;
    if (text.role == TextRole::kContributed || text.role == TextRole::kControl) {
      PartnerFigures& p = text.role == TextRole::kControl ? f.control : partners[text.partner];
      HitCount& cell = p.cells[probe.cell];
      cell.n += window.draws;
      cell.hits += exact ? window.draws : 0;
      if (text.role == TextRole::kContributed && only.empty()) {
        HitCount& by = f.by_cell_and_copies[probe.cell][text.copies];
        by.n += window.draws;
        by.hits += exact ? window.draws : 0;
      }
    }
    if ((match.suffix == MatchClass::kNone && !run) || !own) continue;
    Finding finding;
    finding.window = probe.window;
    finding.cell = probe.cell;
    finding.partner = text.partner;
    finding.text_id = text.id;
    finding.copies = text.copies;
    finding.match = match;
    finding.prompt = probe.prompt;
    finding.truth = truth;
    finding.output = answer->text;
    if (!only.empty()) {
      JANGBU_ASSIGN_OR_RETURN(finding.output, OwnPart(answer->text, truth, *index, *index));
    }
    if (run) {
      const AuditText& leaked = plan.texts[match.longest.document.place.ordinal];
      const std::u32string form = FormOf(answer->text);
      const std::u32string_view stretch =
          std::u32string_view(form).substr(match.longest.begin, match.longest.length);
      JANGBU_ASSIGN_OR_RETURN(const auto holders, index->view().Holders(stretch, {}, *index, 64));
      std::set<std::string> names;
      for (const auto& h : holders) names.insert(plan.texts[h.place.ordinal].partner);
      finding.leaked_partner = leaked.partner;
      finding.leaked_text_id = leaked.id;
      if (only.empty()) finding.holders.assign(names.begin(), names.end());
    }
    f.findings.push_back(std::move(finding));
  }

  const std::vector<uint32_t> before = LongestPrefixes(plan);
  std::set<uint32_t> documents_seen;
  for (size_t i = 0; i < windows.size(); ++i) {
    const Window& window = plan.windows[i];
    const AuditText& text = plan.texts[window.text];
    if (!shown(text) || text.role == TextRole::kCanary) continue;
    const OfWindow& w = windows[i];
    PartnerFigures& p = text.role == TextRole::kControl ? f.control : partners[text.partner];
    const uint64_t draws = window.draws;
    if (!w.answered) {
      p.unanswered += draws;
      continue;
    }
    const auto add = [&](HitCount& count, bool hit) {
      count.n += draws;
      count.hits += hit ? draws : 0;
    };
    add(p.exact, w.exact);
    add(p.comparison, w.comparison);
    add(p.near, w.near);
    add(p.runs, w.run);
    p.longest[std::min<uint32_t>(9, w.longest / 10)] += draws;
    if (documents_seen.insert(window.text).second) {
      ++p.documents.n;
      p.documents.hits += w.exact ? 1 : 0;
    }
    if (text.role == TextRole::kContributed) {
      if (only.empty()) add(f.by_copies[text.copies], w.exact);
      add(f.by_source[text.source_type], w.exact);
      const size_t length = index->form(window.text).size();
      uint32_t least = 0;
      for (const uint32_t step : {1'000U, 10'000U, 100'000U}) least = length >= step ? step : least;
      add(f.by_length[least], w.exact);
      if (before[i] > 0) {
        add(f.by_before[before[i]], w.exact);
        if (only.empty()) add(f.by_before_and_copies[before[i]][text.copies], w.exact);
      }
    }
    if (text.role != TextRole::kContributed) continue;
    ProbabilityFigures& pr = f.probability;
    pr.sampled.n += w.samples;
    pr.sampled.hits += w.sample_hits;
    if (w.score == nullptr) continue;
    const double p_low = std::exp(w.score->low);
    const double p_high = std::exp(std::min(0.0, w.score->high));
    ++pr.scored.n;
    pr.scored.hits += p_low >= 0.5 ? 1 : 0;
    for (size_t k = 0; k < std::size(kAtLeast); ++k) {
      pr.at_least[k] += p_high >= kAtLeast[k] ? 1 : 0;
    }
    pr.within_quota += ChanceWithin(options.quota, p_high) >= kChance ? 1 : 0;
    if (w.samples > 0) {
      // 99.9 % bounds of the sampled rate, so that of a thousand windows one may miss.
      const double low = LowerBound(w.sample_hits, w.samples, 0.0005);
      const double high = UpperBound(w.sample_hits, w.samples, 0.0005);
      ++pr.compared;
      pr.agree += p_high >= low - 1e-9 && p_low <= high + 1e-9 ? 1 : 0;
    }
  }

  uint64_t total = 0;
  uint64_t n = 0;
  HitCount all;
  for (const auto& [name, p] : partners) total += p.frame.windows;
  const double each = options.alpha / static_cast<double>(std::max<uint32_t>(1, options.releases));
  // A partner's own report says nothing of others, not even how many they are: its bounds are for
  // itself alone.
  const size_t m = std::max<size_t>(1, partners.size());
  std::vector<Stratum> strata;
  for (auto& [name, p] : partners) {
    p.low = LowerBound(p.exact.hits, p.exact.n, each / static_cast<double>(m));
    p.high = UpperBound(p.exact.hits, p.exact.n, each / static_cast<double>(m));
    p.single_high = UpperBound(p.exact.hits, p.exact.n, each);
    strata.push_back({p.exact.hits, p.exact.n,
                      static_cast<double>(p.frame.windows) / static_cast<double>(total)});
    all.hits += p.exact.hits;
    all.n += p.exact.n;
    n = n == 0 ? p.frame.drawn : std::min(n, p.frame.drawn);
    f.partners.push_back(p);
  }
  f.control.low = LowerBound(f.control.exact.hits, f.control.exact.n, each);
  f.control.high = UpperBound(f.control.exact.hits, f.control.exact.n, each);
  f.control.single_high = f.control.high;
  f.overall = Overall(strata, each);
  f.difference = Difference(all.hits, all.n, f.control.exact.hits, f.control.exact.n, each);
  f.power = PlannedPower(n, each / static_cast<double>(std::max<size_t>(1, m)),
                         options.policy_threshold, options.policy_threshold);
  return f;
}

}  // namespace jangbu::audit
