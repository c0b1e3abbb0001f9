// GGUF headers: tensors of what is accepted lie inside the file, aligned and apart, and the header
// written anew reads the same; whatever is refused says why with a reason code.

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/provenance/gguf.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu;         // NOLINT
  using namespace jangbu::audit;  // NOLINT
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto file = ReadGguf(*BytesAsSource("fuzz", bytes));
  if (!file.ok()) {
    JANGBU_CHECK(!ReasonOf(file.status()).empty());
    return 0;
  }
  uint64_t end = 0;
  uint64_t room = 0;
  for (const Tensor& tensor : file->tensors) {
    JANGBU_CHECK(tensor.offset >= end && tensor.offset % 8 == 0);
    JANGBU_CHECK(tensor.bytes == tensor.elements() * SizeOf(tensor.dtype));
    end = tensor.offset + tensor.bytes;
    room += tensor.bytes + file->alignment;
  }
  JANGBU_CHECK(end <= bytes.size());
  uint64_t data_offset = 0;
  std::string again = EncodeGgufHeader(*file, data_offset);
  again.resize(data_offset + room, '\0');
  const auto second = ReadGguf(*BytesAsSource("again", again));
  JANGBU_CHECK(second.ok());
  JANGBU_CHECK(second->numbers == file->numbers && second->texts == file->texts);
  JANGBU_CHECK(second->text_lists == file->text_lists);
  JANGBU_CHECK(second->reals.size() == file->reals.size());
  JANGBU_CHECK(second->tensors.size() == file->tensors.size());
  return 0;
}
