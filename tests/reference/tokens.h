#pragma once

// Slow twins of ingest/tokens: they look like the definitions.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jangbu::reference {

// BPE by repeated merging. Ids are the caller's.
struct MergeRule {
  uint32_t left;
  uint32_t right;
  uint32_t result;
  uint32_t rank;
};
// Until no rule fits: merges the pair of lowest rank, leftmost first.
std::vector<uint32_t> MergeRepeatedly(const std::vector<MergeRule>& rules,
                                      std::vector<uint32_t> row);

// The pieces that `pattern` cuts `text` into with behaviour "Isolated", by ICU's regular expression
// engine.
std::vector<std::string> SplitByPattern(std::string_view pattern, std::string_view text);

// Unigram by keeping every best path whole. Scores in float after each piece (SentencePiece) or in
// double.
struct UnigramPieces {
  std::map<std::string, float, std::less<>> scores;
  float unknown_score = 0;
  bool byte_fallback = false;
};
int64_t CountUnigram(const UnigramPieces& pieces, std::string_view text, bool in_float);

}  // namespace jangbu::reference
