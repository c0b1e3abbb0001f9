#pragma once

// What a tokenizer file says, in the order in which it is done to a segment:
// added tokens cut out → normaliser → added tokens of normalised text cut out → split into words →
// model.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/tokens/bpe_model.h"
#include "ingest/tokens/byte_trie.h"
#include "ingest/tokens/charsmap.h"
#include "ingest/tokens/normalizer.h"
#include "ingest/tokens/split_scanner.h"
#include "ingest/tokens/unigram_model.h"

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

// U+2581, which stands for a space in SentencePiece's vocabularies.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

// The Metaspace pre-tokenizer: spaces become marks, one may be put in front, pieces start at marks.
struct Metaspace {
  enum class Prepend : uint8_t { kNever, kFirst, kAlways };
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};

// SentencePiece's normaliser.
struct SentencePieceNormalizer {
  Charsmap map;
  ByteTrie user_defined;  // left as they are
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;

  // Replaces `out`.
  void Apply(std::string_view text, std::string& out) const;
};

struct Pipeline {
  enum class Words : uint8_t {
    kPatterns,       // cut by `stages`
    kMarks,          // Hugging Face without patterns: perhaps cut at marks
    kSentencePiece,  // by SentencePiece's normaliser, then perhaps cut at marks
  };

  ByteTrie added_raw;
  std::vector<NormalizerStep> normalizer;
  ByteTrie added_normalized;
  Words words = Words::kPatterns;

  // kPatterns. Each piece between added tokens gets a space in front when it has none.
  bool prefix_space = false;
  std::vector<SplitStage> stages;

  // kMarks.
  bool whitespace_split = false;
  bool has_metaspace = false;
  Metaspace metaspace;

  // kSentencePiece.
  SentencePieceNormalizer sentence_piece;
  ByteTrie user_defined;  // BPE: cut out whole, one token each

  // A word may start at any mark that follows another character, because no entry of the vocabulary
  // spans that place.
  bool cut_at_marks = false;

  // One of the two.
  std::unique_ptr<const BpeModel> bpe;
  std::unique_ptr<const UnigramModel> unigram;

  // BPE over characters: what an unknown one counts.
  bool byte_atoms = true;
  bool byte_fallback = false;
  bool fuse_unknown = false;

  size_t memory_bytes() const;
};

}  // namespace jangbu::ingest::tokens
