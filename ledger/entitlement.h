#pragma once

// Entitlement: the API tokens that partners may use free of charge. Which grant is used up first,
// what is reserved, what expires; and for every operation the transfers that record it in the
// ledger.
//
// Grants are burned in one order: lower priority number first, then earlier expiry (never is last),
// then older grant. Usage is in two phases (reserve, then commit all or part, or release, or time
// out) or in one (consume). Usage past what is available is billable, if the caller allows it; it
// moves nothing here.
//
// Laws, checked or tested by name:
//   - Nothing is ever below zero, and what is reserved is not available.
//   - Of each grant: amount = paid_off + remaining + reserved + spent + expired + taken_back.
//   - The transfers of all operations, given to a ledger in order, are all accepted, and the
//   partner's accounts then
//     hold what TotalsOf says.
//   - An id is one operation of its partner: asked again with the same fields it is answered as
//   before (`exists`) and
//     moves nothing; with others, the first differing field is named. Refused operations leave
//     their id free.
//
// Time: given with each operation, never earlier than before (a check). Ends take effect by a tick,
// Expire(now), not before: until then a reservation past its end may be committed, and a grant past
// its end used. What a reservation took from a grant stays usable by it after the grant's end; what
// of it comes back then expires at once.
//
// Pure: no clock, no I/O, no randomness. Thread-compatible. Amounts are API tokens. Operations cost
// O(log grants) and the number of grants they touch.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "base/digest.h"
#include "ledger/account.h"
#include "ledger/transfer.h"

namespace jangbu::ledger {

// The caller's name for one operation, unique per partner.
using OperationId = Id128<struct OperationTag>;

// In precedence, like ledger/outcome.h.
#define JANGBU_ENTITLEMENT_OUTCOMES(X)                                  \
  X(kOk, ok)                                                            \
  X(kIdMustNotBeZero, id_must_not_be_zero)                              \
  X(kPartnerNotFound, partner_not_found)                                \
  X(kExistsWithDifferentOperation, exists_with_different_operation)     \
  X(kExistsWithDifferentReservation, exists_with_different_reservation) \
  X(kExistsWithDifferentAmount, exists_with_different_amount)           \
  X(kExistsWithDifferentPriority, exists_with_different_priority)       \
  X(kExistsWithDifferentExpiry, exists_with_different_expiry)           \
  X(kExistsWithDifferentTimeout, exists_with_different_timeout)         \
  X(kExistsWithDifferentTerms, exists_with_different_terms)             \
  X(kExists, exists)                                                    \
  X(kAmountMustNotBeZero, amount_must_not_be_zero)                      \
  X(kTimeoutMustNotBeZero, timeout_must_not_be_zero)                    \
  X(kTimeoutReservedForReservation, timeout_reserved_for_reservation)   \
  X(kExpiryMustBeLater, expiry_must_be_later)                           \
  X(kReservationNotFound, reservation_not_found)                        \
  X(kExceedsReservation, exceeds_reservation)                           \
  X(kReservationAlreadyCommitted, reservation_already_committed)        \
  X(kReservationAlreadyReleased, reservation_already_released)          \
  X(kReservationExpired, reservation_expired)                           \
  X(kOverflowsEntitlement, overflows_entitlement)                       \
  X(kOverflowsTimeout, overflows_timeout)                               \
  X(kExceedsAvailable, exceeds_available)

enum class EntitlementOutcome : uint8_t {
#define JANGBU_ENTITLEMENT_ENUMERATOR(enumerator, name) enumerator,
  JANGBU_ENTITLEMENT_OUTCOMES(JANGBU_ENTITLEMENT_ENUMERATOR)
#undef JANGBU_ENTITLEMENT_ENUMERATOR
};
inline constexpr int kEntitlementOutcomeCount =
    static_cast<int>(EntitlementOutcome::kExceedsAvailable) + 1;
std::string_view NameOf(EntitlementOutcome outcome);

// No end.
inline constexpr Timestamp kNeverExpires{INT64_MAX};

// The accounts of one partner, and the programme's source. Ids follow from the partner's id.
struct EntitlementAccounts {
  AccountId source;     // of all partners; may go below zero: what was granted in all
  AccountId pending;    // earned, not spendable before membership
  AccountId available;  // may be reserved or consumed
  AccountId reserved;
  AccountId spent;
  AccountId expired;
  AccountId owed;  // taken back beyond what was there; a debit balance that later grants pay off
};
EntitlementAccounts EntitlementAccountsOf(std::string_view partner);
// What to open in a ledger: the source once, the six others for each partner. Limits included.
Account EntitlementSourceAccount(AssetId asset);
std::vector<Account> EntitlementPartnerAccounts(std::string_view partner, AssetId asset);

// Codes of the accounts and of the transfers (200 to 299 are the entitlement's). Stored.
struct EntitlementCode {
  // Accounts.
  static constexpr uint16_t kSource = 200;
  static constexpr uint16_t kPending = 201;
  static constexpr uint16_t kAvailable = 202;
  static constexpr uint16_t kReserved = 203;
  static constexpr uint16_t kSpent = 204;
  static constexpr uint16_t kExpired = 205;
  static constexpr uint16_t kOwed = 206;
  // Transfers: from → to.
  static constexpr uint16_t kGrantSpendable = 220;  // source → available
  static constexpr uint16_t kGrantPending = 221;    // source → pending
  static constexpr uint16_t kPayOff = 222;          // source → owed
  static constexpr uint16_t kActivate = 223;        // pending → available
  static constexpr uint16_t kReserve = 224;         // available → reserved
  static constexpr uint16_t kCommit = 225;          // reserved → spent
  static constexpr uint16_t kReturn = 226;          // reserved → available
  static constexpr uint16_t kReturnExpired = 227;  // reserved → expired: its grant ended meanwhile
  static constexpr uint16_t kConsume = 228;        // available → spent
  static constexpr uint16_t kExpire = 229;         // available → expired
  static constexpr uint16_t kTakePending = 230;    // pending → source
  static constexpr uint16_t kTakeAvailable = 231;  // available → source
  static constexpr uint16_t kOwe = 232;            // owed → source
};

struct GrantRequest {
  OperationId id;
  uint64_t amount = 0;
  uint32_t priority = 0;  // lower is used first
  Timestamp expires_at = kNeverExpires;
  bool spendable = true;  // false: pending until Activate; it does not end before that
};

// Makes every pending grant spendable: membership is reached.
struct ActivateRequest {
  OperationId id;
  // When set, the end of these grants from now on, in place of their own.
  std::optional<Timestamp> expires_at;
};

struct UsageRequest {
  OperationId id;
  uint64_t amount = 0;
  // What is not available is billable; false: it is refused (exceeds_available).
  bool allow_billable = true;
  // Rating is by the policy in force at reservation: kept and given back, not looked at.
  uint32_t policy_version = 0;
  uint32_t timeout = 0;  // seconds; of a reservation, not zero; of a consumption, zero
};

struct CommitRequest {
  OperationId id;
  OperationId reservation;
  uint64_t amount = kAmountAll;  // up to what was reserved, free first; the rest returns. Not zero:
                                 // that is a release
};

struct ReleaseRequest {
  OperationId id;
  OperationId reservation;
};

// A withdrawal: takes back from pending grants, then from available ones in burn order; the rest is
// owed.
struct TakeBackRequest {
  OperationId id;
  uint64_t amount = 0;
};

struct EntitlementAnswer {
  EntitlementOutcome outcome = EntitlementOutcome::kOk;
  // What moved; and what did not:
  //              amount                      rest
  //   Grant      became the partner's        paid off what it owed
  //   Activate   made spendable              0
  //   Reserve    free, held                  billable
  //   Consume    free, spent                 billable
  //   Commit     free, spent                 billable
  //   Release    free, returned              0
  //   TakeBack   taken back                  owed from now on
  uint64_t amount = 0;
  uint64_t rest = 0;
  uint32_t policy_version = 0;  // of the reservation or consumption
  // For the ledger, in this order, one chain: all or nothing. Empty when nothing moves (`exists`
  // too).
  std::vector<Transfer> transfers;
};

struct EntitlementTick {
  struct Ended {
    std::string partner;
    OperationId id;       // of the reservation or grant
    uint64_t amount = 0;  // returned to its grants, or expired
    bool operator==(const Ended&) const = default;
  };
  std::vector<Ended> reservations;  // in order of end, then age
  std::vector<Ended>
      grants;  // in order of end, then partner (as added), then age; those with nothing left too
  std::vector<Transfer> transfers;  // not a chain: each stands alone
};

enum class GrantState : uint8_t { kPending, kSpendable, kEnded };

struct Grant {
  OperationId id;
  uint64_t amount = 0;
  uint32_t priority = 0;
  Timestamp expires_at = kNeverExpires;
  Timestamp granted_at;
  GrantState state = GrantState::kSpendable;
  uint64_t paid_off = 0;
  uint64_t remaining = 0;
  uint64_t reserved = 0;
  uint64_t spent = 0;
  uint64_t expired = 0;
  uint64_t taken_back = 0;
  bool operator==(const Grant&) const = default;
};

enum class ReservationState : uint8_t { kOpen, kCommitted, kReleased, kExpired };

struct Reservation {
  struct Piece {
    uint32_t grant = 0;  // index in the partner's grants
    uint64_t amount = 0;
    bool operator==(const Piece&) const = default;
  };
  OperationId id;
  uint32_t partner = 0;  // index
  uint64_t amount = 0;
  uint64_t free = 0;  // held on grants; amount − free is billable
  uint32_t policy_version = 0;
  Timestamp expires_at;
  std::vector<Piece> pieces;  // in burn order
  ReservationState state = ReservationState::kOpen;
  bool operator==(const Reservation&) const = default;
};

struct EntitlementTotals {
  uint64_t granted = 0;  // paid off included
  uint64_t paid_off = 0;
  uint64_t pending = 0;
  uint64_t available = 0;
  uint64_t reserved = 0;
  uint64_t spent = 0;
  uint64_t expired = 0;
  uint64_t taken_back = 0;
  uint64_t owed = 0;
  bool operator==(const EntitlementTotals&) const = default;
};

class Entitlements {
 public:
  // `asset` is what the transfers carry.
  explicit Entitlements(AssetId asset) : asset_(asset) {}
  Entitlements(Entitlements&&) = default;
  Entitlements& operator=(Entitlements&&) = default;

  // False when the partner is there already.
  bool AddPartner(std::string_view partner);

  EntitlementAnswer Grant(std::string_view partner, const GrantRequest& request, Timestamp at);
  EntitlementAnswer Activate(std::string_view partner, const ActivateRequest& request,
                             Timestamp at);
  EntitlementAnswer Reserve(std::string_view partner, const UsageRequest& request, Timestamp at);
  EntitlementAnswer Consume(std::string_view partner, const UsageRequest& request, Timestamp at);
  EntitlementAnswer Commit(std::string_view partner, const CommitRequest& request, Timestamp at);
  EntitlementAnswer Release(std::string_view partner, const ReleaseRequest& request, Timestamp at);
  EntitlementAnswer TakeBack(std::string_view partner, const TakeBackRequest& request,
                             Timestamp at);
  // The tick: ends reservations, then grants, whose end is at or before `now`.
  EntitlementTick Expire(Timestamp now);

  // Keeps (Commit) or takes back (the default) everything done since its construction; nests. As
  // Ledger::Scope.
  class Scope {
   public:
    explicit Scope(Entitlements& entitlements);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();
    void Commit();
    void Rollback();

   private:
    Entitlements* entitlements_;  // nullptr once ended
    size_t depth_;
  };

  // nullopt or nullptr when there is no such thing.
  std::optional<EntitlementTotals> TotalsOf(std::string_view partner) const;
  const std::deque<ledger::Grant>* GrantsOf(std::string_view partner) const;  // in order of age
  const Reservation* FindReservation(std::string_view partner, OperationId id) const;
  // When the next reservation or grant ends, if one does.
  std::optional<Timestamp> NextExpiry() const;
  Timestamp last_at() const { return last_at_; }

  // SHA-256 over everything, equal for equal histories. O(everything).
  Digest StateDigest() const;

 private:
  enum class Kind : uint8_t { kGrant, kActivate, kReserve, kConsume, kCommit, kRelease, kTakeBack };
  // An operation as it was asked, and what it was answered.
  struct Operation {
    Kind kind = Kind::kGrant;
    bool terms = false;       // spendable; allow_billable
    bool has_expiry = false;  // of an activation
    uint32_t priority = 0;
    uint32_t timeout = 0;
    uint32_t policy_version = 0;
    uint64_t amount = 0;
    Timestamp expires_at;
    OperationId reservation;
    uint64_t answered_amount = 0;
    uint64_t answered_rest = 0;
    uint64_t index = 0;  // of the reservation it made
  };
  enum class Bucket : uint8_t { kPaidOff, kRemaining, kReserved, kSpent, kExpired, kTakenBack };
  using BurnKey = std::tuple<uint32_t, Timestamp, uint32_t>;  // priority, expiry, index

  struct Partner {
    uint32_t index = 0;
    std::string id;
    EntitlementAccounts accounts;
    std::deque<ledger::Grant> grants;
    absl::btree_set<BurnKey> burn;      // spendable, something remaining
    absl::btree_set<uint32_t> pending;  // pending, something remaining
    absl::flat_hash_map<OperationId, Operation> operations;
    EntitlementTotals totals;
  };
  struct Undo {
    enum class Kind : uint8_t {
      kPartner,
      kGrant,
      kGrantTerms,  // state and expiry
      kMove,
      kReservation,
      kReservationState,
      kOperation,
      kOwed,
    };
    explicit Undo(Kind what) : kind(what) {}

    Kind kind;
    Bucket from = Bucket::kPaidOff;
    Bucket to = Bucket::kPaidOff;
    uint8_t state = 0;
    uint32_t partner = 0;
    uint64_t index = 0;
    uint64_t amount = 0;
    Timestamp expires_at;
    OperationId operation;
  };
  struct Frame {
    size_t undo_size;
    uint64_t turnover;
    Timestamp last_at;
  };

  void Advance(Timestamp at);
  // Common refusals; OK leaves the partner in `partner`. Answers `exists` when the operation was
  // done.
  EntitlementOutcome Begin(std::string_view partner_id, OperationId id, const Operation& operation,
                           Partner*& partner, EntitlementAnswer& answer);
  EntitlementAnswer Use(std::string_view partner_id, const UsageRequest& request, Timestamp at,
                        bool reserve);
  EntitlementOutcome FindOpen(const Partner& partner, OperationId id, uint64_t& index) const;
  // Takes up to `amount` from spendable grants in burn order into a bucket.
  std::vector<Reservation::Piece> Burn(uint32_t partner, uint64_t amount, Bucket to);
  // Ends a reservation: spends `spent` of its pieces, returns the rest; adds the transfers.
  void Settle(uint64_t reservation, uint64_t spent, ReservationState state, OperationId operation,
              std::vector<Transfer>& transfers);
  void Finish(Partner& partner, OperationId id, Operation operation, EntitlementAnswer& answer);
  void Post(const Partner& partner, OperationId operation, AccountId debit, AccountId credit,
            uint64_t amount, uint16_t code, std::vector<Transfer>& transfers) const;

  // Writes, each with its inverse.
  void Move(uint32_t partner, uint32_t grant, Bucket from, Bucket to, uint64_t amount);
  void ApplyMove(uint32_t partner, uint32_t grant, Bucket from, Bucket to, uint64_t amount);
  void AddGrant(uint32_t partner, const ledger::Grant& grant);
  void SetGrantTerms(uint32_t partner, uint32_t grant, GrantState state, Timestamp expires_at);
  void ApplyGrantTerms(uint32_t partner, uint32_t grant, GrantState state, Timestamp expires_at);
  void AddReservation(Reservation reservation);
  void SetReservationState(uint64_t reservation, ReservationState state);
  void AddOwed(uint32_t partner, uint64_t amount);  // modulo 2^64: a negative amount pays off
  void List(uint32_t partner, uint32_t grant);
  void Unlist(uint32_t partner, uint32_t grant);
  void Log(const Undo& undo);
  void TakeBackOne(const Undo& undo);

  const Partner* Find(std::string_view partner) const;

  AssetId asset_;
  std::deque<Partner> partners_;
  std::map<std::string, uint32_t, std::less<>> partner_index_;
  std::deque<Reservation> reservations_;
  absl::btree_set<std::pair<Timestamp, uint64_t>> reservation_queue_;       // open
  absl::btree_set<std::tuple<Timestamp, uint32_t, uint32_t>> grant_queue_;  // spendable with an end
  // All that was ever granted, used or taken back. Kept at or below kAmountMax: the two sides of
  // every account of the ledger then are, too, because no account turns over more.
  uint64_t turnover_ = 0;
  Timestamp last_at_;
  std::vector<Undo> undo_;
  std::vector<Frame> frames_;
};

}  // namespace jangbu::ledger
