#include "audit/provenance/likeness.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include "audit/provenance/linalg.h"
#include "audit/provenance/parallel.h"
#include "base/check.h"

namespace jangbu::audit {
namespace {

constexpr size_t kBlockElements = size_t{1} << 23;  // 32 MiB of floats

// A way to turn rows of the first model into the coordinates of the second.
struct Basis {
  BasisKind kind = BasisKind::kAsIs;
  std::vector<float> matrix;    // width × width: row_second ≈ row_first · matrix
  std::vector<uint32_t> order;  // kPermuted: column of the second for each of the first
  std::vector<float> sign;
  const RandomRotation* random = nullptr;  // for nulls

  void Apply(std::vector<float>& rows, size_t count, size_t width) const {
    if (random != nullptr) {
      random->Apply(rows.data(), count);
    } else if (kind == BasisKind::kPermuted) {
      std::vector<float> moved(rows.size());
      for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < width; ++j) {
          moved[i * width + order[j]] = rows[i * width + j] * sign[j];
        }
      }
      rows.swap(moved);
    } else if (kind != BasisKind::kAsIs) {
      std::vector<float> moved(rows.size());
      Gemm(false, false, count, width, width, 1, rows.data(), width, matrix.data(), width, 0,
           moved.data(), width);
      rows.swap(moved);
    }
  }
  // And back.
  void Undo(std::vector<float>& rows, size_t count, size_t width) const {
    if (kind == BasisKind::kPermuted) {
      std::vector<float> moved(rows.size());
      for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < width; ++j) {
          moved[i * width + j] = rows[i * width + order[j]] * sign[j];
        }
      }
      rows.swap(moved);
    } else if (kind != BasisKind::kAsIs) {
      std::vector<float> moved(rows.size());
      Gemm(false, true, count, width, width, 1, rows.data(), width, matrix.data(), width, 0,
           moved.data(), width);
      rows.swap(moved);
    }
  }
};

// `count` numbers spread evenly over 0 … total-1.
std::vector<uint32_t> Evenly(size_t total, size_t count) {
  count = std::min(total, count);
  std::vector<uint32_t> chosen(count);
  for (size_t i = 0; i < count; ++i) {
    chosen[i] = static_cast<uint32_t>(static_cast<uint64_t>(i) * total / count);
  }
  return chosen;
}

// Chosen rows of a part, each of length 1.
StatusOr<std::vector<float>> ChosenRows(const WeightSource& source, uint32_t layer, Part part,
                                        const std::vector<uint32_t>& chosen) {
  const size_t width = source.shape().width;
  std::vector<float> rows(chosen.size() * width);
  for (size_t i = 0; i < chosen.size();) {
    size_t run = 1;
    while (i + run < chosen.size() && chosen[i + run] == chosen[i] + run) ++run;
    JANGBU_RETURN_IF_ERROR(source.ReadRows(layer, part, chosen[i], run, rows.data() + i * width));
    i += run;
  }
  NormaliseRows(rows.data(), chosen.size(), width);
  return rows;
}

// Chosen columns of `down` as rows of length 1, reading it block by block.
StatusOr<std::vector<float>> ChosenDown(const WeightSource& source, uint32_t layer,
                                        const std::vector<uint32_t>& chosen) {
  const size_t width = source.shape().width;
  const size_t n = source.shape().layers[layer].neurons;
  const size_t step = std::max<size_t>(1, kBlockElements / n);
  std::vector<float> rows(chosen.size() * width), block;
  for (size_t at = 0; at < width; at += step) {
    const size_t count = std::min(step, width - at);
    block.resize(count * n);
    JANGBU_RETURN_IF_ERROR(source.ReadRows(layer, Part::kDown, at, count, block.data()));
    for (size_t i = 0; i < chosen.size(); ++i) {
      for (size_t r = 0; r < count; ++r) rows[i * width + at + r] = block[r * n + chosen[i]];
    }
  }
  NormaliseRows(rows.data(), chosen.size(), width);
  return rows;
}

// Cosines of `rows` (of length 1, in the second's coordinates) with all rows of its part.
Status Cosines(const std::vector<float>& rows, size_t count, const WeightSource& second,
               uint32_t layer, Part part, std::vector<float>& out) {
  const size_t width = second.shape().width;
  const size_t n = second.shape().layers[layer].neurons;
  out.assign(count * n, 0);
  std::vector<float> block;
  if (part == Part::kDown) {
    const size_t step = std::max<size_t>(1, kBlockElements / n);
    std::vector<double> squares(n, 0);
    for (size_t at = 0; at < width; at += step) {
      const size_t some = std::min(step, width - at);
      block.resize(some * n);
      JANGBU_RETURN_IF_ERROR(second.ReadRows(layer, part, at, some, block.data()));
      Gemm(false, false, count, n, some, 1, rows.data() + at, width, block.data(), n, 1, out.data(),
           n);
      for (size_t r = 0; r < some; ++r) {
        for (size_t j = 0; j < n; ++j) {
          const auto x = static_cast<double>(block[r * n + j]);
          squares[j] += x * x;
        }
      }
    }
    std::vector<float> scale(n);
    for (size_t j = 0; j < n; ++j)
      scale[j] = squares[j] > 0 ? static_cast<float>(1 / std::sqrt(squares[j])) : 0.0f;
    for (size_t i = 0; i < count; ++i) {
      for (size_t j = 0; j < n; ++j) out[i * n + j] *= scale[j];
    }
    return OkStatus();
  }
  const size_t step = std::max<size_t>(1, kBlockElements / width);
  for (size_t at = 0; at < n; at += step) {
    const size_t some = std::min(step, n - at);
    block.resize(some * width);
    JANGBU_RETURN_IF_ERROR(second.ReadRows(layer, part, at, some, block.data()));
    NormaliseRows(block.data(), some, width);
    Gemm(false, true, count, some, width, 1, rows.data(), width, block.data(), width, 0,
         out.data() + at, n);
  }
  return OkStatus();
}

// Mean over rows of the best cosine in the row: how well gates fit, without an assignment.
double MeanBest(const std::vector<float>& cosines, size_t rows, size_t columns) {
  double sum = 0;
  for (size_t i = 0; i < rows; ++i) {
    sum += static_cast<double>(
        *std::max_element(cosines.begin() + static_cast<std::ptrdiff_t>(i * columns),
                          cosines.begin() + static_cast<std::ptrdiff_t>((i + 1) * columns)));
  }
  return rows == 0 ? 0 : sum / static_cast<double>(rows);
}

double SignedRoot(double x) { return x < 0 ? -std::sqrt(-x) : std::sqrt(x); }

// Neurons of one pair of layers in one basis.
struct NeuronTest {
  LayerLikeness figures;
  MatchingSum sum;
  MatchedRows rows;
};

// How many neurons are tested against `each` numbers: all that are asked for in small layers, 256
// (enough: z grows with their root, and a copy's is in the hundreds) in large ones.
size_t Affordable(size_t each) {
  constexpr size_t kMultiplications = size_t{3} << 30;
  return std::max<size_t>(256, kMultiplications / each);
}

// An agreement that can be looked into: chance gives it once in a billion.
constexpr double kAgreementZ = 6;

// From here on directions are a model's own (random weights have 0.95, trained ones 1.6 to 7): what
// has none has learnt nothing that could be looked for in the other.
constexpr double kProminent = 1.3;

Status LookIntoAgreement(const WeightSource& second, uint32_t layer,
                         const std::vector<uint32_t>& matching, const std::vector<float>& up,
                         const std::vector<float>& down, LayerLikeness& figures) {
  const size_t width = second.shape().width;
  const size_t n = matching.size();
  const auto look = [&](const std::vector<float>& x, const std::vector<float>& y) {
    const auto kept = SharesKept(x, y, n, width);
    const auto back = SharesKept(y, x, n, width);
    if (kept && kept->prominence >= kProminent) {
      figures.kept_large += kept->large;
      figures.kept_rest += kept->rest;
    }
    if (back && back->prominence >= kProminent) {
      figures.kept_back_large += back->large;
      figures.kept_back_rest += back->rest;
    }
  };
  JANGBU_ASSIGN_OR_RETURN(const std::vector<float> down_second,
                          ChosenDown(second, layer, matching));
  look(down, down_second);
  if (!up.empty()) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<float> up_second,
                            ChosenRows(second, layer, Part::kUp, matching));
    look(up, up_second);
  }
  return OkStatus();
}

StatusOr<NeuronTest> TestNeurons(const WeightSource& first, uint32_t first_layer,
                                 const WeightSource& second, uint32_t second_layer,
                                 const Basis& basis, size_t neurons_max, bool keep,
                                 bool look_into = false) {
  const size_t width = first.shape().width;
  const size_t n = second.shape().layers[second_layer].neurons;
  const std::vector<uint32_t> chosen = Evenly(first.shape().layers[first_layer].neurons,
                                              std::min({neurons_max, n, Affordable(n * width)}));
  const size_t count = chosen.size();
  JANGBU_ASSIGN_OR_RETURN(std::vector<float> gate,
                          ChosenRows(first, first_layer, Part::kGate, chosen));
  basis.Apply(gate, count, width);
  std::vector<float> scores;
  JANGBU_RETURN_IF_ERROR(Cosines(gate, count, second, second_layer, Part::kGate, scores));
  const std::vector<uint32_t> matching = Assign(scores, count, n);
  NeuronTest test;
  test.figures.first_layer = first_layer;
  test.figures.second_layer = second_layer;
  test.figures.neurons = count;
  for (size_t i = 0; i < count; ++i)
    test.figures.fit += static_cast<double>(scores[i * n + matching[i]]);
  test.figures.fit /= static_cast<double>(count);

  // The test: weights that had no part in the matching.
  const bool gated =
      first.shape().layers[first_layer].gated && second.shape().layers[second_layer].gated;
  JANGBU_ASSIGN_OR_RETURN(std::vector<float> down, ChosenDown(first, first_layer, chosen));
  std::vector<float> up;
  if (gated || keep) {
    JANGBU_ASSIGN_OR_RETURN(up, ChosenRows(first, first_layer, Part::kUp, chosen));
  }
  if (keep) {
    test.rows.up_first = up;
    test.rows.down_first = down;
  }
  basis.Apply(down, count, width);
  JANGBU_RETURN_IF_ERROR(Cosines(down, count, second, second_layer, Part::kDown, scores));
  if (gated) {
    basis.Apply(up, count, width);
    std::vector<float> ups;
    JANGBU_RETURN_IF_ERROR(Cosines(up, count, second, second_layer, Part::kUp, ups));
    for (size_t i = 0; i < scores.size(); ++i) {
      scores[i] = static_cast<float>(
          SignedRoot(static_cast<double>(scores[i]) * static_cast<double>(ups[i])));
    }
  }
  test.sum = SumOfMatching(scores, count, n, matching);
  test.figures.effect = test.sum.sum / static_cast<double>(count);
  test.figures.z = test.sum.z();
  if (look_into && test.figures.z > kAgreementZ) {
    JANGBU_RETURN_IF_ERROR(LookIntoAgreement(
        second, second_layer, matching, gated ? up : std::vector<float>(), down, test.figures));
  }
  if (keep) {
    test.rows.first_layer = first_layer;
    test.rows.neurons = count;
    JANGBU_ASSIGN_OR_RETURN(test.rows.up_second,
                            ChosenRows(second, second_layer, Part::kUp, matching));
    JANGBU_ASSIGN_OR_RETURN(test.rows.down_second, ChosenDown(second, second_layer, matching));
    basis.Undo(test.rows.up_second, count, width);
    basis.Undo(test.rows.down_second, count, width);
  }
  return test;
}

// ‖x − y‖ relative to the geometric mean of the lengths.
double SpectralDistance(const std::vector<double>& x, const std::vector<double>& y) {
  double difference = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    difference += (x[i] - y[i]) * (x[i] - y[i]);
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  const double scale = std::sqrt(std::sqrt(xx * yy));
  return scale > 0 ? std::sqrt(difference) / scale : (xx == yy ? 0 : 2);
}

class Comparison {
 public:
  Comparison(const WeightSource& first, const WeightSource& second, const SharedEntries& shared,
             const LikenessOptions& options)
      : first_(first),
        second_(second),
        shared_(shared),
        options_(options),
        width_(first.shape().width) {}

  StatusOr<Likeness> Run() {
    if (first_.shape().width != second_.shape().width) {
      out_.incomparable = "widths_differ";
      JANGBU_RETURN_IF_ERROR(Heads());
      return std::move(out_);
    }
    for (uint32_t l = 0; l < first_.shape().layers.size(); ++l) {
      if (first_.shape().layers[l].neurons != 0) usable_.push_back(l);
    }
    JANGBU_RETURN_IF_ERROR(Embeddings());
    bool any = false;
    for (const LayerShape& layer : second_.shape().layers) any |= layer.neurons != 0;
    if (usable_.empty() || !any) {
      out_.incomparable = "no_feed_forward_part";
    } else {
      JANGBU_RETURN_IF_ERROR(FindBasis());
      JANGBU_RETURN_IF_ERROR(Neurons());
      JANGBU_RETURN_IF_ERROR(RotationNull());
    }
    JANGBU_RETURN_IF_ERROR(Heads());
    return std::move(out_);
  }

 private:
  // Value–output spectra, by which layers are ranked: of the first's layers that are looked at, and
  // of all of the second's. `before` are long pieces of work that need none of them, begun first so
  // that no thread waits for one of them alone.
  Status Spectra(const std::vector<std::function<void()>>& before) {
    spectra_first_.resize(first_.shape().layers.size());
    spectra_second_.resize(second_.shape().layers.size());
    std::vector<std::pair<bool, uint32_t>> wanted;
    for (const uint32_t l : Sampled()) wanted.emplace_back(true, l);
    for (uint32_t m = 0; m < spectra_second_.size(); ++m) wanted.emplace_back(false, m);
    return ParallelFor(before.size() + wanted.size(), options_.threads, [&](size_t i) -> Status {
      if (i < before.size()) {
        before[i]();
        return OkStatus();
      }
      const auto [of_first, layer] = wanted[i - before.size()];
      return Complete(of_first, layer, false);
    });
  }

  // Reads what is missing of a layer's spectra.
  Status Complete(bool of_first, uint32_t layer, bool query_key) {
    const WeightSource& source = of_first ? first_ : second_;
    std::vector<HeadSpectra>& spectra = (of_first ? spectra_first_ : spectra_second_)[layer];
    if (!source.shape().layers[layer].attention) return OkStatus();
    if (spectra.empty()) {
      JANGBU_ASSIGN_OR_RETURN(spectra, ReadSpectra(source, layer, false));
    }
    if (query_key && spectra[0].query_key.empty()) {
      JANGBU_ASSIGN_OR_RETURN(const std::vector<HeadSpectra> more,
                              ReadSpectra(source, layer, true));
      for (size_t h = 0; h < spectra.size(); ++h) spectra[h].query_key = more[h].query_key;
    }
    return OkStatus();
  }

  // Embeddings of chosen shared entries, every other for finding a basis, the rest for testing it;
  // and the spectra, beside the decomposition and the assignment, which have one thread each.
  Status Embeddings() {
    if (first_.shape().vocab == 0 || second_.shape().vocab == 0) return Spectra({});
    SharedEntries usable;
    for (const auto& entry : shared_) {
      if (entry.first < first_.shape().vocab && entry.second < second_.shape().vocab)
        usable.push_back(entry);
    }
    // A rotation of d dimensions needs more than d entries to be found.
    const std::vector<uint32_t> chosen =
        Evenly(usable.size(), std::max(options_.entries_max, 3 * width_));
    const size_t count = chosen.size();
    out_.entry_count = count;
    if (count < 64) return Spectra({});
    std::vector<float> a(count * width_), b(count * width_);
    for (size_t i = 0; i < count; ++i) {
      JANGBU_RETURN_IF_ERROR(
          first_.ReadEmbedding(usable[chosen[i]].first, 1, a.data() + i * width_));
      JANGBU_RETURN_IF_ERROR(
          second_.ReadEmbedding(usable[chosen[i]].second, 1, b.data() + i * width_));
    }
    for (std::vector<float>* rows : {&a, &b}) {
      std::vector<double> mean(width_, 0);
      for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < width_; ++j) mean[j] += static_cast<double>((*rows)[i * width_ + j]);
      }
      for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < width_; ++j) {
          (*rows)[i * width_ + j] -= static_cast<float>(mean[j] / static_cast<double>(count));
        }
      }
      NormaliseRows(rows->data(), count, width_);
    }
    // Rows 0, 2, 4, … find; rows 1, 3, 5, … test.
    const size_t fit_count = (count + 1) / 2;
    const size_t test_count = count / 2;
    std::vector<float> cross(width_ * width_, 0);
    Gemm(true, false, width_, width_, fit_count, 1, a.data(), 2 * width_, b.data(), 2 * width_, 0,
         cross.data(), width_);
    Basis permuted;
    permuted.kind = BasisKind::kPermuted;
    // Columns matched by correlation; lengths of columns taken out.
    std::vector<double> length_a(width_, 0), length_b(width_, 0);
    for (size_t i = 0; i < count; i += 2) {
      for (size_t j = 0; j < width_; ++j) {
        const auto x = static_cast<double>(a[i * width_ + j]);
        const auto y = static_cast<double>(b[i * width_ + j]);
        length_a[j] += x * x;
        length_b[j] += y * y;
      }
    }
    std::vector<float> correlation(width_ * width_);
    for (size_t i = 0; i < width_; ++i) {
      for (size_t j = 0; j < width_; ++j) {
        const double scale = std::sqrt(length_a[i] * length_b[j]);
        correlation[i * width_ + j] =
            scale > 0 ? std::abs(cross[i * width_ + j]) / static_cast<float>(scale) : 0.0f;
      }
    }
    Basis rotated;
    rotated.kind = BasisKind::kByEmbeddings;
    rotated.matrix = cross;
    bool found = false;
    JANGBU_RETURN_IF_ERROR(Spectra({
        [&] { found = NearestOrthogonal(rotated.matrix, width_); },
        [&] { permuted.order = Assign(correlation, width_, width_); },
    }));
    for (size_t i = 0; i < width_; ++i)
      permuted.sign.push_back(cross[i * width_ + permuted.order[i]] < 0 ? -1.0f : 1.0f);
    cross = {};
    correlation = {};

    const std::vector<uint32_t> tested = Evenly(test_count, 512);
    std::vector<float> test_a(tested.size() * width_), test_b(tested.size() * width_);
    for (size_t i = 0; i < tested.size(); ++i) {
      const size_t row = 2 * static_cast<size_t>(tested[i]) + 1;
      std::copy_n(a.data() + row * width_, width_, test_a.data() + i * width_);
      std::copy_n(b.data() + row * width_, width_, test_b.data() + i * width_);
    }
    std::vector<uint32_t> same(tested.size());
    for (uint32_t i = 0; i < same.size(); ++i) same[i] = i;
    const auto figure = [&](const Basis& basis) {
      std::vector<float> moved = test_a;
      basis.Apply(moved, tested.size(), width_);
      std::vector<float> cosines(tested.size() * tested.size());
      Gemm(false, true, tested.size(), tested.size(), width_, 1, moved.data(), width_,
           test_b.data(), width_, 0, cosines.data(), tested.size());
      const MatchingSum sum = SumOfMatching(cosines, tested.size(), tested.size(), same);
      Figure result;
      result.known = true;
      result.effect = sum.sum / static_cast<double>(tested.size());
      result.z = sum.z();
      result.p = UpperTail(result.z);
      result.chance_sd =
          std::sqrt(std::max(0.0, sum.variance)) / static_cast<double>(tested.size());
      return result;
    };
    const Basis none;
    const std::array<const Basis*, 3> bases = {&none, &permuted, &rotated};
    std::array<Figure, 3> figures;
    JANGBU_RETURN_IF_ERROR(ParallelFor(found ? 3 : 2, options_.threads, [&](size_t i) -> Status {
      figures[i] = figure(*bases[i]);
      return OkStatus();
    }));
    const auto& [as_is, moved, turned] = figures;
    out_.entries = moved.effect > as_is.effect ? moved : as_is;
    // The better of two.
    out_.entries.p = std::min(1.0, 2 * out_.entries.p);
    if (found) out_.entries_rotated = turned;
    candidates_.push_back(std::move(permuted));
    if (found) candidates_.push_back(std::move(rotated));
    return OkStatus();
  }

  // Layers of the second that layer `l` of the first may correspond to.
  std::vector<uint32_t> Candidates(uint32_t l) const {
    std::vector<uint32_t> all;
    for (uint32_t m = 0; m < second_.shape().layers.size(); ++m) {
      if (second_.shape().layers[m].neurons != 0) all.push_back(m);
    }
    const double each = 128.0 * static_cast<double>(second_.shape().layers[all[0]].neurons) *
                        static_cast<double>(width_);
    const double total = each * static_cast<double>(all.size() * Sampled().size()) * 3;
    if (total <= options_.search_budget) return all;
    std::vector<std::pair<double, uint32_t>> ranked;
    const size_t layers_a = first_.shape().layers.size();
    const size_t layers_b = second_.shape().layers.size();
    for (const uint32_t m : all) {
      double distance = 4;
      if (!spectra_first_[l].empty() && spectra_first_[l].size() == spectra_second_[m].size()) {
        distance = LayerDistance(spectra_first_[l], spectra_second_[m]);
      }
      if (m == l || m == l * layers_b / layers_a) distance -= 100;
      ranked.emplace_back(distance, m);
    }
    std::sort(ranked.begin(), ranked.end());
    std::vector<uint32_t> few;
    for (size_t i = 0; i < std::min<size_t>(4, ranked.size()); ++i) few.push_back(ranked[i].second);
    std::sort(few.begin(), few.end());
    return few;
  }

  // Mean distance of value–output spectra, heads in order of their largest value.
  static double LayerDistance(const std::vector<HeadSpectra>& a,
                              const std::vector<HeadSpectra>& b) {
    const auto order = [](const std::vector<HeadSpectra>& heads) {
      std::vector<const HeadSpectra*> sorted;
      for (const HeadSpectra& head : heads) sorted.push_back(&head);
      std::stable_sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) {
        return x->value_output[0] > y->value_output[0];
      });
      return sorted;
    };
    const auto x = order(a), y = order(b);
    double sum = 0;
    for (size_t h = 0; h < x.size(); ++h) {
      if (x[h]->value_output.size() != y[h]->value_output.size()) return 4;
      sum += SpectralDistance(x[h]->value_output, y[h]->value_output);
    }
    return sum / static_cast<double>(x.size());
  }

  std::vector<uint32_t> Sampled() const {
    std::vector<uint32_t> layers;
    for (const uint32_t i : Evenly(usable_.size(), options_.layers_max))
      layers.push_back(usable_[i]);
    return layers;
  }

  StatusOr<double> GateFit(uint32_t l, uint32_t m, const Basis& basis) const {
    const std::vector<uint32_t> chosen = Evenly(first_.shape().layers[l].neurons, 128);
    JANGBU_ASSIGN_OR_RETURN(std::vector<float> gate, ChosenRows(first_, l, Part::kGate, chosen));
    basis.Apply(gate, chosen.size(), width_);
    std::vector<float> cosines;
    JANGBU_RETURN_IF_ERROR(Cosines(gate, chosen.size(), second_, m, Part::kGate, cosines));
    return MeanBest(cosines, chosen.size(), second_.shape().layers[m].neurons);
  }

  // The best layer of the second for each of `layers`, and the mean fit; in each of `bases`.
  struct LayerMap {
    std::vector<std::pair<uint32_t, uint32_t>> pairs;
    double fit = 0;
  };
  StatusOr<std::vector<LayerMap>> MapLayers(const std::vector<uint32_t>& layers,
                                            const std::vector<const Basis*>& bases) const {
    struct Job {
      size_t basis;
      size_t layer;
      uint32_t second;
    };
    std::vector<Job> jobs;
    for (size_t i = 0; i < layers.size(); ++i) {
      const std::vector<uint32_t> candidates = Candidates(layers[i]);
      for (size_t b = 0; b < bases.size(); ++b) {
        for (const uint32_t m : candidates) jobs.push_back({b, i, m});
      }
    }
    std::vector<double> fits(jobs.size());
    JANGBU_RETURN_IF_ERROR(ParallelFor(jobs.size(), options_.threads, [&](size_t j) -> Status {
      JANGBU_ASSIGN_OR_RETURN(
          fits[j], GateFit(layers[jobs[j].layer], jobs[j].second, *bases[jobs[j].basis]));
      return OkStatus();
    }));
    std::vector<LayerMap> maps(bases.size());
    std::vector<std::vector<double>> best(bases.size(), std::vector<double>(layers.size(), -2));
    for (LayerMap& map : maps) map.pairs.resize(layers.size());
    for (size_t j = 0; j < jobs.size(); ++j) {
      const Job& job = jobs[j];
      const uint32_t l = layers[job.layer];
      double& so_far = best[job.basis][job.layer];
      // Of equals, the layer at the same place.
      if (fits[j] > so_far || (fits[j] == so_far && job.second == l)) {
        so_far = fits[j];
        maps[job.basis].pairs[job.layer] = {l, job.second};
      }
    }
    for (size_t b = 0; b < bases.size(); ++b) {
      for (const double fit : best[b]) maps[b].fit += fit / static_cast<double>(layers.size());
    }
    return maps;
  }

  Status FindBasis() {
    // A fit that no chance gives: no need to look further.
    constexpr double kGood = 0.5;
    const std::vector<uint32_t> sampled = Sampled();
    std::vector<uint32_t> probe;
    for (const uint32_t i : Evenly(sampled.size(), 3)) probe.push_back(sampled[i]);
    double best_fit = -2, best_z = -1e9;
    // Gates can be fitted by a wrong basis too, so what decides is the test on one layer, which the
    // p-value then leaves out.
    chosen_by_ = probe[probe.size() / 2];
    // All of them at once; taken in their order, so that what comes after a good one is not said.
    const auto consider = [&](std::vector<Basis> bases) -> Status {
      std::vector<const Basis*> all;
      for (const Basis& basis : bases) all.push_back(&basis);
      JANGBU_ASSIGN_OR_RETURN(const std::vector<LayerMap> maps, MapLayers(probe, all));
      std::vector<double> z(bases.size());
      JANGBU_RETURN_IF_ERROR(ParallelFor(bases.size(), options_.threads, [&](size_t b) -> Status {
        const auto [l, m] = maps[b].pairs[probe.size() / 2];
        JANGBU_ASSIGN_OR_RETURN(const NeuronTest test, TestNeurons(first_, l, second_, m, bases[b],
                                                                   options_.neurons_max, false));
        z[b] = test.figures.z;
        return OkStatus();
      }));
      for (size_t b = 0; b < bases.size() && best_fit < kGood; ++b) {
        out_.basis_fit[static_cast<size_t>(bases[b].kind)] = maps[b].fit;
        best_fit = std::max(best_fit, maps[b].fit);
        if (z[b] > best_z) {
          best_z = z[b];
          basis_ = std::move(bases[b]);
        }
      }
      return OkStatus();
    };
    JANGBU_RETURN_IF_ERROR(consider({Basis()}));
    if (best_fit < kGood) JANGBU_RETURN_IF_ERROR(consider(std::move(candidates_)));
    if (best_fit < kGood) {
      JANGBU_ASSIGN_OR_RETURN(std::optional<Basis> by_weights, BasisByWeights(sampled));
      if (by_weights) JANGBU_RETURN_IF_ERROR(consider({*std::move(by_weights)}));
    }
    out_.basis = basis_.kind;
    return OkStatus();
  }

  // What a rotation leaves of a gate row: its length, and how value–output products of some layers
  // act on it.
  Status Describe(const WeightSource& source, uint32_t layer,
                  const std::vector<std::vector<float>>& products, std::vector<float>& gates,
                  std::vector<float>& features) const {
    const size_t n = source.shape().layers[layer].neurons;
    gates.resize(n * width_);
    JANGBU_RETURN_IF_ERROR(source.ReadRows(layer, Part::kGate, 0, n, gates.data()));
    const size_t columns = 1 + 3 * products.size();
    features.assign(n * columns, 0);
    for (size_t i = 0; i < n; ++i)
      features[i * columns] =
          static_cast<float>(std::log(1e-12 + Norm(gates.data() + i * width_, width_)));
    NormaliseRows(gates.data(), n, width_);
    std::vector<float> turned(n * width_);
    for (size_t p = 0; p < products.size(); ++p) {
      for (const bool transpose : {false, true}) {
        Gemm(false, transpose, n, width_, width_, 1, gates.data(), width_, products[p].data(),
             width_, 0, turned.data(), width_);
        for (size_t i = 0; i < n; ++i) {
          float* f = features.data() + i * columns + 1 + 3 * p;
          f[transpose ? 1 : 0] =
              static_cast<float>(std::log(1e-12 + Norm(turned.data() + i * width_, width_)));
          if (!transpose) {
            f[2] = static_cast<float>(
                Dot(turned.data() + i * width_, gates.data() + i * width_, width_) /
                (1e-12 + Norm(turned.data() + i * width_, width_)));
          }
        }
      }
    }
    for (size_t j = 0; j < columns; ++j) {
      double mean = 0, square = 0;
      for (size_t i = 0; i < n; ++i) mean += static_cast<double>(features[i * columns + j]);
      mean /= static_cast<double>(n);
      for (size_t i = 0; i < n; ++i) {
        const double x = static_cast<double>(features[i * columns + j]) - mean;
        square += x * x;
      }
      const double scale = square > 0 ? 1 / std::sqrt(square / static_cast<double>(n)) : 0;
      for (size_t i = 0; i < n; ++i) {
        float& x = features[i * columns + j];
        x = static_cast<float>((static_cast<double>(x) - mean) * scale);
      }
    }
    return OkStatus();
  }

  StatusOr<std::vector<float>> ValueOutput(const WeightSource& source, uint32_t layer) const {
    const SourceShape& shape = source.shape();
    const size_t q = shape.heads * shape.head_dim;
    const size_t kv = shape.kv_heads * shape.head_dim;
    std::vector<float> value(kv * width_), output(width_ * q), wide(q * width_);
    JANGBU_RETURN_IF_ERROR(source.ReadRows(layer, Part::kValue, 0, kv, value.data()));
    JANGBU_RETURN_IF_ERROR(source.ReadRows(layer, Part::kOutput, 0, width_, output.data()));
    const size_t group = shape.heads / shape.kv_heads;
    for (size_t r = 0; r < q; ++r) {
      const size_t from = r / shape.head_dim / group * shape.head_dim + r % shape.head_dim;
      std::copy_n(value.data() + from * width_, width_, wide.data() + r * width_);
    }
    std::vector<float> product(width_ * width_);
    Gemm(false, false, width_, width_, q, 1, output.data(), q, wide.data(), width_, 0,
         product.data(), width_);
    return product;
  }

  // A rotation from gate matrices alone: neurons described by what rotations leave unchanged,
  // matched, aligned (Procrustes), matched again, a few times over. nullopt where that would cost
  // too much.
  StatusOr<std::optional<Basis>> BasisByWeights(const std::vector<uint32_t>& sampled) const {
    std::vector<std::pair<uint32_t, uint32_t>> pairs;
    double cost = 0;
    for (const uint32_t i : Evenly(sampled.size(), 4)) {
      const uint32_t l = sampled[i];
      if (spectra_first_[l].empty()) continue;
      // The layer of the second whose value–output spectra are nearest.
      uint32_t best = kNoTensor;
      double nearest = 1e9;
      for (uint32_t m = 0; m < second_.shape().layers.size(); ++m) {
        if (second_.shape().layers[m].neurons != first_.shape().layers[l].neurons ||
            spectra_second_[m].size() != spectra_first_[l].size()) {
          continue;
        }
        const double distance = LayerDistance(spectra_first_[l], spectra_second_[m]);
        if (distance < nearest) {
          nearest = distance;
          best = m;
        }
      }
      if (best == kNoTensor) continue;
      pairs.emplace_back(l, best);
      const auto n = static_cast<double>(first_.shape().layers[l].neurons);
      cost += n * static_cast<double>(width_) * static_cast<double>(width_) * 16 +
              n * n * static_cast<double>(width_) * 6 + n * n * n;
    }
    if (pairs.empty() || cost > options_.search_budget) return std::optional<Basis>();
    std::vector<std::vector<float>> products_a, products_b;
    for (const auto& [l, m] : pairs) {
      JANGBU_ASSIGN_OR_RETURN(std::vector<float> a, ValueOutput(first_, l));
      JANGBU_ASSIGN_OR_RETURN(std::vector<float> b, ValueOutput(second_, m));
      products_a.push_back(std::move(a));
      products_b.push_back(std::move(b));
    }
    std::vector<std::vector<float>> gates_a(pairs.size()), gates_b(pairs.size());
    std::vector<std::vector<uint32_t>> matchings(pairs.size());
    if (Status done = ParallelFor(
            pairs.size(), options_.threads,
            [&](size_t i) -> Status {
              std::vector<float> a, b;
              JANGBU_RETURN_IF_ERROR(Describe(first_, pairs[i].first, products_a, gates_a[i], a));
              JANGBU_RETURN_IF_ERROR(Describe(second_, pairs[i].second, products_b, gates_b[i], b));
              const size_t n = gates_a[i].size() / width_;
              const size_t columns = a.size() / n;
              std::vector<float> scores(n * n);
              for (size_t x = 0; x < n; ++x) {
                for (size_t y = 0; y < n; ++y) {
                  float distance = 0;
                  for (size_t j = 0; j < columns; ++j) {
                    const float d = a[x * columns + j] - b[y * columns + j];
                    distance += d * d;
                  }
                  scores[x * n + y] = -distance;
                }
              }
              matchings[i] = Assign(scores, n, n);
              return OkStatus();
            });
        !done.ok())
      return done;
    Basis basis;
    basis.kind = BasisKind::kByWeights;
    for (int round = 0; round < 5; ++round) {
      std::vector<float> cross(width_ * width_, 0);
      for (size_t i = 0; i < pairs.size(); ++i) {
        std::vector<float> matched(gates_a[i].size());
        for (size_t x = 0; x < matchings[i].size(); ++x) {
          std::copy_n(gates_b[i].data() + matchings[i][x] * width_, width_,
                      matched.data() + x * width_);
        }
        Gemm(true, false, width_, width_, matchings[i].size(), 1, gates_a[i].data(), width_,
             matched.data(), width_, 1, cross.data(), width_);
      }
      if (!NearestOrthogonal(cross, width_)) return std::optional<Basis>();
      basis.matrix = std::move(cross);
      if (round == 4) break;
      if (Status done = ParallelFor(pairs.size(), options_.threads,
                                    [&](size_t i) -> Status {
                                      const size_t n = matchings[i].size();
                                      std::vector<float> moved = gates_a[i];
                                      basis.Apply(moved, n, width_);
                                      std::vector<float> scores(n * n);
                                      Gemm(false, true, n, n, width_, 1, moved.data(), width_,
                                           gates_b[i].data(), width_, 0, scores.data(), n);
                                      matchings[i] = Assign(scores, n, n);
                                      return OkStatus();
                                    });
          !done.ok())
        return done;
    }
    return std::optional<Basis>(std::move(basis));
  }

  StatusOr<std::vector<NeuronTest>> TestAll(const LayerMap& map, const Basis& basis,
                                            bool keep) const {
    std::vector<NeuronTest> tests(map.pairs.size());
    if (Status done = ParallelFor(tests.size(), options_.threads,
                                  [&](size_t i) -> Status {
                                    JANGBU_ASSIGN_OR_RETURN(
                                        tests[i], TestNeurons(first_, map.pairs[i].first, second_,
                                                              map.pairs[i].second, basis,
                                                              options_.neurons_max, keep, true));
                                    return OkStatus();
                                  });
        !done.ok()) {
      return done;
    }
    return tests;
  }

  Status Neurons() {
    JANGBU_ASSIGN_OR_RETURN(std::vector<LayerMap> maps, MapLayers(Sampled(), {&basis_}));
    map_ = std::move(maps[0]);
    JANGBU_ASSIGN_OR_RETURN(std::vector<NeuronTest> tests,
                            TestAll(map_, basis_, options_.keep_rows));
    if (basis_.kind != BasisKind::kAsIs) {
      // Single layers that were taken over as they are, in a model that is otherwise another.
      constexpr double kBeyondChance = 8;
      const Basis none;
      JANGBU_ASSIGN_OR_RETURN(maps, MapLayers(Sampled(), {&none}));
      const LayerMap& map = maps[0];
      JANGBU_ASSIGN_OR_RETURN(std::vector<NeuronTest> as_is,
                              TestAll(map, none, options_.keep_rows));
      for (size_t i = 0; i < tests.size(); ++i) {
        if (as_is[i].figures.z > kBeyondChance && as_is[i].figures.z > tests[i].figures.z) {
          tests[i] = std::move(as_is[i]);
          map_.pairs[i] = map.pairs[i];
        }
      }
    }
    MatchingSum total;
    for (NeuronTest& test : tests) {
      out_.layers.push_back(test.figures);
      out_.neurons.effect += test.figures.effect / static_cast<double>(tests.size());
      if (tests.size() == 1 || test.figures.first_layer != chosen_by_) total += test.sum;
      if (options_.keep_rows) out_.rows.push_back(std::move(test.rows));
    }
    out_.neurons.known = true;
    out_.neurons.z = total.z();
    out_.neurons.p = UpperTail(total.z());
    LayerLikeness mean;
    double neurons = 0;
    for (const LayerLikeness& layer : out_.layers) {
      if (tests.size() == 1 || layer.first_layer != chosen_by_)
        neurons += static_cast<double>(layer.neurons);
      mean.kept_large += layer.kept_large;
      mean.kept_rest += layer.kept_rest;
      mean.kept_back_large += layer.kept_back_large;
      mean.kept_back_rest += layer.kept_back_rest;
    }
    // What is hardly kept at all cannot be shared out.
    constexpr double kKeptEnough = 0.05;
    const auto layers = static_cast<double>(out_.layers.size());
    out_.learnt_known = std::max(mean.kept_rest, mean.kept_back_rest) >= kKeptEnough * layers;
    if (out_.learnt_known) {
      out_.learnt =
          LearntShare(mean.kept_large, mean.kept_rest, mean.kept_back_large, mean.kept_back_rest);
    }
    if (neurons > 0) out_.neurons.chance_sd = std::sqrt(std::max(0.0, total.variance)) / neurons;
    return OkStatus();
  }

  // The same test with bases drawn at random: what no relation looks like on these very matrices.
  Status RotationNull() {
    const auto [l, m] = map_.pairs[map_.pairs.size() / 2];
    const size_t numbers = second_.shape().layers[m].neurons * width_;
    const double each = static_cast<double>(std::min(options_.neurons_max, Affordable(numbers))) *
                        static_cast<double>(numbers) * 6;
    const auto draws =
        static_cast<size_t>(std::clamp(options_.search_budget / 10 / each, 2.0, 8.0));
    std::vector<double> effects(draws);
    if (Status done = ParallelFor(
            draws, options_.threads,
            [&, l = l, m = m](size_t i) -> Status {
              const RandomRotation rotation(width_, options_.seed * 1'000'003 + i);
              Basis basis;
              basis.random = &rotation;
              JANGBU_ASSIGN_OR_RETURN(
                  const NeuronTest test,
                  TestNeurons(first_, l, second_, m, basis, options_.neurons_max, false));
              effects[i] = test.figures.effect;
              return OkStatus();
            });
        !done.ok())
      return done;
    out_.rotation_nulls = draws;
    for (const double e : effects) out_.rotation_null_mean += e / static_cast<double>(draws);
    for (const double e : effects) {
      out_.rotation_null_sd += (e - out_.rotation_null_mean) * (e - out_.rotation_null_mean) /
                               static_cast<double>(draws - 1);
    }
    out_.rotation_null_sd = std::sqrt(out_.rotation_null_sd);
    return OkStatus();
  }

  Status Heads() {
    // Layers whose correspondence is known; where gates could not be compared, those at the same
    // place.
    std::vector<std::pair<uint32_t, uint32_t>> pairs = map_.pairs;
    if (pairs.empty() && spectra_first_.size() == spectra_second_.size()) {
      for (uint32_t l = 0; l < spectra_first_.size(); ++l) pairs.emplace_back(l, l);
    }
    std::set<std::pair<bool, uint32_t>> needed;
    for (const auto& [l, m] : pairs) {
      needed.emplace(true, l);
      needed.emplace(false, m);
    }
    const std::vector<std::pair<bool, uint32_t>> wanted(needed.begin(), needed.end());
    JANGBU_RETURN_IF_ERROR(ParallelFor(wanted.size(), options_.threads, [&](size_t i) -> Status {
      return Complete(wanted[i].first, wanted[i].second, true);
    }));
    struct Stratum {
      size_t n = 0;
      std::vector<double> distance;  // n × n, of query–key spectra
      std::vector<uint32_t> matching;
    };
    std::vector<Stratum> strata;
    size_t total = 0;
    for (const auto& [l, m] : pairs) {
      const auto& a = spectra_first_[l];
      const auto& b = spectra_second_[m];
      if (a.size() < 2 || a.size() != b.size() || a[0].query_key.size() != b[0].query_key.size()) {
        continue;
      }
      Stratum s;
      s.n = a.size();
      std::vector<float> scores(s.n * s.n);
      s.distance.resize(s.n * s.n);
      for (size_t i = 0; i < s.n; ++i) {
        for (size_t j = 0; j < s.n; ++j) {
          scores[i * s.n + j] =
              -static_cast<float>(SpectralDistance(a[i].value_output, b[j].value_output));
          s.distance[i * s.n + j] = SpectralDistance(a[i].query_key, b[j].query_key);
        }
      }
      s.matching = Assign(scores, s.n, s.n);
      total += s.n;
      strata.push_back(std::move(s));
    }
    out_.head_count = total;
    if (total < 4) return OkStatus();
    double observed = 0, chance = 0;
    for (const Stratum& s : strata) {
      for (size_t i = 0; i < s.n; ++i) observed += s.distance[i * s.n + s.matching[i]];
      double sum = 0;
      for (const double d : s.distance) sum += d;
      chance += sum / static_cast<double>(s.n);
    }
    const size_t draws = std::clamp<size_t>(20'000'000 / total, 999, options_.draws_max);
    Prng prng(options_.seed * 7'919 + 5);
    size_t as_near = 0;
    double draws_sum = 0, draws_squares = 0;
    std::vector<uint32_t> order;
    for (size_t draw = 0; draw < draws; ++draw) {
      double sum = 0;
      for (const Stratum& s : strata) {
        order = s.matching;
        for (size_t i = s.n; i > 0; --i) {
          std::swap(order[i - 1], order[prng.Below(i)]);
          sum += s.distance[(i - 1) * s.n + order[i - 1]];
        }
      }
      if (sum <= observed * (1 + 1e-12)) ++as_near;
      draws_sum += sum - chance;
      draws_squares += (sum - chance) * (sum - chance);
    }
    out_.heads.known = true;
    out_.head_distance = observed / static_cast<double>(total);
    out_.heads.effect = chance > 0 ? 1 - observed / chance : 0;
    const double n = static_cast<double>(draws);
    const double variance = draws_squares / n - draws_sum / n * (draws_sum / n);
    if (chance > 0) out_.heads.chance_sd = std::sqrt(std::max(0.0, variance)) / chance;
    if (out_.heads.chance_sd > 0) out_.heads.z = out_.heads.effect / out_.heads.chance_sd;
    out_.heads.p = static_cast<double>(1 + as_near) / static_cast<double>(1 + draws);
    return OkStatus();
  }

  const WeightSource& first_;
  const WeightSource& second_;
  const SharedEntries& shared_;
  const LikenessOptions& options_;
  const size_t width_;
  std::vector<std::vector<HeadSpectra>> spectra_first_, spectra_second_;
  std::vector<uint32_t> usable_;
  std::vector<Basis> candidates_;
  Basis basis_;
  uint32_t chosen_by_ = 0;
  LayerMap map_;
  Likeness out_;
};

}  // namespace

std::string_view NameOf(BasisKind kind) {
  static constexpr std::string_view kNames[] = {"as_is", "permuted", "rotated_by_embeddings",
                                                "rotated_by_weights"};
  return kNames[static_cast<size_t>(kind)];
}

double LearntShare(double large, double rest, double back_large, double back_rest) {
  const auto share = [](double a, double b) {
    if (a <= 0) return 0.0;
    return b <= 0 ? 2.0 : std::min(2.0, a / b);
  };
  return std::max(share(large, rest), share(back_large, back_rest));
}

double UpperTail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

StatusOr<std::vector<HeadSpectra>> ReadSpectra(const WeightSource& source, uint32_t layer,
                                               bool query_key) {
  const SourceShape& shape = source.shape();
  const size_t d = shape.width, dim = shape.head_dim;
  const size_t group = shape.heads / shape.kv_heads;
  // Grams of one head at a time: rows of query, key and value lie together.
  const auto row_grams = [&](Part part, size_t heads,
                             std::vector<std::vector<double>>& grams) -> Status {
    grams.resize(heads);
    std::vector<float> rows(dim * d), gram(dim * dim);
    for (size_t h = 0; h < heads; ++h) {
      JANGBU_RETURN_IF_ERROR(source.ReadRows(layer, part, h * dim, dim, rows.data()));
      Gemm(false, true, dim, dim, d, 1, rows.data(), d, rows.data(), d, 0, gram.data(), dim);
      grams[h].assign(gram.begin(), gram.end());
    }
    return OkStatus();
  };
  std::vector<HeadSpectra> heads(shape.heads);
  if (query_key) {
    std::vector<std::vector<double>> query, key;
    JANGBU_RETURN_IF_ERROR(row_grams(Part::kQuery, shape.heads, query));
    JANGBU_RETURN_IF_ERROR(row_grams(Part::kKey, shape.kv_heads, key));
    for (size_t h = 0; h < shape.heads; ++h)
      heads[h].query_key = ProductSingularValues(query[h], key[h / group], dim);
    return heads;
  }
  std::vector<std::vector<double>> value;
  JANGBU_RETURN_IF_ERROR(row_grams(Part::kValue, shape.kv_heads, value));
  // Columns of output, block by block.
  const size_t columns = shape.heads * dim;
  const size_t step = std::max<size_t>(1, kBlockElements / columns);
  std::vector<float> block;
  std::vector<std::vector<float>> sums(shape.heads, std::vector<float>(dim * dim, 0));
  for (size_t at = 0; at < d; at += step) {
    const size_t count = std::min(step, d - at);
    block.resize(count * columns);
    JANGBU_RETURN_IF_ERROR(source.ReadRows(layer, Part::kOutput, at, count, block.data()));
    for (size_t h = 0; h < shape.heads; ++h) {
      Gemm(true, false, dim, dim, count, 1, block.data() + h * dim, columns, block.data() + h * dim,
           columns, 1, sums[h].data(), dim);
    }
  }
  for (size_t h = 0; h < shape.heads; ++h) {
    const std::vector<double> output(sums[h].begin(), sums[h].end());
    heads[h].value_output = ProductSingularValues(output, value[h / group], dim);
  }
  return heads;
}

StatusOr<Likeness> CompareWeights(const WeightSource& first, const WeightSource& second,
                                  const SharedEntries& shared, const LikenessOptions& options) {
  if (second.shape().layers.size() < first.shape().layers.size()) {
    SharedEntries turned;
    for (const auto& [a, b] : shared) turned.emplace_back(b, a);
    std::sort(turned.begin(), turned.end());
    JANGBU_ASSIGN_OR_RETURN(Likeness likeness, Comparison(second, first, turned, options).Run());
    likeness.swapped = true;
    return likeness;
  }
  return Comparison(first, second, shared, options).Run();
}

}  // namespace jangbu::audit
