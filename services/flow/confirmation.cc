#include "services/flow/confirmation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "ingest/dedup/novelty.h"
#include "services/flow/contribution_flow.h"

namespace jangbu::services {
namespace {

constexpr size_t kClaimsAtOnce = 32'768;

StatusOr<std::vector<Owner>> ClaimAll(KeyIndex& keys, TableId table, uint64_t token,
                                      const std::vector<KeyClaim>& claims) {
  std::vector<Owner> owners;
  owners.reserve(claims.size());
  for (size_t i = 0; i < claims.size(); i += kClaimsAtOnce) {
    const std::span part(claims.data() + i, std::min(kClaimsAtOnce, claims.size() - i));
    JANGBU_ASSIGN_OR_RETURN(const std::vector<ClaimResult> results, keys.Claim(table, token, part));
    for (const ClaimResult& result : results) owners.push_back(result.owner);
  }
  return owners;
}

}  // namespace

Status Confirmation::Resume() {
  const std::lock_guard lock(mutex_);
  const bool open = scribe_.Read([](const ledger::Books& books, const ledger::MerkleTree&) {
    return books.open_run().has_value();
  });
  if (!open) return OkStatus();
  ConfirmationView view;
  return Finish(view);
}

StatusOr<ConfirmationView> Confirmation::Run(const std::vector<std::string>& release_partners,
                                             const std::string& reason, const std::string& key_id) {
  const std::lock_guard lock(mutex_);
  ConfirmationView view;
  const auto open = [this] {
    return scribe_.Read([](const ledger::Books& books, const ledger::MerkleTree&) {
      return books.open_run().has_value();
    });
  };
  if (open()) {
    // A crash left it; it is finished first, and what it settled is told too.
    JANGBU_RETURN_IF_ERROR(Finish(view));
  }
  JANGBU_RETURN_IF_ERROR(
      scribe_
          .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            return std::vector<ledger::Draft>{
                {.partner = "",
                 .body = ledger::RunBegun{.run = books.runs() + 1,
                                          .cut = books.size(),
                                          .released_partners = release_partners,
                                          .release_reason = reason,
                                          .released_by = key_id}}};
          })
          .status());
  JANGBU_RETURN_IF_ERROR(Finish(view));
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& partner : books.partners()) {
      view.documents_waiting += static_cast<int64_t>(partner->waiting_decided.size());
    }
  });
  return view;
}

Status Confirmation::Finish(ConfirmationView& view) {
  while (true) {
    struct Next {
      uint64_t token = 0;
      uint64_t commit = 0;
      uint32_t partner = 0;
    };
    const std::optional<Next> next = scribe_.Read(
        [](const ledger::Books& books, const ledger::MerkleTree&) -> std::optional<Next> {
          if (books.undecided().empty() ||
              books.undecided().begin()->first >= books.open_run()->cut) {
            return std::nullopt;
          }
          const auto& [commit, token] = *books.undecided().begin();
          return Next{.token = token,
                      .commit = commit,
                      .partner = books.FindUpload(books.FindBatch(token)->upload_token)->partner};
        });
    if (!next.has_value()) break;
    JANGBU_ASSIGN_OR_RETURN(ledger::Decision decision,
                            Decide(next->token, next->commit, next->partner));
    view.documents_decided += static_cast<int64_t>(decision.items.size());
    JANGBU_RETURN_IF_ERROR(
        scribe_
            .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
              decision.run = books.open_run()->run;
              return std::vector<ledger::Draft>{{.partner = "", .body = std::move(decision)}};
            })
            .status());
  }
  // Lots in the order of partner ids, so that the journal does not depend on who came first.
  std::vector<std::string> partners;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& partner : books.partners()) partners.push_back(partner->id);
  });
  std::sort(partners.begin(), partners.end());
  for (const std::string& partner : partners) {
    std::optional<ledger::Lot> lot;
    JANGBU_RETURN_IF_ERROR(
        scribe_
            .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
              lot = books.NextLot(*books.FindPartner(partner));
              if (!lot.has_value()) return std::vector<ledger::Draft>{};
              return std::vector<ledger::Draft>{{.partner = partner, .body = *lot}};
            })
            .status());
    if (lot.has_value()) view.lots.push_back({.partner_id = partner, .lot = *std::move(lot)});
  }
  return scribe_
      .Propose([](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
        return std::vector<ledger::Draft>{
            {.partner = "", .body = ledger::RunDone{.run = books.open_run()->run}}};
      })
      .status();
}

StatusOr<ledger::Decision> Confirmation::Decide(uint64_t token, uint64_t commit_seq,
                                                uint32_t partner) {
  JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, scribe_.EntryAt(commit_seq));
  const auto* commit = std::get_if<ledger::BatchCommit>(&entry.body);
  JANGBU_CHECK(commit != nullptr && commit->token == token);
  JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                          ReadAppraisal(blobs_, keyring_, partner, token));
  if (appraisal.size() != commit->items.size() ||
      keyring_.NameMac("appraisal", {EncodeBatchAppraisal(appraisal)}) != commit->appraisal_mac) {
    return DataLoss("appraisal_changed",
                    "the appraisal of batch " + std::to_string(token) +
                        " is not the one that was committed; restore the store from a backup");
  }
  ledger::Decision decision;
  decision.token = token;
  decision.items.resize(commit->items.size());
  const auto credits = [&](size_t i) {
    return commit->items[i].verdict == ledger::Verdict::kAccepted ||
           commit->items[i].verdict == ledger::Verdict::kNearDuplicate;
  };
  std::vector<KeyClaim> documents;
  for (size_t i = 0; i < appraisal.size(); ++i) {
    if (credits(i))
      documents.push_back({.key = appraisal[i].document_key, .ordinal = static_cast<uint32_t>(i)});
  }
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Owner> document_owners,
                          ClaimAll(keys_, {.kind = kTableDocuments, .scope = 0}, token, documents));
  std::vector<KeyClaim> segments;
  std::vector<uint32_t> fresh;
  for (size_t i = 0; i < documents.size(); ++i) {
    const uint32_t ordinal = documents[i].ordinal;
    if (document_owners[i] != Owner{.token = token, .ordinal = ordinal}) {
      decision.items[ordinal].held_by =
          document_owners[i];  // the same text, from somebody else, earlier
      continue;
    }
    fresh.push_back(ordinal);
    for (const ingest::SegmentOffer& offer : appraisal[ordinal].offers) {
      segments.push_back({.key = offer.key, .ordinal = ordinal});
    }
  }
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Owner> segment_owners,
                          ClaimAll(keys_, {.kind = kTableSegments, .scope = 0}, token, segments));
  size_t at = 0;
  for (const uint32_t ordinal : fresh) {
    const std::vector<ingest::SegmentOffer>& offers = appraisal[ordinal].offers;
    const std::vector<Owner> owners(
        segment_owners.begin() + static_cast<std::ptrdiff_t>(at),
        segment_owners.begin() + static_cast<std::ptrdiff_t>(at + offers.size()));
    at += offers.size();
    const Owner self{.token = token, .ordinal = ordinal};
    const ingest::NovelCounts credit = ingest::CreditOf(offers, owners, self);
    ledger::DecidedItem& item = decision.items[ordinal];
    item.korean_tokens = credit.korean_tokens;
    item.korean_words = credit.korean_words;
    const ledger::Item& offered = commit->items[ordinal];
    const bool nothing_left = credit.korean_tokens == 0 && credit.korean_words == 0 &&
                              (offered.novel_korean_tokens != 0 || offered.novel_korean_words != 0);
    if (nothing_left) {
      const auto other = std::find_if(owners.begin(), owners.end(),
                                      [&](const Owner& owner) { return owner != self; });
      JANGBU_CHECK(other != owners.end());
      item.held_by = *other;
    }
  }
  return decision;
}

}  // namespace jangbu::services
