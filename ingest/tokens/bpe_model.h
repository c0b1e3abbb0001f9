#pragma once

// Byte-pair encoding, counted without encoding.
//
// A word starts as a row of atoms (bytes, or characters). The merge of lowest rank, leftmost first
// among equals, is made again and again until none is left; what remains are the tokens. That is
// the definition, and the slow twin in tests/reference/tokens does just that. This class finds the
// same tokens without merging:
//
//   A row of tokens is the encoding of its text if and only if every two neighbours are the
//   encoding of theirs.
//
// (Until some merge crosses a boundary, the parts on either side of it develop as they would alone;
// the first merge to cross the boundary of two neighbours would cross it with just these two
// present. The other direction is the same argument read backwards. It holds for any list of
// merges.) So the encoding is the only row of tokens with all neighbours compatible, and a
// left-to-right search that tries longer tokens first and remembers dead ends finds it in time
// linear in the word times the longest token. Whether two tokens are compatible is answered by
// undoing their last merges in turn, latest first, and asking at each step whether a merge across
// the boundary would have come earlier (the method of github/rust-gems, crate bpe; there for ranks,
// here for merge lists too).
//
// Merge lists may hold rules that come too early: (a, b) with a rank below the rank at which a or b
// itself is made, as happens when a list is made from ranks. Tokens that contain the result of such
// a rule are `odd`; pairs with an odd token are answered by merging for real.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ingest/tokens/byte_trie.h"

namespace jangbu::ingest::tokens {

inline constexpr uint32_t kNoToken = 0xFFFFFFFF;

// Working memory of one thread. Grows to what the longest word needed and gives back what a giant
// took.
class BpeScratch {
 public:
  BpeScratch();

 private:
  friend class BpeModel;
  struct PairAnswer {
    uint32_t left = kNoToken;
    uint32_t right = kNoToken;
    bool valid = false;
  };
  std::vector<uint32_t> stack_;
  std::vector<uint64_t> dead_;
  std::vector<PairAnswer> odd_pairs_;  // direct-mapped
};

// Immutable after Build; thread-safe.
class BpeModel {
 public:
  static constexpr size_t kTokensMax = size_t{1} << 21;
  static constexpr size_t kRulesMax = (size_t{1} << 22) - 2;
  static constexpr size_t kTokenBytesMax = 2048;

  struct Rule {
    uint32_t left;
    uint32_t right;
    uint32_t result;
    uint32_t rank;
  };
  struct Spec {
    // The bytes of each token by id; empty: not in play.
    std::vector<std::string> tokens;
    // Ids of the atoms; every other token is made by rules.
    std::vector<uint32_t> atoms;
    // Ascending by rank; a later rule of the same pair replaces an earlier one.
    std::vector<Rule> rules;
    // A word that is a token is that token, even when merging would not make it.
    bool whole_word_first = false;
  };

  // Returns InvalidArgument when a rule does not concatenate to its result, or sizes pass the
  // limits above. O(total bytes + rules).
  static StatusOr<BpeModel> Build(Spec spec);

  // Tokens of `word`, or -1 when it is not made of atoms. REQUIRES: not empty.
  int64_t Count(std::string_view word, BpeScratch& scratch) const;

  // The end of the first atom, or longer token, of [p, end); null when there is none.
  const char* TokenEnd(const char* p, const char* end) const { return trie_.Longest(p, end).end; }
  // The token whose bytes are `bytes`, reachable by merging or not; kNoToken when there is none.
  uint32_t Find(std::string_view bytes) const;
  size_t memory_bytes() const;
  // For inspection and tests.
  size_t reachable_tokens() const { return reachable_tokens_; }
  size_t odd_tokens() const { return odd_tokens_; }

 private:
  // How a reachable token is made: its last merge.
  struct Token {
    int32_t birth = kUnborn;  // rank of the last merge; -1 for an atom
    uint32_t left = kNoToken;
    uint32_t right = kNoToken;
    uint32_t next_prefix = kNoToken;  // next shorter reachable token it starts with
    uint32_t length : 31 = 0;
    uint32_t odd : 1 = 0;
  };
  static constexpr int32_t kUnborn = 0x7FFFFFFF;
  static constexpr int32_t kNever = 0x7FFFFFFE;  // rank of a pair without a rule

  int32_t PairRank(uint32_t left, uint32_t right) const {
    const uint64_t key = (static_cast<uint64_t>(left) << 21) | right;
    uint64_t slot = (key * 0x9E3779B97F4A7C15ull) >> pair_shift_;
    while (true) {
      const uint64_t entry = pairs_[slot];
      if ((entry >> 22) == key) return static_cast<int32_t>(entry & kRankMask);
      if (entry == kEmptyPair) return kNever;
      slot = (slot + 1) & pair_mask_;
    }
  }
  // True when no merge crosses the boundary of `left` and `right` before rank `limit`.
  // REQUIRES: both born and not odd.
  bool NoneCrosses(uint32_t left, uint32_t right, int32_t limit) const;
  bool Compatible(uint32_t left, uint32_t right, BpeScratch& scratch) const;
  bool CompatibleByMerging(uint32_t left, uint32_t right) const;
  // Merges for real: the tokens that remain, and the last merge made. O(n log n).
  struct Merged {
    std::vector<uint32_t> tokens;
    Rule last = {kNoToken, kNoToken, kNoToken, 0};
  };
  Merged MergeForReal(std::string_view text) const;
  Merged MergeAtoms(std::vector<uint32_t> row) const;

  uint32_t PairResult(uint32_t left, uint32_t right) const;
  Status InsertPairs(const Spec& spec);
  Status DeriveTokens(const Spec& spec);
  Status BuildTrie(const Spec& spec);
  int64_t CountShort(const char* p, const char* end, BpeScratch& scratch) const;
  int64_t CountLong(const char* p, const char* end, BpeScratch& scratch) const;

  static constexpr uint64_t kRankMask = (uint64_t{1} << 22) - 1;
  static constexpr uint64_t kEmptyPair = ~uint64_t{0};

  std::vector<uint64_t> pairs_;         // left 21 bits, right 21, rank 22; open addressing
  std::vector<uint32_t> pair_results_;  // by slot of pairs_
  uint64_t pair_mask_ = 0;
  int pair_shift_ = 0;
  std::vector<Token> tokens_;
  ByteTrie trie_;         // reachable tokens
  ByteTrie unreachable_;  // the others, when whole words come first
  size_t reachable_tokens_ = 0;
  size_t odd_tokens_ = 0;
  bool whole_word_first_ = false;
};

}  // namespace jangbu::ingest::tokens
