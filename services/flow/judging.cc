#include "services/flow/judging.h"

#include "ingest/dedup/coverage.h"

namespace jangbu::services {

StatusOr<Judgement> Judge(const ingest::DocumentForm& form, const ingest::RunView& view,
                          const ingest::Reference& reference,
                          const ingest::Reference& near_reference, ingest::FormSource& forms,
                          const ingest::RunHasher& hasher, const ingest::NoveltyRule& rule) {
  Judgement judgement;
  JANGBU_ASSIGN_OR_RETURN(judgement.by_others,
                          view.Covered(form.stream, reference, forms, rule.min_run));
  judgement.covered = ingest::Union(
      judgement.by_others, ingest::CoveredBySelf(hasher, form.stream, form.bounds, rule.min_run));
  // All together cover at least as much as any one.
  const size_t least = ingest::NearThreshold(form.stream.size(), rule);
  if (ingest::CoveredLength(judgement.by_others) >= least) {
    JANGBU_ASSIGN_OR_RETURN(
        judgement.near, view.NearestWithin(form.stream, judgement.by_others, near_reference, forms,
                                           least, nullptr, rule.min_run));
  }
  return judgement;
}

}  // namespace jangbu::services
