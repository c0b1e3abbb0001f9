#include "base/stable_array.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace jangbu {
namespace {

TEST(StableArrayTest, ElementsNeverMove) {
  struct alignas(64) Wide {
    uint64_t number = 0;
  };
  StableArray<Wide> array;
  std::vector<const Wide*> places;
  for (uint64_t i = 0; i < 100'000; ++i) places.push_back(&array.Append({i}));
  ASSERT_EQ(array.size(), places.size());
  for (uint64_t i = 0; i < array.size(); ++i) {
    ASSERT_EQ(&array[i], places[i]);
    ASSERT_EQ(array[i].number, i);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(places[i]) % 64, 0u);
  }
  // Taken off and put back: the same memory.
  for (int i = 0; i < 1'000; ++i) array.RemoveLast();
  EXPECT_EQ(array.back().number, 98'999u);
  EXPECT_EQ(&array.Append({7}), places[99'000]);
}

TEST(StableArrayTest, DestroysWhatItHolds) {
  const auto alive = std::make_shared<int>(0);
  {
    StableArray<std::shared_ptr<int>> array;
    for (int i = 0; i < 300; ++i) array.Append(alive);
    EXPECT_EQ(alive.use_count(), 301);
    array.RemoveLast();
    EXPECT_EQ(alive.use_count(), 300);
    StableArray<std::shared_ptr<int>> other = std::move(array);
    EXPECT_EQ(other.size(), 299u);
    EXPECT_TRUE(array.empty());
    array.Append(alive);
    other = std::move(array);
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(ZeroMemoryTest, IsZeroAndAligned) {
  for (const size_t bytes : {size_t{1}, size_t{64}, size_t{100'000}, size_t{2} << 20,
                             (size_t{2} << 20) + 1, size_t{5} << 20}) {
    const ZeroMemory memory(bytes);
    const auto* const data = static_cast<const unsigned char*>(memory.data());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % ZeroMemory::kAlignment, 0u);
    size_t set = 0;
    for (size_t i = 0; i < bytes; ++i) set += data[i] != 0 ? 1 : 0;
    EXPECT_EQ(set, 0u) << bytes;
  }
  EXPECT_EQ(ZeroMemory().data(), nullptr);
}

}  // namespace
}  // namespace jangbu
