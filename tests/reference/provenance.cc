#include "tests/reference/provenance.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace jangbu::reference {
namespace {

// Calls `visit` with the sum of each way to give every row a column of its own.
void EachMatching(std::span<const float> scores, size_t rows, size_t columns,
                  const std::function<void(double)>& visit) {
  std::vector<bool> taken(columns);
  const std::function<void(size_t, double)> go = [&](size_t row, double sum) {
    if (row == rows) return visit(sum);
    for (size_t j = 0; j < columns; ++j) {
      if (taken[j]) continue;
      taken[j] = true;
      go(row + 1, sum + static_cast<double>(scores[row * columns + j]));
      taken[j] = false;
    }
  };
  go(0, 0);
}

}  // namespace

double BestMatchingSum(std::span<const float> scores, size_t rows, size_t columns) {
  double best = -std::numeric_limits<double>::infinity();
  EachMatching(scores, rows, columns, [&](double sum) { best = std::max(best, sum); });
  return best;
}

Moments MatchingMoments(std::span<const float> scores, size_t rows, size_t columns) {
  double sum = 0, squares = 0, count = 0;
  EachMatching(scores, rows, columns, [&](double s) {
    sum += s;
    squares += s * s;
    ++count;
  });
  const double mean = sum / count;
  return {mean, squares / count - mean * mean};
}

double HalfValue(uint16_t half) {
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  if (exponent == 31) {
    return fraction != 0 ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

std::vector<double> SingularValues(std::vector<double> a, size_t rows, size_t columns) {
  for (int sweep = 0; sweep < 60; ++sweep) {
    for (size_t p = 0; p < columns; ++p) {
      for (size_t q = p + 1; q < columns; ++q) {
        double pp = 0, qq = 0, pq = 0;
        for (size_t i = 0; i < rows; ++i) {
          const double x = a[i * columns + p], y = a[i * columns + q];
          pp += x * x;
          qq += y * y;
          pq += x * y;
        }
        if (std::abs(pq) <= 1e-15 * std::sqrt(pp * qq)) continue;
        const double angle = 0.5 * std::atan2(2 * pq, pp - qq);
        const double c = std::cos(angle), s = std::sin(angle);
        for (size_t i = 0; i < rows; ++i) {
          const double x = a[i * columns + p], y = a[i * columns + q];
          a[i * columns + p] = c * x + s * y;
          a[i * columns + q] = -s * x + c * y;
        }
      }
    }
  }
  std::vector<double> values(columns, 0);
  for (size_t j = 0; j < columns; ++j) {
    for (size_t i = 0; i < rows; ++i) values[j] += a[i * columns + j] * a[i * columns + j];
    values[j] = std::sqrt(values[j]);
  }
  std::sort(values.rbegin(), values.rend());
  return values;
}

}  // namespace jangbu::reference
