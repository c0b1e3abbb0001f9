#include "ledger/entry.h"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "ledger/merkle/leaf.h"

namespace jangbu::ledger {
namespace {

// Every body has two writers and two readers, one for each part. Those left out have nothing in
// that part.

// GENESIS knows the first seven values; the others are the defaults of version 1.
constexpr int64_t Policy::*kGenesisFields[] = {&Policy::membership_threshold_words,
                                               &Policy::grain,
                                               &Policy::lot_documents_min,
                                               &Policy::lot_tokens_min,
                                               &Policy::lot_document_share_percent_max,
                                               &Policy::entitlement_numerator,
                                               &Policy::entitlement_denominator};

void WriteOwner(ByteWriter& w, const Owner& owner) {
  w.Varint(owner.token);
  w.Varint(owner.ordinal);
}

uint32_t ReadU32(ByteReader& r) {
  const uint64_t v = r.Varint();
  if (v > UINT32_MAX) r.MarkBad();
  return static_cast<uint32_t>(v);
}

Owner ReadOwner(ByteReader& r) {
  Owner owner;
  owner.token = r.Varint();
  owner.ordinal = ReadU32(r);
  return owner;
}

// A count of amounts: never negative.
int64_t ReadAmount(ByteReader& r) {
  const uint64_t v = r.Varint();
  if (v > static_cast<uint64_t>(INT64_MAX)) r.MarkBad();
  return static_cast<int64_t>(v);
}

void WriteAmount(ByteWriter& w, int64_t amount) {
  JANGBU_CHECK(amount >= 0);
  w.Varint(static_cast<uint64_t>(amount));
}

bool ReadBool(ByteReader& r) {
  const uint8_t v = r.U8();
  if (v > 1) r.MarkBad();
  return v == 1;
}

template <typename Enum>
Enum ReadEnum(ByteReader& r, Enum first, Enum last) {
  const uint8_t v = r.U8();
  if (v < static_cast<uint8_t>(first) || v > static_cast<uint8_t>(last)) {
    r.MarkBad();
    return first;
  }
  return static_cast<Enum>(v);
}

std::string ReadString(ByteReader& r) { return std::string(r.String()); }

constexpr int64_t Counts::*kCountFields[] = {
    &Counts::documents,          &Counts::accepted,      &Counts::exact_duplicate,
    &Counts::near_duplicate,     &Counts::rejected,      &Counts::chars,
    &Counts::syllables,          &Counts::words,         &Counts::tokens,
    &Counts::korean_words,       &Counts::korean_tokens, &Counts::novel_korean_words,
    &Counts::novel_korean_tokens};

constexpr int64_t Item::*kItemFields[] = {&Item::chars,
                                          &Item::syllables,
                                          &Item::words,
                                          &Item::tokens,
                                          &Item::korean_words,
                                          &Item::korean_tokens,
                                          &Item::novel_korean_words,
                                          &Item::novel_korean_tokens};

constexpr int64_t Lot::*kLotOwnFields[] = {&Lot::documents,
                                           &Lot::provisional_korean_tokens,
                                           &Lot::provisional_korean_words,
                                           &Lot::confirmed_korean_tokens,
                                           &Lot::confirmed_korean_words,
                                           &Lot::entitlement_granted,
                                           &Lot::entitlement_made_spendable};

// Carries can be negative (reversals enter as negative items).
constexpr int64_t Lot::*kLotSealedFields[] = {&Lot::item_korean_tokens,  &Lot::item_korean_words,
                                              &Lot::carry_tokens_before, &Lot::carry_words_before,
                                              &Lot::carry_tokens_after,  &Lot::carry_words_after};

// Item flags: bits 0–2 verdict, bit 3 has duplicate_of, bit 4 is in the same file as the item
// before.
constexpr uint8_t kHasDuplicate = 1 << 3;
constexpr uint8_t kSameFile = 1 << 4;

void WriteItem(ByteWriter& w, const Item& item, uint32_t previous_file) {
  const bool same_file = item.file == previous_file;
  uint8_t flags = static_cast<uint8_t>(item.verdict);
  if (item.duplicate_of.has_value()) flags |= kHasDuplicate;
  if (same_file) flags |= kSameFile;
  w.U8(flags);
  if (!same_file) w.Varint(item.file);
  w.Varint(item.record);
  if (item.verdict == Verdict::kRejected) {
    w.String(item.reason);
    WriteAmount(w, item.chars);
    WriteAmount(w, item.words);
    return;
  }
  for (const auto field : kItemFields) WriteAmount(w, item.*field);
  if (item.duplicate_of.has_value()) {
    WriteOwner(w, *item.duplicate_of);
    w.Varint(item.similarity_ppm);
  }
}

Item ReadItem(ByteReader& r, uint32_t previous_file) {
  Item item;
  const uint8_t flags = r.U8();
  const uint8_t verdict = flags & 7;
  if (verdict < 1 || verdict > 4 || (flags >> 5) != 0) r.MarkBad();
  item.verdict = static_cast<Verdict>(verdict);
  item.file = (flags & kSameFile) != 0 ? previous_file : ReadU32(r);
  if ((flags & kSameFile) == 0 && item.file == previous_file) r.MarkBad();
  item.record = r.Varint();
  if (item.verdict == Verdict::kRejected) {
    if ((flags & kHasDuplicate) != 0) r.MarkBad();
    item.reason = ReadString(r);
    item.chars = ReadAmount(r);
    item.words = ReadAmount(r);
    return item;
  }
  for (const auto field : kItemFields) item.*field = ReadAmount(r);
  if ((flags & kHasDuplicate) != 0) {
    item.duplicate_of = ReadOwner(r);
    item.similarity_ppm = ReadU32(r);
  }
  return item;
}

// No file has this number, so the first item always names its own.
constexpr uint32_t kNoFile = UINT32_MAX;

// ---- own parts ----

template <typename T>
void WriteOwn(ByteWriter&, const T&) {}
template <typename T>
void ReadOwn(ByteReader&, T&) {}

void WriteOwn(ByteWriter& w, const CorpusAdded& b) {
  w.Varint(b.corpus);
  w.U8(static_cast<uint8_t>(b.source_type));
  w.String(b.sealed_metadata);
}
void ReadOwn(ByteReader& r, CorpusAdded& b) {
  b.corpus = ReadU32(r);
  b.source_type = ReadEnum(r, SourceType::kBook, SourceType::kText);
  b.sealed_metadata = ReadString(r);
}

void WriteOwn(ByteWriter& w, const UploadOpened& b) {
  w.Varint(b.upload);
  w.Varint(b.corpus);
  w.U8(static_cast<uint8_t>(b.kind));
}
void ReadOwn(ByteReader& r, UploadOpened& b) {
  b.upload = ReadU32(r);
  b.corpus = ReadU32(r);
  b.kind = ReadEnum(r, UploadKind::kFiles, UploadKind::kStream);
}

void WriteOwn(ByteWriter& w, const UploadSealed& b) {
  w.Varint(b.upload);
  w.Varint(b.file_count);
}
void ReadOwn(ByteReader& r, UploadSealed& b) {
  b.upload = ReadU32(r);
  b.file_count = ReadU32(r);
}

void WriteOwn(ByteWriter& w, const UploadCancelled& b) { w.Varint(b.upload); }
void ReadOwn(ByteReader& r, UploadCancelled& b) { b.upload = ReadU32(r); }

void WriteOwn(ByteWriter& w, const UploadDone& b) {
  w.Varint(b.upload);
  w.Varint(b.file_count);
  for (const auto field : kCountFields) WriteAmount(w, b.counts.*field);
}
void ReadOwn(ByteReader& r, UploadDone& b) {
  b.upload = ReadU32(r);
  b.file_count = ReadU32(r);
  for (const auto field : kCountFields) b.counts.*field = ReadAmount(r);
}

void WriteOwn(ByteWriter& w, const BatchBegin& b) {
  w.Varint(b.upload);
  w.Varint(b.documents);
  w.Varint(b.first_file);
  w.Varint(b.first_record);
  w.Varint(b.last_file);
  w.Varint(b.last_record);
}
void ReadOwn(ByteReader& r, BatchBegin& b) {
  b.upload = ReadU32(r);
  b.documents = ReadU32(r);
  b.first_file = ReadU32(r);
  b.first_record = r.Varint();
  b.last_file = ReadU32(r);
  b.last_record = r.Varint();
}

void WriteOwn(ByteWriter& w, const BatchCommit& b) {
  w.Varint(b.upload);
  w.Varint(b.token);
  w.Varint(b.items.size());
  uint32_t previous = kNoFile;
  for (const Item& item : b.items) {
    WriteItem(w, item, previous);
    previous = item.file;
  }
}
void ReadOwn(ByteReader& r, BatchCommit& b) {
  b.upload = ReadU32(r);
  b.token = r.Varint();
  const size_t n = r.Count(3);
  b.items.reserve(n);
  uint32_t previous = kNoFile;
  for (size_t i = 0; i < n && r.ok(); ++i) {
    b.items.push_back(ReadItem(r, previous));
    previous = b.items.back().file;
  }
}

void WriteOwn(ByteWriter& w, const BatchAbort& b) {
  w.Varint(b.upload);
  w.Varint(b.token);
}
void ReadOwn(ByteReader& r, BatchAbort& b) {
  b.upload = ReadU32(r);
  b.token = r.Varint();
}

// An adjusted lot can take away: what it confirms has a sign.
bool MayBeNegative(const Lot& b, int64_t Lot::*field) {
  return b.adjusted &&
         (field == &Lot::confirmed_korean_tokens || field == &Lot::confirmed_korean_words);
}

constexpr int64_t Lot::*kLotAdjustedFields[] = {
    &Lot::withdrawn_documents, &Lot::entitlement_taken_back, &Lot::entitlement_owed};

void WriteOwn(ByteWriter& w, const Lot& b) {
  w.Varint(b.lot);
  for (const auto field : kLotOwnFields) {
    if (MayBeNegative(b, field)) {
      w.SignedVarint(b.*field);
    } else {
      WriteAmount(w, b.*field);
    }
  }
  w.U8(b.released ? 1 : 0);
  if (!b.adjusted) return;
  for (const auto field : kLotAdjustedFields) WriteAmount(w, b.*field);
}
void ReadOwn(ByteReader& r, Lot& b) {
  b.lot = ReadU32(r);
  for (const auto field : kLotOwnFields)
    b.*field = MayBeNegative(b, field) ? r.SignedVarint() : ReadAmount(r);
  b.released = ReadBool(r);
  if (!b.adjusted) return;
  for (const auto field : kLotAdjustedFields) b.*field = ReadAmount(r);
}

// ---- sealed parts ----

template <typename T>
void WriteSealed(ByteWriter&, const T&) {}
template <typename T>
void ReadSealed(ByteReader&, T&) {}

void WriteSealed(ByteWriter& w, const Genesis& b) {
  w.String(b.log_origin);
  w.String(b.log_public_key);
  w.String(b.tokenizer_algorithm);
  w.Raw(b.tokenizer_sha256);
  w.String(b.unicode_version);
  for (const auto field : kGenesisFields) w.SignedVarint(b.policy.*field);
}
void ReadSealed(ByteReader& r, Genesis& b) {
  b.log_origin = ReadString(r);
  b.log_public_key = ReadString(r);
  b.tokenizer_algorithm = ReadString(r);
  b.tokenizer_sha256 = r.Array<32>();
  b.unicode_version = ReadString(r);
  for (const auto field : kGenesisFields) b.policy.*field = r.SignedVarint();
}

void WriteSealed(ByteWriter& w, const EpochBegun& b) {
  w.Varint(b.epoch);
  w.String(b.software_version);
}
void ReadSealed(ByteReader& r, EpochBegun& b) {
  b.epoch = r.Varint();
  b.software_version = ReadString(r);
}

void WriteSealed(ByteWriter& w, const PartnerAdded& b) { w.String(b.name); }
void ReadSealed(ByteReader& r, PartnerAdded& b) { b.name = ReadString(r); }

void WriteSealed(ByteWriter& w, const KeyIssued& b) {
  w.String(b.key_id);
  w.U8(static_cast<uint8_t>(b.role));
  w.String(b.person);
  w.Raw(b.secret_mac);
  w.String(b.replaces);
}
void ReadSealed(ByteReader& r, KeyIssued& b) {
  b.key_id = ReadString(r);
  b.role = ReadEnum(r, Role::kPartner, Role::kGateway);
  b.person = ReadString(r);
  b.secret_mac = r.Array<32>();
  b.replaces = ReadString(r);
}

void WriteSealed(ByteWriter& w, const KeyRevoked& b) { w.String(b.key_id); }
void ReadSealed(ByteReader& r, KeyRevoked& b) { b.key_id = ReadString(r); }

void WriteSealed(ByteWriter& w, const CorpusAdded& b) { w.String(b.request_mac); }
void ReadSealed(ByteReader& r, CorpusAdded& b) { b.request_mac = ReadString(r); }

void WriteSealed(ByteWriter& w, const UploadOpened& b) { w.String(b.request_mac); }
void ReadSealed(ByteReader& r, UploadOpened& b) { b.request_mac = ReadString(r); }

void WriteSealed(ByteWriter& w, const UploadSealed& b) { w.Raw(b.staged_mac); }
void ReadSealed(ByteReader& r, UploadSealed& b) { b.staged_mac = r.Array<32>(); }

void WriteSealed(ByteWriter& w, const BatchBegin& b) { w.Raw(b.staged_mac); }
void ReadSealed(ByteReader& r, BatchBegin& b) { b.staged_mac = r.Array<32>(); }

void WriteSealed(ByteWriter& w, const BatchCommit& b) { w.Raw(b.appraisal_mac); }
void ReadSealed(ByteReader& r, BatchCommit& b) { b.appraisal_mac = r.Array<32>(); }

void WriteSealed(ByteWriter& w, const RunBegun& b) {
  w.Varint(b.run);
  w.Varint(b.cut);
  w.Varint(b.released_partners.size());
  for (const std::string& partner : b.released_partners) w.String(partner);
  w.String(b.release_reason);
  w.String(b.released_by);
}
void ReadSealed(ByteReader& r, RunBegun& b) {
  b.run = r.Varint();
  b.cut = r.Varint();
  const size_t n = r.Count(1);
  for (size_t i = 0; i < n && r.ok(); ++i) b.released_partners.push_back(ReadString(r));
  b.release_reason = ReadString(r);
  b.released_by = ReadString(r);
}

void WriteSealed(ByteWriter& w, const Decision& b) {
  w.Varint(b.run);
  w.Varint(b.token);
  w.Varint(b.items.size());
  for (const DecidedItem& item : b.items) {
    WriteAmount(w, item.korean_tokens);
    WriteAmount(w, item.korean_words);
    // 0: none; 1: held_by; 2: held_by and similarity.
    JANGBU_CHECK(item.held_by.has_value() || item.similarity_ppm == 0);
    w.U8(static_cast<uint8_t>((item.held_by.has_value() ? 1 : 0) + (item.similarity_ppm != 0)));
    if (item.held_by.has_value()) WriteOwner(w, *item.held_by);
    if (item.similarity_ppm != 0) w.Varint(item.similarity_ppm);
  }
}
void ReadSealed(ByteReader& r, Decision& b) {
  b.run = r.Varint();
  b.token = r.Varint();
  const size_t n = r.Count(3);
  b.items.resize(n);
  for (DecidedItem& item : b.items) {
    item.korean_tokens = ReadAmount(r);
    item.korean_words = ReadAmount(r);
    const uint8_t held = r.U8();
    if (held > 2) r.MarkBad();
    if (held >= 1) item.held_by = ReadOwner(r);
    if (held == 2) {
      item.similarity_ppm = ReadU32(r);
      if (item.similarity_ppm == 0) r.MarkBad();
    }
  }
}

void WriteSealed(ByteWriter& w, const Lot& b) {
  w.Varint(b.run);
  w.Varint(b.ranges.size());
  for (const DocumentRange& range : b.ranges) {
    w.Varint(range.token);
    w.Varint(range.first);
    w.Varint(range.count);
  }
  for (const auto field : kLotSealedFields) w.SignedVarint(b.*field);
  if (!b.adjusted) return;
  w.Varint(b.adjustments.size());
  for (const Adjustment& adjustment : b.adjustments) {
    w.U8(static_cast<uint8_t>(adjustment.kind));
    WriteOwner(w, adjustment.document);
    w.SignedVarint(adjustment.korean_tokens);
    w.SignedVarint(adjustment.korean_words);
  }
}
void ReadSealed(ByteReader& r, Lot& b) {
  b.run = r.Varint();
  const size_t n = r.Count(3);
  b.ranges.resize(n);
  for (DocumentRange& range : b.ranges) {
    range.token = r.Varint();
    range.first = ReadU32(r);
    range.count = ReadU32(r);
  }
  for (const auto field : kLotSealedFields) b.*field = r.SignedVarint();
  if (!b.adjusted) return;
  b.adjustments.resize(r.Count(5));
  if (b.adjustments.empty()) r.MarkBad();
  for (Adjustment& adjustment : b.adjustments) {
    adjustment.kind = ReadEnum(r, AdjustmentKind::kWithdrawn, AdjustmentKind::kRecounted);
    adjustment.document = ReadOwner(r);
    adjustment.korean_tokens = r.SignedVarint();
    adjustment.korean_words = r.SignedVarint();
  }
}

void WriteSealed(ByteWriter& w, const RunDone& b) { w.Varint(b.run); }
void ReadSealed(ByteReader& r, RunDone& b) { b.run = r.Varint(); }

void WriteSealed(ByteWriter& w, const NoveltyRule& b) {
  w.Varint(b.min_run);
  w.Varint(b.near_ppm);
  w.Varint(b.novel_ppm);
}
void ReadSealed(ByteReader& r, NoveltyRule& b) {
  b.min_run = ReadU32(r);
  b.near_ppm = ReadU32(r);
  b.novel_ppm = ReadU32(r);
}

void WriteSealed(ByteWriter& w, const GuardIncident& b) {
  w.String(b.model);
  w.U8(static_cast<uint8_t>(b.action));
  w.Raw(b.user_mac);
  w.Varint(b.runs.size());
  for (const GuardRun& run : b.runs) {
    w.U8(static_cast<uint8_t>(run.kind));
    w.SignedVarint(run.begin);
    w.SignedVarint(run.end);
    w.Raw(run.run_mac);
    w.Varint(run.holders.size());
    for (const Owner& holder : run.holders) WriteOwner(w, holder);
  }
  w.String(b.by);
}
void ReadSealed(ByteReader& r, GuardIncident& b) {
  b.model = ReadString(r);
  b.action = ReadEnum(r, GuardAction::kBlock, GuardAction::kReport);
  b.user_mac = r.Array<16>();
  b.runs.resize(r.Count(20));
  for (GuardRun& run : b.runs) {
    run.kind = ReadEnum(r, RunKind::kRun, RunKind::kBudget);
    run.begin = r.SignedVarint();
    run.end = r.SignedVarint();
    run.run_mac = r.Array<16>();
    run.holders.resize(r.Count(2));
    for (Owner& holder : run.holders) holder = ReadOwner(r);
  }
  b.by = ReadString(r);
}

void WriteSealed(ByteWriter& w, const AuditRecorded& b) {
  w.Varint(b.audit);
  w.Raw(b.plan_sha256);
  w.Raw(b.record_sha256);
  w.Raw(b.statement_sha256);
  w.String(b.model);
  w.String(b.by);
}
void ReadSealed(ByteReader& r, AuditRecorded& b) {
  b.audit = ReadU32(r);
  b.plan_sha256 = r.Array<32>();
  b.record_sha256 = r.Array<32>();
  b.statement_sha256 = r.Array<32>();
  b.model = ReadString(r);
  b.by = ReadString(r);
}

void WriteOwn(ByteWriter& w, const AuditReportGiven& b) {
  w.Varint(b.report);
  w.Raw(b.report_sha256);
}
void ReadOwn(ByteReader& r, AuditReportGiven& b) {
  b.report = ReadU32(r);
  b.report_sha256 = r.Array<32>();
}
void WriteSealed(ByteWriter& w, const AuditReportGiven& b) {
  w.Varint(b.audit);
  w.String(b.by);
}
void ReadSealed(ByteReader& r, AuditReportGiven& b) {
  b.audit = ReadU32(r);
  b.by = ReadString(r);
}

void WriteOwn(ByteWriter& w, const DossierRecorded& b) {
  w.Varint(b.dossier);
  w.Raw(b.json_sha256);
  w.Raw(b.note_sha256);
  w.U8(static_cast<uint8_t>(b.answer));
  w.Raw(b.subject_sha256);
  w.Raw(b.reference_sha256);
}
void ReadOwn(ByteReader& r, DossierRecorded& b) {
  b.dossier = ReadU32(r);
  b.json_sha256 = r.Array<32>();
  b.note_sha256 = r.Array<32>();
  b.answer = ReadEnum(r, DossierAnswer::kDerived, DossierAnswer::kInconclusive);
  b.subject_sha256 = r.Array<32>();
  b.reference_sha256 = r.Array<32>();
}
void WriteSealed(ByteWriter& w, const DossierRecorded& b) {
  w.String(b.signer);
  w.String(b.by);
}
void ReadSealed(ByteReader& r, DossierRecorded& b) {
  b.signer = ReadString(r);
  b.by = ReadString(r);
}

// ---- bodies by type ----

// Every kind of entry, once: its number (ledger/entry.h), its body and its name.
#define JANGBU_ENTRIES(X)                                      \
  X(kGenesis, Genesis, "genesis")                              \
  X(kEpoch, EpochBegun, "epoch")                               \
  X(kPartnerAdded, PartnerAdded, "partner_added")              \
  X(kKeyIssued, KeyIssued, "key_issued")                       \
  X(kKeyRevoked, KeyRevoked, "key_revoked")                    \
  X(kCorpusAdded, CorpusAdded, "corpus_added")                 \
  X(kUploadOpened, UploadOpened, "upload_opened")              \
  X(kUploadSealed, UploadSealed, "upload_sealed")              \
  X(kUploadCancelled, UploadCancelled, "upload_cancelled")     \
  X(kUploadDone, UploadDone, "upload_done")                    \
  X(kBatchBegin, BatchBegin, "batch_begin")                    \
  X(kBatchCommit, BatchCommit, "batch_commit")                 \
  X(kBatchAbort, BatchAbort, "batch_abort")                    \
  X(kRunBegun, RunBegun, "run_begun")                          \
  X(kDecision, Decision, "decision")                           \
  X(kLot, Lot, "lot")                                          \
  X(kRunDone, RunDone, "run_done")                             \
  X(kNoveltyRule, NoveltyRule, "novelty_rule")                 \
  JANGBU_FINANCE_ENTRIES(X)                                    \
  X(kGuardIncident, GuardIncident, "guard_incident")           \
  X(kAuditRecorded, AuditRecorded, "audit_recorded")           \
  X(kAuditReportGiven, AuditReportGiven, "audit_report_given") \
  X(kDossierRecorded, DossierRecorded, "dossier_recorded")

// An empty body of the stored type, or nothing for a number that no version wrote.
std::optional<Body> EmptyBody(uint8_t type) {
  switch (static_cast<EntryType>(type)) {
#define JANGBU_EMPTY_BODY(kind, body, name) \
  case EntryType::kind:                     \
    return body{};
    JANGBU_ENTRIES(JANGBU_EMPTY_BODY)
#undef JANGBU_EMPTY_BODY
    case EntryType::kAdjustedLot: {
      Lot lot;
      lot.adjusted = true;
      return lot;
    }
  }
  return std::nullopt;
}

struct TypeOfBody {
#define JANGBU_TYPE_OF(kind, body, name) \
  EntryType operator()(const body&) const { return EntryType::kind; }
  JANGBU_ENTRIES(JANGBU_TYPE_OF)
#undef JANGBU_TYPE_OF
};

// Reads header and own body. On anything wrong the reader is bad.
void ReadOwnPart(ByteReader& r, Entry& entry) {
  if (r.U8() != kEntryVersion) r.MarkBad();
  const uint8_t type = r.U8();
  entry.seq = r.U64();
  entry.at.micros = r.I64();
  entry.partner = ReadString(r);
  std::optional<Body> body = EmptyBody(type);
  if (!body.has_value()) {
    r.MarkBad();
    return;
  }
  entry.body = std::move(*body);
  std::visit([&r](auto& b) { ReadOwn(r, b); }, entry.body);
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  for (const auto field : kCountFields) {
    const bool overflow = __builtin_add_overflow(this->*field, other.*field, &(this->*field));
    JANGBU_CHECK(!overflow);
  }
  return *this;
}

EntryType TypeOf(const Body& body) {
  const auto* lot = std::get_if<Lot>(&body);
  if (lot != nullptr && lot->adjusted) return EntryType::kAdjustedLot;
  return std::visit(TypeOfBody{}, body);
}

std::string_view NameOf(EntryType type) {
  switch (type) {
#define JANGBU_NAME_OF(kind, body, name) \
  case EntryType::kind:                  \
    return name;
    JANGBU_ENTRIES(JANGBU_NAME_OF)
#undef JANGBU_NAME_OF
    case EntryType::kAdjustedLot:
      return "adjusted_lot";
  }
  JANGBU_CHECK(false);
  return "";
}

std::string OwnPart(const Entry& entry) {
  ByteWriter w;
  w.U8(kEntryVersion);
  w.U8(static_cast<uint8_t>(TypeOf(entry.body)));
  w.U64(entry.seq);
  w.I64(entry.at.micros);
  w.String(entry.partner);
  std::visit([&w](const auto& b) { WriteOwn(w, b); }, entry.body);
  return w.Take();
}

std::string SealedPart(const Entry& entry) {
  ByteWriter w;
  w.U8(kEntryVersion);
  std::visit([&w](const auto& b) { WriteSealed(w, b); }, entry.body);
  return w.Take();
}

std::string EncodeEntry(const Entry& entry) {
  ByteWriter w;
  w.U8(kEntryVersion);
  w.Raw(entry.own_salt);
  w.Raw(entry.sealed_salt);
  w.String(OwnPart(entry));
  w.String(SealedPart(entry));
  return w.Take();
}

StatusOr<Entry> DecodeEntry(uint64_t seq, std::string_view record) {
  const std::string what = "journal record " + std::to_string(seq);
  Entry entry;
  ByteReader r(record);
  if (r.U8() != kEntryVersion) r.MarkBad();
  entry.own_salt = r.Array<32>();
  entry.sealed_salt = r.Array<32>();
  ByteReader own(r.String());
  ByteReader sealed(r.String());
  JANGBU_RETURN_IF_ERROR(r.Finish(what));
  ReadOwnPart(own, entry);
  JANGBU_RETURN_IF_ERROR(own.Finish(what + " (own part)"));
  if (sealed.U8() != kEntryVersion) sealed.MarkBad();
  std::visit([&sealed](auto& b) { ReadSealed(sealed, b); }, entry.body);
  JANGBU_RETURN_IF_ERROR(sealed.Finish(what + " (sealed part)"));
  if (entry.seq != seq) {
    return DataLoss("record_misplaced", what + " says it is number " + std::to_string(entry.seq));
  }
  return entry;
}

Digest LeafData(const Entry& entry) {
  return LeafData(OwnCommitment(entry.own_salt, OwnPart(entry)),
                  SealedCommitment(entry.sealed_salt, SealedPart(entry)));
}

StatusOr<Entry> DecodeOwnPart(std::string_view own_part) {
  Entry entry;
  ByteReader r(own_part);
  ReadOwnPart(r, entry);
  JANGBU_RETURN_IF_ERROR(r.Finish("own part of a journal entry"));
  return entry;
}

}  // namespace jangbu::ledger
