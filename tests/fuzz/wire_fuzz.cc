// Ids, page tokens and messages: what parses is exactly what the writer writes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "services/wire/ids.h"
#include "services/wire/page_token.h"
#include "services/wire/status.h"
#include "services/wire/text.h"

namespace wire = jangbu::services::wire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto id = wire::ParseUploadId(text); id.ok()) {
    JANGBU_CHECK(wire::UploadId(id->partner_id, id->number) == text);
  }
  if (const auto id = wire::ParseCorpusId(text); id.ok()) {
    JANGBU_CHECK(wire::CorpusId(id->partner_id, id->number) == text);
  }
  if (const auto position = wire::ReadPageToken("q", text); position.ok() && !text.empty()) {
    JANGBU_CHECK(wire::MakePageToken("q", *position) == text);
  }
  const std::string mended = wire::ToUtf8(text, 64);
  JANGBU_CHECK(mended.size() <= 64 && wire::IsUtf8(mended));
  JANGBU_CHECK(!wire::IsUtf8(text) || size > 64 || mended == text);
  const grpc::Status status = wire::ToGrpc(jangbu::NotFound("reason", text));
  JANGBU_CHECK(status.error_message().size() <= wire::kMaxMessageBytes);
  JANGBU_CHECK(wire::IsUtf8(status.error_message()));
  return 0;
}
