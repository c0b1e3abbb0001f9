#pragma once

// The contents of a tokenizer file of any family, read and checked: the ground of counting
// (BuildPipeline), inspection and comparison.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ingest/tokens/pipeline.h"
#include "ingest/tokens/tokenizer.h"

namespace jangbu::ingest::tokens {

struct AddedToken {
  uint32_t id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;  // matched in normalised text
};

struct Merge {
  uint32_t left;
  uint32_t right;
  uint32_t result;
};

struct SentencePieceSettings {
  Charsmap charsmap;
  std::vector<std::string> user_defined;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
};

struct TokenizerFile {
  TokenizerFamily family = TokenizerFamily::kHfByteLevelBpe;
  // Name without version of the counting algorithm; differs from the family where a family has
  // several.
  std::string algorithm;
  // Entries by id, as the bytes of text they stand for (byte-level spelling undone). Empty: no such
  // id.
  std::vector<std::string> tokens;
  // By id: may be met in text. Empty: all may.
  std::vector<bool> in_play;
  // BPE by merge list: in order.
  std::vector<Merge> merges;
  // BPE by rank: by id; lower merges first. Every way to cut an entry in two entries is a merge.
  std::vector<uint32_t> ranks;
  // Unigram: by id.
  std::vector<double> scores;
  std::vector<bool> user_defined;
  double score_min = 0;
  float score_max = 0;
  uint32_t unknown_id = 0;

  std::vector<AddedToken> added;
  std::vector<NormalizerStep> normalizer;
  bool prefix_space = false;
  std::vector<SplitStage> stages;
  bool whitespace_split = false;
  bool has_metaspace = false;
  Metaspace metaspace;
  SentencePieceSettings sentence_piece;
  bool whole_word_first = false;  // ignore_merges
  bool byte_fallback = false;
  bool fuse_unknown = false;

  // What is done, for people, e.g. "normalizer NFC", "split o200k".
  std::vector<std::string> features;
};

// Reads a file of any family. Errors as Tokenizer::Load.
StatusOr<TokenizerFile> ParseTokenizerFile(std::string_view bytes,
                                           const TokenizerLoadOptions& options);

// One reader a form.
StatusOr<TokenizerFile> ParseHfTokenizerJson(std::string_view bytes);
StatusOr<TokenizerFile> ParseTiktoken(std::string_view bytes, std::string_view split);
StatusOr<TokenizerFile> ParseSentencePiece(std::string_view bytes);

// Lays out the tables for counting.
StatusOr<std::unique_ptr<const Pipeline>> BuildPipeline(TokenizerFile file);

// FailedPrecondition "unsupported: WHAT".
Status Unsupported(std::string_view what);

}  // namespace jangbu::ingest::tokens
