#pragma once

// GGUF versions 2 and 3, little-endian (github.com/ggml-org/ggml, docs/gguf.md). Untrusted bytes.
// Tensors of F32, F16, BF16 and F64 are weights; a quantised one is refused by name, since its
// rounding is not the model's.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/provenance/byte_source.h"
#include "audit/provenance/tensor.h"
#include "base/status.h"

namespace jangbu::audit {

inline constexpr uint64_t kGgufHeaderMax = uint64_t{256}
                                           << 20;  // bytes of metadata and tensor list
inline constexpr uint64_t kGgufKeysMax = 65'536;
inline constexpr uint64_t kGgufArrayMax = uint64_t{1} << 24;

struct GgufFile {
  uint32_t version = 3;
  uint64_t alignment = 32;
  std::map<std::string, uint64_t> numbers;  // unsigned, signed (from 0 on) and bool values
  std::map<std::string, double> reals;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<std::string>> text_lists;  // e.g. tokenizer.ggml.tokens
  // Ascending by offset; shapes row-major, so the reverse of the file's.
  std::vector<Tensor> tensors;
};

// Reads the header. InvalidArgument with one of gguf_magic, gguf_big_endian, gguf_malformed,
// gguf_truncated, tensor_duplicate, shape_overflow, offsets_outside, offsets_overlap,
// FailedPrecondition("gguf_version"), ("tensor_quantised"), ResourceExhausted("header_too_large"),
// ("too_many_tensors"). Reads no more than the header. O(header).
StatusOr<GgufFile> ReadGguf(const ByteSource& file);

// A whole header of `file` (without the numbers of its tensors), each tensor at the next aligned
// place in order; keys as in the maps. For what the project writes itself. `data_offset` is where
// the numbers begin.
std::string EncodeGgufHeader(const GgufFile& file, uint64_t& data_offset);

}  // namespace jangbu::audit
