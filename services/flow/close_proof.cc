#include "services/flow/close_proof.h"

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

ledger::PublishedClose Publish(const ledger::CloseFigures& figures, const Digest& seed) {
  const auto& shares = figures.split.shares;
  ledger::PublishedClose published;
  published.period = figures.period;
  published.partners = static_cast<uint32_t>(shares.size());
  const std::vector<uint32_t> places = ledger::CommitmentPlaces(seed, shares);
  std::vector<Point> points(shares.size());
  Scalar blinding{};
  for (size_t i = 0; i < shares.size(); ++i) {
    const Scalar r = BlindingOf(seed, shares[i].partner);
    points[places[i]] = CommitTo(shares[i].weight, r);
    crypto_core_ristretto255_scalar_add(blinding.data(), blinding.data(), r.data());
  }
  for (const Point& point : points) published.commitments.append(AsView(point));
  ledger::PublishedCut cut = ledger::CutOf(figures.split, figures.period, seed);
  published.total = cut.total;
  if (!cut.total) return published;
  published.pool_won = figures.split.pool.value();
  published.total_weight = figures.split.total_weight;
  published.blinding = blinding;
  published.threshold = cut.threshold;
  published.tied = std::move(cut.tied);
  return published;
}

Status CheckPublished(const ledger::PublishedClose& published, const ledger::CloseFigures& figures,
                      const Digest& seed) {
  for (const ledger::PartnerShare& share : figures.split.shares) {
    if (share.weight < 0)
      return DataLoss("close_forged", "the weight of " + share.partner + " is negative");
  }
  if (Publish(figures, seed) == published) return OkStatus();
  return DataLoss("close_forged", "the close of " + ledger::ToString(figures.period) +
                                      " does not publish the weights of its partners");
}

}  // namespace jangbu::services
