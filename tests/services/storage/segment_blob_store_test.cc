// What only the segment files can get wrong: replaying, torn ends, damage, moving, giving space
// back.

#include "services/storage/segment_blob_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/services/storage/soak.h"
#include "tests/support/temp_dir.h"

namespace jangbu::services {
namespace {

namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Spill(const fs::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
}

std::string BytesOf(const BlobName& name) {
  std::mt19937_64 random(name.token * 1'000'003 + name.ordinal);
  std::string bytes(random() % 3000, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

SegmentBlobStoreOptions Small() {
  SegmentBlobStoreOptions options;
  options.segment_bytes = 100'000;
  options.index_flush_bytes = 300'000;
  return options;
}

class SegmentBlobStoreTest : public ::testing::Test {
 protected:
  void Open() { store_ = SegmentBlobStore::Open(dir_, Small()).value(); }
  Status Put(BlobKind kind, uint64_t token, uint64_t from, uint64_t count) {
    std::vector<std::string> bytes;
    std::vector<BlobPut> puts;
    for (uint64_t i = from; i < from + count; ++i) bytes.push_back(BytesOf({kind, token, i}));
    for (uint64_t i = 0; i < count; ++i) puts.push_back({{kind, token, from + i}, bytes[i]});
    return store_->Put(puts);
  }
  // Everything in `store_` is as it was put; returns how many there are.
  size_t CheckAll() {
    size_t found = 0;
    for (int kind = 1; kind <= 5; ++kind) {
      const auto tokens =
          store_->ListTokens(static_cast<BlobKind>(kind), std::nullopt, SIZE_MAX).value();
      for (const uint64_t token : tokens) {
        const auto listed = store_->List(static_cast<BlobKind>(kind), token, 0, SIZE_MAX).value();
        std::vector<BlobName> names;
        for (const auto& each : listed) names.push_back(each.name);
        const auto got = store_->Get(names).value();
        for (size_t i = 0; i < names.size(); ++i) {
          EXPECT_EQ(got[i], BytesOf(names[i]));
          EXPECT_EQ(listed[i].size, got[i]->size());
        }
        found += names.size();
      }
    }
    return found;
  }
  std::vector<fs::path> Segments() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(dir_)) {
      if (entry.path().extension() == ".seg") out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  uint64_t BytesOnDisk() const {
    uint64_t sum = 0;
    for (const auto& path : Segments()) sum += fs::file_size(path);
    return sum;
  }
  // A copy of the directory as a kill would leave it now.
  void Crash() {
    const std::string copy = dir_ + ".crashed";
    fs::copy(dir_, copy, fs::copy_options::recursive);
    store_.reset();
    fs::remove_all(dir_);
    fs::rename(copy, dir_);
  }

  support::TempDir temp_;
  const std::string dir_ = temp_ / "blobs";
  std::unique_ptr<SegmentBlobStore> store_;
};

TEST_F(SegmentBlobStoreTest, ReplaysWhatTheIndexHadNotWrittenDown) {
  Open();
  for (uint64_t token = 0; token < 30; ++token)
    ASSERT_TRUE(Put(BlobKind::kText, token, 0, 10).ok());
  ASSERT_TRUE(store_->DeleteAll(BlobKind::kText, 3).ok());
  const BlobName gone{BlobKind::kText, 4, 5};
  ASSERT_TRUE(store_->Delete({&gone, 1}).ok());
  const uint64_t position = store_->Position();
  for (int round = 0; round < 3; ++round) {
    Crash();
    Open();
    EXPECT_EQ(store_->Position(), position);
    EXPECT_EQ(CheckAll(), 30u * 10 - 10 - 1);
  }
}

TEST_F(SegmentBlobStoreTest, ATornEndIsLeftBehindAndWrittenAfter) {
  Open();
  ASSERT_TRUE(Put(BlobKind::kText, 1, 0, 5).ok());
  Crash();
  const fs::path segment = Segments().back();
  const std::string whole = Slurp(segment);
  // An unacknowledged frame, cut anywhere: the start of another one, and rubbish.
  for (const std::string& rest : {whole.substr(0, 3), whole.substr(0, 40), whole.substr(0, 200),
                                  std::string(100, '\0'), std::string(5000, 'x')}) {
    Spill(segment, whole + rest);
    Open();
    EXPECT_EQ(CheckAll(), 5u);
    store_.reset();
  }
  Open();
  ASSERT_TRUE(Put(BlobKind::kText, 2, 0, 5).ok());
  Crash();
  Open();
  EXPECT_EQ(CheckAll(), 10u);
}

TEST_F(SegmentBlobStoreTest, AFrameLostInTheMiddleIsRefused) {
  Open();
  for (uint64_t token = 0; token < 8; ++token) ASSERT_TRUE(Put(BlobKind::kText, token, 0, 3).ok());
  Crash();
  // Again a crash, so that what follows is in the next segment, and nothing of the first is in the
  // index yet.
  const fs::path segment = Segments().back();
  Open();
  ASSERT_TRUE(Put(BlobKind::kText, 9, 0, 3).ok());
  Crash();
  std::string bytes = Slurp(segment);
  bytes[bytes.size() / 2] ^= 1;
  Spill(segment, bytes);
  // Closing had written the index down in between or not; either opening or reading notices.
  auto opened = SegmentBlobStore::Open(dir_, Small());
  if (opened.ok()) {
    bool noticed = false;
    for (uint64_t token = 0; token < 8; ++token) {
      for (uint64_t i = 0; i < 3; ++i) {
        const BlobName name{BlobKind::kText, token, i};
        const auto got = (*opened)->Get({&name, 1});
        noticed |= !got.ok();
        if (got.ok()) {
          EXPECT_EQ((*got)[0], BytesOf(name));
        }
      }
    }
    EXPECT_TRUE(noticed);
  } else {
    EXPECT_EQ(ReasonOf(opened.status()), "blobs_damaged");
  }
}

TEST_F(SegmentBlobStoreTest, ALostEndShowsInThePosition) {
  Open();
  for (uint64_t token = 0; token < 5; ++token) ASSERT_TRUE(Put(BlobKind::kText, token, 0, 3).ok());
  const uint64_t position = store_->Position();
  Crash();
  const fs::path segment = Segments().back();
  std::string bytes = Slurp(segment);
  bytes.back() ^= 1;
  Spill(segment, bytes);
  Open();
  EXPECT_EQ(store_->Position(), position - 1);
  EXPECT_EQ(CheckAll(), 12u);
}

TEST_F(SegmentBlobStoreTest, EveryChangedByteOfABlobIsNoticed) {
  Open();
  for (uint64_t token = 0; token < 4; ++token) ASSERT_TRUE(Put(BlobKind::kText, token, 0, 4).ok());
  store_.reset();  // the index is written down: nothing is replayed
  const fs::path segment = Segments().back();
  const std::string whole = Slurp(segment);
  std::mt19937_64 random(SoakSeed(6));
  for (uint64_t i = SoakRounds(120); i > 0; --i) {
    std::string changed = whole;
    const size_t at = random() % changed.size();
    changed[at] = static_cast<char>(changed[at] ^ (1 << (random() % 8)));
    Spill(segment, changed);
    Open();
    bool wrong = false;
    for (uint64_t token = 0; token < 4; ++token) {
      for (uint64_t ordinal = 0; ordinal < 4; ++ordinal) {
        const BlobName name{BlobKind::kText, token, ordinal};
        const auto got = store_->Get({&name, 1});
        if (got.ok()) {
          ASSERT_TRUE((*got)[0].has_value());
          ASSERT_EQ(*(*got)[0], BytesOf(name)) << "byte " << at;
        } else {
          ASSERT_EQ(got.status().code(), absl::StatusCode::kDataLoss);
          wrong = true;
        }
      }
    }
    // A frame's header is only read when replaying; entries and bytes are read here.
    (void)wrong;
    store_.reset();
  }
}

TEST_F(SegmentBlobStoreTest, MovingKeepsWhatLivesAndGivesBackTheRest) {
  std::mt19937_64 random(SoakSeed(31));
  Open();
  std::map<BlobName, bool> living;
  for (int round = 0; round < 40; ++round) {
    const auto kind = static_cast<BlobKind>(1 + random() % 5);
    const uint64_t token = 100 + round;
    const uint64_t count = 1 + random() % 40;
    ASSERT_TRUE(Put(kind, token, 0, count).ok());
    for (uint64_t i = 0; i < count; ++i) living[{kind, token, i}] = true;
    std::vector<BlobName> gone;
    for (const auto& [name, lives] : living) {
      if (random() % 4 == 0) gone.push_back(name);
    }
    ASSERT_TRUE(store_->Delete(gone).ok());
    for (const BlobName& name : gone) living.erase(name);
    if (round % 8 == 3) {
      ASSERT_EQ(store_->Reclaim(), OkStatus());
    }
    if (round % 8 == 5) {
      store_.reset();
      Open();
    }
    if (round % 8 == 7) {
      Crash();
      Open();
    }
    ASSERT_EQ(CheckAll(), living.size()) << "round " << round;
  }
  ASSERT_EQ(store_->Reclaim(), OkStatus());
  ASSERT_EQ(CheckAll(), living.size());
  uint64_t bytes = 0;
  for (const auto& [name, lives] : living) bytes += BytesOf(name).size() + 100;
  EXPECT_LE(BytesOnDisk(), bytes) << "only what lives is left";
  Crash();
  Open();
  EXPECT_EQ(CheckAll(), living.size());
}

TEST_F(SegmentBlobStoreTest, DeletedUploadsGoByThemselves) {
  Open();
  for (uint64_t token = 0; token < 12; ++token) {
    ASSERT_TRUE(Put(BlobKind::kStaging, token, 0, 100).ok());
    ASSERT_TRUE(store_->DeleteAll(BlobKind::kStaging, token).ok());
  }
  for (int i = 0; i < 500 && BytesOnDisk() > 2 * 200'000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_LE(BytesOnDisk(), 2u * 200'000);
}

TEST_F(SegmentBlobStoreTest, ReadersAndMoversGetAlong) {
  Open();
  for (uint64_t token = 0; token < 20; ++token)
    ASSERT_TRUE(Put(BlobKind::kText, token, 0, 40).ok());
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      std::mt19937_64 random(t);
      while (!stop) {
        const BlobName name{BlobKind::kText, random() % 20, (random() % 20) * 2};  // never deleted
        const auto got = store_->Get({&name, 1});
        ASSERT_TRUE(got.ok()) << got.status();
        ASSERT_EQ((*got)[0], BytesOf(name));
        const auto listed = store_->List(BlobKind::kText, name.token, 0, SIZE_MAX);
        ASSERT_TRUE(listed.ok()) << listed.status();
        ASSERT_GE(listed->size(), 20u);
      }
    });
  }
  for (uint64_t ordinal = 1; ordinal < 40; ordinal += 2) {
    std::vector<BlobName> gone;
    for (uint64_t token = 0; token < 20; ++token) gone.push_back({BlobKind::kText, token, ordinal});
    ASSERT_TRUE(store_->Delete(gone).ok());
    ASSERT_EQ(store_->Reclaim(), OkStatus());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(CheckAll(), 20u * 20);
}

TEST_F(SegmentBlobStoreTest, ACheckpointIsAStoreOfItsOwn) {
  Open();
  ASSERT_TRUE(Put(BlobKind::kText, 1, 0, 30).ok());
  const std::string copy = temp_ / "copy";
  ASSERT_EQ(store_->Checkpoint(copy), OkStatus());
  const uint64_t position = store_->Position();
  ASSERT_TRUE(Put(BlobKind::kText, 2, 0, 30).ok());
  ASSERT_TRUE(store_->DeleteAll(BlobKind::kText, 1).ok());
  ASSERT_EQ(store_->Reclaim(), OkStatus());
  EXPECT_EQ(CheckAll(), 30u);
  store_ = SegmentBlobStore::Open(copy, Small()).value();
  EXPECT_EQ(store_->Position(), position);
  EXPECT_EQ(CheckAll(), 30u);
  EXPECT_EQ(store_->ListTokens(BlobKind::kText, std::nullopt, 10).value(),
            std::vector<uint64_t>{1});
}

}  // namespace
}  // namespace jangbu::services
