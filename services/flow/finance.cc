#include "services/flow/finance.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/check.h"
#include "services/flow/close_proof.h"
#include "services/flow/prepare_pool.h"

namespace jangbu::services {
namespace {

constexpr size_t kCallsMax = 10'000;
constexpr size_t kIdBytesMax = 64;
constexpr uint32_t kTimeoutMax = 86'400;
// No call uses so much; sums of such stay far from 63 bits.
constexpr uint64_t kAmountPerUseMax = 1'000'000'000'000;
constexpr size_t kDestroyAtOnce = 4'096;

Status NoSuchDocument() { return NotFound("no_such_document", "there is no such document"); }

std::string Line(std::string_view name, const std::string& value) {
  return std::string(name) + " " + value + "\n";
}

}  // namespace

Status Finance::ProposeOne(const std::string& partner_id, ledger::Body body) {
  return parts_.scribe
      ->Propose([&](const ledger::Books&) -> StatusOr<std::vector<ledger::Draft>> {
        return std::vector<ledger::Draft>{{.partner = partner_id, .body = body}};
      })
      .status();
}

// ---- policy ----

StatusOr<uint32_t> Finance::ProposePolicy(const std::vector<ledger::PolicyField>& changes,
                                          Timestamp effective_from, const std::string& key_id) {
  if (changes.empty()) return InvalidArgument("no_changes", "a new policy differs in something");
  uint32_t version = 0;
  const StatusOr<Scribe::Appended> appended = parts_.scribe->Propose(
      ([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        ledger::Policy policy = books.policies().front().policy;
        for (const ledger::PolicyRecord& record : books.policies()) {
          if (record.state == ledger::DecisionState::kApproved) policy = record.policy;
        }
        for (const ledger::PolicyField& change : changes)
          JANGBU_RETURN_IF_ERROR(ledger::SetField(policy, change.name, change.value));
        version = static_cast<uint32_t>(books.policies().size() + 1);
        return std::vector<ledger::Draft>{
            {.partner = "",
             .body = ledger::PolicyProposed{.version = version,
                                            .effective_from = effective_from,
                                            .policy = std::move(policy),
                                            .by = key_id}}};
      }));
  JANGBU_RETURN_IF_ERROR(appended.status());
  return version;
}

Status Finance::DecidePolicy(uint32_t version, bool approve, const std::string& key_id) {
  return ProposeOne("",
                    ledger::PolicyDecided{.version = version, .approved = approve, .by = key_id});
}

StatusOr<Finance::Simulation> Finance::Simulate(
    ledger::Period period, int64_t revenue_won,
    const std::vector<ledger::PolicyField>& changes) const {
  if (!ledger::IsPeriod(period) || period == 299912)
    return InvalidArgument("bad_period", "a period is a month: 2026-10");
  return parts_.scribe->Read([&](const ledger::Books& books,
                                 const ledger::MerkleTree&) -> StatusOr<Simulation> {
    ledger::Policy policy = books.PolicyAt(ledger::LastInstantOf(period)).policy;
    for (const ledger::PolicyField& change : changes)
      JANGBU_RETURN_IF_ERROR(ledger::SetField(policy, change.name, change.value));
    Simulation simulation;
    JANGBU_ASSIGN_OR_RETURN(simulation.now, books.FiguresOfClose(period, revenue_won, nullptr));
    JANGBU_ASSIGN_OR_RETURN(simulation.then, books.FiguresOfClose(period, revenue_won, &policy));
    return simulation;
  });
}

// ---- entitlement ----

ledger::UserData128 Finance::OperationMac(const std::string& partner_id,
                                          std::string_view id) const {
  return ledger::UserData128::FromDigest(parts_.keyring->NameMac("usage", {partner_id, id}));
}

StatusOr<std::vector<ledger::UsageAnswer>> Finance::Use(const std::vector<UsageCall>& calls) {
  const auto bad = [](size_t i, std::string_view what) {
    return InvalidArgument("bad_use", "operation " + std::to_string(i) + ": " + std::string(what));
  };
  if (calls.empty() || calls.size() > kCallsMax)
    return InvalidArgument("bad_use", "1 to 10000 operations go into one call");
  std::map<uint32_t, std::vector<size_t>> by_partner;
  for (size_t i = 0; i < calls.size(); ++i) {
    const UsageCall& call = calls[i];
    const bool ends =
        call.kind == ledger::UsageKind::kCommit || call.kind == ledger::UsageKind::kRelease;
    if (call.id.empty() || call.id.size() > kIdBytesMax) return bad(i, "an id has 1 to 64 bytes");
    if (ends == call.reservation.empty() || call.reservation.size() > kIdBytesMax)
      return bad(i, "commit and release name a reservation, the others none");
    if (call.amount > kAmountPerUseMax)
      return bad(i, "an operation moves at most 1000000000000 API tokens");
    if (call.timeout_s > kTimeoutMax) return bad(i, "a reservation lasts at most 86400 s");
    if ((call.kind == ledger::UsageKind::kReserve) != (call.timeout_s > 0))
      return bad(i, "a reservation, and nothing else, has a timeout");
    by_partner[call.partner].push_back(i);
  }
  std::vector<ledger::UsageAnswer> answers(calls.size());
  JANGBU_RETURN_IF_ERROR(
      parts_.scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            std::vector<ledger::Draft> drafts;
            const Timestamp now = parts_.clock->Now();
            const auto next = books.entitlements().NextExpiry();
            if (next.has_value() && *next <= now)
              drafts.push_back({.partner = "", .body = ledger::Tick{.upto = now}});
            for (const auto& [number, places] : by_partner) {
              const ledger::PartnerRecord* partner = books.FindPartner(number);
              if (partner == nullptr)
                return NotFound("no_such_partner", "there is no such partner");
              std::vector<ledger::UsageRecord> requests;
              for (const size_t i : places) {
                const UsageCall& call = calls[i];
                ledger::UsageRecord& request = requests.emplace_back();
                request.kind = call.kind;
                request.id = OperationMac(partner->id, call.id);
                if (!call.reservation.empty())
                  request.reservation = OperationMac(partner->id, call.reservation);
                const bool all = call.kind == ledger::UsageKind::kCommit && call.amount == 0;
                request.amount = all ? ledger::kAmountAll : call.amount;
                if (call.kind == ledger::UsageKind::kRelease) request.amount = 0;
                request.timeout = call.timeout_s;
                request.allow_billable = !call.only_free;
              }
              const auto theirs = books.TryUsage(*partner, requests, now);
              ledger::Usage usage;
              for (size_t k = 0; k < places.size(); ++k) {
                answers[places[k]] = theirs[k];
                if (theirs[k].outcome == ledger::EntitlementOutcome::kOk)
                  usage.records.push_back(theirs[k].record);
              }
              if (!usage.records.empty())
                drafts.push_back({.partner = partner->id, .body = std::move(usage)});
            }
            return drafts;
          })
          .status());
  return answers;
}

StatusOr<std::vector<Finance::UseEntry>> Finance::ListUse(uint32_t partner, Timestamp from,
                                                          Timestamp to, uint64_t after,
                                                          size_t records) const {
  std::vector<uint64_t> entries;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::PartnerRecord* const record = books.FindPartner(partner);
    if (record == nullptr) return;
    // Times and positions ascend together.
    auto it = std::partition_point(
        record->usage.begin(), record->usage.end(),
        [&](const auto& use) { return use.first < from || use.second <= after; });
    for (; it != record->usage.end() && it->first < to && entries.size() < records; ++it)
      entries.push_back(it->second);
  });
  std::vector<UseEntry> uses;
  size_t found = 0;
  for (const uint64_t seq : entries) {
    if (found >= records) break;
    JANGBU_ASSIGN_OR_RETURN(ledger::Entry entry, parts_.scribe->EntryAt(seq));
    JANGBU_CHECK(std::holds_alternative<ledger::Usage>(entry.body));
    uses.push_back(
        {.seq = seq, .at = entry.at, .usage = std::get<ledger::Usage>(std::move(entry.body))});
    found += uses.back().usage.records.size();
  }
  return uses;
}

StatusOr<ledger::UserData128> Finance::NameUse(const std::string& partner_id,
                                               std::string_view id) const {
  if (id.empty() || id.size() > kIdBytesMax)
    return InvalidArgument("bad_use", "an id has 1 to 64 bytes");
  return OperationMac(partner_id, id);
}

Status Finance::Tick() {
  return parts_.scribe
      ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        const Timestamp now = parts_.clock->Now();
        const auto next = books.entitlements().NextExpiry();
        if (!next.has_value() || *next > now) return std::vector<ledger::Draft>{};
        return std::vector<ledger::Draft>{{.partner = "", .body = ledger::Tick{.upto = now}}};
      })
      .status();
}

// ---- closes ----

Status Finance::DraftClose(ledger::Period period, int64_t revenue_won, const std::string& key_id) {
  if (revenue_won < 0) return InvalidArgument("negative_revenue", "revenue is not negative");
  JANGBU_RETURN_IF_ERROR(Tick());
  return parts_.scribe
      ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        JANGBU_ASSIGN_OR_RETURN(const ledger::CloseFigures figures,
                                books.FiguresOfClose(period, revenue_won, nullptr));
        return std::vector<ledger::Draft>{
            {.partner = "",
             .body = ledger::CloseDrafted{.period = period,
                                          .revenue_won = revenue_won,
                                          .policy_version = figures.policy_version,
                                          .carried_in_won = figures.carried_in_won,
                                          .pool_won = figures.split.pool.value(),
                                          .total_weight = figures.split.total_weight,
                                          .by = key_id}}};
      })
      .status();
}

Status Finance::DecideClose(ledger::Period period, bool approve, const std::string& key_id) {
  return ProposeOne("", ledger::CloseDecided{.period = period, .approved = approve, .by = key_id});
}

StatusOr<ledger::CloseRecord> Finance::GetClose(ledger::Period period) const {
  return parts_.scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> StatusOr<ledger::CloseRecord> {
        const auto close = books.closes().find(period);
        if (close == books.closes().end())
          return NotFound("no_such_close", "there is no close of that period");
        return close->second;
      });
}

Status Finance::PostClose(ledger::Period period, const std::string& key_id) {
  // The approved figures do not move any more, so the curve's work is done before the writer waits.
  JANGBU_ASSIGN_OR_RETURN(const ledger::CloseRecord approved, GetClose(period));
  Digest seed{};
  parts_.keyring->random().Fill(seed.data(), seed.size());
  const ledger::PublishedClose published = Publish(approved.figures, seed);
  return parts_.scribe
      ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        ledger::ClosePosted posted;
        posted.published = published;
        posted.seed = seed;
        posted.shares = books.SharesOfClose(books.closes().at(period));
        posted.by = key_id;
        return std::vector<ledger::Draft>{{.partner = "", .body = std::move(posted)}};
      })
      .status();
}

Status Finance::RecordPayment(ledger::Period period, const std::string& partner_id, bool failed,
                              const std::string& reference, const std::string& key_id) {
  return parts_.scribe
      ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        ledger::Payment payment;
        payment.period = period;
        payment.failed = failed;
        payment.reference = reference;
        payment.by = key_id;
        const auto close = books.closes().find(period);
        if (close != books.closes().end()) {
          const auto payout = close->second.payouts.find(partner_id);
          if (payout != close->second.payouts.end()) {
            payment.amount_won = payout->second.amount_won;
            payment.attempt = payout->second.attempts + (failed ? 0 : 1);
          }
        }
        return std::vector<ledger::Draft>{{.partner = partner_id, .body = std::move(payment)}};
      })
      .status();
}

StatusOr<std::string> Finance::ProveShare(const std::string& partner_id, ledger::Period period) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::CloseRecord close, GetClose(period));
  if (close.state != ledger::CloseState::kPosted)
    return FailedPrecondition("close_not_posted", "the close is not posted yet");
  const auto& shares = close.figures.split.shares;
  const auto mine = std::find_if(shares.begin(), shares.end(),
                                 [&](const auto& share) { return share.partner == partner_id; });
  if (mine == shares.end()) return NotFound("no_share", "the partner joined after the period");
  const auto at = static_cast<size_t>(mine - shares.begin());
  const ledger::ShareLine& line = close.shares[at];
  JANGBU_ASSIGN_OR_RETURN(const std::string receipt, parts_.receipt_of(close.posted_seq));
  std::string proof = "jangbu/share-proof@v1\n";
  proof += Line("period", ledger::ToString(period));
  proof += Line("partner", partner_id);
  proof += Line("place", std::to_string(ledger::CommitmentPlaces(close.seed, shares)[at]));
  proof += Line("weight", std::to_string(mine->weight));
  proof += Line("blinding", ToHex(BlindingOf(close.seed, partner_id)));
  proof += Line("share", std::to_string(line.share_won));
  proof += Line("held", std::to_string(line.held_won));
  proof += Line("payout", std::to_string(line.payout_won));
  proof += Line("receipt", std::to_string(receipt.size()));
  return proof + receipt;
}

StatusOr<std::string> Finance::Openings(ledger::Period period) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::CloseRecord close, GetClose(period));
  if (close.state != ledger::CloseState::kPosted)
    return FailedPrecondition("close_not_posted", "the close is not posted yet");
  JANGBU_RETURN_IF_ERROR(CheckPublished(close.published, close.figures, close.seed));
  const auto& shares = close.figures.split.shares;
  const std::vector<uint32_t> places = ledger::CommitmentPlaces(close.seed, shares);
  JANGBU_ASSIGN_OR_RETURN(const std::string receipt, parts_.receipt_of(close.posted_seq));
  std::string out = "jangbu/close-openings@v1\n";
  out += Line("period", ledger::ToString(period));
  out += Line("pool", std::to_string(close.figures.split.pool.value()));
  out += Line("total", std::to_string(close.figures.split.total_weight));
  out += Line("partners", std::to_string(shares.size()));
  for (size_t i = 0; i < shares.size(); ++i) {
    out += "open " + std::to_string(places[i]) + " " + shares[i].partner + " " +
           std::to_string(shares[i].weight) + " " +
           ToHex(BlindingOf(close.seed, shares[i].partner)) + " " +
           std::to_string(close.shares[i].share_won) + "\n";
  }
  out += Line("receipt", std::to_string(receipt.size()));
  return out + receipt;
}

// ---- corrections ----

StatusOr<uint32_t> Finance::ProposeCorrection(const std::string& partner_id, int64_t won,
                                              ledger::Period about, const std::string& reason,
                                              const std::string& key_id) {
  uint32_t number = 0;
  JANGBU_RETURN_IF_ERROR(
      parts_.scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            number = static_cast<uint32_t>(books.corrections().size() + 1);
            return std::vector<ledger::Draft>{
                {.partner = "",
                 .body = ledger::CorrectionProposed{.correction = number,
                                                    .partner = partner_id,
                                                    .won = won,
                                                    .about = about,
                                                    .reason = reason,
                                                    .by = key_id}}};
          })
          .status());
  return number;
}

Status Finance::DecideCorrection(uint32_t correction, bool approve, const std::string& key_id) {
  return parts_.scribe
      ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        if (correction < 1 || correction > books.corrections().size())
          return NotFound("no_such_correction", "there is no such correction");
        const ledger::CorrectionProposed& proposal = books.corrections()[correction - 1].proposal;
        return std::vector<ledger::Draft>{
            {.partner = proposal.partner,
             .body = ledger::CorrectionDecided{.correction = correction,
                                               .approved = approve,
                                               .won = proposal.won,
                                               .about = proposal.about,
                                               .by = key_id}}};
      })
      .status();
}

// ---- documents ----

StatusOr<Owner> Finance::FindDocument(uint32_t partner, uint32_t upload, uint32_t file,
                                      uint64_t record) const {
  std::vector<uint64_t> commits;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::PartnerRecord* owner = books.FindPartner(partner);
    const ledger::UploadRecord* found =
        owner == nullptr ? nullptr : books.FindUpload(*owner, upload);
    if (found != nullptr) commits = found->commits;
  });
  // Commits ascend by (file, record): the one that may hold it is found by halving.
  const std::pair place(file, record == 0 ? kWholeFile : record);
  size_t low = 0;
  size_t high = commits.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, parts_.scribe->EntryAt(commits[middle]));
    const auto& commit = std::get<ledger::BatchCommit>(entry.body);
    const ledger::Item& last = commit.items.back();
    if (std::pair(last.file, last.record) < place) {
      low = middle + 1;
      continue;
    }
    for (size_t i = 0; i < commit.items.size(); ++i) {
      if (std::pair(commit.items[i].file, commit.items[i].record) == place)
        return Owner{.token = commit.token, .ordinal = static_cast<uint32_t>(i)};
    }
    high = middle;
  }
  return NoSuchDocument();
}

StatusOr<std::string> Finance::NameOfDocument(const Owner& document) const {
  uint64_t seq = 0;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    if (const ledger::BatchRecord* batch = books.FindBatch(document.token)) seq = batch->commit;
  });
  if (seq == 0) return NoSuchDocument();
  JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, parts_.scribe->EntryAt(seq));
  const auto& commit = std::get<ledger::BatchCommit>(entry.body);
  if (document.ordinal >= commit.items.size()) return NoSuchDocument();
  const ledger::Item& item = commit.items[document.ordinal];
  return entry.partner + "/u" + std::to_string(commit.upload) + "#" + std::to_string(item.file) +
         ":" + std::to_string(item.record == kWholeFile ? 0 : item.record);
}

// ---- withdrawal ----

StatusOr<WithdrawalView> Finance::Gather(uint32_t partner, const WithdrawalSubject& subject) const {
  std::optional<Owner> one;
  if (subject.document.has_value()) {
    JANGBU_ASSIGN_OR_RETURN(one, FindDocument(partner, subject.upload, subject.document->first,
                                              subject.document->second));
  }
  return parts_.scribe->Read(
      [&](const ledger::Books& books, const ledger::MerkleTree&) -> StatusOr<WithdrawalView> {
        const ledger::PartnerRecord* owner = books.FindPartner(partner);
        if (owner == nullptr) return NotFound("no_such_partner", "there is no such partner");
        std::vector<const ledger::UploadRecord*> uploads;
        if (subject.corpus != 0) {
          if (subject.corpus > owner->corpora.size())
            return NotFound("no_such_corpus", "there is no such corpus");
          for (const uint64_t token : owner->uploads) {
            const ledger::UploadRecord* upload = books.FindUpload(token);
            if (upload->corpus == subject.corpus) uploads.push_back(upload);
          }
        } else {
          const ledger::UploadRecord* upload = books.FindUpload(*owner, subject.upload);
          if (upload == nullptr) return NotFound("no_such_upload", "there is no such upload");
          uploads.push_back(upload);
        }
        std::vector<uint64_t> tokens;
        for (const ledger::UploadRecord* upload : uploads) {
          const bool feed = upload->kind == ledger::UploadKind::kStream;
          const bool going = upload->state == ledger::UploadState::kOpen ||
                             upload->state == ledger::UploadState::kSealed;
          if (!one.has_value() && going && !feed) {
            return FailedPrecondition("upload_unfinished",
                                      "upload u" + std::to_string(upload->number) +
                                          " is not finished; wait for it or cancel it first");
          }
          for (const auto& [token, batch] : books.batches()) {
            if (batch.upload_token == upload->token && batch.commit != 0) tokens.push_back(token);
          }
        }
        std::sort(tokens.begin(), tokens.end());
        WithdrawalView view;
        ledger::Withdrawn& entry = view.entry;
        const auto add = [&](uint64_t token, uint32_t ordinal, const ledger::DocumentFacts& facts) {
          if (facts.withdrawn) return;
          ++entry.documents;
          if (!entry.ranges.empty() && entry.ranges.back().token == token &&
              entry.ranges.back().first + entry.ranges.back().count == ordinal) {
            ++entry.ranges.back().count;
          } else {
            entry.ranges.push_back({.token = token, .first = ordinal, .count = 1});
          }
          if (!facts.credits) return;
          if (facts.lot == 0) {
            entry.provisional_korean_tokens += facts.provisional_tokens;
            entry.provisional_korean_words += facts.provisional_words;
          } else {
            ++view.settled_documents;
            view.settled_korean_tokens += facts.provisional_tokens;
            view.settled_korean_words += facts.provisional_words;
          }
        };
        if (one.has_value()) {
          add(one->token, one->ordinal, (*books.FactsOf(one->token))[one->ordinal]);
        } else {
          for (const uint64_t token : tokens) {
            const std::vector<ledger::DocumentFacts>& facts = *books.FactsOf(token);
            for (uint32_t i = 0; i < facts.size(); ++i) add(token, i, facts[i]);
          }
        }
        if (entry.documents == 0) {
          return FailedPrecondition("nothing_to_withdraw",
                                    "there is no document in it that is not withdrawn already");
        }
        return view;
      });
}

StatusOr<WithdrawalView> Finance::PreviewWithdrawal(uint32_t partner,
                                                    const WithdrawalSubject& subject) {
  return Gather(partner, subject);
}

StatusOr<WithdrawalView> Finance::Withdraw(uint32_t partner, const WithdrawalSubject& subject,
                                           const std::string& key_id) {
  // Between gathering and the writer a lot may settle: then once more.
  for (int attempt = 0;; ++attempt) {
    WithdrawalView view;
    // No batch of the partner is settled meanwhile, so none is judged against text of which the
    // keys are going.
    const Status done = parts_.still(partner, [&]() -> Status {
      JANGBU_ASSIGN_OR_RETURN(view, Gather(partner, subject));
      view.entry.by = key_id;
      JANGBU_ASSIGN_OR_RETURN(
          const Scribe::Appended appended,
          parts_.scribe->Propose(
              [&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
                const ledger::PartnerRecord& owner = *books.FindPartner(partner);
                view.entry.withdrawal = static_cast<uint32_t>(owner.withdrawals.size() + 1);
                return std::vector<ledger::Draft>{{.partner = owner.id, .body = view.entry}};
              }));
      view.at = appended.at;
      JANGBU_RETURN_IF_ERROR(parts_.pass_on(partner, appended.first_seq));
      // Readers look for the key first and the text then: a text that vanished between would look
      // like damage. Without its key it is noise; the next opening deletes it.
      return Destroy(view.entry.ranges, false);
    });
    if (ReasonOf(done) == "entry_contradicts_books" && attempt < 20) continue;
    JANGBU_RETURN_IF_ERROR(done);
    return view;
  }
}

Status Finance::Destroy(const std::vector<ledger::DocumentRange>& ranges, bool with_texts) {
  KeyVault& vault = parts_.keyring->vault();
  std::vector<VaultName> names;
  std::vector<BlobName> blobs;
  std::set<uint64_t> tokens;
  const auto flush = [&]() -> Status {
    // Only what is still there: erasing rewrites files.
    JANGBU_ASSIGN_OR_RETURN(const auto found, vault.Get(names));
    std::vector<VaultName> there;
    std::vector<Owner> documents;
    for (size_t i = 0; i < names.size(); ++i) {
      if (!found[i].has_value()) continue;
      there.push_back(names[i]);
      documents.push_back({.token = names[i].id, .ordinal = names[i].ordinal});
    }
    if (!there.empty()) {
      if (parts_.before_destroying) JANGBU_RETURN_IF_ERROR(parts_.before_destroying(documents));
      JANGBU_RETURN_IF_ERROR(vault.Erase(there));
    }
    if (with_texts) JANGBU_RETURN_IF_ERROR(parts_.blobs->Delete(blobs));
    names.clear();
    blobs.clear();
    return OkStatus();
  };
  for (const ledger::DocumentRange& range : ranges) {
    tokens.insert(range.token);
    for (uint32_t i = range.first; i < range.first + range.count; ++i) {
      names.push_back({.kind = VaultKind::kDocument, .id = range.token, .ordinal = i});
      blobs.push_back({.kind = BlobKind::kText, .token = range.token, .ordinal = i});
      if (names.size() >= kDestroyAtOnce) JANGBU_RETURN_IF_ERROR(flush());
    }
  }
  if (!names.empty()) JANGBU_RETURN_IF_ERROR(flush());
  parts_.texts_erased();
  // Staging and file names of uploads of which nothing is left.
  std::set<uint64_t> uploads;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    std::set<uint64_t> touched;
    for (const uint64_t token : tokens) touched.insert(books.FindBatch(token)->upload_token);
    for (const uint64_t upload : touched) {
      const ledger::UploadState state = books.FindUpload(upload)->state;
      bool left = state == ledger::UploadState::kOpen || state == ledger::UploadState::kSealed;
      for (const auto& [token, batch] : books.batches()) {
        if (left || batch.upload_token != upload || batch.commit == 0) continue;
        const auto& facts = *books.FactsOf(token);
        left = std::any_of(facts.begin(), facts.end(),
                           [](const ledger::DocumentFacts& f) { return !f.withdrawn; });
      }
      if (!left) uploads.insert(upload);
    }
  });
  for (const uint64_t upload : uploads) {
    JANGBU_RETURN_IF_ERROR(parts_.blobs->DeleteAll(BlobKind::kStaging, upload));
  }
  return OkStatus();
}

Status Finance::DestroyWithdrawn() {
  std::vector<std::vector<ledger::DocumentRange>> all;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& partner : books.partners()) {
      for (const ledger::WithdrawalRecord& record : partner->withdrawals)
        all.push_back(record.ranges);
    }
  });
  for (const auto& ranges : all) JANGBU_RETURN_IF_ERROR(Destroy(ranges, true));
  return OkStatus();
}

// ---- claims ----

StatusOr<uint32_t> Finance::OpenClaim(uint32_t partner, uint32_t upload, uint32_t file,
                                      uint64_t record, const std::string& evidence_sha256,
                                      const std::string& key_id) {
  if (evidence_sha256.size() != 32)
    return InvalidArgument("bad_evidence", "the evidence is named by its SHA-256, 32 bytes");
  JANGBU_ASSIGN_OR_RETURN(const Owner document, FindDocument(partner, upload, file, record));
  // Whoever is credited, by the decision on this document; the same reads whether or not anybody
  // is.
  std::optional<uint64_t> decided;
  parts_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    decided = books.FindBatch(document.token)->decision;
  });
  std::optional<Owner> holder;
  if (decided.has_value()) {
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, parts_.scribe->EntryAt(*decided));
    holder = std::get<ledger::Decision>(entry.body).items[document.ordinal].held_by;
  }
  uint32_t number = 0;
  JANGBU_RETURN_IF_ERROR(
      parts_.scribe
          ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            const ledger::PartnerRecord& owner = *books.FindPartner(partner);
            if (holder.has_value() &&
                books.FindUpload(books.FindBatch(holder->token)->upload_token)->partner ==
                    partner) {
              holder.reset();
            }
            number = static_cast<uint32_t>(owner.claims.size() + 1);
            return std::vector<ledger::Draft>{
                {.partner = owner.id,
                 .body = ledger::ClaimOpened{
                     .claim = number,
                     .document = document,
                     .evidence_mac = parts_.keyring->NameMac("claim evidence", {evidence_sha256}),
                     .holder = holder,
                     .by = key_id}}};
          })
          .status());
  return number;
}

Status Finance::DecideClaim(const std::string& partner_id, uint32_t claim, bool grant,
                            const std::string& key_id) {
  return ProposeOne("", ledger::ClaimDecided{
                            .partner = partner_id, .claim = claim, .granted = grant, .by = key_id});
}

Status Finance::SettleClaim(const std::string& partner_id, uint32_t claim,
                            const std::string& key_id) {
  return parts_.scribe
      ->Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        const ledger::PartnerRecord* owner = books.FindPartner(partner_id);
        if (owner == nullptr) return NotFound("no_such_partner", "there is no such partner");
        JANGBU_ASSIGN_OR_RETURN(ledger::ClaimSettled settled, books.SettlementOf(*owner, claim));
        settled.by = key_id;
        return std::vector<ledger::Draft>{{.partner = partner_id, .body = std::move(settled)}};
      })
      .status();
}

}  // namespace jangbu::services
