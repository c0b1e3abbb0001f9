#include "audit/provenance/assignment.h"

#include <cmath>
#include <limits>

#include "base/check.h"

namespace jangbu::audit {

std::vector<uint32_t> Assign(std::span<const float> scores, size_t rows, size_t columns) {
  JANGBU_CHECK(rows <= columns && scores.size() == rows * columns);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr uint32_t kFree = 0xFFFFFFFF;
  std::vector<double> row_price(rows, 0), column_price(columns, 0), shortest(columns);
  std::vector<uint32_t> row_of(columns, kFree), column_of(rows, kFree), from(columns);
  std::vector<uint32_t> open(columns);  // columns not reached yet
  std::vector<uint8_t> row_seen(rows), column_seen(columns);
  for (size_t start = 0; start < rows; ++start) {
    for (size_t j = 0; j < columns; ++j) {
      shortest[j] = kInfinity;
      open[j] = static_cast<uint32_t>(columns - 1 - j);
      column_seen[j] = 0;
    }
    std::fill(row_seen.begin(), row_seen.end(), uint8_t{0});
    size_t open_count = columns;
    double length = 0;
    size_t i = start;
    uint32_t sink = kFree;
    while (sink == kFree) {
      row_seen[i] = 1;
      const float* row = scores.data() + i * columns;
      size_t nearest = 0;
      double lowest = kInfinity;
      for (size_t k = 0; k < open_count; ++k) {
        const uint32_t j = open[k];
        const double reach = length - static_cast<double>(row[j]) - row_price[i] - column_price[j];
        if (reach < shortest[j]) {
          shortest[j] = reach;
          from[j] = static_cast<uint32_t>(i);
        }
        // Of equals a free column, so that the path ends.
        if (shortest[j] < lowest || (shortest[j] == lowest && row_of[j] == kFree)) {
          lowest = shortest[j];
          nearest = k;
        }
      }
      JANGBU_CHECK(lowest < kInfinity);
      length = lowest;
      const uint32_t j = open[nearest];
      if (row_of[j] == kFree) {
        sink = j;
      } else {
        i = row_of[j];
      }
      column_seen[j] = 1;
      open[nearest] = open[--open_count];
    }
    row_price[start] += length;
    for (size_t r = 0; r < rows; ++r) {
      if (row_seen[r] != 0 && r != start) row_price[r] += length - shortest[column_of[r]];
    }
    for (size_t j = 0; j < columns; ++j) {
      if (column_seen[j] != 0) column_price[j] -= length - shortest[j];
    }
    // Walk the path back.
    uint32_t j = sink;
    while (true) {
      const uint32_t r = from[j];
      row_of[j] = r;
      std::swap(column_of[r], j);
      if (r == start) break;
    }
  }
  return column_of;
}

MatchingSum& MatchingSum::operator+=(const MatchingSum& other) {
  sum += other.sum;
  mean += other.mean;
  variance += other.variance;
  return *this;
}

double MatchingSum::z() const { return variance > 0 ? (sum - mean) / std::sqrt(variance) : 0; }

MatchingSum SumOfMatching(std::span<const float> scores, size_t rows, size_t columns,
                          std::span<const uint32_t> matching) {
  JANGBU_CHECK(matching.size() == rows && scores.size() == rows * columns);
  MatchingSum result;
  if (rows == 0 || columns < 2) return result;
  std::vector<double> column_mean(columns, 0);
  double grand = 0, squares = 0, row_squares = 0;
  for (size_t i = 0; i < rows; ++i) {
    const float* row = scores.data() + i * columns;
    result.sum += static_cast<double>(row[matching[i]]);
    double sum = 0;
    for (size_t j = 0; j < columns; ++j) {
      const auto x = static_cast<double>(row[j]);
      sum += x;
      squares += x * x;
      column_mean[j] += x;
    }
    grand += sum;
    const double mean = sum / static_cast<double>(columns);
    row_squares += mean * mean;
  }
  // The square matrix has as many rows as columns; the missing ones are zeroes.
  const auto n = static_cast<double>(columns);
  double column_squares = 0;
  for (double& mean : column_mean) {
    mean /= n;
    column_squares += mean * mean;
  }
  result.mean = grand / n;
  const double grand_mean = grand / (n * n);
  // Σ (x_ij − row_i − column_j + grand)² over the square, by its parts.
  const double centred =
      squares - n * row_squares - n * column_squares + n * n * grand_mean * grand_mean;
  result.variance = std::max(0.0, centred) / (n - 1);
  return result;
}

}  // namespace jangbu::audit
