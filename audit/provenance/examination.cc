#include "audit/provenance/examination.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>

#include "audit/provenance/linalg.h"
#include "audit/provenance/parallel.h"
#include "audit/provenance/weight_source.h"
#include "base/bytes.h"

namespace jangbu::audit {
namespace {

// A model and what is read of it.
struct Opened {
  std::shared_ptr<const Model> model;
  std::unique_ptr<WeightSource> source;
};

StatusOr<Opened> Open(const std::string& path) {
  Opened opened;
  JANGBU_ASSIGN_OR_RETURN(opened.model, Model::Open(path));
  JANGBU_ASSIGN_OR_RETURN(opened.source, SourceOfModel(opened.model));
  return opened;
}

ModelFacts FactsOf(const Model& model) {
  ModelFacts facts;
  facts.label = model.path();
  facts.bytes = model.bytes();
  facts.elements = model.elements();
  facts.tensors = model.tensors().size();
  facts.format = model.gguf() ? "gguf" : "safetensors";
  facts.config = model.config();
  std::set<std::string_view> dtypes;
  for (const Tensor& t : model.tensors()) dtypes.insert(NameOf(t.dtype));
  for (const std::string_view d : dtypes)
    facts.dtypes += (facts.dtypes.empty() ? "" : "+") + std::string(d);
  return facts;
}

// Why a control of this shape says nothing about a pair of that shape; "" when it does.
std::string ShapeDiffers(const SourceShape& control, const SourceShape& pair) {
  if (control.width != pair.width || control.heads != pair.heads ||
      control.head_dim != pair.head_dim || control.kv_heads != pair.kv_heads) {
    return "shape_differs";
  }
  if (control.layers.empty() || pair.layers.empty()) return "shape_differs";
  return "";
}

bool IsNorm(Role role) {
  return role == Role::kNormAttention || role == Role::kNormFfn || role == Role::kNormFinal;
}

double SignedRoot(double x) { return x < 0 ? -std::sqrt(-x) : std::sqrt(x); }

double Partial(double ab, double as, double bs) {
  const double scale = std::sqrt(std::max(1e-4, 1 - as * as) * std::max(1e-4, 1 - bs * bs));
  return std::clamp((ab - as * bs) / scale, -1.0, 1.0);
}

// The subject's matched rows as a sum of the two parents', by least squares; up and down together.
Mixture Mix(const std::vector<MatchedRows>& first, const std::vector<MatchedRows>& second) {
  Mixture mix;
  double mm = 0, aa = 0, bb = 0, ab = 0, ma = 0, mb = 0;
  for (size_t l = 0; l < first.size() && l < second.size(); ++l) {
    const MatchedRows& x = first[l];
    const MatchedRows& y = second[l];
    if (x.neurons != y.neurons || x.first_layer != y.first_layer) return mix;
    const auto add = [&](const std::vector<float>& m, const std::vector<float>& a,
                         const std::vector<float>& b) {
      mm += Dot(m.data(), m.data(), m.size());
      aa += Dot(a.data(), a.data(), a.size());
      bb += Dot(b.data(), b.data(), b.size());
      ab += Dot(a.data(), b.data(), a.size());
      ma += Dot(m.data(), a.data(), a.size());
      mb += Dot(m.data(), b.data(), b.size());
    };
    add(x.up_first, x.up_second, y.up_second);
    add(x.down_first, x.down_second, y.down_second);
  }
  std::vector<double> w;
  if (mm <= 0 || aa <= 0 || bb <= 0) return mix;
  mix.explained_reference = ma * ma / (aa * mm);
  mix.explained_other = mb * mb / (bb * mm);
  if (!SolveSymmetric({aa, ab, ab, bb}, {ma, mb}, 2, w)) return mix;
  mix.weight_reference = w[0];
  mix.weight_other = w[1];
  mix.explained = (w[0] * ma + w[1] * mb) / mm;
  return mix;
}

std::vector<std::pair<double, double>> Curve(const TrainingLog& log) {
  std::vector<std::pair<double, double>> all;
  for (const LogRow& row : log.rows) {
    if (row.loss) all.emplace_back(static_cast<double>(row.step), *row.loss);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  constexpr size_t kPoints = 200;
  if (all.size() <= kPoints) return all;
  std::vector<std::pair<double, double>> curve;
  for (size_t i = 0; i < kPoints; ++i) {
    const size_t from = i * all.size() / kPoints, to = (i + 1) * all.size() / kPoints;
    double step = 0, loss = 0;
    for (size_t j = from; j < to; ++j) {
      step += all[j].first;
      loss += all[j].second;
    }
    const auto n = static_cast<double>(to - from);
    curve.emplace_back(step / n, loss / n);
  }
  return curve;
}

class Examiner {
 public:
  Examiner(const Request& request, const Running& running) : running_(running) {
    out_.request = request;
    options_.seed = request.seed;
    options_.threads = running.threads;
  }

  StatusOr<Examination> Run() {
    const Request& request = out_.request;
    // Everything that can be wrong with an input is said before hours are spent.
    Stage("open", 0, 1);
    JANGBU_ASSIGN_OR_RETURN(subject_, Open(request.subject));
    JANGBU_ASSIGN_OR_RETURN(reference_, Open(request.reference));
    if (!request.start.empty()) {
      JANGBU_ASSIGN_OR_RETURN(start_, Open(request.start));
    }
    for (const std::string& path : request.independents) JANGBU_RETURN_IF_ERROR(Extra(path));
    for (const std::string& path : request.derived) JANGBU_RETURN_IF_ERROR(Extra(path));
    for (const std::string& path : request.also) JANGBU_RETURN_IF_ERROR(Extra(path));
    for (const auto& [a, b] : request.null_pairs) {
      JANGBU_RETURN_IF_ERROR(Extra(a));
      JANGBU_RETURN_IF_ERROR(Extra(b));
    }
    JANGBU_RETURN_IF_ERROR(Training());
    JANGBU_RETURN_IF_ERROR(Scan());
    Vocabulary vocabulary = CompareVocabularies(*subject_.model, *reference_.model);
    out_.vocabulary = std::move(vocabulary.figures);
    out_.vocabulary_assumed = vocabulary.assumed;
    out_.shared_entries = vocabulary.shared.size();
    shared_ = vocabulary.shared;
    Stage("compare", 0, 1);
    options_.keep_rows = start_.model != nullptr || !request.also.empty();
    JANGBU_ASSIGN_OR_RETURN(out_.likeness, CompareWeights(*subject_.source, *reference_.source,
                                                          vocabulary.shared, options_));
    JANGBU_RETURN_IF_ERROR(Start());
    JANGBU_RETURN_IF_ERROR(Mixtures());
    options_.keep_rows = false;
    out_.likeness.rows.clear();
    JANGBU_RETURN_IF_ERROR(Controls());
    JANGBU_RETURN_IF_ERROR(Checkpoints());

    Case facts;
    facts.pair = out_.likeness;
    facts.figures = WeighedOf(out_.likeness);
    facts.start_known = !out_.partial_layers.empty();
    if (facts.start_known) facts.figures.neurons = out_.partial_neurons;
    facts.same_content = out_.subject.content == out_.reference.content;
    facts.controls = out_.controls;
    facts.gains_known = gains_known_;
    facts.gains_pearson = out_.gains_pearson;
    facts.gains_p = gains_p_;
    for (size_t i = 0; i < out_.likeness.layers.size(); ++i) {
      facts.layer_effects.push_back(facts.start_known ? out_.partial_layers[i]
                                                      : out_.likeness.layers[i].effect);
      facts.layer_numbers.push_back(out_.likeness.layers[i].first_layer);
    }
    out_.verdict = Decide(facts);
    Stage("done", 1, 1);
    return std::move(out_);
  }

 private:
  void Stage(std::string_view stage, uint64_t done, uint64_t total) const {
    if (running_.progress) running_.progress(stage, done, total);
  }
  Status StopAsked() const {
    if (running_.stop && running_.stop()) {
      return MakeError(absl::StatusCode::kCancelled, "interrupted",
                       "stopped; the same command goes on where it was");
    }
    return OkStatus();
  }
  Status Extra(const std::string& path) {
    if (extra_.contains(path)) return OkStatus();
    JANGBU_ASSIGN_OR_RETURN(extra_[path], Open(path));
    return OkStatus();
  }

  Status Training() {
    const Request& request = out_.request;
    if (!request.manifest.empty()) {
      JANGBU_ASSIGN_OR_RETURN(const std::string json, ReadWhole(request.manifest, kManifestMax));
      JANGBU_ASSIGN_OR_RETURN(out_.manifest, ReadManifest(request.manifest, json));
    }
    if (!request.lineage.empty()) {
      if (!out_.manifest) {
        return InvalidArgument("lineage_without_manifest",
                               "a lineage says what the books hold of what a manifest declares; "
                               "give the manifest too (--manifest)");
      }
      JANGBU_ASSIGN_OR_RETURN(const std::string json, ReadWhole(request.lineage, kLineageMax));
      JANGBU_ASSIGN_OR_RETURN(out_.lineage, ReadLineage(request.lineage, json));
      out_.data_findings = CompareLineage(*out_.manifest, *out_.lineage);
    }
    std::vector<TrainingLog> logs;
    for (const std::string& path : request.logs) {
      JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(path, kLogBytesMax));
      JANGBU_ASSIGN_OR_RETURN(TrainingLog log, ReadTrainingLog(path, bytes));
      LogReport report;
      report.label = path;
      report.loss_name = log.loss_name;
      report.score_names = log.score_names;
      report.figures = ExamineLog(log, subject_.source->shape().vocab);
      report.curve = Curve(log);
      out_.logs.push_back(std::move(report));
      for (const TrainingLog& other : logs) out_.findings.push_back(CompareLogs(other, log));
      logs.push_back(std::move(log));
    }
    return OkStatus();
  }

  Status Scan() {
    const Model& a = *subject_.model;
    const Model& b = *reference_.model;
    const uint64_t total = a.bytes() + b.bytes();
    std::atomic<uint64_t> done{0};
    ScanOptions options;
    options.threads = running_.threads;
    options.stop = running_.stop;
    options.progress = [&](uint64_t bytes) { Stage("scan", done += bytes, total); };
    std::unique_ptr<FinishedWork> finished;
    if (!running_.state_path.empty()) {
      ByteWriter identity;
      identity.Raw(HeaderDigest(a));
      identity.Raw(HeaderDigest(b));
      JANGBU_ASSIGN_OR_RETURN(finished,
                              OpenScanState(running_.state_path, Sha256(identity.bytes())));
      options.finished = finished.get();
    }
    JANGBU_ASSIGN_OR_RETURN(const ScanResult scan, ScanPair(a, b, options));
    out_.subject = FactsOf(a);
    out_.subject.content = scan.first;
    out_.reference = FactsOf(b);
    out_.reference.content = scan.second;
    out_.unpaired_subject = scan.first_unpaired;
    out_.unpaired_reference = scan.second_unpaired;

    std::map<Role, RoleFigures> roles;
    std::map<Role, PairSums> role_sums;
    double weight = 0, z = 0, z_weight = 0;
    uint64_t gain_numbers = 0;
    for (const ScannedPair& pair : scan.pairs) {
      const Placed placed = a.places()[pair.first];
      if (!IsNorm(placed.role)) {
        RoleFigures& role = roles[placed.role];
        role.role = std::string(NameOf(placed.role));
        ++role.tensors;
        role_sums[placed.role] += pair.sums;
        continue;
      }
      const PlainFigures f = pair.sums.Figures();
      out_.gains.push_back(
          {a.tensors()[pair.first].name, std::string(NameOf(placed.role)), placed.layer, f});
      const auto n = static_cast<double>(f.n);
      gain_numbers += f.n;
      out_.gains_cosine += f.cosine * n;
      out_.gains_shuffled += f.shuffled_cosine * n;
      weight += n;
      if (f.z != 0 || f.pearson != 0) {
        out_.gains_pearson += f.pearson * n;
        z += std::atanh(std::clamp(f.pearson, -1 + 1e-9, 1 - 1e-9)) * (n - 3);
        z_weight += n - 3;
      }
    }
    if (weight > 0) {
      out_.gains_cosine /= weight;
      out_.gains_shuffled /= weight;
    }
    if (z_weight > 0) {
      gains_known_ = true;
      out_.gains_pearson /= weight;
      gains_p_ = std::erfc(std::abs(z / std::sqrt(z_weight)) / std::sqrt(2.0));
    }
    out_.gains_share = static_cast<double>(gain_numbers) / static_cast<double>(a.elements());
    for (auto& [role, figures] : roles) {
      figures.figures = role_sums[role].Figures();
      out_.roles.push_back(figures);
    }
    return OkStatus();
  }

  // A common start: its share is taken out of both sides.
  Status Start() {
    if (start_.model == nullptr) return OkStatus();
    Stage("start", 0, 1);
    out_.start = FactsOf(*start_.model);
    JANGBU_ASSIGN_OR_RETURN(out_.start->content, ScanModel(*start_.model, ScanOnly()));
    JANGBU_ASSIGN_OR_RETURN(const bool untrained, IsUntrained(*start_.model));
    if (out_.start->content == out_.subject.content ||
        out_.start->content == out_.reference.content) {
      out_.start_refused = "start_is_of_the_pair";
      return OkStatus();
    }
    if (!untrained) {
      out_.start_refused = "start_is_trained";
      return OkStatus();
    }
    const Opened& base = out_.likeness.swapped ? reference_ : subject_;
    if (start_.source->shape().layers.size() < base.source->shape().layers.size() ||
        start_.source->shape().width != base.source->shape().width) {
      out_.start_refused = "start_of_other_shape";
      return OkStatus();
    }
    const SharedEntries shared = CompareVocabularies(*base.model, *start_.model).shared;
    JANGBU_ASSIGN_OR_RETURN(const Likeness to_start,
                            CompareWeights(*base.source, *start_.source, shared, options_));
    out_.partial_layers = PartialEffects(out_.likeness.rows, to_start.rows);
    if (out_.partial_layers.empty()) {
      out_.start_refused = "start_of_other_shape";
      return OkStatus();
    }
    for (const double e : out_.partial_layers)
      out_.partial_neurons += e / static_cast<double>(out_.partial_layers.size());
    return OkStatus();
  }

  Status Mixtures() {
    for (const std::string& path : out_.request.also) {
      const Opened& other = extra_[path];
      const SharedEntries shared = CompareVocabularies(*subject_.model, *other.model).shared;
      JANGBU_ASSIGN_OR_RETURN(const Likeness likeness,
                              CompareWeights(*subject_.source, *other.source, shared, options_));
      Mixture mix;
      if (!likeness.swapped && !out_.likeness.swapped) mix = Mix(out_.likeness.rows, likeness.rows);
      mix.other = path;
      out_.mixtures.push_back(mix);
    }
    return OkStatus();
  }

  ScanOptions ScanOnly() const {
    ScanOptions options;
    options.threads = running_.threads;
    options.stop = running_.stop;
    return options;
  }

  Status Controls() {
    struct Planned {
      ControlKind kind;
      const Opened* first;
      const Opened* second;
      std::string first_label, second_label, model;
    };
    const Request& request = out_.request;
    std::vector<Planned> plan;
    for (size_t i = 0; i < request.independents.size(); ++i) {
      const std::string& path = request.independents[i];
      const Opened& control = extra_[path];
      for (const Opened* side : {&subject_, &reference_}) {
        plan.push_back(
            {ControlKind::kIndependent, side, &control, side->model->path(), path, path});
      }
      for (size_t j = 0; j < i; ++j) {
        const std::string& before = request.independents[j];
        if (before == path) continue;
        plan.push_back({ControlKind::kIndependent, &extra_[before], &control, before, path, path});
      }
    }
    for (const auto& [a, b] : request.null_pairs) {
      plan.push_back({ControlKind::kIndependent, &extra_[a], &extra_[b], a, b, a + " : " + b});
    }
    for (const std::string& path : request.derived) {
      plan.push_back(
          {ControlKind::kDerived, &reference_, &extra_[path], request.reference, path, path});
    }
    // Constructed positives are worth their time only where a verdict can follow.
    std::set<std::string> independents;
    for (const Planned& p : plan) {
      if (p.kind == ControlKind::kIndependent) independents.insert(p.model);
    }
    static constexpr struct {
      const char* name;
      Disguise disguise;
      bool faint = false;
    } kDisguises[] = {
        {"permuted and rescaled", {.permute = true, .rescale = true}},
        {"rotated, permuted, rescaled, 5 % noise",
         {.permute = true, .rotate = true, .rescale = true, .noise = 0.05}},
        {"30 % pruned, 5 % noise", {.noise = 0.05, .prune = 0.3}},
        // Noise of three times the energy: a quarter of what is there is the model's.
        {"permuted, rescaled, three quarters noise",
         {.permute = true, .rescale = true, .noise = 1.7320508},
         true},
    };
    const size_t constructed = independents.size() >= 2 ? std::size(kDisguises) : 0;
    const size_t total = plan.size() + constructed;
    size_t done = 0;
    for (const Planned& planned : plan) {
      JANGBU_RETURN_IF_ERROR(StopAsked());
      Stage("controls", done++, total);
      Control control;
      control.kind = planned.kind;
      control.first = planned.first_label;
      control.second = planned.second_label;
      control.model = planned.model;
      control.incomparable =
          ShapeDiffers(planned.second->source->shape(), subject_.source->shape());
      if (control.incomparable.empty()) {
        const SharedEntries shared =
            CompareVocabularies(*planned.first->model, *planned.second->model).shared;
        JANGBU_ASSIGN_OR_RETURN(
            const Likeness likeness,
            CompareWeights(*planned.first->source, *planned.second->source, shared, options_));
        control.figures = WeighedOf(likeness);
        control.incomparable = likeness.incomparable;
      }
      out_.controls.push_back(std::move(control));
    }
    // What embeddings can do for this pair, no more: a copy is sought under the same conditions.
    SharedEntries same;
    for (const auto& [subject, reference] : shared_) same.emplace_back(subject, subject);
    for (size_t i = 0; i < constructed; ++i) {
      JANGBU_RETURN_IF_ERROR(StopAsked());
      Stage("controls", done++, total);
      Disguise disguise = kDisguises[i].disguise;
      disguise.seed = request.seed * 131 + i;
      const auto disguised = Disguised(*subject_.source, disguise);
      JANGBU_ASSIGN_OR_RETURN(const Likeness likeness,
                              CompareWeights(*subject_.source, *disguised, same, options_));
      Control control;
      control.kind = kDisguises[i].faint ? ControlKind::kFaint : ControlKind::kConstructed;
      control.first = request.subject;
      control.second = kDisguises[i].name;
      control.model = kDisguises[i].name;
      control.figures = WeighedOf(likeness);
      // Embeddings are weighed as they are or reordered, which a rotation hides.
      if (disguise.rotate) control.figures.has_entries = false;
      control.incomparable = likeness.incomparable;
      out_.controls.push_back(std::move(control));
    }
    return OkStatus();
  }

  // Plain correlation of all matrices of two models at the same places.
  StatusOr<double> Correlation(const Model& a, const Model& b) const {
    JANGBU_ASSIGN_OR_RETURN(const ScanResult scan, ScanPair(a, b, ScanOnly()));
    double sum = 0, weight = 0;
    for (const ScannedPair& pair : scan.pairs) {
      if (IsNorm(a.places()[pair.first].role)) continue;
      const PlainFigures f = pair.sums.Figures();
      sum += f.pearson * static_cast<double>(f.n);
      weight += static_cast<double>(f.n);
    }
    return weight > 0 ? sum / weight : 0;
  }

  Status Checkpoints() {
    const Request& request = out_.request;
    if (request.checkpoints.empty()) return OkStatus();
    std::vector<std::shared_ptr<const Model>> series;
    for (const std::string& path : request.checkpoints) {
      JANGBU_ASSIGN_OR_RETURN(std::shared_ptr<const Model> model, Model::Open(path));
      series.push_back(std::move(model));
    }
    series.push_back(subject_.model);
    JANGBU_ASSIGN_OR_RETURN(const bool untrained, IsUntrained(*series.front()));
    out_.findings.push_back({untrained ? FindingKind::kConsistent : FindingKind::kNote,
                             untrained ? "first_checkpoint_untrained" : "first_checkpoint_trained",
                             {}});
    std::vector<double> next, skip;
    const size_t total = 2 * series.size();
    for (size_t i = 0; i + 1 < series.size(); ++i) {
      JANGBU_RETURN_IF_ERROR(StopAsked());
      Stage("checkpoints", 2 * i, total);
      JANGBU_ASSIGN_OR_RETURN(const double r, Correlation(*series[i], *series[i + 1]));
      next.push_back(r);
      if (i + 2 < series.size()) {
        JANGBU_ASSIGN_OR_RETURN(const double s, Correlation(*series[i], *series[i + 2]));
        skip.push_back(s);
      }
    }
    for (Finding& finding : ExamineCheckpoints(next, skip))
      out_.findings.push_back(std::move(finding));
    return OkStatus();
  }

  const Running& running_;
  LikenessOptions options_;
  Examination out_;
  Opened subject_, reference_, start_;
  std::map<std::string, Opened> extra_;
  SharedEntries shared_;  // of subject and reference
  bool gains_known_ = false;
  double gains_p_ = 1;
};

}  // namespace

std::vector<double> PartialEffects(const std::vector<MatchedRows>& pair,
                                   const std::vector<MatchedRows>& start) {
  std::vector<double> effects;
  if (pair.size() != start.size()) return effects;
  for (size_t l = 0; l < pair.size(); ++l) {
    const MatchedRows& x = pair[l];
    const MatchedRows& s = start[l];
    if (x.neurons != s.neurons || x.first_layer != s.first_layer || x.neurons == 0) return {};
    const size_t width = x.up_first.size() / x.neurons;
    double sum = 0;
    for (size_t i = 0; i < x.neurons; ++i) {
      const auto at = [&](const std::vector<float>& rows) { return rows.data() + i * width; };
      const double up = Partial(Dot(at(x.up_first), at(x.up_second), width),
                                Dot(at(x.up_first), at(s.up_second), width),
                                Dot(at(x.up_second), at(s.up_second), width));
      const double down = Partial(Dot(at(x.down_first), at(x.down_second), width),
                                  Dot(at(x.down_first), at(s.down_second), width),
                                  Dot(at(x.down_second), at(s.down_second), width));
      sum += SignedRoot(up * down);
    }
    effects.push_back(sum / static_cast<double>(x.neurons));
  }
  return effects;
}

StatusOr<bool> IsUntrained(const Model& model) {
  bool any = false;
  for (uint32_t i = 0; i < model.tensors().size(); ++i) {
    if (!IsNorm(model.places()[i].role)) continue;
    JANGBU_ASSIGN_OR_RETURN(const std::vector<float> gains, ReadGains(model, i));
    const auto [low, high] = std::minmax_element(gains.begin(), gains.end());
    if (gains.empty() || *high - *low > 1e-6f * std::abs(*high)) return false;
    any = true;
  }
  return any;
}

StatusOr<Examination> Examine(const Request& request, const Running& running) {
  return Examiner(request, running).Run();
}

}  // namespace jangbu::audit
