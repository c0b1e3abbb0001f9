// Laws: whatever a server or a client sends is an answer or an error; what is read as text is
// written back as JSON that reads the same; events do not depend on how the bytes are cut.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "ingest/text/utf8.h"
#include "services/audit/http.h"
#include "services/audit/openai.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu::services;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto reply = ParseReply(bytes); reply.ok()) {
    for (const OpenAiChoice& c : reply->choices) JANGBU_CHECK(jangbu::ingest::IsValidUtf8(c.text));
  }
  static_cast<void>(ParseLogprobs(bytes));
  static_cast<void>(ParseTokens(bytes));
  static_cast<void>(ParseModels(bytes));
  JANGBU_CHECK(ErrorMessage(bytes).size() <= 300);
  for (const bool chat : {false, true}) static_cast<void>(ParseAsk(bytes, chat));
  const auto again = ParseAsk("{\"prompt\":" + JsonQuoted(bytes) + "}", false);
  JANGBU_CHECK(again.ok());
  if (jangbu::ingest::IsValidUtf8(bytes)) JANGBU_CHECK(again->user_message == bytes);
  std::vector<std::string> whole, pieces;
  SseReader a, b;
  a.Push(bytes, [&](std::string_view e) {
    whole.emplace_back(e);
    return true;
  });
  for (size_t at = 0; at < size; at += 1 + at % 3) {
    b.Push(bytes.substr(at, 1 + at % 3), [&](std::string_view e) {
      pieces.emplace_back(e);
      return true;
    });
  }
  JANGBU_CHECK(whole == pieces);
  return 0;
}
