#pragma once

// Proofs as files that stand alone.
//
// Inclusion is C2SP tlog-proof (https://c2sp.org/tlog-proof), extension .tlog-proof:
//
//   "c2sp.org/tlog-proof@v1" LF ["extra " base64(extra) LF] "index " decimal LF
//   *(base64(hash) LF) LF checkpoint
//
// Consistency is the request that tlog-witness (https://c2sp.org/tlog-witness) sends to a witness:
//
//   "old " decimal LF *(base64(hash) LF) LF checkpoint
//
// The checkpoint is a signed note, kept verbatim. Encoding a parsed file gives the same bytes.
// Nothing in a parsed file is to be believed; what `extra` holds is not signed even when the rest
// verifies.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/note.h"

namespace jangbu::ledger {

struct TlogProof {
  std::string extra;  // empty: no such line
  uint64_t index = 0;
  std::vector<Digest> path;  // from the leaf's sibling up; at most 64
  std::string checkpoint;    // signed, verbatim

  bool operator==(const TlogProof&) const = default;
};

// Parsing gives the errors of ParseNote and ParseCheckpoint for the last part, and InvalidArgument:
//   bad_header      the first line is another one
//   bad_extra       no base64, or none at all
//   bad_index       no "index" and decimal where they belong
//   bad_path        a line of the path is no SHA-256 hash, or there are more than 64
//   truncated       the file ends before its checkpoint is complete
std::string EncodeTlogProof(const TlogProof& proof);
StatusOr<TlogProof> ParseTlogProof(std::string_view bytes);

// OK, with the checkpoint, when the proof shows that `log` has an entry of these bytes at its
// index. Errors of VerifyCheckpoint and VerifyInclusion.
StatusOr<Checkpoint> VerifyTlogProof(const TlogProof& proof, std::string_view entry,
                                     const NoteVerifier& log);

struct TlogConsistency {
  uint64_t old_size = 0;
  std::vector<Digest> path;  // at most 63
  std::string checkpoint;    // of the new size; signed, verbatim

  bool operator==(const TlogConsistency&) const = default;
};

// Parsing: errors as above, with bad_old_size in place of bad_header, bad_extra and bad_index.
std::string EncodeTlogConsistency(const TlogConsistency& proof);
StatusOr<TlogConsistency> ParseTlogConsistency(std::string_view bytes);

// OK, with the new checkpoint, when both checkpoints are `log`'s and the proof shows that the new
// tree begins with the old one. Errors of VerifyCheckpoint and VerifyConsistency, and
// InvalidArgument("wrong_old_size") when the proof begins at another size.
StatusOr<Checkpoint> VerifyTlogConsistency(std::string_view old_checkpoint,
                                           const TlogConsistency& proof, const NoteVerifier& log);

}  // namespace jangbu::ledger
