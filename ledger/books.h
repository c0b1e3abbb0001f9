#pragma once

// The books: what the journal says, as a fold over its entries.
//
// Pure and deterministic: the same entries give the same books on any machine. Apply checks
// everything an entry may not contradict before it changes anything, so the writer applies an entry
// to find out whether it may be written, and a verifier applies what it reads to find out whether
// it could have been.
//
// Per-document facts are not kept here (they are read back from the journal by the positions kept
// here), except for documents that wait for a lot.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "ledger/credit.h"
#include "ledger/entitlement.h"
#include "ledger/entry.h"
#include "ledger/finance.h"
#include "ledger/ledger.h"

namespace jangbu::ledger {

// Assets of the programme. Stored in transfers; never renumber.
inline constexpr AssetId kAssetKoreanTokens = 1;  // of the tokenizer pinned at genesis
inline constexpr AssetId kAssetKoreanWords = 2;
inline constexpr AssetId kAssetApiTokens = 3;
inline constexpr AssetId kAssetWon = 4;

// Accounts of a partner, and the programme's source of each asset. Stored; never renumber.
enum class AccountRole : uint16_t {
  kProgramme = 1,             // the source; the only kind that may go below zero
  kProvisional = 2,           // committed, not yet in a lot
  kConfirmed = 3,             // credited
  kEntitlementPending = 4,    // waits for membership
  kEntitlementAvailable = 5,  // may be spent
  kEntitlementReserved = 6,   // held for calls under way
  kEntitlementSpent = 7,
  kEntitlementExpired = 8,
  kEntitlementOwed = 9,  // taken back beyond what was there: a debit balance
  kBilled = 10,          // won: use past the entitlement, in all
  kPool = 11,            // the programme's: set aside and not yet shared
  kPayable = 12,         // won: shares below the minimum payout, in all
  kDue = 13,             // to be paid now, or returned by the bank
  kHeld = 14,            // waits for a claim
  kPaid = 15,            // paid, in all
};

// Why a transfer was made. Stored; never renumber.
enum class TransferCode : uint16_t {
  kProvisional = 1,         // a batch was committed
  kProvisionalSettled = 2,  // its documents are in a lot
  kConfirmed = 3,           // credit
  kEntitlementPending = 4,
  kEntitlementGranted = 5,
  kEntitlementMadeSpendable = 6,  // the membership threshold was reached
  kConfirmedReversed = 7,         // withdrawn, or lost to a claim
  kProvisionalWithdrawn = 8,
  kEntitlementPaidOff = 9,  // a grant paid off what was owed
  kEntitlementReserved = 10,
  kEntitlementUsed = 11,      // of a reservation
  kEntitlementReturned = 12,  // of a reservation
  kEntitlementReturnedExpired = 13,
  kEntitlementConsumed = 14,
  kEntitlementExpired = 15,
  kEntitlementTakenBack = 16,
  kEntitlementOwed = 17,
  kBilled = 18,
  kPoolSetAside = 19,
  kShare = 20,
  kShareHeld = 21,
  kPayoutDue = 22,
  kPayoutPaid = 23,
  kPayoutFailed = 24,
  kHeldReleased = 25,  // the claim was refused: back to the holder
  kHeldAwarded = 26,   // the claim was granted: to the claimant
  kCorrection = 27,
};
std::string_view NameOf(TransferCode code);
std::string_view NameOfAsset(AssetId asset);

AccountId AccountOf(uint32_t partner, AccountRole role, AssetId asset);
// "hanbit/confirmed/korean_tokens", "programme/korean_words".
struct AccountName {
  uint32_t partner = 0;
  AccountRole role = AccountRole::kProgramme;
  AssetId asset = 0;
};
AccountName NameOfAccount(AccountId id);

struct KeyRecord {
  std::string key_id;
  Role role = Role::kPartner;
  uint32_t partner = 0;  // 0: none
  std::string person;
  Digest secret_mac{};
  Timestamp issued_at;
  std::optional<Timestamp> revoked_at;
};

struct CorpusRecord {
  uint32_t number = 0;
  SourceType source_type = SourceType::kText;
  std::string sealed_metadata;
  std::string request_mac;
  Timestamp created_at;
};

enum class UploadState : uint8_t { kOpen = 1, kSealed = 2, kDone = 3, kCancelled = 4 };

struct UploadRecord {
  uint32_t partner = 0;
  uint32_t number = 0;
  uint32_t corpus = 0;
  uint64_t token = 0;  // sequence number of its UPLOAD_OPENED entry
  UploadKind kind = UploadKind::kFiles;
  UploadState state = UploadState::kOpen;
  std::string request_mac;
  uint32_t file_count = 0;  // once sealed
  Counts counts;            // of committed documents
  Timestamp created_at;
  std::optional<Timestamp> finished_at;
  std::optional<std::pair<uint32_t, uint64_t>> last_committed;  // (file, record)
  std::optional<uint64_t> open_batch;
  std::vector<uint64_t> commits;  // sequence numbers of its BATCH_COMMIT entries, ascending
  std::vector<uint64_t> entries;  // of all entries that a receipt opens, ascending
};

struct BatchRecord {
  uint64_t upload_token = 0;
  uint64_t begin = 0;   // = token
  uint64_t commit = 0;  // sequence number of the commit
  uint32_t documents = 0;
  std::optional<uint64_t> decision;  // sequence number of its DECISION entry
  uint32_t recount = 0;              // the newest approved re-count that its credit is by; 0: none
};

// Figures of a partner at one instant.
struct PartnerFigures {
  Counts counts;
  std::array<Counts, 6> by_source_type;  // index: SourceType
  int64_t provisional_korean_tokens = 0;
  int64_t provisional_korean_words = 0;
  int64_t confirmed_korean_tokens = 0;
  int64_t confirmed_korean_words = 0;
  int64_t entitlement_pending = 0;
  int64_t entitlement_available = 0;
  int64_t entitlement_reserved = 0;
  int64_t entitlement_spent = 0;
  int64_t entitlement_expired = 0;
  int64_t entitlement_owed = 0;
  int64_t billed_won = 0;
  int64_t payable_won = 0;
  int64_t due_won = 0;
  int64_t held_won = 0;
  int64_t paid_won = 0;
  int64_t documents_waiting = 0;
  bool member = false;
};

struct PartnerRecord {
  uint32_t number = 0;  // from 1, in the order of the journal
  std::string id;
  std::string name;
  Timestamp created_at;
  std::vector<CorpusRecord> corpora;                // corpus n is at n - 1
  std::vector<uint64_t> uploads;                    // tokens; upload n is at n - 1
  std::map<std::string, uint64_t> upload_requests;  // request mac → token
  std::map<std::string, uint32_t> corpus_requests;  // request mac → corpus
  std::vector<WaitingDocument> waiting_decided;     // decided, in journal order, waiting for a lot
  std::vector<uint64_t> lots;                       // sequence numbers
  int64_t carry_tokens = 0;
  int64_t carry_words = 0;
  bool member = false;
  int64_t member_threshold = 0;  // the one it reached; a later, higher one does not bind it
  std::vector<std::optional<uint32_t>> lot_grants;    // of lot n at n - 1: index of its grant
  std::map<uint32_t, Bill> bills;                     // by rate (RateOf)
  absl::flat_hash_map<OperationId, uint64_t> won_of;  // of uses that were billed
  std::vector<ClaimRecord> claims;                    // claim n is at n - 1
  std::vector<WithdrawalRecord> withdrawals;          // withdrawal n is at n - 1
  std::vector<std::pair<Timestamp, uint64_t>> usage;  // its USAGE entries: time, sequence number

  // Cumulative figures after each commit, lot and membership change, for balances at a past time.
  struct Moment {
    Timestamp at;
    SourceType source_type = SourceType::kText;
    Counts counts;  // of that source type, after the commit
  };
  std::vector<Moment> moments;
  std::vector<std::pair<Timestamp, int64_t>> waiting_history;  // documents waiting
  std::vector<std::pair<Timestamp, bool>> member_history;      // changes
  std::array<Counts, 6> by_source_type;
};

// Thread-compatible: const calls may run together.
class Books {
 public:
  Books();
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  // Folds the next entry in. REQUIRES: entry.seq == size(). On an error nothing changed: the entry
  // contradicts the books ("entry_contradicts_books: …"), which for a writer is a refusal and for a
  // verifier a damaged journal. Afterwards every promise that can be checked in constant time has
  // been (invariants 1 and 2).
  Status Apply(const Entry& entry);

  uint64_t size() const { return size_; }
  Timestamp last_time() const { return last_time_; }
  uint64_t epoch() const { return epoch_; }
  const std::optional<Genesis>& genesis() const { return genesis_; }
  // In force now; in force at `at`. Versions that were approved apply from their date on.
  const Policy& policy() const { return PolicyAt(last_time_).policy; }
  const PolicyRecord& PolicyAt(Timestamp at) const;

  const PartnerRecord* FindPartner(std::string_view id) const;
  const PartnerRecord* FindPartner(uint32_t number) const;
  const std::vector<std::unique_ptr<PartnerRecord>>& partners() const { return partners_; }
  const KeyRecord* FindKey(std::string_view key_id) const;
  const std::map<std::string, KeyRecord, std::less<>>& keys() const { return keys_; }
  const UploadRecord* FindUpload(uint64_t token) const;
  const UploadRecord* FindUpload(const PartnerRecord& partner, uint32_t number) const;
  const std::map<uint64_t, UploadRecord>& uploads() const { return uploads_; }
  const BatchRecord* FindBatch(uint64_t token) const;
  const std::map<uint64_t, BatchRecord>& batches() const { return batches_; }
  // Batches begun and neither committed nor aborted: token → upload token.
  const std::map<uint64_t, uint64_t>& open_batches() const { return open_batches_; }

  // Committed batches not yet decided, in the order of their commits: commit seq → token.
  const std::map<uint64_t, uint64_t>& undecided() const { return undecided_; }
  const std::optional<RunBegun>& open_run() const { return open_run_; }
  uint64_t runs() const { return runs_; }
  // Where the last finished run was cut; 0: there was none.
  uint64_t last_cut() const { return last_cut_; }
  // Sequence numbers of the EPOCH_BEGUN entries, ascending: one an opening.
  const std::vector<uint64_t>& epochs() const { return epochs_; }

  // ---- re-counting (books_recount.cc) ----
  const std::vector<RecountRecord>& recounts() const { return recounts_; }  // n is at n - 1
  // The re-count whose tokenizer counts a batch begun at `token`; 0: that of genesis. A tokenizer
  // counts from the opening after its approval on.
  uint32_t TokenizerOf(uint64_t token) const;
  // The same for batches begun after the next opening.
  uint32_t NextTokenizer() const;
  // What the report of an open re-count would say now.
  std::vector<RecountLine> LinesOf(const RecountRecord& recount) const;

  // ---- audits and the guard ----
  // Incidents, audits and reports given, with what their entries say; ascending.
  struct IncidentRecord {
    uint64_t seq = 0;
    Timestamp at;
    GuardIncident incident;
  };
  struct AuditRecord {
    uint64_t seq = 0;
    Timestamp at;
    AuditRecorded audit;
  };
  struct ReportRecord {
    uint64_t seq = 0;
    Timestamp at;
    uint32_t partner = 0;
    AuditReportGiven report;
  };
  struct DossierRecord {
    uint64_t seq = 0;
    Timestamp at;
    DossierRecorded dossier;
  };
  const std::vector<DossierRecord>& dossiers() const { return dossiers_; }
  const std::vector<IncidentRecord>& incidents() const { return incidents_; }
  const std::vector<AuditRecord>& audits() const { return audits_; }
  const std::vector<ReportRecord>& audit_reports() const { return audit_reports_; }
  // The partner of a committed document; nothing when there is no such document.
  std::optional<uint32_t> PartnerOf(const Owner& document) const;

  // Novelty rules by the sequence numbers of their entries, ascending.
  const std::vector<std::pair<uint64_t, NoveltyRule>>& novelty_rules() const {
    return novelty_rules_;
  }
  // The rule that a batch not yet committed, or committed after the first rule, is judged by.
  // Nothing when there is no rule.
  std::optional<NoveltyRule> NoveltyRuleOf(uint64_t batch_token) const;

  // The lot of `partner` that is due in the open run, or nothing. REQUIRES: a run is open and has
  // decided everything before its cut.
  std::optional<Lot> NextLot(const PartnerRecord& partner) const;

  // A partner's figures now, or after the last entry at or before `as_of`.
  PartnerFigures FiguresOf(const PartnerRecord& partner, std::optional<Timestamp> as_of) const;

  // ---- finance (books_finance.cc) ----
  const std::vector<PolicyRecord>& policies() const { return policies_; }  // version n is at n - 1
  const std::map<std::string, KeyRequestRecord, std::less<>>& key_requests() const {
    return key_requests_;
  }
  // Persons with an operator key in force, two spellings of one person once.
  size_t OperatorPersons() const;
  // The live close of a period (or the last cancelled one), by period.
  const std::map<Period, CloseRecord>& closes() const { return closes_; }
  const std::vector<CorrectionRecord>& corrections() const { return corrections_; }
  const ClaimRecord* FindClaim(const PartnerRecord& partner, uint32_t number) const;
  const std::vector<DocumentFacts>* FactsOf(uint64_t token) const;
  bool MemberAt(const PartnerRecord& partner, Timestamp at) const;
  const Entitlements& entitlements() const { return *entitlements_; }

  // What a close of `period` would be. `policy`: another one than that in force at its last instant
  // ("what would last month have been under this?"). Does not ask whether the period is over.
  StatusOr<CloseFigures> FiguresOfClose(Period period, int64_t revenue_won,
                                        const Policy* policy) const;
  // The lines of an approved close, were it posted now.
  std::vector<ShareLine> SharesOfClose(const CloseRecord& close) const;
  // What settling a decided claim would be, `by` left out.
  StatusOr<ClaimSettled> SettlementOf(const PartnerRecord& partner, uint32_t claim) const;
  // What a USAGE entry of these would be: one answer each, in order, after everything with an end
  // at or before `now` has ended. REQUIRES: nobody else reads or writes meanwhile (the writer's
  // proposal); afterwards nothing has changed.
  std::vector<UsageAnswer> TryUsage(const PartnerRecord& partner,
                                    const std::vector<UsageRecord>& requests, Timestamp now) const;

  // SHA-256 over balances, entitlements and the records of finance. O(everything).
  Digest StateDigest() const;

  const Ledger& ledger() const { return *ledger_; }
  // Where a transfer came from: the entry's sequence number.
  static uint64_t SeqOf(TransferId id) { return id.high; }

 private:
  struct Posting;
  Status ApplyBody(const Entry& e, const Genesis& b);
  Status ApplyBody(const Entry& e, const EpochBegun& b);
  Status ApplyBody(const Entry& e, const PartnerAdded& b);
  Status ApplyBody(const Entry& e, const KeyIssued& b);
  Status ApplyBody(const Entry& e, const KeyRevoked& b);
  Status ApplyBody(const Entry& e, const CorpusAdded& b);
  Status ApplyBody(const Entry& e, const UploadOpened& b);
  Status ApplyBody(const Entry& e, const UploadSealed& b);
  Status ApplyBody(const Entry& e, const UploadCancelled& b);
  Status ApplyBody(const Entry& e, const UploadDone& b);
  Status ApplyBody(const Entry& e, const BatchBegin& b);
  Status ApplyBody(const Entry& e, const BatchCommit& b);
  Status ApplyBody(const Entry& e, const BatchAbort& b);
  Status ApplyBody(const Entry& e, const RunBegun& b);
  Status ApplyBody(const Entry& e, const Decision& b);
  Status ApplyBody(const Entry& e, const Lot& b);
  Status ApplyBody(const Entry& e, const RunDone& b);
  Status ApplyBody(const Entry& e, const NoveltyRule& b);
  Status ApplyBody(const Entry& e, const GuardIncident& b);
  Status ApplyBody(const Entry& e, const AuditRecorded& b);
  Status ApplyBody(const Entry& e, const AuditReportGiven& b);
  Status ApplyBody(const Entry& e, const DossierRecorded& b);
  Status ApplyBody(const Entry& e, const PolicyProposed& b);
  Status ApplyBody(const Entry& e, const PolicyDecided& b);
  Status ApplyBody(const Entry& e, const KeyRequested& b);
  Status ApplyBody(const Entry& e, const KeyDecided& b);
  Status ApplyBody(const Entry& e, const Usage& b);
  Status ApplyBody(const Entry& e, const Tick& b);
  Status ApplyBody(const Entry& e, const CloseDrafted& b);
  Status ApplyBody(const Entry& e, const CloseDecided& b);
  Status ApplyBody(const Entry& e, const ClosePosted& b);
  Status ApplyBody(const Entry& e, const Payment& b);
  Status ApplyBody(const Entry& e, const Withdrawn& b);
  Status ApplyBody(const Entry& e, const ClaimOpened& b);
  Status ApplyBody(const Entry& e, const ClaimDecided& b);
  Status ApplyBody(const Entry& e, const ClaimSettled& b);
  Status ApplyBody(const Entry& e, const CorrectionProposed& b);
  Status ApplyBody(const Entry& e, const CorrectionDecided& b);
  Status ApplyBody(const Entry& e, const Succession& b);
  Status ApplyBody(const Entry& e, const RecountBegun& b);
  Status ApplyBody(const Entry& e, const RecountItems& b);
  Status ApplyBody(const Entry& e, const RecountReported& b);
  Status ApplyBody(const Entry& e, const RecountDecided& b);

  PartnerRecord* PartnerOf(const Entry& e);
  UploadRecord* UploadOf(const PartnerRecord& partner, uint32_t number);
  // Makes the transfers of an entry, all or none.
  Status Post(const Entry& e, const std::vector<Posting>& postings);
  void OpenAccounts(const Entry& e, uint32_t partner);
  // Of what entitlement does, in the partner's accounts of the books.
  void AddEntitlementPostings(const std::vector<Transfer>& transfers,
                              std::vector<Posting>& postings) const;
  // Never before the last operation on entitlements: a clock that stepped back is no trouble.
  Timestamp EntitlementTime(Timestamp at) const;
  // Does the usages one after the other. Stops at the first that does not happen when `strict`.
  std::vector<UsageAnswer> RunUsage(const PartnerRecord& partner,
                                    const std::vector<UsageRecord>& requests, Timestamp at,
                                    bool strict, std::map<uint32_t, Bill>& bills,
                                    std::vector<Posting>& postings) const;
  // Claims that hold weight of a partner now, in order; and the weight each holds.
  struct HeldClaim {
    uint32_t claimant = 0;
    uint32_t number = 0;
    uint32_t holder = 0;
  };
  std::vector<std::pair<HeldClaim, int64_t>> HeldWeights(const Policy& policy) const;
  // Adds to (or takes from) the credit of a decided document: at once when it waits for a lot, else
  // as an adjustment that does.
  void MoveCredit(PartnerRecord& partner, const Owner& document, int64_t tokens, int64_t words,
                  AdjustmentKind kind);
  // A key in force of one of two roles, for an act; the error says what is wrong with it.
  StatusOr<Act> ActOf(const Entry& e, const std::string& key_id, bool operator_may) const;
  int64_t WordsAfter(const PartnerRecord& partner, const Lot& lot) const;
  // Of credit that a document had by an earlier lot: the share of its grant that has expired.
  int64_t ExpiredPartOf(const PartnerRecord& partner, const Owner& document, int64_t amount) const;
  DocumentFacts* FindFacts(const Owner& document);
  PartnerRecord* PartnerOfBatch(uint64_t token);
  WaitingDocument* FindWaiting(PartnerRecord& partner, const Owner& document);
  int64_t BalanceOf(uint32_t partner, AccountRole role, AssetId asset,
                    std::optional<Timestamp> as_of) const;

  uint64_t size_ = 0;
  Timestamp last_time_{};
  uint64_t epoch_ = 0;
  std::optional<Genesis> genesis_;
  std::vector<std::unique_ptr<PartnerRecord>> partners_;  // partner n is at n - 1
  std::map<std::string, uint32_t, std::less<>> partner_numbers_;
  std::map<std::string, KeyRecord, std::less<>> keys_;
  std::map<uint64_t, UploadRecord> uploads_;
  std::map<uint64_t, BatchRecord> batches_;
  std::map<uint64_t, uint64_t> open_batches_;
  std::map<uint64_t, uint64_t> undecided_;
  std::map<uint64_t, std::vector<DocumentFacts>> facts_;  // of committed batches, by token
  std::optional<RunBegun> open_run_;
  std::vector<std::pair<uint64_t, NoveltyRule>> novelty_rules_;
  std::vector<IncidentRecord> incidents_;
  std::vector<AuditRecord> audits_;
  std::vector<ReportRecord> audit_reports_;
  std::vector<DossierRecord> dossiers_;
  uint64_t runs_ = 0;
  uint64_t last_cut_ = 0;
  std::vector<uint64_t> epochs_;
  std::vector<RecountRecord> recounts_;
  std::vector<std::pair<uint64_t, uint32_t>> tokenizers_;  // approval's entry → re-count
  uint64_t credit_moved_ = 0;  // the last entry that changed what a document is credited for
  Timestamp open_run_at_;
  std::vector<PolicyRecord> policies_;
  std::map<std::string, KeyRequestRecord, std::less<>> key_requests_;
  std::map<Period, CloseRecord> closes_;
  std::vector<CorrectionRecord> corrections_;
  // Entitlement knows accounts by digests of the partner's id; here they are the books' own.
  absl::flat_hash_map<AccountId, AccountId> entitlement_accounts_;
  std::unique_ptr<Entitlements> entitlements_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace jangbu::ledger
