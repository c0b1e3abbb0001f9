#pragma once

// A receipt: proof, to be checked offline and without trusting the operator, that what a partner
// sees of a journal entry is in the log. It is a C2SP tlog-proof (tlog_proof.h) whose `extra` line
// is the opening of the leaf (leaf.h): the partner's own part, its salt, and the commitment to the
// sealed part. Any tlog-proof verifier checks it, given the 32 bytes of the leaf data.
//
// Several receipts (an upload has one for each of its journal entries) make one file, a bundle:
//
//   bundle  = "jangbu/receipts@v1" LF "count " decimal LF 1*receipt
//   receipt = "receipt " decimal LF tlog-proof    ; the decimal is the tlog-proof's length in bytes
//
// tlog-proof itself allows one proof a file; in a bundle each stands verbatim and may be cut out
// into a file of its own.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/leaf.h"
#include "ledger/merkle/note.h"
#include "ledger/merkle/tree.h"

namespace jangbu::ledger {

// Of one receipt (an own part of kMaxOwnPartBytes fits) and of a bundle.
inline constexpr size_t kMaxReceiptBytes = size_t{24} << 20;
inline constexpr size_t kMaxBundleBytes = size_t{512} << 20;

struct Receipt {
  LeafOpening opening;
  uint64_t index = 0;
  std::vector<Digest> path;
  std::string checkpoint;  // signed, verbatim

  bool operator==(const Receipt&) const = default;
};

// The bytes, and back without believing them; errors of ParseTlogProof and ParseOpening,
// InvalidArgument("bad_extra") when there is no opening, InvalidArgument("receipt_too_large").
std::string EncodeReceipt(const Receipt& receipt);
StatusOr<Receipt> ParseReceipt(std::string_view bytes);

// The receipt of leaf `index` under a checkpoint of this log. The tree must reach the checkpoint's
// size. Checks what it hands out: InvalidArgument("root_mismatch") when opening, index and
// checkpoint do not belong together; errors of ParseNote, ParseCheckpoint and InclusionProof.
StatusOr<Receipt> MakeReceipt(const MerkleTree& tree, uint64_t index, LeafOpening opening,
                              std::string_view checkpoint);

struct OpenedReceipt {
  uint64_t index = 0;
  Checkpoint checkpoint;
  Digest leaf_data{};    // the 32 bytes of the log entry
  std::string own_part;  // what is proved

  bool operator==(const OpenedReceipt&) const = default;
};

// What a receipt proves when `log` is trusted. Otherwise the errors of ParseReceipt, or the first
// of
//   Unauthenticated:
//     unknown_key        not signed by this log, or the checkpoint of another one
//     bad_signature      signed under its name, but not by its key, or not this checkpoint
//     wrong_origin       this key's signature on a checkpoint of another origin
//   InvalidArgument:
//     index_beyond_size  the log was shorter than that
//     path_length        index and size need a path of another length: another index, or hashes cut
//                        or added
//     root_mismatch      own part, salt, sealed commitment, index or a hash of the path is not what
//                        was logged (hashing cannot tell which)
StatusOr<OpenedReceipt> VerifyReceipt(std::string_view bytes, const NoteVerifier& log);
// The same with the log's key as text; InvalidArgument("bad_vkey").
StatusOr<OpenedReceipt> VerifyReceipt(std::string_view bytes, std::string_view vkey);

// A bundle of encoded receipts, and back; the parts are views into `bytes`.
// InvalidArgument("bad_bundle") when empty, not of this form, cut short, or followed by anything.
StatusOr<std::string> EncodeReceiptBundle(std::span<const std::string> receipts);
StatusOr<std::vector<std::string_view>> ParseReceiptBundle(std::string_view bytes);

// Every receipt of a file, which is one receipt or a bundle. All or nothing; an error in a bundle
// says in which receipt, from 1. A checkpoint shared by neighbours is verified once.
StatusOr<std::vector<OpenedReceipt>> VerifyReceiptFile(std::string_view bytes,
                                                       const NoteVerifier& log);

}  // namespace jangbu::ledger
