#include "tests/audit/provenance/toy_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "audit/provenance/random.h"
#include "audit/provenance/safetensors.h"
#include "audit/provenance/weight_source.h"
#include "base/check.h"

namespace jangbu::audit {
namespace {

const char* const kLayerMatrices[] = {"self_attn.q_proj.weight", "self_attn.k_proj.weight",
                                      "self_attn.v_proj.weight", "self_attn.o_proj.weight",
                                      "mlp.gate_proj.weight",    "mlp.up_proj.weight",
                                      "mlp.down_proj.weight"};

uint64_t HashOf(const std::string& text) {
  uint64_t h = 1469598103934665603ull;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

double SizeOf(const Matrix& m) {
  double squares = 0;
  for (const float x : m.values) squares += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(squares / static_cast<double>(m.values.size()));
}

bool IsMatrix(const Matrix& m) { return m.columns != 0; }

// Adds `share` of the matrix' size: half of it of low rank, half of it noise.
void Move(Matrix& m, Prng& prng, double share) {
  const double size = SizeOf(m) * share;
  constexpr size_t kRank = 6;
  std::vector<double> left(m.rows * kRank), right(m.columns * kRank);
  for (double& x : left) x = prng.Normal();
  for (double& x : right) x = prng.Normal();
  for (uint64_t i = 0; i < m.rows; ++i) {
    for (uint64_t j = 0; j < m.columns; ++j) {
      double x = 0;
      for (size_t k = 0; k < kRank; ++k) x += left[i * kRank + k] * right[j * kRank + k];
      m.values[i * m.columns + j] += static_cast<float>(
          size * (0.7 * x / std::sqrt(static_cast<double>(kRank)) + 0.7 * prng.Normal()));
    }
  }
}

void FoldGains(ToyModel& model) {
  for (uint64_t l = 0; l < model.shape.layers; ++l) {
    const auto fold = [&](const char* norm, std::initializer_list<const char*> matrices) {
      Matrix& gains = model.At(l, norm);
      for (const char* name : matrices) {
        Matrix& m = model.At(l, name);
        for (uint64_t i = 0; i < m.rows; ++i) {
          for (uint64_t j = 0; j < m.columns; ++j) m.values[i * m.columns + j] *= gains.values[j];
        }
      }
      std::fill(gains.values.begin(), gains.values.end(), 1.0f);
    };
    fold("input_layernorm.weight",
         {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"});
    fold("post_attention_layernorm.weight", {"mlp.gate_proj.weight", "mlp.up_proj.weight"});
  }
}

void Bytes(const Matrix& m, DType dtype, std::string& out) {
  for (const float x : m.values) {
    if (dtype == DType::kF32) {
      const auto bits = std::bit_cast<uint32_t>(x);
      for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(bits >> (8 * i)));
    } else {
      const uint16_t bits = dtype == DType::kF16 ? ToHalf(x) : ToBFloat16(x);
      out.push_back(static_cast<char>(bits));
      out.push_back(static_cast<char>(bits >> 8));
    }
  }
}

}  // namespace

ToyModel Start(const ToyShape& shape, uint64_t seed) {
  ToyModel model;
  model.shape = shape;
  Prng prng(seed);
  const auto add = [&](const std::string& name, uint64_t rows, uint64_t columns) {
    Matrix m{rows, columns, std::vector<float>(rows * std::max<uint64_t>(1, columns), 1.0f)};
    if (columns != 0) {
      for (float& x : m.values) x = static_cast<float>(0.02 * prng.Normal());
    }
    model.tensors.emplace(name, std::move(m));
  };
  const uint64_t d = shape.width;
  add("model.embed_tokens.weight", shape.vocab, d);
  add("model.norm.weight", d, 0);
  for (uint64_t l = 0; l < shape.layers; ++l) {
    const std::string at = "model.layers." + std::to_string(l) + ".";
    add(at + "input_layernorm.weight", d, 0);
    add(at + "post_attention_layernorm.weight", d, 0);
    for (const char* name : {"q", "k", "v", "o"})
      add(at + "self_attn." + std::string(name) + "_proj.weight", d, d);
    add(at + "mlp.gate_proj.weight", shape.ffn, d);
    add(at + "mlp.up_proj.weight", shape.ffn, d);
    add(at + "mlp.down_proj.weight", d, shape.ffn);
  }
  return model;
}

ToyModel Trained(const ToyModel& start, uint64_t run_seed, double strength) {
  ToyModel model = start;
  for (auto& [name, m] : model.tensors) {
    Prng prng(run_seed * 1'000'003 + HashOf(name));
    if (IsMatrix(m)) {
      Move(m, prng, strength * (0.8 + 0.4 * prng.Uniform()));
    } else {
      for (float& g : m.values) g += static_cast<float>(0.1 * prng.Normal());
    }
  }
  return model;
}

ToyModel FineTuned(ToyModel model, uint64_t seed, double strength) {
  for (auto& [name, m] : model.tensors) {
    Prng prng(seed * 7'919 + HashOf(name));
    if (IsMatrix(m)) Move(m, prng, strength);
  }
  return model;
}

ToyModel Noisy(ToyModel model, uint64_t seed, double share) {
  Prng prng(seed);
  for (auto& [name, m] : model.tensors) {
    const double size = SizeOf(m) * share;
    for (float& x : m.values) x += static_cast<float>(size * prng.Normal());
  }
  return model;
}

ToyModel Pruned(ToyModel model, double share) {
  for (auto& [name, m] : model.tensors) {
    if (!IsMatrix(m)) continue;
    std::vector<float> sizes;
    for (const float x : m.values) sizes.push_back(std::abs(x));
    const auto cut = static_cast<std::ptrdiff_t>(share * static_cast<double>(sizes.size()));
    std::nth_element(sizes.begin(), sizes.begin() + cut, sizes.end());
    for (float& x : m.values) {
      if (std::abs(x) < sizes[static_cast<size_t>(cut)]) x = 0;
    }
  }
  return model;
}

ToyModel Rotated(ToyModel model, uint64_t seed) {
  FoldGains(model);
  const RandomRotation rotation(model.shape.width, seed);
  const auto rows = [&](Matrix& m) { rotation.Apply(m.values.data(), m.rows); };
  const auto columns = [&](Matrix& m) {
    std::vector<float> column(m.rows);
    for (uint64_t j = 0; j < m.columns; ++j) {
      for (uint64_t i = 0; i < m.rows; ++i) column[i] = m.values[i * m.columns + j];
      rotation.Apply(column.data(), 1);
      for (uint64_t i = 0; i < m.rows; ++i) m.values[i * m.columns + j] = column[i];
    }
  };
  rows(model.At("model.embed_tokens.weight"));
  for (uint64_t l = 0; l < model.shape.layers; ++l) {
    for (const char* name :
         {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight",
          "mlp.gate_proj.weight", "mlp.up_proj.weight"}) {
      rows(model.At(l, name));
    }
    columns(model.At(l, "self_attn.o_proj.weight"));
    columns(model.At(l, "mlp.down_proj.weight"));
  }
  return model;
}

ToyModel Reordered(ToyModel model, uint64_t seed) {
  Prng prng(seed);
  const uint64_t d = model.shape.width, dim = d / model.shape.heads, n = model.shape.ffn;
  for (uint64_t l = 0; l < model.shape.layers; ++l) {
    const std::vector<uint32_t> heads = prng.Permutation(model.shape.heads);
    const std::vector<uint32_t> neurons = prng.Permutation(n);
    std::vector<float> qk(model.shape.heads), vo(d), ud(n);
    for (std::vector<float>* scales : {&qk, &vo, &ud}) {
      for (float& s : *scales) s = static_cast<float>(std::exp(prng.Uniform() - 0.5));
    }
    const auto old = [&](const char* name) { return model.At(l, name).values; };
    const auto q = old("self_attn.q_proj.weight"), k = old("self_attn.k_proj.weight"),
               v = old("self_attn.v_proj.weight"), o = old("self_attn.o_proj.weight"),
               gate = old("mlp.gate_proj.weight"), up = old("mlp.up_proj.weight"),
               down = old("mlp.down_proj.weight");
    for (uint64_t r = 0; r < d; ++r) {
      const uint64_t head = heads[r / dim];
      const uint64_t from = head * dim + r % dim;
      for (uint64_t j = 0; j < d; ++j) {
        model.At(l, "self_attn.q_proj.weight").values[r * d + j] = q[from * d + j] * qk[head];
        model.At(l, "self_attn.k_proj.weight").values[r * d + j] = k[from * d + j] / qk[head];
        model.At(l, "self_attn.v_proj.weight").values[r * d + j] = v[from * d + j] * vo[from];
        model.At(l, "self_attn.o_proj.weight").values[j * d + r] = o[j * d + from] / vo[from];
      }
    }
    for (uint64_t r = 0; r < n; ++r) {
      const uint64_t from = neurons[r];
      for (uint64_t j = 0; j < d; ++j) {
        model.At(l, "mlp.gate_proj.weight").values[r * d + j] = gate[from * d + j];
        model.At(l, "mlp.up_proj.weight").values[r * d + j] = up[from * d + j] * ud[from];
        model.At(l, "mlp.down_proj.weight").values[j * n + r] = down[j * n + from] / ud[from];
      }
    }
  }
  return model;
}

ToyModel Upscaled(const ToyModel& model, uint64_t again) {
  ToyModel out;
  out.shape = model.shape;
  out.shape.layers = 2 * model.shape.layers - again;
  for (const auto& [name, m] : model.tensors) {
    if (name.find("layers.") == std::string::npos) out.tensors.emplace(name, m);
  }
  for (uint64_t l = 0; l < out.shape.layers; ++l) {
    const uint64_t from = l < model.shape.layers ? l : l - model.shape.layers + again;
    const std::string prefix = "model.layers." + std::to_string(from) + ".";
    for (const auto& [name, m] : model.tensors) {
      if (name.starts_with(prefix)) {
        out.tensors.emplace("model.layers." + std::to_string(l) + "." + name.substr(prefix.size()),
                            m);
      }
    }
  }
  return out;
}

ToyModel WithNewEmbeddings(ToyModel model, uint64_t seed) {
  Prng prng(seed);
  for (float& x : model.At("model.embed_tokens.weight").values)
    x = static_cast<float>(0.02 * prng.Normal());
  return model;
}

ToyModel Average(const ToyModel& a, const ToyModel& b, double weight_a) {
  ToyModel out = a;
  for (auto& [name, m] : out.tensors) {
    const Matrix& other = b.tensors.at(name);
    for (size_t i = 0; i < m.values.size(); ++i) {
      m.values[i] = static_cast<float>(weight_a * static_cast<double>(m.values[i]) +
                                       (1 - weight_a) * static_cast<double>(other.values[i]));
    }
  }
  return out;
}

std::string ConfigOf(const ToyShape& shape) {
  return R"({"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":)" +
         std::to_string(shape.width) + R"(,"num_hidden_layers":)" + std::to_string(shape.layers) +
         R"(,"num_attention_heads":)" + std::to_string(shape.heads) + R"(,"num_key_value_heads":)" +
         std::to_string(shape.heads) + R"(,"intermediate_size":)" + std::to_string(shape.ffn) +
         R"(,"vocab_size":)" + std::to_string(shape.vocab) + "}";
}

std::map<std::string, std::string> FilesOf(const ToyModel& model, const Encoding& encoding) {
  std::vector<std::string> names;
  for (const auto& [name, m] : model.tensors) names.push_back(name);
  if (encoding.reversed) std::reverse(names.begin(), names.end());
  std::map<std::string, std::string> files;
  std::string index;
  for (size_t s = 0; s < encoding.shards; ++s) {
    const std::string file = encoding.shards == 1
                                 ? std::string("model.safetensors")
                                 : "model-" + std::to_string(s + 1) + ".safetensors";
    std::vector<Tensor> tensors;
    std::string data;
    for (size_t i = s; i < names.size(); i += encoding.shards) {
      const Matrix& m = model.tensors.at(names[i]);
      Tensor t;
      t.name = names[i];
      t.dtype = encoding.dtype;
      t.shape =
          IsMatrix(m) ? std::vector<uint64_t>{m.rows, m.columns} : std::vector<uint64_t>{m.rows};
      tensors.push_back(t);
      Bytes(m, encoding.dtype, data);
      index += (index.empty() ? "" : ",") + ("\"" + t.name + "\":\"" + file + "\"");
    }
    files[file] = EncodeSafetensorsHeader(tensors) + data;
  }
  if (encoding.shards > 1)
    files["model.safetensors.index.json"] = "{\"weight_map\":{" + index + "}}";
  files["config.json"] = ConfigOf(model.shape);
  return files;
}

std::string WriteModel(const ToyModel& model, const std::string& name, const Encoding& encoding) {
  const std::string directory = testing::TempDir() + "jangbu_provenance_" + name;
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  for (const auto& [file, bytes] : FilesOf(model, encoding)) {
    std::ofstream(directory + "/" + file, std::ios::binary) << bytes;
  }
  return directory;
}

std::shared_ptr<const Model> Opened(const ToyModel& model) {
  // The bytes must outlive the model, which borrows them: kept for the life of the test program.
  static std::vector<std::unique_ptr<std::string>> kept;
  auto files = FilesOf(model);
  kept.push_back(std::make_unique<std::string>(std::move(files["model.safetensors"])));
  std::vector<std::unique_ptr<ByteSource>> sources;
  sources.push_back(BytesAsSource("toy.safetensors", *kept.back()));
  auto opened = Model::FromSources("toy", std::move(sources), files["config.json"]);
  if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.status().ToString().c_str());
  JANGBU_CHECK(opened.ok());
  return *opened;
}

}  // namespace jangbu::audit
