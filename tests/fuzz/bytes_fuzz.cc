// Law: one value has one encoding. Whatever ByteReader, FromHex or FromBase64 accept, the writer
// gives back byte for byte; and a reader that went bad gives nothing more.
//
// The input's first bytes, up to a zero, say what to read; the rest is read.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using jangbu::ByteReader;
  using jangbu::ByteWriter;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  if (const auto bytes = jangbu::FromBase64(input); bytes.ok()) {
    JANGBU_CHECK(jangbu::ToBase64(*bytes) == input);
  }
  if (const auto bytes = jangbu::FromHex(input); bytes.ok()) {
    std::string lower(input);
    for (char& c : lower) {
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
    JANGBU_CHECK(jangbu::ToHex(*bytes) == lower);
  }
  JANGBU_CHECK(jangbu::FromBase64(jangbu::ToBase64(input)).value() == input);
  JANGBU_CHECK(jangbu::FromHex(jangbu::ToHex(input)).value() == input);

  const size_t end = input.find('\0');
  if (end == std::string_view::npos) return 0;
  const std::string_view script = input.substr(0, end);
  const std::string_view bytes = input.substr(end + 1);
  ByteReader in(bytes);
  ByteWriter out;
  for (const char step : script) {
    switch (static_cast<uint8_t>(step) % 9) {
      case 0:
        out.U8(in.U8());
        break;
      case 1:
        out.U16(in.U16());
        break;
      case 2:
        out.U32(in.U32());
        break;
      case 3:
        out.U64(in.U64());
        break;
      case 4:
        out.Varint(in.Varint());
        break;
      case 5:
        out.SignedVarint(in.SignedVarint());
        break;
      case 6:
        out.String(in.String());
        break;
      case 7: {
        const size_t count = in.Count(3);
        if (!in.ok()) break;
        JANGBU_CHECK(count * 3 <= in.remaining());
        out.Varint(count);
        for (size_t i = 0; i < count; ++i) out.Raw(in.Array<3>());
        break;
      }
      default:
        out.U128(in.U128());
    }
    if (!in.ok()) {
      JANGBU_CHECK(in.U8() == 0 && in.remaining() == 0 && !in.Finish("input").ok());
      return 0;
    }
  }
  const size_t read = bytes.size() - in.remaining();
  JANGBU_CHECK(in.Finish("input").ok() == in.empty());
  JANGBU_CHECK(out.bytes() == bytes.substr(0, read));
  return 0;
}
