#pragma once

// What audits and the guard write into the journal. No text, no digest of text that is not keyed.
//
// The bodies are parts of ledger/entry.h, which says how entries are made; their grammar is in
// docs/formats.md. Stored numbers are never reused.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/key_index.h"

namespace jangbu::ledger {

// Stored. What a stopped run was; as audit/guard/run_follower.h.
enum class RunKind : uint8_t { kRun = 1, kWithdrawn = 2, kBudget = 3 };
// Stored. As audit/guard/stream_guard.h.
enum class GuardAction : uint8_t { kBlock = 1, kCut = 2, kMask = 3, kReport = 4 };

// A run of contributed text that the guard found in an answer.
struct GuardRun {
  RunKind kind = RunKind::kRun;
  int64_t begin = 0;  // offsets in the answer's comparison form; negative: in the user's message
  int64_t end = 0;    // > begin
  std::array<uint8_t, 16> run_mac{};  // keyed, of the run's wording
  std::vector<Owner> holders;         // all known holders, ascending; at least one
  bool operator==(const GuardRun&) const = default;
};

// Everything that the guard found in one answer. Sealed: who holds a text is compliance's business.
struct GuardIncident {
  std::string model;  // as the gateway calls it; at most kMaxModelBytes
  GuardAction action = GuardAction::kBlock;
  std::array<uint8_t, 16> user_mac{};  // keyed, of the key that asked the model
  std::vector<GuardRun> runs;          // 1 … kMaxGuardRuns
  std::string by;                      // key id of the gateway
  bool operator==(const GuardIncident&) const = default;
};
inline constexpr size_t kMaxModelBytes = 200;
inline constexpr size_t kMaxGuardRuns = 64;
inline constexpr size_t kMaxGuardHolders = 256;

// An extraction audit was finished: what its report stands on. Sealed.
struct AuditRecorded {
  uint32_t audit = 0;         // from 1
  Digest plan_sha256{};       // of the plan's bytes, which hold text under a key of their own
  Digest record_sha256{};     // of the encrypted raw record
  Digest statement_sha256{};  // of what is signed: it names plan, record and all reports
  std::string model;
  std::string by;
  bool operator==(const AuditRecorded&) const = default;
};

// A partner was given the report of its own text.
struct AuditReportGiven {
  // Own.
  uint32_t report = 0;  // from 1, per partner
  Digest report_sha256{};
  // Sealed.
  uint32_t audit = 0;
  std::string by;
  bool operator==(const AuditReportGiven&) const = default;
};

// Stored. As audit/provenance/verdict.h.
enum class DossierAnswer : uint8_t { kDerived = 1, kIndependent = 2, kInconclusive = 3 };

// A provenance dossier was entered: whoever holds the file can show that it was this one, and when.
struct DossierRecorded {
  // Own, though of no partner: what a receipt of the entry opens to anybody.
  uint32_t dossier = 0;  // from 1
  Digest json_sha256{};  // of the dossier's bytes
  Digest note_sha256{};  // of the signed note that accompanies it
  DossierAnswer answer = DossierAnswer::kInconclusive;
  Digest subject_sha256{};  // content digests of the two models (audit/provenance/tensor_scan.h)
  Digest reference_sha256{};
  // Sealed.
  std::string signer;  // name of the note's first key; at most kMaxModelBytes
  std::string by;
  bool operator==(const DossierRecorded&) const = default;
};

}  // namespace jangbu::ledger
