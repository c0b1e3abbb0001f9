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
#include "ledger/entry.h"
#include "ledger/ledger.h"

namespace jangbu::ledger {

// Assets of the programme. Stored in transfers; never renumber.
inline constexpr AssetId kAssetKoreanTokens = 1;  // of the tokenizer pinned at genesis
inline constexpr AssetId kAssetKoreanWords = 2;
inline constexpr AssetId kAssetApiTokens = 3;

// Accounts of a partner, and the programme's source of each asset. Stored; never renumber.
enum class AccountRole : uint16_t {
  kProgramme = 1,             // the source; the only kind that may go below zero
  kProvisional = 2,           // committed, not yet in a lot
  kConfirmed = 3,             // credited
  kEntitlementPending = 4,    // waits for membership
  kEntitlementAvailable = 5,  // may be spent
};

// Why a transfer was made. Stored; never renumber.
enum class TransferCode : uint16_t {
  kProvisional = 1,         // a batch was committed
  kProvisionalSettled = 2,  // its documents are in a lot
  kConfirmed = 3,           // credit
  kEntitlementPending = 4,
  kEntitlementGranted = 5,
  kEntitlementMadeSpendable = 6,  // the membership threshold was reached
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

  // Cumulative figures after each commit, lot and membership change, for balances at a past time.
  struct Moment {
    Timestamp at;
    SourceType source_type = SourceType::kText;
    Counts counts;  // of that source type, after the commit
  };
  std::vector<Moment> moments;
  std::vector<std::pair<Timestamp, int64_t>> waiting_history;  // documents waiting
  std::optional<Timestamp> member_since;
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
  const Policy& policy() const { return genesis_->policy; }

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

  PartnerRecord* PartnerOf(const Entry& e);
  UploadRecord* UploadOf(const PartnerRecord& partner, uint32_t number);
  // Makes the transfers of an entry, all or none.
  Status Post(const Entry& e, const std::vector<Posting>& postings);
  void OpenAccounts(const Entry& e, uint32_t partner);
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
  // Provisional contribution of each document of an undecided batch, by token.
  struct Provisional {
    int64_t korean_tokens = 0;
    int64_t korean_words = 0;
    bool credits = false;  // neither rejected nor a duplicate
  };
  std::map<uint64_t, std::vector<Provisional>> provisional_;
  std::optional<RunBegun> open_run_;
  std::vector<std::pair<uint64_t, NoveltyRule>> novelty_rules_;
  uint64_t runs_ = 0;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace jangbu::ledger
