// A process that appends, claims, puts and acknowledges through a pipe is killed at random and
// started again on the same directory: nothing that it acknowledged is missing or different, and no
// key has two owners.
//
// JANGBU_SOAK=N kills N times.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/digest.h"
#include "services/storage/data_dir.h"
#include "tests/services/storage/soak.h"
#include "tests/services/storage/worker.h"
#include "tests/support/temp_dir.h"

namespace jangbu::services {
namespace {

SecretKey Seed() { return SecretKey::FromBytes(std::string(32, 's')); }

DataDirOptions SmallOptions() {
  DataDirOptions options;
  options.journal.write_buffer_bytes = 64 << 10;
  options.keys.table_keys = 300;  // many files
  options.blobs.write_buffer_bytes = 1 << 20;
  return options;
}

std::string RecordOf(uint64_t seq) {
  return "batch " + std::to_string(seq) + std::string(seq % 300, '.');
}
std::string BlobOf(uint64_t token, uint64_t ordinal) {
  return std::string(token % 7 == 0 ? 40'000 : 100,
                     static_cast<char>('a' + (token + ordinal) % 26));
}
Key KeyOf(uint64_t n) {
  Key key{};
  const Digest digest = Sha256(std::to_string(n));
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

// The root of the log, cheap to go on from.
class Roots {
 public:
  explicit Roots(Journal& journal) {
    const auto records = journal.Read(0, SIZE_MAX, SIZE_MAX);
    JANGBU_CHECK(records.ok());
    for (const std::string& record : *records) Add(record);
  }
  void Add(std::string_view record) {
    digest_.Update(record);
    roots_.push_back(digest_.Peek());
  }
  Digest At(uint64_t size) const { return size == 0 ? Sha256("") : roots_.at(size - 1); }
  uint64_t size() const { return roots_.size(); }

 private:
  Sha256Stream digest_;
  std::vector<Digest> roots_;
};

// What one batch leaves in the stores; drawn from its token alone, so that the parent knows it too.
struct Batch {
  explicit Batch(uint64_t token) {
    std::mt19937_64 random(token);
    blobs = 1 + random() % 4;
    for (uint64_t i = random() % 60; i > 0; --i) keys.push_back(random() % 5000);
  }
  uint64_t blobs;
  std::vector<uint64_t> keys;
};

// Runs batches until it is killed: stores first, then the journal, then the mark, then the
// acknowledgement. Batch t is record t.
[[noreturn]] void Work(const std::string& dir, int acknowledgements) {
  auto data = DataDir::Open(dir, SmallOptions()).value();
  JANGBU_CHECK(data->OpenJournal(Seed()).ok());
  Journal& journal = data->journal();
  const Epoch epoch = journal.Acquire().value();
  Roots roots(journal);
  while (true) {
    const uint64_t token = roots.size();
    const Batch batch(token);
    std::vector<std::string> bytes;
    std::vector<BlobPut> puts;
    std::vector<VaultPut> wrapped;
    for (uint64_t i = 0; i < batch.blobs; ++i) bytes.push_back(BlobOf(token, i));
    for (uint64_t i = 0; i < batch.blobs; ++i) {
      puts.push_back({{BlobKind::kText, token, i}, bytes[i]});
      wrapped.push_back({{VaultKind::kDocument, token, static_cast<uint32_t>(i)},
                         std::string_view(bytes[i]).substr(0, 60)});
    }
    std::vector<KeyClaim> claims;
    for (const uint64_t key : batch.keys) claims.push_back({KeyOf(key), 0});
    JANGBU_CHECK(data->vault().Put(wrapped).ok());
    JANGBU_CHECK(data->blobs().Put(puts).ok());
    JANGBU_CHECK(data->keys().Claim({1, 0}, token, claims).ok());
    const std::string record = RecordOf(token);
    const std::string_view view = record;
    JANGBU_CHECK(journal.Append(epoch, token, {&view, 1}).ok());
    roots.Add(record);
    JANGBU_CHECK(data->mark_writer().Write({roots.size(), epoch, roots.At(roots.size()), {}}).ok());
    const uint64_t acknowledged = roots.size();
    JANGBU_CHECK(::write(acknowledgements, &acknowledged, sizeof(acknowledged)) ==
                 sizeof(acknowledged));
  }
}

TEST(CrashTest, NothingAcknowledgedIsLost) {
  const uint64_t kills = SoakRounds(30);
  std::mt19937_64 random(SoakSeed(20261201));
  support::TempDir temp;
  const std::string dir = temp / "data";
  uint64_t acknowledged = 0;
  std::map<uint64_t, uint64_t> owners;  // key -> the batch that was seen to hold it
  uint64_t checked = 0;                 // batches whose claims are in `owners`

  for (uint64_t kill = 0; kill < kills; ++kill) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = StartWorker("--work", dir, ends[1], 0);
    ::close(ends[1]);
    // Some acknowledgements, then some time into whatever comes next; at times before the first
    // one.
    const uint64_t wanted = random() % 30;
    for (uint64_t i = 0; i < wanted; ++i) {
      uint64_t size = 0;
      if (::read(ends[0], &size, sizeof(size)) != sizeof(size)) break;
      acknowledged = size;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the process ended by itself, round " << kill;
    uint64_t size = 0;
    while (::read(ends[0], &size, sizeof(size)) == sizeof(size)) acknowledged = size;
    ::close(ends[0]);

    auto opened = DataDir::Open(dir, SmallOptions());
    ASSERT_TRUE(opened.ok()) << opened.status();
    DataDir& data = **opened;
    ASSERT_EQ(data.OpenJournal(Seed()), OkStatus()) << "round " << kill;
    const auto records = data.journal().Read(0, SIZE_MAX, SIZE_MAX);
    ASSERT_TRUE(records.ok()) << records.status();
    ASSERT_GE(records->size(), acknowledged) << "round " << kill;
    const Roots roots(data.journal());
    ASSERT_EQ(CheckMark(data.opening_mark(), roots.size(),
                        [&](uint64_t n) -> StatusOr<Digest> { return roots.At(n); }),
              OkStatus());
    for (uint64_t seq = 0; seq < records->size(); ++seq) ASSERT_EQ((*records)[seq], RecordOf(seq));

    // A record implies everything that its batch put down before it.
    const uint64_t from = kill % 10 == 9 ? 0 : checked;
    for (uint64_t token = from; token < records->size(); ++token) {
      const Batch batch(token);
      for (uint64_t i = 0; i < batch.blobs; ++i) {
        const BlobName blob{BlobKind::kText, token, i};
        ASSERT_EQ(data.blobs().Get({&blob, 1}).value()[0], BlobOf(token, i)) << token;
        const VaultName key{VaultKind::kDocument, token, static_cast<uint32_t>(i)};
        ASSERT_EQ(data.vault().Get({&key, 1}).value()[0], BlobOf(token, i).substr(0, 60)) << token;
      }
      std::vector<Key> keys;
      for (const uint64_t key : batch.keys) keys.push_back(KeyOf(key));
      const auto held = data.keys().Lookup({1, 0}, keys).value();
      for (size_t i = 0; i < keys.size(); ++i) {
        ASSERT_TRUE(held[i].has_value())
            << "round " << kill << ", batch " << token << " lost a claim";
        ASSERT_LE(held[i]->token, token);
        const auto [it, is_new] = owners.try_emplace(batch.keys[i], held[i]->token);
        ASSERT_EQ(it->second, held[i]->token) << "a key changed hands";
      }
    }
    checked = records->size();
  }
  std::printf("%llu kills, %llu batches acknowledged\n", static_cast<unsigned long long>(kills),
              static_cast<unsigned long long>(acknowledged));
  EXPECT_GT(acknowledged, kills);
}

}  // namespace
}  // namespace jangbu::services

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--work")
    jangbu::services::Work(argv[2], std::atoi(argv[3]));
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
