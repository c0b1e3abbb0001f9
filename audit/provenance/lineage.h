#pragma once

// What the books of a Jangbu server say of the uploads that a manifest declares as training data:
// so that "trained with whose text" is not only a claim. `jangbu provenance lineage` writes it,
// with for each declared upload the receipt of the journal entry that closed it
// (ledger/merkle/receipt.h), which anybody with the log's key can check.
//
// Outside bytes like all inputs: what is read here is compared, and believed only as far as its
// receipts go, which `jangbu provenance verify --log-vkey` checks.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/provenance/evidence.h"
#include "audit/provenance/manifest.h"
#include "base/status.h"

namespace jangbu::audit {

struct LineageUpload {
  std::string id;       // PARTNER/uN
  std::string licence;  // of its corpus; may be empty
  std::string state;    // "open", "sealed", "done" or "cancelled"
  uint64_t documents = 0;
  uint64_t accepted = 0;
  uint64_t words = 0;  // 어절 of accepted documents
  uint64_t tokens = 0;
  std::string receipt;  // of the entry that closed it; "" where there is none
  bool operator==(const LineageUpload&) const = default;
};

struct Lineage {
  std::string log;                          // the log's origin
  std::vector<LineageUpload> uploads;       // declared ones that are in the books
  std::vector<LineageUpload> not_declared;  // the others that hold accepted text; without receipts
  bool operator==(const Lineage&) const = default;
};

inline constexpr size_t kLineageMax = size_t{16} << 20;
inline constexpr size_t kLineageUploadsMax = 100'000;

// Errors: InvalidArgument("lineage_malformed") with what is wrong; ResourceExhausted(
// "lineage_too_large"). Unknown fields are refused.
StatusOr<Lineage> ReadLineage(std::string_view name, std::string_view json);
// ReadLineage(EncodeLineage(l)) == l.
std::string EncodeLineage(const Lineage& lineage);

// What is declared beside what the books say, in the manifest's order, then what was not declared.
std::vector<Finding> CompareLineage(const Manifest& manifest, const Lineage& lineage);

}  // namespace jangbu::audit
