#pragma once

// The tree of RFC 6962 section 2.1, written as the text has it: recursively, over all leaves, with
// the letters of the text. Hashes of ranges are remembered, for no other reason than time.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"

namespace jangbu::reference {

class Rfc6962 {
 public:
  // d: the entries.
  explicit Rfc6962(std::vector<std::string> d) : d_(std::move(d)) {}

  // MTH(D[n]): the Merkle Tree Hash of the first n entries.
  Digest Mth(uint64_t n) { return Mth(0, n); }

  // PATH(m, D[n]), section 2.1.1.
  std::vector<Digest> Path(uint64_t m, uint64_t n) { return Path(m, 0, n); }

  // PROOF(m, D[n]) = SUBPROOF(m, D[n], true), section 2.1.2. 0 < m < n.
  std::vector<Digest> Proof(uint64_t m, uint64_t n) { return Subproof(m, 0, n, true); }

 private:
  // The largest power of two smaller than n.
  static uint64_t K(uint64_t n) {
    uint64_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }

  Digest Mth(uint64_t begin, uint64_t end) {
    const uint64_t n = end - begin;
    if (n == 0) return Sha256("");
    if (n == 1) return Sha256(std::string(1, '\x00') + d_[begin]);
    const auto known = mth_.find({begin, end});
    if (known != mth_.end()) return known->second;
    const uint64_t k = K(n);
    const Digest left = Mth(begin, begin + k);
    const Digest right = Mth(begin + k, end);
    const Digest hash =
        Sha256(std::string(1, '\x01') + std::string(AsView(left)) + std::string(AsView(right)));
    mth_[{begin, end}] = hash;
    return hash;
  }

  std::vector<Digest> Path(uint64_t m, uint64_t begin, uint64_t end) {
    const uint64_t n = end - begin;
    if (n == 1) return {};
    const uint64_t k = K(n);
    std::vector<Digest> path;
    if (m < k) {
      path = Path(m, begin, begin + k);
      path.push_back(Mth(begin + k, end));
    } else {
      path = Path(m - k, begin + k, end);
      path.push_back(Mth(begin, begin + k));
    }
    return path;
  }

  std::vector<Digest> Subproof(uint64_t m, uint64_t begin, uint64_t end, bool b) {
    const uint64_t n = end - begin;
    if (m == n) return b ? std::vector<Digest>{} : std::vector<Digest>{Mth(begin, end)};
    const uint64_t k = K(n);
    std::vector<Digest> proof;
    if (m <= k) {
      proof = Subproof(m, begin, begin + k, b);
      proof.push_back(Mth(begin + k, end));
    } else {
      proof = Subproof(m - k, begin + k, end, false);
      proof.push_back(Mth(begin, begin + k));
    }
    return proof;
  }

  std::vector<std::string> d_;
  std::map<std::pair<uint64_t, uint64_t>, Digest> mth_;
};

}  // namespace jangbu::reference
