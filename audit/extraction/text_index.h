#pragma once

// Texts of a plan as one index of runs, for the time of one computation: whose is what a model
// wrote, and what of a control stands in the training text?
//
// Immutable after Make. Form is thread-safe, as are the views.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/extraction/probe_plan.h"
#include "base/status.h"
#include "ingest/dedup/run_index.h"

namespace jangbu::audit {

// A document of the index is {scope 1, ordinal: the text's place in the plan}.
class TextIndex : public ingest::FormSource {
 public:
  // Indexes those of which `held` says so; has the comparison forms of all. Time: about a
  // microsecond a code point; memory: four bytes a code point and the index. Errors are those of
  // the index.
  static StatusOr<std::unique_ptr<TextIndex>> Make(
      const std::vector<AuditText>& texts, const std::function<bool(const AuditText&)>& held);

  StatusOr<std::shared_ptr<const std::u32string>> Form(const ingest::RunDocument& d) override {
    return forms_[d.place.ordinal];
  }
  const ingest::RunView& view() const { return view_; }
  const std::u32string& form(uint32_t text) const { return *forms_[text]; }

 private:
  TextIndex() = default;
  // The index lives for one computation and meets no partner: its secret may be known.
  const ingest::RunHasher hasher_{std::string_view("an index of one audit, made and thrown away")};
  std::vector<std::shared_ptr<const std::u32string>> forms_;
  ingest::RunView view_;
};

}  // namespace jangbu::audit
