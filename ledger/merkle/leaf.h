#pragma once

// A leaf of the log: two commitments, one to what a partner may see of a journal entry (its own
// part) and one to what it may not (the sealed part), each under a salt of its own.
//
//   own_commitment    = SHA-256("jangbu/leaf/own/v1\n"    ‖ own_salt[32]    ‖ own part)
//   sealed_commitment = SHA-256("jangbu/leaf/sealed/v1\n" ‖ sealed_salt[32] ‖ sealed part)
//   leaf data         = SHA-256(version[2] ‖ own_commitment[32] ‖ sealed_commitment[32])
//   leaf hash         = SHA-256(0x00 ‖ leaf data[32])                                RFC 6962
//
// The version is little-endian.
// The leaf data are the entry that the log publishes. Nobody without a salt can test a guess at a
// part; who opens the own part learns nothing of the sealed one. Destroying a salt makes its
// commitment mean nothing for good. (66 bytes are hashed for the leaf data, so that they are never
// the 65 of an inner node.)

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/status.h"

namespace jangbu::ledger {

inline constexpr uint16_t kLeafVersion = 1;
inline constexpr size_t kMaxOwnPartBytes = size_t{16} << 20;

// 32 random bytes of the caller's, never used twice.
using Salt = std::array<uint8_t, 32>;

Digest OwnCommitment(const Salt& salt, std::string_view own_part);
Digest SealedCommitment(const Salt& salt, std::string_view sealed_part);

// The 32 bytes of the log entry.
Digest LeafData(const Digest& own_commitment, const Digest& sealed_commitment,
                uint16_t version = kLeafVersion);

// What opens the own part of one leaf and nothing else.
struct LeafOpening {
  uint16_t version = kLeafVersion;
  Salt own_salt{};
  std::string own_part;
  Digest sealed_commitment{};

  bool operator==(const LeafOpening&) const = default;
};

// The leaf data an opening leads to.
Digest LeafData(const LeafOpening& opening);

//   opening = version[2] ‖ own_salt[32] ‖ sealed_commitment[32] ‖ own part        ; to the end
//
// Parsing: InvalidArgument("bad_opening") when shorter than 66 bytes or with an own part over
// kMaxOwnPartBytes, InvalidArgument("unknown_version") for a version other than kLeafVersion.
std::string EncodeOpening(const LeafOpening& opening);
StatusOr<LeafOpening> ParseOpening(std::string_view bytes);

}  // namespace jangbu::ledger
