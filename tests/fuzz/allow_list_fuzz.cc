// Laws: an allow-list, or a registry of canaries, that is read is written again in the same bytes;
// an entry that one person signed does not count; a previous report that is read has no more hits
// than windows.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "audit/extraction/canary.h"
#include "base/check.h"
#include "services/audit/allow_list.h"
#include "services/audit/previous_report.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto list = jangbu::services::ParseAllowList(bytes); list.ok()) {
    JANGBU_CHECK(jangbu::services::EncodeAllowList(*list) == bytes);
    for (const auto& entry : *list) {
      JANGBU_CHECK(entry.wording.approved_by.empty() == (entry.note.signatures.size() == 1));
      JANGBU_CHECK(entry.wording.approved_by != entry.wording.by);
    }
    // Without anybody's key only a list without approved entries is good.
    const auto allowed = jangbu::services::AllowedWordings(*list, {});
    JANGBU_CHECK(!allowed.ok() || allowed->empty());
  }
  if (const auto registry = jangbu::audit::DecodeCanaries(bytes); registry.ok()) {
    JANGBU_CHECK(jangbu::audit::EncodeCanaries(*registry) == bytes);
  }
  if (const auto report = jangbu::services::ReadPreviousReport(bytes); report.ok()) {
    for (const auto& p : report->partners) JANGBU_CHECK(p.exact.hits <= p.exact.n);
  }
  return 0;
}
