#include "ledger/books.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "ledger/books_posting.h"
#include "ledger/item_counts.h"

namespace jangbu::ledger {
namespace {

bool ValidPartnerId(std::string_view id) {
  if (id.size() < 2 || id.size() > 40 || id.front() == '-' || id.back() == '-') return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// What no item can violate, whatever the text was.
bool Plausible(const Item& item) {
  if (item.verdict == Verdict::kRejected) {
    return !item.reason.empty() && item.words <= item.chars && item.tokens == 0 &&
           item.korean_tokens == 0 && item.korean_words == 0 && item.novel_korean_tokens == 0 &&
           item.novel_korean_words == 0 && item.syllables == 0 && !item.duplicate_of.has_value();
  }
  if (!item.reason.empty()) return false;
  const bool duplicate =
      item.verdict == Verdict::kExactDuplicate || item.verdict == Verdict::kNearDuplicate;
  if (duplicate != item.duplicate_of.has_value()) return false;
  if (item.verdict == Verdict::kExactDuplicate &&
      (item.novel_korean_tokens != 0 || item.novel_korean_words != 0 ||
       item.similarity_ppm != 1'000'000)) {
    return false;
  }
  return item.novel_korean_tokens <= item.korean_tokens && item.korean_tokens <= item.tokens &&
         item.novel_korean_words <= item.korean_words && item.korean_words <= item.words &&
         item.syllables <= item.chars && item.words <= item.chars &&
         item.similarity_ppm <= 1'000'000;
}

}  // namespace

std::string_view NameOf(TransferCode code) {
  switch (code) {
    case TransferCode::kProvisional:
      return "provisional";
    case TransferCode::kProvisionalSettled:
      return "provisional_settled";
    case TransferCode::kConfirmed:
      return "confirmed";
    case TransferCode::kEntitlementPending:
      return "entitlement_pending";
    case TransferCode::kEntitlementGranted:
      return "entitlement_granted";
    case TransferCode::kEntitlementMadeSpendable:
      return "entitlement_made_spendable";
    case TransferCode::kConfirmedReversed:
      return "confirmed_reversed";
    case TransferCode::kProvisionalWithdrawn:
      return "provisional_withdrawn";
    case TransferCode::kEntitlementPaidOff:
      return "entitlement_paid_off";
    case TransferCode::kEntitlementReserved:
      return "entitlement_reserved";
    case TransferCode::kEntitlementUsed:
      return "entitlement_used";
    case TransferCode::kEntitlementReturned:
      return "entitlement_returned";
    case TransferCode::kEntitlementReturnedExpired:
      return "entitlement_returned_expired";
    case TransferCode::kEntitlementConsumed:
      return "entitlement_consumed";
    case TransferCode::kEntitlementExpired:
      return "entitlement_expired";
    case TransferCode::kEntitlementTakenBack:
      return "entitlement_taken_back";
    case TransferCode::kEntitlementOwed:
      return "entitlement_owed";
    case TransferCode::kBilled:
      return "billed";
    case TransferCode::kPoolSetAside:
      return "pool_set_aside";
    case TransferCode::kShare:
      return "share";
    case TransferCode::kShareHeld:
      return "share_held";
    case TransferCode::kPayoutDue:
      return "payout_due";
    case TransferCode::kPayoutPaid:
      return "payout_paid";
    case TransferCode::kPayoutFailed:
      return "payout_failed";
    case TransferCode::kHeldReleased:
      return "held_released";
    case TransferCode::kHeldAwarded:
      return "held_awarded";
    case TransferCode::kCorrection:
      return "correction";
  }
  return "unknown";
}

std::string_view NameOfAsset(AssetId asset) {
  switch (asset) {
    case kAssetKoreanTokens:
      return "korean_tokens";
    case kAssetKoreanWords:
      return "korean_words";
    case kAssetApiTokens:
      return "api_tokens";
    case kAssetWon:
      return "won";
    default:
      return "unknown";
  }
}

AccountId AccountOf(uint32_t partner, AccountRole role, AssetId asset) {
  return AccountId(static_cast<uint64_t>(partner), static_cast<uint64_t>(role) << 32 | asset);
}

AccountName NameOfAccount(AccountId id) {
  return {.partner = static_cast<uint32_t>(id.high),
          .role = static_cast<AccountRole>(id.low >> 32),
          .asset = static_cast<AssetId>(id.low)};
}

Books::Books()
    : entitlements_(std::make_unique<Entitlements>(kAssetApiTokens)),
      ledger_(std::make_unique<Ledger>()) {}

Status Books::Apply(const Entry& e) {
  JANGBU_CHECK(e.seq == size_);
  if (e.at < last_time_) return Contradiction(e, "its time is before the entry before it");
  if ((e.seq == 0) != std::holds_alternative<Genesis>(e.body)) {
    return Contradiction(e, "the first entry, and no other, is genesis");
  }
  JANGBU_RETURN_IF_ERROR(std::visit([&](const auto& body) { return ApplyBody(e, body); }, e.body));
  last_time_ = e.at;
  ++size_;
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const Genesis& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  if (const Status policy = CheckPolicy(b.policy); !policy.ok())
    return Contradiction(e, std::string(MessageOf(policy)));
  if (b.log_public_key.size() != 32 || b.log_origin.empty())
    return Contradiction(e, "the log has no key or origin");
  genesis_ = b;
  PolicyRecord first;
  first.version = 1;
  first.effective_from = {INT64_MIN};
  first.policy = b.policy;
  first.state = DecisionState::kApproved;
  first.proposed.at = e.at;
  policies_.push_back(std::move(first));
  OpenAccounts(e, 0);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const EpochBegun& b) {
  if (b.epoch <= epoch_) return Contradiction(e, "the epoch is not later than the one before");
  epoch_ = b.epoch;
  epochs_.push_back(e.seq);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const PartnerAdded& b) {
  if (!ValidPartnerId(e.partner)) {
    return InvalidArgument("bad_partner_id",
                           "a partner id is 2 to 40 lower-case letters, digits and inner hyphens");
  }
  if (partner_numbers_.contains(e.partner)) {
    return AlreadyExists("partner_exists", "there is a partner " + e.partner + " already");
  }
  if (b.name.empty() || b.name.size() > 400)
    return InvalidArgument("bad_partner_name", "1 to 400 bytes, please");
  auto partner = std::make_unique<PartnerRecord>();
  partner->number = static_cast<uint32_t>(partners_.size() + 1);
  partner->id = e.partner;
  partner->name = b.name;
  partner->created_at = e.at;
  OpenAccounts(e, partner->number);
  entitlements_->AddPartner(e.partner);
  partner_numbers_.emplace(e.partner, partner->number);
  partners_.push_back(std::move(partner));
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const KeyIssued& b) {
  uint32_t partner = 0;
  if (b.role == Role::kPartner) {
    const PartnerRecord* record = FindPartner(e.partner);
    if (record == nullptr) return NotFound("no_such_partner", "a partner key needs a partner");
    partner = record->number;
  } else if (!e.partner.empty()) {
    return InvalidArgument("role_without_partner", "only keys of role partner belong to a partner");
  }
  if (b.key_id.empty() || b.key_id.size() > 64 || keys_.contains(b.key_id) ||
      key_requests_.contains(b.key_id)) {
    return AlreadyExists("key_exists", "this key id is taken");
  }
  if (b.person.empty() || b.person.size() > 200) {
    return InvalidArgument("bad_person", "a key belongs to a named person (1 to 200 bytes)");
  }
  if (!b.replaces.empty()) {
    const auto old = keys_.find(b.replaces);
    if (old == keys_.end()) return NotFound("no_such_key", "there is no key " + b.replaces);
    if (old->second.revoked_at.has_value())
      return FailedPrecondition("key_revoked", b.replaces + " is revoked already");
    if (old->second.role != b.role || old->second.partner != partner ||
        old->second.person != b.person) {
      return Contradiction(e, "a rotated key keeps role, partner and person");
    }
    old->second.revoked_at = e.at;
  }
  keys_.emplace(b.key_id, KeyRecord{.key_id = b.key_id,
                                    .role = b.role,
                                    .partner = partner,
                                    .person = b.person,
                                    .secret_mac = b.secret_mac,
                                    .issued_at = e.at,
                                    .revoked_at = std::nullopt});
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const KeyRevoked& b) {
  const auto key = keys_.find(b.key_id);
  if (key == keys_.end()) return NotFound("no_such_key", "there is no key " + b.key_id);
  if (key->second.revoked_at.has_value())
    return FailedPrecondition("key_revoked", b.key_id + " is revoked already");
  key->second.revoked_at = e.at;
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const CorpusAdded& b) {
  PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  if (b.corpus != partner->corpora.size() + 1)
    return Contradiction(e, "corpora are numbered from 1 without gaps");
  if (!b.request_mac.empty() && partner->corpus_requests.contains(b.request_mac)) {
    return Contradiction(e, "this request made a corpus already");
  }
  partner->corpora.push_back(CorpusRecord{.number = b.corpus,
                                          .source_type = b.source_type,
                                          .sealed_metadata = b.sealed_metadata,
                                          .request_mac = b.request_mac,
                                          .created_at = e.at});
  if (!b.request_mac.empty()) partner->corpus_requests.emplace(b.request_mac, b.corpus);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const UploadOpened& b) {
  PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  if (b.corpus < 1 || b.corpus > partner->corpora.size())
    return NotFound("no_such_corpus", "there is no such corpus");
  if (b.upload != partner->uploads.size() + 1)
    return Contradiction(e, "uploads are numbered from 1 without gaps");
  if (b.request_mac.empty() || partner->upload_requests.contains(b.request_mac)) {
    return Contradiction(e, "this request opened an upload already");
  }
  partner->uploads.push_back(e.seq);
  partner->upload_requests.emplace(b.request_mac, e.seq);
  UploadRecord& upload = uploads_[e.seq];
  upload.partner = partner->number;
  upload.number = b.upload;
  upload.corpus = b.corpus;
  upload.token = e.seq;
  upload.kind = b.kind;
  upload.request_mac = b.request_mac;
  upload.created_at = e.at;
  upload.entries.push_back(e.seq);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const UploadSealed& b) {
  PartnerRecord* partner = PartnerOf(e);
  UploadRecord* upload = partner == nullptr ? nullptr : UploadOf(*partner, b.upload);
  if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
  if (upload->state != UploadState::kOpen)
    return FailedPrecondition("upload_not_open", "the upload is not open");
  upload->state = UploadState::kSealed;
  upload->file_count = b.file_count;
  upload->entries.push_back(e.seq);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const UploadCancelled& b) {
  PartnerRecord* partner = PartnerOf(e);
  UploadRecord* upload = partner == nullptr ? nullptr : UploadOf(*partner, b.upload);
  if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
  if (upload->state != UploadState::kOpen && upload->state != UploadState::kSealed) {
    return FailedPrecondition("upload_finished", "the upload is finished");
  }
  if (upload->open_batch.has_value())
    return Aborted("batch_open", "a batch of the upload is being committed; retry");
  upload->state = UploadState::kCancelled;
  upload->finished_at = e.at;
  upload->entries.push_back(e.seq);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const UploadDone& b) {
  PartnerRecord* partner = PartnerOf(e);
  UploadRecord* upload = partner == nullptr ? nullptr : UploadOf(*partner, b.upload);
  if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
  if (upload->state != UploadState::kSealed || upload->open_batch.has_value()) {
    return Contradiction(e, "the upload is not sealed, or a batch of it is open");
  }
  if (b.file_count != upload->file_count || b.counts != upload->counts) {
    return Contradiction(e, "its totals are not the sum of its batches");
  }
  upload->state = UploadState::kDone;
  upload->finished_at = e.at;
  upload->entries.push_back(e.seq);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const BatchBegin& b) {
  PartnerRecord* partner = PartnerOf(e);
  UploadRecord* upload = partner == nullptr ? nullptr : UploadOf(*partner, b.upload);
  if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
  if (upload->state != UploadState::kOpen && upload->state != UploadState::kSealed) {
    return FailedPrecondition("upload_finished", "the upload is finished");
  }
  if (upload->open_batch.has_value())
    return Contradiction(e, "another batch of the upload is open");
  const std::pair first(b.first_file, b.first_record);
  const std::pair last(b.last_file, b.last_record);
  if (b.documents == 0 || last < first || (b.documents > 1 && last == first) ||
      (upload->last_committed.has_value() && first <= *upload->last_committed)) {
    return Contradiction(e, "batches of an upload ascend by file and record");
  }
  upload->open_batch = e.seq;
  open_batches_.emplace(e.seq, upload->token);
  BatchRecord& batch = batches_[e.seq];
  batch.upload_token = upload->token;
  batch.begin = e.seq;
  batch.documents = b.documents;
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const BatchCommit& b) {
  PartnerRecord* partner = PartnerOf(e);
  UploadRecord* upload = partner == nullptr ? nullptr : UploadOf(*partner, b.upload);
  if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
  if (upload->open_batch != b.token) return Contradiction(e, "this batch is not open");
  BatchRecord& batch = batches_.at(b.token);
  if (b.items.size() != batch.documents)
    return Contradiction(e, "a batch commits all of its documents");

  Counts sum;
  std::vector<DocumentFacts> facts;
  facts.reserve(b.items.size());
  std::optional<std::pair<uint32_t, uint64_t>> previous = upload->last_committed;
  for (size_t i = 0; i < b.items.size(); ++i) {
    const Item& item = b.items[i];
    const std::pair place(item.file, item.record);
    if (previous.has_value() && place <= *previous)
      return Contradiction(e, "documents ascend by file and record");
    previous = place;
    if (!Plausible(item))
      return Contradiction(e, "document " + std::to_string(i) + " has counts that cannot be");
    if (item.duplicate_of.has_value()) {
      const Owner self{.token = b.token, .ordinal = static_cast<uint32_t>(i)};
      const BatchRecord* earlier = FindBatch(item.duplicate_of->token);
      if (*item.duplicate_of >= self || earlier == nullptr ||
          (earlier->commit == 0 && item.duplicate_of->token != b.token) ||
          uploads_.at(earlier->upload_token).partner != partner->number ||
          item.duplicate_of->ordinal >= earlier->documents) {
        return Contradiction(
            e, "document " + std::to_string(i) + " duplicates no earlier document of its partner");
      }
    }
    sum += CountsOf(item);
    if (std::max({item.novel_korean_tokens, item.novel_korean_words, item.korean_tokens,
                  item.korean_words}) > int64_t{UINT32_MAX})
      return Contradiction(e, "document " + std::to_string(i) + " is larger than documents are");
    DocumentFacts& document = facts.emplace_back();
    document.provisional_tokens = static_cast<uint32_t>(item.novel_korean_tokens);
    document.provisional_words = static_cast<uint32_t>(item.novel_korean_words);
    document.korean_tokens = static_cast<uint32_t>(item.korean_tokens);
    document.korean_words = static_cast<uint32_t>(item.korean_words);
    document.credits =
        item.verdict == Verdict::kAccepted || item.verdict == Verdict::kNearDuplicate;
  }
  const uint32_t n = partner->number;
  JANGBU_RETURN_IF_ERROR(Post(
      e, {{TransferCode::kProvisional, AccountOf(0, AccountRole::kProgramme, kAssetKoreanTokens),
           AccountOf(n, AccountRole::kProvisional, kAssetKoreanTokens), kAssetKoreanTokens,
           sum.novel_korean_tokens},
          {TransferCode::kProvisional, AccountOf(0, AccountRole::kProgramme, kAssetKoreanWords),
           AccountOf(n, AccountRole::kProvisional, kAssetKoreanWords), kAssetKoreanWords,
           sum.novel_korean_words}}));
  // From here on the commit happens.
  batch.commit = e.seq;
  upload->open_batch.reset();
  open_batches_.erase(b.token);
  upload->last_committed = previous;
  upload->counts += sum;
  upload->commits.push_back(e.seq);
  upload->entries.push_back(e.seq);
  const SourceType source_type = partner->corpora[upload->corpus - 1].source_type;
  Counts& by_source_type = partner->by_source_type[static_cast<size_t>(source_type)];
  by_source_type += sum;
  partner->moments.push_back({.at = e.at, .source_type = source_type, .counts = by_source_type});
  undecided_.emplace(e.seq, b.token);
  int64_t waiting = partner->waiting_history.empty() ? 0 : partner->waiting_history.back().second;
  for (const DocumentFacts& document : facts) waiting += document.credits ? 1 : 0;
  partner->waiting_history.emplace_back(e.at, waiting);
  facts_.emplace(b.token, std::move(facts));
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const BatchAbort& b) {
  PartnerRecord* partner = PartnerOf(e);
  UploadRecord* upload = partner == nullptr ? nullptr : UploadOf(*partner, b.upload);
  if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
  if (upload->open_batch != b.token) return Contradiction(e, "this batch is not open");
  upload->open_batch.reset();
  open_batches_.erase(b.token);
  batches_.erase(b.token);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const RunBegun& b) {
  if (open_run_.has_value()) return Contradiction(e, "a confirmation run is open");
  if (b.run != runs_ + 1 || b.cut != e.seq)
    return Contradiction(e, "runs are numbered and cut where they begin");
  for (const std::string& partner : b.released_partners) {
    if (FindPartner(partner) == nullptr)
      return NotFound("no_such_partner", "there is no partner " + partner);
  }
  if (!b.released_partners.empty() && (b.release_reason.empty() || b.released_by.empty())) {
    return InvalidArgument("release_needs_reason",
                           "releasing a small lot is a disclosure: say why");
  }
  runs_ = b.run;
  open_run_ = b;
  open_run_at_ = e.at;
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const Decision& b) {
  if (!open_run_.has_value() || b.run != open_run_->run)
    return Contradiction(e, "there is no such run");
  if (undecided_.empty() || undecided_.begin()->second != b.token ||
      undecided_.begin()->first >= open_run_->cut) {
    return Contradiction(e, "batches are decided in the order of their commits");
  }
  std::vector<DocumentFacts>& facts = facts_.at(b.token);
  if (b.items.size() != facts.size())
    return Contradiction(e, "a decision covers all documents of a batch");
  for (size_t i = 0; i < b.items.size(); ++i) {
    const DecidedItem& item = b.items[i];
    if (item.korean_tokens > int64_t{facts[i].provisional_tokens} ||
        item.korean_words > int64_t{facts[i].provisional_words}) {
      return Contradiction(
          e, "document " + std::to_string(i) + " is credited for more than it offered");
    }
    if (item.similarity_ppm > 1'000'000 || (item.similarity_ppm != 0 && !item.held_by.has_value()))
      return Contradiction(e, "document " + std::to_string(i) + " has a similarity that cannot be");
    if (!item.held_by.has_value()) continue;
    // Earlier is earlier in the order of decisions, which is that of commits; tokens are given at
    // the begin.
    const BatchRecord* holder = FindBatch(item.held_by->token);
    const bool earlier =
        holder != nullptr && item.held_by->ordinal < holder->documents &&
        (item.held_by->token == b.token ? item.held_by->ordinal < i : holder->decision.has_value());
    if (!earlier)
      return Contradiction(e, "document " + std::to_string(i) + " is held by no earlier document");
  }
  BatchRecord& batch = batches_.at(b.token);
  PartnerRecord& partner = *partners_[uploads_.at(batch.upload_token).partner - 1];
  for (size_t i = 0; i < b.items.size(); ++i) {
    DocumentFacts& document = facts[i];
    document.decided = true;
    if (!document.credits || document.withdrawn) continue;
    document.item_tokens = static_cast<uint32_t>(b.items[i].korean_tokens);
    document.item_words = static_cast<uint32_t>(b.items[i].korean_words);
    partner.waiting_decided.push_back(
        {.document = {.token = b.token, .ordinal = static_cast<uint32_t>(i)},
         .provisional_korean_tokens = document.provisional_tokens,
         .provisional_korean_words = document.provisional_words,
         .item_korean_tokens = b.items[i].korean_tokens,
         .item_korean_words = b.items[i].korean_words,
         .adjustment = std::nullopt});
  }
  batch.decision = e.seq;
  credit_moved_ = e.seq;
  undecided_.erase(undecided_.begin());
  return OkStatus();
}

std::optional<Lot> Books::NextLot(const PartnerRecord& partner) const {
  JANGBU_CHECK(open_run_.has_value());
  if (!partner.lots.empty() && partner.lots.back() >= open_run_->cut)
    return std::nullopt;  // one a run
  const bool released =
      std::find(open_run_->released_partners.begin(), open_run_->released_partners.end(),
                partner.id) != open_run_->released_partners.end();
  const Policy& policy = PolicyAt(open_run_at_).policy;
  const std::vector<size_t> chosen = ChooseLot(partner.waiting_decided, policy, released);
  if (chosen.empty()) return std::nullopt;

  Lot lot;
  lot.lot = static_cast<uint32_t>(partner.lots.size() + 1);
  lot.run = open_run_->run;
  lot.released = released;
  for (const size_t i : chosen) {
    const WaitingDocument& document = partner.waiting_decided[i];
    lot.item_korean_tokens += document.item_korean_tokens;
    lot.item_korean_words += document.item_korean_words;
    if (document.adjustment.has_value()) {
      lot.adjustments.push_back({.kind = *document.adjustment,
                                 .document = document.document,
                                 .korean_tokens = document.item_korean_tokens,
                                 .korean_words = document.item_korean_words});
      if (*document.adjustment == AdjustmentKind::kWithdrawn) ++lot.withdrawn_documents;
      continue;
    }
    ++lot.documents;
    lot.provisional_korean_tokens += document.provisional_korean_tokens;
    lot.provisional_korean_words += document.provisional_korean_words;
    if (!lot.ranges.empty() && lot.ranges.back().token == document.document.token &&
        lot.ranges.back().first + lot.ranges.back().count == document.document.ordinal) {
      ++lot.ranges.back().count;
    } else {
      lot.ranges.push_back(
          {.token = document.document.token, .first = document.document.ordinal, .count = 1});
    }
  }
  lot.adjusted = !lot.adjustments.empty();
  const Grains tokens = ToGrains(lot.item_korean_tokens, partner.carry_tokens, policy.grain);
  const Grains words = ToGrains(lot.item_korean_words, partner.carry_words, policy.grain);
  JANGBU_CHECK(lot.adjusted || (tokens.amount >= 0 && words.amount >= 0));
  lot.carry_tokens_before = partner.carry_tokens;
  lot.carry_words_before = partner.carry_words;
  lot.carry_tokens_after = tokens.carry_after;
  lot.carry_words_after = words.carry_after;
  lot.confirmed_korean_tokens = tokens.amount;
  lot.confirmed_korean_words = words.amount;

  // What expired of the credit that is taken away is not taken back again.
  const bool by_words = policy.entitlement_basis == Basis::kKoreanWords;
  int64_t earned = by_words ? words.amount : tokens.amount;
  for (const Adjustment& adjustment : lot.adjustments) {
    earned += ExpiredPartOf(partner, adjustment.document,
                            -(by_words ? adjustment.korean_words : adjustment.korean_tokens));
  }
  const EntitlementTotals totals = *entitlements_->TotalsOf(partner.id);
  int64_t pending = static_cast<int64_t>(totals.pending);
  if (earned >= 0) {
    lot.entitlement_granted = EntitlementFor(earned, policy);
  } else {
    const int64_t back = EntitlementFor(-earned, policy);
    const int64_t there = pending + static_cast<int64_t>(totals.available);
    lot.entitlement_taken_back = std::min(back, there);
    lot.entitlement_owed = back - lot.entitlement_taken_back;
    pending -= std::min(back, pending);
  }
  if (!partner.member && WordsAfter(partner, lot) >= policy.membership_threshold_words)
    lot.entitlement_made_spendable = pending;
  return lot;
}

int64_t Books::WordsAfter(const PartnerRecord& partner, const Lot& lot) const {
  return BalanceOf(partner.number, AccountRole::kConfirmed, kAssetKoreanWords, std::nullopt) +
         lot.confirmed_korean_words;
}

int64_t Books::ExpiredPartOf(const PartnerRecord& partner, const Owner& document,
                             int64_t amount) const {
  if (amount <= 0) return 0;
  const auto facts = facts_.find(document.token);
  JANGBU_CHECK(facts != facts_.end());
  const uint32_t lot = facts->second[document.ordinal].lot;
  if (lot == 0 || !partner.lot_grants[lot - 1].has_value()) return 0;
  const Grant& grant = (*entitlements_->GrantsOf(partner.id))[*partner.lot_grants[lot - 1]];
  return *MulDivFloor(amount, static_cast<int64_t>(grant.expired),
                      static_cast<int64_t>(grant.amount));
}

Status Books::ApplyBody(const Entry& e, const Lot& b) {
  PartnerRecord* partner = PartnerOf(e);
  if (partner == nullptr) return NotFound("no_such_partner", "there is no partner " + e.partner);
  if (!open_run_.has_value() || b.run != open_run_->run)
    return Contradiction(e, "there is no such run");
  if (!undecided_.empty() && undecided_.begin()->first < open_run_->cut) {
    return Contradiction(e, "lots are settled when all is decided");
  }
  if (NextLot(*partner) != b) return Contradiction(e, "this is not the lot that is due");

  const uint32_t n = partner->number;
  const Policy& policy = PolicyAt(open_run_at_).policy;
  const int64_t words_after = WordsAfter(*partner, b);
  const bool joins = !partner->member && words_after >= policy.membership_threshold_words;
  const bool leaves = partner->member && b.adjusted && words_after < partner->member_threshold;
  const bool member = joins || (partner->member && !leaves);
  const AccountId tokens = AccountOf(0, AccountRole::kProgramme, kAssetKoreanTokens);
  const AccountId words = AccountOf(0, AccountRole::kProgramme, kAssetKoreanWords);
  std::vector<Posting> postings = {{TransferCode::kProvisionalSettled,
                                    AccountOf(n, AccountRole::kProvisional, kAssetKoreanTokens),
                                    tokens, kAssetKoreanTokens, b.provisional_korean_tokens},
                                   {TransferCode::kProvisionalSettled,
                                    AccountOf(n, AccountRole::kProvisional, kAssetKoreanWords),
                                    words, kAssetKoreanWords, b.provisional_korean_words}};
  const auto confirm = [&](AccountId programme, AssetId asset, int64_t amount) {
    const AccountId confirmed = AccountOf(n, AccountRole::kConfirmed, asset);
    if (amount >= 0) {
      postings.push_back({TransferCode::kConfirmed, programme, confirmed, asset, amount});
    } else {
      postings.push_back({TransferCode::kConfirmedReversed, confirmed, programme, asset, -amount});
    }
  };
  confirm(tokens, kAssetKoreanTokens, b.confirmed_korean_tokens);
  confirm(words, kAssetKoreanWords, b.confirmed_korean_words);

  // Entitlement: one operation of each kind at most, named after the lot.
  Entitlements::Scope scope(*entitlements_);
  const Timestamp at = EntitlementTime(e.at);
  const Timestamp end = policy.entitlement_days == 0
                            ? kNeverExpires
                            : Timestamp{at.micros + policy.entitlement_days * kMicrosPerDay};
  const auto id = [&b](uint64_t kind) {
    return OperationId(UINT64_MAX, uint64_t{b.lot} << 2 | kind);
  };
  std::optional<uint32_t> grant;
  if (b.entitlement_granted > 0) {
    grant = static_cast<uint32_t>(entitlements_->GrantsOf(e.partner)->size());
    GrantRequest request;
    request.id = id(1);
    request.amount = static_cast<uint64_t>(b.entitlement_granted);
    request.expires_at = end;
    request.spendable = member;
    const EntitlementAnswer answer = entitlements_->Grant(e.partner, request, at);
    if (answer.outcome != EntitlementOutcome::kOk)
      return Contradiction(e, "its grant is refused: " + std::string(NameOf(answer.outcome)));
    AddEntitlementPostings(answer.transfers, postings);
  }
  if (const int64_t back = b.entitlement_taken_back + b.entitlement_owed; back > 0) {
    TakeBackRequest request;
    request.id = id(2);
    request.amount = static_cast<uint64_t>(back);
    const EntitlementAnswer answer = entitlements_->TakeBack(e.partner, request, at);
    if (answer.outcome != EntitlementOutcome::kOk)
      return Contradiction(e, "taking back is refused: " + std::string(NameOf(answer.outcome)));
    JANGBU_CHECK(answer.amount == static_cast<uint64_t>(b.entitlement_taken_back));
    AddEntitlementPostings(answer.transfers, postings);
  }
  if (joins) {
    ActivateRequest request;
    request.id = id(3);
    request.expires_at = end;
    const EntitlementAnswer answer = entitlements_->Activate(e.partner, request, at);
    JANGBU_CHECK(answer.outcome == EntitlementOutcome::kOk &&
                 answer.amount == static_cast<uint64_t>(b.entitlement_made_spendable));
    AddEntitlementPostings(answer.transfers, postings);
  }
  JANGBU_RETURN_IF_ERROR(Post(e, postings));
  // From here on the lot happens.
  scope.Commit();
  std::set<Owner> settled;
  for (const DocumentRange& range : b.ranges) {
    std::vector<DocumentFacts>& facts = facts_.at(range.token);
    for (uint32_t i = range.first; i < range.first + range.count; ++i) {
      settled.insert({.token = range.token, .ordinal = i});
      facts[i].lot = b.lot;
    }
  }
  // A lot takes all adjustments that wait, save withdrawn documents that are too large for it.
  std::set<std::pair<Owner, AdjustmentKind>> adjusted;
  for (const Adjustment& adjustment : b.adjustments)
    adjusted.emplace(adjustment.document, adjustment.kind);
  std::erase_if(partner->waiting_decided, [&](const WaitingDocument& document) {
    return document.adjustment.has_value()
               ? adjusted.contains({document.document, *document.adjustment})
               : settled.contains(document.document);
  });
  partner->carry_tokens = b.carry_tokens_after;
  partner->carry_words = b.carry_words_after;
  partner->lots.push_back(e.seq);
  partner->lot_grants.push_back(grant);
  const int64_t waiting =
      partner->waiting_history.empty() ? 0 : partner->waiting_history.back().second;
  partner->waiting_history.emplace_back(e.at, waiting - b.documents);
  if (member != partner->member) {
    partner->member = member;
    partner->member_history.emplace_back(e.at, member);
    if (member) partner->member_threshold = policy.membership_threshold_words;
  }
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const RunDone& b) {
  if (!open_run_.has_value() || b.run != open_run_->run)
    return Contradiction(e, "there is no such run");
  if (!undecided_.empty() && undecided_.begin()->first < open_run_->cut) {
    return Contradiction(e, "batches before its cut are undecided");
  }
  for (const auto& partner : partners_) {
    if (NextLot(*partner).has_value())
      return Contradiction(e, "a lot of " + partner->id + " is due");
  }
  last_cut_ = open_run_->cut;
  open_run_.reset();
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const NoveltyRule& b) {
  if (!e.partner.empty()) return Contradiction(e, "a novelty rule concerns no one partner");
  if (b.min_run < 24 || b.min_run > 64 || b.near_ppm == 0 || b.near_ppm > 1'000'000 ||
      b.novel_ppm == 0 || b.novel_ppm > 1'000'000) {
    return InvalidArgument("bad_novelty_rule",
                           "min_run is 24 to 64 code points, the shares are 1 to 1000000 ppm");
  }
  novelty_rules_.emplace_back(e.seq, b);
  return OkStatus();
}

std::optional<NoveltyRule> Books::NoveltyRuleOf(uint64_t batch_token) const {
  if (novelty_rules_.empty()) return std::nullopt;
  size_t i = 0;
  while (i + 1 < novelty_rules_.size() && novelty_rules_[i + 1].first < batch_token) ++i;
  return novelty_rules_[i].second;
}

Status Books::Post(const Entry& e, const std::vector<Posting>& postings) {
  std::vector<Transfer> batch;
  for (const Posting& posting : postings) {
    if (posting.amount == 0) continue;
    Transfer transfer;
    transfer.id = TransferId(e.seq, batch.size() + 1);
    transfer.debit_account = posting.debit;
    transfer.credit_account = posting.credit;
    transfer.amount = static_cast<uint64_t>(posting.amount);
    transfer.asset = posting.asset;
    transfer.code = static_cast<uint16_t>(posting.code);
    transfer.user_data_64 = e.seq;
    transfer.flags = TransferFlags::kLinked;
    batch.push_back(transfer);
  }
  if (batch.empty()) return OkStatus();
  batch.back().flags = 0;
  for (const Outcome outcome : ledger_->CreateTransfers(batch, e.at)) {
    if (outcome != Outcome::kOk) {
      return Contradiction(e, "the ledger refuses its transfers: " + std::string(NameOf(outcome)));
    }
  }
  // Invariant 2: the ledger checks its totals after every commit; here the programme's side once
  // more.
  for (const auto& [asset, totals] : ledger_->totals())
    JANGBU_CHECK(totals.debits_posted == totals.credits_posted);
  return OkStatus();
}

void Books::OpenAccounts(const Entry& e, uint32_t partner) {
  std::vector<Account> batch;
  const auto add = [&](AccountRole role, AssetId asset) {
    Account account;
    account.id = AccountOf(partner, role, asset);
    account.asset = asset;
    account.code = static_cast<uint16_t>(role);
    account.flags = role == AccountRole::kProgramme ? 0 : AccountFlags::kDebitsMustNotExceedCredits;
    batch.push_back(account);
  };
  if (partner == 0) {
    for (const AssetId asset :
         {kAssetKoreanTokens, kAssetKoreanWords, kAssetApiTokens, kAssetWon}) {
      add(AccountRole::kProgramme, asset);
    }
    add(AccountRole::kPool, kAssetWon);
  } else {
    for (const AssetId asset : {kAssetKoreanTokens, kAssetKoreanWords}) {
      add(AccountRole::kProvisional, asset);
      add(AccountRole::kConfirmed, asset);
    }
    add(AccountRole::kEntitlementPending, kAssetApiTokens);
    add(AccountRole::kEntitlementAvailable, kAssetApiTokens);
    add(AccountRole::kEntitlementReserved, kAssetApiTokens);
    add(AccountRole::kEntitlementSpent, kAssetApiTokens);
    add(AccountRole::kEntitlementExpired, kAssetApiTokens);
    add(AccountRole::kEntitlementOwed, kAssetApiTokens);
    batch.back().flags = AccountFlags::kCreditsMustNotExceedDebits;
    for (const AccountRole role : {AccountRole::kBilled, AccountRole::kPayable, AccountRole::kDue,
                                   AccountRole::kHeld, AccountRole::kPaid}) {
      add(role, kAssetWon);
    }
    const EntitlementAccounts theirs = EntitlementAccountsOf(e.partner);
    const auto same = [&](AccountId id, uint32_t owner, AccountRole role) {
      entitlement_accounts_[id] = AccountOf(owner, role, kAssetApiTokens);
    };
    same(theirs.source, 0, AccountRole::kProgramme);
    same(theirs.pending, partner, AccountRole::kEntitlementPending);
    same(theirs.available, partner, AccountRole::kEntitlementAvailable);
    same(theirs.reserved, partner, AccountRole::kEntitlementReserved);
    same(theirs.spent, partner, AccountRole::kEntitlementSpent);
    same(theirs.expired, partner, AccountRole::kEntitlementExpired);
    same(theirs.owed, partner, AccountRole::kEntitlementOwed);
  }
  for (const Outcome outcome : ledger_->CreateAccounts(batch, e.at))
    JANGBU_CHECK(outcome == Outcome::kOk);
}

int64_t Books::BalanceOf(uint32_t partner, AccountRole role, AssetId asset,
                         std::optional<Timestamp> as_of) const {
  const AccountId id = AccountOf(partner, role, asset);
  if (as_of.has_value()) {
    const std::optional<Balances> balances = ledger_->BalancesAt(id, *as_of);
    return balances.has_value() ? balances->net() : 0;
  }
  const Account* account = ledger_->FindAccount(id);
  JANGBU_CHECK(account != nullptr);
  return account->balances.net();
}

PartnerRecord* Books::PartnerOf(const Entry& e) {
  const auto number = partner_numbers_.find(e.partner);
  return number == partner_numbers_.end() ? nullptr : partners_[number->second - 1].get();
}

UploadRecord* Books::UploadOf(const PartnerRecord& partner, uint32_t number) {
  if (number < 1 || number > partner.uploads.size()) return nullptr;
  return &uploads_.at(partner.uploads[number - 1]);
}

const PartnerRecord* Books::FindPartner(std::string_view id) const {
  const auto number = partner_numbers_.find(id);
  return number == partner_numbers_.end() ? nullptr : partners_[number->second - 1].get();
}

const PartnerRecord* Books::FindPartner(uint32_t number) const {
  return number < 1 || number > partners_.size() ? nullptr : partners_[number - 1].get();
}

const KeyRecord* Books::FindKey(std::string_view key_id) const {
  const auto key = keys_.find(key_id);
  return key == keys_.end() ? nullptr : &key->second;
}

const UploadRecord* Books::FindUpload(uint64_t token) const {
  const auto upload = uploads_.find(token);
  return upload == uploads_.end() ? nullptr : &upload->second;
}

const UploadRecord* Books::FindUpload(const PartnerRecord& partner, uint32_t number) const {
  return number < 1 || number > partner.uploads.size() ? nullptr
                                                       : FindUpload(partner.uploads[number - 1]);
}

const BatchRecord* Books::FindBatch(uint64_t token) const {
  const auto batch = batches_.find(token);
  return batch == batches_.end() ? nullptr : &batch->second;
}

PartnerFigures Books::FiguresOf(const PartnerRecord& partner,
                                std::optional<Timestamp> as_of) const {
  PartnerFigures f;
  if (!as_of.has_value()) {
    f.by_source_type = partner.by_source_type;
    f.member = partner.member;
    f.documents_waiting =
        partner.waiting_history.empty() ? 0 : partner.waiting_history.back().second;
  } else {
    const auto after =
        std::upper_bound(partner.moments.begin(), partner.moments.end(), *as_of,
                         [](Timestamp t, const PartnerRecord::Moment& m) { return t < m.at; });
    std::array<bool, 6> seen{};
    for (auto moment = after; moment != partner.moments.begin();) {
      --moment;
      const size_t type = static_cast<size_t>(moment->source_type);
      if (!seen[type]) f.by_source_type[type] = moment->counts;
      seen[type] = true;
      if (std::count(seen.begin(), seen.end(), true) == 5) break;
    }
    f.member = MemberAt(partner, *as_of);
    const auto waiting =
        std::upper_bound(partner.waiting_history.begin(), partner.waiting_history.end(), *as_of,
                         [](Timestamp t, const auto& w) { return t < w.first; });
    f.documents_waiting =
        waiting == partner.waiting_history.begin() ? 0 : std::prev(waiting)->second;
  }
  for (const Counts& counts : f.by_source_type) f.counts += counts;
  const uint32_t n = partner.number;
  f.provisional_korean_tokens = BalanceOf(n, AccountRole::kProvisional, kAssetKoreanTokens, as_of);
  f.provisional_korean_words = BalanceOf(n, AccountRole::kProvisional, kAssetKoreanWords, as_of);
  f.confirmed_korean_tokens = BalanceOf(n, AccountRole::kConfirmed, kAssetKoreanTokens, as_of);
  f.confirmed_korean_words = BalanceOf(n, AccountRole::kConfirmed, kAssetKoreanWords, as_of);
  f.entitlement_pending = BalanceOf(n, AccountRole::kEntitlementPending, kAssetApiTokens, as_of);
  f.entitlement_available =
      BalanceOf(n, AccountRole::kEntitlementAvailable, kAssetApiTokens, as_of);
  f.entitlement_reserved = BalanceOf(n, AccountRole::kEntitlementReserved, kAssetApiTokens, as_of);
  f.entitlement_spent = BalanceOf(n, AccountRole::kEntitlementSpent, kAssetApiTokens, as_of);
  f.entitlement_expired = BalanceOf(n, AccountRole::kEntitlementExpired, kAssetApiTokens, as_of);
  f.entitlement_owed = -BalanceOf(n, AccountRole::kEntitlementOwed, kAssetApiTokens, as_of);
  f.billed_won = BalanceOf(n, AccountRole::kBilled, kAssetWon, as_of);
  f.payable_won = BalanceOf(n, AccountRole::kPayable, kAssetWon, as_of);
  f.due_won = BalanceOf(n, AccountRole::kDue, kAssetWon, as_of);
  f.held_won = BalanceOf(n, AccountRole::kHeld, kAssetWon, as_of);
  f.paid_won = BalanceOf(n, AccountRole::kPaid, kAssetWon, as_of);
  return f;
}

}  // namespace jangbu::ledger
