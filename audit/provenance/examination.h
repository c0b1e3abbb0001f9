#pragma once

// The whole examination of one question: does the model `subject` descend from the model
// `reference`? Opens what it is given, measures, weighs against controls, decides. The report
// (dossier.h) only shows what is here.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/provenance/dossier_reading.h"
#include "audit/provenance/evidence.h"
#include "audit/provenance/likeness.h"
#include "audit/provenance/lineage.h"
#include "audit/provenance/manifest.h"
#include "audit/provenance/model.h"
#include "audit/provenance/tensor_scan.h"
#include "audit/provenance/verdict.h"
#include "audit/provenance/vocabulary.h"
#include "base/status.h"

namespace jangbu::audit {

struct Running {
  unsigned threads = 1;
  std::string state_path;  // a file of finished work; "" for none
  std::function<void(std::string_view stage, uint64_t done, uint64_t total)>
      progress;  // any thread
  std::function<bool()> stop;
};

struct ModelFacts {
  std::string label;  // its path
  Digest content{};   // see ContentDigest
  uint64_t bytes = 0;
  uint64_t elements = 0;
  uint64_t tensors = 0;
  std::string format;  // "safetensors" or "gguf"
  std::string dtypes;  // e.g. "BF16", "BF16+F32"
  ModelConfig config;
};

struct NamedFigures {
  std::string name;  // of the subject's tensor
  std::string role;
  uint32_t layer = 0;
  PlainFigures figures;
};

// All matrices of one role together.
struct RoleFigures {
  std::string role;
  uint64_t tensors = 0;
  PlainFigures figures;
};

struct Mixture {
  std::string other;  // label of the second parent
  double weight_reference = 0;
  double weight_other = 0;
  double explained = 0;            // R² of the subject by both, at matched neurons
  double explained_reference = 0;  // … by the reference alone
  double explained_other = 0;
};

struct LogReport {
  std::string label;
  std::string loss_name;
  std::vector<std::string> score_names;
  LogFigures figures;
  std::vector<std::pair<double, double>> curve;  // step, loss: at most 200 points, means
};

struct Examination {
  Request request;
  ModelFacts subject, reference;
  std::optional<ModelFacts> start;
  std::string start_refused;  // why the start was not taken out; stable code
  VocabularyFigures vocabulary;
  bool vocabulary_assumed = false;
  uint64_t shared_entries = 0;
  std::vector<NamedFigures> gains;
  std::vector<RoleFigures> roles;
  double gains_pearson = 0, gains_cosine = 0, gains_shuffled = 0;  // weighted by length
  double gains_share = 0;                                          // of all weights
  uint64_t unpaired_subject = 0, unpaired_reference = 0;
  Likeness likeness;
  double partial_neurons = 0;  // with the start taken out
  std::vector<double> partial_layers;
  std::vector<Control> controls;
  std::vector<Mixture> mixtures;
  std::vector<LogReport> logs;
  std::vector<Finding> findings;  // between logs, and of checkpoints
  std::vector<std::string> checkpoints;
  std::optional<Manifest> manifest;
  std::optional<Lineage> lineage;
  std::vector<Finding> data_findings;  // manifest and lineage against each other
  Verdict verdict;
};

// Errors: those of opening and reading the models, logs and manifest; Cancelled("interrupted").
// Equal requests on equal files give equal examinations, whatever the number of threads.
StatusOr<Examination> Examine(const Request& request, const Running& running);

// A model untouched by training: all gains of each norm equal.
StatusOr<bool> IsUntrained(const Model& model);

// Effects on neurons with a third model's share taken out of both sides; by layer. Empty when the
// rows do not belong together.
std::vector<double> PartialEffects(const std::vector<MatchedRows>& pair,
                                   const std::vector<MatchedRows>& start);

}  // namespace jangbu::audit
