#pragma once

// The byte alphabet of byte-level BPE (GPT-2): every byte has a printable character; tokenizer.json
// spells tokens in it.

#include <optional>
#include <string>
#include <string_view>

namespace jangbu::ingest::tokens {

// "Ġì" → " \xEC". Nothing when a character is not of the alphabet.
std::optional<std::string> BytesOfAlphabet(std::string_view spelled);
// The inverse.
std::string AlphabetOfBytes(std::string_view bytes);

}  // namespace jangbu::ingest::tokens
