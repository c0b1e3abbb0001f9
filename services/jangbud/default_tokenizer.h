#pragma once

// Where the tokenizer is that a new installation pins when nobody names one.

#include <string>

namespace jangbu::services::jangbud {

inline constexpr char kTokenizerVariable[] = "JANGBU_TOKENIZER";
inline constexpr char kDefaultTokenizerName[] = "jangbu-ko-64k.tokenizer.json";

// The environment variable's file, else the first of PREFIX/share/jangbu/tokenizer (where this
// program is PREFIX/bin/jangbud) and the source tree it was built from that has it; "" when there
// is none.
std::string DefaultTokenizerFile();

}  // namespace jangbu::services::jangbud
