#pragma once

// How much two vocabularies share: the ground of `jangbu tokenizer compare`, and of the question
// whether one was made from the other. Reports numbers, gives no verdict.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ingest/tokens/inspect.h"
#include "ingest/tokens/tokenizer.h"

namespace jangbu::ingest {

// A share is shared ÷ size of that side, as a fraction of integers: no rounding.
struct TokenizerComparison {
  TokenizerReport a;
  TokenizerReport b;
  // Entries are compared as the text they stand for, so that "Ġ가" of a byte-level file and "▁가"
  // of a SentencePiece model are the same entry, " 가". Added and special tokens are left out.
  size_t entries_a = 0;
  size_t entries_b = 0;
  size_t entries_shared = 0;
  EntryKinds kinds_a;
  EntryKinds kinds_b;
  EntryKinds kinds_shared;
  // Entries with the same id on both sides.
  size_t same_id = 0;

  // Merges of BPE (of a model by ranks: its entries in order of rank, each as the one it makes,
  // without the bytes or characters that it begins with). 0 for Unigram.
  size_t merges_a = 0;
  size_t merges_b = 0;
  size_t merges_shared = 0;  // in both lists, wherever
  size_t merges_prefix = 0;  // from the start, equal one by one
  size_t merges_in_order =
      0;  // longest list of shared merges that both sides hold in the same order
};

// InvalidArgument or FailedPrecondition when a file cannot be read; the message begins with "a: "
// or "b: " after its reason code. O(n log n) in the entries and merges. Pure; thread-safe.
StatusOr<TokenizerComparison> CompareTokenizers(std::string_view file_a, std::string_view file_b,
                                                const TokenizerLoadOptions& options_a = {},
                                                const TokenizerLoadOptions& options_b = {});

}  // namespace jangbu::ingest
