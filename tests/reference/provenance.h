#pragma once

// What the provenance module's clever parts mean, written as their definitions. For tests.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace jangbu::reference {

// The best one-to-one matching by trying all: its sum. REQUIRES: rows <= columns <= 8.
double BestMatchingSum(std::span<const float> scores, size_t rows, size_t columns);

struct Moments {
  double mean = 0;
  double variance = 0;
};
// Mean and variance of the sum over all matchings, by enumeration. REQUIRES: rows <= columns <= 7.
Moments MatchingMoments(std::span<const float> scores, size_t rows, size_t columns);

// A binary16 as IEEE 754 defines it. NaN for NaNs.
double HalfValue(uint16_t half);

// Singular values, descending, of a rows × columns matrix, by one-sided Jacobi rotations.
std::vector<double> SingularValues(std::vector<double> a, size_t rows, size_t columns);

// What Y keeps of X (both n × width) along the top fiftieth of X's principal directions, and along
// those beyond the top tenth: by power iteration on XᵀX with deflation. For small matrices.
struct Kept {
  double large = 0;
  double rest = 0;
};
Kept KeptAlongDirections(std::span<const float> x, std::span<const float> y, size_t n,
                         size_t width);

}  // namespace jangbu::reference
