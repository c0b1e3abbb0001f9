#pragma once

// Pedersen commitments over ristretto255 (RFC 9496, libsodium): a close publishes one for each
// partner's weight, and their sum opens to the total.
//
//   C(w, r) = w·G + r·H     G: the base point; H: hash to group of SHA-512("jangbu close H v1\n")
//   r       = SHA-512("jangbu close blinding v1\n" ‖ seed ‖ partner id) mod ℓ
//
// Perfectly hiding: a commitment says nothing about its weight, whatever is tried on it, as long as
// the close's seed stays sealed. Binding as long as nobody knows log_G(H). What the scheme proves
// and what not: docs/close-proof.md. Pure; thread-safe.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ledger/close.h"

namespace jangbu::services {

using Point = std::array<uint8_t, 32>;   // canonical encoding
using Scalar = std::array<uint8_t, 32>;  // little-endian, below ℓ

Scalar BlindingOf(const Digest& seed, std::string_view partner);
// REQUIRES: weight >= 0.
Point CommitTo(int64_t weight, const Scalar& blinding);

// What is published of a close. About 0.2 ms a partner.
ledger::PublishedClose Publish(const ledger::CloseFigures& figures, const Digest& seed);

// Checks a close as an auditor does: every commitment opens to its partner's weight, none is
// negative, they add up. DataLoss("close_forged") names what is wrong.
Status CheckPublished(const ledger::PublishedClose& published, const ledger::CloseFigures& figures,
                      const Digest& seed);

}  // namespace jangbu::services
