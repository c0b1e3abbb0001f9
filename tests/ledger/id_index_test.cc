// The index of ids beside its slow twin, a list that is searched from end to end.

#include "ledger/id_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "ledger/account.h"

namespace jangbu::ledger {
namespace {

struct Named {
  IdIndex::Hash hash;
  uint64_t id;
};

class Twins {
 public:
  void Insert(IdIndex::Hash hash, uint64_t id) {
    fast_.Insert(hash, things_.size());
    things_.push_back({hash, id});
    live_.push_back(things_.size() - 1);
  }
  void Erase(size_t of_live) {
    const uint64_t position = live_[of_live];
    fast_.Erase(things_[position].hash, position);
    live_.erase(live_.begin() + static_cast<ptrdiff_t>(of_live));
  }
  size_t live() const { return live_.size(); }

  // Everything there is found, and nothing else.
  void Compare() const {
    ASSERT_EQ(fast_.size(), live_.size());
    std::vector<bool> lives(things_.size());
    for (const uint64_t position : live_) lives[position] = true;
    for (uint64_t position = 0; position < things_.size(); ++position) {
      const Named& named = things_[position];
      const auto found =
          fast_.Find(named.hash, [&](uint64_t i) { return things_[i].id == named.id; });
      ASSERT_EQ(found.has_value(), lives[position]) << position;
      if (!found.has_value()) continue;
      ASSERT_EQ(*found, position);
      const auto guess = fast_.Guess(named.hash);
      ASSERT_TRUE(guess.has_value());
      ASSERT_EQ(things_[*guess].hash, named.hash);
    }
  }

 private:
  IdIndex fast_;
  std::vector<Named> things_;   // by position
  std::vector<uint64_t> live_;  // positions, in order of insertion
};

TEST(IdIndexTest, AnEmptyOneFindsNothing) {
  const IdIndex index;
  EXPECT_EQ(index.Find(0, [](uint64_t) { return true; }), std::nullopt);
  EXPECT_EQ(index.Guess(~IdIndex::Hash{0}), std::nullopt);
  index.Prefetch(7);
}

TEST(IdIndexTest, AgreesWithItsTwinOnAnyHashes) {
  struct Row {
    const char* what;
    IdIndex::Hash mask;   // of a random hash
    IdIndex::Hash fixed;  // bits set besides
  };
  for (const Row& row : {
           Row{"as they come", ~IdIndex::Hash{0}, 0},
           Row{"all in the first slots", 0x00FF'FFFF, 0},
           Row{"all in the last slots, so that they wrap round", 0x00FF'FFFF, 0xFF00'0000},
           Row{"four hashes for all", 0xC000'0000, 0x0000'0001},
           Row{"one hash for all", 0, 0xFFFF'FFFF},
       }) {
    SCOPED_TRACE(row.what);
    std::mt19937_64 random(6);
    Twins twins;
    uint64_t next = 0;
    for (int step = 0; step < 1'000; ++step) {
      if (twins.live() != 0 && random() % 3 == 0) {
        // What is taken back is the last; the index can do any.
        twins.Erase(random() % 2 == 0 ? twins.live() - 1 : random() % twins.live());
      } else {
        twins.Insert((static_cast<IdIndex::Hash>(random()) & row.mask) | row.fixed, ++next);
      }
      if (step % 50 == 0) twins.Compare();
      if (HasFatalFailure()) return;
    }
    twins.Compare();
    while (twins.live() != 0) twins.Erase(twins.live() - 1);
    twins.Compare();
  }
}

TEST(IdIndexTest, MovesWithWhatItHolds) {
  IdIndex index;
  index.Insert(5, 0);
  IdIndex other = std::move(index);
  EXPECT_EQ(other.Guess(5), 0u);
  index = IdIndex();
  EXPECT_EQ(index.Guess(5), std::nullopt);
  index.Insert(5, 3);
  other = std::move(index);
  EXPECT_EQ(other.Guess(5), 3u);
  EXPECT_EQ(other.size(), 1u);
}

// Ids that follow each other, as a client makes them, do not crowd.
TEST(IdIndexTest, HashesOfAscendingIdsSpread) {
  constexpr size_t kIds = 1 << 16;
  for (const bool high : {false, true}) {
    std::vector<size_t> of_bucket(256);
    for (uint64_t i = 1; i <= kIds; ++i) {
      const TransferId id = high ? TransferId(i, 1) : TransferId(i);
      ++of_bucket[IdIndex::HashOf(id) >> 24];
    }
    // 256 of each expected, 16 the deviation.
    EXPECT_LT(*std::max_element(of_bucket.begin(), of_bucket.end()), kIds / 256 + 160) << high;
    EXPECT_GT(*std::min_element(of_bucket.begin(), of_bucket.end()), kIds / 256 - 160) << high;
  }
}

}  // namespace
}  // namespace jangbu::ledger
