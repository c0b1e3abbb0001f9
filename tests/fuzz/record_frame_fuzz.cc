// What the worker answers, and what it is asked: taken or refused, and what is taken is written the
// same way again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ingest/extract/record_frame.h"

using namespace jangbu;
using namespace jangbu::ingest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto raw = DecodeRecord(bytes); raw.ok()) {
    const std::string again = *raw ? EncodeRecord(**raw) : EncodeEnd();
    const auto twice = DecodeRecord(again);
    JANGBU_CHECK(twice.ok() && twice->has_value() == raw->has_value());
    if (*raw) JANGBU_CHECK(EncodeRecord(**twice) == again);
  }
  if (const auto request = DecodeRequest(bytes); request.ok()) {
    const std::string again = EncodeRequest(*request);
    const auto body = RequestBodySize(std::string_view(again).substr(0, kRequestHeadBytes));
    if (body) {
      const auto twice = DecodeRequest(std::string_view(again).substr(kRequestHeadBytes));
      JANGBU_CHECK(twice.ok() && *twice == *request);
    }
  }
  return 0;
}
