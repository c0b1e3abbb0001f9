#pragma once

// The allow-list of audits: wordings that are nobody's, each proposed by one person and approved by
// another, both by signature, so that nobody excuses a leak alone and anybody can check it offline.
//
//   list  = note*                        C2SP signed notes, one after the other
//   (ledger/merkle/note.h) text  = "jangbu-allow/1" LF "at " time LF "by " person LF "reason "
//   reason LF
//           1*("wording " line LF)       lines of the canonical wording
//
// The first signature is the proposer's, under the name given with "by"; a second, of another name
// and key, makes the entry count. All functions are thread-safe.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/extraction/match.h"
#include "base/status.h"
#include "ledger/merkle/note.h"

namespace jangbu::services {

struct AllowEntry {
  audit::AllowedWording wording;  // approved_by: "" until it is approved
  ledger::Note note;
};
inline constexpr size_t kAllowedMax = 2'000;  // code points of comparison form; at least 24
inline constexpr size_t kAllowReasonMax = 500;

// The entry, proposed. InvalidArgument: ("wording_too_short") below 24 code points of comparison
// form, which no run is, ("wording_too_long"), ("bad_reason"), ("bad_person") when the signer's key
// is not named so.
StatusOr<AllowEntry> ProposeAllowed(std::string_view wording, std::string_view reason,
                                    std::string_view at, const ledger::NoteSigner& signer);
// Adds the second signature. FailedPrecondition: ("same_person") by name or by key,
// ("already_approved").
Status ApproveAllowed(AllowEntry& entry, const ledger::NoteSigner& signer);

// Reads a list without believing its signatures. One spelling: Encode gives the same bytes.
// InvalidArgument("bad_allow_list") names the entry.
StatusOr<std::vector<AllowEntry>> ParseAllowList(std::string_view bytes);
std::string EncodeAllowList(std::span<const AllowEntry> entries);

// The wordings that count: approved, both signatures by keys of `verifiers`. Unauthenticated
// ("allow_list_unsigned") when an approved entry is signed by a key that is not among them, or
// wrongly. Entries not yet approved are left out.
StatusOr<std::vector<audit::AllowedWording>> AllowedWordings(
    std::span<const AllowEntry> entries, std::span<const ledger::NoteVerifier> verifiers);

}  // namespace jangbu::services
