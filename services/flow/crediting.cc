#include "services/flow/crediting.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "services/flow/contribution_flow.h"
#include "services/flow/corpus_metadata.h"
#include "services/flow/judging.h"
#include "services/flow/parallel.h"

namespace jangbu::services {
namespace {

constexpr size_t kKeysAtOnce = 32'768;

// Keys of one table that lost their holder.
using Orphans = std::set<Key>;

}  // namespace

bool DocumentSet::Contains(const Owner& document) const {
  const auto found = ranges_.find(document.token);
  if (found == ranges_.end()) return false;
  return std::any_of(
      found->second.begin(), found->second.end(), [&](const ledger::DocumentRange& range) {
        return document.ordinal >= range.first && document.ordinal - range.first < range.count;
      });
}

DocumentSet WithdrawnIn(const ledger::Books& books, uint32_t partner, uint64_t from, uint64_t to) {
  DocumentSet set;
  for (const auto& record : books.partners()) {
    if (partner != 0 && record->number != partner) continue;
    for (const ledger::WithdrawalRecord& withdrawal : record->withdrawals) {
      if (withdrawal.seq < from || withdrawal.seq >= to) continue;
      for (const ledger::DocumentRange& range : withdrawal.ranges) set.Add(range);
    }
  }
  return set;
}

Crediting::Batch Crediting::BatchOf(uint64_t token) const {
  return scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const ledger::BatchRecord& record = *books.FindBatch(token);
    const ledger::UploadRecord& upload = *books.FindUpload(record.upload_token);
    return Batch{.token = token,
                 .commit = record.commit,
                 .upload = record.upload_token,
                 .partner = upload.partner,
                 .corpus = upload.corpus};
  });
}

EverybodysText Crediting::Everybody() {
  EverybodysText everybody;
  index_->AwaitCommits();
  everybody.view = index_->Everybody();
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    for (const auto& [token, batch] : books.batches()) {
      if (batch.commit != 0) everybody.commits.emplace(token, batch.commit);
    }
  });
  return everybody;
}

// ---- claims ----

// First all that the documents hold is freed, then the earliest other document claims each key. A
// key that nobody holds was freed before a crash: it is looked for again.
Status Crediting::PassOn(uint32_t scope, const DocumentSet& gone, const DocumentSet& never,
                         const std::vector<Batch>& batches) {
  Orphans orphans[2];  // documents, segments
  static constexpr uint32_t kTables[2] = {kTableDocuments, kTableSegments};
  for (const auto& [token, ranges] : gone.ranges()) {
    JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                            ReadAppraisal(blobs_, keyring_, BatchOf(token).partner, token));
    for (const ledger::DocumentRange& range : ranges) {
      for (uint32_t i = range.first; i < range.first + range.count; ++i) {
        if (appraisal[i].item.verdict == ledger::Verdict::kRejected) continue;
        orphans[0].insert(appraisal[i].document_key);
        for (const ingest::SegmentOffer& offer : appraisal[i].offers) {
          if (offer.key != ingest::kNoKey) orphans[1].insert(offer.key);
        }
      }
    }
  }
  for (size_t t = 0; t < 2; ++t) {
    const TableId table{.kind = kTables[t], .scope = scope};
    const std::vector<Key> keys(orphans[t].begin(), orphans[t].end());
    for (size_t at = 0; at < keys.size(); at += kKeysAtOnce) {
      const std::span part(keys.data() + at, std::min(kKeysAtOnce, keys.size() - at));
      JANGBU_ASSIGN_OR_RETURN(const auto owners, keys_.Lookup(table, part));
      std::map<uint64_t, std::vector<Key>> held;
      for (size_t i = 0; i < part.size(); ++i) {
        if (!owners[i].has_value()) continue;
        if (gone.Contains(*owners[i])) {
          held[owners[i]->token].push_back(part[i]);
        } else {
          orphans[t].erase(part[i]);
        }
      }
      for (const auto& [token, theirs] : held)
        JANGBU_RETURN_IF_ERROR(keys_.Release(table, token, theirs));
    }
  }
  for (const Batch& batch : batches) {
    if (orphans[0].empty() && orphans[1].empty()) return OkStatus();
    JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                            ReadAppraisal(blobs_, keyring_, batch.partner, batch.token));
    std::vector<bool> credits(appraisal.size());
    scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      const std::vector<ledger::DocumentFacts>& facts = *books.FactsOf(batch.token);
      for (size_t i = 0; i < credits.size(); ++i) credits[i] = facts[i].credits;
    });
    std::vector<KeyClaim> claims[2];
    for (uint32_t i = 0; i < appraisal.size(); ++i) {
      // What can never be credited, as a copy of the partner's own, is no reference text.
      if (!credits[i] || never.Contains({.token = batch.token, .ordinal = i})) continue;
      if (orphans[0].erase(appraisal[i].document_key) > 0)
        claims[0].push_back({.key = appraisal[i].document_key, .ordinal = i});
      for (const ingest::SegmentOffer& offer : appraisal[i].offers) {
        if (offer.key != ingest::kNoKey && orphans[1].erase(offer.key) > 0)
          claims[1].push_back({.key = offer.key, .ordinal = i});
      }
    }
    for (size_t t = 0; t < 2; ++t) {
      if (claims[t].empty()) continue;
      JANGBU_RETURN_IF_ERROR(
          keys_.Claim({.kind = kTables[t], .scope = scope}, batch.token, claims[t]).status());
    }
  }
  return OkStatus();
}

Status Crediting::PassOnOwn(uint32_t partner, uint64_t from) {
  DocumentSet gone;
  DocumentSet never;
  std::vector<Batch> batches;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    gone = WithdrawnIn(books, partner, from, UINT64_MAX);
    if (gone.empty()) return;
    never = WithdrawnIn(books, partner, 0, UINT64_MAX);
    for (const auto& [token, batch] : books.batches()) {
      const ledger::UploadRecord& upload = *books.FindUpload(batch.upload_token);
      if (batch.commit == 0 || upload.partner != partner) continue;
      batches.push_back({.token = token,
                         .commit = batch.commit,
                         .upload = batch.upload_token,
                         .partner = partner,
                         .corpus = upload.corpus});
    }
  });
  if (gone.empty()) return OkStatus();
  std::sort(batches.begin(), batches.end(),
            [](const Batch& a, const Batch& b) { return a.commit < b.commit; });
  return PassOn(partner, gone, never, batches);
}

Status Crediting::PassOnEverybodys(uint64_t from, uint64_t to) {
  DocumentSet gone;
  DocumentSet never;
  std::vector<Batch> batches;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    gone = WithdrawnIn(books, 0, from, to);
    if (gone.empty()) return;
    never = WithdrawnIn(books, 0, 0, to);
    for (const auto& [token, batch] : books.batches()) {
      // What the open run has decided has claimed for itself.
      if (!batch.decision.has_value() || *batch.decision >= to) continue;
      batches.push_back({.token = token,
                         .commit = batch.commit,
                         .upload = batch.upload_token,
                         .partner = books.FindUpload(batch.upload_token)->partner,
                         .corpus = 0});
    }
  });
  if (gone.empty()) return OkStatus();
  std::sort(batches.begin(), batches.end(),
            [](const Batch& a, const Batch& b) { return a.commit < b.commit; });
  return PassOn(0, gone, never, batches);
}

// ---- credit ----

StatusOr<std::shared_ptr<const ingest::Tokenizer>> Crediting::LoadTokenizer(uint32_t recount) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const ingest::Tokenizer>& found = tokenizers_[recount];
  if (found != nullptr) return found;
  const BlobName name{.kind = BlobKind::kTokenizer, .token = recount, .ordinal = 0};
  JANGBU_ASSIGN_OR_RETURN(const auto bytes, blobs_.Get({&name, 1}));
  if (!bytes[0].has_value()) {
    return DataLoss("tokenizer_missing", "the tokenizer of re-count " + std::to_string(recount) +
                                             " is gone; restore the store from a backup");
  }
  JANGBU_ASSIGN_OR_RETURN(std::shared_ptr<const ingest::Tokenizer> loaded,
                          ingest::Tokenizer::Load(*bytes[0]));
  const Digest pinned = scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    return recount == 0 ? books.genesis()->tokenizer_sha256
                        : books.recounts()[recount - 1].spec.tokenizer_sha256;
  });
  if (loaded->file_sha256() != pinned)
    return DataLoss("tokenizer_changed", "the stored tokenizer is not the pinned one");
  found = std::move(loaded);
  return found;
}

StatusOr<Crediting::Basis> Crediting::BasisOf(uint64_t token) {
  Basis basis;
  uint32_t counted_by = 0;
  uint32_t counts = 0;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const auto rule = books.NoveltyRuleOf(token);
    JANGBU_CHECK(rule.has_value());
    basis.rule = RuleOf(*rule);
    counted_by = counts = books.TokenizerOf(token);
    for (uint32_t n = 1; n <= books.FindBatch(token)->recount; ++n) {
      const ledger::RecountRecord& recount = books.recounts()[n - 1];
      if (recount.state != ledger::DecisionState::kApproved) continue;
      if (recount.spec.min_run != 0) {
        basis.rule = RuleOf({.min_run = recount.spec.min_run,
                             .near_ppm = recount.spec.near_ppm,
                             .novel_ppm = recount.spec.novel_ppm});
      }
      if (!recount.spec.tokenizer_algorithm.empty()) counts = n;
    }
  });
  if (counts != counted_by) {
    JANGBU_ASSIGN_OR_RETURN(basis.tokenizer, LoadTokenizer(counts));
  }
  return basis;
}

Crediting::InForce Crediting::DecidedAndInForce() const {
  InForce documents;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    // What a claim moved was decided by persons: it stays as they decided.
    std::set<Owner> claimed;
    for (const auto& partner : books.partners()) {
      for (const ledger::ClaimRecord& claim : partner->claims) {
        if (claim.state != ledger::ClaimState::kGranted) continue;
        claimed.insert(claim.document);
        if (claim.holder.has_value()) claimed.insert(*claim.holder);
      }
    }
    const uint64_t by_runs = books.novelty_rules()[0].first;
    for (const auto& [token, batch] : books.batches()) {
      if (!batch.decision.has_value() || *batch.decision < by_runs) continue;
      const std::vector<ledger::DocumentFacts>& facts = *books.FactsOf(token);
      for (uint32_t i = 0; i < facts.size(); ++i) {
        if (!facts[i].credits || facts[i].withdrawn ||
            claimed.contains({.token = token, .ordinal = i})) {
          continue;
        }
        documents[token].push_back({i, facts[i].item_tokens, facts[i].item_words});
      }
    }
  });
  return documents;
}

StatusOr<std::vector<std::optional<ingest::NovelCounts>>> Crediting::CreditOf(
    const EverybodysText& everybody, uint64_t token, std::span<const uint32_t> ordinals,
    const Basis& basis) {
  JANGBU_ASSIGN_OR_RETURN(const auto judged, JudgeAgain(everybody, token, ordinals, basis, false));
  std::vector<std::optional<ingest::NovelCounts>> credits(judged.size());
  for (size_t i = 0; i < judged.size(); ++i) {
    if (judged[i].has_value()) credits[i] = judged[i]->credit;
  }
  return credits;
}

StatusOr<std::vector<std::optional<Crediting::Rejudged>>> Crediting::JudgeAgain(
    const EverybodysText& everybody, uint64_t token, std::span<const uint32_t> ordinals,
    const Basis& basis, bool with_near) {
  const Batch batch = BatchOf(token);
  JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                          ReadAppraisal(blobs_, keyring_, batch.partner, token));
  JANGBU_ASSIGN_OR_RETURN(const auto texts, index_->texts().Read(batch.partner, token, ordinals));
  // What each offers, counted anew where another tokenizer counts.
  std::vector<std::vector<ingest::SegmentOffer>> offers(ordinals.size());
  if (basis.tokenizer == nullptr) {
    for (size_t i = 0; i < ordinals.size(); ++i) offers[i] = appraisal[ordinals[i]].offers;
  } else {
    // Masked text holds nothing more to mask, so the same text is counted.
    JANGBU_ASSIGN_OR_RETURN(const auto metadata,
                            ReadCorpusMetadata(scribe_, keyring_, batch.partner, batch.corpus));
    ingest::Appraiser appraiser(basis.tokenizer, {}, *fingerprinter_);
    for (size_t i = 0; i < ordinals.size(); ++i) {
      if (texts[i].has_value()) offers[i] = appraiser.Appraise(*texts[i], metadata->screen).offers;
    }
  }
  std::vector<Key> keys;
  std::vector<size_t> first(ordinals.size());
  for (size_t i = 0; i < ordinals.size(); ++i) {
    first[i] = keys.size();
    for (const ingest::SegmentOffer& offer : offers[i]) {
      if (offer.key != ingest::kNoKey) keys.push_back(offer.key);
    }
  }
  JANGBU_ASSIGN_OR_RETURN(const auto owners,
                          keys_.Lookup({.kind = kTableSegments, .scope = 0}, keys));
  std::vector<std::optional<Rejudged>> judged(ordinals.size());
  JANGBU_RETURN_IF_ERROR(ParallelFor(workers_, ordinals.size(), [&](size_t i) -> Status {
    if (!texts[i].has_value()) return OkStatus();
    const Owner self{.token = token, .ordinal = ordinals[i]};
    const ingest::DocumentForm form = ingest::FormOfDocument(*texts[i]);
    if (form.offers.size() != offers[i].size())
      return DataLoss("appraisal_changed", "an appraisal is not of the stored text");
    const ingest::Reference reference = EarlierThan(self, batch.commit, everybody.commits);
    std::vector<bool> free(offers[i].size(), false);
    size_t at = first[i];
    for (size_t k = 0; k < free.size(); ++k) {
      if (offers[i][k].key == ingest::kNoKey) continue;
      free[k] = owners[at] == self;
      ++at;
    }
    if (!with_near) {
      JANGBU_ASSIGN_OR_RETURN(const ingest::NovelCounts credit,
                              JudgeCredit(form, offers[i], free, everybody.view, reference,
                                          index_->forms(), index_->hasher(), basis.rule));
      judged[i] = Rejudged{.credit = credit, .near = false};
      return OkStatus();
    }
    const ingest::Reference of_own =
        Only(reference, [partner = batch.partner](uint32_t scope) { return scope == partner; });
    JANGBU_ASSIGN_OR_RETURN(const Judgement judgement,
                            Judge(form, offers[i], free, everybody.view, reference, of_own,
                                  index_->forms(), index_->hasher(), basis.rule));
    judged[i] = Rejudged{.credit = judgement.credit, .near = judgement.near.has_value()};
    return OkStatus();
  }));
  return judged;
}

StatusOr<std::vector<ledger::Succession::Heir>> Crediting::Heirs(const EverybodysText& everybody,
                                                                 uint64_t from, uint64_t to) {
  struct Candidate {
    uint32_t ordinal = 0;
    ledger::DocumentFacts facts;
  };
  std::map<uint64_t, std::vector<Candidate>> candidates;
  scribe_.Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
    const DocumentSet gone = WithdrawnIn(books, 0, from, to);
    if (gone.empty()) return;
    uint64_t earliest = UINT64_MAX;
    for (const auto& [token, ranges] : gone.ranges())
      earliest = std::min(earliest, books.FindBatch(token)->commit);
    // Who lost a text to a claim does not inherit it back.
    std::set<Owner> lost;
    for (const auto& partner : books.partners()) {
      for (const ledger::ClaimRecord& claim : partner->claims) {
        if (claim.state == ledger::ClaimState::kGranted && claim.holder.has_value())
          lost.insert(*claim.holder);
      }
    }
    const uint64_t by_runs = books.novelty_rules()[0].first;
    for (const auto& [token, batch] : books.batches()) {
      // What was decided before the first rule was judged otherwise.
      if (!batch.decision.has_value() || *batch.decision < by_runs || batch.commit < earliest)
        continue;
      const std::vector<ledger::DocumentFacts>& facts = *books.FactsOf(token);
      for (uint32_t i = 0; i < facts.size(); ++i) {
        const ledger::DocumentFacts& document = facts[i];
        const bool lacks = document.item_tokens < document.korean_tokens ||
                           document.item_words < document.korean_words;
        if (document.credits && !document.withdrawn && lacks &&
            !lost.contains({.token = token, .ordinal = i})) {
          candidates[token].push_back({i, document});
        }
      }
    }
  });
  std::vector<ledger::Succession::Heir> heirs;
  for (const auto& [token, documents] : candidates) {
    std::vector<uint32_t> ordinals;
    for (const Candidate& candidate : documents) ordinals.push_back(candidate.ordinal);
    JANGBU_ASSIGN_OR_RETURN(const Basis basis, BasisOf(token));
    JANGBU_ASSIGN_OR_RETURN(const auto credits, CreditOf(everybody, token, ordinals, basis));
    for (size_t i = 0; i < documents.size(); ++i) {
      if (!credits[i].has_value()) continue;
      const ledger::DocumentFacts& facts = documents[i].facts;
      const auto more = [](int64_t now, uint32_t most, uint32_t before) {
        return std::max<int64_t>(0, std::min<int64_t>(now, most) - before);
      };
      const ledger::Succession::Heir heir{
          .document = {.token = token, .ordinal = ordinals[i]},
          .korean_tokens = more(credits[i]->korean_tokens, facts.korean_tokens, facts.item_tokens),
          .korean_words = more(credits[i]->korean_words, facts.korean_words, facts.item_words)};
      if (heir.korean_tokens > 0 || heir.korean_words > 0) heirs.push_back(heir);
    }
  }
  return heirs;
}

}  // namespace jangbu::services
