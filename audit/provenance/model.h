#pragma once

// A model on disk: its files, its tensors, and which of them is what.
//
// Roles are known by name, for decoder-only transformers whose tensors are named as in LLaMA,
// Mistral, Qwen, Gemma, Solar, OLMo, Phi-3 (fused projections), EXAONE or GGUF. What is not known
// by name is still hashed, listed and compared with the tensor of the same name.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/provenance/byte_source.h"
#include "audit/provenance/config.h"
#include "audit/provenance/tensor.h"
#include "base/digest.h"
#include "base/status.h"

namespace jangbu::audit {

// What a tensor is for. Those of a layer first.
enum class Role : uint8_t {
  kNormAttention,  // gains before attention
  kQuery,
  kKey,
  kValue,
  kQkv,  // the three, stacked
  kOutput,
  kNormFfn,  // gains before the feed-forward part
  kGate,
  kUp,
  kGateUp,  // the two, stacked
  kDown,
  kLayerRoles,  // how many roles a layer has
  kEmbedding = kLayerRoles,
  kNormFinal,
  kHead,
  kOther,
};
std::string_view NameOf(Role role);

struct Placed {
  Role role = Role::kOther;
  uint32_t layer = 0;   // of roles of a layer
  int32_t expert = -1;  // of kGate, kUp, kDown of a mixture of experts; shared ones come last
};
inline constexpr int32_t kExpertsMax = 4096;
// What a tensor of this name is. Total.
Placed RoleOf(std::string_view name);

inline constexpr uint32_t kLayersMax = 1024;
inline constexpr uint32_t kNoTensor = 0xFFFFFFFF;

// Where a model's vocabulary is, for ingest/tokens.
struct TokenizerBytes {
  std::string path;   // "" when there is none
  std::string bytes;  // a tokenizer.json or .model
};

// Immutable after Open; thread-safe.
class Model {
 public:
  // Opens `path`: a .safetensors or .gguf file, or a directory with model.safetensors, its sharded
  // form with an index, any *.safetensors, or one *.gguf; config.json and a tokenizer file beside
  // them are read when they are there. Headers only: O(tensors).
  //
  // NotFound("no_weights") when there are none; errors of the readers; InvalidArgument
  // ("tensor_duplicate") for a tensor in two shards, ("shard_mismatch") when the index and a shard
  // disagree, ("shape_unexpected") when a tensor's shape contradicts the others or config.json.
  static StatusOr<std::shared_ptr<const Model>> Open(const std::string& path);

  // The same from parts, for tests: `files` in order, config as JSON or "".
  static StatusOr<std::shared_ptr<const Model>> FromSources(
      std::string path, std::vector<std::unique_ptr<ByteSource>> files, std::string_view config);

  const std::string& path() const { return path_; }
  const std::vector<std::unique_ptr<ByteSource>>& files() const { return files_; }
  // In order of name.
  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<Placed>& places() const { return places_; }
  const ModelConfig& config() const { return config_; }
  bool gguf() const { return gguf_; }

  // Index of a layer's tensor of `role`, or kNoTensor.
  uint32_t Find(Role role, uint32_t layer) const {
    return layer < by_layer_.size() ? by_layer_[layer][static_cast<size_t>(role)] : kNoTensor;
  }
  // The layer's experts in order, each its kGate, kUp and kDown; empty where the layer is dense.
  using Expert = std::array<uint32_t, 3>;
  const std::vector<Expert>& Experts(uint32_t layer) const { return experts_[layer]; }
  uint32_t embedding() const { return embedding_; }
  uint32_t norm_final() const { return norm_final_; }
  uint32_t head() const { return head_; }
  uint32_t layers() const { return static_cast<uint32_t>(by_layer_.size()); }
  const ByteSource& FileOf(const Tensor& tensor) const { return *files_[tensor.file]; }

  uint64_t elements() const { return elements_; }
  uint64_t bytes() const { return bytes_; }
  // Tokens by id from the file's own list (GGUF); empty otherwise.
  const std::vector<std::string>& own_tokens() const { return own_tokens_; }
  const TokenizerBytes& tokenizer() const { return tokenizer_; }

 private:
  Model() = default;
  Status Take(std::vector<std::unique_ptr<ByteSource>> files);
  Status Place();

  std::string path_;
  std::vector<std::unique_ptr<ByteSource>> files_;
  std::vector<Tensor> tensors_;
  std::vector<Placed> places_;
  std::vector<std::array<uint32_t, static_cast<size_t>(Role::kLayerRoles)>> by_layer_;
  std::vector<std::vector<Expert>> experts_;
  uint32_t embedding_ = kNoTensor;
  uint32_t norm_final_ = kNoTensor;
  uint32_t head_ = kNoTensor;
  uint64_t elements_ = 0;
  uint64_t bytes_ = 0;
  ModelConfig config_;
  bool gguf_ = false;
  std::vector<std::string> own_tokens_;
  TokenizerBytes tokenizer_;
};

}  // namespace jangbu::audit
