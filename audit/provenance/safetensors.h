#pragma once

// safetensors: eight bytes of header length (little-endian), a JSON object, then the numbers.
// (github.com/huggingface/safetensors, "Format".) Untrusted bytes.
//
// Accepted: names distinct; the tensors' ranges, in order of offset, cover the buffer from 0 to its
// end without gap or overlap; each range is as long as shape and type say. Everything else is
// refused by name: no file is half read.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/provenance/byte_source.h"
#include "audit/provenance/tensor.h"
#include "base/status.h"

namespace jangbu::audit {

inline constexpr uint64_t kSafetensorsHeaderMax = 100'000'000;  // as the reference reader has it

struct SafetensorsFile {
  std::vector<Tensor> tensors;                  // ascending by offset, then name
  std::map<std::string, std::string> metadata;  // "__metadata__"
};

// Reads the header. InvalidArgument with one of header_truncated, header_too_large,
// header_not_json, header_malformed, tensor_duplicate, tensor_malformed, dtype_unknown,
// shape_overflow, offsets_outside, offsets_overlap, offsets_gap, size_mismatch, file_compressed;
// ResourceExhausted("too_many_tensors"). The message names file and tensor. O(header).
StatusOr<SafetensorsFile> ReadSafetensors(const ByteSource& file);

// The header of such a file (length, JSON padded with spaces to 8 bytes); offsets are taken from
// the order of `tensors`, not from their fields. For what the project writes itself.
std::string EncodeSafetensorsHeader(const std::vector<Tensor>& tensors,
                                    const std::map<std::string, std::string>& metadata = {});

// model.safetensors.index.json: which shard holds which tensor. InvalidArgument("index_malformed"),
// ("shard_name_unsafe") for a name with a slash or a leading dot, ResourceExhausted
// ("too_many_shards").
struct SafetensorsIndex {
  std::map<std::string, std::string> shard_of;  // tensor → file name
  std::vector<std::string> shards;              // distinct, ascending
};
inline constexpr size_t kShardsMax = 4096;
StatusOr<SafetensorsIndex> ReadSafetensorsIndex(std::string_view name, std::string_view json);

}  // namespace jangbu::audit
