#pragma once

// The key-index seam: who holds this 16-byte key? First claim wins, per key, for ever or until it
// is released.
//
// Keys are keyed digests (services make them from a secret of the installation), so nobody outside
// can aim at one. There are no transactions over keys and none are needed: a claim is in force only
// when the journal says that its token's batch committed and counted that document for that key;
// any other may be released and claimed again.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace jangbu {

using Key = std::array<uint8_t, 16>;

// A table of keys: what kind of thing they name, and whose view of it (a partner number, or 0 for
// everybody's).
struct TableId {
  uint32_t kind = 0;
  uint32_t scope = 0;
  auto operator<=>(const TableId&) const = default;
};

// Who claims: a batch's token (the sequence number of its BEGIN entry) and the document's ordinal
// in it.
struct Owner {
  uint64_t token = 0;
  uint32_t ordinal = 0;
  auto operator<=>(const Owner&) const = default;
};

enum class ClaimState : uint8_t {
  kNew,    // the key was free and is now this owner's
  kMine,   // this owner held it already (a retry)
  kTaken,  // another owner holds it
};

struct KeyClaim {
  Key key;
  uint32_t ordinal = 0;
};

struct ClaimResult {
  ClaimState state = ClaimState::kNew;
  Owner owner;  // who holds the key now
};

struct IndexedKey {
  Key key;
  Owner owner;
};

// Thread-safe. Batch-first: nobody assumes that a call is free.
class KeyIndex {
 public:
  virtual ~KeyIndex() = default;

  // Claims each key for (token, its ordinal): atomic per key, not per call; durable on return;
  // idempotent. One result for each claim, in order. Of two claims of one key in one call the first
  // wins.
  virtual StatusOr<std::vector<ClaimResult>> Claim(TableId table, uint64_t token,
                                                   std::span<const KeyClaim> claims) = 0;

  // Who holds each key, if anybody; one result for each key, in order. Sees every claim that
  // returned before.
  virtual StatusOr<std::vector<std::optional<Owner>>> Lookup(TableId table,
                                                             std::span<const Key> keys) = 0;

  // Frees those of `keys` that belong to `token`; the others are left alone. Durable on return;
  // idempotent.
  virtual Status Release(TableId table, uint64_t token, std::span<const Key> keys) = 0;

  // Keys of a table in ascending order, strictly after `after` (from the start when none): at most
  // `max`.
  virtual StatusOr<std::vector<IndexedKey>> Scan(TableId table, std::optional<Key> after,
                                                 size_t max) = 0;
};

}  // namespace jangbu
