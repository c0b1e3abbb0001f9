// Leaves appended, proofs made and verified, heads signed, receipts checked. The tree's roots are
// compared with the text of RFC 6962 before anything is timed.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "ledger/merkle/receipt.h"
#include "ledger/merkle/tree.h"
#include "tests/ledger/merkle/test_log.h"
#include "tests/reference/merkle_reference.h"

namespace jangbu::ledger {
namespace {

std::vector<Digest> LeafHashes(uint64_t n) {
  std::vector<Digest> out;
  for (uint64_t i = 0; i < n; ++i) out.push_back(LeafHash(TestEntry(i)));
  return out;
}

void SameRootsAsTheRfc() {
  std::vector<std::string> entries;
  for (uint64_t i = 0; i < 1'000; ++i) entries.push_back(TestEntry(i));
  reference::Rfc6962 rfc(entries);
  const MerkleTree tree = TestTree(1'000);
  for (uint64_t size = 0; size <= 1'000; size += 37)
    JANGBU_CHECK(*tree.Root(size) == rfc.Mth(size));
}

// Leaf hashes into a tree, one root at the end of each batch.
void BM_AppendLeafHashes(benchmark::State& state) {
  const std::vector<Digest> leaves = LeafHashes(static_cast<uint64_t>(state.range(0)));
  MerkleTree tree;
  for (auto _ : state) {
    tree.Append(leaves);
    benchmark::DoNotOptimize(tree.Root());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_AppendLeafHashes)->Arg(1)->Arg(64)->Arg(4096);

// From the two parts of a journal entry to its place in the tree.
void BM_AppendJournalEntries(benchmark::State& state) {
  const std::string own(200, 'o');
  const std::string sealed(200, 's');
  Salt salt = Sha256("salt");
  MerkleTree tree;
  for (auto _ : state) {
    ++salt[0];
    const Digest data = LeafData(OwnCommitment(salt, own), SealedCommitment(salt, sealed));
    tree.Append(LeafHash(AsView(data)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_AppendJournalEntries);

void BM_InclusionProof(benchmark::State& state) {
  const auto size = static_cast<uint64_t>(state.range(0));
  const MerkleTree tree = TestTree(size);
  uint64_t index = 0;
  for (auto _ : state) {
    index = (index + 7919) % size;
    benchmark::DoNotOptimize(tree.InclusionProof(index, size));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_InclusionProof)->Arg(1'000)->Arg(1'000'003);

void BM_VerifyInclusion(benchmark::State& state) {
  constexpr uint64_t kSize = 1'000'003;
  const MerkleTree tree = TestTree(kSize);
  const Digest root = tree.Root();
  const std::vector<Digest> proof = *tree.InclusionProof(77'777, kSize);
  const Digest leaf = LeafHash(TestEntry(77'777));
  for (auto _ : state) JANGBU_CHECK(VerifyInclusion(leaf, 77'777, kSize, proof, root).ok());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_VerifyInclusion);

void BM_SignCheckpoint(benchmark::State& state) {
  const TestLog log(10);
  const Checkpoint head = log.Head(10);
  for (auto _ : state) benchmark::DoNotOptimize(SignCheckpoint(head, log.signer));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SignCheckpoint);

void BM_VerifyReceipt(benchmark::State& state) {
  const TestLog log(10'000);
  const std::string receipt = EncodeReceipt(log.ReceiptOf(5'000, 10'000));
  for (auto _ : state) JANGBU_CHECK(VerifyReceipt(receipt, log.signer.verifier()).ok());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_VerifyReceipt);

// A bundle of 1,000 receipts under one head: one signature for all.
void BM_VerifyBundle(benchmark::State& state) {
  const TestLog log(1'000);
  const std::string head = log.SignedHead(1'000);
  std::vector<std::string> receipts;
  for (uint64_t i = 0; i < 1'000; ++i)
    receipts.push_back(EncodeReceipt(*MakeReceipt(log.tree, i, log.openings[i], head)));
  const std::string bundle = *EncodeReceiptBundle(receipts);
  for (auto _ : state) JANGBU_CHECK(VerifyReceiptFile(bundle, log.signer.verifier()).ok());
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(BM_VerifyBundle);

}  // namespace
}  // namespace jangbu::ledger

int main(int argc, char** argv) {
  jangbu::ledger::SameRootsAsTheRfc();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
