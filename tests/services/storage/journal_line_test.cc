// The line into the journal: order, what is acknowledged when, what is left of it after a failed
// append and after the process was killed.

#include "services/storage/journal_line.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/memory_seams.h"
#include "services/storage/rocks_journal.h"
#include "tests/services/storage/soak.h"
#include "tests/services/storage/worker.h"
#include "tests/support/faulty_seams.h"
#include "tests/support/temp_dir.h"

namespace jangbu::services {
namespace {

std::string RecordOf(uint64_t seq) {
  return "record " + std::to_string(seq) + std::string((seq * 37) % 5'000, '.');
}
std::shared_ptr<const std::string> Shared(uint64_t seq) {
  return std::make_shared<const std::string>(RecordOf(seq));
}
// What is in a journal is the first records that were put.
uint64_t PrefixOf(Journal& journal) {
  const auto records = journal.Read(0, SIZE_MAX, SIZE_MAX);
  JANGBU_CHECK(records.ok());
  for (uint64_t seq = 0; seq < records->size(); ++seq) EXPECT_EQ((*records)[seq], RecordOf(seq));
  return records->size();
}

// A journal whose appends wait until they are let go.
class SlowJournal final : public Journal {
 public:
  StatusOr<Epoch> Acquire() override { return inner_.Acquire(); }
  Status Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) override {
    while (!open_) std::this_thread::sleep_for(std::chrono::microseconds(50));
    ++appends_;
    return inner_.Append(epoch, expected, records);
  }
  StatusOr<std::vector<std::string>> Read(Seq from, size_t max_records, size_t max_bytes) override {
    return inner_.Read(from, max_records, max_bytes);
  }
  StatusOr<Seq> Tail() override { return inner_.Tail(); }
  void Open() { open_ = true; }
  int appends() const { return appends_; }

 private:
  MemoryJournal inner_;
  std::atomic<bool> open_ = false;
  std::atomic<int> appends_ = 0;
};

TEST(JournalLine, WhatWaitsIsAppendedTogetherAndInOrder) {
  SlowJournal journal;
  const Epoch epoch = *journal.Acquire();
  {
    JournalLine line(journal, epoch, 0);
    for (uint64_t seq = 0; seq < 100; ++seq) EXPECT_EQ(*line.Put(Shared(seq)), seq);
    EXPECT_EQ(line.durable(), 0u) << "nothing is acknowledged before it is durable";
    journal.Open();
    EXPECT_TRUE(line.Await(100).ok());
    EXPECT_EQ(line.durable(), 100u);
    EXPECT_LE(journal.appends(), 2);
    EXPECT_TRUE(line.Put(Shared(100)).ok());
  }
  EXPECT_EQ(PrefixOf(journal), 101u) << "ending waits for what was put";
}

TEST(JournalLine, AFullLineMakesTheWriterWait) {
  SlowJournal journal;
  const Epoch epoch = *journal.Acquire();
  JournalLine line(journal, epoch, 0, {.waiting_bytes_max = 10'000, .append_bytes_max = 6'000});
  std::atomic<uint64_t> put = 0;
  std::thread writer([&] {
    for (uint64_t seq = 0; seq < 50; ++seq) {
      JANGBU_CHECK(line.Put(Shared(seq)).ok());
      ++put;
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_LT(put, 40u);
  journal.Open();
  writer.join();
  EXPECT_TRUE(line.Await(50).ok());
  EXPECT_EQ(PrefixOf(journal), 50u);
}

// Whatever the failed append did, all that was acknowledged is there, and nothing after a gap.
TEST(JournalLine, AFailedAppendEndsTheLine) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    MemoryJournal inner;
    support::FaultPlan plan(seed);
    support::FaultyJournal journal(inner, plan);
    const Epoch epoch = *journal.Acquire();
    uint64_t acknowledged = 0;
    uint64_t put = 0;
    {
      JournalLine line(journal, epoch, 0, {.append_bytes_max = 1 + seed * 300});
      plan.FailOften(100);
      while (put < 300 && line.Put(Shared(put)).ok()) {
        ++put;
        acknowledged = line.durable();
        if (put % 7 == 0 && line.Await(put).ok()) acknowledged = put;
      }
      if (put < 300) {
        EXPECT_EQ(line.Await(put + 1).code(), absl::StatusCode::kUnavailable);
      }
      acknowledged = line.durable();
    }
    plan.FailOften(0);
    const uint64_t there = PrefixOf(inner);
    EXPECT_GE(there, acknowledged) << "seed " << seed;
    EXPECT_LE(there, put) << "seed " << seed;
  }
}

TEST(JournalLine, AFencedWriterAcknowledgesNothing) {
  MemoryJournal journal;
  const Epoch epoch = *journal.Acquire();
  JournalLine line(journal, epoch, 0);
  EXPECT_TRUE(line.Put(Shared(0)).ok());
  EXPECT_TRUE(line.Await(1).ok());
  ASSERT_TRUE(journal.Acquire().ok());
  (void)line.Put(Shared(1));
  EXPECT_EQ(ReasonOf(line.Await(2)), "writer_fenced");
  EXPECT_EQ(line.durable(), 1u);
}

// Puts records for ever, and tells through the pipe how far they are durable.
[[noreturn]] void Work(const std::string& dir, int pipe) {
  auto journal = RocksJournal::Open(dir, {.write_buffer_bytes = 256 << 10});
  JANGBU_CHECK(journal.ok());
  const Epoch epoch = *(*journal)->Acquire();
  Seq next = *(*journal)->Tail();
  JournalLine line(**journal, epoch, next);
  Seq told = 0;
  while (true) {
    for (int i = 0; i < 5; ++i) JANGBU_CHECK(*line.Put(Shared(next)) == next && ++next > 0);
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    const Seq durable = line.durable();
    if (durable == told) continue;
    told = durable;
    JANGBU_CHECK(::write(pipe, &told, sizeof(told)) == sizeof(told));
  }
}

TEST(JournalLine, AKilledProcessLosesNothingAcknowledged) {
  const uint64_t kills = SoakRounds(12);
  std::mt19937_64 random(SoakSeed(20261125));
  support::TempDir temp;
  const std::string dir = temp / "journal";
  uint64_t acknowledged = 0;
  for (uint64_t kill = 0; kill < kills; ++kill) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = StartWorker("--work", dir, ends[1], 0);
    ::close(ends[1]);
    uint64_t size = 0;
    for (uint64_t wanted = random() % 20; wanted > 0; --wanted) {
      if (::read(ends[0], &size, sizeof(size)) != sizeof(size)) break;
      acknowledged = size;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 10'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the process ended by itself, round " << kill;
    while (::read(ends[0], &size, sizeof(size)) == sizeof(size)) acknowledged = size;
    ::close(ends[0]);
    const auto journal = RocksJournal::Open(dir);
    ASSERT_TRUE(journal.ok()) << journal.status();
    ASSERT_GE(PrefixOf(**journal), acknowledged) << "round " << kill;
  }
  EXPECT_GT(acknowledged, 0u);
  std::printf("%llu kills, %llu records acknowledged\n", static_cast<unsigned long long>(kills),
              static_cast<unsigned long long>(acknowledged));
}

}  // namespace
}  // namespace jangbu::services

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--work")
    jangbu::services::Work(argv[2], std::atoi(argv[3]));
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
