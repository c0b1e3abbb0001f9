#pragma once

// A tokenizer as its file defines it, ready to count.
//
// The file is untrusted bytes of one of these forms, told apart by content:
//   - Hugging Face tokenizer.json: byte-level BPE, Metaspace BPE, Unigram;
//   - a .tiktoken rank file (base64 SPACE rank, one token a line);
//   - a SentencePiece .model (protobuf): BPE or Unigram.
// What a file asks for that this program does not do exactly is refused by name when it is loaded,
// never approximated.
//
// A tokenizer is pinned by algorithm() and file_sha256() together: two programs that agree on both
// give the same counts. For tokenizer.json the definition is Hugging Face tokenizers' (merge
// lists); for .tiktoken tiktoken's (ranks, whole pieces first, encode_ordinary); for .model
// SentencePiece's. No special token is ever added. Added and user-defined tokens of the file that
// stand in the text are matched, as those libraries do by default.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"

namespace jangbu::ingest {

enum class TokenizerFamily {
  kHfByteLevelBpe,
  kHfMetaspaceBpe,
  kHfUnigram,
  kTiktoken,
  kSentencePieceBpe,
  kSentencePieceUnigram,
};

// Stable lower-case name, e.g. "hf-bytelevel-bpe".
std::string_view FamilyName(TokenizerFamily family);

namespace tokens {
struct Pipeline;
}

struct TokenizerLoadOptions {
  // For rank files only, which do not say how text is split: "cl100k_base" or "o200k_base". Empty:
  // the two published files are known by their SHA-256, any other is refused.
  std::string_view tiktoken_split;
};

// Immutable and thread-safe; share it by pointer.
class Tokenizer {
 public:
  static constexpr size_t kFileBytesMax = size_t{64} << 20;

  // Reads a tokenizer file. `file_bytes` need not outlive the call.
  // Returns InvalidArgument when the file is malformed, FailedPrecondition ("unsupported: ...")
  // when it asks for something not done here, ResourceExhausted when it is past the limits; the
  // message names the field. Under half a second for 200,000 entries.
  static StatusOr<std::shared_ptr<const Tokenizer>> Load(std::string_view file_bytes,
                                                         const TokenizerLoadOptions& options = {});

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  TokenizerFamily family() const { return family_; }
  // Name and version of the counting algorithm, e.g. "hf-bytelevel-bpe/1".
  std::string_view algorithm() const { return algorithm_; }
  const Digest& file_sha256() const { return file_sha256_; }
  // Distinct entries, added tokens included.
  size_t vocab_size() const { return vocab_size_; }
  // Bytes of the tables shared by all counters.
  size_t memory_bytes() const;

  // For the counter.
  const tokens::Pipeline& pipeline() const { return *pipeline_; }

 private:
  Tokenizer();

  TokenizerFamily family_ = TokenizerFamily::kHfByteLevelBpe;
  std::string algorithm_;
  Digest file_sha256_{};
  size_t vocab_size_ = 0;
  std::unique_ptr<const tokens::Pipeline> pipeline_;
};

}  // namespace jangbu::ingest
