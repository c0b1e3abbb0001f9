#pragma once

// SentencePiece's precompiled normalisation rules: a darts-clone double array from byte strings to
// offsets of NUL-terminated replacements, as found in .model files and in "Precompiled" normalisers
// of tokenizer.json. Untrusted bytes: every step of a walk is bounds-checked, replacements are
// valid UTF-8.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::ingest::tokens {

// Immutable after Parse; thread-safe. An empty map has no rules.
class Charsmap {
 public:
  Charsmap() = default;

  // REQUIRES nothing of `blob`; empty gives the empty map. InvalidArgument when it is malformed.
  static StatusOr<Charsmap> Parse(std::string_view blob);

  struct Rule {
    size_t size = 0;               // bytes replaced; 0: no rule
    std::string_view replacement;  // valid while the map lives
  };
  // The longest rule that `text` starts with.
  Rule Longest(std::string_view text) const;
  // The shortest one.
  Rule Shortest(std::string_view text) const;

  // True when no rule begins with character `c` of the basic plane: it stands for itself.
  bool IsPlain(char32_t c) const { return c < 0x10000 && ((plain_[c >> 6] >> (c & 63)) & 1) != 0; }

  bool empty() const { return units_.empty(); }
  size_t memory_bytes() const {
    return units_.size() * 4 + replacements_.size() + plain_.size() * 8;
  }

 private:
  template <typename OnMatch>
  bool Walk(std::string_view text, OnMatch on_match) const;
  std::string_view ReplacementAt(uint32_t offset) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
  std::vector<uint64_t> plain_ = std::vector<uint64_t>(1024, ~uint64_t{0});
};

}  // namespace jangbu::ingest::tokens
