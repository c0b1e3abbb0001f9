#pragma once

// Pedersen commitments over ristretto255 (RFC 9496, libsodium): a close publishes one for each
// partner's weight, and their sum opens to the total.
//
//   C(w, r) = w·G + r·H     G: the base point; H: hash to group of SHA-512("jangbu close H v1\n")
//   r       = SHA-512("jangbu close blinding v1\n" ‖ seed ‖ partner id) mod ℓ
//
// Perfectly hiding: a commitment says nothing about its weight, whatever is tried on it, as long as
// the close's seed stays sealed. Binding as long as nobody knows log_G(H). What the scheme proves
// and what not: docs/close-proof.md. Pure; thread-safe. About 0.1 ms each.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace jangbu::services {

using Point = std::array<uint8_t, 32>;   // canonical encoding
using Scalar = std::array<uint8_t, 32>;  // little-endian, below ℓ

Scalar BlindingOf(const Digest& seed, std::string_view partner);
// REQUIRES: weight >= 0.
Point CommitTo(int64_t weight, const Scalar& blinding);
// a + b mod ℓ.
Scalar AddScalars(const Scalar& a, const Scalar& b);
// Of points one after the other, 32 bytes each; false in `good` when one of them is no point.
Point SumOf(std::string_view points, bool& good);

}  // namespace jangbu::services
