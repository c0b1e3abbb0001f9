#include "ledger/books_root.h"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::ledger {
namespace {

constexpr size_t kCachedCommits = 64;

// Where documents stand, by (token, ordinal): the last commits read are kept.
class Places {
 public:
  Places(const Books& books, const std::function<StatusOr<Entry>(uint64_t)>& entry_at)
      : books_(books), entry_at_(entry_at) {}

  StatusOr<std::shared_ptr<const Entry>> Commit(uint64_t token) {
    if (const auto found = cache_.find(token); found != cache_.end()) return found->second;
    const BatchRecord* batch = books_.FindBatch(token);
    if (batch == nullptr || batch->commit == 0)
      return DataLoss("no_such_batch", "a document points to no batch");
    JANGBU_ASSIGN_OR_RETURN(Entry entry, entry_at_(batch->commit));
    auto shared = std::make_shared<const Entry>(std::move(entry));
    cache_.emplace(token, shared);
    order_.push_back(token);
    if (order_.size() > kCachedCommits) {
      cache_.erase(order_.front());
      order_.pop_front();
    }
    return shared;
  }

  Status Write(ByteWriter& w, const Owner& owner, bool with_partner) {
    JANGBU_ASSIGN_OR_RETURN(const std::shared_ptr<const Entry> entry, Commit(owner.token));
    const auto& commit = std::get<BatchCommit>(entry->body);
    if (owner.ordinal >= commit.items.size())
      return DataLoss("no_such_document", "a document points past its batch");
    if (with_partner) w.String(entry->partner);
    w.Varint(commit.upload);
    w.Varint(commit.items[owner.ordinal].file);
    w.Varint(commit.items[owner.ordinal].record);
    return OkStatus();
  }

 private:
  const Books& books_;
  const std::function<StatusOr<Entry>(uint64_t)>& entry_at_;
  std::map<uint64_t, std::shared_ptr<const Entry>> cache_;
  std::deque<uint64_t> order_;
};

void WriteItem(ByteWriter& w, const Item& item) {
  w.Varint(item.file);
  w.Varint(item.record);
  w.U8(static_cast<uint8_t>(item.verdict));
  w.String(item.reason);
  for (const int64_t v :
       {item.chars, item.syllables, item.words, item.tokens, item.korean_words, item.korean_tokens,
        item.novel_korean_words, item.novel_korean_tokens, int64_t{item.similarity_ppm}}) {
    w.SignedVarint(v);
  }
}

}  // namespace

StatusOr<Digest> BooksRoot(const Books& books,
                           const std::function<StatusOr<Entry>(uint64_t seq)>& entry_at) {
  Sha256Stream root;
  const auto flush = [&root](ByteWriter& w) {
    root.Update(w.bytes());
    w = ByteWriter();
  };
  Places places(books, entry_at);
  ByteWriter w;
  w.Raw("jangbu books root 1\n");
  JANGBU_CHECK(books.genesis().has_value());
  w.String(books.genesis()->tokenizer_algorithm);
  w.Raw(books.genesis()->tokenizer_sha256);
  w.String(books.genesis()->unicode_version);
  const Policy& policy = books.policy();
  for (const int64_t v : {policy.membership_threshold_words, policy.grain, policy.lot_documents_min,
                          policy.lot_tokens_min, policy.lot_document_share_percent_max,
                          policy.entitlement_numerator, policy.entitlement_denominator}) {
    w.SignedVarint(v);
  }
  for (const auto& [seq, rule] : books.novelty_rules()) {
    w.Varint(rule.min_run);
    w.Varint(rule.near_ppm);
    w.Varint(rule.novel_ppm);
  }
  std::map<std::string_view, const PartnerRecord*> partners;
  for (const auto& partner : books.partners()) partners.emplace(partner->id, partner.get());
  w.Varint(partners.size());
  for (const auto& [id, partner] : partners) {
    w.String(id);
    w.Varint(partner->corpora.size());
    for (const CorpusRecord& corpus : partner->corpora)
      w.U8(static_cast<uint8_t>(corpus.source_type));
    w.Varint(partner->uploads.size());
    for (const uint64_t token : partner->uploads) {
      const UploadRecord& upload = *books.FindUpload(token);
      w.Varint(upload.number);
      w.Varint(upload.corpus);
      w.U8(static_cast<uint8_t>(upload.kind));
      w.U8(static_cast<uint8_t>(upload.state));
      w.Varint(static_cast<uint64_t>(upload.counts.documents));
      for (const uint64_t seq : upload.commits) {
        JANGBU_ASSIGN_OR_RETURN(const Entry entry, entry_at(seq));
        const auto* commit = std::get_if<BatchCommit>(&entry.body);
        if (commit == nullptr)
          return DataLoss("not_a_commit", "journal entry " + std::to_string(seq));
        const BatchRecord& batch = *books.FindBatch(commit->token);
        std::optional<Entry> decided;
        const Decision* decision = nullptr;
        if (batch.decision.has_value()) {
          JANGBU_ASSIGN_OR_RETURN(decided, entry_at(*batch.decision));
          decision = std::get_if<Decision>(&decided->body);
          if (decision == nullptr || decision->items.size() != commit->items.size()) {
            return DataLoss("not_a_decision", "journal entry " + std::to_string(*batch.decision));
          }
        }
        for (size_t i = 0; i < commit->items.size(); ++i) {
          const Item& item = commit->items[i];
          WriteItem(w, item);
          w.U8(item.duplicate_of.has_value() ? 1 : 0);
          if (item.duplicate_of.has_value())
            JANGBU_RETURN_IF_ERROR(places.Write(w, *item.duplicate_of, false));
          w.U8(decision != nullptr ? 1 : 0);
          if (decision == nullptr) continue;
          const DecidedItem& credit = decision->items[i];
          w.SignedVarint(credit.korean_tokens);
          w.SignedVarint(credit.korean_words);
          w.U8(credit.held_by.has_value() ? 1 : 0);
          if (credit.held_by.has_value())
            JANGBU_RETURN_IF_ERROR(places.Write(w, *credit.held_by, true));
          // Nothing where there is none, so that roots of before the first novelty rule stay.
          if (credit.similarity_ppm != 0) w.Varint(credit.similarity_ppm);
        }
        flush(w);
      }
    }
    const PartnerFigures f = books.FiguresOf(*partner, std::nullopt);
    for (const int64_t v :
         {f.provisional_korean_tokens, f.provisional_korean_words, f.confirmed_korean_tokens,
          f.confirmed_korean_words, f.entitlement_pending, f.entitlement_available,
          f.documents_waiting, partner->carry_tokens, partner->carry_words}) {
      w.SignedVarint(v);
    }
    flush(w);
  }
  flush(w);
  return root.Peek();
}

}  // namespace jangbu::ledger
