#pragma once

// The few operations on matrices that the comparison needs, over OpenBLAS (BLAS and LAPACK). Each
// call runs on the calling thread alone, so that results do not depend on how many there are.
// Matrices are row-major. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace jangbu::audit {

// C (m × n, stride ldc) = alpha · op(A) · op(B) + beta · C, op(A) m × k, op(B) k × n.
void Gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha,
          const float* a, size_t lda, const float* b, size_t ldb, float beta, float* c, size_t ldc);

// Singular values, descending, of X·Y where gram_x = XᵀX and gram_y = Y·Yᵀ (both n × n, symmetric,
// in double): what two factors that are only known up to an invertible matrix between them have in
// common. O(n³).
std::vector<double> ProductSingularValues(std::span<const double> gram_x,
                                          std::span<const double> gram_y, size_t n);

// The orthogonal matrix Q (n × n) nearest to C, that maximises Σ C_ij Q_ij; replaces C. False when
// the decomposition fails (C not finite). O(n³): Procrustes.
bool NearestOrthogonal(std::vector<float>& c, size_t n);

// Of matched rows X and Y (n × width): what Y keeps of X along the directions in which X is
// largest, beside what it keeps along the rest. With X = U S Vᵀ, direction k keeps u_kᵀ (Y Xᵀ) u_k
// of s_k²; `large` is the quotient of the sums over the top fiftieth of the directions (one at
// least), `rest` over those beyond the top tenth. Nothing when X has fewer than 20 directions. O(n²
// · width + n³).
struct KeptShares {
  double large = 0;
  double rest = 0;
  // Mean square of those top directions, over the largest that rows of the same lengths in random
  // directions would have, (1 + √(n / width))² times their mean square (Marchenko and Pastur 1967).
  // Near 1: X has no directions of its own.
  double prominence = 0;
};
std::optional<KeptShares> SharesKept(std::span<const float> x, std::span<const float> y, size_t n,
                                     size_t width);

double Dot(const float* a, const float* b, size_t n);
double Norm(const float* a, size_t n);
// Divides each of `rows` rows by its length; a row of zeroes stays.
void NormaliseRows(float* a, size_t rows, size_t columns);

// Solves the symmetric system A x = b of `n` unknowns (n small); false when it is singular.
bool SolveSymmetric(std::vector<double> a, std::vector<double> b, size_t n, std::vector<double>& x);

}  // namespace jangbu::audit
