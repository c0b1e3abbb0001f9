#include "audit/provenance/config.h"

#include <simdjson.h>

#include <initializer_list>

#include "audit/provenance/json.h"

namespace jangbu::audit {
namespace {

namespace dom = simdjson::dom;

// The first of `keys` that is there and not null.
Status Whole(dom::object object, std::string_view name, std::initializer_list<const char*> keys,
             uint64_t& out) {
  for (const char* key : keys) {
    dom::element value;
    if (object[key].get(value) != 0 || value.is_null()) continue;
    uint64_t n = 0;
    if (value.get_uint64().get(n) != 0 || n >= (uint64_t{1} << 32)) {
      return InvalidArgument("config_malformed", "\"" + std::string(name) + "\": field \"" + key +
                                                     "\" is not a whole number below 2^32");
    }
    out = n;
    return OkStatus();
  }
  return OkStatus();
}

}  // namespace

StatusOr<ModelConfig> ReadConfig(std::string_view name, std::string_view json) {
  const auto bad = [&](const std::string& what) {
    return InvalidArgument("config_malformed", "\"" + std::string(name) + "\": " + what);
  };
  if (json.size() > kConfigMax) return bad("more than 4 MiB");
  dom::parser parser;
  dom::element root;
  dom::object object;
  if (parser.allocate(json.size() + 64, 64) != 0) return bad("no memory for it");
  if (const auto error = parser.parse(json.data(), json.size()).get(root); error != 0)
    return bad(std::string("not JSON: ") + simdjson::error_message(error));
  if (root.get_object().get(object) != 0) return bad("not an object");
  ModelConfig config;
  std::string_view text;
  if (object["model_type"].get_string().get(text) == 0) config.model_type = std::string(text);
  dom::array architectures;
  if (object["architectures"].get_array().get(architectures) == 0 && architectures.size() > 0 &&
      architectures.at(0).get_string().get(text) == 0) {
    config.architecture = std::string(text);
  }
  bool flag = false;
  if (object["tie_word_embeddings"].get_bool().get(flag) == 0) config.tied = flag;
  dom::object inner;
  if (object["text_config"].get_object().get(inner) == 0) {
    object = inner;
    if (object["model_type"].get_string().get(text) == 0) config.model_type = std::string(text);
  }
  JANGBU_RETURN_IF_ERROR(Whole(object, name, {"hidden_size", "n_embd", "d_model"}, config.hidden));
  JANGBU_RETURN_IF_ERROR(
      Whole(object, name, {"num_hidden_layers", "n_layer", "num_layers"}, config.layers));
  JANGBU_RETURN_IF_ERROR(
      Whole(object, name, {"num_attention_heads", "n_head", "num_heads"}, config.heads));
  JANGBU_RETURN_IF_ERROR(
      Whole(object, name, {"num_key_value_heads", "multi_query_group_num"}, config.kv_heads));
  JANGBU_RETURN_IF_ERROR(Whole(object, name, {"head_dim", "kv_channels"}, config.head_dim));
  JANGBU_RETURN_IF_ERROR(
      Whole(object, name, {"intermediate_size", "ffn_hidden_size", "n_inner"}, config.ffn));
  JANGBU_RETURN_IF_ERROR(Whole(object, name, {"vocab_size", "padded_vocab_size"}, config.vocab));
  return config;
}

}  // namespace jangbu::audit
