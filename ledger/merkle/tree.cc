#include "ledger/merkle/tree.h"

#include <bit>
#include <string>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::ledger {
namespace {

constexpr std::string_view kLeafPrefix("\x00", 1);
constexpr std::string_view kNodePrefix("\x01", 1);

// The largest power of two smaller than n. REQUIRES: n >= 2.
uint64_t SplitPoint(uint64_t n) { return std::bit_floor(n - 1); }

std::string Numbers(std::string_view a_name, uint64_t a, std::string_view b_name, uint64_t b) {
  std::string out(a_name);
  out.append(" ")
      .append(std::to_string(a))
      .append(", ")
      .append(b_name)
      .append(" ")
      .append(std::to_string(b));
  return out;
}

Status WrongLength(size_t have, size_t need) {
  return InvalidArgument("path_length", "the proof has " + std::to_string(have) + " hashes where " +
                                            std::to_string(need) + " belong");
}

// The way from a node up to the root, by RFC 9162 sections 2.1.3.2 and 2.1.4.2: `node` among the
// nodes of its level, of which `last` is the last. A node without a sibling (the last, at an even
// place) moves up as it is.
class Climb {
 public:
  Climb(uint64_t node, uint64_t last) : node_(node), last_(last) {}

  bool AtRoot() const { return last_ == 0; }

  // Joins the next sibling and moves up; true when that sibling stands on the left.
  bool JoinsFromLeft() {
    const bool left = (node_ & 1) != 0 || node_ == last_;
    if (left) SkipWhile(0);
    Up();
    return left;
  }

  // Moves up while the node is a left (0) or a right (1) one, 0 being no left one of anything.
  void SkipWhile(uint64_t side) {
    while (node_ != 0 && (node_ & 1) == side) Up();
  }

  // How many siblings there are from here to the root.
  size_t Length() const {
    Climb copy = *this;
    size_t length = 0;
    for (; !copy.AtRoot(); ++length) copy.JoinsFromLeft();
    return length;
  }

 private:
  void Up() {
    node_ >>= 1;
    last_ >>= 1;
  }

  uint64_t node_;
  uint64_t last_;
};

}  // namespace

Digest LeafHash(std::string_view data) { return Sha256({kLeafPrefix, data}); }

Digest NodeHash(const Digest& left, const Digest& right) {
  return Sha256({kNodePrefix, AsView(left), AsView(right)});
}

Digest EmptyRoot() { return Sha256(std::string_view()); }

void MerkleTree::Append(std::span<const Digest> leaf_hashes) {
  if (leaf_hashes.empty()) return;
  if (levels_.empty()) levels_.emplace_back();
  for (const Digest& leaf : leaf_hashes) levels_[0].Append(leaf);
  // Level by level: every pair that has become complete makes one hash above.
  for (size_t level = 0; levels_[level].size() >= 2; ++level) {
    if (level + 1 == levels_.size()) levels_.emplace_back();
    const StableArray<Digest>& below = levels_[level];
    StableArray<Digest>& above = levels_[level + 1];
    while (above.size() < below.size() / 2) {
      const uint64_t left = 2 * above.size();
      above.Append(NodeHash(below[left], below[left + 1]));
    }
  }
}

const Digest& MerkleTree::Subtree(int level, uint64_t index) const {
  JANGBU_CHECK(level >= 0 && index < SubtreeCount(level));
  return levels_[static_cast<size_t>(level)][index];
}

// The range's binary digits are its full subtrees, the smallest at the right; they join from there.
Digest MerkleTree::RangeHash(uint64_t begin, uint64_t end) const {
  JANGBU_CHECK(begin < end && end <= size());
  uint64_t rest = end - begin;
  int level = std::countr_zero(rest);
  Digest hash = Subtree(level, (end >> level) - 1);
  rest &= rest - 1;
  while (rest != 0) {
    level = std::countr_zero(rest);
    rest &= rest - 1;
    hash = NodeHash(Subtree(level, (begin + rest) >> level), hash);
  }
  return hash;
}

Digest MerkleTree::Root() const { return size() == 0 ? EmptyRoot() : RangeHash(0, size()); }

StatusOr<Digest> MerkleTree::Root(uint64_t size) const {
  if (size > this->size())
    return OutOfRange("size_beyond_tree", Numbers("size", size, "the tree has", this->size()));
  return size == 0 ? EmptyRoot() : RangeHash(0, size);
}

StatusOr<std::vector<Digest>> MerkleTree::InclusionProof(uint64_t index, uint64_t size) const {
  if (size > this->size())
    return OutOfRange("size_beyond_tree", Numbers("size", size, "the tree has", this->size()));
  if (index >= size) return OutOfRange("index_beyond_size", Numbers("index", index, "size", size));
  // PATH from the root down, so the siblings come out in reverse.
  std::vector<Digest> down;
  uint64_t begin = 0;
  uint64_t end = size;
  while (end - begin > 1) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    if (index < middle) {
      down.push_back(RangeHash(middle, end));
      end = middle;
    } else {
      down.push_back(RangeHash(begin, middle));
      begin = middle;
    }
  }
  return std::vector<Digest>(down.rbegin(), down.rend());
}

StatusOr<std::vector<Digest>> MerkleTree::ConsistencyProof(uint64_t old_size,
                                                           uint64_t new_size) const {
  if (new_size > size())
    return OutOfRange("size_beyond_tree", Numbers("size", new_size, "the tree has", size()));
  if (old_size > new_size) {
    return OutOfRange("sizes_out_of_order", Numbers("old size", old_size, "new size", new_size));
  }
  if (old_size == 0 || old_size == new_size) return std::vector<Digest>();
  // SUBPROOF from the root down. It ends at the subtree whose right edge is the old tree's: that
  // subtree's hash comes first, unless it is the whole old tree, whose root the verifier has.
  std::vector<Digest> down;
  uint64_t begin = 0;
  uint64_t end = new_size;
  while (old_size < end) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    if (old_size <= middle) {
      down.push_back(RangeHash(middle, end));
      end = middle;
    } else {
      down.push_back(RangeHash(begin, middle));
      begin = middle;
    }
  }
  if (begin != 0) down.push_back(RangeHash(begin, end));
  return std::vector<Digest>(down.rbegin(), down.rend());
}

Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                       std::span<const Digest> proof, const Digest& root) {
  if (index >= size)
    return InvalidArgument("index_beyond_size", Numbers("index", index, "size", size));
  Climb climb(index, size - 1);
  if (proof.size() != climb.Length()) return WrongLength(proof.size(), climb.Length());
  Digest hash = leaf_hash;
  for (const Digest& sibling : proof) {
    hash = climb.JoinsFromLeft() ? NodeHash(sibling, hash) : NodeHash(hash, sibling);
  }
  JANGBU_CHECK(climb.AtRoot());  // follows from the length
  if (hash != root) {
    return InvalidArgument("root_mismatch", "leaf " + std::to_string(index) +
                                                " and this path do not give the root of " +
                                                std::to_string(size) + " leaves");
  }
  return OkStatus();
}

Status VerifyConsistency(uint64_t old_size, const Digest& old_root, uint64_t new_size,
                         const Digest& new_root, std::span<const Digest> proof) {
  const auto old_mismatch = [&] {
    return InvalidArgument("old_root_mismatch", "the proof does not contain the tree of " +
                                                    std::to_string(old_size) +
                                                    " leaves with the old root");
  };
  if (old_size > new_size) {
    return InvalidArgument("sizes_out_of_order",
                           Numbers("old size", old_size, "new size", new_size));
  }
  if (old_size == 0 || old_size == new_size) {
    if (!proof.empty()) return WrongLength(proof.size(), 0);
    if (old_root != (old_size == 0 ? EmptyRoot() : new_root)) return old_mismatch();
    if (new_size == 0 && new_root != EmptyRoot()) {
      return InvalidArgument("new_root_mismatch", "this is not the root of an empty tree");
    }
    return OkStatus();
  }

  // Both trees share the subtree at the old one's right edge. It is the first hash of the proof,
  // unless it is the whole old tree.
  Climb climb(old_size - 1, new_size - 1);
  climb.SkipWhile(1);
  const bool whole = std::has_single_bit(old_size);
  const size_t need = climb.Length() + (whole ? 0 : 1);
  if (proof.size() != need) return WrongLength(proof.size(), need);
  Digest old_hash = whole ? old_root : proof[0];
  Digest new_hash = old_hash;
  for (const Digest& sibling : proof.subspan(whole ? 0 : 1)) {
    if (climb.JoinsFromLeft()) {
      old_hash = NodeHash(sibling, old_hash);
      new_hash = NodeHash(sibling, new_hash);
    } else {
      new_hash = NodeHash(new_hash, sibling);
    }
  }
  JANGBU_CHECK(climb.AtRoot());  // follows from the length
  if (old_hash != old_root) return old_mismatch();
  if (new_hash != new_root) {
    return InvalidArgument("new_root_mismatch", "the proof does not lead to the root of " +
                                                    std::to_string(new_size) + " leaves");
  }
  return OkStatus();
}

}  // namespace jangbu::ledger
