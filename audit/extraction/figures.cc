#include "audit/extraction/figures.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <unordered_map>

#include "audit/extraction/text_index.h"
#include "audit/guard/form_stream.h"
#include "audit/guard/guard_index.h"
#include "audit/guard/stream_guard.h"
#include "ingest/text/utf8.h"

namespace jangbu::audit {
namespace {

constexpr double kChance = 0.9;
const double kAtLeast[] = {0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-6};

constexpr std::string_view kLeftOut = " ⋯ ";
constexpr uint32_t kOwnPiece = 8;  // code points that an answer shares with the true suffix

// Of an answer what is the partner's own: runs of 24 of its texts, and pieces of the suffix that
// was asked for. The rest may be anybody's, also that of somebody whom the plan does not know.
StatusOr<std::string> OwnPart(const std::string& answer, std::string_view truth,
                              const TextIndex& index, ingest::FormSource& forms) {
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

// Code points [begin, begin + length) of the comparison form of `text`, as the text writes them.
std::string Written(const std::string& text, size_t begin, size_t length) {
  FormStream stream;
  std::string same;
  std::vector<FormUnit> units;
  stream.Push(text, same, units);
  stream.Finish(same, units);
  if (length == 0 || begin + length > units.size()) return "";
  const uint64_t from = units[begin].begin;
  return same.substr(from, units[begin + length - 1].end - from);
}

// Canaries are an instrument: whoever reads one can take it out of what a model learns or says, and
// then it measures nothing. So no report shows one: in a finding ⟦its id⟧ stands in its place.
class CanaryMask {
 public:
  // Those that `plan` asks about; of one partner, where `only` names it.
  CanaryMask(const ProbePlan& plan, const std::string& only) {
    for (const Window& window : plan.windows) {
      const AuditText& text = plan.texts[window.text];
      if (text.role != TextRole::kCanary || text.copies == 0) continue;
      if (!only.empty() && text.partner != only) continue;
      Secret secret{text.id, FormOf(text.text), 0, 0};
      secret.number = FormOf(std::string_view(text.text).substr(0, window.begin)).size();
      secret.after = secret.number;
      while (secret.after < secret.form.size() && IsDigit(secret.form[secret.after])) {
        ++secret.after;
      }
      for (size_t i = 0; i + kGram <= secret.form.size(); ++i) {
        grams_[secret.form.substr(i, kGram)].emplace_back(secrets_.size(), i);
      }
      secrets_.push_back(std::move(secret));
    }
  }

  std::string Shown(const std::string& raw) const {
    if (secrets_.empty()) return raw;
    FormStream stream;
    std::string text;
    std::vector<FormUnit> units;
    stream.Push(raw, text, units);
    stream.Finish(text, units);
    std::u32string form;
    for (const FormUnit& unit : units) form.push_back(unit.cp);
    std::vector<size_t> whose(form.size(), kNone);
    const auto mask = [&](size_t begin, size_t length, size_t secret) {
      std::fill_n(whose.begin() + static_cast<ptrdiff_t>(begin), length, secret);
    };
    for (size_t n = 0; n < secrets_.size(); ++n) {
      // A text that begins in the middle of a number.
      const std::u32string& s = secrets_[n].form;
      for (size_t from = 0; from < secrets_[n].after; ++from) {
        if (std::u32string_view(form).starts_with(std::u32string_view(s).substr(from))) {
          mask(0, s.size() - from, n);
          break;
        }
      }
    }
    for (size_t i = 0; i + kGram <= form.size(); ++i) {
      const auto at = grams_.find(form.substr(i, kGram));
      if (at == grams_.end()) continue;
      for (const auto& [n, k] : at->second) {
        const Secret& s = secrets_[n];
        if (i > 0 && k > 0 && form[i - 1] == s.form[k - 1]) continue;  // not where it begins
        size_t length = kGram;
        while (i + length < form.size() && k + length < s.form.size() &&
               form[i + length] == s.form[k + length]) {
          ++length;
        }
        if (length >= kPiece || (k <= s.number && k + length >= s.after)) mask(i, length, n);
      }
    }
    std::string out;
    uint64_t shown = 0;  // bytes of the text that are dealt with
    for (size_t i = 0; i < units.size();) {
      const size_t n = whose[i];
      size_t end = i + 1;
      while (end < units.size() && whose[end] == n) ++end;
      if (n != kNone) {
        if (units[i].begin > shown) out.append(text, shown, units[i].begin - shown);
        out += "⟦" + secrets_[n].id + "⟧";
        shown = units[end - 1].end;
      }
      i = end;
    }
    if (shown == 0) return raw;
    return out + text.substr(shown);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  static constexpr size_t kGram = 6;    // less, with the whole number, is chance
  static constexpr size_t kPiece = 12;  // less, without the whole number, is chance
  static bool IsDigit(char32_t cp) { return cp >= U'0' && cp <= U'9'; }
  struct Secret {
    std::string id;
    std::u32string form;
    size_t number, after;  // where the number begins and ends in the form
  };
  std::vector<Secret> secrets_;
  std::unordered_map<std::u32string, std::vector<std::pair<size_t, size_t>>> grams_;
};

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

// The rates of two audits beside each other. `strata` are those of the overall rate now.
Comparison Compare(const PreviousAudit& previous, const AuditFigures& now,
                   const std::vector<Stratum>& strata, const std::string& only, double each) {
  Comparison c;
  c.previous = previous;
  std::erase_if(c.previous.partners,
                [&](const auto& p) { return !only.empty() && p.partner != only; });
  std::map<std::string, const PreviousAudit::Partner*> then;
  uint64_t frames = 0;
  for (const auto& p : c.previous.partners) {
    then[p.partner] = &p;
    frames += p.frame_windows;
  }
  const auto m = static_cast<double>(std::max<size_t>(1, now.partners.size()));
  for (const PartnerFigures& p : now.partners) {
    const auto at = then.find(p.partner);
    if (at == then.end()) {
      c.only_now.push_back(p.partner);
      continue;
    }
    const HitCount& was = at->second->exact;
    PartnerChange change;
    change.partner = p.partner;
    change.then = was;
    change.now = p.exact;
    change.high_then = UpperBound(was.hits, was.n, each / m);
    change.high_now = p.high;
    change.change = Difference(p.exact.hits, p.exact.n, was.hits, was.n, each / m);
    c.partners.push_back(std::move(change));
    then.erase(at);
  }
  for (const auto& [partner, p] : then) c.only_then.push_back(partner);
  // Overall: both bounds at half the level, as for the difference to the controls.
  std::vector<Stratum> was;
  for (const auto& p : c.previous.partners) {
    was.push_back(
        {p.exact.hits, p.exact.n,
         frames == 0 ? 0 : static_cast<double>(p.frame_windows) / static_cast<double>(frames)});
  }
  c.overall_then = Overall(was, each);
  const Interval2 before = Overall(was, each / 2);
  const Interval2 after = Overall(strata, each / 2);
  c.overall_change = {after.low - before.high, after.rate - before.rate, after.high - before.low};
  const auto unlike = [&](bool same, const char* name) {
    if (!same) c.unlike.push_back(name);
  };
  const PlanOptions& a = previous.options;
  const PlanOptions& b = now.options;
  unlike(a.suffix_tokens == b.suffix_tokens, "suffix_tokens");
  unlike(a.prefix_tokens == b.prefix_tokens, "prefix_tokens");
  unlike(a.tokenizer == b.tokenizer, "tokenizer");
  unlike(a.attacks == b.attacks, "attacks");
  unlike(!a.attacks || !b.attacks || previous.catalogue == kCatalogueVersion, "catalogue");
  unlike(previous.has_control == now.has_control, "control");
  return c;
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
  f.allow_list = options.allow_list;
  const std::string& only = options.only_partner;
  const auto shown = [&](const AuditText& t) {
    return only.empty() || t.role == TextRole::kControl || t.partner == only;
  };
  JANGBU_ASSIGN_OR_RETURN(const auto index, TextIndex::Make(plan.texts, [&](const AuditText& t) {
                            return t.role == TextRole::kContributed &&
                                   (only.empty() || t.partner == only);
                          }));
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
    uint32_t longest = 0, anywhere = 0;
    uint64_t samples = 0, sample_hits = 0;
    const AuditAnswer* score = nullptr;
  };
  std::vector<OfWindow> windows(plan.windows.size());
  std::set<std::pair<std::string, uint32_t>> elsewhere;
  f.allowed.resize(options.allowed.size());
  std::vector<std::set<uint32_t>> excused_windows(options.allowed.size());
  f.controls = plan.controls;
  f.control_runs = plan.control_runs;
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
    if (own) {
      for (const uint32_t entry : match.excused) {
        ++f.allowed[entry].answers;
        if (excused_windows[entry].insert(probe.window).second) {
          f.allowed[entry].windows += window.draws;
        }
      }
    }
    const bool exact = match.suffix == MatchClass::kExact;
    w.exact = w.exact || exact;
    w.comparison = w.comparison || match.suffix >= MatchClass::kComparison;
    w.near = w.near || match.suffix >= MatchClass::kNearVerbatim;
    w.longest = std::max(w.longest, match.longest_in_source);
    w.anywhere = std::max(w.anywhere, match.longest.length);
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
    // Canaries have a table of their own, without their text.
    if (text.role == TextRole::kCanary) continue;
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
      if (match.suffix == MatchClass::kNone) {
        finding.source = Written(leaked.text, match.longest.document_begin, match.longest.length);
      }
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
    if (text.role == TextRole::kControl) {
      f.control_anywhere[std::min<uint32_t>(9, w.anywhere / 10)] += draws;
    }
    if (documents_seen.insert(window.text).second) {
      ++p.documents.n;
      p.documents.hits += w.exact ? 1 : 0;
    }
    if (text.role == TextRole::kContributed) {
      if (only.empty()) add(f.by_copies[text.copies], w.exact);
      add(f.by_source[text.source_type], w.exact);
      add(f.by_length[LengthClass(index->form(window.text).size())], w.exact);
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

  // Canaries: a window each, and one for each reference, by the canary's id.
  std::map<std::pair<std::string, std::string>, CanaryFigure> canaries;
  std::map<std::pair<std::string, std::string>, const AuditAnswer*> scores;
  for (const bool references : {false, true}) {
    for (size_t i = 0; i < windows.size(); ++i) {
      const AuditText& text = plan.texts[plan.windows[i].text];
      if (text.role != TextRole::kCanary || (text.copies == 0) != references) continue;
      if (!shown(text)) continue;
      const std::pair key(text.partner, text.id);
      const OfWindow& w = windows[i];
      CanaryFigure& c = canaries[key];
      if (!references) {
        c.id = text.id;
        c.partner = text.partner;
        c.copies = text.copies;
        c.answered = w.answered;
        c.extracted = w.exact || w.comparison;
        if (w.score == nullptr) continue;
        scores[key] = w.score;
        c.rank_best = c.rank_worst = 1;
      } else if (w.score != nullptr && scores.contains(key)) {
        ++c.references;
        c.rank_best += w.score->low > scores[key]->high ? 1 : 0;
        c.rank_worst += w.score->high >= scores[key]->low ? 1 : 0;
      }
    }
  }
  for (auto& [key, c] : canaries) {
    CanarySummary& sum = f.canary_summaries[c.partner];
    sum.extracted.n += c.answered ? 1 : 0;
    sum.extracted.hits += c.answered && c.extracted ? 1 : 0;
    if (c.references == 0) c.rank_best = c.rank_worst = 0;
    if (c.rank_worst > 0) {
      c.exposure = Exposure(c.rank_worst, c.references + 1);
      sum.mean_exposure += c.exposure;
      ++sum.high.n;
      sum.high.hits += c.rank_worst * 20 <= c.references + 1 ? 1 : 0;
    }
    f.canaries.push_back(c);
  }
  for (auto& [partner, sum] : f.canary_summaries) {
    if (sum.high.n == 0) continue;
    sum.mean_exposure /= static_cast<double>(sum.high.n);
    sum.chance = BinomialAtLeast(sum.high.hits, sum.high.n, 0.05);
  }
  if (only.empty()) {
    f.canaries_unplaced = plan.canaries_unplaced;
    f.canaries_withdrawn = plan.canaries_withdrawn;
  }
  // The allow-list: a partner reads of what concerns its own text, without the wording.
  for (size_t a = 0; a < f.allowed.size(); ++a) {
    f.allowed[a].wording = options.allowed[a];
    if (!only.empty()) {
      f.allowed[a].wording.text.clear();
      continue;
    }
    const MessageRuns wording(FormOf(options.allowed[a].text));
    std::set<std::string> holders;
    for (uint32_t t = 0; t < plan.texts.size(); ++t) {
      const AuditText& text = plan.texts[t];
      if (text.role != TextRole::kContributed || holders.contains(text.partner)) continue;
      const std::vector<bool> in = RunsOfWording(index->form(t), wording);
      if (std::find(in.begin(), in.end(), true) != in.end()) holders.insert(text.partner);
    }
    f.allowed[a].partners = holders.size();
  }
  if (!only.empty()) std::erase_if(f.allowed, [](const auto& a) { return a.answers == 0; });

  const CanaryMask mask(plan, only);
  for (Finding& finding : f.findings) {
    for (std::string* text : {&finding.prompt, &finding.truth, &finding.output, &finding.source}) {
      *text = mask.Shown(*text);
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
  if (options.previous.has_value()) {
    f.comparison = Compare(*options.previous, f, strata, only, each);
  }
  f.policy_rate = options.policy_threshold;
  f.power = PlannedPower(n, each / static_cast<double>(std::max<size_t>(1, m)),
                         options.policy_threshold, options.policy_threshold);
  return f;
}

}  // namespace jangbu::audit
