// Laws: a plan or an answer that decodes encodes to the same bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "audit/extraction/audit_run.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto plan = jangbu::audit::DecodePlan(bytes); plan.ok()) {
    JANGBU_CHECK(jangbu::audit::EncodePlan(*plan) == bytes);
    jangbu::audit::TasksOf(*plan);
  }
  if (const auto answer = jangbu::audit::DecodeAnswer(bytes); answer.ok()) {
    JANGBU_CHECK(jangbu::audit::EncodeAnswer(*answer) == bytes);
  }
  return 0;
}
