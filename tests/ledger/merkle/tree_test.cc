#include "ledger/merkle/tree.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/ledger/merkle/test_log.h"
#include "tests/reference/merkle_reference.h"

namespace jangbu::ledger {
namespace {

constexpr uint64_t kAll = 300;

std::vector<std::string> Entries(uint64_t n) {
  std::vector<std::string> out;
  for (uint64_t i = 0; i < n; ++i) out.push_back(TestEntry(i));
  return out;
}

std::vector<std::string> HexOf(const std::vector<Digest>& hashes) {
  std::vector<std::string> out;
  for (const Digest& hash : hashes) out.push_back(ToHex(hash));
  return out;
}

// The eight entries and roots of Certificate Transparency's own tests.
const std::vector<std::string> kCtEntries = {"",
                                             "00",
                                             "10",
                                             "2021",
                                             "3031",
                                             "40414243",
                                             "5051525354555657",
                                             "606162636465666768696a6b6c6d6e6f"};
const std::vector<std::string> kCtRoots = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

MerkleTree CtTree() {
  MerkleTree tree;
  for (const std::string& hex : kCtEntries) tree.Append(LeafHash(*FromHex(hex)));
  return tree;
}

TEST(MerkleTree, KnownAnswersOfCertificateTransparency) {
  const MerkleTree tree = CtTree();
  for (uint64_t size = 0; size <= 8; ++size)
    EXPECT_EQ(ToHex(*tree.Root(size)), kCtRoots[size]) << size;

  const struct {
    uint64_t index, size;
    std::vector<std::string> path;
  } inclusion[] = {
      {0, 1, {}},
      {0,
       8,
       {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
      {5,
       8,
       {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
      {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
  };
  for (const auto& c : inclusion) {
    EXPECT_EQ(HexOf(*tree.InclusionProof(c.index, c.size)), c.path) << c.index << " of " << c.size;
  }

  const struct {
    uint64_t old_size, new_size;
    std::vector<std::string> proof;
  } consistency[] = {
      {1, 1, {}},
      {1,
       8,
       {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
      {6,
       8,
       {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
      {2,
       5,
       {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
  };
  for (const auto& c : consistency) {
    EXPECT_EQ(HexOf(*tree.ConsistencyProof(c.old_size, c.new_size)), c.proof)
        << c.old_size << " to " << c.new_size;
  }
}

TEST(MerkleTree, RootsAgreeWithTheTextOfTheRfc) {
  reference::Rfc6962 rfc(Entries(kAll));
  MerkleTree tree;
  ASSERT_EQ(tree.Root(), rfc.Mth(0));
  for (uint64_t size = 1; size <= kAll; ++size) {
    tree.Append(LeafHash(TestEntry(size - 1)));
    ASSERT_EQ(tree.size(), size);
    ASSERT_EQ(tree.Root(), rfc.Mth(size)) << size;
  }
  // Every earlier root is still there.
  for (uint64_t size = 0; size <= kAll; ++size) ASSERT_EQ(*tree.Root(size), rfc.Mth(size)) << size;
}

TEST(MerkleTree, InclusionProofsAgreeWithTheTextOfTheRfcAndVerify) {
  reference::Rfc6962 rfc(Entries(kAll));
  const MerkleTree tree = TestTree(kAll);
  for (uint64_t size = 1; size <= kAll; ++size) {
    const Digest root = rfc.Mth(size);
    for (uint64_t index = 0; index < size; ++index) {
      const std::vector<Digest> proof = *tree.InclusionProof(index, size);
      ASSERT_EQ(proof, rfc.Path(index, size)) << index << " of " << size;
      const Digest leaf = LeafHash(TestEntry(index));
      ASSERT_EQ(Reason(VerifyInclusion(leaf, index, size, proof, root)), "ok")
          << index << " of " << size;
    }
  }
}

TEST(MerkleTree, ConsistencyProofsAgreeWithTheTextOfTheRfcAndVerify) {
  reference::Rfc6962 rfc(Entries(kAll));
  const MerkleTree tree = TestTree(kAll);
  for (uint64_t new_size = 0; new_size <= kAll; ++new_size) {
    for (uint64_t old_size = 0; old_size <= new_size; ++old_size) {
      const std::vector<Digest> proof = *tree.ConsistencyProof(old_size, new_size);
      const bool trivial = old_size == 0 || old_size == new_size;
      ASSERT_EQ(proof, trivial ? std::vector<Digest>{} : rfc.Proof(old_size, new_size))
          << old_size << " to " << new_size;
      ASSERT_EQ(Reason(VerifyConsistency(old_size, rfc.Mth(old_size), new_size, rfc.Mth(new_size),
                                         proof)),
                "ok")
          << old_size << " to " << new_size;
    }
  }
}

TEST(MerkleTree, BatchesOfAnySizeGiveTheSameTree) {
  std::vector<Digest> leaves;
  for (uint64_t i = 0; i < 1'000; ++i) leaves.push_back(LeafHash(TestEntry(i)));
  const Digest root = TestTree(1'000).Root();
  for (const size_t batch : {1, 2, 3, 7, 64, 255, 256, 257, 999, 1'000}) {
    MerkleTree tree;
    for (size_t i = 0; i < leaves.size(); i += batch) {
      tree.Append(std::span(leaves).subspan(i, std::min(batch, leaves.size() - i)));
    }
    tree.Append(std::span<const Digest>());
    EXPECT_EQ(tree.size(), 1'000u);
    EXPECT_EQ(tree.Root(), root) << batch;
  }
}

TEST(MerkleTree, SubtreesAreRootsOfTheirLeaves) {
  const MerkleTree tree = TestTree(300);
  reference::Rfc6962 rfc(Entries(256));
  EXPECT_EQ(tree.SubtreeCount(0), 300u);
  EXPECT_EQ(tree.SubtreeCount(8), 1u);
  EXPECT_EQ(tree.SubtreeCount(9), 0u);
  EXPECT_EQ(tree.SubtreeCount(63), 0u);
  EXPECT_EQ(tree.Subtree(8, 0), rfc.Mth(256));
  EXPECT_EQ(tree.Subtree(0, 299), LeafHash(TestEntry(299)));
}

TEST(MerkleTree, RefusesWhatItDoesNotHave) {
  const MerkleTree tree = TestTree(10);
  EXPECT_EQ(Reason(tree.Root(11)), "size_beyond_tree");
  EXPECT_EQ(Reason(tree.InclusionProof(0, 11)), "size_beyond_tree");
  EXPECT_EQ(Reason(tree.InclusionProof(5, 5)), "index_beyond_size");
  EXPECT_EQ(Reason(tree.InclusionProof(0, 0)), "index_beyond_size");
  EXPECT_EQ(Reason(tree.ConsistencyProof(3, 11)), "size_beyond_tree");
  EXPECT_EQ(Reason(tree.ConsistencyProof(6, 5)), "sizes_out_of_order");
}

// Whatever is changed in a proof, it no longer verifies; and what it is asked of decides, not the
// proof.
TEST(VerifyInclusion, RefusesEveryChange) {
  const MerkleTree tree = TestTree(70);
  for (uint64_t size = 1; size <= 70; ++size) {
    const Digest root = *tree.Root(size);
    for (uint64_t index = 0; index < size; ++index) {
      const std::vector<Digest> proof = *tree.InclusionProof(index, size);
      const Digest leaf = LeafHash(TestEntry(index));
      const std::string where = std::to_string(index) + " of " + std::to_string(size);
      for (uint64_t other = 0; other <= size; ++other) {
        if (other == index) continue;
        ASSERT_NE(Reason(VerifyInclusion(leaf, other, size, proof, root)), "ok")
            << where << " as " << other;
      }
      ASSERT_EQ(Reason(VerifyInclusion(leaf, size, size, proof, root)), "index_beyond_size")
          << where;
      for (size_t i = 0; i < proof.size(); ++i) {
        std::vector<Digest> changed = proof;
        changed[i][i % 32] ^= 1;
        ASSERT_EQ(Reason(VerifyInclusion(leaf, index, size, changed, root)), "root_mismatch")
            << where;
        std::vector<Digest> shorter = proof;
        shorter.erase(shorter.begin() + static_cast<ptrdiff_t>(i));
        ASSERT_EQ(Reason(VerifyInclusion(leaf, index, size, shorter, root)), "path_length")
            << where;
      }
      std::vector<Digest> longer = proof;
      longer.push_back(root);
      ASSERT_EQ(Reason(VerifyInclusion(leaf, index, size, longer, root)), "path_length") << where;
      Digest other_leaf = leaf;
      other_leaf[0] ^= 1;
      ASSERT_EQ(Reason(VerifyInclusion(other_leaf, index, size, proof, root)), "root_mismatch")
          << where;
      Digest other_root = root;
      other_root[31] ^= 0x80;
      ASSERT_EQ(Reason(VerifyInclusion(leaf, index, size, proof, other_root)), "root_mismatch")
          << where;
    }
  }
}

TEST(VerifyInclusion, StaysInBoundsAtTheLargestSizes) {
  const Digest hash = Sha256("x");
  const uint64_t max = ~uint64_t{0};
  const std::vector<Digest> proof(64, hash);
  EXPECT_EQ(Reason(VerifyInclusion(hash, 0, max, proof, hash)), "root_mismatch");
  EXPECT_EQ(Reason(VerifyInclusion(hash, max - 1, max, proof, hash)), "path_length");
  EXPECT_EQ(Reason(VerifyInclusion(hash, max, max, proof, hash)), "index_beyond_size");
  EXPECT_EQ(Reason(VerifyInclusion(hash, 0, 0, {}, hash)), "index_beyond_size");
  EXPECT_EQ(Reason(VerifyConsistency(1, hash, max, hash, proof)), "new_root_mismatch");
  EXPECT_EQ(Reason(VerifyConsistency(max - 1, hash, max, hash, proof)), "old_root_mismatch");
  EXPECT_EQ(Reason(VerifyConsistency(max - 1, hash, max, hash, std::vector<Digest>(65))),
            "path_length");
}

TEST(VerifyConsistency, RefusesEveryChange) {
  const MerkleTree tree = TestTree(70);
  MerkleTree forked = TestTree(0);
  for (uint64_t i = 0; i < 70; ++i) forked.Append(LeafHash(TestEntry(i == 0 ? 1'000 : i)));
  for (uint64_t new_size = 1; new_size <= 70; ++new_size) {
    const Digest new_root = *tree.Root(new_size);
    for (uint64_t old_size = 1; old_size < new_size; ++old_size) {
      const Digest old_root = *tree.Root(old_size);
      const std::vector<Digest> proof = *tree.ConsistencyProof(old_size, new_size);
      const std::string where = std::to_string(old_size) + " to " + std::to_string(new_size);
      for (size_t i = 0; i < proof.size(); ++i) {
        std::vector<Digest> changed = proof;
        changed[i][i % 32] ^= 1;
        ASSERT_NE(Reason(VerifyConsistency(old_size, old_root, new_size, new_root, changed)), "ok")
            << where;
        std::vector<Digest> shorter = proof;
        shorter.erase(shorter.begin() + static_cast<ptrdiff_t>(i));
        ASSERT_EQ(Reason(VerifyConsistency(old_size, old_root, new_size, new_root, shorter)),
                  "path_length")
            << where;
      }
      std::vector<Digest> longer = proof;
      longer.push_back(new_root);
      ASSERT_EQ(Reason(VerifyConsistency(old_size, old_root, new_size, new_root, longer)),
                "path_length")
          << where;
      ASSERT_EQ(Reason(VerifyConsistency(new_size, new_root, old_size, old_root, proof)),
                "sizes_out_of_order");
      // A head of a forked log, with the fork's own proof or this log's. An old tree that is one
      // full subtree is not in its proof, so there it is the new root that does not come out.
      const Digest fork_root = *forked.Root(new_size);
      ASSERT_EQ(Reason(VerifyConsistency(old_size, old_root, new_size, fork_root,
                                         *forked.ConsistencyProof(old_size, new_size))),
                std::has_single_bit(old_size) ? "new_root_mismatch" : "old_root_mismatch")
          << where;
      ASSERT_EQ(Reason(VerifyConsistency(old_size, old_root, new_size, fork_root, proof)),
                "new_root_mismatch")
          << where;
    }
    ASSERT_EQ(Reason(VerifyConsistency(new_size, *forked.Root(new_size), new_size, new_root, {})),
              "old_root_mismatch");
  }
  const Digest root = tree.Root();
  EXPECT_EQ(Reason(VerifyConsistency(0, EmptyRoot(), 70, root, {})), "ok");
  EXPECT_EQ(Reason(VerifyConsistency(0, root, 70, root, {})), "old_root_mismatch");
  EXPECT_EQ(Reason(VerifyConsistency(0, EmptyRoot(), 70, root, std::vector<Digest>(1))),
            "path_length");
  EXPECT_EQ(Reason(VerifyConsistency(70, root, 70, root, std::vector<Digest>(1))), "path_length");
  EXPECT_EQ(Reason(VerifyConsistency(0, EmptyRoot(), 0, root, {})), "new_root_mismatch");
}

// Proofs near the powers of two of a larger tree.
TEST(MerkleTree, LargeTreeProvesItself) {
  constexpr uint64_t kSize = (1u << 17) + 3;
  const MerkleTree tree = TestTree(kSize);
  const std::vector<uint64_t> edges = {1,        2,         255,   256,   257,   511,
                                       512,      513,       65535, 65536, 65537, (1u << 17) - 1,
                                       1u << 17, kSize - 1, kSize};
  for (const uint64_t size : edges) {
    const Digest root = *tree.Root(size);
    for (const uint64_t index : edges) {
      if (index >= size) continue;
      const std::vector<Digest> proof = *tree.InclusionProof(index, size);
      EXPECT_EQ(Reason(VerifyInclusion(LeafHash(TestEntry(index)), index, size, proof, root)),
                "ok");
      EXPECT_LE(proof.size(), 18u);
    }
    for (const uint64_t old_size : edges) {
      if (old_size > size) continue;
      EXPECT_EQ(Reason(VerifyConsistency(old_size, *tree.Root(old_size), size, root,
                                         *tree.ConsistencyProof(old_size, size))),
                "ok");
    }
  }
}

}  // namespace
}  // namespace jangbu::ledger
