#include "ingest/dedup/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>

namespace jangbu::ingest {
namespace {

std::vector<uint64_t> RandomKeys(size_t n, uint64_t seed) {
  std::mt19937_64 prng(seed);
  std::vector<uint64_t> keys;
  while (keys.size() < n) {
    while (keys.size() < n) keys.push_back(prng() >> 24);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }
  return keys;
}

TEST(KeyFilter, MembersPassAndFewStrangersDo) {
  for (const size_t n : {0u, 1u, 2u, 3u, 10u, 100u, 1000u, 12345u, 200000u, 2500000u}) {
    const std::vector<uint64_t> keys = RandomKeys(n, n + 1);
    const std::string bytes = KeyFilter::Encode(keys, 40);
    const auto filter = KeyFilter::Parse(bytes, 40);
    ASSERT_TRUE(filter.ok()) << n;
    EXPECT_EQ(filter->keys(), n);
    for (size_t i = 0; i < n; ++i) ASSERT_TRUE(filter->MayContain(keys[i]));
    std::mt19937_64 prng(99);
    uint64_t probe[50];
    size_t passed = 0;
    for (int round = 0; round < 1000; ++round) {
      for (uint64_t& k : probe) k = prng() >> 24;
      const uint64_t bits = filter->MayContain(probe, 50);
      for (size_t i = 0; i < 50; ++i) {
        ASSERT_EQ((bits >> i & 1) != 0, filter->MayContain(probe[i]));
      }
      passed += static_cast<size_t>(std::popcount(bits));
    }
    EXPECT_LT(passed, 400u) << n;  // 195 of 50,000 are expected
    if (n >= 200000) {
      EXPECT_LT(static_cast<double>(bytes.size()), 1.2 * static_cast<double>(n));
    }
  }
}

TEST(KeyFilter, NeighbouringKeysMakeAFilterToo) {
  std::vector<uint64_t> keys;
  for (uint64_t k = 5; k < 70005; ++k) keys.push_back(k);
  const std::string bytes = KeyFilter::Encode(keys, 40);
  const auto filter = KeyFilter::Parse(bytes, 40);
  ASSERT_TRUE(filter.ok());
  for (const uint64_t k : keys) ASSERT_TRUE(filter->MayContain(k));
}

TEST(KeyFilter, BadShapesAreRefused) {
  const std::string good = KeyFilter::Encode(RandomKeys(1000, 4), 40);
  EXPECT_TRUE(KeyFilter::Parse(good, 40).ok());
  EXPECT_FALSE(KeyFilter::Parse(good + '\0', 40).ok());
  EXPECT_FALSE(KeyFilter::Parse(good.substr(0, good.size() - 1), 40).ok());
  EXPECT_FALSE(KeyFilter::Parse("", 40).ok());
  std::string bad = good;
  bad[20] = 3;  // a segment length that is no power of two
  EXPECT_FALSE(KeyFilter::Parse(bad, 40).ok());
  bad = good;
  bad[8] = 25;  // more parts than there may be
  EXPECT_FALSE(KeyFilter::Parse(bad, 40).ok());
}

}  // namespace
}  // namespace jangbu::ingest
