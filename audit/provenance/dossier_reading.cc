#include "audit/provenance/dossier_reading.h"

#include <simdjson.h>

#include <algorithm>

#include "base/bytes.h"

namespace jangbu::audit {

std::string DossierNoteText(std::string_view json_sha256_hex) {
  return "jangbu provenance dossier 1\nsha256 " + std::string(json_sha256_hex) + "\n";
}

StatusOr<DossierFacts> ReadDossier(std::string_view name, std::string_view json) {
  namespace dom = simdjson::dom;
  const auto bad = [&](const std::string& what) {
    return InvalidArgument("dossier_malformed", "\"" + std::string(name) + "\": " + what);
  };
  if (json.size() > kDossierBytesMax) {
    return InvalidArgument("dossier_too_large", "\"" + std::string(name) + "\" has " +
                                                    std::to_string(json.size()) +
                                                    " bytes; a dossier has at most 16 MiB");
  }
  dom::parser parser;
  dom::element root;
  if (parser.allocate(json.size() + 64, 32) != 0 ||
      parser.parse(json.data(), json.size()).get(root) != 0) {
    return bad("not JSON");
  }
  std::string_view format;
  uint64_t version = 0;
  if (root["format"].get_string().get(format) != 0 || format != kDossierFormat ||
      root["version"].get_uint64().get(version) != 0) {
    return bad("not a dossier");
  }
  if (version != kDossierVersion) {
    return bad("a dossier of version " + std::to_string(version) + "; this program reads version " +
               std::to_string(kDossierVersion));
  }
  dom::object request;
  if (root["request"].get_object().get(request) != 0) return bad("it has no request");
  DossierFacts facts;
  Request& r = facts.request;
  bool ok = true;
  const auto text = [&](const char* key, std::string& out) {
    std::string_view value;
    ok = ok && request[key].get_string().get(value) == 0;
    out = std::string(value);
  };
  const auto list = [&](const char* key, std::vector<std::string>& out) {
    dom::array array;
    if (request[key].get_array().get(array) != 0) {
      ok = false;
      return;
    }
    for (const auto item : array) {
      std::string_view value;
      ok = ok && item.get_string().get(value) == 0;
      out.emplace_back(value);
    }
  };
  text("subject", r.subject);
  text("reference", r.reference);
  text("start", r.start);
  text("manifest", r.manifest);
  text("lineage", r.lineage);
  list("independents", r.independents);
  list("derived", r.derived);
  list("logs", r.logs);
  list("checkpoints", r.checkpoints);
  list("also", r.also);
  dom::array pairs;
  ok = ok && request["null_pairs"].get_array().get(pairs) == 0 &&
       request["seed"].get_uint64().get(r.seed) == 0;
  if (!ok) return bad("a field of its request is missing or of another kind");
  for (const auto pair : pairs) {
    dom::array two;
    std::string_view a, b;
    if (pair.get_array().get(two) != 0 || two.size() != 2 || two.at(0).get_string().get(a) != 0 ||
        two.at(1).get_string().get(b) != 0) {
      return bad("a pair of its request is not two texts");
    }
    r.null_pairs.emplace_back(std::string(a), std::string(b));
  }
  std::string_view answer;
  if (root["verdict"]["answer"].get_string().get(answer) != 0 ||
      (answer != "derived" && answer != "independent" && answer != "inconclusive")) {
    return bad("it has no verdict");
  }
  facts.answer = std::string(answer);
  for (const auto& [key, digest] :
       {std::pair("subject", &facts.subject), std::pair("reference", &facts.reference)}) {
    std::string_view hex;
    if (root[key]["content_sha256"].get_string().get(hex) != 0)
      return bad("it does not say which weights it is about");
    const StatusOr<std::string> raw = FromHex(hex);
    if (!raw.ok() || raw->size() != digest->size())
      return bad("a content digest is not 64 hexadecimal digits");
    std::copy(raw->begin(), raw->end(), digest->begin());
  }
  return facts;
}

}  // namespace jangbu::audit
