#pragma once

// What documents are credited for as things stand now: after text was withdrawn, and under another
// rule or tokenizer.
//
//     withdrawal ─► the partner's own claims of that text go to its earliest other document
//     confirmation run ─► everybody's claims go to the earliest remaining document
//                      ─► every document that is credited for less than it holds is judged again,
//                         against what stands before it and is in force: the difference is its
//                         inheritance (SUCCESSION), which enters its partner's next lot
//
// Withdrawn text is no reference text: its keys are destroyed, so the run index finds nothing in
// it, and its claims are passed on here. Judging again is exact, whoever covered what: an heir is
// whoever the definition of novelty names, not whoever was noted down as held.
//
// Thread-safe, as long as one call works on one scope (everybody's, or a partner's) at a time.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/blob_store.h"
#include "base/key_index.h"
#include "base/status.h"
#include "ingest/appraise.h"
#include "ingest/dedup/run_index.h"
#include "ledger/books.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"
#include "services/flow/text_index.h"

namespace jangbu::services {

// Everybody's committed text, as it was at one moment.
struct EverybodysText {
  ingest::RunView view;
  absl::flat_hash_map<uint64_t, uint64_t> commits;  // token → sequence number of the commit
};

// Documents by batch.
class DocumentSet {
 public:
  void Add(const ledger::DocumentRange& range) { ranges_[range.token].push_back(range); }
  bool Contains(const Owner& document) const;
  bool empty() const { return ranges_.empty(); }
  const std::map<uint64_t, std::vector<ledger::DocumentRange>>& ranges() const { return ranges_; }

 private:
  std::map<uint64_t, std::vector<ledger::DocumentRange>> ranges_;
};

// Documents whose withdrawal stands at or after `from` and before `to`; of one partner, or of all
// (0).
DocumentSet WithdrawnIn(const ledger::Books& books, uint32_t partner, uint64_t from, uint64_t to);

class Crediting {
 public:
  // Without an index nothing but PassOnOwn may be called.
  Crediting(Scribe& scribe, BlobStore& blobs, KeyIndex& keys, Keyring& keyring, TextIndex* index,
            const ingest::Fingerprinter* fingerprinter, int workers)
      : scribe_(scribe),
        blobs_(blobs),
        keys_(keys),
        keyring_(keyring),
        index_(index),
        fingerprinter_(fingerprinter),
        workers_(workers) {}

  // Passes on what the documents withdrawn in [from, end of the journal) hold in their partner's
  // own tables. Idempotent. REQUIRES: no batch of the partner is being settled. Reads the
  // appraisals of all of the partner's batches when something short was held.
  Status PassOnOwn(uint32_t partner, uint64_t from);
  // The same in everybody's tables, among decided documents, for what was withdrawn in [from, to).
  // REQUIRES: a run is open and has decided nothing yet, or this was done before.
  Status PassOnEverybodys(uint64_t from, uint64_t to);

  EverybodysText Everybody();

  // Who inherits what was withdrawn in [from, to); ascending. Only documents committed after the
  // earliest of it are judged again.
  StatusOr<std::vector<ledger::Succession::Heir>> Heirs(const EverybodysText& everybody,
                                                        uint64_t from, uint64_t to);

  // By what a document is counted and judged.
  struct Basis {
    ingest::NoveltyRule rule;
    std::shared_ptr<const ingest::Tokenizer> tokenizer;  // null: as it was appraised
  };
  // What the documents of a decided batch are credited by now.
  StatusOr<Basis> BasisOf(uint64_t token);
  // Documents of decided batches that are credited and in force, by batch, ascending; without those
  // that a claim moved: they stay as persons decided them.
  struct CreditedDocument {
    uint32_t ordinal = 0;
    int64_t tokens = 0;
    int64_t words = 0;
  };
  using InForce = std::map<uint64_t, std::vector<CreditedDocument>>;
  InForce DecidedAndInForce() const;

  // What each of `ordinals` of a decided batch would be credited for; nothing where its text cannot
  // be read any more.
  StatusOr<std::vector<std::optional<ingest::NovelCounts>>> CreditOf(
      const EverybodysText& everybody, uint64_t token, std::span<const uint32_t> ordinals,
      const Basis& basis);
  // The same, and, if asked for, whether it would be a near duplicate of its own partner's earlier
  // text.
  struct Rejudged {
    ingest::NovelCounts credit;
    bool near = false;
  };
  StatusOr<std::vector<std::optional<Rejudged>>> JudgeAgain(const EverybodysText& everybody,
                                                            uint64_t token,
                                                            std::span<const uint32_t> ordinals,
                                                            const Basis& basis, bool with_near);

  // The tokenizer of an approved or open re-count (0: the one of genesis), from the blobs.
  StatusOr<std::shared_ptr<const ingest::Tokenizer>> LoadTokenizer(uint32_t recount);

 private:
  struct Batch {
    uint64_t token = 0;
    uint64_t commit = 0;
    uint64_t upload = 0;
    uint32_t partner = 0;
    uint32_t corpus = 0;
  };
  Batch BatchOf(uint64_t token) const;
  Status PassOn(uint32_t scope, const DocumentSet& gone, const DocumentSet& never,
                const std::vector<Batch>& batches);

  Scribe& scribe_;
  BlobStore& blobs_;
  KeyIndex& keys_;
  Keyring& keyring_;
  TextIndex* const index_;
  const ingest::Fingerprinter* const fingerprinter_;
  const int workers_;
  std::mutex mutex_;  // guards tokenizers_
  std::map<uint32_t, std::shared_ptr<const ingest::Tokenizer>> tokenizers_;
};

}  // namespace jangbu::services
