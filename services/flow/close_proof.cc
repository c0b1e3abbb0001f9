#include "services/flow/close_proof.h"

#include "base/bytes.h"

namespace jangbu::services {

ledger::PublishedClose Publish(const ledger::CloseFigures& figures, const Digest& seed) {
  const auto& shares = figures.split.shares;
  ledger::PublishedClose published;
  published.period = figures.period;
  published.partners = static_cast<uint32_t>(shares.size());
  const std::vector<uint32_t> places = ledger::CommitmentPlaces(seed, shares);
  std::vector<Point> points(shares.size());
  Scalar blinding{};
  for (size_t i = 0; i < shares.size(); ++i) {
    const Scalar r = BlindingOf(seed, shares[i].partner);
    points[places[i]] = CommitTo(shares[i].weight, r);
    blinding = AddScalars(blinding, r);
  }
  for (const Point& point : points) published.commitments.append(AsView(point));
  ledger::PublishedCut cut = ledger::CutOf(figures.split, figures.period, seed);
  published.total = cut.total;
  if (!cut.total) return published;
  published.pool_won = figures.split.pool.value();
  published.total_weight = figures.split.total_weight;
  published.blinding = blinding;
  published.threshold = cut.threshold;
  published.tied = std::move(cut.tied);
  return published;
}

Status CheckPublished(const ledger::PublishedClose& published, const ledger::CloseFigures& figures,
                      const Digest& seed) {
  for (const ledger::PartnerShare& share : figures.split.shares) {
    if (share.weight < 0)
      return DataLoss("close_forged", "the weight of " + share.partner + " is negative");
  }
  if (Publish(figures, seed) == published) return OkStatus();
  return DataLoss("close_forged", "the close of " + ledger::ToString(figures.period) +
                                      " does not publish the weights of its partners");
}

}  // namespace jangbu::services
