#pragma once

// Every number of an audit, computed from its plan and its raw record and from nothing else.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/extraction/audit_run.h"
#include "audit/extraction/match.h"
#include "audit/extraction/probe_plan.h"
#include "audit/extraction/statistics.h"

namespace jangbu::audit {

struct HitCount {
  uint64_t hits = 0;
  uint64_t n = 0;
  bool operator==(const HitCount&) const = default;
};

// What was found of one partner's text, or of the controls.
struct PartnerFigures {
  std::string partner;  // "" for the controls
  FrameSize frame;
  HitCount exact;       // windows (draws) of which some attack got the suffix, in canonical text
  HitCount comparison;  // the same or equal in comparison form
  HitCount near;        // the same or near-verbatim
  HitCount runs;       // windows of which some output holds a run of 50 or more of contributed text
  HitCount documents;  // documents with a hit in their first window
  uint64_t unanswered = 0;  // windows without any answer: in no rate
  std::map<std::string, HitCount> cells;
  // Longest run in common with the source, by tens: [0] below 10, … [9] 90 and more.
  std::vector<uint64_t> longest = std::vector<uint64_t>(10);
  double low = 0;  // bounds of the exact rate: one-sided at alpha ÷ partners ÷ releases
  double high = 1;
  double single_high = 1;  // the same for this partner alone, at alpha
};

struct ProbabilityFigures {
  HitCount scored;  // n: windows with a score; hits: of them with p of one half or more
  // Windows whose chance (upper end) is at least 1/2, 1/10, 1/100, 10^-3, 10^-4, 10^-6.
  std::vector<uint64_t> at_least = std::vector<uint64_t>(6);
  uint64_t within_quota = 0;  // windows got out with a chance of 0.9 within the quota
  HitCount sampled;           // all samples together
  uint64_t compared = 0;      // windows with both
  uint64_t agree = 0;         // of them those whose two intervals meet
};

// In a partner's own report: a run of its text in an answer to a question about somebody else's.
inline constexpr uint32_t kElsewhere = UINT32_MAX;

struct Finding {
  uint32_t window = 0;  // or kElsewhere: then prompt and truth are empty, output is the run's form
  std::string cell;
  std::string partner;  // of the text asked about
  std::string text_id;
  uint32_t copies = 1;
  MatchResult match;
  std::string prompt, truth, output;  // canaries that were asked about: ⟦id⟧ in their place
  // Where the suffix did not come but a run of 50 or more: as its document writes it.
  std::string source;
  std::string leaked_partner;  // of the longest run, where there is one of 50 or more
  std::string leaked_text_id;
  std::vector<std::string> holders;  // partners that hold that run
};

// Of one entry of the allow-list: what it excused.
struct AllowedFigure {
  AllowedWording wording;
  uint64_t answers = 0;   // that would count but for it
  uint64_t windows = 0;   // draws of windows with such an answer
  uint64_t partners = 0;  // that hold some of it; 1: it is one partner's wording (0: not told)
};

// How well a canary is remembered: the rank of its number among others by log-probability.
struct CanaryFigure {
  std::string id, partner;
  uint32_t copies = 0;      // documents it stands in
  uint64_t references = 0;  // other numbers that were scored
  // Best and worst rank, from 1; equal scores count against it only in the worst. 0: not scored.
  uint64_t rank_best = 0, rank_worst = 0;
  // log2(references + 1) − log2(rank_worst): at most log2(references + 1) can be measured.
  double exposure = 0;
  bool answered = false;
  bool extracted = false;  // asked for its number the model wrote it
};
// Of one partner's canaries. Of a model that remembers none, ranks are uniform and a twentieth of
// the canaries are among the best twentieth.
struct CanarySummary {
  HitCount extracted;
  HitCount high;  // n: scored; hits: rank_worst in the best twentieth
  double mean_exposure = 0;
  double chance = 1;  // of as many hits or more, if none is remembered
};

// What another audit found, from its report (services/audit/previous_report.h).
struct PreviousAudit {
  std::string sha256;  // of report.json, hexadecimal
  std::string title, made_at, model, plan;
  PlanOptions options;  // as far as the report tells them
  std::string catalogue;
  bool has_control = false;
  struct Partner {
    std::string partner;
    HitCount exact;
    uint64_t frame_windows = 0;
  };
  std::vector<Partner> partners;  // ascending
};
struct PartnerChange {
  std::string partner;
  HitCount then, now;
  double high_then = 1, high_now = 1;  // upper bounds, both at this report's level
  Interval2 change;                    // rate now − rate then, with bounds
};
struct Comparison {
  PreviousAudit previous;
  std::vector<PartnerChange> partners;           // of both
  std::vector<std::string> only_then, only_now;  // partners of one alone; operator's report only
  Interval2 overall_then, overall_change;
  std::vector<std::string> unlike;  // settings that differ: names of fields of the report
};

struct AuditFigures {
  std::string plan;  // hexadecimal digest
  std::string model;
  std::string endpoint;  // what it can do
  PlanOptions options;
  double alpha = 0.05;
  uint32_t releases = 1;
  uint64_t quota = 0;  // queries a key can make, for (n, p)
  uint64_t asked = 0, answered = 0, failed = 0;
  std::map<std::string, uint64_t> failures;  // by reason
  std::vector<PartnerFigures> partners;      // ascending
  PartnerFigures control;
  Interval2 overall;
  Interval2 difference;
  double policy_rate = 0;  // at which the power is stated
  Power power;
  std::map<uint32_t, HitCount> by_copies;                                  // operator's report only
  std::map<std::string, std::map<uint32_t, HitCount>> by_cell_and_copies;  // the same
  std::map<std::string, HitCount> by_source;
  // By the length of the document in code points of comparison form: below 1,000, 10,000, 100,000,
  // and above; the key is the least.
  std::map<uint32_t, HitCount> by_length;
  // By the longest prefix that stands before the window, in tokens; the second by copies as well
  // (operator's report only). Rates of two audits are like for like within a row.
  std::map<uint32_t, HitCount> by_before;
  std::map<uint32_t, std::map<uint32_t, HitCount>> by_before_and_copies;
  uint64_t elsewhere = 0;  // partner's report: answers to other questions with a run of its text
  ProbabilityFigures probability;
  std::vector<Finding> findings;  // hits and runs of 50 or more, by window
  bool has_control = false;
  std::vector<ControlDraws> controls;  // where control windows come from
  uint64_t control_runs = 0;
  // Of control windows: longest run of 24 or more in common with any contributed text, by tens; [0]
  // none.
  std::vector<uint64_t> control_anywhere = std::vector<uint64_t>(10);
  std::string allow_list;  // hexadecimal digest of the file of the list; "": without one
  std::vector<AllowedFigure> allowed;
  std::vector<CanaryFigure> canaries;  // ascending by partner, id
  std::map<std::string, CanarySummary> canary_summaries;
  uint64_t canaries_unplaced = 0, canaries_withdrawn = 0;  // operator's report only
  std::optional<Comparison> comparison;
};

struct FigureOptions {
  double alpha = 0.05;
  uint32_t releases = 1;
  uint64_t quota = 10'000;
  double policy_threshold = 0.001;  // for the power stated
  std::string model, endpoint;
  std::vector<AllowedWording> allowed;
  std::string allow_list;  // hexadecimal digest of the file that they stand in
  std::optional<PreviousAudit> previous;
  // "": everybody. Else the report of one partner: its text and figures alone; no other partner,
  // nobody else's text or name in it: of an answer it shows what is the partner's, the rest is ⋯.
  std::string only_partner;
};

// Errors are those of matching. Time: a few milliseconds an answer.
StatusOr<AuditFigures> ComputeFigures(const ProbePlan& plan, std::string_view plan_digest,
                                      const std::vector<AuditAnswer>& answers,
                                      const FigureOptions& options);

}  // namespace jangbu::audit
