#pragma once

// How the field compares documents: the Jaccard similarity of their sets of 5-grams. Reported
// beside a verdict, never part of one.
//
//   words       five 어절 of the canonical text in a row, spacing and line breaks apart
//   characters  five code points of the canonical text in a row, white space left out
//
// Exact, over hashed 5-grams (XXH3-64: two different ones of n meet with a chance of n² ÷ 2^64).

#include <cstdint>
#include <string_view>

namespace jangbu::ingest {

// |A ∩ B| ÷ |A ∪ B| in millionths, rounded down; a text of fewer than five has itself as its only
// gram; 0 for two empty texts. Pure; time and space linear in both.
uint32_t WordJaccard(std::string_view canonical_a, std::string_view canonical_b);
uint32_t CharJaccard(std::string_view canonical_a, std::string_view canonical_b);

}  // namespace jangbu::ingest
