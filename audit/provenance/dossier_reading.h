#pragma once

// What others need of a dossier without the means to make one: what was asked, what was answered,
// of which models, and the text that is signed. Beside dossier.h so that a server can enter a
// dossier into its log without linear algebra.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/status.h"

namespace jangbu::audit {

inline constexpr std::string_view kDossierFormat = "jangbu-provenance-dossier";
inline constexpr uint64_t kDossierVersion = 2;
// Of a dossier's JSON: each norm and each control has a line in it.
inline constexpr size_t kDossierBytesMax = size_t{16} << 20;

// What is asked. Paths as the caller typed them; they stand in the report.
struct Request {
  std::string subject;
  std::string reference;
  std::string start;                      // a common initialisation, where one is known; or ""
  std::vector<std::string> independents;  // models without relation to the two or to each other
  std::vector<std::string> derived;       // models known to descend from the reference
  std::vector<std::pair<std::string, std::string>> null_pairs;  // declared to be without relation
  std::vector<std::string> logs;                                // of the subject's training
  std::vector<std::string> checkpoints;  // of the subject, in order of training
  std::vector<std::string>
      also;              // a second parent: is the subject a mixture of reference and this?
  std::string manifest;  // what the maker declares
  std::string lineage;   // what a server's books say of uploads (lineage.h)
  uint64_t seed = 1;
  bool operator==(const Request&) const = default;
};

// An outside file: nothing of it is believed.
struct DossierFacts {
  Request request;
  std::string answer;  // "derived", "independent" or "inconclusive"
  Digest subject{};    // content digests (tensor_scan.h)
  Digest reference{};
};

// InvalidArgument("dossier_malformed"), InvalidArgument("dossier_too_large").
StatusOr<DossierFacts> ReadDossier(std::string_view name, std::string_view json);

// The text whose signature (a C2SP signed note) accompanies a dossier.
std::string DossierNoteText(std::string_view json_sha256_hex);

}  // namespace jangbu::audit
