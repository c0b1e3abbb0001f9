#include "services/audit/previous_report.h"

#include <simdjson.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"

namespace jangbu::services {

StatusOr<audit::PreviousAudit> ReadPreviousReport(std::string_view json) {
  const auto bad = [](std::string_view why) {
    return InvalidArgument("bad_previous_report", "the previous report: " + std::string(why) +
                                                      "; give the report.json that `jangbu audit "
                                                      "report` wrote");
  };
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS || !root.is_object()) {
    return bad("no JSON object");
  }
  audit::PreviousAudit previous;
  previous.sha256 = ToHex(Sha256(json));
  const auto text = [&](std::string_view key) {
    std::string_view value;
    return std::string(root[key].get(value) == simdjson::SUCCESS ? value : std::string_view());
  };
  if (text("format") != "jangbu-audit-report/1") return bad("its format is not known");
  previous.title = text("title");
  previous.made_at = text("made_at");
  previous.model = text("model");
  previous.plan = text("plan");
  previous.catalogue = text("catalogue");
  previous.options.tokenizer = text("tokenizer");
  previous.has_control = text("verdict") != "NO_CONTROL";
  uint64_t number = 0;
  if (root["suffix_tokens"].get(number) != simdjson::SUCCESS || number > UINT32_MAX) {
    return bad("suffix_tokens is missing");
  }
  previous.options.suffix_tokens = static_cast<uint32_t>(number);
  // Reports of before 2026-11-26 do not tell these two.
  simdjson::dom::array prefixes;
  if (root["prefix_tokens"].get(prefixes) == simdjson::SUCCESS) {
    previous.options.prefix_tokens.clear();
    for (const simdjson::dom::element k : prefixes) {
      if (k.get(number) != simdjson::SUCCESS || number > UINT32_MAX) return bad("prefix_tokens");
      previous.options.prefix_tokens.push_back(static_cast<uint32_t>(number));
    }
  }
  bool flag = false;
  if (root["attacks"].get(flag) == simdjson::SUCCESS) previous.options.attacks = flag;
  simdjson::dom::array partners;
  if (root["partners"].get(partners) != simdjson::SUCCESS) return bad("partners are missing");
  for (const simdjson::dom::element p : partners) {
    audit::PreviousAudit::Partner row;
    std::string_view name;
    if (p["partner"].get(name) != simdjson::SUCCESS ||
        p["exact"]["hits"].get(row.exact.hits) != simdjson::SUCCESS ||
        p["exact"]["windows"].get(row.exact.n) != simdjson::SUCCESS ||
        p["frame"]["windows"].get(row.frame_windows) != simdjson::SUCCESS) {
      return bad("a partner's figures are missing");
    }
    if (row.exact.hits > row.exact.n || row.frame_windows > (uint64_t{1} << 52)) {
      return bad("more windows were extracted than asked");
    }
    row.partner = name;
    previous.partners.push_back(std::move(row));
  }
  std::sort(previous.partners.begin(), previous.partners.end(),
            [](const auto& a, const auto& b) { return a.partner < b.partner; });
  for (size_t i = 1; i < previous.partners.size(); ++i) {
    if (previous.partners[i].partner == previous.partners[i - 1].partner) {
      return bad("a partner stands in it twice");
    }
  }
  return previous;
}

}  // namespace jangbu::services
