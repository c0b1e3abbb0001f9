#include "services/audit/audit_texts.h"

#include <simdjson.h>

#include <functional>

#include "ingest/text/canonical.h"
#include "ingest/text/utf8.h"
#include "services/audit/openai.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

constexpr size_t kMaxTexts = size_t{4} << 30;

struct Line {
  std::string id, partner, source_type, text, prefix, suffix, role, committed_at;
  uint32_t copies = 1;
};

Status ForEachLine(const std::string& path, const std::function<Status(Line)>& take) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path, kMaxTexts));
  simdjson::dom::parser parser;
  size_t number = 0;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view json = std::string_view(bytes).substr(at, end - at);
    at = end + 1;
    ++number;
    if (json.find_first_not_of(" \r\t") == std::string_view::npos) continue;
    const auto bad = [&](std::string_view why) {
      return InvalidArgument("bad_audit_text",
                             path + ":" + std::to_string(number) + ": " + std::string(why));
    };
    simdjson::dom::element root;
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
        !root.is_object()) {
      return bad("no JSON object");
    }
    Line line;
    const auto text = [&](std::string_view key, std::string& out) {
      std::string_view value;
      if (root[key].get(value) == simdjson::SUCCESS) out = value;
    };
    text("id", line.id);
    text("partner", line.partner);
    text("source_type", line.source_type);
    text("text", line.text);
    text("prefix", line.prefix);
    text("suffix", line.suffix);
    text("role", line.role);
    text("committed_at", line.committed_at);
    for (const char* key : {"copies", "repetitions"}) {
      uint64_t n = 0;
      if (root[key].get(n) == simdjson::SUCCESS) line.copies = static_cast<uint32_t>(n);
    }
    if (line.id.empty()) line.id = std::to_string(number);
    if (line.text.empty()) return bad("\"text\" is missing");
    JANGBU_RETURN_IF_ERROR(take(std::move(line)));
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<audit::AuditText>> ReadAuditTexts(const std::string& path,
                                                       audit::TextRole role) {
  std::vector<audit::AuditText> texts;
  JANGBU_RETURN_IF_ERROR(ForEachLine(path, [&](Line line) {
    texts.push_back({line.id, line.partner, line.source_type, role, line.copies,
                     ingest::Canonicalize(line.text), audit::ControlOrigin::kNone});
    return OkStatus();
  }));
  return texts;
}

StatusOr<std::vector<DatedText>> ReadDatedTexts(const std::string& path) {
  std::vector<DatedText> texts;
  JANGBU_RETURN_IF_ERROR(ForEachLine(path, [&](Line line) {
    texts.push_back({{line.id, line.partner, line.source_type, audit::TextRole::kContributed,
                      line.copies, ingest::Canonicalize(line.text), audit::ControlOrigin::kNone},
                     line.committed_at});
    return OkStatus();
  }));
  return texts;
}

StatusOr<std::string> WithCanaries(const std::string& path, std::span<const audit::Canary> canaries,
                                   uint32_t copies, std::string_view seed) {
  std::vector<std::string> texts;
  JANGBU_RETURN_IF_ERROR(ForEachLine(path, [&](Line line) {
    texts.push_back(std::move(line.text));
    return OkStatus();
  }));
  JANGBU_RETURN_IF_ERROR(audit::PlaceCanaries(canaries, copies, seed, texts));
  // Each line anew, with its text replaced.
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path, kMaxTexts));
  simdjson::dom::parser parser;
  std::string out;
  size_t next = 0;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view json = std::string_view(bytes).substr(at, end - at);
    at = end + 1;
    if (json.find_first_not_of(" \r\t") == std::string_view::npos) continue;
    simdjson::dom::object document;
    if (next == texts.size() ||
        parser.parse(json.data(), json.size()).get(document) != simdjson::SUCCESS) {
      return DataLoss("file_changed", path + " changed while it was read");
    }
    out += '{';
    bool first = true;
    for (const auto& [key, value] : document) {
      out += (first ? "" : ",") + JsonQuoted(key) + ":";
      out += key == "text" ? JsonQuoted(texts[next]) : simdjson::minify(value);
      first = false;
    }
    out += "}\n";
    ++next;
  }
  return out;
}

StatusOr<std::vector<audit::GivenProbe>> ReadGivenProbes(const std::string& path) {
  std::vector<audit::GivenProbe> probes;
  JANGBU_RETURN_IF_ERROR(ForEachLine(path, [&](Line line) {
    const bool control = line.role == "control" || line.copies == 0;
    probes.push_back({line.id, line.partner,
                      control ? audit::TextRole::kControl : audit::TextRole::kContributed,
                      line.copies, line.text, line.prefix, line.suffix});
    return OkStatus();
  }));
  return probes;
}

}  // namespace jangbu::services
