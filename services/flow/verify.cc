// jangbud verify: everything rebuilt from the journal, by other means than the live code where
// there are any, and compared with what is stored.

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/bytes.h"
#include "base/check.h"
#include "ingest/appraise.h"
#include "ledger/books_root.h"
#include "services/flow/close_proof.h"
#include "services/flow/contribution_flow.h"
#include "services/flow/corpus_metadata.h"
#include "services/flow/crediting.h"
#include "services/flow/document_blob.h"
#include "services/flow/jangbu.h"
#include "services/flow/jangbu_state.h"
#include "services/flow/judging.h"
#include "services/flow/text_index.h"
#include "services/storage/backup.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t h = 0;
    for (size_t i = 0; i < 8; ++i) h = h << 8 | key[i];
    return h;
  }
};
// Who holds each key, and who would have liked to, in order.
struct Holders {
  absl::flat_hash_map<Key, Owner, KeyHash> held;
  absl::flat_hash_map<Key, std::vector<Owner>, KeyHash> waiting;
};

Status Differs(std::string_view what, const std::string& where) {
  return DataLoss("verify_failed", std::string(what) + " " + where);
}

std::string Where(uint64_t seq, size_t i) {
  return "(journal entry " + std::to_string(seq) + ", document " + std::to_string(i) + ")";
}

// Adds up every transfer again, with nothing but a map.
Status CheckBalances(const ledger::Books& books) {
  JANGBU_RETURN_IF_ERROR(books.ledger().CheckBooks());
  std::map<ledger::AccountId, int128> sums;
  std::map<ledger::AssetId, int128> assets;
  for (size_t i = 0; i < books.ledger().transfer_count(); ++i) {
    const ledger::Transfer& t = books.ledger().transfer(i);
    if (t.flags > ledger::TransferFlags::kLinked)
      return Differs("a two-phase transfer", "where none is made");
    sums[t.debit_account] -= t.amount;
    sums[t.credit_account] += t.amount;
  }
  for (size_t i = 0; i < books.ledger().account_count(); ++i) {
    const ledger::Account& account = books.ledger().account(i);
    if (sums[account.id] != account.balances.net()) {
      return Differs("the balance is not the sum of its transfers: account",
                     std::to_string(account.id.high) + ":" + std::to_string(account.id.low));
    }
    assets[account.asset] += account.balances.net();
  }
  for (const auto& [asset, sum] : assets) {
    if (sum != 0)
      return Differs("accounts do not sum to zero: asset", std::string(ledger::NameOfAsset(asset)));
  }
  return OkStatus();
}

class Verifier {
 public:
  Verifier(OpenedInstallation& opened, const VerifyOptions& options,
           const std::function<void(std::string_view)>& progress)
      : opened_(opened), options_(options), progress_(progress) {}

  StatusOr<VerifyReport> Run() {
    uint64_t size = 0;
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree& tree) {
      size = books.size();
      report_.entries = size;
      report_.root = ToHex(tree.Root());
    });
    Say("journal, mark and anchor agree: " + std::to_string(size) + " entries, root " +
        report_.root);
    JANGBU_RETURN_IF_ERROR(
        opened_.scribe->Read([](const ledger::Books& books, const ledger::MerkleTree&) {
          return CheckBalances(books);
        }));
    Say("balances are the sums of their transfers, and every asset sums to zero");
    if (options_.deep) JANGBU_RETURN_IF_ERROR(LoadTokenizer());
    for (uint64_t seq = 0; seq < size;) {
      JANGBU_ASSIGN_OR_RETURN(const std::vector<ledger::Entry> entries,
                              opened_.scribe->Entries(seq, 256));
      for (const ledger::Entry& entry : entries) {
        if (const auto* commit = std::get_if<ledger::BatchCommit>(&entry.body)) {
          JANGBU_RETURN_IF_ERROR(CheckCommit(entry, *commit));
        } else if (const auto* decision = std::get_if<ledger::Decision>(&entry.body)) {
          JANGBU_RETURN_IF_ERROR(CheckDecision(entry, *decision));
        } else if (const auto* lot = std::get_if<ledger::Lot>(&entry.body)) {
          JANGBU_RETURN_IF_ERROR(CheckLot(entry, *lot));
        } else if (const auto* withdrawn = std::get_if<ledger::Withdrawn>(&entry.body)) {
          JANGBU_RETURN_IF_ERROR(PassOnOwn(entry, *withdrawn));
        } else if (std::holds_alternative<ledger::RunBegun>(entry.body)) {
          JANGBU_RETURN_IF_ERROR(PassOnEverybodys(entry.seq));
        } else if (const auto* items = std::get_if<ledger::RecountItems>(&entry.body)) {
          JANGBU_RETURN_IF_ERROR(CheckRecount(entry, *items));
          recounted_[items->recount].push_back(*items);
        } else if (const auto* decided = std::get_if<ledger::RecountDecided>(&entry.body)) {
          Recounted(entry, *decided);
        } else if (const auto* succession = std::get_if<ledger::Succession>(&entry.body)) {
          JANGBU_RETURN_IF_ERROR(CheckSuccession(entry, *succession));
        } else if (const auto* settled = std::get_if<ledger::ClaimSettled>(&entry.body)) {
          ClaimMoved(entry.partner, *settled);
        } else if (const auto* posted = std::get_if<ledger::ClosePosted>(&entry.body)) {
          JANGBU_RETURN_IF_ERROR(CheckClose(*posted));
        }
      }
      seq += entries.size();
    }
    Say("verdicts, novelty, credits and lots follow from the appraisals and the texts: " +
        std::to_string(report_.documents) + " documents");
    if (report_.not_recomputed > 0) {
      Say("items that could not be recomputed in full, because texts were erased: " +
          std::to_string(report_.not_recomputed));
    }
    if (left_to_deep_ > 0) {
      Say("items of re-counts by another tokenizer, which --deep counts again: " +
          std::to_string(left_to_deep_));
    }
    if (options_.deep) Say("texts recounted: " + std::to_string(report_.texts_recounted));
    JANGBU_RETURN_IF_ERROR(CheckKeyIndex());
    Say("the key index holds the claims in force: " + std::to_string(report_.keys_compared) +
        " keys");
    StatusOr<Digest> root =
        opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
          if (books.size() == 0) return StatusOr<Digest>(Digest{});
          return ledger::BooksRoot(books, [&](uint64_t seq) -> StatusOr<ledger::Entry> {
            JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> records,
                                    opened_.data->journal().Read(seq, 1, size_t{1} << 30));
            if (records.empty())
              return NotFound("no_such_entry", "the journal has no entry " + std::to_string(seq));
            return ledger::DecodeEntry(seq, records[0]);
          });
        });
    JANGBU_RETURN_IF_ERROR(root.status());
    report_.books_root = ToHex(*root);
    Say("books root " + report_.books_root);
    return report_;
  }

 private:
  void Say(const std::string& line) const {
    if (progress_) progress_(line);
  }

  Status LoadTokenizer() {
    std::map<uint32_t, Digest> pinned;
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      pinned[0] = books.genesis()->tokenizer_sha256;
      for (const ledger::RecountRecord& recount : books.recounts()) {
        if (recount.state != ledger::DecisionState::kRefused &&
            !recount.spec.tokenizer_algorithm.empty()) {
          pinned[recount.spec.recount] = recount.spec.tokenizer_sha256;
        }
      }
    });
    fingerprinter_ =
        std::make_unique<ingest::Fingerprinter>(opened_.keyring->index_secret().bytes());
    for (const auto& [recount, sha256] : pinned) {
      const BlobName name{.kind = BlobKind::kTokenizer, .token = recount, .ordinal = 0};
      JANGBU_ASSIGN_OR_RETURN(const auto bytes, opened_.data->blobs().Get({&name, 1}));
      if (!bytes[0].has_value())
        return DataLoss("tokenizer_missing", "a pinned tokenizer's file is gone");
      JANGBU_ASSIGN_OR_RETURN(const auto tokenizer, ingest::Tokenizer::Load(*bytes[0]));
      if (tokenizer->file_sha256() != sha256)
        return DataLoss("tokenizer_changed", "the tokenizer is not the pinned one");
      appraisers_[recount] = std::make_unique<ingest::Appraiser>(
          tokenizer, ingest::TokenCounterOptions{}, *fingerprinter_);
    }
    return OkStatus();
  }

  struct Batch {
    uint32_t partner = 0;
    uint64_t upload = 0;
  };
  Batch BatchOf(uint64_t token) const {
    return opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      const uint64_t upload = books.FindBatch(token)->upload_token;
      return Batch{.partner = books.FindUpload(upload)->partner, .upload = upload};
    });
  }

  StatusOr<BatchAppraisal> Appraisals(uint64_t token, uint32_t partner) {
    return ReadAppraisal(opened_.data->blobs(), *opened_.keyring, partner, token);
  }

  // The claim of `key` by `self`: the first one wins.
  static Owner Claim(Holders& holders, const Key& key, const Owner& self) {
    const Owner first = holders.held.try_emplace(key, self).first->second;
    if (first != self) holders.waiting[key].push_back(self);
    return first;
  }

  // What documents that were withdrawn in [from, to) hold goes to the earliest that waits and was
  // not withdrawn before `to`: in the tables of one partner, or in everybody's (0).
  Status PassOn(uint32_t scope, uint32_t partner, uint64_t from, uint64_t to) {
    DocumentSet gone;
    DocumentSet never;
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      gone = WithdrawnIn(books, partner, from, to);
      never = WithdrawnIn(books, partner, 0, to);
    });
    for (const auto& [token, ranges] : gone.ranges()) {
      JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                              Appraisals(token, BatchOf(token).partner));
      for (const ledger::DocumentRange& range : ranges) {
        for (uint32_t i = range.first; i < range.first + range.count; ++i) {
          if (appraisal[i].item.verdict == ledger::Verdict::kRejected) continue;
          PassOnKey(kTableDocuments, scope, appraisal[i].document_key, gone, never);
          for (const ingest::SegmentOffer& offer : appraisal[i].offers) {
            if (offer.key != ingest::kNoKey)
              PassOnKey(kTableSegments, scope, offer.key, gone, never);
          }
        }
      }
    }
    return OkStatus();
  }
  void PassOnKey(uint32_t kind, uint32_t scope, const Key& key, const DocumentSet& gone,
                 const DocumentSet& never) {
    Holders& holders = tables_[{kind, scope}];
    const auto held = holders.held.find(key);
    if (held == holders.held.end() || !gone.Contains(held->second)) return;
    holders.held.erase(held);
    const auto waiting = holders.waiting.find(key);
    if (waiting == holders.waiting.end()) return;
    for (auto next = waiting->second.begin(); next != waiting->second.end(); ++next) {
      if (never.Contains(*next)) continue;
      // What can never be credited is no reference text.
      const bool credits =
          opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
            return (*books.FactsOf(next->token))[next->ordinal].credits;
          });
      if (!credits) continue;
      holders.held.emplace(key, *next);
      waiting->second.erase(next);
      return;
    }
  }
  Status PassOnOwn(const ledger::Entry& entry, const ledger::Withdrawn&) {
    uint32_t partner = 0;
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      partner = books.FindPartner(entry.partner)->number;
    });
    return PassOn(partner, partner, entry.seq, entry.seq + 1);
  }
  Status PassOnEverybodys(uint64_t cut) {
    JANGBU_RETURN_IF_ERROR(PassOn(0, 0, cut_, cut));
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      withdrawn_ = WithdrawnIn(books, 0, cut_, cut);
    });
    cut_ = cut;
    return OkStatus();
  }

  // How a document was credited before the first novelty rule: by whole segments.
  static ingest::NovelCounts ClaimOffers(Holders& holders,
                                         const std::vector<ingest::SegmentOffer>& offers,
                                         const Owner& self) {
    ingest::NovelCounts credit;
    for (const ingest::SegmentOffer& offer : offers) {
      if (Claim(holders, offer.key, self) != self) continue;
      credit.korean_tokens += offer.korean_tokens;
      credit.korean_words += offer.korean_words;
    }
    return credit;
  }

  // The rule that an entry about a batch was made under; nothing before the first rule.
  std::optional<ingest::NoveltyRule> RuleAt(uint64_t seq, uint64_t token) const {
    return opened_.scribe->Read(
        [&](const ledger::Books& books,
            const ledger::MerkleTree&) -> std::optional<ingest::NoveltyRule> {
          if (books.novelty_rules().empty() || seq < books.novelty_rules()[0].first)
            return std::nullopt;
          return RuleOf(*books.NoveltyRuleOf(token));
        });
  }

  // Claims what the documents of a batch claim. `owners[i]` are those of the offers of document i.
  static std::vector<std::vector<Owner>> ClaimSegments(Holders& holders, uint64_t token,
                                                       const BatchAppraisal& appraisal,
                                                       const std::vector<ledger::Item>& items,
                                                       const DocumentSet& withdrawn) {
    std::vector<std::vector<Owner>> owners(appraisal.size());
    for (size_t i = 0; i < appraisal.size(); ++i) {
      const Owner self{.token = token, .ordinal = static_cast<uint32_t>(i)};
      if (items[i].verdict == ledger::Verdict::kRejected || withdrawn.Contains(self)) continue;
      for (const ingest::SegmentOffer& offer : appraisal[i].offers) {
        owners[i].push_back(offer.key == ingest::kNoKey ? self : Claim(holders, offer.key, self));
      }
    }
    return owners;
  }

  static std::vector<bool> FreeOf(const std::vector<ingest::SegmentOffer>& offers,
                                  const std::vector<Owner>& owners, const Owner& self) {
    std::vector<bool> free(offers.size(), false);
    for (size_t k = 0; k < offers.size(); ++k)
      free[k] = offers[k].key != ingest::kNoKey && owners[k] == self;
    return free;
  }

  // The forms of a batch's documents that were not rejected, from their stored texts; none where
  // the key was destroyed.
  StatusOr<std::vector<std::optional<ingest::DocumentForm>>> FormsOf(
      const Batch& batch, const ledger::BatchCommit& commit) {
    std::vector<uint32_t> ordinals;
    for (uint32_t i = 0; i < commit.items.size(); ++i) {
      if (commit.items[i].verdict != ledger::Verdict::kRejected) ordinals.push_back(i);
    }
    JANGBU_ASSIGN_OR_RETURN(const auto texts, texts_.Read(batch.partner, batch.upload, commit.token,
                                                          commit.items, ordinals));
    std::vector<std::optional<ingest::DocumentForm>> forms(commit.items.size());
    for (size_t i = 0; i < ordinals.size(); ++i) {
      if (texts[i].has_value()) {
        forms[ordinals[i]] = ingest::FormOfDocument(*texts[i]);
      } else {
        texts_gone_ = true;
      }
    }
    return forms;
  }

  // With a text gone, what was covered by it cannot be seen any more: then a document may have been
  // credited for less than follows now, and another named as its near one.
  bool Follows(const ledger::Item& expected, const ledger::Item& found) {
    if (expected == found) return true;
    if (!texts_gone_ || found.novel_korean_tokens > expected.novel_korean_tokens ||
        found.novel_korean_words > expected.novel_korean_words) {
      return false;
    }
    ledger::Item same = found;
    same.verdict = expected.verdict;
    same.novel_korean_tokens = expected.novel_korean_tokens;
    same.novel_korean_words = expected.novel_korean_words;
    same.duplicate_of = expected.duplicate_of;
    same.similarity_ppm = expected.similarity_ppm;
    if (same != expected) return false;
    ++report_.not_recomputed;
    return true;
  }
  bool Follows(const ledger::DecidedItem& expected, const ledger::DecidedItem& found) {
    if (expected == found) return true;
    if (!texts_gone_ || found.korean_tokens > expected.korean_tokens ||
        found.korean_words > expected.korean_words) {
      return false;
    }
    ++report_.not_recomputed;
    return true;
  }

  Status CheckCommitByRuns(const ledger::Entry& entry, const ledger::BatchCommit& commit,
                           const Batch& batch, const BatchAppraisal& appraisal,
                           const ingest::NoveltyRule& rule) {
    Holders& ids = tables_[{kTableDocumentIds, batch.partner}];
    Holders& documents = tables_[{kTableDocuments, batch.partner}];
    std::vector<ledger::Item> expected;
    for (size_t i = 0; i < appraisal.size(); ++i) {
      const Owner self{.token = commit.token, .ordinal = static_cast<uint32_t>(i)};
      expected.push_back(appraisal[i].item);
      if (appraisal[i].document_id_key.has_value() &&
          Claim(ids, *appraisal[i].document_id_key, self) != self) {
        return Differs("a document id was committed twice", Where(entry.seq, i));
      }
      ledger::Item& item = expected.back();
      if (item.verdict == ledger::Verdict::kRejected) continue;
      const Owner first = Claim(documents, appraisal[i].document_key, self);
      if (first == self) continue;
      item.verdict = ledger::Verdict::kExactDuplicate;
      item.duplicate_of = first;
      item.similarity_ppm = 1'000'000;
    }
    const std::vector<std::vector<Owner>> owners = ClaimSegments(
        tables_[{kTableSegments, batch.partner}], commit.token, appraisal, expected, DocumentSet());
    JANGBU_ASSIGN_OR_RETURN(const auto opened, FormsOf(batch, commit));
    std::vector<ingest::DocumentForm> forms(opened.size());
    std::vector<ingest::RunText> texts;
    for (size_t i = 0; i < opened.size(); ++i) {
      if (expected[i].verdict != ledger::Verdict::kAccepted || !opened[i].has_value()) continue;
      forms[i] = *opened[i];
      const Owner self{.token = commit.token, .ordinal = static_cast<uint32_t>(i)};
      texts.push_back(
          {.document = {.place = PlaceOf(self), .scope = batch.partner}, .form = forms[i].stream});
    }
    JANGBU_ASSIGN_OR_RETURN(std::shared_ptr<const ingest::RunSegment> segment,
                            ingest::RunSegment::Build(hasher_, texts));
    std::unique_ptr<ingest::RunIndex>& index = indexes_[batch.partner];
    if (index == nullptr) index = std::make_unique<ingest::RunIndex>(hasher_);
    const ingest::RunView views[] = {index->View(), ingest::RunView(&hasher_, {segment})};
    const ingest::RunView view = ingest::RunView::Of(views);
    BatchForms sources(commit.token, forms, forms_);
    for (size_t i = 0; i < appraisal.size(); ++i) {
      ledger::Item& item = expected[i];
      ++report_.documents;
      if (item.verdict == ledger::Verdict::kAccepted && !opened[i].has_value()) {
        ++report_.not_recomputed;
        continue;
      }
      if (item.verdict == ledger::Verdict::kAccepted) {
        const Owner self{.token = commit.token, .ordinal = static_cast<uint32_t>(i)};
        const ingest::Reference reference{.before = PlaceOf(self), .counts = nullptr};
        if (appraisal[i].offers.size() != forms[i].offers.size())
          return Differs("the appraisal is not of the stored text", Where(entry.seq, i));
        JANGBU_ASSIGN_OR_RETURN(
            const Judgement judged,
            Judge(forms[i], appraisal[i].offers, FreeOf(appraisal[i].offers, owners[i], self), view,
                  reference, reference, sources, hasher_, rule));
        if (judged.near.has_value()) {
          item.verdict = ledger::Verdict::kNearDuplicate;
          item.duplicate_of = OwnerOf(judged.near->document);
          item.similarity_ppm = ingest::ShareOf(judged.near->covered, forms[i].stream.size());
        }
        item.novel_korean_tokens = judged.credit.korean_tokens;
        item.novel_korean_words = judged.credit.korean_words;
      }
      if (!Follows(item, commit.items[i]))
        return Differs("the verdict does not follow", Where(entry.seq, i));
    }
    return Keep(*index, std::move(segment));
  }

  Status Keep(ingest::RunIndex& index, std::shared_ptr<const ingest::RunSegment> segment) {
    if (segment->tiles() == 0) return OkStatus();
    index.Add(std::move(segment));
    while (true) {
      JANGBU_ASSIGN_OR_RETURN(const auto merged, index.MergeSome(forms_));
      if (!merged.has_value()) return OkStatus();
    }
  }

  // What was judged by whole segments is reference text too.
  Status KeepTexts(const Batch& batch, const ledger::BatchCommit& commit) {
    JANGBU_ASSIGN_OR_RETURN(const auto opened, FormsOf(batch, commit));
    std::vector<ingest::RunText> texts;
    for (uint32_t i = 0; i < opened.size(); ++i) {
      if (!InReference(commit.items[i].verdict) || !opened[i].has_value()) continue;
      texts.push_back(
          {.document = {.place = {.entry = commit.token, .ordinal = i}, .scope = batch.partner},
           .form = opened[i]->stream});
    }
    JANGBU_ASSIGN_OR_RETURN(auto segment, ingest::RunSegment::Build(hasher_, texts));
    std::unique_ptr<ingest::RunIndex>& index = indexes_[batch.partner];
    if (index == nullptr) index = std::make_unique<ingest::RunIndex>(hasher_);
    return Keep(*index, std::move(segment));
  }

  Status CheckCommit(const ledger::Entry& entry, const ledger::BatchCommit& commit) {
    const Batch batch = BatchOf(commit.token);
    commits_[commit.token] = entry.seq;
    JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                            Appraisals(commit.token, batch.partner));
    if (opened_.keyring->NameMac("appraisal", {EncodeBatchAppraisal(appraisal)}) !=
            commit.appraisal_mac ||
        appraisal.size() != commit.items.size()) {
      return Differs("the appraisal is not the one committed", Where(entry.seq, 0));
    }
    if (const auto rule = RuleAt(entry.seq, commit.token); rule.has_value()) {
      JANGBU_RETURN_IF_ERROR(CheckCommitByRuns(entry, commit, batch, appraisal, *rule));
      if (options_.deep) JANGBU_RETURN_IF_ERROR(Recount(entry, commit, batch, appraisal));
      return OkStatus();
    }
    Holders& ids = tables_[{kTableDocumentIds, batch.partner}];
    Holders& documents = tables_[{kTableDocuments, batch.partner}];
    Holders& segments = tables_[{kTableSegments, batch.partner}];
    for (size_t i = 0; i < appraisal.size(); ++i) {
      const Owner self{.token = commit.token, .ordinal = static_cast<uint32_t>(i)};
      ledger::Item expected = appraisal[i].item;
      if (appraisal[i].document_id_key.has_value() &&
          Claim(ids, *appraisal[i].document_id_key, self) != self) {
        return Differs("a document id was committed twice", Where(entry.seq, i));
      }
      if (expected.verdict != ledger::Verdict::kRejected) {
        const Owner first = Claim(documents, appraisal[i].document_key, self);
        if (first != self) {
          expected.verdict = ledger::Verdict::kExactDuplicate;
          expected.duplicate_of = first;
          expected.similarity_ppm = 1'000'000;
        } else {
          const ingest::NovelCounts credit = ClaimOffers(segments, appraisal[i].offers, self);
          expected.novel_korean_tokens = credit.korean_tokens;
          expected.novel_korean_words = credit.korean_words;
        }
      }
      if (expected != commit.items[i])
        return Differs("the verdict does not follow", Where(entry.seq, i));
      ++report_.documents;
    }
    JANGBU_RETURN_IF_ERROR(KeepTexts(batch, commit));
    if (options_.deep) JANGBU_RETURN_IF_ERROR(Recount(entry, commit, batch, appraisal));
    return OkStatus();
  }

  // Offers made before the first rule have keys of long segments too.
  static bool SameOffers(const std::vector<ingest::SegmentOffer>& again,
                         const std::vector<ingest::SegmentOffer>& stored) {
    return std::equal(again.begin(), again.end(), stored.begin(), stored.end(),
                      [](const ingest::SegmentOffer& a, const ingest::SegmentOffer& b) {
                        return (a.key == b.key || a.key == ingest::kNoKey) &&
                               a.korean_tokens == b.korean_tokens &&
                               a.korean_words == b.korean_words;
                      });
  }

  Status Recount(const ledger::Entry& entry, const ledger::BatchCommit& commit, const Batch& batch,
                 const BatchAppraisal& appraisal) {
    JANGBU_ASSIGN_OR_RETURN(const auto partner_key, opened_.keyring->PartnerKey(batch.partner));
    uint32_t corpus = 0;
    uint32_t tokenizer = 0;
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      corpus = books.FindUpload(batch.upload)->corpus;
      tokenizer = books.TokenizerOf(commit.token);
    });
    JANGBU_ASSIGN_OR_RETURN(
        const auto metadata,
        ReadCorpusMetadata(*opened_.scribe, *opened_.keyring, batch.partner, corpus));
    const std::shared_ptr<const ingest::ScreenPolicy> policy(metadata, &metadata->screen);
    for (size_t i = 0; i < appraisal.size(); ++i) {
      const ledger::Item& item = appraisal[i].item;
      const VaultName key_name{
          .kind = VaultKind::kDocument, .id = commit.token, .ordinal = static_cast<uint32_t>(i)};
      const BlobName name{.kind = BlobKind::kText, .token = commit.token, .ordinal = i};
      JANGBU_ASSIGN_OR_RETURN(const auto wrapped, opened_.keyring->vault().Get({&key_name, 1}));
      const bool withdrawn =
          opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
            return (*books.FactsOf(commit.token))[i].withdrawn;
          });
      if (withdrawn) {
        if (!wrapped[0].has_value()) continue;
        return Differs("the key of a withdrawn document still exists", Where(entry.seq, i));
      }
      if (!wrapped[0].has_value())
        return Differs("the key of a document is gone", Where(entry.seq, i));
      JANGBU_ASSIGN_OR_RETURN(const SecretKey key, UnwrapKey(*partner_key, key_name, *wrapped[0]));
      JANGBU_ASSIGN_OR_RETURN(const auto blob, opened_.data->blobs().Get({&name, 1}));
      if (!blob[0].has_value()) return Differs("a stored document is gone", Where(entry.seq, i));
      const DocumentPlace place{.upload = batch.upload, .file = item.file, .record = item.record};
      JANGBU_RETURN_IF_ERROR(OpenFacts(key, place, *blob[0]).status());
      JANGBU_ASSIGN_OR_RETURN(const std::string text, OpenText(key, place, *blob[0]));
      if (item.verdict == ledger::Verdict::kRejected) continue;
      const ingest::Appraisal again = appraisers_.at(tokenizer)->Appraise(text, *policy);
      // Masked text holds nothing more to mask, so the same text comes back.
      const bool same = again.canonical == text && again.screened.reason.empty() &&
                        again.chars == item.chars && again.syllables == item.syllables &&
                        again.words == item.words && again.tokens == item.tokens &&
                        again.korean_words == item.korean_words &&
                        again.korean_tokens == item.korean_tokens &&
                        again.document_key == appraisal[i].document_key &&
                        SameOffers(again.offers, appraisal[i].offers);
      if (!same) return Differs("a new count of the stored text differs", Where(entry.seq, i));
      ++report_.texts_recounted;
    }
    return OkStatus();
  }

  Status CheckDecision(const ledger::Entry& entry, const ledger::Decision& decision) {
    const Batch batch = BatchOf(decision.token);
    JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                            Appraisals(decision.token, batch.partner));
    uint64_t commit_seq = 0;
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      commit_seq = books.FindBatch(decision.token)->commit;
    });
    JANGBU_ASSIGN_OR_RETURN(const ledger::Entry commit_entry, opened_.scribe->EntryAt(commit_seq));
    const auto& commit = std::get<ledger::BatchCommit>(commit_entry.body);
    if (const auto rule = RuleAt(entry.seq, decision.token); rule.has_value())
      return CheckDecisionByRuns(entry, decision, batch, appraisal, commit, commit_seq, *rule);
    Holders& documents = tables_[{kTableDocuments, 0}];
    Holders& segments = tables_[{kTableSegments, 0}];
    // Whole documents first, then segments, as the run does: a document held as a whole claims no
    // segment.
    std::vector<Owner> first(appraisal.size());
    const auto credits = [&](size_t i) {
      return commit.items[i].verdict == ledger::Verdict::kAccepted;
    };
    for (size_t i = 0; i < appraisal.size(); ++i) {
      const Owner self{.token = decision.token, .ordinal = static_cast<uint32_t>(i)};
      if (credits(i)) first[i] = Claim(documents, appraisal[i].document_key, self);
    }
    for (size_t i = 0; i < appraisal.size(); ++i) {
      const Owner self{.token = decision.token, .ordinal = static_cast<uint32_t>(i)};
      ingest::NovelCounts credit;
      if (credits(i) && first[i] == self) credit = ClaimOffers(segments, appraisal[i].offers, self);
      if (credit.korean_tokens != decision.items[i].korean_tokens ||
          credit.korean_words != decision.items[i].korean_words ||
          (credits(i) && first[i] != self && decision.items[i].held_by != first[i])) {
        return Differs("the confirmed item does not follow", Where(entry.seq, i));
      }
    }
    items_[decision.token] = decision.items;
    return OkStatus();
  }

  Status CheckDecisionByRuns(const ledger::Entry& entry, const ledger::Decision& decision,
                             const Batch& batch, const BatchAppraisal& appraisal,
                             const ledger::BatchCommit& commit, uint64_t commit_seq,
                             const ingest::NoveltyRule& rule) {
    Holders& documents = tables_[{kTableDocuments, 0}];
    const std::vector<std::vector<Owner>> owners = ClaimSegments(
        tables_[{kTableSegments, 0}], decision.token, appraisal, commit.items, withdrawn_);
    std::vector<ingest::RunView> views;
    for (const auto& [partner, index] : indexes_) views.push_back(index->View());
    const ingest::RunView view = ingest::RunView::Of(views);
    JANGBU_ASSIGN_OR_RETURN(const auto forms, FormsOf(batch, commit));
    for (uint32_t i = 0; i < appraisal.size(); ++i) {
      const Owner self{.token = decision.token, .ordinal = i};
      ledger::DecidedItem expected;
      // One that was withdrawn before the run claims nothing and earns nothing.
      if (InReference(commit.items[i].verdict) && !withdrawn_.Contains(self)) {
        const Owner first = Claim(documents, appraisal[i].document_key, self);
        if (first != self) {
          expected.held_by = first;
          expected.similarity_ppm = 1'000'000;
        } else if (!forms[i].has_value()) {
          // Its text could be read when it was decided, or could not: both are fine.
          ++report_.not_recomputed;
          continue;
        } else {
          const ingest::Reference reference = EarlierThan(self, commit_seq, commits_);
          const ingest::Reference of_others = Only(
              reference, [partner = batch.partner](uint32_t scope) { return scope != partner; });
          JANGBU_ASSIGN_OR_RETURN(
              Judgement judged,
              Judge(*forms[i], appraisal[i].offers, FreeOf(appraisal[i].offers, owners[i], self),
                    view, reference, of_others, forms_, hasher_, rule));
          const ingest::NovelCounts& credit = judged.credit;
          const ledger::Item& offered = commit.items[i];
          expected.korean_tokens = std::min(credit.korean_tokens, offered.novel_korean_tokens);
          expected.korean_words = std::min(credit.korean_words, offered.novel_korean_words);
          const bool nothing_left =
              expected.korean_tokens == 0 && expected.korean_words == 0 &&
              (offered.novel_korean_tokens != 0 || offered.novel_korean_words != 0);
          if (nothing_left && !judged.near.has_value()) {
            JANGBU_ASSIGN_OR_RETURN(
                judged.near, view.NearestWithin(forms[i]->stream, judged.may_be_covered, of_others,
                                                forms_, 1, nullptr, rule.min_run));
          }
          if (judged.near.has_value()) {
            expected.held_by = OwnerOf(judged.near->document);
            expected.similarity_ppm =
                ingest::ShareOf(judged.near->covered, forms[i]->stream.size());
          } else if (nothing_left) {
            const auto other = std::find_if(owners[i].begin(), owners[i].end(),
                                            [&](const Owner& owner) { return owner != self; });
            if (other != owners[i].end()) expected.held_by = *other;
          }
        }
      }
      if (!Follows(expected, decision.items[i]))
        return Differs("the confirmed item does not follow", Where(entry.seq, i));
    }
    items_[decision.token] = decision.items;
    return OkStatus();
  }

  // What a decided document is credited for by its text, `offers` of it and `rule`, beside the
  // texts that stand before it.
  StatusOr<ingest::NovelCounts> CreditNow(const Owner& self, const ingest::RunView& view,
                                          const std::string& text,
                                          const std::vector<ingest::SegmentOffer>& offers,
                                          const ingest::NoveltyRule& rule) {
    const uint64_t commit_seq = commits_.at(self.token);
    const ingest::DocumentForm form = ingest::FormOfDocument(text);
    if (form.offers.size() != offers.size())
      return DataLoss("appraisal_changed", "an appraisal is not of the stored text");
    const ingest::Reference reference = EarlierThan(self, commit_seq, commits_);
    std::vector<Owner> owners;
    const Holders& segments = tables_[{kTableSegments, 0}];
    for (const ingest::SegmentOffer& offer : offers) {
      const auto held = segments.held.find(offer.key);
      owners.push_back(held == segments.held.end() ? Owner{} : held->second);
    }
    return JudgeCredit(form, offers, FreeOf(offers, owners, self), view, reference, forms_, hasher_,
                       rule);
  }

  // Each document of a re-count's items is judged and counted again, by the rule and the tokenizer
  // that were to be. Texts that were destroyed since leave more to a document, never less.
  Status CheckRecount(const ledger::Entry& entry, const ledger::RecountItems& items) {
    ledger::RecountBegun spec;
    std::optional<ledger::NoveltyRule> rule;
    uint32_t counted_by = 0;
    uint32_t counts = 0;
    uint32_t corpus = 0;
    const Batch batch = BatchOf(items.token);
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      spec = books.recounts()[items.recount - 1].spec;
      rule = books.NoveltyRuleOf(items.token);
      counted_by = counts = books.TokenizerOf(items.token);
      corpus = books.FindUpload(batch.upload)->corpus;
      const uint64_t decision = *books.FindBatch(items.token)->decision;
      for (const auto& [number, seq] : approved_) {
        if (decision > seq) continue;
        const ledger::RecountBegun& earlier = books.recounts()[number - 1].spec;
        if (earlier.min_run != 0) {
          rule = ledger::NoveltyRule{.min_run = earlier.min_run,
                                     .near_ppm = earlier.near_ppm,
                                     .novel_ppm = earlier.novel_ppm};
        }
        if (!earlier.tokenizer_algorithm.empty()) counts = number;
      }
    });
    if (spec.min_run != 0) {
      rule = ledger::NoveltyRule{
          .min_run = spec.min_run, .near_ppm = spec.near_ppm, .novel_ppm = spec.novel_ppm};
    }
    if (!spec.tokenizer_algorithm.empty()) counts = items.recount;
    const bool again = counts != counted_by;
    if (again && !appraisers_.contains(counts)) {
      // With --deep, only of a re-count that was refused: it moved nothing.
      if (!options_.deep) left_to_deep_ += items.items.size();
      return OkStatus();
    }
    JANGBU_ASSIGN_OR_RETURN(
        const auto metadata,
        ReadCorpusMetadata(*opened_.scribe, *opened_.keyring, batch.partner, corpus));
    const std::shared_ptr<const ingest::ScreenPolicy> policy(metadata, &metadata->screen);
    std::vector<ingest::RunView> views;
    for (const auto& [partner, index] : indexes_) views.push_back(index->View());
    const ingest::RunView view = ingest::RunView::Of(views);
    JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal, Appraisals(items.token, batch.partner));
    for (const ledger::RecountItems::Item& item : items.items) {
      const Owner self{.token = items.token, .ordinal = item.ordinal};
      JANGBU_ASSIGN_OR_RETURN(const auto texts,
                              texts_.Read(batch.partner, items.token, {&item.ordinal, 1}));
      if (!texts[0].has_value()) {
        ++report_.not_recomputed;
        continue;
      }
      const std::vector<ingest::SegmentOffer> offers =
          again ? appraisers_.at(counts)->Appraise(*texts[0], *policy).offers
                : appraisal[item.ordinal].offers;
      JANGBU_ASSIGN_OR_RETURN(const ingest::NovelCounts credit,
                              CreditNow(self, view, *texts[0], offers, RuleOf(*rule)));
      const bool less =
          item.korean_tokens <= credit.korean_tokens && item.korean_words <= credit.korean_words;
      const bool same =
          item.korean_tokens == credit.korean_tokens && item.korean_words == credit.korean_words;
      if (!same && !(texts_gone_ && less))
        return Differs("an item of a re-count does not follow", Where(entry.seq, item.ordinal));
      if (!same) ++report_.not_recomputed;
    }
    return OkStatus();
  }

  // What the texts that are left say about an heir: it inherits no more than would be new now.
  // Texts that were destroyed since make that more, never less.
  Status CheckSuccession(const ledger::Entry& entry, const ledger::Succession& succession) {
    std::vector<ingest::RunView> views;
    for (const auto& [partner, index] : indexes_) views.push_back(index->View());
    const ingest::RunView view = ingest::RunView::Of(views);
    for (const ledger::Succession::Heir& heir : succession.heirs) {
      const Owner self = heir.document;
      const Batch batch = BatchOf(self.token);
      const ledger::DecidedItem& item = items_.at(self.token)[self.ordinal];
      const auto moved = moved_in_all_[self];
      moved_in_all_[self] = {moved.first + heir.korean_tokens, moved.second + heir.korean_words};
      Moved(self, heir.korean_tokens, heir.korean_words);
      uint32_t recounted = 0;
      std::optional<ledger::NoveltyRule> rule;
      opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
        recounted = books.FindBatch(self.token)->recount;
        rule = books.NoveltyRuleOf(self.token);
      });
      JANGBU_ASSIGN_OR_RETURN(const auto texts,
                              texts_.Read(batch.partner, self.token, {&self.ordinal, 1}));
      // Counted or judged otherwise by now, or gone.
      if (recounted != 0 || !texts[0].has_value()) {
        ++report_.not_recomputed;
        continue;
      }
      JANGBU_ASSIGN_OR_RETURN(const BatchAppraisal appraisal,
                              Appraisals(self.token, batch.partner));
      JANGBU_ASSIGN_OR_RETURN(
          const ingest::NovelCounts credit,
          CreditNow(self, view, *texts[0], appraisal[self.ordinal].offers, RuleOf(*rule)));
      if (item.korean_tokens + moved_in_all_[self].first > credit.korean_tokens ||
          item.korean_words + moved_in_all_[self].second > credit.korean_words) {
        return Differs("a document inherits more than is new in it",
                       Where(entry.seq, self.ordinal));
      }
    }
    return OkStatus();
  }

  // An approved re-count: what waits for a lot is settled as it says.
  void Recounted(const ledger::Entry& entry, const ledger::RecountDecided& decided) {
    if (!decided.approved) return;
    approved_.emplace_back(decided.recount, entry.seq);
    for (const ledger::RecountItems& batch : recounted_[decided.recount]) {
      for (const ledger::RecountItems::Item& item : batch.items) {
        const Owner document{.token = batch.token, .ordinal = item.ordinal};
        const ledger::DecidedItem& before = items_.at(batch.token)[item.ordinal];
        const auto moved = moved_[document];
        Moved(document, item.korean_tokens - before.korean_tokens - moved.first,
              item.korean_words - before.korean_words - moved.second);
      }
    }
  }

  // Credit that moved to or from a document that no lot has settled yet.
  void Moved(const Owner& document, int64_t tokens, int64_t words) {
    if (settled_.contains(document)) return;  // the next lot's adjustments say it
    moved_[document].first += tokens;
    moved_[document].second += words;
  }
  void ClaimMoved(const std::string& partner, const ledger::ClaimSettled& settled) {
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      const ledger::ClaimRecord& claim = books.FindPartner(partner)->claims[settled.claim - 1];
      if (!settled.granted || !claim.holder.has_value()) return;
      Moved(*claim.holder, -settled.korean_tokens, -settled.korean_words);
      Moved(claim.document, settled.korean_tokens, settled.korean_words);
    });
  }

  // The books recompute shares; that what is published commits to them is seen here.
  Status CheckClose(const ledger::ClosePosted& posted) {
    return opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      return CheckPublished(posted.published, books.closes().at(posted.published.period).figures,
                            posted.seed);
    });
  }

  Status CheckLot(const ledger::Entry& entry, const ledger::Lot& lot) {
    int64_t tokens = 0;
    int64_t words = 0;
    int64_t documents = 0;
    for (const ledger::DocumentRange& range : lot.ranges) {
      const auto items = items_.find(range.token);
      if (items == items_.end() || range.first + range.count > items->second.size()) {
        return Differs("a lot settles what was not decided", Where(entry.seq, 0));
      }
      for (uint32_t i = range.first; i < range.first + range.count; ++i) {
        if (!settled_.emplace(Owner{.token = range.token, .ordinal = i}, entry.seq).second) {
          return Differs("a document was settled twice", Where(entry.seq, i));
        }
        tokens += items->second[i].korean_tokens;
        words += items->second[i].korean_words;
        ++documents;
      }
    }
    // What succession and claims moved while a document waited for this lot, and what they and
    // withdrawals take from or add to earlier ones.
    for (const ledger::DocumentRange& range : lot.ranges) {
      for (uint32_t i = range.first; i < range.first + range.count; ++i) {
        const auto moved = moved_.find(Owner{.token = range.token, .ordinal = i});
        if (moved == moved_.end()) continue;
        tokens += moved->second.first;
        words += moved->second.second;
      }
    }
    for (const ledger::Adjustment& adjustment : lot.adjustments) {
      if (!settled_.contains(adjustment.document))
        return Differs("a lot adjusts what no lot settled", Where(entry.seq, 0));
      tokens += adjustment.korean_tokens;
      words += adjustment.korean_words;
    }
    auto& [carry_tokens, carry_words] = carries_[entry.partner];
    if (documents != lot.documents ||
        tokens + carry_tokens != lot.confirmed_korean_tokens + lot.carry_tokens_after ||
        words + carry_words != lot.confirmed_korean_words + lot.carry_words_after) {
      return Differs("a lot is not the sum of its items and the carry", Where(entry.seq, 0));
    }
    carry_tokens = lot.carry_tokens_after;
    carry_words = lot.carry_words_after;
    return OkStatus();
  }

  // Everything that the index holds is expected, and everything expected is there. Claims of a
  // batch or a decision that a crash cut short are made again when it is finished, so they may be
  // there already.
  Status CheckKeyIndex() {
    std::map<std::pair<uint32_t, uint32_t>, bool> tables;
    opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
      for (const uint32_t kind : {kTableDocuments, kTableSegments, kTableDocumentIds}) {
        if (kind != kTableDocumentIds) tables[{kind, 0}] = true;
        for (const auto& partner : books.partners()) tables[{kind, partner->number}] = true;
      }
    });
    for (const auto& [table, unused] : tables) {
      const Holders& expected = tables_[table];
      const TableId id{.kind = table.first, .scope = table.second};
      const std::string name =
          "table " + std::to_string(id.kind) + " of " + std::to_string(id.scope);
      uint64_t matched = 0;
      std::optional<Key> after;
      while (true) {
        JANGBU_ASSIGN_OR_RETURN(const std::vector<IndexedKey> page,
                                opened_.data->keys().Scan(id, after, 65'536));
        for (const IndexedKey& key : page) {
          const auto found = expected.held.find(key.key);
          if (found != expected.held.end()) {
            if (found->second != key.owner)
              return Differs("the key index names another owner:", name);
            ++matched;
            continue;
          }
          const bool unfinished =
              opened_.scribe->Read([&](const ledger::Books& books, const ledger::MerkleTree&) {
                if (id.scope != 0) return books.open_batches().contains(key.owner.token);
                const ledger::BatchRecord* batch = books.FindBatch(key.owner.token);
                return batch != nullptr && batch->commit != 0 && !batch->decision.has_value();
              });
          if (!unfinished) return Differs("the key index holds a claim of nobody:", name);
        }
        if (page.empty()) break;
        after = page.back().key;
      }
      if (matched != expected.held.size()) {
        return Differs(
            "the key index lacks " + std::to_string(expected.held.size() - matched) + " claims:",
            name);
      }
      report_.keys_compared += matched;
    }
    return OkStatus();
  }

  OpenedInstallation& opened_;
  const VerifyOptions& options_;
  const std::function<void(std::string_view)>& progress_;
  VerifyReport report_;
  StoredTexts texts_{*opened_.scribe, opened_.data->blobs(), *opened_.keyring};
  StoredForms forms_{texts_, size_t{1} << 24};
  const ingest::RunHasher hasher_ = MakeRunHasher(*opened_.keyring);
  // Runs are looked for in an index made from the texts, not in the stored one.
  std::map<uint32_t, std::unique_ptr<ingest::RunIndex>> indexes_;
  absl::flat_hash_map<uint64_t, uint64_t> commits_;  // token → sequence number of the commit
  bool texts_gone_ = false;
  std::unique_ptr<ingest::Fingerprinter> fingerprinter_;
  std::map<uint32_t, std::unique_ptr<ingest::Appraiser>> appraisers_;  // by re-count; 0: genesis
  std::map<std::pair<uint32_t, uint32_t>, Holders> tables_;            // (kind, scope)
  std::map<uint64_t, std::vector<ledger::DecidedItem>> items_;
  std::map<uint32_t, std::vector<ledger::RecountItems>> recounted_;
  uint64_t left_to_deep_ = 0;                            // items of re-counts
  std::vector<std::pair<uint32_t, uint64_t>> approved_;  // re-counts, with their decision's entry
  uint64_t cut_ = 0;                                     // of the last run
  DocumentSet withdrawn_;                                // between the run before it and its cut
  std::map<Owner, std::pair<int64_t, int64_t>> moved_in_all_;  // to heirs
  std::map<Owner, std::pair<int64_t, int64_t>> moved_;
  std::map<Owner, uint64_t> settled_;
  std::map<std::string, std::pair<int64_t, int64_t>> carries_;
};

// A restored journal against the newest checkpoint known outside the data directory: its log, no
// shorter, and the same.
Status AdmitJournal(Journal& journal, const std::string& anchor_path) {
  const StatusOr<std::string> bytes = ReadWholeFile(anchor_path, ledger::kMaxNoteBytes);
  if (bytes.status().code() == absl::StatusCode::kNotFound) return OkStatus();
  JANGBU_RETURN_IF_ERROR(bytes.status());
  ledger::MerkleTree tree;
  std::optional<ledger::Genesis> genesis;
  while (true) {
    JANGBU_ASSIGN_OR_RETURN(const std::vector<std::string> records,
                            journal.Read(tree.size(), 4096, size_t{8} << 20));
    if (records.empty()) break;
    for (const std::string& record : records) {
      JANGBU_ASSIGN_OR_RETURN(const ledger::Entry entry, ledger::DecodeEntry(tree.size(), record));
      if (const auto* body = std::get_if<ledger::Genesis>(&entry.body);
          body != nullptr && tree.size() == 0) {
        genesis = *body;
      }
      tree.Append(ledger::LeafHash(AsView(ledger::LeafData(entry))));
    }
  }
  if (!genesis.has_value())
    return DataLoss("backup_damaged", "the backup's journal does not begin with its genesis");
  ledger::Ed25519Bytes key;
  std::copy_n(genesis->log_public_key.begin(), key.size(), key.begin());
  JANGBU_ASSIGN_OR_RETURN(const ledger::NoteVerifier verifier,
                          ledger::NoteVerifier::Create(genesis->log_origin, key));
  const StatusOr<ledger::Checkpoint> anchor = ledger::VerifyCheckpoint(*bytes, verifier);
  if (!anchor.ok()) {
    return FailedPrecondition("anchor_of_another_log",
                              "the anchor " + anchor_path + " is of another log");
  }
  if (anchor->size > tree.size()) {
    return FailedPrecondition("backup_older_than_anchor",
                              "the backup ends at entry " + std::to_string(tree.size()) +
                                  ", but a checkpoint of " + std::to_string(anchor->size) +
                                  " was signed (" + anchor_path +
                                  "); restoring it would fork the log: find a newer backup");
  }
  JANGBU_ASSIGN_OR_RETURN(const Digest root, tree.Root(anchor->size));
  if (root != anchor->root) {
    return FailedPrecondition("backup_differs_from_anchor",
                              "the backup's journal is not the one the anchor was signed for");
  }
  return OkStatus();
}

}  // namespace

StatusOr<VerifyReport> VerifyDataDir(const VerifyOptions& options,
                                     const std::function<void(std::string_view)>& progress) {
  JANGBU_CHECK(options.clock != nullptr && options.random != nullptr);
  JANGBU_ASSIGN_OR_RETURN(
      OpenedInstallation opened,
      OpenInstallation(options.data_dir, options.master_key_file, options.anchor_file, false,
                       *options.clock, *options.random));
  return Verifier(opened, options, progress).Run();
}

Status BackupDataDir(const std::string& data_dir, const std::string& to) {
  return Backup(data_dir, to);
}

Status RestoreDataDir(const std::string& from, const VerifyOptions& target) {
  RestoreOptions options;
  options.admit = [&](std::string_view, Journal& journal) -> Status {
    // The restored journal against the newest checkpoint known outside: its log, at least as long,
    // and the same.
    const std::string anchor = AnchorPath(target.data_dir, target.anchor_file);
    return AdmitJournal(journal, anchor);
  };
  return Restore(from, target.data_dir, options);
}

}  // namespace jangbu::services
