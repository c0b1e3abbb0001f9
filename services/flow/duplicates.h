#pragma once

// What all committed text says about duplicates, for those who train with it and for those who set
// the rule: a report, and a shadow run of another rule. Reads; changes nothing, enters nothing.
//
// Both walk the batches in the order of their commits and judge each document against everybody's
// text before it, as the confirmation run does. Memory: a few hundred texts at a time, and some 64
// bytes for each document that is in a cluster.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "ledger/entry.h"
#include "services/flow/crediting.h"
#include "services/flow/scribe.h"
#include "services/flow/staging.h"
#include "services/flow/text_index.h"

namespace jangbu::services {

// Documents of which at least 10 · i per cent lie in runs of earlier text, for step i.
struct CoverageStep {
  uint64_t documents = 0;
  uint64_t code_points = 0;
  bool operator==(const CoverageStep&) const = default;
};

// Pairs of a document and the one earlier document that it is the same as or near to, and how many
// of them have a Jaccard similarity of 0.8 or more (shingles.h).
struct PairTally {
  uint64_t pairs = 0;
  uint64_t by_words = 0;
  uint64_t by_characters = 0;
  bool operator==(const PairTally&) const = default;
};

struct DuplicatesOfType {
  uint64_t documents = 0;  // neither rejected nor withdrawn
  uint64_t code_points = 0;
  std::array<CoverageStep, 11> coverage;
  PairTally exact;
  PairTally near;
  uint64_t clusters = 0;   // of two documents or more whose first is of this type
  uint64_t clustered = 0;  // documents in them
  uint64_t largest = 0;
};

struct DuplicatesReport {
  static constexpr size_t kLargest = 20;
  std::array<DuplicatesOfType, 6> types;  // index: SourceType; 0: all
  std::map<uint64_t, uint64_t> sizes;     // documents in a cluster → clusters
  struct Cluster {
    std::string first;  // UPLOAD#FILE:RECORD
    uint64_t documents = 0;
    ledger::SourceType type = ledger::SourceType::kText;
  };
  std::vector<Cluster> largest;  // the largest first, of equals the earlier
  uint64_t unreadable = 0;       // key destroyed: in none of the other figures
};

struct ShadowLine {
  std::string partner;
  uint64_t documents = 0;  // decided and in force
  uint64_t changed = 0;    // credit or verdict
  int64_t korean_tokens_before = 0;
  int64_t korean_tokens_after = 0;
  int64_t korean_words_before = 0;
  int64_t korean_words_after = 0;
  uint64_t near_before = 0;  // of the partner's own earlier text
  uint64_t near_after = 0;
};

// Thread-safe.
class Duplicates {
 public:
  // Told after each few hundred documents; false ends the walk with Cancelled.
  using Progress = std::function<bool(uint64_t done, uint64_t all)>;

  // Borrows all.
  Duplicates(Scribe& scribe, Staging& staging, Crediting& crediting, TextIndex& index, int workers)
      : scribe_(scribe),
        staging_(staging),
        crediting_(crediting),
        index_(index),
        workers_(workers) {}

  // Clusters are what pairs connect. A document's pair is with the document that the confirmation
  // run says holds it or, before that and without one, that its partner's verdict names.
  StatusOr<DuplicatesReport> Report(const Progress& progress);

  // Credit as a re-count under `rule` would give it (recounting.h), and verdicts of NEAR_DUPLICATE
  // as an upload would. A document that was near to one whose text is gone now counts as changed.
  // InvalidArgument("bad_novelty_rule") outside the rule's ranges.
  StatusOr<std::vector<ShadowLine>> Shadow(const ledger::NoveltyRule& rule,
                                           const Progress& progress);

 private:
  Scribe& scribe_;
  Staging& staging_;
  Crediting& crediting_;
  TextIndex& index_;
  const int workers_;
};

}  // namespace jangbu::services
