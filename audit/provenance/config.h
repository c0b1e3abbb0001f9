#pragma once

// config.json of a model in Hugging Face's layout: the few numbers that say how its matrices are to
// be cut. Untrusted bytes.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace jangbu::audit {

struct ModelConfig {
  std::string model_type;    // "llama", "" when unknown
  std::string architecture;  // the first of "architectures"
  uint64_t hidden = 0;       // 0 in any field: not said
  uint64_t layers = 0;
  uint64_t heads = 0;
  uint64_t kv_heads = 0;
  uint64_t head_dim = 0;
  uint64_t ffn = 0;
  uint64_t vocab = 0;
  bool tied = false;
};

// InvalidArgument("config_malformed") when it is not a JSON object or a field is not a whole number
// in [0, 2^32) (a null counts as absent); the message names `name` and the field. A model of
// several parts is read from its "text_config".
StatusOr<ModelConfig> ReadConfig(std::string_view name, std::string_view json);

inline constexpr uint64_t kConfigMax = uint64_t{4} << 20;  // bytes of the file

}  // namespace jangbu::audit
