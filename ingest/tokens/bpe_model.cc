#include "ingest/tokens/bpe_model.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <queue>
#include <utility>

#include "base/check.h"

namespace jangbu::ingest::tokens {
namespace {

constexpr size_t kAnswerSlots = 8192;
// Two tokens of together as many bytes are a pair whose answer is kept.
constexpr int kLongPair = 48;
// While building, the memory of a rule is fetched so many rules ahead.
constexpr size_t kAhead = 16;
// Scratch above this is given back after the word that needed it.
constexpr size_t kScratchKept = size_t{1} << 16;

}  // namespace

BpeScratch::BpeScratch() : answers_(kAnswerSlots) {}

// ----------------------------------------------------------------------------------------------------------
// building

StatusOr<BpeModel> BpeModel::Build(Spec spec) {
  if (spec.tokens.size() > kTokensMax) {
    return ResourceExhausted("vocabulary_too_large", "more than 2^21 tokens");
  }
  if (spec.rules.size() > kRulesMax) {
    return ResourceExhausted("merges_too_many", "more than 2^22 merges");
  }
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    if (spec.tokens[id].size() > kTokenBytesMax) {
      return ResourceExhausted("token_too_long",
                               "token " + std::to_string(id) + " is longer than 2048 bytes");
    }
  }
  BpeModel model;
  model.whole_word_first_ = spec.whole_word_first;
  JANGBU_RETURN_IF_ERROR(CheckRules(spec));
  model.InsertPairs(spec.rules);
  std::vector<bool> odd(spec.tokens.size());
  JANGBU_RETURN_IF_ERROR(model.DeriveTokens(spec, odd));
  model.KeepRulesInUse(spec, odd);
  JANGBU_RETURN_IF_ERROR(model.BuildTrie(spec));
  return model;
}

Status BpeModel::CheckRules(const Spec& spec) {
  for (size_t i = 0; i < spec.rules.size(); ++i) {
    if (i + kAhead < spec.rules.size()) {
      __builtin_prefetch(&spec.tokens[spec.rules[i + kAhead].left]);
      __builtin_prefetch(&spec.tokens[spec.rules[i + kAhead].right]);
    }
    const Rule& rule = spec.rules[i];
    const std::string& left = spec.tokens[rule.left];
    const std::string& right = spec.tokens[rule.right];
    const std::string& result = spec.tokens[rule.result];
    if (left.empty() || right.empty() || result.size() != left.size() + right.size() ||
        !result.starts_with(left) || !result.ends_with(right)) {
      return InvalidArgument("merge_malformed",
                             "merge " + std::to_string(i) + " does not give its result");
    }
    JANGBU_CHECK(rule.rank <= kRulesMax && (i == 0 || rule.rank >= spec.rules[i - 1].rank));
  }
  return OkStatus();
}

void BpeModel::InsertPairs(const std::vector<Rule>& rules) {
  const size_t slots = std::bit_ceil(std::max<size_t>(16, rules.size() * 2));
  pairs_.assign(slots, kEmptyPair);
  pair_results_.assign(slots, kNoToken);
  pair_mask_ = slots - 1;
  pair_shift_ = 64 - std::countr_zero(slots);
  // At least eight bits a rule.
  const size_t words = std::bit_ceil(std::max<size_t>(8, rules.size() / 8));
  filter_.assign(words, 0);
  filter_shift_ = 64 - std::countr_zero(words);
  for (size_t i = 0; i < rules.size(); ++i) {
    if (i + kAhead < rules.size()) FetchPair(rules[i + kAhead].left, rules[i + kAhead].right);
    const Rule& rule = rules[i];
    const uint64_t key = (static_cast<uint64_t>(rule.left) << 21) | rule.right;
    const uint64_t hash = key * 0x9E3779B97F4A7C15ull;
    filter_[hash >> filter_shift_] |= FilterBits(hash >> 8);
    uint64_t slot = hash >> pair_shift_;
    while (pairs_[slot] != kEmptyPair && (pairs_[slot] >> 22) != key)
      slot = (slot + 1) & pair_mask_;
    pairs_[slot] = (key << 22) | rule.rank;
    pair_results_[slot] = rule.result;
  }
}

uint32_t BpeModel::PairResult(uint32_t left, uint32_t right) const {
  const uint64_t key = (static_cast<uint64_t>(left) << 21) | right;
  uint64_t slot = (key * 0x9E3779B97F4A7C15ull) >> pair_shift_;
  while ((pairs_[slot] >> 22) != key) {
    if (pairs_[slot] == kEmptyPair) return kNoToken;
    slot = (slot + 1) & pair_mask_;
  }
  return pair_results_[slot];
}

Status BpeModel::DeriveTokens(const Spec& spec, std::vector<bool>& odd) {
  tokens_.resize(spec.tokens.size());
  suffix_.resize(spec.tokens.size());
  prefix_.resize(spec.tokens.size());
  for (size_t id = 0; id < tokens_.size(); ++id) {
    tokens_[id].length = static_cast<uint32_t>(spec.tokens[id].size()) & 0x7FFFFFFF;
  }
  const auto birth = [&](uint32_t id) { return suffix_[id].birth; };
  const auto set_birth = [&](uint32_t id, int32_t rank, uint32_t left, uint32_t right) {
    suffix_[id] = {rank, right};
    prefix_[id] = {rank, left};
  };
  std::vector<std::pair<std::string_view, uint32_t>> atoms;
  for (const uint32_t atom : spec.atoms) {
    if (birth(atom) == -1) continue;
    set_birth(atom, -1, kNoToken, kNoToken);
    atoms.emplace_back(spec.tokens[atom], atom);
  }
  std::sort(atoms.begin(), atoms.end());
  JANGBU_ASSIGN_OR_RETURN(
      trie_, ByteTrie::Build(atoms));  // until BuildTrie; merging for real starts from atoms

  // In rank order every token is made by the first rule that nothing forestalls.
  std::vector<const Rule*> early;  // rules that come before their parts are made
  for (size_t i = 0; i < spec.rules.size(); ++i) {
    if (i + kAhead < spec.rules.size()) {
      const Rule& later = spec.rules[i + kAhead];
      FetchPair(later.left, later.right);
      __builtin_prefetch(&suffix_[later.left]);
      __builtin_prefetch(&suffix_[later.right]);
    }
    const Rule& rule = spec.rules[i];
    const auto rank = static_cast<int32_t>(rule.rank);
    if (PairRank(rule.left, rule.right) != rank) continue;  // replaced by a later rule
    if (birth(rule.left) >= rank || birth(rule.right) >= rank) {
      early.push_back(&rule);
      continue;
    }
    if (birth(rule.result) == kUnborn && NoneCrosses(rule.left, rule.right, rank)) {
      set_birth(rule.result, rank, rule.left, rule.right);
    }
  }

  if (early.empty()) return OkStatus();

  // What early rules change is found by asking the definition. Most change nothing: if an even
  // token c is made at its rank, an early rule (a, b) of c never comes to be used, because where a
  // and b stand side by side, what is between their outer ends was merged as c alone is, and that
  // has no a beside b in it on the way to c. The others are used if both their parts are made;
  // tokens that contain the result of such a rule may be made otherwise than found above, or not at
  // all, or only thanks to it. That may bring further early rules into use. (The shortest token
  // that is made otherwise than found above is itself the result of an early rule whose parts were
  // found above.)
  std::vector<uint32_t> asked;
  std::vector<Merged> answers;  // of `asked`
  std::vector<bool> used(early.size());
  while (true) {
    std::vector<std::pair<std::string_view, uint32_t>> results;
    for (size_t i = 0; i < early.size(); ++i) {
      if (used[i] || birth(early[i]->left) == kUnborn || birth(early[i]->right) == kUnborn)
        continue;
      const uint32_t made = early[i]->result;
      if (birth(made) >= 0 && birth(made) != kUnborn && !odd[made]) continue;
      used[i] = true;
      results.emplace_back(spec.tokens[early[i]->result], 0u);
    }
    if (results.empty()) break;
    std::sort(results.begin(), results.end());
    results.erase(std::unique(results.begin(), results.end()), results.end());
    JANGBU_ASSIGN_OR_RETURN(const ByteTrie trie, ByteTrie::Build(results));
    for (uint32_t id = 0; id < tokens_.size(); ++id) {
      if (odd[id]) continue;
      const std::string& bytes = spec.tokens[id];
      for (const char* p = bytes.data(); p < bytes.data() + bytes.size(); ++p) {
        if (trie.Longest(p, bytes.data() + bytes.size()).end == nullptr) continue;
        odd[id] = true;
        if (birth(id) == -1) break;
        asked.push_back(id);
        answers.push_back(MergeForReal(bytes));
        const Rule& last = answers.back().last;
        if (answers.back().tokens.size() == 1 && answers.back().tokens[0] == id) {
          set_birth(id, static_cast<int32_t>(last.rank), last.left, last.right);
        } else {
          set_birth(id, kUnborn, kNoToken, kNoToken);
        }
        break;
      }
    }
  }
  record_of_.assign(asked.empty() ? 0 : tokens_.size(), kNoToken);
  for (size_t i = 0; i < asked.size(); ++i) {
    const uint32_t id = asked[i];
    if (birth(id) == kUnborn) continue;  // What is never made is never a neighbour.
    tokens_[id].odd = 1;
    ++odd_tokens_;
    record_of_[id] = static_cast<uint32_t>(records_.size());
    const Merged& m = answers[i];
    Record record;
    record.last_atom = m.last_atom;
    record.first_atom = m.first_atom;
    record.last_begin = static_cast<uint32_t>(plays_.size());
    plays_.insert(plays_.end(), m.last_plays.begin(), m.last_plays.end());
    record.last_end = record.first_begin = static_cast<uint32_t>(plays_.size());
    plays_.insert(plays_.end(), m.first_plays.begin(), m.first_plays.end());
    record.first_end = static_cast<uint32_t>(plays_.size());
    records_.push_back(record);
  }
  return OkStatus();
}

// An even token is made in one way only, wherever it is made (see above), and one that is not made
// alone is not made at all: its other rules are never used, and the table is a third the size.
void BpeModel::KeepRulesInUse(const Spec& spec, const std::vector<bool>& odd) {
  std::vector<Rule> kept;
  for (const Rule& rule : spec.rules) {
    const int32_t birth = suffix_[rule.result].birth;
    if (odd[rule.result] || birth == -1 ||
        (birth == static_cast<int32_t>(rule.rank) && suffix_[rule.result].part == rule.right &&
         prefix_[rule.result].part == rule.left)) {
      kept.push_back(rule);
    }
  }
  InsertPairs(kept);
  std::vector<uint32_t>().swap(pair_results_);  // only needed to merge for real
}

Status BpeModel::BuildTrie(const Spec& spec) {
  std::vector<std::pair<std::string_view, uint32_t>> reachable;
  std::vector<std::pair<std::string_view, uint32_t>> others;
  for (uint32_t id = 0; id < tokens_.size(); ++id) {
    if (spec.tokens[id].empty()) continue;
    (suffix_[id].birth != kUnborn ? reachable : others).emplace_back(spec.tokens[id], id);
  }
  SortKeys(reachable);
  reachable_tokens_ = reachable.size();
  // In this order the tokens that a token starts with stand before it, on a stack.
  std::vector<size_t> open;
  for (size_t i = 0; i < reachable.size(); ++i) {
    while (!open.empty() && !reachable[i].first.starts_with(reachable[open.back()].first))
      open.pop_back();
    if (!open.empty()) {
      if (reachable[open.back()].first == reachable[i].first) {
        return InvalidArgument("token_repeated",
                               "tokens " + std::to_string(reachable[open.back()].second) + " and " +
                                   std::to_string(reachable[i].second) + " are the same bytes");
      }
      tokens_[reachable[i].second].next_prefix = reachable[open.back()].second;
    }
    open.push_back(i);
  }
  JANGBU_ASSIGN_OR_RETURN(trie_, ByteTrie::Build(reachable));
  for (int c = 0; c < 256; ++c) {
    Run& run = runs_[static_cast<size_t>(c)];
    ByteTrie::Node node = trie_.root();
    while ((node = trie_.Child(node, static_cast<unsigned char>(c))) != 0) {
      ++run.depth;
      if (ByteTrie::ValueAt(node) != ByteTrie::kNone) run.token = ByteTrie::ValueAt(node);
    }
  }
  if (whole_word_first_) {
    SortKeys(others);
    others.erase(std::unique(others.begin(), others.end(),
                             [](const auto& a, const auto& b) { return a.first == b.first; }),
                 others.end());
    JANGBU_ASSIGN_OR_RETURN(unreachable_, ByteTrie::Build(others));
  }
  return OkStatus();
}

size_t BpeModel::memory_bytes() const {
  return pairs_.capacity() * sizeof(uint64_t) + pair_results_.capacity() * sizeof(uint32_t) +
         tokens_.capacity() * sizeof(Token) + 2 * suffix_.capacity() * sizeof(Side) +
         filter_.capacity() * sizeof(uint64_t) + plays_.capacity() * sizeof(Play) +
         records_.capacity() * sizeof(Record) + record_of_.capacity() * sizeof(uint32_t) +
         trie_.memory_bytes() + unreachable_.memory_bytes();
}

// ------------------------------------------------------------------------------------------------------
// compatibility

bool BpeModel::NoneCrosses(uint32_t left, uint32_t right, int32_t limit) const {
  while (true) {
    // Here `left` and `right` stand side by side until rank `limit`.
    if (PairRank(left, right) < limit) return false;
    const Side& l = suffix_[left];
    const Side& r = prefix_[right];
    // Undo the later of the two last merges. At one rank, the left one is made first.
    if (l.birth > r.birth) {
      limit = l.birth;
      left = l.part;
    } else {
      if (r.birth < 0) return true;  // Both are atoms.
      limit = r.birth + 1;
      right = r.part;
    }
  }
}

uint32_t BpeModel::FirstThatFits(uint32_t left, uint32_t token, BpeScratch& scratch) const {
  // Long tokens have long histories: of these, as of odd ones, every answer is kept.
  if ((tokens_[left].odd | tokens_[token].odd) == 0 &&
      static_cast<int>(tokens_[left].length + tokens_[token].length) < kLongPair) [[likely]] {
    if (NoneCrosses(left, token, kNever)) return token;
    token = tokens_[token].next_prefix;
    if (token == kNoToken) return kNoToken;
  }
  const uint64_t hash = ((static_cast<uint64_t>(left) << 32) | token) * 0x9E3779B97F4A7C15ull;
  static_assert(kAnswerSlots == 1u << 13);
  BpeScratch::Answer& known = scratch.answers_[hash >> 51];
  if (known.left != left || known.longest != token) {
    uint32_t fits = token;
    while (fits != kNoToken && !Compatible(left, fits)) fits = tokens_[fits].next_prefix;
    known = {left, token, fits};
  }
  return known.fits;
}

// The two sides merge on their own, the lower rank next, the left side at equal ranks, until a
// merge across the boundary is due: its rank is below the left side's next and not above the right
// side's.
bool BpeModel::CompatibleByPlaying(uint32_t left, uint32_t right) const {
  // An even token's record is its chain of last merges, latest first; merges that leave its edge
  // alone need not be played, as what comes after them on that side has a higher rank.
  constexpr size_t kChainMax = 2048;
  Play left_chain[64];
  Play right_chain[64];
  std::vector<Play> long_chain[2];
  const auto chain = [&](const std::vector<Side>& sides, uint32_t id, Play* room,
                         std::vector<Play>& more, uint32_t& atom) -> std::span<const Play> {
    size_t size = 0;
    for (uint32_t t = id; sides[t].birth >= 0 && size < kChainMax; t = sides[t].part) ++size;
    Play* out = room;
    if (size > 64) {
      more.resize(size);
      out = more.data();
    }
    uint32_t t = id;
    for (size_t i = size; i-- > 0; t = sides[t].part) out[i] = {sides[t].birth, t};
    atom = t;
    return {out, size};
  };
  std::span<const Play> a;
  std::span<const Play> b;
  uint32_t x = kNoToken;
  uint32_t y = kNoToken;
  if (tokens_[left].odd != 0) {
    const Record& record = records_[record_of_[left]];
    a = {plays_.data() + record.last_begin, plays_.data() + record.last_end};
    x = record.last_atom;
  } else {
    a = chain(suffix_, left, left_chain, long_chain[0], x);
  }
  if (tokens_[right].odd != 0) {
    const Record& record = records_[record_of_[right]];
    b = {plays_.data() + record.first_begin, plays_.data() + record.first_end};
    y = record.first_atom;
  } else {
    b = chain(prefix_, right, right_chain, long_chain[1], y);
  }
  int32_t across = PairRank(x, y);
  for (size_t i = 0, j = 0;;) {
    const int32_t next_a = i < a.size() ? a[i].rank : kUnborn;
    const int32_t next_b = j < b.size() ? b[j].rank : kUnborn;
    if (across != kNever && across < next_a && across <= next_b) return false;
    if (next_a == kUnborn && next_b == kUnborn) return true;
    const uint32_t x_before = x;
    const uint32_t y_before = y;
    if (next_a <= next_b) {
      x = a[i++].edge;
    } else {
      y = b[j++].edge;
    }
    if (x != x_before || y != y_before) across = PairRank(x, y);
  }
}

BpeModel::Merged BpeModel::MergeForReal(std::string_view text) const {
  std::vector<uint32_t> row;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const ByteTrie::Match atom = trie_.Longest(p, end);
    if (atom.end == nullptr) return {};  // No row of atoms: no token.
    row.push_back(atom.value);
    p = atom.end;
  }
  struct Candidate {
    int32_t rank;
    uint32_t at;
    uint32_t left;
    uint32_t right;
    bool operator>(const Candidate& o) const {
      return std::pair(rank, at) > std::pair(o.rank, o.at);
    }
  };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  std::vector<uint32_t> next(row.size());
  std::vector<uint32_t> prev(row.size());
  const auto size = static_cast<uint32_t>(row.size());
  const auto offer = [&](uint32_t at) {
    if (at >= size || next[at] >= size) return;
    const int32_t rank = PairRank(row[at], row[next[at]]);
    if (rank != kNever) queue.push({rank, at, row[at], row[next[at]]});
  };
  for (uint32_t i = 0; i < size; ++i) {
    next[i] = i + 1;
    prev[i] = i == 0 ? size : i - 1;
  }
  for (uint32_t i = 0; i < size; ++i) offer(i);
  Merged merged;
  merged.first_atom = row.front();
  merged.last_atom = row.back();
  // A merge that leaves the edge as it was says nothing if the one after it has no lower rank:
  // waiting for the later one is then the same as waiting for both.
  const auto play = [](std::vector<Play>& plays, uint32_t atom, int32_t rank, uint32_t edge) {
    if (!plays.empty() && rank >= plays.back().rank) {
      const uint32_t before = plays.size() > 1 ? plays[plays.size() - 2].edge : atom;
      if (plays.back().edge == before) plays.pop_back();
    }
    plays.push_back({rank, edge});
  };
  uint32_t last_at = size - 1;  // where the last symbol stands
  while (!queue.empty()) {
    const Candidate c = queue.top();
    queue.pop();
    if (row[c.at] != c.left || next[c.at] >= size || row[next[c.at]] != c.right) continue;
    const uint32_t gone = next[c.at];
    merged.last = {c.left, c.right, PairResult(c.left, c.right), static_cast<uint32_t>(c.rank)};
    row[c.at] = merged.last.result;
    row[gone] = kNoToken;
    next[c.at] = next[gone];
    if (next[gone] < size) prev[next[gone]] = c.at;
    if (gone == last_at) last_at = c.at;
    play(merged.last_plays, merged.last_atom, c.rank, row[last_at]);
    play(merged.first_plays, merged.first_atom, c.rank, row[0]);
    if (prev[c.at] < size) offer(prev[c.at]);
    offer(c.at);
  }
  for (const uint32_t token : row) {
    if (token != kNoToken) merged.tokens.push_back(token);
  }
  return merged;
}

// -----------------------------------------------------------------------------------------------------------
// counting

uint32_t BpeModel::Find(std::string_view bytes) const {
  const uint32_t token = trie_.Find(bytes);
  return token != ByteTrie::kNone || unreachable_.empty() ? token : unreachable_.Find(bytes);
}

int64_t BpeModel::Count(std::string_view word, BpeScratch& scratch) const {
  const char* const p = word.data();
  const char* const end = p + word.size();
  if (whole_word_first_ && !unreachable_.empty() && unreachable_.Find(word) != ByteTrie::kNone)
    return 1;
  return word.size() < 64 ? CountShort(p, end, scratch) : CountLong(p, end, scratch);
}

// Nearly every row of tokens is found without a step back: the longest token at each place, and it
// fits. Of those the next tokens are looked up in turns, byte by byte; the others begin anew.
void BpeModel::CountTogether(std::span<const std::string_view> words, std::span<int64_t> counts,
                             BpeScratch& scratch) const {
  JANGBU_CHECK(words.size() <= kTogether && counts.size() == words.size());
  struct Row {
    ByteTrie::Walk walk;
    const char* at;
    uint32_t word;
    uint32_t last;
    int32_t count;
  };
  Row rows[kTogether];  // of the words that are not counted yet, those in `live`
  uint32_t live[kTogether];
  uint32_t walking[kTogether];
  size_t rows_live = 0;
  for (uint32_t i = 0; i < words.size(); ++i) {
    if (words[i].size() >= 64 || (whole_word_first_ && !unreachable_.empty())) {
      counts[i] = Count(words[i], scratch);
      continue;
    }
    rows[i] = {.walk = {}, .at = words[i].data(), .word = i, .last = kNoToken, .count = 0};
    live[rows_live++] = i;
  }
  while (rows_live > 0) {
    size_t left = rows_live;
    for (size_t k = 0; k < left; ++k) {
      Row& row = rows[live[k]];
      const std::string_view word = words[row.word];
      row.walk = trie_.WalkFrom(row.at, word.data() + word.size());
      walking[k] = live[k];
    }
    while (left > 0) {
      for (size_t k = 0; k < left;) {
        if (trie_.Step(rows[walking[k]].walk)) {
          ++k;
        } else {
          walking[k] = walking[--left];
        }
      }
    }
    for (size_t k = 0; k < rows_live; ++k) {
      const Row& row = rows[live[k]];
      if (row.walk.longest == kNoToken) continue;
      __builtin_prefetch(&tokens_[row.walk.longest]);
      if (row.last == kNoToken) continue;
      FetchPair(row.last, row.walk.longest);
      __builtin_prefetch(&suffix_[row.last]);
      __builtin_prefetch(&prefix_[row.walk.longest]);
    }
    size_t kept = 0;
    for (size_t k = 0; k < rows_live; ++k) {
      Row& row = rows[live[k]];
      const uint32_t token = row.walk.longest;
      const std::string_view word = words[row.word];
      if (token == kNoToken ||
          (row.last != kNoToken && FirstThatFits(row.last, token, scratch) != token)) {
        counts[row.word] = CountShort(word.data(), word.data() + word.size(), scratch);
        continue;
      }
      row.at += tokens_[token].length;
      row.last = token;
      ++row.count;
      if (row.at == word.data() + word.size()) {
        counts[row.word] = row.count;
      } else {
        live[kept++] = live[k];
      }
    }
    rows_live = kept;
  }
}

// Rows of tokens from left to right, longest first. `dead` marks ends of rows that cannot go on; as
// the row to an end is the only one, an end is tried once.
template <typename Stack, typename Ends, typename Longest>
int64_t BpeModel::Search(const char* p, const char* end, Stack& stack, Ends& dead, Longest longest,
                         BpeScratch& scratch) const {
  const auto size = static_cast<size_t>(end - p);
  size_t at = 0;
  uint32_t token = longest(p);
  if (token == kNoToken) return -1;
  while (true) {
    // `token` is the longest that is not ruled out after the row that ends at `at`.
    if (token != kNoToken && !stack.empty()) token = FirstThatFits(stack.back(), token, scratch);
    if (token == kNoToken) {
      dead.Set(at);
      if (stack.empty()) return -1;
      token = stack.back();
      stack.pop_back();
      at -= tokens_[token].length;
      token = tokens_[token].next_prefix;
      continue;
    }
    const size_t to = at + tokens_[token].length;
    if (dead.Has(to)) {
      token = tokens_[token].next_prefix;
      continue;
    }
    stack.push_back(token);
    at = to;
    if (at == size) return static_cast<int64_t>(stack.size());
    token = longest(p + at);
    if (token == kNoToken) return -1;
  }
}

int64_t BpeModel::CountShort(const char* p, const char* end, BpeScratch& scratch) const {
  struct Stack {
    uint32_t tokens[64];
    size_t depth = 0;
    bool empty() const { return depth == 0; }
    size_t size() const { return depth; }
    uint32_t back() const { return tokens[depth - 1]; }
    void push_back(uint32_t token) { tokens[depth++] = token; }
    void pop_back() { --depth; }
  };
  struct Ends {
    uint64_t bits = 0;
    void Set(size_t at) { bits |= uint64_t{1} << at; }
    bool Has(size_t at) const { return ((bits >> at) & 1) != 0; }
  };
  Stack stack;
  Ends dead;
  return Search(
      p, end, stack, dead, [&](const char* at) { return trie_.Longest(at, end).value; }, scratch);
}

int64_t BpeModel::CountLong(const char* p, const char* end, BpeScratch& scratch) const {
  struct Ends {
    std::vector<uint64_t>& bits;
    void Set(size_t at) { bits[at / 64] |= uint64_t{1} << (at % 64); }
    bool Has(size_t at) const { return ((bits[at / 64] >> (at % 64)) & 1) != 0; }
  };
  scratch.stack_.clear();
  scratch.dead_.assign(static_cast<size_t>(end - p) / 64 + 1, 0);
  Ends dead{scratch.dead_};
  // Far inside a run of one byte the longest token is always the same.
  const char* run_begin = p;
  const char* run_end = p;
  const auto longest = [&](const char* at) {
    const Run& run = runs_[static_cast<unsigned char>(*at)];
    if (run.depth < kRunMin) return trie_.Longest(at, end).value;
    if (at >= run_end || at < run_begin) {
      // After a step back a run already known need not be walked again.
      const char* const known = at < run_begin ? run_begin : end;
      const char* e = at;
      while (e < known && *e == *at) ++e;
      if (e < known || known == end || *known != *at) run_end = e;
      run_begin = at;
    }
    return run_end - at > run.depth ? run.token : trie_.Longest(at, end).value;
  };
  const int64_t count = Search(p, end, scratch.stack_, dead, longest, scratch);
  if (scratch.stack_.capacity() > kScratchKept) std::vector<uint32_t>().swap(scratch.stack_);
  if (scratch.dead_.capacity() > kScratchKept) std::vector<uint64_t>().swap(scratch.dead_);
  return count;
}

}  // namespace jangbu::ingest::tokens
