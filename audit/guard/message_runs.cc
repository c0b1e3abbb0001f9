#include "audit/guard/message_runs.h"

#include <vector>

#include "absl/container/flat_hash_map.h"

namespace jangbu::audit {

struct MessageRuns::Automaton {
  struct Node {
    uint32_t length = 0;
    int32_t link = -1;
    std::u32string next;  // the code points that lead on
  };
  std::vector<Node> nodes = std::vector<Node>(1);
  absl::flat_hash_map<uint64_t, uint32_t> edges;  // node << 21 | code point

  static uint64_t Edge(uint32_t node, char32_t cp) { return uint64_t{node} << 21 | cp; }
  uint32_t* Find(uint32_t node, char32_t cp) {
    const auto found = edges.find(Edge(node, cp));
    return found == edges.end() ? nullptr : &found->second;
  }
  void Set(uint32_t node, char32_t cp, uint32_t to) {
    nodes[node].next.push_back(cp);
    edges[Edge(node, cp)] = to;
  }

  void Extend(uint32_t& last, char32_t cp) {
    const auto current = static_cast<uint32_t>(nodes.size());
    const uint32_t length = nodes[last].length + 1;
    nodes.push_back({length, -1, {}});
    int32_t p = static_cast<int32_t>(last);
    while (p >= 0 && Find(static_cast<uint32_t>(p), cp) == nullptr) {
      Set(static_cast<uint32_t>(p), cp, current);
      p = nodes[static_cast<uint32_t>(p)].link;
    }
    last = current;
    if (p < 0) {
      nodes[current].link = 0;
      return;
    }
    const uint32_t q = *Find(static_cast<uint32_t>(p), cp);
    if (nodes[q].length == nodes[static_cast<uint32_t>(p)].length + 1) {
      nodes[current].link = static_cast<int32_t>(q);
      return;
    }
    const auto clone = static_cast<uint32_t>(nodes.size());
    const std::u32string next = nodes[q].next;
    nodes.push_back({nodes[static_cast<uint32_t>(p)].length + 1, nodes[q].link, {}});
    for (const char32_t c : next) Set(clone, c, *Find(q, c));
    while (p >= 0) {
      uint32_t* const to = Find(static_cast<uint32_t>(p), cp);
      if (to == nullptr || *to != q) break;
      *to = clone;
      p = nodes[static_cast<uint32_t>(p)].link;
    }
    nodes[q].link = static_cast<int32_t>(clone);
    nodes[current].link = static_cast<int32_t>(clone);
  }
};

MessageRuns::MessageRuns(std::u32string_view message) : automaton_(std::make_unique<Automaton>()) {
  automaton_->nodes.reserve(2 * message.size() + 1);
  uint32_t last = 0;
  for (const char32_t cp : message) automaton_->Extend(last, cp);
}

MessageRuns::~MessageRuns() = default;

void MessageRuns::Step(State& state, char32_t cp) const {
  Automaton& a = *automaton_;
  while (true) {
    if (const uint32_t* const to = a.Find(state.node, cp); to != nullptr) {
      state.node = *to;
      ++state.length;
      return;
    }
    const int32_t link = a.nodes[state.node].link;
    if (link < 0) {
      state = {};
      return;
    }
    state.node = static_cast<uint32_t>(link);
    state.length = a.nodes[state.node].length;
  }
}

}  // namespace jangbu::audit
