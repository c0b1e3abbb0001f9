#pragma once

// How new a document is against a reference: the two judgements of every document (its partner's,
// against its own earlier text; the operator's, against everybody's) are this one with two views.
//
// Pure: the answer depends on the document, the rule and the texts that the reference counts.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/key_index.h"
#include "base/status.h"
#include "ingest/dedup/document_form.h"
#include "ingest/dedup/run_index.h"
#include "ledger/entry.h"

namespace jangbu::services {

// Whether a document gives text to be judged against: what its partner saw it accepted.
inline bool InReference(ledger::Verdict verdict) {
  return verdict == ledger::Verdict::kAccepted || verdict == ledger::Verdict::kNearDuplicate;
}

inline ingest::NoveltyRule RuleOf(const ledger::NoveltyRule& rule) {
  return {.min_run = rule.min_run, .near_ppm = rule.near_ppm, .novel_ppm = rule.novel_ppm};
}

struct Judgement {
  // Of its novel segments.
  ingest::NovelCounts credit;
  // Code points of the stream outside lie in no run of the reference.
  ingest::Intervals may_be_covered;
  // The earlier document that makes it a near duplicate.
  std::optional<ingest::NearDocument> near;
};

// `offers` and `free` as in CreditOf. `near_reference` may count fewer documents than `reference`,
// never others. Coverage is settled as far as it decides a segment or the verdict, no further
// (RunView::Decide). Thread-safe.
StatusOr<Judgement> Judge(const ingest::DocumentForm& form,
                          const std::vector<ingest::SegmentOffer>& offers,
                          const std::vector<bool>& free, const ingest::RunView& view,
                          const ingest::Reference& reference,
                          const ingest::Reference& near_reference, ingest::FormSource& forms,
                          const ingest::RunHasher& hasher, const ingest::NoveltyRule& rule);
// The credit alone.
StatusOr<ingest::NovelCounts> JudgeCredit(
    const ingest::DocumentForm& form, const std::vector<ingest::SegmentOffer>& offers,
    const std::vector<bool>& free, const ingest::RunView& view, const ingest::Reference& reference,
    ingest::FormSource& forms, const ingest::RunHasher& hasher, const ingest::NoveltyRule& rule);

// The forms of a batch that is being settled, and those that are stored.
class BatchForms : public ingest::FormSource {
 public:
  BatchForms(uint64_t token, const std::vector<ingest::DocumentForm>& forms,
             ingest::FormSource& stored)
      : token_(token), forms_(forms), stored_(stored) {}
  StatusOr<std::shared_ptr<const std::u32string>> Form(
      const ingest::RunDocument& document) override {
    if (document.place.entry != token_) return stored_.Form(document);
    // Borrowed: the batch outlives the question.
    return std::shared_ptr<const std::u32string>(std::shared_ptr<void>(),
                                                 &forms_[document.place.ordinal].stream);
  }

 private:
  const uint64_t token_;
  const std::vector<ingest::DocumentForm>& forms_;
  ingest::FormSource& stored_;
};

inline Owner OwnerOf(const ingest::RunDocument& document) {
  return {.token = document.place.entry, .ordinal = document.place.ordinal};
}
inline ingest::JournalPlace PlaceOf(const Owner& owner) {
  return {.entry = owner.token, .ordinal = owner.ordinal};
}

// What stands before document `self` when batches are taken in the order of their commits, `self`'s
// at `commit`: what stands before it in its own batch, and all of the batches committed earlier.
// `commits`: token → sequence number of the commit; borrowed by the result. A batch that commits
// before another does began before that one's commit, so tokens bound what is asked.
inline ingest::Reference EarlierThan(const Owner& self, uint64_t commit,
                                     const absl::flat_hash_map<uint64_t, uint64_t>& commits) {
  return {.before = {.entry = commit, .ordinal = 0},
          .counts =
              [self, commit, &commits](const ingest::RunDocument& d) {
                if (d.place.entry == self.token) return d.place.ordinal < self.ordinal;
                const auto found = commits.find(d.place.entry);
                return found != commits.end() && found->second < commit;
              },
          .self = PlaceOf(self)};
}

// Of `reference` the documents of partners for which `of` says yes.
template <typename Of>
ingest::Reference Only(const ingest::Reference& reference, Of of) {
  ingest::Reference out = reference;
  out.counts = [counts = reference.counts, of](const ingest::RunDocument& d) {
    return of(d.scope) && (!counts || counts(d));
  };
  return out;
}

}  // namespace jangbu::services
