#include "services/close_proof/commitment.h"

#include <sodium.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::services {
namespace {

static_assert(crypto_core_ristretto255_BYTES == 32 && crypto_core_ristretto255_SCALARBYTES == 32);

std::array<uint8_t, 64> Sha512(std::string_view a, std::string_view b, std::string_view c) {
  JANGBU_CHECK(sodium_init() >= 0);
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  for (const std::string_view part : {a, b, c}) {
    crypto_hash_sha512_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                              part.size());
  }
  std::array<uint8_t, 64> out{};
  crypto_hash_sha512_final(&state, out.data());
  return out;
}

Point GeneratorH() {
  const auto hash = Sha512("jangbu close H v1\n", "", "");
  Point point{};
  crypto_core_ristretto255_from_hash(point.data(), hash.data());
  return point;
}

// n·P; the identity (all zero) when it is that, which libsodium calls an error.
Point Multiply(const Scalar& n, const Point* point) {
  Point out{};
  const int failed = point == nullptr
                         ? crypto_scalarmult_ristretto255_base(out.data(), n.data())
                         : crypto_scalarmult_ristretto255(out.data(), n.data(), point->data());
  return failed == 0 ? out : Point{};
}

}  // namespace

Scalar BlindingOf(const Digest& seed, std::string_view partner) {
  const auto hash = Sha512("jangbu close blinding v1\n", AsView(seed), partner);
  Scalar scalar{};
  crypto_core_ristretto255_scalar_reduce(scalar.data(), hash.data());
  return scalar;
}

Point CommitTo(int64_t weight, const Scalar& blinding) {
  JANGBU_CHECK(weight >= 0);
  static const Point h = GeneratorH();
  Scalar w{};
  for (size_t i = 0; i < 8; ++i)
    w[i] = static_cast<uint8_t>(static_cast<uint64_t>(weight) >> 8 * i);
  const Point left = Multiply(w, nullptr);
  const Point right = Multiply(blinding, &h);
  Point sum{};
  JANGBU_CHECK(crypto_core_ristretto255_add(sum.data(), left.data(), right.data()) == 0);
  return sum;
}

Scalar AddScalars(const Scalar& a, const Scalar& b) {
  Scalar sum{};
  crypto_core_ristretto255_scalar_add(sum.data(), a.data(), b.data());
  return sum;
}

Point SumOf(std::string_view points, bool& good) {
  Point sum{};  // the identity
  good = points.size() % sizeof(Point) == 0;
  for (size_t at = 0; good && at < points.size(); at += sizeof(Point)) {
    Point point;
    std::copy_n(points.data() + at, sizeof(Point), reinterpret_cast<char*>(point.data()));
    Point next{};
    good = crypto_core_ristretto255_add(next.data(), sum.data(), point.data()) == 0;
    sum = next;
  }
  return sum;
}

}  // namespace jangbu::services
