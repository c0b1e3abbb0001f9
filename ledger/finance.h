#pragma once

// What the books know of finance: policies, closes, payouts, claims, corrections, bills. Records
// that Books keeps and others read.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "ledger/close.h"
#include "ledger/entitlement.h"
#include "ledger/finance_entry.h"

namespace jangbu::ledger {

// Who did something, when: the key, and the person it belonged to.
struct Act {
  std::string key_id;
  std::string person;
  Timestamp at;
};

enum class DecisionState : uint8_t { kProposed = 1, kApproved = 2, kRefused = 3 };

struct PolicyRecord {
  uint32_t version = 0;
  Timestamp effective_from;
  Policy policy;
  DecisionState state = DecisionState::kProposed;
  Act proposed;
  std::optional<Act> decided;
};

struct KeyRequestRecord {
  KeyRequested request;
  DecisionState state = DecisionState::kProposed;
  Act proposed;
  std::optional<Act> decided;
};

enum class CloseState : uint8_t { kDraft = 1, kApproved = 2, kPosted = 3, kCancelled = 4 };
enum class PayoutState : uint8_t { kDue = 1, kPaid = 2, kFailed = 3 };

struct PayoutRecord {
  int64_t amount_won = 0;
  PayoutState state = PayoutState::kDue;
  uint32_t attempts = 0;
  std::string reference;  // of the last attempt
};

struct CloseRecord {
  Period period = 0;
  CloseState state = CloseState::kDraft;
  CloseFigures figures;
  std::vector<ShareLine> shares;  // once posted; ascending by partner id
  PublishedClose published;       // once posted
  Digest seed{};
  std::map<std::string, PayoutRecord> payouts;  // of partners with a payout, once posted
  Act drafted;
  std::optional<Act> decided;
  std::optional<Act> posted;
  uint64_t posted_seq = 0;
};

enum class ClaimState : uint8_t { kOpen = 1, kDecided = 2, kGranted = 3, kRefused = 4 };

struct ClaimRecord {
  uint32_t partner = 0;
  uint32_t number = 0;
  Owner document;
  std::optional<Owner> holder;
  ClaimState state = ClaimState::kOpen;
  bool granted = false;  // as decided, before it is settled
  int64_t held_won = 0;  // on the holder's held account for this claim
  Act opened;
  std::optional<Act> decided;
  std::optional<Act> settled;
};

struct CorrectionRecord {
  CorrectionProposed proposal;
  DecisionState state = DecisionState::kProposed;
  Act proposed;
  std::optional<Act> decided;
};

struct WithdrawalRecord {
  uint32_t number = 0;
  uint64_t seq = 0;
  Timestamp at;
  int64_t documents = 0;
  std::vector<DocumentRange> ranges;
};

// Billable use of a partner at one rate.
struct Bill {
  int64_t tokens = 0;
  int64_t won = 0;
};
// A rate is a policy version and a discount.
inline constexpr uint32_t kRateDiscountBits = 14;
constexpr uint32_t RateOf(uint32_t policy_version, int64_t discount_basis_points) {
  return policy_version << kRateDiscountBits | static_cast<uint32_t>(discount_basis_points);
}

// The run of a re-count: its report, and once it is decided what became of it.
struct RecountRecord {
  RecountBegun spec;
  uint64_t seq = 0;                                           // of its RECOUNT_BEGUN entry
  std::map<uint64_t, std::vector<RecountItems::Item>> items;  // by token; emptied when decided
  std::vector<RecountLine> lines;
  bool reported = false;
  DecisionState state = DecisionState::kProposed;
  Act proposed;
  std::optional<Act> decided;
};

// One document's credit, 32 bytes. Amounts are exact.
struct DocumentFacts {
  uint32_t provisional_tokens = 0;
  uint32_t provisional_words = 0;
  uint32_t item_tokens = 0;  // credited and in force, or about to be by a lot
  uint32_t item_words = 0;
  uint32_t korean_tokens = 0;  // in all, new or not: the most that it can be credited for
  uint32_t korean_words = 0;
  uint32_t lot = 0;      // that settled it; 0: none yet
  bool credits = false;  // neither rejected nor an exact duplicate
  bool decided = false;
  bool withdrawn = false;
};

// What one usage was answered; `record` is complete only when it happened now.
struct UsageAnswer {
  EntitlementOutcome outcome = EntitlementOutcome::kOk;
  UsageRecord record;
};

}  // namespace jangbu::ledger
