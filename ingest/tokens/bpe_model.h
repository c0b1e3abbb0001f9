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
// itself is made, as happens when a list is made from ranks. Where such a rule changes what is
// made, tokens that contain its result are `odd`; pairs with an odd token are answered by merging
// for real.

#include <array>
#include <cstdint>
#include <span>
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
  // After `left`, where `longest` is the longest token that the text goes on with: the longest
  // compatible one.
  struct Answer {
    uint32_t left = kNoToken;
    uint32_t longest = kNoToken;
    uint32_t fits = kNoToken;
  };
  std::vector<uint32_t> stack_;
  std::vector<uint64_t> dead_;
  std::vector<Answer> answers_;  // for odd and long tokens; direct-mapped
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

  // Count of each of `words` into `counts`, as many. What stands in no near cache is read for all
  // of them at once. REQUIRES: as Count; at most kTogether words.
  static constexpr size_t kTogether = 64;
  void CountTogether(std::span<const std::string_view> words, std::span<int64_t> counts,
                     BpeScratch& scratch) const;

  // The end of the first atom, or longer token, of [p, end); null when there is none.
  const char* TokenEnd(const char* p, const char* end) const { return trie_.Longest(p, end).end; }
  // The token whose bytes are `bytes`, reachable by merging or not; kNoToken when there is none.
  uint32_t Find(std::string_view bytes) const;
  size_t memory_bytes() const;
  // For inspection and tests.
  size_t reachable_tokens() const { return reachable_tokens_; }
  size_t odd_tokens() const { return odd_tokens_; }

 private:
  // How a reachable token is made: the rank of its last merge (-1: it is an atom; kUnborn: not
  // reachable), and what that merge put on its right and left. Apart, because one side of a pair
  // needs one of the two.
  struct Side {
    int32_t birth = kUnborn;
    uint32_t part = kNoToken;
  };
  struct Token {
    uint32_t next_prefix = kNoToken;  // next shorter reachable token it starts with
    uint32_t length : 31 = 0;
    uint32_t odd : 1 = 0;
  };
  // One merge inside an odd token, as its neighbour sees it: after it, `edge` is the outermost
  // symbol.
  struct Play {
    int32_t rank;
    uint32_t edge;
  };
  // Both records of an odd token, as stretches of plays_: what its right neighbour sees, and its
  // left one.
  struct Record {
    uint32_t last_begin = 0, last_end = 0;
    uint32_t first_begin = 0, first_end = 0;
    uint32_t last_atom = kNoToken;
    uint32_t first_atom = kNoToken;
  };
  static constexpr int32_t kUnborn = 0x7FFFFFFF;
  static constexpr int32_t kNever = 0x7FFFFFFE;  // rank of a pair without a rule

  // Most pairs asked for have no rule: a small filter answers those from cache. Three bits of one
  // word a pair.
  static uint64_t FilterBits(uint64_t hash) {
    return (uint64_t{1} << (hash & 63)) | (uint64_t{1} << ((hash >> 6) & 63)) |
           (uint64_t{1} << ((hash >> 12) & 63));
  }
  int32_t PairRank(uint32_t left, uint32_t right) const {
    const uint64_t key = (static_cast<uint64_t>(left) << 21) | right;
    const uint64_t hash = key * 0x9E3779B97F4A7C15ull;
    const uint64_t bits = FilterBits(hash >> 8);
    if ((filter_[hash >> filter_shift_] & bits) != bits) return kNever;
    uint64_t slot = hash >> pair_shift_;
    while (true) {
      const uint64_t entry = pairs_[slot];
      if ((entry >> 22) == key) return static_cast<int32_t>(entry & kRankMask);
      if (entry == kEmptyPair) return kNever;
      slot = (slot + 1) & pair_mask_;
    }
  }
  // Always inline: g++ takes a function that only hints for one without effect and drops its calls.
  [[gnu::always_inline]] void FetchPair(uint32_t left, uint32_t right) const {
    const uint64_t hash = ((static_cast<uint64_t>(left) << 21) | right) * 0x9E3779B97F4A7C15ull;
    __builtin_prefetch(&filter_[hash >> filter_shift_]);
    __builtin_prefetch(&pairs_[hash >> pair_shift_]);
  }
  // True when no merge crosses the boundary of `left` and `right` before rank `limit`.
  // REQUIRES: both born and not odd.
  bool NoneCrosses(uint32_t left, uint32_t right, int32_t limit) const;
  bool Compatible(uint32_t left, uint32_t right) const {
    if ((tokens_[left].odd | tokens_[right].odd) == 0) [[likely]]
      return NoneCrosses(left, right, kNever);
    return CompatibleByPlaying(left, right);
  }
  // `token` if it fits after `left`, else the longest of its prefixes that does; kNoToken when none
  // does.
  uint32_t FirstThatFits(uint32_t left, uint32_t token, BpeScratch& scratch) const;
  bool CompatibleByPlaying(uint32_t left, uint32_t right) const;
  // Merges for real: the tokens that remain, and the last merge made. O(n log n).
  struct Merged {
    std::vector<uint32_t> tokens;
    Rule last = {kNoToken, kNoToken, kNoToken, 0};
    std::vector<Play> last_plays;   // what is seen from the right
    std::vector<Play> first_plays;  // and from the left
    uint32_t last_atom = kNoToken;
    uint32_t first_atom = kNoToken;
  };
  Merged MergeForReal(std::string_view text) const;

  uint32_t PairResult(uint32_t left, uint32_t right) const;
  static Status CheckRules(const Spec& spec);
  void InsertPairs(const std::vector<Rule>& rules);
  // Sets `odd` for every token that contains the result of an early rule in use.
  Status DeriveTokens(const Spec& spec, std::vector<bool>& odd);
  void KeepRulesInUse(const Spec& spec, const std::vector<bool>& odd);
  Status BuildTrie(const Spec& spec);
  template <typename Stack, typename Ends, typename Longest>
  int64_t Search(const char* p, const char* end, Stack& stack, Ends& dead, Longest longest,
                 BpeScratch& scratch) const;
  int64_t CountShort(const char* p, const char* end, BpeScratch& scratch) const;
  int64_t CountLong(const char* p, const char* end, BpeScratch& scratch) const;

  // How far the trie goes on with one byte repeated, and the longest token on the way.
  struct Run {
    int32_t depth = 0;
    uint32_t token = kNoToken;
  };
  static constexpr int32_t kRunMin = 8;

  static constexpr uint64_t kRankMask = (uint64_t{1} << 22) - 1;
  static constexpr uint64_t kEmptyPair = ~uint64_t{0};

  std::vector<uint64_t> pairs_;         // left 21 bits, right 21, rank 22; open addressing
  std::vector<uint32_t> pair_results_;  // by slot of pairs_; while building
  uint64_t pair_mask_ = 0;
  int pair_shift_ = 0;
  std::vector<uint64_t> filter_;
  int filter_shift_ = 0;
  std::vector<Side> suffix_;  // by token: birth and right part
  std::vector<Side> prefix_;  // by token: birth and left part
  std::vector<Token> tokens_;
  std::vector<Play> plays_;
  std::vector<Record> records_;      // of odd tokens
  std::vector<uint32_t> record_of_;  // by token; empty when there are no odd tokens
  ByteTrie trie_;                    // reachable tokens
  std::array<Run, 256> runs_{};
  ByteTrie unreachable_;  // the others, when whole words come first
  size_t reachable_tokens_ = 0;
  size_t odd_tokens_ = 0;
  bool whole_word_first_ = false;
};

}  // namespace jangbu::ingest::tokens
