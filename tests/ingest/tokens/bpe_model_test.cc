#include "ingest/tokens/bpe_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/ingest/tokens/random_text.h"
#include "tests/reference/tokens.h"

namespace jangbu::ingest::tokens {
namespace {

// A vocabulary over few letters, with the rules both sides use.
struct Vocabulary {
  BpeModel::Spec spec;
  std::vector<reference::MergeRule> rules;
  std::map<char, uint32_t> atoms;

  int64_t ByMerging(std::string_view word) const {
    std::vector<uint32_t> row;
    for (const char c : word) row.push_back(atoms.at(c));
    return static_cast<int64_t>(reference::MergeRepeatedly(rules, row).size());
  }
};

Vocabulary WithAtoms(std::string_view letters) {
  Vocabulary v;
  for (const char c : letters) {
    v.atoms[c] = static_cast<uint32_t>(v.spec.tokens.size());
    v.spec.atoms.push_back(static_cast<uint32_t>(v.spec.tokens.size()));
    v.spec.tokens.emplace_back(1, c);
  }
  return v;
}

void AddRule(Vocabulary& v, uint32_t left, uint32_t right, uint32_t rank) {
  const std::string whole = v.spec.tokens[left] + v.spec.tokens[right];
  uint32_t result = 0;
  while (result < v.spec.tokens.size() && v.spec.tokens[result] != whole) ++result;
  if (result == v.spec.tokens.size()) v.spec.tokens.push_back(whole);
  for (const auto& rule : v.rules) {
    if (rule.left == left && rule.right == right) return;
  }
  v.spec.rules.push_back({left, right, result, rank});
  v.rules.push_back({left, right, result, rank});
}

// Merges as a trainer makes them: of tokens there are, never twice the same pair; the same token
// may come twice.
Vocabulary RandomMergeList(Prng& prng, std::string_view letters, size_t rules) {
  Vocabulary v = WithAtoms(letters);
  for (uint32_t i = 0; i < rules; ++i) {
    const auto left = static_cast<uint32_t>(prng.Below(v.spec.tokens.size()));
    const auto right = static_cast<uint32_t>(prng.Below(v.spec.tokens.size()));
    if (v.spec.tokens[left].size() + v.spec.tokens[right].size() > 9) continue;
    AddRule(v, left, right, i);
  }
  return v;
}

// Any strings as tokens, every way to cut one in two as a rule. `one_rank`: all cuts of a token
// share its rank, as in a rank file; else each has its own, as in a tokenizer.json made from ranks.
// Rules may come before their parts.
Vocabulary FromRanks(Prng& prng, std::string_view letters, size_t entries, bool one_rank) {
  Vocabulary v = WithAtoms(letters);
  while (v.spec.tokens.size() < letters.size() + entries) {
    std::string token;
    for (uint64_t n = 2 + prng.Below(5); n > 0; --n)
      token.push_back(letters[prng.Below(letters.size())]);
    bool there = false;
    for (const std::string& t : v.spec.tokens) there = there || t == token;
    if (!there) v.spec.tokens.push_back(token);
    if (prng.OneIn(50)) break;
  }
  uint32_t rank = 0;
  const size_t size = v.spec.tokens.size();
  for (uint32_t id = static_cast<uint32_t>(letters.size()); id < size; ++id) {
    for (uint32_t left = 0; left < size; ++left) {
      for (uint32_t right = 0; right < size; ++right) {
        if (v.spec.tokens[left] + v.spec.tokens[right] == v.spec.tokens[id]) {
          AddRule(v, left, right, one_rank ? id : rank++);
        }
      }
    }
  }
  return v;
}

void AgreesOnAllWords(const Vocabulary& v, std::string_view letters, size_t longest,
                      const char* what, int round) {
  auto model = BpeModel::Build(v.spec);
  ASSERT_TRUE(model.ok()) << model.status();
  BpeScratch scratch;
  std::string word;
  std::vector<std::string> texts;
  std::vector<int64_t> wants;
  // Every word up to `longest` letters, as numbers in base |letters|.
  for (size_t size = 1; size <= longest; ++size) {
    size_t words = 1;
    for (size_t i = 0; i < size; ++i) words *= letters.size();
    for (size_t n = 0; n < words; ++n) {
      word.clear();
      for (size_t i = 0, rest = n; i < size; ++i, rest /= letters.size())
        word.push_back(letters[rest % letters.size()]);
      const int64_t want = v.ByMerging(word);
      ASSERT_EQ(model->Count(word, scratch), want)
          << what << " round " << round << " word " << word;
      texts.push_back(word);
      wants.push_back(want);
    }
  }
  // The same words, several at once.
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<int64_t> counts(views.size());
  for (size_t from = 0, n = 1; from < views.size(); from += n, n = n % BpeModel::kTogether + 1) {
    const size_t now = std::min(n, views.size() - from);
    model->CountTogether(std::span(views).subspan(from, now), std::span(counts).subspan(from, now),
                         scratch);
  }
  ASSERT_EQ(counts, wants) << what << " round " << round;
}

TEST(BpeModel, AgreesWithRepeatedMergingOnEveryShortWord) {
  Prng prng(11);
  for (int round = 0; round < 120; ++round) {
    AgreesOnAllWords(RandomMergeList(prng, "ab", 1 + prng.Below(14)), "ab", 9, "merge list", round);
    AgreesOnAllWords(FromRanks(prng, "ab", 1 + prng.Below(10), true), "ab", 9, "ranks", round);
    AgreesOnAllWords(FromRanks(prng, "ab", 1 + prng.Below(10), false), "ab", 9,
                     "merge list from ranks", round);
  }
  for (int round = 0; round < 40; ++round) {
    AgreesOnAllWords(RandomMergeList(prng, "abc", 1 + prng.Below(20)), "abc", 6, "merge list",
                     round);
    AgreesOnAllWords(FromRanks(prng, "abc", 1 + prng.Below(20), false), "abc", 6,
                     "merge list from ranks", round);
  }
}

TEST(BpeModel, AgreesWithRepeatedMergingOnLongWords) {
  Prng prng(12);
  for (int round = 0; round < 120; ++round) {
    const Vocabulary v = round % 3 == 0   ? RandomMergeList(prng, "abc", 40)
                         : round % 3 == 1 ? FromRanks(prng, "abc", 40, true)
                                          : FromRanks(prng, "abc", 40, false);
    auto model = BpeModel::Build(v.spec);
    ASSERT_TRUE(model.ok());
    BpeScratch scratch;
    for (const size_t size : {62, 63, 64, 65, 200}) {
      std::string word;
      const bool runs = prng.OneIn(2);
      while (word.size() < size) word.append(runs ? 1 + prng.Below(12) : 1, "abc"[prng.Below(3)]);
      ASSERT_EQ(model->Count(word, scratch), v.ByMerging(word))
          << "round " << round << " word " << word;
    }
  }
}

TEST(BpeModel, EarlyRulesOfWhatIsMadeOtherwiseChangeNothing) {
  // (a, aaa) ranks before "aaa" is made, as in lists made from ranks; "aaaa" is made of two "aa".
  Vocabulary v = WithAtoms("a");
  v.spec.tokens = {"a", "aa", "aaaa", "aaa"};
  v.spec.rules = {{0, 0, 1, 0}, {0, 3, 2, 1}, {1, 1, 2, 2}, {0, 1, 3, 3}, {1, 0, 3, 4}};
  for (const auto& r : v.spec.rules) v.rules.push_back({r.left, r.right, r.result, r.rank});
  auto model = BpeModel::Build(v.spec);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->odd_tokens(), 0u);
  BpeScratch scratch;
  for (size_t size = 1; size < 130; ++size) {
    ASSERT_EQ(model->Count(std::string(size, 'a'), scratch), v.ByMerging(std::string(size, 'a')))
        << size;
  }
}

TEST(BpeModel, EarlyRulesInUseMakeOddTokens) {
  // "abc" is made of "a" and "bc" only, and ranks before "bc"; "abcabc" holds it.
  Vocabulary v = WithAtoms("abc");
  v.spec.tokens = {"a", "b", "c", "bc", "abc", "abcabc", "ca"};
  v.spec.rules = {{0, 3, 4, 0}, {4, 4, 5, 1}, {2, 0, 6, 2}, {1, 2, 3, 3}};
  for (const auto& r : v.spec.rules) v.rules.push_back({r.left, r.right, r.result, r.rank});
  auto model = BpeModel::Build(v.spec);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->odd_tokens(), 1u) << "in \"abcabc\", \"ca\" comes first";
  BpeScratch scratch;
  for (uint32_t word = 0; word < 6561; ++word) {
    std::string text;
    for (uint32_t rest = word; text.size() < 8; rest /= 3) text.push_back("abc"[rest % 3]);
    ASSERT_EQ(model->Count(text, scratch), v.ByMerging(text)) << text;
  }
}

TEST(BpeModel, WholeWordFirst) {
  Vocabulary v = WithAtoms("ab");
  v.spec.tokens.push_back("abab");
  v.spec.whole_word_first = true;
  auto model = BpeModel::Build(v.spec);
  ASSERT_TRUE(model.ok());
  BpeScratch scratch;
  EXPECT_EQ(model->Count("abab", scratch), 1) << "no merge makes it, the vocabulary has it";
  EXPECT_EQ(model->Count("ababa", scratch), 5);
}

TEST(BpeModel, WordsOutsideTheAtomsAreReported) {
  auto model = BpeModel::Build(WithAtoms("ab").spec);
  ASSERT_TRUE(model.ok());
  BpeScratch scratch;
  EXPECT_EQ(model->Count("axb", scratch), -1);
  EXPECT_EQ(model->Count(std::string(100, 'a') + "x", scratch), -1);
}

TEST(BpeModel, RefusesRulesThatDoNotAddUp) {
  Vocabulary v = WithAtoms("ab");
  v.spec.tokens.push_back("ba");
  v.spec.rules = {{0, 1, 2, 0}};
  EXPECT_EQ(BpeModel::Build(v.spec).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(BpeModel, AGiantWordIsLinear) {
  // 16 MiB of one letter; quadratic work would never end.
  Prng prng(13);
  const Vocabulary v = FromRanks(prng, "ab", 12, false);
  auto model = BpeModel::Build(v.spec);
  ASSERT_TRUE(model.ok());
  BpeScratch scratch;
  EXPECT_GT(model->Count(std::string(16 << 20, 'a'), scratch), 0);
}

}  // namespace
}  // namespace jangbu::ingest::tokens
