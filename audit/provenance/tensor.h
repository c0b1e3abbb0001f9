#pragma once

// A tensor as a file describes it, and its numbers as float.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/provenance/byte_source.h"
#include "base/status.h"

namespace jangbu::audit {

// Kinds of element. Only the first four are weights; the others are carried and hashed.
enum class DType : uint8_t {
  kF64,
  kF32,
  kF16,
  kBF16,
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8,
  kBool,
  kF8E4M3,
  kF8E5M2,
};
// Bytes of one element.
uint64_t SizeOf(DType dtype);
// As safetensors spells it: "F16", "BF16", ….
std::string_view NameOf(DType dtype);
bool DTypeOf(std::string_view name, DType& dtype);
inline bool IsWeight(DType dtype) { return dtype <= DType::kBF16; }

inline constexpr size_t kTensorsMax = 500'000;  // of one model
inline constexpr size_t kTensorNameMax = 1024;  // bytes
inline constexpr size_t kTensorRankMax = 8;
inline constexpr uint64_t kElementsMax = uint64_t{1} << 48;  // of one tensor

struct Tensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;  // row-major: the last runs fastest
  uint64_t offset = 0;          // of its first byte in its file
  uint64_t bytes = 0;
  uint32_t file = 0;  // which file of the model

  uint64_t elements() const {
    uint64_t n = 1;
    for (const uint64_t side : shape) n *= side;
    return n;
  }
  bool operator==(const Tensor&) const = default;
};

// The product of the sides in `elements`; false when a side or the product passes kElementsMax.
bool CountElements(const std::vector<uint64_t>& shape, uint64_t& elements);

// Turns `count` elements of `raw` into floats (F64 is rounded). REQUIRES: IsWeight(dtype).
// Returns the place of the first that is not finite (NaN, infinity), or `count`.
uint64_t ToFloat(DType dtype, const char* raw, uint64_t count, float* out);

// Elements [first, first + count) of `tensor` in row-major order.
// FailedPrecondition("dtype_unsupported") when it does not hold weights;
// InvalidArgument("tensor_not_finite") names the tensor and the place; errors of ReadAt.
Status ReadElements(const ByteSource& file, const Tensor& tensor, uint64_t first, uint64_t count,
                    float* out);

// Rounds to the nearest half or bfloat16, ties to even: for what tests and controls write.
uint16_t ToHalf(float value);
uint16_t ToBFloat16(float value);

}  // namespace jangbu::audit
