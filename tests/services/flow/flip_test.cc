// Invariant 3: any one byte of a stored journal record, or of the mark, changed at rest: opening
// refuses, and so does verify. The default run flips some hundred bytes; JANGBU_FLIPS=1000 (the
// soak) as many as it says.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "base/bytes.h"
#include "services/storage/rocks_journal.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

namespace fs = std::filesystem;

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

struct Place {
  fs::path file;  // relative to the data directory
  size_t offset = 0;
};

// Every byte of the files that belongs to a journal record. Records lie there as they are, but for
// where RocksDB's log breaks them at its blocks: pieces of 64 bytes are looked for, so that broken
// records are found too.
std::vector<Place> RecordBytes(const fs::path& data, const std::vector<std::string>& records) {
  std::vector<Place> places;
  for (const auto& entry : fs::directory_iterator(data / "journal")) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".log") && !name.ends_with(".sst")) continue;
    const std::string bytes = ReadAll(entry.path());
    for (const std::string& record : records) {
      for (size_t at = 0; at + 64 <= record.size(); at += 64) {
        const size_t found = bytes.find(record.substr(at, 64));
        if (found == std::string::npos) continue;
        for (size_t i = 0; i < 64; ++i)
          places.push_back({.file = fs::path("journal") / name, .offset = found + i});
      }
    }
  }
  return places;
}

class FlipTest : public testing::Test {
 protected:
  void SetUp() override {
    t.Open();
    const uint32_t hani = t.Partner("hani");
    std::string lines;
    for (int i = 0; i < 300; ++i)
      lines += "{\"text\":\"" + std::to_string(i) + "번째 글입니다.\"}\n";
    t.Upload(hani, "r1", {{"a.jsonl", lines}});
    ASSERT_TRUE(t.jangbu().RunConfirmation({}, "", "test").ok());
    t.Close();
    ASSERT_TRUE(t.Verify().ok());
  }

  // What opening and verifying say of a copy of the data with one byte changed.
  void ExpectRefused(const Place& place, int bit) {
    const fs::path copy = t.root() / "copy";
    fs::remove_all(copy);
    fs::copy(t.options().data_dir, copy, fs::copy_options::recursive);
    std::string bytes = ReadAll(copy / place.file);
    ASSERT_LT(place.offset, bytes.size());
    bytes[place.offset] = static_cast<char>(bytes[place.offset] ^ (1 << bit));
    std::ofstream(copy / place.file, std::ios::binary) << bytes;
    JangbuOptions options = t.options();
    options.data_dir = copy.string();
    options.master_key_file = t.options().data_dir + ".master-key";
    options.anchor_file = (t.root() / "no-anchor").string();  // the mark alone must do
    VerifyOptions verify;
    verify.data_dir = options.data_dir;
    verify.master_key_file = options.master_key_file;
    verify.anchor_file = options.anchor_file;
    verify.clock = options.clock;
    verify.random = options.random;
    const std::string where = place.file.string() + " byte " + std::to_string(place.offset) +
                              " bit " + std::to_string(bit);
    EXPECT_FALSE(VerifyDataDir(verify, nullptr).ok()) << where;
    EXPECT_FALSE(Jangbu::Open(options).ok()) << where;
    ++refused;
  }

  TestInstallation t;
  int refused = 0;
};

TEST_F(FlipTest, Invariant3_AFlippedByteOfAJournalRecordIsFound) {
  std::vector<std::string> records;
  {
    const fs::path copy = t.root() / "journal-copy";
    fs::copy(t.options().data_dir + "/journal", copy, fs::copy_options::recursive);
    auto journal = RocksJournal::Open(copy.string());
    ASSERT_TRUE(journal.ok()) << journal.status();
    const auto all = (*journal)->Read(0, 10'000, size_t{1} << 30);
    ASSERT_TRUE(all.ok());
    records = *all;
  }
  const std::vector<Place> places = RecordBytes(t.options().data_dir, records);
  size_t bytes = 0;
  for (const std::string& record : records) bytes += record.size();
  ASSERT_GT(places.size() * 10, bytes * 6) << "most bytes of the records were found in the files";
  const char* wanted = std::getenv("JANGBU_FLIPS");
  const int flips = wanted == nullptr ? 60 : std::atoi(wanted);
  std::mt19937_64 random(20261122);
  for (int i = 0; i < flips; ++i)
    ExpectRefused(places[random() % places.size()], static_cast<int>(random() % 8));
  std::printf("%d of %d flipped bytes of %zu journal records refused (seed 20261122)\n", refused,
              flips, records.size());
}

TEST_F(FlipTest, Invariant3_AFlippedByteOfTheMarkIsFound) {
  const size_t size = fs::file_size(t.options().data_dir + "/mark");
  for (size_t i = 0; i < size; i += 3)
    ExpectRefused({.file = "mark", .offset = i}, static_cast<int>(i % 8));
  // And a mark that is gone.
  fs::remove(t.options().data_dir + "/mark");
  EXPECT_FALSE(t.TryOpen().ok());
}

}  // namespace
}  // namespace jangbu::services
