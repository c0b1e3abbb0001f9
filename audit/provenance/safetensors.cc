#include "audit/provenance/safetensors.h"

#include <simdjson.h>

#include <algorithm>
#include <set>
#include <utility>

#include "audit/provenance/json.h"

namespace jangbu::audit {
namespace {

namespace dom = simdjson::dom;

std::string_view View(std::string_view s) { return s; }

// A name from the file as it may stand in an error: short and printable.
std::string Shown(std::string_view name) {
  std::string out = JsonQuote(name.substr(0, 120));
  return out;
}

Status Bad(const ByteSource& file, std::string_view reason, const std::string& what) {
  return InvalidArgument(reason, "\"" + file.name() + "\": " + what);
}

bool Unsigned(dom::element element, uint64_t& value) {
  return element.get_uint64().get(value) == 0;
}

// One tensor of the header. `data` is where the buffer begins, `room` how long it is.
StatusOr<Tensor> ReadTensor(const ByteSource& file, std::string_view name, dom::element value,
                            uint64_t data, uint64_t room) {
  Tensor tensor;
  tensor.name = std::string(name);
  const auto malformed = [&](const std::string& what) {
    return Bad(file, "tensor_malformed", "tensor " + Shown(name) + " " + what);
  };
  if (name.empty() || name.size() > kTensorNameMax) {
    return Bad(file, "tensor_malformed",
               "a tensor's name has " + std::to_string(name.size()) + " bytes; 1 to " +
                   std::to_string(kTensorNameMax) + " are allowed");
  }
  dom::object object;
  if (value.get_object().get(object) != 0) return malformed("is not an object");
  bool has_dtype = false, has_shape = false, has_offsets = false;
  uint64_t begin = 0, end = 0;
  for (const auto field : object) {
    const std::string_view key = View(field.key);
    if (key == "dtype") {
      std::string_view text;
      if (has_dtype || field.value.get_string().get(text) != 0) return malformed("has no one type");
      if (!DTypeOf(text, tensor.dtype)) {
        return Bad(file, "dtype_unknown",
                   "tensor " + Shown(name) + " has the unknown type " + Shown(text));
      }
      has_dtype = true;
    } else if (key == "shape") {
      dom::array shape;
      if (has_shape || field.value.get_array().get(shape) != 0)
        return malformed("has no one shape");
      for (const auto side : shape) {
        uint64_t n = 0;
        if (!Unsigned(side, n)) return malformed("has a side that is not a whole number from 0 on");
        if (tensor.shape.size() == kTensorRankMax)
          return malformed("has more than " + std::to_string(kTensorRankMax) + " sides");
        tensor.shape.push_back(n);
      }
      has_shape = true;
    } else if (key == "data_offsets") {
      dom::array offsets;
      if (has_offsets || field.value.get_array().get(offsets) != 0 || offsets.size() != 2)
        return malformed("has no one pair of offsets");
      if (!Unsigned(offsets.at(0).value_unsafe(), begin) ||
          !Unsigned(offsets.at(1).value_unsafe(), end)) {
        return malformed("has an offset that is not a whole number from 0 on");
      }
      has_offsets = true;
    } else {
      return malformed("has the unknown field " + Shown(key));
    }
  }
  if (!has_dtype || !has_shape || !has_offsets)
    return malformed("lacks dtype, shape or data_offsets");
  uint64_t elements = 0;
  if (!CountElements(tensor.shape, elements)) {
    return Bad(file, "shape_overflow",
               "the shape of tensor " + Shown(name) + " has more than 2^48 elements");
  }
  if (begin > end || end > room) {
    return Bad(file, "offsets_outside",
               "tensor " + Shown(name) + " lies at bytes " + std::to_string(begin) + " to " +
                   std::to_string(end) + " of a buffer of " + std::to_string(room));
  }
  tensor.bytes = end - begin;
  if (elements * SizeOf(tensor.dtype) != tensor.bytes) {
    return Bad(file, "size_mismatch",
               "tensor " + Shown(name) + " has " + std::to_string(tensor.bytes) + " bytes, but " +
                   std::to_string(elements) + " elements of " + std::string(NameOf(tensor.dtype)) +
                   " need " + std::to_string(elements * SizeOf(tensor.dtype)));
  }
  tensor.offset = data + begin;
  return tensor;
}

Status CheckCover(const ByteSource& file, const std::vector<Tensor>& tensors, uint64_t data,
                  uint64_t room) {
  uint64_t at = data;
  const Tensor* before = nullptr;
  for (const Tensor& tensor : tensors) {
    if (tensor.offset < at) {
      return Bad(file, "offsets_overlap",
                 "tensor " + Shown(tensor.name) + " begins inside tensor " + Shown(before->name));
    }
    if (tensor.offset > at) {
      return Bad(file, "offsets_gap",
                 "no tensor owns the bytes " + std::to_string(at - data) + " to " +
                     std::to_string(tensor.offset - data) + " before tensor " + Shown(tensor.name));
    }
    at = tensor.offset + tensor.bytes;
    before = &tensor;
  }
  if (at != data + room) {
    return Bad(file, "offsets_gap",
               "no tensor owns the last " + std::to_string(data + room - at) +
                   " bytes; the file is longer than its header says");
  }
  return OkStatus();
}

}  // namespace

StatusOr<SafetensorsFile> ReadSafetensors(const ByteSource& file) {
  if (file.size() < 8) {
    return Bad(file, "header_truncated",
               "a safetensors file has at least 8 bytes, this one " + std::to_string(file.size()));
  }
  char head[8];
  JANGBU_RETURN_IF_ERROR(file.ReadAt(0, 8, head));
  const auto byte = [&](int i) { return static_cast<unsigned char>(head[i]); };
  if ((byte(0) == 0x1F && byte(1) == 0x8B) || (byte(0) == 0x28 && byte(1) == 0xB5) ||
      (byte(0) == 'P' && byte(1) == 'K' && byte(2) < 9)) {
    return Bad(file, "file_compressed", "this is a compressed file; unpack it first");
  }
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = (length << 8) | byte(i);
  if (length > kSafetensorsHeaderMax) {
    return Bad(file, "header_too_large",
               "the header says it has " + std::to_string(length) + " bytes; at most " +
                   std::to_string(kSafetensorsHeaderMax) +
                   " are read (is this a safetensors file?)");
  }
  if (length > file.size() - 8) {
    return Bad(file, "header_truncated",
               "the header says it has " + std::to_string(length) + " bytes, but " +
                   std::to_string(file.size() - 8) + " follow");
  }
  simdjson::padded_string json(length);
  JANGBU_RETURN_IF_ERROR(file.ReadAt(8, length, json.data()));
  const std::string_view text(json.data(), length);
  if (text.empty() || text[0] != '{') {
    return Bad(file, "header_not_json", "the header does not begin with {");
  }
  dom::parser parser(kSafetensorsHeaderMax + 64);
  dom::element root;
  dom::object object;
  if (parser.allocate(length + 64, 16) != 0) {
    return ResourceExhausted("header_too_large",
                             "\"" + file.name() + "\": no memory for its header");
  }
  if (const auto error = parser.parse(json).get(root); error != 0) {
    return Bad(file, "header_not_json",
               std::string("the header is not JSON: ") + simdjson::error_message(error));
  }
  if (root.get_object().get(object) != 0) {
    return Bad(file, "header_malformed", "the header is not an object");
  }
  SafetensorsFile result;
  const uint64_t data = 8 + length;
  const uint64_t room = file.size() - data;
  std::set<std::string_view> seen;
  for (const auto field : object) {
    const std::string_view name = field.key;
    if (!seen.insert(name).second) {
      return Bad(file, "tensor_duplicate", "tensor " + Shown(name) + " is described twice");
    }
    if (name == "__metadata__") {
      dom::object metadata;
      if (field.value.get_object().get(metadata) != 0)
        return Bad(file, "header_malformed", "__metadata__ is not an object");
      for (const auto entry : metadata) {
        std::string_view value;
        if (entry.value.get_string().get(value) != 0)
          return Bad(file, "header_malformed",
                     "__metadata__ " + Shown(entry.key) + " is not a text");
        if (!result.metadata.emplace(std::string(entry.key), std::string(value)).second)
          return Bad(file, "header_malformed",
                     "__metadata__ " + Shown(entry.key) + " stands twice");
      }
      continue;
    }
    if (result.tensors.size() == kTensorsMax) {
      return ResourceExhausted("too_many_tensors", "\"" + file.name() + "\": more than " +
                                                       std::to_string(kTensorsMax) + " tensors");
    }
    JANGBU_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(file, name, field.value, data, room));
    result.tensors.push_back(std::move(tensor));
  }
  std::sort(result.tensors.begin(), result.tensors.end(), [](const Tensor& a, const Tensor& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  JANGBU_RETURN_IF_ERROR(CheckCover(file, result.tensors, data, room));
  return result;
}

std::string EncodeSafetensorsHeader(const std::vector<Tensor>& tensors,
                                    const std::map<std::string, std::string>& metadata) {
  JsonWriter json;
  json.BeginObject();
  if (!metadata.empty()) {
    json.Key("__metadata__").BeginObject();
    for (const auto& [key, value] : metadata) json.Field(key, value);
    json.EndObject();
  }
  uint64_t at = 0;
  for (const Tensor& tensor : tensors) {
    json.Key(tensor.name).BeginObject().Field("dtype", NameOf(tensor.dtype));
    json.Key("shape").BeginArray();
    for (const uint64_t side : tensor.shape) json.Unsigned(side);
    json.EndArray().Key("data_offsets").BeginArray();
    const uint64_t bytes = tensor.elements() * SizeOf(tensor.dtype);
    json.Unsigned(at).Unsigned(at + bytes).EndArray().EndObject();
    at += bytes;
  }
  json.EndObject();
  std::string body = json.Take();
  body.append((8 - body.size() % 8) % 8, ' ');
  std::string out;
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(body.size() >> (8 * i)));
  return out + body;
}

StatusOr<SafetensorsIndex> ReadSafetensorsIndex(std::string_view name, std::string_view json) {
  const auto bad = [&](const std::string& what) {
    return InvalidArgument("index_malformed", "\"" + std::string(name) + "\": " + what);
  };
  dom::parser parser;
  dom::element root;
  dom::object map;
  if (parser.allocate(json.size() + 64, 16) != 0 ||
      parser.parse(json.data(), json.size()).get(root) != 0) {
    return bad("not JSON");
  }
  if (root["weight_map"].get_object().get(map) != 0) return bad("it has no object weight_map");
  SafetensorsIndex index;
  std::set<std::string> shards;
  for (const auto field : map) {
    std::string_view shard;
    if (field.value.get_string().get(shard) != 0)
      return bad("the shard of tensor " + Shown(field.key) + " is not a text");
    if (shard.empty() || shard[0] == '.' || shard.size() > 255 ||
        shard.find('/') != std::string_view::npos ||
        shard.find(std::string_view("\0", 1)) != std::string_view::npos) {
      return InvalidArgument("shard_name_unsafe", "\"" + std::string(name) + "\": the shard " +
                                                      Shown(shard) +
                                                      " is not a plain file name beside the index");
    }
    if (index.shard_of.size() == kTensorsMax)
      return ResourceExhausted("too_many_tensors", "\"" + std::string(name) + "\": more than " +
                                                       std::to_string(kTensorsMax) + " tensors");
    if (!index.shard_of.emplace(std::string(field.key), std::string(shard)).second)
      return bad("tensor " + Shown(field.key) + " stands twice");
    shards.insert(std::string(shard));
    if (shards.size() > kShardsMax)
      return ResourceExhausted("too_many_shards", "\"" + std::string(name) + "\": more than " +
                                                      std::to_string(kShardsMax) + " shards");
  }
  if (shards.empty()) return bad("weight_map is empty");
  index.shards.assign(shards.begin(), shards.end());
  return index;
}

}  // namespace jangbu::audit
