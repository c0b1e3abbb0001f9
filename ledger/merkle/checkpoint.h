#pragma once

// Signed heads of the log: C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint), a signed note
// of the text
//
//   origin LF size LF base64(root) LF
//
// with size in decimal without leading zeroes. The origin is the name of the log and of the key
// that signs for it. Extension lines, which the specification advises against, are neither written
// nor read.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ledger/merkle/note.h"

namespace jangbu::ledger {

struct Checkpoint {
  std::string origin;
  uint64_t size = 0;  // leaves
  Digest root{};

  bool operator==(const Checkpoint&) const = default;
};

// The text of the note, and back. Parsing accepts one spelling, and for size 0 the empty root
// alone; InvalidArgument("bad_checkpoint") otherwise.
std::string EncodeCheckpoint(const Checkpoint& checkpoint);
StatusOr<Checkpoint> ParseCheckpoint(std::string_view text);

// The checkpoint signed by its log. A log must never sign two heads of which neither continues the
// other: sign only what is durable. InvalidArgument("wrong_origin") when the origin is not the
// key's name.
StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const NoteSigner& log);

// Reads a signed checkpoint and believes it: signed by `log`, whose name is its origin. Errors of
// ParseNote, VerifyNote and ParseCheckpoint, and Unauthenticated("wrong_origin").
StatusOr<Checkpoint> VerifyCheckpoint(std::string_view bytes, const NoteVerifier& log);

struct Cosignature {
  size_t witness = 0;   // position in the list of witnesses
  uint64_t time_s = 0;  // since 1970, as the witness says

  bool operator==(const Cosignature&) const = default;
};

struct WitnessedCheckpoint {
  Checkpoint checkpoint;
  std::vector<Cosignature> cosignatures;
};

// The same, and which of `witnesses` (keys of type kCosignature) have seen it. Whether they are
// enough is for the caller to say. A signature of a witness that does not verify is an error, not a
// missing one.
StatusOr<WitnessedCheckpoint> VerifyWitnessedCheckpoint(std::string_view bytes,
                                                        const NoteVerifier& log,
                                                        std::span<const NoteVerifier> witnesses);

// The signed checkpoint with a line more by `witness` as of `time_s`. Verify before: a witness
// answers for consistency.
StatusOr<std::string> CosignCheckpoint(std::string_view bytes, const NoteSigner& witness,
                                       uint64_t time_s);

}  // namespace jangbu::ledger
