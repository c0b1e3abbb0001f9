#pragma once

// A read-only map from byte strings to numbers as a double-array trie (Aoe 1989, XOR-addressed as
// in darts-clone): the child of a node for byte c is at base ^ c, if the slot there is taken and
// labelled c. Eight bytes a node: no two nodes share a base, so a label is check enough.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace jangbu::ingest::tokens {

// Sorts by the bytes of the keys, as unsigned, comparing numbers most of the time.
void SortKeys(std::vector<std::pair<std::string_view, uint32_t>>& keys);

// Immutable after Build; thread-safe.
class ByteTrie {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  static constexpr size_t kNodesMax = size_t{1} << 24;

  // A node by its contents: base 24 bits, label 8, taken 1, value + 1 in 31. 0: no node.
  using Node = uint64_t;

  ByteTrie();

  // REQUIRES: keys ascending, distinct, not empty; values below 2^31 - 1. ResourceExhausted past
  // kNodesMax.
  static StatusOr<ByteTrie> Build(const std::vector<std::pair<std::string_view, uint32_t>>& sorted);

  Node root() const { return nodes_[0]; }
  // The child of `node` for `c`, or 0.
  Node Child(Node node, unsigned char c) const {
    const Node next = nodes_[(node & 0xFFFFFF) ^ c];
    return ((next >> 24) & 0x1FF) == (0x100u | c) ? next : 0;
  }
  // Value at a node, or kNone.
  static uint32_t ValueAt(Node node) { return static_cast<uint32_t>(node >> 33) - 1; }

  // Value of exactly `key`, or kNone.
  uint32_t Find(std::string_view key) const {
    Node node = root();
    for (const char c : key) {
      node = Child(node, static_cast<unsigned char>(c));
      if (node == 0) return kNone;
    }
    return ValueAt(node);
  }

  struct Match {
    uint32_t value = kNone;
    const char* end = nullptr;
  };
  // The longest key that [p, end) starts with.
  Match Longest(const char* p, const char* end) const {
    Match best;
    Node node = root();
    while (p < end) {
      const auto c = static_cast<unsigned char>(*p++);
      node = nodes_[(node & 0xFFFFFF) ^ c];
      if (((node >> 24) & 0x1FF) != (0x100u | c)) break;
      if ((node >> 33) != 0) best = {ValueAt(node), p};
    }
    return best;
  }

  // Longest, a byte at a time, so that several can be walked in turn and their reads overlap.
  struct Walk {
    const char* p;
    const char* end;
    Node node;
    uint32_t longest;  // so far; kNone
  };
  Walk WalkFrom(const char* p, const char* end) const { return {p, end, root(), kNone}; }
  // False when the walk is at its end.
  bool Step(Walk& walk) const {
    if (walk.p == walk.end) return false;
    const auto c = static_cast<unsigned char>(*walk.p++);
    const Node node = nodes_[(walk.node & 0xFFFFFF) ^ c];
    if (((node >> 24) & 0x1FF) != (0x100u | c)) return false;
    if ((node >> 33) != 0) walk.longest = ValueAt(node);
    walk.node = node;
    return true;
  }

  bool empty() const { return empty_; }
  size_t memory_bytes() const { return nodes_.capacity() * sizeof(Node); }

 private:
  std::vector<Node> nodes_;
  bool empty_ = true;
};

}  // namespace jangbu::ingest::tokens
