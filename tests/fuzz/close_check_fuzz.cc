// Proofs of closes from outside: no bytes crash the check, and nothing is accepted under the key of
// a log that signed no close.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "services/close_proof/close_check.h"
#include "tests/ledger/merkle/test_log.h"

using namespace jangbu;
using namespace jangbu::services;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ledger::TestLog log(5);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto parts = PartsOfCloseProof(bytes);
  if (parts.ok()) JANGBU_CHECK(bytes.ends_with(parts->receipt));
  std::set<std::pair<ledger::Period, uint32_t>> places;
  JANGBU_CHECK(!CheckShareProof(bytes, log.signer.verifier(), places).ok());
  JANGBU_CHECK(!CheckOpenings(bytes, log.signer.verifier()).ok());
  JANGBU_CHECK(places.empty());
  return 0;
}
