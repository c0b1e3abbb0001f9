#pragma once

// Shared by inspect and compare.

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/tokens/inspect.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::ingest::tokens {

// The kind an entry counts as.
size_t EntryKinds::*KindOfEntry(std::string_view text);

// The text an entry stands for: marks are spaces, byte entries their byte.
std::string TextOfEntry(const TokenizerFile& file, uint32_t id);

}  // namespace jangbu::ingest::tokens
