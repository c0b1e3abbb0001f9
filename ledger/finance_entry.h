#pragma once

// Journal entries of finance: policy, keys that take two persons, usage, closes, payments,
// withdrawal, claims, corrections. Bodies of ledger/entry.h; their bytes are in docs/formats.md.
//
// A field is the partner's own unless it stands under "Sealed". What two persons do is two entries:
// one proposes (`by` the maker's key), one decides (by the checker's).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/key_index.h"
#include "ledger/account.h"
#include "ledger/period.h"
#include "ledger/policy.h"
#include "ledger/role.h"

namespace jangbu::ledger {

struct PolicyProposed {
  // Sealed.
  uint32_t version = 0;  // from 2; version 1 is genesis'
  Timestamp effective_from;
  Policy policy;
  std::string by;
  bool operator==(const PolicyProposed&) const = default;
};

struct PolicyDecided {
  // Sealed.
  uint32_t version = 0;
  bool approved = false;
  std::string by;
  bool operator==(const PolicyDecided&) const = default;
};

// A key that takes two persons (finance, operator). Its secret is made in two halves: the first is
// shown to who asks, the second to who approves; whoever is to use the key gets both.
struct KeyRequested {
  // Sealed.
  std::string key_id;
  Role role = Role::kFinance;
  std::string person;
  Digest first_half_mac{};
  std::string replaces;
  std::string by;
  bool operator==(const KeyRequested&) const = default;
};

struct KeyDecided {
  // Sealed.
  std::string key_id;
  bool approved = false;
  Digest secret_mac{};  // of both halves; zero when refused
  std::string by;
  bool operator==(const KeyDecided&) const = default;
};

enum class UsageKind : uint8_t { kReserve = 1, kCommit = 2, kRelease = 3, kConsume = 4 };

// One usage of entitlement that happened, with what it was answered. Refused ones are not recorded.
struct UsageRecord {
  UsageKind kind = UsageKind::kReserve;
  UserData128 id;           // keyed digest of the caller's id; not zero
  UserData128 reservation;  // of a commit or release
  uint64_t amount = 0;      // API tokens asked for; kAmountAll commits all
  uint32_t timeout = 0;     // seconds; of a reservation
  bool allow_billable = true;
  // The answer.
  uint64_t free = 0;
  uint64_t billable = 0;
  uint32_t policy_version = 0;         // in force at reservation or consumption
  uint32_t discount_basis_points = 0;  // then
  uint64_t won = 0;  // what this call adds to the bill: of a commit or consumption
  bool operator==(const UsageRecord&) const = default;
};

struct Usage {
  std::vector<UsageRecord> records;  // not empty; in order
  bool operator==(const Usage&) const = default;
};

// Ends what has its end at or before `upto`: reservations, then grants.
struct Tick {
  // Sealed.
  Timestamp upto;
  bool operator==(const Tick&) const = default;
};

struct CloseDrafted {
  // Sealed.
  Period period = 0;
  int64_t revenue_won = 0;
  uint32_t policy_version = 0;
  int64_t carried_in_won = 0;
  int64_t pool_won = 0;  // carried in included
  int64_t total_weight = 0;
  std::string by;
  bool operator==(const CloseDrafted&) const = default;
};

struct CloseDecided {
  // Sealed.
  Period period = 0;
  bool approved = false;  // false: cancelled
  std::string by;
  bool operator==(const CloseDecided&) const = default;
};

// What everybody may know of a close. The own part of its entry is this and nothing else, so that a
// partner can show that its proof is of the entry that the log holds.
struct PublishedClose {
  Period period = 0;
  uint32_t partners = 0;
  std::string commitments;  // 32 bytes each, in an order that nobody outside can predict
  // False with fewer than three partners that have weight: then what follows is zero, because
  // two could subtract.
  bool total = false;
  int64_t pool_won = 0;
  int64_t total_weight = 0;
  Digest blinding{};      // the commitments' product opens to (total_weight, blinding)
  int64_t threshold = 0;  // a remainder at or above it got the extra won …
  std::vector<uint32_t>
      tied;  // … or, when not empty: above it, and at it the partners at these places
  bool operator==(const PublishedClose&) const = default;
};

struct ShareLine {
  std::string partner;
  int64_t weight = 0;
  int64_t share_won = 0;
  int64_t held_won = 0;    // of the share: waits for claims
  int64_t payout_won = 0;  // due now: what was kept before and this, once it reaches the minimum
  bool operator==(const ShareLine&) const = default;
};

struct ClosePosted {
  PublishedClose published;
  // Sealed.
  Digest seed{};                  // order, blindings and threshold follow from it
  std::vector<ShareLine> shares;  // ascending by partner id
  std::string by;
  bool operator==(const ClosePosted&) const = default;
};

struct Payment {
  Period period = 0;
  int64_t amount_won = 0;
  uint32_t attempt = 0;  // from 1
  bool failed = false;   // the bank returned the attempt of this number
  std::string reference;
  // Sealed.
  std::string by;
  bool operator==(const Payment&) const = default;
};

// A range of ordinals [first, first + count) of a batch.
struct DocumentRange {
  uint64_t token = 0;
  uint32_t first = 0;
  uint32_t count = 0;
  bool operator==(const DocumentRange&) const = default;
};

struct Withdrawn {
  uint32_t withdrawal = 0;            // from 1, per partner
  std::vector<DocumentRange> ranges;  // ascending, without overlap; none withdrawn before
  int64_t documents = 0;
  int64_t provisional_korean_tokens = 0;  // lowered at once: of documents in no lot yet
  int64_t provisional_korean_words = 0;
  // Sealed.
  std::string by;
  bool operator==(const Withdrawn&) const = default;
};

struct ClaimOpened {
  uint32_t claim = 0;  // from 1, per partner
  Owner document;      // the claimant's
  // Sealed.
  Digest evidence_mac{};        // keyed digest of the evidence's digest
  std::optional<Owner> holder;  // who is credited, when it is somebody else
  std::string by;
  bool operator==(const ClaimOpened&) const = default;
};

struct ClaimDecided {
  // Sealed.
  std::string partner;
  uint32_t claim = 0;
  bool granted = false;
  std::string by;
  bool operator==(const ClaimDecided&) const = default;
};

struct ClaimSettled {
  uint32_t claim = 0;
  bool granted = false;
  // Sealed. Money that was held for it, and credit that moves in the next lots.
  int64_t held_won = 0;
  int64_t korean_tokens = 0;
  int64_t korean_words = 0;
  std::string by;
  bool operator==(const ClaimSettled&) const = default;
};

// A correction of an earlier period, as a transfer in this one.
struct CorrectionProposed {
  // Sealed.
  uint32_t correction = 0;  // from 1, of all partners
  std::string partner;
  int64_t won = 0;  // to the partner; negative: from what is payable to it
  Period about = 0;
  std::string reason;
  std::string by;
  bool operator==(const CorrectionProposed&) const = default;
};

struct CorrectionDecided {
  uint32_t correction = 0;
  bool approved = false;
  int64_t won = 0;
  Period about = 0;
  // Sealed.
  std::string by;
  bool operator==(const CorrectionDecided&) const = default;
};

// Credit that came free (its document was withdrawn, or lost a claim) goes to the earliest
// remaining offers of the text; it enters their partners' next lots.
struct Succession {
  struct Heir {
    Owner document;
    int64_t korean_tokens = 0;
    int64_t korean_words = 0;
    bool operator==(const Heir&) const = default;
  };
  // Sealed.
  uint64_t run = 0;
  std::vector<Heir> heirs;
  bool operator==(const Succession&) const = default;
};

// Re-counting: what all documents that are decided would be credited for under another tokenizer or
// another novelty rule. RECOUNT_BEGUN says which, RECOUNT_ITEMS what differs (a batch each, batches
// ascending), RECOUNT_REPORTED adds it up by partner, and RECOUNT_DECIDED, by another person, makes
// it the credit of those documents or nothing. Sealed.
struct RecountBegun {
  uint32_t recount = 0;  // from 1
  // Another tokenizer, or "" and zeros.
  std::string tokenizer_algorithm;
  Digest tokenizer_sha256{};
  // Another novelty rule (entry.h), or zeros.
  uint32_t min_run = 0;
  uint32_t near_ppm = 0;
  uint32_t novel_ppm = 0;
  std::string by;
  bool operator==(const RecountBegun&) const = default;
};

struct RecountItems {
  struct Item {
    uint32_t ordinal = 0;
    int64_t korean_tokens = 0;  // its credit anew; exact
    int64_t korean_words = 0;
    bool operator==(const Item&) const = default;
  };
  uint32_t recount = 0;
  uint64_t token = 0;
  std::vector<Item> items;  // ascending; those whose credit differs
  bool operator==(const RecountItems&) const = default;
};

// Of the documents of one partner that are decided and in force.
struct RecountLine {
  std::string partner;
  int64_t documents = 0;
  int64_t changed = 0;  // of them, documents whose credit differs
  int64_t korean_tokens_before = 0;
  int64_t korean_words_before = 0;
  int64_t korean_tokens_after = 0;
  int64_t korean_words_after = 0;
  bool operator==(const RecountLine&) const = default;
};

struct RecountReported {
  uint32_t recount = 0;
  std::vector<RecountLine> lines;  // ascending by partner id; partners with documents
  bool operator==(const RecountReported&) const = default;
};

struct RecountDecided {
  uint32_t recount = 0;
  bool approved = false;
  std::string by;
  bool operator==(const RecountDecided&) const = default;
};

// Bytes of both parts; entry.cc puts the header before them.
#define JANGBU_FINANCE_ENTRIES(X)                                   \
  X(kPolicyProposed, PolicyProposed, "policy_proposed")             \
  X(kPolicyDecided, PolicyDecided, "policy_decided")                \
  X(kKeyRequested, KeyRequested, "key_requested")                   \
  X(kKeyDecided, KeyDecided, "key_decided")                         \
  X(kUsage, Usage, "usage")                                         \
  X(kTick, Tick, "tick")                                            \
  X(kCloseDrafted, CloseDrafted, "close_drafted")                   \
  X(kCloseDecided, CloseDecided, "close_decided")                   \
  X(kClosePosted, ClosePosted, "close_posted")                      \
  X(kPayment, Payment, "payment")                                   \
  X(kWithdrawn, Withdrawn, "withdrawn")                             \
  X(kClaimOpened, ClaimOpened, "claim_opened")                      \
  X(kClaimDecided, ClaimDecided, "claim_decided")                   \
  X(kClaimSettled, ClaimSettled, "claim_settled")                   \
  X(kCorrectionProposed, CorrectionProposed, "correction_proposed") \
  X(kCorrectionDecided, CorrectionDecided, "correction_decided")    \
  X(kSuccession, Succession, "succession")                          \
  X(kRecountBegun, RecountBegun, "recount_begun")                   \
  X(kRecountItems, RecountItems, "recount_items")                   \
  X(kRecountReported, RecountReported, "recount_reported")          \
  X(kRecountDecided, RecountDecided, "recount_decided")

#define JANGBU_FINANCE_CODEC(kind, body, name)    \
  void WriteOwn(ByteWriter& w, const body& b);    \
  void ReadOwn(ByteReader& r, body& b);           \
  void WriteSealed(ByteWriter& w, const body& b); \
  void ReadSealed(ByteReader& r, body& b);
JANGBU_FINANCE_ENTRIES(JANGBU_FINANCE_CODEC)
#undef JANGBU_FINANCE_CODEC

}  // namespace jangbu::ledger
