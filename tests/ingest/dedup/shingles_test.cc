// Jaccard of 5-grams, against sets of strings.

#include "ingest/dedup/shingles.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "ingest/dedup/run_index_segment.h"

namespace jangbu::ingest {
namespace {

template <typename Piece>
uint32_t Jaccard(const std::vector<Piece>& a, const std::vector<Piece>& b) {
  const auto grams = [](const std::vector<Piece>& of) {
    std::set<std::vector<Piece>> out;
    const size_t n = std::min<size_t>(of.size(), 5);
    for (size_t i = 0; n > 0 && i + n <= of.size(); ++i)
      out.insert(std::vector<Piece>(of.begin() + static_cast<ptrdiff_t>(i),
                                    of.begin() + static_cast<ptrdiff_t>(i + n)));
    return out;
  };
  const auto in_a = grams(a);
  const auto in_b = grams(b);
  size_t common = 0;
  for (const auto& gram : in_a) common += in_b.count(gram);
  const size_t all = in_a.size() + in_b.size() - common;
  return all == 0 ? 0 : static_cast<uint32_t>(common * 1'000'000 / all);
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ' && c != '\n') {
      word.push_back(c);
    } else if (!word.empty()) {
      out.push_back(std::exchange(word, {}));
    }
  }
  return out;
}

std::vector<char32_t> Chars(const std::string& text) {
  std::vector<char32_t> out;
  for (const char32_t c : CodePoints(text)) {
    if (c != U' ' && c != U'\n') out.push_back(c);
  }
  return out;
}

TEST(Shingles, AreTheJaccardOfSetsOfFive) {
  const std::string words[] = {"가", "나다", "라", "하늘", "땅"};
  std::mt19937 rng(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string texts[2];
    for (std::string& text : texts) {
      for (size_t n = rng() % 14; n > 0; --n) {
        text += words[rng() % 5];
        text += rng() % 4 == 0 ? "\n" : " ";
      }
    }
    EXPECT_EQ(WordJaccard(texts[0], texts[1]), Jaccard(Words(texts[0]), Words(texts[1])))
        << texts[0] << " | " << texts[1];
    EXPECT_EQ(CharJaccard(texts[0], texts[1]), Jaccard(Chars(texts[0]), Chars(texts[1])))
        << texts[0] << " | " << texts[1];
  }
}

}  // namespace
}  // namespace jangbu::ingest
