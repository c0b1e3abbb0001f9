#pragma once

// What a partner's share proof, and what an auditor's openings of a close say, checked offline from
// their bytes and the log's key alone (docs/close-proof.md). Outside bytes: total functions.
//
// Refusals (InvalidArgument unless said):
//   bad_proof      not of the form
//   the reasons of ledger/merkle/receipt.h: not in the signed log
//   proof_entry    the log's entry is no posted close, or of another period
//   proof_opening  the commitment does not open to this weight
//   proof_double   one commitment for two partners, or a partner twice, or one that is nobody's
//   proof_total    commitments or weights do not add up to the total
//   proof_share    the won are not those of the published close
//   no_total       fewer than three partners had weight: nothing to compute with
//                  (FailedPrecondition)

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ledger/merkle/note.h"
#include "ledger/period.h"

namespace jangbu::services {

// No proof of a close with some ten thousand partners is longer.
inline constexpr size_t kMaxCloseProofBytes = size_t{16} << 20;

struct CheckedShare {
  std::string period;
  std::string partner;
  int64_t weight = 0;
  int64_t share_won = 0;
  int64_t pool_won = 0;
  int64_t total_weight = 0;
  uint64_t index = 0;  // of the entry in the log
  std::string origin;  // of the log
};

struct CheckedClose {
  std::string period;
  std::vector<CheckedShare> shares;  // in the order of the file
  int64_t pool_won = 0;
  int64_t total_weight = 0;
  uint64_t index = 0;
  std::string origin;
};

// Which of the two a file is, by its first line; and the receipt in it, of which nothing is
// believed. InvalidArgument("bad_proof").
struct CloseProofParts {
  bool openings = false;
  std::string_view receipt;
};
StatusOr<CloseProofParts> PartsOfCloseProof(std::string_view bytes);

// `places`: commitments that other proofs have used, by period; a second use is proof_double.
StatusOr<CheckedShare> CheckShareProof(std::string_view bytes, const ledger::NoteVerifier& log,
                                       std::set<std::pair<ledger::Period, uint32_t>>& places);
StatusOr<CheckedClose> CheckOpenings(std::string_view bytes, const ledger::NoteVerifier& log);

}  // namespace jangbu::services
