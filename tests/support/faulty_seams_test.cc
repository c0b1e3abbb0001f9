// The faults that other tests rely on: that they happen, and only as the contracts allow.

#include "tests/support/faulty_seams.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/memory_seams.h"

namespace jangbu::support {
namespace {

Status AppendOne(Journal& journal, Epoch epoch, Seq seq, std::string_view record) {
  return journal.Append(epoch, seq, {&record, 1});
}

TEST(FaultyJournal, FailsBeforeOrAfterTheEffect) {
  MemoryJournal inner;
  FaultPlan plan;
  FaultyJournal journal(inner, plan);
  const Epoch epoch = journal.Acquire().value();
  plan.FailCall(1, Fault::kBefore);
  EXPECT_EQ(AppendOne(journal, epoch, 0, "a").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(inner.Tail().value(), 0u);
  plan.FailCall(2, Fault::kAfter);
  EXPECT_TRUE(AppendOne(journal, epoch, 0, "a").ok());
  EXPECT_EQ(AppendOne(journal, epoch, 1, "b").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(inner.Tail().value(), 2u);
  EXPECT_EQ(plan.faults(), 2u);
}

TEST(FaultyJournal, APartOfAnAppendIsAllOrNone) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    MemoryJournal inner;
    FaultPlan plan(seed);
    FaultyJournal journal(inner, plan);
    const Epoch epoch = journal.Acquire().value();
    plan.FailCall(1, Fault::kPartly);
    const std::vector<std::string_view> records = {"a", "b", "c"};
    EXPECT_FALSE(journal.Append(epoch, 0, records).ok());
    EXPECT_TRUE(inner.Tail().value() == 0 || inner.Tail().value() == 3);
  }
}

TEST(FaultyJournal, ALyingDriveForgets) {
  MemoryJournal inner;
  FaultPlan plan;
  FaultyJournal journal(inner, plan);
  const Epoch epoch = journal.Acquire().value();
  ASSERT_TRUE(AppendOne(journal, epoch, 0, "kept").ok());
  journal.StartLying();
  ASSERT_TRUE(AppendOne(journal, epoch, 1, "synced").ok());
  ASSERT_TRUE(journal.Sync().ok());
  ASSERT_TRUE(AppendOne(journal, epoch, 2, "lost").ok());
  EXPECT_EQ(journal.Tail().value(), 3u);
  EXPECT_EQ(journal.Read(1, 10, 100).value(), (std::vector<std::string>{"synced", "lost"}));
  EXPECT_EQ(ReasonOf(AppendOne(journal, epoch, 2, "x")), "seq_conflict");
  EXPECT_EQ(ReasonOf(AppendOne(journal, epoch - 1, 3, "x")), "writer_fenced");
  journal.LoseUnsynced();
  EXPECT_EQ(journal.Read(0, 10, 100).value(), (std::vector<std::string>{"kept", "synced"}));
}

TEST(FaultPlan, FreezesLikeACrash) {
  MemoryKeyIndex inner;
  FaultPlan plan(1);
  FaultyKeyIndex index(inner, plan);
  plan.FreezeAfterFault();
  plan.FailCall(2, Fault::kAfter);
  const KeyClaim claim{{1}, 0};
  EXPECT_TRUE(index.Claim({1, 0}, 1, {&claim, 1}).ok());
  const KeyClaim other{{2}, 0};
  EXPECT_FALSE(index.Claim({1, 0}, 1, {&other, 1}).ok());
  EXPECT_TRUE(plan.frozen());
  const KeyClaim third{{3}, 0};
  EXPECT_FALSE(index.Claim({1, 0}, 1, {&third, 1}).ok());
  plan.Thaw();
  const std::vector<Key> keys = {{1}, {2}, {3}};
  const auto owners = index.Lookup({1, 0}, keys).value();
  EXPECT_TRUE(owners[0].has_value());
  EXPECT_TRUE(owners[1].has_value()) << "it took effect before the crash";
  EXPECT_FALSE(owners[2].has_value());
}

TEST(FaultPlan, IsTheSameForTheSameSeed) {
  std::vector<int> first;
  for (int run = 0; run < 2; ++run) {
    FaultPlan plan(42);
    plan.FailOften(300);
    std::vector<int> fates;
    for (int i = 0; i < 200; ++i) fates.push_back(static_cast<int>(plan.Next()));
    if (run == 0) {
      first = fates;
    } else {
      EXPECT_EQ(fates, first);
    }
    EXPECT_GT(plan.faults(), 30u);
    EXPECT_LT(plan.faults(), 90u);
  }
}

TEST(FaultyKeyIndex, APartOfACallTakesEffectAndARetryCompletesIt) {
  int partly = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    MemoryKeyIndex inner;
    FaultPlan plan(seed);
    FaultyKeyIndex index(inner, plan);
    plan.FailCall(1, Fault::kPartly);
    std::vector<KeyClaim> claims;
    for (uint8_t i = 0; i < 10; ++i) claims.push_back({{i}, i});
    EXPECT_FALSE(index.Claim({1, 0}, 7, claims).ok());
    const size_t took = inner.Scan({1, 0}, std::nullopt, 100).value().size();
    partly += took > 0 && took < 10;
    const auto results = index.Claim({1, 0}, 7, claims).value();
    for (const ClaimResult& result : results) EXPECT_NE(result.state, ClaimState::kTaken);
    EXPECT_EQ(inner.Scan({1, 0}, std::nullopt, 100).value().size(), 10u);
  }
  EXPECT_GT(partly, 10);
}

TEST(FaultyKeyIndex, ALyingDriveForgetsClaimsAndReleases) {
  MemoryKeyIndex inner;
  FaultPlan plan;
  FaultyKeyIndex index(inner, plan);
  const std::vector<KeyClaim> claims = {{{1}, 5}, {{2}, 6}};
  ASSERT_TRUE(index.Claim({1, 0}, 7, claims).ok());
  index.StartLying();
  const KeyClaim more{{3}, 0};
  ASSERT_TRUE(index.Claim({1, 0}, 8, {&more, 1}).ok());
  const std::vector<Key> keys = {{1}, {3}};
  ASSERT_TRUE(index.Release({1, 0}, 7, keys).ok());
  EXPECT_EQ(inner.Scan({1, 0}, std::nullopt, 10).value().size(), 2u);
  index.LoseUnsynced();
  const std::vector<Key> all = {{1}, {2}, {3}};
  const auto owners = inner.Lookup({1, 0}, all).value();
  EXPECT_EQ(owners[0], (Owner{7, 5}));
  EXPECT_EQ(owners[1], (Owner{7, 6}));
  EXPECT_EQ(owners[2], std::nullopt);
}

TEST(FaultyBlobStore, ALyingDriveForgetsPutsAndDeletions) {
  MemoryBlobStore inner;
  FaultPlan plan;
  FaultyBlobStore blobs(inner, plan);
  const BlobName one{BlobKind::kText, 1, 1};
  const BlobName two{BlobKind::kText, 1, 2};
  const BlobPut first{one, "one"};
  const BlobPut second{two, "two"};
  ASSERT_TRUE(blobs.Put({&first, 1}).ok());
  blobs.StartLying();
  ASSERT_TRUE(blobs.Put({&second, 1}).ok());
  ASSERT_TRUE(blobs.DeleteAll(BlobKind::kText, 1).ok());
  blobs.LoseUnsynced();
  EXPECT_EQ(inner.Get({&one, 1}).value()[0], "one");
  EXPECT_EQ(inner.Get({&two, 1}).value()[0], std::nullopt);
}

TEST(FaultyKeyVault, ALyingDriveForgetsPutsButKeepsErasures) {
  MemoryKeyVault inner;
  FaultPlan plan;
  FaultyKeyVault vault(inner, plan);
  const VaultName one{VaultKind::kPartner, 1, 0};
  const VaultName two{VaultKind::kPartner, 2, 0};
  const VaultPut first{one, "old"};
  ASSERT_TRUE(vault.Put({&first, 1}).ok());
  vault.StartLying();
  const std::vector<VaultPut> puts = {{one, "new"}, {two, "two"}};
  ASSERT_TRUE(vault.Put(puts).ok());
  vault.LoseUnsynced();
  EXPECT_EQ(inner.Get({&one, 1}).value()[0], "old");
  EXPECT_EQ(inner.Get({&two, 1}).value()[0], std::nullopt);
  ASSERT_TRUE(vault.Put(puts).ok());
  ASSERT_TRUE(vault.Erase({&one, 1}).ok());
  vault.LoseUnsynced();
  EXPECT_EQ(inner.Get({&one, 1}).value()[0], std::nullopt) << "a destroyed key does not come back";
}

}  // namespace
}  // namespace jangbu::support
