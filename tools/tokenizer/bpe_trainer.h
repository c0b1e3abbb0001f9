#pragma once

// Trains a byte-level BPE tokenizer (Sennrich et al. 2016; bytes as in GPT-2) and writes it as
// Hugging Face tokenizer.json.
//
// Text is brought to NFC, cut at line breaks, and split by the o200k pattern, so no token crosses
// white space: a space stands only at the start of a token or among spaces. Merges never join part
// of a character with anything but the rest of it, so every token is whole characters or a part of
// one.
//
// Deterministic: the same pieces with the same weights give the same bytes, in whatever order they
// are added (as long as no piece had to be dropped for memory). Among equally frequent pairs the
// older tokens merge first.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"

namespace jangbu::tokenizer {

struct TrainerOptions {
  // Entries in the file, special tokens included. At least 256 + special tokens.
  size_t vocab_size = 64'000;
  // Longest token; longer merges are not made.
  size_t token_bytes_max = 48;
  // Pieces seen fewer times than this are left out, and pairs seen fewer times are not merged.
  uint64_t count_min = 2;
  // Distinct pieces held. When there are more, the rarest are dropped; bounds memory at about 250
  // bytes a piece.
  size_t pieces_max = 4'000'000;
  // Pieces longer than this are left out.
  size_t piece_bytes_max = 256;
  std::vector<std::string> special_tokens = {"<|endoftext|>"};
};

// Thread-compatible.
class BpeTrainer {
 public:
  explicit BpeTrainer(TrainerOptions options) : options_(std::move(options)) {}

  // Adds text, every piece counted `weight` times. REQUIRES: valid UTF-8, weight > 0.
  void Add(std::string_view text, uint64_t weight = 1);

  size_t pieces() const { return counts_.size(); }
  uint64_t pieces_dropped() const { return dropped_; }

  // The tokenizer.json. InvalidArgument when vocab_size is out of range.
  StatusOr<std::string> Train() const;

 private:
  void AddPiece(std::string_view piece, uint64_t weight);
  void DropRarest();

  TrainerOptions options_;
  // Found by view; absl's own string hash takes only its own view.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  absl::flat_hash_map<std::string, uint64_t, Hash, std::equal_to<>> counts_;
  uint64_t dropped_ = 0;
  std::string buffer_;
  std::string spare_;
};

}  // namespace jangbu::tokenizer
