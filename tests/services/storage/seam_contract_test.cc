// One contract for each seam, the same tests over every implementation: in memory, on RocksDB, and
// behind the fault-injecting wrapper while it injects nothing. A new engine is added as one more
// harness.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/memory_seams.h"
#include "services/storage/rocks_blob_store.h"
#include "services/storage/rocks_journal.h"
#include "services/storage/rocks_key_index.h"
#include "services/storage/rocks_key_vault.h"
#include "tests/support/faulty_seams.h"
#include "tests/support/temp_dir.h"

namespace jangbu::services {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ---- Harnesses: get() is the seam, Reopen() is a new process over the same storage. ----

template <typename Twin>
class InMemory {
 public:
  Twin& get() { return twin_; }
  void Reopen() {}

 private:
  Twin twin_;
};

template <typename Twin, typename Wrapper>
class Faultless {
 public:
  Wrapper& get() { return wrapper_; }
  void Reopen() {}

 private:
  Twin twin_;
  support::FaultPlan plan_;
  Wrapper wrapper_{twin_, plan_};
};

template <typename Store>
StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& dir) {
  if constexpr (std::is_same_v<Store, RocksKeyIndex>) {
    RocksKeyIndexOptions options;
    options.table_keys = 700;  // so that tests cross many files
    return RocksKeyIndex::Open(dir, options);
  } else if constexpr (std::is_same_v<Store, RocksBlobStore>) {
    RocksBlobStoreOptions options;
    options.write_buffer_bytes = 512 << 10;  // likewise
    return RocksBlobStore::Open(dir, options);
  } else {
    return Store::Open(dir);
  }
}

template <typename Store>
class OnRocks {
 public:
  OnRocks() { Reopen(); }
  Store& get() { return *store_; }
  void Reopen() {
    store_.reset();
    auto opened = OpenStore<Store>(dir_ / "store");
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

 private:
  support::TempDir dir_;
  std::unique_ptr<Store> store_;
};

std::string_view ReasonIs(const Status& status) { return ReasonOf(status); }

// ---- Journal ----

template <typename Harness>
class JournalContract : public ::testing::Test {
 protected:
  Journal& journal() { return harness_.get(); }
  Status Append(Epoch epoch, Seq expected, const std::vector<std::string>& records) {
    const std::vector<std::string_view> views(records.begin(), records.end());
    return journal().Append(epoch, expected, views);
  }
  std::vector<std::string> ReadAll() {
    auto records = journal().Read(0, SIZE_MAX, SIZE_MAX);
    EXPECT_TRUE(records.ok()) << records.status();
    return records.ok() ? *records : std::vector<std::string>{};
  }
  Harness harness_;
};

using Journals =
    ::testing::Types<InMemory<MemoryJournal>, Faultless<MemoryJournal, support::FaultyJournal>,
                     OnRocks<RocksJournal>>;
TYPED_TEST_SUITE(JournalContract, Journals);

TYPED_TEST(JournalContract, IsEmptyAtFirst) {
  EXPECT_EQ(this->journal().Tail().value(), 0u);
  EXPECT_THAT(this->ReadAll(), IsEmpty());
}

TYPED_TEST(JournalContract, KeepsRecordsInOrderAndOverReopening) {
  const Epoch epoch = this->journal().Acquire().value();
  const std::string binary("\0\xFF\n\x01", 4);
  ASSERT_TRUE(this->Append(epoch, 0, {"가", "", binary}).ok());
  ASSERT_TRUE(this->Append(epoch, 3, {"넷"}).ok());
  EXPECT_THAT(this->ReadAll(), ElementsAre("가", "", binary, "넷"));
  this->harness_.Reopen();
  EXPECT_EQ(this->journal().Tail().value(), 4u);
  EXPECT_THAT(this->ReadAll(), ElementsAre("가", "", binary, "넷"));
}

TYPED_TEST(JournalContract, AppendsNothingAsNothing) {
  const Epoch epoch = this->journal().Acquire().value();
  EXPECT_TRUE(this->Append(epoch, 0, {}).ok());
  EXPECT_EQ(ReasonIs(this->Append(epoch, 1, {})), "seq_conflict");
  EXPECT_EQ(this->journal().Tail().value(), 0u);
}

TYPED_TEST(JournalContract, FencesAnEarlierWriter) {
  const Epoch first = this->journal().Acquire().value();
  ASSERT_TRUE(this->Append(first, 0, {"a"}).ok());
  const Epoch second = this->journal().Acquire().value();
  EXPECT_GT(second, first);
  const Status refused = this->Append(first, 1, {"b"});
  EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonIs(refused), "writer_fenced");
  EXPECT_TRUE(this->Append(second, 1, {"c"}).ok());
  EXPECT_THAT(this->ReadAll(), ElementsAre("a", "c"));
}

TYPED_TEST(JournalContract, FencesAWriterThatNeverWasOne) {
  EXPECT_EQ(ReasonIs(this->Append(77, 0, {"a"})), "writer_fenced");
  EXPECT_EQ(this->journal().Tail().value(), 0u);
}

TYPED_TEST(JournalContract, EpochsGrowOverReopening) {
  const Epoch first = this->journal().Acquire().value();
  this->harness_.Reopen();
  const Epoch second = this->journal().Acquire().value();
  EXPECT_GT(second, first);
  EXPECT_EQ(ReasonIs(this->Append(first, 0, {"late"})), "writer_fenced");
}

TYPED_TEST(JournalContract, RefusesAWrongPositionAndWritesNothing) {
  const Epoch epoch = this->journal().Acquire().value();
  ASSERT_TRUE(this->Append(epoch, 0, {"a", "b"}).ok());
  for (const Seq wrong : {Seq{0}, Seq{1}, Seq{3}, ~Seq{0}}) {
    const Status refused = this->Append(epoch, wrong, {"x"});
    EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(ReasonIs(refused), "seq_conflict") << wrong;
  }
  EXPECT_THAT(this->ReadAll(), ElementsAre("a", "b"));
}

TYPED_TEST(JournalContract, ReadsFromAnywhereWithinLimits) {
  const Epoch epoch = this->journal().Acquire().value();
  ASSERT_TRUE(this->Append(epoch, 0, {"0", "11", "222", "3333", "44444"}).ok());
  const auto read = [&](Seq from, size_t records, size_t bytes) {
    return this->journal().Read(from, records, bytes).value();
  };
  EXPECT_THAT(read(1, 2, 100), ElementsAre("11", "222"));
  EXPECT_THAT(read(3, 100, 100), ElementsAre("3333", "44444"));
  EXPECT_THAT(read(5, 100, 100), IsEmpty());
  EXPECT_THAT(read(~Seq{0}, 100, 100), IsEmpty());
  EXPECT_THAT(read(0, 0, 100), IsEmpty());
  EXPECT_THAT(read(0, 100, 0), ElementsAre("0")) << "one record whatever its size";
  EXPECT_THAT(read(0, 100, 3), ElementsAre("0", "11"));
  EXPECT_THAT(read(0, 100, 5), ElementsAre("0", "11"));
  EXPECT_THAT(read(0, 100, 6), ElementsAre("0", "11", "222"));
}

TYPED_TEST(JournalContract, OneOfManyWritersWinsEachPosition) {
  const Epoch epoch = this->journal().Acquire().value();
  std::atomic<int> won{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 8; ++writer) {
    writers.emplace_back([&, writer] {
      for (Seq seq = 0; seq < 25; ++seq) {
        const Status status =
            this->Append(epoch, seq, {std::to_string(seq) + " " + std::to_string(writer)});
        if (status.ok()) {
          ++won;
        } else {
          EXPECT_EQ(ReasonIs(status), "seq_conflict");
        }
        while (this->journal().Tail().value() <= seq) std::this_thread::yield();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(won, 25);
  const auto records = this->ReadAll();
  ASSERT_EQ(records.size(), 25u);
  for (size_t i = 0; i < records.size(); ++i)
    EXPECT_TRUE(records[i].starts_with(std::to_string(i) + " "));
}

TYPED_TEST(JournalContract, AgreesWithAListUnderRandomUse) {
  std::mt19937_64 random(20260731);
  std::vector<std::string> expected;
  Epoch epoch = this->journal().Acquire().value();
  for (int step = 0; step < 300; ++step) {
    switch (random() % 8) {
      case 0:
        this->harness_.Reopen();
        epoch = this->journal().Acquire().value();
        break;
      case 1:
      case 2: {
        const Seq from = random() % (expected.size() + 2);
        const size_t most = random() % 20;
        const auto got = this->journal().Read(from, most, SIZE_MAX).value();
        const size_t begin = std::min<size_t>(from, expected.size());
        const size_t end = std::min(begin + most, expected.size());
        ASSERT_EQ(got, std::vector<std::string>(expected.begin() + begin, expected.begin() + end))
            << step;
        break;
      }
      default: {
        std::vector<std::string> records(random() % 6);
        for (std::string& record : records)
          record = std::string(random() % 300, static_cast<char>(random()));
        ASSERT_TRUE(this->Append(epoch, expected.size(), records).ok()) << step;
        expected.insert(expected.end(), records.begin(), records.end());
      }
    }
  }
  EXPECT_EQ(this->ReadAll(), expected);
}

// ---- KeyIndex ----

Key KeyOf(uint64_t n) {
  Key key{};
  for (int i = 0; i < 8; ++i) key[i] = static_cast<uint8_t>((n * 0x9E3779B97F4A7C15u) >> (8 * i));
  for (int i = 0; i < 8; ++i) key[8 + i] = static_cast<uint8_t>(n >> (8 * i));
  return key;
}

constexpr TableId kDocuments{1, 0};
constexpr TableId kSegments{2, 7};

template <typename Harness>
class KeyIndexContract : public ::testing::Test {
 protected:
  KeyIndex& index() { return harness_.get(); }
  std::vector<ClaimResult> Claim(TableId table, uint64_t token,
                                 const std::vector<KeyClaim>& claims) {
    auto results = index().Claim(table, token, claims);
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? *results : std::vector<ClaimResult>(claims.size());
  }
  std::optional<Owner> OwnerOf(TableId table, const Key& key) {
    return index().Lookup(table, {&key, 1}).value()[0];
  }
  Harness harness_;
};

using KeyIndexes =
    ::testing::Types<InMemory<MemoryKeyIndex>, Faultless<MemoryKeyIndex, support::FaultyKeyIndex>,
                     OnRocks<RocksKeyIndex>>;
TYPED_TEST_SUITE(KeyIndexContract, KeyIndexes);

TYPED_TEST(KeyIndexContract, FirstClaimWins) {
  auto results = this->Claim(kDocuments, 5, {{KeyOf(1), 10}, {KeyOf(2), 11}});
  EXPECT_EQ(results[0].state, ClaimState::kNew);
  EXPECT_EQ(results[0].owner, (Owner{5, 10}));
  results = this->Claim(kDocuments, 6, {{KeyOf(2), 0}, {KeyOf(3), 1}});
  EXPECT_EQ(results[0].state, ClaimState::kTaken);
  EXPECT_EQ(results[0].owner, (Owner{5, 11}));
  EXPECT_EQ(results[1].state, ClaimState::kNew);
}

TYPED_TEST(KeyIndexContract, ARetryIsMine) {
  this->Claim(kDocuments, 5, {{KeyOf(1), 10}});
  EXPECT_EQ(this->Claim(kDocuments, 5, {{KeyOf(1), 10}})[0].state, ClaimState::kMine);
  const auto other = this->Claim(kDocuments, 5, {{KeyOf(1), 11}});
  EXPECT_EQ(other[0].state, ClaimState::kTaken)
      << "another document of the same batch is another owner";
  EXPECT_EQ(other[0].owner, (Owner{5, 10}));
}

TYPED_TEST(KeyIndexContract, OfEqualKeysInACallTheFirstWins) {
  const auto results = this->Claim(kDocuments, 5, {{KeyOf(1), 3}, {KeyOf(1), 2}, {KeyOf(1), 3}});
  EXPECT_EQ(results[0].state, ClaimState::kNew);
  EXPECT_EQ(results[1].state, ClaimState::kTaken);
  EXPECT_EQ(results[1].owner, (Owner{5, 3}));
  EXPECT_EQ(results[2].state, ClaimState::kMine);
}

TYPED_TEST(KeyIndexContract, TablesAreApart) {
  this->Claim(kDocuments, 1, {{KeyOf(1), 0}});
  EXPECT_EQ(this->OwnerOf(kSegments, KeyOf(1)), std::nullopt);
  EXPECT_EQ(this->OwnerOf({1, 1}, KeyOf(1)), std::nullopt);
  EXPECT_EQ(this->Claim(kSegments, 2, {{KeyOf(1), 0}})[0].state, ClaimState::kNew);
  EXPECT_EQ(this->OwnerOf(kDocuments, KeyOf(1)), (Owner{1, 0}));
}

TYPED_TEST(KeyIndexContract, ReleasesOnlyItsOwn) {
  this->Claim(kDocuments, 1, {{KeyOf(1), 0}});
  this->Claim(kDocuments, 2, {{KeyOf(2), 0}});
  const std::vector<Key> keys = {KeyOf(1), KeyOf(2), KeyOf(3)};
  ASSERT_TRUE(this->index().Release(kDocuments, 1, keys).ok());
  EXPECT_EQ(this->OwnerOf(kDocuments, KeyOf(1)), std::nullopt);
  EXPECT_EQ(this->OwnerOf(kDocuments, KeyOf(2)), (Owner{2, 0}));
  ASSERT_TRUE(this->index().Release(kDocuments, 1, keys).ok()) << "twice is once";
  this->harness_.Reopen();
  EXPECT_EQ(this->OwnerOf(kDocuments, KeyOf(1)), std::nullopt);
  EXPECT_EQ(this->Claim(kDocuments, 3, {{KeyOf(1), 9}})[0].state, ClaimState::kNew);
}

TYPED_TEST(KeyIndexContract, NothingIsAskedNothingIsSaid) {
  EXPECT_THAT(this->Claim(kDocuments, 1, {}), IsEmpty());
  EXPECT_THAT(this->index().Lookup(kDocuments, {}).value(), IsEmpty());
  EXPECT_TRUE(this->index().Release(kDocuments, 1, {}).ok());
  EXPECT_THAT(this->index().Scan(kDocuments, std::nullopt, 10).value(), IsEmpty());
}

TYPED_TEST(KeyIndexContract, ExtremeTablesAndOwners) {
  const TableId last{~0u, ~0u};
  Key ones;
  ones.fill(0xFF);
  const Key zeros{};
  const uint64_t token = ~uint64_t{0};
  this->Claim(last, token, {{ones, ~0u}, {zeros, 0}});
  EXPECT_EQ(this->OwnerOf(last, ones), (Owner{token, ~0u}));
  const auto page = this->index().Scan(last, std::nullopt, 10).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].key, zeros);
  EXPECT_EQ(page[1].key, ones);
  EXPECT_THAT(this->index().Scan(last, ones, 10).value(), IsEmpty());
}

TYPED_TEST(KeyIndexContract, AgreesWithAMapUnderRandomUse) {
  std::mt19937_64 random(811);
  std::map<std::pair<TableId, Key>, Owner> expected;
  for (int step = 0; step < 400; ++step) {
    const TableId table = random() % 3 == 0 ? kSegments : kDocuments;
    const uint64_t token = random() % 5;
    const uint64_t space = 1 + random() % 4000;
    switch (random() % 10) {
      case 0:
        if (random() % 4 == 0) this->harness_.Reopen();
        break;
      case 1: {
        std::vector<Key> keys(random() % 60);
        for (Key& key : keys) key = KeyOf(random() % space);
        ASSERT_TRUE(this->index().Release(table, token, keys).ok());
        for (const Key& key : keys) {
          const auto it = expected.find({table, key});
          if (it != expected.end() && it->second.token == token) expected.erase(it);
        }
        break;
      }
      case 2: {
        std::vector<Key> keys(random() % 60);
        for (Key& key : keys) key = KeyOf(random() % space);
        const auto owners = this->index().Lookup(table, keys).value();
        ASSERT_EQ(owners.size(), keys.size());
        for (size_t i = 0; i < keys.size(); ++i) {
          const auto it = expected.find({table, keys[i]});
          ASSERT_EQ(owners[i], it == expected.end() ? std::nullopt : std::optional(it->second))
              << step;
        }
        break;
      }
      case 3: {  // a page from anywhere
        const std::optional<Key> after =
            random() % 2 == 0 ? std::nullopt : std::optional(KeyOf(random() % space));
        const size_t most = random() % 50;
        const auto page = this->index().Scan(table, after, most).value();
        std::vector<std::pair<Key, Owner>> want;
        for (const auto& [where, owner] : expected) {
          if (where.first == table && (!after.has_value() || where.second > *after) &&
              want.size() < most) {
            want.emplace_back(where.second, owner);
          }
        }
        ASSERT_EQ(page.size(), want.size()) << step;
        for (size_t i = 0; i < page.size(); ++i) {
          ASSERT_EQ(page[i].key, want[i].first) << step;
          ASSERT_EQ(page[i].owner, want[i].second) << step;
        }
        break;
      }
      default: {
        std::vector<KeyClaim> claims(random() % 100);
        for (KeyClaim& claim : claims)
          claim = {KeyOf(random() % space), static_cast<uint32_t>(random() % 4)};
        const auto results = this->Claim(table, token, claims);
        for (size_t i = 0; i < claims.size(); ++i) {
          const Owner me{token, claims[i].ordinal};
          const auto [it, added] = expected.try_emplace({table, claims[i].key}, me);
          ASSERT_EQ(results[i].state, added              ? ClaimState::kNew
                                      : it->second == me ? ClaimState::kMine
                                                         : ClaimState::kTaken)
              << step;
          ASSERT_EQ(results[i].owner, it->second) << step;
        }
      }
    }
  }
}

TYPED_TEST(KeyIndexContract, OfEightThreadsOneGetsEachKey) {
  constexpr uint64_t kKeys = 3000;
  constexpr int kThreads = 8;
  std::vector<std::map<uint64_t, Owner>> told(kThreads);
  std::vector<std::atomic<int>> fresh(kKeys);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(100 + t);
      std::vector<uint64_t> order(kKeys);
      for (uint64_t i = 0; i < kKeys; ++i) order[i] = i;
      std::shuffle(order.begin(), order.end(), random);
      for (size_t from = 0; from < kKeys; from += 50) {
        std::vector<KeyClaim> claims;
        for (size_t i = from; i < from + 50; ++i)
          claims.push_back({KeyOf(order[i]), static_cast<uint32_t>(order[i])});
        const auto results = this->index().Claim(kDocuments, 100 + t, claims).value();
        for (size_t i = 0; i < claims.size(); ++i) {
          told[t][claims[i].ordinal] = results[i].owner;
          if (results[i].state == ClaimState::kNew) ++fresh[claims[i].ordinal];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  this->harness_.Reopen();
  for (uint64_t i = 0; i < kKeys; ++i) {
    EXPECT_EQ(fresh[i], 1) << i;
    const auto owner = this->OwnerOf(kDocuments, KeyOf(i));
    for (int t = 0; t < kThreads; ++t) ASSERT_EQ(told[t][i], owner) << i;
  }
}

// ---- BlobStore ----

template <typename Harness>
class BlobStoreContract : public ::testing::Test {
 protected:
  BlobStore& blobs() { return harness_.get(); }
  Status Put(const BlobName& name, std::string_view bytes) {
    const BlobPut put{name, bytes};
    return blobs().Put({&put, 1});
  }
  std::optional<std::string> Get(const BlobName& name) {
    auto got = blobs().Get({&name, 1});
    EXPECT_TRUE(got.ok()) << got.status();
    return got.ok() ? (*got)[0] : std::nullopt;
  }
  std::vector<uint64_t> Ordinals(BlobKind kind, uint64_t token, uint64_t from = 0,
                                 size_t max = SIZE_MAX) {
    std::vector<uint64_t> out;
    const auto page = blobs().List(kind, token, from, max).value();
    for (const auto& listed : page) {
      EXPECT_EQ(listed.name.kind, kind);
      EXPECT_EQ(listed.name.token, token);
      out.push_back(listed.name.ordinal);
    }
    return out;
  }
  Harness harness_;
};

using BlobStores =
    ::testing::Types<InMemory<MemoryBlobStore>,
                     Faultless<MemoryBlobStore, support::FaultyBlobStore>, OnRocks<RocksBlobStore>>;
TYPED_TEST_SUITE(BlobStoreContract, BlobStores);

TYPED_TEST(BlobStoreContract, KeepsBytesOverReopening) {
  const std::string large(3 << 20, 'L');
  ASSERT_TRUE(this->Put({BlobKind::kStaging, 1, 0}, large).ok());
  ASSERT_TRUE(this->Put({BlobKind::kText, 1, 0}, "text").ok());
  ASSERT_TRUE(this->Put({BlobKind::kFile, 1, 0}, "").ok());
  this->harness_.Reopen();
  EXPECT_EQ(this->Get({BlobKind::kStaging, 1, 0}), large);
  EXPECT_EQ(this->Get({BlobKind::kText, 1, 0}), "text");
  EXPECT_EQ(this->Get({BlobKind::kFile, 1, 0}), "");
  EXPECT_EQ(this->Get({BlobKind::kText, 1, 1}), std::nullopt);
}

TYPED_TEST(BlobStoreContract, ANameIsGivenOnce) {
  const BlobName name{BlobKind::kText, 9, 9};
  ASSERT_TRUE(this->Put(name, "first").ok());
  EXPECT_TRUE(this->Put(name, "first").ok()) << "a retry";
  const Status refused = this->Put(name, "second");
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonIs(refused), "blob_exists");
  EXPECT_EQ(this->Get(name), "first");
}

TYPED_TEST(BlobStoreContract, ARefusedCallStoresNothing) {
  ASSERT_TRUE(this->Put({BlobKind::kText, 1, 5}, "five").ok());
  const std::vector<BlobPut> puts = {{{BlobKind::kText, 1, 4}, "four"},
                                     {{BlobKind::kText, 1, 5}, "other"},
                                     {{BlobKind::kText, 1, 6}, "six"}};
  EXPECT_EQ(ReasonIs(this->blobs().Put(puts)), "blob_exists");
  EXPECT_THAT(this->Ordinals(BlobKind::kText, 1), ElementsAre(5));
}

TYPED_TEST(BlobStoreContract, EqualNamesInACall) {
  const BlobName name{BlobKind::kText, 1, 1};
  const std::vector<BlobPut> same = {{name, "x"}, {name, "x"}};
  EXPECT_TRUE(this->blobs().Put(same).ok());
  const BlobName next{BlobKind::kText, 1, 2};
  const std::vector<BlobPut> different = {{next, "x"}, {next, "y"}};
  EXPECT_EQ(ReasonIs(this->blobs().Put(different)), "blob_exists");
  EXPECT_EQ(this->Get(next), std::nullopt);
}

TYPED_TEST(BlobStoreContract, RefusesWhatIsTooLarge) {
  const std::string large(kMaxBlobBytes + 1, 'x');
  const Status refused = this->Put({BlobKind::kIndex, 1, 1}, large);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonIs(refused), "blob_too_large");
  EXPECT_EQ(this->Get({BlobKind::kIndex, 1, 1}), std::nullopt);
}

TYPED_TEST(BlobStoreContract, AnswersInTheOrderAsked) {
  for (uint64_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(
        this->Put({i % 2 == 0 ? BlobKind::kText : BlobKind::kStaging, i % 7, i}, std::to_string(i))
            .ok());
  }
  std::vector<BlobName> names;
  for (uint64_t i = 310; i-- > 0;)
    names.push_back({i % 2 == 0 ? BlobKind::kText : BlobKind::kStaging, i % 7, i});
  const auto got = this->blobs().Get(names).value();
  ASSERT_EQ(got.size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(got[i], names[i].ordinal < 300 ? std::optional(std::to_string(names[i].ordinal))
                                             : std::nullopt);
  }
}

TYPED_TEST(BlobStoreContract, DeletesAndListsOverReopening) {
  for (const uint64_t token : {uint64_t{3}, uint64_t{4}, ~uint64_t{0}}) {
    for (uint64_t ordinal = 0; ordinal < 6; ++ordinal) {
      ASSERT_TRUE(
          this->Put({BlobKind::kStaging, token, ordinal}, std::string(ordinal * 10, 'x')).ok());
      ASSERT_TRUE(this->Put({BlobKind::kText, token, ordinal}, "t").ok());
    }
  }
  const std::vector<BlobName> gone = {
      {BlobKind::kStaging, 3, 1}, {BlobKind::kStaging, 3, 4}, {BlobKind::kStaging, 3, 77}};
  ASSERT_TRUE(this->blobs().Delete(gone).ok());
  ASSERT_TRUE(this->blobs().Delete(gone).ok()) << "twice is once";
  ASSERT_TRUE(this->blobs().DeleteAll(BlobKind::kStaging, 4).ok());
  ASSERT_TRUE(this->blobs().DeleteAll(BlobKind::kStaging, 4).ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(this->Ordinals(BlobKind::kStaging, 3), ElementsAre(0, 2, 3, 5));
    EXPECT_THAT(this->Ordinals(BlobKind::kStaging, 3, 2, 2), ElementsAre(2, 3));
    EXPECT_THAT(this->Ordinals(BlobKind::kStaging, 3, 6), IsEmpty());
    EXPECT_THAT(this->Ordinals(BlobKind::kStaging, 3, 0, 0), IsEmpty());
    EXPECT_THAT(this->Ordinals(BlobKind::kStaging, 4), IsEmpty());
    EXPECT_THAT(this->Ordinals(BlobKind::kText, 4), ElementsAre(0, 1, 2, 3, 4, 5))
        << "another kind stays";
    EXPECT_EQ(this->blobs().List(BlobKind::kStaging, 3, 5, 10).value()[0].size, 50u);
    const auto tokens = [&](std::optional<uint64_t> after, size_t max) {
      return this->blobs().ListTokens(BlobKind::kStaging, after, max).value();
    };
    EXPECT_THAT(tokens(std::nullopt, 10), ElementsAre(3, ~uint64_t{0}));
    EXPECT_THAT(tokens(std::nullopt, 1), ElementsAre(3));
    EXPECT_THAT(tokens(3, 10), ElementsAre(~uint64_t{0}));
    EXPECT_THAT(tokens(~uint64_t{0}, 10), IsEmpty());
    this->harness_.Reopen();
  }
  EXPECT_TRUE(this->Put({BlobKind::kStaging, 4, 0}, "again").ok())
      << "a deleted name is free to the store";
  EXPECT_EQ(this->Get({BlobKind::kStaging, 4, 0}), "again");
}

TYPED_TEST(BlobStoreContract, OfEightThreadsOneCreatesEachName) {
  constexpr uint64_t kNames = 60;
  std::vector<std::atomic<int>> created(kNames);
  std::vector<std::atomic<int>> winner(kNames);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kNames; ++i) {
        const Status status = this->Put({BlobKind::kText, i % 5, i}, "thread " + std::to_string(t));
        if (status.ok()) {
          ++created[i];
          winner[i] = t;
        } else {
          EXPECT_EQ(ReasonIs(status), "blob_exists");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint64_t i = 0; i < kNames; ++i) {
    EXPECT_EQ(created[i], 1) << i;
    EXPECT_EQ(this->Get({BlobKind::kText, i % 5, i}), "thread " + std::to_string(winner[i]));
  }
}

TYPED_TEST(BlobStoreContract, AgreesWithAMapUnderRandomUse) {
  std::mt19937_64 random(4711);
  std::map<BlobName, std::string> expected;
  for (int step = 0; step < 500; ++step) {
    const auto kind = static_cast<BlobKind>(1 + random() % 5);
    const uint64_t token = random() % 4;
    switch (random() % 12) {
      case 0:
        if (random() % 3 == 0) this->harness_.Reopen();
        break;
      case 1: {
        ASSERT_TRUE(this->blobs().DeleteAll(kind, token).ok());
        std::erase_if(expected, [&](const auto& each) {
          return each.first.kind == kind && each.first.token == token;
        });
        break;
      }
      case 2:
      case 3: {
        std::vector<BlobName> names(random() % 5);
        for (BlobName& name : names) name = {kind, token, random() % 40};
        ASSERT_TRUE(this->blobs().Delete(names).ok());
        for (const BlobName& name : names) expected.erase(name);
        break;
      }
      case 4: {
        const auto listed = this->blobs().List(kind, token, random() % 10, SIZE_MAX).value();
        for (const auto& each : listed) ASSERT_EQ(expected.at(each.name).size(), each.size) << step;
        break;
      }
      default: {
        std::vector<std::string> bytes(random() % 8);
        std::vector<BlobPut> puts;
        bool clash = false;
        std::map<BlobName, std::string> added;
        for (std::string& each : bytes) {
          each = std::string(random() % 3 == 0 ? random() % 70'000 : random() % 40,
                             static_cast<char>('a' + random() % 3));
          const BlobName name{kind, token, random() % 40};
          puts.push_back({name, each});
          const auto stored = expected.find(name);
          if (stored != expected.end() && stored->second != each) clash = true;
          const auto [it, is_new] = added.try_emplace(name, each);
          if (!is_new && it->second != each) clash = true;
        }
        const Status put = this->blobs().Put(puts);
        ASSERT_EQ(put.ok(), !clash) << step << " " << put;
        if (!clash) expected.insert(added.begin(), added.end());
      }
    }
  }
  this->harness_.Reopen();
  std::vector<BlobName> names;
  for (const auto& [name, bytes] : expected) names.push_back(name);
  const auto got = this->blobs().Get(names).value();
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(got[i], expected[names[i]]);
  size_t listed = 0;
  for (int kind = 1; kind <= 5; ++kind) {
    const auto tokens =
        this->blobs().ListTokens(static_cast<BlobKind>(kind), std::nullopt, 100).value();
    for (const uint64_t token : tokens) {
      listed += this->Ordinals(static_cast<BlobKind>(kind), token).size();
    }
  }
  EXPECT_EQ(listed, expected.size());
}

// ---- KeyVault ----

template <typename Harness>
class KeyVaultContract : public ::testing::Test {
 protected:
  KeyVault& vault() { return harness_.get(); }
  Status Put(const VaultName& name, std::string_view wrapped) {
    const VaultPut put{name, wrapped};
    return vault().Put({&put, 1});
  }
  std::optional<std::string> Get(const VaultName& name) {
    return vault().Get({&name, 1}).value()[0];
  }
  Harness harness_;
};

using KeyVaults =
    ::testing::Types<InMemory<MemoryKeyVault>, Faultless<MemoryKeyVault, support::FaultyKeyVault>,
                     OnRocks<RocksKeyVault>>;
TYPED_TEST_SUITE(KeyVaultContract, KeyVaults);

TYPED_TEST(KeyVaultContract, KeepsReplacesAndForgets) {
  const VaultName one{VaultKind::kDocument, 1, 1};
  const VaultName two{VaultKind::kDocument, 1, 2};
  ASSERT_TRUE(this->Put(one, "first").ok());
  ASSERT_TRUE(this->Put(one, "second").ok());
  ASSERT_TRUE(this->Put(two, "").ok());
  EXPECT_EQ(this->Get(one), "second");
  this->harness_.Reopen();
  EXPECT_EQ(this->Get(one), "second");
  EXPECT_EQ(this->Get(two), "");
  EXPECT_EQ(this->vault().Erase({&one, 1}), OkStatus());
  ASSERT_TRUE(this->vault().Erase({&one, 1}).ok()) << "twice is once";
  EXPECT_EQ(this->Get(one), std::nullopt);
  EXPECT_EQ(this->Get(two), "");
  this->harness_.Reopen();
  EXPECT_EQ(this->Get(one), std::nullopt);
  ASSERT_TRUE(this->Put(one, "third").ok());
  EXPECT_EQ(this->Get(one), "third");
}

TYPED_TEST(KeyVaultContract, OfEqualNamesTheLastWins) {
  const VaultName name{VaultKind::kPartner, 1, 0};
  const std::vector<VaultPut> puts = {{name, "a"}, {name, "b"}};
  ASSERT_TRUE(this->vault().Put(puts).ok());
  EXPECT_EQ(this->Get(name), "b");
}

TYPED_TEST(KeyVaultContract, RefusesWhatIsTooLargeAndStoresNothing) {
  const std::string large(kMaxWrappedKeyBytes + 1, 'x');
  const std::vector<VaultPut> puts = {{{VaultKind::kPartner, 1, 0}, "a"},
                                      {{VaultKind::kPartner, 2, 0}, large}};
  EXPECT_EQ(ReasonIs(this->vault().Put(puts)), "wrapped_key_too_large");
  EXPECT_EQ(this->Get({VaultKind::kPartner, 1, 0}), std::nullopt);
}

TYPED_TEST(KeyVaultContract, ErasesAllOfOneIdAndNothingElse) {
  for (const uint32_t ordinal : {0u, 1u, ~0u}) {
    for (const uint64_t id : {uint64_t{6}, uint64_t{7}, uint64_t{8}}) {
      ASSERT_TRUE(this->Put({VaultKind::kDocument, id, ordinal}, "d").ok());
      ASSERT_TRUE(this->Put({VaultKind::kUpload, id, ordinal}, "u").ok());
    }
  }
  ASSERT_TRUE(this->vault().EraseAll(VaultKind::kDocument, 7).ok());
  ASSERT_TRUE(this->vault().EraseAll(VaultKind::kDocument, 7).ok());
  this->harness_.Reopen();
  for (const uint32_t ordinal : {0u, 1u, ~0u}) {
    EXPECT_EQ(this->Get({VaultKind::kDocument, 6, ordinal}), "d");
    EXPECT_EQ(this->Get({VaultKind::kDocument, 7, ordinal}), std::nullopt);
    EXPECT_EQ(this->Get({VaultKind::kDocument, 8, ordinal}), "d");
    EXPECT_EQ(this->Get({VaultKind::kUpload, 7, ordinal}), "u");
  }
}

TYPED_TEST(KeyVaultContract, AgreesWithAMapUnderRandomUse) {
  std::mt19937_64 random(99);
  std::map<VaultName, std::string> expected;
  const auto name = [&] {
    return VaultName{static_cast<VaultKind>(1 + random() % 4), random() % 3,
                     static_cast<uint32_t>(random() % 20)};
  };
  for (int step = 0; step < 200; ++step) {
    switch (random() % 10) {
      case 0:
        if (random() % 3 == 0) this->harness_.Reopen();
        break;
      case 1: {
        std::vector<VaultName> names(random() % 8);
        for (VaultName& each : names) each = name();
        ASSERT_TRUE(this->vault().Erase(names).ok());
        for (const VaultName& each : names) expected.erase(each);
        break;
      }
      case 2: {
        const VaultName which = name();
        ASSERT_TRUE(this->vault().EraseAll(which.kind, which.id).ok());
        std::erase_if(expected, [&](const auto& each) {
          return each.first.kind == which.kind && each.first.id == which.id;
        });
        break;
      }
      default: {
        std::vector<std::string> bytes(random() % 6);
        std::vector<VaultPut> puts;
        for (std::string& each : bytes) {
          each = std::string(random() % 80, static_cast<char>(random()));
          puts.push_back({name(), each});
        }
        ASSERT_TRUE(this->vault().Put(puts).ok());
        for (const VaultPut& put : puts) expected[put.name] = put.wrapped;
      }
    }
  }
  for (int kind = 1; kind <= 4; ++kind) {
    for (uint64_t id = 0; id < 3; ++id) {
      for (uint32_t ordinal = 0; ordinal < 20; ++ordinal) {
        const VaultName which{static_cast<VaultKind>(kind), id, ordinal};
        const auto it = expected.find(which);
        EXPECT_EQ(this->Get(which),
                  it == expected.end() ? std::nullopt : std::optional(it->second));
      }
    }
  }
}

}  // namespace
}  // namespace jangbu::services
