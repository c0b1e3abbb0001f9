#pragma once

// The Merkle tree of RFC 6962 section 2.1 over SHA-256: what a log commits to, and the proofs that
// bind an entry to a head and an earlier head to a later one. Knows hashes and sizes, never what an
// entry means.
//
//   LeafHash(d)    = SHA-256(0x00 ‖ d)
//   NodeHash(l, r) = SHA-256(0x01 ‖ l ‖ r)
//   MTH of no leaves = SHA-256(""); of one, its leaf hash; of n, NodeHash(MTH of the first k, MTH
//   of the rest), where k is the largest power of two smaller than n.
//
// Proofs are lists of digests in the order of the RFC: from the leaf towards the root.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/stable_array.h"
#include "base/status.h"

namespace jangbu::ledger {

// The hash of an entry; `data` is the entry's bytes.
Digest LeafHash(std::string_view data);

// The hash of two subtrees, left before right.
Digest NodeHash(const Digest& left, const Digest& right);

// The root of the empty tree.
Digest EmptyRoot();

// An append-only tree that keeps the hash of every full subtree, so that the root and the proofs of
// every earlier size remain at hand. Memory: 64 bytes a leaf and the slack of base/stable_array.h.
// Thread-compatible: const calls may run together; Append needs the tree for itself. Movable, not
// copyable.
class MerkleTree {
 public:
  MerkleTree() = default;
  MerkleTree(MerkleTree&&) = default;
  MerkleTree& operator=(MerkleTree&&) = default;

  // Adds one leaf hash (not the data: see LeafHash). Amortised one node hash.
  void Append(const Digest& leaf_hash) { Append(std::span(&leaf_hash, 1)); }
  // Adds leaf hashes in order.
  void Append(std::span<const Digest> leaf_hashes);

  uint64_t size() const { return levels_.empty() ? 0 : levels_[0].size(); }

  // The root over all leaves, or over the first `size` of them. O(log n).
  Digest Root() const;
  // OutOfRange("size_beyond_tree") when `size` > size().
  StatusOr<Digest> Root(uint64_t size) const;

  // PATH(index, D[size]): proves that leaf `index` is in the tree of the first `size` leaves. O(log
  // n). OutOfRange("size_beyond_tree" | "index_beyond_size").
  StatusOr<std::vector<Digest>> InclusionProof(uint64_t index, uint64_t size) const;

  // PROOF(old_size, D[new_size]): proves that the tree of the first `new_size` leaves begins with
  // that of the first `old_size`. Empty when the sizes are equal, and when `old_size` is 0
  // (anything begins with nothing). O(log n). OutOfRange("size_beyond_tree" |
  // "sizes_out_of_order").
  StatusOr<std::vector<Digest>> ConsistencyProof(uint64_t old_size, uint64_t new_size) const;

  // The full subtrees of height `level`: how many there are, and the hash of leaves
  // [index * 2^level, (index + 1) * 2^level). REQUIRES: index < SubtreeCount(level).
  uint64_t SubtreeCount(int level) const {
    return static_cast<size_t>(level) < levels_.size() ? levels_[static_cast<size_t>(level)].size()
                                                       : 0;
  }
  const Digest& Subtree(int level, uint64_t index) const;

 private:
  // MTH(D[begin : end]); begin is a multiple of the smallest power of two >= end - begin.
  Digest RangeHash(uint64_t begin, uint64_t end) const;

  std::vector<StableArray<Digest>> levels_;
};

// OK when `proof` shows that `leaf_hash` is leaf `index` of the tree of `size` leaves with this
// root. Otherwise InvalidArgument:
//   index_beyond_size   there is no such leaf
//   path_length         the proof has not as many hashes as an entry there needs
//   root_mismatch       the proof leads to another root: leaf, index, path or root is wrong
Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                       std::span<const Digest> proof, const Digest& root);

// OK when `proof` shows that the tree (new_size, new_root) begins with the tree (old_size,
// old_root). Equal sizes need an empty proof and equal roots; old_size 0 needs an empty proof and
// the empty root. Otherwise InvalidArgument:
//   sizes_out_of_order  old_size > new_size
//   path_length         the proof has not as many hashes as these sizes need
//   old_root_mismatch   the proof does not contain the old tree
//   new_root_mismatch   the proof does not lead to the new root
Status VerifyConsistency(uint64_t old_size, const Digest& old_root, uint64_t new_size,
                         const Digest& new_root, std::span<const Digest> proof);

}  // namespace jangbu::ledger
