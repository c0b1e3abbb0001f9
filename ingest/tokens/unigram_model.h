#pragma once

// Unigram language model tokenization (Kudo 2018): the split of least cost, by Viterbi, counted
// without keeping the path. Two libraries define it, with other arithmetic:
//   - SentencePiece: path scores are rounded to float after each piece, over a whole sentence;
//   - Hugging Face tokenizers: double, word by word.
// A tie, or what rounding makes one, is broken by the order of pieces, so the arithmetic is part of
// the definition and is repeated here step by step.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ingest/tokens/byte_trie.h"

namespace jangbu::ingest::tokens {

// Working memory of one thread.
class UnigramScratch {
 private:
  friend class UnigramModel;
  struct Node {
    double score = 0;
    int64_t count = 0;
    bool reached = false;
    bool unknown = false;  // the last piece is the unknown one
  };
  std::vector<Node> ring_;
};

// Immutable after Build; thread-safe.
class UnigramModel {
 public:
  enum class Arithmetic : uint8_t { kSentencePiece, kHuggingFace };

  struct Piece {
    std::string text;  // empty: not in play
    float score = 0;
    double score_double = 0;  // kHuggingFace: as in the file
    bool user_defined = false;
  };
  struct Spec {
    std::vector<Piece> pieces;
    Arithmetic arithmetic = Arithmetic::kSentencePiece;
    uint32_t unknown_id = 0;
    bool byte_fallback = false;  // an unknown character is its bytes
    bool fuse_unknown = true;    // neighbouring unknown characters are one token
    // Over the pieces the library looks at, which are not always those in play.
    double score_min = 0;
    float score_max = 0;  // kSentencePiece
  };

  static StatusOr<UnigramModel> Build(Spec spec);

  // Tokens of `text`. REQUIRES: valid UTF-8 (an ill-formed byte counts as a character).
  // O(text × longest piece).
  int64_t Count(std::string_view text, UnigramScratch& scratch) const;

  // Tokens of a word inside a sentence, for kSentencePiece, and how far into a sentence the count
  // is sure: as long as no path score in the sentence so far passes 2^sure_log2 in size, rounding
  // cannot change a choice that matters. -1: never sure.
  struct InSentence {
    int64_t count = 0;
    double score = 0;
    int sure_log2 = -1;
  };
  InSentence CountInSentence(std::string_view word, UnigramScratch& scratch) const;
  // No piece moves a path score by more.
  double step_max() const { return step_max_; }

  size_t memory_bytes() const {
    return trie_.memory_bytes() + scores_.size() * sizeof(double) +
           scores_float_.size() * sizeof(float);
  }

 private:
  template <Arithmetic kArithmetic>
  int64_t CountAs(std::string_view text, UnigramScratch& scratch) const;

  ByteTrie trie_;
  std::vector<double> scores_;       // the score each piece adds, exactly
  std::vector<float> scores_float_;  // unused for kHuggingFace
  Arithmetic arithmetic_ = Arithmetic::kSentencePiece;
  uint32_t unknown_id_ = 0;
  bool byte_fallback_ = false;
  bool fuse_unknown_ = true;
  double unknown_score_ = 0;
  float unknown_score_float_ = 0;
  size_t longest_ = 1;
  size_t ring_size_ = 8;
  double step_max_ = 0;
};

}  // namespace jangbu::ingest::tokens
