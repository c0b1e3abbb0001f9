#include "services/flow/judging.h"

#include "ingest/dedup/coverage.h"

namespace jangbu::services {
namespace {

struct Credited {
  ingest::NovelCounts credit;
  ingest::Intervals may_be_covered;  // by others
};

StatusOr<Credited> CreditByRuns(const ingest::DocumentForm& form,
                                const std::vector<ingest::SegmentOffer>& offers,
                                const std::vector<bool>& free, const ingest::RunView& view,
                                const ingest::Reference& reference, ingest::FormSource& forms,
                                const ingest::RunHasher& hasher, const ingest::NoveltyRule& rule,
                                size_t near) {
  const ingest::Intervals by_self =
      ingest::CoveredBySelf(hasher, form.stream, form.bounds, rule.min_run);
  JANGBU_ASSIGN_OR_RETURN(
      ingest::CoverBounds bounds,
      view.Decide(form.stream, reference, forms, ingest::QuestionsOf(form, offers, free, rule),
                  by_self, near, rule.min_run));
  return Credited{
      .credit = ingest::CreditOf(form, offers, ingest::Union(bounds.sure, by_self), free, rule),
      .may_be_covered = std::move(bounds.may)};
}

}  // namespace

StatusOr<Judgement> Judge(const ingest::DocumentForm& form,
                          const std::vector<ingest::SegmentOffer>& offers,
                          const std::vector<bool>& free, const ingest::RunView& view,
                          const ingest::Reference& reference,
                          const ingest::Reference& near_reference, ingest::FormSource& forms,
                          const ingest::RunHasher& hasher, const ingest::NoveltyRule& rule) {
  const size_t least = ingest::NearThreshold(form.stream.size(), rule);
  JANGBU_ASSIGN_OR_RETURN(Credited credited, CreditByRuns(form, offers, free, view, reference,
                                                          forms, hasher, rule, least));
  Judgement judgement{.credit = credited.credit,
                      .may_be_covered = std::move(credited.may_be_covered),
                      .near = std::nullopt};
  // All together cover at least as much as any one.
  if (ingest::CoveredLength(judgement.may_be_covered) >= least) {
    JANGBU_ASSIGN_OR_RETURN(
        judgement.near, view.NearestWithin(form.stream, judgement.may_be_covered, near_reference,
                                           forms, least, nullptr, rule.min_run));
  }
  return judgement;
}

StatusOr<ingest::NovelCounts> JudgeCredit(
    const ingest::DocumentForm& form, const std::vector<ingest::SegmentOffer>& offers,
    const std::vector<bool>& free, const ingest::RunView& view, const ingest::Reference& reference,
    ingest::FormSource& forms, const ingest::RunHasher& hasher, const ingest::NoveltyRule& rule) {
  JANGBU_ASSIGN_OR_RETURN(const Credited credited, CreditByRuns(form, offers, free, view, reference,
                                                                forms, hasher, rule, SIZE_MAX));
  return credited.credit;
}

}  // namespace jangbu::services
