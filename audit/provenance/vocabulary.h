#pragma once

// What two vocabularies share. Reported with every denominator, and never decisive: vocabularies
// that were trained apart share 65 to 81 % of their entries when recipe or genre agree, and a
// derived model may have another vocabulary altogether. Its use is the list of shared entries,
// whose embeddings can be compared.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/provenance/likeness.h"
#include "audit/provenance/model.h"
#include "base/status.h"
#include "ingest/tokens/compare.h"

namespace jangbu::audit {

struct VocabularyFigures {
  // From the tokenizer files, when both models have one that can be read.
  std::optional<ingest::TokenizerComparison> files;
  bool same_file = false;  // byte for byte
  // Entries whose text has three or more code points: short ones are shared by every vocabulary.
  uint64_t long_first = 0;
  uint64_t long_second = 0;
  uint64_t long_shared = 0;  // Jaccard = shared ÷ (first + second − shared)
  // Why not, when there are no files: "tokenizer_missing", or the reader's reason.
  std::string unknown;
};

struct Vocabulary {
  VocabularyFigures figures;
  SharedEntries shared;  // ascending by the first id
  bool assumed = false;  // no tokenizer is known; ids of equally large vocabularies taken as equal
};

// Never fails: what cannot be known is said in the figures. O(n log n) in the entries.
Vocabulary CompareVocabularies(const Model& first, const Model& second);

}  // namespace jangbu::audit
