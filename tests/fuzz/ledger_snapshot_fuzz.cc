// Law: a snapshot that is accepted is the one that its ledger writes, and its books add up.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ledger/ledger.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto ledger = jangbu::ledger::Ledger::Restore(bytes);
  if (!ledger.ok()) return 0;
  JANGBU_CHECK(ledger->Snapshot() == bytes);
  JANGBU_CHECK(ledger->CheckBooks().ok());
  return 0;
}
