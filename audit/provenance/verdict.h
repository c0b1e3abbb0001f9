#pragma once

// ★ WHERE A VERDICT IS GIVEN, OR REFUSED
//
// A figure means something only beside the same figure of pairs whose relation is known. So every
// line is made from controls of the same shape, by a rule that is the same for all models:
//
//   bound of chance   the largest figure of the unrelated controls, plus their whole range once
//   more,
//                     plus four standard deviations of what matching at random gives.
//   line of descent   the figure of the faintest copy that the tool makes from the model itself:
//                     reordered, rescaled, and three quarters of every row's energy replaced by
//                     noise. What is less alike than that is not called derived.
//   unrelated         up to a fifth of the way from the bound to the line: models trained apart on
//                     the same text are alike a little (0.06 here), which controls trained on other
//                     text do not show.
//
// Between the two there is no verdict. No verdict either without at least two independents (models,
// or declared pairs), where bound and line do not stand apart, where a control is not what it is
// said to be, or where the agreement is that of a common random start (likeness.h: learnt).
// Norm gains are shown and never count as descent; alike gains only forbid "independent".

#include <string>
#include <vector>

#include "audit/provenance/likeness.h"

namespace jangbu::audit {

enum class Answer : uint8_t { kDerived, kIndependent, kInconclusive };
std::string_view NameOf(Answer answer);

// kFaint: constructed, the faintest copy.
enum class ControlKind : uint8_t { kIndependent, kDerived, kConstructed, kFaint };
std::string_view NameOf(ControlKind kind);

// The figures of one comparison that the verdict weighs. `neurons` is the partial one where a
// common start is known and taken out.
struct Weighed {
  double neurons = 0;
  double heads = 0;
  double entries = 0;
  bool has_neurons = false;
  bool has_heads = false;
  bool has_entries = false;
  double learnt = 0;  // likeness.h
  bool has_learnt = false;
};
Weighed WeighedOf(const Likeness& likeness);

struct Control {
  ControlKind kind = ControlKind::kIndependent;
  std::string first, second;  // labels
  std::string model;          // what was brought in: distinct ones count
  Weighed figures;
  std::string incomparable;  // why it could not be used
};

// The scale of one figure made from the controls.
struct Scale {
  bool known = false;
  bool apart = false;           // bound and line are so far apart that the figure can decide
  double null_max = 0;          // largest of the independents
  double bound = 0;             // of chance
  double independent_upto = 0;  // up to here "unrelated"
  double derived_from = 0;      // the line of descent
  double positive_min = 0;      // smallest of the other constructed positives
};

struct Ground {
  std::string code;             // stable; the report has words for it
  std::vector<double> numbers;  // what the words need
  std::vector<std::string> texts;
};

// A test and its p-value, corrected for how many there were (Holm 1979).
struct Test {
  std::string name;
  double p = 1;
  double corrected = 1;
};
void CorrectHolm(std::vector<Test>& tests);

struct Verdict {
  Answer answer = Answer::kInconclusive;
  std::vector<Ground> grounds;  // the first is the decisive one
  Scale neurons, heads, entries;
  double learnt_from = 0;  // the agreement must be in what was learnt to this share; 0: not known
  std::vector<Test> tests;
  uint64_t independents = 0;  // distinct models and pairs
  uint64_t positives = 0;
  std::vector<uint32_t> shared_layers;  // layers that are derived where the whole is not
};

struct Case {
  Likeness pair;
  Weighed figures;            // of the pair; partial where a start is known
  bool start_known = false;   // a common initialisation was taken out
  bool same_content = false;  // the two are the same numbers
  std::vector<Control> controls;
  double gains_pearson = 0;  // mean over norms whose gains vary, weighted by length
  double gains_p = 1;
  bool gains_known = false;
  std::vector<double> layer_effects;  // partial where a start is known
  std::vector<uint32_t> layer_numbers;
};

// Pure. O(controls · log).
Verdict Decide(const Case& facts);

}  // namespace jangbu::audit
