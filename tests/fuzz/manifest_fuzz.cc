// Manifests, configurations, lineages and dossiers: what is read, written anew, reads the same; whatever is refused
// says why with a reason code.

#include <cstdint>
#include <string_view>

#include "audit/provenance/config.h"
#include "audit/provenance/dossier_reading.h"
#include "audit/provenance/lineage.h"
#include "audit/provenance/manifest.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu;         // NOLINT
  using namespace jangbu::audit;  // NOLINT
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto manifest = ReadManifest("fuzz", bytes);
  if (!manifest.ok()) {
    JANGBU_CHECK(!ReasonOf(manifest.status()).empty());
  } else {
    const auto again = ReadManifest("again", EncodeManifest(*manifest));
    JANGBU_CHECK(again.ok() || manifest->components.empty() || manifest->data.empty() ||
                 ReasonOf(again.status()) == "manifest_malformed");
    if (again.ok()) JANGBU_CHECK(*again == *manifest);
  }
  const auto config = ReadConfig("fuzz", bytes);
  if (!config.ok()) JANGBU_CHECK(ReasonOf(config.status()) == "config_malformed");
  const auto lineage = ReadLineage("fuzz", bytes);
  if (!lineage.ok()) {
    JANGBU_CHECK(ReasonOf(lineage.status()) == "lineage_malformed");
  } else {
    JANGBU_CHECK(*ReadLineage("again", EncodeLineage(*lineage)) == *lineage);
    if (manifest.ok()) CompareLineage(*manifest, *lineage);
  }
  const auto dossier = ReadDossier("fuzz", bytes);
  if (!dossier.ok()) JANGBU_CHECK(ReasonOf(dossier.status()) == "dossier_malformed");
  return 0;
}
