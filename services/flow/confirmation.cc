#include "services/flow/confirmation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "ingest/dedup/document_form.h"
#include "services/flow/contribution_flow.h"
#include "services/flow/judging.h"
#include "services/flow/parallel.h"

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
      view.documents_waiting += std::count_if(
          partner->waiting_decided.begin(), partner->waiting_decided.end(),
          [](const ledger::WaitingDocument& waiting) { return !waiting.adjustment.has_value(); });
    }
  });
  return view;
}

Status Confirmation::Finish(ConfirmationView& view) {
  uint64_t last_cut = 0;
  uint64_t cut = 0;
  DocumentSet withdrawn;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    last_cut = books.last_cut();
    cut = books.open_run()->cut;
    // What is undecided was committed after the run before, so it was withdrawn after it too.
    withdrawn = WithdrawnIn(books, 0, last_cut, cut);
  });
  JANGBU_RETURN_IF_ERROR(crediting_.PassOnEverybodys(last_cut, cut));
  const EverybodysText everybody = crediting_.Everybody();
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
                            Decide(everybody, withdrawn, next->token, next->commit, next->partner));
    view.documents_decided += static_cast<int64_t>(decision.items.size());
    JANGBU_RETURN_IF_ERROR(
        scribe_
            .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
              decision.run = books.open_run()->run;
              return std::vector<ledger::Draft>{{.partner = "", .body = std::move(decision)}};
            })
            .status());
  }
  JANGBU_ASSIGN_OR_RETURN(std::vector<ledger::Succession::Heir> heirs,
                          crediting_.Heirs(everybody, last_cut, cut));
  JANGBU_RETURN_IF_ERROR(
      scribe_
          .Propose([&](const ledger::Books& books) -> StatusOr<std::vector<ledger::Draft>> {
            // One may have been withdrawn since it was judged.
            std::erase_if(heirs, [&](const ledger::Succession::Heir& heir) {
              return (*books.FactsOf(heir.document.token))[heir.document.ordinal].withdrawn;
            });
            if (heirs.empty()) return std::vector<ledger::Draft>{};
            return std::vector<ledger::Draft>{
                {.partner = "",
                 .body = ledger::Succession{.run = books.open_run()->run, .heirs = heirs}}};
          })
          .status());
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

StatusOr<ledger::Decision> Confirmation::Decide(const EverybodysText& everybody,
                                                const DocumentSet& withdrawn, uint64_t token,
                                                uint64_t commit_seq, uint32_t partner) {
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
  const auto pinned = scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    return books.NoveltyRuleOf(token);
  });
  JANGBU_CHECK(pinned.has_value());
  const ingest::NoveltyRule rule = RuleOf(*pinned);
  const auto self = [token](uint32_t ordinal) { return Owner{.token = token, .ordinal = ordinal}; };
  ledger::Decision decision;
  decision.token = token;
  decision.items.resize(commit->items.size());
  std::vector<KeyClaim> documents;
  std::vector<KeyClaim> segments;
  std::vector<size_t> first_segment(appraisal.size());
  for (uint32_t i = 0; i < appraisal.size(); ++i) {
    first_segment[i] = segments.size();
    if (commit->items[i].verdict == ledger::Verdict::kRejected || withdrawn.Contains(self(i)))
      continue;
    // Duplicates of every kind claim their short segments too, as they do in their partner's table:
    // so what is new against everybody was new against the partner's own.
    for (const ingest::SegmentOffer& offer : appraisal[i].offers) {
      if (offer.key != ingest::kNoKey) segments.push_back({.key = offer.key, .ordinal = i});
    }
    if (InReference(commit->items[i].verdict))
      documents.push_back({.key = appraisal[i].document_key, .ordinal = i});
  }
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Owner> document_owners,
                          ClaimAll(keys_, {.kind = kTableDocuments, .scope = 0}, token, documents));
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Owner> segment_owners,
                          ClaimAll(keys_, {.kind = kTableSegments, .scope = 0}, token, segments));
  std::vector<uint32_t> fresh;
  for (size_t i = 0; i < documents.size(); ++i) {
    const uint32_t ordinal = documents[i].ordinal;
    if (document_owners[i] == self(ordinal)) {
      fresh.push_back(ordinal);
      continue;
    }
    // The same text, from somebody else, earlier.
    decision.items[ordinal].held_by = document_owners[i];
    decision.items[ordinal].similarity_ppm = 1'000'000;
  }
  JANGBU_ASSIGN_OR_RETURN(const auto texts, index_.texts().Read(partner, token, fresh));

  JANGBU_RETURN_IF_ERROR(ParallelFor(workers_, fresh.size(), [&](size_t i) -> Status {
    if (!texts[i].has_value()) return OkStatus();  // its key was destroyed: it earns nothing
    const uint32_t ordinal = fresh[i];
    const std::vector<ingest::SegmentOffer>& offers = appraisal[ordinal].offers;
    const ingest::DocumentForm form = ingest::FormOfDocument(*texts[i]);
    JANGBU_CHECK(form.offers.size() == offers.size());
    const ingest::Reference reference = EarlierThan(self(ordinal), commit_seq, everybody.commits);
    const ingest::Reference of_others =
        Only(reference, [partner](uint32_t scope) { return scope != partner; });
    std::vector<Owner> owners(offers.size(), self(ordinal));
    std::vector<bool> free(offers.size(), false);
    size_t at = first_segment[ordinal];
    for (size_t k = 0; k < offers.size(); ++k) {
      if (offers[k].key == ingest::kNoKey) continue;
      owners[k] = segment_owners[at++];
      free[k] = owners[k] == self(ordinal);
    }
    JANGBU_ASSIGN_OR_RETURN(Judgement judged,
                            Judge(form, offers, free, everybody.view, reference, of_others,
                                  index_.forms(), index_.hasher(), rule));
    const ledger::Item& offered = commit->items[ordinal];
    const ingest::NovelCounts& credit = judged.credit;
    ledger::DecidedItem& item = decision.items[ordinal];
    // Never more than what was offered: what was committed before the first rule was judged
    // otherwise.
    item.korean_tokens = std::min(credit.korean_tokens, offered.novel_korean_tokens);
    item.korean_words = std::min(credit.korean_words, offered.novel_korean_words);
    const bool nothing_left = item.korean_tokens == 0 && item.korean_words == 0 &&
                              (offered.novel_korean_tokens != 0 || offered.novel_korean_words != 0);
    if (nothing_left && !judged.near.has_value()) {
      JANGBU_ASSIGN_OR_RETURN(
          judged.near, everybody.view.NearestWithin(form.stream, judged.may_be_covered, of_others,
                                                    index_.forms(), 1, nullptr, rule.min_run));
    }
    if (judged.near.has_value()) {
      item.held_by = OwnerOf(judged.near->document);
      item.similarity_ppm = ingest::ShareOf(judged.near->covered, form.stream.size());
    } else if (nothing_left) {
      // Only short segments, which somebody else gave.
      const auto other = std::find_if(owners.begin(), owners.end(),
                                      [&](const Owner& owner) { return owner != self(ordinal); });
      if (other != owners.end()) item.held_by = *other;
    }
    return OkStatus();
  }));
  return decision;
}

}  // namespace jangbu::services
