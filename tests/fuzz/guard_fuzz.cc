// Law: whatever comes, in whatever pieces, what is released holds nothing forbidden; and when
// nothing forbidden came, everything is released as it came.
//
//   input = mode:u8 piece:u8 documents:u8 then texts, each ended by 0xFF; the last is the output

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ingest/text/canonical.h"
#include "ingest/text/comparison.h"
#include "tests/audit/guard/guard_world.h"
#include "tests/reference/guard.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jangbu;
  if (size < 4 || size > 6'000) return 0;
  const auto mode = static_cast<audit::GuardMode>(1 + data[0] % 4);
  const size_t piece = 1 + data[1] % 17;
  std::vector<std::string> parts(1);
  for (size_t i = 3; i < size; ++i) {
    if (data[i] == 0xFF) {
      parts.emplace_back();
    } else {
      parts.back().push_back(static_cast<char>(data[i]));
    }
  }
  const std::string output = parts.back();
  parts.pop_back();
  if (parts.size() > 8) parts.resize(8);
  std::vector<std::u32string> documents;
  for (const std::string& part : parts) {
    // Every document several times, so that tiles become hot.
    for (int copies = 0; copies <= data[2] % 20; ++copies) {
      documents.push_back(audit::FormOf(part));
    }
  }
  const audit::testing::GuardWorld world(documents, 1 + data[2] % 3);
  audit::GuardOptions options;
  options.mode = mode;
  audit::StreamGuard guard(world.index(), options);
  std::string released;
  bool found = false;
  const auto take = [&](StatusOr<audit::GuardAnswer> answer) {
    JANGBU_CHECK(answer.ok());
    released += answer->release;
    found = found || !answer->findings.empty();
  };
  for (size_t at = 0; at < output.size(); at += piece) {
    take(guard.Push(std::string_view(output).substr(at, piece)));
  }
  take(guard.Finish());
  JANGBU_CHECK(ingest::IsValidUtf8(released));
  // The output as it is understood.
  audit::FormStream stream;
  std::string understood;
  std::vector<audit::FormUnit> units;
  stream.Push(output, understood, units);
  stream.Finish(understood, units);
  const auto form = [](const std::string& text) {
    return ingest::CodePoints(ingest::ComparisonForm(ingest::Canonicalize(text)));
  };
  std::u32string streamed;
  for (const audit::FormUnit& unit : units) streamed.push_back(unit.cp);
  if (output.size() < 256) JANGBU_CHECK(streamed == form(understood));
  const auto any = [&](const std::u32string& text) {
    for (const bool end : reference::ForbiddenEnds(text, documents, {})) {
      if (end) return true;
    }
    return false;
  };
  const bool forbidden = any(streamed);
  if (mode == audit::GuardMode::kReport) {
    JANGBU_CHECK(released == understood);
    JANGBU_CHECK(found == forbidden);
  } else {
    JANGBU_CHECK(!any(form(released)));
    if (!forbidden) JANGBU_CHECK(released == understood && !found);
  }
  return 0;
}
