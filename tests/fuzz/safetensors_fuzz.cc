// safetensors headers: whatever is accepted covers the buffer exactly, without gap or overlap, and
// written anew reads the same; whatever is refused says why with a reason code.

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/provenance/safetensors.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu;         // NOLINT
  using namespace jangbu::audit;  // NOLINT
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto file = ReadSafetensors(*BytesAsSource("fuzz", bytes));
  if (!file.ok()) {
    JANGBU_CHECK(!ReasonOf(file.status()).empty());
  } else {
    uint64_t at = file->tensors.empty() ? bytes.size() : file->tensors.front().offset;
    for (const Tensor& tensor : file->tensors) {
      JANGBU_CHECK(tensor.offset == at);
      JANGBU_CHECK(tensor.bytes == tensor.elements() * SizeOf(tensor.dtype));
      at += tensor.bytes;
    }
    JANGBU_CHECK(at == bytes.size());
    const uint64_t begin = file->tensors.empty() ? bytes.size() : file->tensors.front().offset;
    std::string again = EncodeSafetensorsHeader(file->tensors, file->metadata);
    const uint64_t header = again.size();
    again.append(bytes.substr(begin));
    const auto second = ReadSafetensors(*BytesAsSource("again", again));
    // Names that are not UTF-8 cannot come from JSON; all others survive.
    JANGBU_CHECK(second.ok());
    JANGBU_CHECK(second->metadata == file->metadata);
    JANGBU_CHECK(second->tensors.size() == file->tensors.size());
    for (size_t i = 0; i < file->tensors.size(); ++i) {
      Tensor moved = file->tensors[i];
      moved.offset = moved.offset - begin + header;
      bool found = false;
      // Empty tensors share an offset and may change places.
      for (const Tensor& tensor : second->tensors) found |= tensor == moved;
      JANGBU_CHECK(found || moved.bytes == 0);
    }
  }
  const auto index = ReadSafetensorsIndex("fuzz", bytes);
  if (!index.ok()) JANGBU_CHECK(!ReasonOf(index.status()).empty());
  return 0;
}
