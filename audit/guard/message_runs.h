#pragma once

// How much of what was said last occurs in one given text: the user's own message.
//
// A suffix automaton (Blumer et al., "The smallest automaton recognizing the subwords of a text",
// 1985) of the message, walked along the output: after each code point the length of the longest
// ending of the output that occurs in the message. Exact; linear in the message to build (about
// 200 ns and 100 bytes a code point), constant time a step on average.

#include <cstdint>
#include <memory>
#include <string_view>

namespace jangbu::audit {

// Immutable after construction, thread-safe.
class MessageRuns {
 public:
  explicit MessageRuns(std::u32string_view message);
  ~MessageRuns();

  struct State {
    uint32_t node = 0;
    uint32_t length = 0;  // of the longest ending that occurs in the message
  };
  void Step(State& state, char32_t cp) const;

 private:
  struct Automaton;
  std::unique_ptr<Automaton> automaton_;
};

}  // namespace jangbu::audit
