#pragma once

// A guard's index of texts in files, in memory: for a guard without a server, and for trying one.

#include <memory>
#include <string>
#include <vector>

#include "audit/guard/guard_index.h"
#include "base/clock.h"
#include "base/status.h"

namespace jangbu::services {

class LocalIndex : public ingest::FormSource {
 public:
  // JSON Lines as ReadAuditTexts reads them, or any other name: one text a file.
  static StatusOr<std::unique_ptr<LocalIndex>> Load(const std::vector<std::string>& files,
                                                    RandomSource& random);
  StatusOr<std::shared_ptr<const std::u32string>> Form(const ingest::RunDocument& d) override;

  const std::shared_ptr<const audit::GuardIndex>& index() const { return index_; }
  size_t documents() const { return forms_.size(); }
  size_t too_short() const { return too_short_; }
  // Partner and id of a document, for who may know.
  std::string NameOf(const ingest::RunDocument& d) const;

 private:
  LocalIndex() = default;
  std::unique_ptr<ingest::RunHasher> hasher_;
  std::vector<std::shared_ptr<const std::u32string>> forms_;
  std::vector<std::string> names_;
  size_t too_short_ = 0;
  std::shared_ptr<const audit::GuardIndex> index_;
};

}  // namespace jangbu::services
