#pragma once

// What a model's maker declares: components, licences, training data, statements on control. A JSON
// file of the project's own form (docs/provenance.md). Untrusted bytes; what it says is shown as
// declared, never as found.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::audit {

struct Component {
  std::string name;
  std::string kind;    // "weights", "tokenizer", "code", "data", …
  std::string origin;  // "own" or "foreign"
  std::string supplier;
  std::string licence;         // SPDX id, or LicenseRef-…
  bool licence_known = false;  // the id is one of SPDX's list that this program knows
  std::string attribution;     // the text to be shown
  bool operator==(const Component&) const = default;
};

struct DataSource {
  std::string kind;  // "upload", "snapshot" or "external"
  std::string id;    // upload or snapshot id; or a name
  std::string licence;
  bool licence_known = false;
  uint64_t words = 0;
  bool operator==(const DataSource&) const = default;
};

struct Statement {
  std::string heading;  // "technical", "policy" or "ethics"
  std::string text;
  bool operator==(const Statement&) const = default;
};

struct Manifest {
  std::string model;
  std::string maker;
  bool from_scratch_claimed = false;
  std::vector<Component> components;
  std::vector<DataSource> data;
  std::vector<Statement> statements;
  bool operator==(const Manifest&) const = default;
};

inline constexpr size_t kManifestMax = size_t{4} << 20;
inline constexpr size_t kManifestItemsMax = 10'000;
inline constexpr size_t kManifestTextMax = 65'536;

// InvalidArgument("manifest_not_json"), ("manifest_malformed") naming the field,
// ResourceExhausted("manifest_too_large"). Unknown fields are refused: a misspelt one must not look
// like an absent one.
StatusOr<Manifest> ReadManifest(std::string_view name, std::string_view json);
std::string EncodeManifest(const Manifest& manifest);

// True for SPDX licence ids (spdx.org/licenses) that models and texts are published under.
bool IsKnownLicence(std::string_view spdx_id);

}  // namespace jangbu::audit
