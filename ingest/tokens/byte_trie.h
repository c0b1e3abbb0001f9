#pragma once

// A read-only map from byte strings to numbers as a double-array trie (Aoe 1989, XOR-addressed as
// in darts-clone): the child of node s for byte c is base(s) ^ c if that node names s as its
// parent. Twelve bytes a node.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace jangbu::ingest::tokens {

// Immutable after Build; thread-safe.
class ByteTrie {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  static constexpr size_t kNodesMax = size_t{1} << 24;

  struct Node {
    uint32_t base = 0;
    uint32_t check = kNone;
    uint32_t value = kNone;
  };

  ByteTrie();

  // REQUIRES: keys ascending, distinct, not empty; values below kNone. ResourceExhausted past
  // kNodesMax.
  static StatusOr<ByteTrie> Build(const std::vector<std::pair<std::string_view, uint32_t>>& sorted);

  static constexpr uint32_t root() { return 0; }
  // The child of `node` for `c`, or kNone.
  uint32_t Child(uint32_t node, unsigned char c) const {
    const uint32_t next = nodes_[node].base ^ c;
    return nodes_[next].check == node ? next : kNone;
  }
  // Value at a node, or kNone.
  uint32_t ValueAt(uint32_t node) const { return nodes_[node].value; }

  // Value of exactly `key`, or kNone.
  uint32_t Find(std::string_view key) const {
    uint32_t node = root();
    for (const char c : key) {
      node = Child(node, static_cast<unsigned char>(c));
      if (node == kNone) return kNone;
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
    uint32_t node = root();
    while (p < end) {
      const uint32_t next = nodes_[node].base ^ static_cast<unsigned char>(*p);
      if (nodes_[next].check != node) break;
      node = next;
      ++p;
      if (nodes_[node].value != kNone) best = {nodes_[node].value, p};
    }
    return best;
  }

  bool empty() const { return empty_; }
  size_t memory_bytes() const { return nodes_.capacity() * sizeof(Node); }

 private:
  std::vector<Node> nodes_;
  bool empty_ = true;
};

}  // namespace jangbu::ingest::tokens
