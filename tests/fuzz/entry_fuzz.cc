// Journal records and own parts: one value, one encoding.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ledger/entry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const uint64_t seq : {uint64_t{0}, uint64_t{7}}) {
    const auto entry = jangbu::ledger::DecodeEntry(seq, bytes);
    if (entry.ok()) JANGBU_CHECK(jangbu::ledger::EncodeEntry(*entry) == bytes);
  }
  const auto own = jangbu::ledger::DecodeOwnPart(bytes);
  if (own.ok()) JANGBU_CHECK(jangbu::ledger::OwnPart(*own) == bytes);
  return 0;
}
