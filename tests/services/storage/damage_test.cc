// Damage at rest: one changed byte anywhere in the journal's files or the mark is either noticed
// (on opening, or when the records are read), or it changed nothing that matters: every
// acknowledged record reads back as written.
//
// JANGBU_SOAK=N does N changes of each kind instead of the few of the default run.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "services/storage/data_dir.h"
#include "services/storage/files.h"
#include "tests/services/storage/soak.h"
#include "tests/support/temp_dir.h"

namespace jangbu::services {
namespace {

namespace fs = std::filesystem;

SecretKey Seed() { return SecretKey::FromBytes(std::string(32, 's')); }

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Spill(const fs::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
}

Digest RootOf(const std::vector<std::string>& records, uint64_t size) {
  Sha256Stream digest;
  for (uint64_t i = 0; i < size; ++i) digest.Update(records[i]);
  return digest.Peek();
}

std::string RecordOf(uint64_t seq) {
  return "record " + std::to_string(seq) + std::string(seq % 900, 'r');
}

// What a server does on opening and `verify` does: everything is read, and compared with the mark.
Status OpenAndVerify(const std::string& dir, uint64_t acknowledged) {
  JANGBU_ASSIGN_OR_RETURN(const auto data, DataDir::Open(dir));
  JANGBU_RETURN_IF_ERROR(data->OpenJournal(Seed()));
  JANGBU_ASSIGN_OR_RETURN(const auto records, data->journal().Read(0, SIZE_MAX, SIZE_MAX));
  JANGBU_ASSIGN_OR_RETURN(const Seq tail, data->journal().Tail());
  JANGBU_RETURN_IF_ERROR(
      CheckMark(data->opening_mark(), tail, [&](uint64_t size) { return RootOf(records, size); }));
  // Nobody noticed anything: then nothing is missing and nothing is different.
  EXPECT_GE(records.size(), acknowledged);
  for (uint64_t seq = 0; seq < records.size(); ++seq) EXPECT_EQ(records[seq], RecordOf(seq));
  return OkStatus();
}

class DamageTest : public ::testing::Test {
 protected:
  // Records in files of every kind: sorted files (a small memory table), and the write-ahead log of
  // a process that did not end well.
  void SetUp() override {
    DataDirOptions options;
    options.journal.write_buffer_bytes = 64 << 10;
    auto data = DataDir::Open(live_, options).value();
    ASSERT_TRUE(data->OpenJournal(Seed()).ok());
    const Epoch epoch = data->journal().Acquire().value();
    std::vector<std::string> records;
    while (records.size() < kRecords) {
      std::vector<std::string> batch;
      for (int i = 0; i < 7; ++i) batch.push_back(RecordOf(records.size() + i));
      const std::vector<std::string_view> views(batch.begin(), batch.end());
      ASSERT_TRUE(data->journal().Append(epoch, records.size(), views).ok());
      records.insert(records.end(), batch.begin(), batch.end());
    }
    ASSERT_TRUE(data->mark_writer()
                    .Write({records.size(), epoch, RootOf(records, records.size()), {}})
                    .ok());
    acknowledged_ = records.size();
    CopyLive();  // as the process is killed now
    ASSERT_EQ(OpenCopy(), OkStatus());
  }

  // As it is once nothing goes on in the background: a file that is no longer needed may go away
  // while the tree is read, and a changed byte in it would rightly matter to nobody.
  void CopyLive() {
    const auto state = [this] {
      std::string names;
      std::error_code error;
      const std::vector<std::string> files = ListTree(live_).value();
      for (const std::string& file : files)
        names += file + " " + std::to_string(fs::file_size(fs::path(live_) / file, error)) + "\n";
      return names;
    };
    for (int tries = 0; tries < 100; ++tries) {
      const std::string before = state();
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      if (state() != before) continue;
      std::error_code error;
      fs::remove_all(pristine_);
      fs::copy(live_, pristine_, fs::copy_options::recursive, error);
      if (!error && state() == before) return;
    }
    FAIL() << "the store never came to rest";
  }

  // Opens a copy, which recovery may change as it likes.
  Status OpenCopy() {
    fs::remove_all(copy_);
    fs::copy(pristine_, copy_, fs::copy_options::recursive);
    return OpenAndVerify(copy_, acknowledged_);
  }

  std::vector<std::string> JournalFiles() const { return ListTree(pristine_ + "/journal").value(); }

  static constexpr uint64_t kRecords = 500;
  support::TempDir temp_;
  const std::string live_ = temp_ / "live";
  const std::string pristine_ = temp_ / "pristine";
  const std::string copy_ = temp_ / "copy";
  uint64_t acknowledged_ = 0;
};

TEST_F(DamageTest, NoFlippedByteGoesUnnoticedOrMatters) {
  const uint64_t changes = SoakRounds(160);
  std::mt19937_64 random(SoakSeed(20260731));
  std::vector<std::string> files;
  for (const std::string& file : JournalFiles()) files.push_back("journal/" + file);
  files.push_back("mark");
  uint64_t noticed = 0;
  uint64_t tried = 0;
  for (uint64_t i = 0; i < changes; ++i) {
    const std::string path = pristine_ + "/" + files[random() % files.size()];
    const std::string bytes = Slurp(path);
    if (bytes.empty()) continue;
    std::string changed = bytes;
    const size_t at = random() % changed.size();
    changed[at] = static_cast<char>(changed[at] ^ (1 + random() % 255));
    Spill(path, changed);
    const Status status = OpenCopy();
    Spill(path, bytes);
    ++tried;
    if (!status.ok()) {
      ++noticed;
      EXPECT_FALSE(ReasonOf(status).empty()) << status;
    }
    ASSERT_FALSE(HasFailure()) << "byte " << at << " of " << path << ": " << status;
  }
  RecordProperty("tried", static_cast<int>(tried));
  RecordProperty("noticed", static_cast<int>(noticed));
  std::printf("%llu changes, %llu noticed, the others harmless\n",
              static_cast<unsigned long long>(tried), static_cast<unsigned long long>(noticed));
  EXPECT_GT(noticed, tried / 2);
}

TEST_F(DamageTest, NoFlippedByteOfARecordGoesUnnoticed) {
  // Every file that holds records, and only bytes that are part of one.
  const uint64_t changes = SoakRounds(80);
  std::mt19937_64 random(SoakSeed(77));
  std::vector<std::pair<std::string, size_t>> places;
  for (const std::string& file : JournalFiles()) {
    const std::string path = pristine_ + "/journal/" + file;
    const std::string bytes = Slurp(path);
    // A file that compaction has replaced lies about until its last reader is gone. It belongs to
    // the store no more: without it everything is there.
    fs::remove(path);
    const bool needed = !OpenCopy().ok();
    Spill(path, bytes);
    if (!needed) continue;
    for (size_t at = bytes.find("record "); at != std::string::npos;
         at = bytes.find("record ", at + 1)) {
      places.emplace_back(path, at);
    }
  }
  ASSERT_GT(places.size(), kRecords / 2);
  for (uint64_t i = 0; i < changes; ++i) {
    const auto& [path, at] = places[random() % places.size()];
    const std::string bytes = Slurp(path);
    std::string changed = bytes;
    changed[at + random() % 8] ^= static_cast<char>(1 << (random() % 8));
    Spill(path, changed);
    const Status status = OpenCopy();
    Spill(path, bytes);
    ASSERT_FALSE(status.ok()) << "a byte of the record at " << at << " of " << path;
  }
}

TEST_F(DamageTest, NoCutGoesUnnoticedOrMatters) {
  const uint64_t cuts = SoakRounds(40);
  std::mt19937_64 random(SoakSeed(5));
  const std::vector<std::string> files = JournalFiles();
  for (uint64_t i = 0; i < cuts; ++i) {
    const std::string path = pristine_ + "/journal/" + files[random() % files.size()];
    const std::string bytes = Slurp(path);
    const bool missing = random() % 4 == 0;
    if (missing) {
      fs::remove(path);
    } else {
      Spill(path, bytes.substr(0, bytes.empty() ? 0 : random() % bytes.size()));
    }
    const Status status = OpenCopy();
    Spill(path, bytes);
    ASSERT_FALSE(HasFailure()) << path << (missing ? " missing: " : " cut: ") << status;
  }
}

TEST_F(DamageTest, ARefusalLeavesTheFilesAsTheyWere) {
  // The end of the log is damaged: recovery would drop it and go on.
  std::string newest;
  for (const std::string& file : JournalFiles()) {
    if (file.ends_with(".log") && fs::file_size(pristine_ + "/journal/" + file) > 0) newest = file;
  }
  const std::string path = pristine_ + "/journal/" + newest;
  std::string bytes = Slurp(path);
  bytes[bytes.size() - 100] ^= 1;
  Spill(path, bytes);
  EXPECT_EQ(ReasonOf(OpenCopy()), "journal_short_of_mark");
  EXPECT_EQ(Slurp(copy_ + "/journal/" + newest), bytes)
      << "evidence, and what a repair would start from";
  EXPECT_EQ(ReasonOf(OpenAndVerify(copy_, 0)), "journal_short_of_mark")
      << "the second attempt is refused as well";
}

}  // namespace
}  // namespace jangbu::services
