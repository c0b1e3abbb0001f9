#pragma once

// Screening: what happens to canonical text before anything is counted or compared. Personal data
// is masked, refused or kept by the corpus' policy; quality is judged on what is left.

#include <cstdint>
#include <string>
#include <vector>

#include "ingest/screen/personal_data.h"
#include "ingest/screen/quality.h"

namespace jangbu::ingest {

// Stored and on the wire.
enum class PersonalDataPolicy : uint8_t {
  kMask = 1,    // the default
  kReject = 2,  // a document that holds any is refused: personal_data
  kKeep = 3,    // kept as it is, on a legal basis recorded with the corpus
};

struct ScreenPolicy {
  PersonalDataPolicy personal_data = PersonalDataPolicy::kMask;
  QualityPolicy quality;
  friend bool operator==(const ScreenPolicy&, const ScreenPolicy&) = default;
};

struct Screened {
  std::vector<PersonalSpan> personal_data;  // what was masked, or kept, or refused for
  std::vector<QualityFlag> flags;
  // "" or the reason why the document is refused: "personal_data", or "quality_" and a rule's name.
  std::string reason;
  // Numbers and kinds only, never text.
  std::string detail;
};

// Screens `canonical` in place. Pure, thread-safe, linear.
//
// Law: screening what screening left finds nothing more to mask.
Screened Screen(std::string& canonical, const ScreenPolicy& policy);

// "mobile 2, email 1": kinds in their order and how often.
std::string Summary(const std::vector<PersonalSpan>& spans);

}  // namespace jangbu::ingest
