#include "audit/provenance/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace jangbu::audit {
namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  uint64_t size;
};
constexpr std::array<DTypeRow, 15> kDTypes = {{
    {DType::kF64, "F64", 8},
    {DType::kF32, "F32", 4},
    {DType::kF16, "F16", 2},
    {DType::kBF16, "BF16", 2},
    {DType::kI64, "I64", 8},
    {DType::kI32, "I32", 4},
    {DType::kI16, "I16", 2},
    {DType::kI8, "I8", 1},
    {DType::kU64, "U64", 8},
    {DType::kU32, "U32", 4},
    {DType::kU16, "U16", 2},
    {DType::kU8, "U8", 1},
    {DType::kBool, "BOOL", 1},
    {DType::kF8E4M3, "F8_E4M3", 1},
    {DType::kF8E5M2, "F8_E5M2", 1},
}};

template <typename T>
T Load(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof(T));
  return v;
}

}  // namespace

uint64_t SizeOf(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].size; }
std::string_view NameOf(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }
bool DTypeOf(std::string_view name, DType& dtype) {
  for (const DTypeRow& row : kDTypes) {
    if (row.name == name) {
      dtype = row.dtype;
      return true;
    }
  }
  return false;
}

bool CountElements(const std::vector<uint64_t>& shape, uint64_t& elements) {
  elements = 1;
  bool empty = false;
  for (const uint64_t side : shape) {
    if (side > kElementsMax) return false;
    if (side == 0) {
      empty = true;
      continue;
    }
    if (elements > kElementsMax / side) return false;
    elements *= side;
  }
  if (empty) elements = 0;
  return true;
}

uint64_t ToFloat(DType dtype, const char* raw, uint64_t count, float* out) {
  JANGBU_CHECK(IsWeight(dtype));
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, raw, count * 4);
      break;
    case DType::kBF16:
      for (uint64_t i = 0; i < count; ++i) {
        out[i] = std::bit_cast<float>(static_cast<uint32_t>(Load<uint16_t>(raw + 2 * i)) << 16);
      }
      break;
    case DType::kF16:
      // IEEE 754 halves without a branch: exponents are moved by a multiplication, which is exact
      // and makes subnormal halves normal; all ones stay all ones.
      for (uint64_t i = 0; i < count; ++i) {
        const uint32_t half = Load<uint16_t>(raw + 2 * i);
        const float moved = std::bit_cast<float>((half & 0x7FFFu) << 13) * 0x1p112f;
        const uint32_t special = (half & 0x7C00u) == 0x7C00u ? 0x7F800000u : 0u;
        out[i] = std::bit_cast<float>(std::bit_cast<uint32_t>(moved) | special |
                                      ((half & 0x8000u) << 16));
      }
      break;
    default:
      for (uint64_t i = 0; i < count; ++i) out[i] = static_cast<float>(Load<double>(raw + 8 * i));
      break;
  }
  // A sum of exponents' tops is cheaper than a test an element.
  uint32_t bad = 0;
  for (uint64_t i = 0; i < count; ++i) {
    bad |= (std::bit_cast<uint32_t>(out[i]) & 0x7F800000u) == 0x7F800000u ? 1u : 0u;
  }
  if (bad == 0) return count;
  for (uint64_t i = 0; i < count; ++i) {
    if (!std::isfinite(out[i])) return i;
  }
  return count;
}

Status ReadElements(const ByteSource& file, const Tensor& tensor, uint64_t first, uint64_t count,
                    float* out) {
  if (!IsWeight(tensor.dtype)) {
    return FailedPrecondition("dtype_unsupported",
                              "\"" + file.name() + "\": tensor \"" + tensor.name + "\" is " +
                                  std::string(NameOf(tensor.dtype)) +
                                  "; weights are read as F64, F32, F16 or BF16");
  }
  JANGBU_CHECK(first + count <= tensor.elements());
  const uint64_t size = SizeOf(tensor.dtype);
  constexpr uint64_t kStep = uint64_t{1} << 18;
  std::string raw;
  for (uint64_t done = 0; done < count;) {
    const uint64_t step = std::min(count - done, kStep);
    raw.resize(step * size);
    JANGBU_RETURN_IF_ERROR(
        file.ReadAt(tensor.offset + (first + done) * size, raw.size(), raw.data()));
    const uint64_t bad = ToFloat(tensor.dtype, raw.data(), step, out + done);
    if (bad != step) {
      return InvalidArgument("tensor_not_finite",
                             "\"" + file.name() + "\": tensor \"" + tensor.name + "\" holds " +
                                 (std::isnan(out[done + bad]) ? "NaN" : "an infinity") +
                                 " at element " + std::to_string(first + done + bad) +
                                 "; the file is damaged or its training failed");
    }
    done += step;
  }
  return OkStatus();
}

uint16_t ToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u);
  if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);
  if (magnitude < 0x38800000u) {
    // Subnormal: the addition rounds to the last place of a half.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(rounded) - 0x3F000000u));
  }
  const uint32_t odd = (magnitude >> 13) & 1u;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xFFFu + odd) >> 13));
}

uint16_t ToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace jangbu::audit
