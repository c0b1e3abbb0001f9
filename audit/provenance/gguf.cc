#include "audit/provenance/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <utility>

#include "audit/provenance/json.h"
#include "base/bytes.h"

namespace jangbu::audit {
namespace {

enum ValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

size_t WidthOf(uint32_t type) {
  switch (type) {
    case kU8:
    case kI8:
    case kBool:
      return 1;
    case kU16:
    case kI16:
      return 2;
    case kU32:
    case kI32:
    case kF32:
      return 4;
    case kU64:
    case kI64:
    case kF64:
      return 8;
    default:
      return 0;
  }
}

Status Bad(const ByteSource& file, std::string_view reason, const std::string& what) {
  return InvalidArgument(reason, "\"" + file.name() + "\": " + what);
}

// Reads forward through a window; the first failure sticks.
class Cursor {
 public:
  explicit Cursor(const ByteSource& file) : file_(file) {}

  uint64_t at() const { return at_; }
  const Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }
  void Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  // The next `size` bytes; "" after a failure. Valid until the next call.
  std::string_view Take(uint64_t size) {
    if (!ok()) return {};
    if (size > file_.size() - at_) {
      Fail(Bad(file_, "gguf_truncated",
               "the file ends at byte " + std::to_string(file_.size()) +
                   ", inside its header; fetch it again"));
      return {};
    }
    if (at_ + size > kGgufHeaderMax) {
      Fail(ResourceExhausted("header_too_large", "\"" + file_.name() +
                                                     "\": its header has more than " +
                                                     std::to_string(kGgufHeaderMax) + " bytes"));
      return {};
    }
    if (at_ < begin_ || at_ + size > begin_ + window_.size()) {
      begin_ = at_;
      window_.resize(std::min<uint64_t>(std::max<uint64_t>(size, 1 << 16), file_.size() - at_));
      if (Status read = file_.ReadAt(begin_, window_.size(), window_.data()); !read.ok()) {
        Fail(std::move(read));
        return {};
      }
    }
    const std::string_view bytes(window_.data() + (at_ - begin_), size);
    at_ += size;
    return bytes;
  }
  template <typename T>
  T Number() {
    const std::string_view bytes = Take(sizeof(T));
    T value{};
    if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::string Text(uint64_t max) {
    const auto size = Number<uint64_t>();
    if (ok() && size > max) {
      Fail(Bad(file_, "gguf_malformed",
               "a text at byte " + std::to_string(at_ - 8) + " says it has " +
                   std::to_string(size) + " bytes; at most " + std::to_string(max)));
    }
    return std::string(Take(ok() ? size : 0));
  }

 private:
  const ByteSource& file_;
  uint64_t at_ = 0;
  uint64_t begin_ = 0;
  std::string window_;
  Status status_;
};

// A scalar of `type` as number or real.
void ReadScalar(Cursor& in, uint32_t type, const std::string& key, GgufFile& file) {
  const auto number = [&](uint64_t value) { file.numbers[key] = value; };
  const auto whole = [&](int64_t value) {
    if (value >= 0) {
      number(static_cast<uint64_t>(value));
    } else {
      file.reals[key] = static_cast<double>(value);
    }
  };
  switch (type) {
    case kU8:
    case kBool:
      return number(in.Number<uint8_t>());
    case kI8:
      return whole(in.Number<int8_t>());
    case kU16:
      return number(in.Number<uint16_t>());
    case kI16:
      return whole(in.Number<int16_t>());
    case kU32:
      return number(in.Number<uint32_t>());
    case kI32:
      return whole(in.Number<int32_t>());
    case kU64:
      return number(in.Number<uint64_t>());
    case kI64:
      return whole(in.Number<int64_t>());
    case kF32:
      file.reals[key] = static_cast<double>(in.Number<float>());
      return;
    default:
      file.reals[key] = in.Number<double>();
      return;
  }
}

constexpr uint64_t kTextMax = uint64_t{16} << 20;

void ReadValue(Cursor& in, const ByteSource& source, const std::string& key, GgufFile& file) {
  const auto type = in.Number<uint32_t>();
  if (!in.ok()) return;
  if (WidthOf(type) != 0) return ReadScalar(in, type, key, file);
  if (type == kString) {
    file.texts[key] = in.Text(kTextMax);
    return;
  }
  if (type != kArray) {
    return in.Fail(Bad(source, "gguf_malformed",
                       "key " + JsonQuote(key) + " has the unknown type " + std::to_string(type)));
  }
  const auto element = in.Number<uint32_t>();
  const auto count = in.Number<uint64_t>();
  if (!in.ok()) return;
  if (count > kGgufArrayMax || (element != kString && WidthOf(element) == 0)) {
    return in.Fail(Bad(source, "gguf_malformed",
                       "key " + JsonQuote(key) + " is a list of " + std::to_string(count) +
                           " of type " + std::to_string(element) +
                           "; lists of lists and of more "
                           "than " +
                           std::to_string(kGgufArrayMax) + " are not read"));
  }
  if (element != kString) {
    in.Take(count * WidthOf(element));
    return;
  }
  std::vector<std::string>& list = file.text_lists[key];
  for (uint64_t i = 0; i < count && in.ok(); ++i) list.push_back(in.Text(kTextMax));
}

bool DTypeOfGgml(uint32_t type, DType& dtype) {
  switch (type) {
    case 0:
      dtype = DType::kF32;
      return true;
    case 1:
      dtype = DType::kF16;
      return true;
    case 24:
      dtype = DType::kI8;
      return true;
    case 25:
      dtype = DType::kI16;
      return true;
    case 26:
      dtype = DType::kI32;
      return true;
    case 27:
      dtype = DType::kI64;
      return true;
    case 28:
      dtype = DType::kF64;
      return true;
    case 30:
      dtype = DType::kBF16;
      return true;
    default:
      return false;
  }
}

uint32_t GgmlOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kBF16:
      return 30;
    case DType::kF64:
      return 28;
    case DType::kI8:
      return 24;
    case DType::kI16:
      return 25;
    case DType::kI32:
      return 26;
    default:
      return 27;
  }
}

uint64_t AlignUp(uint64_t n, uint64_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

StatusOr<Tensor> ReadTensorInfo(Cursor& in, const ByteSource& source) {
  Tensor tensor;
  tensor.name = in.Text(kTensorNameMax);
  const auto rank = in.Number<uint32_t>();
  if (!in.ok()) return in.status();
  if (tensor.name.empty() || rank == 0 || rank > kTensorRankMax) {
    return Bad(source, "gguf_malformed",
               "tensor " + JsonQuote(tensor.name) + " has " + std::to_string(rank) + " sides");
  }
  for (uint32_t i = 0; i < rank; ++i) tensor.shape.push_back(in.Number<uint64_t>());
  std::reverse(tensor.shape.begin(), tensor.shape.end());
  const auto type = in.Number<uint32_t>();
  tensor.offset = in.Number<uint64_t>();
  if (!in.ok()) return in.status();
  uint64_t elements = 0;
  if (!CountElements(tensor.shape, elements)) {
    return Bad(source, "shape_overflow",
               "the shape of tensor " + JsonQuote(tensor.name) + " has more than 2^48 elements");
  }
  if (!DTypeOfGgml(type, tensor.dtype)) {
    return FailedPrecondition("tensor_quantised", "\"" + source.name() + "\": tensor " +
                                                      JsonQuote(tensor.name) +
                                                      " is of the quantised (or "
                                                      "unknown) type " +
                                                      std::to_string(type) +
                                                      "; only F32, F16, BF16 and F64 are compared: "
                                                      "give the unquantised model");
  }
  tensor.bytes = elements * SizeOf(tensor.dtype);
  return tensor;
}

}  // namespace

StatusOr<GgufFile> ReadGguf(const ByteSource& source) {
  Cursor in(source);
  GgufFile file;
  if (in.Take(4) != "GGUF") {
    JANGBU_RETURN_IF_ERROR(in.status());
    return Bad(source, "gguf_magic", "it does not begin with GGUF");
  }
  file.version = in.Number<uint32_t>();
  JANGBU_RETURN_IF_ERROR(in.status());
  if (file.version == 0x03000000u || file.version == 0x02000000u) {
    return Bad(source, "gguf_big_endian", "big-endian files are not read");
  }
  if (file.version != 2 && file.version != 3) {
    return FailedPrecondition("gguf_version", "\"" + source.name() + "\": version " +
                                                  std::to_string(file.version) +
                                                  " is not read, only 2 and 3");
  }
  const auto tensor_count = in.Number<uint64_t>();
  const auto key_count = in.Number<uint64_t>();
  JANGBU_RETURN_IF_ERROR(in.status());
  if (tensor_count > kTensorsMax || key_count > kGgufKeysMax) {
    return ResourceExhausted(
        "too_many_tensors",
        "\"" + source.name() + "\" says it has " + std::to_string(tensor_count) + " tensors and " +
            std::to_string(key_count) + " keys; at most " + std::to_string(kTensorsMax) + " and " +
            std::to_string(kGgufKeysMax));
  }
  std::set<std::string> keys;
  for (uint64_t i = 0; i < key_count; ++i) {
    const std::string key = in.Text(65'535);
    JANGBU_RETURN_IF_ERROR(in.status());
    if (!keys.insert(key).second)
      return Bad(source, "gguf_malformed", "key " + JsonQuote(key) + " stands twice");
    ReadValue(in, source, key, file);
    JANGBU_RETURN_IF_ERROR(in.status());
  }
  if (const auto it = file.numbers.find("general.alignment"); it != file.numbers.end()) {
    file.alignment = it->second;
    if (file.alignment == 0 || file.alignment > 65'536 || file.alignment % 8 != 0) {
      return Bad(source, "gguf_malformed",
                 "general.alignment is " + std::to_string(file.alignment));
    }
  }
  std::set<std::string> names;
  for (uint64_t i = 0; i < tensor_count; ++i) {
    JANGBU_ASSIGN_OR_RETURN(Tensor tensor, ReadTensorInfo(in, source));
    if (!names.insert(tensor.name).second) {
      return Bad(source, "tensor_duplicate",
                 "tensor " + JsonQuote(tensor.name) + " is described twice");
    }
    if (tensor.offset % file.alignment != 0) {
      return Bad(source, "gguf_malformed",
                 "tensor " + JsonQuote(tensor.name) + " does not begin at a multiple of " +
                     std::to_string(file.alignment));
    }
    file.tensors.push_back(std::move(tensor));
  }
  const uint64_t data = AlignUp(in.at(), file.alignment);
  const uint64_t room = source.size() > data ? source.size() - data : 0;
  for (Tensor& tensor : file.tensors) {
    // An empty tensor has its place too: a file that ends before its data begins is cut.
    if (data > source.size() || tensor.offset > room || tensor.bytes > room - tensor.offset) {
      return Bad(source, "offsets_outside",
                 "tensor " + JsonQuote(tensor.name) + " lies outside the file, which is " +
                     std::to_string(source.size()) + " bytes long; fetch it again");
    }
    tensor.offset += data;
  }
  std::sort(file.tensors.begin(), file.tensors.end(), [](const Tensor& a, const Tensor& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  for (size_t i = 1; i < file.tensors.size(); ++i) {
    const Tensor& before = file.tensors[i - 1];
    if (file.tensors[i].offset < before.offset + before.bytes) {
      return Bad(source, "offsets_overlap",
                 "tensor " + JsonQuote(file.tensors[i].name) + " begins inside tensor " +
                     JsonQuote(before.name));
    }
  }
  return file;
}

std::string EncodeGgufHeader(const GgufFile& file, uint64_t& data_offset) {
  ByteWriter out;
  const auto text = [&](std::string_view s) {
    out.U64(s.size());
    out.Raw(s);
  };
  out.Raw("GGUF");
  out.U32(file.version);
  out.U64(file.tensors.size());
  out.U64(file.numbers.size() + file.reals.size() + file.texts.size() + file.text_lists.size());
  for (const auto& [key, value] : file.numbers) {
    text(key);
    out.U32(kU64);
    out.U64(value);
  }
  for (const auto& [key, value] : file.reals) {
    text(key);
    out.U32(kF64);
    out.U64(std::bit_cast<uint64_t>(value));
  }
  for (const auto& [key, value] : file.texts) {
    text(key);
    out.U32(kString);
    text(value);
  }
  for (const auto& [key, list] : file.text_lists) {
    text(key);
    out.U32(kArray);
    out.U32(kString);
    out.U64(list.size());
    for (const std::string& item : list) text(item);
  }
  uint64_t at = 0;
  for (const Tensor& tensor : file.tensors) {
    text(tensor.name);
    out.U32(static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) out.U64(tensor.shape[i]);
    out.U32(GgmlOf(tensor.dtype));
    out.U64(at);
    at = AlignUp(at + tensor.elements() * SizeOf(tensor.dtype), file.alignment);
  }
  data_offset = AlignUp(out.size(), file.alignment);
  std::string bytes = out.Take();
  bytes.resize(data_offset, '\0');
  return bytes;
}

}  // namespace jangbu::audit
