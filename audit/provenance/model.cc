#include "audit/provenance/model.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <utility>

#include "audit/provenance/gguf.h"
#include "audit/provenance/json.h"
#include "audit/provenance/safetensors.h"
#include "ingest/tokens/tokenizer.h"

namespace jangbu::audit {
namespace {

namespace fs = std::filesystem;

struct NamedRole {
  std::string_view suffix;
  Role role;
};
// After the layer's prefix.
constexpr NamedRole kLayerNames[] = {
    {"input_layernorm.weight", Role::kNormAttention},
    {"self_attn.q_proj.weight", Role::kQuery},
    {"self_attn.k_proj.weight", Role::kKey},
    {"self_attn.v_proj.weight", Role::kValue},
    {"self_attn.qkv_proj.weight", Role::kQkv},
    {"self_attn.o_proj.weight", Role::kOutput},
    {"pre_feedforward_layernorm.weight", Role::kNormFfn},
    {"post_attention_layernorm.weight", Role::kNormFfn},
    {"mlp.gate_proj.weight", Role::kGate},
    {"mlp.up_proj.weight", Role::kUp},
    {"mlp.gate_up_proj.weight", Role::kGateUp},
    {"mlp.down_proj.weight", Role::kDown},
    // EXAONE 3
    {"ln_1.weight", Role::kNormAttention},
    {"attn.attention.q_proj.weight", Role::kQuery},
    {"attn.attention.k_proj.weight", Role::kKey},
    {"attn.attention.v_proj.weight", Role::kValue},
    {"attn.attention.out_proj.weight", Role::kOutput},
    {"ln_2.weight", Role::kNormFfn},
    {"mlp.c_fc_0.weight", Role::kGate},
    {"mlp.c_fc_1.weight", Role::kUp},
    {"mlp.c_proj.weight", Role::kDown},
    // GGUF
    {"attn_norm.weight", Role::kNormAttention},
    {"attn_q.weight", Role::kQuery},
    {"attn_k.weight", Role::kKey},
    {"attn_v.weight", Role::kValue},
    {"attn_qkv.weight", Role::kQkv},
    {"attn_output.weight", Role::kOutput},
    {"ffn_norm.weight", Role::kNormFfn},
    {"ffn_gate.weight", Role::kGate},
    {"ffn_up.weight", Role::kUp},
    {"ffn_down.weight", Role::kDown},
};
constexpr NamedRole kGlobalNames[] = {
    {"embed_tokens.weight", Role::kEmbedding}, {"wte.weight", Role::kEmbedding},
    {"token_embd.weight", Role::kEmbedding},   {"norm.weight", Role::kNormFinal},
    {"ln_f.weight", Role::kNormFinal},         {"output_norm.weight", Role::kNormFinal},
    {"lm_head.weight", Role::kHead},           {"output.weight", Role::kHead},
};

// The tokenizer file beside a model, best first.
constexpr std::string_view kTokenizerNames[] = {"tokenizer.json", "tokenizer.model"};

// "mlp.experts.7.gate_proj.weight" and the like, after the layer's prefix.
Placed RoleOfExpert(std::string_view rest, uint32_t layer) {
  static constexpr NamedRole kNames[] = {
      {"gate_proj.weight", Role::kGate}, {"up_proj.weight", Role::kUp},
      {"down_proj.weight", Role::kDown}, {"w1.weight", Role::kGate},
      {"w3.weight", Role::kUp},          {"w2.weight", Role::kDown},
  };
  const Placed other{Role::kOther, layer, -1};
  for (const std::string_view prefix :
       {"mlp.experts.", "block_sparse_moe.experts.", "mlp.shared_experts.", "mlp.shared_expert."}) {
    if (!rest.starts_with(prefix)) continue;
    std::string_view tail = rest.substr(prefix.size());
    int32_t expert = kExpertsMax;
    if (prefix.find("shared") == std::string_view::npos) {
      const auto [stop, error] = std::from_chars(tail.data(), tail.data() + tail.size(), expert);
      if (error != std::errc() || stop == tail.data() + tail.size() || *stop != '.' || expert < 0 ||
          expert >= kExpertsMax) {
        return other;
      }
      tail = std::string_view(stop + 1, tail.size() - static_cast<size_t>(stop - tail.data()) - 1);
    }
    for (const NamedRole& row : kNames) {
      if (tail == row.suffix) return {row.role, layer, expert};
    }
  }
  return other;
}

std::string JoinPath(const std::string& directory, std::string_view name) {
  return directory.empty() || directory.back() == '/' ? directory + std::string(name)
                                                      : directory + "/" + std::string(name);
}

bool IsFile(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

Status Unexpected(const Model& model, const Tensor& tensor, const std::string& what) {
  std::string shape;
  for (const uint64_t side : tensor.shape) {
    shape += (shape.empty() ? "" : " x ") + std::to_string(side);
  }
  return InvalidArgument(
      "shape_unexpected",
      "\"" + model.path() + "\": tensor " + JsonQuote(tensor.name) + " is " + shape + ", " + what);
}

}  // namespace

std::string_view NameOf(Role role) {
  static constexpr std::string_view kNames[] = {
      "norm_attention", "query",     "key",        "value", "qkv",
      "output",         "norm_ffn",  "gate",       "up",    "gate_up",
      "down",           "embedding", "norm_final", "head",  "other"};
  return kNames[static_cast<size_t>(role)];
}

Placed RoleOf(std::string_view name) {
  // "…layers.12.mlp…", "blk.12.…", "…h.12.…"
  for (const std::string_view prefix : {"layers.", "blk.", "h."}) {
    const size_t at = name.find(prefix);
    if (at == std::string_view::npos || (at > 0 && name[at - 1] != '.')) continue;
    const char* const begin = name.data() + at + prefix.size();
    const char* const end = name.data() + name.size();
    uint32_t layer = 0;
    const auto [stop, error] = std::from_chars(begin, end, layer);
    if (error != std::errc() || stop == end || *stop != '.' || layer >= kLayersMax) continue;
    if (stop - begin > 1 && *begin == '0') continue;
    const std::string_view rest(stop + 1, static_cast<size_t>(end - stop - 1));
    for (const NamedRole& row : kLayerNames) {
      if (rest == row.suffix) return {row.role, layer, -1};
    }
    return RoleOfExpert(rest, layer);
  }
  for (const NamedRole& row : kGlobalNames) {
    if (name == row.suffix || (name.size() > row.suffix.size() && name.ends_with(row.suffix) &&
                               name[name.size() - row.suffix.size() - 1] == '.' &&
                               (name.starts_with("model.") || name.starts_with("transformer.") ||
                                name.starts_with("language_model.")))) {
      // Towers of other senses have embeddings and norms of their own.
      if (name.find("vision") != std::string_view::npos ||
          name.find("visual") != std::string_view::npos ||
          name.find("audio") != std::string_view::npos) {
        return {};
      }
      return {row.role, 0, -1};
    }
  }
  return {};
}

Status Model::Take(std::vector<std::unique_ptr<ByteSource>> files) {
  files_ = std::move(files);
  for (uint32_t i = 0; i < files_.size(); ++i) {
    char magic[4] = {};
    if (files_[i]->size() >= 4) JANGBU_RETURN_IF_ERROR(files_[i]->ReadAt(0, 4, magic));
    std::vector<Tensor> tensors;
    if (std::string_view(magic, 4) == "GGUF") {
      if (files_.size() != 1) {
        return InvalidArgument("shard_mismatch",
                               "\"" + files_[i]->name() + "\": a GGUF model is read from one file");
      }
      JANGBU_ASSIGN_OR_RETURN(GgufFile gguf, ReadGguf(*files_[i]));
      gguf_ = true;
      tensors = std::move(gguf.tensors);
      const std::string architecture = gguf.texts["general.architecture"];
      const auto number = [&](const std::string& key) {
        const auto it = gguf.numbers.find(architecture + "." + key);
        return it == gguf.numbers.end() ? uint64_t{0} : it->second;
      };
      config_.model_type = architecture;
      config_.hidden = number("embedding_length");
      config_.layers = number("block_count");
      config_.heads = number("attention.head_count");
      config_.kv_heads = number("attention.head_count_kv");
      config_.head_dim = number("attention.key_length");
      config_.ffn = number("feed_forward_length");
      own_tokens_ = std::move(gguf.text_lists["tokenizer.ggml.tokens"]);
    } else {
      JANGBU_ASSIGN_OR_RETURN(SafetensorsFile file, ReadSafetensors(*files_[i]));
      tensors = std::move(file.tensors);
    }
    for (Tensor& tensor : tensors) {
      tensor.file = i;
      tensors_.push_back(std::move(tensor));
    }
    if (tensors_.size() > kTensorsMax) {
      return ResourceExhausted("too_many_tensors", "\"" + path_ + "\": more than " +
                                                       std::to_string(kTensorsMax) + " tensors");
    }
  }
  std::sort(tensors_.begin(), tensors_.end(),
            [](const Tensor& a, const Tensor& b) { return a.name < b.name; });
  for (size_t i = 1; i < tensors_.size(); ++i) {
    if (tensors_[i].name == tensors_[i - 1].name) {
      return InvalidArgument("tensor_duplicate",
                             "tensor " + JsonQuote(tensors_[i].name) + " is in \"" +
                                 files_[tensors_[i - 1].file]->name() + "\" and in \"" +
                                 files_[tensors_[i].file]->name() + "\"");
    }
  }
  return OkStatus();
}

Status Model::Place() {
  uint32_t layers = 0;
  for (const Tensor& tensor : tensors_) {
    Placed placed = RoleOf(tensor.name);
    elements_ += tensor.elements();
    bytes_ += tensor.bytes;
    if (placed.role < Role::kLayerRoles) layers = std::max(layers, placed.layer + 1);
    places_.push_back(placed);
  }
  by_layer_.resize(layers);
  for (auto& layer : by_layer_) layer.fill(kNoTensor);
  experts_.resize(layers);
  std::vector<std::map<int32_t, Expert>> experts(layers);
  for (uint32_t i = 0; i < tensors_.size(); ++i) {
    const Placed placed = places_[i];
    uint32_t* slot = nullptr;
    if (placed.expert >= 0) {
      const size_t part = placed.role == Role::kGate ? 0 : placed.role == Role::kUp ? 1 : 2;
      const auto [it, fresh] =
          experts[placed.layer].try_emplace(placed.expert, Expert{kNoTensor, kNoTensor, kNoTensor});
      slot = &it->second[part];
    } else if (placed.role < Role::kLayerRoles) {
      slot = &by_layer_[placed.layer][static_cast<size_t>(placed.role)];
    } else if (placed.role == Role::kEmbedding) {
      slot = &embedding_;
    } else if (placed.role == Role::kNormFinal) {
      slot = &norm_final_;
    } else if (placed.role == Role::kHead) {
      slot = &head_;
    }
    if (slot == nullptr) continue;
    // Where norms stand on both sides of a part, the gains before it are the ones that fold.
    if (*slot != kNoTensor && placed.role == Role::kNormFfn) {
      if (tensors_[i].name.find("pre_feedforward") == std::string::npos) continue;
    } else if (*slot != kNoTensor) {
      return InvalidArgument("tensor_duplicate",
                             "\"" + path_ + "\": " + JsonQuote(tensors_[*slot].name) + " and " +
                                 JsonQuote(tensors_[i].name) + " are both the " +
                                 std::string(NameOf(placed.role)));
    }
    *slot = i;
  }
  for (uint32_t l = 0; l < layers; ++l) {
    for (const auto& [number, expert] : experts[l]) experts_[l].push_back(expert);
  }

  // Shapes: what is there must fit together.
  if (embedding_ != kNoTensor) {
    const Tensor& e = tensors_[embedding_];
    if (e.shape.size() != 2) return Unexpected(*this, e, "not a matrix");
    if (config_.hidden == 0) config_.hidden = e.shape[1];
    if (e.shape[1] != config_.hidden)
      return Unexpected(*this, e, "but the model is " + std::to_string(config_.hidden) + " wide");
    config_.vocab = e.shape[0];
  }
  for (uint32_t l = 0; l < layers && config_.hidden == 0; ++l) {
    if (const uint32_t q = Find(Role::kQuery, l); q != kNoTensor && tensors_[q].shape.size() == 2) {
      config_.hidden = tensors_[q].shape[1];
    }
  }
  const uint64_t d = config_.hidden;
  for (uint32_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& t = tensors_[i];
    switch (places_[i].role) {
      case Role::kOther:
      case Role::kEmbedding:
        break;
      case Role::kNormAttention:
      case Role::kNormFfn:
      case Role::kNormFinal:
        if (t.shape.size() != 1 || t.shape[0] != d)
          return Unexpected(*this, t, "but gains are " + std::to_string(d) + " numbers here");
        break;
      case Role::kOutput:
      case Role::kDown:
        if (t.shape.size() != 2 || t.shape[0] != d)
          return Unexpected(*this, t, "but its rows are " + std::to_string(d) + " here");
        break;
      default:
        if (t.shape.size() != 2 || t.shape[1] != d)
          return Unexpected(*this, t, "but its columns are " + std::to_string(d) + " here");
        if (places_[i].role == Role::kGateUp && t.shape[0] % 2 != 0)
          return Unexpected(*this, t, "which is not two equal halves");
        break;
    }
  }
  if (config_.kv_heads == 0) config_.kv_heads = config_.heads;
  if (config_.head_dim == 0 && config_.heads != 0 && d % config_.heads == 0)
    config_.head_dim = d / config_.heads;
  // Heads are used only where they fit every layer.
  const uint64_t q_rows = config_.heads * config_.head_dim;
  const uint64_t kv_rows = config_.kv_heads * config_.head_dim;
  bool fits = q_rows != 0 && kv_rows != 0 && config_.heads % config_.kv_heads == 0;
  for (uint32_t l = 0; l < layers; ++l) {
    const auto rows = [&](Role role, size_t side) {
      const uint32_t i = Find(role, l);
      return i == kNoTensor ? uint64_t{0} : tensors_[i].shape[side];
    };
    const auto differs = [](uint64_t have, uint64_t want) { return have != 0 && have != want; };
    if (differs(rows(Role::kQuery, 0), q_rows) || differs(rows(Role::kKey, 0), kv_rows) ||
        differs(rows(Role::kValue, 0), kv_rows) || differs(rows(Role::kOutput, 1), q_rows) ||
        differs(rows(Role::kQkv, 0), q_rows + 2 * kv_rows)) {
      fits = false;
    }
    const uint64_t gate = rows(Role::kGate, 0);
    const uint64_t up = rows(Role::kUp, 0);
    const uint64_t pair = rows(Role::kGateUp, 0) / 2;
    const uint64_t down = rows(Role::kDown, 1);
    for (const uint64_t n : {gate, up, pair}) {
      if (n != 0 && down != 0 && n != down) {
        return Unexpected(*this, tensors_[Find(Role::kDown, l)],
                          "but the layer has " + std::to_string(n) + " neurons");
      }
    }
  }
  for (uint32_t l = 0; l < layers; ++l) {
    for (const Expert& expert : experts_[l]) {
      for (const uint32_t part : expert) {
        if (part == kNoTensor) {
          return InvalidArgument("tensor_missing", "\"" + path_ + "\": an expert of layer " +
                                                       std::to_string(l) +
                                                       " lacks its gate, up or down matrix");
        }
      }
      const uint64_t n = tensors_[expert[0]].shape[0];
      if (tensors_[expert[1]].shape[0] != n || tensors_[expert[2]].shape[1] != n) {
        return Unexpected(*this, tensors_[expert[2]],
                          "but its expert has " + std::to_string(n) + " neurons");
      }
    }
  }
  if (!fits) config_.heads = config_.kv_heads = config_.head_dim = 0;
  if (config_.layers != 0 && layers != 0 && config_.layers != layers) {
    return InvalidArgument("shape_unexpected", "\"" + path_ + "\": the configuration says " +
                                                   std::to_string(config_.layers) +
                                                   " layers, the tensors " +
                                                   std::to_string(layers));
  }
  config_.layers = layers;
  return OkStatus();
}

StatusOr<std::shared_ptr<const Model>> Model::FromSources(
    std::string path, std::vector<std::unique_ptr<ByteSource>> files, std::string_view config) {
  std::shared_ptr<Model> model(new Model());
  model->path_ = std::move(path);
  JANGBU_RETURN_IF_ERROR(model->Take(std::move(files)));
  if (!config.empty()) {
    JANGBU_ASSIGN_OR_RETURN(model->config_, ReadConfig(model->path_, config));
  }
  JANGBU_RETURN_IF_ERROR(model->Place());
  return std::shared_ptr<const Model>(std::move(model));
}

StatusOr<std::shared_ptr<const Model>> Model::Open(const std::string& path) {
  std::shared_ptr<Model> model(new Model());
  model->path_ = path;
  std::error_code error;
  std::string directory;
  std::vector<std::string> paths;
  std::optional<SafetensorsIndex> index;
  if (fs::is_directory(path, error)) {
    directory = path;
    const std::string index_path = JoinPath(path, "model.safetensors.index.json");
    if (IsFile(index_path)) {
      JANGBU_ASSIGN_OR_RETURN(const std::string json, ReadWhole(index_path, uint64_t{64} << 20));
      JANGBU_ASSIGN_OR_RETURN(index, ReadSafetensorsIndex(index_path, json));
      for (const std::string& shard : index->shards) paths.push_back(JoinPath(path, shard));
    } else {
      std::vector<std::string> safetensors, gguf;
      for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name.ends_with(".safetensors")) safetensors.push_back(JoinPath(path, name));
        if (name.ends_with(".gguf")) gguf.push_back(JoinPath(path, name));
      }
      if (error) return Unavailable("file_unreadable", "\"" + path + "\": " + error.message());
      paths = !safetensors.empty() ? safetensors : gguf;
      std::sort(paths.begin(), paths.end());
    }
  } else {
    paths.push_back(path);
    directory = fs::path(path).parent_path().string();
  }
  if (paths.empty()) {
    return NotFound("no_weights",
                    "\"" + path +
                        "\" holds no .safetensors and no .gguf file; name the folder of "
                        "a model, or one of its files");
  }
  if (paths.size() > kShardsMax) {
    return ResourceExhausted(
        "too_many_shards", "\"" + path + "\": more than " + std::to_string(kShardsMax) + " shards");
  }
  std::vector<std::unique_ptr<ByteSource>> files;
  for (const std::string& file : paths) {
    JANGBU_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenFile(file));
    files.push_back(std::move(source));
  }
  JANGBU_RETURN_IF_ERROR(model->Take(std::move(files)));
  if (index) {
    for (const Tensor& tensor : model->tensors_) {
      const auto it = index->shard_of.find(tensor.name);
      const std::string& file = model->files_[tensor.file]->name();
      if (it == index->shard_of.end() || !file.ends_with("/" + it->second)) {
        return InvalidArgument("shard_mismatch", "tensor " + JsonQuote(tensor.name) + " is in \"" +
                                                     file + "\", where the index does not say so");
      }
    }
    if (model->tensors_.size() != index->shard_of.size()) {
      for (const auto& [name, shard] : index->shard_of) {
        const auto it = std::lower_bound(
            model->tensors_.begin(), model->tensors_.end(), name,
            [](const Tensor& tensor, const std::string& n) { return tensor.name < n; });
        if (it == model->tensors_.end() || it->name != name) {
          return InvalidArgument("shard_mismatch", "the index says that tensor " + JsonQuote(name) +
                                                       " is in \"" + shard + "\", but it is not");
        }
      }
    }
  }
  const std::string config_path = JoinPath(directory.empty() ? "." : directory, "config.json");
  if (!model->gguf_ && IsFile(config_path)) {
    JANGBU_ASSIGN_OR_RETURN(const std::string json, ReadWhole(config_path, kConfigMax));
    JANGBU_ASSIGN_OR_RETURN(model->config_, ReadConfig(config_path, json));
  }
  for (const std::string_view name : kTokenizerNames) {
    const std::string file = JoinPath(directory.empty() ? "." : directory, name);
    if (!IsFile(file)) continue;
    JANGBU_ASSIGN_OR_RETURN(model->tokenizer_.bytes,
                            ReadWhole(file, ingest::Tokenizer::kFileBytesMax));
    model->tokenizer_.path = file;
    break;
  }
  JANGBU_RETURN_IF_ERROR(model->Place());
  return std::shared_ptr<const Model>(std::move(model));
}

}  // namespace jangbu::audit
