#pragma once

// The best one-to-one matching of rows to columns (the linear assignment problem), rectangular.
// Shortest augmenting paths (Jonker and Volgenant 1987; Crouse 2016, "On implementing 2D
// rectangular assignment algorithms"). Ours, because what Debian offers wants square integer
// matrices (dlib) or a graph in memory (LEMON).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace jangbu::audit {

// The column of each row such that columns are distinct and the sum of score[row × columns +
// column] is as large as can be. Deterministic: of equal sums always the same.
//
// REQUIRES: rows <= columns, scores finite. O(rows² · columns), memory O(rows + columns).
std::vector<uint32_t> Assign(std::span<const float> scores, size_t rows, size_t columns);

// A sum over a matching, and what it would be on average over all matchings drawn at random,
// without drawing any (Hoeffding 1951, "A combinatorial central limit theorem"; unmatched columns
// count as matched to rows of zeroes).
struct MatchingSum {
  double sum = 0;
  double mean = 0;
  double variance = 0;
  MatchingSum& operator+=(const MatchingSum& other);
  // How many standard deviations above what chance gives; 0 when the variance is 0.
  double z() const;
};
MatchingSum SumOfMatching(std::span<const float> scores, size_t rows, size_t columns,
                          std::span<const uint32_t> matching);

}  // namespace jangbu::audit
