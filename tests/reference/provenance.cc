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

Kept KeptAlongDirections(std::span<const float> x, std::span<const float> y, size_t n,
                         size_t width) {
  const auto times = [&](std::span<const float> m, const std::vector<double>& v) {
    std::vector<double> out(n, 0);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < width; ++j) out[i] += static_cast<double>(m[i * width + j]) * v[j];
    }
    return out;
  };
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  const size_t rank = std::min(n, width);
  const size_t top = std::max<size_t>(1, rank / 50);
  std::vector<std::vector<double>> found;
  double kept[2] = {0, 0}, all[2] = {0, 0};
  for (size_t k = 0; k < rank; ++k) {
    std::vector<double> v(width);
    for (size_t j = 0; j < width; ++j) v[j] = 1.0 / (1.0 + static_cast<double>((j * 7 + k) % 11));
    for (int round = 0; round < 3000; ++round) {
      for (const auto& before : found) {
        const double along = dot(v, before);
        for (size_t j = 0; j < width; ++j) v[j] -= along * before[j];
      }
      const std::vector<double> xv = times(x, v);
      std::vector<double> next(width, 0);
      for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j < width; ++j) next[j] += static_cast<double>(x[i * width + j]) * xv[i];
      }
      const double length = std::sqrt(dot(next, next));
      if (length == 0) break;
      for (double& value : next) value /= length;
      v = std::move(next);
    }
    const std::vector<double> xv = times(x, v);
    if (k < top || k >= rank / 10) {
      kept[k < top ? 0 : 1] += dot(xv, times(y, v));
      all[k < top ? 0 : 1] += dot(xv, xv);
    }
    found.push_back(std::move(v));
  }
  return {kept[0] / all[0], kept[1] / all[1]};
}

}  // namespace jangbu::reference
