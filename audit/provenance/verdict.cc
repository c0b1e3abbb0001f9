#include "audit/provenance/verdict.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace jangbu::audit {
namespace {

// Standard deviations of chance between the unrelated and the bound.
constexpr double kChance = 4;
// Of the way from bound to line: up to here unrelated.
constexpr double kUnrelatedShare = 0.2;
// The bound must lie in the lower half of the way to the line.
constexpr double kApart = 0.5;
// Of the smallest share of the constructed positives (which is near 1) that must be in what was
// learnt. Copies that were trained on have 0.93 and more, siblings from one random start 0.84 and
// less, however little they were trained (docs/provenance.md).
constexpr double kLearntShare = 0.9;
constexpr double kSure = 1e-4;  // corrected p-value of a relation

struct Selected {
  double Weighed::*value;
  bool Weighed::*has;
};

// `faint`: the line is the faintest copy's figure; otherwise half way to the other positives.
Scale ScaleOf(const std::vector<Control>& controls, const Selected& test, double chance_sd,
              bool faint) {
  Scale scale;
  std::vector<double> null, positive;
  double line = 2;
  for (const Control& control : controls) {
    if (!control.incomparable.empty() || !(control.figures.*test.has)) continue;
    const double x = control.figures.*test.value;
    if (control.kind == ControlKind::kIndependent) null.push_back(x);
    if (control.kind == ControlKind::kConstructed) positive.push_back(x);
    if (control.kind == ControlKind::kFaint) line = std::min(line, x);
  }
  if (null.size() < 2 || positive.empty() || (faint && line == 2)) return scale;
  scale.known = true;
  const auto [low, high] = std::minmax_element(null.begin(), null.end());
  scale.null_max = *high;
  scale.bound = std::max(0.0, *high) + (*high - *low) + kChance * chance_sd;
  scale.positive_min = *std::min_element(positive.begin(), positive.end());
  scale.derived_from = faint ? std::min(line, scale.positive_min)
                             : scale.bound + (scale.positive_min - scale.bound) / 2;
  scale.apart = scale.derived_from > 0 && scale.bound <= kApart * scale.derived_from;
  scale.independent_upto =
      scale.bound + kUnrelatedShare * std::max(0.0, scale.derived_from - scale.bound);
  return scale;
}

}  // namespace

std::string_view NameOf(Answer answer) {
  static constexpr std::string_view kNames[] = {"derived", "independent", "inconclusive"};
  return kNames[static_cast<size_t>(answer)];
}

std::string_view NameOf(ControlKind kind) {
  static constexpr std::string_view kNames[] = {"independent", "derived", "constructed",
                                                "constructed_faint"};
  return kNames[static_cast<size_t>(kind)];
}

Weighed WeighedOf(const Likeness& likeness) {
  Weighed w;
  w.has_neurons = likeness.neurons.known;
  w.neurons = likeness.neurons.effect;
  w.has_heads = likeness.heads.known;
  w.heads = likeness.heads.effect;
  w.has_entries = likeness.entries.known;
  w.entries = likeness.entries.effect;
  w.has_learnt = likeness.learnt_known;
  w.learnt = likeness.learnt;
  return w;
}

void CorrectHolm(std::vector<Test>& tests) {
  std::vector<size_t> order(tests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return tests[a].p < tests[b].p; });
  double floor = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    Test& test = tests[order[i]];
    floor = std::max(floor, std::min(1.0, test.p * static_cast<double>(order.size() - i)));
    test.corrected = floor;
  }
}

Verdict Decide(const Case& facts) {
  Verdict v;
  const auto ground = [&](std::string code, std::vector<double> numbers = {},
                          std::vector<std::string> texts = {}) {
    v.grounds.push_back({std::move(code), std::move(numbers), std::move(texts)});
  };
  const Likeness& pair = facts.pair;
  if (pair.neurons.known) v.tests.push_back({"neurons", pair.neurons.p});
  if (pair.heads.known) v.tests.push_back({"heads", pair.heads.p});
  if (pair.entries.known) v.tests.push_back({"entries", pair.entries.p});
  if (facts.gains_known) v.tests.push_back({"gains", facts.gains_p});
  CorrectHolm(v.tests);
  const auto corrected = [&](std::string_view name) {
    for (const Test& test : v.tests) {
      if (test.name == name) return test.corrected;
    }
    return 1.0;
  };

  if (facts.same_content) {
    // Not a question of statistics: the numbers are equal.
    v.answer = Answer::kDerived;
    ground("same_content");
    return v;
  }
  std::set<std::string> independents, positives;
  for (const Control& control : facts.controls) {
    if (!control.incomparable.empty()) continue;
    (control.kind == ControlKind::kIndependent ? independents : positives).insert(control.model);
  }
  v.independents = independents.size();
  v.positives = positives.size();
  if (!pair.incomparable.empty() && !pair.heads.known) {
    ground("incomparable", {}, {pair.incomparable});
    return v;
  }
  if (v.independents < 2 || v.positives < 1) {
    ground("controls_missing",
           {static_cast<double>(v.independents), static_cast<double>(v.positives)});
    return v;
  }
  v.neurons = ScaleOf(facts.controls, {&Weighed::neurons, &Weighed::has_neurons},
                      pair.neurons.chance_sd, true);
  v.heads =
      ScaleOf(facts.controls, {&Weighed::heads, &Weighed::has_heads}, pair.heads.chance_sd, false);
  v.entries = ScaleOf(facts.controls, {&Weighed::entries, &Weighed::has_entries},
                      pair.entries.chance_sd, false);
  // These two only object: heads from chance on, embeddings (alike by the same text) from half way.
  v.heads.independent_upto = v.heads.bound;
  v.entries.independent_upto = v.entries.derived_from;
  double learnt_min = 2;
  for (const Control& c : facts.controls) {
    if (c.kind == ControlKind::kConstructed && c.figures.has_learnt)
      learnt_min = std::min(learnt_min, c.figures.learnt);
  }
  if (learnt_min < 2) v.learnt_from = kLearntShare * learnt_min;
  if (!v.neurons.known) {
    ground("controls_do_not_stand_apart", {0, 0});
    return v;
  }
  // Controls that are not what they are said to be.
  for (const Control& c : facts.controls) {
    if (c.kind == ControlKind::kIndependent && c.figures.has_neurons &&
        c.figures.neurons >= v.neurons.derived_from) {
      ground("control_contaminated", {c.figures.neurons, v.neurons.derived_from},
             {c.first, c.second});
      return v;
    }
  }
  if (!v.neurons.apart) {
    ground("controls_do_not_stand_apart", {v.neurons.bound, v.neurons.derived_from});
    return v;
  }
  if (!facts.figures.has_neurons) {
    ground("incomparable", {}, {pair.incomparable});
    return v;
  }

  const double neurons = facts.figures.neurons;
  const bool heads_count = v.heads.known && v.heads.apart && facts.figures.has_heads;
  const bool entries_count = v.entries.known && v.entries.apart && facts.figures.has_entries;
  // Without a known start an agreement must be in what was learnt too.
  const auto learnt = [&](bool known, double share) {
    return facts.start_known || (known && v.learnt_from > 0 && share >= v.learnt_from);
  };
  const bool alike = neurons >= v.neurons.derived_from && corrected("neurons") < kSure;

  // Descent.
  if (alike && learnt(facts.figures.has_learnt, facts.figures.learnt)) {
    v.answer = Answer::kDerived;
    ground("neurons_match",
           {neurons, v.neurons.null_max, v.neurons.derived_from, corrected("neurons")},
           {std::string(NameOf(pair.basis))});
    if (heads_count && facts.figures.heads >= v.heads.derived_from)
      ground("heads_match", {facts.figures.heads});
    if (facts.start_known) {
      ground("start_taken_out", {pair.neurons.effect, neurons});
    } else {
      ground("learnt_alike", {facts.figures.learnt, v.learnt_from});
    }
    return v;
  }
  // In part: layers that match as only descent does, beside others that do not match at all. Where
  // all are alike a little, it is a common start that makes some of them more so.
  const bool uneven = facts.start_known ||
                      (!facts.layer_effects.empty() &&
                       *std::min_element(facts.layer_effects.begin(), facts.layer_effects.end()) <=
                           v.neurons.independent_upto);
  for (size_t i = 0; uneven && i < facts.layer_effects.size() && i < pair.layers.size(); ++i) {
    const LayerLikeness& layer = pair.layers[i];
    const double share =
        LearntShare(layer.kept_large, layer.kept_rest, layer.kept_back_large, layer.kept_back_rest);
    if (facts.layer_effects[i] >= v.neurons.derived_from &&
        UpperTail(layer.z) * static_cast<double>(facts.layer_effects.size()) < 1e-9 &&
        learnt(layer.kept_rest != 0, share)) {
      v.shared_layers.push_back(facts.layer_numbers[i]);
    }
  }
  if (!v.shared_layers.empty()) {
    v.answer = Answer::kDerived;
    ground("layers_match", {static_cast<double>(v.shared_layers.size()),
                            static_cast<double>(facts.layer_effects.size()), neurons});
    return v;
  }
  // Spectra of heads have nothing in common at a random start, so none need be taken out.
  if (heads_count && facts.figures.heads >= v.heads.derived_from && corrected("heads") < 1e-3) {
    v.answer = Answer::kDerived;
    ground("heads_match_only",
           {facts.figures.heads, v.heads.null_max, v.heads.derived_from, corrected("heads")});
    return v;
  }
  // No relation, if nothing speaks against it.
  bool clean = true;
  if (alike) {
    clean = false;
    ground("start_likely", {neurons, facts.figures.learnt, v.learnt_from});
  } else if (neurons > v.neurons.independent_upto) {
    clean = false;
    ground(facts.start_known ? "neurons_between" : "neurons_between_perhaps_start",
           {neurons, v.neurons.independent_upto, v.neurons.derived_from});
  }
  // A descent that is known and that the figures do not see: then they show no independence either.
  for (const Control& c : facts.controls) {
    if (clean && c.kind == ControlKind::kDerived && c.figures.has_neurons &&
        c.figures.neurons <= v.neurons.independent_upto) {
      clean = false;
      ground("derived_control_not_seen", {c.figures.neurons, v.neurons.independent_upto},
             {c.second});
    }
  }
  if (heads_count && !facts.start_known && facts.figures.heads > v.heads.bound) {
    clean = false;
    ground("heads_between", {facts.figures.heads, v.heads.bound, v.heads.derived_from});
  }
  if (entries_count && !facts.start_known && facts.figures.entries > v.entries.derived_from) {
    clean = false;
    ground("entries_alike", {facts.figures.entries, v.entries.null_max, v.entries.positive_min});
  }
  if (facts.gains_known && facts.gains_pearson > 0.5 && corrected("gains") < kSure) {
    clean = false;
    ground("gains_alike", {facts.gains_pearson});
  }
  if (clean) {
    v.answer = Answer::kIndependent;
    ground("neurons_as_unrelated",
           {neurons, v.neurons.null_max, v.neurons.independent_upto, v.neurons.derived_from});
    if (facts.start_known) ground("start_taken_out", {pair.neurons.effect, neurons});
  }
  return v;
}

}  // namespace jangbu::audit
