#include "audit/provenance/manifest.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "audit/provenance/json.h"

namespace jangbu::audit {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kLicences[] = {"0BSD",
                                          "AGPL-3.0-only",
                                          "AGPL-3.0-or-later",
                                          "Apache-2.0",
                                          "BSD-2-Clause",
                                          "BSD-3-Clause",
                                          "BSL-1.0",
                                          "CC-BY-3.0",
                                          "CC-BY-4.0",
                                          "CC-BY-NC-4.0",
                                          "CC-BY-NC-ND-4.0",
                                          "CC-BY-NC-SA-4.0",
                                          "CC-BY-ND-4.0",
                                          "CC-BY-SA-3.0",
                                          "CC-BY-SA-4.0",
                                          "CC0-1.0",
                                          "CDLA-Permissive-2.0",
                                          "CDLA-Sharing-1.0",
                                          "EPL-2.0",
                                          "GFDL-1.3-only",
                                          "GPL-2.0-only",
                                          "GPL-2.0-or-later",
                                          "GPL-3.0-only",
                                          "GPL-3.0-or-later",
                                          "ISC",
                                          "KOGL-1.0",
                                          "LGPL-2.1-only",
                                          "LGPL-2.1-or-later",
                                          "LGPL-3.0-only",
                                          "LGPL-3.0-or-later",
                                          "MIT",
                                          "MPL-2.0",
                                          "ODC-By-1.0",
                                          "ODbL-1.0",
                                          "OFL-1.1",
                                          "OpenRAIL",
                                          "PDDL-1.0",
                                          "PSF-2.0",
                                          "Unlicense",
                                          "Zlib"};

// Fields of an object by name, each a reader that returns what is wrong, or "".
using Reader = std::function<std::string(dom::element)>;

class Walk {
 public:
  explicit Walk(std::string name) : name_(std::move(name)) {}

  Status Bad(const std::string& where, const std::string& what) const {
    return InvalidArgument("manifest_malformed", "\"" + name_ + "\": " + where + ": " + what);
  }

  Status Object(dom::element element, const std::string& where,
                const std::map<std::string, Reader, std::less<>>& fields,
                const std::set<std::string>& needed) const {
    dom::object object;
    if (element.get_object().get(object) != 0) return Bad(where, "not an object");
    std::set<std::string> seen;
    for (const auto field : object) {
      const std::string key(field.key);
      const auto it = fields.find(key);
      if (it == fields.end()) return Bad(where, "unknown field " + JsonQuote(key.substr(0, 80)));
      if (!seen.insert(key).second) return Bad(where, "field " + JsonQuote(key) + " stands twice");
      if (const std::string wrong = it->second(field.value); !wrong.empty())
        return Bad(where + "." + key, wrong);
    }
    for (const std::string& key : needed) {
      if (!seen.contains(key)) return Bad(where, "field \"" + key + "\" is missing");
    }
    return OkStatus();
  }

  Status List(dom::element element, const std::string& where,
              const std::function<Status(dom::element, const std::string&)>& each) const {
    dom::array array;
    if (element.get_array().get(array) != 0) return Bad(where, "not a list");
    size_t i = 0;
    for (const auto item : array) {
      if (i == kManifestItemsMax)
        return ResourceExhausted("manifest_too_large",
                                 "\"" + name_ + "\": " + where + " has more than 10,000 entries");
      if (Status read = each(item, where + "[" + std::to_string(i) + "]"); !read.ok()) return read;
      ++i;
    }
    return OkStatus();
  }

 private:
  const std::string name_;
};

Reader Text(std::string& out, size_t max = kManifestTextMax) {
  return [&out, max](dom::element element) -> std::string {
    std::string_view text;
    if (element.get_string().get(text) != 0) return "not a text";
    if (text.size() > max) return "longer than " + std::to_string(max) + " bytes";
    out = std::string(text);
    return "";
  };
}

Reader OneOf(std::string& out, std::vector<std::string> words) {
  return [&out, words = std::move(words)](dom::element element) -> std::string {
    std::string_view text;
    if (element.get_string().get(text) != 0) return "not a text";
    std::string list;
    for (const std::string& word : words) {
      if (word == text) {
        out = word;
        return "";
      }
      list += (list.empty() ? "" : ", ") + word;
    }
    return "not one of " + list;
  };
}

}  // namespace

bool IsKnownLicence(std::string_view id) {
  return std::find(std::begin(kLicences), std::end(kLicences), id) != std::end(kLicences);
}

StatusOr<Manifest> ReadManifest(std::string_view name, std::string_view json) {
  if (json.size() > kManifestMax) {
    return ResourceExhausted("manifest_too_large",
                             "\"" + std::string(name) + "\": more than 4 MiB");
  }
  dom::parser parser;
  dom::element root;
  if (parser.allocate(json.size() + 64, 16) != 0)
    return ResourceExhausted("manifest_too_large", "no memory for the manifest");
  if (const auto error = parser.parse(json.data(), json.size()).get(root); error != 0) {
    return InvalidArgument("manifest_not_json",
                           "\"" + std::string(name) + "\": " + simdjson::error_message(error));
  }
  const Walk walk{std::string(name)};
  Manifest manifest;
  Status inner;  // of lists, which say more than a line
  const auto list = [&](const std::string& where,
                        std::function<Status(dom::element, const std::string&)> each) -> Reader {
    return [&, where, each = std::move(each)](dom::element element) -> std::string {
      inner = walk.List(element, where, each);
      return inner.ok() ? "" : "see below";
    };
  };
  const Status read = walk.Object(
      root, "manifest",
      {{"model", Text(manifest.model, 1024)},
       {"maker", Text(manifest.maker, 1024)},
       {"from_scratch",
        [&](dom::element element) -> std::string {
          return element.get_bool().get(manifest.from_scratch_claimed) == 0 ? ""
                                                                            : "not true or false";
        }},
       {"components", list("components",
                           [&](dom::element element, const std::string& where) {
                             Component c;
                             const Status one = walk.Object(
                                 element, where,
                                 {{"name", Text(c.name, 1024)},
                                  {"kind", OneOf(c.kind, {"weights", "encoder", "tokenizer", "code",
                                                          "data", "other"})},
                                  {"origin", OneOf(c.origin, {"own", "foreign"})},
                                  {"supplier", Text(c.supplier, 1024)},
                                  {"licence", Text(c.licence, 128)},
                                  {"attribution", Text(c.attribution)}},
                                 {"name", "kind", "origin"});
                             c.licence_known = IsKnownLicence(c.licence);
                             manifest.components.push_back(std::move(c));
                             return one;
                           })},
       {"data", list("data",
                     [&](dom::element element, const std::string& where) {
                       DataSource d;
                       const Status one =
                           walk.Object(element, where,
                                       {{"kind", OneOf(d.kind, {"upload", "snapshot", "external"})},
                                        {"id", Text(d.id, 1024)},
                                        {"licence", Text(d.licence, 128)},
                                        {"words",
                                         [&](dom::element e) -> std::string {
                                           return e.get_uint64().get(d.words) == 0
                                                      ? ""
                                                      : "not a whole number from 0 on";
                                         }}},
                                       {"kind", "id"});
                       d.licence_known = IsKnownLicence(d.licence);
                       manifest.data.push_back(std::move(d));
                       return one;
                     })},
       {"statements", list("statements",
                           [&](dom::element element, const std::string& where) {
                             Statement s;
                             const Status one = walk.Object(
                                 element, where,
                                 {{"heading", OneOf(s.heading, {"technical", "policy", "ethics"})},
                                  {"text", Text(s.text)}},
                                 {"heading", "text"});
                             manifest.statements.push_back(std::move(s));
                             return one;
                           })}},
      {"model", "from_scratch"});
  if (!inner.ok()) return inner;
  if (!read.ok()) return read;
  return manifest;
}

std::string EncodeManifest(const Manifest& manifest) {
  JsonWriter out;
  out.BeginObject();
  out.Field("model", manifest.model).Field("maker", manifest.maker);
  out.Field("from_scratch", manifest.from_scratch_claimed);
  out.Key("components").BeginArray();
  for (const Component& c : manifest.components) {
    out.BeginObject();
    out.Field("name", c.name).Field("kind", c.kind).Field("origin", c.origin);
    out.Field("supplier", c.supplier).Field("licence", c.licence);
    out.Field("attribution", c.attribution).EndObject();
  }
  out.EndArray().Key("data").BeginArray();
  for (const DataSource& d : manifest.data) {
    out.BeginObject();
    out.Field("kind", d.kind).Field("id", d.id).Field("licence", d.licence);
    out.Count("words", d.words).EndObject();
  }
  out.EndArray().Key("statements").BeginArray();
  for (const Statement& s : manifest.statements) {
    out.BeginObject().Field("heading", s.heading).Field("text", s.text).EndObject();
  }
  out.EndArray().EndObject();
  return out.Take();
}

}  // namespace jangbu::audit
