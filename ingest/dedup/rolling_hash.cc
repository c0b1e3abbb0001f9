#include "ingest/dedup/rolling_hash.h"

#include "base/check.h"
#include "base/digest.h"

namespace jangbu::ingest {

RunHasher::RunHasher(std::string_view secret) {
  JANGBU_CHECK(secret.size() >= 32);
  const Digest key = Sha256({"jangbu run hash 1", secret});
  ByteReader in(AsView(key));
  // A base of at least 2^32, so that neighbouring code points do not meet at once; the bias of the
  // modulus is 2^-3 of one part in 2^61.
  base_ = (in.U64() % (kPrime - (uint64_t{1} << 32))) + (uint64_t{1} << 32);
  mix_a_ = in.U64();
  mix_b_ = in.U64() | 1;
  mix_c_ = in.U64() | 1;
  const Digest check = Sha256({"jangbu run hash check 1", secret});
  check_ = ByteReader(AsView(check)).U64();
}

RunHasher::Roller::Roller(const RunHasher& hasher, size_t width)
    : width_(width),
      base_(hasher.base_),
      mix_a_(hasher.mix_a_),
      mix_b_(hasher.mix_b_),
      mix_c_(hasher.mix_c_) {
  JANGBU_CHECK(width > 0);
  uint64_t power = 1;
  for (size_t i = 0; i < width; ++i) power = Reduce(static_cast<uint128>(power) * base_);
  minus_power_ = kPrime - power;
}

}  // namespace jangbu::ingest
