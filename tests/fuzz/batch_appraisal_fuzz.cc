// Batch appraisals and API keys: one value, one encoding.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "services/api_key/api_key.h"
#include "services/flow/batch_appraisal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto batch = jangbu::services::DecodeBatchAppraisal(bytes);
  if (batch.ok()) JANGBU_CHECK(jangbu::services::EncodeBatchAppraisal(*batch) == bytes);
  const auto key = jangbu::services::ParseApiKey(bytes);
  if (key.has_value()) {
    JANGBU_CHECK(bytes.find(key->key_id) != bytes.npos && bytes.find(key->secret) != bytes.npos);
  }
  return 0;
}
