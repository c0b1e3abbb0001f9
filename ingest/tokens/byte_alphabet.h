#pragma once

// The byte alphabet of byte-level BPE (GPT-2): every byte has a printable character; tokenizer.json
// spells tokens in it.

#include <string>
#include <string_view>

namespace jangbu::ingest::tokens {

// "Ġì" → " \xEC", in place. False when a character is not of the alphabet; `token` is then left in
// between.
bool AlphabetToBytes(std::string& token);
// The inverse.
std::string AlphabetOfBytes(std::string_view bytes);

}  // namespace jangbu::ingest::tokens
