#pragma once

// A model's matrices as the comparison sees them: gains of the norms folded into the matrices that
// follow, fused projections taken apart, experts of one layer side by side, rows read a few at a
// time. So that two files that compute the same function by other means look alike, and a layer of
// any size fits.

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "audit/provenance/model.h"
#include "audit/provenance/random.h"
#include "base/status.h"

namespace jangbu::audit {

// What a layer's matrices are. Rows × columns, d the width of the residual stream:
enum class Part : uint8_t {
  kQuery,   // heads·head_dim × d, gains folded
  kKey,     // kv_heads·head_dim × d, gains folded
  kValue,   // kv_heads·head_dim × d, gains folded
  kOutput,  // d × heads·head_dim
  kGate,    // neurons × d, gains folded; of a model without gates: its first matrix
  kUp,      // neurons × d, gains folded; the same as kGate without gates
  kDown,    // d × neurons
};

struct LayerShape {
  uint64_t neurons = 0;  // 0: no feed-forward part that is understood
  bool gated = true;
  bool attention = false;  // the four projections are there and heads are known
};

struct SourceShape {
  uint64_t width = 0;  // d
  uint64_t heads = 0;
  uint64_t kv_heads = 0;
  uint64_t head_dim = 0;
  uint64_t vocab = 0;
  std::vector<LayerShape> layers;
};

// Thread-safe.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual const SourceShape& shape() const = 0;
  // Rows [first, first + count) of a part. REQUIRES: the layer has it. Errors of ReadElements.
  virtual Status ReadRows(uint32_t layer, Part part, uint64_t first, uint64_t count,
                          float* out) const = 0;
  // Rows of the embedding matrix, as stored.
  virtual Status ReadEmbedding(uint64_t first, uint64_t count, float* out) const = 0;
};

uint64_t ColumnsOf(const SourceShape& shape, uint32_t layer, Part part);
uint64_t RowsOf(const SourceShape& shape, uint32_t layer, Part part);

// Reads the gains of all layers. The model is shared.
StatusOr<std::unique_ptr<WeightSource>> SourceOfModel(std::shared_ptr<const Model> model);

// The gains of a norm as they act: 1 + w for Gemma's. Empty when the model has none.
StatusOr<std::vector<float>> ReadGains(const Model& model, uint32_t tensor);

// An orthogonal matrix drawn at random, applied in O(d log d): signs, a shuffle and Hadamard
// transforms of blocks, three times. Immutable.
class RandomRotation {
 public:
  RandomRotation(size_t width, uint64_t seed);
  // row · R for each row.
  void Apply(float* rows, size_t count) const;

 private:
  static constexpr int kRounds = 3;
  size_t width_;
  std::vector<float> signs_[kRounds];
  std::vector<uint32_t> order_[kRounds];
};

// What is done to a model to make a control whose descent is known.
struct Disguise {
  bool permute = false;  // residual dimensions, neurons and heads change places
  bool rotate = false;   // a random rotation of the residual stream
  bool rescale = false;  // query/key, value/output, up/down scaled against each other
  double noise = 0;      // of each row's root mean square, added to it
  double prune = 0;      // share of each row, smallest first, set to zero
  uint64_t seed = 1;
};

// `base` in disguise: the same function as far as noise and pruning are 0. Borrows `base`. A
// rotation holds up to two whole parts in memory (16 bytes an element).
std::unique_ptr<WeightSource> Disguised(const WeightSource& base, const Disguise& disguise);

}  // namespace jangbu::audit
