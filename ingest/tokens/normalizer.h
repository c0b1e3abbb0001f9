#pragma once

// What a tokenizer does to text before it splits it: a list of steps, done in order. Unicode normal
// forms are those of ICU (Unicode 15.0 with ICU 72).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/tokens/charsmap.h"

namespace jangbu::ingest::tokens {

struct NormalizerStep {
  enum class Kind : uint8_t {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kPrepend,   // `from` before text that is not empty
    kReplace,   // every `from` by `to`, left to right
    kCharsmap,  // SentencePiece's rules as Hugging Face applies them: by grapheme cluster, shortest
                // rule first
    kSqueezeSpaces,  // runs of two or more spaces by `to`
  };
  Kind kind;
  std::string from;
  std::string to;
  std::shared_ptr<const Charsmap> charsmap = nullptr;
};

// True when `text` is certainly NFC: a table look-up a character, no false yes.
bool IsPlainlyNfc(std::string_view text);

// Applies `steps`. The answer is `text` itself when nothing changes, else a view of `buffer`, which
// is overwritten. `spare` is working memory. Ill-formed bytes become U+FFFD when a Unicode form has
// to be computed.
std::string_view Normalize(const std::vector<NormalizerStep>& steps, std::string_view text,
                           std::string& buffer, std::string& spare);

}  // namespace jangbu::ingest::tokens
