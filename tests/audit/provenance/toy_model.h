#pragma once

// Small models made by the tests: LLaMA's layout, weights that look trained (a random start, learnt
// directions of low rank, gains near 1), and what is done to them to hide their descent.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "audit/provenance/model.h"

namespace jangbu::audit {

struct ToyShape {
  uint64_t layers = 4;
  uint64_t width = 64;
  uint64_t heads = 4;
  uint64_t ffn = 128;
  uint64_t vocab = 256;
};

struct Matrix {
  uint64_t rows = 0;
  uint64_t columns = 0;  // 0: a vector of `rows`
  std::vector<float> values;
};

struct ToyModel {
  ToyShape shape;
  std::map<std::string, Matrix> tensors;  // by name, as in Hugging Face's files

  Matrix& At(const std::string& name) { return tensors.at(name); }
  Matrix& At(uint64_t layer, const std::string& name) {
    return tensors.at("model.layers." + std::to_string(layer) + "." + name);
  }
};

// Random weights and gains of 1.
ToyModel Start(const ToyShape& shape, uint64_t seed);
// The start after training on the data of `data_seed`: directions of the data in every matrix,
// drawn for this run, and gains that moved.
ToyModel Trained(const ToyModel& start, uint64_t run_seed, double strength = 1.0);
// Trained a little more: each matrix moved by `strength` of its size.
ToyModel FineTuned(ToyModel model, uint64_t seed, double strength = 0.2);
// Every number moved by `share` of its matrix' size.
ToyModel Noisy(ToyModel model, uint64_t seed, double share);
// The smallest `share` of each matrix set to zero.
ToyModel Pruned(ToyModel model, double share);
// The residual stream rotated at random, gains folded away first.
ToyModel Rotated(ToyModel model, uint64_t seed);
// Heads and neurons reordered, query/key, value/output and up/down scaled against each other.
ToyModel Reordered(ToyModel model, uint64_t seed);
// Layers 0 … n-1 and then `again` … n-1 once more.
ToyModel Upscaled(const ToyModel& model, uint64_t again);
ToyModel WithNewEmbeddings(ToyModel model, uint64_t seed);
ToyModel Average(const ToyModel& a, const ToyModel& b, double weight_a = 0.5);

struct Encoding {
  DType dtype = DType::kF32;
  size_t shards = 1;
  bool reversed = false;  // tensors in the other order in the file
};
// config.json of the shape.
std::string ConfigOf(const ToyShape& shape);
// Files of a model directory by name: one safetensors, or shards with an index, and config.json.
std::map<std::string, std::string> FilesOf(const ToyModel& model, const Encoding& encoding = {});
// Writes them into a new directory under the test's temporary one; returns its path.
std::string WriteModel(const ToyModel& model, const std::string& name,
                       const Encoding& encoding = {});
// The model as the readers see it, from memory. Aborts when they refuse it.
std::shared_ptr<const Model> Opened(const ToyModel& model);

}  // namespace jangbu::audit
