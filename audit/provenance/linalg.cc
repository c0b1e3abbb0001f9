#include "audit/provenance/linalg.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "base/check.h"

// LAPACK, column-major, as OpenBLAS exports it.
extern "C" {
void sgesdd_(const char* jobz, const int* m, const int* n, float* a, const int* lda, float* s,
             float* u, const int* ldu, float* vt, const int* ldvt, float* work, const int* lwork,
             int* iwork, int* info);
void dsyevd_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda, double* w,
             double* work, const int* lwork, int* iwork, const int* liwork, int* info);
}

namespace jangbu::audit {
namespace {

void OneThread() {
  static std::once_flag once;
  std::call_once(once, [] { openblas_set_num_threads(1); });
}

// Eigenvalues ascending; vectors as columns of the column-major result when asked for.
bool Eigen(std::vector<double>& a, size_t n, bool vectors, std::vector<double>& values) {
  OneThread();
  const int size = static_cast<int>(n);
  const char job = vectors ? 'V' : 'N';
  values.assign(n, 0);
  int info = 0;
  int work_size = -1, integer_size = -1, integer_best = 0;
  double best = 0;
  dsyevd_(&job, "U", &size, a.data(), &size, values.data(), &best, &work_size, &integer_best,
          &integer_size, &info);
  work_size = static_cast<int>(best);
  integer_size = integer_best;
  std::vector<double> work(static_cast<size_t>(work_size));
  std::vector<int> integers(static_cast<size_t>(integer_size));
  dsyevd_(&job, "U", &size, a.data(), &size, values.data(), work.data(), &work_size,
          integers.data(), &integer_size, &info);
  return info == 0;
}

}  // namespace

void Gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha,
          const float* a, size_t lda, const float* b, size_t ldb, float beta, float* c,
          size_t ldc) {
  if (m == 0 || n == 0) return;
  OneThread();
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
              transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(m), static_cast<int>(n),
              static_cast<int>(k), alpha, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta,
              c, static_cast<int>(ldc));
}

std::vector<double> ProductSingularValues(std::span<const double> gram_x,
                                          std::span<const double> gram_y, size_t n) {
  JANGBU_CHECK(gram_x.size() == n * n && gram_y.size() == n * n);
  // gram_x = V D Vᵀ; the squares sought are the eigenvalues of D½ Vᵀ gram_y V D½. A decomposition
  // by eigenvectors, unlike Cholesky's, does not mind a gram without full rank.
  std::vector<double> v(gram_x.begin(), gram_x.end());
  std::vector<double> d;
  std::vector<double> values(n, 0);
  if (!Eigen(v, n, true, d)) return values;
  // v: column-major eigenvectors, i.e. row j of the row-major view is vector j.
  std::vector<double> half(n * n, 0);  // row j: gram_y · vector j
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(n), static_cast<int>(n),
              static_cast<int>(n), 1.0, v.data(), static_cast<int>(n), gram_y.data(),
              static_cast<int>(n), 0.0, half.data(), static_cast<int>(n));
  std::vector<double> inner(n * n, 0);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(n), static_cast<int>(n),
              static_cast<int>(n), 1.0, half.data(), static_cast<int>(n), v.data(),
              static_cast<int>(n), 0.0, inner.data(), static_cast<int>(n));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      inner[i * n + j] *= std::sqrt(std::max(0.0, d[i])) * std::sqrt(std::max(0.0, d[j]));
    }
  }
  std::vector<double> squares;
  if (!Eigen(inner, n, false, squares)) return values;
  for (size_t i = 0; i < n; ++i) values[i] = std::sqrt(std::max(0.0, squares[n - 1 - i]));
  return values;
}

bool NearestOrthogonal(std::vector<float>& c, size_t n) {
  JANGBU_CHECK(c.size() == n * n);
  for (const float x : c) {
    if (!std::isfinite(x)) return false;
  }
  OneThread();
  const int size = static_cast<int>(n);
  // Column-major LAPACK sees Cᵀ = U S Vᵀ, so C = V S Uᵀ and Q = V Uᵀ.
  std::vector<float> s(n), u(n * n), vt(n * n);
  std::vector<int> integers(8 * n);
  int info = 0;
  int work_size = -1;
  float best = 0;
  sgesdd_("A", &size, &size, c.data(), &size, s.data(), u.data(), &size, vt.data(), &size, &best,
          &work_size, integers.data(), &info);
  work_size = static_cast<int>(best) + 64;
  std::vector<float> work(static_cast<size_t>(work_size));
  sgesdd_("A", &size, &size, c.data(), &size, s.data(), u.data(), &size, vt.data(), &size,
          work.data(), &work_size, integers.data(), &info);
  if (info != 0) return false;
  // Row-major views: vt is V, u is Uᵀ.
  Gemm(false, false, n, n, n, 1, vt.data(), n, u.data(), n, 0, c.data(), n);
  return true;
}

std::optional<KeptShares> SharesKept(std::span<const float> x, std::span<const float> y, size_t n,
                                     size_t width) {
  JANGBU_CHECK(x.size() == n * width && y.size() == n * width);
  std::vector<float> gram(n * n), cross(n * n);
  Gemm(false, true, n, n, width, 1, x.data(), width, x.data(), width, 0, gram.data(), n);
  Gemm(false, true, n, n, width, 1, y.data(), width, x.data(), width, 0, cross.data(), n);
  std::vector<double> v(gram.begin(), gram.end()), values;
  if (!Eigen(v, n, true, values)) return std::nullopt;
  // Directions that X has: its rank is at most the width.
  std::vector<size_t> directions;
  for (size_t k = n; k-- > 0;) {
    if (values[k] > 1e-6 * values[n - 1]) directions.push_back(k);
  }
  if (directions.size() < 20) return std::nullopt;
  const size_t top = std::max<size_t>(1, directions.size() / 50);
  const size_t rest = directions.size() / 10;
  double kept[2] = {0, 0}, all[2] = {0, 0};
  std::vector<double> turned(n);
  for (size_t i = 0; i < directions.size(); ++i) {
    if (i >= top && i < rest) continue;
    const double* const u = v.data() + directions[i] * n;
    double sum = 0;
    for (size_t r = 0; r < n; ++r) {
      double dot = 0;
      for (size_t c = 0; c < n; ++c) dot += static_cast<double>(cross[r * n + c]) * u[c];
      sum += u[r] * dot;
    }
    kept[i < top ? 0 : 1] += sum;
    all[i < top ? 0 : 1] += values[directions[i]];
  }
  double trace = 0;
  for (const double value : values) trace += value;
  const double root = 1 + std::sqrt(static_cast<double>(n) / static_cast<double>(width));
  const double edge = root * root * trace / static_cast<double>(n);
  return KeptShares{kept[0] / all[0], kept[1] / all[1], all[0] / static_cast<double>(top) / edge};
}

double Dot(const float* a, const float* b, size_t n) {
  // Four sums, so that the order is fixed and the loop is not one long chain.
  double sums[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (size_t j = 0; j < 4; ++j)
      sums[j] += static_cast<double>(a[i + j]) * static_cast<double>(b[i + j]);
  }
  for (; i < n; ++i) sums[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double Norm(const float* a, size_t n) { return std::sqrt(Dot(a, a, n)); }

void NormaliseRows(float* a, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows; ++i) {
    float* row = a + i * columns;
    const double norm = Norm(row, columns);
    if (norm == 0) continue;
    const auto scale = static_cast<float>(1 / norm);
    for (size_t j = 0; j < columns; ++j) row[j] *= scale;
  }
}

bool SolveSymmetric(std::vector<double> a, std::vector<double> b, size_t n,
                    std::vector<double>& x) {
  for (size_t i = 0; i < n; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < n; ++r) {
      if (std::abs(a[r * n + i]) > std::abs(a[pivot * n + i])) pivot = r;
    }
    if (!(std::abs(a[pivot * n + i]) > 1e-12)) return false;
    for (size_t j = 0; j < n; ++j) std::swap(a[i * n + j], a[pivot * n + j]);
    std::swap(b[i], b[pivot]);
    for (size_t r = i + 1; r < n; ++r) {
      const double f = a[r * n + i] / a[i * n + i];
      for (size_t j = i; j < n; ++j) a[r * n + j] -= f * a[i * n + j];
      b[r] -= f * b[i];
    }
  }
  x.assign(n, 0);
  for (size_t i = n; i-- > 0;) {
    double sum = b[i];
    for (size_t j = i + 1; j < n; ++j) sum -= a[i * n + j] * x[j];
    x[i] = sum / a[i * n + i];
  }
  return true;
}

}  // namespace jangbu::audit
