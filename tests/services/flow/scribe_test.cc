#include "services/flow/scribe.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/memory_seams.h"
#include "tests/services/flow/flow_fixture.h"

namespace jangbu::services {
namespace {

// A journal that fails when told to, before or after the append took effect.
class FailingJournal final : public Journal {
 public:
  StatusOr<Epoch> Acquire() override { return inner.Acquire(); }
  Status Append(Epoch epoch, Seq expected, std::span<const std::string_view> records) override {
    ++appends;
    if (fail_before) return Unavailable("disk_gone", "as told");
    JANGBU_RETURN_IF_ERROR(inner.Append(epoch, expected, records));
    return fail_after ? Unavailable("disk_gone", "as told") : OkStatus();
  }
  StatusOr<std::vector<std::string>> Read(Seq from, size_t max_records, size_t max_bytes) override {
    return inner.Read(from, max_records, max_bytes);
  }
  StatusOr<Seq> Tail() override { return inner.Tail(); }

  MemoryJournal inner;
  std::atomic<bool> fail_before{false};
  std::atomic<bool> fail_after{false};
  std::atomic<int> appends{0};
};

struct ScribeTest : testing::Test {
  ScribeTest() : random(7), seed(SecretKey::Random(random)) {
    directory =
        std::filesystem::temp_directory_path() / ("jangbu-scribe-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    genesis.log_origin = "test";
    genesis.log_public_key = std::string(32, 'k');
    genesis.tokenizer_algorithm = "none/1";
    genesis.unicode_version = "15.0";
  }
  ~ScribeTest() override {
    scribe.reset();
    std::filesystem::remove_all(directory);
  }

  void Open() {
    scribe.reset();
    std::optional<Mark> last;
    if (const auto mark = ReadMark(MarkPath(), PublicKeyOf(seed)); mark.ok()) last = *mark;
    writer = std::make_unique<MarkWriter>(MarkPath(), seed.Copy(), last);
    auto replayed = Scribe::Replay(journal, *writer, clock, random);
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    scribe = *std::move(replayed);
    ASSERT_TRUE(scribe->Begin(genesis, "test").ok());
  }
  std::string MarkPath() const { return (directory / "mark").string(); }
  StatusOr<Scribe::Appended> Add(const std::string& partner) {
    return scribe->Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
      return std::vector<ledger::Draft>{
          {.partner = partner, .body = ledger::PartnerAdded{.name = partner}}};
    });
  }
  uint64_t Size() {
    return scribe->Read(
        [](const ledger::Books& books, const ledger::MerkleTree&) { return books.size(); });
  }

  TestClock clock;
  TestRandom random;
  SecretKey seed;
  ledger::Genesis genesis;
  std::filesystem::path directory;
  FailingJournal journal;
  std::unique_ptr<MarkWriter> writer;
  std::unique_ptr<Scribe> scribe;
};

TEST_F(ScribeTest, RefusalsChangeNothingAndAcceptancesAreMarked) {
  Open();
  const uint64_t size = Size();
  ASSERT_TRUE(Add("hani").ok());
  EXPECT_EQ(ReasonOf(Add("hani").status()), "partner_exists");
  EXPECT_EQ(ReasonOf(Add("Not An Id").status()), "bad_partner_id");
  EXPECT_EQ(Size(), size + 1);
  EXPECT_EQ(*journal.Tail(), size + 1);
  const auto mark = ReadMark(MarkPath(), PublicKeyOf(seed));
  ASSERT_TRUE(mark.ok()) << mark.status();
  EXPECT_EQ(mark->size, size + 1);
  EXPECT_EQ(mark->root, scribe->Read([](const ledger::Books&, const ledger::MerkleTree& tree) {
    return tree.Root();
  }));
}

TEST_F(ScribeTest, ReplayGivesTheSameBooksAndRoot) {
  Open();
  for (const char* id : {"aa", "bb", "cc"}) ASSERT_TRUE(Add(id).ok());
  const Digest state = scribe->Read([](const ledger::Books& books, const ledger::MerkleTree&) {
    return books.ledger().StateDigest();
  });
  const Digest root = scribe->Read(
      [](const ledger::Books&, const ledger::MerkleTree& tree) { return tree.Root(); });
  const uint64_t size = Size();
  scribe.reset();
  auto replayed = Scribe::Replay(journal, *writer, clock, random);
  ASSERT_TRUE(replayed.ok());
  scribe = *std::move(replayed);
  EXPECT_EQ(Size(), size);
  EXPECT_EQ(scribe->Read([](const ledger::Books& books, const ledger::MerkleTree&) {
    return books.ledger().StateDigest();
  }),
            state);
  EXPECT_EQ(scribe->Read(
                [](const ledger::Books&, const ledger::MerkleTree& tree) { return tree.Root(); }),
            root);
}

TEST_F(ScribeTest, ManyProposersAreAppendedInGroups) {
  Open();
  const int before = journal.appends;
  std::vector<std::thread> threads;
  std::atomic<int> accepted{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 50; ++j)
        accepted += Add("p" + std::to_string(i) + "-" + std::to_string(j)).ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, 400);
  EXPECT_LE(journal.appends - before, 400);
  EXPECT_EQ(scribe->Read([](const ledger::Books& books, const ledger::MerkleTree&) {
    return books.partners().size();
  }),
            400U);
}

TEST_F(ScribeTest, AFailedAppendStopsTheWriterForGoodAndReadingTellsTheTruth) {
  for (const bool after : {false, true}) {
    Open();
    const uint64_t size = *journal.Tail();
    (after ? journal.fail_after : journal.fail_before) = true;
    EXPECT_EQ(ReasonOf(Add(after ? "after" : "before").status()), "journal_broken");
    journal.fail_before = journal.fail_after = false;
    EXPECT_EQ(ReasonOf(Add("never").status()), "journal_broken");
    EXPECT_FALSE(scribe->fatal().ok());
    Open();  // acquires a new epoch and finds out
    EXPECT_EQ(*journal.Tail(), size + (after ? 2 : 1));
  }
}

TEST_F(ScribeTest, TimeNeverGoesBack) {
  Open();
  clock.Advance(-3'600'000'000);
  const auto first = Add("aa");
  clock.Advance(-3'600'000'000);
  const auto second = Add("bb");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_GE(second->at, first->at);
}

}  // namespace
}  // namespace jangbu::services
