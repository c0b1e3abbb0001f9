#pragma once

// ★ WHERE TOKENS ARE COUNTED
//
// tokens of a text = Σ over its segments of the pinned tokenizer's count, each segment encoded
// alone, no special tokens added. One TokenCounter serves one thread; tables are shared through the
// Tokenizer, words seen are remembered in a cache of bounded size, and nothing is allocated per
// word. Counts do not depend on the cache, on what was counted before, or on the number of threads.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "ingest/tokens/tokenizer.h"

namespace jangbu::ingest {

struct TokenCounterOptions {
  // Memory for counts of words seen, rounded down to a power of two; 0: none. Touched pages only
  // are taken.
  size_t cache_bytes = size_t{32} << 20;
};

// Thread-compatible: one thread at a time.
class TokenCounter {
 public:
  explicit TokenCounter(std::shared_ptr<const Tokenizer> tokenizer,
                        TokenCounterOptions options = {});
  ~TokenCounter();
  TokenCounter(TokenCounter&&) noexcept;
  TokenCounter& operator=(TokenCounter&&) noexcept;

  // Tokens of one segment.
  //
  // REQUIRES: valid UTF-8 (any: line breaks are counted as the tokenizer counts them). For other
  // bytes the count is unspecified but deterministic, and memory is safe. Linear in the segment for
  // BPE whatever it holds; Unigram: linear times the longest entry.
  int64_t Count(std::string_view segment);

  // Tokens of a canonical text: the sum of Count over what stands between line feeds. Faster than
  // one call a segment.
  int64_t CountText(std::string_view text);

  // Count of each of `segments`, which lie in `text` in order, into `counts`, as many. Faster than
  // one call a segment, the shorter they are the more: words wait for memory past a segment's end.
  void CountEach(std::string_view text, std::span<const std::string_view> segments,
                 std::span<int64_t> counts);

  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  class Impl;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jangbu::ingest
