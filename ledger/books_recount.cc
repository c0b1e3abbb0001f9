// Re-counting: another tokenizer or another novelty rule, as a shadow run that changes nothing
// until a second person approves what it reports. What documents were committed and decided for is
// never rewritten: the difference is an adjustment of the next lots.

#include <algorithm>
#include <map>

#include "ledger/books.h"
#include "ledger/books_posting.h"

namespace jangbu::ledger {
namespace {

Status Stale() {
  return FailedPrecondition("recount_stale",
                            "credit has moved since the re-count began (a confirmation run, a "
                            "withdrawal, a claim); refuse it and begin another one");
}

}  // namespace

uint32_t Books::TokenizerOf(uint64_t token) const {
  // The opening that the batch was begun in.
  const auto epoch = std::upper_bound(epochs_.begin(), epochs_.end(), token);
  if (epoch == epochs_.begin()) return 0;
  const uint64_t opened = *(epoch - 1);
  uint32_t recount = 0;
  for (const auto& [approved, number] : tokenizers_) {
    if (approved < opened) recount = number;
  }
  return recount;
}

uint32_t Books::NextTokenizer() const {
  return tokenizers_.empty() ? 0 : tokenizers_.back().second;
}

std::vector<RecountLine> Books::LinesOf(const RecountRecord& recount) const {
  std::map<std::string, RecountLine> lines;
  for (const auto& [token, facts] : facts_) {
    const BatchRecord& batch = batches_.at(token);
    if (!batch.decision.has_value() || *batch.decision > recount.seq) continue;
    const std::string& partner = partners_[uploads_.at(batch.upload_token).partner - 1]->id;
    RecountLine& line = lines[partner];
    line.partner = partner;
    for (const DocumentFacts& document : facts) {
      if (!document.credits || document.withdrawn) continue;
      ++line.documents;
      line.korean_tokens_before += document.item_tokens;
      line.korean_words_before += document.item_words;
    }
    const auto items = recount.items.find(token);
    if (items == recount.items.end()) continue;
    for (const RecountItems::Item& item : items->second) {
      ++line.changed;
      line.korean_tokens_after += item.korean_tokens - facts[item.ordinal].item_tokens;
      line.korean_words_after += item.korean_words - facts[item.ordinal].item_words;
    }
  }
  std::vector<RecountLine> sorted;
  for (auto& [partner, line] : lines) {
    if (line.documents == 0) continue;
    line.korean_tokens_after += line.korean_tokens_before;
    line.korean_words_after += line.korean_words_before;
    sorted.push_back(line);
  }
  return sorted;
}

Status Books::ApplyBody(const Entry& e, const RecountBegun& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, true));
  if (b.recount != recounts_.size() + 1)
    return Contradiction(e, "re-counts are numbered without gaps");
  if (!recounts_.empty() && recounts_.back().state == DecisionState::kProposed)
    return FailedPrecondition("recount_open", "decide the re-count that is open first");
  if (open_run_.has_value())
    return FailedPrecondition("run_open", "a confirmation run is under way; wait for its end");
  const bool rule = b.min_run != 0;
  if (rule && (b.min_run < 24 || b.min_run > 64 || b.near_ppm == 0 || b.near_ppm > 1'000'000 ||
               b.novel_ppm == 0 || b.novel_ppm > 1'000'000)) {
    return InvalidArgument("bad_novelty_rule",
                           "min_run is 24 to 64 code points, the shares are 1 to 1000000 ppm");
  }
  if (!rule && (b.near_ppm != 0 || b.novel_ppm != 0)) return Contradiction(e, "half a rule");
  if (!rule && b.tokenizer_algorithm.empty()) {
    return InvalidArgument("nothing_to_recount",
                           "a re-count has another tokenizer or another novelty rule");
  }
  if (b.tokenizer_algorithm.empty() != (b.tokenizer_sha256 == Digest{}))
    return Contradiction(e, "half a tokenizer");
  RecountRecord record;
  record.spec = b;
  record.seq = e.seq;
  record.proposed = std::move(act);
  recounts_.push_back(std::move(record));
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const RecountItems& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  if (b.recount == 0 || b.recount != recounts_.size() || recounts_.back().reported ||
      recounts_.back().state != DecisionState::kProposed) {
    return Contradiction(e, "there is no such re-count under way");
  }
  RecountRecord& recount = recounts_.back();
  if (credit_moved_ > recount.seq) return Stale();
  const BatchRecord* batch = FindBatch(b.token);
  if (batch == nullptr || !batch->decision.has_value())
    return Contradiction(e, "the batch is not decided");
  if (b.items.empty() || (!recount.items.empty() && recount.items.rbegin()->first >= b.token))
    return Contradiction(e, "batches with differences, ascending");
  const std::vector<DocumentFacts>& facts = facts_.at(b.token);
  for (size_t i = 0; i < b.items.size(); ++i) {
    const RecountItems::Item& item = b.items[i];
    if ((i > 0 && item.ordinal <= b.items[i - 1].ordinal) || item.ordinal >= facts.size())
      return Contradiction(e, "documents ascend");
    const DocumentFacts& document = facts[item.ordinal];
    if (!document.credits || document.withdrawn || item.korean_tokens > int64_t{UINT32_MAX} ||
        item.korean_words > int64_t{UINT32_MAX} ||
        (item.korean_tokens == document.item_tokens && item.korean_words == document.item_words)) {
      return Contradiction(e, "document " + std::to_string(item.ordinal) + " does not differ so");
    }
  }
  recount.items.emplace(b.token, b.items);
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const RecountReported& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  if (b.recount == 0 || b.recount != recounts_.size() || recounts_.back().reported ||
      recounts_.back().state != DecisionState::kProposed) {
    return Contradiction(e, "there is no such re-count under way");
  }
  RecountRecord& recount = recounts_.back();
  if (credit_moved_ > recount.seq) return Stale();
  if (b.lines != LinesOf(recount))
    return Contradiction(e, "the report is not the sum of its items");
  recount.lines = b.lines;
  recount.reported = true;
  return OkStatus();
}

Status Books::ApplyBody(const Entry& e, const RecountDecided& b) {
  if (!e.partner.empty()) return Contradiction(e, "names a partner");
  // Whoever may begin one may give it up.
  JANGBU_ASSIGN_OR_RETURN(Act act, ActOf(e, b.by, !b.approved));
  if (b.recount < 1 || b.recount > recounts_.size())
    return NotFound("no_such_recount", "there is no such re-count");
  RecountRecord& recount = recounts_[b.recount - 1];
  if (recount.state != DecisionState::kProposed)
    return FailedPrecondition("recount_decided", "the re-count is decided already");
  if (b.approved) {
    if (!recount.reported)
      return FailedPrecondition("recount_unfinished", "the re-count has no report yet");
    if (SamePerson(act.person, recount.proposed.person)) {
      return FailedPrecondition("same_person", "it was begun by " + recount.proposed.person +
                                                   "; another person decides it");
    }
    if (open_run_.has_value())
      return FailedPrecondition("run_open", "a confirmation run is under way; wait for its end");
    if (credit_moved_ > recount.seq) return Stale();
    // From here on it is the credit of those documents.
    credit_moved_ = e.seq;
    for (const auto& [token, items] : recount.items) {
      for (const RecountItems::Item& item : items) {
        DocumentFacts& document = facts_.at(token)[item.ordinal];
        document.korean_tokens =
            std::max(document.korean_tokens, static_cast<uint32_t>(item.korean_tokens));
        document.korean_words =
            std::max(document.korean_words, static_cast<uint32_t>(item.korean_words));
        MoveCredit(*PartnerOfBatch(token), {.token = token, .ordinal = item.ordinal},
                   item.korean_tokens - document.item_tokens,
                   item.korean_words - document.item_words, AdjustmentKind::kRecounted);
      }
    }
    for (auto& [token, batch] : batches_) {
      if (batch.decision.has_value()) batch.recount = b.recount;
    }
    if (recount.spec.min_run != 0) {
      novelty_rules_.emplace_back(e.seq, NoveltyRule{.min_run = recount.spec.min_run,
                                                     .near_ppm = recount.spec.near_ppm,
                                                     .novel_ppm = recount.spec.novel_ppm});
    }
    if (!recount.spec.tokenizer_algorithm.empty()) tokenizers_.emplace_back(e.seq, b.recount);
  }
  recount.state = b.approved ? DecisionState::kApproved : DecisionState::kRefused;
  recount.items.clear();
  recount.decided = std::move(act);
  return OkStatus();
}

}  // namespace jangbu::ledger
