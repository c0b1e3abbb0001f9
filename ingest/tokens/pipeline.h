#pragma once

// What a tokenizer file says, in the order in which it is done to a segment:
// added tokens cut out → normaliser → added tokens of normalised text cut out → split into words →
// model.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ingest/tokens/bpe_model.h"
#include "ingest/tokens/byte_trie.h"
#include "ingest/tokens/normalizer.h"
#include "ingest/tokens/split_scanner.h"

namespace jangbu::ingest::tokens {

struct SplitStage {
  enum class Kind : uint8_t {
    kShape,      // one of the known patterns
    kEachDigit,  // \p{N}, isolated
    kDigits,     // \p{N}+, isolated
  };
  Kind kind = Kind::kShape;
  const SplitShape* shape = nullptr;  // one of the known ones, by address
};

struct Pipeline {
  ByteTrie added_raw;
  std::vector<NormalizerStep> normalizer;
  ByteTrie added_normalized;
  // Each piece between added tokens gets a space in front when it has none.
  bool prefix_space = false;
  std::vector<SplitStage> stages;
  std::unique_ptr<const BpeModel> bpe;
};

}  // namespace jangbu::ingest::tokens
