#pragma once

// Journal entries: everything that is true, as bytes.
//
// An entry has two parts, each under a salt of its own, and the log's leaf commits to both
// (ledger/merkle/leaf.h):
//
//   own part     what the partner it concerns may open: header and the partner's facts. Entries
//   that concern no one
//                partner have a header and nothing else here, a recorded dossier excepted: what it
//                says is for anybody who is shown its receipt.
//   sealed part  what only the operator and auditors see: exact confirmed items, carry-overs, keys,
//   policies.
//
// No part holds text, a title, a file name or an unsalted digest of text. What must be kept of
// those is ciphertext (corpus titles) or lies in blobs under keys that can be destroyed. The
// grammar is in docs/formats.md.
//
// Encoding is canonical: one entry has one byte string, and decoding refuses any other. Stored
// numbers of enums and fields are never reused.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/key_index.h"
#include "base/status.h"
#include "ledger/audit_entry.h"
#include "ledger/finance_entry.h"

namespace jangbu::ledger {

inline constexpr uint8_t kEntryVersion = 1;

enum class EntryType : uint8_t {
  kGenesis = 1,
  kEpoch = 2,
  kPartnerAdded = 3,
  kKeyIssued = 4,
  kKeyRevoked = 5,
  kCorpusAdded = 6,
  kUploadOpened = 7,
  kUploadSealed = 8,
  kUploadCancelled = 9,
  kUploadDone = 10,
  kBatchBegin = 11,
  kBatchCommit = 12,
  kBatchAbort = 13,
  kRunBegun = 14,
  kDecision = 15,
  kLot = 16,
  kRunDone = 17,
  kNoveltyRule = 40,

  // Finance (ledger/finance_entry.h): 50 to 79.
  kPolicyProposed = 50,
  kPolicyDecided = 51,
  kKeyRequested = 52,
  kKeyDecided = 53,
  kUsage = 54,
  kTick = 55,
  kCloseDrafted = 56,
  kCloseDecided = 57,
  kClosePosted = 58,
  kPayment = 59,
  kWithdrawn = 60,
  kClaimOpened = 61,
  kClaimDecided = 62,
  kClaimSettled = 63,
  kCorrectionProposed = 64,
  kCorrectionDecided = 65,
  kAdjustedLot = 66,  // a Lot with `adjusted` set
  kSuccession = 67,
  kRecountBegun = 68,
  kRecountItems = 69,
  kRecountReported = 70,
  kRecountDecided = 71,

  // Audits and the guard (ledger/audit_entry.h): 90 to 109.
  kGuardIncident = 90,
  kAuditRecorded = 91,
  kAuditReportGiven = 92,

  // Provenance (ledger/audit_entry.h): 110 to 119.
  kDossierRecorded = 110,
};

// Stored.
enum class SourceType : uint8_t { kBook = 1, kArticle = 2, kReport = 3, kPaper = 4, kText = 5 };

// Stored. What became of a document, as its partner sees it.
enum class Verdict : uint8_t {
  kAccepted = 1,
  kExactDuplicate = 2,
  kNearDuplicate = 3,
  kRejected = 4
};

// Stored. How an upload's documents arrive.
enum class UploadKind : uint8_t { kFiles = 1, kStream = 2 };

struct Genesis {
  std::string log_origin;
  std::string log_public_key;  // 32 bytes, Ed25519
  std::string tokenizer_algorithm;
  Digest tokenizer_sha256{};
  std::string unicode_version;
  Policy policy;
  bool operator==(const Genesis&) const = default;
};

struct EpochBegun {
  uint64_t epoch = 0;
  std::string software_version;
  bool operator==(const EpochBegun&) const = default;
};

struct PartnerAdded {
  std::string name;  // display name of the organisation
  bool operator==(const PartnerAdded&) const = default;
};

struct KeyIssued {
  std::string key_id;
  Role role = Role::kPartner;
  std::string person;
  Digest secret_mac{};   // HMAC-SHA-256 of the secret under the installation's pepper
  std::string replaces;  // key id that this one replaces and revokes, or ""
  bool operator==(const KeyIssued&) const = default;
};

struct KeyRevoked {
  std::string key_id;
  bool operator==(const KeyRevoked&) const = default;
};

struct CorpusAdded {
  uint32_t corpus = 0;  // from 1, per partner
  SourceType source_type = SourceType::kText;
  std::string sealed_metadata;  // title, rights, licence: ciphertext under the partner's key
  std::string request_mac;      // 16 bytes: keyed digest of the client's request id, or empty
  bool operator==(const CorpusAdded&) const = default;
};

struct UploadOpened {
  uint32_t upload = 0;  // from 1, per partner
  uint32_t corpus = 0;
  UploadKind kind = UploadKind::kFiles;
  std::string request_mac;  // 16 bytes
  bool operator==(const UploadOpened&) const = default;
};

struct UploadSealed {
  uint32_t upload = 0;
  uint32_t file_count = 0;
  Digest staged_mac{};  // keyed digest of the files' digests in order
  bool operator==(const UploadSealed&) const = default;
};

struct UploadCancelled {
  uint32_t upload = 0;
  bool operator==(const UploadCancelled&) const = default;
};

// Exact counts of a set of documents. Units as product terms say; see docs/counting.md.
struct Counts {
  int64_t documents = 0;
  int64_t accepted = 0;
  int64_t exact_duplicate = 0;
  int64_t near_duplicate = 0;
  int64_t rejected = 0;
  int64_t chars = 0;
  int64_t syllables = 0;
  int64_t words = 0;
  int64_t tokens = 0;
  int64_t korean_words = 0;
  int64_t korean_tokens = 0;
  int64_t novel_korean_words = 0;
  int64_t novel_korean_tokens = 0;
  bool operator==(const Counts&) const = default;
  Counts& operator+=(const Counts& other);
};

struct UploadDone {
  uint32_t upload = 0;
  uint32_t file_count = 0;
  Counts counts;
  bool operator==(const UploadDone&) const = default;
};

// Opens a batch. Its token is the sequence number of this entry.
struct BatchBegin {
  uint32_t upload = 0;
  uint32_t documents = 0;
  uint32_t first_file = 0;
  uint64_t first_record = 0;
  uint32_t last_file = 0;
  uint64_t last_record = 0;
  Digest staged_mac{};  // keyed digest of the ordered list of (file, record, digest of the record's
                        // bytes)
  bool operator==(const BatchBegin&) const = default;
};

// One document of a batch, in (file, record) order; its ordinal is its place in the list.
struct Item {
  uint32_t file = 0;
  uint64_t record = 0;
  Verdict verdict = Verdict::kAccepted;
  std::string reason;  // stable code, only when rejected
  // Of a rejected document only chars and words may be set: what its text held, when it had one.
  // They enter no sum.
  int64_t chars = 0;
  int64_t syllables = 0;
  int64_t words = 0;
  int64_t tokens = 0;
  int64_t korean_words = 0;
  int64_t korean_tokens = 0;
  int64_t novel_korean_words = 0;
  int64_t novel_korean_tokens = 0;
  std::optional<Owner> duplicate_of;  // an earlier document of the same partner
  uint32_t similarity_ppm = 0;
  bool operator==(const Item&) const = default;
};

// The commit of a batch: from here on its documents have their verdicts.
struct BatchCommit {
  uint32_t upload = 0;
  uint64_t token = 0;
  std::vector<Item> items;
  // Sealed: keyed digest of the batch's appraisal blob, so that a changed blob is noticed.
  Digest appraisal_mac{};
  bool operator==(const BatchCommit&) const = default;
};

// The batch never took effect; its documents come again under another token.
struct BatchAbort {
  uint32_t upload = 0;
  uint64_t token = 0;
  bool operator==(const BatchAbort&) const = default;
};

// A confirmation run decides the commits before `cut`. Sealed.
struct RunBegun {
  uint64_t run = 0;
  uint64_t cut = 0;
  std::vector<std::string> released_partners;  // whose small lots an operator released
  std::string release_reason;
  std::string released_by;  // key id
  bool operator==(const RunBegun&) const = default;
};

// What one document is credited for, against everybody's earlier text.
struct DecidedItem {
  int64_t korean_tokens = 0;
  int64_t korean_words = 0;
  std::optional<Owner> held_by;  // the earlier document, of another partner, that covers it
  // How much of the document's comparison form that one covers, in millionths. 0 without held_by,
  // and in what was decided before there was a novelty rule.
  uint32_t similarity_ppm = 0;
  bool operator==(const DecidedItem&) const = default;
};

// Decisions on all documents of one batch. Sealed.
struct Decision {
  uint64_t run = 0;
  uint64_t token = 0;  // of the batch
  std::vector<DecidedItem> items;
  bool operator==(const Decision&) const = default;
};

// Why a document that a lot settled before counts again. Stored.
enum class AdjustmentKind : uint8_t {
  kWithdrawn = 1,
  kSucceeded = 2,
  kClaimLost = 3,
  kClaimWon = 4,
  kRecounted = 5
};

// Credit of an earlier document that a lot takes away or adds.
struct Adjustment {
  AdjustmentKind kind = AdjustmentKind::kWithdrawn;
  Owner document;
  int64_t korean_tokens = 0;  // exact; negative: taken away
  int64_t korean_words = 0;
  bool operator==(const Adjustment&) const = default;
};

// Settles a lot of one partner: provisional becomes confirmed.
struct Lot {
  // Own.
  uint32_t lot = 0;  // from 1, per partner
  int64_t documents = 0;
  int64_t provisional_korean_tokens = 0;
  int64_t provisional_korean_words = 0;
  int64_t confirmed_korean_tokens = 0;  // whole grains
  int64_t confirmed_korean_words = 0;
  int64_t entitlement_granted = 0;         // API tokens, spendable or pending
  int64_t entitlement_made_spendable = 0;  // pending ones that became spendable with this entry
  bool released = false;
  // Own, when adjusted: then what is confirmed may be negative too.
  bool adjusted = false;            // the lot has adjustments; stored as a kind of its own
  int64_t withdrawn_documents = 0;  // of earlier lots, taken out with this one
  int64_t entitlement_taken_back = 0;
  int64_t entitlement_owed = 0;  // could not be taken back: later grants pay it off
  // Sealed.
  uint64_t run = 0;
  std::vector<DocumentRange> ranges;
  std::vector<Adjustment> adjustments;
  int64_t item_korean_tokens = 0;  // exact
  int64_t item_korean_words = 0;
  int64_t carry_tokens_before = 0;
  int64_t carry_words_before = 0;
  int64_t carry_tokens_after = 0;
  int64_t carry_words_after = 0;
  bool operator==(const Lot&) const = default;
};

struct RunDone {
  uint64_t run = 0;
  bool operator==(const RunDone&) const = default;
};

// How novelty and duplicates are judged from here on, by runs of shared text; docs/counting.md. It
// binds batches begun after it, and of those begun before the first rule the ones that commit after
// it. What was committed or decided before the first rule was judged by whole segments. Sealed.
struct NoveltyRule {
  uint32_t min_run = 24;         // code points of comparison form; 24 … 64
  uint32_t near_ppm = 800'000;   // covered by one earlier document, from which on it is near
  uint32_t novel_ppm = 500'000;  // covered share from which on a segment is not novel
  bool operator==(const NoveltyRule&) const = default;
};

using Body = std::variant<Genesis, EpochBegun, PartnerAdded, KeyIssued, KeyRevoked, CorpusAdded,
                          UploadOpened, UploadSealed, UploadCancelled, UploadDone, BatchBegin,
                          BatchCommit, BatchAbort, RunBegun, Decision, Lot, RunDone, NoveltyRule,
                          PolicyProposed, PolicyDecided, KeyRequested, KeyDecided, Usage, Tick,
                          CloseDrafted, CloseDecided, ClosePosted, Payment, Withdrawn, ClaimOpened,
                          ClaimDecided, ClaimSettled, CorrectionProposed, CorrectionDecided,
                          Succession, RecountBegun, RecountItems, RecountReported, RecountDecided,
                          GuardIncident, AuditRecorded, AuditReportGiven, DossierRecorded>;

// What somebody wants to be true; the writer adds position, time and salts.
struct Draft {
  std::string partner;  // id, or "" when the entry concerns no one partner
  Body body;
};

struct Entry {
  uint64_t seq = 0;
  Timestamp at;
  std::string partner;
  Body body;
  Digest own_salt{};
  Digest sealed_salt{};
  bool operator==(const Entry&) const = default;
};

EntryType TypeOf(const Body& body);
std::string_view NameOf(EntryType type);

// The partner's part and the sealed part of an entry; without salts.
std::string OwnPart(const Entry& entry);
std::string SealedPart(const Entry& entry);

// The bytes of a journal record. Decode refuses whatever Encode cannot have written, and a record
// whose stored position is not `seq`.
std::string EncodeEntry(const Entry& entry);
StatusOr<Entry> DecodeEntry(uint64_t seq, std::string_view record);

// The leaf data (32 bytes) of a record: what the transparency log commits to.
Digest LeafData(const Entry& entry);

// Reads an own part alone, as a receipt opens it (the body's sealed fields are empty).
StatusOr<Entry> DecodeOwnPart(std::string_view own_part);

}  // namespace jangbu::ledger
