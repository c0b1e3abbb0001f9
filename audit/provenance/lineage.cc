#include "audit/provenance/lineage.h"

#include <simdjson.h>

#include <map>
#include <set>

#include "audit/provenance/json.h"

namespace jangbu::audit {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kFormat = "jangbu-provenance-lineage";

void WriteUploads(JsonWriter& out, std::string_view key, const std::vector<LineageUpload>& all) {
  out.Key(key).BeginArray();
  for (const LineageUpload& u : all) {
    out.BeginObject();
    out.Field("id", u.id).Field("licence", u.licence).Field("state", u.state);
    out.Count("documents", u.documents).Count("accepted", u.accepted);
    out.Count("words", u.words).Count("tokens", u.tokens).Field("receipt", u.receipt).EndObject();
  }
  out.EndArray();
}

// "" or what is wrong.
std::string ReadUpload(dom::element element, LineageUpload& u) {
  dom::object object;
  if (element.get_object().get(object) != 0) return "not an object";
  const std::map<std::string_view, std::string*> texts = {
      {"id", &u.id}, {"licence", &u.licence}, {"state", &u.state}, {"receipt", &u.receipt}};
  const std::map<std::string_view, uint64_t*> counts = {{"documents", &u.documents},
                                                        {"accepted", &u.accepted},
                                                        {"words", &u.words},
                                                        {"tokens", &u.tokens}};
  std::set<std::string_view> seen;
  for (const auto field : object) {
    if (!seen.insert(field.key).second)
      return "field " + JsonQuote(field.key.substr(0, 80)) + " stands twice";
    if (const auto text = texts.find(field.key); text != texts.end()) {
      std::string_view value;
      if (field.value.get_string().get(value) != 0)
        return std::string(field.key) + " is not a text";
      *text->second = std::string(value);
    } else if (const auto count = counts.find(field.key); count != counts.end()) {
      if (field.value.get_uint64().get(*count->second) != 0)
        return std::string(field.key) + " is not a whole number from 0 on";
    } else {
      return "unknown field " + JsonQuote(field.key.substr(0, 80));
    }
  }
  if (seen.size() != texts.size() + counts.size()) return "a field is missing";
  return "";
}

}  // namespace

StatusOr<Lineage> ReadLineage(std::string_view name, std::string_view json) {
  const auto bad = [&](const std::string& what) {
    return InvalidArgument("lineage_malformed", "\"" + std::string(name) + "\": " + what +
                                                    "; make it with `jangbu provenance lineage`");
  };
  if (json.size() > kLineageMax)
    return ResourceExhausted("lineage_too_large",
                             "\"" + std::string(name) + "\": more than 16 MiB");
  dom::parser parser;
  dom::element root;
  if (parser.allocate(json.size() + 64, 16) != 0)
    return ResourceExhausted("lineage_too_large", "no memory for the lineage");
  if (const auto error = parser.parse(json.data(), json.size()).get(root); error != 0)
    return bad(simdjson::error_message(error));
  dom::object object;
  if (root.get_object().get(object) != 0) return bad("not an object");
  Lineage lineage;
  std::set<std::string_view> seen;
  for (const auto field : object) {
    if (!seen.insert(field.key).second)
      return bad("field " + JsonQuote(field.key.substr(0, 80)) + " stands twice");
    std::string_view text;
    dom::array array;
    if (field.key == "format") {
      if (field.value.get_string().get(text) != 0 || text != kFormat) return bad("not a lineage");
    } else if (field.key == "version") {
      uint64_t version = 0;
      if (field.value.get_uint64().get(version) != 0 || version != 1)
        return bad("not of version 1");
    } else if (field.key == "log") {
      if (field.value.get_string().get(text) != 0) return bad("log is not a text");
      lineage.log = std::string(text);
    } else if (field.key == "uploads" || field.key == "not_declared") {
      auto& list = field.key == "uploads" ? lineage.uploads : lineage.not_declared;
      const std::string where(field.key);
      if (field.value.get_array().get(array) != 0) return bad(where + " is not a list");
      for (const auto item : array) {
        if (list.size() == kLineageUploadsMax)
          return ResourceExhausted("lineage_too_large", "\"" + std::string(name) + "\": " + where +
                                                            " has more than 100,000 entries");
        LineageUpload upload;
        if (const std::string wrong = ReadUpload(item, upload); !wrong.empty())
          return bad(where + "[" + std::to_string(list.size()) + "]: " + wrong);
        list.push_back(std::move(upload));
      }
    } else {
      return bad("unknown field " + JsonQuote(field.key.substr(0, 80)));
    }
  }
  if (seen.size() != 5) return bad("a field is missing");
  return lineage;
}

std::string EncodeLineage(const Lineage& lineage) {
  JsonWriter out;
  out.BeginObject().Field("format", kFormat).Count("version", 1).Field("log", lineage.log);
  WriteUploads(out, "uploads", lineage.uploads);
  WriteUploads(out, "not_declared", lineage.not_declared);
  out.EndObject();
  return out.Take() + "\n";
}

std::vector<Finding> CompareLineage(const Manifest& manifest, const Lineage& lineage) {
  std::vector<Finding> findings;
  const auto add = [&](FindingKind kind, const char* code, std::vector<double> numbers,
                       std::vector<std::string> texts) {
    findings.push_back({kind, code, std::move(numbers), std::move(texts)});
  };
  std::map<std::string_view, const LineageUpload*> books;
  for (const LineageUpload& u : lineage.uploads) books.emplace(u.id, &u);
  std::set<std::string_view> declared;
  for (const DataSource& d : manifest.data) {
    if (d.kind != "upload") continue;
    if (!declared.insert(d.id).second) {
      add(FindingKind::kInconsistent, "data_declared_twice", {}, {d.id});
      continue;
    }
    const auto it = books.find(d.id);
    if (it == books.end()) {
      add(FindingKind::kInconsistent, "data_not_in_books", {}, {d.id});
      continue;
    }
    const LineageUpload& u = *it->second;
    const auto words = static_cast<double>(u.words);
    bool as_declared = true;
    if (u.state != "done") {
      as_declared = false;
      add(FindingKind::kInconsistent, "data_not_done", {}, {d.id, u.state});
    }
    if (d.words != u.words) {
      as_declared = false;
      add(FindingKind::kInconsistent, "data_words_differ", {static_cast<double>(d.words), words},
          {d.id});
    }
    if (d.licence != u.licence) {
      as_declared = false;
      add(FindingKind::kInconsistent, "data_licence_differs", {}, {d.id, d.licence, u.licence});
    }
    if (as_declared) add(FindingKind::kConsistent, "data_as_declared", {words}, {d.id});
    if (u.receipt.empty() && u.state == "done")
      add(FindingKind::kNote, "data_without_receipt", {}, {d.id});
  }
  double words = 0;
  for (const LineageUpload& u : lineage.not_declared) words += static_cast<double>(u.words);
  if (!lineage.not_declared.empty()) {
    add(FindingKind::kNote, "data_not_declared",
        {static_cast<double>(lineage.not_declared.size()), words},
        {lineage.not_declared.front().id});
  }
  return findings;
}

}  // namespace jangbu::audit
