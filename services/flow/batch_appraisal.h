#pragma once

// What a batch's documents are made of: everything that settling needs, without their text. Written
// with the texts, before the first claim; so a batch that has it can be finished after a crash, and
// one that lacks it claimed nothing. Read again by the confirmation run. Encrypted under the
// partner's key; the grammar is in docs/formats.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/key_index.h"
#include "base/status.h"
#include "ingest/dedup/novelty.h"
#include "ledger/entry.h"

namespace jangbu::services {

struct DocumentAppraisal {
  // File, record, counts, and verdict kAccepted or kRejected with its reason; verdict, novelty and
  // duplicate_of of the others are settled by claims.
  ledger::Item item;
  Key document_key{};
  std::optional<Key> document_id_key;  // of a feed
  std::vector<ingest::SegmentOffer> offers;
  bool operator==(const DocumentAppraisal&) const = default;
};

using BatchAppraisal = std::vector<DocumentAppraisal>;

std::string EncodeBatchAppraisal(const BatchAppraisal& batch);
// DataLoss("malformed_record") for anything that Encode cannot have written.
StatusOr<BatchAppraisal> DecodeBatchAppraisal(std::string_view bytes);

}  // namespace jangbu::services
