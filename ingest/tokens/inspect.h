#pragma once

// What a tokenizer file is and whether it can be counted with: the ground of `jangbu tokenizer
// inspect`.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ingest/tokens/tokenizer.h"

namespace jangbu::ingest {

// Entries by the script of their letters. An entry with letters of several scripts is `mixed`;
// parts of characters are `partial`; entries without letters are `digits`, `space` (white space
// only) or `other`.
struct EntryKinds {
  size_t hangul = 0;
  size_t han = 0;
  size_t latin = 0;
  size_t kana = 0;
  size_t other_script = 0;
  size_t mixed = 0;
  size_t digits = 0;
  size_t space = 0;
  size_t other = 0;
  size_t partial = 0;

  size_t total() const {
    return hangul + han + latin + kana + other_script + mixed + digits + space + other + partial;
  }
};

struct TokenizerReport {
  size_t file_bytes = 0;
  Digest sha256{};
  // OK when the file can be counted with; else why not, with the field named. The rest is known as
  // far as the file could be read: `family` and below only when it could.
  Status supported;
  bool readable = false;
  TokenizerFamily family = TokenizerFamily::kHfByteLevelBpe;
  std::string algorithm;  // with version, as it is pinned
  size_t vocab_size = 0;  // distinct entries, added tokens included
  size_t added_tokens = 0;
  size_t special_tokens = 0;
  size_t merges = 0;
  size_t longest_entry_bytes = 0;
  size_t table_bytes = 0;  // memory of the shared tables
  EntryKinds entries;
  std::vector<std::string> features;  // e.g. "split o200k", "normalizer NFC", "byte fallback"
};

// Never fails: what cannot be read is reported in `supported`. Pure; thread-safe.
TokenizerReport InspectTokenizer(std::string_view file_bytes,
                                 const TokenizerLoadOptions& options = {});

}  // namespace jangbu::ingest
