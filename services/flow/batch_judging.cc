#include "services/flow/batch_judging.h"

#include <utility>

#include "base/check.h"
#include "services/flow/judging.h"
#include "services/flow/parallel.h"

namespace jangbu::services {

StatusOr<JudgedBatch> JudgeBatch(const BatchQuestion& question, const Claiming& claim) {
  const BatchAppraisal& batch = question.batch;
  const std::vector<ingest::DocumentForm>& forms = question.forms;
  JANGBU_CHECK(forms.size() == batch.size());
  const auto self = [&](size_t i) {
    return Owner{.token = question.token, .ordinal = static_cast<uint32_t>(i)};
  };
  std::vector<KeyClaim> documents;
  std::vector<KeyClaim> segments;
  std::vector<size_t> first_segment(batch.size());  // of a document, in `segments`
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto ordinal = static_cast<uint32_t>(i);
    first_segment[i] = segments.size();
    if (batch[i].item.verdict == ledger::Verdict::kRejected) continue;
    documents.push_back({.key = batch[i].document_key, .ordinal = ordinal});
    JANGBU_CHECK(batch[i].offers.size() == forms[i].offers.size());
    // Duplicates claim too: their text may be what is credited when the first one goes.
    for (const ingest::SegmentOffer& offer : batch[i].offers) {
      if (offer.key != ingest::kNoKey) segments.push_back({.key = offer.key, .ordinal = ordinal});
    }
  }
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Owner> document_owners,
                          claim({.kind = kTableDocuments, .scope = question.partner}, documents));
  JANGBU_ASSIGN_OR_RETURN(const std::vector<Owner> segment_owners,
                          claim({.kind = kTableSegments, .scope = question.partner}, segments));

  JudgedBatch judged_batch;
  judged_batch.items.reserve(batch.size());
  for (const DocumentAppraisal& document : batch) judged_batch.items.push_back(document.item);
  std::vector<uint32_t> fresh;
  std::vector<ingest::RunText> texts;
  for (size_t i = 0; i < documents.size(); ++i) {
    const uint32_t ordinal = documents[i].ordinal;
    ledger::Item& item = judged_batch.items[ordinal];
    if (document_owners[i] != self(ordinal)) {
      item.verdict = ledger::Verdict::kExactDuplicate;
      item.duplicate_of = document_owners[i];
      item.similarity_ppm = 1'000'000;
      continue;
    }
    fresh.push_back(ordinal);
    texts.push_back({.document = {.place = PlaceOf(self(ordinal)), .scope = question.partner},
                     .form = forms[ordinal].stream});
  }

  // The batch's own documents, judged against what stands before each.
  JANGBU_ASSIGN_OR_RETURN(judged_batch.segment, ingest::RunSegment::Build(question.hasher, texts));
  const ingest::RunView views[] = {question.earlier,
                                   ingest::RunView(&question.hasher, {judged_batch.segment})};
  const ingest::RunView view = ingest::RunView::Of(views);
  BatchForms sources(question.token, forms, question.stored);
  JANGBU_RETURN_IF_ERROR(ParallelFor(question.workers, fresh.size(), [&](size_t i) -> Status {
    const uint32_t ordinal = fresh[i];
    const ingest::DocumentForm& form = forms[ordinal];
    ledger::Item& item = judged_batch.items[ordinal];
    const ingest::Reference reference{.before = PlaceOf(self(ordinal)), .counts = nullptr};
    std::vector<bool> free(form.offers.size(), false);
    size_t at = first_segment[ordinal];
    for (size_t k = 0; k < free.size(); ++k) {
      if (batch[ordinal].offers[k].key != ingest::kNoKey)
        free[k] = segment_owners[at++] == self(ordinal);
    }
    JANGBU_ASSIGN_OR_RETURN(const Judgement judged,
                            Judge(form, batch[ordinal].offers, free, view, reference, reference,
                                  sources, question.hasher, question.rule));
    item.verdict = ledger::Verdict::kAccepted;
    if (judged.near.has_value()) {
      item.verdict = ledger::Verdict::kNearDuplicate;
      item.duplicate_of = OwnerOf(judged.near->document);
      item.similarity_ppm = ingest::ShareOf(judged.near->covered, form.stream.size());
    }
    item.novel_korean_tokens = judged.credit.korean_tokens;
    item.novel_korean_words = judged.credit.korean_words;
    return OkStatus();
  }));
  return judged_batch;
}

}  // namespace jangbu::services
