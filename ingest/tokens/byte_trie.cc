#include "ingest/tokens/byte_trie.h"

#include <algorithm>
#include <string>

namespace jangbu::ingest::tokens {
namespace {

// Free slots tried before a new block is opened.
constexpr int kTriesOnly = 32;
constexpr int kTriesFamily = 400;

// Free slots as a doubly linked ring, so that nodes with one child (nearly all) take the first free
// slot.
class Slots {
 public:
  explicit Slots(std::vector<ByteTrie::Node>& nodes) : nodes_(nodes) {}

  void SkipFirstBlock() {
    next_.resize(256);
    prev_.resize(256);
    taken_.resize(256, true);
    bases_.resize(256, true);
  }
  void AddBlock() {
    const auto first = static_cast<uint32_t>(nodes_.size());
    nodes_.resize(nodes_.size() + 256);
    taken_.resize(nodes_.size());
    bases_.resize(nodes_.size());
    next_.resize(nodes_.size());
    prev_.resize(nodes_.size());
    for (uint32_t i = first; i < first + 256; ++i) {
      prev_[i] = tail_;
      next_[i] = ByteTrie::kNone;
      if (tail_ == ByteTrie::kNone) {
        head_ = i;
      } else {
        next_[tail_] = i;
      }
      tail_ = i;
    }
  }
  void Take(uint32_t slot) {
    const uint32_t p = prev_[slot];
    const uint32_t n = next_[slot];
    (p == ByteTrie::kNone ? head_ : next_[p]) = n;
    (n == ByteTrie::kNone ? tail_ : prev_[n]) = p;
    taken_[slot] = true;
  }

  // A base for children `bytes`: every base ^ byte is free, and no node has it. An only child
  // (nearly all are) takes what is free; larger families look where much is free, from the end.
  // Opens blocks as needed.
  uint32_t FindBase(const std::vector<unsigned char>& bytes) {
    const auto fits = [&](uint32_t slot) {
      const uint32_t base = slot ^ bytes[0];
      return !bases_[base] && std::all_of(bytes.begin(), bytes.end(),
                                          [&](unsigned char c) { return !taken_[base ^ c]; });
    };
    uint32_t found = ByteTrie::kNone;
    uint32_t slot = ByteTrie::kNone;
    if (bytes.size() == 1) {
      // Goes round: a slot that fits nobody now is passed and met again later.
      // (A taken slot still knows what came after it.)
      slot = cursor_;
      while (slot != ByteTrie::kNone && taken_[slot]) slot = next_[slot];
      if (slot == ByteTrie::kNone) slot = head_;
      for (int tries = kTriesOnly; slot != ByteTrie::kNone && tries > 0 && found == ByteTrie::kNone;
           --tries) {
        if (fits(slot)) found = slot;
        slot = next_[slot];
      }
      cursor_ = slot;
    }
    slot = tail_;
    for (int tries = kTriesFamily; slot != ByteTrie::kNone && tries > 0 && found == ByteTrie::kNone;
         --tries) {
      if (fits(slot)) found = slot;
      slot = prev_[slot];
    }
    if (found == ByteTrie::kNone) {
      found = static_cast<uint32_t>(nodes_.size());
      AddBlock();
    }
    bases_[found ^ bytes[0]] = true;
    return found ^ bytes[0];
  }

 private:
  std::vector<ByteTrie::Node>& nodes_;
  std::vector<uint32_t> next_;
  std::vector<uint32_t> prev_;
  std::vector<bool> taken_;
  std::vector<bool> bases_;
  uint32_t head_ = ByteTrie::kNone;
  uint32_t tail_ = ByteTrie::kNone;
  uint32_t cursor_ = ByteTrie::kNone;  // free, or since taken, or the end
};

}  // namespace

void SortKeys(std::vector<std::pair<std::string_view, uint32_t>>& keys) {
  struct Item {
    uint64_t head;  // the first eight bytes, zeros after the end
    std::pair<std::string_view, uint32_t> key;
  };
  std::vector<Item> items;
  items.reserve(keys.size());
  for (const auto& key : keys) {
    uint64_t head = 0;
    for (size_t i = 0; i < 8; ++i) {
      head <<= 8;
      if (i < key.first.size()) head |= static_cast<unsigned char>(key.first[i]);
    }
    items.push_back({head, key});
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return a.head != b.head ? a.head < b.head : a.key < b.key;
  });
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = items[i].key;
}

// Block 0 holds the root and nothing else: it is the base of nodes without children.
ByteTrie::ByteTrie() : nodes_(256) {}

StatusOr<ByteTrie> ByteTrie::Build(
    const std::vector<std::pair<std::string_view, uint32_t>>& sorted) {
  ByteTrie trie;
  if (sorted.empty()) return trie;
  trie.empty_ = false;
  Slots slots(trie.nodes_);
  slots.SkipFirstBlock();

  // A node still to be laid out: the keys [first, last) share their first `depth` bytes.
  struct Pending {
    uint32_t node;
    uint32_t first;
    uint32_t last;
    uint32_t depth;
  };
  std::vector<Pending> pending = {{0, 0, static_cast<uint32_t>(sorted.size()), 0}};
  std::vector<unsigned char> bytes;
  std::vector<uint32_t> starts;
  while (!pending.empty()) {
    Pending at = pending.back();
    pending.pop_back();
    if (sorted[at.first].first.size() == at.depth) {
      trie.nodes_[at.node] |= (static_cast<uint64_t>(sorted[at.first].second) + 1) << 33;
      if (++at.first == at.last) continue;
    }
    bytes.clear();
    starts.clear();
    // Keys of one byte lie together; gallop from one to the next.
    for (uint32_t i = at.first; i < at.last;) {
      const auto c = static_cast<unsigned char>(sorted[i].first[at.depth]);
      bytes.push_back(c);
      starts.push_back(i);
      uint32_t step = 1;
      uint32_t low = i;
      uint32_t high = i + 1;
      while (high < at.last && static_cast<unsigned char>(sorted[high].first[at.depth]) == c) {
        low = high;
        step *= 2;
        high = at.last - high > step ? high + step : at.last;
      }
      while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (static_cast<unsigned char>(sorted[middle].first[at.depth]) == c) {
          low = middle;
        } else {
          high = middle;
        }
      }
      i = high;
    }
    starts.push_back(at.last);
    const uint32_t base = slots.FindBase(bytes);
    if (trie.nodes_.size() >= kNodesMax) {
      return ResourceExhausted("vocabulary_too_large",
                               "the entries need more than 2^24 trie nodes");
    }
    trie.nodes_[at.node] |= base;
    for (size_t i = bytes.size(); i-- > 0;) {
      const uint32_t child = base ^ bytes[i];
      slots.Take(child);
      trie.nodes_[child] = (uint64_t{1} << 32) | (static_cast<uint64_t>(bytes[i]) << 24);
      pending.push_back({child, starts[i], starts[i + 1], at.depth + 1});
    }
  }
  trie.nodes_.shrink_to_fit();
  return trie;
}

}  // namespace jangbu::ingest::tokens
