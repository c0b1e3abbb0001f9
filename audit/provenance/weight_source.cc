#include "audit/provenance/weight_source.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include "base/check.h"

namespace jangbu::audit {
namespace {

class ModelWeights final : public WeightSource {
 public:
  static StatusOr<std::unique_ptr<WeightSource>> Make(std::shared_ptr<const Model> model) {
    auto source = std::unique_ptr<ModelWeights>(new ModelWeights());
    source->model_ = std::move(model);
    JANGBU_RETURN_IF_ERROR(source->Prepare());
    return std::unique_ptr<WeightSource>(std::move(source));
  }

  const SourceShape& shape() const override { return shape_; }

  Status ReadRows(uint32_t layer, Part part, uint64_t first, uint64_t count,
                  float* out) const override {
    const std::vector<Piece>& pieces = layers_[layer].parts[static_cast<size_t>(part)];
    JANGBU_CHECK(!pieces.empty());
    const uint64_t columns = ColumnsOf(shape_, layer, part);
    if (part == Part::kDown) {
      uint64_t column = 0;
      for (const Piece& piece : pieces) {
        const Tensor& t = model_->tensors()[piece.tensor];
        const uint64_t width = t.shape[1];
        if (pieces.size() == 1) {
          return ReadElements(model_->FileOf(t), t, first * width, count * width, out);
        }
        std::vector<float> rows(count * width);
        JANGBU_RETURN_IF_ERROR(
            ReadElements(model_->FileOf(t), t, first * width, count * width, rows.data()));
        for (uint64_t i = 0; i < count; ++i) {
          std::copy_n(rows.data() + i * width, width, out + i * columns + column);
        }
        column += width;
      }
      return OkStatus();
    }
    uint64_t begin = 0;  // of the piece, in rows of the part
    for (const Piece& piece : pieces) {
      const uint64_t from = std::max(first, begin);
      const uint64_t to = std::min(first + count, begin + piece.rows);
      if (from < to) {
        JANGBU_RETURN_IF_ERROR(ReadPiece(piece, part, from - begin, to - from, columns,
                                         out + (from - first) * columns));
      }
      begin += piece.rows;
    }
    JANGBU_CHECK(first + count <= begin);
    const std::vector<float>* gains = nullptr;
    if (part == Part::kQuery || part == Part::kKey || part == Part::kValue) {
      gains = &layers_[layer].gains_attention;
    } else if (part == Part::kGate || part == Part::kUp) {
      gains = &layers_[layer].gains_ffn;
    }
    if (gains != nullptr && !gains->empty()) {
      for (uint64_t i = 0; i < count; ++i) {
        for (uint64_t j = 0; j < columns; ++j) out[i * columns + j] *= (*gains)[j];
      }
    }
    return OkStatus();
  }

  Status ReadEmbedding(uint64_t first, uint64_t count, float* out) const override {
    const Tensor& t = model_->tensors()[model_->embedding()];
    return ReadElements(model_->FileOf(t), t, first * shape_.width, count * shape_.width, out);
  }

 private:
  struct Piece {
    uint32_t tensor = kNoTensor;
    uint64_t first_row = 0;
    uint64_t rows = 0;
  };
  struct Layer {
    std::vector<Piece> parts[7];
    std::vector<float> gains_attention, gains_ffn;
  };

  Status ReadPiece(const Piece& piece, Part part, uint64_t first, uint64_t count, uint64_t columns,
                   float* out) const {
    const Tensor& t = model_->tensors()[piece.tensor];
    const ByteSource& file = model_->FileOf(t);
    const uint64_t half = shape_.head_dim / 2;
    // llama.cpp stores the query and key rows of LLaMA in the order of interleaved rotations.
    if ((part == Part::kQuery || part == Part::kKey) && interleaved_ && half > 0) {
      for (uint64_t i = 0; i < count; ++i) {
        const uint64_t row = piece.first_row + first + i;
        const uint64_t head = row / shape_.head_dim;
        const uint64_t within = row % shape_.head_dim;
        const uint64_t stored = head * shape_.head_dim + (within % half) * 2 + within / half;
        JANGBU_RETURN_IF_ERROR(ReadElements(file, t, stored * columns, columns, out + i * columns));
      }
      return OkStatus();
    }
    return ReadElements(file, t, (piece.first_row + first) * columns, count * columns, out);
  }

  Status Prepare() {
    const Model& m = *model_;
    const ModelConfig& config = m.config();
    shape_.width = config.hidden;
    shape_.heads = config.heads;
    shape_.kv_heads = config.kv_heads;
    shape_.head_dim = config.head_dim;
    shape_.vocab = m.embedding() == kNoTensor ? 0 : m.tensors()[m.embedding()].shape[0];
    interleaved_ = m.gguf() && config.model_type == "llama" && shape_.head_dim % 2 == 0;
    shape_.layers.resize(m.layers());
    layers_.resize(m.layers());
    for (uint32_t l = 0; l < m.layers(); ++l) {
      Layer& layer = layers_[l];
      const auto whole = [&](Part part, uint32_t tensor) {
        if (tensor == kNoTensor) return;
        layer.parts[static_cast<size_t>(part)].push_back({tensor, 0, m.tensors()[tensor].shape[0]});
      };
      const auto stacked = [&](Part part, uint32_t tensor, uint64_t first, uint64_t rows) {
        layer.parts[static_cast<size_t>(part)].push_back({tensor, first, rows});
      };
      whole(Part::kOutput, m.Find(Role::kOutput, l));
      if (const uint32_t qkv = m.Find(Role::kQkv, l); qkv != kNoTensor && shape_.heads != 0) {
        const uint64_t q = shape_.heads * shape_.head_dim;
        const uint64_t kv = shape_.kv_heads * shape_.head_dim;
        stacked(Part::kQuery, qkv, 0, q);
        stacked(Part::kKey, qkv, q, kv);
        stacked(Part::kValue, qkv, q + kv, kv);
      } else {
        whole(Part::kQuery, m.Find(Role::kQuery, l));
        whole(Part::kKey, m.Find(Role::kKey, l));
        whole(Part::kValue, m.Find(Role::kValue, l));
      }
      for (const Model::Expert& expert : m.Experts(l)) {
        whole(Part::kGate, expert[0]);
        whole(Part::kUp, expert[1]);
        whole(Part::kDown, expert[2]);
      }
      LayerShape& shape = shape_.layers[l];
      if (m.Experts(l).empty()) {
        if (const uint32_t pair = m.Find(Role::kGateUp, l); pair != kNoTensor) {
          const uint64_t n = m.tensors()[pair].shape[0] / 2;
          stacked(Part::kGate, pair, 0, n);
          stacked(Part::kUp, pair, n, n);
        } else if (m.Find(Role::kGate, l) == kNoTensor) {
          shape.gated = false;
          whole(Part::kGate, m.Find(Role::kUp, l));
          whole(Part::kUp, m.Find(Role::kUp, l));
        } else {
          whole(Part::kGate, m.Find(Role::kGate, l));
          whole(Part::kUp, m.Find(Role::kUp, l));
        }
        whole(Part::kDown, m.Find(Role::kDown, l));
      }
      const auto has = [&](Part part) { return !layer.parts[static_cast<size_t>(part)].empty(); };
      shape.attention = shape_.heads != 0 && has(Part::kQuery) && has(Part::kKey) &&
                        has(Part::kValue) && has(Part::kOutput);
      if (has(Part::kGate) && has(Part::kUp) && has(Part::kDown)) {
        for (const Piece& piece : layer.parts[static_cast<size_t>(Part::kGate)])
          shape.neurons += piece.rows;
      }
      JANGBU_ASSIGN_OR_RETURN(layer.gains_attention, ReadGains(m, m.Find(Role::kNormAttention, l)));
      JANGBU_ASSIGN_OR_RETURN(layer.gains_ffn, ReadGains(m, m.Find(Role::kNormFfn, l)));
    }
    return OkStatus();
  }

  std::shared_ptr<const Model> model_;
  SourceShape shape_;
  std::vector<Layer> layers_;
  bool interleaved_ = false;
};

// Blocks of powers of two that add up to `n`, largest first.
void Hadamard(float* row, size_t n) {
  for (size_t at = 0; at < n;) {
    const size_t block = std::bit_floor(n - at);
    float* p = row + at;
    for (size_t half = 1; half < block; half *= 2) {
      for (size_t i = 0; i < block; i += 2 * half) {
        for (size_t j = i; j < i + half; ++j) {
          const float x = p[j], y = p[j + half];
          p[j] = x + y;
          p[j + half] = x - y;
        }
      }
    }
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(block)));
    for (size_t i = 0; i < block; ++i) p[i] *= scale;
    at += block;
  }
}

class DisguisedWeights final : public WeightSource {
 public:
  DisguisedWeights(const WeightSource& base, const Disguise& disguise)
      : base_(base), disguise_(disguise), rotation_(base.shape().width, disguise.seed * 31 + 7) {
    const SourceShape& shape = base.shape();
    Prng prng(disguise.seed);
    width_order_ = Order(prng, shape.width);
    for (uint32_t l = 0; l < shape.layers.size(); ++l) {
      Layer layer;
      layer.neurons = Order(prng, shape.layers[l].neurons);
      // Query heads stay with their key and value.
      layer.groups = Order(prng, shape.kv_heads);
      const uint64_t rows_kv = shape.kv_heads * shape.head_dim;
      layer.key_scale = Scales(prng, shape.kv_heads);
      layer.value_scale = Scales(prng, rows_kv);
      layer.up_scale = Scales(prng, shape.layers[l].neurons);
      layers_.push_back(std::move(layer));
    }
  }

  const SourceShape& shape() const override { return base_.shape(); }

  Status ReadRows(uint32_t layer, Part part, uint64_t first, uint64_t count,
                  float* out) const override {
    const uint64_t columns = ColumnsOf(shape(), layer, part);
    const bool left = part == Part::kOutput || part == Part::kDown;
    if (left && disguise_.rotate) {
      std::lock_guard lock(mutex_);
      const std::vector<float>* whole = nullptr;
      JANGBU_RETURN_IF_ERROR(Rotated(layer, part, whole));
      std::copy_n(whole->data() + first * columns, count * columns, out);
    } else {
      for (uint64_t i = 0; i < count; ++i) {
        float* row = out + i * columns;
        const uint64_t from = left ? width_order_[first + i] : RowFrom(layer, part, first + i);
        JANGBU_RETURN_IF_ERROR(base_.ReadRows(layer, part, from, 1, row));
        if (left) {
          MoveColumns(layer, part, row);
        } else {
          MoveWidth(row);
          ScaleRow(layer, part, from, row);
        }
      }
    }
    for (uint64_t i = 0; i < count; ++i) {
      Damage(layer * 16 + static_cast<uint64_t>(part), first + i, columns, out + i * columns);
    }
    return OkStatus();
  }

  Status ReadEmbedding(uint64_t first, uint64_t count, float* out) const override {
    JANGBU_RETURN_IF_ERROR(base_.ReadEmbedding(first, count, out));
    for (uint64_t i = 0; i < count; ++i) {
      MoveWidth(out + i * shape().width);
      Damage(~uint64_t{0}, first + i, shape().width, out + i * shape().width);
    }
    return OkStatus();
  }

 private:
  struct Layer {
    std::vector<uint32_t> neurons, groups;
    std::vector<float> key_scale, value_scale, up_scale;
  };

  std::vector<uint32_t> Order(Prng& prng, uint64_t n) const {
    std::vector<uint32_t> order = prng.Permutation(n);
    if (!disguise_.permute) std::iota(order.begin(), order.end(), 0u);
    return order;
  }
  std::vector<float> Scales(Prng& prng, uint64_t n) const {
    std::vector<float> scales(n);
    for (float& s : scales) {
      const double x = std::exp(0.5 * (2 * prng.Uniform() - 1));
      s = disguise_.rescale ? static_cast<float>(x) : 1.0f;
    }
    return scales;
  }

  uint64_t RowFrom(uint32_t layer, Part part, uint64_t row) const {
    if (part == Part::kGate || part == Part::kUp) return layers_[layer].neurons[row];
    const uint64_t dim = shape().head_dim;
    if (dim == 0) return row;
    const uint64_t per_group = part == Part::kQuery ? shape().heads / shape().kv_heads : 1;
    const uint64_t head = row / dim;
    const uint64_t group = layers_[layer].groups[head / per_group];
    return (group * per_group + head % per_group) * dim + row % dim;
  }
  // Columns of output (by head and channel) and down (by neuron), scaled against value and up.
  void MoveColumns(uint32_t layer, Part part, float* row) const {
    const Layer& l = layers_[layer];
    const uint64_t columns = ColumnsOf(shape(), layer, part);
    std::vector<float> old(row, row + columns);
    for (uint64_t j = 0; j < columns; ++j) {
      if (part == Part::kDown) {
        row[j] = old[l.neurons[j]] / l.up_scale[l.neurons[j]];
        continue;
      }
      const uint64_t from = RowFrom(layer, Part::kQuery, j);
      const uint64_t dim = shape().head_dim;
      const uint64_t group = from / dim / (shape().heads / shape().kv_heads);
      row[j] = old[from] / l.value_scale[group * dim + from % dim];
    }
  }
  void MoveWidth(float* row) const {
    if (disguise_.rotate) rotation_.Apply(row, 1);
    if (!disguise_.permute) return;
    std::vector<float> old(row, row + shape().width);
    for (uint64_t j = 0; j < shape().width; ++j) row[j] = old[width_order_[j]];
  }
  void ScaleRow(uint32_t layer, Part part, uint64_t from, float* row) const {
    const Layer& l = layers_[layer];
    const uint64_t dim = std::max<uint64_t>(1, shape().head_dim);
    float scale = 1;
    if (part == Part::kUp && shape().layers[layer].gated) {
      scale = l.up_scale[from];
    } else if (part == Part::kValue) {
      scale = l.value_scale[from];
    } else if (part == Part::kKey) {
      scale = l.key_scale[from / dim];
    } else if (part == Part::kQuery) {
      scale = 1 / l.key_scale[from / dim / (shape().heads / shape().kv_heads)];
    }
    for (uint64_t j = 0; j < shape().width; ++j) row[j] *= scale;
  }
  void Damage(uint64_t where, uint64_t index, uint64_t columns, float* row) const {
    if (disguise_.noise > 0) {
      double squares = 0;
      for (uint64_t j = 0; j < columns; ++j)
        squares += static_cast<double>(row[j]) * static_cast<double>(row[j]);
      const double size = disguise_.noise * std::sqrt(squares / static_cast<double>(columns));
      Prng prng(disguise_.seed * 1'000'003 + where * 7'919 + index * 2'654'435'761u);
      for (uint64_t j = 0; j < columns; ++j) row[j] += static_cast<float>(size * prng.Normal());
    }
    if (disguise_.prune > 0) {
      std::vector<float> sizes(columns);
      for (uint64_t j = 0; j < columns; ++j) sizes[j] = std::abs(row[j]);
      const auto cut = static_cast<std::ptrdiff_t>(disguise_.prune * static_cast<double>(columns));
      std::nth_element(sizes.begin(), sizes.begin() + cut, sizes.end());
      for (uint64_t j = 0; j < columns; ++j) {
        if (std::abs(row[j]) < sizes[static_cast<size_t>(cut)]) row[j] = 0;
      }
    }
  }
  // A whole part whose rows are the residual stream, rotated. REQUIRES: mutex_ is held.
  Status Rotated(uint32_t layer, Part part, const std::vector<float>*& whole) const {
    const std::pair<uint32_t, Part> key(layer, part);
    for (const auto& [k, v] : cache_) {
      if (k == key) {
        whole = &v;
        return OkStatus();
      }
    }
    const uint64_t columns = ColumnsOf(shape(), layer, part);
    const uint64_t d = shape().width;
    std::vector<float> rows(d * columns), turned(d * columns), column(d);
    JANGBU_RETURN_IF_ERROR(base_.ReadRows(layer, part, 0, d, rows.data()));
    for (uint64_t i = 0; i < d; ++i) MoveColumns(layer, part, rows.data() + i * columns);
    for (uint64_t j = 0; j < columns; ++j) {
      for (uint64_t i = 0; i < d; ++i) column[i] = rows[i * columns + j];
      MoveWidth(column.data());
      for (uint64_t i = 0; i < d; ++i) turned[i * columns + j] = column[i];
    }
    if (cache_.size() == 2) cache_.erase(cache_.begin());
    cache_.emplace_back(key, std::move(turned));
    whole = &cache_.back().second;
    return OkStatus();
  }

  const WeightSource& base_;
  const Disguise disguise_;
  const RandomRotation rotation_;
  std::vector<uint32_t> width_order_;
  std::vector<Layer> layers_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<std::pair<uint32_t, Part>, std::vector<float>>> cache_;
};

}  // namespace

uint64_t RowsOf(const SourceShape& shape, uint32_t layer, Part part) {
  switch (part) {
    case Part::kQuery:
      return shape.heads * shape.head_dim;
    case Part::kKey:
    case Part::kValue:
      return shape.kv_heads * shape.head_dim;
    case Part::kGate:
    case Part::kUp:
      return shape.layers[layer].neurons;
    default:
      return shape.width;
  }
}

uint64_t ColumnsOf(const SourceShape& shape, uint32_t layer, Part part) {
  switch (part) {
    case Part::kOutput:
      return shape.heads * shape.head_dim;
    case Part::kDown:
      return shape.layers[layer].neurons;
    default:
      return shape.width;
  }
}

StatusOr<std::vector<float>> ReadGains(const Model& model, uint32_t tensor) {
  std::vector<float> gains;
  if (tensor == kNoTensor) return gains;
  const Tensor& t = model.tensors()[tensor];
  gains.resize(t.elements());
  JANGBU_RETURN_IF_ERROR(ReadElements(model.FileOf(t), t, 0, gains.size(), gains.data()));
  if (!model.gguf() && model.config().model_type.starts_with("gemma")) {
    for (float& g : gains) g += 1;
  }
  return gains;
}

StatusOr<std::unique_ptr<WeightSource>> SourceOfModel(std::shared_ptr<const Model> model) {
  return ModelWeights::Make(std::move(model));
}

RandomRotation::RandomRotation(size_t width, uint64_t seed) : width_(width) {
  Prng prng(seed);
  for (int round = 0; round < kRounds; ++round) {
    signs_[round].resize(width);
    for (float& sign : signs_[round]) sign = (prng.Next() >> 63) != 0 ? 1.0f : -1.0f;
    order_[round] = prng.Permutation(width);
  }
}

void RandomRotation::Apply(float* rows, size_t count) const {
  std::vector<float> moved(width_);
  for (size_t i = 0; i < count; ++i) {
    float* row = rows + i * width_;
    for (int round = 0; round < kRounds; ++round) {
      for (size_t j = 0; j < width_; ++j) moved[j] = row[order_[round][j]] * signs_[round][j];
      std::memcpy(row, moved.data(), width_ * sizeof(float));
      Hadamard(row, width_);
    }
  }
}

std::unique_ptr<WeightSource> Disguised(const WeightSource& base, const Disguise& disguise) {
  return std::make_unique<DisguisedWeights>(base, disguise);
}

}  // namespace jangbu::audit
