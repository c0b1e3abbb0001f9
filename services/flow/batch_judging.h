#pragma once

// The verdicts of a batch: from claims (the same document, the same short segment) and from the
// runs that each document shares with its partner's earlier text, documents of the same batch
// included. What commits (contribution_flow.cc) and what only tries (trial.cc) ask the same
// question, so a trial's answer is the upload's.

#include <functional>
#include <memory>
#include <vector>

#include "base/key_index.h"
#include "base/status.h"
#include "ingest/dedup/document_form.h"
#include "ingest/dedup/run_index.h"
#include "ledger/entry.h"
#include "services/flow/batch_appraisal.h"

namespace jangbu::services {

// Tables of the key index. Stored; never renumber. Scope: a partner's number, 0 for everybody's
// (confirmation run).
inline constexpr uint32_t kTableDocuments = 1;
inline constexpr uint32_t kTableSegments = 2;
inline constexpr uint32_t kTableDocumentIds = 3;

struct BatchQuestion {
  uint32_t partner = 0;
  uint64_t token = 0;  // stands after everything that `earlier` holds
  const BatchAppraisal& batch;
  const std::vector<ingest::DocumentForm>& forms;  // of its documents, one to one
  ingest::RunView earlier;                         // the partner's own text so far
  ingest::FormSource& stored;                      // the forms of `earlier`
  const ingest::RunHasher& hasher;
  ingest::NoveltyRule rule;
  int workers = 1;
};

// Who holds each key once the batch has claimed it, one owner a claim, in order. Called for
// documents, then for segments.
using Claiming =
    std::function<StatusOr<std::vector<Owner>>(TableId table, const std::vector<KeyClaim>& claims)>;

struct JudgedBatch {
  std::vector<ledger::Item> items;  // with verdict, novelty and duplicate_of
  std::shared_ptr<const ingest::RunSegment>
      segment;  // of its documents that are no exact duplicates
};

// Thread-safe as far as `claim` is.
StatusOr<JudgedBatch> JudgeBatch(const BatchQuestion& question, const Claiming& claim);

}  // namespace jangbu::services
