#include "ingest/dedup/rolling_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/ingest/dedup/run_corpus.h"

namespace jangbu::ingest {
namespace {

TEST(RunHasher, RollingEqualsFromScratch) {
  const RunHasher hasher(kTestSecret);
  Prng prng(1);
  for (const size_t width : {1u, 2u, 12u, 24u, 50u}) {
    std::u32string text;
    for (int i = 0; i < 2000; ++i) {
      text.push_back(prng(3) == 0 ? U'ㅋ' : static_cast<char32_t>(prng(0x110000)));
    }
    RunHasher::Roller roller(hasher, width);
    roller.Reset(text.data());
    for (size_t i = 0; i + width < text.size(); ++i) {
      ASSERT_EQ(roller.key(), hasher.KeyOf(text.data() + i, width));
      ASSERT_LT(roller.key(), uint64_t{1} << kRunKeyBits);
      roller.Step(text[i], text[i + width]);
    }
  }
}

// Modulo 2^64 the Thue–Morse words of 2,048 letters collide for every base; here they do not.
TEST(RunHasher, ThueMorseWordsDoNotCollide) {
  std::u32string a(2048, U'가');
  std::u32string b(2048, U'나');
  for (uint32_t i = 0; i < 2048; ++i) {
    if (std::popcount(i) % 2 != 0) std::swap(a[i], b[i]);
  }
  for (char c = 'a'; c <= 'z'; ++c) {
    const RunHasher hasher(std::string(32, c));
    EXPECT_NE(hasher.KeyOf(a.data(), a.size()), hasher.KeyOf(b.data(), b.size()));
  }
}

TEST(RunHasher, SecretsDiffer) {
  const RunHasher a(std::string(32, 'a'));
  const RunHasher b(std::string(32, 'b'));
  const RunHasher longer(std::string(32, 'a') + "b");
  const std::u32string text = U"가나다라마바사아자차카타";
  EXPECT_NE(a.check(), b.check());
  EXPECT_NE(a.check(), longer.check());
  EXPECT_NE(a.KeyOf(text.data(), 12), b.KeyOf(text.data(), 12));
  EXPECT_EQ(a.KeyOf(text.data(), 12), RunHasher(std::string(32, 'a')).KeyOf(text.data(), 12));
}

// Keys of like windows spread over all 40 bits.
TEST(RunHasher, KeysOfLikeWindowsSpread) {
  const RunHasher hasher(kTestSecret);
  std::set<uint64_t> keys;
  std::vector<int> high(16), low(16);
  std::u32string text(12, U'가');
  for (uint32_t i = 0; i < 16000; ++i) {
    text[11] = 0xAC00 + i % 11172;
    text[0] = 0xAC00 + i / 11172;
    const uint64_t key = hasher.KeyOf(text.data(), 12);
    keys.insert(key);
    ++high[key >> 36];
    ++low[key & 15];
  }
  EXPECT_EQ(keys.size(), 16000u);
  for (int i = 0; i < 16; ++i) {
    EXPECT_NEAR(high[static_cast<size_t>(i)], 1000, 200);
    EXPECT_NEAR(low[static_cast<size_t>(i)], 1000, 200);
  }
}

}  // namespace
}  // namespace jangbu::ingest
