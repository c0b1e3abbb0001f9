#include "audit/provenance/verdict.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace jangbu::audit {
namespace {

// A control that says "independent" and looks like the positives is a wrong control.
constexpr double kContaminated = 0.5;
// Positives and independents must stand so far apart.
constexpr double kApart = 0.2;
// Of the way from the bound of "no relation" to the positives: from here on descent, …
constexpr double kDerivedPlace = 0.35;
// … and up to here no relation.
constexpr double kIndependentPlace = 0.1;
constexpr double kSure = 1e-4;  // corrected p-value of a relation

Scale ScaleOf(const std::vector<Control>& controls, double Weighed::*value, bool Weighed::*has) {
  Scale scale;
  std::vector<double> null, positive;
  for (const Control& control : controls) {
    if (!(control.figures.*has)) continue;
    (control.kind == ControlKind::kIndependent ? null : positive).push_back(control.figures.*value);
  }
  if (null.size() < 2 || positive.empty()) return scale;
  scale.known = true;
  const auto [low, high] = std::minmax_element(null.begin(), null.end());
  scale.null_max = *high;
  // A few controls do not show the tail: half their spread again, and never less than 0.02.
  scale.bound = std::max(0.0, *high) + std::max(0.02, 0.5 * (*high - *low));
  scale.positive_min = *std::min_element(positive.begin(), positive.end());
  scale.derived_from = scale.bound + kDerivedPlace * (scale.positive_min - scale.bound);
  return scale;
}

}  // namespace

std::string_view NameOf(Answer answer) {
  static constexpr std::string_view kNames[] = {"derived", "independent", "inconclusive"};
  return kNames[static_cast<size_t>(answer)];
}

std::string_view NameOf(ControlKind kind) {
  static constexpr std::string_view kNames[] = {"independent", "derived", "constructed"};
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
  v.neurons = ScaleOf(facts.controls, &Weighed::neurons, &Weighed::has_neurons);
  v.heads = ScaleOf(facts.controls, &Weighed::heads, &Weighed::has_heads);
  v.entries = ScaleOf(facts.controls, &Weighed::entries, &Weighed::has_entries);
  // Controls that are not what they are said to be.
  double constructed_min = 2;
  for (const Control& c : facts.controls) {
    if (c.kind == ControlKind::kConstructed && c.figures.has_neurons)
      constructed_min = std::min(constructed_min, c.figures.neurons);
  }
  for (const Control& c : facts.controls) {
    if (c.kind == ControlKind::kIndependent && c.figures.has_neurons && constructed_min < 2 &&
        c.figures.neurons > kContaminated * constructed_min) {
      ground("control_contaminated", {c.figures.neurons, constructed_min}, {c.first, c.second});
      return v;
    }
  }
  if (!v.neurons.known || v.neurons.positive_min - v.neurons.bound < kApart) {
    ground("controls_do_not_stand_apart", {v.neurons.bound, v.neurons.positive_min});
    return v;
  }
  if (!facts.figures.has_neurons) {
    ground("incomparable", {}, {pair.incomparable});
    return v;
  }

  const double neurons = facts.figures.neurons;
  const double place = v.neurons.place(neurons);
  const bool heads_count =
      v.heads.known && v.heads.positive_min - v.heads.bound >= kApart && facts.figures.has_heads;
  const double heads_place = heads_count ? v.heads.place(facts.figures.heads) : 0;
  const bool entries_count = v.entries.known &&
                             v.entries.positive_min - v.entries.bound >= kApart &&
                             facts.figures.has_entries;
  const double entries_place = entries_count ? v.entries.place(facts.figures.entries) : 0;

  // Descent.
  if (neurons >= v.neurons.derived_from && corrected("neurons") < kSure) {
    v.answer = Answer::kDerived;
    ground("neurons_match",
           {neurons, v.neurons.null_max, v.neurons.positive_min, corrected("neurons")},
           {std::string(NameOf(pair.basis))});
    if (heads_count && heads_place >= kDerivedPlace) ground("heads_match", {facts.figures.heads});
    if (facts.start_known) {
      ground("start_taken_out", {pair.neurons.effect, neurons});
    } else if (place < 0.6) {
      ground("start_possible");
    }
    return v;
  }
  // In part: layers that match as only descent does.
  for (size_t i = 0; i < facts.layer_effects.size(); ++i) {
    const double p = i < pair.layers.size() ? UpperTail(pair.layers[i].z) : 1;
    if (v.neurons.place(facts.layer_effects[i]) >= 0.5 &&
        p * static_cast<double>(facts.layer_effects.size()) < 1e-9) {
      v.shared_layers.push_back(facts.layer_numbers[i]);
    }
  }
  if (!v.shared_layers.empty()) {
    v.answer = Answer::kDerived;
    ground("layers_match", {static_cast<double>(v.shared_layers.size()),
                            static_cast<double>(facts.layer_effects.size()), neurons});
    return v;
  }
  if (heads_count && !facts.start_known && heads_place >= 0.6 && corrected("heads") < 1e-3) {
    v.answer = Answer::kDerived;
    ground("heads_match_only",
           {facts.figures.heads, v.heads.null_max, v.heads.positive_min, corrected("heads")});
    return v;
  }
  // No relation, if nothing speaks against it.
  bool clean = true;
  if (place > kIndependentPlace) {
    clean = false;
    ground(facts.start_known ? "neurons_between" : "neurons_between_perhaps_start",
           {neurons, v.neurons.null_max, v.neurons.derived_from});
  }
  if (heads_count && !facts.start_known && heads_place > 0.35) {
    clean = false;
    ground("heads_between", {facts.figures.heads, v.heads.null_max, v.heads.positive_min});
  }
  if (entries_count && !facts.start_known && entries_place > 0.5) {
    clean = false;
    ground("entries_alike", {facts.figures.entries, v.entries.null_max, v.entries.positive_min});
  }
  if (facts.gains_known && facts.gains_pearson > 0.5 && corrected("gains") < kSure) {
    clean = false;
    ground("gains_alike", {facts.gains_pearson});
  }
  if (clean) {
    v.answer = Answer::kIndependent;
    ground("neurons_as_unrelated", {neurons, v.neurons.null_max, v.neurons.positive_min});
    if (facts.start_known) ground("start_taken_out", {pair.neurons.effect, neurons});
  }
  return v;
}

}  // namespace jangbu::audit
